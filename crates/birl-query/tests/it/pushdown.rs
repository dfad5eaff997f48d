//! What is pushed down into the scan leaves out nothing: answers are the same without.

use std::fs;
use std::path::{Path, PathBuf};

use birl_query::{Answer, Limits, Session, Sources};
use birl_record::search;
use birl_record::time::Clock;
use birl_scan::{Options, fields};
use birl_source::name::Name;
use birl_source::walk::WalkOptions;
use datafusion::arrow::util::pretty::pretty_format_batches;
use futures::StreamExt;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use proptest::sample::select;
use tokio::runtime::Runtime;

/// Records of several formats, in which the same fields are written in all ways that there are.
pub(crate) const LOGS: [(&str, &str); 4] = [
    (
        "a.jsonl",
        concat!(
            r#"{"time":"2026-03-14T14:00:00Z","level":"error","service":"web","ms":5,"size":5,"cost":5,"msg":"reset by peer","req":{"status":500}}"#,
            "\n",
            r#"{"time":"2026-03-14T14:00:01Z","level":"ERR","service":"We\u0062","ms":5.0,"size":500,"cost":5.0,"msg":"re\"set\" 100%"}"#,
            "\n",
            r#"{"time":"2026-03-14T14:00:02Z","severity":17,"service":"WEB","ms":"5","size":-3,"cost":12.5,"msg":"Reset","req":{"status":"500"}}"#,
            "\n",
            r#"{"time":"2026-03-14T14:00:03Z","level":"info","service":"a/b\\c","ms":-3,"size":0,"cost":-3.25,"msg":"über_set"}"#,
            "\n",
            r#"{"time":"2026-03-14T14:00:04Z","level":null,"service":null,"ms":5e2,"size":9007199254740993,"cost":5e2,"msg":"line\nreset"}"#,
            "\n",
            r#"{"time":"2026-03-14T14:00:05Z","service":"","ms":9007199254740993,"size":9007199254740992,"cost":1e-3,"msg":""}"#,
            "\n",
            r#"{"time":"2026-03-14T14:00:06Z","level":"warn","service":"web","service":"db","ms":12.5,"size":null,"cost":null}"#,
            "\n",
            "{\"broken\":\"the rest of it is missing, reset\n",
        ),
    ),
    (
        "b.log",
        concat!(
            "ts=2026-03-14T14:01:00Z level=error service=web ms=5 size=5 cost=0.1 msg=\"connection reset\"\n",
            "ts=2026-03-14T14:01:01Z level=info service=\"we b\" ms=007 size=7 cost=0.5 msg=up\n",
            "ts=2026-03-14T14:01:02Z level=dbug service=Web ms= size=-0 cost=-5 msg=\"a=b reset\"\n",
        ),
    ),
    (
        "c.log",
        concat!(
            "203.0.113.7 - ann [14/Mar/2026:14:02:00 +0000] \"GET /reset?a=5 HTTP/1.1\" 500 5\n",
            "203.0.113.7 - - [14/Mar/2026:14:02:01 +0000] \"GET / HTTP/1.1\" 200 500\n",
        ),
    ),
    (
        "d.log",
        concat!(
            "2026-03-14 14:03:00,000 ERROR [web] c.s.Web - reset ms=5\n",
            "java.lang.Exception: reset\n",
            "\tat a.b(C.java:5)\n",
            "2026-03-14 14:03:01,000 WARN  [db] c.s.Db - slow service=web\n",
        ),
    ),
];

const NAMES: [&str; 5] = ["service", "message", "source", "line", "req.status"];
const TEXTS: [&str; 13] = [
    "web",
    "Web",
    "we b",
    "",
    "db",
    "a/b\\c",
    "reset",
    "re\"set\" 100%",
    "5",
    "500",
    "über_set",
    "up",
    "GET / HTTP/1.1",
];
const NUMBERS: [&str; 9] = [
    "5",
    "5.0",
    "500",
    "-3",
    "12.5",
    "9007199254740993",
    "9007199254740992.0",
    "0",
    "7",
];
/// What is of numbers and texts, of whole numbers, and of any.
const NUMERIC: [&str; 3] = ["ms", "size", "cost"];
const OPERATORS: [&str; 6] = ["=", "<>", "<", "<=", ">", ">="];
const PATTERNS: [&str; 9] = [
    "%reset%", "re%", "%set", "%e_s%", "reset", "%\"%", "%R%", "_eset%", "%",
];
const REGEXES: [&str; 8] = [
    "reset", "^re", "set$", "[rR]eset", "a.b", "[0-9]+", "(?i)WEB", "e|u",
];
const MOMENTS: [&str; 4] = [
    "2026-03-14T14:00:02Z",
    "2026-03-14T14:01:00Z",
    "2026-03-14T14:03:00Z",
    "2020-01-01T00:00:00Z",
];
const PLAIN: [&str; 13] = [
    "size is not null",
    "cost is null",
    "timestamp is null",
    "timestamp between '2026-03-14T14:00:03Z' and '2026-03-14T14:01:01Z'",
    "size + 1 > 5",
    "req.status = '500'",
    "search('\"re\\\"set\" OR /rese.$/')",
    "ms is not null",
    "level is null",
    "level = 'ERR'",
    "level in ('error', 'warn')",
    "search('reset -level:info')",
    "search('service:web OR ms:>100')",
];

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn predicates() -> impl Strategy<Value = String> {
    let name = || select(&NAMES[..]);
    let text = || select(&TEXTS[..]).prop_map(quoted);
    let number = || select(&NUMBERS[..]);
    let numeric = || select(&NUMERIC[..]);
    let operator = || select(&OPERATORS[..]);
    let one = prop_oneof![
        (name(), text()).prop_map(|(name, text)| format!("{name} = {text}")),
        (name(), text(), text()).prop_map(|(name, a, b)| format!("{name} in ({a}, {b})")),
        (numeric(), operator(), number())
            .prop_map(|(it, op, number)| format!("{it} {op} {number}")),
        (numeric(), operator(), number())
            .prop_map(|(it, op, number)| format!("{number} {op} {it}")),
        (numeric(), number(), number()).prop_map(|(it, a, b)| format!("{it} between {a} and {b}")),
        (numeric(), number(), number()).prop_map(|(it, a, b)| format!("{it} in ({a}, {b})")),
        (numeric(), operator()).prop_map(|(it, op)| format!("{it} {op} '5'")),
        (name(), select(&PATTERNS[..])).prop_map(|(name, it)| format!("{name} like '{it}'")),
        (name(), select(&PATTERNS[..])).prop_map(|(name, it)| format!("{name} not ilike '{it}'")),
        (name(), select(&REGEXES[..])).prop_map(|(name, it)| format!("{name} ~ '{it}'")),
        (name(), select(&REGEXES[..])).prop_map(|(name, it)| format!("{name} !~* '{it}'")),
        (name(), text()).prop_map(|(name, text)| format!("{name} > {text}")),
        (name(), text()).prop_map(|(name, text)| format!("lower({name}) = {text}")),
        (name(), text()).prop_map(|(name, text)| format!("ends_with({name}, {text})")),
        (name(), text()).prop_map(|(name, text)| format!("contains({name}, {text})")),
        (name(), text()).prop_map(|(name, text)| format!("starts_with({name}, {text})")),
        (operator(), select(&MOMENTS[..])).prop_map(|(op, it)| format!("timestamp {op} '{it}'")),
        (operator()).prop_map(|op| format!("level {op} 'warn'")),
        name().prop_map(|name| format!("{name} is not null")),
        select(&PLAIN[..]).prop_map(str::to_owned),
    ];
    one.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} and {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} or {b})")),
            inner.prop_map(|a| format!("not ({a})")),
        ]
    })
}

pub(crate) fn session(directory: &Path, pushes_down: bool) -> Session {
    let paths = LOGS.iter().map(|(name, _)| directory.join(name));
    session_of(&paths.collect::<Vec<_>>(), pushes_down)
}

/// A session over these files.
pub(crate) fn session_of(files: &[PathBuf], pushes_down: bool) -> Session {
    let names = files.iter().map(|file| Name::parse(file.as_os_str()));
    let names: Vec<_> = names.map(Result::unwrap).collect();
    let walk = WalkOptions::default();
    let options = Options {
        records: true,
        threads: 2,
        ..Options::default()
    };
    let sources = Sources {
        fields: fields(names.clone(), walk, &options),
        names,
        walk,
        options,
        range: None,
        clock: Clock {
            now: 1_773_500_000_000_000_000,
            zone: TimeZone::UTC,
            newest: None,
        },
        search: search::Options::default(),
        pushes_down,
    };
    Session::new(sources, &Limits::default()).unwrap()
}

/// The rows of an answer, as text.
async fn rows(session: &Session, query: &str) -> String {
    let plan = match session.plan_rows(query).await {
        Ok(plan) => plan,
        Err(error) => panic!("{query}: {}", error.render(query)),
    };
    let mut answers = plan.run(session).unwrap();
    let mut batches = Vec::new();
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(Answer::Rows(rows)) => batches.push(rows),
            other => panic!("{query}: {other:?}"),
        }
    }
    pretty_format_batches(&batches).unwrap().to_string()
}

#[test]
fn answers_are_the_same_without_what_is_pushed_down() {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in LOGS {
        fs::write(directory.path().join(name), text).unwrap();
    }
    let runtime = Runtime::new().unwrap();
    let fast = session(directory.path(), true);
    let slow = session(directory.path(), false);
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(predicate in predicates())| {
        let query = format!("select source, \"offset\", ms, message from logs where {predicate}");
        let (fast, slow) = runtime.block_on(async {
            (rows(&fast, &query).await, rows(&slow, &query).await)
        });
        prop_assert_eq!(fast, slow, "{}", predicate);
    });
}

#[test]
fn what_is_pushed_down_reaches_the_scan() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join(LOGS[0].0), LOGS[0].1).unwrap();
    let runtime = Runtime::new().unwrap();
    let searches = |pushes_down: bool, predicate: &str| {
        let session = session(directory.path(), pushes_down);
        let query = format!("select ms from logs where {predicate}");
        let plan = runtime.block_on(session.plan_rows(&query)).unwrap();
        let explained = plan.explain();
        explained.contains(", search=") || explained.contains(", time=")
    };
    for predicate in [
        "service = 'web'",
        "size > 5",
        "message like '%reset%'",
        "timestamp > '2026-03-14T14:00:02Z'",
        "search('reset')",
    ] {
        assert!(searches(true, predicate), "{predicate}");
        assert!(!searches(false, predicate), "{predicate}");
    }
}
