//! Places for dots and columns, which become characters.

use anstyle::Style;

use crate::theme::push_text;

/// What stands for a column that is filled up to so many eighths.
const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
const EIGHTHS_ASCII: [&str; 9] = [" ", ".", ".", ".", ":", ":", ":", "#", "#"];

/// The lower and the upper end of a scale, from the bottom to the top.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Range {
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Range {
    /// Where a number is between the ends: 0 is the lower, 1 the upper.
    fn share(self, number: f64) -> f64 {
        // Halves, since the whole range may have no end.
        let share = (number / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0);
        share.clamp(0.0, 1.0)
    }

    /// The number that is so far between the ends.
    pub(super) fn at(self, share: f64) -> f64 {
        self.low * (1.0 - share) + self.high * share
    }
}

/// Numbers as filled columns, in so many rows, from the top.
pub(super) fn filled(
    numbers: &[Option<f64>],
    rows: usize,
    range: Range,
    ascii: bool,
) -> Vec<String> {
    let blocks = if ascii { EIGHTHS_ASCII } else { EIGHTHS };
    let eighths: Vec<_> = numbers
        .iter()
        .map(|number| match number {
            None => 0,
            // What is more than the least can be seen.
            Some(number) => {
                let least = usize::from(*number > range.low);
                ((range.share(*number) * (8 * rows) as f64).round() as usize).max(least)
            }
        })
        .collect();
    (0..rows)
        .rev()
        .map(|row| {
            let columns = eighths.iter();
            columns
                .map(|eighths| blocks[eighths.saturating_sub(8 * row).min(8)])
                .collect()
        })
        .collect()
}

/// Characters whose parts are dots: two by four in braille, and one in ASCII.
#[derive(Debug)]
pub(super) struct Canvas {
    columns: usize,
    rows: usize,
    ascii: bool,
    /// The dots of each character, and the style of the last that was set.
    cells: Vec<(u8, Style)>,
}

impl Canvas {
    pub(super) fn new(columns: usize, rows: usize, ascii: bool) -> Self {
        Self {
            columns,
            rows,
            ascii,
            cells: vec![(0, Style::new()); columns * rows],
        }
    }

    /// How many dots a character has beside each other, and below each other.
    fn dots(&self) -> (usize, usize) {
        if self.ascii { (1, 1) } else { (2, 4) }
    }

    /// How many dots there are beside each other.
    pub(super) fn dots_across(&self) -> usize {
        self.columns * self.dots().0
    }

    /// Draws a line of numbers, one for each dot from the left. Where there is none, it is broken.
    pub(super) fn line(&mut self, numbers: &[Option<f64>], range: Range, style: Style) {
        let bottom = self.rows * self.dots().1 - 1;
        let mut before = None;
        for (x, number) in numbers.iter().enumerate() {
            let y = number
                .map(|number| bottom - (range.share(number) * bottom as f64).round() as usize);
            if let Some(y) = y {
                let from = before.unwrap_or(y);
                // The step from the last dot is drawn down or up to the side of this one.
                let (low, high) = match from < y {
                    true => ((from + 1).min(y), y),
                    false => (y, from.saturating_sub(1).max(y)),
                };
                for y in low..=high {
                    self.set(x, y, style);
                }
            }
            before = y;
        }
    }

    fn set(&mut self, x: usize, y: usize, style: Style) {
        const BITS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
        let (across, down) = self.dots();
        let cell = &mut self.cells[y / down * self.columns + x / across];
        *cell = (cell.0 | BITS[x % across][y % down], style);
    }

    /// The characters of a row.
    pub(super) fn write_row(&self, row: usize, out: &mut Vec<u8>) {
        let cells = &self.cells[row * self.columns..][..self.columns];
        for stretch in cells.chunk_by(|one, next| one.1 == next.1) {
            let text: String = stretch.iter().map(|(dots, _)| self.char(*dots)).collect();
            push_text(stretch[0].1, &text, out);
        }
    }

    fn char(&self, dots: u8) -> char {
        match (dots, self.ascii) {
            (0, _) => ' ',
            (_, true) => '*',
            (dots, false) => {
                char::from_u32(0x2800 + u32::from(dots)).expect("braille has 256 characters")
            }
        }
    }
}
