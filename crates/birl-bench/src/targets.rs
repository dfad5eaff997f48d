//! Promises, held against what others take in the same run.

use crate::versus::median;

/// The names of the columns of what [`Case::run`] says.
pub const HEADER: &str =
    "case                                             birl        rival rival/us  wanted";

/// Does something once, and says what it took, in the unit of its [`Case`].
pub type Measure<'a> = Box<dyn FnMut() -> f64 + 'a>;

/// One promise: what we need, what others need for the same, and what was promised.
pub struct Case<'a> {
    /// What is measured.
    pub name: &'static str,
    /// In what the numbers are.
    pub unit: &'static str,
    /// What birl takes.
    pub ours: Measure<'a>,
    /// What others take for the same.
    pub rival: Option<Measure<'a>>,
    /// What was promised.
    pub wanted: Wanted,
}

/// What was promised.
pub enum Wanted {
    /// So many times as fast as the rival.
    Faster(f64),
    /// At most so many times what the rival takes.
    Times(f64),
    /// At most so much.
    Within(f64),
    /// At most so much more than the rival.
    Added(f64),
}

impl Case<'_> {
    /// Measures in turns, so many rounds; says the medians, and whether the promise is met, in one line
    /// below [`HEADER`].
    pub fn run(mut self, rounds: usize, ours_only: bool) -> String {
        let (mut ours, mut rivals) = (Vec::new(), Vec::new());
        self.rival.take_if(|_| ours_only);
        for _ in 0..rounds {
            ours.push((self.ours)());
            if let Some(rival) = &mut self.rival {
                rivals.push(rival());
            }
        }
        let ours = median(ours);
        let rival = (!rivals.is_empty()).then(|| median(rivals));
        format!(
            "{:<40} {:>12} {:>12} {:>8}  {}: {}",
            self.name,
            self.with_unit(ours),
            rival.map_or("-".to_owned(), |rival| self.with_unit(rival)),
            rival.map_or("-".to_owned(), |rival| format!("{:.2}", rival / ours)),
            self.wanted(),
            match self.wanted.is_met(ours, rival) {
                Some(true) => "met",
                Some(false) => "MISSED",
                None => "not known",
            },
        )
    }

    fn with_unit(&self, value: f64) -> String {
        format!("{value:.1} {}", self.unit)
    }

    fn wanted(&self) -> String {
        match self.wanted {
            Wanted::Faster(times) => format!("ratio >= {times:.2}"),
            Wanted::Times(times) => format!("ratio >= 1/{times:.2}"),
            Wanted::Within(most) => format!("<= {}", self.with_unit(most)),
            Wanted::Added(most) => format!("<= rival + {}", self.with_unit(most)),
        }
    }
}

impl Wanted {
    /// `None` where it takes a rival, and none was measured.
    fn is_met(&self, ours: f64, rival: Option<f64>) -> Option<bool> {
        Some(match self {
            Self::Faster(times) => rival? / ours >= *times,
            Self::Times(times) => ours <= rival? * times,
            Self::Within(most) => ours <= *most,
            Self::Added(most) => ours <= rival? + most,
        })
    }
}
