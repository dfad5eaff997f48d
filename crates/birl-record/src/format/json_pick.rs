//! Picking members out of objects of JSON, one record after the other.
//!
//! A logger writes the same keys in the same order again and again. What stood between the values of
//! the records before is held against the next record as it stands, which takes no more than to
//! compare it; only what is new is read as JSON. (After Li et al., "Mison: A Fast JSON Parser for Data
//! Analytics", VLDB 2017, section 5, where it is called speculation.)

use super::json::{Found, LEVEL_KEYS, MESSAGE_KEYS, TIME_KEYS, rank, severity, timestamp, words};
use super::pick::{Pick, Picked, Wanted};
use crate::json::{self, Members};
use crate::value::{Text, Value};

/// So many leads are known; when there are more, they are learned anew.
const LEADS_MAX: usize = 64;

/// So many members may be missing between two that are known.
const AHEAD_MAX: usize = 4;

/// A longer lead is not kept.
const LEAD_BYTES_MAX: usize = 128;

/// Picks members out of objects that stand on lines of their own.
#[derive(Debug)]
pub(super) struct JsonPicker {
    wanted: Wanted,
    /// Whether there are paths that may lead into objects.
    has_dots: bool,
    leads: Vec<Lead>,
}

/// What stands before a value, and what is known of the value by that.
#[derive(Debug)]
struct Lead {
    /// From behind the bracket, or the value before, to the value.
    text: Box<[u8]>,
    /// Whether it stands behind the bracket.
    is_first: bool,
    key: Key,
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
        Self {
            has_dots: wanted.paths.iter().any(|path| path.contains(&b'.')),
            wanted: wanted.clone(),
            leads: Vec::new(),
        }
    }

    /// Goes through the members as far as anything may still be found.
    fn walk<'a>(&mut self, text: &'a [u8], picked: &mut Picked<'a>) {
        let wanted = &self.wanted;
        let nothing = |is_wanted| if is_wanted { usize::MAX } else { 0 };
        let mut state = State {
            fields: wanted
                .paths
                .iter()
                .filter(|path| !path.contains(&b'.'))
                .count(),
            time: nothing(wanted.timestamp),
            // A level is no message, though it may have the same key.
            level: nothing(wanted.severity || wanted.message),
            message: nothing(wanted.message),
        };
        let mut members = Members::of(text);
        let mut next = 0;
        while state.is_open() {
            let (place, value) = match self.known(&mut members, next) {
                Some(known) => known,
                None => {
                    let is_first = members.is_at_first();
                    let Some((lead, key, value)) = members.next_with_lead() else {
                        return;
                    };
                    (self.learn(next, lead, is_first, key), value)
                }
            };
            next = place + 1;
            self.leads[place].key.take(value, picked, &mut state);
        }
    }

    /// The next member, if it is one of those that are known to come at `next` or soon behind.
    fn known<'a>(&self, members: &mut Members<'a>, next: usize) -> Option<(usize, Value<'a>)> {
        let is_first = members.is_at_first();
        let ahead = self.leads.iter().enumerate().skip(next).take(AHEAD_MAX);
        let mut ahead = ahead.filter(|(_, lead)| lead.is_first == is_first);
        ahead.find_map(|(place, lead)| Some((place, members.next_behind(&lead.text)?)))
    }

    /// Takes what stood before a value for what will stand at `place` in the records to come.
    fn learn(&mut self, place: usize, lead: &[u8], is_first: bool, key: Text<'_>) -> usize {
        if self.leads.len() >= LEADS_MAX {
            self.leads.clear();
        }
        let place = place.min(self.leads.len());
        let lead = Lead {
            // An empty one is never there.
            text: if lead.len() <= LEAD_BYTES_MAX {
                lead
            } else {
                b""
            }
            .into(),
            is_first,
            key: Key::new(key, &self.wanted),
        };
        self.leads.insert(place, lead);
        place
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
    fn new(key: Text<'_>, wanted: &Wanted) -> Self {
        let paths = wanted.paths.iter().enumerate();
        let places = paths.filter(|(_, path)| !path.contains(&b'.') && key.is(path));
        Self {
            name: key.raw().into(),
            places: places.map(|(place, _)| place).collect(),
            time: rank(&TIME_KEYS, key.raw()),
            level: rank(&LEVEL_KEYS, key.raw()),
            message: rank(&MESSAGE_KEYS, key.raw()),
        }
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
