//! Histograms: how many numbers are in which range.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray, UInt64Array};
use arrow_schema::Schema;

use super::bars::Bars;
use super::{ChartOptions, Roles, Undrawn, measure_name};
use crate::cell::Cell;
use crate::table::number_text;

/// So many numbers are kept before they are counted by their ranges.
const EXACT_MAX: usize = 4096;
/// So many ranges there are at most, which are narrower than those that are drawn.
const FINE_MAX: usize = 4096;
/// So many ranges are drawn at most.
const BARS_MAX: usize = 20;
/// Numbers of floating point are told apart to so many digits.
const DIGITS: i32 = 15;
/// Ranges that are drawn are told from each other by so many digits at least.
const DIGITS_OF_BARS: i32 = 3;

/// Numbers of a column, by their ranges.
///
/// The ranges begin at multiples of a power of ten, and are made ten times as wide when there are too
/// many of them. So none of those that are drawn cuts through one of them, and counts are exact.
#[derive(Debug)]
pub(super) struct Histogram {
    pub(super) column: usize,
    name: String,
    numbers: Numbers,
    min: f64,
    max: f64,
    undrawn: Undrawn,
}

#[derive(Debug)]
enum Numbers {
    Exact(Vec<f64>),
    /// How many numbers are in ranges of `10^power`, by the multiple of it at which one begins.
    Fine {
        power: i32,
        counts: BTreeMap<i64, u64>,
    },
}

impl Histogram {
    pub(super) fn new(column: usize, schema: &Schema) -> Self {
        Self {
            column,
            name: measure_name(schema, column),
            numbers: Numbers::Exact(Vec::new()),
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            undrawn: Undrawn::default(),
        }
    }

    pub(super) fn add(&mut self, cell: &Cell<'_>) {
        let Some(number) = self.undrawn.number(cell) else {
            return;
        };
        self.min = self.min.min(number);
        self.max = self.max.max(number);
        let power_min = power_min(self.min, self.max);
        match &mut self.numbers {
            Numbers::Exact(numbers) => {
                numbers.push(number);
                if numbers.len() > EXACT_MAX {
                    let length = range_log10(self.min, self.max) - (FINE_MAX as f64).log10();
                    // Numbers that all are the same have a range of no length.
                    let power = power_min.max(length.max(-1000.0).ceil() as i32);
                    let mut counts = BTreeMap::new();
                    for number in numbers {
                        *counts.entry(place(*number, power)).or_default() += 1;
                    }
                    self.numbers = Numbers::Fine { power, counts };
                }
            }
            Numbers::Fine { power, counts } => {
                while *power < power_min {
                    coarsen(power, counts);
                }
                *counts.entry(place(number, *power)).or_default() += 1;
                while is_long(counts) {
                    coarsen(power, counts);
                }
            }
        }
    }

    pub(super) fn draw(&self, options: &ChartOptions) -> Vec<u8> {
        let remark = self.undrawn.remark();
        let head = 1 + usize::from(remark.is_some());
        let bars_max = options
            .height
            .map_or(BARS_MAX, |height| height.saturating_sub(head));
        let rows = self.bins(bars_max.clamp(1, BARS_MAX));
        let labels: StringArray = rows.iter().map(|(label, _)| Some(label)).collect();
        let counts: UInt64Array = rows.iter().map(|(_, count)| Some(*count)).collect();
        let columns: [(&str, ArrayRef); 2] =
            [(&self.name, Arc::new(labels)), ("count", Arc::new(counts))];
        let batch = RecordBatch::try_from_iter(columns).expect("columns have the same length");
        let roles = Roles {
            time: None,
            keys: vec![0],
            values: vec![1],
        };
        let mut bars = Bars::new(&batch.schema(), &roles);
        bars.add(&batch, options);
        bars.draw(options, remark)
    }

    /// The ranges, at most so many, with how many numbers are in each.
    fn bins(&self, bins_max: usize) -> Vec<(String, u64)> {
        if self.min > self.max {
            return Vec::new();
        }
        if self.min == self.max {
            return vec![(number_text(self.min), self.total())];
        }
        let fine = match &self.numbers {
            Numbers::Exact(_) => power_min(self.min, self.max),
            Numbers::Fine { power, .. } => *power,
        };
        let power = range_log10(self.min, self.max).floor() as i32 - DIGITS_OF_BARS;
        let mut step = Step {
            factor: 1,
            power: power.max(fine),
        };
        while step.place(self.max) - step.place(self.min) >= bins_max as i64 {
            step = step.wider();
        }
        let mut counts = BTreeMap::<i64, u64>::new();
        match &self.numbers {
            Numbers::Exact(numbers) => {
                for number in numbers {
                    *counts.entry(step.place(*number)).or_default() += 1;
                }
            }
            Numbers::Fine {
                power,
                counts: fine,
            } => {
                let factor = step.factor * 10_i64.pow(step.power.abs_diff(*power));
                for (place, count) in fine {
                    *counts.entry(place.div_euclid(factor)).or_default() += count;
                }
            }
        }
        let (first, last) = (step.place(self.min), step.place(self.max));
        let edges: Vec<_> = (first..=last + 1).map(|place| step.edge(place)).collect();
        let widest = edges.iter().map(String::len).max().unwrap_or(0);
        edges
            .windows(2)
            .zip(first..)
            .map(|(edges, place)| {
                let label = format!("{:>widest$} to {:>widest$}", edges[0], edges[1]);
                (label, counts.get(&place).copied().unwrap_or(0))
            })
            .collect()
    }

    fn total(&self) -> u64 {
        match &self.numbers {
            Numbers::Exact(numbers) => numbers.len() as u64,
            Numbers::Fine { counts, .. } => counts.values().sum(),
        }
    }
}

/// Ranges of a length that people like: one, two or five times a power of ten.
#[derive(Clone, Copy, Debug)]
struct Step {
    factor: i64,
    power: i32,
}

impl Step {
    fn wider(self) -> Self {
        let (factor, power) = match self.factor {
            1 => (2, self.power),
            2 => (5, self.power),
            _ => (1, self.power + 1),
        };
        Self { factor, power }
    }

    /// Which of the ranges a number is in.
    fn place(self, number: f64) -> i64 {
        place(number, self.power).div_euclid(self.factor)
    }

    /// Where a range begins, with as many digits behind the point as all of them need.
    fn edge(self, place: i64) -> String {
        let multiple = place * self.factor;
        match self.power {
            power @ 0..=15 => {
                (i128::from(multiple) * 10_i128.pow(power.unsigned_abs())).to_string()
            }
            power @ -9..0 => format!(
                "{:.*}",
                power.unsigned_abs() as usize,
                start(multiple, power)
            ),
            power => format!("{:e}", start(multiple, power)),
        }
    }
}

/// The range of `10^power` that a number is in, by the multiple of it at which it begins.
fn place(number: f64, power: i32) -> i64 {
    let scaled = match power < 0 {
        true => number * 10_f64.powi(-power),
        false => number / 10_f64.powi(power),
    };
    let place = scaled.floor() as i64;
    // The product is rounded: 0.29 * 100 is less than 29.
    if start(place + 1, power) <= number {
        place + 1
    } else if start(place, power) > number {
        place - 1
    } else {
        place
    }
}

/// The number at which a range of `10^power` begins.
fn start(place: i64, power: i32) -> f64 {
    match power < 0 {
        true => place as f64 / 10_f64.powi(-power),
        false => place as f64 * 10_f64.powi(power),
    }
}

/// The least power of ten by whose multiples such numbers can be told apart.
fn power_min(min: f64, max: f64) -> i32 {
    let digits = min.abs().max(max.abs()).log10().ceil();
    (digits.max(-1000.0) as i32 - DIGITS).max(-300)
}

/// The power of ten that is the length of a range; the range itself may have no end.
fn range_log10(min: f64, max: f64) -> f64 {
    (max / 2.0 - min / 2.0).log10() + 2_f64.log10()
}

fn is_long(counts: &BTreeMap<i64, u64>) -> bool {
    let first = counts.first_key_value();
    let last = counts.last_key_value();
    first
        .zip(last)
        .is_some_and(|((first, _), (last, _))| last.abs_diff(*first) > FINE_MAX as u64)
}

/// Makes the ranges ten times as wide.
fn coarsen(power: &mut i32, counts: &mut BTreeMap<i64, u64>) {
    *power += 1;
    for (place, count) in std::mem::take(counts) {
        *counts.entry(place.div_euclid(10)).or_default() += count;
    }
}
