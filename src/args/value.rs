//! The values of flags: numbers, sizes and times.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use birl_record::time;
use birl_render::{THEMES, Theme};
pub(super) use birl_watch::config::size;
use jiff::tz::TimeZone;

/// Reads a whole number, as many as its type holds.
pub(super) fn whole_number<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| "it is a whole number, such as 3".to_owned())
}

/// Reads a length of time: `500ms`, `2s`, `1m 30s`.
pub(super) fn wait(text: &str) -> Result<Duration, String> {
    text.parse::<jiff::SignedDuration>()
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok())
        .ok_or_else(|| "it is a number with a unit, such as 500ms or 2s".to_owned())
}

/// Reads a length of time of records: `90m`, `2h`, `1d12h`; in nanoseconds.
pub(super) fn length(text: &str) -> Result<i64, String> {
    time::duration(text).map_err(|error| error.to_string())
}

/// Reads a time zone: `UTC`, `local`, `+02:00`, `Europe/Paris`.
pub(super) fn zone(text: &str) -> Result<TimeZone, String> {
    match text {
        "local" => Ok(TimeZone::system()),
        text => time::zone(text).map_err(|error| error.to_string()),
    }
}

/// Reads the name of a table and its file: `users=users.csv`.
pub(super) fn table(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, file)) if !name.is_empty() && !file.is_empty() => {
            Ok((name.to_owned(), file.into()))
        }
        _ => Err("it is a name and a file, such as users=users.csv".to_owned()),
    }
}

/// Reads the name of a theme.
pub(super) fn theme(text: &str) -> Result<Theme, String> {
    Theme::named(text).ok_or_else(|| {
        let names: Vec<_> = THEMES.iter().map(|(name, _)| *name).collect();
        format!("it is one of {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{size, wait, whole_number};

    #[test]
    fn a_size_is_bytes_or_has_a_binary_unit() {
        let sizes = [
            ("1", 1),
            ("65536", 65_536),
            ("512K", 524_288),
            ("1M", 1_048_576),
            ("1MiB", 1_048_576),
            ("2G", 2_147_483_648),
        ];
        for (text, bytes) in sizes {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn a_size_of_nothing_is_refused() {
        for text in ["0", "0M"] {
            assert_eq!(size(text), Err("it is at least 1".to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused_with_examples() {
        // 1MB is refused rather than guessed: to some it is 1000000 bytes.
        for text in ["", "M", "1MB", "1 M", "-1", "1.5M", "99999999999G", "１M"] {
            assert_eq!(
                size(text),
                Err("it is a number of bytes, such as 65536, 64K or 1MiB".to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn a_time_has_a_unit() {
        assert_eq!(wait("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(wait("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(wait("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(wait("0s"), Ok(Duration::ZERO));
        for text in ["", "2", "-2s", "2 parsecs", "s"] {
            assert_eq!(
                wait(text),
                Err("it is a number with a unit, such as 500ms or 2s".to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn a_whole_number_has_no_sign_and_no_fraction() {
        assert_eq!(whole_number::<u64>("17"), Ok(17));
        for text in ["", "-1", "1.5", "three", "99999999999999999999"] {
            assert_eq!(
                whole_number::<u64>(text),
                Err("it is a whole number, such as 3".to_owned()),
                "{text}"
            );
        }
    }
}
