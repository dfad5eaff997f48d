//! The command line as it is typed.

mod alerts;
mod command;
mod defaults;
mod elsewhere;
mod help;
mod live;
mod message;
mod value;
mod words;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use birl_render::{Fields, Theme};
use clap::{CommandFactory, Parser, ValueEnum, ValueHint};
use clap_complete::Shell;
use jiff::tz::TimeZone;

pub(crate) use self::alerts::{Asked, Asking, LettersArgs, Remark, SilenceArgs};
pub(crate) use self::command::{
    ChatArgs, RunArgs, RunOutput, StatusArgs, StatusFormat, whole_command,
};
pub(crate) use self::live::{LiveArgs, Overflow as LiveOverflow};
use self::words::Words;
pub(crate) use self::words::shell_quoted;
use crate::config::Environment;

/// What a command line asks for.
#[derive(Debug)]
pub(crate) enum Invocation {
    /// To search.
    Search(Box<Args>),
    /// To print this text, which ends with a newline, and no more: help, or the version.
    Print(String),
    /// To print completions for a shell.
    Completions(Shell),
    /// To say what these files are written in; without any, what birl knows.
    Formats(Vec<OsString>),
    /// To watch logs by rules, or to try these.
    Run(RunArgs),
    /// Talk in chat rooms.
    Chat(ChatArgs),
    /// To say how the `birl run` on this machine is.
    Status(StatusArgs),
    /// To ask it about its alerts.
    Alerts(Asked),
    /// To print the manual page.
    Man,
}

/// Reads a command line, the name of the program first, after the flags of the configuration
/// file.
///
/// # Errors
///
/// The message is for standard error, with hints; the exit code is 2.
pub(crate) fn parse(arguments: &[OsString], environment: &Environment) -> Result<Invocation> {
    let words = Words::split(arguments, &Args::command());
    if let Some(name) = words.command() {
        return command::parse(name, arguments);
    }
    words.check()?;
    let typed = search_args(arguments, &words)?;
    if let Some(text) = help::asked_for(&typed) {
        return Ok(Invocation::Print(text));
    }
    let args = match defaults::path(&typed, environment) {
        Some(path) => search_args(&defaults::prepend(&path, arguments)?, &words)?,
        None => typed,
    };
    Ok(Invocation::Search(Box::new(args)))
}

fn search_args(arguments: &[OsString], words: &Words) -> Result<Args> {
    Args::try_parse_from(arguments).map_err(|error| message::explained(&error, words))
}

/// When to do something that suits a terminal and not a pipe.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum When {
    /// On a terminal.
    #[default]
    Auto,
    /// In any case.
    Always,
    /// In no case.
    Never,
}

/// The formats of the output.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum SessionOf {
    /// Each group of the query, or all records where it has none.
    #[default]
    Groups,
    /// All records together.
    All,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// Lines as they are in the log.
    Text,
    /// Records for people: time, level, message, fields.
    Pretty,
    /// One JSON object a line.
    Json,
    /// `key=value` pairs, a line a record.
    Logfmt,
    /// A table, with commas.
    Csv,
    /// A table, with tabs.
    Tsv,
    /// A table for people.
    Table,
    /// A chart for people.
    Chart,
    /// A stream of Apache Arrow.
    Arrow,
    /// A file of Apache Parquet.
    Parquet,
}

// The headings of the flags in the help.
const SEARCHING: &str = "Searching";
const TIME: &str = "Time";
const FOLLOWING: &str = "Following";
const WINDOWS: &str = "Windows of time";
const ANSWERS: &str = "Answers";
const LOOK: &str = "Look";
const OTHER: &str = "Other";

/// Finds lines in logs of any size, and keeps asking as they grow
///
/// birl searches files, directories, globs and standard input for the lines that QUERY
/// describes, and prints them whole and in order. What is compressed with gzip, zstd, bzip2, xz
/// or lz4 is decompressed, whatever its name.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "birl",
    version,
    args_override_self = true,
    disable_help_flag = true,
    disable_version_flag = true,
    override_usage = help::USAGE,
    after_long_help = help::AFTER,
)]
pub(crate) struct Args {
    /// What a line must have to be printed
    ///
    /// Words, "phrases" and /regexes/, which must all be in the line, in any order; -word for
    /// one that must not be; OR and parentheses between them; '*' for every line. More under
    /// "Queries" below. A QUERY of several words is one argument: quote it.
    #[arg(value_name = "QUERY")]
    pub(crate) query: Option<OsString>,

    /// Where to look: files, directories, globs, addresses, - for a pipe
    ///
    /// A directory is searched with all that is in it, but for hidden and binary files. A glob
    /// in quotes is expanded by birl, which with -f sees new files that match too. An address such as
    /// wss://example.org/events is a live source: birl prints what arrives there, as if with -f. A file that the
    /// output goes to is passed over. Without a SOURCE, birl reads standard input or, where that is
    /// a terminal, searches the current directory.
    #[arg(value_name = "SOURCE", value_hint = ValueHint::AnyPath)]
    pub(crate) sources: Vec<OsString>,

    /// Look for this query; repeated, for lines that match any
    ///
    /// All other arguments are then sources. This is also the way to a query that begins with
    /// "-", or that is the name of a command or a file.
    #[arg(
        short = 'e',
        long = "query",
        value_name = "QUERY",
        allow_hyphen_values = true
    )]
    #[arg(help_heading = SEARCHING)]
    pub(crate) queries: Vec<OsString>,

    /// Ignore case
    ///
    /// Overrides -s and -S.
    #[arg(short, long, overrides_with_all = ["case_sensitive", "smart_case"])]
    #[arg(help_heading = SEARCHING)]
    pub(crate) ignore_case: bool,

    /// Heed case
    ///
    /// Overrides -i and -S.
    #[arg(short = 's', long, overrides_with_all = ["ignore_case", "smart_case"])]
    #[arg(help_heading = SEARCHING)]
    pub(crate) case_sensitive: bool,

    /// Heed the case of words with capitals only (the default)
    ///
    /// Each word, phrase and regex of the query is judged by itself. Overrides -i and -s.
    #[arg(short = 'S', long, overrides_with_all = ["ignore_case", "case_sensitive"])]
    #[arg(help_heading = SEARCHING)]
    pub(crate) smart_case: bool,

    /// Match whole words only
    ///
    /// A match neither begins nor ends within a word, which is made of letters, digits and "_".
    #[arg(short, long, help_heading = SEARCHING)]
    pub(crate) word_regexp: bool,

    /// Take QUERY as plain text
    ///
    /// The whole of it, with its spaces, quotes and slashes, is one text to be found in a line.
    #[arg(short = 'F', long, help_heading = SEARCHING)]
    pub(crate) fixed_strings: bool,

    /// Find the lines that do not match
    #[arg(short = 'v', long, help_heading = SEARCHING)]
    pub(crate) invert_match: bool,

    /// Stop after NUM matching lines of each source
    ///
    /// Lines around the last match (-A, -C) are still printed.
    #[arg(short, long, value_name = "NUM", value_parser = value::whole_number::<u64>)]
    #[arg(help_heading = SEARCHING)]
    pub(crate) max_count: Option<u64>,

    /// Print the last NUM matching lines of each source only
    ///
    /// With -f, birl begins with these and goes on with what is new; --tail 0 begins with what
    /// is new.
    #[arg(long, value_name = "NUM", value_parser = value::whole_number::<usize>)]
    #[arg(help_heading = SEARCHING)]
    pub(crate) tail: Option<usize>,

    /// Search hidden files of directories too
    ///
    /// That is, files and directories whose names begin with a dot. A hidden file that is named
    /// as a SOURCE is searched in any case.
    #[arg(long, help_heading = SEARCHING)]
    pub(crate) hidden: bool,

    /// Cut lines longer than SIZE
    ///
    /// SIZE is in bytes, or with a unit: 512K, 1M or 1MiB. What lies beyond the cut is neither
    /// searched nor printed; a line that was cut is marked. The default is 1M. Memory grows
    /// with it.
    #[arg(long, value_name = "SIZE", value_parser = value::size, help_heading = SEARCHING)]
    pub(crate) line_max: Option<usize>,

    /// Search records, not lines
    ///
    /// A record may have several lines, such as a stack trace; all of it is searched, printed and
    /// counted as one. A query with a field term (level:error) does so without this flag.
    #[arg(long, help_heading = SEARCHING)]
    pub(crate) records: bool,

    /// Read all sources as this format
    ///
    /// Without it, birl finds out by the first, middle and last lines of each source.
    /// "birl formats" lists the names. Your own are files in birl/formats in XDG_CONFIG_HOME or
    /// ~/.config: NAME.toml, with a regex that has groups named timestamp, level, message, and as
    /// fields are.
    #[arg(long, value_name = "FORMAT", help_heading = SEARCHING)]
    pub(crate) input_format: Option<String>,

    /// Find records from MOMENT on
    ///
    /// MOMENT is a date, a time or both (2026-03-14, 14:05, "2026-03-14 14:05:30"), with or without
    /// a zone; today, yesterday, "friday 14:00"; now, -90m, "2h ago"; @1773497130; or a timestamp as
    /// logs have it. Records without a time are left out. The query has terms for the same:
    /// since:yesterday, until:14:05, last:2h, timestamp:2026-03-14.
    #[arg(long, value_name = "MOMENT", allow_hyphen_values = true, help_heading = TIME)]
    pub(crate) since: Option<String>,

    /// Find records before MOMENT
    ///
    /// Before it begins: --until today finds nothing of today.
    #[arg(long, value_name = "MOMENT", allow_hyphen_values = true, help_heading = TIME)]
    pub(crate) until: Option<String>,

    /// Find records of the last LENGTH
    ///
    /// LENGTH is such as 90m, 2h or 1d12h. It counts back from the newest record, which is looked
    /// for at the end of each file; from now with -f or where a source is a pipe.
    #[arg(long, value_name = "LENGTH", value_parser = value::length, help_heading = TIME)]
    pub(crate) last: Option<i64>,

    /// Read files whole, whatever range of time is asked for
    ///
    /// Without it, birl looks at some records of a large file, and where their times rise reads only
    /// the part that is in the range.
    #[arg(long, help_heading = TIME)]
    pub(crate) scan: bool,

    /// Take a file to be in order whose times fall by TIME at most
    ///
    /// The default is 1m. What is read of it is that much longer at both ends.
    #[arg(long, value_name = "LENGTH", value_parser = value::length, help_heading = TIME)]
    pub(crate) time_slack: Option<i64>,

    /// Read times without a zone as of ZONE
    ///
    /// ZONE is UTC, local, an offset such as +02:00 or a name such as Europe/Paris. The default is
    /// UTC.
    #[arg(long, value_name = "ZONE", value_parser = value::zone, allow_hyphen_values = true)]
    #[arg(help_heading = TIME)]
    pub(crate) input_tz: Option<TimeZone>,

    /// Show times in ZONE, and take MOMENT as of ZONE
    ///
    /// That is, the times of records, but in lines printed as they are, and the moments of --since,
    /// --until and the query that name no zone themselves, and days as they are there. The default is
    /// UTC. Overrides --utc and --local.
    #[arg(long, value_name = "ZONE", value_parser = value::zone, allow_hyphen_values = true)]
    #[arg(overrides_with_all = ["utc", "local"], help_heading = TIME)]
    pub(crate) tz: Option<TimeZone>,

    /// The same as --tz UTC
    #[arg(long, overrides_with_all = ["tz", "local"], help_heading = TIME)]
    pub(crate) utc: bool,

    /// The same as --tz local
    #[arg(long, overrides_with_all = ["tz", "utc"], help_heading = TIME)]
    pub(crate) local: bool,

    /// Ask FILE as the table NAME, too
    ///
    /// FILE holds records that birl can read: CSV with a header, lines or a list of JSON. Its fields
    /// are the columns, to be joined with those of the logs: --table users=users.csv.
    #[arg(long = "table", value_name = "NAME=FILE", value_parser = value::table)]
    #[arg(help_heading = SEARCHING)]
    pub(crate) tables: Vec<(String, PathBuf)>,

    /// Take no more than SIZE for groups, sorts and joins
    ///
    /// What does not fit is written to temporary files meanwhile. SIZE is in bytes, or with a unit:
    /// 64M, 1GiB. The default is 256M. A search alone takes none of it.
    #[arg(long, value_name = "SIZE", value_parser = value::size, help_heading = SEARCHING)]
    pub(crate) memory: Option<usize>,

    /// Stop with an error at the first bad input
    ///
    /// Without it, a file that cannot be read, or only in part, is reported and the others are
    /// searched.
    #[arg(long, help_heading = SEARCHING)]
    pub(crate) strict: bool,

    /// Search with NUM threads
    ///
    /// 0, the default, is one for each processor. Each thread needs a few megabytes.
    #[arg(short = 'j', long, value_name = "NUM", value_parser = value::whole_number::<usize>)]
    #[arg(help_heading = SEARCHING)]
    pub(crate) threads: Option<usize>,

    /// Go on as the sources grow
    ///
    /// birl prints what there is, then new lines as they are written, until it is stopped. Files
    /// that are rotated, truncated, deleted or created anew are followed by name, and new files
    /// in directories and globs are picked up. A query may have steps: '* |> where ms > 500' prints
    /// such records as they come. limit and dedup remember what came before, and tail is of what there
    /// was at the beginning; a sort is refused, for there is no last row.
    #[arg(short, long, help_heading = FOLLOWING)]
    pub(crate) follow: bool,

    /// Print the records of all sources in the order of their times
    ///
    /// Each source is taken to be in order, and is read with the others: memory does not depend on
    /// their length. Records without a time stay behind the one before them. The unit is the
    /// record; -m and --tail are of all sources together. With -f, what is new is held back for
    /// half a second, so that sources that are written at once are put in order. There is no context
    /// (-A, -B, -C). Counts and names (-c, -l, --files-without-match) are of each source as without
    /// it, but of records.
    #[arg(long, help_heading = FOLLOWING)]
    pub(crate) merge: bool,

    /// With -f, print a last line without a newline after TIME
    ///
    /// TIME is a number with a unit, such as 500ms or 2s. Without this flag, such a line waits
    /// until it is whole.
    #[arg(long, value_name = "TIME", value_parser = value::wait, help_heading = FOLLOWING)]
    pub(crate) partial_after: Option<Duration>,

    /// Ask the query of each window of LENGTH
    ///
    /// Windows are stretches of the records' own time, such as 1m or 1h. Each is asked by itself when
    /// it has closed, and its rows have the columns window_start and window_end. With -f, timechart
    /// and bin(1m) need no flag: their bins are windows.
    #[arg(long, value_name = "LENGTH", value_parser = value::length, help_heading = WINDOWS)]
    pub(crate) window: Option<i64>,

    /// Let a window begin each LENGTH
    ///
    /// Windows overlap then: --window 1m --slide 10s is the last minute, each ten seconds. LENGTH is
    /// no longer than that of --window.
    #[arg(long, value_name = "LENGTH", value_parser = value::length, help_heading = WINDOWS)]
    pub(crate) slide: Option<i64>,

    /// Ask the query of each stretch without a pause of LENGTH
    ///
    /// A query with groups (count by user) has a stretch of each: it ends when nothing has come of that
    /// user for LENGTH, whatever others do. Other queries have stretches of all their records.
    #[arg(long, value_name = "LENGTH", value_parser = value::length, help_heading = WINDOWS)]
    pub(crate) session: Option<i64>,

    /// Give each of the query's groups its own sessions, or all one
    ///
    /// With "all", a session of "count by user" goes on as long as records of anybody come, and
    /// tells of all users in it. The default is groups.
    #[arg(long, value_name = "WHAT", value_enum, help_heading = WINDOWS)]
    pub(crate) session_of: Option<SessionOf>,

    /// Count records that come up to LENGTH late
    ///
    /// A window closes when all sources have come so far beyond its end. The default is 5s.
    #[arg(long, value_name = "LENGTH", value_parser = value::length, help_heading = WINDOWS)]
    pub(crate) lateness: Option<i64>,

    /// With -f, do not wait for a source that is silent for TIME
    ///
    /// When that is so of all, windows close by the clock. The default is 10s.
    #[arg(long, value_name = "TIME", value_parser = value::wait, help_heading = WINDOWS)]
    pub(crate) idle: Option<Duration>,

    /// Write records that come too late for their windows to FILE
    ///
    /// They are counted in any case. FILE is made anew.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = WINDOWS)]
    pub(crate) late: Option<PathBuf>,

    /// With -f, print groups over all time each TIME
    ///
    /// All of them, if any has changed, and once more at the end. The default is 10s; on a terminal
    /// the table changes in place, five times a second.
    #[arg(long, value_name = "TIME", value_parser = value::wait, help_heading = FOLLOWING)]
    pub(crate) every: Option<Duration>,

    /// Wait TIME for a record to go on
    ///
    /// A record may have several lines, so that the last one is known to be whole only when another
    /// begins, or when nothing has come for so long. The default is 100ms. It matters with -f, and
    /// where a source is a pipe.
    #[arg(long, value_name = "TIME", value_parser = value::wait, help_heading = FOLLOWING)]
    pub(crate) record_timeout: Option<Duration>,

    #[command(flatten)]
    pub(crate) live: LiveArgs,

    /// Print how many lines match
    ///
    /// One count for each source with a match. Overrides -l and --files-without-match.
    #[arg(short, long, overrides_with_all = ["files_with_matches", "files_without_match"])]
    #[arg(help_heading = ANSWERS)]
    pub(crate) count: bool,

    /// With -c, print a 0 for sources without a match too
    #[arg(long, help_heading = ANSWERS)]
    pub(crate) include_zero: bool,

    /// Print the names of sources with a match
    ///
    /// Overrides -c and --files-without-match.
    #[arg(short = 'l', long, overrides_with_all = ["count", "files_without_match"])]
    #[arg(help_heading = ANSWERS)]
    pub(crate) files_with_matches: bool,

    /// Print the names of sources without a match
    ///
    /// The exit code is 0 if there is one. Overrides -c and -l.
    #[arg(long, overrides_with_all = ["count", "files_with_matches"])]
    #[arg(help_heading = ANSWERS)]
    pub(crate) files_without_match: bool,

    /// Print nothing, and stop at the first match
    ///
    /// The exit code tells whether there is one. It takes precedence over -c, -l and
    /// --files-without-match.
    #[arg(short, long, help_heading = ANSWERS)]
    pub(crate) quiet: bool,

    /// Print what matched, not the whole line
    ///
    /// Each match has a line of its own. There is no context then, and nothing to print where
    /// no word was found, as with -v.
    #[arg(long, help_heading = ANSWERS)]
    pub(crate) only_matching: bool,

    /// Print in this format
    ///
    /// FORMAT is text (lines as they are), pretty (time, level, message and fields, for people),
    /// json (an object a line), logfmt, csv or tsv. All but text print records, which may have
    /// several lines. Without this flag it is text; on a terminal, JSON is printed as with pretty.
    /// Of rows of a query, which are no records, it is table; chart draws them, and the others are
    /// json, logfmt, csv, tsv, arrow (a stream of Apache Arrow) and parquet.
    /// More under "Outputs" below. Overrides --template.
    #[arg(short, long, value_name = "FORMAT", hide_possible_values = true)]
    #[arg(overrides_with = "template", help_heading = ANSWERS)]
    pub(crate) output: Option<OutputFormat>,

    /// Print what a query comes to, instead of its answer
    ///
    /// That is, the SQL that it is, and the plan: what of it is looked for in the bytes of the
    /// sources, and which fields are read.
    #[arg(long, help_heading = ANSWERS)]
    pub(crate) explain: bool,

    /// Print each record like this
    ///
    /// As in '{timestamp:%H:%M} {level} {service}: {message}': what stands in braces is a field, and
    /// empty where there is none; timestamp takes a format of strftime behind a colon. {{ and }} are
    /// braces; \n, \t and \\ a newline, a tab and a backslash. Overrides -o.
    #[arg(long, value_name = "TEMPLATE", allow_hyphen_values = true)]
    #[arg(overrides_with = "output", help_heading = ANSWERS)]
    pub(crate) template: Option<String>,

    /// Print only these fields, or all but these
    ///
    /// FIELDS is names with commas between: a,b prints only these, in this order; -a,-b all but
    /// these; a,'*' a and then all others. It is for -o pretty, which has time, level and message in
    /// any case but with -message and so on, and for json, logfmt, csv and tsv.
    #[arg(long, value_name = "FIELDS", allow_hyphen_values = true)]
    #[arg(help_heading = ANSWERS)]
    pub(crate) fields: Option<Fields>,

    /// Print NUM lines after each match too
    #[arg(short = 'A', long, value_name = "NUM", value_parser = value::whole_number::<usize>)]
    #[arg(help_heading = ANSWERS)]
    pub(crate) after_context: Option<usize>,

    /// Print NUM lines before each match too
    #[arg(short = 'B', long, value_name = "NUM", value_parser = value::whole_number::<usize>)]
    #[arg(help_heading = ANSWERS)]
    pub(crate) before_context: Option<usize>,

    /// Print NUM lines before and after each match too
    ///
    /// -A and -B take precedence, wherever they stand.
    #[arg(short = 'C', long, value_name = "NUM", value_parser = value::whole_number::<usize>)]
    #[arg(help_heading = ANSWERS)]
    pub(crate) context: Option<usize>,

    /// Print the number of each line
    ///
    /// Overrides -N.
    #[arg(short = 'n', long, overrides_with = "no_line_number", help_heading = LOOK)]
    pub(crate) line_number: bool,

    /// Do not print the number of each line (the default)
    ///
    /// Overrides -n.
    #[arg(short = 'N', long, overrides_with = "line_number", help_heading = LOOK)]
    pub(crate) no_line_number: bool,

    /// Print the name of the source before each line
    ///
    /// This is the default where there are several sources, a directory or a glob. Overrides -I.
    #[arg(short = 'H', long, overrides_with = "no_filename", help_heading = LOOK)]
    pub(crate) with_filename: bool,

    /// Do not print the name of the source before each line
    ///
    /// Overrides -H.
    #[arg(short = 'I', long, overrides_with = "with_filename", help_heading = LOOK)]
    pub(crate) no_filename: bool,

    /// Print a NUL after each name of a source
    ///
    /// It stands for the ":", "-" or newline there, for names that have such characters.
    #[arg(short = '0', long, help_heading = LOOK)]
    pub(crate) null: bool,

    /// When to print in colour
    ///
    /// WHEN is auto, always or never. auto is on a terminal, unless NO_COLOR is set; CLICOLOR
    /// and CLICOLOR_FORCE are known too.
    #[arg(long, value_name = "WHEN", hide_possible_values = true, help_heading = LOOK)]
    pub(crate) color: Option<When>,

    /// The colours of -o pretty
    ///
    /// THEME is dark (the default), light (for a light background), vivid, or mono (no colours, but
    /// bold and dim).
    #[arg(long, value_name = "THEME", value_parser = value::theme)]
    #[arg(help_heading = LOOK)]
    pub(crate) theme: Option<Theme>,

    /// When to print through a pager
    ///
    /// WHEN is auto, always or never. auto is on a terminal, but not with -f. The pager is
    /// BIRL_PAGER, or else "less -RFX"; an empty BIRL_PAGER, or "cat", is none.
    #[arg(long, value_name = "WHEN", overrides_with = "no_pager")]
    #[arg(hide_possible_values = true, help_heading = LOOK)]
    pub(crate) pager: Option<When>,

    /// The same as --pager never
    #[arg(long, overrides_with = "pager", help_heading = LOOK)]
    pub(crate) no_pager: bool,

    /// When to show how far the search is
    ///
    /// On standard error, after half a second: bytes, throughput and time left. WHEN is auto,
    /// always or never. auto is where standard error is a terminal, but not with -f or -q.
    #[arg(long, value_name = "WHEN", overrides_with = "no_progress")]
    #[arg(hide_possible_values = true, help_heading = LOOK)]
    pub(crate) progress: Option<When>,

    /// The same as --progress never
    #[arg(long, overrides_with = "progress", help_heading = LOOK)]
    pub(crate) no_progress: bool,

    /// Print what was searched, and how fast, when done
    ///
    /// On standard error: sources, bytes, lines, what was skipped or cut, and time.
    #[arg(long, help_heading = LOOK)]
    pub(crate) stats: bool,

    /// Pass on each line at once
    ///
    /// As it is on a terminal and with -f; other output is passed on in large blocks.
    #[arg(long, help_heading = LOOK)]
    pub(crate) line_buffered: bool,

    /// Read default flags from FILE
    ///
    /// Without it, from BIRL_CONFIG, or else from birl/config in XDG_CONFIG_HOME or ~/.config.
    /// More under "Configuration file" below. Overrides --no-config.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(overrides_with = "no_config", help_heading = OTHER)]
    pub(crate) config: Option<PathBuf>,

    /// Read no default flags
    ///
    /// Overrides --config.
    #[arg(long, overrides_with = "config", help_heading = OTHER)]
    pub(crate) no_config: bool,

    /// Print a short help, which fits a screen
    #[arg(short = 'h', help_heading = OTHER)]
    pub(crate) short_help: bool,

    /// Print this help
    #[arg(long = "help", help_heading = OTHER)]
    pub(crate) long_help: bool,

    /// Print the version
    #[arg(short = 'V', long, help_heading = OTHER)]
    pub(crate) version: bool,
}

#[cfg(test)]
mod tests;
