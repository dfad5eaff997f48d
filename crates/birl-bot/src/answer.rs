//! What has been found, in lines that fit a room.

use birl_query::{Chart, Rows, Schema};
use birl_render::{DisplayZone, SparkColumns, Sparks, Table, TableOptions, Theme};
use birl_scan::Snapshot;
use birl_watch::logs::{Found, Kept};
use birl_watch::words::moment;

use crate::pages::{Lines, Shape};

/// So many columns of a line of a chart are for its name, at most.
const NAME_WIDTH: usize = 24;
/// So many columns are for the numbers beside a chart.
const NUMBERS_WIDTH: usize = 28;
/// Of more series the largest are shown.
const SERIES_MAX: usize = 20;

/// What is said to whoever has asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The text.
    pub text: String,
    /// A picture that shows what the text says, as PNG.
    pub picture: Option<Picture>,
}

/// A picture of a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// As PNG.
    pub png: Vec<u8>,
    /// What it is of.
    pub title: String,
}

impl From<String> for Answer {
    fn from(text: String) -> Self {
        Self {
            text,
            picture: None,
        }
    }
}

/// A picture of what was asked by `query`, if it is a chart over time of more than one moment.
#[cfg(feature = "pictures")]
pub(crate) fn picture(found: &Found, query: &str) -> Option<Picture> {
    let Kept::Rows {
        rows,
        chart: Some(chart),
        ..
    } = &found.kept
    else {
        return None;
    };
    let columns = columns(chart);
    let title = query.split_whitespace().collect::<Vec<_>>().join(" ");
    let has_length = found.count > 1;
    let png = has_length.then(|| birl_render::picture(rows, columns, &title))??;
    Some(Picture { png, title })
}

/// None: birl was built without.
#[cfg(not(feature = "pictures"))]
pub(crate) fn picture(_: &Found, _: &str) -> Option<Picture> {
    None
}

fn columns(chart: &Chart) -> SparkColumns<'_> {
    SparkColumns {
        time: &chart.time,
        span: chart.span,
        series: chart.series.as_deref(),
        values: &chart.values,
    }
}

/// An answer in lines.
pub(crate) fn lines(found: Found, time_up: std::time::Duration, shape: Shape) -> Lines {
    let mut lines = match found.kept {
        Kept::Records(records) => {
            let shown = records.len() as u64;
            Lines {
                head: Vec::from_iter(count_words(found.count, shown, "record", "last")),
                body: records.iter().map(|it| cut(it, shape)).collect(),
                from_end: true,
                ..Lines::default()
            }
        }
        Kept::Rows {
            schema,
            rows,
            are_first,
            chart,
        } => {
            let spark = chart.and_then(|chart| sparks(&rows, &chart, shape));
            spark.unwrap_or_else(|| table(&schema, &rows, (found.count, are_first), shape))
        }
    };
    if found.count == 0 {
        lines = match found.cut_off {
            None => Lines::of("nothing found"),
            Some(_) => Lines::default(),
        };
    }
    if let Some(read) = found.cut_off {
        let words = format!(
            "time was up after {} s, with {} read: {}",
            time_up.as_secs_f64(),
            read_words(&read),
            match found.count {
                0 => "nothing is known yet",
                _ => "this is not all",
            }
        );
        lines.head.insert(0, words);
    }
    let remarks = found.remarks.iter();
    lines
        .remarks
        .extend(remarks.map(|remark| cut(remark, shape)));
    lines
}

/// How many there are, where not all of them or more than a page are shown.
fn count_words(count: u64, shown: u64, what: &str, which: &str) -> Option<String> {
    (count > shown).then(|| format!("{count} {what}s, of which the {which} {shown} can be shown:"))
}

/// How much of the sources has been read.
pub(crate) fn read_words(read: &Snapshot) -> String {
    let done = bytes_words(read.bytes_read);
    match read.all_found && read.bytes_found > 0 {
        true => {
            let percent = read.bytes_read.saturating_mul(100) / read.bytes_found;
            format!("{percent} % of {}", bytes_words(read.bytes_found))
        }
        false => done,
    }
}

/// A number of bytes for people.
pub(crate) fn bytes_words(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] = [
        (1_000_000_000_000, "TB"),
        (1_000_000_000, "GB"),
        (1_000_000, "MB"),
        (1000, "kB"),
    ];
    let unit = UNITS.iter().find(|(unit, _)| bytes >= *unit);
    match unit {
        Some((unit, name)) => format!("{:.1} {name}", bytes as f64 / *unit as f64),
        None => format!("{bytes} bytes"),
    }
}

/// A table of rows, of which there are `count`, and these are the first or the last.
fn table(schema: &Schema, rows: &[Rows], (count, are_first): (u64, bool), shape: Shape) -> Lines {
    let options = TableOptions {
        width: Some(shape.width),
        rows_ahead: usize::MAX,
        zone: DisplayZone::utc(),
        theme: Theme::PLAIN,
        ascii: false,
    };
    let drawing = Table::draw(schema, rows, options, None);
    let lines = drawing.text.lines().map(str::trim_end);
    let mut drawn = lines.map(|line| match line {
        // Rooms leave out empty lines.
        "" => "null".to_owned(),
        line => line.to_owned(),
    });
    let title = drawn.next();
    let shown: usize = rows.iter().map(Rows::num_rows).sum();
    let which = if are_first { "first" } else { "last" };
    Lines {
        head: Vec::from_iter(count_words(count, shown as u64, "row", which)),
        title,
        body: drawn.collect(),
        from_end: !are_first,
        ..Lines::default()
    }
}

/// Rows over time, a line for each series; `None` where there is nothing to draw.
fn sparks(rows: &[Rows], chart: &Chart, shape: Shape) -> Option<Lines> {
    let columns = columns(chart);
    let width = shape.width.saturating_sub(NAME_WIDTH + NUMBERS_WIDTH);
    let sparks = Sparks::draw(rows, columns, width)?;
    let shown = &sparks.sparks[..sparks.sparks.len().min(SERIES_MAX)];
    let names = shown.iter().map(|spark| name(&spark.name));
    let names: Vec<String> = names.collect();
    let width = names.iter().map(|name| name.chars().count()).max();
    let width = width.unwrap_or(0);
    let body = shown.iter().zip(&names).map(|(spark, name)| {
        let (max, last) = (number(spark.max), number(spark.last));
        format!("{name:<width$} {} max {max}, last {last}", spark.line)
    });
    let (start, end) = (moment(sparks.start), moment(sparks.end));
    let others = sparks.sparks.len() - shown.len();
    Some(Lines {
        head: vec![format!("{start} to {end}")],
        body: body.collect(),
        remarks: match others {
            0 => Vec::new(),
            others => vec![format!("and {others} more, none of which is larger")],
        },
        ..Lines::default()
    })
}

/// The name of a series, cut to what fits.
fn name(name: &str) -> String {
    match name.chars().nth(NAME_WIDTH) {
        None => name.to_owned(),
        Some(_) => name.chars().take(NAME_WIDTH - 1).chain(['…']).collect(),
    }
}

/// A number with no more digits than are read at a glance.
fn number(number: f64) -> String {
    match number.fract() == 0.0 || number.abs() >= 1000.0 {
        true => format!("{number:.0}"),
        false => format!("{number:.2}"),
    }
}

/// A line, cut to what fits. Of a record of many lines the first is shown.
pub(crate) fn cut(text: &str, shape: Shape) -> String {
    // A line of a log says less in half.
    let most = shape.width * 3;
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let more = lines.count();
    let mut line: String = first.chars().take(most).collect();
    if first.chars().nth(most).is_some() {
        line.push('…');
    }
    match more {
        0 => {}
        1 => line.push_str(" (1 more line)"),
        more => line += &format!(" ({more} more lines)"),
    }
    line
}
