//! Where terms end: white space, pipes, and the parenthesis of an open group.

use winnow::combinator::{alt, empty, fail, peek};
use winnow::prelude::*;
use winnow::stream::Stream;
use winnow::token::one_of;

use super::atom::continues_name;
use super::error::{Error, is_quotable};
use super::input::{Input, Parsed, here, here_char, wrong};

/// Nothing, where a term may end.
pub(super) fn edge(input: &mut Input<'_>) -> Parsed<()> {
    alt((end_of_terms, one_of(char::is_whitespace).void())).parse_next(input)
}

/// The end, a pipe, or the parenthesis that closes the open one.
pub(super) fn end_of_terms(input: &mut Input<'_>) -> Parsed<()> {
    let ends = match input.peek_token() {
        None => true,
        Some(')') => input.state.groups > 0,
        Some('|') => matches!(bar_ahead(input), Bar::Pipe(_)),
        Some(_) => false,
    };
    if ends { empty(input) } else { fail(input) }
}

pub(super) fn at_edge(input: &mut Input<'_>) -> bool {
    peek(edge).parse_next(input).is_ok()
}

pub(super) fn at_pipe(input: &Input<'_>) -> bool {
    input.peek_token() == Some('|') && matches!(bar_ahead(input), Bar::Pipe(_))
}

/// What the `|`s that come next are.
#[derive(Debug, PartialEq)]
pub(super) enum Bar {
    /// A pipe of so many bytes.
    Pipe(usize),
    /// Two or more, which are never split.
    Plain(usize),
    /// One that touches something.
    Lone,
}

/// What the `|` is that comes next.
pub(super) fn bar_ahead(input: &Input<'_>) -> Bar {
    let (before, rest) = input.state.text.split_at(here(input).start);
    let run = rest.bytes().take_while(|&b| b == b'|').count();
    let behind = &rest[run..];
    let is_space = |c: Option<char>| c.is_none_or(char::is_whitespace);
    if run > 1 {
        Bar::Plain(run)
    } else if behind.starts_with('>') {
        Bar::Pipe("|>".len())
    } else if is_space(before.chars().next_back()) && is_space(behind.chars().next()) {
        Bar::Pipe("|".len())
    } else {
        Bar::Lone
    }
}

/// What to say of a `|` that comes next and is no pipe.
pub(super) fn lone_bar(input: &Input<'_>) -> Error {
    let (text, span) = (input.state.text, here_char(input));
    let token = token_start(&text[..span.start])..token_end(text, span.start);
    let is_of_loki = ["|=", "|~"]
        .iter()
        .any(|it| text[span.start..].starts_with(it));
    let begins_step = text[span.end..].starts_with(char::is_alphabetic)
        && text[..span.start].ends_with(char::is_whitespace);
    let error = Error::new(span, "`|` is a pipe only between spaces");
    if begins_step {
        let step = &text[token.start + 1..token.end];
        return error.with_hint(format!(
            "for a step, write | {step}; for either of two terms, write `OR` between them"
        ));
    }
    if is_of_loki {
        return error.with_hint(
            "a text to find stands as it is, and a regex between slashes: service:api \"reset\" /by .*/",
        );
    }
    match either(text[token].trim_end_matches(')')) {
        Some(either) => error.with_hint(format!("to find either, write {either}")),
        None => error.with_hint(
            "to find either of two terms, write `OR` between them; to find the text, quote it",
        ),
    }
}

/// How to search for what `token`, such as `a|b` or `name:a|b`, seems to ask for.
fn either(token: &str) -> Option<String> {
    let (name, alternatives) = match token.split_once(':') {
        Some((name, alternatives)) => (Some(name), alternatives),
        None => (None, token),
    };
    let words: Vec<&str> = alternatives.split('|').collect();
    let is_plain =
        |word: &str| word.starts_with(char::is_alphanumeric) && word.chars().all(continues_name);
    if !is_quotable(token) || !words.iter().all(|word| is_plain(word)) {
        return None;
    }
    let either = words.join(" OR ");
    Some(match name {
        Some(name) => format!("{name}:({either})"),
        None => format!("{either} or /{token}/"),
    })
}

/// Nothing, where the term that began at `start` may end; otherwise an error: what has an end of
/// its own ends there and nowhere else.
pub(super) fn end_of_term(input: &mut Input<'_>, start: usize, what: &str) -> Parsed<()> {
    if at_edge(input) {
        return Ok(());
    }
    if input.peek_token() == Some('|') && bar_ahead(input) == Bar::Lone {
        return wrong(lone_bar(input));
    }
    let place = here_char(input);
    let typed = &input.state.text[start..token_end(input.state.text, place.start)];
    let error = Error::expected_at(place, "a space", &format!("after {what}"));
    wrong(error.with_hint_to_quote(typed))
}

/// Where the token begins that `before` ends in.
pub(super) fn token_start(before: &str) -> usize {
    before
        .char_indices()
        .rev()
        .find(|(_, c)| c.is_whitespace() || "(".contains(*c))
        .map_or(0, |(at, c)| at + c.len_utf8())
}

/// Where the token ends that `at` lies in.
pub(super) fn token_end(text: &str, at: usize) -> usize {
    text[at..]
        .find(char::is_whitespace)
        .map_or(text.len(), |len| at + len)
}
