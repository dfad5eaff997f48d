//! What is asked, resolved: flags, defaults, environment and terminal, decided once.

mod environment;
mod live;
mod output;
mod slip;
mod time;
mod windows;

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use birl_query::{Closing, Over};
use birl_record::search::Case;
use birl_record::time::Clock;
use birl_source::Inode;
use birl_source::live::Options as LiveOptions;
use jiff::tz::TimeZone;

pub(crate) use self::environment::{Environment, Kind};
pub(crate) use self::output::{Format, Output, Records};
pub(crate) use self::time::TimeRange;
use crate::args::{Args, When};
use crate::pager::Pager;

/// The length of a line beyond which it is cut, if the user says nothing.
const LINE_BYTES_MAX: usize = 1 << 20;

/// How many bytes groups, sorts and joins may take, if the user says nothing.
const MEMORY_BYTES: usize = 256 << 20;

/// How often the sources that are followed are looked at. Network file systems send no events.
const POLL: Duration = Duration::from_secs(1);

/// All that a search and its printing need to know; nothing is left to be decided.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Config {
    /// The queries; a line matches if it matches any. There is at least one.
    pub(crate) queries: Vec<String>,
    /// Where to search, as typed; `-` is standard input. There is at least one, or a command.
    pub(crate) sources: Vec<OsString>,
    pub(crate) case: Case,
    /// Whether a match is made of whole words.
    pub(crate) word: bool,
    /// Whether a query is plain text.
    pub(crate) literal: bool,
    /// Whether the lines that do not match are the answer.
    pub(crate) invert: bool,
    /// How many matching lines of each source are the answer, the first ones; all if `None`.
    pub(crate) max_count: Option<u64>,
    /// How many matching lines of each source are the answer, the last ones; all if `None`.
    pub(crate) tail: Option<usize>,
    /// Whether directories are searched for hidden files too.
    pub(crate) hidden: bool,
    /// The length in bytes beyond which a line is cut.
    pub(crate) line_bytes_max: usize,
    /// How long a record that may go on is waited for, where it comes live.
    pub(crate) record_wait: Duration,
    /// Whether records are searched, whatever the queries are.
    pub(crate) records: bool,
    /// Whether the records of all sources are put in the order of their times.
    pub(crate) merge: bool,
    /// The name of the format of all sources; without one it is found.
    pub(crate) input_format: Option<String>,
    /// Where the user's own formats are.
    pub(crate) formats_directory: Option<PathBuf>,
    /// The records in which range of time are the answer; all if `None`.
    pub(crate) range: Option<TimeRange>,
    /// Whether files are read whole though only a range of time is asked for.
    pub(crate) scan: bool,
    /// By how many nanoseconds times may fall in a file that is in order.
    pub(crate) time_slack: i64,
    /// The zone of times of records that name none.
    pub(crate) input_zone: TimeZone,
    /// From where moments are looked at that are typed, and in which zone.
    pub(crate) clock: Clock,
    /// What is now was said by the environment, and does not go on.
    pub(crate) clock_stands: bool,
    /// Further tables that may be asked, by name.
    pub(crate) tables: Vec<(String, PathBuf)>,
    /// How many bytes groups, sorts and joins may take.
    pub(crate) memory_bytes: usize,
    /// Whether what a query comes to is printed instead of its answer.
    pub(crate) explain: bool,
    /// Whether bad input ends the search.
    pub(crate) strict: bool,
    pub(crate) threads: NonZeroUsize,
    /// Commands that are sources too.
    pub(crate) commands: Vec<Vec<String>>,
    /// How live sources are read.
    pub(crate) live: LiveOptions,
    /// How to go on as the sources grow; not at all if `None`.
    pub(crate) follow: Option<Follow>,
    /// Over which windows of time the query is asked, and when they close.
    pub(crate) windows: Windows,
    /// How often groups over all time are printed, where that was said.
    pub(crate) every: Option<Duration>,
    /// Whether a table that changes is drawn over itself.
    pub(crate) redraws: bool,
    pub(crate) mode: Mode,
    /// How many lines to print before each match, and after it.
    pub(crate) before: usize,
    pub(crate) after: usize,
    pub(crate) output: Output,
    /// The file that standard output is, if it is one.
    pub(crate) output_file: Option<Inode>,
    /// What to print through, where that is not standard output itself.
    pub(crate) pager: Option<Pager>,
    /// Whether a pager is asked for, wherever the output ends.
    pub(crate) pages_always: bool,
    /// Whether to show on standard error how far the search is.
    pub(crate) progress: bool,
    /// Whether to sum up on standard error at the end.
    pub(crate) stats: bool,
}

/// So many last lines are looked for from the end of a large file on. More are rather gathered in
/// their order.
const TAIL_BACKWARDS_MAX: usize = 10_000;

impl Config {
    /// Whether how a record is printed depends on nothing but the record, so that several may be
    /// printed at once.
    pub(crate) fn prints_ahead(&self) -> bool {
        self.mode == Mode::Lines
            && self.output.prints_records()
            && !self.output.line_number
            && self.tail.is_none()
            && self.before == 0
            && self.after == 0
    }

    /// Whether an answer is shown while it is still being worked out.
    pub(crate) fn shows_snapshots(&self) -> bool {
        self.progress && self.output.harmless && self.pager.is_none()
    }

    /// Whether large files are searched from their end on: where the last lines are all that is
    /// wanted, and nothing that only reading the others would tell.
    pub(crate) fn searches_backwards(&self) -> bool {
        self.mode == Mode::Lines
            && self.tail.is_some_and(|lines| lines <= TAIL_BACKWARDS_MAX)
            && self.follow.is_none()
            && !self.merge
            && self.max_count.is_none()
            && !self.output.line_number
            && self.before == 0
            && self.after == 0
    }
}

/// What is printed of the lines that match.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mode {
    /// The lines.
    Lines,
    /// How many there are in each source.
    Count {
        /// Whether sources without any are counted too.
        include_zero: bool,
    },
    /// The names of the sources that have any.
    FilesWithMatches,
    /// The names of the sources that have none.
    FilesWithoutMatch,
    /// Nothing.
    Quiet,
}

/// Windows of time.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Windows {
    /// Those that were asked for.
    pub(crate) over: Option<Over>,
    pub(crate) closing: Closing,
    /// Where records go that come too late.
    pub(crate) late: Option<PathBuf>,
    /// The first flag that says how windows are closed, if any does.
    pub(crate) flag: Option<&'static str>,
}

/// How to go on as the sources grow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Follow {
    /// How often to look at the sources.
    pub(crate) poll: Duration,
    /// How long a line without a newline is waited for; for ever if `None`.
    pub(crate) partial_after: Option<Duration>,
}

/// What is now for rules, whose moments are typed in UTC.
///
/// # Errors
///
/// Fails where the environment says what is now, and that is no moment.
pub(crate) fn run_clock(environment: &Environment) -> Result<Clock> {
    time::clock_in(TimeZone::UTC, environment)
}

/// Resolves `args` in `environment`.
///
/// # Errors
///
/// Fails where the arguments make no sense together, or are likely a slip. The message is for
/// standard error, with hints; the exit code is 2.
pub(crate) fn resolve(args: &Args, environment: &Environment) -> Result<Config> {
    let follows = args.follow;
    let args = &Args {
        // A live source goes on in any case, and has no end to wait for.
        follow: args.follow || live::any(args, environment),
        ..args.clone()
    };
    let (queries, sources) = asked(args, environment)?;
    let pager = pager(args, environment)?;
    let (before, after) = context(args);
    if args.merge && mode(args) == Mode::Lines && (before, after) != (0, 0) {
        bail!(slip::MERGED_CONTEXT);
    }
    let clock = time::clock(args, environment)?;
    Ok(Config {
        output: output::resolve(args, environment, &sources, pager.is_some(), &clock.zone)?,
        range: time::range(args, &clock)?,
        scan: args.scan,
        time_slack: args.time_slack.unwrap_or(birl_scan::SLACK),
        input_zone: args.input_tz.clone().unwrap_or(TimeZone::UTC),
        clock,
        clock_stands: environment.birl_now.is_some(),
        output_file: environment.stdout_file,
        queries,
        sources,
        case: case(args),
        word: args.word_regexp,
        literal: args.fixed_strings,
        invert: args.invert_match,
        max_count: args.max_count,
        tail: args.tail,
        hidden: args.hidden,
        line_bytes_max: args.line_max.unwrap_or(LINE_BYTES_MAX),
        record_wait: args.record_timeout.unwrap_or(birl_scan::RECORD_WAIT),
        // The unit is the record also where the order does not matter, as for counts.
        records: args.records || args.merge,
        merge: args.merge && mode(args) == Mode::Lines,
        input_format: args.input_format.clone(),
        formats_directory: environment.formats_directory(),
        tables: args.tables.clone(),
        memory_bytes: args.memory.unwrap_or(MEMORY_BYTES),
        explain: args.explain,
        strict: args.strict,
        threads: args
            .threads
            .and_then(NonZeroUsize::new)
            .unwrap_or(environment.processors),
        commands: live::commands(args),
        live: LiveOptions {
            // What is asked for by hand is asked of those as well that come to an end.
            follows,
            ..live::options(args, environment)?
        },
        follow: args.follow.then_some(Follow {
            poll: POLL,
            partial_after: args.partial_after,
        }),
        windows: windows::resolve(args)?,
        every: windows::every(args)?,
        redraws: environment.stdout_is_terminal && !environment.is_dumb() && pager.is_none(),
        mode: mode(args),
        before,
        after,
        pager,
        pages_always: args.pager == Some(When::Always) && !args.no_pager,
        progress: progress(args, environment),
        stats: args.stats,
    })
}

/// Whether standard input is among these names twice: it comes once.
pub(crate) fn is_stdin_twice(names: &[OsString]) -> bool {
    names.iter().filter(|name| *name == "-").count() > 1
}

/// The queries and the sources, each at least one.
fn asked(args: &Args, environment: &Environment) -> Result<(Vec<String>, Vec<OsString>)> {
    let mut sources = args.sources.clone();
    let queries = match &args.query {
        Some(query) if args.queries.is_empty() => {
            slip::check_query(query, &sources, environment)?;
            vec![utf8(query)?]
        }
        first_source => {
            sources.splice(0..0, first_source.clone());
            args.queries.iter().map(utf8).collect::<Result<_>>()?
        }
    };
    if queries.is_empty() {
        bail!(slip::NO_QUERY);
    }
    slip::check_sources(&queries, &sources, environment)?;
    // Who names a command asks about what it prints, and not about what is here.
    if sources.is_empty() && args.live.commands.is_empty() {
        let everything = if environment.stdin_is_terminal {
            "."
        } else {
            "-"
        };
        sources.push(everything.into());
    }
    if is_stdin_twice(&sources) {
        bail!("cannot read standard input twice: - stands twice among the sources");
    }
    Ok((queries, sources))
}

fn utf8(query: &OsString) -> Result<String> {
    match query.to_str() {
        Some(query) => Ok(query.to_owned()),
        None => bail!("the query {query:?} is not UTF-8"),
    }
}

fn case(args: &Args) -> Case {
    match (args.ignore_case, args.case_sensitive) {
        (true, _) => Case::Ignore,
        (_, true) => Case::Sensitive,
        (false, false) => Case::Smart,
    }
}

fn mode(args: &Args) -> Mode {
    if args.quiet {
        Mode::Quiet
    } else if args.count {
        Mode::Count {
            include_zero: args.include_zero,
        }
    } else if args.files_with_matches {
        Mode::FilesWithMatches
    } else if args.files_without_match {
        Mode::FilesWithoutMatch
    } else {
        Mode::Lines
    }
}

fn context(args: &Args) -> (usize, usize) {
    if args.only_matching {
        return (0, 0);
    }
    let both = args.context.unwrap_or(0);
    (
        args.before_context.unwrap_or(both),
        args.after_context.unwrap_or(both),
    )
}

fn pager(args: &Args, environment: &Environment) -> Result<Option<Pager>> {
    let when = if args.no_pager {
        When::Never
    } else {
        args.pager.unwrap_or_default()
    };
    let wanted = match when {
        When::Auto => environment.stdout_is_terminal && !environment.is_dumb() && !args.follow,
        When::Always => true,
        When::Never => false,
    };
    if !wanted || args.quiet {
        return Ok(None);
    }
    match &environment.birl_pager {
        Some(command) => Pager::parse(command),
        None => Ok(Some(Pager::less())),
    }
}

fn progress(args: &Args, environment: &Environment) -> bool {
    if args.no_progress {
        return false;
    }
    match args.progress.unwrap_or_default() {
        When::Auto => {
            environment.stderr_is_terminal && !environment.is_dumb() && !args.quiet && !args.follow
        }
        When::Always => true,
        When::Never => false,
    }
}

#[cfg(test)]
mod tests;
