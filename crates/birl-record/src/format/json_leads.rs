//! Members of objects that follow on each other, told by what stands between their values.
//!
//! A logger writes the same keys in the same order again and again. What stood between the values of
//! the objects before is held against the next object as it stands, which takes no more than to
//! compare it; only what is new is read as JSON. (After Li et al., "Mison: A Fast JSON Parser for Data
//! Analytics", VLDB 2017, section 5, where it is called speculation.)

use crate::json::{Lead, Members};
use crate::value::{Text, Value};

/// So many leads are known; when there are more, they are learned anew.
const LEADS_MAX: usize = 64;

/// So many members may be missing between two that are known.
const AHEAD_MAX: usize = 4;

/// A longer lead is not kept.
const LEAD_BYTES_MAX: usize = 128;

/// The leads that are known, and of those before values that somebody wants, what their key is for.
#[derive(Debug)]
pub(crate) struct Leads<K> {
    known: Vec<Known<K>>,
    learned: usize,
}

#[derive(Debug)]
struct Known<K> {
    /// `None` if it was too long to be kept.
    lead: Option<Lead>,
    /// Whether it stands behind the bracket of the object.
    is_first: bool,
    key: Option<K>,
}

impl<K> Leads<K> {
    pub(crate) fn new() -> Self {
        Self {
            known: Vec::new(),
            learned: 0,
        }
    }

    /// How often a lead was learned so far: where that does not end, objects are no more alike than
    /// it takes to learn from them.
    pub(crate) fn learned(&self) -> usize {
        self.learned
    }

    /// Goes on to the next of the members that somebody wants, and calls `take` with what its key is
    /// for, what stands before its value, and the value. Returns where to go on from; `None` where the
    /// object ends, or is no JSON any more.
    ///
    /// `place` is what this returned for the member before, and 0 at the object's beginning; `key_of`
    /// says what a key is for that has not been seen there before, by what stands before its value,
    /// and the key itself.
    #[inline]
    pub(crate) fn next<'a>(
        &mut self,
        members: &mut Members<'a>,
        place: usize,
        key_of: impl Fn(&[u8], Text<'_>) -> Option<K>,
        mut take: impl FnMut(&K, &'a [u8], Value<'a>),
    ) -> Option<usize> {
        let mut place = place;
        loop {
            let Some(known) = self.known_at(members, place) else {
                let is_first = members.is_at_first();
                let (lead, key, value) = members.next_with_lead()?;
                place = self.learn(place, lead, is_first, key_of(lead, key));
                if let Some(key) = &self.known[place].key {
                    take(key, lead, value);
                    return Some(place + 1);
                }
                place += 1;
                continue;
            };
            place = known + 1;
            let known = &self.known[known];
            let lead = known.lead.as_ref()?;
            if let Some(key) = &known.key {
                let is_there = members.value_behind(lead, |lead, value| take(key, lead, value));
                return is_there.then_some(place);
            }
            if !members.pass_behind(lead) {
                return None;
            }
        }
    }

    /// The place of the lead that comes next, if it is one of those that are known to come at `place`
    /// or soon behind.
    #[inline]
    fn known_at(&self, members: &Members<'_>, place: usize) -> Option<usize> {
        if self.known.get(place)?.comes_in(members) {
            return Some(place);
        }
        self.known_behind(members, place)
    }

    /// The same behind `place`.
    #[inline(never)]
    fn known_behind(&self, members: &Members<'_>, place: usize) -> Option<usize> {
        let mut behind = (place + 1..self.known.len()).take(AHEAD_MAX - 1);
        behind.find(|place| self.known[*place].comes_in(members))
    }

    /// Takes what stood before a value for what will stand at `place` in the objects to come.
    fn learn(&mut self, place: usize, lead: &[u8], is_first: bool, key: Option<K>) -> usize {
        self.learned += 1;
        if self.known.len() >= LEADS_MAX {
            self.known.clear();
        }
        let place = place.min(self.known.len());
        let known = Known {
            lead: (lead.len() <= LEAD_BYTES_MAX).then(|| Lead::new(lead)),
            is_first,
            key,
        };
        self.known.insert(place, known);
        place
    }
}

impl<K> Known<K> {
    /// Whether it is what stands before the next value.
    #[inline]
    fn comes_in(&self, members: &Members<'_>) -> bool {
        let lead = self.lead.as_ref();
        self.is_first == members.is_at_first() && lead.is_some_and(|it| members.comes_behind(it))
    }
}
