//! Tables for people: columns below their names, numbers to the right.
//!
//! ```text
//! service   count  avg(latency_ms)
//! payments    120         51.25
//! mailer        7       1250
//! ```

mod cell;
mod layout;
pub(crate) mod line;

pub(crate) use self::cell::number_text;

use std::io::{self, Write};

use anstyle::Style;
use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema};
use birl_record::columns::HAS_NUMBERS;

use self::cell::{Shown, show};
use self::layout::Layout;
use self::line::cut;
use crate::rows::{RenderRows, columns};
use crate::theme::{Theme, push_text};
use crate::zone::DisplayZone;

/// Rows as a table for people, under a line with the names of the columns.
///
/// Numbers stand to the right with their points below each other, whole ones without marks between
/// their digits, so that they may be copied; of a fraction at most four digits are shown that count.
/// Times stand as people read them, in the zone or in one of their own. Null is an empty cell, an
/// empty text is `""`; a line end in a text is `\n` and a tab `\t`, other control characters are shown
/// as everywhere, and a list or an object is JSON.
///
/// How wide the columns are is told by the first rows, which are kept until there are enough of them.
/// Where a width is given, no line is wider if that can be helped, and all rows are as wide as the
/// first line: texts that are too long end with `…`, and columns for which there is no room are named below the
/// table. Numbers and times are never cut among other columns: a row of numbers that are wider than
/// all before takes room from what follows. Where no width is given, nothing is cut, and there are no
/// spaces at the ends of lines.
#[derive(Clone, Debug)]
pub struct Table {
    columns: Vec<Column>,
    options: TableOptions,
    /// Rows that are kept until the columns have widths.
    kept: Vec<Vec<Shown>>,
    layout: Option<Layout>,
}

/// How a table is written.
#[derive(Clone, Debug)]
pub struct TableOptions {
    /// How many columns of characters there are, as on a terminal.
    pub width: Option<usize>,
    /// How many rows tell how wide the columns are, at least one.
    pub rows_ahead: usize,
    /// The zone that times are shown in.
    pub zone: DisplayZone,
    /// How it looks.
    pub theme: Theme,
    /// Whether all that birl writes itself is ASCII.
    pub ascii: bool,
}

/// A text that is written at once, and how many lines it has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drawing {
    /// The text; each line ends with a newline.
    pub text: String,
    /// How many lines it has.
    pub lines: usize,
}

impl Drawing {
    /// The drawing that is this text.
    pub(crate) fn of(text: Vec<u8>) -> Self {
        Self {
            lines: text.iter().filter(|byte| **byte == b'\n').count(),
            text: String::from_utf8(text).expect("all of it was text"),
        }
    }
}

/// Lines of a table, without their ends.
pub(crate) struct Block {
    pub(crate) lines: Vec<Vec<u8>>,
    /// How wide they are.
    pub(crate) width: usize,
    /// Which columns are missing.
    pub(crate) missing: Option<String>,
}

/// A column of a table.
#[derive(Clone, Debug)]
struct Column {
    name: String,
    /// Whether its values stand to the right.
    is_number: bool,
    /// Whether its words are levels.
    is_level: bool,
    /// Whether its values say something when they are cut.
    may_cut: bool,
}

impl Table {
    /// Writes rows of these columns.
    #[must_use]
    pub fn new(schema: &Schema, options: TableOptions) -> Self {
        let columns = schema.fields().iter().map(|field| Column {
            name: line::shown(field.name(), None),
            is_number: has_numbers(field),
            is_level: field.name().eq_ignore_ascii_case("level"),
            may_cut: may_cut(field.data_type()),
        });
        Self {
            columns: columns.collect(),
            options,
            kept: Vec::new(),
            layout: None,
        }
    }

    /// Draws a whole table, of at most so many lines; of rows for which there is no room, the number
    /// is told.
    #[must_use]
    pub fn draw(
        schema: &Schema,
        batches: &[RecordBatch],
        options: TableOptions,
        lines_max: Option<usize>,
    ) -> Drawing {
        let mut table = Self::new(schema, options);
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        let mut text = Vec::new();
        let Some(room) = lines_max.unwrap_or(usize::MAX).checked_sub(1) else {
            return Drawing::default();
        };
        // Which columns there is room for depends on the rows, and the line that tells of columns
        // takes the place of a row.
        let mut block = table.block(batches, rows.min(room));
        let for_rows = room - usize::from(block.missing.is_some() && room > 0);
        if rows > for_rows {
            block = table.block(batches, for_rows.saturating_sub(1));
        }
        let shown = block.lines.len() - 1;
        for line in block.lines {
            text.extend_from_slice(&line);
            text.push(b'\n');
        }
        if rows > shown && for_rows > 0 {
            let unit = if rows - shown == 1 { "row" } else { "rows" };
            table.write_remark(&format!("{} more {unit}", rows - shown), &mut text);
        }
        if let Some(missing) = block.missing.filter(|_| room > 0) {
            table.write_remark(&missing, &mut text);
        }
        Drawing::of(text)
    }

    /// The names of the columns and the first rows, a line each.
    pub(crate) fn block(&mut self, batches: &[RecordBatch], rows: usize) -> Block {
        self.kept.clear();
        self.keep(batches, rows);
        let layout = Layout::of(&self.columns, &self.kept, self.options.width);
        let mut lines = Vec::with_capacity(1 + self.kept.len());
        let mut line = Vec::new();
        self.write_head(&layout, &mut line);
        lines.push(line);
        for row in &self.kept {
            let mut line = Vec::new();
            self.write_row(row, &layout, &mut line);
            lines.push(line);
        }
        for line in &mut lines {
            line.pop();
        }
        Block {
            lines,
            width: layout.width(),
            missing: self.missing_columns(&layout),
        }
    }

    /// Keeps the first rows, up to so many.
    fn keep(&mut self, batches: &[RecordBatch], rows_max: usize) {
        for batch in batches {
            let columns = columns(batch);
            for row in 0..batch.num_rows() {
                if self.kept.len() == rows_max {
                    return;
                }
                self.kept.push(self.show(&columns, row));
            }
        }
    }

    fn show(&self, columns: &[crate::cell::Values<'_>], row: usize) -> Vec<Shown> {
        assert_eq!(columns.len(), self.columns.len(), "rows of other columns");
        let cells = columns.iter().zip(&self.columns);
        cells
            .map(|(values, column)| show(&values.cell(row), column.is_level, &self.options))
            .collect()
    }

    /// Writes the head and what was kept, once it is known how wide the columns are.
    fn settle(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.layout.is_some() {
            return Ok(());
        }
        let layout = Layout::of(&self.columns, &self.kept, self.options.width);
        let mut text = Vec::new();
        self.write_head(&layout, &mut text);
        for row in std::mem::take(&mut self.kept) {
            self.write_row(&row, &layout, &mut text);
        }
        self.layout = Some(layout);
        out.write_all(&text)
    }

    fn write_head(&self, layout: &Layout, out: &mut Vec<u8>) {
        let cells = self.columns.iter().map(|column| Shown::name(&column.name));
        layout.write(cells, Some(self.options.theme.header), &self.options, out);
    }

    fn write_row(&self, row: &[Shown], layout: &Layout, out: &mut Vec<u8>) {
        layout.write(row.iter().cloned(), None, &self.options, out);
    }

    /// Names the columns for which there is no room.
    fn missing_columns(&self, layout: &Layout) -> Option<String> {
        let missing = &self.columns[layout.len()..];
        let names: Vec<_> = missing.iter().map(|column| &*column.name).collect();
        let unit = if names.len() == 1 {
            "column"
        } else {
            "columns"
        };
        (!names.is_empty()).then(|| format!("{} more {unit}: {}", names.len(), names.join(", ")))
    }

    fn write_remark(&self, remark: &str, out: &mut Vec<u8>) {
        let options = &self.options;
        write_remark(
            remark,
            options.width,
            options.theme.remark,
            options.ascii,
            out,
        );
    }
}

/// Writes a line of what birl says itself.
pub(crate) fn write_remark(
    remark: &str,
    width: Option<usize>,
    style: Style,
    ascii: bool,
    out: &mut Vec<u8>,
) {
    let ellipsis = if ascii { "..." } else { "…" };
    let mut text = format!("{ellipsis} {remark}");
    if let Some(width) = width {
        text = cut(&text, width, ascii);
    }
    push_text(style, &text, out);
    out.push(b'\n');
}

impl RenderRows for Table {
    fn rows(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> io::Result<()> {
        let columns = columns(batch);
        let mut text = Vec::new();
        for row in 0..batch.num_rows() {
            let shown = self.show(&columns, row);
            match &self.layout {
                Some(layout) => self.write_row(&shown, layout, &mut text),
                None => {
                    self.kept.push(shown);
                    if self.kept.len() >= self.options.rows_ahead {
                        self.settle(out)?;
                    }
                }
            }
        }
        out.write_all(&text)
    }

    fn flush(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.kept.is_empty() {
            return Ok(());
        }
        self.settle(out)
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.settle(out)?;
        let mut text = Vec::new();
        if let Some(layout) = &self.layout
            && let Some(remark) = self.missing_columns(layout)
        {
            self.write_remark(&remark, &mut text);
        }
        out.write_all(&text)
    }
}

/// Whether values of a column stand to the right.
pub(crate) fn has_numbers(field: &Field) -> bool {
    field.metadata().contains_key(HAS_NUMBERS) || is_number(field.data_type())
}

fn is_number(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => is_number(values),
        DataType::Duration(_) | DataType::Interval(_) => true,
        other => other.is_numeric(),
    }
}

/// Whether a beginning of values of a type says something.
fn may_cut(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => may_cut(values),
        DataType::Boolean
        | DataType::Timestamp(..)
        | DataType::Date32
        | DataType::Date64
        | DataType::Time32(_)
        | DataType::Time64(_) => false,
        other => !is_number(other),
    }
}
