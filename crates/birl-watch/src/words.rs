//! Times and lengths of time in words: the one way in which people are told of them.

use std::time::Duration;

use jiff::Timestamp;

/// The units of lengths, as they are typed, and how many nanoseconds each has.
const UNITS: [(&str, u128); 5] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
];

/// A moment, in nanoseconds since 1970, as people read it: to the second, in UTC, as RFC 3339 has it, so that it can be
/// typed in a query.
pub fn moment(nanoseconds: i64) -> String {
    exact(nanoseconds - nanoseconds.rem_euclid(1_000_000_000))
}

/// The same to the nanosecond, where something is to be found by it.
pub(crate) fn exact(nanoseconds: i64) -> String {
    Timestamp::from_nanosecond(nanoseconds.into())
        .map_or_else(|_| nanoseconds.to_string(), |moment| moment.to_string())
}

/// A length of time as people type it: `1h30m`.
pub fn length(length: Duration) -> String {
    in_units(length, UNITS.len())
}

/// A length of time in its two largest units: `3d4h`.
pub fn about(length: Duration) -> String {
    in_units(length, 2)
}

fn in_units(length: Duration, most: usize) -> String {
    let mut rest = length.as_nanos();
    let mut text = String::new();
    let largest = UNITS.iter().position(|(_, size)| rest >= *size);
    let units = UNITS.iter().skip(largest.unwrap_or(UNITS.len()));
    for (unit, size) in units.take(most) {
        let count = rest / size;
        rest %= size;
        if count > 0 {
            text += &format!("{count}{unit}");
        }
    }
    match text.is_empty() {
        true => format!("{rest}ns"),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_as_they_are_typed() {
        let nanoseconds = Duration::from_nanos;
        let seconds = Duration::from_secs;
        let cases = [
            (nanoseconds(0), "0ns", "0ns"),
            (nanoseconds(1), "1ns", "1ns"),
            (seconds(90), "1m30s", "1m30s"),
            (seconds(86_400), "1d", "1d"),
            (nanoseconds(500_000_000), "500ms", "500ms"),
            (seconds(3 * 86_400 + 4 * 3600 + 59), "3d4h59s", "3d4h"),
            (seconds(86_400 + 59), "1d59s", "1d"),
        ];
        for (given, all, most) in cases {
            assert_eq!((length(given).as_str(), about(given).as_str()), (all, most));
        }
    }

    #[test]
    fn a_moment_is_to_the_second() {
        assert_eq!(moment(1_773_497_160_999_999_999), "2026-03-14T14:06:00Z");
        assert_eq!(moment(-1), "1969-12-31T23:59:59Z");
        assert_eq!(
            exact(1_773_497_160_000_000_001),
            "2026-03-14T14:06:00.000000001Z"
        );
    }
}
