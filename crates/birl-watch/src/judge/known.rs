//! What a rule knows of groups, as much as there is room for.

use std::collections::HashMap;

use tracing::warn;

use crate::life::Group;

/// So much memory is taken, and by so many groups. When there is more, those are forgotten that were
/// seen no longer.
const BYTES_MAX: usize = 64 << 20;
const GROUPS_MAX: usize = 1_000_000;

/// What a group takes besides its texts: its place in the map, and a part of what the map has free.
const GROUP_BYTES: usize = 96;

/// What is known of each group, and when it was last seen.
#[derive(Debug)]
pub(crate) struct Known<V> {
    of: HashMap<Group, (V, i64)>,
    bytes: usize,
    bytes_max: usize,
    forgotten: u64,
}

/// How much memory a value takes besides its own size.
pub(crate) trait Extent {
    fn bytes(&self) -> usize;
}

impl Extent for () {
    fn bytes(&self) -> usize {
        0
    }
}

impl Extent for String {
    fn bytes(&self) -> usize {
        self.len()
    }
}

impl<V: Extent> Known<V> {
    pub(crate) fn new() -> Self {
        Self::up_to(BYTES_MAX)
    }

    fn up_to(bytes_max: usize) -> Self {
        Self {
            of: HashMap::new(),
            bytes: 0,
            bytes_max,
            forgotten: 0,
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Group, &V)> {
        self.of.iter().map(|(group, (value, _))| (group, value))
    }

    /// How many groups were forgotten, since there was no room for them.
    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Knows `value` of a group that was seen at `time`; gives what was known, and when that was seen.
    pub(crate) fn insert(&mut self, group: Group, value: V, time: i64) -> Option<(V, i64)> {
        let bytes = bytes_of(&group, &value);
        let before = self
            .of
            .get(&group)
            .map(|(value, _)| bytes_of(&group, value));
        self.bytes = self.bytes - before.unwrap_or_default() + bytes;
        let before = self.of.insert(group, (value, time));
        if self.of.len() > GROUPS_MAX || self.bytes > self.bytes_max {
            self.forget_the_older_half();
        }
        before
    }

    /// Forgets the groups that were last seen before `time`: they mean nothing any more.
    pub(crate) fn forget_before(&mut self, time: i64) {
        self.retain(|_, last| last >= time);
    }

    /// Whether one more group of the size of those that there are may make it forget some.
    pub(crate) fn is_full(&self) -> bool {
        self.of.len() >= GROUPS_MAX || self.bytes + self.bytes / 64 > self.bytes_max
    }

    fn forget_the_older_half(&mut self) {
        let mut times: Vec<_> = self.of.values().map(|(_, last)| *last).collect();
        let count = times.len().div_ceil(2);
        let (_, newest, _) = times.select_nth_unstable(count - 1);
        let newest = *newest;
        // Of those that were seen at the very same time, no more than are too many.
        let mut left = count;
        let older = self.of.values().filter(|(_, last)| *last < newest).count();
        let mut of_newest = count - older;
        self.retain(|_, last| {
            let goes = match last.cmp(&newest) {
                std::cmp::Ordering::Less => true,
                std::cmp::Ordering::Equal if of_newest > 0 => {
                    of_newest -= 1;
                    true
                }
                _ => false,
            };
            left -= usize::from(goes);
            !goes
        });
        debug_assert_eq!(left, 0, "as many go as were to go");
        if self.forgotten == 0 {
            warn!(
                known = self.of.len() + count,
                bytes = self.bytes_max,
                "a rule knows as much as there is room for, and forgets what it has not seen for longest"
            );
        }
        self.forgotten += count as u64;
    }

    fn retain(&mut self, mut stays: impl FnMut(&Group, i64) -> bool) {
        let mut bytes = self.bytes;
        self.of.retain(|group, (value, last)| {
            let stays = stays(group, *last);
            if !stays {
                bytes -= bytes_of(group, value);
            }
            stays
        });
        self.bytes = bytes;
    }
}

fn bytes_of<V: Extent>(group: &Group, value: &V) -> usize {
    let texts = group.iter();
    let pair = size_of::<(String, String)>();
    let texts = texts.map(|(name, value)| pair + name.len() + value.len());
    GROUP_BYTES + texts.sum::<usize>() + size_of::<V>() + value.bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: u64) -> Group {
        vec![("host".to_owned(), format!("{name:05}"))]
    }

    #[test]
    fn what_was_not_seen_for_longest_is_forgotten_and_counted() {
        let one = bytes_of(&group(0), &String::from("12345"));
        let mut known = Known::up_to(100 * one);
        for number in 0..100 {
            known.insert(group(number), "12345".to_owned(), number as i64);
        }
        assert_eq!((known.of.len(), known.forgotten()), (100, 0));
        // It is seen again, and so is among the newer ones.
        known.insert(group(3), "12345".to_owned(), 100);
        known.insert(group(100), "12345".to_owned(), 101);
        assert_eq!(known.forgotten(), 51);
        let mut left: Vec<_> = known.iter().map(|(group, _)| group.clone()).collect();
        left.sort();
        let expected: Vec<_> = [3].into_iter().chain(52..=100).map(group).collect();
        assert_eq!(left, expected);
        assert_eq!(known.bytes, 50 * one);
    }

    #[test]
    fn values_that_grow_are_counted() {
        let mut known = Known::up_to(10_000);
        for number in 0..10 {
            known.insert(group(0), "x".repeat(number * 900), 0);
            assert_eq!(known.bytes, bytes_of(&group(0), &"x".repeat(number * 900)));
        }
        assert_eq!(
            known.insert(group(0), String::new(), 0).unwrap().0.len(),
            8100
        );
        for number in 0..1000 {
            known.insert(group(number), "x".repeat(900), 0);
            assert!(known.bytes <= 10_000);
        }
        known.forget_before(1);
        assert_eq!((known.of.len(), known.bytes), (0, 0));
    }
}
