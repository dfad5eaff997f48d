use std::fs;

use birl_record::query::tree::{Field, Term};
use birl_record::query::{Condition, parse};
use birl_record::search;
use birl_record::time::duration;
use birl_scan::{Options, fields};
use birl_source::name::Name;
use birl_source::walk::WalkOptions;
use datafusion::arrow::array::AsArray;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Value as Literal};
use datafusion::sql::sqlparser::parser::Parser;
use futures::StreamExt;
use proptest::prelude::*;
use proptest::sample::select;
use tokio::runtime::Runtime;

use super::*;
use crate::dialect::QueryDialect;
use crate::{Answer, Limits, Session, Sources};

const KNOWN: [(&str, Kind); 8] = [
    ("user", Kind::Text),
    ("service", Kind::Text),
    ("level", Kind::Text),
    ("since", Kind::Text),
    ("n", Kind::Integer),
    ("to", Kind::Integer),
    ("x", Kind::Number),
    ("span", Kind::Duration),
];

fn template(text: &str) -> Template {
    match Template::parse(text, KNOWN) {
        Ok(template) => template,
        Err(error) => panic!("{}", error.render(text)),
    }
}

/// The query with `text` in each place for one, and always the same in others.
fn fill(template: &Template, text: &str) -> Result<String, Error> {
    template.fill(|name| {
        let (_, kind) = KNOWN.iter().find(|(known, _)| *known == name)?;
        Some(match kind {
            Kind::Text => Value::Text(text.to_owned()),
            Kind::Integer if name == "to" => Value::Integer(20),
            Kind::Integer => Value::Integer(5),
            Kind::Number => Value::Number(0.5),
            Kind::Duration => Value::Duration(900_000_000_000),
        })
    })
}

/// Templates, a text for their places, and the queries that come of it.
const CASES: &[(&str, &str, &str)] = &[
    // A search for a text.
    ("timeout {user}", "a b", r#"timeout "a b""#),
    ("-{user} x", r#"a" OR b"#, r#"-"a\" OR b" x"#),
    ("(a OR {user})", "b) c", r#"(a OR "b) c")"#),
    (r#""user {user} in""#, r#"a" b"#, r#""user a\" b in""#),
    ("{user}", "a\nb\u{1b}\t/ c\\", r#""a\nb\u{1b}\t\/ c\\""#),
    // Values of fields: words and numbers are what they are when they are typed.
    ("level:{level}", "warn", "level:warn"),
    ("level:>={level}", "warn", "level:>=warn"),
    ("status:{user}", "404", "status:404"),
    ("delta:{user}", "-5", "delta:-5"),
    ("host:{user}", "web-1.example", "host:web-1.example"),
    ("mail:{user}", "ann@example.org", "mail:ann@example.org"),
    ("a:{user}", "*", r#"a:"*""#),
    ("a:{user}", "web-*", r#"a:"web-*""#),
    ("a:{user}", "5..9", r#"a:"5..9""#),
    ("a:{user}", ".5", r#"a:".5""#),
    ("a:{user}", "5.", r#"a:"5.""#),
    ("a:{user}", ">5", r#"a:">5""#),
    ("a:{user}", "/b/", r#"a:"\/b\/""#),
    ("a:{user}", "(b", r#"a:"(b""#),
    ("a:{user}", "", r#"a:"""#),
    ("a:{user}", "日本", r#"a:"日本""#),
    ("a:!={user} b", "x y", r#"a:!="x y" b"#),
    ("a:(b OR {user})", "-c", r#"a:(b OR "-c")"#),
    ("a:(b OR {user})", "NOT", r#"a:(b OR "NOT")"#),
    ("a:(b OR -{user})", "c", "a:(b OR -c)"),
    ("a:(b OR >={n} OR {n}..9)", "", "a:(b OR >=5 OR 5..9)"),
    ("a:(b OR \"x {user}\")", "5", "a:(b OR \"x 5\")"),
    ("a:\"x {user}\"", "5\"", r#"a:"x 5\"""#),
    ("a:{user}..", "b c", r#"a:"b c".."#),
    ("a:5..{user}", "9", "a:5..9"),
    ("a:5..{user}", "b c", r#"a:5.."b c""#),
    ("a:{user}..{level}", "b c", r#"a:"b c".."b c""#),
    ("since:{since}", "yesterday", "since:yesterday"),
    (
        "since:{since}",
        "2026-03-14 10:00",
        r#"since:"2026-03-14 10:00""#,
    ),
    (
        "path:/api/v1 user:{user}",
        "a/ b",
        r#"path:/api/v1 user:"a\/ b""#,
    ),
    (
        "path:/api/* |> where user = {user}",
        "a/ b /",
        "path:/api/* |> where user = 'a/ b /'",
    ),
    // Numbers and lengths of time.
    ("last:{span}", "", "last:15m"),
    ("a:{n}..{to} {n}", "", "a:5..20 5"),
    ("a:>{x}", "", "a:>0.5"),
    ("\"took {n} ms\"", "", "\"took 5 ms\""),
    (
        "* |> top {n} path |> limit {to} offset {n}",
        "",
        "* |> top 5 path |> limit 20 offset 5",
    ),
    (
        "* |> timechart {span} count by level",
        "",
        "* |> timechart 15m count by level",
    ),
    ("* |> timechart {span}", "", "* |> timechart 15m"),
    (
        "* |> count by bin({span}), level",
        "",
        "* |> count by bin(15m), level",
    ),
    ("* |> sample {n}%", "", "* |> sample 5%"),
    (
        "* |> where a > {x} and b in ({n}, 7)",
        "",
        "* |> where a > 0.5 and b in (5, 7)",
    ),
    ("* |> tail {n}", "", "* |> tail 5"),
    // SQL.
    (
        "* |> where user = {user}",
        "it's",
        "* |> where user = 'it''s'",
    ),
    ("* |> where {user} = user", "", "* |> where '' = user"),
    (
        "* |> where user in ({user}, {level})",
        "\\",
        "* |> where user in ('\\', '\\')",
    ),
    (
        "* |> where user like {user} or not level = {level}",
        "a%",
        "* |> where user like 'a%' or not level = 'a%'",
    ),
    (
        "* |> where contains(message, {user})",
        "-- |> x",
        "* |> where contains(message, '-- |> x')",
    ),
    (
        "* |> extend {user} as asked, coalesce(user, {user}) as u",
        "a",
        "* |> extend 'a' as asked, coalesce(user, 'a') as u",
    ),
    (
        "select {user} as asked, a from logs where user <> {user}",
        "a|> b",
        "select 'a|> b' as asked, a from logs where user <> 'a|> b'",
    ),
    (
        "* |> count(user = {user}) as n",
        "x level:error",
        "* |> count(user = 'x level:error') as n",
    ),
    (
        "* |> count(level:{level}) as n",
        "a) b",
        r#"* |> count(level:"a) b") as n"#,
    ),
    (
        "* |> stats rate(a:{user} -{level}) by b",
        "c",
        r#"* |> stats rate(a:c -"c") by b"#,
    ),
    (
        "* |> union all (from logs |> where user = {user})",
        "')",
        "* |> union all (from logs |> where user = ''')')",
    ),
    (
        "* |> where timestamp > {since} -- since when\n|> count",
        "2026-03-14",
        "* |> where timestamp > '2026-03-14' -- since when\n|> count",
    ),
    (
        "* |> where a = 1 |> where level in ('error', {level})",
        "warn",
        "* |> where a = 1 |> where level in ('error', 'warn')",
    ),
    (
        "* |> where user is distinct from {user}",
        "a",
        "* |> where user is distinct from 'a'",
    ),
    (
        "level:error last:{span} service:{service} |> where user = {user} |> count by service |> top {n}",
        "a b",
        "level:error last:15m service:\"a b\" |> where user = 'a b' |> count by service |> top 5",
    ),
    (
        "* |> where replace(user, 'a', {user}) = lower({user})",
        "b",
        "* |> where replace(user, 'a', 'b') = lower('b')",
    ),
    (
        "* |> where user ilike '%' || {user} || '%'",
        "b",
        "* |> where user ilike '%' || 'b' || '%'",
    ),
    (
        "* |> where cast({user} as int) = status or status = {user}::int",
        "5",
        "* |> where cast('5' as int) = status or status = '5'::int",
    ),
    (
        "* |> where case when {user} = '' then true else user = {user} end",
        "",
        "* |> where case when '' = '' then true else user = '' end",
    ),
    (
        "from logs |> left join users on (user = users.name and users.name <> {user})",
        "a",
        "from logs |> left join users on (user = users.name and users.name <> 'a')",
    ),
    (
        "with t as (select * from logs where user = {user}) select count(*) from t limit {n}",
        "a",
        "with t as (select * from logs where user = 'a') select count(*) from t limit 5",
    ),
    (
        "select timestamp, level = {level} as it from logs",
        "warn",
        "select timestamp, level = 'warn' as it from logs",
    ),
    // Braces that are no places.
    (
        r#"/a{2,3}\p{L}\x{ff}/ "\u{ab}" {"user"} {} {user}"#,
        "b",
        r#"/a{2,3}\p{L}\x{ff}/ "\u{ab}" {"user"} {} "b""#,
    ),
];

#[test]
fn values_are_written_where_they_stand() {
    for (text, value, expected) in CASES {
        let filled = fill(&template(text), value);
        let filled = filled.unwrap_or_else(|error| panic!("{text} with {value:?}: {error}"));
        assert_eq!(filled, *expected, "{text} with {value:?}");
    }
}

/// Templates that are refused: what is said, the place that it is said of, and the hint.
const REFUSED: &[(&str, &str, &str)] = &[
    (
        "a {usr}",
        "there is no value \"usr\" for this",
        "did you mean {user}?",
    ),
    (
        "a {whatever}",
        "there is no value \"whatever\" for this",
        "there are {user}, {service}, {level}, {since}, {n}, {to}, {x}, {span}",
    ),
];

/// What is said of places where no value may stand.
const NOWHERE: &[(&str, &[&str])] = &[
    (
        "here would be a part of a word, and a value is a whole one",
        &[
            "api-{user}",
            "{user}*",
            "a{user}b",
            "{user}{user}",
            "/api/{user}",
            "a:api-{user}",
            "a:{user}*",
            "a:/api/{user}",
            "a:{user},b",
            "a:>={user}..5",
            "a:(b OR c-{user})",
            "shard-{n}",
            "a:x{n}",
            "a:\"b\"..{user}x",
            "{{user}}",
            "* |> timechart {n}m count",
        ],
    ),
    (
        "a value cannot be a part of a regex",
        &[
            "/a {user}/",
            "a:/b {user}/i",
            "a:(b OR /c {user}/)",
            "* |> count(/a {user} b/)",
            "/{n}/",
        ],
    ),
    (
        "a value cannot be the name of a field",
        &["{user}:a", "a.{user}:b"],
    ),
    (
        "between parentheses, a text stands without an operator and in no range",
        &[
            "a:(b OR >={user})",
            "a:({user}..c OR b)",
            "a:(b OR 5..\"{user}\")",
        ],
    ),
    (
        "a value in SQL or in a step is a word of its own",
        &[
            "* |> where a = '{user}'",
            "* |> where a = 'x {user} y'",
            "* |> where \"{user}\" = 5",
            "* |> where a = 1 -- {user}",
            "* |> where a = 1 /* {user} */",
            "* |> where a = x{user}",
            "* |> where a = {user}'b'",
            "* |> where search('a:{user}')",
            "* |> where a = {user}{user}",
            "* |> where a = 1.{n}",
            "* |> bin({n}m)",
        ],
    ),
    (
        "here is the length of a bar",
        &["* |> timechart {n} count", "* |> timechart {user}"],
    ),
    (
        "a value cannot be a part of a pattern",
        &[
            "* |> parse \"a {user} *\" as b",
            "* |> extract /a {user} (?<b>c)/",
            "* |> extract /(?<b>c)/ from {user}",
            "* |> union all (from logs |> extract /= {user} (?<b>c)/)",
        ],
    ),
    (
        "here is the place of a name, and a value is none",
        &[
            "from logs |> join {user} on a = b",
            "select a from {user}",
            "select a from logs, {user}",
            "* |> count by {user}",
            "* |> count by a, {user}",
            "* |> sort {user}",
            "* |> sort a, {user}",
            "* |> order by {user} desc",
            "* |> dedup {user}",
            "* |> fields a, {user}",
            "* |> drop {user}",
            "* |> rename a as {user}",
            "* |> extend a as {user}",
            "select a {user} from logs",
            "* |> as {user}",
            "* |> top 5 {user}",
            "* |> where {user}.a = 5",
            "* |> where a.{user} = 5",
            "* |> where {user}(5)",
            "* |> where a->{user} = 5",
            "* |> where a[{user}] = 5",
            "* |> json a, {user}",
            "* |> join b using ({user})",
            "* |> limit {user}",
            "* |> count by {n}",
            "* |> sort a, {n} desc",
            "* |> count by level |> pivot(sum(count) for level in ({user}))",
            "* |> where a = 1 {user}",
            "with t ({user}) as (select 1) select * from t",
            "select distinct {user} from logs",
            "* |> unpivot(a for b in ({user}))",
            "select row_number() over (order by a, {user}) from logs",
            "* |> {user} by a",
        ],
    ),
    ("a value cannot be a search", &["* |> where search({user})"]),
    (
        "no length of time can stand here",
        &["* |> where a > {span}", "* |> limit {span}"],
    ),
    (
        "a text here could end what begins before it",
        &[
            "path:/api/* | where user = {user}",
            "* |> where a /b = 5 and user = {user}",
        ],
    ),
];

#[test]
fn an_unknown_name_is_refused_at_its_place() {
    for (text, message, hint) in REFUSED {
        let place = text.find('{').unwrap()..text.len();
        let expected = query::Error::new(place, *message)
            .with_hint(*hint)
            .render(text);
        let error = Template::parse(text, KNOWN).expect_err(text);
        assert_eq!(error.render(text), expected, "{text}");
    }
}

#[test]
fn a_place_for_no_value_is_refused_where_it_is() {
    let mut wrong = String::new();
    for (message, texts) in NOWHERE {
        for text in *texts {
            let said = match Template::parse(text, KNOWN) {
                Ok(template) => format!("is taken: {}", template.sample()),
                Err(error) => {
                    let span = error.span().unwrap_or_default();
                    let place = &text[span];
                    match place.starts_with('{') && place.ends_with('}') {
                        true => error.to_string().replace("cannot read the query: ", ""),
                        false => format!("{error} at {place:?}"),
                    }
                }
            };
            if said != **message {
                wrong += &format!("{text}\n    {said}\n    and not {message}\n");
            }
        }
    }
    assert_eq!(wrong, "");
}

#[test]
fn an_error_in_the_rest_of_a_template_is_told_at_its_place() {
    for (text, expected) in [
        (
            "user:{user} OR",
            "cannot read the query: expected a term after `OR`\n  user:{user} OR\n              ^^\n\nhint: quote it to search for the word: \"OR\"",
        ),
        (
            "user:{user} |> where user = {user} |> cuont by {n} x",
            "cannot read the query: unknown step \"cuont\"\n  …user} |> where user = {user} |> cuont by {n} x\n                                   ^^^^^\n\nhint: did you mean \"count\"?",
        ),
        (
            "* |> where user = {user} and",
            "cannot read the query: expected an expression at the end\n  * |> where user = {user} and\n                              ^",
        ),
    ] {
        let error = Template::parse(text, KNOWN).expect_err(text);
        assert_eq!(error.render(text), expected, "{text}");
    }
}

#[test]
fn values_that_a_place_does_not_take_are_refused() {
    let all = template("{user} a:{n} b:{x} last:{span}");
    let with = |name: &str, value: Option<Value>| {
        let filled = all.fill(|it| match it {
            it if it == name => value.clone(),
            "user" => Some(Value::Text("a".repeat(1000))),
            "n" => Some(Value::Integer(u64::MAX)),
            "x" => Some(Value::Number(1e300)),
            _ => Some(Value::Duration(i64::MAX)),
        });
        filled.map_err(|error| error.render(""))
    };
    let text = |text: &str| Some(Value::Text(text.to_owned()));
    for (name, value, expected) in [
        ("user", None, "{user} has no value"),
        (
            "user",
            text(&"é".repeat(501)),
            "{user} is longer than 1000 bytes",
        ),
        ("user", text("a\0"), "{user} has a NUL character"),
        (
            "user",
            text(""),
            "{user} is empty\n\nhint: nothing can be looked for without a text",
        ),
        ("user", Some(Value::Integer(5)), "{user} takes a text"),
        ("n", text("5"), "{n} takes a whole number"),
        ("n", Some(Value::Number(5.0)), "{n} takes a whole number"),
        ("x", Some(Value::Integer(5)), "{x} takes a number"),
        (
            "x",
            Some(Value::Number(f64::NAN)),
            "{x} is a number from 0 on, and not NaN",
        ),
        (
            "x",
            Some(Value::Number(f64::INFINITY)),
            "{x} is a number from 0 on, and not inf",
        ),
        (
            "x",
            Some(Value::Number(-0.5)),
            "{x} is a number from 0 on, and not -0.5",
        ),
        (
            "span",
            Some(Value::Duration(-1)),
            "{span} is a length of time, which is not negative",
        ),
        ("span", text("5m"), "{span} takes a length of time"),
    ] {
        assert_eq!(with(name, value), Err(expected.to_owned()));
    }
    let expected = format!(
        "\"{}\" a:{} b:1{} last:9223372036854.775807ms",
        "a".repeat(1000),
        u64::MAX,
        "0".repeat(300)
    );
    assert_eq!(with("", None), Ok(expected));
}

#[test]
fn a_sample_is_a_query_with_values_that_fit() {
    for (text, sample) in [
        (
            "level:>={level} since:{since} last:{span} a:{user} {user}",
            "level:>=info since:2026-01-01 last:1h a:x \"x\"",
        ),
        (
            "timestamp:({since} OR \"{since} 10:00\")",
            "timestamp:(2026-01-01 OR \"2026-01-01 10:00\")",
        ),
        (
            "* |> where level in ('error', {level}) and user = {user} and {since} < timestamp |> top {n} path",
            "* |> where level in ('error', 'info') and user = 'x' and '2026-01-01' < timestamp |> top 1 path",
        ),
    ] {
        assert_eq!(template(text).sample(), sample);
    }
}

#[test]
fn places_are_told_once_and_in_order() {
    let template = template("{user} a:{n} |> where b = {user} and c = {level} and d = {n}");
    assert_eq!(
        template.places().collect::<Vec<_>>(),
        ["user", "n", "level"]
    );
}

/// What no text should get out of: where one could, the query is refused all the same.
#[test]
fn a_query_of_another_shape_is_refused() {
    for (text, value) in [
        ("a:{user}", "b OR c:d"),
        ("a:{user}", "b*"),
        ("a:{user}", "5..9"),
        ("a:{user}", ">5"),
        ("a:{user}", "b |> limit 5"),
        ("* |> where user = {user}", "user or 1 = 1"),
        ("* |> where user = {user}", "'a' |> limit 5"),
        ("* |> where user = {user}", "name"),
        ("* |> where user = {user}", "(("),
    ] {
        let mut template = template(text);
        template.places[0].standing = Standing::Quoted;
        let error = fill(&template, value).expect_err(text);
        assert_eq!(
            error.to_string(),
            "cannot make a query of these values",
            "{text}"
        );
    }
}

/// Pieces that mean something to queries, and some that do not.
const PIECES: [&str; 44] = [
    " ",
    " ",
    "\n",
    "\u{a0}",
    "\t",
    "a",
    "b:",
    "level:error",
    " OR ",
    "AND",
    "NOT ",
    "-",
    "--",
    "->",
    "(",
    ")",
    "\"",
    "\\\"",
    "\\",
    "\\'",
    "'",
    "''",
    "/",
    "/ ",
    "/i ",
    "/)",
    "//",
    "/*",
    "*/",
    "|",
    "||",
    " | ",
    "|>",
    "*",
    "..",
    ">=",
    "select ",
    "from logs",
    "{user}",
    "place_10000001",
    "10000001",
    "é",
    "日",
    "\u{301}",
];

fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        9 => select(&PIECES[..]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    let soup = proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat());
    let any = prop_oneof![6 => soup, 1 => any::<String>()];
    any.prop_map(|text| text.replace('\0', ""))
}

/// What the search of a query says: its terms, and the texts that it compares with.
fn searched(term: &Term) -> Vec<String> {
    match term {
        Term::And(terms) => terms.iter().flat_map(searched).collect(),
        Term::Or(terms) => std::iter::once("or".to_owned())
            .chain(terms.iter().flat_map(searched))
            .collect(),
        Term::Not(term) => std::iter::once("not".to_owned())
            .chain(searched(term))
            .collect(),
        Term::Text(text) => vec![text.value.clone()],
        Term::Field(field) => vec![field.name.clone(), compared(field)],
        term => vec![term.to_string()],
    }
}

fn compared(field: &Field) -> String {
    match field.condition().unwrap() {
        Condition::Equals(literal) | Condition::Differs(literal) => literal.text,
        Condition::Within { low: Some(low), .. } => low.literal.text,
        Condition::Any(conditions) => match &conditions[1] {
            Condition::Equals(literal) => literal.text.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

/// The text that a condition in SQL compares a field with.
fn compared_in_sql(condition: &str) -> String {
    let mut parser = Parser::new(&QueryDialect).try_with_sql(condition).unwrap();
    match parser.parse_expr().unwrap() {
        Expr::BinaryOp {
            op: BinaryOperator::Eq,
            right,
            ..
        } => match *right {
            Expr::Value(value) => match value.value {
                Literal::SingleQuotedString(text) => text,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn a_length_of_time_is_written_as_it_is_read(length in prop_oneof![0..=i64::MAX, 0_i64..2_000_000]) {
        let filled = template("last:{span}").fill(|_| Some(Value::Duration(length))).unwrap();
        prop_assert_eq!(duration(filled.strip_prefix("last:").unwrap()), Ok(length));
    }
}

#[test]
fn whatever_a_text_is_it_is_one_literal() {
    let bound = template(
        "path:\"/api\" a:{user} -b:>={user} c:(d OR {user}) \"x {user} y\" f:\"{level}\" |> where a = 1 \
         |> where user = {user} |> where user = {level} -- a comment\n|> count by path",
    );
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(256)
    };
    proptest!(config, |(text in hostile(), other in hostile())| {
        let empty = text.is_empty();
        let filled = bound.fill(|name| Some(Value::Text(match name {
            "user" => text.clone(),
            _ => other.clone(),
        })));
        if empty {
            prop_assert_eq!(filled.unwrap_err().to_string(), "{user} is empty");
            return Ok(());
        }
        let filled = filled.map_err(|error| TestCaseError::fail(error.to_string()))?;
        let query = parse(&filled).unwrap();
        let quoted = format!("x {text} y");
        let expected = ["path", "/api", "a", &text, "not", "b", &text, "c", &text, &quoted, "f", &other];
        prop_assert_eq!(searched(&query.search), expected);
        let steps: Vec<_> = query.steps.iter().map(|step| step.text.as_str()).collect();
        prop_assert_eq!((steps.len(), steps[0], steps[3]), (4, "where a = 1", "count by path"));
        let condition = |step: &str| compared_in_sql(step.strip_prefix("where ").unwrap());
        prop_assert_eq!((condition(steps[1]), condition(steps[2])), (text.clone(), other.clone()));
        prop_assert!(statement(&query).is_ok());
    });
}

#[test]
fn whatever_a_text_is_every_template_takes_it() {
    let templates: Vec<_> = CASES.iter().map(|(text, ..)| template(text)).collect();
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(32)
    };
    proptest!(config, |(text in hostile())| {
        prop_assume!(!text.is_empty());
        for template in &templates {
            let filled = fill(template, &text);
            prop_assert!(filled.is_ok(), "{} with {:?}", template.sample, text);
        }
    });
}

/// Texts that somebody may be called.
const USERS: [&str; 14] = [
    "ann",
    "Ann' OR '1'='1",
    "Ann\" OR user:*",
    "Ann |> limit 0",
    "Ann\\",
    "Ann\\\" x",
    "A*",
    "5..9",
    "Ann -- B",
    "Ann/ B",
    "(Ann) /* B",
    "Änn",
    ">=A",
    "Ann\nlevel:error",
];

#[test]
fn a_hostile_text_finds_the_rows_that_have_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.jsonl");
    let lines = USERS
        .iter()
        .map(|user| serde_json::json!({"user": user, "level": "info"}).to_string() + "\n");
    fs::write(&path, lines.collect::<String>()).unwrap();
    let session = session(Name::parse(path.as_os_str()).unwrap());
    let runtime = Runtime::new().unwrap();
    for text in [
        "user:{user} |> fields user",
        "user:(nobody OR {user}) |> fields user",
        "* |> where user = {user} |> fields user",
        "user:{user} |> where user = {user} |> where user in ('x', {user}) |> fields user",
        "select user from logs where user = {user}",
    ] {
        let template = template(text);
        for user in USERS {
            let query = fill(&template, user).unwrap();
            assert_eq!(
                runtime.block_on(first_column(&session, &query)),
                [user],
                "{query}"
            );
        }
        let query = fill(&template, "nobody' OR 'a' = 'a").unwrap();
        assert!(
            runtime.block_on(first_column(&session, &query)).is_empty(),
            "{query}"
        );
    }
}

fn session(name: Name) -> Session {
    let options = Options {
        records: true,
        threads: 1,
        ..Options::default()
    };
    let names = vec![name];
    let walk = WalkOptions::default();
    let sources = Sources {
        fields: fields(names.clone(), walk, &options),
        names,
        walk,
        options,
        clock: Clock {
            now: 0,
            zone: jiff::tz::TimeZone::UTC,
            newest: None,
        },
        range: None,
        search: search::Options::default(),
        pushes_down: true,
    };
    Session::new(sources, &Limits::default()).unwrap()
}

async fn first_column(session: &Session, query: &str) -> Vec<String> {
    let plan = session.plan_rows(query).await;
    let plan = plan.unwrap_or_else(|error| panic!("{}", error.render(query)));
    let mut answers = plan.run(session).unwrap();
    let mut texts = Vec::new();
    while let Some(answer) = answers.next().await {
        let Answer::Rows(rows) = answer.unwrap() else {
            panic!("{query} gives rows");
        };
        let column = cast(rows.column(0), &DataType::Utf8).unwrap();
        texts.extend(
            column
                .as_string::<i32>()
                .iter()
                .map(|it| it.unwrap().to_owned()),
        );
    }
    texts
}
