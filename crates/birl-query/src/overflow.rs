//! Whole numbers that grow beyond 64 bits.
//!
//! DataFusion goes on with what is left of such a number, which is another one. Here the query ends
//! with an error: no answer is better than a wrong one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use datafusion::arrow::compute::kernels::numeric;
use datafusion::arrow::datatypes::{DataType, FieldRef, Int64Type};
use datafusion::arrow::error::ArrowError;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, ScalarValue, internal_err};
use datafusion::error::DataFusionError;
use datafusion::functions_aggregate::sum::Sum;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, BinaryExpr, ColumnarValue, EmitTo, Expr, ExprSchemable,
    GroupsAccumulator, LogicalPlan, Operator, ReversedUDAF, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility, cast, lit,
};
use datafusion::optimizer::AnalyzerRule;
use datafusion_functions_aggregate_common::aggregate::groups_accumulator::prim_op::PrimitiveGroupsAccumulator;

use crate::rewritten::rewritten;

/// Lets `+`, `-` and `*` of whole numbers fail where the result is none of 64 bits.
#[derive(Debug)]
pub(crate) struct CheckedArithmetic;

impl AnalyzerRule for CheckedArithmetic {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        rewritten(plan, checked)
    }

    fn name(&self) -> &'static str {
        "checked_arithmetic"
    }
}

fn checked(expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    let whole = |expr: &Expr| {
        let ty = expr.get_type(schema).ok();
        ty.filter(DataType::is_signed_integer)
    };
    let Some(ty) = whole(&expr) else {
        return Transformed::no(expr);
    };
    let result = match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right })
            if whole(&left).is_some() && whole(&right).is_some() =>
        {
            match Operation::of(op) {
                Some(operation) => operation.call(*left, *right, schema),
                None => {
                    return Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right }));
                }
            }
        }
        Expr::Negative(inner)
            if whole(&inner).is_some() && !matches!(*inner, Expr::Literal(..)) =>
        {
            Operation::Minus.call(lit(0_i64), *inner, schema)
        }
        expr => return Transformed::no(expr),
    };
    // What stands above, with the schema of the plan, was made for this type: that of
    // `extract(minute from timestamp)` has 32 bits.
    Transformed::yes(match ty {
        DataType::Int64 => result,
        ty => cast(result, ty),
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Operation {
    Plus,
    Minus,
    Times,
}

impl Operation {
    fn of(op: Operator) -> Option<Self> {
        match op {
            Operator::Plus => Some(Self::Plus),
            Operator::Minus => Some(Self::Minus),
            Operator::Multiply => Some(Self::Times),
            _ => None,
        }
    }

    fn call(self, left: Expr, right: Expr, schema: &DFSchema) -> Expr {
        let wide = |expr: Expr| match expr.get_type(schema) {
            Ok(DataType::Int64) => expr,
            _ => cast(expr, DataType::Int64),
        };
        Expr::ScalarFunction(ScalarFunction {
            func: Arc::new(ScalarUDF::from(Checked::new(self))),
            args: vec![wide(left), wide(right)],
        })
    }
}

/// An operation of two numbers of 64 bits, which fails where its result is none.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Checked {
    operation: Operation,
    signature: Signature,
}

impl Checked {
    fn new(operation: Operation) -> Self {
        let arguments = vec![DataType::Int64, DataType::Int64];
        Self {
            operation,
            signature: Signature::exact(arguments, Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for Checked {
    fn name(&self) -> &str {
        match self.operation {
            Operation::Plus => "checked_add",
            Operation::Minus => "checked_subtract",
            Operation::Times => "checked_multiply",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [left, right] = &args.args[..] else {
            return internal_err!("{} takes two numbers", self.name());
        };
        let operation = match self.operation {
            Operation::Plus => numeric::add,
            Operation::Minus => numeric::sub,
            Operation::Times => numeric::mul,
        };
        datafusion::physical_expr_common::datum::apply(left, right, operation)
    }
}

/// The error of a sum that is none of 64 bits.
fn too_large() -> DataFusionError {
    let why = "a sum has more than 64 bits".to_owned();
    ArrowError::ArithmeticOverflow(why).into()
}

/// `sum(x)`, which fails where the sum of whole numbers is none of 64 bits.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct CheckedSum {
    sum: Sum,
}

fn is_whole(args: &AccumulatorArgs<'_>) -> bool {
    *args.return_field.data_type() == DataType::Int64
}

impl AggregateUDFImpl for CheckedSum {
    fn name(&self) -> &str {
        self.sum.name()
    }

    fn signature(&self) -> &Signature {
        self.sum.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.sum.return_type(types)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.sum.state_fields(args)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        match (is_whole(&args), args.is_distinct) {
            (false, _) => self.sum.accumulator(args),
            (true, false) => Ok(Box::new(WholeSum::default())),
            (true, true) => Ok(Box::new(DistinctSum {
                values: self.sum.accumulator(args)?,
            })),
        }
    }

    fn create_sliding_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>> {
        match is_whole(&args) && !args.is_distinct {
            true => Ok(Box::new(WholeSum::default())),
            false => self.sum.create_sliding_accumulator(args),
        }
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        self.sum.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        if !is_whole(&args) {
            return self.sum.create_groups_accumulator(args);
        }
        let overflowed = Arc::new(AtomicBool::new(false));
        let tells = Arc::clone(&overflowed);
        let add = move |sum: &mut i64, value: i64| match sum.checked_add(value) {
            Some(more) => *sum = more,
            None => tells.store(true, Ordering::Relaxed),
        };
        Ok(Box::new(GroupSums {
            sums: PrimitiveGroupsAccumulator::<Int64Type, _>::new(&DataType::Int64, add),
            overflowed,
        }))
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        self.sum.reverse_expr()
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.sum.order_sensitivity()
    }
}

/// The sum of whole numbers, of a group or of a window that slides over them.
#[derive(Debug, Default)]
struct WholeSum {
    /// Of what there was so far; it may be more than fits as long as nobody asks.
    sum: i128,
    /// How many values are in it.
    count: i64,
}

impl WholeSum {
    fn value(&self) -> Result<ScalarValue> {
        let sum = i64::try_from(self.sum).map_err(|_| too_large())?;
        Ok(ScalarValue::Int64((self.count > 0).then_some(sum)))
    }
}

/// The sum of the values of an array, and how many there are.
fn total(values: &ArrayRef) -> (i128, i64) {
    let values = values.as_primitive::<Int64Type>();
    let count = (values.len() - values.null_count()) as i64;
    // Two halves of 32 bits are summed for themselves: batches are too short for 64 bits to overflow
    // so, and the processor does it many at a time.
    let halves = |(high, low): (i64, i64), value: i64| (high + (value >> 32), low + (value & LOW));
    let (high, low) = match values.null_count() {
        0 => values.values().iter().copied().fold((0, 0), halves),
        _ => values.iter().flatten().fold((0, 0), halves),
    };
    ((i128::from(high) << 32) + i128::from(low), count)
}

const LOW: i64 = u32::MAX as i64;

impl Accumulator for WholeSum {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let (sum, count) = total(&values[0]);
        self.sum += sum;
        self.count += count;
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let (sum, count) = total(&values[0]);
        self.sum -= sum;
        self.count -= count;
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.value()?])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.value()
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

/// The sum of different whole numbers.
#[derive(Debug)]
struct DistinctSum {
    /// Keeps the values; what it sums up is not asked for.
    values: Box<dyn Accumulator>,
}

impl Accumulator for DistinctSum {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.values.update_batch(values)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.values.merge_batch(states)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.values.state()
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mut sum = WholeSum::default();
        for state in self.values.state()? {
            let ScalarValue::List(list) = state else {
                return internal_err!("different values are a list");
            };
            sum.update_batch(&[Arc::clone(list.values())])?;
        }
        sum.value()
    }

    fn size(&self) -> usize {
        self.values.size()
    }
}

/// The sums of whole numbers of many groups.
struct GroupSums<F>
where
    F: Fn(&mut i64, i64) + Send + Sync + 'static,
{
    sums: PrimitiveGroupsAccumulator<Int64Type, F>,
    /// Whether one of them has become too large.
    overflowed: Arc<AtomicBool>,
}

impl<F> GroupSums<F>
where
    F: Fn(&mut i64, i64) + Send + Sync + 'static,
{
    fn check(&self) -> Result<()> {
        match self.overflowed.load(Ordering::Relaxed) {
            true => Err(too_large()),
            false => Ok(()),
        }
    }
}

impl<F> GroupsAccumulator for GroupSums<F>
where
    F: Fn(&mut i64, i64) + Send + Sync + 'static,
{
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        group_count: usize,
    ) -> Result<()> {
        self.sums
            .update_batch(values, groups, filter, group_count)?;
        self.check()
    }

    fn merge_batch(
        &mut self,
        states: &[ArrayRef],
        groups: &[usize],
        group_count: usize,
    ) -> Result<()> {
        self.sums.merge_batch(states, groups, group_count)?;
        self.check()
    }

    fn evaluate(&mut self, groups: EmitTo) -> Result<ArrayRef> {
        self.sums.evaluate(groups)
    }

    fn state(&mut self, groups: EmitTo) -> Result<Vec<ArrayRef>> {
        self.sums.state(groups)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        self.sums.convert_to_state(values, filter)
    }

    fn size(&self) -> usize {
        self.sums.size()
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::Int64Array;

    use super::*;

    #[test]
    fn halves_add_up_to_the_sum() {
        let values = [i64::MAX, i64::MAX, i64::MIN, -1, 1, 1 << 40, 7];
        let array: ArrayRef = Arc::new(Int64Array::from_iter(
            values.iter().map(|it| Some(*it)).chain([None]),
        ));
        let sum = values.iter().map(|it| i128::from(*it)).sum();
        assert_eq!(total(&array), (sum, values.len() as i64));
        let all: ArrayRef = Arc::new(Int64Array::from_iter_values(values));
        assert_eq!(total(&all), (sum, values.len() as i64));
    }

    #[test]
    fn a_window_slides_over_what_is_too_much_at_once() {
        let array = |values: Vec<i64>| -> [ArrayRef; 1] { [Arc::new(Int64Array::from(values))] };
        let mut sum = WholeSum::default();
        sum.update_batch(&array(vec![i64::MAX, 1])).unwrap();
        assert!(sum.evaluate().is_err());
        sum.retract_batch(&array(vec![i64::MAX])).unwrap();
        assert_eq!(sum.evaluate().unwrap(), ScalarValue::Int64(Some(1)));
        sum.retract_batch(&array(vec![1])).unwrap();
        assert_eq!(sum.evaluate().unwrap(), ScalarValue::Int64(None));
    }
}
