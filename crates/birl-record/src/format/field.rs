//! How formats add fields: under a fixed name, and only if there is something to say.

use crate::record::Record;
use crate::value::{Text, Value};

/// Adds text, unless it is empty or the `-` of what is absent.
pub(super) fn text<'a>(record: &mut Record<'a>, name: &'static str, text: &'a [u8]) {
    of_text(record, name, Text::plain(text));
}

/// Adds text in which a backslash escapes, unless it is empty or the `-` of what is absent.
pub(super) fn escaped<'a>(record: &mut Record<'a>, name: &'static str, text: &'a [u8]) {
    of_text(record, name, Text::escaped(text));
}

fn of_text<'a>(record: &mut Record<'a>, name: &'static str, text: Text<'a>) {
    if !is_absent(text.raw()) {
        record.push(Text::plain(name.as_bytes()), Value::Text(text));
    }
}

/// Adds what should be a number: as one if it is, else as it stands; nothing if it is absent.
pub(super) fn number<'a>(record: &mut Record<'a>, name: &'static str, written: &'a [u8]) {
    if !is_absent(written) {
        record.push(Text::plain(name.as_bytes()), number_or_bare(written));
    }
}

/// Adds an address, and the port behind its last colon.
pub(super) fn address<'a>(record: &mut Record<'a>, names: [&'static str; 2], written: &'a [u8]) {
    let colon = memchr::memrchr(b':', written).unwrap_or(written.len());
    text(record, names[0], &written[..colon]);
    if let Some(port) = written.get(colon + 1..) {
        number(record, names[1], port);
    }
}

/// A number if it is one in JSON too, and not `007`; else what has no quotes.
pub(super) fn number_or_bare(written: &[u8]) -> Value<'_> {
    match is_number(written) {
        true => Value::Number(written),
        false => Value::Bare(written),
    }
}

/// Whether a field is not there.
pub(super) fn is_absent(written: &[u8]) -> bool {
    matches!(written, b"" | b"-")
}

fn is_number(written: &[u8]) -> bool {
    let unsigned = written.strip_prefix(b"-").unwrap_or(written);
    let (whole, fraction) = match memchr::memchr(b'.', unsigned) {
        Some(point) => (&unsigned[..point], &unsigned[point + 1..]),
        None => (unsigned, &b"0"[..]),
    };
    let are_digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    are_digits(whole) && are_digits(fraction) && (whole.len() == 1 || whole[0] != b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_one_in_json_too() {
        for written in ["0", "7", "-7", "10", "0.031", "-1"] {
            let json = serde_json::from_str::<serde_json::Number>(written);
            assert!(is_number(written.as_bytes()) && json.is_ok(), "{written}");
        }
        for written in [
            "", "-", "007", "00.5", ".5", "5.", "1.2.3", "+1", "1s", "1e3",
        ] {
            assert!(!is_number(written.as_bytes()), "{written}");
        }
    }
}
