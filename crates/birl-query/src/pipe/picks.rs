//! Functions of SQL: fields of texts that are JSON or `key=value` pairs, and hexadecimal numbers.

use std::sync::Arc;

use birl_record::value::Value;
use birl_record::{json, logfmt};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringViewBuilder};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// All functions of this module.
pub(crate) fn functions() -> [ScalarUDF; 3] {
    [
        FieldOf::new(Notation::Json).into(),
        FieldOf::new(Notation::Logfmt).into(),
        ParseHex::default().into(),
    ]
}

/// How fields are written in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Notation {
    Json,
    Logfmt,
}

impl Notation {
    /// The function that takes a field out of such a text, called with the text and the field's name:
    /// the field as text, null where there is none or the text is none of the kind.
    pub(super) fn function(self) -> &'static str {
        match self {
            Self::Json => "json_field",
            Self::Logfmt => "logfmt_field",
        }
    }

    fn get<'a>(self, text: &'a str, name: &str) -> Option<Value<'a>> {
        let (text, name) = (text.as_bytes(), name.as_bytes());
        match self {
            Self::Json => json::get(text, name),
            Self::Logfmt => logfmt::get(text, name),
        }
    }
}

/// `json_field(text, 'request.status')` and `logfmt_field(text, 'status')`.
#[derive(Debug, PartialEq, Eq, Hash)]
struct FieldOf {
    notation: Notation,
    signature: Signature,
}

impl FieldOf {
    fn new(notation: Notation) -> Self {
        Self {
            notation,
            signature: Signature::string(2, Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for FieldOf {
    fn name(&self) -> &str {
        self.notation.function()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [text, ColumnarValue::Scalar(name)] = &args.args[..] else {
            return exec_err!("the field of {} is the same for all rows", self.name());
        };
        let Some(Some(name)) = name.try_as_str() else {
            return exec_err!("the field of {} is named by a text", self.name());
        };
        let texts = cast(&text.to_array(args.number_rows)?, &DataType::Utf8View)?;
        let mut fields = StringViewBuilder::with_capacity(texts.len());
        for text in texts.as_string_view() {
            let field = text.and_then(|text| self.notation.get(text, name));
            append(&mut fields, field);
        }
        like(text, Arc::new(fields.finish()))
    }
}

fn append(fields: &mut StringViewBuilder, field: Option<Value<'_>>) {
    let written = |bytes| String::from_utf8_lossy(bytes);
    match field {
        Some(Value::Text(text)) => fields.append_value(String::from_utf8_lossy(&text.decode())),
        Some(
            Value::Bare(bytes) | Value::Number(bytes) | Value::Object(bytes) | Value::List(bytes),
        ) => fields.append_value(written(bytes)),
        Some(Value::Bool(it)) => fields.append_value(if it { "true" } else { "false" }),
        Some(Value::Null) | None => fields.append_null(),
    }
}

/// `parse_hex('0x1F')`: the whole number that a text is in hexadecimal, with or without `0x` or `#`;
/// null where it is none, or has more than 64 bits with its sign.
#[derive(Debug, PartialEq, Eq, Hash)]
struct ParseHex {
    signature: Signature,
    aliases: Vec<String>,
}

impl Default for ParseHex {
    fn default() -> Self {
        Self {
            // A number that was taken for a decimal one has the same digits.
            signature: Signature::any(1, Volatility::Immutable),
            aliases: vec!["parsehex".to_owned()],
        }
    }
}

impl ScalarUDFImpl for ParseHex {
    fn name(&self) -> &str {
        "parse_hex"
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [text] = &args.args[..] else {
            return exec_err!("parse_hex takes a text");
        };
        let texts = cast(&text.to_array(args.number_rows)?, &DataType::Utf8View)?;
        let numbers: Int64Array = texts
            .as_string_view()
            .iter()
            .map(|text| text.and_then(hexadecimal))
            .collect();
        like(text, Arc::new(numbers))
    }
}

fn hexadecimal(text: &str) -> Option<i64> {
    let text = text.trim();
    let prefixes = ["0x", "0X", "#"];
    let digits = prefixes
        .iter()
        .find_map(|it| text.strip_prefix(it))
        .unwrap_or(text);
    let is_hex = |byte: u8| byte.is_ascii_hexdigit();
    digits
        .bytes()
        .all(is_hex)
        .then(|| i64::from_str_radix(digits, 16).ok())?
}

/// What a function gives: one value, where it was given one for all rows.
fn like(given: &ColumnarValue, made: ArrayRef) -> Result<ColumnarValue> {
    Ok(match given {
        ColumnarValue::Array(_) => ColumnarValue::Array(made),
        ColumnarValue::Scalar(_) => ColumnarValue::Scalar(ScalarValue::try_from_array(&made, 0)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_numbers_are_read_whole_or_not() {
        let cases = [
            ("ff", Some(255)),
            ("0x1F", Some(31)),
            ("#10", Some(16)),
            (" 7fffffffffffffff ", Some(i64::MAX)),
            ("8000000000000000", None),
            ("", None),
            ("0x", None),
            ("-1", None),
            ("+1", None),
            ("0x0x1", None),
            ("12 34", None),
        ];
        for (text, number) in cases {
            assert_eq!(hexadecimal(text), number, "{text:?}");
        }
    }

    #[test]
    fn fields_of_any_kind_are_texts() {
        let text = r#"{"a":"x\ny","b":{"c":1.50},"d":[1,"2"],"e":true,"f":null} k="v w" n=3"#;
        let picked = |notation: Notation, name| {
            let mut fields = StringViewBuilder::new();
            append(&mut fields, notation.get(text, name));
            let fields = fields.finish();
            (!fields.is_null(0)).then(|| fields.value(0).to_owned())
        };
        let cases = [
            (Notation::Json, "a", Some("x\ny")),
            (Notation::Json, "b.c", Some("1.50")),
            (Notation::Json, "b", Some(r#"{"c":1.50}"#)),
            (Notation::Json, "d", Some(r#"[1,"2"]"#)),
            (Notation::Json, "e", Some("true")),
            (Notation::Json, "f", None),
            (Notation::Json, "k", None),
            (Notation::Logfmt, "k", Some("v w")),
            (Notation::Logfmt, "n", Some("3")),
            (Notation::Logfmt, "a", None),
        ];
        for (notation, name, field) in cases {
            assert_eq!(picked(notation, name).as_deref(), field, "{name}");
        }
    }
}
