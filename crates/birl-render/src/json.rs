//! JSON, one object a line, for programs that read what birl found.
//!
//! ```text
//! {"source":"app.log","offset":120,"number":3,"line":"an error here"}
//! ```

use std::io::{self, Write};

use crate::answer::{Line, Render};
use crate::decimal::write_decimal;

/// One JSON object a line.
///
/// A line is `source`, `offset`, `number` where it is given, `line`, and `"cut":true` and
/// `"context":true` where they hold. A count is `source` and `count`; a source is `source`.
/// Invalid UTF-8 becomes U+FFFD; all control characters are escaped, so that the output is
/// harmless on a terminal too.
#[derive(Clone, Copy, Debug)]
pub struct Json {
    /// Whether each match is an object of its own: `line` and `offset` are then those of the
    /// match. Lines without a match are left out.
    pub only_matching: bool,
}

impl Render for Json {
    fn line(&self, line: &Line<'_>, out: &mut dyn Write) -> io::Result<()> {
        if self.only_matching {
            for (start, matched) in line.matches() {
                write_head(line, line.offset + start as u64, out)?;
                write_string(matched, out)?;
                out.write_all(b"}\n")?;
            }
            return Ok(());
        }
        write_head(line, line.offset, out)?;
        write_string(line.without_carriage_return(), out)?;
        if line.cut {
            out.write_all(br#","cut":true"#)?;
        }
        if line.context {
            out.write_all(br#","context":true"#)?;
        }
        out.write_all(b"}\n")
    }

    /// Writes nothing: the offsets tell which lines are neighbours.
    fn gap(&self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    fn count(&self, source: &[u8], count: u64, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(br#"{"source":"#)?;
        write_string(source, out)?;
        out.write_all(br#","count":"#)?;
        write_decimal(count, out)?;
        out.write_all(b"}\n")
    }

    fn source(&self, source: &[u8], out: &mut dyn Write) -> io::Result<()> {
        out.write_all(br#"{"source":"#)?;
        write_string(source, out)?;
        out.write_all(b"}\n")
    }
}

/// Writes an object up to the value of `line`.
fn write_head(line: &Line<'_>, offset: u64, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(br#"{"source":"#)?;
    write_string(line.source, out)?;
    out.write_all(br#","offset":"#)?;
    write_decimal(offset, out)?;
    if let Some(number) = line.number {
        out.write_all(br#","number":"#)?;
        write_decimal(number, out)?;
    }
    out.write_all(br#","line":"#)
}

/// Writes `bytes` as a JSON string, in quotes (RFC 8259, section 7).
fn write_string(bytes: &[u8], out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"\"")?;
    if str::from_utf8(bytes).is_ok() {
        write_escaped(bytes, out)?;
    } else {
        write_lossily(bytes, out)?;
    }
    out.write_all(b"\"")
}

fn write_lossily(bytes: &[u8], out: &mut dyn Write) -> io::Result<()> {
    for chunk in bytes.utf8_chunks() {
        write_escaped(chunk.valid().as_bytes(), out)?;
        if !chunk.invalid().is_empty() {
            out.write_all("\u{fffd}".as_bytes())?;
        }
    }
    Ok(())
}

/// Writes valid UTF-8 with what JSON, or a terminal, does not take as it is escaped.
fn write_escaped(mut text: &[u8], out: &mut dyn Write) -> io::Result<()> {
    while let Some(at) = find_escape(text) {
        out.write_all(&text[..at])?;
        text = &text[at..];
        text = &text[write_escape(text, out)?..];
    }
    out.write_all(text)
}

/// Where the first byte is that may begin a character to be escaped.
fn find_escape(text: &[u8]) -> Option<usize> {
    // Without an exit in its middle, the loop over a block becomes a few vector instructions.
    const BLOCK: usize = 32;
    let blocks = text.chunks_exact(BLOCK);
    let rest = text.len() - blocks.remainder().len();
    let start = blocks
        .map(|block| {
            block
                .iter()
                .fold(false, |any, &byte| any | may_need_escape(byte))
        })
        .position(|any| any)
        .map_or(rest, |block| block * BLOCK);
    let at = text[start..]
        .iter()
        .position(|&byte| may_need_escape(byte))?;
    Some(start + at)
}

fn may_need_escape(byte: u8) -> bool {
    // U+0080 to U+00BF begin with 0xc2: the control characters among them obey no rule of JSON,
    // but some terminals obey them.
    (byte < 0x20) | (byte == b'"') | (byte == b'\\') | (byte == 0x7f) | (byte == 0xc2)
}

/// Writes the first character of `text`, escaped where it must be; returns the bytes that it took.
fn write_escape(text: &[u8], out: &mut dyn Write) -> io::Result<usize> {
    match *text {
        [0xc2, second, ..] if second < 0xa0 => {
            write!(out, "\\u{second:04x}")?;
            return Ok(2);
        }
        [0xc2, ..] => {
            out.write_all(&text[..2])?;
            return Ok(2);
        }
        [b'"', ..] => out.write_all(br#"\""#)?,
        [b'\\', ..] => out.write_all(br"\\")?,
        [b'\t', ..] => out.write_all(br"\t")?,
        [b'\n', ..] => out.write_all(br"\n")?,
        [b'\r', ..] => out.write_all(br"\r")?,
        [control, ..] => write!(out, "\\u{control:04x}")?,
        [] => return Ok(0),
    }
    Ok(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Json, find_escape, may_need_escape, write_string};
    use crate::answer::{Line, Render};

    const WHOLE: Json = Json {
        only_matching: false,
    };

    const LINE: Line<'static> = Line {
        source: b"app.log",
        offset: 120,
        number: None,
        bytes: b"an error here",
        cut: false,
        context: false,
        spans: &[],
    };

    fn render(json: Json, line: Line<'_>) -> String {
        let mut out = Vec::new();
        json.line(&line, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn string(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        write_string(bytes, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_is_one_object() {
        assert_eq!(
            render(WHOLE, LINE),
            "{\"source\":\"app.log\",\"offset\":120,\"line\":\"an error here\"}\n"
        );
    }

    #[test]
    fn what_is_known_beyond_the_line_is_told() {
        let line = Line {
            number: Some(3),
            bytes: b"an error here\r",
            cut: true,
            context: true,
            ..LINE
        };
        assert_eq!(
            render(WHOLE, line),
            "{\"source\":\"app.log\",\"offset\":120,\"number\":3,\"line\":\"an error here\",\
             \"cut\":true,\"context\":true}\n"
        );
    }

    #[test]
    fn each_match_may_be_an_object_with_its_own_offset() {
        let json = Json {
            only_matching: true,
        };
        let line = Line {
            spans: &[0..2, 3..8],
            ..LINE
        };
        assert_eq!(
            render(json, line),
            "{\"source\":\"app.log\",\"offset\":120,\"line\":\"an\"}\n\
             {\"source\":\"app.log\",\"offset\":123,\"line\":\"error\"}\n"
        );
        assert_eq!(render(json, LINE), "");
    }

    #[test]
    fn counts_and_sources_are_objects_and_gaps_are_nothing() {
        let mut out = Vec::new();
        WHOLE.count(b"app.log", 12, &mut out).unwrap();
        WHOLE.gap(&mut out).unwrap();
        WHOLE.source(b"a\"b.log", &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "{\"source\":\"app.log\",\"count\":12}\n{\"source\":\"a\\\"b.log\"}\n"
        );
    }

    #[test]
    fn strings_are_escaped() {
        assert_eq!(
            string(b"a\tb\"c\\d\re\x1b[0m"),
            r#""a\tb\"c\\d\re\u001b[0m""#
        );
        assert_eq!(string("£\u{9b}\u{7f}é".as_bytes()), r#""£\u009b\u007fé""#);
        assert_eq!(string(b"caf\xe9"), "\"caf\u{fffd}\"");
    }

    proptest! {
        #[test]
        fn a_parser_reads_back_what_was_written(
            bytes in prop::collection::vec(prop_oneof![
                any::<u8>(), Just(b'"'), Just(b'\\'), Just(0xc2), 0x80..=0x9fu8,
            ], 0..100),
        ) {
            let read: String = serde_json::from_str(&string(&bytes)).unwrap();
            prop_assert_eq!(read, String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn an_escape_is_found_where_a_plain_search_finds_it(
            text in "[a-z]{0,80}", at in 0..100usize, escape in "[\n\"\\x7f]",
        ) {
            let mut text = text.into_bytes();
            let at = at.min(text.len());
            text.splice(at..at, escape.bytes());
            let plain = text.iter().position(|&byte| may_need_escape(byte));
            prop_assert_eq!(find_escape(&text), plain);
        }

        #[test]
        fn no_control_character_is_written(text: String) {
            prop_assert!(!string(text.as_bytes()).contains(char::is_control));
        }
    }
}
