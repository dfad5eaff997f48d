//! The grammar, case by case, and its laws.

use super::tree::{Query, Term};
use super::{parse, parse_over, parse_search};

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

hint: quote it to search for the text: "(a)OR""#;

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
        (r"/a\/ b/", r"/a\/ b/"),
        (r"/a\\/ b", r"(and /a\\/ b)"),
        (r"/a\", r"/a\"),
        ("(/a b/ OR /c/)", "(or /a b/ /c/)"),
        ("(/a/b)", "/a/b"),
        ("a/b/)", "a/b/)"),
        ("/a | b/", "/a | b/"),
        ("/a / b/", "(and /a / b/)"),
        (
            "/a/* |> where b / c > 1 and f(x, /d e/)",
            "/a/* |> <where b / c > 1 and f(x, /d e/)>",
        ),
        ("/a/* | where b / c > 1", "/a/* |> <where b / c > 1>"),
        ("/a b |> c/ | d", "(and /a b) |> <c/> |> <d>"),
        ("/a |>b/", "/a |> <b/>"),
        ("/a/* | top 3 /b | c/ | d", "/a/* |> <top 3 /b | c/> |> <d>"),
        ("/a|b/|> top 3", "/a|b/ |> <top 3>"),
        ("/(a|b) \"c/", "/(a|b) \"c/"),
        ("http://x/y/ a", "(and http://x/y/ a)"),
    ]);
    // What looks alike in the table above is told apart here.
    let kinds = ["/a/g", "/usr/bin/ a", "//i", "/a/ii", "/a/i", "/a/b"].map(|text| {
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
        ("a | -b/ | c", "a |> <-b/> |> <c>"),
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
        (
            "with recursive n as (select 1) select 2",
            "sql<with recursive n as (select 1) select 2>",
        ),
        (
            "with recursive n(i, j) as (select 1, 2) select 3",
            "sql<with recursive n(i, j) as (select 1, 2) select 3>",
        ),
        (
            "with recursive as (select 1) select 2",
            "sql<with recursive as (select 1) select 2>",
        ),
        ("from logs", "sql<from logs>"),
        ("FROM \"Logs\" | count", "sql<FROM \"Logs\"> |> <count>"),
        ("from logs|> count", "sql<from logs> |> <count>"),
        ("select (a | b) from logs", "sql<select (a | b) from logs>"),
        (
            "from '/srv/a b.log' | count",
            "sql<from '/srv/a b.log'> |> <count>",
        ),
        ("from 'Users.CSV'", "sql<from 'Users.CSV'>"),
        ("from (select 1) | count", "sql<from (select 1)> |> <count>"),
        ("from unnest([1, 2])", "sql<from unnest([1, 2])>"),
        (
            "(select 1) union all (select 2) | count",
            "sql<(select 1) union all (select 2)> |> <count>",
        ),
        (
            "((select ')' as x)) |> where x",
            "sql<((select ')' as x))> |> <where x>",
        ),
        ("( from logs |> limit 5 )", "sql<( from logs |> limit 5 )>"),
    ]);
}

#[test]
fn sql_begins_from_the_tables_that_are_told() {
    let shape = |text: &str| {
        let query = parse_over(text, &["users", "my users"]).unwrap();
        shape_of_query(&query)
    };
    assert_eq!(shape("from users | count"), "sql<from users> |> <count>");
    assert_eq!(shape("FROM Users,logs"), "sql<FROM Users,logs>");
    assert_eq!(
        shape("(from users |> limit 1)"),
        "sql<(from users |> limit 1)>"
    );
    assert_eq!(shape("from logs"), "sql<from logs>");
    assert_eq!(shape("from user | count"), "(and from user) |> <count>");
    assert_eq!(shape("login from users"), "(and login from users)");
}

#[test]
fn other_words_that_sql_knows_are_words() {
    check(&[
        ("selected", "selected"),
        ("select()", "select()"),
        ("a select b", "(and a select b)"),
        ("(select b)", "(and select b)"),
        ("(select b) unions", "(and select b unions)"),
        (
            "(select OR insert) | count",
            "(or select insert) |> <count>",
        ),
        ("(select it's) | count", "(and select it's) |> <count>"),
        ("from 'alice'", "(and from 'alice')"),
        ("from users", "(and from users)"),
        ("from", "from"),
        ("from 10.0.0.1", "(and from 10.0.0.1)"),
        ("from logs-2026", "(and from logs-2026)"),
        ("from logstash", "(and from logstash)"),
        ("with", "with"),
        ("with x", "(and with x)"),
        ("with x as y", "(and with x as y)"),
        ("with recursive x", "(and with recursive x)"),
        ("with x (y) as z", "(and with x y as z)"),
        ("with x assume (y)", "(and with x assume y)"),
        ("without x as (y)", "(and without x as y)"),
        ("select:x", "select=x"),
    ]);
}

#[test]
fn errors_point_at_the_place_and_say_what_would_help() {
    let cases = [
        (
            "",
            "cannot read the query: it is empty

hint: '*' finds everything",
        ),
        (
            " \n",
            "cannot read the query: it is empty

hint: '*' finds everything",
        ),
        (
            "timeout OR",
            r#"cannot read the query: expected a term after `OR`
  timeout OR
          ^^

hint: quote it to search for the word: "OR""#,
        ),
        (
            "a OR AND b",
            r#"cannot read the query: expected a term after `OR`
  a OR AND b
    ^^

hint: quote it to search for the word: "OR""#,
        ),
        (
            "(NOT) a",
            r#"cannot read the query: expected a term after `NOT`
  (NOT) a
   ^^^

hint: quote it to search for the word: "NOT""#,
        ),
        (
            "a AND |> count",
            r#"cannot read the query: expected a term after `AND`
  a AND |> count
    ^^^

hint: quote it to search for the word: "AND""#,
        ),
        (
            "( OR a)",
            r#"cannot read the query: expected a term before `OR`
  ( OR a)
    ^^

hint: quote it to search for the word: "OR""#,
        ),
        (
            "a (b OR (c",
            r#"cannot read the query: expected `)` to close this `(`
  a (b OR (c
          ^

hint: quote it to search for the text: "(c""#,
        ),
        (
            "a ( ) b",
            r#"cannot read the query: expected a term between `(` and `)`
  a ( ) b
    ^^^

hint: quote it to search for the text: "( )""#,
        ),
        (
            "(a b)c",
            r#"cannot read the query: expected a space after `)`
  (a b)c
       ^

hint: quote it to search for the text: "(a b)c""#,
        ),
        (
            "(a | b)",
            "cannot read the query: expected `)` before the pipe
  (a | b)
     ^

hint: to find either of two terms, write `OR` between them",
        ),
        (
            r#"a "b c"#,
            r#"cannot read the query: expected a closing quote for this one
  a "b c
    ^

hint: to search for a quote, write "\"""#,
        ),
        (
            r#""level":"error""#,
            r#"cannot read the query: expected a space after the closing quote
  "level":"error"
         ^

hint: quote it to search for the text: "\"level\":\"error\"""#,
        ),
        (
            r#"a """#,
            r#"cannot read the query: expected text between the quotes
  a ""
    ^^

hint: '*' finds everything"#,
        ),
        (
            r#""C:\dir""#,
            r#"cannot read the query: unknown escape `\d`
  "C:\dir"
     ^^

hint: for a backslash, write `\\`"#,
        ),
        (
            r#""\u{d800}""#,
            r#"cannot read the query: unknown escape `\u`
  "\u{d800}"
   ^^

hint: write a character by its number such as `\u{1b}`"#,
        ),
        (
            "error: connection",
            r#"cannot read the query: expected a value after `error:`
  error: connection
  ^^^^^^

hint: quote it to search for the text: "error:""#,
        ),
        (
            "a level:>= b",
            r#"cannot read the query: expected a value after `level:>=`
  a level:>= b
    ^^^^^^^^

hint: quote it to search for the text: "level:>=""#,
        ),
        (
            r#"level:"a"b"#,
            r#"cannot read the query: expected a space after the closing quote
  level:"a"b
           ^

hint: quote it to search for the text: "\"a\"b""#,
        ),
        (
            "a|b c",
            "cannot read the query: `|` is a pipe only between spaces
  a|b c
   ^

hint: to find either, write a OR b or /a|b/",
        ),
        (
            "(x level:error|warn)",
            "cannot read the query: `|` is a pipe only between spaces
  (x level:error|warn)
                ^

hint: to find either, write level:(error OR warn)",
        ),
        (
            "a |count",
            "cannot read the query: `|` is a pipe only between spaces
  a |count
    ^

hint: for a step, write | count; for either of two terms, write `OR` between them",
        ),
        (
            "/a(b/)c/",
            r#"cannot read the query: expected a space after the regex
  /a(b/)c/
       ^

hint: quote it to search for the text: "/a(b/)c/""#,
        ),
        (
            "/a b/|/c/",
            "cannot read the query: `|` is a pipe only between spaces
  /a b/|/c/
       ^

hint: to find either of two terms, write `OR` between them; to find the text, quote it",
        ),
        (
            "a | | b",
            "cannot read the query: expected a step after `|`
  a | | b
    ^

hint: for example: count by level",
        ),
        (
            "a |>| b",
            "cannot read the query: expected a step after `|>`
  a |>| b
    ^^

hint: for example: count by level",
        ),
        (
            "a | where (b",
            "cannot read the query: expected `)` to close this `(`
  a | where (b
            ^",
        ),
        (
            "select 'a |> count",
            "cannot read the query: expected a closing quote for this one
  select 'a |> count
         ^",
        ),
        (
            r#"a | parse "b\" |> count"#,
            r#"cannot read the query: expected a closing quote for this one
  a | parse "b\" |> count
            ^"#,
        ),
    ];
    check(&cases);
}

#[test]
fn an_error_shows_the_neighbourhood_in_columns_of_a_terminal() {
    let far = format!("{} OR {}", "ab ".repeat(30), "OR ab ".repeat(30));
    check(&[
        (
            "日本語 OR",
            r#"cannot read the query: expected a term after `OR`
  日本語 OR
         ^^

hint: quote it to search for the word: "OR""#,
        ),
        (
            "e\u{301}\0\t\u{202e}\u{feff}a OR",
            "cannot read the query: expected a term after `OR`
  e\u{301}\\u{0}\\t\\u{202e}\\u{feff}a OR
                            ^^

hint: quote it to search for the word: \"OR\"",
        ),
        (
            "first\r\nאב OR\nthird OR",
            r#"cannot read the query: expected a term after `OR`
  third OR
        ^^

hint: quote it to search for the word: "OR""#,
        ),
        (
            &far,
            r#"cannot read the query: expected a term after `OR`
  … ab ab ab ab ab ab ab ab ab ab  OR OR ab OR ab OR ab OR ab OR ab OR ab …
                                   ^^

hint: quote it to search for the word: "OR""#,
        ),
    ]);
}

#[test]
fn a_place_outside_of_the_query_is_its_end() {
    let error = super::Error::new(7..9, "no");
    assert_eq!(
        error.render("日本"),
        "cannot read the query: no\n  日本\n      ^"
    );
}

#[test]
fn a_search_refuses_by_name_what_is_none() {
    let cases = [
        (
            r#"a OR (b -msg:"c d") | count"#,
            r#"cannot read the query: here is room for a search alone, without pipes such as | count
  a OR (b -msg:"c d") | count
                        ^^^^^

hint: to find either of two terms, write `OR` between them"#,
        ),
        (
            "error | warn",
            "cannot read the query: here is room for a search alone, without pipes such as | warn
  error | warn
          ^^^^

hint: to find either of two terms, write `OR` between them",
        ),
        (
            " Select * from logs",
            r#"cannot read the query: here is room for a search alone, not for SQL
   Select * from logs
   ^^^^^^

hint: quote it to search for the word: "Select""#,
        ),
        (
            "from logs |> count",
            r#"cannot read the query: here is room for a search alone, not for SQL
  from logs |> count
  ^^^^

hint: quote it to search for the word: "from""#,
        ),
        (
            "a OR",
            r#"cannot read the query: expected a term after `OR`
  a OR
    ^^

hint: quote it to search for the word: "OR""#,
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(parse_search(text).unwrap_err().render(text), expected);
    }
    assert_eq!(
        parse_search("a \"b:c\" | "[..7].trim()).map(|term| shape_of_term(&term)),
        Ok("(and a \"b:c\")".into())
    );
}

#[test]
fn nesting_is_bounded_and_needs_little_stack() {
    let deep = |open: &str, close: &str, n: usize| open.repeat(n) + "a" + &close.repeat(n);
    let results = std::thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(move || {
            [("(", ")"), ("-(", ")"), ("NOT ", ""), ("-(b OR ", ")")].map(|(open, close)| {
                let most = parse(&deep(open, close, 64)).map(|query| query.to_string().len());
                let message = parse(&deep(open, close, 100_000)).map_err(|error| error.to_string());
                (most, message)
            })
        })
        .unwrap()
        .join()
        .unwrap();
    let error =
        "cannot read the query: more than 128 levels of parentheses and negations".to_owned();
    // Printed as `a`, `NOT NOT … -a` for both kinds of negation, and `-(b OR -(b OR … a))`.
    let lens = [1, 4 * 63 + 2, 4 * 63 + 2, 64 * 8 + 1];
    assert_eq!(results, lens.map(|len| (Ok(len), Err(error.clone()))));
}

#[test]
fn a_megabyte_takes_no_more_than_linear_time() {
    // Any of these takes minutes where a parser looks ahead to the end at each term.
    let words = |unit: &str| unit.repeat((1 << 20) / unit.len());
    let terms = |text: &str| match parse(text).unwrap().search {
        Term::And(terms) => terms.len(),
        _ => 1,
    };
    let units = ["a", "/", "/a ", "-", "||", "a( ", "\0", "a:1.. ", "/a\\"];
    let counts = units.map(|unit| terms(&words(unit)));
    let third = (1 << 20) / 3;
    assert_eq!(counts, [1, 1, third, 1, 1, third, 1, (1 << 20) / 6, 1]);
}
