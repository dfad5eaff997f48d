//! What a record says as a list of names and values, as most formats print it.

use std::collections::HashSet;

use birl_record::level::Level;
use birl_record::record::Field;
use birl_record::value::{Text, Value};

use crate::entry::Entry;
use crate::fields::{Fields, Hidden, Path, What};

/// The fixed columns that are printed unless others are asked for, in their order.
pub(crate) const FIRST: [(&str, What); 5] = [
    ("timestamp", What::Timestamp),
    ("level", What::Level),
    ("message", What::Message),
    ("source", What::Source),
    ("offset", What::Offset),
];

/// What birl says of a record besides its columns.
const NUMBER: &[u8] = b"number";
const CUT: &[u8] = b"cut";
const CONTEXT: &[u8] = b"context";

/// Something that a record says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Item<'a> {
    /// Nanoseconds since 1970 (UTC).
    Time(i64),
    Level(Level),
    Number(u64),
    True,
    Text(Text<'a>),
    Bytes(&'a [u8]),
    Value(Value<'a>),
}

/// What a record says, as far as it is asked for, with the names in the order in which it is printed.
#[derive(Clone, Debug)]
pub(crate) struct Members {
    fields: Fields,
    /// The log's own fields that are not among the rest.
    pub(crate) hidden: Hidden,
}

impl Members {
    pub(crate) fn new(fields: Fields) -> Self {
        Self {
            hidden: fields.hidden(),
            fields,
        }
    }

    /// Calls `each` with all that is asked for and there. Values of the log may hold hidden ones.
    pub(crate) fn each<'a>(
        &self,
        entry: &Entry<'a>,
        each: &mut dyn FnMut(&Path<'_>, Item<'a>, &Hidden),
    ) {
        match &self.fields {
            Fields::All | Fields::Without(_) => self.rest(entry, each),
            Fields::Only(columns) => {
                for column in columns {
                    match column.what {
                        What::Rest => self.rest(entry, each),
                        _ => {
                            if let Some(item) = item(entry, &column.what) {
                                let name = Text::plain(column.name.as_bytes());
                                each(&Path::of(name), item, &Hidden::default());
                            }
                        }
                    }
                }
                if !columns.iter().any(|column| column.what == What::Rest) {
                    extras(entry, each);
                }
            }
        }
    }

    /// All columns that are not named.
    fn rest<'a>(&self, entry: &Entry<'a>, each: &mut dyn FnMut(&Path<'_>, Item<'a>, &Hidden)) {
        for (name, what) in FIRST {
            if !self.names(&what)
                && let Some(item) = item(entry, &what)
            {
                each(&Path::of(Text::plain(name.as_bytes())), item, &self.hidden);
            }
        }
        extras(entry, each);
        own(entry, &mut |path, value| {
            if !self.hidden.hides(path) {
                each(path, value, &self.hidden);
            }
        });
    }

    /// Whether a column is named, to be left out or to be printed elsewhere.
    fn names(&self, what: &What) -> bool {
        match &self.fields {
            Fields::All => false,
            Fields::Only(columns) | Fields::Without(columns) => {
                columns.iter().any(|column| column.what == *what)
            }
        }
    }
}

/// What a record says in a column.
pub(crate) fn item<'a>(entry: &Entry<'a>, what: &What) -> Option<Item<'a>> {
    Some(match what {
        What::Timestamp => Item::Time(entry.time?),
        What::Level => Item::Level(entry.record.severity?.level()),
        What::Severity => Item::Number(entry.record.severity?.number().into()),
        What::Message => Item::Text(entry.record.message?),
        What::Source => Item::Bytes(entry.source),
        What::Offset => Item::Number(entry.offset),
        What::Line => Item::Bytes(entry.line),
        What::Own(path) => Item::Value(entry.record.get(path.as_bytes())?),
        What::Rest => return None,
    })
}

fn extras<'a>(entry: &Entry<'a>, each: &mut dyn FnMut(&Path<'_>, Item<'a>, &Hidden)) {
    let mut extra = |name, item| each(&Path::of(Text::plain(name)), item, &Hidden::default());
    if let Some(number) = entry.number {
        extra(NUMBER, Item::Number(number));
    }
    if entry.cut {
        extra(CUT, Item::True);
    }
    if entry.context {
        extra(CONTEXT, Item::True);
    }
}

/// Calls `each` with the log's own fields that say more than the fixed columns: of repeated names
/// the first. Of a text that went wrong somewhere, the `line` follows, so that nothing is lost.
pub(crate) fn own<'a>(entry: &Entry<'a>, each: &mut dyn FnMut(&Path<'_>, Item<'a>)) {
    let fields = &entry.record.fields;
    let unread = match entry.time {
        Some(_) => None,
        None => entry.record.timestamp,
    };
    let mut names = Names::default();
    let mut unread_text = unread.map(|timestamp| timestamp.text());
    for (place, field) in fields.iter().enumerate() {
        let earlier = fields[..place].iter().map(|field| field.name);
        if names.repeats(field.name, earlier) {
            continue;
        }
        if field.feeds {
            if !unread_text.is_some_and(|text| is_written_in(text, field)) {
                continue;
            }
            unread_text = None;
        }
        let path = match is_birls(&field.name.decode(), entry) {
            true => Path::prefixed(field.name),
            false => Path::of(field.name),
        };
        each(&path, Item::Value(field.value));
    }
    // A time that nobody can read is not lost either.
    if let Some(text) = unread_text {
        let path = Path::prefixed(Text::plain(b"timestamp"));
        each(&path, Item::Bytes(text));
    }
    if entry.record.is_broken {
        each(&Path::of(Text::plain(b"line")), Item::Bytes(entry.line));
    }
}

/// Whether a text is what a field holds: the very bytes.
fn is_written_in(text: &[u8], field: &Field<'_>) -> bool {
    let written = match field.value {
        Value::Text(text) => text.raw(),
        Value::Bare(written) | Value::Number(written) => written,
        _ => return false,
    };
    std::ptr::eq(written, text)
}

/// Whether a field of this name has to make way for what birl says.
fn is_birls(name: &[u8], entry: &Entry<'_>) -> bool {
    // A field that is itself called "fields.level" must not be taken for the one called "level".
    let mut name = name;
    while let Some(rest) = name.strip_prefix(b"fields.") {
        name = rest;
    }
    is_fixed(name)
        || name == NUMBER && entry.number.is_some()
        || name == CUT && entry.cut
        || name == CONTEXT && entry.context
}

/// Whether this is one of the names that are birl's. A field of the log that is called so and feeds
/// none of them is `fields.NAME`, as it is in a query.
fn is_fixed(name: &[u8]) -> bool {
    matches!(
        name,
        b"timestamp" | b"level" | b"severity" | b"message" | b"source" | b"offset" | b"line"
    )
}

/// Tells which names of an object came before.
#[derive(Default)]
pub(crate) struct Names {
    /// A bit for each name that came, by its length and its edges.
    bits: u64,
    count: usize,
    many: Option<HashSet<Box<[u8]>>>,
}

/// Of so many names it is looked up at once whether one of them came before.
const FEW: usize = 64;

impl Names {
    /// Whether `name` is one of the `earlier` ones, which are those that were asked for before.
    pub(crate) fn repeats<'a>(
        &mut self,
        name: Text<'a>,
        earlier: impl Iterator<Item = Text<'a>>,
    ) -> bool {
        self.count += 1;
        if self.count > FEW {
            let many = self
                .many
                .get_or_insert_with(|| earlier.map(|name| name.decode().into()).collect());
            return !many.insert(name.decode().into());
        }
        let decoded = name.decode();
        let bit = 1 << (hash(&decoded) % 64);
        let may_repeat = self.bits & bit != 0;
        self.bits |= bit;
        may_repeat && { earlier }.any(|earlier| earlier.is(&decoded))
    }
}

/// A number that differs for most names of an object.
fn hash(name: &[u8]) -> usize {
    let edge = |byte: Option<&u8>| byte.map_or(0, |byte| usize::from(*byte));
    name.len() * 7
        + edge(name.first()) * 31
        + edge(name.last())
        + edge(name.get(name.len() / 2)) * 5
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_name_repeats_if_it_came_before(names in prop::collection::vec("[ab]{0,3}", 0..200)) {
            let texts: Vec<_> = names.iter().map(|name| Text::plain(name.as_bytes())).collect();
            let mut known = Names::default();
            for (place, text) in texts.iter().enumerate() {
                let repeats = known.repeats(*text, texts[..place].iter().copied());
                prop_assert_eq!(repeats, names[..place].contains(&names[place]));
            }
        }
    }
}
