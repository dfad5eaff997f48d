//! What is now, and which range of time is asked for.

use std::ops::Range;

use anyhow::{Result, anyhow, bail};
use birl_record::time::{self, Clock};
use jiff::tz::TimeZone;

use super::Environment;
use crate::args::Args;

/// A range of time that is asked for by flags, in nanoseconds; each end may be open.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct TimeRange {
    pub(crate) since: Option<i64>,
    pub(crate) until: Option<i64>,
    /// How long before the newest record it begins.
    pub(crate) last: Option<i64>,
}

impl TimeRange {
    /// The range as instants, by a clock that may know the newest record.
    pub(crate) fn instants(&self, clock: &Clock) -> Range<i64> {
        let last = self
            .last
            .map_or(i64::MIN, |length| clock.last(length).start);
        self.since.unwrap_or(i64::MIN).max(last)..self.until.unwrap_or(i64::MAX)
    }
}

/// What is now, and in which zone moments are typed.
pub(super) fn clock(args: &Args, environment: &Environment) -> Result<Clock> {
    let zone = match (&args.tz, args.local) {
        (Some(zone), _) => zone.clone(),
        (None, true) => TimeZone::system(),
        (None, false) => TimeZone::UTC,
    };
    clock_in(zone, environment)
}

/// What is now, where moments are typed in `zone`.
pub(super) fn clock_in(zone: TimeZone, environment: &Environment) -> Result<Clock> {
    let clock = Clock {
        now: environment.now,
        zone,
        newest: None,
    };
    let Some(typed) = &environment.birl_now else {
        return Ok(clock);
    };
    let now = match typed.to_str() {
        Some(typed) => time::moment(typed, &clock)
            .map_err(|error| anyhow!("cannot use {typed:?} for BIRL_NOW: {error}"))?,
        None => bail!("cannot use {typed:?} for BIRL_NOW: it is not UTF-8"),
    };
    Ok(Clock {
        now: now.start,
        ..clock
    })
}

/// The range that the flags ask for, if they do.
pub(super) fn range(args: &Args, clock: &Clock) -> Result<Option<TimeRange>> {
    let moment = |flag: &str, typed: &Option<String>| {
        let typed = typed.as_deref();
        typed
            .map(|typed| match time::moment(typed, clock) {
                Ok(moment) => Ok(moment.start),
                Err(error) => Err(anyhow!("cannot use {typed:?} for {flag}: {error}")),
            })
            .transpose()
    };
    let range = TimeRange {
        since: moment("--since", &args.since)?,
        until: moment("--until", &args.until)?,
        last: args.last,
    };
    Ok((range != TimeRange::default()).then_some(range))
}
