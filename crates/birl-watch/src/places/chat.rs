//! Alerts as messages in chat rooms: within the service's limits, and with nothing in them that the
//! service takes for more than text. What stands in a log is written by strangers.

use std::borrow::Cow;

use super::form;
use crate::alert::Alert;

/// How a service reads what it is given.
pub(super) struct Dialect {
    /// A text in pieces that must not be cut, so that it shows as it is.
    pub(super) escape: fn(&str) -> Vec<Cow<'_, str>>,
    /// The same between fences.
    pub(super) escape_code: fn(&str) -> Vec<Cow<'_, str>>,
}

/// How long the parts of a message may be, in UTF-16 units: no service counts more strictly.
pub(super) struct Budget {
    pub(super) headline: usize,
    pub(super) text: usize,
    pub(super) samples: usize,
    pub(super) ask: usize,
}

/// A message in parts, each escaped and cut to its length.
pub(super) struct Parts {
    /// The rule, whether it fires, and of which group: one line.
    pub(super) headline: String,
    /// What people read.
    pub(super) text: String,
    /// Sample records between fences; empty where there are none.
    pub(super) samples: String,
    /// How to ask for the rest, between fences; empty where that is not known.
    pub(super) ask: String,
}

/// What the fences around code take.
const FENCES_UNITS: usize = "```\n\n```".len();

impl Parts {
    pub(super) fn new(alert: &Alert, dialect: &Dialect, budget: &Budget) -> Self {
        let fenced = |text: &str, units_max: usize| match text.is_empty() {
            true => String::new(),
            false => {
                let pieces = (dialect.escape_code)(text);
                format!("```\n{}\n```", fitted(&pieces, units_max - FENCES_UNITS))
            }
        };
        let samples: Vec<_> = alert.samples_beside_text().map(String::as_str).collect();
        Self {
            headline: fitted(&(dialect.escape)(&form::headline(alert)), budget.headline),
            text: fitted(&(dialect.escape)(alert.text.trim_end()), budget.text),
            samples: fenced(samples.join("\n").trim_end(), budget.samples),
            ask: fenced(&alert.ask, budget.ask),
        }
    }

    /// All of it below a bold headline, whose marks are `bold`.
    pub(super) fn joined(&self, bold: &str) -> String {
        let headline = format!("{bold}{}{bold}", self.headline);
        let parts = [&headline, &self.text, &self.samples, &self.ask];
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        parts.map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

/// As many of the pieces as fit, and `…` if that is not all.
fn fitted(pieces: &[Cow<'_, str>], units_max: usize) -> String {
    let (mut text, mut units, mut with_mark) = (String::new(), 0, 0);
    for piece in pieces {
        units += piece.encode_utf16().count();
        if units > units_max {
            text.truncate(with_mark);
            text.push('…');
            return text;
        }
        text.push_str(piece);
        if units < units_max {
            with_mark = text.len();
        }
    }
    text
}

/// Slack's: three characters make everything that is not text (links, mentions, `<!channel>`).
pub(super) const SLACK: Dialect = Dialect {
    escape: |text| pieces(text, slack_escape),
    escape_code: |text| code(text, slack_escape),
};

/// Markdown, as Mattermost and Discord have it.
pub(super) const MARKDOWN: Dialect = Dialect {
    escape: markdown,
    escape_code: |text| code(text, |_| None),
};

/// An empty width that breaks what it stands in.
const BREAK: &str = "\u{200b}";

fn slack_escape(letter: char) -> Option<&'static str> {
    match letter {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        _ => None,
    }
}

fn pieces(text: &str, escape: fn(char) -> Option<&'static str>) -> Vec<Cow<'_, str>> {
    let piece = |(at, letter): (usize, char)| match escape(letter) {
        Some(escaped) => Cow::Borrowed(escaped),
        None => Cow::Borrowed(&text[at..at + letter.len_utf8()]),
    };
    visible(text).map(piece).collect()
}

/// Text between fences: nothing in it ends them.
fn code(text: &str, escape: fn(char) -> Option<&'static str>) -> Vec<Cow<'_, str>> {
    let mut pieces = pieces(text, escape);
    for at in 1..pieces.len() {
        if pieces[at] == "`" && pieces[at - 1].starts_with('`') {
            pieces[at - 1].to_mut().push_str(BREAK);
        }
    }
    // Beside the fences as well.
    for end in [0, pieces.len().saturating_sub(1)] {
        if pieces.get(end).is_some_and(|piece| piece == "`") {
            pieces[end] = Cow::Owned(format!("{BREAK}`{BREAK}"));
        }
    }
    pieces
}

/// A text with a backslash before all that means something, and with mentions broken up.
fn markdown(text: &str) -> Vec<Cow<'_, str>> {
    let mut pieces = Vec::new();
    let mut line = Line::default();
    for (at, letter) in visible(text) {
        let verbatim = &text[at..at + letter.len_utf8()];
        let is_word_start = !line.is_in_word;
        if is_word_start
            && ["http://", "https://"]
                .iter()
                .any(|s| text[at..].starts_with(s))
        {
            line.is_in_url = true;
        }
        if letter.is_whitespace() || matches!(letter, '<' | '>') {
            line.is_in_url = false;
        }
        let is_special = match letter {
            '[' | ']' | '<' | '>' | '`' => true,
            '\\' | '*' | '_' | '~' | '|' => !line.is_in_url,
            '#' | '-' | '+' | '=' => line.is_blank,
            '.' | ')' => line.is_number,
            _ => false,
        };
        pieces.push(match letter {
            // Deeper, and it would be code.
            ' ' | '\t' if line.is_blank && line.indent == 3 => continue,
            '@' => Cow::Owned(format!("@{BREAK}")),
            _ if is_special => Cow::Owned(format!("\\{letter}")),
            _ => Cow::Borrowed(verbatim),
        });
        line.pass(letter);
    }
    pieces
}

/// Where in a line of Markdown one is.
struct Line {
    /// Nothing but white space so far, so wide.
    is_blank: bool,
    indent: usize,
    /// Nothing but digits so far.
    is_number: bool,
    is_in_word: bool,
    is_in_url: bool,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            is_blank: true,
            indent: 0,
            is_number: false,
            is_in_word: false,
            is_in_url: false,
        }
    }
}

impl Line {
    fn pass(&mut self, letter: char) {
        if letter == '\n' {
            *self = Self::default();
            return;
        }
        self.is_number = letter.is_ascii_digit() && (self.is_blank || self.is_number);
        self.is_in_word = letter.is_alphanumeric();
        match self.is_blank && letter.is_whitespace() {
            true => self.indent += 1,
            false => self.is_blank = false,
        }
    }
}

/// The letters that are to be seen. What steers terminals, or the direction of text, is left out.
fn visible(text: &str) -> impl Iterator<Item = (usize, char)> {
    text.char_indices().filter(|(_, letter)| match letter {
        '\n' | '\t' => true,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => false,
        _ => !letter.is_control(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn escaped(dialect: &Dialect, text: &str) -> String {
        (dialect.escape)(text).concat()
    }

    #[test]
    fn nothing_in_a_text_is_more_than_text_to_slack() {
        let text = "<!channel> <https://evil|click> &amp; a\u{1b}[2J\u{202e}b";
        assert_eq!(
            escaped(&SLACK, text),
            "&lt;!channel&gt; &lt;https://evil|click&gt; &amp;amp; a[2Jb"
        );
    }

    #[test]
    fn nothing_in_a_text_is_more_than_text_in_markdown() {
        let cases = [
            (
                "@all @here a@b.c",
                "@\u{200b}all @\u{200b}here a@\u{200b}b.c",
            ),
            (
                "[click](http://evil) ![](x)",
                "\\[click\\](http://evil) !\\[\\](x)",
            ),
            (
                "**bold** snake_case ~~x~~ |y|",
                "\\*\\*bold\\*\\* snake\\_case \\~\\~x\\~\\~ \\|y\\|",
            ),
            ("a `code` <@123>", "a \\`code\\` \\<@\u{200b}123\\>"),
            (
                "# no title\n - 1 - 2\n10. x 1.5",
                "\\# no title\n \\- 1 - 2\n10\\. x 1.5",
            ),
            (
                "see https://h/a_b*c?[x] a_b",
                "see https://h/a_b*c?\\[x\\] a\\_b",
            ),
            ("     deep\n> quoted", "   deep\n\\> quoted"),
        ];
        for (text, expected) in cases {
            assert_eq!(escaped(&MARKDOWN, text), expected);
        }
    }

    proptest! {
        #[test]
        fn code_never_ends_its_fences(text in "[`a\\n<&]{0,40}") {
            for dialect in [&SLACK, &MARKDOWN] {
                let fenced = format!("```\n{}\n```", (dialect.escape_code)(&text).concat());
                prop_assert_eq!(fenced.matches("``").count(), 2, "{}", fenced);
            }
        }

        #[test]
        fn what_fits_is_whole_and_what_does_not_is_cut_between_pieces(
            text in "[a-c<é𝄞]{0,20}",
            units_max in 1..30_usize,
        ) {
            let pieces = (SLACK.escape)(&text);
            let all = pieces.concat();
            let fitted = fitted(&pieces, units_max);
            prop_assert!(fitted.encode_utf16().count() <= units_max);
            if all.encode_utf16().count() <= units_max {
                prop_assert_eq!(fitted, all);
            } else {
                let kept = fitted.strip_suffix('…').unwrap();
                let mut ends = (0..=pieces.len()).map(|n| pieces[..n].concat());
                // The longest that leaves room for the mark.
                let expected = ends.rfind(|it| it.encode_utf16().count() < units_max);
                prop_assert_eq!(kept, expected.unwrap());
            }
        }
    }
}
