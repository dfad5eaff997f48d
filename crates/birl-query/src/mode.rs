//! `mode(x)`: the value that is there most often.

use std::collections::HashMap;
use std::mem::size_of;

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility,
};

/// What it is called.
const NAME: &str = "mode";

/// Of values that are there as often as each other, the least.
pub(crate) fn function() -> AggregateUDF {
    AggregateUDF::from(Mode {
        signature: Signature::any(1, Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Mode {
    signature: Signature,
}

impl AggregateUDFImpl for Mode {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [ty] => Ok(ty.clone()),
            _ => internal_err!("{NAME} takes one value"),
        }
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let list = |name: &str, ty: DataType| {
            let name = format_state_name(args.name, name);
            Field::new_list(name, Field::new_list_field(ty, true), true).into()
        };
        let ty = args.return_field.data_type().clone();
        Ok(vec![list("values", ty), list("counts", DataType::Int64)])
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Counts {
            ty: args.return_field.data_type().clone(),
            counts: HashMap::new(),
            bytes: 0,
        }))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

/// How often each value is there.
#[derive(Debug)]
struct Counts {
    ty: DataType,
    counts: HashMap<ScalarValue, i64>,
    /// How many bytes the values take.
    bytes: usize,
}

impl Counts {
    fn add(&mut self, value: ScalarValue, count: i64) {
        if let Some(known) = self.counts.get_mut(&value) {
            *known += count;
            return;
        }
        // A view would hold all of the batch that it is into.
        let value = value.compacted();
        self.bytes += value.size() + size_of::<i64>();
        self.counts.insert(value, count);
    }
}

impl Accumulator for Counts {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let values = &values[0];
        for row in (0..values.len()).filter(|row| values.is_valid(*row)) {
            self.add(ScalarValue::try_from_array(values, row)?, 1);
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let (values, counts) = (states[0].as_list::<i32>(), states[1].as_list::<i32>());
        for (values, counts) in std::iter::zip(values.iter(), counts.iter()) {
            let (Some(values), Some(counts)) = (values, counts) else {
                continue;
            };
            let counts = counts.as_primitive::<Int64Type>();
            for (row, count) in counts.values().iter().enumerate() {
                self.add(ScalarValue::try_from_array(&values, row)?, *count);
            }
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let (values, counts): (Vec<_>, Vec<_>) = self
            .counts
            .iter()
            .map(|(value, count)| (value.clone(), ScalarValue::from(*count)))
            .unzip();
        let list = |values: &[ScalarValue], ty: &DataType| {
            ScalarValue::List(ScalarValue::new_list_nullable(values, ty))
        };
        Ok(vec![
            list(&values, &self.ty),
            list(&counts, &DataType::Int64),
        ])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let most = self.counts.iter().max_by(|(one, count), (other, others)| {
            let least_first = other.partial_cmp(one);
            let least_first = least_first.unwrap_or(std::cmp::Ordering::Equal);
            count.cmp(others).then(least_first)
        });
        match most {
            Some((value, _)) => Ok(value.clone()),
            None => ScalarValue::try_from(&self.ty),
        }
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.bytes
    }
}
