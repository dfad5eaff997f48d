//! The grammar, case by case, and its laws.

use super::parse;
use super::tree::{Query, Term};

/// `query` as an s-expression: `a` a word, `"a"` a phrase, `/a/` a regex, `a=b` a field term.
fn shape(text: &str) -> String {
    match parse(text) {
        Ok(query) => shape_of_query(&query),
        Err(error) => error.render(text),
    }
}

fn shape_of_query(query: &Query) -> String {
    let mut shape = match &query.sql {
        Some(sql) => format!("sql<{}>", sql.text),
        None => shape_of_term(&query.search),
    };
    for step in &query.steps {
        shape += &format!(" |> <{}>", step.text);
    }
    shape
}

fn shape_of_term(term: &Term) -> String {
    let list = |name: &str, terms: &[Term]| {
        let terms: Vec<String> = terms.iter().map(shape_of_term).collect();
        format!("({name} {})", terms.join(" "))
    };
    match term {
        Term::All => "all".into(),
        Term::Text(text) if text.quoted => format!("{:?}", text.value),
        Term::Text(text) => text.value.clone(),
        Term::Regex(regex) => format!("/{}/{}", regex.pattern, regex.flags),
        Term::Field(field) => format!("{}={}", field.name, field.value),
        Term::And(terms) => list("and", terms),
        Term::Or(terms) => list("or", terms),
        Term::Not(term) => list("not", std::slice::from_ref(term)),
    }
}

/// Compares each query's shape, and says of all that differ.
fn check(cases: &[(&str, &str)]) {
    let wrong: Vec<String> = cases
        .iter()
        .map(|(text, expected)| (text, expected, shape(text)))
        .filter(|(_, expected, found)| *expected != found)
        .map(|(text, expected, found)| format!("{text:?}\nexpected {expected}\nfound    {found}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn not_binds_tighter_than_and_and_and_tighter_than_or() {
    check(&[
        ("a", "a"),
        ("a b", "(and a b)"),
        ("a  \t\n b\u{a0}c", "(and a b c)"),
        ("  a ", "a"),
        ("a AND b", "(and a b)"),
        ("a OR b", "(or a b)"),
        ("a b OR c d", "(or (and a b) (and c d))"),
        ("a OR b c OR d", "(or a (and b c) d)"),
        ("NOT a b", "(and (not a) b)"),
        ("a NOT b OR c", "(or (and a (not b)) c)"),
        ("a OR NOT b", "(or a (not b))"),
        ("a AND NOT b", "(and a (not b))"),
        ("NOT NOT a", "(not (not a))"),
        ("NOT -a", "(not (not a))"),
        ("-a -b", "(and (not a) (not b))"),
        ("-(a b)", "(not (and a b))"),
        ("NOT (a OR b)", "(not (or a b))"),
        ("(a OR b) c", "(and (or a b) c)"),
        ("a (b OR c) d", "(and a (or b c) d)"),
        ("*", "all"),
        ("* -a", "(and all (not a))"),
        ("-*", "(not all)"),
    ]);
}

#[test]
fn terms_joined_alike_are_one_list() {
    check(&[
        ("(a b) c", "(and a b c)"),
        ("a (b (c d))", "(and a b c d)"),
        ("(a OR b) OR c", "(or a b c)"),
        ("((a))", "a"),
        ("a OR (b AND (c OR d))", "(or a (and b (or c d)))"),
    ]);
}

#[test]
fn operators_count_only_in_capitals_and_at_edges() {
    check(&[
        ("a or b", "(and a or b)"),
        ("not a", "(and not a)"),
        ("a and b", "(and a and b)"),
        ("ORANGE ANDROID NOTE", "(and ORANGE ANDROID NOTE)"),
        ("xOR a", "(and xOR a)"),
        ("OR-ed a", "(and OR-ed a)"),
        ("a NOT(b OR c)", "(and a (not (or b c)))"),
        ("a OR(b c)", "(or a (and b c))"),
        ("(a)OR", ERROR_NO_SPACE_AFTER_GROUP),
        (r#"a "OR" b"#, r#"(and a "OR" b)"#),
        ("-OR", "(not OR)"),
        ("a-b", "a-b"),
        ("a - b", "(and a - b)"),
        ("-", "-"),
        ("(a -)", "(and a -)"),
        ("a -> b", "(and a -> b)"),
        ("--force", "--force"),
        ("-----BEGIN", "-----BEGIN"),
        ("-5", "(not 5)"),
        ("-a-b", "(not a-b)"),
        (r#"-"a b""#, r#"(not "a b")"#),
        ("-/a b/", "(not /a b/)"),
        ("-level:warn", "(not level=warn)"),
        ("a*", "a*"),
        ("**", "**"),
        ("*a", "*a"),
    ]);
}

const ERROR_NO_SPACE_AFTER_GROUP: &str = r#"cannot read the query: expected a space after `)`
  (a)OR
     ^

hint: to search for all of it as text, quote it: "…", with `\"` for a quote inside"#;

#[test]
fn parentheses_group_only_at_edges() {
    check(&[
        ("main()", "main()"),
        ("(main() OR f(x))", "(or main() f(x))"),
        ("(f(a b) c", "(and f(a b c)"),
        ("a)", "a)"),
        (":)", ":)"),
        (")", ")"),
        ("a b) c", "(and a b) c)"),
        ("(a :) b", "(and a : b)"),
        ("(a f(b)) c", "(and a f(b) c)"),
        ("a(b c", "(and a(b c)"),
        ("( a )", "a"),
        ("-(-(a))", "(not (not a))"),
    ]);
}

#[test]
fn phrases_resolve_their_escapes() {
    check(&[
        (r#""connection reset""#, r#""connection reset""#),
        (r#""a\"b\\c\/d""#, r#""a\"b\\c/d""#),
        (r#""\t\n\r\u{1b}\u{1F600}""#, "\"\\t\\n\\r\\u{1b}😀\""),
        (r#""a|b" "(" "|>""#, r#"(and "a|b" "(" "|>")"#),
        (r#""a" OR "b""#, r#"(or "a" "b")"#),
        (r#"("a b")"#, r#""a b""#),
        (r#"a"b c"d"#, r#"(and a"b c"d)"#),
        (r#"key="value""#, r#"key="value""#),
        ("don't 'a b'", "(and don't 'a b')"),
        (r"C\d \n", r"(and C\d \n)"),
    ]);
}

#[test]
fn slashes_make_a_regex_only_where_a_later_one_ends_a_term() {
    check(&[
        (r"/panic at .*:\d+/", r"/panic at .*:\d+/"),
        ("/a b/i c", "(and /a b/i c)"),
        ("/a/isx", "/a/isx"),
        ("/a/xi", "/a/ix"),
        ("/a/ii", "/a/ii"),
        ("/a/g", "/a/g"),
        ("/api/v1/users", "/api/v1/users"),
        ("/api/v1/users a", "(and /api/v1/users a)"),
        ("/usr/bin/ a", "(and /usr/bin/ a)"),
        ("/", "/"),
        ("//", "//"),
        ("// a", "(and // a)"),
        ("//i", "//i"),
        ("a/b/ c", "(and a/b/ c)"),
        (r"/a\/ b/", "/a/ b/"),
        (r"/a\\/ b", r"(and /a\\/ b)"),
        (r"/a\", r"/a\"),
        ("(/a b/ OR /c/)", "(or /a b/ /c/)"),
        ("(/a/b)", "/a/b"),
        ("/a/)", "/a/)"),
        ("/a | b/", "/a | b/"),
        ("/a|b/|> top 3", "/a|b/ |> <top 3>"),
        ("/(a|b) \"c/", "/(a|b) \"c/"),
        ("http://x/y/ a", "(and http://x/y/ a)"),
    ]);
    // What looks alike in the table above is told apart here.
    let kinds = ["/a/g", "/usr/bin/ a", "//i", "/a/ii", "/a/i", "/a/)"].map(|text| {
        let first = match parse(text).unwrap().search {
            Term::And(terms) => terms[0].clone(),
            term => term,
        };
        matches!(first, Term::Regex(_))
    });
    assert_eq!(kinds, [false, true, false, false, true, false]);
}

#[test]
fn a_name_and_a_colon_begin_a_field_term() {
    check(&[
        ("level:error", "level=error"),
        ("a level:>=warn b", "(and a level=>=warn b)"),
        ("status:500..599", "status=500..599"),
        ("level:warn..", "level=warn.."),
        ("ms:..100", "ms=..100"),
        ("user_id:*", "user_id=*"),
        ("host:web-*", "host=web-*"),
        ("last:2h", "last=2h"),
        ("_x:1 @t:2 ä:3", "(and _x=1 @t=2 ä=3)"),
        ("request.user-agent:curl", "request.user-agent=curl"),
        (r#"msg:"a \"b\" c""#, r#"msg="a \"b\" c""#),
        (r#"msg:"""#, r#"msg="""#),
        (r#"t:>="10:00 am""#, r#"t=>="10:00 am""#),
        (r#"t:"1 am".."2 am""#, r#"t="1 am".."2 am""#),
        (r#"t:"1 am".."#, r#"t="1 am".."#),
        (r#"t:1.."2 am""#, r#"t=1.."2 am""#),
        ("path:/a b/i c", "(and path=/a b/i c)"),
        ("path:/api/v1 c", "(and path=/api/v1 c)"),
        ("level:(error OR fatal) a", "(and level=(error OR fatal) a)"),
        ("t:(10:00 -a:b (c d))", "t=(10:00 -a:b (c d))"),
        ("(a level:error)", "(and a level=error)"),
        ("f:g(x)", "f=g(x)"),
        ("(f:g(x))", "f=g(x)"),
        ("level:error|> top 3", "level=error |> <top 3>"),
        ("OR:1", "OR=1"),
    ]);
}

#[test]
fn colons_elsewhere_belong_to_words() {
    check(&[
        ("std::vec", "std::vec"),
        ("std::vec:x", "std::vec:x"),
        ("http://x", "http://x"),
        ("12:30:45", "12:30:45"),
        ("sshd[7]:", "sshd[7]:"),
        ("src/main.rs:12", "src/main.rs:12"),
        ("--a:b", "--a:b"),
        (":a", ":a"),
        ("a=b:c", "a=b:c"),
        (r#""level:error""#, r#""level:error""#),
    ]);
}

#[test]
fn pipes_stand_between_spaces_or_have_an_arrow() {
    check(&[
        ("a | count", "a |> <count>"),
        ("a |> count", "a |> <count>"),
        ("a|>count", "a |> <count>"),
        (
            "a | count by b, bin(5m) |> top 10 ",
            "a |> <count by b, bin(5m)> |> <top 10>",
        ),
        ("| count", "all |> <count>"),
        ("|> count", "all |> <count>"),
        ("(a OR b) | count", "(or a b) |> <count>"),
        ("- | count", "- |> <count>"),
        ("a || b", "(and a || b)"),
        ("a||b |||c", "(and a||b |||c)"),
        ("a ||> b", "(and a ||> b)"),
        ("a | where x || y | top 3", "a |> <where x || y> |> <top 3>"),
        ("a | where x|y = 2", "a |> <where x|y = 2>"),
    ]);
}

#[test]
fn steps_hide_pipes_in_quotes_parentheses_regexes_and_comments() {
    check(&[
        (
            r#"a | b "c | \" | d" | e"#,
            r#"a |> <b "c | \" | d"> |> <e>"#,
        ),
        ("a | b 'c | ''d | ' | e", "a |> <b 'c | ''d | '> |> <e>"),
        (
            "a | join (from logs |> where (x | y)) on z | e",
            "a |> <join (from logs |> where (x | y)) on z> |> <e>",
        ),
        (
            r"a | parse /x | \/y/ | where f(/a | (b/) | e",
            r"a |> <parse /x | \/y/> |> <where f(/a | (b/)> |> <e>",
        ),
        (
            "a | extend b = c / d | where e / f > 1",
            "a |> <extend b = c / d> |> <where e / f > 1>",
        ),
        (
            "a | b /* it's | */ | c -- it's | d\n | e",
            "a |> <b /* it's | */> |> <c -- it's | d> |> <e>",
        ),
        ("a | b ) | c", "a |> <b )> |> <c>"),
    ]);
}

#[test]
fn sql_begins_with_its_keyword() {
    check(&[
        ("select * from logs", "sql<select * from logs>"),
        (" SELECT 1 ", "sql<SELECT 1>"),
        ("Select\n1", "sql<Select\n1>"),
        ("select", "sql<select>"),
        (
            "with x as (select '|> ' |> from logs) select * from x |> top 3",
            "sql<with x as (select '|> ' |> from logs) select * from x> |> <top 3>",
        ),
        (
            "WITH \"a b\" AS(select 1) select 2",
            "sql<WITH \"a b\" AS(select 1) select 2>",
        ),
        ("from logs", "sql<from logs>"),
        ("FROM \"Logs\" | count", "sql<FROM \"Logs\"> |> <count>"),
        ("from logs|> count", "sql<from logs> |> <count>"),
        ("select (a | b) from logs", "sql<select (a | b) from logs>"),
    ]);
}

#[test]
fn other_words_that_sql_knows_are_words() {
    check(&[
        ("selected", "selected"),
        ("select()", "select()"),
        ("a select b", "(and a select b)"),
        ("(select b)", "(and select b)"),
        ("from", "from"),
        ("from 10.0.0.1", "(and from 10.0.0.1)"),
        ("from logs-2026", "(and from logs-2026)"),
        ("from logstash", "(and from logstash)"),
        ("with", "with"),
        ("with x", "(and with x)"),
        ("with x as y", "(and with x as y)"),
        ("with x assume (y)", "(and with x assume y)"),
        ("without x as (y)", "(and without x as y)"),
        ("select:x", "select=x"),
    ]);
}
