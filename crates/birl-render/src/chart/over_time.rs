//! Charts over time: columns, lines, and many small charts below each other.

use std::collections::HashMap;

use anstyle::{Effects, Style};
use arrow_schema::{DataType, Schema};
use birl_record::level::Severity;

use super::axis::Grid;
use super::canvas::{Canvas, Range, filled};
use super::{ChartOptions, Roles, Undrawn, end_line, measure_name};
use crate::cell::{Cell, Clock, Values};
use crate::table::line::{cut, shown, width};
use crate::table::number_text;
use crate::theme::{Theme, push_text};
use crate::zone::{DisplayZone, fraction_digits, timestamp, write_civil};

/// So many lines a chart has if no height is given.
const HEIGHT: usize = 20;
/// With less room, nothing is drawn.
const WIDTH_MIN: usize = 32;
const HEIGHT_MIN: usize = 8;
/// A chart has so many lines at least: its name, three rows and the axis.
const PANEL_MIN: usize = 5;
/// So many series are drawn as lines of one chart, if they have different colours.
const LINES_MAX: usize = 5;
/// So many series are kept.
const SERIES_MAX: usize = 1000;
/// So many values are kept of a series if there are a few, and so many if there are many.
const POINTS_MAX: usize = 16_384;
const POINTS_MAX_OF_MANY: usize = 1024;
const FEW: usize = 16;

/// Values over time.
#[derive(Debug)]
pub(super) struct OverTime {
    time: usize,
    keys: Vec<usize>,
    /// What the keys are called, with commas between.
    key_names: String,
    zone: DisplayZone,
    names: Vec<String>,
    places: HashMap<String, usize>,
    measures: Vec<Measure>,
    undrawn: Undrawn,
    /// The first and the last time at which there was a value that is drawn.
    ends: Option<(i64, i64)>,
    /// Whether there were more series than are kept.
    has_more: bool,
    /// Whether there are more values than are kept.
    is_thinned: bool,
}

/// A column of numbers.
#[derive(Debug)]
struct Measure {
    column: usize,
    name: String,
    /// The values of each series, in the order of their names.
    series: Vec<Vec<(i64, f64)>>,
}

impl OverTime {
    pub(super) fn new(schema: &Schema, time: usize, roles: &Roles, options: &ChartOptions) -> Self {
        let name = |column: usize| shown(schema.field(column).name(), None);
        let clock = match schema.field(time).data_type() {
            DataType::Timestamp(_, zone) => Clock::of(zone.as_deref()),
            _ => Clock::Civil,
        };
        let key_names: Vec<_> = roles.keys.iter().map(|key| name(*key)).collect();
        let measures = roles.values.iter().map(|&column| Measure {
            column,
            name: measure_name(schema, column),
            series: Vec::new(),
        });
        Self {
            time,
            keys: roles.keys.clone(),
            key_names: key_names.join(", "),
            zone: match clock {
                Clock::Display => options.zone.clone(),
                Clock::Own(zone) => zone,
                Clock::Civil => DisplayZone::utc(),
            },
            names: Vec::new(),
            places: HashMap::new(),
            measures: measures.collect(),
            undrawn: Undrawn::default(),
            ends: None,
            has_more: false,
            is_thinned: false,
        }
    }

    pub(super) fn add(&mut self, columns: &[Values<'_>], rows: usize) {
        let mut name = String::new();
        for row in 0..rows {
            let Some(time) = nanoseconds(&columns[self.time].cell(row)) else {
                self.undrawn.untimed += 1;
                continue;
            };
            name.clear();
            for (place, key) in self.keys.iter().enumerate() {
                if place > 0 {
                    name.push_str(", ");
                }
                push_name(&columns[*key].cell(row), &self.zone, &mut name);
            }
            let Some(place) = self.place(&name) else {
                self.has_more = true;
                continue;
            };
            for measure in &mut self.measures {
                let cell = columns[measure.column].cell(row);
                if let Some(number) = self.undrawn.number(&cell) {
                    measure.series[place].push((time, number));
                    let (first, last) = self.ends.unwrap_or((time, time));
                    self.ends = Some((first.min(time), last.max(time)));
                }
            }
            self.thin(place);
        }
    }

    /// The place of a series among the others.
    fn place(&mut self, name: &str) -> Option<usize> {
        if let Some(place) = self.places.get(name) {
            return Some(*place);
        }
        let place = self.names.len();
        if place == SERIES_MAX {
            return None;
        }
        self.names.push(name.to_owned());
        self.places.insert(name.to_owned(), place);
        for measure in &mut self.measures {
            measure.series.push(Vec::new());
        }
        Some(place)
    }

    /// Keeps only the largest of neighbours where a series has very many values.
    fn thin(&mut self, place: usize) {
        let points_max = match self.names.len() <= FEW {
            true => POINTS_MAX,
            false => POINTS_MAX_OF_MANY,
        };
        for measure in &mut self.measures {
            let points = &mut measure.series[place];
            if points.len() > points_max {
                put_in_order(points);
                if points.len() > points_max / 2 {
                    thin(points, points_max / 2);
                    self.is_thinned = true;
                }
            }
        }
    }

    pub(super) fn draw(&self, options: &ChartOptions) -> Vec<u8> {
        let mut out = Vec::new();
        let height = options
            .height
            .unwrap_or(HEIGHT.max(PANEL_MIN * self.measures.len() + 4));
        if options.width < WIDTH_MIN || height < HEIGHT_MIN {
            if height > 0 {
                options.write_remark("no room for a chart", &mut out);
            }
            return out;
        }
        let mut remarks = Vec::new();
        remarks.extend(self.undrawn.remark());
        if self.has_more {
            remarks.push(format!("drawn: only the first {SERIES_MAX} series"));
        }
        let (measures, left_out) = self.measures.split_at(measures_with_room(
            self.measures.len(),
            height - FOOT - remarks.len(),
        ));
        if !left_out.is_empty() {
            let names: Vec<_> = left_out.iter().map(|measure| &*measure.name).collect();
            let unit = if names.len() == 1 {
                "column"
            } else {
                "columns"
            };
            remarks.push(format!("{} more {unit}: {}", names.len(), names.join(", ")));
        }
        let rows = (height - FOOT - remarks.len()) / measures.len();
        let are_levels = self.key_names.eq_ignore_ascii_case("level");
        let panels: Vec<_> = measures
            .iter()
            .map(|measure| Panel::of(measure, &self.names, are_levels, rows, options))
            .collect();
        let mut times = times(&panels);
        if let Some((first, last)) = self.ends.filter(|_| self.is_thinned) {
            // Which of the values were kept must not matter.
            times.extend([first, last]);
            times.sort_unstable();
        }
        let page = Page::of(&panels, &times, !self.is_thinned, options);
        if page.grid.is_none() && !times.is_empty() {
            // Labels take all of the width.
            options.write_remark("no room for a chart", &mut out);
            return out;
        }
        for panel in &panels {
            page.write_panel(panel, &self.key_names, options, &mut out);
        }
        if let Some(grid) = &page.grid {
            page.write_ticks(grid, &self.zone, &mut out);
            self.write_times(grid, options, &mut out);
        }
        for remark in remarks {
            options.write_remark(&remark, &mut out);
        }
        out
    }

    /// Writes from when to when it is, and how long the time is that a column shows.
    fn write_times(&self, grid: &Grid, options: &ChartOptions, out: &mut Vec<u8>) {
        let Some((first, last)) = self.ends else {
            return;
        };
        let ends = [first, last].map(|time| self.zone.civil(timestamp(time)));
        let digits = ends.map(fraction_digits).into_iter().max().unwrap_or(0);
        let [first, last] = ends.map(|time| {
            let mut text = Vec::new();
            write_civil(time, b' ', digits, &mut text);
            String::from_utf8(text).expect("digits are text")
        });
        let date = &first[..DATE.len()];
        let last = last.strip_prefix(date).unwrap_or(&last);
        let length = grid.length();
        let line = match (ends[0] == ends[1], grid.merges()) {
            (true, _) => first,
            (_, false) => format!("{first} to {last}, every {length}"),
            (_, true) => format!("{first} to {last}, max of each {length}"),
        };
        let line = cut(&line, options.width, options.ascii);
        push_text(options.theme.remark, &line, out);
        out.push(b'\n');
    }
}

/// How long a date is, with the space behind it.
const DATE: &str = "2026-03-14 ";

/// Below the charts stand the times, and from when to when it is.
const FOOT: usize = 2;

/// How many charts there is room for.
fn measures_with_room(count: usize, lines: usize) -> usize {
    if count * PANEL_MIN <= lines {
        return count;
    }
    // One line tells of the others.
    (lines.saturating_sub(1) / PANEL_MIN).clamp(1, count)
}

/// A chart of the values of a column.
struct Panel<'a> {
    name: &'a str,
    series: Vec<Series<'a>>,
    /// Whether the names of the series are levels.
    are_levels: bool,
    kind: PanelKind,
    range: Range,
    /// So many rows it has, without its name and its axis.
    rows: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PanelKind {
    /// One series, as filled columns.
    Filled,
    /// A few series, as lines.
    Lines,
    /// Many, as small charts below each other, of so many rows each.
    Small(usize),
}

struct Series<'a> {
    name: &'a str,
    points: Vec<(i64, f64)>,
    max: f64,
    style: Style,
}

impl<'a> Panel<'a> {
    fn of(
        measure: &'a Measure,
        names: &'a [String],
        are_levels: bool,
        lines: usize,
        options: &ChartOptions,
    ) -> Self {
        let mut series: Vec<_> = names
            .iter()
            .zip(&measure.series)
            .filter(|(_, points)| !points.is_empty())
            .map(|(name, points)| {
                let mut points = points.clone();
                put_in_order(&mut points);
                let numbers = points.iter().map(|point| point.1);
                Series {
                    name,
                    max: numbers.fold(f64::NEG_INFINITY, f64::max),
                    points,
                    style: Style::new(),
                }
            })
            .collect();
        series.sort_by(|one, other| other.max.total_cmp(&one.max));
        let colours = options.theme.series.iter().cycle();
        for (series, colour) in series.iter_mut().zip(colours) {
            series.style = match are_levels {
                true => level_style(series.name, &options.theme).unwrap_or(*colour),
                false => *colour,
            };
        }
        let numbers = || {
            series
                .iter()
                .flat_map(|series| &series.points)
                .map(|point| point.1)
        };
        let max = numbers().fold(f64::NEG_INFINITY, f64::max);
        let min = numbers().fold(f64::INFINITY, f64::min);
        let rows = lines - 2;
        let has_colours = !options.theme.series[0].is_plain();
        let kind = match series.len() {
            0 | 1 if min < 0.0 => PanelKind::Lines,
            0 | 1 => PanelKind::Filled,
            2..=LINES_MAX if has_colours => PanelKind::Lines,
            count => PanelKind::Small((rows / count).clamp(1, 3)),
        };
        Self {
            name: &measure.name,
            range: range(min, max, kind),
            series,
            are_levels,
            kind,
            rows,
        }
    }

    /// The series that are drawn.
    fn drawn(&self) -> &[Series<'a>] {
        match self.kind {
            // A row tells of those for which there is no room.
            PanelKind::Small(_) if self.series.len() > self.rows => &self.series[..self.rows - 1],
            _ => &self.series,
        }
    }
}

/// How the series of a level looks: as its word does, but never on a background of its colour.
fn level_style(name: &str, theme: &Theme) -> Option<Style> {
    let style = theme.level(Severity::from_word(name.as_bytes())?.level());
    Some(style.effects(style.get_effects().remove(Effects::INVERT)))
}

/// The scale for such numbers. It begins at zero unless that would hide how they differ.
fn range(min: f64, max: f64, kind: PanelKind) -> Range {
    let (low, high) = match kind {
        _ if min > max => (0.0, 1.0),
        PanelKind::Lines if min > max / 2.0 => (min, max),
        _ => (min.min(0.0), max),
    };
    match low < high {
        true => Range { low, high },
        false if low == 0.0 => Range { low, high: 1.0 },
        false => Range {
            low: low.min(0.0),
            high: high.max(0.0),
        },
    }
}

/// All times at which something is drawn.
fn times(panels: &[Panel<'_>]) -> Vec<i64> {
    let series = panels.iter().flat_map(Panel::drawn);
    let mut times: Vec<_> = series
        .flat_map(|series| series.points.iter().map(|point| point.0))
        .collect();
    times.sort_unstable();
    times.dedup();
    times
}

/// Where charts stand beside what is written to their left and right.
struct Page {
    left: usize,
    grid: Option<Grid>,
}

impl Page {
    fn of(panels: &[Panel<'_>], times: &[i64], exact: bool, options: &ChartOptions) -> Self {
        let mut left = 0;
        let mut right = 0;
        for panel in panels {
            match panel.kind {
                PanelKind::Filled | PanelKind::Lines => {
                    let low = Some(number_text(panel.range.low));
                    for label in panel.labels().into_iter().chain([low]).flatten() {
                        left = left.max(label.len());
                    }
                }
                PanelKind::Small(_) => {
                    for series in panel.drawn() {
                        left = left.max(width(series.name).min(options.width / 3));
                        right = right.max(1 + number_text(series.max).len());
                    }
                }
            }
        }
        let columns = options.width.saturating_sub(left + AXIS + right);
        Self {
            left,
            grid: match columns {
                0 => None,
                columns => Grid::of(times, columns, exact),
            },
        }
    }

    fn write_panel(
        &self,
        panel: &Panel<'_>,
        key_names: &str,
        options: &ChartOptions,
        out: &mut Vec<u8>,
    ) {
        self.write_title(panel, key_names, options, out);
        let Some(grid) = &self.grid else {
            return;
        };
        match panel.kind {
            PanelKind::Filled => self.write_filled(panel, grid, options, out),
            PanelKind::Lines => self.write_lines(panel, grid, options, out),
            PanelKind::Small(rows) => self.write_small(panel, rows, grid, options, out),
        }
        self.write_axis(panel, grid, options, out);
    }

    /// Writes the name, and what the colours or the small charts are.
    fn write_title(
        &self,
        panel: &Panel<'_>,
        key_names: &str,
        options: &ChartOptions,
        out: &mut Vec<u8>,
    ) {
        let mut room = options.width;
        let mut name = panel.name.to_owned();
        match (panel.kind, key_names) {
            (_, "") => {}
            (PanelKind::Small(_), _) => {
                let [low, high] = [panel.range.low, panel.range.high].map(number_text);
                name = format!("{name} by {key_names}, each from {low} to {high}");
            }
            (_, key_names) => name = format!("{name} by {key_names}"),
        }
        let name = cut(&name, room, options.ascii);
        push_text(options.theme.header, &name, out);
        room -= width(&name);
        if panel.kind != PanelKind::Lines || key_names.is_empty() {
            if let (PanelKind::Filled, [series]) = (panel.kind, &*panel.series)
                && !series.name.is_empty()
            {
                let text = cut(&format!("  {}", series.name), room, options.ascii);
                out.extend_from_slice(text.as_bytes());
            }
            return out.push(b'\n');
        }
        for series in &panel.series {
            let mark = if options.ascii { "-" } else { "━" };
            let text = cut(&format!("  {mark} {}", series.name), room, options.ascii);
            push_text(series.style, &text, out);
            room -= width(&text);
        }
        out.push(b'\n');
    }

    fn write_filled(
        &self,
        panel: &Panel<'_>,
        grid: &Grid,
        options: &ChartOptions,
        out: &mut Vec<u8>,
    ) {
        let points = panel
            .series
            .first()
            .map_or(&[][..], |series| &series.points);
        let numbers = grid.numbers(points, 1);
        let rows = filled(&numbers, panel.rows, panel.range, options.ascii);
        for (row, label) in rows.iter().zip(panel.labels()) {
            self.write_left(label.as_deref(), options, out);
            push_text(options.theme.series[0], row.trim_end(), out);
            end_line(out);
        }
    }

    fn write_lines(
        &self,
        panel: &Panel<'_>,
        grid: &Grid,
        options: &ChartOptions,
        out: &mut Vec<u8>,
    ) {
        let mut canvas = Canvas::new(grid.columns, panel.rows, options.ascii);
        let each = canvas.dots_across() / grid.columns;
        // The first series has the largest values and is drawn last, above the others.
        for series in panel.series.iter().rev() {
            let numbers = grid.numbers(&series.points, each);
            canvas.line(&numbers, panel.range, series.style);
        }
        for (row, label) in panel.labels().into_iter().enumerate() {
            self.write_left(label.as_deref(), options, out);
            canvas.write_row(row, out);
            end_line(out);
        }
    }

    fn write_small(
        &self,
        panel: &Panel<'_>,
        rows: usize,
        grid: &Grid,
        options: &ChartOptions,
        out: &mut Vec<u8>,
    ) {
        for series in panel.drawn() {
            let numbers = grid.numbers(&series.points, 1);
            let chart = filled(&numbers, rows, panel.range, options.ascii);
            let style = match panel.are_levels {
                true => series.style,
                false => options.theme.series[0],
            };
            for (row, line) in chart.iter().enumerate() {
                let is_last = row + 1 == chart.len();
                let name = if is_last { series.name } else { "" };
                let name = cut(name, self.left, options.ascii);
                out.extend_from_slice(name.as_bytes());
                push_spaces(self.left - width(&name) + AXIS, out);
                if is_last {
                    push_text(style, line, out);
                    out.extend_from_slice(format!(" {}", number_text(series.max)).as_bytes());
                } else {
                    push_text(style, line.trim_end(), out);
                }
                end_line(out);
            }
        }
        let missing = panel.series.len() - panel.drawn().len();
        if missing > 0 {
            options.write_remark(&format!("{missing} more series"), out);
        }
    }

    /// Writes the label of a row, and the axis beside it.
    fn write_left(&self, label: Option<&str>, options: &ChartOptions, out: &mut Vec<u8>) {
        let axis = match (label, options.ascii) {
            (Some(_), false) => "┤",
            (Some(_), true) => "+",
            (None, false) => "│",
            (None, true) => "|",
        };
        let text = format!("{:>left$} {axis}", label.unwrap_or(""), left = self.left);
        push_text(options.theme.remark, &text, out);
    }

    /// Writes the axis of time: dotted where nothing is known, and with a mark above each time below.
    fn write_axis(
        &self,
        panel: &Panel<'_>,
        grid: &Grid,
        options: &ChartOptions,
        out: &mut Vec<u8>,
    ) {
        let mut is_known = vec![false; grid.columns];
        for series in panel.drawn() {
            for (known, number) in is_known.iter_mut().zip(grid.numbers(&series.points, 1)) {
                *known |= number.is_some();
            }
        }
        let [corner, known, unknown] = match options.ascii {
            false => ["└", "─", "╌"],
            true => ["+", "-", "."],
        };
        let label = match panel.kind {
            PanelKind::Small(_) => String::new(),
            _ => number_text(panel.range.low),
        };
        let mut line = format!("{label:>left$} {corner}", left = self.left);
        for is_known in is_known {
            line.push_str(if is_known { known } else { unknown });
        }
        push_text(options.theme.remark, &line, out);
        out.push(b'\n');
    }

    fn write_ticks(&self, grid: &Grid, zone: &DisplayZone, out: &mut Vec<u8>) {
        let mut line = " ".repeat(self.left + AXIS);
        for (column, label) in grid.ticks(zone) {
            let column = self.left + AXIS + column;
            let is_free = line.len() <= column;
            if is_free && column + label.len() <= self.left + AXIS + grid.columns {
                line.push_str(&" ".repeat(column - line.len()));
                line.push_str(&label);
                line.push_str("  ");
            }
        }
        out.extend_from_slice(line.trim_end().as_bytes());
        out.push(b'\n');
    }
}

/// What stands between the labels and the columns: a space and the axis.
const AXIS: usize = 2;

impl Panel<'_> {
    /// What stands beside the rows, at the numbers of their upper edges: at the top and, if there is a
    /// row there, in the middle.
    fn labels(&self) -> Vec<Option<String>> {
        let mut labels = vec![None; self.rows];
        labels[0] = Some(number_text(self.range.high));
        if self.kind == PanelKind::Filled && self.rows >= 4 && self.rows.is_multiple_of(2) {
            labels[self.rows / 2] = Some(number_text(self.range.at(0.5)));
        }
        labels
    }
}

fn push_spaces(count: usize, out: &mut Vec<u8>) {
    out.resize(out.len() + count, b' ');
}

/// Puts values in the order of their times, and keeps the largest at each time.
fn put_in_order(points: &mut Vec<(i64, f64)>) {
    points.sort_by(|one, other| one.0.cmp(&other.0).then(other.1.total_cmp(&one.1)));
    points.dedup_by_key(|point| point.0);
}

/// Keeps the largest of values in stretches of time of the same length.
fn thin(points: &mut Vec<(i64, f64)>, count: usize) {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return;
    };
    let start = i128::from(first.0);
    let length = (i128::from(last.0) - start) / count as i128 + 1;
    let stretch = |time: i64| (i128::from(time) - start) / length;
    points.dedup_by(|point, kept| {
        let is_same = stretch(point.0) == stretch(kept.0);
        if is_same && point.1 > kept.1 {
            *kept = *point;
        }
        is_same
    });
}

/// The time of a cell in nanoseconds since 1970, in the centuries that these reach.
fn nanoseconds(cell: &Cell<'_>) -> Option<i64> {
    let time = match cell {
        Cell::Time(time) => time.at,
        Cell::Date(date) => {
            let utc = jiff::tz::TimeZone::UTC;
            date.to_zoned(utc).ok()?.timestamp()
        }
        _ => return None,
    };
    time.as_nanosecond().try_into().ok()
}

/// Writes the name of a series.
fn push_name(cell: &Cell<'_>, zone: &DisplayZone, name: &mut String) {
    match cell {
        Cell::Null => name.push_str("null"),
        Cell::Text("") => name.push_str("\"\""),
        cell => {
            let mut text = Vec::new();
            cell.write_text(zone, &mut text);
            name.push_str(&shown(
                &String::from_utf8_lossy(&text),
                Some(NAME_BYTES_MAX),
            ));
        }
    }
}

/// So much of the name of a series is kept.
const NAME_BYTES_MAX: usize = 400;
