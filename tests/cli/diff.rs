//! Two outputs beside each other, so that a failure can be read.

use bstr::ByteSlice;
use similar::TextDiff;

/// Whether `actual` is `expected`, and where not, the difference line by line with every odd byte
/// visible.
pub(crate) fn compare(what: &str, expected: &[u8], actual: &[u8]) -> Result<(), String> {
    if expected == actual {
        return Ok(());
    }
    let (expected, actual) = (visible(expected), visible(actual));
    let diff = TextDiff::from_lines(&expected, &actual);
    let header = (format!("{what} expected"), format!("{what} actual"));
    Err(diff
        .unified_diff()
        .context_radius(3)
        .header(&header.0, &header.1)
        .to_string())
}

/// One line of text a line of output, its end included.
pub(crate) fn visible(output: &[u8]) -> String {
    let lines = output.lines_with_terminator();
    lines
        .map(|line| format!("{}\n", shortened(&escaped(line))))
        .collect()
}

/// Text as it is, and every byte that a terminal would not show as an escape.
fn escaped(line: &[u8]) -> String {
    let mut shown = String::new();
    for chunk in line.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '"' | '\'' => shown.push(character),
                _ => shown.extend(character.escape_debug()),
            }
        }
        for byte in chunk.invalid() {
            shown += &format!("\\x{byte:02x}");
        }
    }
    shown
}

/// A line of a megabyte helps nobody; its length and its ends do.
fn shortened(line: &str) -> String {
    const SHOWN: usize = 400;
    if line.len() <= 2 * SHOWN {
        return line.to_owned();
    }
    let (start, end) = (
        line.floor_char_boundary(SHOWN),
        line.ceil_char_boundary(line.len() - SHOWN),
    );
    format!(
        "{} ... {} bytes ... {}",
        &line[..start],
        end - start,
        &line[end..]
    )
}
