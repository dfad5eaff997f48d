//! One line of IRC: tags, source, command and parameters, where they stand.

use std::borrow::Cow;

/// So many parameters has a line at most; what is behind them belongs to the last.
const PARAMS_MAX: usize = 15;

/// A line of IRC (RFC 1459, section 2.3.1, and message tags of IRCv3). Its parts are views of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    tags: &'a [u8],
    /// Who has sent it: `nick!user@host`, or a server.
    pub(super) source: Option<&'a [u8]>,
    /// Three digits or a word.
    pub(super) command: &'a [u8],
    params: [&'a [u8]; PARAMS_MAX],
    params_len: usize,
}

impl<'a> Line<'a> {
    /// Reads a line without its end; `None` where it has no command.
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        let mut rest = spaces(line);
        let (mut tags, mut source) = (&line[..0], None);
        if let Some(behind) = rest.strip_prefix(b"@") {
            (tags, rest) = word(behind);
        }
        if let Some(behind) = rest.strip_prefix(b":") {
            let (found, behind) = word(behind);
            (source, rest) = (Some(found), behind);
        }
        let (command, mut rest) = word(rest);
        if command.is_empty() {
            return None;
        }
        let mut params = [&line[..0]; PARAMS_MAX];
        let mut params_len = 0;
        while !rest.is_empty() {
            let (param, behind) = match rest.strip_prefix(b":") {
                Some(trailing) => (trailing, &rest[..0]),
                None if params_len == PARAMS_MAX - 1 => (rest, &rest[..0]),
                None => word(rest),
            };
            params[params_len] = param;
            params_len += 1;
            rest = behind;
        }
        Some(Self {
            tags,
            source,
            command,
            params,
            params_len,
        })
    }

    pub(super) fn params(&self) -> &[&'a [u8]] {
        &self.params[..self.params_len]
    }

    /// A parameter as text; empty where there is none.
    pub(super) fn param(&self, at: usize) -> Cow<'a, str> {
        text(self.params().get(at).copied().unwrap_or_default())
    }

    /// The last parameter, which is for people in many lines.
    pub(super) fn last(&self) -> Cow<'a, str> {
        text(self.params().last().copied().unwrap_or_default())
    }

    /// The number that the command is.
    pub(super) fn numeric(&self) -> Option<u16> {
        let [a, b, c] = self.command else {
            return None;
        };
        let digit = |byte: u8| char::from(byte).to_digit(10);
        let number = digit(*a)? * 100 + digit(*b)? * 10 + digit(*c)?;
        u16::try_from(number).ok()
    }

    /// The nick, or the name of the server, that has sent it.
    pub(super) fn sender(&self) -> Cow<'a, str> {
        let source = self.source.unwrap_or_default();
        let end = source.iter().position(|byte| matches!(byte, b'!' | b'@'));
        text(&source[..end.unwrap_or(source.len())])
    }

    /// The value of a tag; empty where it has none. Of a tag that is there twice, the last counts.
    pub(super) fn tag(&self, key: &str) -> Option<String> {
        let mut tags = self.tags.rsplit(|&byte| byte == b';');
        tags.find_map(|tag| match tag.strip_prefix(key.as_bytes())? {
            [] => Some(String::new()),
            [b'=', value @ ..] => Some(unescaped(value)),
            _ => None,
        })
    }
}

fn spaces(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|&byte| byte != b' ');
    &text[start.unwrap_or(text.len())..]
}

/// What stands before the first space, and what stands behind all that follow it.
fn word(text: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b' ', text) {
        Some(at) => (&text[..at], spaces(&text[at..])),
        None => (text, &text[..0]),
    }
}

/// Bytes as text: UTF-8, or else what was common before it (ISO 8859-1).
pub(super) fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().copied().map(char::from).collect()),
    }
}

/// The value of a tag as it is meant (message tags of IRCv3, "Escaping values").
fn unescaped(value: &[u8]) -> String {
    let value = text(value);
    let mut unescaped = String::with_capacity(value.len());
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        unescaped.extend(match letter {
            '\\' => match letters.next() {
                Some(':') => Some(';'),
                Some('s') => Some(' '),
                Some('r') => Some('\r'),
                Some('n') => Some('\n'),
                other => other,
            },
            letter => Some(letter),
        });
    }
    unescaped
}

/// A value as it stands in a tag.
pub(super) fn escaped(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for letter in value.chars() {
        match letter {
            ';' => escaped.push_str("\\:"),
            ' ' => escaped.push_str("\\s"),
            '\r' => escaped.push_str("\\r"),
            '\n' => escaped.push_str("\\n"),
            '\\' => escaped.push_str("\\\\"),
            '\0' => {}
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(line: &str) -> Option<(String, String, Vec<String>)> {
        let line = Line::parse(line.as_bytes())?;
        Some((
            line.sender().into_owned(),
            text(line.command).into_owned(),
            line.params()
                .iter()
                .map(|param| text(param).into_owned())
                .collect(),
        ))
    }

    #[test]
    fn lines_are_told_apart_into_their_parts() {
        let cases: &[(&str, &str, &str, &[&str])] = &[
            ("PING", "", "PING", &[]),
            ("PING :a b", "", "PING", &["a b"]),
            (":irc.h 001 me :Hello", "irc.h", "001", &["me", "Hello"]),
            (":a!b@c PRIVMSG #x ::)", "a", "PRIVMSG", &["#x", ":)"]),
            (":a!b@c PRIVMSG #x :", "a", "PRIVMSG", &["#x", ""]),
            ("@t=1;u :a@c  NICK   b ", "a", "NICK", &["b"]),
            (
                "@t=1 CAP * LS * :x y=z",
                "",
                "CAP",
                &["*", "LS", "*", "x y=z"],
            ),
            (
                "X 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 :17",
                "",
                "X",
                &[
                    "1",
                    "2",
                    "3",
                    "4",
                    "5",
                    "6",
                    "7",
                    "8",
                    "9",
                    "10",
                    "11",
                    "12",
                    "13",
                    "14",
                    "15 16 :17",
                ],
            ),
        ];
        for (line, sender, command, params) in cases {
            let params = params.iter().map(|param| (*param).to_owned()).collect();
            let expected = ((*sender).to_owned(), (*command).to_owned(), params);
            assert_eq!(parts(line), Some(expected), "{line:?}");
        }
        for line in ["", "  ", "@t", ":a", "@t :a "] {
            assert_eq!(parts(line), None, "{line:?}");
        }
    }

    #[test]
    fn tags_are_found_and_unescaped() {
        let line = r"@a=1;b;c=x\:\s\\\r\n\q\;+d/e=;a=2 PING";
        let line = Line::parse(line.as_bytes()).unwrap();
        assert_eq!(line.tag("a").as_deref(), Some("2"));
        assert_eq!(line.tag("b").as_deref(), Some(""));
        assert_eq!(line.tag("c").as_deref(), Some("x; \\\r\nq"));
        assert_eq!(line.tag("+d/e").as_deref(), Some(""));
        assert_eq!(line.tag("d"), None);
        assert_eq!(line.tag(""), None);
    }

    #[test]
    fn text_that_is_not_utf8_is_read_as_it_was_before() {
        let line = Line::parse(b"PRIVMSG #x :gr\xfc\xdfe").unwrap();
        assert_eq!(line.last(), "grüße");
    }

    #[test]
    fn numbers_are_three_digits() {
        let numeric = |line: &str| Line::parse(line.as_bytes()).unwrap().numeric();
        assert_eq!(numeric("005 x"), Some(5));
        assert_eq!(numeric("433"), Some(433));
        for line in ["43", "4333", "4a3", "PING"] {
            assert_eq!(numeric(line), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_line_is_too_strange(line in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Some(line) = Line::parse(&line) {
                prop_assert!(line.params().len() <= PARAMS_MAX);
                line.tag("a");
                line.sender();
            }
        }

        #[test]
        fn a_value_survives_a_tag(value in "[a-z;: \\\\\r\n]{0,20}") {
            let line = format!("@k={} X", escaped(&value));
            let line = Line::parse(line.as_bytes()).unwrap();
            prop_assert_eq!(line.tag("k"), Some(value));
        }
    }
}
