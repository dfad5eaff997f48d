//! Values of a record as JSON.

use birl_record::json::{Members, elements};
use birl_record::value::{Text, Value};

use super::string::write_string;
use crate::fields::{Hidden, Path};
use crate::members::Names;

/// Writes a value, without the members in it that are hidden.
///
/// What is JSON stays as it is nested, and numbers as they are written; spaces between are left out,
/// and of repeated keys all but the first. What only looks like JSON, such as `{"a":` or the number
/// `007`, becomes a string.
pub(crate) fn write_value(value: Value<'_>, path: &Path<'_>, hidden: &Hidden, out: &mut Vec<u8>) {
    let start = out.len();
    if !write_if_json(value, path, hidden, out) {
        out.truncate(start);
        write_string(&value.bytes(), out);
    }
}

/// Writes a value that is JSON through and through; of any other, perhaps a part.
fn write_if_json(value: Value<'_>, path: &Path<'_>, hidden: &Hidden, out: &mut Vec<u8>) -> bool {
    match value {
        Value::Text(text) if text.is_nested_json() => {
            let decoded = text.decode();
            let nested = match decoded.first() {
                Some(b'{') => Value::Object(&decoded),
                _ => Value::List(&decoded),
            };
            write_value(nested, path, hidden, out);
        }
        Value::Text(text) => write_string(&text.decode(), out),
        Value::Bare(written) => write_string(written, out),
        Value::Number(written) if is_number(written) => out.extend_from_slice(written),
        Value::Number(_) => return false,
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Null => out.extend_from_slice(b"null"),
        Value::Object(text) => return write_object(text, path, hidden, out),
        Value::List(text) => return write_list(text, path, hidden, out),
    }
    true
}

fn write_object(text: &[u8], path: &Path<'_>, hidden: &Hidden, out: &mut Vec<u8>) -> bool {
    let mut names = Names::default();
    let mut members = Members::of(text);
    out.push(b'{');
    let opened = out.len();
    for (place, (name, value)) in members.by_ref().enumerate() {
        let earlier = Members::of(text).take(place).map(|(name, _)| name);
        let path = path.then(name);
        if names.repeats(name, earlier) || hidden.hides(&path) {
            continue;
        }
        if out.len() > opened {
            out.push(b',');
        }
        write_name(name, out);
        if !write_if_json(value, &path, hidden, out) {
            return false;
        }
    }
    out.push(b'}');
    members.rest().is_some_and(<[u8]>::is_empty)
}

fn write_list(text: &[u8], path: &Path<'_>, hidden: &Hidden, out: &mut Vec<u8>) -> bool {
    let mut elements = elements(text);
    out.push(b'[');
    let opened = out.len();
    for value in elements.by_ref() {
        if out.len() > opened {
            out.push(b',');
        }
        if !write_if_json(value, path, hidden, out) {
            return false;
        }
    }
    out.push(b']');
    elements.rest().is_some_and(<[u8]>::is_empty)
}

/// Writes the name of a member, and the colon behind it.
pub(crate) fn write_name(name: Text<'_>, out: &mut Vec<u8>) {
    write_string(&name.decode(), out);
    out.push(b':');
}

/// Whether `written` is a number (RFC 8259, section 6).
pub(crate) fn is_number(written: &[u8]) -> bool {
    let unsigned = written.strip_prefix(b"-").unwrap_or(written);
    let (digits, rest) = split_digits(unsigned);
    if digits.is_empty() || digits.len() > 1 && digits[0] == b'0' {
        return false;
    }
    let rest = match rest.strip_prefix(b".") {
        None => rest,
        Some(fraction) => match split_digits(fraction) {
            ([], _) => return false,
            (_, rest) => rest,
        },
    };
    match rest {
        [] => true,
        [b'e' | b'E', exponent @ ..] => {
            let unsigned = match exponent {
                [b'-' | b'+', unsigned @ ..] => unsigned,
                unsigned => unsigned,
            };
            let (digits, rest) = split_digits(unsigned);
            !digits.is_empty() && rest.is_empty()
        }
        _ => false,
    }
}

fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    text.split_at(count)
}
