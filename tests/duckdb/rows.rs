//! Rows of an answer, which can be compared.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use serde_json::Value;

/// Rows, whose columns have names.
#[derive(Clone, Debug)]
pub(crate) struct Rows(Vec<BTreeMap<String, Cell>>);

/// A value. Times are as birl writes them.
#[derive(Clone, Debug, PartialEq)]
enum Cell {
    Null,
    Bool(bool),
    /// A whole number, by its digits: some have more than 64 bits.
    Whole(String),
    Float(f64),
    Text(String),
    List(Vec<Cell>),
}

/// Floats are the same where they differ by no more than this part of them.
const TOLERANCE: f64 = 1e-9;

impl Rows {
    /// Reads an object a line.
    pub(crate) fn read(text: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(text).map_err(|error| error.to_string())?;
        let rows = text.lines().map(|line| {
            let row: BTreeMap<String, Value> =
                serde_json::from_str(line).map_err(|error| format!("{error}: {line}"))?;
            Ok(row
                .into_iter()
                .map(|(name, value)| (name, Cell::of(value)))
                .collect())
        });
        rows.collect::<Result<_, String>>().map(Self)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same rows in an order of their own.
    pub(crate) fn sorted(mut self) -> Self {
        self.0.sort_by_cached_key(|row| {
            // Floats that are the same within the tolerance sort alike.
            let rounded = row.values().map(|cell| match cell {
                Cell::Float(number) => format!("{number:.6e}"),
                cell => cell.to_string(),
            });
            rounded.collect::<Vec<_>>()
        });
        self
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let same_row = |(one, other): (&BTreeMap<String, Cell>, &BTreeMap<String, Cell>)| {
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|((name, cell), (other_name, other))| {
                        name == other_name && cell.is_same(other)
                    })
        };
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(same_row)
    }
}

impl Cell {
    fn of(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(is) => Self::Bool(is),
            Value::Number(number) => match number.is_f64() {
                false => Self::Whole(number.to_string()),
                true => Self::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => Self::Text(moment(&text).unwrap_or(text)),
            Value::Array(cells) => Self::List(cells.into_iter().map(Self::of).collect()),
            Value::Object(_) => Self::Text(value.to_string()),
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::List(one), Self::List(other)) => {
                one.len() == other.len()
                    && one.iter().zip(other).all(|(one, other)| one.is_same(other))
            }
            (one, other) => match (one.number(), other.number()) {
                (Some(one), Some(other)) => {
                    let size = one.abs().max(other.abs());
                    one == other || (one - other).abs() <= TOLERANCE * size
                }
                _ => one == other,
            },
        }
    }

    /// The number, unless both that are compared are whole.
    fn number(&self) -> Option<f64> {
        match self {
            // A whole number that a float can be compared with.
            Self::Whole(digits) if digits.len() < 16 => digits.parse().ok(),
            Self::Float(number) => Some(*number),
            _ => None,
        }
    }
}

/// A moment, a day or neither, as birl writes it: `2026-03-14T14:05:30.5Z`.
fn moment(text: &str) -> Option<String> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let shape = |c: char| if c.is_ascii_digit() { '0' } else { c };
    let shape: String = text.chars().take(19).map(shape).collect();
    if shape.replace('T', " ") != "0000-00-00 00:00:00" {
        return None;
    }
    let (seconds, fraction) = text.split_at(19);
    let is_fraction = |it: &str| {
        it.strip_prefix('.')
            .is_some_and(|it| it.bytes().all(|it| it.is_ascii_digit()))
    };
    let fraction = match fraction {
        "" => "",
        it if is_fraction(it) => it.trim_end_matches('0').trim_end_matches('.'),
        _ => return None,
    };
    Some(format!("{}{fraction}Z", seconds.replace(' ', "T")))
}

impl Display for Cell {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(is) => write!(f, "{is}"),
            Self::Whole(digits) => f.write_str(digits),
            Self::Float(number) => write!(f, "{number:?}"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::List(cells) => f.debug_list().entries(cells.iter().map(Shown)).finish(),
        }
    }
}

/// A cell as it is displayed.
struct Shown<'a>(&'a Cell);

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(self.0, f)
    }
}

impl Display for Rows {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for row in &self.0 {
            let cells: Vec<_> = row
                .iter()
                .map(|(name, cell)| format!("{name}={cell}"))
                .collect();
            writeln!(f, "{}", cells.join(" "))?;
        }
        Ok(())
    }
}
