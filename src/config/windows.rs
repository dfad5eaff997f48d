//! Windows of time, resolved.

use std::time::Duration;

use anyhow::{Result, bail};
use birl_query::{Closing, Over};

use super::Windows;
use crate::args::{Args, SessionOf};

/// Which windows are asked for, and when they close.
///
/// # Errors
///
/// Fails where flags contradict each other, or say something of windows where there can be none.
pub(super) fn resolve(args: &Args) -> Result<Windows> {
    let over = over(args)?;
    let closing = Closing::default();
    let flags = [
        (args.lateness.is_some(), "--lateness"),
        (args.idle.is_some(), "--idle"),
        (args.late.is_some(), "--late"),
    ];
    let flag = flags
        .iter()
        .find(|(is_set, _)| *is_set)
        .map(|(_, flag)| *flag);
    if let Some(flag) = flag
        && over.is_none()
        && !args.follow
    {
        bail!(
            "{flag} is about windows of time, and there are none\n\n\
             hint: they come with --window 1m, or with -f and timechart"
        );
    }
    if args.idle.is_some() && !args.follow {
        bail!("--idle is about sources that fall silent, and without --follow none is waited for");
    }
    Ok(Windows {
        over,
        closing: Closing {
            lateness: args.lateness.map_or(closing.lateness, nanoseconds),
            idle: args.idle.unwrap_or(closing.idle),
        },
        late: args.late.clone(),
        flag,
    })
}

fn over(args: &Args) -> Result<Option<Over>> {
    let hint = "\n\nhint: a window has a length, and a session the longest pause in it";
    if args.session_of.is_some() && args.session.is_none() {
        bail!("--session-of says what has sessions, and goes with --session");
    }
    match (args.window, args.slide, args.session) {
        (Some(_), _, Some(_)) => bail!("--window does not go with --session{hint}"),
        (None, Some(_), Some(_)) => bail!("--slide does not go with --session{hint}"),
        (None, Some(_), None) => {
            bail!("--slide says how windows overlap, and goes with --window")
        }
        (None, None, None) => Ok(None),
        (None, None, Some(gap)) => Ok(Some(Over::Sessions {
            gap: length("--session", gap)?,
            of_groups: args.session_of.unwrap_or_default() == SessionOf::Groups,
        })),
        (Some(size), slide, None) => {
            let size = length("--window", size)?;
            let slide = slide.map(|slide| length("--slide", slide)).transpose()?;
            let slide = slide.unwrap_or(size);
            if slide > size {
                bail!(
                    "--slide is longer than --window, so that records between windows would be \
                     in none"
                );
            }
            if size.as_nanos() / slide.as_nanos() > OVERLAP_MAX {
                bail!(
                    "--slide is so short that each record would be in more than {OVERLAP_MAX} \
                     windows of --window"
                );
            }
            Ok(Some(Over::Windows { size, slide }))
        }
    }
}

/// A record is in no more windows than this: each of them takes it by itself.
const OVERLAP_MAX: u128 = 1000;

/// How often groups over all time are printed.
///
/// # Errors
///
/// Fails where nothing is followed, or that is not longer than nothing.
pub(super) fn every(args: &Args) -> Result<Option<Duration>> {
    match args.every {
        None => Ok(None),
        Some(_) if !args.follow => {
            bail!("--every is about answers that change as sources grow, and goes with --follow")
        }
        Some(_) if args.window.is_some() || args.session.is_some() => {
            let windows = match args.window {
                Some(_) => "--window",
                None => "--session",
            };
            bail!(
                "--every does not go with {windows}: each window is printed once, when it has \
                 closed\n\nhint: --window 1m --slide 10s is the last minute, each ten seconds"
            )
        }
        Some(every) if every.is_zero() => bail!("--every is longer than nothing, such as 10s"),
        Some(every) => Ok(Some(every)),
    }
}

fn length(flag: &str, nanoseconds: i64) -> Result<Duration> {
    match nanoseconds {
        ..=0 => bail!("{flag} has a length, such as 1m"),
        length => Ok(Duration::from_nanos(length.unsigned_abs())),
    }
}

fn nanoseconds(length: i64) -> Duration {
    Duration::from_nanos(length.max(0).unsigned_abs())
}
