//! Moments and lengths of time, as people type them.

#[cfg(test)]
mod tests;

use std::fmt::{self, Display, Formatter};
use std::ops::Range;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan, Zoned};

use super::calendar::{DAY, HOUR, SECOND};
use super::resolver::Resolver;
use super::shape::Shape;

const MINUTE: i64 = 60 * SECOND;

/// From where moments are looked at: what is now, and in which zone days begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    /// In nanoseconds since 1970 (UTC).
    pub now: i64,
    /// The zone of what is typed without one.
    pub zone: TimeZone,
    /// When the newest record was, likewise, where that is known: from there `last:2h` counts back,
    /// else from now.
    pub newest: Option<i64>,
}

impl Clock {
    /// The last part of the time, which is `length` nanoseconds long, up to the newest record or
    /// now, and what may come after it.
    pub fn last(&self, length: i64) -> Range<i64> {
        self.newest.unwrap_or(self.now).saturating_sub(length)..i64::MAX
    }
}

/// What a moment names: the instants from the first on, before the second, in nanoseconds since 1970
/// (UTC). As much is meant as is said: `2026-03-14` is a day, `14:05` a minute.
///
/// # What is understood
///
/// - `2026-03-14`, `2026-03`, `2026`; with a time behind a space or `T`: `2026-03-14 14:05`,
///   `2026-03-14T14:05:30.5`; with a zone: `…Z`, `…+01:00`, `… UTC`, `… Europe/Paris`;
/// - `14:05`, `14:05:30`, `2pm`, `2:05pm`: today;
/// - `today`, `yesterday`, `tomorrow`, and weekdays, which are the last of that name, today among
///   them, or, with `last` before it, before today; each with a time behind it: `friday 14:00`;
/// - `now`; `-90m`, `90m ago`, `90m`, which is before now; `+90m` and `in 90m`, which is after it;
/// - `@1773497130`: seconds since 1970; without the `@` also milli-, micro- and nanoseconds, told
///   apart by their digits;
/// - any other timestamp that logs have: `14/Mar/2026:14:05:30 +0000`, `Mar 14 14:05:30`.
///
/// A local time that was twice, because clocks were set back, is the first of the two; one that
/// never was, because they were set forward, is as much later.
///
/// # Errors
/// Where it is none of these. The error says what is wrong and what would be right.
///
/// ```
/// use birl_record::time::{Clock, moment};
/// use jiff::{Timestamp, tz::TimeZone};
///
/// let now: Timestamp = "2026-03-14T14:05:30Z".parse()?;
/// let clock = Clock { now: now.as_nanosecond() as i64, zone: TimeZone::UTC, newest: None };
/// let second = |instant: i64| Timestamp::from_nanosecond(instant.into()).unwrap().to_string();
/// let yesterday = moment("yesterday", &clock)?;
/// assert_eq!(second(yesterday.start), "2026-03-13T00:00:00Z");
/// assert_eq!(second(yesterday.end), "2026-03-14T00:00:00Z");
/// assert_eq!(
///     moment("fridax 14:00", &clock).unwrap_err().to_string(),
///     "there is no moment \"fridax 14:00\"; did you mean \"friday 14:00\"?",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn moment(text: &str, clock: &Clock) -> Result<Range<i64>, NotTyped> {
    let typed = text.trim();
    let lower = typed.to_ascii_lowercase();
    if lower.is_empty() {
        return Err(NotTyped::new("a moment is missing", FORMS));
    }
    if lower == "now" {
        return Ok(clock.now..clock.now.saturating_add(1));
    }
    if let Some(seconds) = lower.strip_prefix('@') {
        return epoch(seconds)
            .ok_or_else(|| NotTyped::new(none(typed), "`@` stands before seconds since 1970"));
    }
    if let Some(written) = written(typed, &lower, clock) {
        return written;
    }
    if let Some(relative) = relative(&lower, clock) {
        return relative;
    }
    as_in_logs(typed, clock).ok_or_else(|| unknown(typed, &lower, clock))
}

/// A length of time: `2h`, `90m`, `1d12h`, `1w`, `1.5h`, `500ms`; in nanoseconds. A day has 24 hours.
///
/// # Errors
/// Where it is none, or longer than 292 years. The error says what would be right.
///
/// ```
/// use birl_record::time::duration;
///
/// assert_eq!(duration("1h30m"), Ok(5_400_000_000_000));
/// assert_eq!(
///     duration("90").unwrap_err().to_string(),
///     "90 has no unit; the units are w, d, h, m, s and ms, as in 90m",
/// );
/// ```
pub fn duration(text: &str) -> Result<i64, NotTyped> {
    let typed = text.trim();
    let mut rest = typed;
    let mut total: i128 = 0;
    if rest.is_empty() {
        return Err(NotTyped::new("a length of time is missing", DURATIONS));
    }
    while !rest.is_empty() {
        let number_len = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, behind) = rest.split_at(number_len);
        let behind = behind.trim_start();
        let unit_len = behind
            .find(|c: char| !c.is_alphabetic())
            .unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(unit_len);
        if number.is_empty() {
            return Err(NotTyped::new(
                format!("{typed:?} is no length of time"),
                DURATIONS,
            ));
        }
        let nanoseconds = unit_of(&unit.to_lowercase(), unit, number)?;
        let value = decimal(number, nanoseconds)
            .ok_or_else(|| NotTyped::new(format!("{typed:?} is no length of time"), DURATIONS))?;
        total += value;
        rest = behind.trim_start();
    }
    i64::try_from(total)
        .map_err(|_| NotTyped::new(format!("{typed} is too long"), "at most 292 years"))
}

/// A time zone: `UTC`, an offset such as `+02:00`, or a name such as `Europe/Paris`.
///
/// # Errors
/// Where there is none of this name. The error says what would be right.
pub fn zone(text: &str) -> Result<TimeZone, NotTyped> {
    let typed = text.trim();
    let none = || {
        NotTyped::new(
            format!("there is no time zone {typed:?}"),
            "one is UTC, an offset such as +02:00, or a name such as Europe/Paris",
        )
    };
    if ["utc", "z", "gmt"].contains(&typed.to_ascii_lowercase().as_str()) {
        return Ok(TimeZone::UTC);
    }
    if typed.starts_with(['+', '-']) {
        return offset(typed).map(TimeZone::fixed).ok_or_else(none);
    }
    let is_name = typed.starts_with(|c: char| c.is_ascii_alphabetic());
    is_name
        .then(|| TimeZone::get(typed).ok())
        .flatten()
        .ok_or_else(none)
}

/// What was typed for a moment, a length of time or a zone, and is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotTyped {
    message: String,
    hint: String,
}

impl NotTyped {
    fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// What is wrong, in lower case and without a final stop.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What would be right.
    pub fn hint(&self) -> &str {
        &self.hint
    }
}

impl Display for NotTyped {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.message, self.hint)
    }
}

impl std::error::Error for NotTyped {}

const FORMS: &str = "a moment is one of 2026-03-14, \"2026-03-14 14:05\", 14:05, yesterday, \
                     \"friday 14:00\", -90m";
const DURATIONS: &str = "a length of time is a number with a unit, such as 90m, 2h or 1d12h";
const UNITS: &str = "the units are w, d, h, m, s and ms";

fn none(typed: &str) -> String {
    format!("there is no moment {typed:?}")
}

/// How much of what is typed is meant.
#[derive(Clone, Copy, Debug)]
enum Precision {
    Year,
    Month,
    Day,
    Nanoseconds(i64),
}

/// A date, or a word for a day, a time, or both, with or without a zone. `None` where it does not
/// begin like any.
fn written(typed: &str, lower: &str, clock: &Clock) -> Option<Result<Range<i64>, NotTyped>> {
    let today = zoned(clock).date();
    let (mut date, mut precision, mut rest) = match day(lower, today) {
        Some(Ok(day)) => day,
        Some(Err(why)) => return Some(Err(NotTyped::new(none(typed), why))),
        None => (today, Precision::Day, 0),
    };
    let is_clock_alone = rest == 0;
    let behind = &lower[rest..];
    let gap = ["t", " at ", " "]
        .iter()
        .find(|gap| behind.starts_with(**gap));
    let gap = match is_clock_alone {
        true => 0,
        false => gap.map_or(0, |gap| gap.len()),
    };
    let clock_text = behind[gap..].trim_start();
    let clock_at = lower.len() - clock_text.len();
    let mut time = Time::midnight();
    match clock_time(clock_text) {
        Some(Err(why)) => return Some(Err(NotTyped::new(none(typed), why))),
        Some(Ok((at, length, taken))) if is_clock_alone || gap > 0 => {
            // Noon of a month is none.
            if !matches!(precision, Precision::Day) {
                return None;
            }
            (time, precision, rest) = (at, Precision::Nanoseconds(length), clock_at + taken);
        }
        _ if is_clock_alone => return None,
        _ => {}
    }
    let zone = match typed[rest..].trim() {
        "" => clock.zone.clone(),
        text => match zone_behind(text) {
            Some(Ok(zone)) => {
                // `14:05+05:30` is of today there.
                if is_clock_alone {
                    date = timestamp(clock.now).to_zoned(zone.clone()).date();
                }
                zone
            }
            Some(Err(error)) => return Some(Err(error)),
            None => return None,
        },
    };
    Some(Ok(span(date.to_datetime(time), precision, &zone)))
}

/// The zone that stands behind a moment, where what stands there looks like one.
fn zone_behind(text: &str) -> Option<Result<TimeZone, NotTyped>> {
    let is_name = text
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "/_+-:".contains(c));
    let is_like_one = text.contains('/')
        || text.starts_with(['+', '-'])
        || ["utc", "z", "gmt"].contains(&text.to_ascii_lowercase().as_str());
    (is_name && is_like_one).then(|| zone(text))
}

/// The day that a text begins with, how much of it is meant, and how many bytes it takes.
fn day(lower: &str, today: Date) -> Option<Result<(Date, Precision, usize), String>> {
    let word_len = lower
        .find(|c: char| !c.is_ascii_alphabetic())
        .unwrap_or(lower.len());
    let word = &lower[..word_len];
    let days_from_today = match word {
        "today" => Some(0),
        "yesterday" => Some(-1),
        "tomorrow" => Some(1),
        _ => None,
    };
    if let Some(days) = days_from_today {
        let date = today.checked_add(days.days()).ok()?;
        return Some(Ok((date, Precision::Day, word_len)));
    }
    if let Some(weekday) = weekday(word) {
        let days = i64::from(today.weekday().since(weekday));
        let date = today.checked_sub(days.days()).ok()?;
        return Some(Ok((date, Precision::Day, word_len)));
    }
    if word == "last" {
        let behind = lower[word_len..].trim_start();
        let at = lower.len() - behind.len();
        let len = behind
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(behind.len());
        let weekday = weekday(&behind[..len])?;
        let days = match i64::from(today.weekday().since(weekday)) {
            0 => 7,
            days => days,
        };
        let date = today.checked_sub(days.days()).ok()?;
        return Some(Ok((date, Precision::Day, at + len)));
    }
    numbers(lower)
}

/// `2026-03-14`, `2026-03` or `2026`.
fn numbers(lower: &str) -> Option<Result<(Date, Precision, usize), String>> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    if digits(lower) != 4 {
        return None;
    }
    let year: i16 = lower[..4].parse().ok()?;
    let Some(behind) = lower[4..].strip_prefix('-') else {
        let date = Date::new(year, 1, 1).ok()?;
        return lower[4..]
            .is_empty()
            .then_some(Ok((date, Precision::Year, 4)));
    };
    let len = digits(behind);
    if !(1..=2).contains(&len) {
        return None;
    }
    let month: i8 = behind[..len].parse().ok()?;
    let at = 5 + len;
    if !(1..=12).contains(&month) {
        return Some(Err(format!("a year has no month {month}")));
    }
    let Some(behind) = lower[at..].strip_prefix('-') else {
        let date = Date::new(year, month, 1).ok()?;
        return lower[at..]
            .is_empty()
            .then_some(Ok((date, Precision::Month, at)));
    };
    let len = digits(behind);
    if !(1..=2).contains(&len) {
        return None;
    }
    let day: i8 = behind[..len].parse().ok()?;
    let first = Date::new(year, month, 1).ok()?;
    Some(match Date::new(year, month, day) {
        Ok(date) => Ok((date, Precision::Day, at + 1 + len)),
        Err(_) => Err(format!(
            "{} has the days 1 to {}",
            first.strftime("%B %Y"),
            first.days_in_month()
        )),
    })
}

/// A time of day, how much of it is meant, and how many bytes it takes: `14:05`, `14:05:30.25`,
/// `2pm`, `2:05pm`.
fn clock_time(lower: &str) -> Option<Result<(Time, i64, usize), String>> {
    let mut at = 0;
    let number = |at: &mut usize, len_max: usize| -> Option<i8> {
        let digits = lower[*at..].bytes().take_while(u8::is_ascii_digit).count();
        if !(1..=len_max).contains(&digits) {
            return None;
        }
        let value = lower[*at..*at + digits].parse().ok();
        *at += digits;
        value
    };
    let hour = number(&mut at, 2)?;
    let (mut minute, mut second, mut nanosecond) = (0, 0, 0);
    let mut length = HOUR;
    let is_hour_alone = !lower[at..].starts_with(':');
    if !is_hour_alone {
        at += 1;
        minute = number(&mut at, 2)?;
        length = MINUTE;
        if lower[at..].starts_with(':') {
            at += 1;
            second = number(&mut at, 2)?;
            length = SECOND;
            if lower[at..].starts_with(['.', ',']) {
                let fraction = &lower[at + 1..];
                let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
                if !(1..=9).contains(&digits) {
                    return None;
                }
                length = 10_i64.pow(9 - digits as u32);
                nanosecond = fraction[..digits].parse::<i64>().ok()? * length;
                at += 1 + digits;
            }
        }
    }
    let behind = lower[at..].trim_start();
    let half = match behind.get(..2) {
        Some("am") => Some(0),
        Some("pm") => Some(12),
        _ => None,
    };
    let hour = match half {
        Some(half) if (1..=12).contains(&hour) => {
            at = lower.len() - behind.len() + 2;
            hour % 12 + half
        }
        Some(_) => return Some(Err("before am and pm stand the hours 1 to 12".to_owned())),
        None if is_hour_alone => return None,
        None => hour,
    };
    let whole = hour == 24 && minute == 0 && second == 0 && nanosecond == 0;
    if hour > 23 {
        let hint = match whole {
            true => "a day ends where the next begins, at 00:00",
            false => "a day has the hours 0 to 23",
        };
        return Some(Err(hint.to_owned()));
    }
    if minute > 59 {
        return Some(Err("an hour has the minutes 0 to 59".to_owned()));
    }
    if second > 59 {
        return Some(Err("a minute has the seconds 0 to 59".to_owned()));
    }
    let time = Time::new(hour, minute, second, nanosecond as i32).ok()?;
    Some(Ok((time, length, at)))
}

/// `-90m`, `90m ago`, `90m`, `+90m`, `in 90m`. `None` where it does not look like any.
fn relative(lower: &str, clock: &Clock) -> Option<Result<Range<i64>, NotTyped>> {
    let (length, is_ahead) = if let Some(length) = lower.strip_prefix('-') {
        (length, false)
    } else if let Some(length) = lower.strip_prefix('+').or(lower.strip_prefix("in ")) {
        (length, true)
    } else if let Some(length) = lower.strip_suffix(" ago") {
        (length, false)
    } else {
        (lower, false)
    };
    let is_sure = length.len() < lower.len();
    let begins_with_number = length
        .trim_start()
        .starts_with(|c: char| c.is_ascii_digit());
    if !begins_with_number {
        return None;
    }
    match duration(length) {
        Ok(length) => {
            let at = match is_ahead {
                true => clock.now.saturating_add(length),
                false => clock.now.saturating_sub(length),
            };
            Some(Ok(at..at.saturating_add(1)))
        }
        Err(error) if is_sure => Some(Err(error)),
        Err(_) => None,
    }
}

/// `1773497130`, `1773497130.25`: seconds since 1970.
fn epoch(seconds: &str) -> Option<Range<i64>> {
    let (sign, digits) = match seconds.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, seconds),
    };
    let at = i64::try_from(decimal(digits, SECOND)?).ok()? * sign;
    let length = match digits.split_once('.') {
        Some((_, fraction)) => 10_i64.checked_pow(9_u32.checked_sub(fraction.len() as u32)?)?,
        None => SECOND,
    };
    Some(at..at.checked_add(length)?)
}

/// A timestamp as logs have it.
fn as_in_logs(typed: &str, clock: &Clock) -> Option<Range<i64>> {
    let text = typed.as_bytes();
    let reading = Shape::of(text)?.parse(text)?.0;
    let mut resolver = Resolver::new(clock.zone.clone(), clock.now);
    let start = resolver.resolve(reading)?;
    let is_number = typed
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let is_date = !typed.contains(':') && !is_number;
    let length = match reading.nanosecond() % SECOND {
        _ if is_date && reading.nanosecond() == 0 => DAY,
        0 => SECOND,
        fraction => {
            let units = [1_000_000, 1_000];
            units
                .into_iter()
                .find(|unit| fraction % unit == 0)
                .unwrap_or(1)
        }
    };
    Some(start..start.saturating_add(length))
}

/// What to say of something that is no moment.
fn unknown(typed: &str, lower: &str, clock: &Clock) -> NotTyped {
    let word_len = lower
        .find(|c: char| !c.is_ascii_alphabetic())
        .unwrap_or(lower.len());
    let (word, behind) = lower.split_at(word_len);
    let is_known = DAY_WORDS.contains(&word);
    let near = DAY_WORDS
        .into_iter()
        .find(|known| !is_known && is_near(known, word));
    let meant = near.map(|near| format!("{near}{behind}"));
    let is_one = |meant: &String| {
        let written = written(meant, meant, clock);
        meant == "now" || written.is_some_and(|written| written.is_ok())
    };
    match meant.filter(is_one) {
        Some(meant) => NotTyped::new(none(typed), format!("did you mean {meant:?}?")),
        None => match duration(lower) {
            Err(error)
                if lower.starts_with(|c: char| c.is_ascii_digit())
                    && lower.ends_with(|c: char| c.is_alphabetic()) =>
            {
                error
            }
            _ => NotTyped::new(none(typed), FORMS),
        },
    }
}

const DAY_WORDS: [&str; 12] = [
    "today",
    "yesterday",
    "tomorrow",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "now",
    "last",
];

fn weekday(word: &str) -> Option<Weekday> {
    Some(match word {
        "monday" | "mon" => Weekday::Monday,
        "tuesday" | "tue" | "tues" => Weekday::Tuesday,
        "wednesday" | "wed" => Weekday::Wednesday,
        "thursday" | "thu" | "thur" | "thurs" => Weekday::Thursday,
        "friday" | "fri" => Weekday::Friday,
        "saturday" | "sat" => Weekday::Saturday,
        "sunday" | "sun" => Weekday::Sunday,
        _ => return None,
    })
}

/// Whether a word is another but for two letters that are missing, surplus or wrong.
fn is_near(known: &str, word: &str) -> bool {
    let (known, word) = (known.as_bytes(), word.as_bytes());
    if word.len() < 3 || known.len().abs_diff(word.len()) > 2 {
        return false;
    }
    let mut row: Vec<usize> = (0..=word.len()).collect();
    for (i, a) in known.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in word.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[word.len()] <= 2.min(known.len() / 3)
}

/// What a civil time stands for, as far as it is said.
fn span(start: DateTime, precision: Precision, zone: &TimeZone) -> Range<i64> {
    let instant = |datetime: DateTime| {
        let zoned = zone.to_zoned(datetime);
        zoned.map_or(i64::MAX, |zoned| saturated(zoned.timestamp()))
    };
    let from = instant(start);
    let later = |span: jiff::Span| {
        let end = start.checked_add(span);
        end.map_or(i64::MAX, instant)
    };
    let until = match precision {
        Precision::Year => later(1.year()),
        Precision::Month => later(1.month()),
        Precision::Day => later(1.day()),
        Precision::Nanoseconds(length) => from.saturating_add(length),
    };
    from..until
}

fn zoned(clock: &Clock) -> Zoned {
    timestamp(clock.now).to_zoned(clock.zone.clone())
}

fn timestamp(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(nanoseconds)).expect("jiff's range is wider than ours")
}

fn saturated(timestamp: Timestamp) -> i64 {
    let nanoseconds = timestamp.as_nanosecond();
    nanoseconds.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

/// `+02:00`, `+0200`, `+2`.
fn offset(typed: &str) -> Option<Offset> {
    let (sign, digits) = match typed.split_at(1) {
        ("-", digits) => (-1, digits),
        (_, digits) => (1, digits),
    };
    let (hours, minutes) = match (digits.split_once(':'), digits.len()) {
        (Some((hours, minutes)), _) if minutes.len() == 2 => (hours, minutes),
        (None, 1 | 2) => (digits, "0"),
        (None, 4) => digits.split_at_checked(2)?,
        _ => return None,
    };
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<i32>().ok()).flatten()
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours <= 23 && minutes <= 59)
        .then(|| Offset::from_seconds(sign * (hours * 3_600 + minutes * 60)).ok())
        .flatten()
}

/// The nanoseconds of a unit.
fn unit_of(lower: &str, typed: &str, number: &str) -> Result<i64, NotTyped> {
    Ok(match lower {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" | "sec" | "secs" | "second" | "seconds" => SECOND,
        // Capitals would be months.
        "m" | "min" | "mins" | "minute" | "minutes" if typed != "M" => MINUTE,
        "h" | "hr" | "hrs" | "hour" | "hours" => HOUR,
        "d" | "day" | "days" => DAY,
        "w" | "week" | "weeks" => 7 * DAY,
        "" => {
            return Err(NotTyped::new(
                format!("{number} has no unit"),
                format!("{UNITS}, as in {number}m"),
            ));
        }
        _ => {
            return Err(NotTyped::new(
                format!("there is no unit {typed:?}"),
                format!("{UNITS}, as in {number}m"),
            ));
        }
    })
}

/// A decimal number of units.
fn decimal(number: &str, unit: i64) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) || whole.len() > 18 || fraction.len() > 18 {
        return None;
    }
    let unit = i128::from(unit);
    let part = fraction.parse::<i128>().ok()? * unit / 10_i128.pow(fraction.len() as u32);
    Some(whole.parse::<i128>().ok()? * unit + part)
}
