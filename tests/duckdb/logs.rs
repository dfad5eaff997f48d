//! Records with rough edges: values that are missing, null, empty, of several types, large, or in other
//! alphabets.

use std::fmt::Write;
use std::fs;
use std::path::Path;

const RECORDS: u64 = 1500;

/// Numbers that look drawn, and are the same in every run (splitmix64).
struct Draw(u64);

impl Draw {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) % below
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.next(all.len() as u64) as usize]
    }
}

/// Levels, as programs write them.
const LEVELS: [&str; 8] = [
    "info", "INFO", "debug", "error", "ERR", "warn", "Warning", "fatal",
];

/// Texts as they stand in JSON.
const MESSAGES: [&str; 10] = [
    "connection reset by peer",
    "GET /api took 12ms",
    r#"say \"no\", then C:\\tmp"#,
    "line one\\nline two",
    r"tab\tand \u00fcber",
    "übergröße 東京 😀",
    "  padded  ",
    "100% of it_all",
    "",
    "GET /api took 340ms",
];

const SERVICES: [&str; 6] = ["web", "Web", "db", "東京", "a b", ""];
const PATHS: [&str; 6] = [
    "/",
    "/api/v1/users",
    "/api/v1/users/17",
    "/a?b=c&d=%20",
    "/ÄPFEL",
    "/api/v2",
];

/// Writes `app.jsonl` and, as a table to look up, `users.csv`.
pub(crate) fn write(directory: &Path) {
    fs::write(directory.join("app.jsonl"), records()).unwrap();
    let users =
        "service,owner,quota\nweb,ann,100\ndb,\"bob, the \"\"b\"\"\",\n東京,花子,30\nnobody,,7\n";
    fs::write(directory.join("users.csv"), users).unwrap();
}

fn records() -> String {
    let mut draw = Draw(42);
    let mut text = String::new();
    for index in 0..RECORDS {
        // Each in a zone of its own; times rise, and some are the same.
        let second = index / 3 * 7;
        let (zone, hours) = [("Z", 0), ("+02:00", 2), ("-05:30", 0)][draw.next(3) as usize];
        let minutes = if zone == "-05:30" { -330 } else { hours * 60 };
        let at = second as i64 + minutes * 60 + 86_400 * 2;
        let micros = draw.next(1_000_000);
        write!(
            text,
            r#"{{"time":"2026-03-{:02}T{:02}:{:02}:{:02}.{micros:06}{zone}","level":"{}","message":"{}""#,
            12 + at / 86_400,
            at / 3600 % 24,
            at / 60 % 60,
            at % 60,
            draw.of(&LEVELS),
            draw.of(&MESSAGES),
        )
        .unwrap();
        field(&mut draw, &mut text, "service", |draw| {
            format!("\"{}\"", draw.of(&SERVICES))
        });
        field(&mut draw, &mut text, "host", |draw| {
            format!("\"h-{}\"", draw.next(4))
        });
        field(&mut draw, &mut text, "status", |draw| {
            draw.of(&["200", "204", "301", "404", "500", "503"])
                .to_owned()
        });
        field(&mut draw, &mut text, "ms", |draw| {
            let whole = draw.next(100_000) as i64 - 2000;
            draw.of(&["0.0", "0.1", "1e-7", "2.5e3", "whole"])
                .replace("whole", &format!("{:.3}", whole as f64 / 97.0))
        });
        field(&mut draw, &mut text, "bytes", |draw| {
            let large = draw.next(1 << 52);
            draw.of(&["0", "1", "9007199254740993", "large"])
                .replace("large", &large.to_string())
        });
        field(&mut draw, &mut text, "n", |draw| {
            (draw.next(20) as i64 - 5).to_string()
        });
        // Numbers and texts in one field.
        field(&mut draw, &mut text, "code", |draw| {
            draw.of(&["\"E1\"", "\"7\"", "7", "12", "\"\"", "\"x-12\"", "\"E2\""])
                .to_owned()
        });
        field(&mut draw, &mut text, "path", |draw| {
            format!("\"{}\"", draw.of(&PATHS))
        });
        field(&mut draw, &mut text, "ok", |draw| {
            draw.of(&["true", "false"]).to_owned()
        });
        field(&mut draw, &mut text, "started", |draw| {
            format!(
                "\"2026-0{}-0{} 08:30:00\"",
                1 + draw.next(9),
                1 + draw.next(9)
            )
        });
        let (id, size) = (draw.next(50), draw.next(1000));
        field(&mut draw, &mut text, "request", |_| {
            format!(r#"{{"id":{id},"size":{size}.25}}"#)
        });
        text.push_str("}\n");
    }
    text
}

/// Adds a field, which now and then is null or missing.
fn field(draw: &mut Draw, text: &mut String, name: &str, value: impl Fn(&mut Draw) -> String) {
    match draw.next(12) {
        0 => {}
        1 => write!(text, ",\"{name}\":null").unwrap(),
        _ => {
            let value = value(draw);
            write!(text, ",\"{name}\":{value}").unwrap();
        }
    }
}
