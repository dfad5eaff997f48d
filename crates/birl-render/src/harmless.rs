//! Bytes of a log as text that cannot drive a terminal.
//!
//! Anybody who can make a program log a string can put escape sequences into it: they would move
//! the cursor, change the title, or hide lines from whoever reads the log. So no control character
//! but the tab reaches a terminal: they are shown, `ESC` as `^[`, and U+009B as `\u{9b}`.
//! Only sequences that set colours vanish: programs that colour their logs are common, a colour
//! hides nothing, and shown as text they make a line unreadable.

use std::io::{self, Write};

use crate::bytes::are_printable;

const ESCAPE: u8 = 0x1b;
const DELETE: u8 = 0x7f;

/// The first byte of U+0080 to U+00BF; up to U+009F these are control characters.
const LATIN_LEAD: u8 = 0xc2;

/// Writes `bytes` so that a terminal only shows them; invalid UTF-8 becomes U+FFFD.
pub(crate) fn write_harmless(bytes: &[u8], out: &mut dyn Write) -> io::Result<()> {
    for chunk in bytes.utf8_chunks() {
        write_text(chunk.valid().as_bytes(), out)?;
        if !chunk.invalid().is_empty() {
            out.write_all("\u{fffd}".as_bytes())?;
        }
    }
    Ok(())
}

/// Writes `bytes` likewise behind what `out` holds.
pub(crate) fn push_harmless(bytes: &[u8], out: &mut Vec<u8>) {
    if are_printable(bytes) {
        return out.extend_from_slice(bytes);
    }
    write_harmless(bytes, out).expect("writing into memory does not fail");
}

/// Writes valid UTF-8 without its control characters.
fn write_text(mut text: &[u8], out: &mut dyn Write) -> io::Result<()> {
    while let Some(at) = text.iter().position(|&byte| may_control(byte)) {
        out.write_all(&text[..at])?;
        text = &text[at..];
        text = &text[write_control(text, out)?..];
    }
    out.write_all(text)
}

fn may_control(byte: u8) -> bool {
    (byte < b' ' && byte != b'\t') || byte == DELETE || byte == LATIN_LEAD
}

/// Writes what stands for the first character of `text`; returns the bytes that it took.
fn write_control(text: &[u8], out: &mut dyn Write) -> io::Result<usize> {
    match *text {
        [LATIN_LEAD, second, ..] if second < 0xa0 => {
            write!(out, "\\u{{{second:x}}}")?;
            Ok(2)
        }
        [LATIN_LEAD, ..] => {
            out.write_all(&text[..2])?;
            Ok(2)
        }
        [ESCAPE, b'[', ..] if let Some(len) = colour_len(text) => Ok(len),
        [control, ..] => {
            // `^@` is 0, `^A` is 1, and `^?` is 127: the caret flips the bit of 64.
            out.write_all(&[b'^', control ^ 0x40])?;
            Ok(1)
        }
        [] => Ok(0),
    }
}

/// The length of the sequence `ESC [ … m` (ECMA-48 SGR) that `text` begins with, if it does.
fn colour_len(text: &[u8]) -> Option<usize> {
    let parameters = &text[2..];
    let end = parameters
        .iter()
        .position(|byte| !matches!(byte, b'0'..=b'9' | b';' | b':'))?;
    (parameters[end] == b'm').then_some(2 + end + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::write_harmless;

    fn harmless(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        write_harmless(bytes, &mut out).unwrap();
        String::from_utf8(out).expect("harmless text is UTF-8")
    }

    #[test]
    fn text_and_tabs_stay_as_they_are() {
        assert_eq!(harmless("a\tb é £ € 🪵".as_bytes()), "a\tb é £ € 🪵");
    }

    #[test]
    fn control_characters_are_shown() {
        assert_eq!(harmless(b"\x00 \x07 \r \x7f"), "^@ ^G ^M ^?");
        assert_eq!(harmless(b"\x1b]0;owned\x07"), "^[]0;owned^G");
        assert_eq!(harmless(b"\x1b[2Jgone"), "^[[2Jgone");
        assert_eq!(harmless(b"\x1b[1;31"), "^[[1;31");
        assert_eq!(harmless(b"end \x1b"), "end ^[");
        assert_eq!(harmless("\u{9b}2J".as_bytes()), "\\u{9b}2J");
    }

    #[test]
    fn colours_of_the_log_vanish() {
        assert_eq!(
            harmless(b"\x1b[1;31merror\x1b[0m: \x1b[38:2:1:2:3mx\x1b[m"),
            "error: x"
        );
    }

    #[test]
    fn each_invalid_stretch_becomes_one_replacement_character() {
        assert_eq!(harmless(b"caf\xe9 au lait"), "caf\u{fffd} au lait");
        assert_eq!(harmless(b"\xc2"), "\u{fffd}");
        assert_eq!(harmless(b"\x9b2J"), "\u{fffd}2J");
    }

    proptest! {
        #[test]
        fn no_control_character_but_the_tab_gets_through(
            bytes in prop::collection::vec(prop_oneof![
                any::<u8>(), Just(0x1b), Just(b'['), Just(b'm'), Just(0xc2), 0x80..=0x9fu8,
            ], 0..40),
        ) {
            let text = harmless(&bytes);
            prop_assert!(!text.contains(|c: char| c.is_control() && c != '\t'), "{text:?}");
        }

        #[test]
        fn text_without_control_characters_is_unchanged(text in "[^\\p{Cc}]*") {
            prop_assert_eq!(harmless(text.as_bytes()), text);
        }
    }
}
