//! Logs of programs that birl does not know, and what people read in them.

use crate::format::Parser;
use crate::level::Severity;

/// The end of 2026-03-14.
const REFERENCE: i64 = 1_773_532_800_000_000_000 - 1;

/// Checks what is read in the lines of a log: the level, `-` where there is none, and the message.
#[track_caller]
fn check(log: &[(&str, &str, &str)]) {
    let text: Vec<_> = log.iter().map(|(line, ..)| *line).collect();
    let parser = Parser::detect(&[text.join("\n").as_bytes()], REFERENCE);
    let mut wrong = Vec::new();
    for (line, level, message) in log {
        let record = parser.parse(line.as_bytes());
        let found = record.severity.map(Severity::level);
        let found = found.map_or("-", |level| level.name());
        let text = record.message.map(|message| message.decode().into_owned());
        let text = String::from_utf8_lossy(&text.unwrap_or_default()).into_owned();
        if record.timestamp.is_none() || found != *level || text != *message {
            wrong.push(format!("{line}\n  {found} | {text}\n  {:?}", record.fields));
        }
    }
    let formats: Vec<_> = parser.formats().map(|format| format.name()).collect();
    assert!(wrong.is_empty(), "{formats:?}\n{}", wrong.join("\n"));
}

#[test]
fn a_level_behind_the_time_is_no_part_of_the_message() {
    check(&[
        ("2026-03-14 14:05:30 INFO starting", "info", "starting"),
        (
            "2026-03-14 14:05:31 WARN [cart] slow",
            "warn",
            "[cart] slow",
        ),
        (
            "2026-03-14 14:05:32 ERROR Error: no such file: a",
            "error",
            "Error: no such file: a",
        ),
        (
            "2026-03-14 14:05:33 INFO 3 carts left",
            "info",
            "3 carts left",
        ),
        ("2026-03-14 14:05:34 INFO cart: paid", "info", "cart: paid"),
        ("2026-03-14 14:05:35 DEBUG a - b", "debug", "a - b"),
        (
            "2026-03-14 14:05:36 INFO http://example.com/: up",
            "info",
            "http://example.com/: up",
        ),
    ]);
}

#[test]
fn a_word_of_the_message_is_no_level() {
    check(&[
        (
            "14/03/2026 14:05:30 Error opening a.txt",
            "-",
            "Error opening a.txt",
        ),
        ("14/03/2026 14:05:31 opened b.txt", "-", "opened b.txt"),
        (
            "14/03/2026 14:05:32 Note that b.txt is old",
            "-",
            "Note that b.txt is old",
        ),
        ("14/03/2026 14:05:33 I am done", "-", "I am done"),
        ("14/03/2026 14:05:34 closing", "-", "closing"),
        ("14/03/2026 14:05:35 Info was lost", "-", "Info was lost"),
        ("14/03/2026 14:05:36 closed: all", "-", "closed: all"),
    ]);
}

#[test]
fn brackets_that_all_lines_have_are_columns() {
    check(&[
        (
            "[2026-03-14 14:05:30] [INFO] [main] [cart] up",
            "info",
            "up",
        ),
        (
            "[2026-03-14 14:05:31] [WARN] [pool-1] [cart] late: 3",
            "warn",
            "late: 3",
        ),
        (
            "[2026-03-14 14:05:32] [INFO] [pool-2] [pay] [7] paid",
            "info",
            "[7] paid",
        ),
        (
            "[2026-03-14 14:05:33] [ERROR] [pool-1] [pay] refused",
            "error",
            "refused",
        ),
        (
            "[2026-03-14 14:05:34] [INFO] [main] [cart] [] is empty",
            "info",
            "[] is empty",
        ),
        (
            "[2026-03-14 14:05:35] [INFO] [main] [cart] down",
            "info",
            "down",
        ),
    ]);
    check(&[
        ("<14:05:30.250> (main) {INFO} up", "info", "up"),
        ("<14:05:31.250> (main) {INFO} down", "info", "down"),
    ]);
}

#[test]
fn a_name_with_a_colon_is_a_component_where_most_lines_have_one() {
    check(&[
        ("2026/03/14 14:05:30 cart: up", "-", "up"),
        ("2026/03/14 14:05:31 cart: late: 3", "-", "late: 3"),
        ("2026/03/14 14:05:32 pay[7]: refused", "-", "refused"),
        ("2026/03/14 14:05:33 cart: [7] paid", "-", "[7] paid"),
        ("2026/03/14 14:05:34 Cart::Pay: error: no", "-", "error: no"),
        (
            "2026/03/14 14:05:35 mail-out: ERROR: refused",
            "error",
            "refused",
        ),
    ]);
}

#[test]
fn columns_between_bars_end_at_the_message() {
    check(&[
        (
            "20260314-14:05:30:250|Step_Cart|30002|up: 7|8",
            "-",
            "up: 7|8",
        ),
        (
            "20260314-14:05:31:2|Step_Pay|30002|REPORT : 7 8",
            "-",
            "REPORT : 7 8",
        ),
        ("20260314-14:05:32:33|Step_Pay|30002|a - b", "-", "a - b"),
        ("20260314-14:05:33:250|Step_Cart|30002|down", "-", "down"),
        ("20260314-14:05:34:250|Step_Cart|30002|flush", "-", "flush"),
        (
            "20260314-14:05:35:250|Step_Cart|30002|getTodayTotalDetailSteps = 3",
            "-",
            "getTodayTotalDetailSteps = 3",
        ),
    ]);
    check(&[
        (
            "2026-03-14 14:05:30 | INFO     | shop.cart | up",
            "info",
            "up",
        ),
        (
            "2026-03-14 14:05:31 | WARNING  | shop.pay | late | 3",
            "warn",
            "late | 3",
        ),
        (
            "2026-03-14 14:05:32 | ERROR    | shop.cart | no: x",
            "error",
            "no: x",
        ),
        (
            "2026-03-14 14:05:33 | INFO     | shop.cart | down",
            "info",
            "down",
        ),
        (
            "2026-03-14 14:05:34 | INFO     | shop.cart | [a] b",
            "info",
            "[a] b",
        ),
    ]);
    check(&[
        ("INFO|2026-03-14 14:05:30|cart|up", "info", "up"),
        ("WARN|2026-03-14 14:05:31|pay|late: 3", "warn", "late: 3"),
        ("INFO|2026-03-14 14:05:32|cart|down", "info", "down"),
    ]);
}

#[test]
fn what_stands_right_behind_the_time_separates_columns() {
    check(&[
        ("2026-03-14 14:05:30;INFO;cart;up: x", "info", "up: x"),
        ("2026-03-14 14:05:31;WARN;pay;late; 3", "warn", "late; 3"),
        ("2026-03-14 14:05:32;INFO;cart;down", "info", "down"),
    ]);
    check(&[
        (
            "2026-03-14 14:05:30\tINFO\tmain thread\tup: x",
            "info",
            "up: x",
        ),
        ("2026-03-14 14:05:31\tWARN\tpay\tlate", "warn", "late"),
        (
            "2026-03-14 14:05:32\tINFO\tcart\ttwo words",
            "info",
            "two words",
        ),
    ]);
    check(&[
        ("2026-03-14 14:05:30,250,INFO,cart,up: x", "info", "up: x"),
        (
            "2026-03-14 14:05:31,250,WARN,pay,late, again",
            "warn",
            "late, again",
        ),
        ("2026-03-14 14:05:31,250,INFO,cart,down", "info", "down"),
    ]);
}

#[test]
fn what_a_head_does_not_need_is_left_to_the_message() {
    check(&[
        (
            "ERROR - 2026-03-14 14:05:30 --> Severity: Notice --> x",
            "error",
            "Severity: Notice --> x",
        ),
        (
            "INFO - 2026-03-14 14:05:31 --> -5 is less",
            "info",
            "-5 is less",
        ),
    ]);
    check(&[
        (
            "[2026-03-14 14:05:30,250] {dag.py:7} INFO - up: x",
            "info",
            "up: x",
        ),
        (
            "[2026-03-14 14:05:31,250] {task.py:7} WARNING - {\"a\": 1}",
            "warn",
            "{\"a\": 1}",
        ),
    ]);
    check(&[
        (
            "2026-03-14 14:05:30+0000 [-] Log opened.",
            "-",
            "Log opened.",
        ),
        ("2026-03-14 14:05:31+0000 [-] Note: done", "-", "Note: done"),
        ("2026-03-14 14:05:32+0000 [HTTP,7] closed", "-", "closed"),
    ]);
    check(&[
        ("14/03/2026 14:05:30 main.rs:7 up", "-", "up"),
        ("14/03/2026 14:05:31 cart.rs:12 late: 3", "-", "late: 3"),
    ]);
    check(&[
        ("*** 2026-03-14T14:05:30.250", "-", ""),
        (
            "2026-03-14T14:05:30.250\nThread 1 advanced\n ORA-7: no",
            "-",
            "Thread 1 advanced\n ORA-7: no",
        ),
    ]);
}

#[test]
fn hyphens_separate_the_parts_of_a_head() {
    check(&[
        ("2026-03-14 14:05:30,250 - INFO - up - 7", "info", "up - 7"),
        (
            "2026-03-14 14:05:31,250 - WARNING - late: 3",
            "warn",
            "late: 3",
        ),
        (
            "2026-03-14 14:05:32,250 - ERROR - [x] no",
            "error",
            "[x] no",
        ),
        (
            "2026-03-14 14:05:33,250 - INFO - cart - down",
            "info",
            "cart - down",
        ),
        ("2026-03-14 14:05:34,250 - INFO - down", "info", "down"),
    ]);
    check(&[
        (
            "[03.14 14:05:30] shop.exe - web.example:80 open",
            "-",
            "web.example:80 open",
        ),
        (
            "[03.14 14:05:31] shop.exe *64 - web.example:80 close, 7 bytes - ok",
            "-",
            "web.example:80 close, 7 bytes - ok",
        ),
        (
            "[03.14 14:05:32] Mail - web.example:80 error : no",
            "-",
            "web.example:80 error : no",
        ),
        (
            "[03.14 14:05:33] shop.exe - web.example:80 open",
            "-",
            "web.example:80 open",
        ),
        (
            "[03.14 14:05:34] Mail Helper - web.example:80 open",
            "-",
            "web.example:80 open",
        ),
        (
            "[03.14 14:05:35] shop.exe - web.example:80 open",
            "-",
            "web.example:80 open",
        ),
    ]);
}

#[test]
fn a_level_before_the_time_counts() {
    check(&[
        ("INFO 2026-03-14 14:05:30 up", "info", "up"),
        ("WARN 2026-03-14 14:05:31 late: 3", "warn", "late: 3"),
        ("ERROR 2026-03-14 14:05:32 [x] no", "error", "[x] no"),
    ]);
    check(&[
        ("[INFO] [2026-03-14 14:05:30] [shop.cart] up", "info", "up"),
        (
            "[WARN] [2026-03-14 14:05:31] [shop.pay] late",
            "warn",
            "late",
        ),
    ]);
    check(&[
        ("[14:05:30 INF] up", "info", "up"),
        ("[14:05:31 WRN] late: 3", "warn", "late: 3"),
        ("[14:05:32 ERR] [x] no", "error", "[x] no"),
    ]);
    check(&[
        (
            "[14:05:30] [Server thread/INFO]: <ann> hi",
            "info",
            "<ann> hi",
        ),
        (
            "[14:05:31] [Worker-Main-2/WARN]: late: 3",
            "warn",
            "late: 3",
        ),
        ("[14:05:32] [Server thread/ERROR]: no", "error", "no"),
    ]);
}

#[test]
fn names_and_numbers_before_the_level_are_no_part_of_the_message() {
    check(&[
        ("2026-03-14T14:05:30.250Z web-1 INFO up", "info", "up"),
        (
            "2026-03-14T14:05:31.250Z web-1 WARN late: 3",
            "warn",
            "late: 3",
        ),
        ("2026-03-14T14:05:32.250Z web-2 ERROR no", "error", "no"),
    ]);
    check(&[
        (
            "2026-03-14 14:05:30.250 [7] (main) INFO  shop.Cart up",
            "info",
            "up",
        ),
        (
            "2026-03-14 14:05:31.250 [7] (pool) WARN  shop.Pay late: 3",
            "warn",
            "late: 3",
        ),
        (
            "2026-03-14 14:05:32.250 [7] (pool) INFO  shop.Pay [a] b",
            "info",
            "[a] b",
        ),
        (
            "2026-03-14 14:05:33.250 [7] (pool) INFO  shop.Pay paid",
            "info",
            "paid",
        ),
        (
            "2026-03-14 14:05:34.250 [7] (main) INFO  shop.Cart down",
            "info",
            "down",
        ),
    ]);
    check(&[
        ("260314 140530 42 INFO shop.Cart: up: 7", "info", "up: 7"),
        ("260314 140531 42 WARN shop.Pay$Card: late", "warn", "late"),
    ]);
    check(&[
        ("2026-03-14 14:05:30 [info]: #0 up", "info", "#0 up"),
        (
            "2026-03-14 14:05:31 [warn]: #0 late: 3",
            "warn",
            "#0 late: 3",
        ),
        ("2026-03-14 14:05:32 [error]: no", "error", "no"),
    ]);
}

#[test]
fn a_bracket_with_a_word_of_the_message_is_no_level() {
    check(&[
        ("2026-03-14 14:05:30 [cart] up", "-", "up"),
        ("2026-03-14 14:05:31 [config] read", "-", "read"),
        ("2026-03-14 14:05:32 [c] late", "-", "late"),
        ("2026-03-14 14:05:33 [cart] [error] no", "error", "no"),
        ("2026-03-14 14:05:34 [log level] set", "-", "set"),
    ]);
    check(&[
        ("2026-03-14 14:05:30 [Note] up", "info", "up"),
        ("2026-03-14 14:05:31 [Warning] late", "warn", "late"),
        ("2026-03-14 14:05:32 [Note] [7] done", "info", "[7] done"),
    ]);
}

#[test]
fn lines_of_nothing_but_parts_are_read_to_their_end() {
    for part in [
        "[a]",
        "(a) ",
        "a: ",
        "a|",
        "a - ",
        "INFO ",
        "7 ",
        "a.b ",
        "<",
        "[",
        "{\"",
        "[ ",
        "| ",
        "\u{1b}[1m",
    ] {
        let parts = part.repeat(300_000);
        let line = format!("2026-03-14 14:05:30 {parts}");
        let behind = format!("a b 2026-03-14 14:05:30 {parts}");
        for line in [line, behind] {
            let parser = Parser::detect(&[line.as_bytes()], REFERENCE);
            assert!(parser.begins(line.as_bytes()), "{part}");
            assert!(parser.parse(line.as_bytes()).message.is_some(), "{part}");
            parser.begins(parts.as_bytes());
            parser.parse(parts.as_bytes());
        }
    }
}

#[test]
fn colours_are_no_part_of_anything() {
    check(&[
        (
            "\u{1b}[90m14:05:30\u{1b}[0m \u{1b}[32mINFO\u{1b}[0m up",
            "info",
            "up",
        ),
        (
            "\u{1b}[90m14:05:31\u{1b}[0m \u{1b}[33mWARN\u{1b}[0m late: 3",
            "warn",
            "late: 3",
        ),
    ]);
}

#[test]
fn padded_columns_are_columns() {
    check(&[
        (
            "03/14/2026 02:05:30 PM  Info     Cart      up",
            "info",
            "up",
        ),
        (
            "03/14/2026 02:05:31 PM  Warning  Payments  late: 3",
            "warn",
            "late: 3",
        ),
        (
            "03/14/2026 02:05:32 PM  Info     Cart      two words",
            "info",
            "two words",
        ),
        (
            "03/14/2026 02:05:33 PM  Error    Cart      no",
            "error",
            "no",
        ),
        (
            "03/14/2026 02:05:34 PM  Info     Mail      down",
            "info",
            "down",
        ),
    ]);
}

#[test]
fn numbers_and_words_at_the_beginning_of_messages_stay() {
    check(&[
        (
            "2026-03-14 14:05:30 200 GET / 12 ms",
            "-",
            "200 GET / 12 ms",
        ),
        ("2026-03-14 14:05:31 started", "-", "started"),
        ("2026-03-14 14:05:32 7 carts", "-", "7 carts"),
        (
            "2026-03-14 14:05:33 example.com is up",
            "-",
            "example.com is up",
        ),
        (
            "2026-03-14 14:05:34 example.com: refused",
            "-",
            "example.com: refused",
        ),
        ("2026-03-14 14:05:35 (retry)", "-", "(retry)"),
        ("2026-03-14 14:05:36 done", "-", "done"),
    ]);
}

#[test]
fn a_column_of_numbers_is_one_unless_it_is_of_statuses() {
    let message = "GET / 12 ms";
    check(
        &[(
            "2026-03-14 14:05:30 200 GET / 12 ms",
            "-",
            "200 GET / 12 ms",
        ); 6],
    );
    check(&[("2026-03-14 14:05:30 2001 GET / 12 ms", "-", message); 6]);
    check(
        &[(
            "it's 2026-03-14 14:05:30 'ann' or 'bob'",
            "-",
            "'ann' or 'bob'",
        ); 6],
    );
}

#[test]
fn only_lines_with_the_time_where_others_have_it_are_records() {
    let mut log = "2026-03-14 14:05:30 ERROR no\n".repeat(39);
    log.push_str("caused at 2026-03-14 14:05:29\n");
    let parser = Parser::detect(&[log.as_bytes()], REFERENCE);
    for (line, begins) in [
        ("2026-03-14 14:05:31 INFO up", true),
        ("2026-03-14T14:05:31Z INFO up", true),
        ("[2026-03-14 14:05:31] INFO up", true),
        ("caused at 2026-03-14 14:05:29", false),
        ("14:05:29 was the time", false),
        ("  2026-03-14 14:05:29 ERROR no", false),
        ("java.io.IOException: no", false),
        ("", false),
    ] {
        assert_eq!(parser.begins(line.as_bytes()), begins, "{line}");
    }
}

#[test]
fn a_level_may_be_joined_to_a_name_or_point_to_the_message() {
    check(&[
        (
            "2026-03-14 14:05:30 ERROR/cart: refused: no",
            "error",
            "refused: no",
        ),
        ("2026-03-14 14:05:31 INFO/cart: up", "info", "up"),
        (
            "2026-03-14 14:05:32 WARN/pay: a/b: late",
            "warn",
            "a/b: late",
        ),
        ("2026-03-14 14:05:33 INFO/cart: down", "info", "down"),
        ("2026-03-14 14:05:34 INFO/cart: 3 left", "info", "3 left"),
    ]);
    check(&[
        ("2026-03-14 14:05:30 ERROR >> refused", "error", "refused"),
        ("2026-03-14 14:05:31 INFO >> a >> b", "info", "a >> b"),
        ("2026-03-14 14:05:32 INFO >>> up", "info", "up"),
    ]);
    check(&[
        ("14 mars 2026 14:05:30 ERROR refused", "error", "refused"),
        ("14 mars 2026 14:05:31 INFO up", "info", "up"),
    ]);
    check(&[
        ("14. März 2026 14:05:30 [ERROR] refused", "error", "refused"),
        ("14. März 2026 14:05:31 [INFO] up", "info", "up"),
    ]);
}

#[test]
fn records_are_indented_where_nothing_else_has_a_timestamp() {
    check(&[
        (
            "    2026/03/14 14:05:30 [INFO] serf: joined",
            "info",
            "joined",
        ),
        (
            "    2026/03/14 14:05:31 [WARN] serf: alone",
            "warn",
            "alone",
        ),
        ("    2026/03/14 14:05:32 [ERR] agent: no", "error", "no"),
    ]);
    check(&[(" \"2026-03-14 14:05:30\",\"web-1\",7", "-", "7")]);
    let text = " {\n  \"time\": \"2026-03-14 14:05:30\",\n  \"n\": 7\n }\n";
    let parser = Parser::detect(&[text.as_bytes()], REFERENCE);
    assert!(!parser.begins(b"  \"time\": \"2026-03-14 14:05:30\","));
    let text = "2026-03-14 14:05:30 dump:\n  2026-03-13 one\n  2026-03-12 14:05:30 two\n";
    let parser = Parser::detect(&[text.as_bytes()], REFERENCE);
    assert!(parser.begins(b"2026-03-14 14:05:30 dump:"));
    assert!(!parser.begins(b"  2026-03-12 14:05:30 two"));
}

#[test]
fn a_level_that_can_be_nothing_else_counts_deeper_in_a_line() {
    check(&[(
        "2026-03-14T14:05:30Z 812 TID-ov3a INFO: Pay JID-7f start",
        "info",
        "812 TID-ov3a INFO: Pay JID-7f start",
    )]);
    check(&[(
        "2026-03-14 14:05:30.250 mon.a mon.0 192.0.2.7:0/86 1 : cluster [WRN] slow",
        "warn",
        "mon.a mon.0 192.0.2.7:0/86 1 : cluster [WRN] slow",
    )]);
    // Neither in words, nor far behind.
    check(&[(
        "2026-03-14 14:05:30 lost an error: no",
        "-",
        "lost an error: no",
    )]);
    check(&[(
        "2026-03-14 14:05:30 a b c d e f g h i ERROR: no",
        "-",
        "a b c d e f g h i ERROR: no",
    )]);
}

#[test]
fn a_level_may_be_joined_to_a_name_by_a_slash() {
    check(&[
        (
            "[2026-03-14 14:05:30 +0000] information/Cart: paid",
            "info",
            "paid",
        ),
        (
            "[2026-03-14 14:05:31 +0000] warning/Cart: late",
            "warn",
            "late",
        ),
        (
            "[2026-03-14 14:05:32 +0000] critical/Pay: no",
            "fatal",
            "no",
        ),
    ]);
}

#[test]
fn a_small_number_is_no_timestamp() {
    let text = "seen: 1773497130 up\nport: 3306 open\nseen: 1773497131 down\n";
    let parser = Parser::detect(&[text.as_bytes()], REFERENCE);
    assert!(parser.begins(b"seen: 1773497130 up"));
    assert!(!parser.begins(b"port: 3306 open"));
}

#[test]
fn a_date_may_stand_behind_two_colons() {
    check(&[(
        "MainThread::ERROR::2026-03-14 14:05:30,250::cart::71::pay::(run) no",
        "error",
        "::cart::71::pay::(run) no",
    )]);
}

#[test]
fn a_level_may_have_a_number() {
    check(&[
        ("2026-03-14 14:05:30 DEBUG2 woken", "trace", "woken"),
        ("2026-03-14 14:05:31 INFO up", "info", "up"),
    ]);
}
