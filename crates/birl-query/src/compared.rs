//! Comparisons that can be true of nothing: a number with a text that is none.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result, ScalarValue, plan_err};
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Between, BinaryExpr, Expr, ExprSchemable, LogicalPlan};

/// How an error begins that tells of one; the text stands behind it, in quotes.
pub(crate) const NO_NUMBER: &str = "a number is compared with ";

/// Refuses to compare a number with a text that is none, as in `count > 'a'`.
pub(crate) fn check(plan: &LogicalPlan) -> Result<()> {
    plan.apply_with_subqueries(|node| {
        let schema = merge_schema(&node.inputs());
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                check_one(expr, &schema)?;
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(())
}

fn check_one(expr: &Expr, schema: &DFSchema) -> Result<()> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if op.supports_propagation() => {
            check_pair(left, right, schema)?;
            check_pair(right, left, schema)
        }
        Expr::Between(Between {
            expr, low, high, ..
        }) => {
            check_pair(expr, low, schema)?;
            check_pair(expr, high, schema)
        }
        Expr::InList(InList { expr, list, .. }) => {
            let mut list = list.iter();
            list.try_for_each(|it| check_pair(expr, it, schema))
        }
        _ => Ok(()),
    }
}

fn check_pair(value: &Expr, other: &Expr, schema: &DFSchema) -> Result<()> {
    let Expr::Literal(literal, _) = other else {
        return Ok(());
    };
    let Some(Some(text)) = literal.try_as_str() else {
        return Ok(());
    };
    let is_number = value.get_type(schema).is_ok_and(|ty| ty.is_numeric());
    match is_number && !reads_as_number(literal) {
        true => plan_err!("{NO_NUMBER}'{text}'"),
        false => Ok(()),
    }
}

fn reads_as_number(text: &ScalarValue) -> bool {
    let number = text.cast_to(&DataType::Float64);
    number.is_ok_and(|number| !number.is_null())
}
