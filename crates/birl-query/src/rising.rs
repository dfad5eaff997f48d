//! What stays true of a window while records come: then it need not close before that is told.
//!
//! A count, a number of different values and a maximum can only rise. A condition that they are above a
//! bound, once true of a group, stays true of it until the window closes.

use std::collections::BTreeMap;

use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::expr::{AggregateFunction, AggregateFunctionParams, Sort};
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator};

/// How a value changes while records come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Course {
    /// Not at all.
    Stays,
    /// It can only rise. Of what is true or false: it can only turn true.
    Rises,
    /// Nobody knows.
    Open,
}

/// How the columns of a plan change, by their names. There are none where a row may go away again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Courses(BTreeMap<String, Course>);

impl Courses {
    /// Those of the rows of a plan.
    pub(crate) fn of(plan: &LogicalPlan) -> Self {
        let courses = columns(plan).unwrap_or_default();
        let names = plan
            .schema()
            .fields()
            .iter()
            .map(|field| field.name().clone());
        Self(names.zip(courses).collect())
    }

    /// Whether what is true by `condition` of a row stays true of it.
    pub(crate) fn keep(&self, condition: &Expr) -> bool {
        let of = |name: &str| self.0.get(name).copied();
        course(condition, &of) != Course::Open
    }
}

/// How the columns of a plan change, in their order.
fn columns(plan: &LogicalPlan) -> Option<Vec<Course>> {
    match plan {
        LogicalPlan::Aggregate(aggregate) => {
            let groups = aggregate.group_expr.iter().map(|_| Course::Stays);
            let columns = aggregate.schema.fields().iter().skip(groups.len());
            let values = aggregate.aggr_expr.iter().zip(columns);
            let values = values.map(|(value, column)| aggregated(value, column.data_type()));
            Some(groups.chain(values).collect())
        }
        LogicalPlan::Projection(projection) => {
            let of = by_name(&projection.input)?;
            let of = |name: &str| of.get(name).copied();
            Some(
                projection
                    .expr
                    .iter()
                    .map(|expr| course(expr, &of))
                    .collect(),
            )
        }
        LogicalPlan::Filter(filter) => {
            let of = by_name(&filter.input)?;
            let of = |name: &str| of.get(name).copied();
            match course(&filter.predicate, &of) {
                Course::Open => None,
                Course::Stays | Course::Rises => columns(&filter.input),
            }
        }
        LogicalPlan::SubqueryAlias(alias) => columns(&alias.input),
        LogicalPlan::Sort(sort) if sort.fetch.is_none() => columns(&sort.input),
        _ => None,
    }
}

fn by_name(plan: &LogicalPlan) -> Option<BTreeMap<String, Course>> {
    let courses = columns(plan)?;
    let names = plan
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone());
    Some(names.zip(courses).collect())
}

/// How an aggregate changes, whose values are of this type.
fn aggregated(expr: &Expr, ty: &DataType) -> Course {
    match expr {
        Expr::Alias(alias) => aggregated(&alias.expr, ty),
        Expr::AggregateFunction(AggregateFunction { func, params }) => {
            let is_ordered = !params.order_by.is_empty();
            let is_rising = match func.name() {
                "count" | "approx_distinct" | "bool_or" => !is_ordered,
                // The number that the largest of texts reads like may fall.
                "max" => !is_ordered && !ty.is_string(),
                "sum" => !is_ordered && params.args.iter().all(is_not_negative),
                // So the largest is asked for of columns whose type is guessed.
                "last_value" => is_largest(params),
                _ => false,
            };
            match is_rising && params.null_treatment.is_none() {
                true => Course::Rises,
                false => Course::Open,
            }
        }
        _ => Course::Open,
    }
}

/// Whether the last value is the largest: where values are in an order of their own.
fn is_largest(of: &AggregateFunctionParams) -> bool {
    let [value] = &of.args[..] else {
        return false;
    };
    let is_of_value = |key: &Sort| match &key.expr {
        Expr::TryCast(cast) => *cast.expr == *value,
        key => key == value,
    };
    let mut keys = of.order_by.iter();
    !of.order_by.is_empty() && keys.all(|key| key.asc && key.nulls_first && is_of_value(key))
}

/// Whether values are lengths and the like.
fn is_not_negative(expr: &Expr) -> bool {
    const FUNCTIONS: [&str; 5] = [
        "abs",
        "character_length",
        "octet_length",
        "bit_length",
        "sqrt",
    ];
    match expr {
        Expr::Alias(alias) => is_not_negative(&alias.expr),
        Expr::Cast(cast) => cast.field.data_type().is_numeric() && is_not_negative(&cast.expr),
        Expr::ScalarFunction(call) => FUNCTIONS.contains(&call.func.name()),
        Expr::Literal(value, _) => value
            .to_string()
            .parse()
            .is_ok_and(|value: f64| value >= 0.0),
        _ => false,
    }
}

/// How the value of an expression changes, over columns of which `of` says how they do.
fn course(expr: &Expr, of: &impl Fn(&str) -> Option<Course>) -> Course {
    match expr {
        Expr::Alias(alias) => course(&alias.expr, of),
        Expr::Column(column) => of(&column.name).unwrap_or(Course::Open),
        Expr::Literal(..) => Course::Stays,
        Expr::Cast(cast) if cast.field.data_type().is_numeric() => course(&cast.expr, of),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            match (course(left, of), op, course(right, of)) {
                (Course::Stays, _, Course::Stays) => Course::Stays,
                (Course::Open, ..) | (.., Course::Open) => Course::Open,
                (_, Operator::And | Operator::Or, _) => Course::Rises,
                (_, Operator::Gt | Operator::GtEq, Course::Stays) => Course::Rises,
                (Course::Stays, Operator::Lt | Operator::LtEq, _) => Course::Rises,
                (_, Operator::Plus, _) => Course::Rises,
                _ => Course::Open,
            }
        }
        Expr::Not(expr) | Expr::IsNull(expr) | Expr::IsNotNull(expr) => stays(&[expr], of),
        Expr::Like(like) => stays(&[&like.expr, &like.pattern], of),
        Expr::InList(list) => stays(
            &list.list.iter().chain([&*list.expr]).collect::<Vec<_>>(),
            of,
        ),
        _ => Course::Open,
    }
}

/// That of an expression which changes only with these.
fn stays(exprs: &[&Expr], of: &impl Fn(&str) -> Option<Course>) -> Course {
    match exprs.iter().all(|expr| course(expr, of) == Course::Stays) {
        true => Course::Stays,
        false => Course::Open,
    }
}
