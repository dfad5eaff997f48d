//! Columns of two tables that are one by their name: `join users on user_id`.
//!
//! DataFusion keeps both and takes one of them for it: for `*` the one whose table comes first in the
//! alphabet, and for the name the one on the left. Where a row has no partner, that one may be null.

use std::collections::{BTreeSet, HashMap, HashSet};

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, JoinConstraint, JoinType, Result};
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::{Expr, ExprSchemable, Join, LogicalPlan, Projection, cast};

/// The same plan, in which both columns have the value that either has. Those that are `mentioned`, each by
/// the name of its table and its own, are left as they are: a query asks by them which rows have a partner.
pub(crate) fn by_name(
    plan: LogicalPlan,
    mentioned: &BTreeSet<(String, String)>,
) -> Result<LogicalPlan> {
    let plan = plan.transform_up_with_subqueries(|node| {
        let LogicalPlan::Join(join) = node else {
            return Ok(Transformed::no(node));
        };
        let values = values(&join, mentioned)?;
        if values.is_empty() {
            return Ok(Transformed::no(LogicalPlan::Join(join)));
        }
        let columns = join.schema.iter().map(|(qualifier, field)| {
            let column = Column::new(qualifier.cloned(), field.name());
            match values.get(&column) {
                Some(value) => value.clone().alias_qualified(column.relation, column.name),
                None => Expr::Column(column),
            }
        });
        let columns = columns.collect();
        let joined = LogicalPlan::Join(join);
        let projection = Projection::try_new(columns, joined.into())?;
        Ok(Transformed::yes(LogicalPlan::Projection(projection)))
    })?;
    match plan.transformed {
        true => plan.data.recompute_schema(),
        false => Ok(plan.data),
    }
}

/// The values of the columns of a join that may be null while the other, which is the same by its name, is
/// not.
fn values(join: &Join, mentioned: &BTreeSet<(String, String)>) -> Result<HashMap<Column, Expr>> {
    let mut values = HashMap::new();
    for (left, right) in pairs(join) {
        let of = |column: &Column, value: Expr| -> Result<(Column, Expr)> {
            let ty = Expr::Column(column.clone()).get_type(&*join.schema)?;
            let value = match value.get_type(&*join.schema)? == ty {
                true => value,
                false => cast(value, ty),
            };
            Ok((column.clone(), value))
        };
        let either = || {
            let both = [&left, &right].map(|it| Expr::Column(it.clone()));
            coalesce(both.to_vec())
        };
        let given = match join.join_type {
            JoinType::Left => vec![of(&right, Expr::Column(left.clone()))?],
            JoinType::Right => vec![of(&left, Expr::Column(right.clone()))?],
            JoinType::Full => vec![of(&left, either())?, of(&right, either())?],
            _ => Vec::new(),
        };
        values.extend(given.into_iter().filter(|(column, _)| {
            let table = column.relation.as_ref().map(|it| it.table().to_owned());
            let is_mentioned = |name: &str| {
                let table = table.clone().unwrap_or_default();
                mentioned.contains(&(table, name.to_owned()))
            };
            !is_mentioned(&column.name) && !is_mentioned("*")
        }));
    }
    Ok(values)
}

/// The columns of a join that are one by their name, those of both sides.
fn pairs(join: &Join) -> Vec<(Column, Column)> {
    if join.join_constraint != JoinConstraint::Using {
        return Vec::new();
    }
    let pairs = join.on.iter().filter_map(|(left, right)| {
        let (left, right) = (left.get_as_join_column()?, right.get_as_join_column()?);
        Some((left.clone(), right.clone()))
    });
    pairs.collect()
}

/// The columns of a plan's rows that another of them is as well, by its name.
pub(crate) fn shown_twice(plan: &LogicalPlan) -> Result<HashSet<Column>> {
    let columns: HashSet<_> = plan.schema().columns().into_iter().collect();
    let mut twice = HashSet::new();
    plan.apply(|node| {
        if let LogicalPlan::Join(join) = node {
            let pairs = pairs(join).into_iter();
            let pairs =
                pairs.filter(|(left, right)| columns.contains(left) && columns.contains(right));
            twice.extend(pairs.map(|(left, right)| match join.join_type {
                JoinType::Right => left,
                _ => right,
            }));
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(twice)
}
