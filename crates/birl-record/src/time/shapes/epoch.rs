//! The time since 1970 as one number.
//!
//! How many digits it has tells its unit: from 1973 to 5138 no number of seconds has as many as one
//! of milliseconds.

use std::ops::RangeInclusive;

use crate::time::cursor::{Cursor, Parsed};
use crate::time::digits::fraction;
use crate::time::reading::Reading;
use crate::time::shape::{Definition, Kind, Lead, Place};

pub(super) static SHAPES: [Definition; 6] = [
    Definition {
        name: "epoch-s",
        leads: &[Lead::Digits(10..=10, b"")],
        kind: Kind::Number,
        place: Place::Anywhere,
        rivalry: None,
        patterns: &["%s", "%s%.f"],
        samples: &[
            ("1773497130", "2026-03-14T14:05:30Z"),
            ("1773497130.123456", "2026-03-14T14:05:30.123456Z"),
        ],
        parse: seconds,
    },
    Definition {
        name: "epoch-ms",
        leads: &[Lead::Digits(13..=13, b"")],
        kind: Kind::Number,
        place: Place::Anywhere,
        rivalry: None,
        patterns: &["%s%3f"],
        samples: &[
            ("1773497130123", "2026-03-14T14:05:30.123Z"),
            ("1773497130123.456", "2026-03-14T14:05:30.123456Z"),
        ],
        parse: milliseconds,
    },
    Definition {
        name: "epoch-us",
        leads: &[Lead::Digits(16..=16, b"")],
        kind: Kind::Number,
        place: Place::Anywhere,
        rivalry: None,
        patterns: &["%s%6f"],
        samples: &[("1773497130123456", "2026-03-14T14:05:30.123456Z")],
        parse: microseconds,
    },
    Definition {
        name: "epoch-ns",
        leads: &[Lead::Digits(19..=19, b"")],
        kind: Kind::Number,
        place: Place::Anywhere,
        rivalry: None,
        patterns: &["%s%9f"],
        samples: &[("1773497130123456789", "2026-03-14T14:05:30.123456789Z")],
        parse: nanoseconds,
    },
    Definition {
        name: "epoch-exponent",
        leads: &[Lead::Digits(1..=1, b".")],
        kind: Kind::Number,
        place: Place::Value,
        rivalry: None,
        patterns: &[],
        samples: &[
            ("1.773497130e9", "2026-03-14T14:05:30Z"),
            ("1.773497130123456E9", "2026-03-14T14:05:30.123456Z"),
            ("1.773497130123E12", "2026-03-14T14:05:30.123Z"),
            ("1.77349713E+12", "2026-03-14T14:05:30Z"),
        ],
        parse: exponent,
    },
    // As it stands in JSON, behind the key of the seconds: log4j2's `instant`, Protobuf's `Timestamp`.
    Definition {
        name: "epoch-parts",
        leads: &[Lead::Digits(10..=10, b",")],
        kind: Kind::Number,
        place: Place::Value,
        rivalry: None,
        patterns: &[],
        samples: &[
            ("1773497130,\"nanos\":250000000", "2026-03-14T14:05:30.25Z"),
            (
                "1773497130, \"nanoOfSecond\": 1000",
                "2026-03-14T14:05:30.000001Z",
            ),
        ],
        parse: parts,
    },
];

fn seconds(text: &[u8]) -> Parsed {
    integer(text, 1..=11, 1_000_000_000)
}

fn milliseconds(text: &[u8]) -> Parsed {
    integer(text, 12..=14, 1_000_000)
}

fn microseconds(text: &[u8]) -> Parsed {
    integer(text, 15..=17, 1_000)
}

fn nanoseconds(text: &[u8]) -> Parsed {
    integer(text, 18..=19, 1)
}

/// Reads a number with so many digits before the point, of units of so many nanoseconds.
fn integer(text: &[u8], digits: RangeInclusive<usize>, unit_ns: u32) -> Parsed {
    let mut c = Cursor::new(text);
    let is_negative = sign(&mut c);
    let count = c.count_digits();
    if !digits.contains(&count) {
        return None;
    }
    let mut nanoseconds = i128::from(take_integer(&mut c, count)) * i128::from(unit_ns);
    if let [b'.', rest @ ..] = c.rest() {
        let (billionths, count) = fraction(rest);
        if count > 0 {
            nanoseconds += i128::from(u64::from(billionths) * u64::from(unit_ns) / 1_000_000_000);
            c.skip(1 + count);
        }
    }
    end(c, is_negative, nanoseconds)
}

/// Reads a number such as `1.77e12`, as libraries for JSON write those that are large.
fn exponent(text: &[u8]) -> Parsed {
    let mut c = Cursor::new(text);
    let is_negative = sign(&mut c);
    let whole = c.digits(1)?;
    c.expect(b'.')?;
    let decimals = c.count_digits();
    if !(1..=18).contains(&decimals) {
        return None;
    }
    let decimals_value = take_integer(&mut c, decimals);
    c.one_of(b"eE")?;
    c.eat(b'+');
    let exponent = c.digits(c.count_digits().min(2))?;
    let nanoseconds_exponent = match exponent {
        9 | 10 => exponent + 9,
        12 | 13 => exponent + 6,
        15 | 16 => exponent + 3,
        18 => exponent,
        _ => return None,
    };
    // All decimals that are beyond nanoseconds are cut off.
    let scaled = i128::from(whole) * 10_i128.pow(18)
        + i128::from(decimals_value) * 10_i128.pow(18 - decimals as u32);
    let nanoseconds = scaled * 10_i128.pow(nanoseconds_exponent) / 10_i128.pow(18);
    end(c, is_negative, nanoseconds)
}

/// Reads seconds, and then nanoseconds as the next member of an object.
fn parts(text: &[u8]) -> Parsed {
    let mut c = Cursor::new(text);
    if c.count_digits() != 10 {
        return None;
    }
    let seconds = take_integer(&mut c, 10);
    c.expect(b',')?;
    c.skip_spaces();
    c.expect(b'"')?;
    if !matches!(c.word(), b"nanos" | b"nanoOfSecond") {
        return None;
    }
    c.expect(b'"')?;
    c.expect(b':')?;
    c.skip_spaces();
    let digits = c.count_digits();
    if !(1..=9).contains(&digits) {
        return None;
    }
    let nanoseconds = take_integer(&mut c, digits);
    let nanoseconds = i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds);
    end(c, false, nanoseconds)
}

fn sign(c: &mut Cursor<'_>) -> bool {
    c.one_of(b"+-") == Some(b'-')
}

/// Takes `count` digits, which are there, 19 at most.
fn take_integer(c: &mut Cursor<'_>, count: usize) -> u64 {
    let digits = &c.rest()[..count];
    let value = digits
        .iter()
        .fold(0, |value, digit| value * 10 + u64::from(digit - b'0'));
    c.skip(count);
    value
}

/// The reading, unless the number goes on as a word, an address or an identifier.
fn end(c: Cursor<'_>, is_negative: bool, nanoseconds: i128) -> Parsed {
    let goes_on = match c.rest() {
        [b'.' | b'-', next, ..] => next.is_ascii_alphanumeric(),
        [next, ..] => next.is_ascii_alphanumeric() || *next == b'_',
        [] => false,
    };
    if goes_on {
        return None;
    }
    let nanoseconds = if is_negative {
        -nanoseconds
    } else {
        nanoseconds
    };
    c.end_anywhere(Reading::at_instant(nanoseconds)?)
}
