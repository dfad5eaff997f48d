//! Values as they are shown in a table.

use anstyle::Style;
use birl_record::level::Severity;
use jiff::civil::DateTime;

use super::TableOptions;
use super::line::{shown, width};
use crate::cell::Cell;
use crate::zone::{fraction_digits, write_civil};

/// A value as it is shown, before it is known how wide its column is.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) content: Content,
    pub(super) style: Style,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    Text(String),
    /// A text that only makes sense whole, with how many columns of it stand before its point.
    Whole(String, usize),
    /// Times of a column are shown with the same number of digits.
    Time(DateTime),
}

impl Shown {
    /// The name of a column.
    pub(super) fn name(name: &str) -> Self {
        Self {
            content: Content::Text(name.to_owned()),
            style: Style::new(),
        }
    }

    fn whole(text: String) -> Self {
        let before = width(&text);
        Self {
            content: Content::Whole(text, before),
            style: Style::new(),
        }
    }

    /// A number with a point, perhaps. The point of one with a power of ten says nothing beside
    /// those of others.
    fn number(text: String) -> Self {
        let before = match text.contains('e') {
            true => text.len(),
            false => text.find('.').unwrap_or(text.len()),
        };
        Self {
            content: Content::Whole(text, before),
            style: Style::new(),
        }
    }

    fn text(text: String) -> Self {
        Self {
            content: Content::Text(text),
            style: Style::new(),
        }
    }

    /// How many digits behind the point of a second it needs.
    pub(super) fn digits(&self) -> usize {
        match &self.content {
            Content::Time(time) => fraction_digits(*time),
            _ => 0,
        }
    }

    /// How many columns it takes before a point and from there on, where times have so many digits.
    pub(super) fn widths(&self, digits: usize) -> (usize, usize) {
        match &self.content {
            Content::Text(text) => (width(text), 0),
            Content::Whole(text, before) => (*before, width(text) - before),
            Content::Time(time) => (time_text(*time, digits).len(), 0),
        }
    }
}

/// A time as people read it.
pub(super) fn time_text(time: DateTime, digits: usize) -> String {
    let mut text = Vec::new();
    write_civil(time, b' ', digits, &mut text);
    String::from_utf8(text).expect("digits are text")
}

/// Shows a value.
pub(super) fn show(cell: &Cell<'_>, is_level: bool, options: &TableOptions) -> Shown {
    // Of a text of which only the beginning can be seen, no more is looked at. Characters without a
    // width take bytes as well.
    let bytes_max = options.width.map(|width| 256 + 16 * width);
    match cell {
        Cell::Null => Shown::text(String::new()),
        Cell::Text("") => Shown {
            style: options.theme.remark,
            ..Shown::text("\"\"".to_owned())
        },
        Cell::Text(text) => Shown {
            style: match Severity::from_word(text.as_bytes()) {
                Some(severity) if is_level => options.theme.level(severity.level()),
                _ => Style::new(),
            },
            ..Shown::text(shown(text, bytes_max))
        },
        Cell::Time(time) => Shown {
            content: Content::Time(time.civil(&options.zone)),
            style: options.theme.time,
        },
        Cell::Date(_) | Cell::Moment(_) => Shown {
            style: options.theme.time,
            ..Shown::whole(plain(cell, options))
        },
        Cell::Float(number) => Shown::number(number_text(*number)),
        Cell::Float32(number) => Shown::number(number_text((*number).into())),
        Cell::Span(span) => {
            let mut text = Vec::new();
            span.write_plain(&mut text);
            Shown::whole(String::from_utf8(text).expect("digits and letters are text"))
        }
        Cell::Int(_) | Cell::UInt(_) | Cell::Decimal(_) => Shown::number(plain(cell, options)),
        Cell::Bool(_) => Shown::whole(plain(cell, options)),
        Cell::Bytes(_) | Cell::List(_) | Cell::Object(_) => Shown::text(plain(cell, options)),
        Cell::Other(text) => Shown::text(shown(text, bytes_max)),
    }
}

fn plain(cell: &Cell<'_>, options: &TableOptions) -> String {
    let mut text = Vec::new();
    cell.write_text(&options.zone, &mut text);
    String::from_utf8(text).expect("all texts of Arrow are UTF-8")
}

/// A number for people: at most four digits that count behind its point, and a power of ten where
/// there would be many zeros.
pub(crate) fn number_text(number: f64) -> String {
    const DIGITS: usize = 4;
    let size = number.abs();
    if !number.is_finite() {
        return format!("{number}");
    }
    if size == 0.0 {
        return "0".to_owned();
    }
    if !(1e-6..1e15).contains(&size) {
        let text = format!("{number:.DIGITS$e}");
        let (digits, power) = text.split_once('e').expect("there is a power");
        return format!("{}e{power}", trimmed(digits));
    }
    // Zeros that follow the point do not count where nothing stands before it.
    let zeros = match size < 1.0 {
        true => (-size.log10()).ceil() as usize - 1,
        false => 0,
    };
    trimmed(&format!("{number:.places$}", places = DIGITS + zeros)).to_owned()
}

/// Digits without the zeros at the end that say nothing.
fn trimmed(digits: &str) -> &str {
    match digits.contains('.') {
        true => digits.trim_end_matches('0').trim_end_matches('.'),
        false => digits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_the_digits_that_say_something() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-2.5, "-2.5"),
            (51.25, "51.25"),
            (1234567.0, "1234567"),
            (1234.56789, "1234.5679"),
            (0.99999, "1"),
            (0.1, "0.1"),
            (1.0 / 3.0, "0.3333"),
            (0.05125, "0.05125"),
            (0.001, "0.001"),
            (0.000_012_345_6, "0.00001235"),
            (1e14, "100000000000000"),
            (1e15, "1e15"),
            (1.23456789e300, "1.2346e300"),
            (5e-324, "4.9407e-324"),
            (-1e-7, "-1e-7"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(number_text(number), text, "{number:?}");
        }
    }
}
