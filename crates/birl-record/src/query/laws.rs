//! What holds for every query, tried on random ones.

use proptest::prelude::*;

use super::tree::{Field, Query, Regex, RegexFlags, Span, Step, Term, Text};
use super::{parse, regex_len};

/// Pieces that mean something to the grammar, and some that do not.
const PIECES: [&str; 48] = [
    " ",
    " ",
    " ",
    "\n",
    "\u{a0}",
    "a",
    "b:",
    "level:",
    "OR",
    " OR ",
    "AND",
    "NOT ",
    "-",
    "--",
    "->",
    "(",
    ")",
    "()",
    "\"",
    "\\\"",
    "\\",
    "\\u{1b}",
    "'",
    "/",
    "//",
    "/a/",
    "/isx",
    "\\/",
    "|",
    "||",
    " | ",
    "|>",
    "*",
    "..",
    ">=",
    "=",
    ":",
    "::",
    "://",
    "select ",
    "from logs",
    "with x as (",
    "/*",
    "é",
    "日",
    "\0",
    "\u{301}",
    "5",
];

fn soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        9 => prop::sample::select(&PIECES[..]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn texts() -> impl Strategy<Value = Term> {
    let value = prop_oneof!["[a-z]{1,5}", "\\PC{1,8}", soup()];
    let value = value.prop_filter("texts are not empty", |value| !value.is_empty());
    (value, any::<bool>()).prop_map(|(value, quoted)| {
        Term::Text(Text {
            value,
            quoted,
            span: 0..0,
        })
    })
}

fn regexes() -> impl Strategy<Value = Term> {
    let pieces = [
        "a", "/g", "\\/", "\\\\", "\\d", "\\\"", " ", " | ", "|>", "(", ")", "\"", "i", "日", "\n",
    ];
    let pattern = prop::collection::vec(prop::sample::select(pieces.to_vec()), 1..8);
    let pattern = pattern.prop_map(|pieces| pieces.concat());
    // Behind a pipe there may be what is no part of a regex.
    let pattern = pattern.prop_filter("it is read as a regex", |pattern| {
        regex_len(&format!("/{pattern}/")) == Some(pattern.len() + 2)
    });
    (pattern, any::<[bool; 3]>()).prop_map(|(pattern, flags)| {
        Term::Regex(Regex {
            pattern,
            flags: RegexFlags {
                ignore_case: flags[0],
                dot_matches_new_line: flags[1],
                verbose: flags[2],
            },
            span: 0..0,
        })
    })
}

fn fields() -> impl Strategy<Value = Term> {
    let values = [
        "error",
        ">=warn",
        "500..599",
        "..5",
        "\"a \\\" b\"",
        "\"a\"..\"b\"",
        "/a b/i",
        "(a OR -b)",
        "*",
        "web-*",
        "f(x)",
        "f(x",
        "10:00",
        "C:\\d",
        "a||b",
        "'",
    ];
    let name = "[a-zA-Z_@é][a-zA-Z0-9_@.$-]{0,5}";
    (name, prop::sample::select(values.to_vec())).prop_map(|(name, value)| {
        Term::Field(Field {
            name,
            value: value.into(),
            span: 0..0,
        })
    })
}

fn terms() -> impl Strategy<Value = Term> {
    let leaf = prop_oneof![
        1 => Just(Term::All),
        4 => texts(),
        2 => regexes(),
        2 => fields(),
    ];
    leaf.prop_recursive(6, 24, 4, |inner| {
        let some = prop::collection::vec(inner.clone(), 2..5);
        prop_oneof![
            some.clone().prop_map(and),
            some.prop_map(or),
            inner.prop_map(|term| Term::Not(Box::new(term))),
        ]
    })
}

/// All of `terms`, as flat as the tree promises.
fn and(terms: Vec<Term>) -> Term {
    let flat = |term| match term {
        Term::And(terms) => terms,
        term => vec![term],
    };
    Term::And(terms.into_iter().flat_map(flat).collect())
}

/// Any of `terms`, as flat as the tree promises.
fn or(terms: Vec<Term>) -> Term {
    let flat = |term| match term {
        Term::Or(terms) => terms,
        term => vec![term],
    };
    Term::Or(terms.into_iter().flat_map(flat).collect())
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let texts = [
        "count",
        "where f(x | y) || 'a |> '",
        "parse /a | b/",
        "top 3 -- | x",
    ];
    let step = prop::sample::select(texts.to_vec()).prop_map(|text| Step {
        text: text.into(),
        span: 0..0,
    });
    prop::collection::vec(step, 0..3)
}

/// `query` without what printing may change: places, and which texts are quoted.
fn without_form(mut query: Query) -> Query {
    fn strip(term: &mut Term) {
        match term {
            Term::All => {}
            Term::Text(text) => (text.quoted, text.span) = (false, 0..0),
            Term::Regex(regex) => regex.span = 0..0,
            Term::Field(field) => field.span = 0..0,
            Term::And(terms) | Term::Or(terms) => terms.iter_mut().for_each(strip),
            Term::Not(term) => strip(term),
        }
    }
    strip(&mut query.search);
    query.steps.iter_mut().for_each(|step| step.span = 0..0);
    query.sql.iter_mut().for_each(|sql| sql.span = 0..0);
    query
}

/// What is wrong with a span of `query`, if anything.
fn wrong_span(text: &str, query: &Query) -> Option<Span> {
    fn of_term(text: &str, term: &Term) -> Option<Span> {
        let is_wrong = |span: &Span, is_right: &dyn Fn(&str) -> bool| {
            let slice = text.get(span.clone());
            (!slice.is_some_and(is_right)).then(|| span.clone())
        };
        match term {
            Term::All => None,
            Term::Text(Text {
                value,
                quoted,
                span,
            }) => is_wrong(span, &|slice| match quoted {
                true => slice.len() > 2 && slice.starts_with('"') && slice.ends_with('"'),
                false => slice == value,
            }),
            Term::Regex(regex) => is_wrong(&regex.span, &|slice| {
                slice.starts_with('/') && slice.trim_end_matches(['i', 's', 'x']).ends_with('/')
            }),
            Term::Field(Field { name, value, span }) => {
                is_wrong(span, &|slice| slice == format!("{name}:{value}"))
            }
            Term::And(terms) | Term::Or(terms) => terms.iter().find_map(|term| of_term(text, term)),
            Term::Not(term) => of_term(text, term),
        }
    }
    let steps = query.steps.iter().map(|step| (&step.text, &step.span));
    let sql = query.sql.iter().map(|sql| (&sql.text, &sql.span));
    let as_typed = steps
        .chain(sql)
        .find(|(piece, span)| text.get((*span).clone()) != Some(piece.as_str()));
    of_term(text, &query.search).or_else(|| as_typed.map(|(_, span)| span.clone()))
}

/// What holds for every text that somebody may type.
fn check(text: &str) -> Result<(), TestCaseError> {
    match parse(text) {
        Ok(query) => {
            prop_assert_eq!(wrong_span(text, &query), None);
            let printed = query.to_string();
            let again = parse(&printed);
            let again = again.map_err(|error| TestCaseError::fail(error.render(&printed)))?;
            prop_assert_eq!(
                without_form(again),
                without_form(query),
                "printed {:?}",
                printed
            );
        }
        Err(error) => {
            prop_assert!(text.get(error.span()).is_some(), "{:?}", error);
            let rendered = error.render(text);
            prop_assert!(rendered.lines().count() <= 5, "{}", rendered);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_tree_prints_as_text_that_parses_to_the_tree(search in terms(), steps in steps()) {
        let query = Query { search, sql: None, steps };
        let printed = query.to_string();
        let parsed = parse(&printed).map_err(|error| TestCaseError::fail(error.render(&printed)))?;
        prop_assert_eq!(without_form(parsed), without_form(query), "printed {:?}", printed);
    }

    #[test]
    fn any_text_is_a_query_or_an_error_with_a_place(text in any::<String>()) {
        check(&text)?;
    }

    #[test]
    fn any_soup_of_operators_is_a_query_or_an_error_with_a_place(text in soup()) {
        check(&text)?;
    }
}

/// Found by fuzzing; each once printed as text that read otherwise.
#[test]
fn a_value_that_seems_to_open_a_regex_or_a_group_prints_as_it_reads() {
    for text in [
        r#"path:/api "a/\u{20}b""#,
        r"-(a b:f(x )",
        r"-(a b:/f(\/ )",
        "a:/b c -(d e:/f//(g /)",
        "a:/b (/c/)",
        "(a OR b:/c(/)",
        " | --\n | a",
        "-|>/isx | /",
    ] {
        check(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    }
}
