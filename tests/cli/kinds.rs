//! Kinds of rules over logs that are made for each: what ElastAlert 2 says of its rule types in its tests
//! (`tests/rules_test.py`), said of ours. Where they differ, `docs/rules.md` says so.

use std::fmt::Write;

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use crate::process::Process;
use crate::sandbox::Sandbox;

/// A log, a rule over it, and how many alerts begin.
struct Case {
    name: &'static str,
    /// When each record is, in milliseconds since noon, and its fields.
    records: Vec<(i64, Value)>,
    rule: &'static str,
    alerts: usize,
}

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |case: Case| Trial::test(format!("kinds::{}", case.name), move || case.check());
    cases().into_iter().map(trial).collect()
}

impl Case {
    fn check(&self) -> Result<(), Failed> {
        let sandbox = Sandbox::new();
        let mut log = String::new();
        for (at, fields) in &self.records {
            let at = jiff::Timestamp::from_millisecond(1_773_489_600_000 + at)?;
            let mut record = fields.clone();
            record["time"] = json!(format!("{at:.3}"));
            writeln!(log, "{record}")?;
        }
        sandbox.write("app.log", log.as_bytes());
        let rules = format!("[source.app]\nfrom = 'x'\n[rule.r]\n{}\n", self.rule);
        sandbox.write("birl.toml", rules.as_bytes());
        let command = sandbox.birl(&["run", "--replay", "app.log", "-o", "json"]);
        let ended = Process::start(command, Vec::new()).end();
        let stdout = String::from_utf8(ended.stdout)?;
        let alerts = stdout.lines().map(serde_json::from_str::<Value>);
        let alerts = alerts.collect::<Result<Vec<_>, _>>()?;
        let firing = alerts.iter().filter(|alert| alert["state"] == "firing");
        let stderr = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(firing.count(), self.alerts, "{stdout}{stderr}");
        Ok(())
    }
}

/// So many records, one a second from `from` on.
fn each_second(from: i64, count: i64, fields: &Value) -> Vec<(i64, Value)> {
    let at = |second| ((from + second) * 1000, fields.clone());
    (0..count).map(at).collect()
}

/// So many records at each of these seconds.
fn at(counts: &[(i64, usize)], fields: &Value) -> Vec<(i64, Value)> {
    let each = counts
        .iter()
        .flat_map(|(second, count)| std::iter::repeat_n(second * 1000, *count));
    each.map(|at| (at, fields.clone())).collect()
}

/// What is over by this second, and no record that rules ask for.
fn end(second: i64) -> (i64, Value) {
    (second * 1000, json!({"kind": "end"}))
}

fn case(name: &'static str, records: Vec<(i64, Value)>, rule: &'static str, alerts: usize) -> Case {
    Case {
        name,
        records,
        rule,
        alerts,
    }
}

fn cases() -> Vec<Case> {
    let mut cases = frequencies();
    cases.extend(spikes());
    cases.extend(silences());
    cases.extend(values());
    cases
}

fn frequencies() -> Vec<Case> {
    let hits = json!({"kind": "e"});
    let of = |user: &str| json!({"kind": "e", "user": user});
    let minute = each_second(0, 60, &hits);
    let shuffled = [&minute[15..20], &minute[10..15], &minute[20..]].concat();
    let long_ago = at(&[(-3600, 50)], &hits);
    let shuffled = [&minute[..10], &long_ago, &shuffled].concat();
    let users = [
        at(&[(60, 1)], &of("a")),
        at(&[(60, 5)], &of("b")),
        at(&[(600, 8)], &of("a")),
        at(&[(600, 5)], &of("b")),
        at(&[(1500, 3)], &of("a")),
    ];
    const HUNDRED: &str = "kind = 'frequency'\nquery = 'kind:e'\nat_least = 100\nwindow = '1h'";
    const SIXTY: &str = "kind = 'frequency'\nquery = 'kind:e'\nat_least = 60\nwindow = '1h'";
    vec![
        case(
            "as_many_as_are_wanted_are_an_alert",
            minute.clone(),
            SIXTY,
            1,
        ),
        case("one_fewer_is_none", minute[1..].to_vec(), SIXTY, 0),
        case(
            "records_out_of_order_count_and_those_of_another_window_do_not",
            shuffled,
            SIXTY,
            1,
        ),
        case(
            "counts_add_up_within_a_window",
            at(&[(0, 75), (900, 10), (1500, 10), (2700, 6)], &hits),
            HUNDRED,
            1,
        ),
        case(
            "what_has_left_the_window_does_not_count",
            at(&[(0, 75), (2700, 10), (3300, 10), (3900, 6)], &hits),
            HUNDRED,
            0,
        ),
        case(
            "each_group_counts_by_itself",
            users.concat(),
            "kind = 'frequency'\nquery = 'kind:e'\nat_least = 10\nwindow = '1h'\ngroup_by = 'user'",
            2,
        ),
        // From 8 s to 62 s: no minute that begins at a multiple of 10 s has all of them.
        case(
            "a_burst_as_long_as_the_window_may_lie_across_two",
            (0..10).map(|n| (8000 + n * 6000, hits.clone())).collect(),
            "kind = 'frequency'\nquery = 'kind:e'\nat_least = 10\nwindow = '1m'",
            0,
        ),
        case(
            "a_shorter_slide_finds_such_a_burst",
            (0..10).map(|n| (8000 + n * 6000, hits.clone())).collect(),
            "kind = 'frequency'\nquery = 'kind:e'\nat_least = 10\nwindow = '1m'\nslide = '1s'",
            1,
        ),
    ]
}

fn spikes() -> Vec<Case> {
    const DOUBLE: &str = "kind = 'spike'\nquery = 'kind:e'\nfactor = 2\nwindows = 1\nat_least = 10\n\
                          direction = 'both'\nwindow = '10s'\nslide = '10s'";
    const TRIPLE: &str = "kind = 'spike'\nquery = 'kind:e'\nfactor = 3\nwindows = 1\nat_least = 10\n\
                          direction = 'both'\nwindow = '10s'\nslide = '10s'";
    const LARGE: &str = "kind = 'spike'\nquery = 'kind:e'\nfactor = 2\nwindows = 1\nat_least = 30\n\
                         direction = 'both'\nwindow = '10s'\nslide = '10s'";
    const USERS: &str = "kind = 'spike'\nquery = 'kind:e'\nfactor = 2\nwindows = 1\nat_least = 10\n\
                         window = '10s'\nslide = '10s'\ngroup_by = 'user'";
    let hits = json!({"kind": "e"});
    let steady = each_second(0, 100, &hits);
    let doubled: Vec<_> = steady
        .iter()
        .flat_map(|(at, it)| {
            let more = (*at >= 50_000).then(|| (at + 1, it.clone()));
            [(*at, it.clone())].into_iter().chain(more)
        })
        .collect();
    let with_gap = [&steady[..50], &steady[75..]].concat();
    let of =
        |user: &str, from, count| each_second(from, count, &json!({"kind": "e", "user": user}));
    let mut newcomer = [of("a", 0, 100), of("b", 50, 50)].concat();
    newcomer.sort_by_key(|(at, _)| *at);
    vec![
        case("a_steady_rate_is_no_spike", steady, DOUBLE, 0),
        case("a_rate_that_doubles_is_a_spike", doubled.clone(), DOUBLE, 1),
        case(
            "a_rate_that_doubles_has_not_tripled",
            doubled.clone(),
            TRIPLE,
            0,
        ),
        case("a_spike_of_few_is_none", doubled, LARGE, 0),
        // From ten to none, and then from five to ten.
        case(
            "a_rate_that_falls_is_a_spike_downwards",
            with_gap,
            DOUBLE,
            2,
        ),
        // ElastAlert asks for `alert_on_new_data`.
        case("a_group_that_is_new_was_none_before", newcomer, USERS, 1),
    ]
}

fn silences() -> Vec<Case> {
    const FEW: &str = "kind = 'flatline'\nquery = 'kind:e'\nat_least = 2\nwindow = '30s'";
    const KEYS: &str = "kind = 'flatline'\nquery = 'kind:e'\nwindow = '30s'\ngroup_by = 'key'";
    const FORGET: &str =
        "kind = 'flatline'\nquery = 'kind:e'\nwindow = '30s'\ngroup_by = 'key'\nforget = '1m'";
    let hits = each_second(0, 10, &json!({"kind": "e"}));
    let key = |key: &str, second: i64| (second * 1000, json!({"kind": "e", "key": key}));
    vec![
        case(
            "what_came_within_the_window_is_no_silence",
            [&hits[..], &[end(31)]].concat(),
            FEW,
            0,
        ),
        case(
            "nothing_for_as_long_as_the_window_is_silence",
            [&hits[..], &[end(45)]].concat(),
            FEW,
            1,
        ),
        case(
            "a_second_silence_is_another_alert",
            [
                hits.clone(),
                each_second(60, 10, &json!({"kind": "e"})),
                vec![end(120)],
            ]
            .concat(),
            FEW,
            2,
        ),
        case(
            "each_key_is_missed_by_itself",
            vec![key("a", 0), key("b", 0), key("c", 0), key("c", 20), end(80)],
            KEYS,
            3,
        ),
        case(
            "a_key_that_is_forgotten_is_missed_once",
            vec![key("a", 0), end(600)],
            FORGET,
            1,
        ),
    ]
}

fn values() -> Vec<Case> {
    let e = |second: i64, mut fields: Value| {
        fields["kind"] = json!("e");
        (second * 1000, fields)
    };
    let terms = ["good", "bad", "also good", "really bad"];
    let mut terms: Vec<_> = (0..)
        .zip(terms)
        .map(|(second, term)| e(second, json!({"term": term})))
        .collect();
    terms.push(e(4, json!({"other": "bad"})));
    let mut changes: Vec<_> = (0..8)
        .map(|second| e(second, json!({"user": "a", "term": "good"})))
        .collect();
    changes.push(e(8, json!({"user": "a"})));
    changes.push(e(9, json!({"user": "a", "term": "bad"})));
    let users = |users: &str| -> Vec<_> {
        (0..)
            .zip(users.chars())
            .map(|(second, user)| e(second, json!({"user": user.to_string()})))
            .collect()
    };
    let matching = |ok: i64, other: i64| {
        let ok = (0..ok).map(|n| (n * 100, json!({"kind": "e", "ok": 1})));
        let other = (0..other).map(|n| (20_000 + n * 100, json!({"kind": "e", "ok": 0})));
        ok.chain(other).chain([end(70)]).collect::<Vec<_>>()
    };
    const PERCENT: &str = "kind = 'percentage'\nquery = 'kind:e'\nmatching = 'ok:1'\nbelow = 25\n\
                           above = 75\nwindow = '1m'\nslide = '1m'";
    const CARDINALITY: &str =
        "kind = 'cardinality'\nquery = 'kind:e'\nfield = 'user'\nabove = 4\nwindow = '10m'";
    const TERM: &str = "kind = 'new_term'\nquery = 'kind:e'\nfield = ['a', 'b']\nlearn = '1m'";
    vec![
        case(
            "values_on_a_blacklist_are_alerts_and_none_is_not",
            terms.clone(),
            "kind = 'blacklist'\nquery = 'kind:e'\nfield = 'term'\nvalues = ['bad', 'really bad']\n\
             group_by = 'term'",
            2,
        ),
        case(
            "values_off_a_whitelist_are_alerts_and_none_is_not",
            terms,
            "kind = 'whitelist'\nquery = 'kind:e'\nfield = 'term'\nvalues = ['good', 'also good']\n\
             group_by = 'term'",
            2,
        ),
        case(
            "a_record_without_the_field_is_no_change",
            changes,
            "kind = 'change'\nquery = 'kind:e'\nfield = 'term'\ngroup_by = 'user'",
            1,
        ),
        case(
            "a_term_of_two_fields_is_new_where_both_together_are",
            vec![
                e(0, json!({"a": 1, "b": 1})),
                e(1, json!({"a": 2, "b": 2})),
                // Learned by now: known, new as a pair, known then, and no pair.
                e(70, json!({"a": 1, "b": 1})),
                e(71, json!({"a": 1, "b": 2})),
                e(72, json!({"a": 1, "b": 2})),
                e(73, json!({"a": 9})),
            ],
            TERM,
            1,
        ),
        case(
            "as_many_values_as_are_allowed_are_none",
            users("abcdb"),
            CARDINALITY,
            0,
        ),
        case(
            "one_value_more_is_an_alert",
            users("abcdbe"),
            CARDINALITY,
            1,
        ),
        case("nothing_has_no_percentage", matching(0, 0), PERCENT, 0),
        case(
            "a_quarter_is_not_below_a_quarter",
            matching(25, 75),
            PERCENT,
            0,
        ),
        case("a_little_less_is", matching(24, 76), PERCENT, 1),
        case(
            "three_quarters_are_not_above_themselves",
            matching(75, 25),
            PERCENT,
            0,
        ),
        case("a_little_more_is", matching(76, 24), PERCENT, 1),
    ]
}
