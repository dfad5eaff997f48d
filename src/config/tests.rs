//! What command lines come to, in which surroundings.

use std::ffi::{OsStr, OsString};
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use birl_record::time::Clock;
use birl_render::{DisplayZone, Fields, THEMES};
use jiff::tz::{TimeZone, offset};

use super::{
    Case, Config, Environment, Follow, Format, LiveOptions, Mode, Output, TimeRange, Windows,
    resolve,
};
use crate::args::{Invocation, OutputFormat, parse};
use crate::pager::Pager;

/// What `birl error app.log` comes to with nothing but pipes around it.
fn plain() -> Config {
    Config {
        queries: vec!["error".to_owned()],
        sources: vec!["app.log".into()],
        case: Case::Smart,
        word: false,
        literal: false,
        invert: false,
        max_count: None,
        tail: None,
        hidden: false,
        line_bytes_max: 1_048_576,
        record_wait: Duration::from_millis(100),
        records: false,
        merge: false,
        input_format: None,
        formats_directory: None,
        range: None,
        scan: false,
        time_slack: 60_000_000_000,
        input_zone: TimeZone::UTC,
        clock: Clock {
            now: 1_773_497_130_000_000_000,
            zone: TimeZone::UTC,
            newest: None,
        },
        clock_stands: false,
        tables: Vec::new(),
        memory_bytes: 268_435_456,
        explain: false,
        strict: false,
        threads: NonZeroUsize::new(4).unwrap(),
        commands: Vec::new(),
        live: LiveOptions::default(),
        follow: None,
        windows: Windows::default(),
        every: None,
        redraws: false,
        mode: Mode::Lines,
        before: 0,
        after: 0,
        output: piped(),
        output_file: None,
        pager: None,
        pages_always: false,
        progress: false,
        stats: false,
    }
}

fn piped() -> Output {
    Output {
        format: Format::Text,
        rows: None,
        width: None,
        height: None,
        fields: Fields::All,
        zone: DisplayZone::utc(),
        theme: THEMES[0].1,
        with_filename: false,
        line_number: false,
        only_matching: false,
        context: false,
        null: false,
        color: false,
        harmless: false,
        line_buffered: false,
    }
}

fn shown() -> Output {
    Output {
        format: Format::Readable,
        color: true,
        harmless: true,
        line_buffered: true,
        ..piped()
    }
}

fn try_config(line: &[&OsStr], environment: &Environment) -> Result<Config, String> {
    let words: Vec<OsString> = [&[OsStr::new("birl")], line]
        .concat()
        .into_iter()
        .map(OsString::from)
        .collect();
    match parse(&words, environment).expect("the command line is well-formed") {
        Invocation::Search(args) => {
            resolve(&args, environment).map_err(|error| format!("{error:#}"))
        }
        other => panic!("{line:?} is no search but {other:?}"),
    }
}

fn config_in(environment: &Environment, line: &[&str]) -> Config {
    let line: Vec<&OsStr> = line.iter().map(OsStr::new).collect();
    try_config(&line, environment).expect("the command line makes sense")
}

/// What a command line comes to, before `error app.log`.
fn config(flags: &[&str]) -> Config {
    let line = [flags, &["error", "app.log"]].concat();
    config_in(&Environment::for_test(), &line)
}

fn output(flags: &[&str]) -> Output {
    config(flags).output
}

fn message(line: &[&str]) -> String {
    let line: Vec<&OsStr> = line.iter().map(OsStr::new).collect();
    try_config(&line, &Environment::for_test()).expect_err("the command line makes no sense")
}

#[test]
fn without_flags_lines_are_passed_on_as_they_are() {
    assert_eq!(config(&[]), plain());
}

/// The seconds of a range that flags ask for, before which stand 1773497130 for now.
fn range(flags: &[&str]) -> Option<[Option<i64>; 3]> {
    let range = config(flags).range?;
    let TimeRange { since, until, last } = range;
    Some([since, until, last].map(|time| time.map(|time| time / 1_000_000_000)))
}

#[test]
fn a_range_of_time_is_asked_for_by_moments_and_lengths() {
    let now = 1_773_497_130;
    assert_eq!(range(&[]), None);
    assert_eq!(
        range(&["--since", "-90m"]),
        Some([Some(now - 5_400), None, None])
    );
    assert_eq!(
        range(&["--since=-1d", "--until", "2h ago"]),
        Some([Some(now - 86_400), Some(now - 7_200), None])
    );
    assert_eq!(config(&["--time-slack", "5m"]).time_slack, 300_000_000_000);
    assert!(config(&["--scan"]).scan);
    assert_eq!(
        range(&["--last", "1d12h"]),
        Some([None, None, Some(129_600)])
    );
    // 14:05:30 on 2026-03-14 in UTC is 00:05:30 on the next day ten hours to the east.
    let midnight = Some([Some(now - 330), None, None]);
    assert_eq!(range(&["--since", "today", "--tz", "+10:00"]), midnight);
    assert_eq!(
        range(&["--since", "2026-03-15", "--tz", "+10:00"]),
        midnight
    );
    let in_utc = Some([Some(now - 330 - 14 * 3_600), None, None]);
    assert_eq!(
        range(&["--since", "today", "--tz", "+10:00", "--utc"]),
        in_utc
    );
    assert_eq!(range(&["--since", "today"]), in_utc);
}

#[test]
fn the_last_of_the_flags_for_zones_holds() {
    let east = TimeZone::fixed(offset(2));
    assert_eq!(config(&["--tz", "+02:00"]).clock.zone, east);
    assert_eq!(config(&["--local", "--tz", "+02:00"]).clock.zone, east);
    assert_eq!(
        config(&["--tz", "+02:00", "--utc"]).clock.zone,
        TimeZone::UTC
    );
    assert_eq!(config(&["--input-tz", "+02:00"]).input_zone, east);
    assert_eq!(
        config(&["--input-tz", "Europe/Paris"])
            .input_zone
            .iana_name(),
        Some("Europe/Paris")
    );
}

#[test]
fn the_environment_may_say_what_is_now() {
    let environment = Environment {
        birl_now: Some("2026-03-14T14:05:30Z".into()),
        now: 0,
        ..Environment::for_test()
    };
    let config = config_in(&environment, &["error", "app.log"]);
    assert_eq!((config.clock, config.clock_stands), (plain().clock, true));
    let environment = Environment {
        birl_now: Some("soon".into()),
        ..environment
    };
    let error = try_config(&["error".as_ref(), "app.log".as_ref()], &environment).unwrap_err();
    assert!(
        error.starts_with("cannot use \"soon\" for BIRL_NOW: there is no moment"),
        "{error}"
    );
}

#[test]
fn each_flag_changes_its_own_part() {
    let cases: Vec<(&[&str], Config)> = vec![
        (
            &["-i"],
            Config {
                case: Case::Ignore,
                ..plain()
            },
        ),
        (
            &["-s"],
            Config {
                case: Case::Sensitive,
                ..plain()
            },
        ),
        (&["-i", "-S"], plain()),
        (
            &["-w"],
            Config {
                word: true,
                ..plain()
            },
        ),
        (
            &["-F"],
            Config {
                literal: true,
                ..plain()
            },
        ),
        (
            &["-v"],
            Config {
                invert: true,
                ..plain()
            },
        ),
        (
            &["-m3"],
            Config {
                max_count: Some(3),
                ..plain()
            },
        ),
        (
            &["--tail=0"],
            Config {
                tail: Some(0),
                ..plain()
            },
        ),
        (
            &["--hidden"],
            Config {
                hidden: true,
                ..plain()
            },
        ),
        (
            &["--line-max=2K"],
            Config {
                line_bytes_max: 2048,
                ..plain()
            },
        ),
        (
            &["--strict"],
            Config {
                strict: true,
                ..plain()
            },
        ),
        (
            &["-j1"],
            Config {
                threads: NonZeroUsize::MIN,
                ..plain()
            },
        ),
        (&["-j0"], plain()),
        (
            &["--stats"],
            Config {
                stats: true,
                ..plain()
            },
        ),
        (
            &["--progress=always"],
            Config {
                progress: true,
                ..plain()
            },
        ),
        (&["--include-zero"], plain()),
        (&["--partial-after=2s"], plain()),
    ];
    for (flags, expected) in cases {
        assert_eq!(config(flags), expected, "{flags:?}");
    }
}

#[test]
fn each_flag_of_the_look_changes_its_own_part() {
    let cases: Vec<(&[&str], Output)> = vec![
        (
            &["-n"],
            Output {
                line_number: true,
                ..piped()
            },
        ),
        (
            &["-H"],
            Output {
                with_filename: true,
                ..piped()
            },
        ),
        (
            &["-0"],
            Output {
                null: true,
                ..piped()
            },
        ),
        (
            &["-ojson"],
            Output {
                format: Format::Json,
                rows: Some(OutputFormat::Json),
                ..piped()
            },
        ),
        (
            &["--only-matching"],
            Output {
                only_matching: true,
                ..piped()
            },
        ),
        (
            &["--color=always"],
            Output {
                color: true,
                ..piped()
            },
        ),
        (
            &["--line-buffered"],
            Output {
                line_buffered: true,
                ..piped()
            },
        ),
    ];
    for (flags, expected) in cases {
        assert_eq!(output(flags), expected, "{flags:?}");
    }
}

#[test]
fn following_passes_lines_on_at_once() {
    let follow = Follow {
        poll: Duration::from_secs(1),
        partial_after: None,
    };
    let line_buffered = Output {
        line_buffered: true,
        ..piped()
    };
    let expected = Config {
        follow: Some(follow),
        live: LiveOptions {
            follows: true,
            ..LiveOptions::default()
        },
        output: line_buffered,
        ..plain()
    };
    assert_eq!(config(&["-f"]), expected);
    let partial = Follow {
        partial_after: Some(Duration::from_millis(500)),
        ..follow
    };
    assert_eq!(
        config(&["-f", "--partial-after=500ms"]).follow,
        Some(partial)
    );
}

#[test]
fn an_address_is_followed_and_a_query_that_looks_like_one_is_not() {
    let follows = |line: &[&str]| {
        let config = config_in(&Environment::for_test(), line);
        config.follow.is_some()
    };
    assert!(follows(&["error", "ws://h/"]));
    assert!(follows(&["-e", "error", "app.log", "wss://h/"]));
    assert!(follows(&["-e", "error", "wss://h/"]));
    assert!(!follows(&["ws://h/", "app.log"]));
}

#[test]
fn of_the_modes_the_last_counts_but_quiet_always() {
    let cases: &[(&[&str], Mode)] = &[
        (
            &["-c"],
            Mode::Count {
                include_zero: false,
            },
        ),
        (
            &["--include-zero", "-c"],
            Mode::Count { include_zero: true },
        ),
        (&["-c", "-l"], Mode::FilesWithMatches),
        (&["-l", "--files-without-match"], Mode::FilesWithoutMatch),
        (
            &["-l", "-c"],
            Mode::Count {
                include_zero: false,
            },
        ),
        (&["-q", "-c"], Mode::Quiet),
    ];
    for (flags, mode) in cases {
        assert_eq!(config(flags).mode, *mode, "{flags:?}");
    }
}

#[test]
fn context_on_one_side_takes_precedence_over_that_on_both() {
    let cases: &[(&[&str], (usize, usize))] = &[
        (&["-A1"], (0, 1)),
        (&["-B1"], (1, 0)),
        (&["-C2"], (2, 2)),
        (&["-A1", "-C2"], (2, 1)),
        (&["-C2", "-B0"], (0, 2)),
        (&["-C2", "--only-matching"], (0, 0)),
    ];
    for (flags, sides) in cases {
        let config = config(flags);
        assert_eq!((config.before, config.after), *sides, "{flags:?}");
    }
}

#[test]
fn several_sources_and_those_that_may_be_several_are_named() {
    let cases: &[(&[&str], bool)] = &[
        (&["x", "app.log"], false),
        (&["x", "app.log", "b.log"], true),
        (&["x", "logs"], true),
        (&["x", "*.log"], true),
        (&["x", "ws://host/stream"], false),
        (&["x", "missing.log"], false),
        (&["x", "-"], false),
        (&["-I", "x", "logs"], false),
        (&["-H", "x", "app.log"], true),
    ];
    for (line, named) in cases {
        let config = config_in(&Environment::for_test(), line);
        assert_eq!(config.output.with_filename, *named, "{line:?}");
    }
}

#[test]
fn without_a_source_a_pipe_is_read_and_on_a_terminal_the_directory_is_searched() {
    let in_pipe = config_in(&Environment::for_test(), &["error"]);
    let on_terminal = config_in(&Environment::terminal_for_test(), &["error"]);
    assert_eq!(in_pipe.sources, ["-"]);
    assert_eq!(on_terminal.sources, ["."]);
}

#[test]
fn with_the_query_flag_all_operands_are_sources() {
    let config = config_in(
        &Environment::for_test(),
        &["app.log", "-e", "one", "b.log", "-e", "two"],
    );
    assert_eq!(config.queries, ["one", "two"]);
    assert_eq!(config.sources, ["app.log", "b.log"]);
}

#[test]
fn on_a_terminal_answers_are_coloured_harmless_and_paged() {
    let expected = Config {
        output: shown(),
        pager: Some(Pager::less()),
        progress: true,
        ..plain()
    };
    let line = ["error", "app.log"];
    assert_eq!(
        config_in(&Environment::terminal_for_test(), &line),
        expected
    );
}

#[test]
fn a_pager_and_progress_need_a_terminal_that_is_looked_at() {
    let terminal = Environment::terminal_for_test();
    let dumb = Environment {
        term: Some("dumb".into()),
        ..terminal.clone()
    };
    let pipe = Environment::for_test();
    // Whether there is a pager, and whether there is progress.
    let cases: &[(&Environment, &[&str], (bool, bool))] = &[
        (&terminal, &[], (true, true)),
        (&terminal, &["--no-pager"], (false, true)),
        (&terminal, &["--pager=never"], (false, true)),
        (&terminal, &["--no-progress"], (true, false)),
        (&terminal, &["--progress=never"], (true, false)),
        (&terminal, &["-f"], (false, false)),
        (&terminal, &["-f", "--pager=always"], (true, false)),
        (&terminal, &["-q"], (false, false)),
        (
            &terminal,
            &["-q", "--pager=always", "--progress=always"],
            (false, true),
        ),
        (&dumb, &[], (false, false)),
        (&pipe, &[], (false, false)),
        (&pipe, &["--pager=always"], (true, false)),
    ];
    for (environment, flags, expected) in cases {
        let config = config_in(environment, &[flags, &["error", "app.log"][..]].concat());
        let actual = (config.pager.is_some(), config.progress);
        assert_eq!(actual, *expected, "{flags:?}");
    }
}

#[test]
fn the_pager_is_the_one_of_its_variable() {
    let pager = |variable: &str, flags: &[&str]| {
        let environment = Environment {
            birl_pager: Some(variable.into()),
            ..Environment::terminal_for_test()
        };
        config_in(&environment, &[flags, &["error", "app.log"]].concat()).pager
    };
    let more = Pager::parse(OsStr::new("more -d")).unwrap();
    assert!(more.is_some());
    assert_eq!(pager("more -d", &[]), more);
    assert_eq!(pager("", &[]), None);
    assert_eq!(pager("cat", &["--pager=always"]), None);
}

#[test]
fn what_a_pager_shows_is_harmless_too() {
    let environment = Environment::for_test();
    let config = config_in(&environment, &["--pager=always", "error", "app.log"]);
    assert_eq!(
        config.output,
        Output {
            format: Format::Readable,
            harmless: true,
            ..piped()
        }
    );
}

#[test]
fn a_format_is_the_one_that_is_asked_for_on_a_terminal_too() {
    let terminal = Environment {
        stdout_is_terminal: true,
        stdout_size: None,
        ..Environment::for_test()
    };
    let formats: [(&[&str], Format); 6] = [
        (&[], Format::Readable),
        (&["--only-matching"], Format::Text),
        (&["-o", "text"], Format::Text),
        (&["-o", "pretty"], Format::Pretty),
        (&["-o", "csv"], Format::Csv(b',')),
        (&["-o", "tsv"], Format::Csv(b'\t')),
    ];
    for (flags, expected) in formats {
        let line = [flags, &["error", "app.log"]].concat();
        assert_eq!(
            config_in(&terminal, &line).output.format,
            expected,
            "{flags:?}"
        );
    }
}

#[test]
fn no_color_can_be_overridden() {
    let environment = Environment {
        no_color: Some("1".into()),
        ..Environment::terminal_for_test()
    };
    let color = |flags: &[&str]| {
        config_in(&environment, &[flags, &["error", "app.log"]].concat())
            .output
            .color
    };
    assert!(!color(&[]));
    assert!(color(&["--color=always"]));
    assert!(!color(&["--color=always", "--color=never"]));
}

#[test]
fn a_command_line_without_a_query_is_a_slip() {
    assert_eq!(
        message(&["-n"]),
        "there is no query\n\n\
         usage: birl [OPTIONS] QUERY [SOURCE]...\n\
         hint: birl -h says more, and birl '*' FILE prints every line"
    );
}

#[test]
fn a_file_in_place_of_the_query_is_a_slip() {
    assert_eq!(
        message(&["app.log"]),
        "there is no query: \"app.log\" is a file\n\n\
         hint: to print every line of it: birl '*' app.log\n\
         hint: to search for its name: birl -e app.log"
    );
    assert_eq!(
        message(&["logs/"]),
        "there is no query: \"logs/\" is a directory\n\n\
         hint: to print every line of it: birl '*' logs/\n\
         hint: to search for its name: birl -e logs/"
    );
}

#[test]
fn a_query_that_is_also_a_name_is_asked_where_it_is_meant() {
    let cases: [(&[&str], &str, &str); 3] = [
        (&["-e", "app.log"], "app.log", "-"),
        (&["app.log", "b.log"], "app.log", "b.log"),
        // A directory may be called like a word; one with a slash would be refused.
        (&["logs"], "logs", "-"),
    ];
    for (line, query, source) in cases {
        let config = config_in(&Environment::for_test(), line);
        assert_eq!(config.queries, [query]);
        assert_eq!(config.sources, [source]);
    }
}

#[test]
fn a_query_of_several_words_without_quotes_is_a_slip() {
    assert_eq!(
        message(&["connection", "reset", "by", "app.log"]),
        "cannot find the source \"reset\"\n\n\
         hint: quote a query of several words: birl 'connection reset by' app.log"
    );
    assert_eq!(
        message(&["can't", "open"]),
        "cannot find the source \"open\"\n\n\
         hint: quote a query of several words: birl \"can't open\""
    );
    assert_eq!(
        message(&["-e", "connection", "reset", "app.log"]),
        "cannot find the source \"reset\"\n\n\
         hint: quote a query of several words: birl 'connection reset' app.log"
    );
    assert_eq!(
        message(&["-e", "a", "-e", "b", "c"]),
        "cannot find the source \"c\""
    );
}

#[test]
fn what_looks_like_a_source_is_left_to_the_search() {
    for source in [
        "syslog",
        "logs",
        "-",
        "missing.log",
        "./missing",
        "*log",
        "ws://host",
    ] {
        let config = config_in(&Environment::for_test(), &["error", source]);
        assert_eq!(config.sources, [source]);
    }
}

#[test]
fn a_query_that_is_not_utf8_is_an_error() {
    let query = OsStr::from_bytes(b"caf\xe9");
    for line in [&[query][..], &[OsStr::new("-e"), query]] {
        assert_eq!(
            try_config(line, &Environment::for_test()),
            Err("the query \"caf\\xE9\" is not UTF-8".to_owned())
        );
    }
}
