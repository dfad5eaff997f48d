//! Texts on a line of limited width.

use unicode_width::UnicodeWidthStr;

use crate::harmless::write_harmless;

/// How many columns of a terminal a text takes.
pub(crate) fn width(text: &str) -> usize {
    match text.is_ascii() {
        // What is shown has no control characters.
        true => text.len(),
        false => text.width(),
    }
}

/// A text on one line that cannot drive a terminal: its line ends and tabs are shown. If a number of
/// bytes is given, not much more of it is looked at.
pub(crate) fn shown(text: &str, bytes_max: Option<usize>) -> String {
    let end = bytes_max.map_or(text.len(), |max| text.floor_char_boundary(max));
    let text = &text[..end];
    let mut out = Vec::with_capacity(text.len());
    for (place, part) in text.split('\n').enumerate() {
        if place > 0 {
            out.extend_from_slice(b"\\n");
        }
        for (place, part) in part.split('\t').enumerate() {
            if place > 0 {
                out.extend_from_slice(b"\\t");
            }
            write_harmless(part.as_bytes(), &mut out).expect("memory takes all");
        }
    }
    String::from_utf8(out).expect("harmless text is UTF-8")
}

/// As much of a text as fits into so many columns; if that is not all, it ends with `…`, or with
/// three points in ASCII.
pub(crate) fn cut(text: &str, columns_max: usize, ascii: bool) -> String {
    if width(text) <= columns_max {
        return text.to_owned();
    }
    let ellipsis = if ascii { "..." } else { "…" };
    let ellipsis = &ellipsis[..ellipsis.floor_char_boundary(match ascii {
        true => columns_max,
        false => ellipsis.len() * columns_max.min(1),
    })];
    let room = columns_max - width(ellipsis);
    let mut columns = 0;
    let mut end = 0;
    for (start, char) in text.char_indices() {
        columns += width(char.encode_utf8(&mut [0; 4]));
        if columns > room {
            break;
        }
        end = start + char.len_utf8();
    }
    // A text may be wider than its characters are: it depends on what stands beside each other.
    while width(&text[..end]) > room {
        end = text.floor_char_boundary(end - 1);
    }
    format!("{}{ellipsis}", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_too_long_ends_with_an_ellipsis() {
        for (text, columns, expected) in [
            ("payments", 8, "payments"),
            ("payments", 7, "paymen…"),
            ("payments", 1, "…"),
            ("payments", 0, ""),
            ("日本語", 6, "日本語"),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日…"),
            ("日本語", 2, "…"),
            ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"),
        ] {
            assert_eq!(cut(text, columns, false), expected);
        }
        assert_eq!(cut("payments", 7, true), "paym...");
        assert_eq!(cut("payments", 2, true), "..");
        assert_eq!(cut("payments", 0, true), "");
    }

    #[test]
    fn a_text_stays_on_its_line() {
        assert_eq!(shown("a\tb\r\nc\x1b[2J", None), "a\\tb^M\\nc^[[2J");
        assert_eq!(shown("äöü", Some(3)), "ä");
    }
}
