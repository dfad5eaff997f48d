//! Times of columns, and the clock that they are read from.

use arrow_schema::TimeUnit;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::TimeZone;

use crate::zone::{self, DisplayZone};

/// The clock that the times of a column are read from.
#[derive(Debug)]
pub(crate) enum Clock {
    /// Times are points in time, and shown in the zone that all are shown in.
    Display,
    /// They are in a zone of their own, as a query asked for: they are shown in that.
    Own(DisplayZone),
    /// Nobody knows the zone: they are shown as they are.
    Civil,
}

impl Clock {
    /// The clock of a column of this zone.
    pub(crate) fn of(zone: Option<&str>) -> Self {
        match zone {
            None => Clock::Civil,
            Some("UTC" | "Z" | "Etc/UTC" | "+00:00" | "+00") => Clock::Display,
            // A zone that nobody knows changes how a time is shown, not which time it is.
            Some(zone) => match DateTimeParser::new().parse_time_zone(zone) {
                Ok(zone) => Clock::Own(DisplayZone::new(zone)),
                Err(_) => Clock::Display,
            },
        }
    }
}

/// A point in time of a column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time<'a> {
    pub(crate) at: Timestamp,
    pub(crate) clock: &'a Clock,
}

impl Time<'_> {
    /// Writes it as RFC 3339 has it, in `zone` unless it has its own; without an offset if nobody
    /// knows the zone.
    pub(crate) fn write_rfc3339(&self, zone: &DisplayZone, out: &mut Vec<u8>) {
        match self.clock {
            Clock::Display => zone.write_rfc3339_at(self.at, out),
            Clock::Own(own) => own.write_rfc3339_at(self.at, out),
            Clock::Civil => zone::write_civil(self.civil(zone), b'T', 0, out),
        }
    }

    /// It in a format of strftime, in `zone` unless it has its own.
    pub(crate) fn strftime(&self, zone: &DisplayZone, format: &str) -> Result<String, jiff::Error> {
        let zone = match self.clock {
            Clock::Display => zone.zone().clone(),
            Clock::Own(own) => own.zone().clone(),
            Clock::Civil => TimeZone::UTC,
        };
        zone::strftime(self.at.to_zoned(zone), format)
    }

    /// What calendar and clock show at the time, in `zone` unless it has its own.
    pub(crate) fn civil(&self, zone: &DisplayZone) -> DateTime {
        match self.clock {
            Clock::Display => zone.civil(self.at),
            Clock::Own(own) => own.civil(self.at),
            Clock::Civil => DisplayZone::utc().civil(self.at),
        }
    }
}

/// The first day of the year 1 has begun in every zone, and the last one of the year 9999 in none.
const FIRST: Timestamp = Timestamp::constant(-62_135_510_400, 0);
const END: Timestamp = Timestamp::constant(253_402_128_000, 0);

/// The time of so many units since 1970, if it is in a year of four digits.
pub(crate) fn timestamp(count: i64, unit: TimeUnit) -> Option<Timestamp> {
    let time = match unit {
        TimeUnit::Nanosecond => zone::timestamp(count),
        TimeUnit::Microsecond => Timestamp::from_microsecond(count).ok()?,
        TimeUnit::Millisecond => Timestamp::from_millisecond(count).ok()?,
        TimeUnit::Second => Timestamp::from_second(count).ok()?,
    };
    (FIRST..END).contains(&time).then_some(time)
}

/// The day so many days after the first of 1970, if it is in a year of four digits.
pub(crate) fn date(days: i64) -> Option<Date> {
    let time = timestamp(days.checked_mul(86_400)?, TimeUnit::Second)?;
    Some(DisplayZone::utc().civil(time).date())
}

/// How many nanoseconds a unit has.
pub(crate) fn nanoseconds(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Nanosecond => 1,
        TimeUnit::Microsecond => 1_000,
        TimeUnit::Millisecond => 1_000_000,
        TimeUnit::Second => 1_000_000_000,
    }
}
