//! Cuts what is not a search into pieces: SQL, and the steps behind pipes. Their text is kept as
//! typed.

use winnow::ascii::Caseless;
use winnow::combinator::{alt, dispatch, eof, fail, opt, peek, repeat};
use winnow::prelude::*;
use winnow::stream::Stream;
use winnow::token::{any, one_of, rest as unread, take, take_till, take_until, take_while};

use super::atom::regex_ahead;
use super::edge::{Bar, bar_ahead};
use super::error::Error;
use super::input::{Input, Parsed, here, here_char, rest, space, wrong};
use super::tree::{Span, Sql, Step};

/// The table that any query may begin `from`.
const LOGS: &str = "logs";

/// What files are called that a query may begin `from`: `'users.csv'`, but not `'alice'`.
const ENDINGS: [&str; 8] = [
    ".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".gz", ".zst",
];

/// SQL, up to the first pipe.
pub(super) fn sql(input: &mut Input<'_>) -> Parsed<Sql> {
    peek(alt((select, with, from, enclosed))).parse_next(input)?;
    let (text, span) = piece(input)?;
    Ok(Sql { text, span })
}

/// `select `
fn select(input: &mut Input<'_>) -> Parsed<()> {
    let end = alt((one_of(char::is_whitespace).void(), eof.void()));
    (Caseless("select"), end).void().parse_next(input)
}

/// `with NAME as (`, `with recursive NAME (a, b) as (`
fn with(input: &mut Input<'_>) -> Parsed<()> {
    let recursive = (Caseless("recursive"), some_space, name_as).void();
    (Caseless("with"), some_space, alt((recursive, name_as)))
        .void()
        .parse_next(input)
}

/// `NAME as (`
fn name_as(input: &mut Input<'_>) -> Parsed<()> {
    let plain = (
        one_of(|c: char| c.is_alphabetic() || c == '_'),
        take_while(0.., |c: char| c.is_alphanumeric() || "_$".contains(c)),
    );
    let name = alt((plain.void(), ('"', take_till(1.., '"'), '"').void()));
    let columns = (space, '(', take_till(1.., ['(', ')']), ')', space).void();
    (name, alt((columns, some_space)), Caseless("as"), space, '(')
        .void()
        .parse_next(input)
}

/// `from TABLE`, `from 'FILE'`, `from (select …)`, `from unnest(…)`
fn from(input: &mut Input<'_>) -> Parsed<()> {
    let tables = input.state.tables;
    let name = take_till(1.., |c: char| c.is_whitespace() || ",;|)".contains(c));
    let table = name.verify(move |name: &str| {
        names_table(name, LOGS) || tables.iter().any(|table| names_table(name, table))
    });
    let file = ('\'', take_till(1.., '\'').verify(is_file), '\'').void();
    let query = ('(', space, select).void();
    let made = (
        alt((
            Caseless("unnest"),
            Caseless("range"),
            Caseless("generate_series"),
        )),
        '(',
    )
        .void();
    (
        Caseless("from"),
        some_space,
        alt((file, query, made, table.void())),
    )
        .void()
        .parse_next(input)
}

fn is_file(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    name.contains('/') || ENDINGS.iter().any(|ending| lower.ends_with(ending))
}

/// `(select 1) |> …`, `(from logs |> limit 5) union all …`: SQL in parentheses. They group a search where
/// nothing in them or behind them tells that they do not.
fn enclosed(input: &mut Input<'_>) -> Parsed<()> {
    let all = rest(input);
    repeat(1.., ('(', space).void())
        .map(|()| ())
        .parse_next(input)?;
    alt((select, from)).parse_next(input)?;
    let mut behind = opt((space, alt((Caseless("or"), Caseless("and"))), some_space));
    if behind.parse_next(input)?.is_some() {
        return fail(input);
    }
    let mut depth = all[..all.len() - rest(input).len()]
        .bytes()
        .filter(|byte| *byte == b'(')
        .count();
    let mut has_pipe = false;
    while depth > 0 {
        match opt(opaque).parse_next(input) {
            Ok(Some(())) => continue,
            Ok(None) => {}
            // What SQL would quote is none: `it's`.
            Err(_) => return fail(input),
        }
        has_pipe |= opt(peek(pipe)).parse_next(input)?.is_some();
        match input.next_token() {
            Some('(') => depth += 1,
            Some(')') => depth -= 1,
            Some(_) => {}
            None => return fail(input),
        }
    }
    space(input)?;
    let combines = alt((Caseless("union"), Caseless("intersect"), Caseless("except")));
    match has_pipe {
        true => Ok(()),
        false => alt((pipe, (combines, some_space).void())).parse_next(input),
    }
}

fn names_table(name: &str, table: &str) -> bool {
    let quoted = name
        .strip_prefix('"')
        .and_then(|name| name.strip_suffix('"'));
    quoted.unwrap_or(name).eq_ignore_ascii_case(table)
}

fn some_space(input: &mut Input<'_>) -> Parsed<()> {
    (one_of(char::is_whitespace), space)
        .void()
        .parse_next(input)
}

/// A pipe and the step behind it.
pub(super) fn step(input: &mut Input<'_>) -> Parsed<Step> {
    let pipe_span = pipe.span().parse_next(input)?;
    space(input)?;
    let (text, span) = piece(input)?;
    // A `|` that touches the pipe is none, and no step begins with one.
    if text.is_empty() || text.starts_with('|') {
        let pipe = &input.state.text[pipe_span.clone()];
        let error = Error::expected_at(pipe_span, "a step", &format!("after `{pipe}`"));
        return wrong(error.with_hint("for example: count by level"));
    }
    Ok(Step { text, span })
}

/// `|>`, or `|` between spaces.
fn pipe(input: &mut Input<'_>) -> Parsed<()> {
    peek('|').parse_next(input)?;
    match bar_ahead(input) {
        Bar::Pipe(len) => take(len).void().parse_next(input),
        Bar::Plain(_) | Bar::Lone => fail(input),
    }
}

/// The text up to the next pipe, without the white space at its end.
fn piece(input: &mut Input<'_>) -> Parsed<(String, Span)> {
    let (text, span) = piece_chars.take().with_span().parse_next(input)?;
    let text = text.trim_end();
    Ok((text.to_owned(), span.start..span.start + text.len()))
}

/// Skips to the next pipe that stands outside of parentheses, quotes, comments and regexes.
fn piece_chars(input: &mut Input<'_>) -> Parsed<()> {
    let mut open: Vec<Span> = Vec::new();
    loop {
        if opt(opaque).parse_next(input)?.is_some() {
            continue;
        }
        match input.peek_token() {
            None => break,
            Some('|') if open.is_empty() && opt(peek(pipe)).parse_next(input)?.is_some() => break,
            Some('(') => open.push(here_char(input)),
            Some(')') => _ = open.pop(),
            Some(_) => {}
        }
        input.next_token();
    }
    match open.pop() {
        Some(open) => wrong(Error::expected_at(open, "`)`", "to close this `(`")),
        None => Ok(()),
    }
}

/// What hides the pipes inside of it, and several `|`s, which are none.
fn opaque(input: &mut Input<'_>) -> Parsed<()> {
    dispatch! { peek(any);
        '"' => quoted_with_escapes,
        '\'' => quoted_as_in_sql,
        '-' => comment,
        '/' => alt((comment, regex)),
        '|' => take_while(2.., '|').void(),
        _ => fail,
    }
    .parse_next(input)
}

/// `"a \" b"`, where a quote may be escaped or, as in SQL, doubled.
fn quoted_with_escapes(input: &mut Input<'_>) -> Parsed<()> {
    let open = '"'.span().parse_next(input)?;
    let escaped = ('\\', any).void();
    let text = alt((take_till(1.., ['"', '\\']).void(), escaped));
    repeat(0.., text).map(|()| ()).parse_next(input)?;
    closing_quote(input, '"', open)
}

/// `'it''s'`: the doubled quote reads as two strings, which end where the one would.
fn quoted_as_in_sql(input: &mut Input<'_>) -> Parsed<()> {
    let open = '\''.span().parse_next(input)?;
    take_till(0.., '\'').void().parse_next(input)?;
    closing_quote(input, '\'', open)
}

fn closing_quote(input: &mut Input<'_>, quote: char, open: Span) -> Parsed<()> {
    match opt(quote).parse_next(input)? {
        Some(_) => Ok(()),
        None => wrong(Error::expected_at(open, "a closing quote", "for this one")),
    }
}

/// `-- to the end of the line`, `/* to */`
fn comment(input: &mut Input<'_>) -> Parsed<()> {
    let line = ("--", take_till(0.., '\n')).void();
    let block = (
        "/*",
        alt(((take_until(0.., "*/"), "*/").void(), unread.void())),
    )
        .void();
    alt((line, block)).parse_next(input)
}

/// A regex as in a search, but where it could not be a division.
fn regex(input: &mut Input<'_>) -> Parsed<()> {
    let before = &input.state.text[..here(input).start];
    let follows_gap = before.ends_with(|c: char| c.is_whitespace() || "(,=~".contains(c));
    let begins_term = follows_gap || before.ends_with("|>");
    if !begins_term || rest(input)[1..].starts_with(char::is_whitespace) {
        return fail(input);
    }
    match regex_ahead(input) {
        Some(closing) => {
            input.next_slice(closing + 1);
            Ok(())
        }
        None => fail(input),
    }
}
