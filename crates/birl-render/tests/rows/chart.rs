//! Charts for people.

use std::sync::Arc;

use arrow_array::*;
use birl_render::{Chart, ChartOptions, DisplayZone, THEMES, Theme};
use jiff::tz::{Offset, TimeZone};
use proptest::prelude::*;
use unicode_width::UnicodeWidthStr;

use crate::{batch, column, printed};

fn size(width: usize, height: usize) -> ChartOptions {
    ChartOptions {
        width,
        height: Some(height),
        keys: None,
        zone: DisplayZone::utc(),
        theme: Theme::PLAIN,
        ascii: false,
    }
}

fn ascii(width: usize, height: usize) -> ChartOptions {
    ChartOptions {
        ascii: true,
        ..size(width, height)
    }
}

/// The chart of these rows; a line before it, so that it stands straight in a test.
fn chart(rows: &RecordBatch, options: ChartOptions) -> String {
    let chart = Chart::new(&rows.schema(), options).unwrap();
    format!("\n{}", printed(chart, std::slice::from_ref(rows)))
}

fn names(names: &[&str]) -> ArrayRef {
    column(StringViewArray::from_iter_values(names))
}

fn ints(numbers: &[i64]) -> ArrayRef {
    column(Int64Array::from(numbers.to_vec()))
}

fn floats(numbers: &[f64]) -> ArrayRef {
    column(Float64Array::from(numbers.to_vec()))
}

const START: i64 = 1_773_496_800;

/// Times so many seconds after 14:00.
fn times(seconds: impl IntoIterator<Item = i64>) -> ArrayRef {
    let times: Vec<_> = seconds.into_iter().map(|second| START + second).collect();
    column(TimestampSecondArray::from(times).with_timezone("UTC"))
}

/// There are 16 columns for bars, and 8 is the largest: each 1 is two of them.
#[test]
fn a_bar_is_as_long_as_its_number() {
    let rows = batch([
        ("name", names(&["a", "b", "c", "d", "e"])),
        (
            "n",
            column(Int64Array::from(vec![
                Some(8),
                Some(4),
                Some(1),
                Some(0),
                None,
            ])),
        ),
    ]);
    let expected = "
name  n
a     8  ████████████████
b     4  ████████
c     1  ██
d     0
e
";
    assert_eq!(chart(&rows, size(25, 9)), expected);
    let expected = "
name  n
a     8  ################
b     4  ########
c     1  ##
d     0
e
";
    assert_eq!(chart(&rows, ascii(25, 9)), expected);
}

/// 16 columns for 16: an eighth of a column is an eighth.
#[test]
fn bars_end_within_a_character() {
    let rows = batch([
        ("name", names(&["a", "b", "c", "d"])),
        ("n", floats(&[16.0, 2.25, 0.01, f64::INFINITY])),
    ]);
    let expected = "
name       n
a      16     ████████████████
b       2.25  ██▎
c       0.01  ▏
d     inf     ███████████████▶
";
    assert_eq!(chart(&rows, size(30, 9)), expected);
}

/// 31 columns: one for the axis, 20 for what is negative and 10 for the rest, two of them for each 1.
#[test]
fn negative_bars_go_to_the_left() {
    let rows = batch([
        ("name", names(&["a", "b", "c", "d"])),
        ("n", floats(&[5.0, -10.0, -0.1, f64::NAN])),
    ]);
    let expected = "
name      n
a       5                        │██████████
b     -10    ████████████████████│
c      -0.1                     ▐│
d     NaN                        │
";
    assert_eq!(chart(&rows, size(44, 9)), expected);
}

#[test]
fn bars_without_room_are_counted() {
    let rows = batch([
        ("name", names(&["a", "b", "c", "d"])),
        ("n", ints(&[4, 3, 2, 1])),
        ("ms", ints(&[1, 2, 3, 4])),
    ]);
    let expected = "
name  n  ms  n
a     4   1  ████████████████
b     3   2  ████████████
… 2 more rows
";
    assert_eq!(chart(&rows, size(29, 4)), expected);
    for height in 0..4 {
        let drawing = Chart::draw(
            &rows.schema(),
            std::slice::from_ref(&rows),
            size(29, height),
        )
        .unwrap();
        assert_eq!(drawing.lines, height);
    }
    let all = Chart::draw(&rows.schema(), std::slice::from_ref(&rows), size(29, 5)).unwrap();
    assert_eq!(all.lines, 5);
    let options = ChartOptions {
        height: None,
        ..size(29, 0)
    };
    assert_eq!(Chart::draw(&rows.schema(), &[rows], options).unwrap(), all);
}

#[test]
fn numbers_may_be_names() {
    let rows = batch([
        ("status", ints(&[200, 404])),
        ("count", ints(&[8, 4])),
        ("pod", ints(&[1, 2])),
    ]);
    let expected = "
status  count  pod  count
   200      8    1  ██████████
   404      4    2  █████
";
    assert_eq!(chart(&rows, size(30, 9)), expected);
    let rows = batch([
        ("status", ints(&[200, 404])),
        ("pod", ints(&[1, 2])),
        ("count", ints(&[8, 4])),
    ]);
    let options = ChartOptions {
        keys: Some(2),
        ..size(30, 9)
    };
    let expected = "
status  pod  count
   200    1      8  ██████████
   404    2      4  █████
";
    assert_eq!(chart(&rows, options), expected);
}

/// Half-open ranges of 20: 0, 1 and 19 are in the first, 20 in the second, 100 in the last.
#[test]
fn a_histogram_counts_numbers_in_ranges() {
    let numbers = [
        0.0,
        1.0,
        19.0,
        20.0,
        100.0,
        f64::NAN,
        f64::INFINITY,
        f64::NAN,
    ];
    let rows = batch([("ms", floats(&numbers))]);
    let expected = "
ms          count
  0 to  20      3  ████████████
 20 to  40      1  ████
 40 to  60      0
 60 to  80      0
 80 to 100      0
100 to 120      1  ████
… not drawn: 2 NaN, 1 infinite
";
    assert_eq!(chart(&rows, size(31, 8)), expected);
}

#[test]
fn numbers_at_the_edge_of_a_range_are_in_it() {
    let numbers: Vec<_> = (0..100)
        .map(|hundredth| f64::from(hundredth) / 100.0)
        .collect();
    let rows = batch([("share", floats(&numbers))]);
    let text = chart(&rows, size(60, 12));
    let lines: Vec<_> = text.lines().skip(2).collect();
    assert_eq!(lines.len(), 10);
    for (tenth, line) in lines.iter().enumerate() {
        let start = format!("0.{tenth} to ");
        assert!(
            line.starts_with(&start) && line.contains("     10  █"),
            "{line}"
        );
    }
}

/// More numbers than are kept: they are counted in ranges that grow with them.
#[test]
fn a_histogram_of_very_many_numbers_is_exact() {
    let numbers: Vec<_> = (0..1_000_000)
        .map(|number| (number * 7919) % 1_000_000)
        .collect();
    let rows = batch([("n", ints(&numbers))]);
    let expected = "
n                    count
      0 to  200000  200000  ████████████████
 200000 to  400000  200000  ████████████████
 400000 to  600000  200000  ████████████████
 600000 to  800000  200000  ████████████████
 800000 to 1000000  200000  ████████████████
";
    assert_eq!(chart(&rows, size(44, 6)), expected);
}

#[test]
fn a_histogram_of_one_number_has_one_bar() {
    let rows = batch([("n", ints(&[7, 7, 7]))]);
    let expected = "
n  count
7      3  ██████████
";
    assert_eq!(chart(&rows, size(20, 8)), expected);
    let expected = "
n  count
";
    assert_eq!(chart(&rows.slice(0, 0), size(20, 8)), expected);
}

/// Four rows for 32: each is eight, and an eighth of a row is one. Eight columns a value.
#[test]
fn values_over_time_are_columns() {
    let rows = batch([
        ("timestamp", times([0, 60, 120, 180])),
        ("n", ints(&[1, 8, 20, 32])),
    ]);
    let expected = "
n
32 ┤                        ████████
   │                ▄▄▄▄▄▄▄▄████████
16 ┤                ████████████████
   │▁▁▁▁▁▁▁▁████████████████████████
 0 └────────────────────────────────
    14:00   14:01   14:02   14:03
2026-03-14 14:00:00 to 14:03:00, every 1m
";
    assert_eq!(chart(&rows, size(60, 8)), expected);
    let expected = "
n
32 +                        ########
   |                ::::::::########
16 +                ################
   |........########################
 0 +--------------------------------
    14:00   14:01   14:02   14:03
2026-03-14 14:00:00 to 14:03:00, every 1m
";
    assert_eq!(chart(&rows, ascii(60, 8)), expected);
}

#[test]
fn times_are_those_of_the_zone() {
    let rows = batch([("timestamp", times([0, 3600])), ("n", ints(&[1, 1]))]);
    let options = ChartOptions {
        zone: DisplayZone::new(TimeZone::fixed(Offset::constant(9))),
        ..size(40, 8)
    };
    let expected = "
n
  1 ┤████████████████
    │████████████████
0.5 ┤████████████████
    │████████████████
  0 └────────────────
     23:00   03-15
2026-03-14 23:00:00 to 2026-03-15 00:00…
";
    assert_eq!(chart(&rows, options), expected);
}

/// A bucket that is missing, null and NaN are gaps; zero is not.
#[test]
fn where_nothing_is_known_is_a_gap() {
    let values = vec![Some(8.0), Some(0.0), None, Some(f64::NAN), Some(4.0)];
    let rows = batch([
        ("timestamp", times([0, 60, 120, 180, 300])),
        ("n", column(Float64Array::from(values))),
    ]);
    let expected = "
n
8 ┤████████
  │████████
4 ┤████████                                ████████
  │████████                                ████████
0 └────────────────╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌────────
   14:00   14:01   14:02   14:03   14:04   14:05
2026-03-14 14:00:00 to 14:05:00, every 1m
… not drawn: 1 null, 1 NaN
";
    assert_eq!(chart(&rows, size(60, 9)), expected);
}

#[test]
fn a_chart_of_zeros_is_flat() {
    let rows = batch([("timestamp", times([0, 60])), ("n", ints(&[0, 0]))]);
    let expected = "
n
  1 ┤
    │
0.5 ┤
    │
  0 └────────────────
     14:00   14:01
2026-03-14 14:00:00 to 14:01:00, every 1m
";
    assert_eq!(chart(&rows, size(60, 8)), expected);
}

#[test]
fn one_value_is_one_column() {
    let rows = batch([("timestamp", times([0])), ("n", ints(&[3]))]);
    let expected = "
n
  3 ┤████████
    │████████
1.5 ┤████████
    │████████
  0 └────────
     14:00:00
2026-03-14 14:00:00
";
    let drawn = chart(&rows, size(60, 8));
    assert_eq!(drawn, expected);
    let expected = "
n
";
    assert_eq!(chart(&rows.slice(0, 0), size(60, 8)), expected);
}

/// 72 values in 36 columns: each shows the larger of two.
#[test]
fn a_column_shows_the_largest_of_its_values() {
    let values: Vec<_> = (0..72)
        .map(|second| {
            if second % 2 == 0 {
                0
            } else {
                8 * (second / 2 % 4 + 1)
            }
        })
        .collect();
    let rows = batch([("timestamp", times(0..72)), ("n", ints(&values))]);
    let expected = "
n
32 ┤   █   █   █   █   █   █   █   █   █
   │  ██  ██  ██  ██  ██  ██  ██  ██  ██
16 ┤ ███ ███ ███ ███ ███ ███ ███ ███ ███
   │████████████████████████████████████
 0 └────────────────────────────────────
    14:00:00       14:00:30
2026-03-14 14:00:00 to 14:01:11, max of…
";
    assert_eq!(chart(&rows, size(40, 8)), expected);
}

/// More values than are kept, in no order: no peak is lost.
#[test]
fn the_largest_of_very_many_values_is_seen() {
    let count = 100_000;
    let order = |place: i64| place * 7919 % count;
    let values: Vec<_> = (0..count)
        .map(|place| i64::from(order(place) == 50_000) * 8)
        .collect();
    let rows = batch([
        ("timestamp", times((0..count).map(order))),
        ("n", ints(&values)),
    ]);
    let text = chart(&rows, size(80, 8));
    let lines: Vec<_> = text.lines().skip(2).collect();
    for line in &lines[..4] {
        assert_eq!(line.matches('█').count(), 1, "{text}");
    }
    assert!(lines[6].starts_with("2026-03-14 14:00:00 to 2026-03-15 17:46:39, max of each 30m"));
}

/// -4 is the lowest of 16 rows of dots, 4 the highest.
#[test]
fn negative_values_are_a_line() {
    let rows = batch([("timestamp", times([0, 60, 120])), ("n", ints(&[4, 4, -4]))]);
    let expected = "
n
 4 ┤⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⡆
   │                ⡇
   │                ⡇
   │                ⣇⣀⣀⣀⣀⣀⣀⣀
-4 └────────────────────────
    14:00   14:01   14:02
2026-03-14 14:00:00 to 14:02:00, every 1m
";
    assert_eq!(chart(&rows, size(60, 8)), expected);
    let expected = "
n
 4 +****************
   |                *
   |                *
   |                ********
-4 +------------------------
    14:00   14:01   14:02
2026-03-14 14:00:00 to 14:02:00, every 1m
";
    assert_eq!(chart(&rows, ascii(60, 8)), expected);
}

fn two_services() -> RecordBatch {
    batch([
        ("timestamp", times([0, 0, 60, 60])),
        (
            "service",
            names(&["mailer", "payments", "mailer", "payments"]),
        ),
        ("n", ints(&[2, 4, 2, 4])),
    ])
}

/// 4 is at the top; 2 is in the middle of 16 rows of dots, and so in the last of the eighth.
#[test]
fn a_few_series_are_lines_of_several_colours() {
    let options = ChartOptions {
        theme: THEMES[0].1,
        ..size(60, 8)
    };
    let expected = "
[1mn by service[0m[36m  ━ payments[0m[33m  ━ mailer[0m
[2m4 ┤[0m[36m⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉[0m
[2m  │[0m[33m⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀[0m
[2m  │[0m
[2m  │[0m
[2m0 └────────────────[0m
   14:00   14:01
[2m2026-03-14 14:00:00 to 14:01:00, every 1m[0m
";
    assert_eq!(
        chart(&two_services(), options),
        expected.replace('[', "\x1b[")
    );
}

#[test]
fn levels_have_the_colours_of_their_words() {
    let rows = batch([
        ("timestamp", times([0, 0])),
        ("level", names(&["warn", "fatal"])),
        ("n", ints(&[4, 2])),
    ]);
    let options = ChartOptions {
        theme: THEMES[0].1,
        ..size(60, 8)
    };
    let expected = "
[1mn by level[0m[1m[33m  ━ warn[0m[1m[31m  ━ fatal[0m
[2m4 ┤[0m[1m[33m⠉⠉⠉⠉⠉⠉⠉⠉[0m
[2m  │[0m[1m[31m⣀⣀⣀⣀⣀⣀⣀⣀[0m
[2m  │[0m
[2m  │[0m
[2m0 └────────[0m
   14:00:00
[2m2026-03-14 14:00:00[0m
";
    assert_eq!(chart(&rows, options), expected.replace('[', "\x1b["));
}

#[test]
fn without_colours_series_stand_below_each_other() {
    let expected = "
n by service, each from 0 to 4
          ████████████████
payments  ████████████████ 4

mailer    ████████████████ 2
         └────────────────
          14:00   14:01
2026-03-14 14:00:00 to 14:01:00, every 1m
";
    assert_eq!(chart(&two_services(), size(60, 8)), expected);
}

#[test]
fn of_hundreds_of_series_the_largest_are_shown() {
    let pods: Vec<_> = (0..300).map(|pod| format!("pod-{pod}")).collect();
    let rows = batch([
        ("timestamp", times((0..300).map(|_| 0))),
        ("pod", column(StringArray::from_iter_values(&pods))),
        ("n", column(Int64Array::from_iter_values(1..=300))),
    ]);
    let expected = "
n by pod, each from 0 to 300
pod-299  ████████ 300
pod-298  ████████ 299
pod-297  ████████ 298
… 297 more series
        └────────
         14:00:00
2026-03-14 14:00:00
";
    assert_eq!(chart(&rows, size(60, 8)), expected);
}

#[test]
fn each_column_of_numbers_is_a_chart() {
    let rows = batch([
        ("timestamp", times([0, 60])),
        ("n", ints(&[3, 6])),
        ("p99", floats(&[1.5, 0.75])),
        ("p50", floats(&[1.0, 1.0])),
    ]);
    let expected = "
n
   6 ┤        ████████
     │        ████████
   3 ┤████████████████
     │████████████████
   0 └────────────────
p99
 1.5 ┤████████
     │████████
0.75 ┤████████████████
     │████████████████
   0 └────────────────
      14:00   14:01
2026-03-14 14:00:00 to 14:01:00, every 1m
… 1 more column: p50
";
    assert_eq!(chart(&rows, size(60, 15)), expected);
}

/// Buckets of a month have not all the same length, and there is no gap between them.
#[test]
fn months_follow_each_other() {
    let days = [0, 31, 59, 90];
    let dates: Vec<_> = days.iter().map(|day| 20_454 + day).collect();
    let rows = batch([
        ("month", column(Date32Array::from(dates))),
        ("n", ints(&[4, 4, 4, 4])),
    ]);
    let text = chart(&rows, size(60, 8));
    assert!(!text.contains('╌'), "{text}");
    assert!(
        text.contains("2026-01-01 00:00:00 to 2026-04-01 00:00:00, every 28d"),
        "{text}"
    );
}

#[test]
fn there_is_no_chart_without_numbers_or_room() {
    let rows = batch([("service", names(&["a"])), ("message", names(&["b"]))]);
    let error = Chart::new(&rows.schema(), size(60, 8)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a chart needs a column of numbers, and the answer has service, message"
    );
    let rows = batch([("timestamp", times([0])), ("n", ints(&[3]))]);
    assert_eq!(chart(&rows, size(20, 8)), "\n… no room for a cha…\n");
    assert_eq!(chart(&rows, size(60, 7)), "\n… no room for a chart\n");
}

/// Labels and values of two charts may take all the width together.
#[test]
fn labels_that_leave_no_room_are_no_chart() {
    let rows = batch([
        ("timestamp", times([0, 0, 0, 0, 0, 0])),
        ("name", names(&["0", "a", "b", "c", "d", "e"])),
        (
            "float",
            floats(&[0.0, 61_020_416_081_962.28, 0.0, 0.0, 0.0, 0.0]),
        ),
        (
            "int",
            Arc::new(Int64Array::from(vec![
                Some(-100_000_000),
                None,
                None,
                None,
                None,
                None,
            ])),
        ),
    ]);
    for width in 8..60 {
        let drawn = chart(&rows, size(width, 13));
        let widest = drawn.lines().map(UnicodeWidthStr::width).max();
        assert!(widest <= Some(width), "{width}: {drawn}");
    }
}

proptest! {
    #[test]
    fn a_chart_fits(
        rows in prop::collection::vec(
            (
                prop_oneof![0..10_000i64, any::<i64>()],
                // What is looked for below may not be in the data.
                prop::option::of("[a-c]|[^\\pC…█─│]{0,30}"),
                prop::option::of(prop_oneof![-10.0..10.0f64, any::<f64>()]),
                any::<Option<i64>>(),
            ),
            0..40,
        ),
        width in 1..120usize,
        height in 0..40usize,
        which in prop::sample::subsequence(vec![0, 1, 2, 3], 1..=4),
        theme in prop::sample::select(vec![Theme::PLAIN, THEMES[0].1]),
        ascii: bool,
    ) {
        let times: TimestampNanosecondArray = rows.iter().map(|row| Some(row.0)).collect();
        let names: StringViewArray = rows.iter().map(|row| row.1.as_deref()).collect();
        let floats: Float64Array = rows.iter().map(|row| row.2).collect();
        let ints: Int64Array = rows.iter().map(|row| row.3).collect();
        let columns: [(&str, ArrayRef); 4] = [
            ("timestamp", Arc::new(times.with_timezone("UTC"))),
            ("name", Arc::new(names)),
            ("float", Arc::new(floats)),
            ("int", Arc::new(ints)),
        ];
        let rows = batch(columns).project(&which).unwrap();
        let options = ChartOptions { theme, ascii, ..size(width, height) };
        let Ok(drawing) = Chart::draw(&rows.schema(), &[rows], options) else {
            prop_assert!(!which.contains(&2) && !which.contains(&3));
            return Ok(());
        };
        prop_assert!(drawing.lines <= height, "{}", drawing.text);
        prop_assert_eq!(drawing.text.matches('\n').count(), drawing.lines);
        let mut text = drawing.text;
        while let Some(start) = text.find("\x1b[") {
            let end = start + text[start..].find('m').unwrap();
            text.replace_range(start..=end, "");
        }
        for line in text.lines() {
            prop_assert!(line.width() <= width, "{}", text);
            prop_assert!(!line.contains(char::is_control), "{:?}", text);
            prop_assert!(!ascii || !line.contains(['…', '█', '─', '│']), "{}", text);
        }
    }
}
