//! Fields within others as fields of their own, with the names that lead to them.

use birl_record::json::Members;
use birl_record::value::{Text, Value};

use crate::fields::{Hidden, Path};

/// Calls `each` with what a value holds that is not itself an object with members: the members of
/// objects, their members and so on, each with the path that leads there.
///
/// An object that is broken is not taken apart. Of repeated keys, all are given: to find out costs
/// more than a reader has from it, and the first stands first.
pub(crate) fn each_flat(
    path: &Path<'_>,
    value: Value<'_>,
    hidden: &Hidden,
    each: &mut dyn FnMut(&Path<'_>, Value<'_>),
) {
    match value {
        Value::Object(object) if has_members(object) => {
            for (name, value) in Members::of(object) {
                let path = path.then(name);
                if !hidden.hides(&path) {
                    each_flat(&path, value, hidden, each);
                }
            }
        }
        Value::Text(text) if text.is_nested_json() => {
            let decoded = text.decode();
            match decoded.first() {
                Some(b'{') if has_members(&decoded) => {
                    each_flat(path, Value::Object(&decoded), hidden, each);
                }
                _ => each(path, Value::Text(Text::plain(&decoded))),
            }
        }
        value => each(path, value),
    }
}

/// Whether an object has members, and ends as it should.
fn has_members(object: &[u8]) -> bool {
    let mut members = Members::of(object);
    let has_some = members.by_ref().count() > 0;
    has_some && members.rest().is_some()
}

/// Writes the names of a path with dots between them; `name` writes each.
pub(crate) fn write_path(path: &Path<'_>, out: &mut Vec<u8>, name: impl Fn(&[u8], &mut Vec<u8>)) {
    if let Some(only) = path.only_name() {
        return name(&only.decode(), out);
    }
    let start = out.len();
    path.each(&mut |path| {
        if out.len() > start {
            out.push(b'.');
        }
        if path.is_prefixed {
            out.extend_from_slice(b"fields.");
        }
        name(&path.name().decode(), out);
    });
}
