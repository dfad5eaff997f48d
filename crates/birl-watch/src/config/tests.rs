use std::path::Path;
use std::time::Duration;

use birl_record::time::Clock;
use jiff::tz::TimeZone;

use super::{Config, Error, Kind};

const HOUR: i64 = 3_600_000_000_000;

fn parse(text: &str) -> Result<Config, Error> {
    let clock = Clock {
        now: 0,
        zone: TimeZone::UTC,
        newest: None,
    };
    Config::parse(text, Path::new("birl.toml"), &clock)
}

/// A file with a rule `x` that has these keys, from its fourth line on.
fn with_rule(keys: &str) -> Result<Config, Error> {
    parse(&format!(
        "[source.app]\nfrom = \"app.log\"\n[rule.x]\n{keys}\n"
    ))
}

#[test]
fn the_longest_message_is_a_number_of_bytes_or_has_a_unit() {
    for (typed, bytes) in [("65536", 65_536), ("'65536'", 65_536), ("'4M'", 4_194_304)] {
        let text = format!(
            "[source.a]\nfrom = 'ws://h/'\nmessage_max = {typed}\n[rule.x]\nkind = 'any'\nquery = 'x'\n"
        );
        let config = parse(&text).unwrap();
        assert_eq!(config.sources[0].live.message_bytes_max, bytes, "{typed}");
    }
}

#[test]
fn a_rule_needs_no_more_than_a_query_and_a_condition() {
    let config = with_rule("query = 'level:error |> count'\nwhen = 'count > 50'").unwrap();
    let rule = &config.rules[0];
    assert_eq!(
        rule.kind,
        Kind::Threshold {
            when: "count > 50".to_owned()
        }
    );
    assert_eq!(
        (rule.window, rule.slide, rule.resolve, rule.repeat),
        (
            Duration::from_secs(60),
            Duration::from_secs(10),
            Duration::ZERO,
            None
        )
    );
    assert!(rule.tells_resolved);
    assert_eq!(config.sources[0].from, ["app.log"]);
}

#[test]
fn windows_slide_by_about_a_sixth_and_begin_at_whole_seconds() {
    let cases = [
        ("1m", 10_000),
        ("10s", 2_000),
        ("5m", 50_000),
        ("1h", 600_000),
        ("7s", 1_000 * 7 / 5),
        ("1s", 200),
        ("1ms", 1),
    ];
    for (window, slide_ms) in cases {
        let keys = format!("query = 'x |> count'\nwhen = 'count > 1'\nwindow = '{window}'");
        let slide = with_rule(&keys).unwrap().rules[0].slide;
        assert_eq!(slide, Duration::from_millis(slide_ms), "{window}");
    }
}

#[test]
fn tables_stand_in_the_order_of_the_file() {
    let config = parse(
        "[source.z]\nfrom = 'z'\n[rule.b]\nkind = 'any'\nquery = 'x'\n\
         [source.a]\nfrom = 'a'\n[rule.a]\nkind = 'any'\nquery = 'x'\n",
    )
    .unwrap();
    let rules: Vec<_> = config
        .rules
        .iter()
        .map(|rule| (rule.name.as_str(), rule.line))
        .collect();
    let sources: Vec<_> = config
        .sources
        .iter()
        .map(|source| source.name.as_str())
        .collect();
    assert_eq!(rules, [("b", 3), ("a", 8)]);
    assert_eq!(sources, ["z", "a"]);
}

#[test]
fn a_silence_has_an_end_and_may_be_of_some_rules_and_groups() {
    let config = with_rule(
        "kind = 'any'\nquery = 'x'\n[silence.deploy]\nrule = 'x'\nuntil = '1970-01-01 01:00'\n\
         group = { service = 'shop' }",
    )
    .unwrap();
    let silence = &config.silences[0];
    assert_eq!((silence.from, silence.until), (i64::MIN, HOUR));
    assert_eq!(silence.matcher.to_string(), "x service=shop");
}

/// What is wrong in a rule with these keys, and at which line.
const WRONG: &[(&str, &str)] = &[
    (
        "",
        "3: rule \"x\" has no when, which a rule of kind \"threshold\" needs\n\nhint: for example: when = \"count > 50\"",
    ),
    (
        "when = 'count > 1'",
        "3: rule \"x\" has no query, which a rule of kind \"threshold\" needs\n\nhint: for example: query = \"level:error |> count by service\"",
    ),
    (
        "kind = 'spkie'\nquery = 'x'",
        "4: there is no kind \"spkie\": the kinds are threshold, any, frequency, spike, flatline, new_term, change, cardinality, percentage, whitelist, blacklist\n\nhint: did you mean \"spike\"?",
    ),
    (
        "kind = 'new_pattern'\nquery = 'x'",
        "4: rules of kind \"new_pattern\" come with patterns, which birl does not find yet\n\nhint: new_term tells of values that a field has not had before",
    ),
    (
        "kind = 'any'\nquery = 'x'\nslide = '1s'",
        "6: rules of kind \"any\" have no slide: their own keys are window",
    ),
    (
        "kind = 'any'\nquery = 'x'\nwindow = '1 parsec'",
        "6: window: there is no unit \"parsec\"; the units are w, d, h, m, s and ms, as in 1m",
    ),
    (
        "kind = 'any'\nquery = 'x'\nwindow = 60",
        "6: window: 60 is no length of time: it is a text with a unit, such as \"1m\"",
    ),
    (
        "kind = 'any'\nquery = 'x'\nwindow = '0s'",
        "6: window is longer than nothing, such as \"1m\"",
    ),
    (
        "kind = 'frequency'\nquery = 'x'",
        "3: rule \"x\" has no at_least, which a rule of kind \"frequency\" needs\n\nhint: for example: at_least = 50",
    ),
    (
        "kind = 'frequency'\nquery = 'x'\nat_least = 0",
        "6: at_least is at least 1",
    ),
    (
        "kind = 'frequency'\nquery = 'x'\nat_least = -1",
        "6: at_least: -1 is no whole number, such as 3",
    ),
    (
        "kind = 'frequency'\nquery = 'x'\nat_least = 2\nslide = '2m'",
        "7: slide is longer than window, so that records between windows would be in none",
    ),
    (
        "kind = 'frequency'\nquery = 'x'\nat_least = 2\nslide = '1ms'",
        "7: slide is so short that each record would be in more than 1000 windows",
    ),
    (
        "kind = 'spike'\nquery = 'x'\nfactor = 1",
        "6: factor is larger than 1, such as 3",
    ),
    (
        "kind = 'spike'\nquery = 'x'\ndirection = 'left'",
        "6: direction is \"up\", \"down\" or \"both\", and not \"left\"",
    ),
    (
        "kind = 'spike'\nquery = 'x'\nwindows = 0",
        "6: windows are from 1 to 1000",
    ),
    (
        "kind = 'change'\nquery = 'x'",
        "3: rule \"x\" has no field, which a rule of kind \"change\" needs\n\nhint: for example: field = \"user\"",
    ),
    (
        "kind = 'change'\nquery = 'x'\nfield = ['a', 'b']",
        "6: a rule of kind \"change\" has one field",
    ),
    (
        "kind = 'cardinality'\nquery = 'x'\nfield = 'a'",
        "3: rule \"x\" has no above and no below, which a rule of kind \"cardinality\" needs\n\nhint: for example: above = 10",
    ),
    (
        "kind = 'percentage'\nquery = 'x'\nabove = 5",
        "3: rule \"x\" has no matching, which a rule of kind \"percentage\" needs\n\nhint: for example: matching = \"status:500..599\"",
    ),
    (
        "kind = 'whitelist'\nquery = 'x'\nfield = 'a'",
        "3: rule \"x\" has no values, which a rule of kind \"whitelist\" needs\n\nhint: for example: values = [\"root\", \"admin\"]",
    ),
    (
        "kind = 'whitelist'\nquery = 'x'\nfield = 'a'\nfile = 'no such list'",
        "7: cannot read the list \"no such list\": no such file or directory",
    ),
    (
        "kind = 'any'\nquery = 'x last:2h'",
        "5: last: counts back from the newest record, and a rule looks at what comes\n\nhint: leave it out: how much time a rule looks at is its window",
    ),
    (
        "kind = 'any'\nquery = '(x'",
        "5: cannot read the query: expected `)` to close this `(`\n  (x\n  ^\n\nhint: quote it to search for the text: \"(x\"",
    ),
    (
        "kind = 'any'\nquery = 'x'\nsend = 'osp'\n[place.ops]\nfile = 'x'",
        "6: there is no place \"osp\" in this file\n\nhint: did you mean \"ops\"?",
    ),
    (
        "kind = 'any'\nquery = 'x'\nsource = 'web'",
        "6: there is no source \"web\" in this file\n\nhint: it would be a table: [source.web]",
    ),
    (
        "kind = 'any'\nquery = 'x'\nunless = 'x'",
        "3: rule \"x\" would be silent as long as it fires itself: its unless leads back to it",
    ),
    (
        "kind = 'spike'\nquery = 'x'\nwindow = '365d'\nwindows = 1000",
        "6: 1000 windows of this length are more than ten years",
    ),
    (
        "kind = 'change'\nquery = 'x'\nfield = 'a'\nrepeat = '1h'",
        "7: rules of kind \"change\" have no repeat: what they tell is over at once",
    ),
    (
        "kind = 'change'\nquery = 'x'\nfield = 'a'\nescalate = { after = '1h', to = 'a' }",
        "7: rules of kind \"change\" have no escalate: what they tell is over at once",
    ),
    (
        "kind = 'any'\nquery = 'x'\nescalate = { after = '1h', to = 'pagr' }\n[place.pager]\nstdout = true",
        "6: there is no place \"pagr\" in this file\n\nhint: did you mean \"pager\"?",
    ),
    (
        "kind = 'any'\nquery = 'x'\nescalate = { after = '1h', to = [] }",
        "6: escalate names nobody who is told\n\nhint: for example: escalate = { after = \"10m\", to = [\"pager\"] }",
    ),
    (
        "kind = 'new_term'\nquery = 'x'\nfield = 'a'\nresolved = false",
        "3: rules of kind \"new_term\" have no resolved: what they tell is over at once",
    ),
    (
        "kind = 'any'\nquery = 'x'\nunless = 'y'\n[rule.y]\nkind = 'change'\nquery = 'x'\nfield = 'a'",
        "3: rule \"x\" has unless = \"y\", which tells what is over at once, so that it never fires",
    ),
    (
        "kind = 'any'\nquery = 'x'\n[rule.'birl.held_back']\nkind = 'any'\nquery = 'x'",
        "6: birl.held_back is what birl calls alerts for others: take another name",
    ),
    (
        "kind = 'any'\nquery = 'x'\n[silence.s]\nfrom = '2026-03-14'\nuntil = '2026-03-13'",
        "8: silence \"s\" ends before it begins",
    ),
    (
        "kind = 'any'\nquery = 'x'\ntext = '{count'",
        "6: text has a { that is no place such as {count}; a brace itself is written twice: {{",
    ),
    (
        "kind = 'any'\nquery = 'x'\nsamples = 101",
        "6: samples are at most 100 records",
    ),
    (
        "kind = 'any'\nquery = 'x'\nsend = ['ops', 5]",
        "6: send: 5 is no text in quotes, and no list of such",
    ),
    (
        "kind = 'any'\nquery = 'x'\n[silence.s]\nuntil = 'never'",
        "7: there is no moment \"never\"; a moment is one of 2026-03-14, \"2026-03-14 14:05\", 14:05, yesterday, \"friday 14:00\", -90m",
    ),
];

#[test]
fn what_is_wrong_with_a_rule_is_told_with_its_line_and_what_would_be_right() {
    let told: Vec<_> = WRONG
        .iter()
        .map(|(keys, _)| with_rule(keys).expect_err(keys).to_string())
        .collect();
    let wanted: Vec<_> = WRONG
        .iter()
        .map(|(_, wanted)| format!("birl.toml:{wanted}"))
        .collect();
    assert_eq!(told, wanted);
}

#[test]
fn what_is_wrong_elsewhere_is_told_with_its_line() {
    let rule = "[rule.x]\nkind = 'any'\nquery = 'x'\n";
    let cases = [
        (
            "",
            "1: there is no rule\n\nhint: a rule is a table: [rule.errors], with a query and a condition",
        ),
        (
            "[rules.x]\n",
            "1: there is no key \"rules\": the keys are state, status, metrics, source, rule, place, silence, chat\n\nhint: did you mean \"rule\"?",
        ),
        (
            "rule = 5\n",
            "1: rule: invalid type: integer `5`, expected tables with a name each, such as [rule.NAME]",
        ),
        (
            rule,
            "1: there is no source that rules could ask\n\nhint: a source is a table: [source.app], with from = [\"/var/log/app/*.log\"]",
        ),
        (
            "[source.app]\n",
            "1: source \"app\" says nothing to read\n\nhint: for example: from = [\"/var/log/app/*.log\"]",
        ),
        (
            "[source.app]\nfrom = ['app.log', '']\n",
            "1: source \"app\" says nothing to read\n\nhint: for example: from = [\"/var/log/app/*.log\"]",
        ),
        (
            "[source.app]\nfrom = 's3://logs'\n",
            "2: cannot read \"s3://logs\": sources that begin with s3:// are not supported yet",
        ),
        (
            "[source.app]\nexec = \"tail 'x\"\n",
            "2: exec is a program and its arguments, with quotes as for a shell",
        ),
        (
            "[source.app]\nexec = ['sh', '-c', 'tail -f x']\n",
            "2: exec: \"-c\" is no program\n\n\
             hint: each text of a list is a command: exec = \"sh -c 'tail -f x'\" is one",
        ),
        (
            "[source.app]\nfrom = 'ws://h/'\nbearer_env = 'T'\nbearer_file = 't'\n",
            "3: a token is from a variable (bearer_env) or from a file (bearer_file)",
        ),
        (
            "[source.app]\nfrom = 'x'\noverflow = 'explode'\n",
            "3: overflow is \"wait\" or \"drop-oldest\", and not \"explode\"",
        ),
        (
            "[source.app]\nfrom = 'x'\nheaders = { 'a b' = 'secret' }\n",
            "3: \"a b\" is no header with a value",
        ),
        ("[source.app\n", "1: unclosed table, expected `]`"),
    ];
    for (text, wanted) in cases {
        let text = match text.contains("rule") || text.is_empty() {
            true => text.to_owned(),
            false => format!("{text}{rule}"),
        };
        let told = parse(&text).expect_err(&text).to_string();
        assert_eq!(told, format!("birl.toml:{wanted}"), "{text}");
    }
}
