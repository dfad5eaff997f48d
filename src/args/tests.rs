//! What holds for every flag, and what command lines come to.

use std::ffi::OsString;
use std::fs;

use clap::CommandFactory;
use clap_complete::Shell;

use super::{Args, Invocation, help, parse, whole_command};
use crate::config::Environment;

fn words(line: &[&str]) -> Vec<OsString> {
    [&["birl"], line]
        .concat()
        .into_iter()
        .map(OsString::from)
        .collect()
}

fn invocation(line: &[&str]) -> Invocation {
    parse(&words(line), &Environment::for_test()).expect("the command line is right")
}

fn search(line: &[&str]) -> Args {
    match invocation(line) {
        Invocation::Search(args) => *args,
        other => panic!("{line:?} is no search but {other:?}"),
    }
}

fn message(line: &[&str]) -> String {
    let error =
        parse(&words(line), &Environment::for_test()).expect_err("the command line is wrong");
    format!("{error:#}")
}

/// The search for `*` with the lines of a configuration file as defaults, or what is wrong.
fn with_defaults(file: &str, line: &[&str]) -> Result<Args, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("defaults");
    fs::write(&path, file).unwrap();
    let environment = Environment {
        birl_config: Some(path.clone().into()),
        ..Environment::for_test()
    };
    match parse(&words(line), &environment) {
        Ok(Invocation::Search(args)) => Ok(*args),
        Ok(other) => panic!("{line:?} is no search but {other:?}"),
        Err(error) => Err(format!("{error:#}").replace(path.to_str().unwrap(), "FILE")),
    }
}

#[test]
fn the_flags_are_well_formed() {
    whole_command().debug_assert();
}

#[test]
fn every_flag_has_a_help_of_one_line_without_a_stop() {
    for arg in Args::command().get_arguments() {
        let help = arg.get_help().expect("a flag has help").to_string();
        assert!(
            help.len() <= 65 && !help.ends_with('.') && !help.contains('\n'),
            "{help}"
        );
    }
}

#[test]
fn every_flag_is_in_the_short_help() {
    for arg in Args::command()
        .get_arguments()
        .filter(|arg| !arg.is_positional())
    {
        let names = [
            arg.get_short().map(|short| format!("-{short}")),
            arg.get_long().map(|long| format!("--{long}")),
        ];
        assert!(
            flags_in(help::SHORT).any(|flag| names.iter().flatten().any(|name| name == flag)),
            "{names:?} is not in the short help"
        );
    }
}

#[test]
fn the_help_names_no_flag_that_there_is_not() {
    let command = Args::command();
    for flag in flags_in(help::SHORT).chain(flags_in(help::AFTER)) {
        let known = command
            .get_arguments()
            .any(|arg| match flag.strip_prefix("--") {
                Some(long) => arg.get_long() == Some(long),
                None => arg.get_short().map(String::from).as_deref() == flag.get(1..),
            });
        assert!(known || ["-word", "-healthcheck"].contains(&flag), "{flag}");
    }
}

/// The words of `text` that begin with a dash.
fn flags_in(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .filter(|word| word.starts_with('-') && word.len() > 1)
}

#[test]
fn the_short_help_fits_a_screen() {
    assert!(help::SHORT.lines().count() <= 45);
    for line in help::SHORT.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn what_the_help_says_after_the_flags_fits_a_manual_page_as_it_is() {
    for line in help::AFTER.lines() {
        assert!(line.chars().count() <= 75, "{line}");
    }
}

#[test]
fn what_overrides_a_flag_is_overridden_by_it() {
    let groups: &[&[&str]] = &[
        &["-i", "-s", "-S"],
        &["-c", "-l", "--files-without-match"],
        &["-n", "-N"],
        &["-H", "-I"],
        &["--output=json", "--template={level}"],
        &["--pager=always", "--no-pager"],
        &["--progress=always", "--no-progress"],
        &["--config=/dev/null", "--no-config"],
    ];
    for group in groups {
        for first in *group {
            for last in *group {
                let both = search(&[first, last, "*"]);
                let only = search(&[last, "*"]);
                assert_eq!(format!("{both:?}"), format!("{only:?}"), "{first} {last}");
            }
        }
    }
}

#[test]
fn of_a_value_given_twice_the_last_counts() {
    assert_eq!(search(&["-m1", "--max-count=2", "*"]).max_count, Some(2));
    assert_eq!(search(&["-e", "a", "-e", "b"]).queries, ["a", "b"]);
}

#[test]
fn the_first_operand_is_the_query_and_others_are_sources() {
    let args = search(&["-n", "a b", "app.log", "-A", "2", "-", "logs"]);
    assert_eq!(args.query, Some("a b".into()));
    assert_eq!(args.sources, ["app.log", "-", "logs"]);
    assert_eq!(args.after_context, Some(2));
}

#[test]
fn after_two_dashes_a_query_may_begin_with_one() {
    let args = search(&["--", "-error", "-n"]);
    assert_eq!(args.query, Some("-error".into()));
    assert_eq!(args.sources, ["-n"]);
}

#[test]
fn the_query_flag_takes_what_begins_with_a_dash() {
    for line in [["-e", "-error"], ["--query", "-error"]] {
        assert_eq!(search(&line).queries, ["-error"]);
    }
    for line in ["-e=-error", "--query=-error", "-ne=-error"] {
        assert_eq!(search(&[line]).queries, ["-error"]);
    }
}

#[test]
fn the_first_operand_may_be_a_command() {
    assert!(matches!(invocation(&["man"]), Invocation::Man));
    assert!(matches!(invocation(&["-A", "2", "man"]), Invocation::Man));
    assert!(matches!(
        invocation(&["completions", "zsh"]),
        Invocation::Completions(Shell::Zsh)
    ));
}

#[test]
fn the_name_of_a_command_elsewhere_is_a_word() {
    assert_eq!(search(&["error", "man"]).sources, ["man"]);
    assert_eq!(search(&["-e", "run", "app.log"]).queries, ["run"]);
    assert_eq!(search(&["-e", "x", "run"]).query, Some("run".into()));
    assert_eq!(search(&["--", "run"]).query, Some("run".into()));
    assert_eq!(
        search(&["--config", "man", "--no-config", "x"]).query,
        Some("x".into())
    );
}

#[test]
fn help_and_version_are_printed_instead() {
    let text = |line: &[&str]| match invocation(line) {
        Invocation::Print(text) => text,
        other => panic!("{line:?} is no text but {other:?}"),
    };
    assert_eq!(text(&["-h"]), help::SHORT);
    assert_eq!(text(&["--help"]), help::whole());
    assert_eq!(text(&["help"]), help::whole());
    assert_eq!(
        text(&["-V"]),
        concat!("birl ", env!("CARGO_PKG_VERSION"), "\n")
    );
    assert_eq!(text(&["man", "--help"]), text(&["help", "man"]));
    assert_eq!(
        text(&["help", "man"]),
        "Print the manual page\n\nTo read it: birl man | man -l -\n\nUsage: birl man\n"
    );
}

#[test]
fn each_reserved_word_is_a_command_or_says_what_to_do() {
    for name in ["overview", "diff", "serve", "explain"] {
        assert_eq!(
            message(&[name, "--any", "thing"]),
            format!(
                "there is no command {name} yet, but its name is reserved\n\n\
                 hint: to search for the word: birl -e {name}"
            )
        );
        assert!(
            help::AFTER.contains(name),
            "the help does not say that {name} is reserved"
        );
    }
}

#[test]
fn a_query_that_happens_to_be_flags_is_refused() {
    assert_eq!(
        message(&["-error", "app.log"]),
        "\"-error\" reads as -e with the query \"rror\"\n\n\
         hint: a query that begins with \"-\" comes after -e or --: birl -e -error\n\
         hint: if the query is \"rror\", write -e rror"
    );
    assert_eq!(
        message(&["-healthcheck", "app.log"]),
        "\"-healthcheck\" reads as -h and more\n\n\
         hint: a query that begins with \"-\" comes after -e or --: birl -e -healthcheck"
    );
    assert_eq!(
        message(&["-info", "app.log"]),
        "cannot use \"app.log\" for --output: it is one of text, pretty, json, logfmt, csv, tsv, table, chart, \
         arrow, parquet\n\n\
         hint: a query that begins with \"-\" comes after -e or --: birl -e -info"
    );
}

#[test]
fn an_unknown_flag_may_be_a_query_or_a_misspelling() {
    assert_eq!(
        message(&["-timeout", "app.log"]),
        "unknown flag -t in \"-timeout\"\n\n\
         hint: a query that begins with \"-\" comes after -e or --: birl -e -timeout"
    );
    assert_eq!(
        message(&["-\"two words\"", "app.log"]),
        "unknown flag -\" in \"-\\\"two words\\\"\"\n\n\
         hint: a query that begins with \"-\" comes after -e or --: birl -e '-\"two words\"'"
    );
    assert_eq!(
        message(&["error", "-timeout", "app.log"]),
        "unknown flag -t in \"-timeout\"\n\n\
         hint: quote a query of several words: birl 'error -timeout'"
    );
    assert_eq!(
        message(&["--folow", "error"]),
        "unknown flag --folow\n\n\
         hint: did you mean --follow?\n\
         hint: a query that begins with \"-\" comes after -e or --: birl -e --folow"
    );
}

#[test]
fn a_wrong_value_is_told_with_a_right_one() {
    let cases: &[(&[&str], &str)] = &[
        (
            &["--color=red", "x"],
            "cannot use \"red\" for --color: it is one of auto, always, never",
        ),
        (
            &["x", "--color"],
            "--color needs a value: it is one of auto, always, never",
        ),
        (&["x", "-m"], "--max-count needs a value"),
        (
            &["-mx", "x"],
            "cannot use \"x\" for --max-count: it is a whole number, such as 3",
        ),
        (
            &["--line-max=0", "x"],
            "cannot use \"0\" for --line-max: it is at least 1",
        ),
        (
            &["--line-max=1MB", "x"],
            "cannot use \"1MB\" for --line-max: it is a number of bytes, such as 65536, 64K or 1MiB",
        ),
        (
            &["--partial-after=5", "x"],
            "cannot use \"5\" for --partial-after: it is a number with a unit, such as 500ms or 2s",
        ),
        (
            &["--hidden=yes", "x"],
            "--hidden takes no value, but has \"yes\"",
        ),
        (
            &["completions"],
            "SHELL is missing\n\nusage: birl completions <SHELL>",
        ),
        (
            &["completions", "tcsh"],
            "cannot use \"tcsh\" for SHELL: it is one of bash, elvish, fish, powershell, zsh",
        ),
        (&["man", "page"], "unexpected argument \"page\""),
        (
            &["help", "me"],
            "there is no help for \"me\": the commands are completions, formats, run, chat, status, alerts, ack, unack, silence, unsilence, why, dead-letters, man and help",
        ),
    ];
    for (line, expected) in cases {
        assert_eq!(message(line), *expected, "{line:?}");
    }
}

#[test]
fn the_configuration_file_has_a_flag_a_line() {
    let file = "# a comment\n\n  -n\n--color=always\n-A 3\r\n--output  json\n--follow";
    let typed = [
        "-n",
        "--color=always",
        "-A3",
        "--output=json",
        "--follow",
        "*",
    ];
    assert_eq!(
        format!("{:?}", with_defaults(file, &["*"]).unwrap()),
        format!("{:?}", search(&typed))
    );
}

#[test]
fn the_command_line_overrides_the_configuration_file() {
    let args = with_defaults(
        "-i\n-A1\n--pager=always\n",
        &["-s", "-A", "2", "--no-pager", "*"],
    );
    let typed = ["-s", "-A2", "--no-pager", "*"];
    assert_eq!(
        format!("{:?}", args.unwrap()),
        format!("{:?}", search(&typed))
    );
}

#[test]
fn no_config_ignores_the_configuration_file() {
    let args = with_defaults("-i\nnonsense\n", &["--no-config", "*"]);
    assert_eq!(
        format!("{:?}", args.unwrap()),
        format!("{:?}", search(&["--no-config", "*"]))
    );
}

#[test]
fn an_error_in_the_configuration_file_names_its_line() {
    let cases = [
        (
            "-n\n--colour=never\n",
            "line 2",
            "unknown flag --colour\n\nhint: did you mean --color?",
        ),
        ("error\n", "line 1", "\"error\" is not a flag"),
        ("# x\n--\n", "line 2", "\"--\" is not a flag"),
        (
            "-n app.log\n",
            "line 1",
            "a query or a source has no place among default flags",
        ),
        (
            "-e error\n",
            "line 1",
            "a query or a source has no place among default flags",
        ),
        ("-h\n", "line 1", "-h has no place among default flags"),
        (
            "--config=x\n",
            "line 1",
            "--config=x has no place among default flags",
        ),
        ("\n-A\n3\n", "line 2", "--after-context needs a value"),
        (
            "-A x\n",
            "line 1",
            "cannot use \"x\" for --after-context: it is a whole number, such as 3",
        ),
    ];
    for (file, line, reason) in cases {
        assert_eq!(
            with_defaults(file, &["*"]).unwrap_err(),
            format!("cannot use {line} of \"FILE\": {reason}"),
            "{file:?}"
        );
    }
}

#[test]
fn the_configuration_file_is_the_one_that_is_named_last_and_nearest() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    fs::create_dir_all(path("home/.config/birl")).unwrap();
    fs::write(path("home/.config/birl/config"), "-A1").unwrap();
    fs::write(path("variable"), "-A2").unwrap();
    fs::write(path("flag"), "-A3").unwrap();
    let after = |variable: Option<&str>, flags: &[&str]| {
        let environment = Environment {
            kind: Environment::of_process().kind,
            home: Some(path("home").into()),
            birl_config: variable.map(|name| {
                if name.is_empty() {
                    name.into()
                } else {
                    path(name).into()
                }
            }),
            ..Environment::for_test()
        };
        match parse(&words(&[flags, &["*"]].concat()), &environment) {
            Ok(Invocation::Search(args)) => args.after_context,
            other => panic!("no search but {other:?}"),
        }
    };
    assert_eq!(after(None, &[]), Some(1));
    assert_eq!(after(Some("variable"), &[]), Some(2));
    assert_eq!(after(Some(""), &[]), None);
    assert_eq!(
        after(Some("variable"), &["--config", &path("flag")]),
        Some(3)
    );
    assert_eq!(
        after(None, &["--config", &path("flag"), "--no-config"]),
        None
    );
}

#[test]
fn a_configuration_file_that_is_named_must_be_there() {
    assert_eq!(
        message(&["--config=/nonexistent/file", "*"]),
        "cannot read the configuration file \"/nonexistent/file\": \
         no such file or directory"
    );
}
