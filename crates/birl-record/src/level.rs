//! How bad something is: the levels that people name, and OpenTelemetry's numbers.

use std::fmt::{self, Display, Formatter};

/// How bad a record is, as people name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Finer than debug.
    Trace,
    /// For those who look for a fault.
    Debug,
    /// Something happened, as it should.
    Info,
    /// Something may go wrong.
    Warn,
    /// Something went wrong.
    Error,
    /// Nothing goes on after this.
    Fatal,
}

impl Level {
    /// All levels, the mildest first.
    pub const ALL: [Level; 6] = [
        Level::Trace,
        Level::Debug,
        Level::Info,
        Level::Warn,
        Level::Error,
        Level::Fatal,
    ];

    /// The name, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Level::Trace => "trace",
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
            Level::Fatal => "fatal",
        }
    }
}

impl Display for Level {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How bad a record is, from 1 to 24: the `SeverityNumber` of OpenTelemetry's log data model, four
/// numbers a [`Level`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Severity(u8);

impl Severity {
    /// The mildest severity of a level, which is that of records that say no more than the level.
    pub const fn of(level: Level) -> Self {
        Self(match level {
            Level::Trace => 1,
            Level::Debug => 5,
            Level::Info => 9,
            Level::Warn => 13,
            Level::Error => 17,
            Level::Fatal => 21,
        })
    }

    /// OpenTelemetry's number, if it is from 1 to 24.
    pub fn from_number(number: u8) -> Option<Self> {
        (1..=24).contains(&number).then_some(Self(number))
    }

    /// What syslog calls severity: 0 (emergency) to 7 (debug), as OpenTelemetry's data model maps it
    /// (appendix B).
    pub fn from_syslog(severity: u8) -> Option<Self> {
        Some(Self(match severity {
            0 => 21,
            1 => 19,
            2 => 18,
            3 => 17,
            4 => 13,
            5 => 10,
            6 => 9,
            7 => 5,
            _ => return None,
        }))
    }

    /// A level that a number stands for where no format says what the numbers mean: 10 to 60 as pino
    /// and bunyan count, or syslog's 0 to 7.
    pub fn from_level_number(number: u64) -> Option<Self> {
        match number {
            0..=7 => Self::from_syslog(number as u8),
            // Loggers allow for levels between those that have names.
            10..=69 => Some(Self::of(Level::ALL[(number / 10 - 1) as usize])),
            _ => None,
        }
    }

    /// A level by any of the names and letters that loggers have for it, in any case.
    ///
    /// `critical` is the fatal of Python, .NET and Windows here; for syslog's, which is milder, there
    /// is [`from_syslog_word`](Self::from_syslog_word).
    ///
    /// ```
    /// use birl_record::level::{Level, Severity};
    ///
    /// let level = |word: &str| Severity::from_word(word.as_bytes()).map(Severity::level);
    /// assert_eq!(level("WARNING"), Some(Level::Warn));
    /// assert_eq!(level("E"), Some(Level::Error));
    /// assert_eq!(level("well"), None);
    /// ```
    pub fn from_word(word: &[u8]) -> Option<Self> {
        let mut lower = [0; WORD_BYTES_MAX];
        let lower = lower.get_mut(..word.len())?;
        for (to, from) in lower.iter_mut().zip(word) {
            *to = from.to_ascii_lowercase();
        }
        of_lower(lower).map(Self)
    }

    /// The same of what slog writes for levels between those that have names, as well: `ERROR+2`, which
    /// is an error.
    pub fn from_spelling(word: &[u8]) -> Option<Self> {
        Self::from_word(word).or_else(|| {
            let at = word.iter().position(|byte| matches!(byte, b'+' | b'-'))?;
            let (name, number) = (&word[..at], &word[at + 1..]);
            let is_number = !number.is_empty() && number.iter().all(u8::is_ascii_digit);
            is_number.then(|| Self::from_word(name))?
        })
    }

    /// A level by its name, as syslog and those that took its names mean it (RFC 5424, section
    /// 6.2.1): `critical` is milder than `alert`, which is milder than `emergency`.
    pub fn from_syslog_word(word: &[u8]) -> Option<Self> {
        match word.eq_ignore_ascii_case(b"critical") {
            true => Self::from_syslog(2),
            false => Self::from_word(word),
        }
    }

    /// The level that it belongs to.
    pub fn level(self) -> Level {
        Level::ALL[usize::from(self.0 - 1) / 4]
    }

    /// OpenTelemetry's number, from 1 to 24.
    pub fn number(self) -> u8 {
        self.0
    }
}

/// No word for a level is longer.
const WORD_BYTES_MAX: usize = 13;

/// The words for levels, in lower case, with their numbers.
macro_rules! words {
    ($($number:literal: $($word:literal)*;)*) => {
        /// Each word for a level, in lower case, and its number.
        pub(crate) static WORDS: &[(&str, u8)] = &[$($(($word, $number),)*)*];

        /// The number of a word in lower case.
        fn of_lower(word: &[u8]) -> Option<u8> {
            // A match is compiled to comparisons of whole machine words.
            $($(const { assert!($word.len() <= WORD_BYTES_MAX) };)*)*
            let word = std::str::from_utf8(word).ok()?;
            Some(match word {
                $($($word)|* => $number,)*
                _ => return None,
            })
        }
    };
}

words! {
    1: "trace" "trc" "trac" "blat" "t" "finest" "silly" "debug5";
    2: "finer" "debug4";
    3: "debug3";
    4: "verbose" "v" "vrb" "debug2";
    5: "debug" "dbg" "debg" "d" "fine" "debug1";
    8: "config";
    9: "info" "inf" "i" "information" "informational" "log" "success";
    10: "notice" "note" "n";
    13: "warn" "warning" "wrn" "w";
    17: "error" "err" "e" "eror" "erro" "severe";
    18: "failure" "dpanic" "crit";
    19: "alert";
    21: "fatal" "ftl" "fata" "f" "critical" "c" "panic" "emerg" "emergency";
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(word: &str) -> Option<Level> {
        Severity::from_word(word.as_bytes()).map(Severity::level)
    }

    #[test]
    fn a_level_is_known_by_its_own_name_and_its_number() {
        for known in Level::ALL {
            assert_eq!(level(known.name()), Some(known));
            assert_eq!(Severity::of(known).level(), known);
        }
        let levels = (1..=24).map(|number| Severity::from_number(number).unwrap().level());
        assert!(levels.eq(Level::ALL.into_iter().flat_map(|level| [level; 4])));
        assert_eq!(Severity::from_number(0), None);
        assert_eq!(Severity::from_number(25), None);
    }

    #[test]
    fn loggers_have_many_words_for_a_level() {
        for (word, expected) in [
            ("WARNING", Level::Warn),
            ("Err", Level::Error),
            ("I", Level::Info),
            ("CRITICAL", Level::Fatal),
            ("crit", Level::Error),
            ("INFORMATIONAL", Level::Info),
            ("FINEST", Level::Trace),
            ("SEVERE", Level::Error),
        ] {
            assert_eq!(level(word), Some(expected), "{word}");
        }
        for word in ["", "information about", "warned", "x", "\u{212a}"] {
            assert_eq!(level(word), None, "{word}");
        }
    }

    #[test]
    fn severities_of_syslog_rise_as_it_gets_worse() {
        let severities: Vec<_> = (0..8).rev().map(Severity::from_syslog).collect();
        assert!(severities.is_sorted());
        assert!(severities.iter().all(Option::is_some));
        let words = ["critical", "alert", "emergency"];
        let words = words.map(|word| Severity::from_syslog_word(word.as_bytes()));
        assert!(words.is_sorted());
    }

    #[test]
    fn numbers_are_pinos_or_syslogs() {
        for (number, expected) in [
            (3, Some(Level::Error)),
            (10, Some(Level::Trace)),
            (35, Some(Level::Info)),
            (50, Some(Level::Error)),
            (60, Some(Level::Fatal)),
            (8, None),
            (70, None),
        ] {
            let level = Severity::from_level_number(number).map(Severity::level);
            assert_eq!(level, expected, "{number}");
        }
    }
}
