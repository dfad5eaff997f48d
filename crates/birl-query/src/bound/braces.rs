//! Where in the text of a template its places are.

use birl_record::query;

use super::standing::Standing;
use super::{Kind, Place};
use crate::Error;
use crate::pipe::nearest;

/// The places of `text`, in order; what they stand in is not known yet.
pub(super) fn places(text: &str, known: &[(&str, Kind)]) -> Result<Vec<Place>, Error> {
    let mut places = Vec::new();
    for (start, _) in text.match_indices('{') {
        let Some(name) = name_in_braces(&text[start..]) else {
            continue;
        };
        if is_escape(&text[..start]) {
            continue;
        }
        let span = start..start + name.len() + 2;
        let Some((_, kind)) = known.iter().find(|(it, _)| *it == name) else {
            let error = query::Error::new(span, format!("there is no value {name:?} for this"));
            return Err(hinted(error, name, known).into());
        };
        places.push(Place {
            name: name.to_owned(),
            kind: *kind,
            span,
            standing: Standing::Word,
        });
    }
    Ok(places)
}

fn hinted(error: query::Error, name: &str, known: &[(&str, Kind)]) -> query::Error {
    let names = known.iter().map(|(name, _)| *name);
    match (nearest(name, names.clone()), known) {
        (Some(meant), _) => error.with_hint(format!("did you mean {{{meant}}}?")),
        (None, []) => error,
        (None, _) => {
            let names: Vec<_> = names.map(|name| format!("{{{name}}}")).collect();
            error.with_hint(format!("there are {}", names.join(", ")))
        }
    }
}

/// The name of the place that `text` begins with, if it is one.
fn name_in_braces(text: &str) -> Option<&str> {
    let (name, _) = text.strip_prefix('{')?.split_once('}')?;
    let begins = |c: char| c.is_ascii_alphabetic() || c == '_';
    let goes_on = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    (name.starts_with(begins) && name.chars().all(goes_on)).then_some(name)
}

/// Whether `before` ends in a backslash and a letter, of which braces are a part: `\p{L}`, `\u{ab}`.
fn is_escape(before: &str) -> bool {
    let letter = before.strip_suffix(|c: char| c.is_ascii_alphabetic());
    let backslashes = letter.map_or(0, |it| it.len() - it.trim_end_matches('\\').len());
    backslashes % 2 == 1
}
