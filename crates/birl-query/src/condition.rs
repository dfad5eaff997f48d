//! A condition over the rows of an answer, as rules have them.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DataFusionError, SchemaError};
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::PhysicalExpr;

use crate::pipe::nearest;
use crate::{Error, Plan, Session};

/// A condition in SQL over the columns of an answer: `count > 50 and service <> 'probe'`.
#[derive(Clone)]
pub struct Condition {
    text: String,
    logical: Expr,
    expression: Arc<dyn PhysicalExpr>,
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.text).finish()
    }
}

impl Session {
    /// Reads a condition over rows of these columns.
    ///
    /// # Errors
    /// Fails where `text` is no SQL, names a column that is not there, or says nothing that is true or
    /// false.
    pub fn condition(&self, text: &str, schema: &SchemaRef) -> Result<Condition, Error> {
        let columns = DFSchema::try_from(schema.as_ref().clone())?;
        let read = || {
            let logical = self.state.create_logical_expr(text, &columns)?;
            if let Some(what) = beyond_a_row(&logical)? {
                return Ok(Err(what));
            }
            let physical = self.state.create_physical_expr(logical.clone(), &columns)?;
            Ok(Ok((logical, physical)))
        };
        let read = read().map_err(|error| refused(text, error, schema))?;
        let (logical, expression) = read.map_err(|what| {
            Error::run(format!(
                "{text:?} has {what}, and a condition looks at one row"
            ))
            .with_hint("the query works it out: |> stats sum(bytes) as sum")
        })?;
        match expression.data_type(schema)? {
            DataType::Boolean => {
                // What cannot be worked out of no rows never can: a text that is no number, which one is compared with.
                expression.evaluate(&RecordBatch::new_empty(schema.clone()))?;
                Ok(Condition {
                    text: text.to_owned(),
                    logical,
                    expression,
                })
            }
            _ => Err(Error::run(format!("{text:?} is neither true nor false"))
                .with_hint("a condition compares: count > 50")),
        }
    }
}

/// What in an expression is not of one row.
fn beyond_a_row(expression: &Expr) -> Result<Option<&'static str>, DataFusionError> {
    let mut found = None;
    expression.apply(|expression| {
        found = match expression {
            Expr::AggregateFunction(_) => Some("an aggregate"),
            Expr::WindowFunction(_) => Some("a function over a window"),
            Expr::ScalarSubquery(_) | Expr::InSubquery(_) | Expr::Exists(_) => Some("a query"),
            _ => return Ok(TreeNodeRecursion::Continue),
        };
        Ok(TreeNodeRecursion::Stop)
    })?;
    Ok(found)
}

impl Plan {
    /// Whether `condition`, once it is true of a row of a window that is [open](crate::Answer::SoFar),
    /// stays true of it until the window closes: where counts, maxima and the like are above bounds.
    pub fn keeps(&self, condition: &Condition) -> bool {
        self.courses.keep(&condition.logical)
    }
}

impl Condition {
    /// Of which of the rows it is true. It is not, where a value is missing that it depends on.
    ///
    /// # Errors
    /// Fails where it cannot be worked out, as by a division by 0.
    pub fn holds(&self, rows: &RecordBatch) -> Result<Vec<bool>, Error> {
        let values = self.expression.evaluate(rows)?;
        let values = values.into_array(rows.num_rows())?;
        let values = values.as_boolean();
        Ok((0..values.len())
            .map(|row| values.is_valid(row) && values.value(row))
            .collect())
    }
}

/// Why `text` is no condition over these columns.
fn refused(text: &str, error: DataFusionError, schema: &SchemaRef) -> Error {
    let DataFusionError::SchemaError(error, _) = error.find_root() else {
        return match error.find_root() {
            DataFusionError::SQL(why, _) => {
                Error::run(format!("{text:?} is no condition in SQL: {why}"))
            }
            _ => error.into(),
        };
    };
    let SchemaError::FieldNotFound { field, .. } = &**error else {
        return Error::run(format!("cannot use {text:?}: {error}"));
    };
    let name = &field.name;
    let known: Vec<_> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    let message = format!(
        "the answer has no column {name:?}: it has {}",
        known.join(", ")
    );
    match nearest(name, known) {
        Some(meant) => Error::run(message).with_hint(format!("did you mean {meant:?}?")),
        None => Error::run(message),
    }
}

#[cfg(test)]
mod tests;
