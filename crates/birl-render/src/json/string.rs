//! Strings of JSON (RFC 8259, section 7).

/// Writes `bytes` as a JSON string, in quotes.
pub(crate) fn write_string(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    write_inside(bytes, out);
    out.push(b'"');
}

/// Writes what stands between the quotes of a JSON string that is `bytes`.
pub(crate) fn write_inside(bytes: &[u8], out: &mut Vec<u8>) {
    if str::from_utf8(bytes).is_ok() {
        return write_escaped(bytes, out);
    }
    for chunk in bytes.utf8_chunks() {
        write_escaped(chunk.valid().as_bytes(), out);
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

/// Writes valid UTF-8 with what JSON, or a terminal, does not take as it is escaped.
fn write_escaped(mut text: &[u8], out: &mut Vec<u8>) {
    while let Some(at) = find_escape(text) {
        out.extend_from_slice(&text[..at]);
        text = &text[at..];
        text = &text[write_escape(text, out)..];
    }
    out.extend_from_slice(text);
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
fn write_escape(text: &[u8], out: &mut Vec<u8>) -> usize {
    match *text {
        [0xc2, second, ..] if second < 0xa0 => {
            write_unicode(second, out);
            return 2;
        }
        [0xc2, ..] => {
            out.extend_from_slice(&text[..2]);
            return 2;
        }
        [b'"', ..] => out.extend_from_slice(br#"\""#),
        [b'\\', ..] => out.extend_from_slice(br"\\"),
        [b'\t', ..] => out.extend_from_slice(br"\t"),
        [b'\n', ..] => out.extend_from_slice(br"\n"),
        [b'\r', ..] => out.extend_from_slice(br"\r"),
        [control, ..] => write_unicode(control, out),
        [] => return 0,
    }
    1
}

/// Writes U+0000 to U+00FF by its number.
fn write_unicode(number: u8, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend_from_slice(br"\u00");
    out.push(DIGITS[usize::from(number >> 4)]);
    out.push(DIGITS[usize::from(number & 15)]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{find_escape, may_need_escape, write_string};

    fn string(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        write_string(bytes, &mut out);
        String::from_utf8(out).unwrap()
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
