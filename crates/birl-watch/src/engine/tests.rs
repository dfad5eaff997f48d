use std::collections::BTreeSet;
use std::path::Path;

use birl_record::time::Clock;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::notice::id;
use super::{Engine, Notice};
use crate::alert::{State, Window};
use crate::config::Config;
use crate::judge::Row;
use crate::store::{Ack, Silence};

const SECOND: i64 = 1_000_000_000;

/// An engine whose rules are these. Windows are of 60 seconds unless they say otherwise.
fn engine(rules: &str) -> Engine {
    let clock = Clock {
        now: 0,
        zone: TimeZone::UTC,
        newest: None,
    };
    let text = format!("[source.app]\nfrom = 'app.log'\n{rules}");
    let config = Config::parse(&text, Path::new("birl.toml"), &clock);
    Engine::new(&config.unwrap_or_else(|error| panic!("{error}")))
}

fn row(values: Value, holds: bool) -> Row {
    let Value::Object(values) = values else {
        panic!("a row is an object")
    };
    Row { values, holds }
}

fn window(start: i64) -> Window {
    Window {
        start: start * SECOND,
        end: (start + 60) * SECOND,
    }
}

/// What is told, shortly: when in seconds, whether it fires, and a value of the row.
fn told(notices: &[Notice], value: &str) -> Vec<(i64, bool, String)> {
    let told = notices.iter().map(|notice| {
        let alert = &notice.alert;
        let value = alert.values.get(value).map(Value::to_string);
        let fires = alert.state == State::Firing;
        (alert.at / SECOND, fires, value.unwrap_or_default())
    });
    told.collect()
}

/// The counts of windows of one minute that follow each other.
fn by_counts(engine: &mut Engine, counts: &[(i64, u64)], newest: i64) -> Vec<Notice> {
    let mut notices = Vec::new();
    for (start, count) in counts {
        let rows = vec![row(json!({ "count": count }), false)];
        let is_whole = window(*start).end <= newest * SECOND;
        notices.extend(engine.window(0, window(*start), rows, is_whole));
    }
    notices.extend(engine.advance(0, newest * SECOND));
    notices
}

fn fires(at: i64, value: &str) -> (i64, bool, String) {
    (at, true, value.to_owned())
}

fn ends(at: i64, value: &str) -> (i64, bool, String) {
    (at, false, value.to_owned())
}

#[test]
fn a_condition_fires_once_and_ends_with_the_first_window_without_it() {
    let mut engine = engine(
        "[rule.x]\nquery = 'x |> count by service'\nwhen = 'count > 1'\nslide = '1m'\n\
         group_by = 'service'",
    );
    let rows = |a: bool, b: bool| {
        vec![
            row(json!({"service": "a", "count": 1}), a),
            row(json!({"service": "b", "count": 2}), b),
        ]
    };
    let mut notices = Vec::new();
    for (start, a, b) in [(0, false, true), (60, true, true), (120, true, false)] {
        notices.extend(engine.window(0, window(start), rows(a, b), true));
    }
    // The window at 180 had nothing in it.
    notices.extend(engine.window(0, window(240), rows(false, false), true));
    assert_eq!(
        told(&notices, "service"),
        [
            fires(60, "\"b\""),
            fires(120, "\"a\""),
            ends(180, "\"b\""),
            ends(240, "\"a\"")
        ]
    );
    assert_eq!(notices[0].alert.id, notices[2].alert.id);
    assert_ne!(notices[0].alert.id, notices[1].alert.id);
}

#[test]
fn an_alert_is_repeated_and_a_pause_shorter_than_resolve_does_not_end_it() {
    let mut engine = engine(
        "[rule.x]\nquery = 'x |> count'\nwhen = 'count > 1'\nslide = '1m'\n\
         repeat = '2m'\nresolve = '2m'",
    );
    let mut notices = Vec::new();
    for (minute, holds) in [1, 1, 1, 0, 1, 0, 0, 0, 1].into_iter().enumerate() {
        let rows = vec![row(json!({"minute": minute}), holds == 1)];
        notices.extend(engine.window(0, window(60 * minute as i64), rows, true));
    }
    // It is false at the ends of the minutes 6, 7 and 8, which are two minutes at the last.
    assert_eq!(
        told(&notices, "minute"),
        [
            fires(60, "0"),
            fires(180, "2"),
            fires(300, "4"),
            ends(480, "4"),
            fires(540, "8")
        ]
    );
}

#[test]
fn a_window_that_was_not_seen_whole_ends_nothing() {
    let mut engine = engine("[rule.x]\nquery = 'x |> count'\nwhen = 'count > 1'\nslide = '1m'");
    let rows = |holds| vec![row(json!({}), holds)];
    assert_eq!(engine.window(0, window(0), rows(true), true).len(), 1);
    assert!(engine.window(0, window(60), rows(false), false).is_empty());
}

#[test]
fn a_flatline_is_too_few_records_or_none() {
    let mut engine = engine("[rule.x]\nkind = 'flatline'\nquery = 'x'\nslide = '1m'\nat_least = 2");
    // The log begins in the minute 0, of which the beginning was not seen, and ends in the minute 6.
    engine.begin(0, 5 * SECOND);
    let notices = by_counts(
        &mut engine,
        &[(0, 1), (60, 2), (120, 1), (300, 5), (360, 1)],
        370,
    );
    assert_eq!(
        told(&notices, "count"),
        // The minutes 3 and 4 had none; 5 has enough, and 6 was not seen whole.
        [fires(180, "1"), ends(360, "0")]
    );
}

#[test]
fn a_flatline_of_a_group_is_told_until_the_group_is_forgotten() {
    let mut engine = engine(
        "[rule.x]\nkind = 'flatline'\nquery = 'x'\nslide = '1m'\ngroup_by = 'host'\nforget = '2m'",
    );
    engine.begin(0, 0);
    let rows = |hosts: &[&str]| {
        let rows = hosts
            .iter()
            .map(|host| row(json!({"host": host, "count": 1}), false));
        rows.collect::<Vec<_>>()
    };
    let mut notices = engine.window(0, window(0), rows(&["a", "b"]), true);
    for start in [60, 120, 180, 240] {
        notices.extend(engine.window(0, window(start), rows(&["a"]), true));
    }
    // Nothing is expected of b any more, so that its return is no end of anything.
    notices.extend(engine.window(0, window(300), rows(&["a", "b"]), true));
    assert_eq!(told(&notices, "host"), [fires(120, "\"b\"")]);
}

#[test]
fn a_silent_source_is_a_flatline_without_any_window() {
    let mut engine = engine("[rule.x]\nkind = 'flatline'\nquery = 'x'\nslide = '1m'");
    engine.begin(0, 90 * SECOND);
    assert!(engine.advance(0, 179 * SECOND).is_empty());
    assert_eq!(
        told(&engine.advance(0, 180 * SECOND), "count"),
        [fires(180, "0")]
    );
    assert!(engine.advance(0, 1000 * SECOND).is_empty());
}

#[test]
fn a_spike_is_against_the_mean_of_whole_windows_before() {
    let spike = |direction: &str, counts: &[(i64, u64)]| {
        let mut engine = engine(&format!(
            "[rule.x]\nkind = 'spike'\nquery = 'x'\nslide = '1m'\nwindows = 2\nfactor = 3\n\
             at_least = 6\ndirection = '{direction}'"
        ));
        engine.begin(0, 0);
        let notices = by_counts(&mut engine, counts, 10_000);
        told(&notices, "mean")
    };
    // 9 is three times the mean of 2 and 4, but 8 is not.
    assert_eq!(
        spike("up", &[(0, 2), (60, 4), (120, 9)]),
        [fires(180, "3.0"), ends(240, "3.0")]
    );
    assert_eq!(spike("up", &[(0, 2), (60, 4), (120, 8)]), []);
    // Without two windows before, nothing is known; and fewer than 6 say nothing.
    assert_eq!(spike("up", &[(0, 1), (60, 100)]), []);
    assert_eq!(spike("up", &[(0, 1), (60, 1), (120, 5)]), []);
    // Down: 10 and 8 have the mean 9, of which 3 is a third. Nothing at all is even less.
    assert_eq!(
        spike("down", &[(0, 10), (60, 8), (120, 3)]),
        // Behind it, the mean of 8 and 3 is below 6.
        [fires(180, "9.0"), ends(240, "9.0")]
    );
    assert_eq!(
        spike("down", &[(0, 10), (60, 8)]),
        [fires(180, "9.0"), ends(240, "9.0")]
    );
    assert_eq!(spike("up", &[(0, 10), (60, 8), (120, 3)]), []);
    assert_eq!(
        spike("both", &[(0, 6), (60, 6), (120, 18), (180, 4)]),
        // 4 is a third of 12, the mean of 6 and 18; and 0 is less than that of 11, of 18 and 4.
        [fires(180, "6.0"), ends(360, "11.0")]
    );
}

#[test]
fn spikes_of_windows_that_overlap_are_against_those_that_do_not() {
    let mut engine = engine(
        "[rule.x]\nkind = 'spike'\nquery = 'x'\nslide = '30s'\nwindows = 1\nat_least = 1\nfactor = 2",
    );
    engine.begin(0, 0);
    // The window at 60 is held against that at 0, and not against that at 30, which shares half.
    let notices = by_counts(&mut engine, &[(0, 2), (30, 9), (60, 4)], 120);
    assert_eq!(told(&notices, "mean"), [fires(120, "2.0")]);
}

/// Records of one rule at these seconds.
fn by_records(engine: &mut Engine, records: &[(i64, Value)]) -> Vec<Notice> {
    let records = records.iter();
    let notices = records.flat_map(|(at, values)| {
        engine.record(
            0,
            row(values.clone(), true),
            at * SECOND,
            format!("line {at}"),
        )
    });
    notices.collect()
}

#[test]
fn any_record_fires_once_until_none_has_come_for_a_window() {
    let mut engine =
        engine("[rule.x]\nkind = 'any'\nquery = 'x'\nwindow = '1m'\ngroup_by = 'host'");
    let records = [
        (0, json!({"host": "a"})),
        (50, json!({"host": "a"})),
        (55, json!({"host": "b"})),
        (111, json!({"host": "a"})),
    ];
    let mut notices = by_records(&mut engine, &records);
    notices.extend(engine.advance(0, 171 * SECOND));
    assert_eq!(
        told(&notices, "host"),
        [
            fires(0, "\"a\""),
            fires(55, "\"b\""),
            ends(110, "\"a\""),
            fires(111, "\"a\""),
            ends(115, "\"b\""),
            ends(171, "\"a\""),
        ]
    );
    assert_eq!(notices[0].alert.samples, ["line 0"]);
    assert_ne!(notices[0].alert.id, notices[3].alert.id);
}

#[test]
fn a_repeated_alert_of_records_shows_the_last_of_them() {
    let mut engine = engine("[rule.x]\nkind = 'any'\nquery = 'x'\nrepeat = '50s'\nsamples = 2");
    let records = [0, 20, 40, 60].map(|at| (at, json!({"at": at})));
    let notices = by_records(&mut engine, &records);
    assert_eq!(told(&notices, "at"), [fires(0, "0"), fires(60, "60")]);
    assert_eq!(notices[1].alert.samples, ["line 40", "line 60"]);
}

#[test]
fn a_term_is_new_that_was_not_seen_within_the_time_once_enough_is_learned() {
    let mut engine = engine(
        "[rule.x]\nkind = 'new_term'\nquery = 'x'\nfield = ['user', 'host']\nlearn = '10s'\n\
         within = '100s'",
    );
    let records = [
        (0, json!({"user": "ann", "host": "a"})),
        (9, json!({"user": "bob", "host": "a"})),
        (10, json!({"user": "ann", "host": "a"})),
        (11, json!({"user": "ann", "host": "b"})),
        // Without a host it is no term.
        (12, json!({"user": "eve"})),
        (109, json!({"user": "bob", "host": "a"})),
        (111, json!({"user": "ann", "host": "a"})),
        (112, json!({"user": "ann", "host": "b"})),
    ];
    let notices = by_records(&mut engine, &records);
    assert_eq!(
        told(&notices, "host"),
        [fires(11, "\"b\""), fires(111, "\"a\""), fires(112, "\"b\"")]
    );
    let group = &notices[0].alert.group;
    assert_eq!(
        group[..],
        [("user".into(), "ann".into()), ("host".into(), "b".into())]
    );
    assert!(engine.advance(0, i64::MAX).is_empty());
}

#[test]
fn a_change_is_another_value_than_the_last_of_the_group() {
    let mut engine =
        engine("[rule.x]\nkind = 'change'\nquery = 'x'\nfield = 'version'\ngroup_by = 'host'");
    let records = [
        (0, json!({"host": "a", "version": 1})),
        (1, json!({"host": "b", "version": 2})),
        (2, json!({"host": "a"})),
        (3, json!({"host": "a", "version": 1})),
        (4, json!({"host": "a", "version": 2})),
        (5, json!({"host": "a", "version": 1})),
    ];
    let notices = by_records(&mut engine, &records);
    assert_eq!(
        told(&notices, "before"),
        [fires(4, "\"1\""), fires(5, "\"2\"")]
    );
    assert_ne!(notices[0].alert.id, notices[1].alert.id);
}

#[test]
fn a_rule_is_silent_while_another_fires_for_the_same_group() {
    let mut engine = engine(
        "[rule.down]\nkind = 'any'\nquery = 'x'\ngroup_by = 'host'\nwindow = '60s'\n\
         [rule.slow]\nkind = 'any'\nquery = 'x'\ngroup_by = ['host', 'path']\nwindow = '10m'\n\
         unless = 'down'\n",
    );
    assert_eq!(engine.order(), [0, 1]);
    let mut record = |rule: usize, at: i64, host: &str| {
        let mut notices = engine.advance(0, at * SECOND);
        let row = row(json!({"host": host, "path": "/"}), true);
        notices.extend(engine.record(rule, row, at * SECOND, String::new()));
        let notices = notices
            .into_iter()
            .map(|notice| (notice.rule, notice.alert.state));
        notices.collect::<Vec<_>>()
    };
    let (firing, resolved) = (State::Firing, State::Resolved);
    assert_eq!(record(0, 0, "a"), [(0, firing)]);
    assert_eq!(record(1, 1, "a"), []);
    assert_eq!(record(1, 2, "b"), [(1, firing)]);
    // What was held back is told when it is found again, and the other one is over.
    assert_eq!(record(1, 61, "a"), [(0, resolved), (1, firing)]);
}

#[test]
fn a_silence_holds_back_its_group_until_it_ends() {
    let mut engine = engine(
        "[rule.x]\nkind = 'any'\nquery = 'x'\ngroup_by = 'host'\nwindow = '10m'\n\
         [silence.s]\nrule = 'x'\nuntil = '1970-01-01T00:01:00Z'\ngroup = { host = 'a' }\n",
    );
    let records = [
        (0, json!({"host": "a"})),
        (1, json!({"host": "b"})),
        (59, json!({"host": "a"})),
        (60, json!({"host": "a"})),
    ];
    let notices = by_records(&mut engine, &records);
    assert_eq!(
        told(&notices, "host"),
        [fires(1, "\"b\""), fires(60, "\"a\"")]
    );
    // It is the alert that began when nobody was told.
    assert_eq!(notices[1].alert.since, 0);
}

#[test]
fn what_is_found_before_its_window_closes_is_the_same_alert() {
    let rule = "[rule.x]\nquery = 'x |> count'\nwhen = 'count > 1'\nslide = '30s'";
    let rows = |count: u64| vec![row(json!({ "count": count }), count > 1)];
    // Two records at the second 70, which are in the windows that begin at 30 and at 60.
    let mut live = engine(rule);
    let mut early = live.so_far(0, window(30), rows(2), 70 * SECOND);
    early.extend(live.so_far(0, window(60), rows(2), 70 * SECOND));
    // The window at 0 had one record of before, and says nothing about later ones.
    early.extend(live.window(0, window(0), rows(1), true));
    let mut at_the_end = engine(rule);
    let mut late = at_the_end.window(0, window(0), rows(1), true);
    for (engine, notices) in [(&mut live, &mut early), (&mut at_the_end, &mut late)] {
        notices.extend(engine.window(0, window(30), rows(2), true));
        notices.extend(engine.window(0, window(60), rows(2), true));
        notices.extend(engine.advance(0, 150 * SECOND));
    }
    assert_eq!(told(&early, "count"), [fires(70, "2"), ends(150, "2")]);
    assert_eq!(told(&late, "count"), [fires(90, "2"), ends(150, "2")]);
    assert_eq!(early[0].alert.id, late[0].alert.id);
}

#[test]
fn what_a_rule_remembers_is_taken_up_again() {
    let rules = [
        "[rule.x]\nkind = 'any'\nquery = 'x'\nwindow = '1h'\ngroup_by = 'host'",
        "[rule.x]\nkind = 'change'\nquery = 'x'\nfield = 'version'\ngroup_by = 'host'",
    ];
    let first = [(0, json!({"host": "a", "version": 1}))];
    let then = [
        (1, json!({"host": "a", "version": 1})),
        (2, json!({"host": "a", "version": 2})),
    ];
    for (rule, wanted) in [(rules[0], 0), (rules[1], 1)] {
        let mut before = engine(rule);
        by_records(&mut before, &first);
        let mut after = engine(rule);
        assert!(after.restore(0, &before.memory(0), false).unwrap());
        assert_eq!(by_records(&mut after, &then).len(), wanted, "{rule}");
    }
    assert!(engine(rules[0]).restore(0, b"{}", false).is_err());
}

/// Another kind has no use for what it knew; but its alerts go on.
#[test]
fn a_rule_of_another_kind_keeps_its_open_alerts() {
    let rules = [
        "kind = 'frequency'\nat_least = 1",
        "kind = 'spike'",
        "kind = 'flatline'\nat_least = 2",
        "kind = 'change'\nfield = 'a'",
        "kind = 'change'\nfield = 'b'",
        "kind = 'new_term'\nfield = 'a'",
        "kind = 'new_term'\nfield = 'b'",
    ];
    let rule = |keys: &str| engine(&format!("[rule.x]\nquery = 'x'\n{keys}"));
    let group = vec![("host".to_owned(), "a".to_owned())];
    for one in rules {
        let mut before = rule(one);
        before.rules[0]
            .life
            .found(&group, (0, 0), Default::default(), false);
        assert_eq!(before.open(0), 1);
        for other in rules {
            let mut after = rule(other);
            let is_same = after.restore(0, &before.memory(0), true).unwrap();
            assert_eq!((is_same, after.open(0)), (one == other, 1), "{one} {other}");
        }
    }
}

/// Windows that were not counted are not taken for such in which nothing was.
#[test]
fn a_spike_against_more_windows_begins_to_count_them() {
    let spike = |windows: usize| {
        engine(&format!(
            "[rule.x]\nkind = 'spike'\nquery = 'x'\nslide = '1m'\nwindows = {windows}\nfactor = 2\n\
             at_least = 1"
        ))
    };
    let counts: Vec<_> = (0..6).map(|n| (n * 60, 100)).collect();
    let mut before = spike(2);
    before.begin(0, 0);
    assert!(by_counts(&mut before, &counts, 360).is_empty());
    for (windows, found) in [(1, 1), (2, 1), (5, 0)] {
        let mut after = spike(windows);
        after.restore(0, &before.memory(0), true).unwrap();
        after.begin(0, 360 * SECOND);
        // Of five the mean would be 100, and of two counts and three times nothing 40.
        let steady = by_counts(&mut after, &[(360, 100)], 420);
        assert!(steady.is_empty(), "{windows}");
        let more = by_counts(&mut after, &[(420, 200)], 480);
        assert_eq!(more.len(), found, "{windows}");
    }
}

#[test]
fn changes_within_a_second_have_ids_of_their_own() {
    let mut engine =
        engine("[rule.x]\nkind = 'change'\nquery = 'x'\nfield = 'v'\ngroup_by = 'host'");
    let record = |v: i64, offset: i64| (5, json!({"host": "a", "v": v, "offset": offset}));
    let records = [record(1, 0), record(2, 9), record(1, 18), record(2, 27)];
    let notices = by_records(&mut engine, &records);
    let ids: BTreeSet<_> = notices.iter().map(|it| it.alert.id.clone()).collect();
    assert_eq!((notices.len(), ids.len()), (3, 3));
}

#[test]
fn what_a_rule_says_by_itself_can_be_filled_in_whatever_fields_are_called() {
    for kind in [
        "kind = 'new_term'",
        "kind = 'change'",
        "kind = 'cardinality'\nabove = 1",
    ] {
        let rule = format!("[rule.x]\n{kind}\nquery = 'x'\nfield = 'a}}b{{'");
        engine(&rule);
    }
    engine("[rule.x]\nkind = 'blacklist'\nquery = 'x'\nfield = '}'\nvalues = 'a'");
}

#[test]
fn a_long_silence_is_told_when_it_begins_and_alerts_end_when_they_do() {
    let mut engine =
        engine("[rule.x]\nquery = 'x |> count'\nwhen = 'count > 1'\nwindow = '1s'\nslide = '1s'");
    let window = |start: i64| Window {
        start: start * SECOND,
        end: (start + 1) * SECOND,
    };
    let rows = |count: u64| vec![row(json!({ "count": count }), count > 1)];
    let mut notices = engine.window(0, window(10), rows(2), true);
    // Ten hours later the next record comes.
    notices.extend(engine.window(0, window(36_000), rows(1), true));
    assert_eq!(told(&notices, "count"), [fires(11, "2"), ends(12, "2")]);
}

#[test]
fn a_clock_that_is_wrong_by_years_takes_no_time() {
    let mut engine =
        engine("[rule.x]\nkind = 'flatline'\nquery = 'x'\nwindow = '1s'\nslide = '1ms'");
    engine.begin(0, 0);
    let notices = engine.advance(0, 50 * 365 * 86_400 * SECOND);
    assert_eq!(notices.len(), 1);
}

#[test]
fn an_id_is_that_of_the_rule_the_group_and_the_window() {
    let group = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    let ids = [
        id("rule", &group("host", "a"), 0, &[]),
        id("rul", &group("ehost", "a"), 0, &[]),
        id("rule", &group("hosta", ""), 0, &[]),
        id("rule", &group("host", "a"), 1, &[]),
        id("rule", &Vec::new(), 0, &[]),
    ];
    for (number, id) in ids.iter().enumerate() {
        assert_eq!(id.len(), 32);
        assert!(!ids[..number].contains(id));
    }
    // Receivers know alerts by it over versions of birl.
    assert_eq!(ids[4], "b2bf19661588d2b0244ea3ed85c793c9");
}

/// Somebody looks after the one open alert of a rule.
fn ack(engine: &mut Engine, rule: usize) -> String {
    let [alert] = &engine.open_alerts(rule, 0)[..] else {
        panic!("one is open")
    };
    let (id, rule) = (alert.id.clone(), alert.rule.clone());
    engine.people.ack(Ack {
        id: id.clone(),
        rule,
        by: "ann".to_owned(),
        at: 0,
        comment: String::new(),
    });
    id
}

#[test]
fn an_ack_stops_the_repeats_and_the_end_is_told() {
    let mut engine =
        engine("[rule.x]\nquery = 'x |> count'\nwhen = 'count > 1'\nslide = '1m'\nrepeat = '1m'");
    let mut notices = Vec::new();
    let mut minutes = |engine: &mut Engine, minutes: &[(i64, bool)]| {
        for (minute, holds) in minutes {
            let rows = vec![row(json!({ "minute": minute }), *holds)];
            notices.extend(engine.window(0, window(60 * minute), rows, true));
        }
        told(&std::mem::take(&mut notices), "minute")
    };
    let before = minutes(&mut engine, &[(0, true), (1, true)]);
    assert_eq!(before, [fires(60, "0"), fires(120, "1")]);
    let id = ack(&mut engine, 0);
    // Nothing is forgotten as long as it is open.
    assert!(engine.forget_acks(0).is_empty());
    let acked = minutes(&mut engine, &[(2, true), (3, true), (4, false)]);
    assert_eq!(acked, [ends(300, "3")]);
    assert_eq!(engine.forget_acks(0), [id]);
    assert!(engine.people.has_no_acks());
    // It is another alert, which nobody looks after.
    let anew = minutes(&mut engine, &[(5, true), (6, true)]);
    assert_eq!(anew, [fires(360, "5"), fires(420, "6")]);
}

#[test]
fn an_ack_that_is_taken_back_and_one_of_records() {
    let mut engine = engine("[rule.x]\nkind = 'any'\nquery = 'x'\nwindow = '10m'\nrepeat = '1s'");
    let record = |engine: &mut Engine, time: i64| {
        let values = row(json!({}), true);
        engine
            .record(0, values, time * SECOND, format!("line {time}"))
            .len()
    };
    assert_eq!(record(&mut engine, 0), 1);
    let id = ack(&mut engine, 0);
    assert_eq!(record(&mut engine, 5), 0);
    let [open] = &engine.open_alerts(0, 0)[..] else {
        panic!("it is open")
    };
    assert_eq!((open.found, open.last), (2, 5 * SECOND));
    assert_eq!(open.acked.as_ref().map(|ack| ack.by.as_str()), Some("ann"));
    engine.people.unack(&id);
    assert_eq!(record(&mut engine, 6), 1);
}

const ESCALATES: &str = "[place.pager]\nstdout = true\n[place.room]\nstdout = true\n\
     [rule.x]\nkind = 'any'\nquery = 'x'\nwindow = '1h'\nsend = 'room'\n\
     escalate = { after = '10m', to = ['pager', 'room'] }\n";

/// Who is told what of the notices, which are told then.
fn places(engine: &mut Engine, notices: Vec<Notice>) -> Vec<String> {
    let mut told = Vec::new();
    for notice in notices {
        let rule = engine.rules[notice.rule].rule.clone();
        let places: Vec<_> = notice.places(&rule).into_iter().cloned().collect();
        let alert = &notice.alert;
        let state = match (alert.state, notice.is_escalation) {
            (State::Firing, true) => "escalates",
            (State::Firing, false) => "fires",
            (State::Resolved, _) => "ends",
        };
        told.push(format!(
            "{} {state}: {}",
            alert.at / SECOND,
            places.join(" ")
        ));
        if alert.state == State::Firing {
            engine.was_told(notice.rule, &alert.group, alert.at);
        }
    }
    told
}

#[test]
fn what_nobody_looks_after_is_told_to_others_and_its_end_too() {
    let mut engine = engine(ESCALATES);
    let at = |engine: &mut Engine, time: i64| {
        let found = engine.record(0, row(json!({}), true), time * SECOND, String::new());
        places(engine, found)
    };
    assert_eq!(at(&mut engine, 0), ["0 fires: room"]);
    assert!(engine.escalate(0, 599 * SECOND).is_empty());
    let notices = engine.escalate(0, 700 * SECOND);
    assert!(notices[0].alert.escalated);
    // It was due before.
    assert_eq!(places(&mut engine, notices), ["600 escalates: pager room"]);
    assert!(engine.escalate(0, 5000 * SECOND).is_empty());
    let memory = engine.memory(0);
    engine.restore(0, &memory, true).unwrap();
    assert!(engine.escalate(0, 5000 * SECOND).is_empty());
    let over = engine.advance(0, 3600 * SECOND);
    assert_eq!(places(&mut engine, over), ["3600 ends: room pager"]);
    // Another alert is not escalated yet.
    assert_eq!(at(&mut engine, 4000), ["4000 fires: room"]);
    let over = engine.advance(0, 8000 * SECOND);
    assert_eq!(places(&mut engine, over), ["7600 ends: room"]);
}

#[test]
fn what_is_acked_or_silent_or_over_is_not_escalated() {
    let fired = |rules: &str| {
        let mut engine = engine(rules);
        let found = engine.record(0, row(json!({}), true), 0, String::new());
        places(&mut engine, found);
        engine
    };
    let mut acked = fired(ESCALATES);
    let id = ack(&mut acked, 0);
    assert!(acked.escalate(0, 700 * SECOND).is_empty());
    acked.people.unack(&id);
    assert_eq!(acked.escalate(0, 700 * SECOND).len(), 1);
    let mut silent = fired(ESCALATES);
    silent.people.silence(1, asked("x", 0, 800), 0);
    assert!(silent.escalate(0, 700 * SECOND).is_empty());
    assert_eq!(silent.escalate(0, 800 * SECOND).len(), 1);
    // When that is due it is over, which is only told later.
    let mut over = fired(&ESCALATES.replace("1h", "5m"));
    assert!(over.escalate(0, 700 * SECOND).is_empty());
    // What was never told is not told to others.
    let mut held = engine(ESCALATES);
    held.people.silence(1, asked("x", 0, 100), 0);
    held.record(0, row(json!({}), true), 0, String::new());
    assert!(held.escalate(0, 700 * SECOND).is_empty());
}

/// A silence of somebody.
fn asked(matcher: &str, from: i64, until: i64) -> Silence {
    Silence {
        matcher: matcher.parse().unwrap(),
        from: from * SECOND,
        until: until * SECOND,
        by: "ann".to_owned(),
        comment: "deploy".to_owned(),
    }
}

#[test]
fn a_silence_that_is_asked_for_is_as_one_of_the_configuration() {
    let rule = "[rule.x]\nkind = 'any'\nquery = 'x'\ngroup_by = 'host'\nwindow = '10m'\n";
    let records = [
        (5, json!({"host": "a"})),
        (11, json!({"host": "b"})),
        (12, json!({"host": "a"})),
        (59, json!({"host": "a"})),
        (60, json!({"host": "a"})),
    ];
    // It begins later.
    let mut later = engine(rule);
    later
        .people
        .silence(1, asked("x host=a", 10, 60), 4 * SECOND);
    let mut configured = engine(&format!(
        "{rule}[silence.s]\nrule = 'x'\nfrom = '1970-01-01T00:00:10Z'\n\
         until = '1970-01-01T00:01:00Z'\ngroup = {{ host = 'a' }}\n"
    ));
    let by_later = told(&by_records(&mut later, &records), "host");
    assert_eq!(by_later, [fires(5, "\"a\""), fires(11, "\"b\"")]);
    assert_eq!(
        told(&by_records(&mut configured, &records), "host"),
        by_later
    );
    // Of one that has begun, records that come late are held back as well.
    let mut begun = engine(rule);
    begun
        .people
        .silence(1, asked("x host=a", 10, 60), 10 * SECOND);
    assert_eq!(
        told(&by_records(&mut begun, &records), "host"),
        [fires(11, "\"b\""), fires(60, "\"a\"")]
    );
    assert_eq!(begun.held(0), 3);
    let [_, a] = &begun.open_alerts(0, 30 * SECOND)[..] else {
        panic!("two are open")
    };
    assert_eq!(a.group_words(), "host=b");
}

#[test]
fn a_silence_that_is_ended_holds_back_nothing() {
    let mut engine = engine("[rule.x]\nkind = 'any'\nquery = 'x'\nwindow = '10m'\n");
    engine.people.silence(7, asked("*", 0, 1000), 0);
    let record = |engine: &mut Engine, time: i64| {
        let held = engine.open_alerts(0, time * SECOND);
        let held = held.first().map(|open| open.held_back.len());
        let row = row(json!({}), true);
        let notices = engine.record(0, row, time * SECOND, String::new());
        (held, notices.len())
    };
    assert_eq!(record(&mut engine, 1), (None, 0));
    assert_eq!(record(&mut engine, 2), (Some(1), 0));
    assert_eq!(engine.silences_of(0, 3 * SECOND).len(), 1);
    assert!(engine.people.unsilence(7).is_some());
    assert!(engine.people.unsilence(7).is_none());
    assert_eq!(record(&mut engine, 3), (Some(0), 1));
}

#[test]
fn what_holds_back_an_alert_is_named() {
    let mut engine = engine(
        "[rule.down]\nkind = 'any'\nquery = 'x'\nwindow = '10m'\n\
         [rule.slow]\nkind = 'any'\nquery = 'x'\nwindow = '10m'\nunless = 'down'\n\
         [silence.s]\nrule = 'slow'\nuntil = '1970-01-01T00:01:00Z'\n",
    );
    engine.people.silence(7, asked("slow", 0, 1000), 0);
    for rule in [0, 1] {
        engine.record(rule, row(json!({}), true), SECOND, String::new());
    }
    let [slow] = &engine.open_alerts(1, 2 * SECOND)[..] else {
        panic!("it is open")
    };
    let held: Vec<_> = slow.held_back.iter().map(ToString::to_string).collect();
    assert_eq!(
        held,
        [
            "silence s of the configuration until 1970-01-01T00:01:00Z",
            "silence 7, slow from 1970-01-01T00:00:00Z until 1970-01-01T00:16:40Z, by ann: deploy",
            "rule down, which fires for the same group",
        ]
    );
    assert_eq!(slow.told, None);
}

#[test]
fn an_alert_is_named_by_how_its_id_begins_or_by_its_rule() {
    let mut engine = engine(
        "[rule.x]\nkind = 'any'\nquery = 'x'\ngroup_by = 'host'\n[rule.y]\nkind = 'any'\nquery = 'y'\n",
    );
    let wrong = |engine: &Engine, typed: &str| engine.find(typed).unwrap_err().to_string();
    assert_eq!(
        wrong(&engine, "abcd"),
        "no open alert begins with \"abcd\": no alert is open"
    );
    assert_eq!(wrong(&engine, "x"), "no alert of rule \"x\" is open");
    by_records(&mut engine, &[(0, json!({"host": "a"}))]);
    let id = engine.open_alerts(0, 0)[0].id.clone();
    let group = vec![("host".to_owned(), "a".to_owned())];
    for typed in [&id, &id[..4], &format!(" {} ", id[..6].to_uppercase()), "x"] {
        assert_eq!(engine.find(typed), Ok((0, group.clone())), "{typed}");
    }
    let short = &id[..6];
    assert_eq!(
        wrong(&engine, &id[..3]),
        format!(
            "an alert is named by 4 characters of its id at least, and not by {:?}\n\n\
             hint: open are {short} x host=a",
            &id[..3]
        )
    );
    assert_eq!(
        wrong(&engine, "zzzz"),
        format!("no open alert begins with \"zzzz\"\n\nhint: open are {short} x host=a")
    );
    by_records(&mut engine, &[(0, json!({"host": "b"}))]);
    let other = engine.open_alerts(0, 0)[1].short_id().to_owned();
    assert_eq!(
        wrong(&engine, "x"),
        format!(
            "2 alerts of rule \"x\" are open\n\n\
             hint: name one by its id: {short} x host=a, {other} x host=b"
        )
    );
}

#[test]
fn ids_that_begin_alike_are_told_apart() {
    let mut engine = engine("[rule.x]\nkind = 'any'\nquery = 'x'\ngroup_by = 'n'\n");
    // Of 65536 beginnings, two of a thousand alerts are likely to have the same.
    let records: Vec<_> = (0..1000).map(|n| (0, json!({ "n": n }))).collect();
    by_records(&mut engine, &records);
    let mut ids: Vec<_> = engine
        .open_alerts(0, 0)
        .into_iter()
        .map(|it| it.id)
        .collect();
    ids.sort_unstable();
    let pair = ids.windows(2).find(|pair| pair[0][..4] == pair[1][..4]);
    let [one, other] = pair.unwrap() else {
        panic!("it is a pair")
    };
    let error = engine.find(&one[..4]).unwrap_err();
    let apart = (5..32)
        .find(|chars| one[..*chars] != other[..*chars])
        .unwrap();
    let hint = error.hint().unwrap();
    assert!(
        hint.contains(&one[..apart]) && hint.contains(&other[..apart]),
        "{hint}"
    );
    assert!(engine.find(&one[..apart]).is_ok());
}

#[test]
fn a_silence_that_could_be_of_no_alert_is_refused() {
    let engine = engine(
        "[rule.x]\nkind = 'any'\nquery = 'x'\ngroup_by = ['host', 'dc']\n\
         [rule.y]\nkind = 'any'\nquery = 'y'\n",
    );
    let checked = |text: &str| engine.check(&text.parse().unwrap());
    for fine in ["*", "x", "y", "host=a", "x host=a dc=b", "x y host=a"] {
        assert_eq!(checked(fine), Ok(()), "{fine}");
    }
    let wrong = |text: &str| checked(text).unwrap_err().to_string();
    assert_eq!(
        wrong("z"),
        "there is no rule \"z\"\n\nhint: the rules are x, y"
    );
    assert_eq!(
        wrong("hst=a"),
        "no rule groups by hst\n\nhint: the fields of groups are dc, host"
    );
    assert_eq!(wrong("y host=a"), "y does not group by host");
}

#[test]
fn an_alert_of_a_window_that_is_open_was_found_no_later_than_the_newest_data() {
    let mut engine =
        engine("[rule.x]\nquery = '* |> count'\nwhen = 'count > 1'\nwindow = '1m'\nslide = '1m'\n");
    engine.so_far(
        0,
        window(60),
        vec![row(json!({ "count": 2 }), true)],
        70 * SECOND,
    );
    let last = |engine: &Engine, newest: i64| {
        let alerts = engine.open_alerts(0, newest * SECOND).into_iter();
        let known = alerts.map(|alert| alert.known_until(newest * SECOND).last / SECOND);
        known.collect::<Vec<_>>()
    };
    assert_eq!(last(&engine, 75), [75]);
    // It cannot have been found before it was.
    assert_eq!(last(&engine, 65), [70]);
    // The window is over.
    assert_eq!(last(&engine, 200), [120]);
}
