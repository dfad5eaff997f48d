//! The parser of searches, from characters to the tree.
//!
//! Backtracking means "not one of these": what cannot be read for good is cut, with an [`Error`] of our own. No
//! text is looked at more than a fixed number of times, so that the time to parse grows with the query's length.

use winnow::combinator::{
    alt, delimited, dispatch, empty, eof, fail, not, opt, peek, preceded, repeat, separated,
};
use winnow::error::{ErrMode, ParserError};
use winnow::prelude::*;
use winnow::stream::{LocatingSlice, Location, Stateful, Stream};
use winnow::token::{any, one_of, take_till, take_while};

use super::error::{Error, excerpt, is_quotable};
use super::steps;
use super::tree::{Field, Query, Regex, RegexFlags, Span, Term, Text};

/// How deep parentheses and negations may nest; deeper ones would only come from a broken program.
const DEPTH_MAX: usize = 128;

pub(super) type Input<'q> = Stateful<LocatingSlice<&'q str>, State<'q>>;
pub(super) type Parsed<T> = Result<T, ErrMode<Failure>>;

/// What a parser knows beyond the text that is left.
#[derive(Debug)]
pub(super) struct State<'q> {
    /// The whole query.
    pub(super) text: &'q str,
    /// How many parentheses are open.
    groups: usize,
    /// How many parentheses and negations we are in.
    depth: usize,
    /// Whether we are in a field's value, where `name:` begins no term.
    in_value: bool,
    /// Whether a closing slash was sought to the end and not found: outside of parentheses, and inside. Without
    /// this, a query of many paths would take quadratic time.
    no_closing_slash: [bool; 2],
}

/// Why a parser failed: `None` where it merely was not its turn.
#[derive(Debug)]
pub(super) struct Failure(Option<Box<Error>>);

impl<'q> ParserError<Input<'q>> for Failure {
    type Inner = Failure;

    fn from_input(_: &Input<'q>) -> Failure {
        Failure(None)
    }

    fn into_inner(self) -> Result<Failure, Failure> {
        Ok(self)
    }
}

pub(super) fn wrong<T>(error: Error) -> Parsed<T> {
    Err(ErrMode::Cut(Failure(Some(Box::new(error)))))
}

/// Reads all of `text`.
pub(super) fn parse(text: &str) -> Result<Query, Error> {
    let mut input = Input {
        input: LocatingSlice::new(text),
        state: State {
            text,
            groups: 0,
            depth: 0,
            in_value: false,
            no_closing_slash: [false; 2],
        },
    };
    query(&mut input).map_err(|failure| match failure {
        ErrMode::Cut(Failure(Some(error))) => *error,
        _ => Error::new(here(&input), "expected the end of the query"),
    })
}

/// Whether `text` reads as one word that stands for itself.
pub(super) fn is_word(text: &str) -> bool {
    let read = parse(text).map(|query| query.search);
    matches!(read, Ok(Term::Text(word)) if !word.quoted && word.value == text)
}

fn query(input: &mut Input<'_>) -> Parsed<Query> {
    space(input)?;
    if at_end(input) {
        let error = Error::new(here(input), "it is empty");
        return wrong(error.with_hint("'*' finds everything"));
    }
    let sql = opt(steps::sql).parse_next(input)?;
    let search = if sql.is_some() || at_pipe(input) {
        Term::All
    } else {
        match opt(any_of).parse_next(input)? {
            Some(term) => term,
            None => return wrong(no_term_before_operator(input)),
        }
    };
    let steps = repeat(0.., preceded(space, steps::step)).parse_next(input)?;
    (space, eof).parse_next(input)?;
    Ok(Query { search, sql, steps })
}

/// `a OR b`
fn any_of(input: &mut Input<'_>) -> Parsed<Term> {
    let terms = separated(1.., all_of, (space, operator("OR"))).parse_next(input)?;
    Ok(one_or(terms, Term::Or, |term| match term {
        Term::Or(terms) => Ok(terms),
        term => Err(term),
    }))
}

/// `a b`, `a AND b`
fn all_of(input: &mut Input<'_>) -> Parsed<Term> {
    let and = (space, opt(operator("AND")));
    let mut terms = vec![term(input)?];
    let more: Vec<Term> = repeat(0.., preceded(and, term)).parse_next(input)?;
    terms.extend(more);
    Ok(one_or(terms, Term::And, |term| match term {
        Term::And(terms) => Ok(terms),
        term => Err(term),
    }))
}

/// The only one of `terms`, or all of them `joined`, after those that were joined in the same way.
fn one_or(
    mut terms: Vec<Term>,
    join: fn(Vec<Term>) -> Term,
    split: fn(Term) -> Result<Vec<Term>, Term>,
) -> Term {
    if terms.len() == 1 {
        return terms.remove(0);
    }
    let mut flat = Vec::with_capacity(terms.len());
    for term in terms {
        match split(term) {
            Ok(terms) => flat.extend(terms),
            Err(term) => flat.push(term),
        }
    }
    join(flat)
}

/// `NOT a`, `-a`, `a`
fn term(input: &mut Input<'_>) -> Parsed<Term> {
    not(alt((
        end_of_terms,
        keyword("OR").void(),
        keyword("AND").void(),
    )))
    .parse_next(input)?;
    let start = here(input).start;
    if opt(operator("NOT")).parse_next(input)?.is_some() {
        let term = nested(input, start..start + "NOT".len(), term)?;
        return Ok(Term::Not(Box::new(term)));
    }
    if opt(minus).parse_next(input)?.is_some() {
        let term = nested(input, start..start + "-".len(), atom)?;
        return Ok(Term::Not(Box::new(term)));
    }
    atom(input)
}

/// Runs `parser` one level deeper; `span` is what nests.
fn nested<'q, T>(
    input: &mut Input<'q>,
    span: Span,
    parser: fn(&mut Input<'q>) -> Parsed<T>,
) -> Parsed<T> {
    if input.state.depth == DEPTH_MAX {
        let message = format!("more than {DEPTH_MAX} levels of parentheses and negations");
        return wrong(Error::new(span, message));
    }
    input.state.depth += 1;
    let parsed = parser(input);
    input.state.depth -= 1;
    parsed
}

/// An operator in capitals and the space behind it; a term must follow.
fn operator<'q>(name: &'static str) -> impl Parser<Input<'q>, (), ErrMode<Failure>> {
    move |input: &mut Input<'q>| {
        let span = keyword(name).parse_next(input)?;
        space(input)?;
        let nothing = alt((end_of_terms, keyword("OR").void(), keyword("AND").void()));
        if opt(peek(nothing)).parse_next(input)?.is_some() {
            let error = Error::expected_at(span, "a term", &format!("after `{name}`"));
            return wrong(error.with_hint_to_quote(name));
        }
        Ok(())
    }
}

fn no_term_before_operator(input: &mut Input<'_>) -> Error {
    let span = here(input);
    for name in ["OR", "AND"] {
        if let Ok(span) = keyword(name).parse_next(input) {
            let error = Error::expected_at(span, "a term", &format!("before `{name}`"));
            return error.with_hint_to_quote(name);
        }
    }
    Error::expected_at(span, "a term", "here")
}

/// An operator's name that is not the beginning of a word.
fn keyword<'q>(name: &'static str) -> impl Parser<Input<'q>, Span, ErrMode<Failure>> {
    move |input: &mut Input<'q>| {
        let span = name.span().parse_next(input)?;
        let edge = alt((edge, '('.void()));
        peek(edge).parse_next(input)?;
        Ok(span)
    }
}

/// A `-` that negates what it touches, and is not a dash, an arrow or an option's.
fn minus(input: &mut Input<'_>) -> Parsed<()> {
    let word = alt((edge, one_of(['-', '>']).void()));
    ('-', not(word)).void().parse_next(input)
}

fn atom(input: &mut Input<'_>) -> Parsed<Term> {
    dispatch! { peek(any);
        '(' => group,
        '"' => phrase.map(Term::Text),
        '/' => alt((regex.map(Term::Regex), word.map(Term::Text))),
        '*' => alt((everything, word.map(Term::Text))),
        _ => alt((field.map(Term::Field), word.map(Term::Text))),
    }
    .parse_next(input)
}

/// `*`
fn everything(input: &mut Input<'_>) -> Parsed<Term> {
    ('*', peek(edge)).value(Term::All).parse_next(input)
}

/// `(a OR b)`
fn group(input: &mut Input<'_>) -> Parsed<Term> {
    let open = '('.span().parse_next(input)?;
    input.state.groups += 1;
    space(input)?;
    let Some(term) = nested(input, open.clone(), |input| opt(any_of).parse_next(input))? else {
        return wrong(no_term_in_group(input, open));
    };
    space(input)?;
    if opt(')').parse_next(input)?.is_none() {
        return wrong(unclosed_group(input, open));
    }
    input.state.groups -= 1;
    end_of_term(input, open.start, "`)`")?;
    Ok(term)
}

fn no_term_in_group(input: &mut Input<'_>, open: Span) -> Error {
    if at_pipe(input) || at_end(input) {
        return unclosed_group(input, open);
    }
    if rest(input).starts_with(')') {
        let span = open.start..here(input).start + 1;
        let found = &input.state.text[span.clone()];
        return Error::expected_at(span, "a term", "between `(` and `)`").with_hint_to_quote(found);
    }
    no_term_before_operator(input)
}

fn unclosed_group(input: &mut Input<'_>, open: Span) -> Error {
    if at_pipe(input) {
        let error = Error::expected_at(here_char(input), "`)`", "before the pipe");
        return error.with_hint("to find either of two terms, write `OR` between them");
    }
    let typed = &input.state.text[open.start..token_end(input.state.text, open.start)];
    Error::expected_at(open, "`)`", "to close this `(`").with_hint_to_quote(typed)
}

/// `"connection reset"`
fn phrase(input: &mut Input<'_>) -> Parsed<Text> {
    let (value, span) = quoted.with_span().parse_next(input)?;
    if value.is_empty() {
        let error = Error::expected_at(span, "text", "between the quotes");
        return wrong(error.with_hint("'*' finds everything"));
    }
    end_of_term(input, span.start, "the closing quote")?;
    Ok(Text {
        value,
        quoted: true,
        span,
    })
}

/// Text in double quotes, with its escapes resolved.
fn quoted(input: &mut Input<'_>) -> Parsed<String> {
    let open = '"'.span().parse_next(input)?;
    let piece = alt((
        take_till(1.., ['"', '\\']).map(str::to_owned),
        escape.map(String::from),
    ));
    let value = repeat(0.., piece)
        .fold(String::new, |value, piece: String| value + &piece)
        .parse_next(input)?;
    if opt('"').parse_next(input)?.is_none() {
        let error = Error::expected_at(open, "a closing quote", "for this one");
        return wrong(error.with_hint(r#"to search for a quote, write "\"""#));
    }
    Ok(value)
}

/// `\"`, `\u{1b}`
fn escape(input: &mut Input<'_>) -> Parsed<char> {
    let start = '\\'.span().parse_next(input)?.start;
    // A backslash at the end leaves the quotes unclosed, which is the better thing to say.
    let letter = any(input)?;
    let resolved = match letter {
        '"' | '\\' | '/' => Some(letter),
        't' => Some('\t'),
        'n' => Some('\n'),
        'r' => Some('\r'),
        'u' => opt(code_point).parse_next(input)?,
        _ => None,
    };
    match resolved {
        Some(c) => Ok(c),
        None => {
            let span = start..here(input).start;
            let message = format!(
                "unknown escape `{}`",
                excerpt(&input.state.text[span.clone()])
            );
            let hint = match letter {
                'u' => r"write a character by its number such as `\u{1b}`",
                _ => r"for a backslash, write `\\`",
            };
            wrong(Error::new(span, message).with_hint(hint))
        }
    }
}

/// The `{1b}` of `\u{1b}`.
fn code_point(input: &mut Input<'_>) -> Parsed<char> {
    let digits = take_while(1..=6, |c: char| c.is_ascii_hexdigit());
    delimited('{', digits, '}')
        .verify_map(|digits| u32::from_str_radix(digits, 16).ok())
        .verify_map(char::from_u32)
        .parse_next(input)
}

/// `/panic at .*:\d+/i`
fn regex(input: &mut Input<'_>) -> Parsed<Regex> {
    let in_group = input.state.groups > 0;
    let Some(body) = regex_ahead(input, in_group) else {
        return fail(input);
    };
    let start = here(input).start;
    let flags_at = body + 1;
    let rest = rest(input);
    let flags_len = regex_flags(&rest[flags_at..]).len();
    let text = input.next_slice(flags_at + flags_len);
    let regex = Regex {
        pattern: unescape_slashes(&text[1..body]),
        flags: RegexFlags {
            ignore_case: text[flags_at..].contains('i'),
            dot_matches_new_line: text[flags_at..].contains('s'),
            verbose: text[flags_at..].contains('x'),
        },
        span: start..here(input).start,
    };
    end_of_term(input, start, "the regex")?;
    Ok(regex)
}

/// Where the closing slash stands of the regex that begins here, if one does; `in_group` is whether a
/// parenthesis is open.
pub(super) fn regex_ahead(input: &mut Input<'_>, in_group: bool) -> Option<usize> {
    if input.state.no_closing_slash[usize::from(in_group)] {
        return None;
    }
    let rest = rest(input);
    let closing = closing_slash(rest, in_group);
    if closing.is_none() {
        input.state.no_closing_slash[usize::from(in_group)] = true;
    }
    // An empty regex would be a comment's `//`.
    closing.filter(|&at| at > 1)
}

/// Where the regex ends that the first `/` of `text` opens.
fn closing_slash(text: &str, in_group: bool) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'/' if is_closing(&text[at..], in_group) => return Some(at),
            _ => at += 1,
        }
    }
    None
}

/// Whether the `/` that `text` begins with may close a regex somewhere.
pub(super) fn closes_regex(text: &str) -> bool {
    is_closing(text, true)
}

/// Whether `text` ends in what would close a regex, if a space followed.
pub(super) fn ends_like_regex(text: &str) -> bool {
    text.rfind('/')
        .is_some_and(|at| text[at..].len() <= "/isx".len() && closes_regex(&text[at..]))
}

fn is_closing(slash: &str, in_group: bool) -> bool {
    let behind = &slash[1..];
    let behind = &behind[regex_flags(behind).len()..];
    match behind.chars().next() {
        None | Some('|') => true,
        Some(')') => in_group,
        Some(c) => c.is_whitespace(),
    }
}

/// The flags that `text` begins with: each at most once, so that fewer paths look like a regex.
fn regex_flags(text: &str) -> &str {
    let bytes = text.as_bytes();
    let is_flag = |at: usize| b"isx".contains(&bytes[at]) && !bytes[..at].contains(&bytes[at]);
    let len = (0..bytes.len()).take_while(|&at| is_flag(at)).count();
    &text[..len]
}

/// `pattern` with `\/` as `/`, and all other escapes as they are.
fn unescape_slashes(pattern: &str) -> String {
    let mut unescaped = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match (c, chars.clone().next()) {
            ('\\', Some('/')) => {}
            ('\\', Some(escaped)) => {
                unescaped.extend([c, escaped]);
                chars.next();
            }
            _ => unescaped.push(c),
        }
    }
    unescaped
}

/// `level:>=warn`
fn field(input: &mut Input<'_>) -> Parsed<Field> {
    if input.state.in_value {
        return fail(input);
    }
    let start = here(input).start;
    let name = (one_of(begins_name), take_while(0.., continues_name)).take();
    let colon = (':', not(alt((":", "//"))));
    let name: &str = (name, colon).map(|(name, _)| name).parse_next(input)?;
    let value_start = here(input).start;
    value(input)?;
    let end = here(input).start;
    Ok(Field {
        name: name.to_owned(),
        value: input.state.text[value_start..end].to_owned(),
        span: start..end,
    })
}

fn begins_name(c: char) -> bool {
    c.is_alphabetic() || c == '_' || c == '@'
}

fn continues_name(c: char) -> bool {
    c.is_alphanumeric() || "_@.-$".contains(c)
}

/// What stands behind a field's colon; the colon has been read.
fn value(input: &mut Input<'_>) -> Parsed<()> {
    dispatch! { peek(opt(any));
        Some('(') => value_group,
        Some('/') => alt((regex.void(), range)),
        _ => range,
    }
    .parse_next(input)
}

/// `(error OR fatal)`
fn value_group(input: &mut Input<'_>) -> Parsed<()> {
    input.state.in_value = true;
    let parsed = group(input);
    input.state.in_value = false;
    parsed.map(|_| ())
}

/// `>=warn`, `500..599`, `"two words"`, `"2026-01-01 10:00"..`, `web-*`
fn range(input: &mut Input<'_>) -> Parsed<()> {
    let start = here(input).start;
    opt(alt((">=", "<=", "!=", ">", "<", "="))).parse_next(input)?;
    let low = take_till(0.., |c: char| c.is_whitespace() || "\"()|".contains(c));
    let quote_follows = (low.verify(|low: &str| low.ends_with("..")), peek('"'));
    opt(quote_follows).parse_next(input)?;
    if at_edge(input) {
        return wrong(no_value(input));
    }
    if opt(quoted).parse_next(input)?.is_some() {
        let high = ("..", alt((quoted.void(), word_text.void(), peek(edge))));
        opt(high).parse_next(input)?;
        return end_of_term(input, start, "the closing quote");
    }
    word_text.void().parse_next(input)
}

fn no_value(input: &mut Input<'_>) -> Error {
    let end = here(input).start;
    let start = token_start(&input.state.text[..end]);
    let typed = &input.state.text[start..end];
    Error::expected_at(
        start..end,
        "a value",
        &format!("after `{}`", excerpt(typed)),
    )
    .with_hint_to_quote(typed)
}

fn word(input: &mut Input<'_>) -> Parsed<Text> {
    let (value, span) = word_text.with_span().parse_next(input)?;
    Ok(Text {
        value: value.to_owned(),
        quoted: false,
        span,
    })
}

/// The characters up to the next edge.
fn word_text<'q>(input: &mut Input<'q>) -> Parsed<&'q str> {
    let text = word_chars.take();
    text.verify(|text: &str| !text.is_empty()).parse_next(input)
}

/// Skips what belongs to a word, with the parentheses that it opens itself.
fn word_chars(input: &mut Input<'_>) -> Parsed<()> {
    let mut opened = 0_usize;
    while let Some(c) = input.peek_token() {
        match c {
            '(' => opened += 1,
            ')' if opened > 0 => opened -= 1,
            ')' if input.state.groups > 0 => break,
            '|' => match bar_ahead(input) {
                Bar::Pipe(_) => break,
                Bar::Plain(len) => {
                    input.next_slice(len);
                    continue;
                }
                Bar::Lone => return wrong(lone_bar(input)),
            },
            c if c.is_whitespace() => break,
            _ => {}
        }
        input.next_token();
    }
    Ok(())
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
fn lone_bar(input: &Input<'_>) -> Error {
    let (text, span) = (input.state.text, here_char(input));
    let token = token_start(&text[..span.start])..token_end(text, span.start);
    let error = Error::new(span, "`|` is a pipe only between spaces");
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

/// Where the token begins that `before` ends in.
fn token_start(before: &str) -> usize {
    before
        .char_indices()
        .rev()
        .find(|(_, c)| c.is_whitespace() || "(".contains(*c))
        .map_or(0, |(at, c)| at + c.len_utf8())
}

/// Where the token ends that `at` lies in.
fn token_end(text: &str, at: usize) -> usize {
    text[at..]
        .find(char::is_whitespace)
        .map_or(text.len(), |len| at + len)
}

/// Nothing, where the term that began at `start` may end; otherwise an error: what has an end of its own ends
/// there and nowhere else.
fn end_of_term(input: &mut Input<'_>, start: usize, what: &str) -> Parsed<()> {
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

/// Nothing, where a term may end.
fn edge(input: &mut Input<'_>) -> Parsed<()> {
    alt((end_of_terms, one_of(char::is_whitespace).void())).parse_next(input)
}

/// The end, a pipe, or the parenthesis that closes the open one.
fn end_of_terms(input: &mut Input<'_>) -> Parsed<()> {
    let ends = match input.peek_token() {
        None => true,
        Some(')') => input.state.groups > 0,
        Some('|') => matches!(bar_ahead(input), Bar::Pipe(_)),
        Some(_) => false,
    };
    if ends { empty(input) } else { fail(input) }
}

fn at_edge(input: &mut Input<'_>) -> bool {
    peek(edge).parse_next(input).is_ok()
}

fn at_end(input: &Input<'_>) -> bool {
    input.peek_token().is_none()
}

fn at_pipe(input: &Input<'_>) -> bool {
    input.peek_token() == Some('|') && matches!(bar_ahead(input), Bar::Pipe(_))
}

/// The text that is left.
pub(super) fn rest<'q>(input: &Input<'q>) -> &'q str {
    &input.state.text[here(input).start..]
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

pub(super) fn space(input: &mut Input<'_>) -> Parsed<()> {
    take_while(0.., char::is_whitespace)
        .void()
        .parse_next(input)
}
