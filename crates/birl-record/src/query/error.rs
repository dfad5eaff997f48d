//! What is wrong with a query, and where.

use std::fmt::{self, Display, Formatter};

use unicode_width::UnicodeWidthChar;

use super::tree::{Span, quote};

/// Columns of the query that are shown before the place in question, where it stands far to the
/// right.
const COLUMNS_BEFORE: usize = 32;
/// Columns of the query that are shown in all.
const COLUMNS_MAX: usize = 72;
/// Bytes of the query that are shown in all, since characters without a width take no columns.
const SHOWN_BYTES_MAX: usize = 8 * COLUMNS_MAX;
/// Characters of the query that a message or a hint repeats at most.
const EXCERPT_CHARS: usize = 40;

/// A query that cannot be read: what is wrong, where, and what would help.
///
/// It prints as one line; [`render`](Error::render) shows the place in the query as well.
#[derive(Clone, Debug, PartialEq)]
pub struct Error {
    span: Span,
    message: String,
    expected: Option<&'static str>,
    hint: Option<String>,
}

impl Error {
    /// `message` says what is wrong with the text at `span`.
    pub fn new(span: Span, message: impl Into<String>) -> Error {
        Error {
            span,
            message: message.into(),
            expected: None,
            hint: None,
        }
    }

    /// There is no `expected` (a noun with its article) at `place` (beginning with a preposition).
    pub(super) fn expected_at(span: Span, expected: &'static str, place: &str) -> Error {
        Error {
            expected: Some(expected),
            ..Error::new(span, format!("expected {expected} {place}"))
        }
    }

    /// Adds the next step that the user may take.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Error {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the hint to search for what was `typed` as it stands.
    pub(crate) fn with_hint_to_quote(self, typed: &str) -> Error {
        let is_word = typed.chars().all(char::is_alphanumeric);
        let kind = if is_word { "word" } else { "text" };
        if is_quotable(typed) {
            let phrase = quote(typed);
            self.with_hint(format!("quote it to search for the {kind}: {phrase}"))
        } else {
            self.with_hint(format!("quote it to search for the {kind}"))
        }
    }

    /// The place in the query's text, in bytes; it lies on character boundaries, and is empty where
    /// the query is.
    pub fn span(&self) -> Span {
        self.span.clone()
    }

    /// What is wrong, in lower case and without a final stop.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What could have stood at the place, such as `a term`, where one thing was missing.
    pub fn expected(&self) -> Option<&str> {
        self.expected
    }

    /// The next step that is likely to help.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The message, the place in `query` with carets below it, and the hint: for people, without a
    /// final newline.
    ///
    /// `query` is the text that was parsed; a place that it does not have is taken for its end.
    /// Only the neighbourhood of the place is shown, of one line, with control characters escaped.
    ///
    /// ```
    /// let query = "timeout OR";
    /// let error = birl_record::query::parse(query).unwrap_err();
    /// assert_eq!(error.render(query), r#"cannot read the query: expected a term after `OR`
    ///   timeout OR
    ///           ^^
    ///
    /// hint: quote it to search for the word: "OR""#);
    /// ```
    pub fn render(&self, query: &str) -> String {
        let mut rendered = self.to_string();
        if !query.trim().is_empty() {
            rendered += &format!("\n{}", pointed_at(query, &self.span));
        }
        if let Some(hint) = &self.hint {
            rendered += &format!("\n\nhint: {hint}");
        }
        rendered
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read the query: {}", self.message)
    }
}

impl std::error::Error for Error {}

/// A place in a text that a user typed: the line that it is in, and below it carets that point there.
/// Both are indented.
pub fn pointed_at(text: &str, span: &Span) -> String {
    let (line, carets) = excerpt_with_carets(text, span);
    format!("  {line}\n  {carets}")
}

/// `text` for use inside of a message: on one line and not long.
pub(crate) fn excerpt(text: &str) -> String {
    let mut shown: String = text.chars().take(EXCERPT_CHARS).map(shown_char).collect();
    if text.chars().nth(EXCERPT_CHARS).is_some() {
        shown.push('…');
    }
    shown
}

/// Whether [`excerpt`] repeats all of `text` as it stands, so that it may be offered for copying.
pub(super) fn is_quotable(text: &str) -> bool {
    text.chars().nth(EXCERPT_CHARS).is_none() && !text.chars().any(is_escaped)
}

/// The neighbourhood of `span` in its line, and the line of carets that belongs below it.
fn excerpt_with_carets(query: &str, span: &Span) -> (String, String) {
    let span = query.floor_char_boundary(span.start)..query.floor_char_boundary(span.end);
    let line_start = query[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = query[span.start..]
        .find('\n')
        .map_or(query.len(), |at| span.start + at);
    let shown_start = line_start + window_start(&query[line_start..span.start]);

    let mut line = String::new();
    let mut columns = 0;
    if shown_start > line_start {
        line.push('…');
        columns += 1;
    }
    // Below the line's end, unless the place is found before it.
    let mut carets = None;
    for (i, c) in query[shown_start..line_end].char_indices() {
        if shown_start + i >= span.start && carets.is_none() {
            carets = Some(columns..columns);
        }
        if i >= SHOWN_BYTES_MAX || columns >= COLUMNS_MAX {
            line.push('…');
            break;
        }
        line += &shown_char(c);
        columns += width(c);
        if let Some(carets) = &mut carets
            && span.contains(&(shown_start + i))
        {
            carets.end = columns;
        }
    }
    let carets = carets.unwrap_or(columns..columns);
    let marks = "^".repeat(carets.len().max(1));
    (line, " ".repeat(carets.start) + &marks)
}

/// Where to begin so that at most [`COLUMNS_BEFORE`] columns of `before` are shown.
fn window_start(before: &str) -> usize {
    let mut columns = 0;
    for (i, c) in before.char_indices().rev() {
        columns += width(c);
        if columns > COLUMNS_BEFORE || before.len() - i > SHOWN_BYTES_MAX / 2 {
            return i + c.len_utf8();
        }
    }
    0
}

fn shown_char(c: char) -> String {
    if is_escaped(c) {
        c.escape_default().to_string()
    } else {
        c.to_string()
    }
}

/// How many columns [`shown_char`] takes.
fn width(c: char) -> usize {
    if is_escaped(c) {
        c.escape_default().len()
    } else {
        c.width().unwrap_or(0)
    }
}

/// Whether `c` would move the carets, or the terminal's cursor, from where they belong: control
/// characters, and those that change the direction of text.
fn is_escaped(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{61c}' | '\u{feff}')
}
