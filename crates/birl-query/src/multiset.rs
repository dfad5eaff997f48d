//! Rows that are held against each other: those of `intersect`, `except` and `union distinct`.
//!
//! A row is there as often as in both, or as often more, by `intersect all` and `except all`: DataFusion keeps all
//! rows of the left that the right has, or has not, however often. And where a record is from, as the rows of each
//! scan know it, tells no two rows apart.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, JoinType, NullEquality, Result, ScalarValue};
use datafusion::functions_window::row_number::row_number_udwf;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{
    Distinct, Expr, ExprFunctionExt, Join, LogicalPlan, LogicalPlanBuilder,
    WindowFunctionDefinition, lit,
};

use crate::table::ORIGIN;

/// What the column is called that tells how many rows that are the same stand before one.
const NUMBER: &str = "\u{1}number";

/// The same plan, in which rows that are the same are counted where they are held against others.
pub(crate) fn counted(plan: LogicalPlan) -> Result<LogicalPlan> {
    let plan = plan.transform_up_with_subqueries(|node| match node {
        LogicalPlan::Join(mut join) if is_of_set(&join) && has_origin(&join.left) => {
            join.on.retain(|(left, _)| !is_origin(left));
            let of_all = is_of_all(&join);
            Ok(Transformed::yes(match of_all {
                true => with_numbers(join)?,
                false => LogicalPlan::Join(join),
            }))
        }
        LogicalPlan::Distinct(Distinct::All(rows)) if has_origin(&rows) && unites(&rows)? => {
            let rows = without_origin(&rows)?;
            Ok(Transformed::yes(LogicalPlan::Distinct(Distinct::All(
                rows.into(),
            ))))
        }
        LogicalPlan::Join(join) if is_of_all(&join) => Ok(Transformed::yes(with_numbers(join)?)),
        node => Ok(Transformed::no(node)),
    })?;
    Ok(plan.data)
}

/// Whether a join is what `intersect` or `except` have been made.
fn is_of_set(join: &Join) -> bool {
    matches!(join.join_type, JoinType::LeftSemi | JoinType::LeftAnti)
        && join.null_equality == NullEquality::NullEqualsNull
}

/// Whether it is of all rows, and not of different ones.
fn is_of_all(join: &Join) -> bool {
    is_of_set(join) && !matches!(&*join.left, LogicalPlan::Distinct(_))
}

fn has_origin(rows: &LogicalPlan) -> bool {
    let mut columns = rows.schema().fields().iter();
    columns.any(|column| column.name() == ORIGIN)
}

fn is_origin(expr: &Expr) -> bool {
    matches!(expr, Expr::Column(column) if column.name == ORIGIN)
}

/// Whether rows are of several scans.
fn unites(rows: &LogicalPlan) -> Result<bool> {
    rows.exists(|node| Ok(matches!(node, LogicalPlan::Union(_))))
}

/// The rows, of which nobody knows where they are from.
fn without_origin(rows: &Arc<LogicalPlan>) -> Result<LogicalPlan> {
    let columns = rows.schema().iter().map(|(qualifier, field)| {
        let column = Column::new(qualifier.cloned(), field.name());
        match column.name == ORIGIN {
            true => lit(ScalarValue::Int32(None)).alias_qualified(column.relation, column.name),
            false => Expr::Column(column),
        }
    });
    let columns: Vec<_> = columns.collect();
    LogicalPlanBuilder::from(Arc::clone(rows))
        .project(columns)?
        .build()
}

fn with_numbers(join: Join) -> Result<LogicalPlan> {
    let shown = join.left.schema().columns();
    let (left, left_keys) = numbered(&join.left)?;
    let (right, right_keys) = numbered(&join.right)?;
    let keys = std::iter::zip(left_keys, right_keys);
    let keys = keys.filter(|(left, _)| left.name != ORIGIN).unzip();
    LogicalPlanBuilder::from(left)
        .join_detailed(
            right,
            join.join_type,
            keys,
            None,
            NullEquality::NullEqualsNull,
        )?
        .project(shown.into_iter().map(Expr::Column))?
        .build()
}

/// The rows with their number among those that are the same, and all columns.
fn numbered(rows: &Arc<LogicalPlan>) -> Result<(LogicalPlan, Vec<Column>)> {
    let columns = rows.schema().columns();
    let exprs = || columns.iter().cloned().map(Expr::Column);
    let same = exprs().filter(|it| !is_origin(it)).collect();
    let row_number = WindowFunctionDefinition::WindowUDF(row_number_udwf());
    let number = Expr::from(WindowFunction::new(row_number, Vec::new()))
        .partition_by(same)
        .build()?;
    let name = number.schema_name().to_string();
    let number_column = Expr::Column(Column::from_name(name)).alias(NUMBER);
    let plan = LogicalPlanBuilder::from(Arc::clone(rows))
        .window([number])?
        .project(exprs().chain([number_column]))?
        .build()?;
    let keys = plan.schema().columns();
    Ok((plan, keys))
}
