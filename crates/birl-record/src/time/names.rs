//! The names of months and weekdays: English, French and German, whole and abbreviated.

use super::cursor::Cursor;

/// The longest name, in bytes.
const NAME_BYTES_MAX: usize = 10;

/// Takes the name of a month, with the dot that may end an abbreviation: 1 is January.
#[inline]
pub(super) fn month(c: &mut Cursor<'_>) -> Option<u32> {
    let mut ahead = *c;
    let word = ahead.word();
    let month = match word {
        [a, b, c] => english_month([*a, *b, *c]).or_else(|| lookup(&MONTHS, word)),
        _ => lookup(&MONTHS, word),
    }?;
    ahead.eat(b'.');
    *c = ahead;
    Some(month)
}

/// Takes the name of a weekday, with the dot that may end an abbreviation.
#[inline]
pub(super) fn weekday(c: &mut Cursor<'_>) -> Option<()> {
    let mut ahead = *c;
    lookup(&WEEKDAYS, ahead.word())?;
    ahead.eat(b'.');
    *c = ahead;
    Some(())
}

#[inline]
fn english_month(letters: [u8; 3]) -> Option<u32> {
    let month = match &letters.map(|letter| letter | 0x20) {
        b"jan" => 1,
        b"feb" => 2,
        b"mar" => 3,
        b"apr" => 4,
        b"may" => 5,
        b"jun" => 6,
        b"jul" => 7,
        b"aug" => 8,
        b"sep" => 9,
        b"oct" => 10,
        b"nov" => 11,
        b"dec" => 12,
        _ => return None,
    };
    Some(month)
}

fn lookup(names: &[(u32, &[&str])], word: &[u8]) -> Option<u32> {
    if !(2..=NAME_BYTES_MAX).contains(&word.len()) {
        return None;
    }
    let is_among = |names: &[&str]| names.iter().any(|name| is_name(name, word));
    let found = names.iter().find(|(_, names)| is_among(names));
    found.map(|(value, _)| *value)
}

/// Whether `word` is `name`, in capitals or not, in UTF-8 or in Latin-1.
fn is_name(name: &str, word: &[u8]) -> bool {
    word.eq_ignore_ascii_case(name.as_bytes()) || is_latin_1(name, word)
}

fn is_latin_1(name: &str, word: &[u8]) -> bool {
    let mut bytes = word.iter().map(|byte| u32::from(byte.to_ascii_lowercase()));
    name.chars().all(|c| bytes.next() == Some(u32::from(c))) && bytes.next().is_none()
}

const MONTHS: [(u32, &[&str]); 12] = [
    (
        1,
        &["january", "januar", "jänner", "jän", "janvier", "janv"],
    ),
    (
        2,
        &[
            "february", "februar", "feber", "février", "fevrier", "févr", "fevr", "fév", "fev",
        ],
    ),
    (3, &["march", "märz", "maerz", "mär", "mrz", "mars"]),
    (4, &["april", "avril", "avr"]),
    (5, &["mai"]),
    (6, &["june", "juni", "juin"]),
    (7, &["july", "juli", "juillet", "juil"]),
    (8, &["august", "août", "aout", "aoû"]),
    (9, &["september", "septembre", "sept"]),
    (10, &["october", "oktober", "octobre", "okt"]),
    (11, &["november", "novembre"]),
    (
        12,
        &["december", "dezember", "décembre", "decembre", "dez", "déc"],
    ),
];

/// Those of one day stand together; Monday is 1.
const WEEKDAYS: [(u32, &[&str]); 7] = [
    (1, &["mon", "monday", "mo", "montag", "lun", "lundi"]),
    (
        2,
        &["tue", "tuesday", "tues", "di", "dienstag", "mar", "mardi"],
    ),
    (
        3,
        &["wed", "wednesday", "mi", "mittwoch", "mer", "mercredi"],
    ),
    (
        4,
        &[
            "thu",
            "thursday",
            "thur",
            "thurs",
            "do",
            "donnerstag",
            "jeu",
            "jeudi",
        ],
    ),
    (5, &["fri", "friday", "fr", "freitag", "ven", "vendredi"]),
    (6, &["sat", "saturday", "sa", "samstag", "sam", "samedi"]),
    (7, &["sun", "sunday", "so", "sonntag", "dim", "dimanche"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn month_of(text: &[u8]) -> Option<(u32, usize)> {
        let mut c = Cursor::new(text);
        let month = month(&mut c)?;
        Some((month, text.len() - c.rest().len()))
    }

    #[test]
    fn a_month_is_a_whole_word_with_its_dot() {
        assert_eq!(month_of(b"Mar 14"), Some((3, 3)));
        assert_eq!(month_of(b"MAR14"), Some((3, 3)));
        assert_eq!(month_of(b"mars 14"), Some((3, 4)));
        assert_eq!(month_of(b"janv. 14"), Some((1, 5)));
        assert_eq!(month_of("Août".as_bytes()), Some((8, 5)));
        assert_eq!(month_of(b"ao\xfbt"), Some((8, 4)));
        assert_eq!(month_of("März".as_bytes()), Some((3, 5)));
        for none in ["", "Ma", "Marc", "Marching", "\u{e4}", "14"] {
            assert_eq!(month_of(none.as_bytes()), None, "{none}");
        }
    }

    #[test]
    fn no_name_has_two_meanings_or_is_too_long() {
        for names in [&MONTHS[..], &WEEKDAYS[..]] {
            for (value, known) in names {
                for name in *known {
                    assert_eq!(lookup(names, name.as_bytes()), Some(*value), "{name}");
                }
            }
        }
        for (month, names) in MONTHS {
            for name in names {
                assert_eq!(month_of(name.as_bytes()), Some((month, name.len())));
            }
        }
    }
}
