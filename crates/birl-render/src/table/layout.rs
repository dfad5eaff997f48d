//! How wide the columns of a table are, and rows in columns of such widths.

use anstyle::Style;

use super::cell::{Content, Shown, time_text};
use super::line::{cut, width};
use super::{Column, TableOptions};
use crate::theme::push_text;

/// What stands between two columns.
const GAP: usize = 2;
/// Texts and names of columns are cut to so many columns before others are left out.
const CUT_MIN: usize = 8;

/// How wide the columns of a table are, of as many as there is room for.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    columns: Vec<Place>,
}

/// Where the values of a column stand.
#[derive(Clone, Debug)]
struct Place {
    width: usize,
    /// How many columns there are before the points of numbers, and from there on.
    points: Option<(usize, usize)>,
    /// With how many digits behind the point of a second times are shown.
    digits: usize,
}

/// How wide a column would be, and how far it may be cut.
#[derive(Clone, Copy)]
struct Wish {
    whole: usize,
    min: usize,
}

impl Layout {
    /// The layout for these rows, and a line of so many columns.
    pub(super) fn of(columns: &[Column], rows: &[Vec<Shown>], width_max: Option<usize>) -> Self {
        let mut places = Vec::with_capacity(columns.len());
        let mut wishes = Vec::with_capacity(columns.len());
        for (index, column) in columns.iter().enumerate() {
            let cells = || rows.iter().map(|row| &row[index]);
            let digits = cells().map(Shown::digits).max().unwrap_or(0);
            let (before, after) = cells()
                .map(|cell| cell.widths(digits))
                .fold((0, 0), |max, widths| {
                    (max.0.max(widths.0), max.1.max(widths.1))
                });
            let name = width(&column.name);
            let whole = name.max(before + after);
            let min = match column.may_cut {
                true => whole.min(CUT_MIN),
                false => (before + after).max(name.min(CUT_MIN)),
            };
            wishes.push(Wish { whole, min });
            places.push(Place {
                width: whole,
                points: column.is_number.then_some((before, after)),
                digits,
            });
        }
        if let Some(width_max) = width_max {
            let widths = fit(&wishes, width_max);
            places.truncate(widths.len());
            for (place, width) in places.iter_mut().zip(widths) {
                place.width = width;
            }
        }
        Self { columns: places }
    }

    /// How many columns there are.
    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }

    /// How wide the lines are.
    pub(super) fn width(&self) -> usize {
        let widths = self.columns.iter().map(|place| place.width);
        widths.sum::<usize>() + GAP * self.columns.len().saturating_sub(1)
    }

    /// Writes a line: the cells in their columns, all in one style if one is given.
    pub(super) fn write(
        &self,
        cells: impl Iterator<Item = Shown>,
        style: Option<Style>,
        options: &TableOptions,
        out: &mut Vec<u8>,
    ) {
        let mut line = Vec::new();
        // So many spaces are due, and so many columns were taken from those that follow.
        let (mut spaces, mut debt) = (0, 0);
        for (index, (cell, place)) in cells.zip(&self.columns).enumerate() {
            if index > 0 {
                spaces += GAP;
            }
            let (lead, text, trail) = place.fill(&cell, &mut debt, options, self.len() == 1);
            spaces += lead;
            if !text.is_empty() {
                line.resize(line.len() + spaces, b' ');
                push_text(style.unwrap_or(cell.style), &text, &mut line);
                spaces = 0;
            }
            spaces += trail;
        }
        if options.width.is_some() {
            line.resize(line.len() + spaces, b' ');
        }
        out.extend_from_slice(&line);
        out.push(b'\n');
    }
}

impl Place {
    /// What stands in the column: spaces, the text, spaces. What is wider than the column and cannot
    /// be cut runs into a `debt`, and columns that have room to spare pay it off.
    fn fill(
        &self,
        cell: &Shown,
        debt: &mut usize,
        options: &TableOptions,
        alone: bool,
    ) -> (usize, String, usize) {
        let may_cut =
            options.width.is_some() && (alone || matches!(cell.content, Content::Text(_)));
        let (text, before) = match &cell.content {
            Content::Text(text) => (text.clone(), width(text)),
            Content::Whole(text, before) => (text.clone(), *before),
            Content::Time(time) => {
                let text = time_text(*time, self.digits);
                let len = text.len();
                (text, len)
            }
        };
        let text = match may_cut {
            true => cut(
                &text,
                self.width.saturating_sub(*debt).max(1),
                options.ascii,
            ),
            false => text,
        };
        let len = width(&text);
        let (mut lead, mut trail) = match self.points {
            None => (0, self.width.saturating_sub(len)),
            // A name stands at the right edge, whatever the points.
            Some(_) if matches!(cell.content, Content::Text(_)) => {
                (self.width.saturating_sub(len), 0)
            }
            Some((_, after)) => {
                let trail = after.saturating_sub(len.saturating_sub(before));
                (self.width.saturating_sub(len + trail), trail)
            }
        };
        let mut over = (lead + len + trail + *debt).saturating_sub(self.width);
        for spaces in [&mut trail, &mut lead] {
            let saved = over.min(*spaces);
            *spaces -= saved;
            over -= saved;
        }
        *debt = over;
        (lead, text, trail)
    }
}

/// How wide columns are that have so much room together; perhaps not of all columns, but of one at
/// least. The widest are cut first.
fn fit(wishes: &[Wish], width_max: usize) -> Vec<usize> {
    let room_of = |count: usize| width_max.saturating_sub(GAP * count.saturating_sub(1));
    let total =
        |wishes: &[Wish], level: usize| -> usize { wishes.iter().map(|wish| wish.at(level)).sum() };
    let count = (1..=wishes.len())
        .rev()
        .find(|&count| total(&wishes[..count], 0) <= room_of(count));
    let Some(count) = count else {
        return wishes.iter().take(1).map(|_| width_max).collect();
    };
    let wishes = &wishes[..count];
    let room = room_of(count);
    let widest = wishes.iter().map(|wish| wish.whole).max().unwrap_or(0);
    // The total grows with the level, so the highest one that fits is found by halving.
    let (mut fits, mut too_high) = (0, widest + 1);
    while too_high - fits > 1 {
        let level = fits.midpoint(too_high);
        match total(wishes, level) <= room {
            true => fits = level,
            false => too_high = level,
        }
    }
    let mut widths: Vec<_> = wishes.iter().map(|wish| wish.at(fits)).collect();
    let mut left = room - widths.iter().sum::<usize>();
    for (width, wish) in widths.iter_mut().zip(wishes) {
        if *width < wish.whole && left > 0 {
            *width += 1;
            left -= 1;
        }
    }
    widths
}

impl Wish {
    /// The width where none may be cut to less than its least, or wider than the level if it is.
    fn at(self, level: usize) -> usize {
        self.whole.min(level).max(self.min)
    }
}
