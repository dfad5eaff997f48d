//! Many more records in a window than in those before, or many fewer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{COUNT, Found, columns_of};
use crate::alert::Window;
use crate::config::{Direction, Kind, Rule};
use crate::life::Group;

/// Knows how many records of each group were in the windows before.
#[derive(Debug)]
pub(crate) struct Spike {
    direction: Direction,
    factor: f64,
    /// With so many windows before, none of which overlaps another, a window is compared.
    windows: usize,
    at_least: u64,
    /// Since when all records are seen.
    began: Option<i64>,
    /// The counts of each group by where the windows begin; where nothing was, there is none.
    counts: BTreeMap<Group, BTreeMap<i64, u64>>,
}

/// Since when all records are seen, and the counts of the windows since.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Windows {
    /// So many windows are counted.
    #[serde(default = "all")]
    windows: usize,
    began: Option<i64>,
    counts: Vec<(Group, BTreeMap<i64, u64>)>,
}

/// Of what did not say how many there are.
fn all() -> usize {
    usize::MAX
}

impl Spike {
    pub(crate) fn new(rule: &Rule) -> Self {
        let Kind::Spike {
            direction,
            factor,
            windows,
            at_least,
        } = &rule.kind
        else {
            unreachable!("it is made for rules of this kind");
        };
        Self {
            direction: *direction,
            factor: *factor,
            windows: *windows,
            at_least: *at_least,
            began: None,
            counts: BTreeMap::new(),
        }
    }

    pub(crate) fn begin(&mut self, at: i64) {
        self.began.get_or_insert(at);
    }

    pub(crate) fn window(
        &mut self,
        window: Window,
        counts: &[(Group, u64)],
        is_whole: bool,
    ) -> Vec<Found> {
        for (group, count) in counts {
            let counts = self.counts.entry(group.clone()).or_default();
            counts.insert(window.start, *count);
        }
        let size = window.end - window.start;
        let before = (1..)
            .take(self.windows)
            .map(|back| window.start - back * size);
        let before: Vec<i64> = before.collect();
        let first = before.last().copied().unwrap_or(window.start);
        self.counts.retain(|_, counts| {
            *counts = counts.split_off(&first);
            !counts.is_empty()
        });
        // The windows before have to be whole too.
        if !is_whole || self.began.is_none_or(|began| first < began) {
            return Vec::new();
        }
        let groups = self.counts.iter().filter_map(|(group, counts)| {
            let count_of = |start: &i64| counts.get(start).copied().unwrap_or(0);
            let sum: u64 = before.iter().map(count_of).sum();
            #[expect(
                clippy::cast_precision_loss,
                reason = "counts are compared by their ratio"
            )]
            let mean = sum as f64 / before.len() as f64;
            let count = count_of(&window.start);
            self.is_spike(count, mean).then(|| {
                let mut values = columns_of(group);
                values.insert(COUNT.to_owned(), count.into());
                values.insert("mean".to_owned(), Value::from(mean));
                (group.clone(), values)
            })
        });
        groups.collect()
    }

    pub(crate) fn windows(&self) -> Windows {
        Windows {
            windows: self.windows,
            began: self.began,
            counts: self.counts.clone().into_iter().collect(),
        }
    }

    /// Windows are counted from here on where more of them are asked for than were.
    pub(crate) fn restore_windows(&mut self, windows: Windows) {
        if windows.windows < self.windows {
            return;
        }
        self.began = windows.began;
        self.counts = windows.counts.into_iter().collect();
    }

    pub(crate) fn forget_windows(&mut self) {
        self.began = None;
        self.counts.clear();
    }

    fn is_spike(&self, count: u64, mean: f64) -> bool {
        #[expect(
            clippy::cast_precision_loss,
            reason = "counts are compared by their ratio"
        )]
        let (count, at_least) = (count as f64, self.at_least as f64);
        let is_up = count >= at_least && count >= mean * self.factor;
        let is_down = mean >= at_least && count * self.factor <= mean;
        match self.direction {
            Direction::Up => is_up,
            Direction::Down => is_down,
            Direction::Both => is_up || is_down,
        }
    }
}
