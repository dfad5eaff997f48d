//! The fields that records have, and their types, as samples tell.

use std::collections::HashMap;

use super::FIXED;
use super::types::Type;
use crate::format::Parser;
use crate::json::{self, Members};
use crate::logfmt::Pairs;
use crate::value::{Number, Value};

/// So many names are told apart.
const NAMES_MAX: usize = 2_000;

/// Fields within fields are told apart to this depth.
const DEPTH_MAX: usize = 8;

/// The fields of some records, with their types.
///
/// A field's type is integer only where all of its values are; where they are of several types it is
/// text, but for integers and floats, which are floats. Null says nothing.
///
/// Where records [go on](Self::going_on) that cannot be read again, whole numbers are taken for texts:
/// fractions may follow, and identifiers that have more digits than a float.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    known: Vec<Known>,
    /// The place of each name among those that are known.
    places: HashMap<String, usize>,
    records: usize,
    is_going_on: bool,
}

/// A field that some record has.
#[derive(Clone, Debug)]
struct Known {
    name: String,
    seen: Seen,
    /// Whether it says what nothing else does, and stands in the record itself.
    is_own: bool,
    /// The number of the last record that has it: of a repeated name the first counts.
    last: usize,
    /// Whether some values are true or false.
    is_flag: bool,
}

/// What the values of a field have been.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Seen {
    #[default]
    Nothing,
    Int,
    Float,
    Bool,
    Text,
    /// Texts and numbers.
    Mixed,
    List(Box<Seen>),
}

impl Fields {
    /// The fields that were found elsewhere, as [`parts`](Self::parts) tells them.
    pub fn of_parts(parts: impl IntoIterator<Item = (String, Type, bool)>, records: usize) -> Self {
        let known = parts.into_iter().map(|(name, ty, is_own)| Known {
            name,
            seen: Seen::of_type(&ty),
            is_own,
            last: records,
            // Of what was text it is not known.
            is_flag: matches!(ty, Type::Bool | Type::Text),
        });
        let known: Vec<_> = known.collect();
        let names = known.iter().map(|it| it.name.clone());
        Self {
            places: names.zip(0..).collect(),
            known,
            records,
            is_going_on: false,
        }
    }

    /// The same, where there are more records, and those that were taken cannot be read again.
    pub fn going_on(self) -> Self {
        Self {
            is_going_on: true,
            ..self
        }
    }

    /// All fields with their types, and whether they are among those that [`iter`](Self::iter) has: to
    /// be kept.
    pub fn parts(&self) -> impl Iterator<Item = (&str, Type, bool)> {
        let all = self.known.iter();
        all.map(|known| (known.name.as_str(), self.type_of(known), known.is_own))
    }

    /// Takes a record as a sample, which `parser` reads.
    pub fn observe(&mut self, parser: &Parser, text: &[u8]) {
        self.records += 1;
        let record = parser.parse(text);
        for field in &record.fields {
            let name = column_name(&field.name.decode());
            self.add(name, field.value, !field.feeds, 0);
        }
        if let Some(message) = record.message.filter(|message| !message.has_escapes()) {
            let message = message.raw();
            let object = memchr::memchr(b'{', message).map(|at| &message[at..]);
            let members = Members::of(object.unwrap_or_default());
            let pairs = Pairs::of(message).map(|(_, name, value)| (name, value));
            for (name, value) in members.chain(pairs) {
                let path = name.decode();
                let name = column_name(&path);
                // Not of all formats are messages looked into.
                if self.places.contains_key(&name) || parser.get(text, &path) == Some(value) {
                    self.add(name, value, false, 0);
                }
            }
        }
    }

    fn add(&mut self, name: String, value: Value<'_>, is_own: bool, depth: usize) {
        if let Some(object) = object(value)
            && depth < DEPTH_MAX
        {
            for (key, value) in Members::of(object) {
                let path = format!("{name}.{}", String::from_utf8_lossy(&key.decode()));
                self.add(path, value, false, depth + 1);
            }
        }
        let place = match self.places.get(&name) {
            Some(place) => *place,
            None if self.known.len() == NAMES_MAX => return,
            None => {
                self.places.insert(name.clone(), self.known.len());
                self.known.push(Known {
                    name,
                    seen: Seen::Nothing,
                    is_own: false,
                    last: 0,
                    is_flag: false,
                });
                self.known.len() - 1
            }
        };
        let known = &mut self.known[place];
        known.is_own |= is_own;
        if known.last < self.records {
            known.last = self.records;
            let seen = Seen::of(value);
            known.is_flag |= seen == Seen::Bool;
            known.seen = std::mem::take(&mut known.seen).join(seen);
        }
    }

    /// The fields that the records themselves have, but for those that say only what the timestamp,
    /// the level or the message does: their names as columns have them, in order of first
    /// appearance, with their types.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Type)> {
        let own = self.known.iter().filter(|known| known.is_own);
        own.map(|known| (known.name.as_str(), self.type_of(known)))
    }

    /// All fields: also those within objects, by their paths, those that feed the timestamp, the
    /// level or the message, and those that stand in messages.
    pub fn all(&self) -> impl Iterator<Item = (&str, Type)> {
        let all = self.known.iter();
        all.map(|known| (known.name.as_str(), self.type_of(known)))
    }

    /// The type of the field that a column's name means, if a sample has it.
    pub fn get(&self, name: &str) -> Option<Type> {
        let place = self.places.get(name)?;
        Some(self.type_of(&self.known[*place]))
    }

    fn type_of(&self, known: &Known) -> Type {
        match known.seen {
            Seen::Int if self.is_going_on => Type::Text,
            _ => known.seen.to_type(),
        }
    }

    /// Whether a field is taken for text, and may have numbers all the same.
    pub fn guesses(&self, name: &str) -> bool {
        self.is_unknown(name) || self.has_been_whole(name)
    }

    /// Whether a field is text in some samples and a number in others.
    pub fn is_mixed(&self, name: &str) -> bool {
        let place = self.places.get(name);
        place.is_some_and(|place| self.known[*place].seen == Seen::Mixed)
    }

    /// Whether a field may be true or false in some records: where it is in samples, or none has it.
    pub fn may_be_flag(&self, name: &str) -> bool {
        let place = self.places.get(name);
        place.is_none_or(|place| self.known[*place].is_flag)
    }

    /// Whether no sample tells of a field, for want of samples.
    pub fn is_unknown(&self, name: &str) -> bool {
        !self.places.contains_key(name) && (self.records == 0 || self.is_going_on)
    }

    /// Whether records [go on](Self::going_on), and a field had nothing but whole numbers so far.
    pub fn has_been_whole(&self, name: &str) -> bool {
        let place = self.places.get(name);
        self.is_going_on && place.is_some_and(|place| self.known[*place].seen == Seen::Int)
    }

    /// How many records have been taken.
    pub fn records(&self) -> usize {
        self.records
    }
}

/// What the column of a field is called: its own name, but for those that birl's columns have, which
/// become `fields.NAME`.
fn column_name(field: &[u8]) -> String {
    let field = String::from_utf8_lossy(field);
    // A field that is itself called "fields.level" must not be taken for the one called "level".
    let mut name = &*field;
    while let Some(rest) = name.strip_prefix("fields.") {
        name = rest;
    }
    match FIXED.contains(&name) {
        true => format!("fields.{field}"),
        false => field.into_owned(),
    }
}

fn object(value: Value<'_>) -> Option<&[u8]> {
    match value {
        Value::Object(object) => Some(object),
        Value::Text(text) => text.object(),
        _ => None,
    }
}

impl Seen {
    fn of(value: Value<'_>) -> Self {
        match value {
            Value::Null => Self::Nothing,
            Value::Bool(_) => Self::Bool,
            Value::Bare(b"true" | b"false") => Self::Bool,
            Value::Number(_) | Value::Bare(_) => match value.number() {
                Some(Number::Int(int)) if i64::try_from(int).is_ok() => Self::Int,
                // An identifier, of which a float would lose digits.
                Some(Number::Int(_)) | None => Self::Text,
                Some(Number::Float(_)) => Self::Float,
            },
            Value::Text(_) | Value::Object(_) => Self::Text,
            Value::List(list) => {
                let elements = json::elements(list).map(Self::of);
                Self::List(Box::new(elements.fold(Self::Nothing, Self::join)))
            }
        }
    }

    /// What gives columns of this type.
    fn of_type(ty: &Type) -> Self {
        match ty {
            Type::Int => Self::Int,
            Type::Float => Self::Float,
            Type::Bool => Self::Bool,
            Type::Text | Type::Timestamp => Self::Text,
            Type::List(element) => Self::List(Box::new(Self::of_type(element))),
        }
    }

    /// What both are.
    fn join(self, other: Self) -> Self {
        match (self, other) {
            (one, other) if one == other => one,
            (Self::Nothing, seen) | (seen, Self::Nothing) => seen,
            (Self::Int, Self::Float) | (Self::Float, Self::Int) => Self::Float,
            (Self::Mixed, _) | (_, Self::Mixed) => Self::Mixed,
            (Self::Int | Self::Float, Self::Text) | (Self::Text, Self::Int | Self::Float) => {
                Self::Mixed
            }
            (Self::List(one), Self::List(other)) => Self::List(Box::new(one.join(*other))),
            _ => Self::Text,
        }
    }

    fn to_type(&self) -> Type {
        match self {
            Self::Int => Type::Int,
            Self::Float => Type::Float,
            Self::Bool => Type::Bool,
            Self::Nothing | Self::Text | Self::Mixed => Type::Text,
            Self::List(element) => Type::List(Box::new(element.to_type())),
        }
    }
}
