//! What the parsers read from: the query's text, and what is known beyond it.

use winnow::error::{ErrMode, ParserError};
use winnow::prelude::*;
use winnow::stream::{LocatingSlice, Location, Stateful, Stream};
use winnow::token::take_while;

use super::error::Error;
use super::tree::Span;

/// The query from some place on.
pub(super) type Input<'q> = Stateful<LocatingSlice<&'q str>, State<'q>>;

/// What a parser read; or that it was not its turn, or what is wrong for good.
pub(super) type Parsed<T> = Result<T, ErrMode<Failure>>;

/// What a parser knows beyond the text that is left.
#[derive(Debug)]
pub(super) struct State<'q> {
    /// The whole query.
    pub(super) text: &'q str,
    /// The tables that a query may begin `from`, beside `logs`.
    pub(super) tables: &'q [&'q str],
    /// How many parentheses are open.
    pub(super) groups: usize,
    /// How many parentheses and negations we are in.
    pub(super) depth: usize,
    /// Whether we are in a field's value, where `name:` begins no term.
    pub(super) in_value: bool,
    /// A closing slash was sought as far as here and not found. Without this, a query of many paths
    /// would take quadratic time.
    pub(super) no_closing_slash_until: usize,
}

/// Why a parser failed: `None` where it merely was not its turn.
#[derive(Debug)]
pub(super) struct Failure(pub(super) Option<Box<Error>>);

impl<'q> ParserError<Input<'q>> for Failure {
    type Inner = Failure;

    fn from_input(_: &Input<'q>) -> Failure {
        Failure(None)
    }

    fn into_inner(self) -> Result<Failure, Failure> {
        Ok(self)
    }
}

/// The beginning of `text`, in which SQL may begin from `tables`.
pub(super) fn beginning<'q>(text: &'q str, tables: &'q [&'q str]) -> Input<'q> {
    Input {
        input: LocatingSlice::new(text),
        state: State {
            text,
            tables,
            groups: 0,
            depth: 0,
            in_value: false,
            no_closing_slash_until: 0,
        },
    }
}

/// The text at hand is no query, whatever else might be tried.
pub(super) fn wrong<T>(error: Error) -> Parsed<T> {
    Err(ErrMode::Cut(Failure(Some(Box::new(error)))))
}

/// The empty place before what comes next.
pub(super) fn here(input: &Input<'_>) -> Span {
    let at = input.current_token_start();
    at..at
}

/// The place of the character that comes next.
pub(super) fn here_char(input: &Input<'_>) -> Span {
    let at = input.current_token_start();
    at..at + input.peek_token().map_or(0, char::len_utf8)
}

/// The text that is left.
pub(super) fn rest<'q>(input: &Input<'q>) -> &'q str {
    &input.state.text[here(input).start..]
}

pub(super) fn space(input: &mut Input<'_>) -> Parsed<()> {
    take_while(0.., char::is_whitespace)
        .void()
        .parse_next(input)
}

pub(super) fn at_end(input: &Input<'_>) -> bool {
    input.peek_token().is_none()
}
