//! The parsers of single terms: phrases, regexes, field terms and words.

use winnow::combinator::{alt, delimited, dispatch, fail, not, opt, peek, repeat};
use winnow::prelude::*;
use winnow::stream::Stream;
use winnow::token::{any, one_of, take_till, take_while};

use super::edge::{Bar, at_edge, bar_ahead, edge, end_of_term, lone_bar, token_start};
use super::error::{Error, excerpt};
use super::grammar::{group, parse};
use super::input::{Input, Parsed, here, rest, wrong};
use super::tree::{Field, Regex, RegexFlags, Term, Text};

pub(super) fn atom(input: &mut Input<'_>) -> Parsed<Term> {
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
    let Some(body) = regex_ahead(input) else {
        return fail(input);
    };
    let start = here(input).start;
    let flags_at = body + 1;
    let rest = rest(input);
    let flags_len = regex_flags(&rest[flags_at..]).len();
    let text = input.next_slice(flags_at + flags_len);
    let regex = Regex {
        pattern: text[1..body].to_owned(),
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

/// Where the closing slash stands of the regex that begins here, if one does.
pub(super) fn regex_ahead(input: &mut Input<'_>) -> Option<usize> {
    let start = here(input).start;
    if start < input.state.no_closing_slash_until {
        return None;
    }
    let closing = closing_slash(rest(input));
    if let Err(end) = closing {
        input.state.no_closing_slash_until = start + end;
    }
    // An empty regex would be a comment's `//`.
    closing.ok().filter(|&at| at > 1)
}

/// Whether `text` is a regex, slashes and flags included.
pub(super) fn is_regex(text: &str) -> bool {
    regex_len(text) == Some(text.len())
}

/// How long the regex is that `text` begins with, slashes and flags included, if it begins with one.
pub fn regex_len(text: &str) -> Option<usize> {
    let closing = text.starts_with('/').then(|| closing_slash(text))?;
    let behind = closing.ok().filter(|&at| at > 1)? + 1;
    Some(behind + regex_flags(&text[behind..]).len())
}

/// Where the regex ends that the first `/` of `text` opens; if it opens none, how far there is no slash
/// that closes one.
///
/// In `/a | b/` a pipe between spaces is part of the regex. It is none where that cannot be meant: in
/// `path:/api/* |> where a / b > 1` there is a division, and so there is behind `|`; and in
/// `path:/api/* | extract /(?<a>b)/` there is another regex.
fn closing_slash(text: &str) -> Result<usize, usize> {
    let bytes = text.as_bytes();
    let is_space = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_whitespace);
    let mut pipe = None;
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'|' if is_space(at - 1) && bytes.get(at + 1) == Some(&b'>') => return Err(at),
            b'|' if is_space(at - 1) && is_space(at + 1) => pipe = pipe.or(Some(at)),
            b'/' if is_space(at - 1)
                && let Some(pipe) = pipe =>
            {
                return Err(pipe);
            }
            b'/' if closes_regex(&text[at..]) => return Ok(at),
            _ => {}
        }
        at += 1;
    }
    Err(text.len())
}

/// Whether the `/` that `text` begins with ends a regex, if one is open.
pub(super) fn closes_regex(text: &str) -> bool {
    let behind = &text[1..];
    let behind = &behind[regex_flags(behind).len()..];
    behind
        .chars()
        .next()
        .is_none_or(|c| c.is_whitespace() || c == ')' || c == '|')
}

/// Whether `text` ends in what would close a regex, if a space followed.
pub(super) fn ends_like_regex(text: &str) -> bool {
    text.rfind('/')
        .is_some_and(|at| text[at..].len() <= "/isx".len() && closes_regex(&text[at..]))
}

/// The flags that `text` begins with: each at most once, so that fewer paths look like a regex.
fn regex_flags(text: &str) -> &str {
    let bytes = text.as_bytes();
    let is_flag = |at: usize| b"isx".contains(&bytes[at]) && !bytes[..at].contains(&bytes[at]);
    let len = (0..bytes.len()).take_while(|&at| is_flag(at)).count();
    &text[..len]
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

pub(super) fn continues_name(c: char) -> bool {
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

/// Whether `text` reads as one word that stands for itself.
pub(super) fn is_word(text: &str) -> bool {
    let read = parse(text, &[]).map(|query| query.search);
    matches!(read, Ok(Term::Text(word)) if !word.quoted && word.value == text)
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
