//! Words that occur on a known share of the lines, so that a search has a known number of answers.

use crate::random::Random;

/// A word that occurs on exactly one line of every `period` lines, and nowhere else.
#[derive(Clone, Copy, Debug)]
pub struct Planted {
    /// How the word may be spelled; lines take turns at random.
    pub spellings: &'static [&'static str],
    /// One line of this many has the word.
    pub period: u64,
}

/// Every planted word, the commonest first.
pub const PLANTED: [Planted; 4] = [
    Planted {
        spellings: &["heartbeat"],
        period: 10,
    },
    Planted {
        spellings: &["Timeout"],
        period: 100,
    },
    // For searches that ignore case: no single spelling finds all of them.
    Planted {
        spellings: &["rejected", "Rejected", "REJECTED"],
        period: 100,
    },
    Planted {
        spellings: &["deadlock"],
        period: 10_000,
    },
];

/// Decides, line after line, where one planted word goes.
#[derive(Clone, Debug)]
pub(crate) struct Planter {
    planted: Planted,
    /// How far the current line is into its period.
    position: u64,
    /// The line of the period that has the word.
    chosen: u64,
}

impl Planter {
    pub(crate) fn new(planted: Planted) -> Planter {
        Planter {
            planted,
            position: 0,
            chosen: 0,
        }
    }

    /// The word for the next line, if that line has it.
    pub(crate) fn next_line(&mut self, random: &mut Random) -> Option<&'static str> {
        if self.position == 0 {
            self.chosen = random.below(self.planted.period);
        }
        let word = (self.position == self.chosen).then(|| random.choose(self.planted.spellings));
        self.position = (self.position + 1) % self.planted.period;
        word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_period_has_its_word_once() {
        let mut random = Random::new(3);
        for planted in PLANTED {
            let mut planter = Planter::new(planted);
            for period in 0..5 {
                let hits = (0..planted.period)
                    .filter_map(|_| planter.next_line(&mut random))
                    .count();
                assert_eq!(hits, 1, "{planted:?} in period {period}");
            }
        }
    }
}
