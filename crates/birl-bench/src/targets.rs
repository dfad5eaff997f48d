//! Promises, held against what others take in the same run.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::versus::median;

/// The names of the columns of what [`Case::run`] says.
pub const HEADER: &str =
    "case                                             birl        rival rival/us  wanted";

/// What every bench of promises is told on its command line.
pub struct Args {
    /// How often each case runs.
    pub rounds: usize,
    /// Others are left out, as for a profiler.
    pub ours_only: bool,
    names: Vec<String>,
}

impl Args {
    /// Reads `[--rounds N] [--ours] [NAME]...`, and what else this bench is told: flags with the numbers that
    /// they set.
    ///
    /// # Panics
    /// Where a flag has no number behind it.
    pub fn parse(rounds: usize, numbers: &mut [(&str, &mut u64)]) -> Self {
        let mut args = Self {
            rounds,
            ours_only: false,
            names: Vec::new(),
        };
        let mut rest = std::env::args().skip(1);
        while let Some(arg) = rest.next() {
            let mut number = || -> u64 {
                let value = rest.next().and_then(|value| value.parse().ok());
                value.unwrap_or_else(|| panic!("{arg} needs a number"))
            };
            match arg.as_str() {
                // Cargo says so itself.
                "--bench" => {}
                "--ours" => args.ours_only = true,
                "--rounds" => args.rounds = number() as usize,
                flag => match numbers.iter_mut().find(|(name, _)| *name == flag) {
                    Some((_, set)) => **set = number(),
                    None => args.names.push(arg),
                },
            }
        }
        args
    }

    /// Whether a case is to run: one of those that are named, or any where none is.
    pub fn picks(&self, case: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|name| case.contains(name))
    }
}

/// The program that is measured: `$BIRL`, or else `target/release/birl` of the repository.
///
/// # Panics
/// Where it is not there.
pub fn birl() -> PathBuf {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/release/birl");
    let birl = std::env::var_os("BIRL").map_or(built, PathBuf::from);
    assert!(
        birl.exists(),
        "there is no {}: cargo build --release, or name it in $BIRL",
        birl.display()
    );
    birl
}

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
    /// Nothing: it is good to know.
    Nothing,
}

/// What the rounds of a measurement have given: a line below [`HEADER`].
pub struct Row<'a> {
    /// What was measured.
    pub name: &'a str,
    /// In what the numbers are.
    pub unit: &'a str,
    /// What birl took, in each round.
    pub ours: Vec<f64>,
    /// What others took for the same; empty where that was not measured.
    pub rivals: Vec<f64>,
    /// What was promised.
    pub wanted: Wanted,
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
        let row = Row {
            name: self.name,
            unit: self.unit,
            ours,
            rivals,
            wanted: self.wanted,
        };
        row.to_string()
    }
}

impl fmt::Display for Row<'_> {
    /// The medians, and whether the promise is met.
    ///
    /// # Panics
    /// Where there was no round.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ours = median(self.ours.clone());
        let rival = (!self.rivals.is_empty()).then(|| median(self.rivals.clone()));
        write!(
            f,
            "{:<40} {:>12} {:>12} {:>8}  {}",
            self.name,
            self.with_unit(ours),
            rival.map_or("-".to_owned(), |rival| self.with_unit(rival)),
            rival.map_or("-".to_owned(), |rival| format!("{:.2}", rival / ours)),
            self.wanted(),
        )?;
        f.write_str(match self.wanted.is_met(ours, rival) {
            Some(true) => ": met",
            Some(false) => ": MISSED",
            None => match self.wanted {
                Wanted::Nothing => "",
                _ => ": not known",
            },
        })
    }
}

impl Row<'_> {
    fn with_unit(&self, value: f64) -> String {
        format!("{value:.1} {}", self.unit)
    }

    fn wanted(&self) -> String {
        match self.wanted {
            Wanted::Faster(times) => format!("ratio >= {times:.2}"),
            Wanted::Times(times) => format!("ratio >= 1/{times:.2}"),
            Wanted::Within(most) => format!("<= {}", self.with_unit(most)),
            Wanted::Added(most) => format!("<= rival + {}", self.with_unit(most)),
            Wanted::Nothing => "-".to_owned(),
        }
    }
}

impl Wanted {
    /// `None` where nothing is, or where it takes a rival, and none was measured.
    fn is_met(&self, ours: f64, rival: Option<f64>) -> Option<bool> {
        Some(match self {
            Self::Faster(times) => rival? / ours >= *times,
            Self::Times(times) => ours <= rival? * times,
            Self::Within(most) => ours <= *most,
            Self::Added(most) => ours <= rival? + most,
            Self::Nothing => return None,
        })
    }
}
