//! How a value is written where it stands.

use birl_record::query::tree;

use super::Value;
use super::standing::Standing;

/// The units of lengths of time, in nanoseconds.
const UNITS: [(&str, i64); 6] = [
    ("w", 604_800_000_000_000),
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
];

impl Standing {
    /// A value as it is written here.
    pub(super) fn write(&self, value: &Value) -> String {
        let Value::Text(text) = value else {
            return plain(value);
        };
        match self {
            Self::Word => phrase(text),
            Self::Value { in_group } if is_plain(text, *in_group) => text.clone(),
            Self::Value { .. } => phrase(text),
            Self::Quoted => escaped(text),
            Self::Sql => format!("'{}'", text.replace('\'', "''")),
        }
    }
}

/// A value as it is, without quotes: numbers in digits, lengths of time in the largest unit that they are
/// whole in.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        // There is a negative zero.
        Value::Number(number) => number.abs().to_string(),
        Value::Duration(length) => duration(*length),
    }
}

fn duration(length: i64) -> String {
    if length == 0 {
        return "0s".to_owned();
    }
    match UNITS.iter().find(|(_, unit)| length % unit == 0) {
        Some((name, unit)) => format!("{}{name}", length / unit),
        None => {
            let (whole, part) = (length / 1_000_000, length % 1_000_000);
            let digits = format!("{whole}.{part:06}");
            format!("{}ms", digits.trim_end_matches('0'))
        }
    }
}

/// Whether a text means itself, or the number that it is, without quotes in the value of a field.
fn is_plain(text: &str, in_group: bool) -> bool {
    // Behind a parenthesis, a `-` would negate.
    let unsigned = match in_group {
        true => text,
        false => text.strip_prefix('-').unwrap_or(text),
    };
    let is_inner = |c: char| c.is_ascii_alphanumeric() || "_-.@".contains(c);
    let is_outer = |c: char| c.is_ascii_alphanumeric() || "_@".contains(c);
    unsigned.starts_with(is_outer)
        && unsigned.ends_with(is_outer)
        && unsigned.chars().all(is_inner)
        && !unsigned.contains("..")
        && !["AND", "OR", "NOT"].contains(&unsigned)
}

fn phrase(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// What stands for a text within the double quotes of a search.
fn escaped(text: &str) -> String {
    let quoted = tree::quote(text);
    // A `/` could end a regex that a word before it only seems to begin.
    quoted[1..quoted.len() - 1].replace('/', "\\/")
}
