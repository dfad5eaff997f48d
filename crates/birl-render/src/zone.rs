//! Times as text, in the zone that they are shown in.

use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};

/// The zone that times are shown in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayZone {
    zone: TimeZone,
    /// The offset from UTC, if it always is the same.
    fixed: Option<Offset>,
}

impl DisplayZone {
    /// Shows times in `zone`.
    #[must_use]
    pub fn new(zone: TimeZone) -> Self {
        let fixed = zone.to_fixed_offset().ok();
        Self { zone, fixed }
    }

    /// Shows times in UTC.
    #[must_use]
    pub fn utc() -> Self {
        Self::new(TimeZone::UTC)
    }

    pub(crate) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Writes a time as RFC 3339 has it: `2026-03-14T14:05:30.500Z`, with as many digits behind the
    /// point as it needs: none, 3, 6 or 9.
    pub(crate) fn write_rfc3339(&self, time: i64, out: &mut Vec<u8>) {
        self.write_rfc3339_at(timestamp(time), out);
    }

    /// Writes a time of a year of four digits likewise.
    pub(crate) fn write_rfc3339_at(&self, time: Timestamp, out: &mut Vec<u8>) {
        let (local, offset) = self.local(time);
        write_date(local, b'T', out);
        write_fraction(local, 0, out);
        write_offset(offset, out);
    }

    /// Writes a time as people read it: `2026-03-14 14:05:30.500`, with 3, 6 or 9 digits behind the
    /// point.
    pub(crate) fn write_plain(&self, time: i64, out: &mut Vec<u8>) {
        write_civil(self.civil(timestamp(time)), b' ', 3, out);
    }

    /// What calendar and clock show in the zone.
    pub(crate) fn civil(&self, time: Timestamp) -> DateTime {
        self.local(time).0
    }

    fn local(&self, time: Timestamp) -> (DateTime, Offset) {
        let offset = self.fixed.unwrap_or_else(|| self.zone.to_offset(time));
        (offset.to_datetime(time), offset)
    }
}

/// The timestamp of so many nanoseconds since 1970.
pub(crate) fn timestamp(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanosecond(nanoseconds.into()).expect("64 bits are a few centuries only")
}

/// A time in a format of strftime.
pub(crate) fn strftime(time: Zoned, format: &str) -> Result<String, jiff::Error> {
    BrokenDownTime::from(&time).to_string(format)
}

/// Writes what calendar and clock show, with at least `digits_min` digits behind the point.
pub(crate) fn write_civil(local: DateTime, between: u8, digits_min: usize, out: &mut Vec<u8>) {
    write_date(local, between, out);
    write_fraction(local, digits_min, out);
}

fn write_date(local: DateTime, between: u8, out: &mut Vec<u8>) {
    let digits = |number: i8| two_digits(number.unsigned_abs());
    let year = local.year().unsigned_abs();
    let [a, b] = two_digits((year / 100) as u8);
    let [c, d] = two_digits((year % 100) as u8);
    let [e, f] = digits(local.month());
    let [g, h] = digits(local.day());
    let [i, j] = digits(local.hour());
    let [k, l] = digits(local.minute());
    let [m, n] = digits(local.second());
    out.extend_from_slice(&[
        a, b, c, d, b'-', e, f, b'-', g, h, between, i, j, b':', k, l, b':', m, n,
    ]);
}

/// Writes the fraction of a second in groups of three digits, at least `digits_min` of them.
fn write_fraction(local: DateTime, digits_min: usize, out: &mut Vec<u8>) {
    let mut rest = local.subsec_nanosecond().unsigned_abs();
    let digits = fraction_digits(local).max(digits_min);
    if digits == 0 {
        return;
    }
    let mut fraction = [b'0'; 9];
    for digit in fraction.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.push(b'.');
    out.extend_from_slice(&fraction[..digits]);
}

/// How many digits the fraction of a second needs: none, 3, 6 or 9.
pub(crate) fn fraction_digits(local: DateTime) -> usize {
    match local.subsec_nanosecond() {
        0 => 0,
        fraction if fraction % 1_000_000 == 0 => 3,
        fraction if fraction % 1_000 == 0 => 6,
        _ => 9,
    }
}

fn write_offset(offset: Offset, out: &mut Vec<u8>) {
    // RFC 3339 has no seconds in offsets; those of local mean time, before about 1900, are rounded.
    let minutes = (offset.seconds() + 30).div_euclid(60);
    if minutes == 0 {
        return out.push(b'Z');
    }
    let [a, b] = two_digits((minutes.unsigned_abs() / 60) as u8);
    let [c, d] = two_digits((minutes.unsigned_abs() % 60) as u8);
    let sign = if minutes < 0 { b'-' } else { b'+' };
    out.extend_from_slice(&[sign, a, b, b':', c, d]);
}

fn two_digits(number: u8) -> [u8; 2] {
    [b'0' + number / 10, b'0' + number % 10]
}

#[cfg(test)]
mod tests {
    use jiff::tz;
    use proptest::prelude::*;

    use super::*;

    fn rfc3339(zone: &DisplayZone, time: i64) -> String {
        let mut out = Vec::new();
        zone.write_rfc3339(time, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_time_has_the_digits_that_it_needs() {
        const SECOND: i64 = 1_773_497_130;
        for (nanoseconds, expected) in [
            (0, "2026-03-14T14:05:30Z"),
            (500_000_000, "2026-03-14T14:05:30.500Z"),
            (500_010_000, "2026-03-14T14:05:30.500010Z"),
            (1, "2026-03-14T14:05:30.000000001Z"),
        ] {
            let time = SECOND * 1_000_000_000 + nanoseconds;
            assert_eq!(rfc3339(&DisplayZone::utc(), time), expected);
        }
    }

    #[test]
    fn a_time_is_shown_in_its_zone() {
        let time = 1_773_497_130_500_000_000;
        let kolkata = DisplayZone::new(TimeZone::fixed(
            tz::offset(5).saturating_add(jiff::Span::new().minutes(30)),
        ));
        assert_eq!(rfc3339(&kolkata, time), "2026-03-14T19:35:30.500+05:30");
        let west = DisplayZone::new(TimeZone::fixed(tz::offset(-3)));
        assert_eq!(rfc3339(&west, time), "2026-03-14T11:05:30.500-03:00");
        let mut out = Vec::new();
        west.write_plain(time, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "2026-03-14 11:05:30.500");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(time: i64, hours in -12i8..13) {
            let zone = DisplayZone::new(TimeZone::fixed(tz::offset(hours)));
            let read: Timestamp = rfc3339(&zone, time).parse().unwrap();
            prop_assert_eq!(read, timestamp(time));
        }
    }
}
