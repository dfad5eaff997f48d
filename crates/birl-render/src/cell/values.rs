//! The values of an Arrow array, each as a [`Cell`].

use std::ops::Range;

use arrow_array::array::*;
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, TimeUnit};
use jiff::civil;

use super::time::{self, Clock, Time};
use super::{Cell, List, Object, Span};
use crate::json::value::is_number;
use crate::zone::{fraction_digits, write_civil};

/// The values of an array.
#[derive(Debug)]
pub(crate) enum Values<'a> {
    /// An array that holds nothing but nulls.
    Null,
    Plain(Plain<'a>),
    /// Texts, of which those that are numbers are taken for them.
    Numbers(Box<Values<'a>>),
    /// Times, with how long their unit is and the clock that they are read from.
    Times(Ticks<'a>, Clock),
    Durations(Ticks<'a>),
    Lists {
        nulls: Option<&'a NullBuffer>,
        ranges: Ranges<'a>,
        elements: Box<Values<'a>>,
    },
    Structs {
        nulls: Option<&'a NullBuffer>,
        fields: Vec<(&'a str, Values<'a>)>,
    },
    Maps {
        nulls: Option<&'a NullBuffer>,
        ranges: Ranges<'a>,
        keys: Box<Values<'a>>,
        values: Box<Values<'a>>,
    },
    Dictionary {
        nulls: Option<&'a NullBuffer>,
        keys: Vec<usize>,
        values: Box<Values<'a>>,
    },
    /// An array of a type that is not known.
    Other(&'a dyn Array),
}

/// Numbers of units of time.
#[derive(Debug)]
pub(crate) struct Ticks<'a> {
    nulls: Option<&'a NullBuffer>,
    counts: &'a [i64],
    unit: TimeUnit,
}

/// Where the elements of lists are.
#[derive(Debug)]
pub(crate) enum Ranges<'a> {
    Offsets(&'a [i32]),
    LargeOffsets(&'a [i64]),
    Views(&'a [i32], &'a [i32]),
    LargeViews(&'a [i64], &'a [i64]),
    Equal(usize),
}

impl Ranges<'_> {
    fn get(&self, row: usize) -> Range<usize> {
        let range = |start: i64, end: i64| {
            let place = |place| usize::try_from(place).expect("Arrow has checked its offsets");
            place(start)..place(end)
        };
        match self {
            Ranges::Offsets(offsets) => range(offsets[row].into(), offsets[row + 1].into()),
            Ranges::LargeOffsets(offsets) => range(offsets[row], offsets[row + 1]),
            Ranges::Views(starts, lens) => {
                let start = starts[row].into();
                range(start, start + i64::from(lens[row]))
            }
            Ranges::LargeViews(starts, lens) => range(starts[row], starts[row] + lens[row]),
            Ranges::Equal(len) => row * len..(row + 1) * len,
        }
    }
}

/// Arrays each of whose values is a cell by itself.
macro_rules! plain {
    ($($kind:ident: $array:ty, |$values:ident, $row:ident| $cell:expr;)*) => {
        #[derive(Debug)]
        pub(crate) enum Plain<'a> {
            $($kind(&'a $array),)*
        }

        impl<'a> Plain<'a> {
            fn of(array: &'a dyn Array) -> Option<Self> {
                $(if let Some(array) = array.as_any().downcast_ref::<$array>() {
                    return Some(Self::$kind(array));
                })*
                None
            }

            fn cell(&self, row: usize) -> Cell<'a> {
                match self {
                    $(Self::$kind($values) => {
                        let $row = row;
                        if $values.is_null($row) {
                            return Cell::Null;
                        }
                        $cell
                    })*
                }
            }
        }
    };
}

plain! {
    Utf8View: StringViewArray, |values, row| Cell::Text(values.value(row));
    Int64: Int64Array, |values, row| Cell::Int(values.value(row));
    Float64: Float64Array, |values, row| Cell::Float(values.value(row));
    Utf8: StringArray, |values, row| Cell::Text(values.value(row));
    Boolean: BooleanArray, |values, row| Cell::Bool(values.value(row));
    UInt64: UInt64Array, |values, row| Cell::UInt(values.value(row));
    LargeUtf8: LargeStringArray, |values, row| Cell::Text(values.value(row));
    Int8: Int8Array, |values, row| Cell::Int(values.value(row).into());
    Int16: Int16Array, |values, row| Cell::Int(values.value(row).into());
    Int32: Int32Array, |values, row| Cell::Int(values.value(row).into());
    UInt8: UInt8Array, |values, row| Cell::UInt(values.value(row).into());
    UInt16: UInt16Array, |values, row| Cell::UInt(values.value(row).into());
    UInt32: UInt32Array, |values, row| Cell::UInt(values.value(row).into());
    Float16: Float16Array, |values, row| Cell::Float32(values.value(row).to_f32());
    Float32: Float32Array, |values, row| Cell::Float32(values.value(row));
    Decimal32: Decimal32Array, |values, row| Cell::Decimal(values.value_as_string(row));
    Decimal64: Decimal64Array, |values, row| Cell::Decimal(values.value_as_string(row));
    Decimal128: Decimal128Array, |values, row| Cell::Decimal(values.value_as_string(row));
    Decimal256: Decimal256Array, |values, row| Cell::Decimal(values.value_as_string(row));
    Binary: BinaryArray, |values, row| Cell::Bytes(values.value(row));
    LargeBinary: LargeBinaryArray, |values, row| Cell::Bytes(values.value(row));
    BinaryView: BinaryViewArray, |values, row| Cell::Bytes(values.value(row));
    FixedSizeBinary: FixedSizeBinaryArray, |values, row| Cell::Bytes(values.value(row));
    Date32: Date32Array, |values, row| date(values.value(row).into());
    Date64: Date64Array, |values, row| date(values.value(row).div_euclid(86_400_000));
    Time32Second: Time32SecondArray, |values, row| {
        time_of_day(values.value(row).into(), TimeUnit::Second)
    };
    Time32Millisecond: Time32MillisecondArray, |values, row| {
        time_of_day(values.value(row).into(), TimeUnit::Millisecond)
    };
    Time64Microsecond: Time64MicrosecondArray, |values, row| {
        time_of_day(values.value(row), TimeUnit::Microsecond)
    };
    Time64Nanosecond: Time64NanosecondArray, |values, row| {
        time_of_day(values.value(row), TimeUnit::Nanosecond)
    };
    IntervalYearMonth: IntervalYearMonthArray, |values, row| Cell::Span(Span {
        months: values.value(row).into(),
        ..Span::default()
    });
    IntervalDayTime: IntervalDayTimeArray, |values, row| {
        let value = values.value(row);
        Cell::Span(Span {
            months: 0,
            days: value.days.into(),
            nanoseconds: i128::from(value.milliseconds) * 1_000_000,
        })
    };
    IntervalMonthDayNano: IntervalMonthDayNanoArray, |values, row| {
        let value = values.value(row);
        Cell::Span(Span {
            months: value.months.into(),
            days: value.days.into(),
            nanoseconds: value.nanoseconds.into(),
        })
    };
}

impl<'a> Values<'a> {
    /// The values of `array`.
    pub(crate) fn of(array: &'a dyn Array) -> Self {
        if let Some(plain) = Plain::of(array) {
            return Values::Plain(plain);
        }
        let nulls = array.nulls();
        match array.data_type() {
            DataType::Null => Values::Null,
            DataType::Timestamp(unit, zone) => Values::Times(
                Ticks {
                    nulls,
                    counts: timestamps(array, *unit),
                    unit: *unit,
                },
                Clock::of(zone.as_deref()),
            ),
            DataType::Duration(unit) => Values::Durations(Ticks {
                nulls,
                counts: durations(array, *unit),
                unit: *unit,
            }),
            DataType::List(_) => {
                let lists = array.as_list::<i32>();
                Self::lists(nulls, Ranges::Offsets(lists.offsets()), lists.values())
            }
            DataType::LargeList(_) => {
                let lists = array.as_list::<i64>();
                Self::lists(nulls, Ranges::LargeOffsets(lists.offsets()), lists.values())
            }
            DataType::ListView(_) => {
                let lists = array.as_list_view::<i32>();
                let ranges = Ranges::Views(lists.offsets(), lists.sizes());
                Self::lists(nulls, ranges, lists.values())
            }
            DataType::LargeListView(_) => {
                let lists = array.as_list_view::<i64>();
                let ranges = Ranges::LargeViews(lists.offsets(), lists.sizes());
                Self::lists(nulls, ranges, lists.values())
            }
            DataType::FixedSizeList(_, len) => {
                let lists = array.as_fixed_size_list();
                let len = usize::try_from(*len).expect("Arrow has checked the length");
                Self::lists(nulls, Ranges::Equal(len), lists.values())
            }
            DataType::Struct(fields) => Values::Structs {
                nulls,
                fields: fields
                    .iter()
                    .zip(array.as_struct().columns())
                    .map(|(field, column)| (&**field.name(), Values::of(column)))
                    .collect(),
            },
            DataType::Map(..) => {
                let maps = array.as_map();
                Values::Maps {
                    nulls,
                    ranges: Ranges::Offsets(maps.offsets()),
                    keys: Box::new(Values::of(maps.keys())),
                    values: Box::new(Values::of(maps.values())),
                }
            }
            DataType::Dictionary(..) => {
                let dictionary = array.as_any_dictionary();
                let values = dictionary.values();
                if values.is_empty() {
                    return Values::Null;
                }
                Values::Dictionary {
                    nulls,
                    keys: dictionary.normalized_keys(),
                    values: Box::new(Values::of(values)),
                }
            }
            _ => Values::Other(array),
        }
    }

    fn lists(nulls: Option<&'a NullBuffer>, ranges: Ranges<'a>, elements: &'a ArrayRef) -> Self {
        Values::Lists {
            nulls,
            ranges,
            elements: Box::new(Values::of(elements)),
        }
    }

    /// The values of an array of texts, of which those that are numbers in JSON are taken for them.
    pub(crate) fn numbers(array: &'a dyn Array) -> Self {
        Values::Numbers(Box::new(Values::of(array)))
    }

    /// The value in a row.
    ///
    /// # Panics
    ///
    /// If the array has no such row.
    pub(crate) fn cell(&self, row: usize) -> Cell<'_> {
        match self {
            Values::Null => Cell::Null,
            Values::Plain(plain) => plain.cell(row),
            Values::Numbers(texts) => match texts.cell(row) {
                Cell::Text(text) if is_number(text.as_bytes()) => Cell::Decimal(text.to_owned()),
                cell => cell,
            },
            Values::Times(ticks, clock) => match ticks.get(row) {
                None => Cell::Null,
                Some(count) => match time::timestamp(count, ticks.unit) {
                    Some(at) => Cell::Time(Time { at, clock }),
                    None => Cell::Moment(since_1970(count, &ticks.unit)),
                },
            },
            Values::Durations(ticks) => match ticks.get(row) {
                None => Cell::Null,
                Some(count) => Cell::Span(Span {
                    nanoseconds: i128::from(count) * i128::from(time::nanoseconds(ticks.unit)),
                    ..Span::default()
                }),
            },
            Values::Lists { nulls, .. }
            | Values::Structs { nulls, .. }
            | Values::Maps { nulls, .. }
            | Values::Dictionary { nulls, .. }
                if nulls.is_some_and(|nulls| nulls.is_null(row)) =>
            {
                Cell::Null
            }
            Values::Lists {
                ranges, elements, ..
            } => Cell::List(List {
                values: elements,
                rows: ranges.get(row),
            }),
            Values::Structs { fields, .. } => Cell::Object(Object::Fields(fields, row)),
            Values::Maps {
                ranges,
                keys,
                values,
                ..
            } => Cell::Object(Object::Entries(keys, values, ranges.get(row))),
            Values::Dictionary { keys, values, .. } => values.cell(keys[row]),
            Values::Other(array) if array.is_null(row) => Cell::Null,
            Values::Other(array) => Cell::Other(debugged(*array, row)),
        }
    }
}

impl Ticks<'_> {
    fn get(&self, row: usize) -> Option<i64> {
        let count = self.counts[row];
        let is_null = self.nulls.is_some_and(|nulls| nulls.is_null(row));
        (!is_null).then_some(count)
    }
}

fn timestamps(array: &dyn Array, unit: TimeUnit) -> &[i64] {
    match unit {
        TimeUnit::Second => array.as_primitive::<TimestampSecondType>().values(),
        TimeUnit::Millisecond => array.as_primitive::<TimestampMillisecondType>().values(),
        TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().values(),
        TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().values(),
    }
}

fn durations(array: &dyn Array, unit: TimeUnit) -> &[i64] {
    match unit {
        TimeUnit::Second => array.as_primitive::<DurationSecondType>().values(),
        TimeUnit::Millisecond => array.as_primitive::<DurationMillisecondType>().values(),
        TimeUnit::Microsecond => array.as_primitive::<DurationMicrosecondType>().values(),
        TimeUnit::Nanosecond => array.as_primitive::<DurationNanosecondType>().values(),
    }
}

/// A day: `2026-03-14`.
fn date<'a>(days: i64) -> Cell<'a> {
    match time::date(days) {
        Some(date) => Cell::Date(date),
        None => Cell::Moment(format!("{days} days since 1970")),
    }
}

/// A time of day: `14:05:30.500`.
fn time_of_day<'a>(count: i64, unit: TimeUnit) -> Cell<'a> {
    const HOUR_NS: i64 = 3_600_000_000_000;
    let day = 0..24 * HOUR_NS;
    let nanoseconds = count.checked_mul(time::nanoseconds(unit));
    let Some(nanoseconds) = nanoseconds.filter(|nanoseconds| day.contains(nanoseconds)) else {
        return Cell::Moment(format!("{count} {} since midnight", name(&unit)));
    };
    let at = civil::Time::midnight() + jiff::SignedDuration::from_nanos(nanoseconds);
    let at = at.on(1970, 1, 1);
    let mut text = Vec::new();
    write_civil(at, b' ', fraction_digits(at), &mut text);
    let text = String::from_utf8(text).expect("digits are text");
    Cell::Moment(text["1970-01-01 ".len()..].to_owned())
}

/// A time that no calendar holds.
fn since_1970(count: i64, unit: &TimeUnit) -> String {
    format!("{count} {} since 1970", name(unit))
}

fn name(unit: &TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Nanosecond => "ns",
        TimeUnit::Microsecond => "us",
        TimeUnit::Millisecond => "ms",
        TimeUnit::Second => "s",
    }
}

/// A value in the form in which it is debugged, on one line.
fn debugged(array: &dyn Array, row: usize) -> String {
    let text = format!("{:?}", array.slice(row, 1));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
