//! Picking members out of objects of JSON, one record after the other.

use super::json::{Found, LEVEL_KEYS, MESSAGE_KEYS, TIME_KEYS, rank, severity, timestamp, words};
use super::json_leads::Leads;
use super::pick::{Pick, Picked, Wanted};
use crate::json::{self, Members};
use crate::value::{Text, Value};

/// Picks members out of objects that stand on lines of their own.
#[derive(Debug)]
pub(super) struct JsonPicker {
    wanted: Wanted,
    /// How many paths name members of the object itself.
    plain: usize,
    /// Whether there are others, which may lead into objects.
    has_dots: bool,
    leads: Leads<Key>,
}

/// What the value of a key may be for.
#[derive(Clone, Debug)]
struct Key {
    name: Box<[u8]>,
    /// The places of the paths that are this key.
    places: Vec<usize>,
    /// How good a timestamp, a level and a message it may be; 0 is the best.
    time: Option<usize>,
    level: Option<usize>,
    message: Option<usize>,
    /// Whether it may be any of these.
    has_rank: bool,
}

/// How good what has been found is, and what there is still to be found.
struct State {
    fields: usize,
    time: usize,
    level: usize,
    message: usize,
}

impl JsonPicker {
    pub(super) fn new(wanted: &Wanted) -> Self {
        let paths = wanted.paths.iter();
        let plain = paths.filter(|path| !path.contains(&b'.')).count();
        Self {
            plain,
            has_dots: plain < wanted.paths.len(),
            wanted: wanted.clone(),
            leads: Leads::new(),
        }
    }

    /// Goes through the members as far as anything may still be found.
    fn walk<'a>(&mut self, text: &'a [u8], picked: &mut Picked<'a>) {
        let wanted = &self.wanted;
        let nothing = |is_wanted| if is_wanted { usize::MAX } else { 0 };
        let mut state = State {
            fields: self.plain,
            time: nothing(wanted.timestamp),
            // A level is no message, though it may have the same key.
            level: nothing(wanted.severity || wanted.message),
            message: nothing(wanted.message),
        };
        let mut members = Members::of(text);
        let mut next = 0;
        while state.is_open() {
            let key_of = |_: &[u8], key: Text<'_>| Key::new(key, wanted);
            let take = |key: &Key, _: &[u8], value| key.take(value, picked, &mut state);
            let Some(place) = self.leads.next(&mut members, next, key_of, take) else {
                return;
            };
            next = place;
        }
    }
}

impl Pick for JsonPicker {
    fn pick<'a>(&mut self, text: &'a [u8], picked: &mut Picked<'a>) -> bool {
        if !text.starts_with(b"{\"") {
            return false;
        }
        self.walk(text, picked);
        if self.has_dots {
            let paths = self.wanted.paths.iter().zip(&mut picked.fields);
            for (path, field) in paths.filter(|(path, _)| path.contains(&b'.')) {
                *field = json::get(text, path);
            }
        }
        true
    }
}

impl Key {
    /// What a key is for, if for anything.
    fn new(name: Text<'_>, wanted: &Wanted) -> Option<Self> {
        let paths = wanted.paths.iter().enumerate();
        let places = paths.filter(|(_, path)| !path.contains(&b'.') && name.is(path));
        let rank = |is_wanted: bool, keys: &[&str]| {
            let rank = is_wanted.then(|| rank(keys, name.raw()));
            rank.flatten()
        };
        let time = rank(wanted.timestamp, &TIME_KEYS);
        let level = rank(wanted.severity || wanted.message, &LEVEL_KEYS);
        let message = rank(wanted.message, &MESSAGE_KEYS);
        let key = Self {
            name: name.raw().into(),
            places: places.map(|(place, _)| place).collect(),
            has_rank: time.or(level).or(message).is_some(),
            time,
            level,
            message,
        };
        (key.has_rank || !key.places.is_empty()).then_some(key)
    }

    /// Takes the value for all that it is for, in the same way as reading the whole record does.
    #[inline]
    fn take<'a>(&self, value: Value<'a>, picked: &mut Picked<'a>, state: &mut State) {
        for place in &self.places {
            let field = &mut picked.fields[*place];
            if field.is_none() {
                // Of repeated keys the first counts.
                *field = Some(value);
                state.fields -= 1;
            }
        }
        if self.has_rank {
            self.take_ranked(value, picked, state);
        }
    }

    #[inline(never)]
    fn take_ranked<'a>(&self, value: Value<'a>, picked: &mut Picked<'a>, state: &mut State) {
        if is_better(self.time, state.time)
            && let Some(Found { what, .. }) = timestamp(value)
        {
            (state.time, picked.timestamp) = (self.time.unwrap_or_default(), Some(what));
        } else if is_better(self.level, state.level)
            && let Some(Found { what, .. }) = severity(&self.name, value)
        {
            (state.level, picked.severity) = (self.level.unwrap_or_default(), Some(what));
        } else if is_better(self.message, state.message)
            && let Some(Found { what, .. }) = words(value)
        {
            (state.message, picked.message) = (self.message.unwrap_or_default(), Some(what));
        }
    }
}

fn is_better(rank: Option<usize>, known: usize) -> bool {
    rank.is_some_and(|rank| rank < known)
}

impl State {
    /// Whether something better may come.
    fn is_open(&self) -> bool {
        self.fields > 0 || self.time > 0 || self.message > 0 || self.level > 0
    }
}
