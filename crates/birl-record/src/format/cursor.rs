//! A cursor over a line: what formats are read with.

use memchr::memchr;

use crate::json;
use crate::time::Shape;

/// A place in a text. What is taken lies before it; what is not as it should be moves nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { rest: text }
    }

    /// All that has not been taken.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Takes `expected`.
    pub(super) fn skip(&mut self, expected: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(expected)?;
        Some(())
    }

    /// Takes spaces and tabs, if there are any.
    pub(super) fn skip_space(&mut self) {
        let is_space = |byte: &&u8| matches!(byte, b' ' | b'\t');
        let count = self.rest.iter().take_while(is_space).count();
        self.rest = &self.rest[count..];
    }

    /// Takes what comes before the next `end`, and `end`.
    pub(super) fn until(&mut self, end: u8) -> Option<&'a [u8]> {
        let at = memchr(end, self.rest)?;
        let taken = &self.rest[..at];
        self.rest = &self.rest[at + 1..];
        Some(taken)
    }

    /// Takes as many bytes as are all right; at least one.
    pub(super) fn take_while(&mut self, is_right: impl Fn(u8) -> bool) -> Option<&'a [u8]> {
        let count = self.rest.iter().take_while(|byte| is_right(**byte)).count();
        let taken = &self.rest[..count];
        self.rest = &self.rest[count..];
        (count > 0).then_some(taken)
    }

    /// Takes a word: what comes before the next space or tab, or the end; at least one byte.
    pub(super) fn word(&mut self) -> Option<&'a [u8]> {
        self.take_while(|byte| !matches!(byte, b' ' | b'\t'))
    }

    /// Takes digits; at least one.
    pub(super) fn digits(&mut self) -> Option<&'a [u8]> {
        self.take_while(|byte| byte.is_ascii_digit())
    }

    /// Takes what stands between `open` and the next `close`.
    pub(super) fn between(&mut self, open: u8, close: u8) -> Option<&'a [u8]> {
        let mut after = *self;
        after.skip(&[open])?;
        let taken = after.until(close)?;
        *self = after;
        Some(taken)
    }

    /// Takes what stands in double quotes, in which a backslash escapes.
    ///
    /// Where all of the line stands in a string, each of the quotes has a backslash before it.
    pub(super) fn quoted(&mut self) -> Option<&'a [u8]> {
        if let Some(quoted) = self.rest.strip_prefix(b"\\\"") {
            let (end, _) = json::enclosed_string_end(quoted)?;
            self.rest = &quoted[end + 2..];
            return Some(&quoted[..end]);
        }
        let quoted = self.rest.strip_prefix(b"\"")?;
        let (end, _) = json::string_end(quoted)?;
        self.rest = &quoted[end + 1..];
        Some(&quoted[..end])
    }

    /// Takes a timestamp of a known shape.
    pub(super) fn timestamp_of(&mut self, shape: Shape) -> Option<&'a [u8]> {
        let (_, taken) = shape.parse(self.rest)?;
        let (text, rest) = self.rest.split_at(taken);
        self.rest = rest;
        Some(text)
    }
}

/// The shape that comes most often; of equals the one that came first.
pub(super) fn commonest(shapes: impl IntoIterator<Item = Shape>) -> Option<Shape> {
    let mut counts: Vec<(Shape, usize)> = Vec::new();
    for shape in shapes {
        match counts.iter_mut().find(|(known, _)| *known == shape) {
            Some((_, count)) => *count += 1,
            None => counts.push((shape, 1)),
        }
    }
    let most = counts.iter().map(|(_, count)| *count).max()?;
    let (shape, _) = counts.iter().find(|(_, count)| *count == most)?;
    Some(*shape)
}
