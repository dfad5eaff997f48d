//! A function of SQL: the moment that a text says, in any of the forms that logs and people have.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use birl_record::time::{Clock, moment};
use datafusion::arrow::array::{ArrayRef, AsArray, TimestampNanosecondArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// What it is called.
pub(crate) const NAME: &str = "parsedate";

/// `parsedate(text)`, as seen from `clock`; null where a text says none.
pub(crate) fn function(clock: Clock) -> ScalarUDF {
    ScalarUDF::from(ParseDate {
        clock,
        signature: Signature::any(1, Volatility::Immutable),
    })
}

#[derive(Debug)]
struct ParseDate {
    clock: Clock,
    signature: Signature,
}

// A session has one clock.
impl PartialEq for ParseDate {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for ParseDate {}

impl Hash for ParseDate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        NAME.hash(state);
    }
}

impl ScalarUDFImpl for ParseDate {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Timestamp(
            TimeUnit::Nanosecond,
            Some("UTC".into()),
        ))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [of] = &args.args[..] else {
            return internal_err!("{NAME} takes one value");
        };
        let values = match of {
            ColumnarValue::Array(values) => Arc::clone(values),
            // One value, however many rows there are.
            ColumnarValue::Scalar(value) => value.to_array()?,
        };
        let moments: ArrayRef = match values.data_type() {
            DataType::Timestamp(..) | DataType::Date32 => cast(&values, args.return_type())?,
            _ => {
                let texts = cast(&values, &DataType::Utf8View)?;
                let texts = texts.as_string_view().iter();
                let moments = texts.map(|text| Some(moment(text?, &self.clock).ok()?.start));
                let moments: TimestampNanosecondArray = moments.collect();
                Arc::new(moments.with_timezone("UTC"))
            }
        };
        Ok(match of {
            ColumnarValue::Array(_) => ColumnarValue::Array(moments),
            ColumnarValue::Scalar(_) => {
                ColumnarValue::Scalar(ScalarValue::try_from_array(&moments, 0)?)
            }
        })
    }
}
