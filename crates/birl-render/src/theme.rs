//! Themes: how the parts of a record look.

use std::io::Write;

use anstyle::{AnsiColor, Style};
use birl_record::level::Level;

/// How the parts of a record look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// Names of sources.
    pub source: Style,
    /// Numbers of lines.
    pub number: Style,
    /// When it was.
    pub time: Style,
    /// The levels, the mildest first.
    pub levels: [Style; 6],
    /// What happened.
    pub message: Style,
    /// Names of fields, and the `=` behind them.
    pub key: Style,
    /// Values that are texts.
    pub text: Style,
    /// Values that are numbers.
    pub value_number: Style,
    /// `true`, `false` and `null`.
    pub word: Style,
    /// What matched.
    pub matched: Style,
    /// Names of the columns of a table.
    pub header: Style,
    /// Bars, columns and lines of charts: what is drawn first, and so on.
    pub series: [Style; 5],
    /// What birl says itself: that a record was cut, that some are left out, that a line goes on with
    /// the record before.
    pub remark: Style,
}

/// A theme with a name.
type Named = (&'static str, Theme);

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// The themes, by their names; the first is the usual one.
///
/// Their colours are the sixteen that a terminal defines, so that they suit the terminal's own theme.
pub const THEMES: [Named; 4] = [
    ("dark", DARK),
    ("light", LIGHT),
    ("vivid", VIVID),
    ("mono", MONO),
];

const DARK: Theme = Theme {
    source: AnsiColor::Magenta.on_default(),
    number: AnsiColor::Green.on_default(),
    time: DIM,
    levels: [
        DIM,
        AnsiColor::Blue.on_default(),
        AnsiColor::Green.on_default(),
        AnsiColor::Yellow.on_default().bold(),
        AnsiColor::Red.on_default().bold(),
        AnsiColor::Red.on_default().bold().invert(),
    ],
    message: Style::new(),
    key: DIM,
    text: AnsiColor::Cyan.on_default(),
    value_number: AnsiColor::Cyan.on_default(),
    word: AnsiColor::Cyan.on_default(),
    matched: AnsiColor::Red.on_default().bold(),
    header: BOLD,
    series: [
        AnsiColor::Cyan.on_default(),
        AnsiColor::Yellow.on_default(),
        AnsiColor::Magenta.on_default(),
        AnsiColor::Green.on_default(),
        AnsiColor::Red.on_default(),
    ],
    remark: DIM,
};

/// For a light background, on which yellow and cyan can hardly be read.
const LIGHT: Theme = Theme {
    levels: [
        DIM,
        AnsiColor::Blue.on_default(),
        AnsiColor::Green.on_default(),
        AnsiColor::Magenta.on_default().bold(),
        AnsiColor::Red.on_default().bold(),
        AnsiColor::Red.on_default().bold().invert(),
    ],
    text: AnsiColor::Blue.on_default(),
    value_number: AnsiColor::Blue.on_default(),
    word: AnsiColor::Blue.on_default(),
    series: [
        AnsiColor::Blue.on_default(),
        AnsiColor::Red.on_default(),
        AnsiColor::Magenta.on_default(),
        AnsiColor::Green.on_default(),
        AnsiColor::Cyan.on_default(),
    ],
    ..DARK
};

/// Bright messages, and a colour for each kind of value.
const VIVID: Theme = Theme {
    time: AnsiColor::BrightBlack.on_default(),
    levels: [
        AnsiColor::BrightBlack.on_default(),
        AnsiColor::BrightBlue.on_default().bold(),
        AnsiColor::BrightGreen.on_default().bold(),
        AnsiColor::BrightYellow.on_default().bold(),
        AnsiColor::BrightRed.on_default().bold(),
        AnsiColor::BrightRed.on_default().bold().invert(),
    ],
    message: BOLD,
    key: AnsiColor::BrightBlack.on_default(),
    text: AnsiColor::Green.on_default(),
    value_number: AnsiColor::BrightBlue.on_default(),
    word: AnsiColor::Yellow.on_default(),
    matched: AnsiColor::Red.on_default().bold().underline(),
    ..DARK
};

/// Without colours: only bold, dim and inverse.
const MONO: Theme = Theme {
    source: BOLD,
    number: DIM,
    time: DIM,
    levels: [DIM, DIM, Style::new(), BOLD, BOLD, BOLD.invert()],
    message: Style::new(),
    key: DIM,
    text: Style::new(),
    value_number: Style::new(),
    word: Style::new(),
    matched: BOLD.underline(),
    header: BOLD,
    series: [Style::new(); 5],
    remark: DIM,
};

impl Theme {
    /// No styles, and so no escape sequences.
    pub const PLAIN: Theme = {
        let none = Style::new();
        Theme {
            source: none,
            number: none,
            time: none,
            levels: [none; 6],
            message: none,
            key: none,
            text: none,
            value_number: none,
            word: none,
            matched: none,
            header: none,
            series: [none; 5],
            remark: none,
        }
    };

    /// The theme of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Theme> {
        let found = THEMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, theme)| *theme)
    }

    pub(crate) fn level(&self, level: Level) -> Style {
        self.levels[level as usize]
    }
}

/// Writes `text` in `style`.
pub(crate) fn push_text(style: Style, text: &str, out: &mut Vec<u8>) {
    push_styled(style, out, |out| out.extend_from_slice(text.as_bytes()));
}

/// Writes what `write` writes in `style`; a plain style costs nothing.
pub(crate) fn push_styled(style: Style, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    if style.is_plain() {
        return write(out);
    }
    write!(out, "{style}").expect("memory takes all");
    write(out);
    out.extend_from_slice(b"\x1b[0m");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worse_levels_look_different_in_every_theme() {
        for (name, theme) in THEMES {
            assert_ne!(
                theme.level(Level::Error),
                theme.level(Level::Info),
                "{name}"
            );
            assert_ne!(
                theme.level(Level::Fatal),
                theme.level(Level::Error),
                "{name}"
            );
            assert_eq!(Theme::named(name), Some(theme));
        }
        assert_eq!(Theme::named("nope"), None);
    }
}
