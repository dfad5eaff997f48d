//! What holds of every search over records: looking for those that may match finds what asking all
//! of them finds.

use proptest::prelude::*;

use super::{Hit, Options, Records, Search};
use crate::format::{KNOWN, Parser};
use crate::query;
use crate::query::tree::Term;
use crate::time::Clock;

pub(crate) fn key() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "level",
        "Level",
        "l",
        "lvl",
        "severity",
        "severityNumber",
        "PRIORITY",
        "log",
        "log.level",
        "type",
        "n",
        "\\u006e",
        "nn",
        "a",
        "a.n",
        "k",
        "caf\u{e9}",
        "caf\\u00e9",
        "a b",
        "msg",
        "x/y",
        "x\\/y",
    ])
}

fn scalar() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "500",
        "5e2",
        "500.0",
        "-1",
        "50",
        "17",
        "3",
        "30",
        "12345678901234567890",
        "true",
        "null",
        "NaN",
        "\"500\"",
        "\"error\"",
        "\"ERR\"",
        "\"E\"",
        "\" warn \"",
        "\"in\\u0066o\"",
        "\"info\"",
        "\"3\"",
        "\"reset\"",
        "\"r\\u0065set by\"",
        "\"\"",
        "\"n=500 level=error\"",
        "\"{\\\"n\\\":500,\\\"level\\\":\\\"error\\\"}\"",
        "\"caf\u{e9}\"",
        "nil",
    ])
}

pub(crate) fn json() -> impl Strategy<Value = String> {
    let member = |value: BoxedStrategy<String>| {
        let colon = prop::sample::select(vec![":", ": ", " : ", ":\t", ":  "]);
        (key(), colon, value).prop_map(|(key, colon, value)| format!("\"{key}\"{colon}{value}"))
    };
    let flat = prop::collection::vec(member(scalar().prop_map(str::to_owned).boxed()), 0..4);
    let value = prop_oneof![
        6 => scalar().prop_map(str::to_owned),
        1 => flat.prop_map(|members| format!("{{{}}}", members.join(","))),
        1 => prop::collection::vec(scalar(), 0..3).prop_map(|list| format!("[{}]", list.join(", "))),
    ];
    let comma = prop::sample::select(vec![",", ", "]);
    (prop::collection::vec(member(value.boxed()), 0..7), comma)
        .prop_map(|(members, comma)| format!("{{{}}}", members.join(comma)))
}

fn pairs() -> impl Strategy<Value = String> {
    let value = prop::sample::select(vec![
        "500",
        "5e2",
        "error",
        "\"error\"",
        "\"a b\"",
        "\"a",
        "",
        "x,",
        "500;",
        "(500)",
        "\\\"n\\\"",
    ]);
    let pair = (key(), value).prop_map(|(key, value)| format!("{key}={value}"));
    prop::collection::vec(pair, 1..6).prop_map(|pairs| pairs.join(" "))
}

fn plain() -> impl Strategy<Value = String> {
    let text = prop::sample::select(vec![
        "panic: n=500",
        "  at n=500 (x)",
        "level=error n: 500",
        "error {\"n\":500} reset",
        "}",
        "reset",
        "{'n': 500}",
        "",
        "2026-03-14 14:05:30 ERROR n=500 reset",
        "<3>Mar 14 14:05:30 host app: n=500",
        "192.0.2.1 - ann [14/Mar/2026:14:05:30 +0000] \"GET /a HTTP/1.1\" 502 5",
        "192.0.2.1 - - [14/Mar/2026:14:05:30 +0000] \"GET /b HTTP/1.1\" 200 500 \"-\" \"a 502 \"",
        "status=502 \"status\": 502",
    ]);
    text.prop_map(str::to_owned)
}

/// Lines of formats that say a level as a word, and of those that no format is for.
fn text() -> impl Strategy<Value = String> {
    let level = prop::sample::select(vec![
        "ERROR", "error", "Err", "E", "e", "W", "WARN", "warning", "INFO", "I", "FATAL", "F",
        "crit", "SEVERE", "notice", "D", "panic", "log", "x",
    ]);
    let layout = prop::sample::select(vec![
        "2026-03-14 14:05:30,250 L  [main] c.s.Orders - paid",
        "2026-03-14 14:05:30.250 [main] L c.s.Orders - an error",
        "2026-03-14 14:05:30 L paid",
        "L2026-03-14 14:05:30 paid",
        "L 2026-03-14 14:05:30 paid",
        "[2026-03-14 14:05:30] [L] paid in e minor",
        "2026-03-14T14:05:30Z [worker-3/L] paid",
        "2026-03-14 14:05:30 | L | paid | W |",
        "2026-03-14 14:05:30 1L paid",
        "2026-03-14 14:05:30 (L) <I> paid",
        "2026-03-14 14:05:30 \u{1b}[31mL\u{1b}[0m paid",
        "2026-03-14 14:05:30 L: paid",
        "2026-03-14 14:05:30 host app[7]: L paid",
        "2026-03-14 14:05:30 level=L paid",
        "2026-03-14 14:05:30 {\"level\":\"L\"}",
        "2026-03-14 14:05:30 {\"level\":50}",
        "2026/03/14 14:05:30 L paid",
        "L:root:paid",
        "L [2026-03-14 14:05:30,250] paid (E)",
        "time=2026-03-14T14:05:30Z level=L msg=paid",
    ]);
    (layout, level).prop_map(|(layout, level)| layout.replace('L', level))
}

/// Whole records of any format that birl knows.
fn sample() -> impl Strategy<Value = String> {
    let samples = KNOWN.iter().flat_map(|known| known.samples);
    let texts: Vec<_> = samples.map(|sample| sample.text).collect();
    prop::sample::select(texts).prop_map(str::to_owned)
}

/// Lines of one format with guests of others, or of all; some are cut off.
pub(crate) fn logs() -> impl Strategy<Value = Vec<u8>> {
    let weights = prop::sample::select(vec![
        [9, 0, 1, 0, 0],
        [0, 9, 1, 0, 0],
        [1, 1, 1, 1, 1],
        [1, 0, 0, 0, 0],
        [0, 1, 0, 0, 0],
        [0, 0, 1, 5, 0],
        [1, 0, 0, 9, 0],
        [0, 0, 0, 0, 1],
    ]);
    let lines = weights.prop_flat_map(|[as_json, as_pairs, as_plain, as_text, as_sample]| {
        let line = prop_oneof![
            as_json => json(),
            as_pairs => pairs(),
            as_plain => plain(),
            as_text => text(),
            as_sample => sample(),
        ];
        let line = (line, 0..40usize).prop_map(|(mut line, cut)| {
            if cut < 3 {
                let mut end = line.len().saturating_sub(cut);
                while !line.is_char_boundary(end) {
                    end -= 1;
                }
                line.truncate(end);
            }
            line
        });
        prop::collection::vec(line, 1..12)
    });
    (lines, any::<bool>()).prop_map(|(lines, ends)| {
        let mut text = lines.join("\n");
        if ends {
            text.push('\n');
        }
        text.into_bytes()
    })
}

fn hits(search: &Search, parser: &Parser, chunk: &[u8]) -> Vec<Hit> {
    let mut hits = Vec::new();
    let records = Records {
        chunk,
        parser,
        source: b"a.log",
        offset: 0,
        is_start: true,
        times: None,
    };
    search.find_records(records, |hit| hits.push(hit));
    hits
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_may_match_holds_all_that_does(
        chunk in logs(),
        query in prop::sample::select(vec![
            "level:error", "level:>=warn", "level:info..warn", "level:info", "level:fatal", "level:debug", "severity:17", "level:!=error",
            "-level:error", "level:(error OR warn)", "level:e*", "level:*",
            "n:500", "n:>1", "n:400..600", "n:<0", "n:\"500\"", "n:!=500", "n:*", "-n:500",
            "a.n:500", "a.n:>1", "k:error", "k:reset", "k:/^r/", "k:r*", "k:true", "k:\"\"",
            "caf\u{e9}:500", "fields.level:error",
            "n:500 level:error", "n:500 OR level:error", "n:500 OR reset", "n:500 k:reset",
            "(n:500 OR k:500) -level:error", "msg:reset", "msg:/re.et/",
            "status:502", "status:500..599", "-status:502", "status:5*",
        ]),
    ) {
        let Ok(term) = query::parse_search(query) else {
            return Err(TestCaseError::fail(format!("{query} is no query")));
        };
        let search = Search::new(&term, Options::default()).unwrap();
        let parser = Parser::detect(&[&chunk], 0);
        let expected = hits(&search.clone().asking_all(), &parser, &chunk);
        prop_assert_eq!(hits(&search, &parser, &chunk), expected);
    }

    #[test]
    fn what_is_implied_leaves_out_nothing_that_matches_both(
        chunk in logs(),
        terms in prop::collection::vec(prop::sample::select(vec!["*", "level:error", "n:500", "-k:error", "reset"]), 0..3),
        implied in prop::collection::vec(prop::sample::select(vec!["level:error", "n:>1", "k:*", "-n:500", "status:502"]), 0..3),
    ) {
        let parse = |query: &&str| query::parse_search(query).unwrap();
        let (terms, implied) = (terms.iter().map(parse), implied.iter().map(parse));
        let (terms, implied): (Vec<_>, Vec<_>) = (terms.collect(), implied.collect());
        fn taken(terms: &[Term]) -> Vec<(&Term, Options)> {
            terms.iter().map(|term| (term, Options::default())).collect()
        }
        let clock = Clock {
            now: 0,
            newest: None,
            zone: jiff::tz::TimeZone::UTC,
        };
        let search = Search::of_all(&taken(&terms), &taken(&implied), &clock).unwrap();
        let exact = Search::of_all(&taken(&terms), &[], &clock).unwrap();
        let both = [terms, implied].concat();
        let both = Search::of_all(&taken(&both), &[], &clock).unwrap();
        let parser = Parser::detect(&[&chunk], 0);
        let found = hits(&search, &parser, &chunk);
        let most = hits(&exact, &parser, &chunk);
        prop_assert!(found.iter().all(|hit| most.contains(hit)));
        prop_assert!(hits(&both, &parser, &chunk).iter().all(|hit| found.contains(hit)));
    }
}
