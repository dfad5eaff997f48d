//! Bars: a row each, behind its name and its number.

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};

use super::{ChartOptions, Roles, end_line};
use crate::rows::columns;
use crate::table::line::cut;
use crate::table::{Block, Table, TableOptions};
use crate::theme::{push_styled, push_text};

/// Bars have at least so many columns, if there are names that can be cut.
const BAR_MIN: usize = 10;
/// What stands between the numbers and the bars.
const GAP: &str = "  ";

/// Rows, each of which is a bar.
#[derive(Debug)]
pub(super) struct Bars {
    /// The columns that are printed: names, then numbers, of which the bars show the first.
    shown: Vec<usize>,
    schema: SchemaRef,
    measured: usize,
    /// What stands over the bars.
    name: Option<String>,
    /// The rows that may be drawn, and how many came in all.
    kept: Vec<RecordBatch>,
    rows: usize,
}

impl Bars {
    pub(super) fn new(schema: &Schema, roles: &Roles) -> Self {
        let shown: Vec<_> = roles.keys.iter().chain(&roles.values).copied().collect();
        let name = schema.field(roles.values[0]).name().clone();
        Self {
            schema: SchemaRef::new(schema.project(&shown).expect("the columns are there")),
            measured: roles.keys.len(),
            shown,
            // With one column of numbers it is clear what the bars show.
            name: (roles.values.len() > 1).then_some(name),
            kept: Vec::new(),
            rows: 0,
        }
    }

    pub(super) fn add(&mut self, batch: &RecordBatch, options: &ChartOptions) {
        let kept: usize = self.kept.iter().map(RecordBatch::num_rows).sum();
        let room = options.height.unwrap_or(usize::MAX).saturating_sub(kept);
        let rows = batch.num_rows().min(room);
        self.rows += batch.num_rows();
        if rows > 0 {
            let shown = batch.project(&self.shown).expect("the columns are there");
            self.kept.push(shown.slice(0, rows));
        }
    }

    /// The bars, and below them what is to be remarked.
    pub(super) fn draw(&self, options: &ChartOptions, remark: Option<String>) -> Vec<u8> {
        let mut out = Vec::new();
        let height = options.height.unwrap_or(usize::MAX);
        if height == 0 {
            return out;
        }
        // There is the line of names, and perhaps one that tells of rows for which there is no room.
        let mut remarks: Vec<_> = remark.into_iter().collect();
        let mut block = self.block(self.rows.min(height), options);
        remarks.extend(block.missing.take());
        let room = (height - 1).saturating_sub(remarks.len());
        let rows = match self.rows <= room {
            true => self.rows,
            false => room.saturating_sub(1),
        };
        if rows < block.lines.len() - 1 {
            block = self.block(rows, options);
        }
        if self.rows > rows {
            let unit = if self.rows - rows == 1 { "row" } else { "rows" };
            remarks.insert(0, format!("{} more {unit}", self.rows - rows));
        }
        let room_for_bars = options.width.saturating_sub(block.width + GAP.len());
        let numbers = self.numbers(rows);
        let scale = Scale::of(&numbers, room_for_bars);
        for (place, line) in block.lines.iter().enumerate() {
            out.extend_from_slice(line);
            match place.checked_sub(1) {
                None => {
                    if let Some(name) = self.name.as_ref().filter(|_| room_for_bars > 0) {
                        let name = cut(name, room_for_bars, options.ascii);
                        out.extend_from_slice(GAP.as_bytes());
                        push_text(options.theme.header, &name, &mut out);
                    }
                }
                Some(row) => scale.write(numbers[row], options, &mut out),
            }
            end_line(&mut out);
        }
        for remark in remarks.iter().take(height - 1 - rows) {
            options.write_remark(remark, &mut out);
        }
        out
    }

    /// The names and numbers.
    fn block(&self, rows: usize, options: &ChartOptions) -> Block {
        let table = TableOptions {
            width: Some(
                options
                    .width
                    .saturating_sub(GAP.len() + BAR_MIN)
                    .max(options.width.div_ceil(2)),
            ),
            rows_ahead: usize::MAX,
            zone: options.zone.clone(),
            theme: options.theme,
            ascii: options.ascii,
        };
        Table::new(&self.schema, table).block(&self.kept, rows)
    }

    /// The numbers that the bars of the first rows show.
    fn numbers(&self, rows: usize) -> Vec<Option<f64>> {
        let mut numbers = Vec::with_capacity(rows);
        for batch in &self.kept {
            let values = &columns(batch)[self.measured];
            for row in 0..batch.num_rows() {
                if numbers.len() < rows {
                    numbers.push(values.cell(row).number());
                }
            }
        }
        numbers
    }
}

/// How long bars are.
#[derive(Debug)]
struct Scale {
    /// How many columns there are to the left of zero and to the right.
    left: usize,
    right: usize,
    /// How much a column of characters stands for; nothing if there are no bars.
    column: f64,
}

impl Scale {
    /// The scale on which all the numbers fit into so many columns.
    fn of(numbers: &[Option<f64>], room: usize) -> Self {
        let finite = || numbers.iter().flatten().filter(|number| number.is_finite());
        let max = finite().fold(0.0, |max: f64, number| max.max(*number));
        let min = finite().fold(0.0, |min: f64, number| min.min(*number));
        if room < 3 {
            return Self {
                left: 0,
                right: 0,
                column: 0.0,
            };
        }
        if min == 0.0 {
            return Self {
                left: 0,
                right: room,
                column: max / room as f64,
            };
        }
        // A line stands at zero. Halves are summed up, since the whole may have no end.
        let room = room - 1;
        let share = min / 2.0 / (min / 2.0 - max / 2.0);
        let right_min = usize::from(max > 0.0);
        let left = ((room as f64 * share).round() as usize).clamp(1, room - right_min);
        let right = room - left;
        let column = -min / left as f64;
        Self {
            left,
            right,
            column: match right {
                0 => column,
                right => column.max(max / right as f64),
            },
        }
    }

    fn write(&self, number: Option<f64>, options: &ChartOptions, out: &mut Vec<u8>) {
        if self.column == 0.0 {
            return;
        }
        out.extend_from_slice(GAP.as_bytes());
        let number = number.filter(|number| !number.is_nan()).unwrap_or(0.0);
        let style = options.theme.series[0];
        let columns = number.abs() / self.column;
        if self.left > 0 {
            let bar = match number < 0.0 {
                true => bar_to_the_left(columns, self.left, options.ascii),
                false => String::new(),
            };
            let columns = bar.chars().count();
            out.resize(out.len() + self.left - columns, b' ');
            if !bar.is_empty() {
                push_text(style, &bar, out);
            }
            let axis = if options.ascii { "|" } else { "│" };
            push_styled(options.theme.remark, out, |out| {
                out.extend_from_slice(axis.as_bytes());
            });
        }
        if number > 0.0 {
            push_text(
                style,
                &bar_to_the_right(columns, self.right, options.ascii),
                out,
            );
        }
    }
}

/// A bar of so many columns, in eighths. What is more than nothing can be seen.
fn bar_to_the_right(columns: f64, columns_max: usize, ascii: bool) -> String {
    if columns > columns_max as f64 + 0.5 {
        let end = if ascii { ">" } else { "▶" };
        return full(columns_max.saturating_sub(1), ascii) + end;
    }
    if ascii {
        return bar_in_ascii(columns);
    }
    let eighths = ((columns * 8.0).round() as usize).max(1);
    let mut bar = full(eighths / 8, ascii);
    if let Some(part) = (eighths % 8).checked_sub(1) {
        bar.push(['▏', '▎', '▍', '▌', '▋', '▊', '▉'][part]);
    }
    bar
}

/// A bar that ends at the right, in halves, as there are no other such characters.
fn bar_to_the_left(columns: f64, columns_max: usize, ascii: bool) -> String {
    if columns > columns_max as f64 + 0.5 {
        let end = if ascii { "<" } else { "◀" };
        return end.to_owned() + &full(columns_max.saturating_sub(1), ascii);
    }
    if ascii {
        return bar_in_ascii(columns);
    }
    let halves = ((columns * 2.0).round() as usize).max(1);
    let part = if halves % 2 == 1 { "▐" } else { "" };
    part.to_owned() + &full(halves / 2, ascii)
}

fn bar_in_ascii(columns: f64) -> String {
    match columns.round() as usize {
        0 => ".".to_owned(),
        columns => full(columns, true),
    }
}

fn full(columns: usize, ascii: bool) -> String {
    let block = if ascii { "#" } else { "█" };
    block.repeat(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_has_the_length_of_its_number() {
        for (columns, bar) in [
            (0.01, "▏"),
            (0.125, "▏"),
            (0.5, "▌"),
            (1.0, "█"),
            (2.25, "██▎"),
            (3.99, "████"),
            (4.0, "████"),
            (f64::INFINITY, "███▶"),
        ] {
            assert_eq!(bar_to_the_right(columns, 4, false), bar, "{columns}");
        }
        for (columns, bar) in [
            (0.01, "▐"),
            (0.5, "▐"),
            (1.0, "█"),
            (2.5, "▐██"),
            (f64::INFINITY, "◀███"),
        ] {
            assert_eq!(bar_to_the_left(columns, 4, false), bar, "{columns}");
        }
        for (columns, right, left) in [
            (0.1, ".", "."),
            (0.5, "#", "#"),
            (2.4, "##", "##"),
            (f64::INFINITY, "###>", "<###"),
        ] {
            assert_eq!(bar_to_the_right(columns, 4, true), right);
            assert_eq!(bar_to_the_left(columns, 4, true), left);
        }
    }

    #[test]
    fn a_scale_has_room_for_all_numbers() {
        let numbers = |numbers: &[f64]| numbers.iter().copied().map(Some).collect::<Vec<_>>();
        let scale = Scale::of(&numbers(&[-10.0, 30.0]), 41);
        assert_eq!((scale.left, scale.right, scale.column), (10, 30, 1.0));
        let scale = Scale::of(&numbers(&[-1e-9, 30.0]), 41);
        assert_eq!((scale.left, scale.right), (1, 39));
        let scale = Scale::of(&numbers(&[f64::MIN, f64::MAX]), 41);
        assert_eq!((scale.left, scale.right), (20, 20));
        assert!(scale.column.is_finite());
        assert_eq!(Scale::of(&numbers(&[0.0, f64::NAN]), 41).column, 0.0);
        assert_eq!(Scale::of(&numbers(&[1.0]), 2).column, 0.0);
    }
}
