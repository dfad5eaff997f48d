//! Who may be answered how often.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

/// So many people are remembered. Beyond that, those who have not been limited for longest are forgotten.
const PEOPLE_MAX: usize = 4096;

/// How often somebody is answered: a bucket of tokens for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// So often at once, at least 1.
    pub burst: u32,
    /// Then once each.
    pub every: Duration,
}

/// What is done about somebody who has said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Answer,
    /// It is not answered, and they are told so: once, until they are answered again.
    Tell,
    /// It is not answered.
    Ignore,
}

/// The buckets of all people, rooms, or whatever is limited.
#[derive(Debug)]
pub(crate) struct Limits<K> {
    limit: Limit,
    buckets: HashMap<K, Bucket>,
}

#[derive(Debug)]
struct Bucket {
    /// When the bucket is full again.
    full_at: Instant,
    is_told: bool,
}

impl<K: Eq + Hash> Limits<K> {
    pub(crate) fn new(limit: Limit) -> Self {
        Self {
            limit,
            buckets: HashMap::new(),
        }
    }

    /// Goes on behind others. Where they are the same, who was limited is.
    pub(crate) fn go_on_behind(&mut self, before: Self) {
        if self.limit == before.limit {
            self.buckets = before.buckets;
        }
    }

    /// Somebody is to be answered.
    pub(crate) fn judge(&mut self, who: K, now: Instant) -> Verdict {
        if self.buckets.len() >= PEOPLE_MAX && !self.buckets.contains_key(&who) {
            // Whose bucket is full is as good as unknown.
            self.buckets.retain(|_, bucket| bucket.full_at > now);
            if self.buckets.len() >= PEOPLE_MAX {
                return Verdict::Ignore;
            }
        }
        let bucket = self.buckets.entry(who).or_insert(Bucket {
            full_at: now,
            is_told: false,
        });
        bucket.judge(self.limit, now)
    }
}

impl Bucket {
    fn judge(&mut self, limit: Limit, now: Instant) -> Verdict {
        let missing = limit.every * limit.burst.max(1).saturating_sub(1);
        if self.full_at > now + missing {
            let was_told = std::mem::replace(&mut self.is_told, true);
            return if was_told {
                Verdict::Ignore
            } else {
                Verdict::Tell
            };
        }
        self.full_at = self.full_at.max(now) + limit.every;
        // Who goes on as before is not told each time that a token comes.
        if self.full_at <= now + limit.every * (limit.burst.max(1) / 2).max(1) {
            self.is_told = false;
        }
        Verdict::Answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_too_often_is_told_once_and_answered_again_later() {
        let mut limits = Limits::new(Limit {
            burst: 2,
            every: Duration::from_secs(10),
        });
        let start = Instant::now();
        let mut at = |seconds, who| limits.judge(who, start + Duration::from_secs(seconds));
        assert_eq!([at(0, "ann"), at(0, "ann")], [Verdict::Answer; 2]);
        assert_eq!(at(0, "ann"), Verdict::Tell);
        assert_eq!(at(9, "ann"), Verdict::Ignore);
        assert_eq!(at(9, "bob"), Verdict::Answer);
        assert_eq!(at(10, "ann"), Verdict::Answer);
        // Who goes on as before knows it, and is told anew after a while.
        assert_eq!(at(10, "ann"), Verdict::Ignore);
        assert_eq!([at(60, "ann"), at(60, "ann")], [Verdict::Answer; 2]);
        assert_eq!(at(60, "ann"), Verdict::Tell);
    }

    #[test]
    fn a_crowd_is_forgotten_and_does_not_take_all_memory() {
        let mut limits = Limits::new(Limit {
            burst: 1,
            every: Duration::from_secs(1),
        });
        let start = Instant::now();
        for n in 0..PEOPLE_MAX {
            assert_eq!(limits.judge(Some(n), start), Verdict::Answer);
        }
        assert_eq!(limits.judge(None, start), Verdict::Ignore);
        let later = start + Duration::from_secs(2);
        assert_eq!(limits.judge(None, later), Verdict::Answer);
        assert_eq!(limits.buckets.len(), 1);
    }
}
