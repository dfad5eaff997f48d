//! Columns of which nobody knows the type before they are read, as those of pipes, of which the beginning is
//! known at most; and, in steps, those that have both texts and numbers.
//!
//! They are texts unless the query calculates with them, also where the beginning of a pipe has whole
//! numbers: fractions may follow. So that an answer is the same as of a file, their numbers are sorted,
//! compared with each other, asked for the largest, and printed, by their values.

use std::collections::HashMap;
use std::sync::Arc;

use birl_record::columns::HAS_NUMBERS;
use datafusion::arrow::datatypes::{DataType, SchemaBuilder, SchemaRef};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, Result, internal_err};
use datafusion::datasource::source_as_provider;
use datafusion::functions_aggregate::first_last::{first_value_udaf, last_value_udaf};
use datafusion::logical_expr::expr::{AggregateFunction, ScalarFunction, Sort};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{
    Between, BinaryExpr, Distinct, Expr, LogicalPlan, Operator, binary_expr, not, try_cast, when,
};

use crate::table::Logs;

/// The same plan, in which texts of columns whose type is guessed go by the numbers that they read like.
pub(crate) fn by_value(plan: LogicalPlan, is_guessed: IsSo) -> Result<LogicalPlan> {
    let plan = plan.transform_up_with_subqueries(|node| {
        if let LogicalPlan::Sort(mut sort) = node {
            let keys = std::mem::take(&mut sort.expr);
            let count = keys.len();
            sort.expr = sorted(keys, &[&sort.input], is_guessed);
            let changed = sort.expr.len() > count;
            return Ok(Transformed::new_transformed(
                LogicalPlan::Sort(sort),
                changed,
            ));
        }
        let inputs: Vec<_> = node.inputs().into_iter().cloned().collect();
        let inputs: Vec<_> = inputs.iter().collect();
        let names = NamePreserver::new(&node);
        node.map_expressions(|expr| {
            let name = names.save(&expr);
            let expr = expr.transform_up(|expr| valued(expr, &inputs, is_guessed))?;
            Ok(expr.update_data(|expr| name.restore(expr)))
        })
    })?;
    match plan.transformed {
        true => plan.data.recompute_schema(),
        false => Ok(plan.data),
    }
}

/// The same keys, with the number before each text that may be one.
fn sorted(keys: Vec<Sort>, inputs: &[&LogicalPlan], is_guessed: IsSo) -> Vec<Sort> {
    let number = |key: &Sort| {
        is_column(&key.expr, inputs, is_guessed).then(|| Sort {
            expr: number_of(&key.expr),
            ..key.clone()
        })
    };
    let keys = keys.into_iter();
    keys.flat_map(|key| number(&key).into_iter().chain([key]))
        .collect()
}

fn valued(expr: Expr, inputs: &[&LogicalPlan], is_guessed: IsSo) -> Result<Transformed<Expr>> {
    match expr {
        Expr::AggregateFunction(function) => Ok(extreme(function, inputs, is_guessed)),
        Expr::WindowFunction(mut function) => {
            let keys = std::mem::take(&mut function.params.order_by);
            let count = keys.len();
            let keys = sorted(keys, inputs, is_guessed);
            let mut changed = keys.len() > count;
            function.params.order_by = keys;
            let gives_one = matches!(function.fun.name(), "max" | "min");
            if let [of] = &mut function.params.args[..]
                && gives_one
                && is_column(of, inputs, Logs::has_numbers)
            {
                *of = number_of(of);
                changed = true;
            }
            let expr = Expr::WindowFunction(function);
            Ok(Transformed::new_transformed(expr, changed))
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right })
            if is_order(op)
                && is_column(&left, inputs, is_guessed)
                && is_column(&right, inputs, is_guessed) =>
        {
            Ok(Transformed::yes(compared(*left, op, *right)?))
        }
        Expr::Between(between) if are_columns(&between, inputs, is_guessed) => {
            let Between {
                expr,
                negated,
                low,
                high,
            } = between;
            let from = compared((*expr).clone(), Operator::GtEq, *low)?;
            let within = from.and(compared(*expr, Operator::LtEq, *high)?);
            Ok(Transformed::yes(match negated {
                true => not(within),
                false => within,
            }))
        }
        Expr::ScalarFunction(function)
            if matches!(function.name(), "greatest" | "least")
                && function
                    .args
                    .iter()
                    .all(|it| is_column(it, inputs, is_guessed)) =>
        {
            Ok(Transformed::yes(most(function)?))
        }
        expr => Ok(Transformed::no(expr)),
    }
}

/// The greatest or the least of texts: by their values where all that are there are whole numbers, or
/// numbers, and as texts otherwise. It is the text itself, as it is written.
fn most(function: ScalarFunction) -> Result<Expr> {
    let ScalarFunction { func, args } = function;
    let of = |args: Vec<Expr>| {
        let func = Arc::clone(&func);
        Expr::ScalarFunction(ScalarFunction { func, args })
    };
    let by = |ty: &DataType| {
        let cast = |it: &Expr| try_cast(it.clone(), ty.clone());
        let is_one = |it: &Expr| it.clone().is_null().or(cast(it).is_not_null());
        let are = args.iter().map(is_one).reduce(Expr::and)?;
        let most = of(args.iter().map(cast).collect());
        // Each argument is named a few times, and none within what is made of another.
        let mut is_it = args
            .iter()
            .map(|it| (cast(it).eq(most.clone()), it.clone()));
        let (first, text) = is_it.next()?;
        let mut taken = when(first, text);
        for (is_it, text) in is_it {
            taken = taken.when(is_it, text);
        }
        Some((are, taken.end()))
    };
    let (Some((are_whole, whole)), Some((are_numbers, number))) =
        (by(&DataType::Int64), by(&DataType::Float64))
    else {
        return internal_err!("a function of values has one");
    };
    when(are_whole, whole?)
        .when(are_numbers, number?)
        .otherwise(of(args.clone()))
}

/// Whether a value, and what it is to be between, are columns that are so.
fn are_columns(between: &Between, inputs: &[&LogicalPlan], is_so: IsSo) -> bool {
    let all = [&between.expr, &between.low, &between.high];
    all.into_iter().all(|it| is_column(it, inputs, is_so))
}

/// Compares two texts: whole numbers as such, which may have more digits than a float; numbers by their
/// values; and others as texts.
fn compared(left: Expr, op: Operator, right: Expr) -> Result<Expr> {
    let both = |ty: &DataType| [&left, &right].map(|it| try_cast(it.clone(), ty.clone()));
    let are = |[left, right]: [Expr; 2]| left.is_not_null().and(right.is_not_null());
    let as_are = |[left, right]: [Expr; 2]| binary_expr(left, op, right);
    let (whole, numbers) = (both(&DataType::Int64), both(&DataType::Float64));
    when(are(whole.clone()), as_are(whole))
        .when(are(numbers.clone()), as_are(numbers))
        .otherwise(binary_expr(left, op, right))
}

fn is_order(op: Operator) -> bool {
    matches!(
        op,
        Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq
    )
}

/// The largest or the smallest number, and that of texts only where no value is a number.
fn extreme(
    mut function: AggregateFunction,
    inputs: &[&LogicalPlan],
    is_guessed: IsSo,
) -> Transformed<Expr> {
    if function.params.distinct {
        // It is ordered by what it has, and by nothing else.
        return Transformed::no(Expr::AggregateFunction(function));
    }
    let keys = std::mem::take(&mut function.params.order_by);
    let count = keys.len();
    function.params.order_by = sorted(keys, inputs, is_guessed);
    if function.params.order_by.len() > count {
        return Transformed::yes(Expr::AggregateFunction(function));
    }
    let of = match &function.params.args[..] {
        [of] if is_column(of, inputs, is_guessed) => of.clone(),
        _ => return Transformed::no(Expr::AggregateFunction(function)),
    };
    let (taken, nulls_first) = match function.func.name() {
        "max" => (last_value_udaf(), true),
        "min" => (first_value_udaf(), false),
        _ => return Transformed::no(Expr::AggregateFunction(function)),
    };
    let order = vec![
        number_of(&of).sort(true, nulls_first),
        of.clone().sort(true, nulls_first),
    ];
    let has_value = of.clone().is_not_null();
    let filter = match function.params.filter {
        Some(filter) => filter.and(has_value),
        None => has_value,
    };
    let args = vec![of];
    let filter = Some(Box::new(filter));
    Transformed::yes(Expr::AggregateFunction(AggregateFunction::new_udf(
        taken, args, false, filter, order, None,
    )))
}

fn number_of(expr: &Expr) -> Expr {
    try_cast(expr.clone(), DataType::Float64)
}

/// The columns of a plan that are numbers, and texts since fractions may follow.
pub(crate) fn numbers(plan: &LogicalPlan) -> Vec<usize> {
    let columns = plan.schema().columns();
    let is_number = |column: &Column| comes_from(column, plan, Logs::has_numbers);
    let columns = columns.iter().enumerate();
    columns
        .filter(|(_, column)| is_number(column))
        .map(|(index, _)| index)
        .collect()
}

/// The same columns, of which these say that they are such numbers.
pub(crate) fn marked(schema: &SchemaRef, numbers: &[usize]) -> SchemaRef {
    if numbers.is_empty() {
        return Arc::clone(schema);
    }
    let mut schema = SchemaBuilder::from(schema.fields());
    for number in numbers {
        let field = schema.field(*number).as_ref().clone();
        let says = HashMap::from([(HAS_NUMBERS.to_owned(), String::new())]);
        *schema.field_mut(*number) = Arc::new(field.with_metadata(says));
    }
    Arc::new(schema.finish())
}

/// Whether a table of logs has a column of this name that is so.
pub(crate) type IsSo = fn(&Logs, &str) -> bool;

/// Whether an expression over the rows of `inputs` is a column that is so.
fn is_column(expr: &Expr, inputs: &[&LogicalPlan], is_so: IsSo) -> bool {
    let Expr::Column(column) = expr else {
        return false;
    };
    inputs.iter().any(|input| comes_from(column, input, is_so))
}

/// Whether a column of a plan comes, as it stands, from one of logs that is so.
fn comes_from(column: &Column, plan: &LogicalPlan, is_so: IsSo) -> bool {
    let Some(index) = plan.schema().maybe_index_of_column(column) else {
        return false;
    };
    let below = |index: usize, input: &LogicalPlan| {
        let (qualifier, field) = input.schema().qualified_field(index);
        comes_from(&Column::new(qualifier.cloned(), field.name()), input, is_so)
    };
    match plan {
        LogicalPlan::TableScan(scan) => source_as_provider(&scan.source).is_ok_and(|provider| {
            let logs = provider.downcast_ref::<Logs>();
            logs.is_some_and(|logs| is_so(logs, &column.name))
        }),
        LogicalPlan::Projection(projection) => {
            let expr = projection.expr[index].clone().unalias_nested().data;
            is_column(&expr, &[&projection.input], is_so)
        }
        LogicalPlan::Aggregate(aggregate) => {
            let keys = &aggregate.group_expr;
            let expr = keys.iter().chain(&aggregate.aggr_expr).nth(index);
            let expr = expr.map(|expr| expr.clone().unalias_nested().data);
            match &expr {
                Some(Expr::AggregateFunction(function)) => {
                    let gives_values = matches!(
                        function.func.name(),
                        "min" | "max" | "mode" | "first_value" | "last_value"
                    );
                    let of = function.params.args.first();
                    gives_values && of.is_some_and(|of| is_column(of, &[&aggregate.input], is_so))
                }
                Some(expr) => is_column(expr, &[&aggregate.input], is_so),
                None => false,
            }
        }
        LogicalPlan::SubqueryAlias(alias) => below(index, &alias.input),
        LogicalPlan::Filter(filter) => below(index, &filter.input),
        LogicalPlan::Sort(sort) => below(index, &sort.input),
        LogicalPlan::Limit(limit) => below(index, &limit.input),
        LogicalPlan::Distinct(Distinct::All(input)) => below(index, input),
        LogicalPlan::Window(window) if index < window.input.schema().fields().len() => {
            below(index, &window.input)
        }
        LogicalPlan::Join(join) => is_column(
            &Expr::Column(column.clone()),
            &[&join.left, &join.right],
            is_so,
        ),
        LogicalPlan::Union(union) => union.inputs.iter().all(|input| below(index, input)),
        _ => false,
    }
}
