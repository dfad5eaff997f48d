//! Charts for people: bars for categories, columns and lines over time, a histogram of numbers.
//!
//! ```text
//! service   count
//! payments    120  ████████████████████████████████
//! mailer       45  ████████████
//! checkout      7  █▉
//! ```

mod axis;
mod bars;
mod canvas;
mod histogram;
mod over_time;
#[cfg(feature = "picture")]
pub(crate) mod picture;
pub(crate) mod spark;

use std::fmt::{self, Display, Formatter};
use std::io::{self, Write};

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema};

use self::bars::Bars;
use self::histogram::Histogram;
use self::over_time::OverTime;
use crate::cell::Cell;
use crate::rows::{RenderRows, columns};
use crate::table::line::shown;
use crate::table::{Drawing, has_numbers, write_remark};
use crate::theme::Theme;
use crate::zone::DisplayZone;

/// Rows as a chart for people, which is drawn at the end.
///
/// What chart it is depends on the columns:
///
/// - With a column of times and one of numbers or more, it is drawn **over time**, from left to right.
///   The values of one series are columns, or a line if some are negative; a few series are lines
///   of several colours, and more, or without colours, small charts below each other. Each further
///   column of numbers is a chart of its own below. Where nothing is known (no row, null, or no
///   number) there is a gap, in the axis as well. If there are more values than columns, each column
///   shows the largest of its values. Of too many series the ones with the largest values are shown,
///   and the number of the others is told.
/// - With names and a column of numbers, each row is a **bar**, to the right or, for negative numbers,
///   to the left. Further columns of numbers are printed.
/// - One column of numbers and nothing else is a **histogram**: how many of them are in which range.
///
/// No line is wider than the width, and there are no more lines than the height. Values that are not
/// numbers (NaN) or have no end are not drawn; below the chart stands how many there were.
///
/// Bars are kept up to the height; of values over time and of those of a histogram, no more are kept
/// than can be seen, however many rows there are.
#[derive(Debug)]
pub struct Chart {
    kind: Kind,
    options: ChartOptions,
}

/// How a chart is drawn.
#[derive(Clone, Debug)]
pub struct ChartOptions {
    /// How many columns of characters there are.
    pub width: usize,
    /// How many lines there are. Without it, there is a bar for each row, and a chart over time has
    /// as many lines as are usual.
    pub height: Option<usize>,
    /// How many columns, the first ones, name what the others measure, where that is known: those that
    /// a query groups by. Where it is not, they are those up to the last one that holds no numbers, or
    /// the first, if all hold numbers.
    pub keys: Option<usize>,
    /// The zone that times are shown in.
    pub zone: DisplayZone,
    /// How it looks.
    pub theme: Theme,
    /// Whether all that birl writes itself is ASCII.
    pub ascii: bool,
}

impl ChartOptions {
    /// Writes a line of what birl says itself.
    fn write_remark(&self, remark: &str, out: &mut Vec<u8>) {
        write_remark(remark, Some(self.width), self.theme.remark, self.ascii, out);
    }
}

/// Rows that no chart can be drawn of: none of the columns holds numbers that are measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartError {
    names: Vec<String>,
}

impl Display for ChartError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("a chart needs a column of numbers, and the answer has ")?;
        match &*self.names {
            [] => f.write_str("no columns"),
            names => f.write_str(&names.join(", ")),
        }
    }
}

impl std::error::Error for ChartError {}

#[derive(Debug)]
enum Kind {
    Bars(Bars),
    OverTime(OverTime),
    Histogram(Histogram),
}

/// What the columns of rows are for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Roles {
    /// The column of times.
    time: Option<usize>,
    /// Those that name what is measured, without the times.
    keys: Vec<usize>,
    /// Those that are measured.
    values: Vec<usize>,
}

impl Chart {
    /// Draws rows of these columns.
    ///
    /// # Errors
    ///
    /// If no column holds numbers that can be drawn.
    pub fn new(schema: &Schema, options: ChartOptions) -> Result<Self, ChartError> {
        let roles = Roles::of(schema, options.keys);
        if roles.values.is_empty() {
            let names = schema.fields().iter().map(|field| field.name().clone());
            return Err(ChartError {
                names: names.collect(),
            });
        }
        let kind = match (roles.time, &*roles.keys, &*roles.values) {
            (Some(time), ..) => Kind::OverTime(OverTime::new(schema, time, &roles, &options)),
            (None, [], [value]) => Kind::Histogram(Histogram::new(*value, schema)),
            _ => Kind::Bars(Bars::new(schema, &roles)),
        };
        Ok(Self { kind, options })
    }

    /// Draws a whole chart.
    ///
    /// # Errors
    ///
    /// As of [`new`](Self::new).
    pub fn draw(
        schema: &Schema,
        batches: &[RecordBatch],
        options: ChartOptions,
    ) -> Result<Drawing, ChartError> {
        let mut chart = Self::new(schema, options)?;
        for batch in batches {
            chart.add(batch);
        }
        Ok(chart.drawing())
    }

    /// Takes rows, as [`rows`](RenderRows::rows) does.
    pub fn add(&mut self, batch: &RecordBatch) {
        match &mut self.kind {
            Kind::Bars(bars) => bars.add(batch, &self.options),
            Kind::OverTime(over_time) => over_time.add(&columns(batch), batch.num_rows()),
            Kind::Histogram(histogram) => {
                let values = &columns(batch)[histogram.column];
                for row in 0..batch.num_rows() {
                    histogram.add(&values.cell(row));
                }
            }
        }
    }

    /// The chart of the rows that came.
    #[must_use]
    pub fn drawing(&self) -> Drawing {
        let text = match &self.kind {
            Kind::Bars(bars) => bars.draw(&self.options, None),
            Kind::OverTime(over_time) => over_time.draw(&self.options),
            Kind::Histogram(histogram) => histogram.draw(&self.options),
        };
        Drawing::of(text)
    }
}

impl RenderRows for Chart {
    fn rows(&mut self, batch: &RecordBatch, _out: &mut dyn Write) -> io::Result<()> {
        self.add(batch);
        Ok(())
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(self.drawing().text.as_bytes())
    }
}

impl Roles {
    fn of(schema: &Schema, keys: Option<usize>) -> Self {
        let fields = schema.fields();
        let measures = |index: usize| is_measure(&fields[index]);
        let keys = keys.unwrap_or_else(|| match (0..fields.len()).rev().find(|i| !measures(*i)) {
            Some(last) => last + 1,
            None => usize::from(fields.len() > 1),
        });
        let keys = keys.min(fields.len());
        let time = (0..fields.len()).find(|&index| is_time(fields[index].data_type()));
        Self {
            time,
            keys: (0..keys).filter(|index| Some(*index) != time).collect(),
            values: (keys..fields.len()).filter(|&i| measures(i)).collect(),
        }
    }
}

fn is_time(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64
    )
}

/// Whether values of a column can be drawn to a scale.
fn is_measure(field: &Field) -> bool {
    has_numbers(field) && !matches!(field.data_type(), DataType::Interval(_))
}

/// Ends a line, without spaces at its end.
fn end_line(out: &mut Vec<u8>) {
    while out.last() == Some(&b' ') {
        out.pop();
    }
    out.push(b'\n');
}

/// What a column of numbers is called, and what they are if its name does not tell.
fn measure_name(schema: &Schema, column: usize) -> String {
    let field = schema.field(column);
    let name = shown(field.name(), None);
    match field.data_type() {
        DataType::Duration(_) => format!("{name} (s)"),
        _ => name,
    }
}

/// Values that cannot be drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Undrawn {
    nulls: u64,
    nans: u64,
    infinite: u64,
    /// Rows whose time is not known, or centuries away.
    untimed: u64,
}

impl Undrawn {
    /// The number that a value is, or one more that cannot be drawn.
    fn number(&mut self, cell: &Cell<'_>) -> Option<f64> {
        match cell.number() {
            None => self.nulls += 1,
            Some(number) if number.is_nan() => self.nans += 1,
            Some(number) if number.is_infinite() => self.infinite += 1,
            number => return number,
        }
        None
    }

    /// What to say of them, if there are some.
    fn remark(&self) -> Option<String> {
        let counts = [
            (self.nulls, "null"),
            (self.nans, "NaN"),
            (self.infinite, "infinite"),
            (self.untimed, "without a time"),
        ];
        let parts = counts.iter().filter(|(count, _)| *count > 0);
        let parts: Vec<_> = parts
            .map(|(count, name)| format!("{count} {name}"))
            .collect();
        (!parts.is_empty()).then(|| format!("not drawn: {}", parts.join(", ")))
    }
}
