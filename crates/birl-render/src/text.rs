//! Text as grep prints it: `source:number:line`, and `-` instead of `:` around context.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::answer::{Line, RenderLine, RenderSource, parts};
use crate::decimal::write_decimal;
use crate::harmless::write_harmless;

/// Lines as they stand in the log, after the name of their source and their number.
///
/// A line is numbered where its [`Line::number`] is given. Each line ends with a newline, also
/// where the source has none; a line that was cut says so at its end.
#[derive(Clone, Copy, Debug)]
pub struct Text {
    /// Whether each line and each count begins with the name of its source.
    pub with_source: bool,
    /// Whether each match is printed as a line of its own, and nothing around it; lines without
    /// a match are then left out.
    pub only_matching: bool,
    /// Whether a NUL follows the name of a source, instead of `:`, `-` or a newline.
    pub null_after_source: bool,
    /// What becomes of bytes that are not plain text.
    pub bytes: Bytes,
    /// How names, numbers and matches look.
    pub styles: Styles,
}

/// What becomes of bytes that are not plain text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Bytes {
    /// They are passed on, byte for byte: for pipes and files.
    Verbatim,
    /// Invalid UTF-8 becomes U+FFFD, colours of the log vanish, and other control characters
    /// but the tab are shown (`^[`): for terminals, which a log must not drive.
    Harmless,
}

/// How the parts of a line look.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Styles {
    /// Names of sources.
    pub source: Style,
    /// Numbers of lines.
    pub number: Style,
    /// What matched.
    pub matched: Style,
    /// What birl says itself: that a line was cut, and that lines are left out.
    pub remark: Style,
}

impl Styles {
    /// No styles, and so no escape sequences.
    #[must_use]
    pub const fn plain() -> Styles {
        Styles {
            source: Style::new(),
            number: Style::new(),
            matched: Style::new(),
            remark: Style::new(),
        }
    }

    /// The colours of ripgrep, from the sixteen that a terminal's theme defines.
    #[must_use]
    pub const fn coloured() -> Styles {
        Styles {
            source: AnsiColor::Magenta.on_default(),
            number: AnsiColor::Green.on_default(),
            matched: AnsiColor::Red.on_default().bold(),
            remark: Style::new().dimmed(),
        }
    }
}

impl Text {
    /// Whether a line that is not cut is written as its bytes and a newline, and nothing else.
    ///
    /// Where this holds, a stretch of lines that are to be printed may be copied to the output
    /// as it stands.
    #[must_use]
    pub fn copies_lines(&self) -> bool {
        !self.with_source
            && !self.only_matching
            && self.bytes == Bytes::Verbatim
            && self.styles == Styles::plain()
    }

    fn write_prefix(&self, line: &Line<'_>, out: &mut dyn Write) -> io::Result<()> {
        let separator: &[u8] = if line.context { b"-" } else { b":" };
        if self.with_source {
            self.write_source(line.source, separator, out)?;
        }
        if let Some(number) = line.number {
            let style = self.styles.number;
            write_styled(style, out, |out| write_decimal(number, out))?;
            out.write_all(separator)?;
        }
        Ok(())
    }

    fn write_source(&self, source: &[u8], after: &[u8], out: &mut dyn Write) -> io::Result<()> {
        let style = self.styles.source;
        write_styled(style, out, |out| self.write_bytes(source, out))?;
        out.write_all(if self.null_after_source { b"\0" } else { after })
    }

    /// Writes the line with its matches marked.
    fn write_body(&self, line: &Line<'_>, out: &mut dyn Write) -> io::Result<()> {
        let body = match self.bytes {
            Bytes::Verbatim => line.bytes,
            Bytes::Harmless => line.without_carriage_return(),
        };
        if self.styles.matched == Style::new() || line.spans.is_empty() {
            return self.write_bytes(body, out);
        }
        for part in parts(body, line.spans) {
            if part.matched {
                self.write_match(part.bytes, out)?;
            } else {
                self.write_bytes(part.bytes, out)?;
            }
        }
        Ok(())
    }

    fn write_match(&self, matched: &[u8], out: &mut dyn Write) -> io::Result<()> {
        let style = self.styles.matched;
        write_styled(style, out, |out| self.write_bytes(matched, out))
    }

    fn write_bytes(&self, bytes: &[u8], out: &mut dyn Write) -> io::Result<()> {
        match self.bytes {
            Bytes::Verbatim => out.write_all(bytes),
            Bytes::Harmless => write_harmless(bytes, out),
        }
    }
}

impl RenderLine for Text {
    fn line(&self, line: &Line<'_>, out: &mut dyn Write) -> io::Result<()> {
        if self.only_matching {
            for (_, matched) in line.matches() {
                self.write_prefix(line, out)?;
                self.write_match(matched, out)?;
                out.write_all(b"\n")?;
            }
            return Ok(());
        }
        self.write_prefix(line, out)?;
        self.write_body(line, out)?;
        if line.cut {
            let len = line.bytes.len();
            let remark = self.styles.remark;
            write_styled(remark, out, |out| write!(out, " [cut at {len} bytes]"))?;
        }
        out.write_all(b"\n")
    }

    fn gap(&self, out: &mut dyn Write) -> io::Result<()> {
        write_styled(self.styles.remark, out, |out| out.write_all(b"--"))?;
        out.write_all(b"\n")
    }
}

impl RenderSource for Text {
    fn count(&self, source: &[u8], count: u64, out: &mut dyn Write) -> io::Result<()> {
        if self.with_source {
            self.write_source(source, b":", out)?;
        }
        write_decimal(count, out)?;
        out.write_all(b"\n")
    }

    fn source(&self, source: &[u8], out: &mut dyn Write) -> io::Result<()> {
        self.write_source(source, b"\n", out)
    }
}

/// Writes what `write` writes in `style`; a plain style costs nothing.
pub(crate) fn write_styled(
    style: Style,
    out: &mut dyn Write,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    if style == Style::new() {
        return write(out);
    }
    write!(out, "{style}")?;
    write(out)?;
    write!(out, "{style:#}")
}

#[cfg(test)]
mod tests {
    use super::{Bytes, Styles, Text};
    use crate::answer::{Line, RenderLine, RenderSource};

    const PIPE: Text = Text {
        with_source: false,
        only_matching: false,
        null_after_source: false,
        bytes: Bytes::Verbatim,
        styles: Styles::plain(),
    };

    const TERMINAL: Text = Text {
        bytes: Bytes::Harmless,
        styles: Styles::coloured(),
        ..PIPE
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

    fn render(text: Text, line: Line<'_>) -> String {
        let mut out = Vec::new();
        text.line(&line, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_alone_is_its_bytes_and_a_newline() {
        assert!(PIPE.copies_lines());
        assert_eq!(render(PIPE, LINE), "an error here\n");
    }

    #[test]
    fn the_source_and_the_number_come_first() {
        let text = Text {
            with_source: true,
            ..PIPE
        };
        let numbered = Line {
            number: Some(17),
            ..LINE
        };
        let context = Line {
            context: true,
            ..numbered
        };
        assert_eq!(render(text, LINE), "app.log:an error here\n");
        assert_eq!(render(PIPE, numbered), "17:an error here\n");
        assert_eq!(render(text, numbered), "app.log:17:an error here\n");
        assert_eq!(render(text, context), "app.log-17-an error here\n");
    }

    #[test]
    fn a_nul_may_follow_the_source() {
        let text = Text {
            with_source: true,
            null_after_source: true,
            ..PIPE
        };
        let numbered = Line {
            number: Some(17),
            ..LINE
        };
        let mut out = Vec::new();
        text.line(&numbered, &mut out).unwrap();
        text.count(b"app.log", 3, &mut out).unwrap();
        text.source(b"app.log", &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "app.log\x0017:an error here\napp.log\x003\napp.log\0"
        );
    }

    #[test]
    fn a_cut_line_says_where_it_was_cut() {
        let cut = Line { cut: true, ..LINE };
        assert_eq!(render(PIPE, cut), "an error here [cut at 13 bytes]\n");
    }

    #[test]
    fn names_numbers_and_matches_are_coloured() {
        let text = Text {
            with_source: true,
            ..TERMINAL
        };
        let line = Line {
            number: Some(17),
            cut: true,
            spans: &[0..2, 3..8],
            ..LINE
        };
        assert_eq!(
            render(text, line).replace('\x1b', "ESC"),
            "ESC[35mapp.logESC[0m:ESC[32m17ESC[0m:ESC[1mESC[31manESC[0m \
             ESC[1mESC[31merrorESC[0m hereESC[2m [cut at 13 bytes]ESC[0m\n"
        );
    }

    #[test]
    fn a_pipe_gets_the_bytes_of_the_line() {
        let line = Line {
            bytes: b"caf\xe9\x1b[31m\x07\r",
            ..LINE
        };
        let mut out = Vec::new();
        PIPE.line(&line, &mut out).unwrap();
        assert_eq!(out, b"caf\xe9\x1b[31m\x07\r\n");
    }

    #[test]
    fn a_terminal_gets_harmless_text_only() {
        let text = Text {
            with_source: true,
            styles: Styles::plain(),
            ..TERMINAL
        };
        let line = Line {
            source: b"evil\x1b[2J.log",
            bytes: b"caf\xe9 \x1b[31mred\x1b[0m \x07\ttab\r",
            ..LINE
        };
        assert_eq!(
            render(text, line),
            "evil^[[2J.log:caf\u{fffd} red ^G\ttab\n"
        );
    }

    #[test]
    fn only_matches_are_printed_each_with_the_prefix_of_its_line() {
        let text = Text {
            with_source: true,
            only_matching: true,
            ..PIPE
        };
        let line = Line {
            number: Some(17),
            spans: &[0..2, 5..5, 9..13],
            ..LINE
        };
        assert_eq!(render(text, line), "app.log:17:an\napp.log:17:here\n");
        assert_eq!(render(text, LINE), "");
    }

    #[test]
    fn counts_sources_and_gaps_have_lines_of_their_own() {
        let named = Text {
            with_source: true,
            ..PIPE
        };
        let mut out = Vec::new();
        named.count(b"app.log", 12, &mut out).unwrap();
        PIPE.count(b"app.log", 0, &mut out).unwrap();
        PIPE.source(b"app.log", &mut out).unwrap();
        PIPE.gap(&mut out).unwrap();
        TERMINAL.gap(&mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "app.log:12\n0\napp.log\n--\n\x1b[2m--\x1b[0m\n"
        );
    }
}
