//! Pieces of a query: their tokens, each with its place in the whole text.

use birl_record::query::{self, Error, tree::Span, tree::Term};
use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::keywords::{self, Keyword};
use datafusion::sql::sqlparser::tokenizer::{
    self, Location, Token, TokenWithSpan, Tokenizer, Word,
};

use super::reader::shown;
use crate::dialect::QueryDialect;

/// More tokens are no query that a person would type.
const TOKENS_MAX: usize = 100_000;
/// So many operators may stand in a piece: each may be a level of the tree, and trees are walked by
/// recursion.
const OPERATORS_MAX: usize = 500;

/// So many parentheses may be in each other: the parser tries several readings of each, in each other
/// as well, so that the time that it takes doubles with every level.
const DEPTH_MAX: usize = 12;

/// The tokens of a piece of a query, white space and comments left out.
///
/// Their locations are all in line 1, and their columns are bytes of the whole query, counted from 1:
/// so each error and each name of the SQL that is made of them tells its place in what was typed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece<'t> {
    pub(crate) tokens: &'t [TokenWithSpan],
    /// Where it stands.
    pub(super) span: &'t Span,
    text: &'t str,
}

/// What a [`Piece`] is of.
#[derive(Debug)]
pub(crate) struct Tokens<'q> {
    tokens: Vec<TokenWithSpan>,
    span: Span,
    text: &'q str,
}

impl<'q> Tokens<'q> {
    /// Reads `text`, which begins at `at` in the query. Searches in aggregates, such as
    /// `count(level:error)`, become calls of `search`, and the spans of `bin(5m)` become texts.
    pub(crate) fn read(text: &'q str, at: usize) -> Result<Self, Error> {
        let mut tokens = Vec::new();
        let mut done = 0;
        for search in searches(text, at)? {
            tokenize(text, done..search.span.start, at, &mut tokens)?;
            let place = located(at + search.span.start..at + search.span.end);
            let call = [
                Token::make_word("search", None),
                Token::LParen,
                Token::SingleQuotedString(search.term.to_string()),
                Token::RParen,
            ];
            tokens.extend(call.map(|token| TokenWithSpan::new(token, place)));
            done = search.span.end;
        }
        tokenize(text, done..text.len(), at, &mut tokens)?;
        let tokens = with_spans_of_bins(tokens, text, at);
        let tokens = without_drops(without_last_commas(tokens));
        let this = Self {
            tokens,
            span: at..at + text.len(),
            text,
        };
        this.check_size()?;
        Ok(this)
    }

    pub(crate) fn all(&self) -> Piece<'_> {
        Piece {
            tokens: &self.tokens,
            span: &self.span,
            text: self.text,
        }
    }

    fn check_size(&self) -> Result<(), Error> {
        if let Some(token) = self.tokens.get(TOKENS_MAX) {
            let message = format!("more than {TOKENS_MAX} words and signs");
            return Err(Error::new(place(token.span).unwrap_or_default(), message));
        }
        if let Some(token) = too_deep(&self.tokens) {
            let message = format!("more than {DEPTH_MAX} levels of parentheses");
            return Err(Error::new(place(token.span).unwrap_or_default(), message));
        }
        let mut operators = self.tokens.iter().filter(|token| is_operator(&token.token));
        match operators.nth(OPERATORS_MAX) {
            Some(token) => {
                let message = format!("more than {OPERATORS_MAX} operators in one step");
                let error = Error::new(place(token.span).unwrap_or_default(), message);
                Err(error.with_hint("a long list is written as `field in (…)`"))
            }
            None => Ok(()),
        }
    }
}

impl<'t> Piece<'t> {
    /// A part of it.
    pub(super) fn part(self, tokens: &'t [TokenWithSpan]) -> Self {
        Self { tokens, ..self }
    }

    pub(super) fn is_empty(self) -> bool {
        self.tokens.is_empty()
    }

    /// Where it stands; its end, if it is empty.
    pub(super) fn place(self) -> Span {
        let first = self.tokens.first().and_then(|token| place(token.span));
        let last = self.tokens.last().and_then(|token| place(token.span));
        match (first, last) {
            (Some(first), Some(last)) => first.start..last.end,
            _ => self.end(),
        }
    }

    /// Where the whole step ends.
    pub(super) fn end(self) -> Span {
        self.span.end..self.span.end
    }

    /// The text of the step from a byte of the query on, and where that is.
    pub(super) fn text_from(self, at: usize) -> Option<(&'t str, usize)> {
        let text = self.text.get(at.checked_sub(self.span.start)?..)?;
        Some((text, at))
    }

    /// Where it stands; where `step` ends, if it is empty.
    pub(super) fn end_in(self, step: &Span) -> Span {
        match self.is_empty() {
            true => step.end..step.end,
            false => self.place(),
        }
    }

    /// What was typed, on one line.
    pub(super) fn typed(self) -> String {
        let place = self.place();
        let at = self.span.start;
        let typed = &self.text[place.start - at..place.end - at];
        typed.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Its first token.
    pub(super) fn first(self) -> Option<&'t Token> {
        self.tokens.first().map(|token| &token.token)
    }

    /// All but its first tokens.
    pub(super) fn behind(self, count: usize) -> Self {
        self.part(&self.tokens[count.min(self.tokens.len())..])
    }

    /// The parts between commas that are in no parentheses. There is one at least.
    pub(super) fn list(self) -> Vec<Self> {
        let mut parts = Vec::new();
        let mut start = 0;
        for at in self.outside(|token| *token == Token::Comma) {
            parts.push(self.part(&self.tokens[start..at]));
            start = at + 1;
        }
        parts.push(self.part(&self.tokens[start..]));
        parts
    }

    /// The parts, of which each but the first begins at a token in no parentheses of which `begins` is
    /// true, by its number.
    pub(super) fn split_where(self, begins: impl Fn(usize) -> bool) -> Vec<Self> {
        let mut parts = Vec::new();
        let mut start = 0;
        for at in self.outside(|_| true).filter(|at| begins(*at)) {
            parts.push(self.part(&self.tokens[start..at]));
            start = at;
        }
        parts.push(self.part(&self.tokens[start..]));
        parts
    }

    /// What stands before the first `word` that is in no parentheses, and what behind it.
    pub(super) fn split_at_word(self, word: &str) -> (Self, Option<Self>) {
        match self.outside(|token| is_word(token, word)).next() {
            Some(at) => (
                self.part(&self.tokens[..at]),
                Some(self.part(&self.tokens[at + 1..])),
            ),
            None => (self, None),
        }
    }

    /// The expression before `as NAME`, and the name.
    pub(super) fn split_alias(self) -> (Self, Option<ast::Ident>) {
        let len = self.tokens.len();
        if len >= 3
            && is_word(&self.tokens[len - 2].token, "as")
            && let Token::Word(word) = &self.tokens[len - 1].token
        {
            let name = named(word, self.tokens[len - 1].span);
            return (self.part(&self.tokens[..len - 2]), Some(name));
        }
        (self, None)
    }

    /// It, if it is a name, with the parts of one with dots joined.
    pub(super) fn name(self) -> Result<ast::Ident, Error> {
        let expected = || match self.is_empty() {
            true => Error::new(self.end(), "expected a field"),
            false => {
                let error = Error::new(
                    self.place(),
                    format!("expected a field, found `{}`", shown(&self.typed())),
                );
                match self.tokens.iter().any(|token| token.token == Token::Minus) {
                    true => error.with_hint(format!(
                        "a name with a dash stands in quotes: \"{}\"",
                        shown(&self.typed())
                    )),
                    false => error,
                }
            }
        };
        let mut joined = String::new();
        for (i, token) in self.tokens.iter().enumerate() {
            match (&token.token, i % 2) {
                (Token::Word(word), 0) => joined += &word.value,
                (Token::Period, 1) => joined.push('.'),
                _ => return Err(expected()),
            }
        }
        match (self.tokens, self.tokens.len() % 2) {
            ([token], _) => match &token.token {
                Token::Word(word) => Ok(named(word, token.span)),
                _ => Err(expected()),
            },
            (_, 1) => {
                let mut name = ident(&joined);
                name.span = located(self.place());
                Ok(name)
            }
            _ => Err(expected()),
        }
    }

    /// The places of the tokens in no parentheses that are `wanted`.
    fn outside(self, wanted: impl Fn(&Token) -> bool) -> impl Iterator<Item = usize> {
        let mut depth = 0_usize;
        let mut found = Vec::new();
        for (i, token) in self.tokens.iter().enumerate() {
            match token.token {
                Token::LParen | Token::LBracket | Token::LBrace => depth += 1,
                Token::RParen | Token::RBracket | Token::RBrace => depth = depth.saturating_sub(1),
                _ if depth == 0 && wanted(&token.token) => found.push(i),
                _ => {}
            }
        }
        found.into_iter()
    }
}

/// The token that is too deep in parentheses, in `case` or behind signs, if there is one.
fn too_deep(tokens: &[TokenWithSpan]) -> Option<&TokenWithSpan> {
    let mut depth = 0_usize;
    let mut signs = 0;
    tokens.iter().find(|token| {
        let is_sign = match &token.token {
            Token::LParen | Token::LBracket | Token::LBrace => {
                depth += 1;
                false
            }
            Token::RParen | Token::RBracket | Token::RBrace => {
                depth = depth.saturating_sub(1);
                false
            }
            Token::Word(word) if word.keyword == Keyword::CASE => {
                depth += 1;
                false
            }
            Token::Word(word) if word.keyword == Keyword::END => {
                depth = depth.saturating_sub(1);
                false
            }
            Token::Word(word) => word.keyword == Keyword::NOT,
            Token::Minus | Token::Plus | Token::Tilde | Token::ExclamationMark => true,
            _ => false,
        };
        signs = if is_sign { signs + 1 } else { 0 };
        depth.max(signs) > DEPTH_MAX
    })
}

/// Whether a token is this word, without quotes and in any case.
pub(crate) fn is_word(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(it) if it.quote_style.is_none() && it.value.eq_ignore_ascii_case(word))
}

fn is_operator(token: &Token) -> bool {
    match token {
        Token::Word(word) => matches!(
            word.keyword,
            Keyword::AND
                | Keyword::OR
                | Keyword::AT
                | Keyword::COLLATE
                | Keyword::MATCH
                | Keyword::MEMBER
                | Keyword::NOTNULL
                | Keyword::OPERATOR
                | Keyword::OVERLAPS
                | Keyword::REGEXP
                | Keyword::RLIKE
                | Keyword::SIMILAR
                | Keyword::NOT
                | Keyword::XOR
                | Keyword::DIV
                | Keyword::IS
                | Keyword::LIKE
                | Keyword::ILIKE
                | Keyword::BETWEEN
                | Keyword::IN
                | Keyword::UNION
                | Keyword::EXCEPT
                | Keyword::INTERSECT
                | Keyword::JOIN
        ),
        Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::Comma
        | Token::LParen
        | Token::RParen
        | Token::RBrace
        | Token::LBrace
        | Token::RBracket
        | Token::Whitespace(_) => false,
        _ => true,
    }
}

/// A word as a name.
fn named(word: &Word, span: tokenizer::Span) -> ast::Ident {
    ast::Ident {
        value: word.value.clone(),
        quote_style: word.quote_style,
        span,
    }
}

/// A name, in quotes where SQL would not read it as one otherwise.
pub(super) fn ident(name: &str) -> ast::Ident {
    match is_plain(name) {
        true => ast::Ident::new(name),
        false => ast::Ident::with_quote('"', name),
    }
}

fn is_plain(name: &str) -> bool {
    let is_shaped = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let Token::Word(word) = Token::make_word(name, None) else {
        return false;
    };
    let reserved = [
        keywords::RESERVED_FOR_TABLE_ALIAS,
        keywords::RESERVED_FOR_COLUMN_ALIAS,
        keywords::RESERVED_FOR_TABLE_FACTOR,
        keywords::RESERVED_FOR_IDENTIFIER,
        BEGIN_EXPRESSIONS,
    ];
    is_shaped && !reserved.iter().any(|it| it.contains(&word.keyword))
}

/// Words that expressions begin with which are no names.
const BEGIN_EXPRESSIONS: &[Keyword] = &[
    Keyword::ALL,
    Keyword::ANY,
    Keyword::ARRAY,
    Keyword::AS,
    Keyword::ASC,
    Keyword::BETWEEN,
    Keyword::AND,
    Keyword::BY,
    Keyword::CASE,
    Keyword::CAST,
    Keyword::CURRENT_DATE,
    Keyword::CURRENT_TIME,
    Keyword::CURRENT_TIMESTAMP,
    Keyword::DESC,
    Keyword::DISTINCT,
    Keyword::ELSE,
    Keyword::EXISTS,
    Keyword::EXTRACT,
    Keyword::FALSE,
    Keyword::IN,
    Keyword::IS,
    Keyword::LIKE,
    Keyword::LOCALTIME,
    Keyword::LOCALTIMESTAMP,
    Keyword::NOT,
    Keyword::NULL,
    Keyword::NULLS,
    Keyword::OR,
    Keyword::THEN,
    Keyword::TRUE,
    Keyword::WHEN,
];

/// A place in the query as SQL's tokens carry it.
pub(super) fn located(span: Span) -> tokenizer::Span {
    let location = |at: usize| Location::new(1, at as u64 + 1);
    tokenizer::Span::new(location(span.start), location(span.end))
}

/// The place in the query of a token, or of what was made of some; `None` for what nobody typed.
pub(crate) fn place(span: tokenizer::Span) -> Option<Span> {
    let at = |location: Location| (location.column as usize).checked_sub(1);
    Some(at(span.start)?..at(span.end)?)
}

/// Appends the tokens of a part of `text`, which begins at `at` in the query.
fn tokenize(
    text: &str,
    part: Span,
    at: usize,
    tokens: &mut Vec<TokenWithSpan>,
) -> Result<(), Error> {
    let mut raw = Vec::new();
    let mut cursor = Cursor::new(&text[part.clone()], at + part.start);
    let read = Tokenizer::new(&QueryDialect, &text[part.clone()])
        .tokenize_with_location_into_buf(&mut raw);
    for TokenWithSpan { token, span } in raw {
        let place = cursor.go_to(span.start)..cursor.go_to(span.end);
        if !matches!(token, Token::Whitespace(_)) {
            tokens.push(TokenWithSpan::new(as_in_logs(token), located(place)));
        }
    }
    read.map_err(|error| {
        let start = cursor.go_to(error.location);
        let message = error.message;
        Error::new(start..at + part.end, lower_first(&message))
    })
}

/// Names that begin with `@` are variables elsewhere, and those in backquotes are printed in double
/// ones.
fn as_in_logs(token: Token) -> Token {
    match token {
        Token::Word(word) if word.quote_style == Some('`') || word.value.starts_with('@') => {
            Token::make_word(&word.value, Some('"'))
        }
        token => token,
    }
}

/// `message` with a small first letter, unless all of its first word is in capitals.
pub(crate) fn lower_first(message: &str) -> String {
    let mut chars = message.chars();
    match (chars.next(), chars.as_str().starts_with(char::is_uppercase)) {
        (Some(first), false) => first.to_lowercase().chain(chars).collect(),
        _ => message.to_owned(),
    }
}

/// Goes through a text by lines and columns, as the tokenizer counts them.
struct Cursor<'t> {
    rest: std::str::Chars<'t>,
    line: u64,
    column: u64,
    at: usize,
}

impl<'t> Cursor<'t> {
    fn new(text: &'t str, at: usize) -> Self {
        Self {
            rest: text.chars(),
            line: 1,
            column: 1,
            at,
        }
    }

    /// The byte at a location, which is not before the last one.
    fn go_to(&mut self, location: Location) -> usize {
        while (self.line, self.column) < (location.line, location.column) {
            match self.rest.next() {
                Some('\n') => (self.line, self.column, self.at) = (self.line + 1, 1, self.at + 1),
                Some(c) => (self.column, self.at) = (self.column + 1, self.at + c.len_utf8()),
                None => break,
            }
        }
        self.at
    }
}

/// A search in the place of an aggregate's argument.
pub(crate) struct Search {
    /// Where, in the piece.
    pub(crate) span: Span,
    /// What it looks for; it stands where it would in the argument alone.
    pub(crate) term: Term,
}

/// The aggregates that count what a search finds.
const COUNTING: [&str; 2] = ["count", "rate"];

/// The searches in `text`, which begins at `at` in the query: `count(level:error)`.
pub(crate) fn searches(text: &str, at: usize) -> Result<Vec<Search>, Error> {
    let mut found = Vec::new();
    let mut here = 0;
    while here < text.len() {
        let rest = &text[here..];
        let word_len = rest
            .find(|c: char| !(c.is_alphanumeric() || "_@$".contains(c)))
            .unwrap_or(rest.len());
        if word_len == 0 {
            here += opaque_len(rest);
            continue;
        }
        let word = &rest[..word_len];
        here += word_len;
        if !COUNTING.iter().any(|it| word.eq_ignore_ascii_case(it)) {
            continue;
        }
        let behind = &text[here..];
        let gap = behind.len() - behind.trim_start().len();
        if !behind[gap..].starts_with('(') {
            continue;
        }
        let start = here + gap + 1;
        let Some(len) = argument_len(&text[start..]) else {
            continue;
        };
        let span = start..start + len;
        if let Some(term) = searched(&text[span.clone()], at + start)? {
            here = span.end;
            found.push(Search { span, term });
        }
    }
    Ok(found)
}

/// The search that an argument is, if it has a term that SQL does not know: over a field, or a regex
/// in front.
fn searched(argument: &str, at: usize) -> Result<Option<Term>, Error> {
    let begins_with_regex = argument.trim_start().starts_with('/');
    match query::parse_search(argument) {
        Ok(term) => {
            let texts = texts_of_sql(argument);
            Ok((has_field(&term, &texts) || begins_with_regex).then_some(term))
        }
        Err(error) if has_colon(argument) => {
            let span = error.span();
            let moved = Error::new(at + span.start..at + span.end, error.message());
            Err(match error.hint() {
                Some(hint) => moved.with_hint(hint),
                None => moved,
            })
        }
        Err(_) => Ok(None),
    }
}

/// Whether there is a term over a field outside of `texts`.
fn has_field(term: &Term, texts: &[Span]) -> bool {
    match term {
        Term::Field(field) => !texts.iter().any(|text| text.contains(&field.span.start)),
        Term::And(terms) | Term::Or(terms) => terms.iter().any(|term| has_field(term, texts)),
        Term::Not(term) => has_field(term, texts),
        Term::All | Term::Text(_) | Term::Regex(_) => false,
    }
}

/// Where texts in single quotes are, which are SQL's; the one in `it's` is none.
fn texts_of_sql(text: &str) -> Vec<Span> {
    let mut texts = Vec::new();
    let mut here = 0;
    while here < text.len() {
        let len = opaque_len(&text[here..]);
        let follows_word = text[..here].ends_with(char::is_alphanumeric);
        if text[here..].starts_with('\'') && len > 1 && !follows_word {
            texts.push(here..here + len);
        }
        here += len;
    }
    texts
}

/// Whether there is a single `:` outside of quotes.
fn has_colon(text: &str) -> bool {
    let mut here = 0;
    while here < text.len() {
        let rest = &text[here..];
        if rest.starts_with("::") {
            here += 2;
        } else if rest.starts_with(':') {
            return true;
        } else {
            here += opaque_len(rest);
        }
    }
    false
}

/// How long the argument is that a `)` ends.
fn argument_len(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut here = 0;
    while here < text.len() {
        let rest = &text[here..];
        match rest.as_bytes()[0] {
            b')' if depth == 0 => return Some(here),
            b')' => depth -= 1,
            b'(' => depth += 1,
            b'/' if begins_regex(&text[..here]) => {
                here += query::regex_len(rest).unwrap_or(1);
                continue;
            }
            _ => {}
        }
        here += opaque_len(rest);
    }
    None
}

fn begins_regex(before: &str) -> bool {
    before.is_empty() || before.ends_with(|c: char| c.is_whitespace() || "(:-".contains(c))
}

/// How long what a text begins with is: a text in quotes, a comment, or a character.
fn opaque_len(text: &str) -> usize {
    let first = text.chars().next().map_or(1, char::len_utf8);
    let len = match text.as_bytes()[0] {
        quote @ (b'\'' | b'`') => text[1..].find(char::from(quote)).map(|at| at + 2),
        b'"' => quoted_len(text),
        b'-' if text.starts_with("--") => Some(text.find('\n').unwrap_or(text.len())),
        b'/' if text.starts_with("/*") => Some(text.find("*/").map_or(text.len(), |at| at + 2)),
        _ => None,
    };
    len.unwrap_or(first)
}

/// How long the text in double quotes is, where a backslash may stand before any character.
fn quoted_len(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}

/// The tokens, where a length of time among the arguments of `bin` is one text. Kusto has it behind the time.
fn with_spans_of_bins(tokens: Vec<TokenWithSpan>, text: &str, at: usize) -> Vec<TokenWithSpan> {
    let mut out: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let before = |count: usize| out.len().checked_sub(count).map(|it| &out[it].token);
        let is_bin = |count: usize| before(count).is_some_and(|it| is_word(it, "bin"));
        let begins_span = match token.token {
            Token::LParen => is_bin(1),
            Token::Comma => is_bin(3) && before(2) == Some(&Token::LParen),
            _ => false,
        };
        out.push(token);
        if !begins_span || !matches!(tokens.peek().map(|it| &it.token), Some(Token::Number(..))) {
            continue;
        }
        let mut span: Option<Span> = None;
        while let Some(token) =
            tokens.next_if(|it| matches!(it.token, Token::Number(..) | Token::Word(_)))
        {
            let Some(here) = place(token.span) else {
                continue;
            };
            span = Some(span.map_or(here.start, |span| span.start)..here.end);
        }
        if let Some(span) = span {
            let typed = text[span.start - at..span.end - at].to_owned();
            out.push(TokenWithSpan::new(
                Token::SingleQuotedString(typed),
                located(span),
            ));
        }
    }
    out
}

/// The tokens without a comma behind the last of a list: at the end, and before `by`, `group by` and `from`. A `;`
/// at the end goes, too.
fn without_last_commas(mut tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    tokens.pop_if(|it| it.token == Token::SemiColon);
    let ends_list = |rest: &[TokenWithSpan]| match rest {
        [] => true,
        [word, next, ..] if is_word(&word.token, "group") => {
            is_word(&next.token, "by") || is_word(&next.token, "and")
        }
        [word, next, ..] if is_word(&word.token, "by") || is_word(&word.token, "from") => {
            matches!(
                next.token,
                Token::Word(_) | Token::SingleQuotedString(_) | Token::LParen
            ) && !is_word(&next.token, "as")
        }
        _ => false,
    };
    let is_last = |at: usize| tokens[at].token == Token::Comma && ends_list(&tokens[at + 1..]);
    let kept = (0..tokens.len()).filter(|&at| !is_last(at));
    kept.map(|at| tokens[at].clone()).collect()
}

/// The tokens, where `|> drop a, b` is `|> select * except (a, b)`: the parser takes what stands behind
/// the names for more of them.
fn without_drops(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut out: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let is_drop = is_word(&token.token, "drop")
            && out
                .last()
                .is_some_and(|last| last.token == Token::VerticalBarRightAngleBracket);
        if !is_drop {
            out.push(token);
            continue;
        }
        let is_name =
            |it: &TokenWithSpan| matches!(it.token, Token::Word(_) | Token::Comma | Token::Period);
        let before = [
            Token::make_word("SELECT", None),
            Token::Mul,
            Token::make_word("EXCEPT", None),
            Token::LParen,
        ];
        out.extend(before.map(|it| TokenWithSpan::new(it, token.span)));
        while let Some(name) = tokens.next_if(is_name) {
            out.push(name);
        }
        out.push(TokenWithSpan::new(Token::RParen, token.span));
    }
    out
}
