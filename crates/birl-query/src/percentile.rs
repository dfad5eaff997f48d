//! `approx_percentile_cont`, which sorts faster.
//!
//! A t-digest takes values in their order, many at once. DataFusion's takes those of a batch: sorting
//! them takes most of its time, and where there are many groups a few values at a time cost as much as
//! many. Here values wait until there are enough of them, and are sorted by their bytes.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use datafusion::arrow::datatypes::{DataType, FieldRef, Float64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::functions_aggregate::approx_percentile_cont::ApproxPercentileCont;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, ReversedUDAF, Signature};

/// When so many values of a group have come, they are taken together: waiting, they need about as much memory
/// as the digest.
const WAITING_MAX: usize = 512;

/// Where more bytes than these differ among values, comparing them is faster.
const PASSES_MAX: usize = 4;

/// `approx_percentile_cont(x, fraction)`.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Percentile {
    digest: ApproxPercentileCont,
}

impl AggregateUDFImpl for Percentile {
    fn name(&self) -> &str {
        self.digest.name()
    }

    fn signature(&self) -> &Signature {
        self.digest.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.digest.return_type(types)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.digest.state_fields(args)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let digest = self.digest.accumulator(args)?;
        Ok(Box::new(Sorting {
            digest,
            waiting: Vec::new(),
        }))
    }

    fn supports_within_group_clause(&self) -> bool {
        self.digest.supports_within_group_clause()
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        self.digest.reverse_expr()
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.digest.order_sensitivity()
    }
}

/// Gives a digest its values sorted.
#[derive(Debug)]
struct Sorting {
    digest: Box<dyn Accumulator>,
    /// The [keys](key) of values that the digest has not got yet.
    waiting: Vec<u64>,
}

impl Sorting {
    fn flush(&mut self) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        sort(&mut self.waiting);
        let values = self.waiting.drain(..).map(float);
        let sorted: ArrayRef = Arc::new(Float64Array::from_iter_values(values));
        self.digest.update_batch(&[sorted])
    }
}

impl Accumulator for Sorting {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let Some(floats) = values[0].as_primitive_opt::<Float64Type>() else {
            return self.digest.update_batch(values);
        };
        match floats.null_count() {
            0 => self
                .waiting
                .extend(floats.values().iter().map(|it| key(*it))),
            _ => self.waiting.extend(floats.iter().flatten().map(key)),
        }
        match self.waiting.len() < WAITING_MAX {
            true => Ok(()),
            false => self.flush(),
        }
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.flush()?;
        self.digest.merge_batch(states)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.flush()?;
        self.digest.state()
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.flush()?;
        self.digest.evaluate()
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.waiting.capacity() * size_of::<u64>() + self.digest.size()
    }
}

/// A number that is before others as its float is before theirs, by [`f64::total_cmp`].
fn key(float: f64) -> u64 {
    let bits = float.to_bits();
    // Negative floats grow as their bits fall.
    bits ^ match float.is_sign_negative() {
        true => u64::MAX,
        false => SIGN,
    }
}

/// The float of a [key].
fn float(key: u64) -> f64 {
    let is_negative = key & SIGN == 0;
    f64::from_bits(key ^ if is_negative { u64::MAX } else { SIGN })
}

const SIGN: u64 = 1 << 63;

/// Sorts keys: where they differ in few bytes, as whole numbers do, by these, from the lowest on.
/// (Knuth, "The Art of Computer Programming", volume 3, section 5.2.5, "Sorting by Distribution".)
fn sort(keys: &mut Vec<u64>) {
    let first = keys.first().copied().unwrap_or_default();
    let differing = keys.iter().fold(0, |bits, key| bits | (key ^ first));
    let shifts = (0..u64::BITS).step_by(8);
    let shifts: Vec<_> = shifts.filter(|it| differing >> it & 0xff != 0).collect();
    if shifts.len() > PASSES_MAX {
        keys.sort_unstable();
        return;
    }
    let mut sorted = vec![0; keys.len()];
    for shift in shifts {
        let byte = |key: u64| usize::from((key >> shift) as u8);
        let mut places = [0_usize; 256];
        for key in &*keys {
            places[byte(*key)] += 1;
        }
        let mut next = 0;
        for place in &mut places {
            next += std::mem::replace(place, next);
        }
        for key in &*keys {
            let place = &mut places[byte(*key)];
            sorted[*place] = *key;
            *place += 1;
        }
        std::mem::swap(keys, &mut sorted);
    }
}

#[cfg(test)]
mod tests {
    use datafusion::functions_aggregate::approx_percentile_cont::ApproxPercentileAccumulator;
    use proptest::prelude::*;

    use super::*;

    fn sorting() -> Sorting {
        let digest = ApproxPercentileAccumulator::new(0.9, DataType::Float64);
        Sorting {
            digest: Box::new(digest),
            waiting: Vec::new(),
        }
    }

    fn array(values: impl IntoIterator<Item = Option<f64>>) -> ArrayRef {
        Arc::new(Float64Array::from_iter(values))
    }

    /// The percentile so far, which must be near to this one.
    #[track_caller]
    fn assert_near(sorting: &mut Sorting, expected: f64) {
        let ScalarValue::Float64(Some(found)) = sorting.evaluate().unwrap() else {
            panic!("it is a float");
        };
        assert!((found - expected).abs() < 20.0, "{found}");
    }

    #[test]
    fn no_value_is_lost_on_the_way_to_its_digest() {
        // In an order of their own; of one batch some wait, of another none.
        let values: Vec<_> = (0..2000).map(|n| f64::from(n * 7 % 2000)).collect();
        let (some, more) = values.split_at(900);
        let mut one = sorting();
        let with_nulls = some.iter().flat_map(|value| [Some(*value), None]);
        one.update_batch(&[array(with_nulls)]).unwrap();
        for values in more.chunks(7).take(40) {
            one.update_batch(&[array(values.iter().copied().map(Some))])
                .unwrap();
        }
        assert!(!one.waiting.is_empty());
        let mut other = sorting();
        let rest = more[280..].iter().copied().map(Some);
        other.update_batch(&[array(rest)]).unwrap();
        let state = other.state().unwrap();
        let state: Vec<_> = state.iter().map(|it| it.to_array().unwrap()).collect();
        one.merge_batch(&state).unwrap();
        // Asking changes nothing.
        assert_near(&mut one, 1800.0);
        assert_near(&mut one, 1800.0);
        let high = vec![Some(9000.0); 8000];
        one.update_batch(&[array(high)]).unwrap();
        assert_near(&mut one, 9000.0);
        assert_eq!(sorting().evaluate().unwrap(), ScalarValue::Float64(None));
    }

    fn floats() -> impl Strategy<Value = Vec<f64>> {
        let any = prop::collection::vec(any::<u64>().prop_map(f64::from_bits), 0..200);
        let whole = prop::collection::vec((-3000_i32..3000).prop_map(f64::from), 0..700);
        let odd = prop::sample::select(vec![
            0.0,
            -0.0,
            1.0,
            f64::NAN,
            -f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::MIN_POSITIVE,
        ]);
        prop_oneof![any, whole, prop::collection::vec(odd, 0..20)]
    }

    proptest! {
        #[test]
        fn keys_are_sorted_as_their_floats(floats in floats()) {
            let mut keys: Vec<_> = floats.iter().map(|float| key(*float)).collect();
            sort(&mut keys);
            let found: Vec<_> = keys.into_iter().map(|key| float(key).to_bits()).collect();
            let mut sorted = floats;
            sorted.sort_by(f64::total_cmp);
            let expected: Vec<_> = sorted.into_iter().map(f64::to_bits).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
