//! Tables for people.

use arrow_array::*;
use birl_render::{DisplayZone, Drawing, RenderRows, THEMES, Table, TableOptions, Theme};

use crate::{batch, column, printed};

/// How tables are written to a pipe.
pub(crate) fn pipe() -> TableOptions {
    TableOptions {
        width: None,
        rows_ahead: 1000,
        zone: DisplayZone::utc(),
        theme: Theme::PLAIN,
        ascii: false,
    }
}

fn wide(width: usize) -> TableOptions {
    TableOptions {
        width: Some(width),
        ..pipe()
    }
}

fn services() -> RecordBatch {
    batch([
        (
            "service",
            column(StringViewArray::from(vec![
                Some("payments"),
                Some("mailer"),
                Some(""),
                None,
            ])),
        ),
        (
            "level",
            column(StringViewArray::from(vec![
                "error", "warn", "info", "other",
            ])),
        ),
        (
            "count",
            column(Int64Array::from(vec![
                Some(1_200_000),
                Some(7),
                None,
                Some(-1),
            ])),
        ),
        (
            "avg(latency_ms)",
            column(Float64Array::from(vec![
                Some(51.25),
                Some(1250.0),
                Some(0.012345678),
                None,
            ])),
        ),
    ])
}

fn table(batch: &RecordBatch, options: TableOptions) -> String {
    printed(
        Table::new(&batch.schema(), options),
        std::slice::from_ref(batch),
    )
}

/// The text with a mark at the end of each line, so that spaces there are seen.
fn marked(text: &str) -> String {
    text.replace('\n', "|\n")
}

#[test]
fn numbers_stand_to_the_right_with_their_points_in_line() {
    let expected = "\
service   level    count  avg(latency_ms)|
payments  error  1200000         51.25|
mailer    warn         7       1250|
\"\"        info                    0.01235|
          other       -1|
";
    assert_eq!(marked(&table(&services(), pipe())), expected);
}

#[test]
fn on_a_terminal_lines_are_as_wide_as_each_other() {
    let expected = "\
service   level    count  avg(latency_m…|
payments  error  1200000        51.25   |
mailer    warn         7      1250      |
\"\"        info                   0.01235|
          other       -1                |
";
    assert_eq!(marked(&table(&services(), wide(40))), expected);
}

#[test]
fn columns_without_room_are_named() {
    let expected = "\
service   level    count|
payments  error  1200000|
mailer    warn         7|
\"\"        info          |
          other       -1|
… 1 more column: avg(latency…|
";
    assert_eq!(marked(&table(&services(), wide(29))), expected);
    let expected = "\
service|
paym...|
mailer |
\"\"     |
       |
... ...|
";
    let ascii = TableOptions {
        ascii: true,
        ..wide(7)
    };
    assert_eq!(marked(&table(&services(), ascii)), expected);
}

#[test]
fn the_widest_texts_are_cut_first() {
    let rows = batch([
        (
            "pod",
            column(StringArray::from(vec!["payments-7c9f-q7m4z", "mailer-0"])),
        ),
        (
            "message",
            column(StringArray::from(vec![
                "charge failed: timeout after 5000 ms waiting for a connection",
                "日本語のメッセージがここに入ります",
            ])),
        ),
        ("n", column(UInt8Array::from(vec![1, 200]))),
    ]);
    let expected = "\
pod                  message                   n|
payments-7c9f-q7m4z  charge failed: timeou…    1|
mailer-0             日本語のメッセージが…   200|
";
    assert_eq!(marked(&table(&rows, wide(48))), expected);
}

#[test]
fn names_and_levels_have_colours() {
    let options = TableOptions {
        theme: THEMES[0].1,
        ..pipe()
    };
    let expected = "\
<1m>service<0m>   <1m>level<0m>    <1m>count<0m>  <1m>avg(latency_ms)<0m>
payments  <1m><31m>error<0m>  1200000         51.25
mailer    <1m><33m>warn<0m>         7       1250
<2m>\"\"<0m>        <32m>info<0m>                    0.01235
          other       -1
";
    let expected = expected.replace('<', "\x1b[").replace("m>", "m");
    assert_eq!(table(&services(), options), expected);
}

/// The first rows tell how wide the columns are; what comes later is not cut unless a width is given.
#[test]
fn later_rows_take_the_columns_of_the_first() {
    let first = batch([
        ("offset", column(Int64Array::from(vec![10, 500]))),
        (
            "line",
            column(StringArray::from(vec!["one line", "another"])),
        ),
        ("ms", column(Int64Array::from(vec![5, 6]))),
    ]);
    let later = batch([
        ("offset", column(Int64Array::from(vec![1_000_000_000]))),
        (
            "line",
            column(StringArray::from(vec!["a line that is longer"])),
        ),
        ("ms", column(Int64Array::from(vec![7]))),
    ]);
    let ahead = |options| TableOptions {
        rows_ahead: 2,
        ..options
    };
    let batches = [first, later];
    let schema = batches[0].schema();
    let expected = "\
offset  line      ms|
    10  one line   5|
   500  another    6|
1000000000  a line that is longer  7|
";
    let printed_to_pipe = printed(Table::new(&schema, ahead(pipe())), &batches);
    assert_eq!(marked(&printed_to_pipe), expected);
    let expected = "\
offset  line      ms|
    10  one line   5|
   500  another    6|
1000000000  a l…   7|
";
    let printed_to_terminal = printed(Table::new(&schema, ahead(wide(80))), &batches);
    assert_eq!(marked(&printed_to_terminal), expected);
}

#[test]
fn what_is_kept_is_written_when_somebody_waits() {
    let mut table = Table::new(&services().schema(), pipe());
    let mut out = Vec::new();
    table.head(&mut out).unwrap();
    table.flush(&mut out).unwrap();
    table.rows(&services().slice(0, 1), &mut out).unwrap();
    assert_eq!(out, b"");
    table.flush(&mut out).unwrap();
    let expected = "\
service   level    count  avg(latency_ms)
payments  error  1200000            51.25
";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn a_table_without_rows_has_its_head() {
    assert_eq!(
        table(&services().slice(0, 0), pipe()),
        "service  level  count  avg(latency_ms)\n"
    );
}

#[test]
fn times_of_a_column_have_the_same_digits() {
    let times = TimestampMillisecondArray::from(vec![0, 1_500]).with_timezone("UTC");
    let rows = batch([("timestamp", column(times))]);
    let expected = "\
timestamp
1970-01-01 00:00:00.000
1970-01-01 00:00:01.500
";
    assert_eq!(table(&rows, pipe()), expected);
}

#[test]
fn a_drawing_has_no_more_lines_than_there_is_room_for() {
    let draw = |lines_max| {
        let services = services();
        let schema = services.schema();
        Table::draw(&schema, &[services.clone(), services], wide(29), lines_max)
    };
    assert_eq!(draw(Some(0)), Drawing::default());
    let expected = "\
service   level    count
payments  error  1200000
… 7 more rows
… 1 more column: avg(latency…
";
    assert_eq!(draw(Some(4)).text, expected);
    for lines_max in 1..10 {
        let drawing = draw(Some(lines_max));
        assert_eq!(drawing.lines, drawing.text.lines().count());
        assert_eq!(drawing.lines, lines_max);
    }
    assert_eq!(draw(Some(10)), draw(None));
    assert_eq!(draw(None).lines, 10);
}

#[test]
fn days_are_not_cut() {
    let rows = batch([
        ("day", column(Date32Array::from(vec![20_526]))),
        (
            "message",
            column(StringArray::from(vec!["a message that is too long"])),
        ),
        ("ok", column(BooleanArray::from(vec![false]))),
    ]);
    let expected = "\
day         message   ok   |
2026-03-14  a messa…  false|
";
    assert_eq!(marked(&table(&rows, wide(27))), expected);
}
