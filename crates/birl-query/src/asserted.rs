//! A function of SQL that is true of rows of which a condition is, and ends the query otherwise.

use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, exec_err, internal_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// What it is called.
pub(crate) const NAME: &str = "asserted";

/// How an error begins that tells of a row of which the condition is not true; what is to be said stands behind
/// it.
pub(crate) const FAILED: &str = "an assertion fails: ";

/// `asserted(condition, message)`
pub(crate) fn function() -> ScalarUDF {
    ScalarUDF::from(Asserted {
        // Else it would be left out where nobody needs it, or asked of other rows.
        signature: Signature::any(2, Volatility::Volatile),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Asserted {
    signature: Signature,
}

impl ScalarUDFImpl for Asserted {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [condition, message] = &args.args[..] else {
            return internal_err!("{NAME} takes a condition and a message");
        };
        let conditions = cast(&condition.to_array(args.number_rows)?, &DataType::Boolean)?;
        let conditions = conditions.as_boolean();
        let is_true = |row: &usize| conditions.is_valid(*row) && conditions.value(*row);
        if let Some(row) = (0..conditions.len()).find(|row| !is_true(row)) {
            let messages = cast(&message.to_array(args.number_rows)?, &DataType::Utf8View)?;
            let message = ScalarValue::try_from_array(&messages, row)?;
            return exec_err!("{FAILED}{message}");
        }
        Ok(ColumnarValue::Scalar(ScalarValue::from(true)))
    }
}
