//! The values of a column, by its type.

use std::sync::Arc;

use arrow_array::types::{Float64Type, Int64Type, TimestampNanosecondType};
use arrow_array::{ArrayRef, BooleanArray, ListArray, PrimitiveArray};
use arrow_buffer::{BooleanBufferBuilder, NullBufferBuilder, OffsetBuffer};
use bytes::Bytes;
use jiff::tz::TimeZone;

use super::texts::Texts;
use super::types::Type;
use crate::chronology::Chronology;
use crate::json;
use crate::record::Timestamp;
use crate::value::{Number, Value};

/// The values of a column, as far as they have come.
#[derive(Debug)]
pub(super) enum Cells<'a> {
    Int(Numbers<i64>),
    Float(Numbers<f64>),
    Bool(BooleanBufferBuilder, NullBufferBuilder),
    Text(Texts<'a>),
    Timestamp(Numbers<i64>),
    List(Box<Lists<'a>>),
}

/// Values of a fixed size.
#[derive(Debug)]
pub(super) struct Numbers<T> {
    values: Vec<T>,
    nulls: NullBufferBuilder,
}

/// Lists of values.
#[derive(Debug)]
pub(super) struct Lists<'a> {
    element: Type,
    elements: Cells<'a>,
    /// Where the first list begins among the elements, and where each ends.
    ends: Vec<i32>,
    nulls: NullBufferBuilder,
}

/// The value does not fit the type; null stands in its place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unfit;

impl<'a> Cells<'a> {
    /// No value yet; texts are views into `chunk`.
    pub(super) fn new(ty: &Type, chunk: &'a [u8]) -> Self {
        match ty {
            Type::Int => Self::Int(Numbers::new()),
            Type::Float => Self::Float(Numbers::new()),
            Type::Bool => Self::Bool(BooleanBufferBuilder::new(0), NullBufferBuilder::new(0)),
            Type::Text => Self::Text(Texts::new(chunk)),
            Type::Timestamp => Self::Timestamp(Numbers::new()),
            Type::List(element) => Self::List(Box::new(Lists {
                element: (**element).clone(),
                elements: Self::new(element, chunk),
                ends: vec![0],
                nulls: NullBufferBuilder::new(0),
            })),
        }
    }

    /// Adds the value of a field. What is absent, or null in the log, is null.
    pub(super) fn push(&mut self, value: Option<Value<'_>>) -> Result<(), Unfit> {
        let Some(value) = value.filter(|value| !matches!(value, Value::Null)) else {
            self.push_null();
            return Ok(());
        };
        match self {
            Self::Int(numbers) => numbers.push_fit(int(value)),
            Self::Float(numbers) => numbers.push_fit(value.number().map(float)),
            Self::Timestamp(numbers) => numbers.push_fit(instant(value)),
            Self::Text(texts) => {
                match value {
                    Value::Text(text) if !text.has_escapes() => texts.push(text.raw().into()),
                    value => texts.push(value.bytes()),
                }
                Ok(())
            }
            Self::Bool(values, nulls) => {
                let found = truth(value);
                values.append(found.unwrap_or_default());
                nulls.append(found.is_some());
                found.map(|_| ()).ok_or(Unfit)
            }
            Self::List(lists) => lists.push(value),
        }
    }

    pub(super) fn push_null(&mut self) {
        match self {
            Self::Int(numbers) | Self::Timestamp(numbers) => numbers.push(None),
            Self::Float(numbers) => numbers.push(None),
            Self::Text(texts) => texts.push_null(),
            Self::Bool(values, nulls) => {
                values.append(false);
                nulls.append_null();
            }
            Self::List(lists) => lists.end(false),
        }
    }

    /// Adds a whole number, or nanoseconds since 1970, to a column of such.
    pub(super) fn push_int(&mut self, number: Option<i64>) {
        match self {
            Self::Int(numbers) | Self::Timestamp(numbers) => numbers.push(number),
            _ => unreachable!("a column of birl's own has its own type"),
        }
    }

    /// Adds a truth to a column of such.
    pub(super) fn push_bool(&mut self, truth: bool) {
        match self {
            Self::Bool(values, nulls) => {
                values.append(truth);
                nulls.append_non_null();
            }
            _ => unreachable!("a column of birl's own has its own type"),
        }
    }

    /// The texts of a column of such.
    pub(super) fn texts(&mut self) -> &mut Texts<'a> {
        match self {
            Self::Text(texts) => texts,
            _ => unreachable!("a column of birl's own has its own type"),
        }
    }

    /// How many bytes of the chunk are viewed.
    pub(super) fn viewed(&self) -> usize {
        match self {
            Self::Text(texts) => texts.viewed(),
            Self::List(lists) => lists.elements.viewed(),
            _ => 0,
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Int(numbers) | Self::Timestamp(numbers) => numbers.values.len(),
            Self::Float(numbers) => numbers.values.len(),
            Self::Bool(values, _) => values.len(),
            Self::Text(texts) => texts.len(),
            Self::List(lists) => lists.ends.len() - 1,
        }
    }

    /// The column. Where the chunk is not kept, texts are copied out of it.
    pub(super) fn finish(self, chunk: &Bytes, keeps_chunk: bool) -> ArrayRef {
        match self {
            Self::Int(numbers) => Arc::new(PrimitiveArray::<Int64Type>::new(
                numbers.values.into(),
                numbers.nulls.build(),
            )),
            Self::Float(numbers) => Arc::new(PrimitiveArray::<Float64Type>::new(
                numbers.values.into(),
                numbers.nulls.build(),
            )),
            Self::Timestamp(numbers) => {
                let instants = PrimitiveArray::<TimestampNanosecondType>::new(
                    numbers.values.into(),
                    numbers.nulls.build(),
                );
                Arc::new(instants.with_timezone("UTC"))
            }
            Self::Bool(values, nulls) => Arc::new(BooleanArray::new(values.build(), nulls.build())),
            Self::Text(texts) => Arc::new(texts.finish(chunk, keeps_chunk)),
            Self::List(lists) => Arc::new(lists.finish(chunk, keeps_chunk)),
        }
    }
}

impl<T: Copy + Default> Numbers<T> {
    fn new() -> Self {
        Self {
            values: Vec::new(),
            nulls: NullBufferBuilder::new(0),
        }
    }

    fn push(&mut self, number: Option<T>) {
        self.values.push(number.unwrap_or_default());
        self.nulls.append(number.is_some());
    }

    fn push_fit(&mut self, number: Option<T>) -> Result<(), Unfit> {
        self.push(number);
        number.map(|_| ()).ok_or(Unfit)
    }
}

impl Lists<'_> {
    fn push(&mut self, value: Value<'_>) -> Result<(), Unfit> {
        let Value::List(list) = value else {
            self.end(false);
            return Err(Unfit);
        };
        let mut fit = Ok(());
        for element in json::elements(list) {
            fit = self.elements.push(Some(element)).and(fit);
        }
        self.end(true);
        fit
    }

    /// Ends a list, whose elements have been added.
    fn end(&mut self, is_there: bool) {
        self.ends.push(self.elements.len() as i32);
        self.nulls.append(is_there);
    }

    fn finish(self, chunk: &Bytes, keeps_chunk: bool) -> ListArray {
        let elements = self.elements.finish(chunk, keeps_chunk);
        let offsets = OffsetBuffer::new(self.ends.into());
        let nulls = self.nulls.build();
        ListArray::new(self.element.as_element(), offsets, elements, nulls)
    }
}

/// The whole number that a value is, if it fits.
fn int(value: Value<'_>) -> Option<i64> {
    if let Value::Number(written) | Value::Bare(written) = value
        && let Some(short) = short_int(written)
    {
        return Some(short);
    }
    match value.number()? {
        Number::Int(int) => int.try_into().ok(),
        Number::Float(float) => whole(float),
    }
}

/// The number that a few digits are, as most numbers are written.
#[inline]
fn short_int(written: &[u8]) -> Option<i64> {
    // All numbers of 18 digits fit.
    if !(1..=18).contains(&written.len()) {
        return None;
    }
    let mut number = 0;
    for byte in written {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + i64::from(digit);
    }
    Some(number)
}

/// The whole number that a float is: `5e2` and `500.0` are. One that is too large to tell it from its
/// neighbours is none.
fn whole(float: f64) -> Option<i64> {
    const EXACT_MAX: f64 = 9_007_199_254_740_991.0;
    (float.fract() == 0.0 && float.abs() <= EXACT_MAX).then_some(float as i64)
}

fn float(number: Number) -> f64 {
    match number {
        Number::Int(int) => int as f64,
        Number::Float(float) => float,
    }
}

fn truth(value: Value<'_>) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(truth),
        Value::Bare(_) | Value::Text(_) => match &*value.bytes() {
            b"true" => Some(true),
            b"false" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// The instant that a value says, in nanoseconds since 1970; where it names no zone, in UTC.
fn instant(value: Value<'_>) -> Option<i64> {
    let text = value.bytes();
    let reading = Timestamp::of_any(&text).reading(None)?;
    if reading.period().is_some() {
        return None;
    }
    Chronology::new(TimeZone::UTC, 0).instant(reading)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn few_digits_are_the_number_that_any_reading_finds(
            written in prop_oneof!["[0-9]{0,20}", "[-+.e0-9]{0,4}"],
        ) {
            let expected = match Number::of(written.as_bytes()) {
                Some(Number::Int(int)) => i64::try_from(int).ok(),
                _ => None,
            };
            let is_short = written.bytes().all(|byte| byte.is_ascii_digit()) && written.len() <= 18;
            let found = short_int(written.as_bytes());
            prop_assert_eq!(found, expected.filter(|_| is_short));
        }
    }
}
