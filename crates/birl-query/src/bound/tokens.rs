//! Places among the tokens of SQL and of steps.

use birl_record::query::tree::{Query, Span};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::{Kind, Wrong, standing};
use crate::pipe::{self, Tokens, is_word};

pub(super) const NAME: Wrong = Wrong {
    message: "here is the place of a name, and a value is none",
    hint: "write the name: a place is for what a field is compared with, as in user = {name}",
};

const NO_TOKEN: Wrong = Wrong {
    message: "a value in SQL or in a step is a word of its own",
    hint: "write it without quotes, and with spaces around: user = {name}",
};

const PATTERN: Wrong = Wrong {
    message: "a value cannot be a part of a pattern",
    hint: "take the field out, and compare it behind: |> where user = {name}",
};

const SEARCH: Wrong = Wrong {
    message: "a value cannot be a search",
    hint: "write the search before the first pipe, and the place in it: user:{name}",
};

const BAR: Wrong = Wrong {
    message: "here is the length of a bar",
    hint: "let the place take a length of time",
};

const LENGTH: Wrong = Wrong {
    message: "no length of time can stand here",
    hint: "one stands behind `timechart`, in `bin(…)`, or in a search: last:{name}",
};

/// The steps that are a pattern or a regex, of texts in which SQL's tokens are none.
const OF_PATTERNS: [&str; 2] = ["parse", "extract"];
/// The steps that make columns of what they list.
const OF_COLUMNS: [&str; 2] = ["pivot", "unpivot"];

/// The words of SQL behind which a literal may stand.
const BEFORE_VALUES: [&str; 26] = [
    "and",
    "between",
    "case",
    "date",
    "else",
    "escape",
    "extend",
    "having",
    "ilike",
    "interval",
    "like",
    "not",
    "on",
    "or",
    "qualify",
    "regexp",
    "rlike",
    "select",
    "similar",
    "then",
    "time",
    "timestamp",
    "to",
    "when",
    "where",
    "xor",
];
/// The words that begin lists of names, or of what rows are sorted and grouped by.
const BEFORE_NAMES: [&str; 18] = [
    "as", "by", "dedup", "drop", "except", "exclude", "fields", "from", "join", "json", "logfmt",
    "pivot", "rename", "sort", "top", "unpivot", "using", "with",
];
/// The words that begin lists of values.
const BEFORE_LISTS: [&str; 3] = ["select", "extend", "in"];

/// The SQL or the step in which `span` of a query is, and where that is.
pub(super) fn piece<'q>(query: &'q Query, span: &Span) -> Option<(&'q str, usize)> {
    let sql = query.sql.iter().map(|sql| (&sql.text[..], &sql.span));
    let steps = query.steps.iter().map(|step| (&step.text[..], &step.span));
    let mut pieces = sql.chain(steps);
    let (text, piece) = pieces.find(|(_, it)| it.start <= span.start && span.end <= it.end)?;
    Some((text, piece.start))
}

/// How long the beginning of a step is that has not the tokens of SQL.
pub(super) fn own_len(step: &str) -> usize {
    let name = step_name(step);
    if OF_PATTERNS.iter().any(|it| name.eq_ignore_ascii_case(it)) {
        return step.len();
    }
    match name.eq_ignore_ascii_case("timechart") {
        true => bar_of(step).end,
        false => 0,
    }
}

fn step_name(step: &str) -> &str {
    let len = step.find(|c: char| !(c.is_alphanumeric() || c == '_'));
    &step[..len.unwrap_or(step.len())]
}

/// Where the length of a bar is in `timechart 5m count`.
fn bar_of(step: &str) -> Span {
    let behind = &step[step_name(step).len()..];
    let start = step.len() - behind.trim_start().len();
    let len = step[start..].find(char::is_whitespace);
    start..len.map_or(step.len(), |len| start + len)
}

/// A harmless text for the place at `span` of a query, if a value of this kind may be there.
pub(super) fn sample(query: &Query, span: &Span, kind: Kind) -> Result<&'static str, Wrong> {
    let Some((text, at)) = piece(query, span) else {
        return Err(NO_TOKEN);
    };
    let own = own_len(text);
    if span.start < at + own {
        let bar = bar_of(text);
        let is_bar = *span == (at + bar.start..at + bar.end);
        return match (own == text.len() && !is_bar, is_bar, kind) {
            (true, ..) => Err(PATTERN),
            (_, true, Kind::Duration) => Ok("x"),
            (_, true, _) => Err(BAR),
            (_, false, _) => Err(standing::PART),
        };
    }
    let read = Tokens::read(&text[own..], at + own).map_err(|_| NO_TOKEN)?;
    let tokens = read.all().tokens;
    let is_it = |it: &TokenWithSpan| pipe::place(it.span).as_ref() == Some(span);
    let Some(number) = tokens.iter().position(is_it) else {
        return Err(match kind {
            Kind::Duration => LENGTH,
            _ => NO_TOKEN,
        });
    };
    let here = Here { tokens, number };
    here.check(kind)?;
    Ok(here.sample())
}

/// A token among others.
struct Here<'t> {
    tokens: &'t [TokenWithSpan],
    number: usize,
}

impl Here<'_> {
    fn check(&self, kind: Kind) -> Result<(), Wrong> {
        match (kind, &self.tokens[self.number].token) {
            (Kind::Duration, Token::SingleQuotedString(_)) => Ok(()),
            (Kind::Duration, _) => Err(LENGTH),
            (Kind::Text, Token::SingleQuotedString(_)) => self.check_text(),
            (Kind::Integer | Kind::Number, Token::Number(..)) => self.check_number(),
            _ => Err(NO_TOKEN),
        }
    }

    /// The `back`th token before.
    fn before(&self, back: usize) -> Option<&Token> {
        let at = self.number.checked_sub(back)?;
        Some(&self.tokens[at].token)
    }

    fn is_before(&self, back: usize, words: &[&str]) -> bool {
        self.before(back).is_some_and(|it| is_one_of(it, words))
    }

    fn check_text(&self) -> Result<(), Wrong> {
        let step = self.step();
        if step.is_some_and(|step| is_one_of(step, &OF_PATTERNS)) {
            return Err(PATTERN);
        }
        if step.is_some_and(|step| is_one_of(step, &OF_COLUMNS)) {
            return Err(NAME);
        }
        let is_searched = self.before(1) == Some(&Token::LParen) && self.is_before(2, &["search"]);
        if is_searched {
            return Err(SEARCH);
        }
        let may_begin = match self.before(1) {
            Some(Token::LParen | Token::Comma) => self.is_in_values(),
            Some(Token::Word(_)) => {
                self.is_before(1, &BEFORE_VALUES)
                    || self.is_before(1, &["from"]) && self.is_before(2, &["distinct"])
            }
            Some(token) => is_operator(token),
            None => false,
        };
        let may_end = !matches!(
            self.tokens.get(self.number + 1).map(|it| &it.token),
            Some(
                Token::Period
                    | Token::LParen
                    | Token::LBracket
                    | Token::SingleQuotedString(_)
                    | Token::Arrow
                    | Token::LongArrow
            )
        );
        match may_begin && may_end {
            true => Ok(()),
            false => Err(NAME),
        }
    }

    /// Refuses a number that all rows would be sorted or grouped by.
    fn check_number(&self) -> Result<(), Wrong> {
        if self.step().is_some_and(|it| is_one_of(it, &OF_PATTERNS)) {
            return Err(PATTERN);
        }
        let begins = match self.before(1) {
            Some(Token::Comma) => !self.is_in_values(),
            Some(token) => is_one_of(token, &["by", "sort", "dedup"]),
            None => false,
        };
        let ends = match self.tokens.get(self.number + 1).map(|it| &it.token) {
            None | Some(Token::Comma | Token::RParen) => true,
            Some(token) => is_one_of(token, &["asc", "desc"]),
        };
        match begins && ends {
            true => Err(NAME),
            false => Ok(()),
        }
    }

    /// The name of the step that it is in, of those that are in parentheses as well.
    fn step(&self) -> Option<&Token> {
        let before = &self.tokens[..self.number];
        let pipe = |it: &TokenWithSpan| it.token == Token::VerticalBarRightAngleBracket;
        let first = before.iter().rposition(pipe).map_or(0, |pipe| pipe + 1);
        before.get(first).map(|it| &it.token)
    }

    /// Whether the list that it is in is one of values, and not of names.
    fn is_in_values(&self) -> bool {
        let mut depth = 0_usize;
        for (i, it) in self.tokens[..self.number].iter().enumerate().rev() {
            match &it.token {
                Token::RParen | Token::RBracket => depth += 1,
                Token::LParen if depth == 0 => {
                    let before = i.checked_sub(1).map(|i| &self.tokens[i].token);
                    return !before.is_some_and(|it| is_one_of(it, &BEFORE_NAMES));
                }
                Token::LBracket if depth == 0 => return false,
                Token::LParen | Token::LBracket => depth = depth.saturating_sub(1),
                token if depth == 0 && is_one_of(token, &BEFORE_LISTS) => return true,
                token if depth == 0 && is_one_of(token, &BEFORE_NAMES) => return false,
                _ => {}
            }
        }
        false
    }

    /// What may be compared with the field that is named next to it.
    fn sample(&self) -> &'static str {
        let begins = |it: &&TokenWithSpan| {
            is_one_of(&it.token, &["and", "or", "where", "on"])
                || it.token == Token::VerticalBarRightAngleBracket
        };
        let (before, behind) = self.tokens.split_at(self.number);
        let before = before.iter().rev().take_while(|it| !begins(it));
        let mut samples = before
            .chain(behind.iter().take(3))
            .map(|it| match &it.token {
                Token::Word(word) => standing::sample_of(&word.value),
                _ => "x",
            });
        samples.find(|sample| *sample != "x").unwrap_or("x")
    }
}

fn is_one_of(token: &Token, words: &[&str]) -> bool {
    words.iter().any(|word| is_word(token, word))
}

/// Whether a literal may stand behind this.
fn is_operator(token: &Token) -> bool {
    matches!(
        token,
        Token::Eq
            | Token::DoubleEq
            | Token::Neq
            | Token::Lt
            | Token::Gt
            | Token::LtEq
            | Token::GtEq
            | Token::Spaceship
            | Token::StringConcat
            | Token::Tilde
            | Token::TildeAsterisk
            | Token::ExclamationMarkTilde
            | Token::ExclamationMarkTildeAsterisk
            | Token::DoubleTilde
            | Token::DoubleTildeAsterisk
            | Token::ExclamationMarkDoubleTilde
            | Token::ExclamationMarkDoubleTildeAsterisk
            | Token::RArrow
    )
}
