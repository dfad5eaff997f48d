//! Charts over time as pictures, for where they are looked at: PNG, on a light ground.
//!
//! The letters are of DejaVu Sans, of which a part is built in (`font`), so that a picture is the same on
//! every machine.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use jiff::Timestamp;
use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint, PathBuilder, Pixmap, Rect, Stroke, Transform,
};
use ttf_parser::{Face, GlyphId, OutlineBuilder};

use super::axis::{DAY, NICE};
use super::spark::{SparkColumns, series};

/// How large a picture is: rooms show it at half of that, or less.
const WIDTH: f32 = 1200.0;
const HEIGHT: f32 = 600.0;
const MARGIN: f32 = 28.0;

const TITLE_SIZE: f32 = 26.0;
const LABEL_SIZE: f32 = 22.0;

/// So many series can be told apart by their colours; of more, those with the largest values are drawn.
const SERIES_MAX: usize = 8;
/// So many lines name the series.
const LEGEND_LINES_MAX: usize = 2;
/// A longer name of a series is cut, in letters.
const NAME_CHARS_MAX: usize = 40;
/// So many labels stand at the axis of time at most.
const TIMES_MAX: i128 = 8;
/// About so many lines divide the height.
const LEVELS: f64 = 5.0;
/// A column of the chart is at least so wide, in pixels.
const COLUMN_WIDTH_MIN: f32 = 3.0;
/// No bar is wider.
const BAR_WIDTH_MAX: f32 = 120.0;

const GROUND: Color = Color::WHITE;
const TEXT: [u8; 3] = [0x33, 0x3d, 0x47];
const FAINT: [u8; 3] = [0x6b, 0x77, 0x85];
const GRID: [u8; 3] = [0xe3, 0xe7, 0xeb];
const AXIS: [u8; 3] = [0x9a, 0xa5, 0xb1];

/// Colours that people who see colours otherwise can tell apart (Okabe and Ito, 2008), darker where they would be
/// too light on white.
const COLORS: [[u8; 3]; SERIES_MAX] = [
    [0x00, 0x72, 0xb2],
    [0xd5, 0x5e, 0x00],
    [0x00, 0x9e, 0x73],
    [0xcc, 0x79, 0xa7],
    [0xe6, 0x9f, 0x00],
    [0x56, 0xb4, 0xe9],
    [0x5b, 0x4b, 0x8a],
    [0x7f, 0x7f, 0x7f],
];

static FONT: &[u8] = include_bytes!("font/DejaVuSans.ttf");

/// Draws rows, of which one is a bin of time, as a PNG of 1200 by 600 pixels: one series as bars, several as lines.
/// Times are in UTC. `title` stands above it. `None` where nothing can be drawn: where there is no such column, or
/// no number.
pub fn picture(batches: &[RecordBatch], columns: SparkColumns<'_>, title: &str) -> Option<Vec<u8>> {
    let all = series(batches, columns)?;
    let times = || all.values().flat_map(BTreeMap::keys).copied();
    let (start, last) = (times().min()?, times().max()?);
    let span = columns.span.max(1);
    let mut shown: Vec<_> = all
        .iter()
        .map(|(name, bins)| (name.as_str(), bins))
        .collect();
    shown.sort_by(|a, b| most(b.1).total_cmp(&most(a.1)));
    let others = shown.len().saturating_sub(SERIES_MAX);
    shown.truncate(SERIES_MAX);
    let chart = Chart {
        start,
        span,
        bins: (i128::from(last) - i128::from(start)) / i128::from(span) + 1,
        levels: Levels::of(shown.iter().flat_map(|(_, bins)| bins.values().copied())),
        shown,
        others,
    };
    let mut pen = Pen::new()?;
    chart.draw(&mut pen, title);
    pen.pixmap.encode_png().ok()
}

fn most(bins: &BTreeMap<i64, f64>) -> f64 {
    bins.values().copied().fold(f64::NEG_INFINITY, f64::max)
}

/// What is drawn.
struct Chart<'a> {
    start: i64,
    span: i64,
    bins: i128,
    levels: Levels,
    shown: Vec<(&'a str, &'a BTreeMap<i64, f64>)>,
    /// So many series are not shown.
    others: usize,
}

/// The part of the picture between the axes.
#[derive(Clone, Copy)]
struct Plot {
    left: f32,
    top: f32,
    right: f32,
    bottom: f32,
}

impl Chart<'_> {
    fn draw(&self, pen: &mut Pen, title: &str) {
        let title_at = MARGIN + TITLE_SIZE * 0.8;
        pen.text_cut(
            title,
            (MARGIN, title_at),
            TITLE_SIZE,
            TEXT,
            WIDTH - 2.0 * MARGIN,
        );
        let legend = self.legend(pen);
        let legend_height = legend.len() as f32 * LABEL_SIZE * 1.5;
        let labels = self.levels.all().map(|level| self.levels.label(level));
        let widest = labels.map(|label| pen.width(&label, LABEL_SIZE));
        let widest = widest.fold(0.0, f32::max);
        let plot = Plot {
            left: MARGIN + widest + 12.0,
            top: title_at + 36.0 + legend_height,
            right: WIDTH - MARGIN,
            bottom: HEIGHT - MARGIN - LABEL_SIZE * 2.4,
        };
        for (row, items) in legend.iter().enumerate() {
            let y = title_at + 20.0 + LABEL_SIZE * (0.8 + 1.5 * row as f32);
            for item in items {
                if let Some(color) = item.color {
                    pen.rect((item.x, y - 15.0, 16.0, 16.0), color);
                }
                pen.text(&item.name, (item.x + item.indent(), y), LABEL_SIZE, TEXT);
            }
        }
        self.draw_levels(pen, plot);
        self.draw_times(pen, plot);
        match &self.shown[..] {
            [(_, bins)] => self.draw_bars(pen, plot, bins),
            _ => {
                // The largest is drawn last, over the others.
                for (number, (_, bins)) in self.shown.iter().enumerate().rev() {
                    self.draw_line(pen, plot, bins, COLORS[number]);
                }
            }
        }
        let zero = plot.y(self.levels.of_height(0.0));
        pen.line((plot.left, zero), (plot.right, zero), 2.0, AXIS);
    }

    /// The names of series in lines, where there are several.
    fn legend(&self, pen: &Pen) -> Vec<Vec<Item>> {
        let names = self.shown.iter().zip(COLORS);
        let names = names.map(|((name, _), color)| (shortened(name), Some(color)));
        let mut names: Vec<_> = match self.shown.len() + self.others {
            1 => Vec::new(),
            _ => names.collect(),
        };
        let more = |count: usize| (format!("and {count} more"), None);
        if self.others > 0 {
            names.push(more(self.others));
        }
        let mut rows: Vec<Vec<Item>> = Vec::new();
        let mut x = f32::INFINITY;
        for (name, color) in names {
            let mut item = Item { x, name, color };
            let width = item.indent() + pen.width(&item.name, LABEL_SIZE) + 32.0;
            if x + width > WIDTH - MARGIN {
                if rows.len() == LEGEND_LINES_MAX {
                    // Colours without a name are better than no chart.
                    break;
                }
                rows.push(Vec::new());
                x = MARGIN;
            }
            item.x = x;
            x += width;
            rows.last_mut().expect("one was begun").push(item);
        }
        rows
    }

    fn draw_levels(&self, pen: &mut Pen, plot: Plot) {
        for level in self.levels.all() {
            let y = plot.y(self.levels.of_height(level));
            pen.line((plot.left, y), (plot.right, y), 1.0, GRID);
            let label = self.levels.label(level);
            let x = plot.left - 12.0 - pen.width(&label, LABEL_SIZE);
            pen.text(&label, (x, y + LABEL_SIZE * 0.36), LABEL_SIZE, FAINT);
        }
    }

    fn draw_times(&self, pen: &mut Pen, plot: Plot) {
        let start = i128::from(self.start);
        let length = self.bins * i128::from(self.span);
        let step = NICE.into_iter().chain((0..60).map(|power| DAY << power));
        let step = step.into_iter().find(|step| length / step < TIMES_MAX);
        let step = step.unwrap_or(length.max(1));
        let mut before = String::new();
        let mut tick = start.div_euclid(step) * step;
        if tick < start {
            tick += step;
        }
        while tick <= start + length {
            let x = plot.left + ((tick - start) as f64 / length as f64) as f32 * plot.width();
            pen.line((x, plot.top), (x, plot.bottom + 8.0), 1.0, GRID);
            let (time, date) = time_labels(tick, step);
            let y = plot.bottom + 12.0 + LABEL_SIZE;
            pen.text_centred(&time, (x, y), LABEL_SIZE, FAINT);
            if date != before {
                pen.text_centred(&date, (x, y + LABEL_SIZE * 1.15), LABEL_SIZE, FAINT);
                before = date;
            }
            tick += step;
        }
    }

    /// The largest value of each column, from the left, of so many columns at most; where nothing is known there is
    /// nothing.
    fn columns(&self, bins: &BTreeMap<i64, f64>, plot: Plot) -> Vec<Option<f64>> {
        let room = (plot.width() / COLUMN_WIDTH_MIN) as i128;
        let count = self.bins.min(room).max(1);
        let mut columns = vec![None::<f64>; usize::try_from(count).unwrap_or(1)];
        for (time, value) in bins {
            let bin = (i128::from(*time) - i128::from(self.start)) / i128::from(self.span);
            let at = usize::try_from(bin * count / self.bins).unwrap_or(0);
            let column = &mut columns[at];
            *column = Some(column.map_or(*value, |it| it.max(*value)));
        }
        columns
    }

    fn draw_bars(&self, pen: &mut Pen, plot: Plot, bins: &BTreeMap<i64, f64>) {
        let columns = self.columns(bins, plot);
        let each = plot.width() / columns.len() as f32;
        let width = (each * 0.84).clamp(1.0, BAR_WIDTH_MAX);
        let zero = plot.y(self.levels.of_height(0.0));
        for (at, value) in columns.into_iter().enumerate() {
            let Some(value) = value else { continue };
            let y = plot.y(self.levels.of_height(value));
            // Whatever is not nothing is seen.
            let height = (zero - y).abs().max(if value == 0.0 { 0.0 } else { 2.0 });
            let x = plot.left + (at as f32 + 0.5) * each - width / 2.0;
            pen.rect((x, y.min(zero - height), width, height), COLORS[0]);
        }
    }

    fn draw_line(&self, pen: &mut Pen, plot: Plot, bins: &BTreeMap<i64, f64>, color: [u8; 3]) {
        let columns = self.columns(bins, plot);
        let each = plot.width() / columns.len() as f32;
        let points = columns.iter().enumerate().map(|(at, value)| {
            let x = plot.left + (at as f32 + 0.5) * each;
            value.map(|value| (x, plot.y(self.levels.of_height(value))))
        });
        let points: Vec<_> = points.collect();
        for stretch in points.split(Option::is_none) {
            let stretch: Vec<_> = stretch.iter().flatten().copied().collect();
            match &stretch[..] {
                [] => {}
                [point] => pen.dot(*point, 4.0, color),
                stretch => pen.polyline(stretch, 3.0, color),
            }
        }
    }
}

/// A name in the legend.
struct Item {
    x: f32,
    name: String,
    color: Option<[u8; 3]>,
}

impl Item {
    /// How much room its colour takes.
    fn indent(&self) -> f32 {
        if self.color.is_some() { 24.0 } else { 0.0 }
    }
}

impl Plot {
    fn width(self) -> f32 {
        self.right - self.left
    }

    /// Where a height from 0 to 1 is.
    fn y(self, height: f64) -> f32 {
        self.bottom - height as f32 * (self.bottom - self.top)
    }
}

/// The axis of values.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Levels {
    low: f64,
    high: f64,
    step: f64,
}

impl Levels {
    /// From 0, or the least, to the largest value, in steps that people like to count with.
    fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let are_whole = values.clone().all(|value| value.fract() == 0.0);
        let (low, high) = values.fold((0.0_f64, 0.0_f64), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let length = high - low;
        // What is too much for a number is no chart that could be read.
        let raw = match length.is_finite() && length > 0.0 {
            true => length / LEVELS,
            false => 1.0 / LEVELS,
        };
        let ten = 10_f64.powf(raw.log10().floor());
        let nice = [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * ten);
        let step = nice.clone().find(|nice| *nice >= raw * 0.999);
        let step = step.unwrap_or(ten * 10.0);
        let step = if are_whole { step.max(1.0) } else { step };
        let high = (high / step).ceil() * step;
        let low = (low / step).floor() * step;
        Self {
            low,
            high: if high > low { high } else { low + step },
            step,
        }
    }

    fn all(&self) -> impl Iterator<Item = f64> + use<> {
        let Self { low, high, step } = *self;
        let count = ((high - low) / step).round().clamp(1.0, 20.0) as u32;
        (0..=count).map(move |at| low + f64::from(at) * step)
    }

    /// How high a value is, from 0 to 1.
    fn of_height(&self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    fn label(&self, level: f64) -> String {
        let largest = self.high.abs().max(self.low.abs());
        let units = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];
        let unit = units.into_iter().find(|(unit, _)| largest >= unit * 10.0);
        let (unit, name) = unit.unwrap_or((1.0, ""));
        let (level, step) = (level / unit, self.step / unit);
        if largest / unit >= 1e6 {
            return format!("{level:e}");
        }
        let decimals = (-step.log10().floor()).clamp(0.0, 9.0) as usize;
        let name = if level == 0.0 { "" } else { name };
        let label = format!("{:.decimals$}", if level == 0.0 { 0.0 } else { level });
        format!("{label}{name}")
    }
}

/// What stands below a time, where one is so far from the next: the time, and the date.
fn time_labels(nanoseconds: i128, step: i128) -> (String, String) {
    let Ok(time) = Timestamp::from_nanosecond(nanoseconds) else {
        return (String::new(), String::new());
    };
    const SECOND: i128 = 1_000_000_000;
    let label = |format: &str| time.strftime(format).to_string();
    match step {
        step if step >= DAY => (label("%b %-d"), label("%Y")),
        step if step >= 60 * SECOND => (label("%H:%M"), label("%b %-d, UTC")),
        step if step >= SECOND => (label("%H:%M:%S"), label("%b %-d, UTC")),
        step if step >= SECOND / 1000 => (label("%H:%M:%S.%3f"), label("%b %-d, UTC")),
        _ => (label("%M:%S.%9f"), label("%b %-d %H h, UTC")),
    }
}

fn shortened(name: &str) -> String {
    match name.char_indices().nth(NAME_CHARS_MAX) {
        None => name.to_owned(),
        Some((end, _)) => format!("{}…", &name[..end]),
    }
}

/// What draws.
struct Pen {
    pixmap: Pixmap,
    face: Face<'static>,
}

impl Pen {
    fn new() -> Option<Self> {
        let mut pixmap = Pixmap::new(WIDTH as u32, HEIGHT as u32)?;
        pixmap.fill(GROUND);
        Some(Self {
            pixmap,
            face: Face::parse(FONT, 0).ok()?,
        })
    }

    fn glyph(&self, letter: char) -> GlyphId {
        let known = |letter| self.face.glyph_index(letter);
        known(letter)
            .or_else(|| known('\u{fffd}'))
            .unwrap_or_default()
    }

    fn advance(&self, glyph: GlyphId, size: f32) -> f32 {
        let scale = size / f32::from(self.face.units_per_em());
        f32::from(self.face.glyph_hor_advance(glyph).unwrap_or(0)) * scale
    }

    /// How wide a text is.
    fn width(&self, text: &str, size: f32) -> f32 {
        let letters = text.chars().map(|letter| self.glyph(letter));
        letters.map(|glyph| self.advance(glyph, size)).sum()
    }

    /// Writes a text, whose letters stand on `y`.
    fn text(&mut self, text: &str, (x, y): (f32, f32), size: f32, color: [u8; 3]) {
        let scale = size / f32::from(self.face.units_per_em());
        let mut outline = Outline {
            path: PathBuilder::new(),
            x,
            y,
            scale,
        };
        for letter in text.chars() {
            let glyph = self.glyph(letter);
            self.face.outline_glyph(glyph, &mut outline);
            outline.x += self.advance(glyph, size);
        }
        if let Some(path) = outline.path.finish() {
            let fill = FillRule::Winding;
            let still = Transform::identity();
            self.pixmap
                .fill_path(&path, &paint(color), fill, still, None);
        }
    }

    /// The same with its middle at `x`, and within the picture.
    fn text_centred(&mut self, text: &str, (x, y): (f32, f32), size: f32, color: [u8; 3]) {
        let width = self.width(text, size);
        let x = (x - width / 2.0)
            .min(WIDTH - MARGIN / 2.0 - width)
            .max(MARGIN / 2.0);
        self.text(text, (x, y), size, color);
    }

    /// The same cut to what fits.
    fn text_cut(&mut self, text: &str, at: (f32, f32), size: f32, color: [u8; 3], width: f32) {
        let cut = self.fitting(text, size, width);
        self.text(&cut, at, size, color);
    }

    /// As much of a text as fits, with a mark where that is not all. What steers terminals is left blank.
    fn fitting(&self, text: &str, size: f32, width: f32) -> String {
        let mut fitting = String::new();
        // So much leaves room for the mark.
        let mut marked = 0;
        let mut used = 0.0;
        for letter in text.chars() {
            let letter = if letter.is_control() { ' ' } else { letter };
            used += self.advance(self.glyph(letter), size);
            if used > width {
                fitting.truncate(marked);
                fitting.push('…');
                break;
            }
            fitting.push(letter);
            if used + size <= width {
                marked = fitting.len();
            }
        }
        fitting
    }

    fn rect(&mut self, (x, y, width, height): (f32, f32, f32, f32), color: [u8; 3]) {
        if let Some(rect) = Rect::from_xywh(x, y, width, height) {
            let still = Transform::identity();
            self.pixmap.fill_rect(rect, &paint(color), still, None);
        }
    }

    fn dot(&mut self, (x, y): (f32, f32), radius: f32, color: [u8; 3]) {
        if let Some(path) = PathBuilder::from_circle(x, y, radius) {
            let still = Transform::identity();
            self.pixmap
                .fill_path(&path, &paint(color), FillRule::Winding, still, None);
        }
    }

    fn line(&mut self, from: (f32, f32), to: (f32, f32), width: f32, color: [u8; 3]) {
        self.polyline(&[from, to], width, color);
    }

    fn polyline(&mut self, points: &[(f32, f32)], width: f32, color: [u8; 3]) {
        let mut path = PathBuilder::new();
        for (at, (x, y)) in points.iter().enumerate() {
            match at {
                0 => path.move_to(*x, *y),
                _ => path.line_to(*x, *y),
            }
        }
        let stroke = Stroke {
            width,
            line_cap: LineCap::Round,
            line_join: LineJoin::Round,
            ..Stroke::default()
        };
        if let Some(path) = path.finish() {
            let still = Transform::identity();
            self.pixmap
                .stroke_path(&path, &paint(color), &stroke, still, None);
        }
    }
}

fn paint([red, green, blue]: [u8; 3]) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color_rgba8(red, green, blue, 0xff);
    paint.anti_alias = true;
    paint
}

/// The outlines of letters, as a path of the picture.
struct Outline {
    path: PathBuilder,
    x: f32,
    y: f32,
    scale: f32,
}

impl Outline {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + x * self.scale, self.y - y * self.scale)
    }
}

impl OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Float64Array, StringArray, TimestampNanosecondArray};

    use super::*;

    const MINUTE: i64 = 60_000_000_000;
    const START: i64 = 1_773_497_100_000_000_000;

    fn rows(rows: &[(i64, &str, Option<f64>)]) -> RecordBatch {
        let times = rows.iter().map(|(minute, ..)| START + minute * MINUTE);
        let names = rows.iter().map(|(_, name, _)| Some(*name));
        let counts = rows.iter().map(|(.., count)| *count);
        RecordBatch::try_from_iter([
            (
                "time",
                Arc::new(TimestampNanosecondArray::from_iter_values(times)) as _,
            ),
            ("name", Arc::new(names.collect::<StringArray>()) as _),
            ("count", Arc::new(counts.collect::<Float64Array>()) as _),
        ])
        .unwrap()
    }

    fn drawn(batch: RecordBatch, series: Option<&str>) -> Option<Pixmap> {
        let columns = SparkColumns {
            time: "time",
            span: MINUTE,
            series,
            values: &["count".to_owned()],
        };
        let png = picture(&[batch], columns, "level:error |> timechart 1m count")?;
        if let Ok(directory) = std::env::var("BIRL_PICTURES") {
            let name = std::thread::current()
                .name()
                .unwrap_or("x")
                .replace("::", "-");
            std::fs::write(format!("{directory}/{name}.png"), &png).unwrap();
        }
        Some(Pixmap::decode_png(&png).unwrap())
    }

    /// How many points have a colour.
    fn count(pixmap: &Pixmap, [red, green, blue]: [u8; 3]) -> usize {
        let pixels = pixmap.pixels().iter();
        let is_it = pixels.filter(|it| [it.red(), it.green(), it.blue()] == [red, green, blue]);
        is_it.count()
    }

    /// The column of points at `x`, from the top: how many have a colour.
    fn height(pixmap: &Pixmap, x: u32, [red, green, blue]: [u8; 3]) -> usize {
        let pixels = (0..pixmap.height()).filter_map(|y| pixmap.pixel(x, y));
        let is_it = pixels.filter(|it| [it.red(), it.green(), it.blue()] == [red, green, blue]);
        is_it.count()
    }

    #[test]
    fn one_series_is_bars_as_high_as_its_values() {
        let values: Vec<_> = (0..60)
            .map(|minute| {
                let value = if minute == 30 {
                    100.0
                } else {
                    f64::from(minute as i32 % 7) * 5.0
                };
                (minute, "a", Some(value))
            })
            .collect();
        let pixmap = drawn(rows(&values), None).unwrap();
        let heights: Vec<_> = (0..WIDTH as u32)
            .map(|x| height(&pixmap, x, COLORS[0]))
            .collect();
        let highest = heights.iter().copied().max().unwrap();
        // From the line of 0 to the uppermost, which is 100.
        assert!((330..=480).contains(&highest), "{highest}");
        let at = heights.iter().position(|it| *it == highest).unwrap() as f32;
        // The 31st of 60.
        assert!((600.0..680.0).contains(&at), "{at}");
        let low = heights.iter().copied().filter(|it| *it > 0).min().unwrap();
        let part = low as f64 / highest as f64;
        assert!((0.04..0.06).contains(&part), "{part}");
    }

    #[test]
    fn several_series_are_lines_with_names() {
        let mut values = Vec::new();
        for minute in 0..240_i64 {
            let slow = (minute as f64 / 20.0).sin() * 2000.0 + 4000.0;
            values.push((minute, "checkout-service", Some(slow)));
            values.push((
                minute,
                "mailer",
                Some(slow / 3.0 + (minute % 10) as f64 * 30.0),
            ));
            let gap = (100..140).contains(&minute);
            values.push((minute, "zürich <b>", (!gap).then_some(500.0)));
        }
        values.push((120, "alone", Some(9000.0)));
        let pixmap = drawn(rows(&values), Some("name")).unwrap();
        // The largest comes first: each has a square in its colour beside its name.
        let [alone, checkout, mailer, zurich] = [0, 1, 2, 3].map(|at| points(&pixmap, COLORS[at]));
        let top = MARGIN + TITLE_SIZE * 0.8 + 36.0 + LABEL_SIZE * 1.5;
        let height = HEIGHT - MARGIN - LABEL_SIZE * 2.4 - top;
        let of_plot = |points: Vec<(u32, u32)>| {
            let (legend, plot): (Vec<_>, Vec<_>) =
                points.into_iter().partition(|(_, y)| (*y as f32) < top);
            // Its edges may be between points.
            assert!((196..=256).contains(&legend.len()), "{}", legend.len());
            plot
        };
        let [alone, checkout, mailer, zurich] = [alone, checkout, mailer, zurich].map(of_plot);
        let (first, last) = (checkout[0].0, checkout[checkout.len() - 1].0);
        let minute = (last - first) as f32 / 239.0;
        // From minute to minute without a gap, but for that of one of them.
        for line in [&checkout, &mailer] {
            assert!(gaps(line, 2.0 * minute).is_empty());
            assert!((line[0].0 as f32 - first as f32).abs() < minute);
        }
        let [gap] = gaps(&zurich, 2.0 * minute)[..] else {
            panic!("there is one gap");
        };
        assert!((gap as f32 - 41.0 * minute).abs() < minute, "{gap}");
        // One point is a dot, where and as high as it is to be: the axis ends at 10,000.
        let at = |points: &[(u32, u32)]| {
            let count = points.len() as f32;
            let sum = |of: fn(&(u32, u32)) -> u32| points.iter().map(of).sum::<u32>() as f32;
            (sum(|it| it.0) / count, sum(|it| it.1) / count)
        };
        let ((x, y), (_, low)) = (at(&alone), at(&zurich));
        assert!((x - (first as f32 + 120.0 * minute)).abs() < minute, "{x}");
        assert!((low - y - height * (9000.0 - 500.0) / 10_000.0).abs() < 3.0);
        assert_eq!(count(&pixmap, COLORS[4]), 0);
    }

    /// The points that have a colour, from the left.
    fn points(pixmap: &Pixmap, color: [u8; 3]) -> Vec<(u32, u32)> {
        let all = (0..pixmap.width()).flat_map(|x| (0..pixmap.height()).map(move |y| (x, y)));
        let is_it = |(x, y): &(u32, u32)| {
            let pixel = pixmap.pixel(*x, *y);
            pixel.is_some_and(|it| [it.red(), it.green(), it.blue()] == color)
        };
        all.filter(is_it).collect()
    }

    /// How many columns are between neighbours that are further from each other than `most`.
    fn gaps(points: &[(u32, u32)], most: f32) -> Vec<u32> {
        let pairs = points.windows(2).map(|pair| pair[1].0 - pair[0].0);
        pairs.filter(|gap| *gap as f32 > most).collect()
    }

    #[test]
    fn a_title_is_cut_where_it_does_not_fit_however_long_it_is() {
        let pen = Pen::new().unwrap();
        let (size, width) = (TITLE_SIZE, 300.0);
        let fitting = |text: &str| pen.fitting(text, size, width);
        assert_eq!(fitting("level:error\n|> top"), "level:error |> top");
        for letters in ["W", "il", "a\u{301}é\u{1b} "] {
            let text = letters.repeat(100);
            let cut = fitting(&text);
            let kept = cut.strip_suffix('…').unwrap();
            assert!(pen.width(&cut, size) <= width);
            let shown = text.replace('\u{1b}', " ");
            let more: String = shown.chars().take(kept.chars().count() + 1).collect();
            assert!(pen.width(kept, size) + size <= width, "{cut}");
            assert!(pen.width(&more, size) + size > width, "{cut}");
            // If that took steps by the square, nobody would see the end of it.
            assert_eq!(fitting(&text.repeat(10_000)), cut);
        }
    }

    #[test]
    fn whatever_is_drawn_is_drawn() {
        let cases: &[&[(i64, &str, Option<f64>)]] = &[
            &[(0, "a", Some(0.0))],
            &[(0, "a", Some(-3.5)), (5, "a", Some(2.25))],
            &[(0, "a", Some(1e-300)), (100_000, "b", Some(f64::NAN))],
            &[
                (0, "\u{1b}[31m😀\u{202e}", Some(1e13)),
                (-1_000_000, "", Some(1.0)),
            ],
        ];
        for case in cases {
            let pixmap = drawn(rows(case), Some("name")).unwrap();
            assert!(count(&pixmap, AXIS) > 500, "{case:?}");
            // Nothing is not high.
            let is_seen = case.iter().any(|(.., value)| *value != Some(0.0));
            assert_eq!(count(&pixmap, COLORS[0]) > 0, is_seen, "{case:?}");
        }
        // Between these are more than there are numbers: no axis, but names.
        let beyond = [(0, "a", Some(f64::MAX)), (1, "b", Some(f64::MIN))];
        let pixmap = drawn(rows(&beyond), Some("name")).unwrap();
        assert!(count(&pixmap, COLORS[1]) > 0);
        let many: Vec<_> = (0..50)
            .map(|n| format!("{n} {}", "long ".repeat(40)))
            .collect();
        let many: Vec<_> = many
            .iter()
            .zip(1..)
            .map(|(name, value)| (0, name.as_str(), Some(f64::from(value))))
            .collect();
        let pixmap = drawn(rows(&many), Some("name")).unwrap();
        for color in COLORS {
            assert!(count(&pixmap, color) > 0, "{color:?}");
        }
        assert!(drawn(rows(&[]), None).is_none());
        assert!(drawn(rows(&[(0, "a", None)]), None).is_none());
    }

    #[test]
    fn levels_are_numbers_that_people_like() {
        let labels = |values: &[f64]| {
            let levels = Levels::of(values.iter().copied());
            let labels = levels.all().map(|level| levels.label(level));
            labels.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(labels(&[3.0]), "0 1 2 3");
        assert_eq!(labels(&[0.0]), "0 1");
        assert_eq!(labels(&[97.0]), "0 20 40 60 80 100");
        assert_eq!(labels(&[0.37, 0.1]), "0.0 0.1 0.2 0.3 0.4");
        assert_eq!(labels(&[123_456.0]), "0 50k 100k 150k");
        assert_eq!(labels(&[-5.0, 5.0]), "-6 -4 -2 0 2 4 6");
        assert_eq!(labels(&[4500.0]), "0 1000 2000 3000 4000 5000");
        assert_eq!(
            labels(&[2.5e7]),
            "0M 5M 10M 15M 20M 25M".replacen("0M", "0", 1)
        );
    }
}
