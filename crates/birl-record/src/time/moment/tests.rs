//! What people type, and what is none of it.

use proptest::prelude::*;

use super::*;

/// Central Europe, as since 1996; the rule needs no file.
const PARIS: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

fn clock(now: &str, zone: &str) -> Clock {
    Clock {
        now: saturated(now.parse().unwrap()),
        zone: TimeZone::posix(zone).unwrap(),
        newest: None,
    }
}

#[track_caller]
fn assert_moments(clock: &Clock, cases: &[(&str, &str, &str)]) {
    for (text, start, end) in cases {
        let found = moment(text, clock).unwrap_or_else(|error| panic!("{text}: {error}"));
        let found = [found.start, found.end].map(|at| timestamp(at).to_string());
        assert_eq!(found, [*start, *end], "{text}");
    }
}

#[test]
fn as_much_is_meant_as_is_said() {
    // A Saturday.
    let clock = clock("2026-03-14T14:05:30.25Z", "UTC0");
    assert_moments(
        &clock,
        &[
            ("2026", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            ("2026-02", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"),
            ("2026-03-14", "2026-03-14T00:00:00Z", "2026-03-15T00:00:00Z"),
            ("2026-3-4", "2026-03-04T00:00:00Z", "2026-03-05T00:00:00Z"),
            (
                "2026-03-14 14:05",
                "2026-03-14T14:05:00Z",
                "2026-03-14T14:06:00Z",
            ),
            (
                "2026-03-14T14:05:30",
                "2026-03-14T14:05:30Z",
                "2026-03-14T14:05:31Z",
            ),
            (
                "2026-03-14t14:05:30z",
                "2026-03-14T14:05:30Z",
                "2026-03-14T14:05:31Z",
            ),
            (
                "2026-03-14 14:05:30.5",
                "2026-03-14T14:05:30.5Z",
                "2026-03-14T14:05:30.6Z",
            ),
            (
                "2026-03-14 14:05:30,123",
                "2026-03-14T14:05:30.123Z",
                "2026-03-14T14:05:30.124Z",
            ),
            (
                "2026-03-14T14:05:30.000000001Z",
                "2026-03-14T14:05:30.000000001Z",
                "2026-03-14T14:05:30.000000002Z",
            ),
            (
                "2026-03-14T14:05+01:00",
                "2026-03-14T13:05:00Z",
                "2026-03-14T13:06:00Z",
            ),
            (
                "2026-03-14 14:05:30 -0530",
                "2026-03-14T19:35:30Z",
                "2026-03-14T19:35:31Z",
            ),
            (
                "2026-03-14 14:05 UTC",
                "2026-03-14T14:05:00Z",
                "2026-03-14T14:06:00Z",
            ),
            (
                "2026-03-14+02:00",
                "2026-03-13T22:00:00Z",
                "2026-03-14T22:00:00Z",
            ),
            ("14:05", "2026-03-14T14:05:00Z", "2026-03-14T14:06:00Z"),
            ("14:05:30", "2026-03-14T14:05:30Z", "2026-03-14T14:05:31Z"),
            ("0:05", "2026-03-14T00:05:00Z", "2026-03-14T00:06:00Z"),
            ("2pm", "2026-03-14T14:00:00Z", "2026-03-14T15:00:00Z"),
            ("12:30 am", "2026-03-14T00:30:00Z", "2026-03-14T00:31:00Z"),
            (
                "01:00+10:00",
                "2026-03-14T15:00:00Z",
                "2026-03-14T15:01:00Z",
            ),
            ("today", "2026-03-14T00:00:00Z", "2026-03-15T00:00:00Z"),
            ("Yesterday", "2026-03-13T00:00:00Z", "2026-03-14T00:00:00Z"),
            ("tomorrow", "2026-03-15T00:00:00Z", "2026-03-16T00:00:00Z"),
            (
                "yesterday 14:00",
                "2026-03-13T14:00:00Z",
                "2026-03-13T14:01:00Z",
            ),
            (
                "yesterday at 2pm",
                "2026-03-13T14:00:00Z",
                "2026-03-13T15:00:00Z",
            ),
            ("friday", "2026-03-13T00:00:00Z", "2026-03-14T00:00:00Z"),
            (
                "friday 14:00",
                "2026-03-13T14:00:00Z",
                "2026-03-13T14:01:00Z",
            ),
            ("sat", "2026-03-14T00:00:00Z", "2026-03-15T00:00:00Z"),
            (
                "last saturday",
                "2026-03-07T00:00:00Z",
                "2026-03-08T00:00:00Z",
            ),
            (
                "last sunday 8:15",
                "2026-03-08T08:15:00Z",
                "2026-03-08T08:16:00Z",
            ),
            (
                "now",
                "2026-03-14T14:05:30.25Z",
                "2026-03-14T14:05:30.250000001Z",
            ),
            (
                "-90m",
                "2026-03-14T12:35:30.25Z",
                "2026-03-14T12:35:30.250000001Z",
            ),
            (
                "2h ago",
                "2026-03-14T12:05:30.25Z",
                "2026-03-14T12:05:30.250000001Z",
            ),
            (
                "2h",
                "2026-03-14T12:05:30.25Z",
                "2026-03-14T12:05:30.250000001Z",
            ),
            (
                "1 hour 30 minutes ago",
                "2026-03-14T12:35:30.25Z",
                "2026-03-14T12:35:30.250000001Z",
            ),
            (
                "-1d12h",
                "2026-03-13T02:05:30.25Z",
                "2026-03-13T02:05:30.250000001Z",
            ),
            (
                "+1.5h",
                "2026-03-14T15:35:30.25Z",
                "2026-03-14T15:35:30.250000001Z",
            ),
            (
                "in 1w",
                "2026-03-21T14:05:30.25Z",
                "2026-03-21T14:05:30.250000001Z",
            ),
            (
                "@1773497130",
                "2026-03-14T14:05:30Z",
                "2026-03-14T14:05:31Z",
            ),
            (
                "@1773497130.5",
                "2026-03-14T14:05:30.5Z",
                "2026-03-14T14:05:30.6Z",
            ),
            ("@0", "1970-01-01T00:00:00Z", "1970-01-01T00:00:01Z"),
            ("1773497130", "2026-03-14T14:05:30Z", "2026-03-14T14:05:31Z"),
            (
                "1773497130250",
                "2026-03-14T14:05:30.25Z",
                "2026-03-14T14:05:30.251Z",
            ),
            (
                "14/Mar/2026:14:05:30 +0100",
                "2026-03-14T13:05:30Z",
                "2026-03-14T13:05:31Z",
            ),
            (
                "Mar 14 14:05:30",
                "2026-03-14T14:05:30Z",
                "2026-03-14T14:05:31Z",
            ),
            (
                "Dec 31 14:05:30",
                "2025-12-31T14:05:30Z",
                "2025-12-31T14:05:31Z",
            ),
        ],
    );
}

#[test]
fn days_are_those_of_the_zone_and_have_23_to_25_hours() {
    let clock = clock("2026-03-29T22:30:00Z", PARIS);
    assert_moments(
        &clock,
        &[
            ("today", "2026-03-29T22:00:00Z", "2026-03-30T22:00:00Z"),
            ("yesterday", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
            ("2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
            // A time that was twice is the first; one that never was is as much later.
            (
                "2026-10-25 02:30",
                "2026-10-25T00:30:00Z",
                "2026-10-25T00:31:00Z",
            ),
            (
                "2026-03-29 02:30",
                "2026-03-29T01:30:00Z",
                "2026-03-29T01:31:00Z",
            ),
            (
                "-1d",
                "2026-03-28T22:30:00Z",
                "2026-03-28T22:30:00.000000001Z",
            ),
            (
                "sunday 12:00Z",
                "2026-03-29T12:00:00Z",
                "2026-03-29T12:01:00Z",
            ),
        ],
    );
}

#[test]
fn what_is_no_moment_is_told_what_would_be_right() {
    let clock = clock("2026-03-14T14:05:30Z", "UTC0");
    let forms = "a moment is one of 2026-03-14, \"2026-03-14 14:05\", 14:05, yesterday, \
                 \"friday 14:00\", -90m";
    let units = "the units are w, d, h, m, s and ms";
    for (text, message, hint) in [
        ("", "a moment is missing", forms),
        ("soon", "there is no moment \"soon\"", forms),
        (
            "yesterdy",
            "there is no moment \"yesterdy\"",
            "did you mean \"yesterday\"?",
        ),
        (
            "fridax 14:00",
            "there is no moment \"fridax 14:00\"",
            "did you mean \"friday 14:00\"?",
        ),
        (
            "2026-02-29",
            "there is no moment \"2026-02-29\"",
            "February 2026 has the days 1 to 28",
        ),
        (
            "2026-13-01",
            "there is no moment \"2026-13-01\"",
            "a year has no month 13",
        ),
        (
            "today 24:00",
            "there is no moment \"today 24:00\"",
            "a day ends where the next begins, at 00:00",
        ),
        (
            "25:00",
            "there is no moment \"25:00\"",
            "a day has the hours 0 to 23",
        ),
        (
            "14:60",
            "there is no moment \"14:60\"",
            "an hour has the minutes 0 to 59",
        ),
        (
            "14pm",
            "there is no moment \"14pm\"",
            "before am and pm stand the hours 1 to 12",
        ),
        ("-90", "90 has no unit", &format!("{units}, as in 90m")),
        (
            "3 months ago",
            "there is no unit \"months\"",
            &format!("{units}, as in 3m"),
        ),
        (
            "@tomorrow",
            "there is no moment \"@tomorrow\"",
            "`@` stands before seconds since 1970",
        ),
        (
            "2026-03-14 14:05 +99:00",
            "there is no time zone \"+99:00\"",
            "one is UTC, an offset such as +02:00, or a name such as Europe/Paris",
        ),
    ] {
        let error = moment(text, &clock).expect_err(text);
        assert_eq!((error.message(), error.hint()), (message, hint), "{text}");
    }
}

#[test]
fn a_length_has_a_unit_for_each_number() {
    for (text, seconds) in [
        ("90m", 5_400.0),
        ("1d12h", 129_600.0),
        ("1w", 604_800.0),
        ("1.5h", 5_400.0),
        ("1h 30m", 5_400.0),
        ("250ms", 0.25),
        ("10 Seconds", 10.0),
        ("0s", 0.0),
    ] {
        assert_eq!(duration(text), Ok((seconds * 1e9) as i64), "{text}");
    }
    for text in [
        "", "h", "1", "1M", "-1h", "1..5h", "1h30", "9999999w", "1h,5m",
    ] {
        assert!(duration(text).is_err(), "{text}");
    }
}

#[test]
fn zones_have_offsets_or_names() {
    for (text, seconds) in [
        ("+02:00", 7_200),
        ("-0530", -19_800),
        ("+5", 18_000),
        ("utc", 0),
        ("Z", 0),
    ] {
        let zone = zone(text).unwrap();
        let offset = zone.to_offset(timestamp(0));
        assert_eq!(offset.seconds(), seconds, "{text}");
    }
    for text in ["", "+", "+2:0", "+24:00", "+02:60", "Nowhere/Land", "12"] {
        assert!(zone(text).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_is_a_panic(text in "\\PC{0,24}") {
        let clock = clock("2026-03-14T14:05:30Z", PARIS);
        _ = moment(&text, &clock);
        _ = duration(&text);
        _ = zone(&text);
    }

    #[test]
    fn no_text_that_looks_like_one_is_a_panic(
        text in "(last |in |-|\\+|@)?(today|friday|20[0-9]{2}|[0-9]{1,10})[-T :.,apmdhw0-9]{0,16}( ago|Z|\\+0[0-9]:?[0-9]{2})?",
        now in prop_oneof![Just(i64::MIN), Just(i64::MAX), prop::num::i64::ANY],
    ) {
        let clock = Clock { now, zone: TimeZone::posix(PARIS).unwrap(), newest: None };
        if let Ok(span) = moment(&text, &clock) {
            prop_assert!(span.start <= span.end, "{}", text);
        }
    }
}
