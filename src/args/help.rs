//! Help: a screen for `-h`, and everything for `--help`.

use super::{Args, whole_command};

/// The forms of a command line.
pub(super) const USAGE: &str = "birl [OPTIONS] QUERY [SOURCE]...
       birl [OPTIONS] -e QUERY [-e QUERY]... [SOURCE]...
       birl run [FILE]
       birl chat [FILE]
       birl status [SOCKET]
       birl alerts | why RULE|ALERT
       birl ack ALERT... | unack ALERT...
       birl silence MATCHER... --for LENGTH | unsilence NUMBER...
       birl dead-letters [NUMBER]... [--resend | --drop]
       birl formats [FILE]...
       birl completions SHELL
       birl man
       birl help [COMMAND]";

/// What `-h` prints. It is written by hand: a list of all flags does not fit a screen.
pub(super) const SHORT: &str = include_str!("short_help.txt");

/// What `--help` says after the flags.
pub(super) const AFTER: &str = include_str!("after_help.txt");

/// The text that flags ask for instead of a search.
pub(super) fn asked_for(args: &Args) -> Option<String> {
    if args.long_help {
        return Some(whole());
    }
    if args.short_help {
        return Some(SHORT.to_owned());
    }
    args.version
        .then(|| format!("birl {}\n", env!("CARGO_PKG_VERSION")))
}

/// What `--help` prints.
pub(super) fn whole() -> String {
    of(&mut whole_command())
}

/// The whole help of `command`.
pub(super) fn of(command: &mut clap::Command) -> String {
    let help = command.render_long_help().to_string();
    // Between paragraphs the renderer leaves lines of spaces.
    let lines: Vec<&str> = help.trim_end().lines().map(str::trim_end).collect();
    format!("{}\n", lines.join("\n"))
}
