//! Lines and sources to print, and the traits of what prints them.

use std::io::{self, Write};
use std::ops::Range;

/// A line to print: one that matched, or one printed around it as context.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// The name of the source, as it is to be shown. Paths need not be UTF-8.
    pub source: &'a [u8],
    /// Where the line begins, in bytes from the start of the (decoded) source.
    pub offset: u64,
    /// The number of the line in its source, from 1, where it is wanted.
    pub number: Option<u64>,
    /// The line without its newline.
    ///
    /// The carriage return of a CRLF may be left at its end: [`Text`](crate::Text) passes it on
    /// with [`Bytes::Verbatim`](crate::Bytes::Verbatim), else it counts as the line's ending.
    pub bytes: &'a [u8],
    /// Whether the line went on in its source, and `bytes` is only its beginning.
    pub cut: bool,
    /// Whether the line did not match itself, but surrounds one that did.
    pub context: bool,
    /// What matched: ranges of `bytes`, in rising order, without overlap.
    ///
    /// What breaks this rule or lies outside of `bytes` is not marked; nothing panics.
    pub spans: &'a [Range<usize>],
}

impl<'a> Line<'a> {
    /// The line without the carriage return of a CRLF.
    pub(crate) fn without_carriage_return(&self) -> &'a [u8] {
        self.bytes.strip_suffix(b"\r").unwrap_or(self.bytes)
    }

    /// The parts of `bytes` that matched and are not empty, with where they begin.
    pub(crate) fn matches(&self) -> impl Iterator<Item = (usize, &'a [u8])> {
        parts(self.bytes, self.spans)
            .filter(|part| part.matched)
            .map(|part| (part.start, part.bytes))
    }
}

/// A stretch of a line that matched wholly or not at all.
pub(crate) struct Part<'a> {
    pub(crate) start: usize,
    pub(crate) bytes: &'a [u8],
    pub(crate) matched: bool,
}

/// Cuts `bytes` at the edges of `spans` into parts that are not empty and cover all of it.
pub(crate) fn parts<'a>(
    bytes: &'a [u8],
    spans: &'a [Range<usize>],
) -> impl Iterator<Item = Part<'a>> {
    let mut spans = spans.iter().peekable();
    let mut start = 0;
    std::iter::from_fn(move || {
        while spans
            .next_if(|span| span.start < start || span.end <= span.start)
            .is_some()
        {}
        let (end, matched) = match spans.peek() {
            Some(span) if span.start == start => (span.end, true),
            Some(span) => (span.start, false),
            None => (bytes.len(), false),
        };
        let end = end.min(bytes.len());
        (start < end).then(|| {
            let part = Part {
                start,
                bytes: &bytes[start..end],
                matched,
            };
            start = end;
            part
        })
    })
}

/// A format that prints lines.
///
/// It keeps no state between calls, so that several threads may share one and render their own part
/// of the output; the order of the parts is the caller's.
pub trait RenderLine: Send + Sync {
    /// Writes one line.
    ///
    /// # Errors
    ///
    /// Fails where `out` does, as the other functions do.
    fn line(&self, line: &Line<'_>, out: &mut dyn Write) -> io::Result<()>;

    /// Writes what stands between two lines that are not neighbours in their source, where
    /// context was asked for. Before the first line and after the last one nothing stands.
    fn gap(&self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

/// A format that prints what is known of whole sources.
pub trait RenderSource: Send + Sync {
    /// Writes what stands before all counts.
    ///
    /// # Errors
    ///
    /// Fails where `out` does, as the other functions do.
    fn head_of_counts(&self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    /// Writes how many lines of `source` matched.
    fn count(&self, source: &[u8], count: u64, out: &mut dyn Write) -> io::Result<()>;

    /// Writes what stands before all names of sources.
    fn head_of_sources(&self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    /// Writes the name of `source`, in a list of sources.
    fn source(&self, source: &[u8], out: &mut dyn Write) -> io::Result<()>;
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use proptest::prelude::*;

    use super::parts;

    /// The parts as text, those that matched in brackets.
    fn cut(bytes: &str, spans: &[Range<usize>]) -> String {
        parts(bytes.as_bytes(), spans)
            .map(|part| {
                let text = str::from_utf8(part.bytes).unwrap();
                if part.matched {
                    format!("[{text}]")
                } else {
                    format!("({text})")
                }
            })
            .collect()
    }

    #[test]
    fn a_line_is_cut_at_the_edges_of_its_spans() {
        assert_eq!(cut("abcdef", &[]), "(abcdef)");
        assert_eq!(cut("abcdef", &[0..2, 3..4]), "[ab](c)[d](ef)");
        assert_eq!(cut("abcdef", &[0..3, 3..6]), "[abc][def]");
        assert_eq!(cut("", &[]), "");
    }

    #[test]
    fn spans_that_break_the_rules_are_left_out() {
        assert_eq!(cut("abcdef", &[2..2, 4..5]), "(abcd)[e](f)");
        assert_eq!(cut("abcdef", &[1..4, 2..5, 5..6]), "(a)[bcd](e)[f]");
        assert_eq!(cut("abcdef", &[4..9, 10..12]), "(abcd)[ef]");
        assert_eq!(cut("abcdef", &[6..7, 7..9]), "(abcdef)");
    }

    proptest! {
        #[test]
        fn whatever_the_spans_the_parts_cover_the_line(
            bytes in prop::collection::vec(any::<u8>(), 0..20),
            edges in prop::collection::vec((0..30usize, 0..30usize), 0..6),
        ) {
            let spans: Vec<_> = edges.into_iter().map(|(start, end)| start..end).collect();
            let joined: Vec<u8> =
                parts(&bytes, &spans).flat_map(|part| part.bytes.to_vec()).collect();
            prop_assert_eq!(joined, bytes);
        }
    }
}
