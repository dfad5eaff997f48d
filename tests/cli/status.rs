//! `birl status`, with a socket that the test plays.

use std::io::Write;
use std::os::unix::net::UnixListener;

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use crate::diff::compare;
use crate::process::Process;
use crate::sandbox::Sandbox;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("status::tables_are_for_people", tables_are_for_people),
        Trial::test(
            "status::json_is_what_the_socket_says",
            json_is_what_the_socket_says,
        ),
        Trial::test(
            "status::nobody_there_is_an_error_with_what_to_do",
            nobody_there_is_an_error,
        ),
    ]
}

const SECOND: i64 = 1_000_000_000;

fn status() -> Value {
    let at = 1_773_497_160 * SECOND;
    json!({
        "version": "0.1.0", "process": 4711, "config": "birl.toml", "since": at - 7300 * SECOND, "at": at,
        "problem": null,
        "sources": [
            {
                "name": "app", "lines": 123_456, "bytes": 9_876_543, "lines_per_second": 12.34,
                "unread_bytes": 2048, "newest": at - SECOND, "lag_seconds": 1.04, "gaps": 0, "dropped": 0, "problem": null
            },
            {
                "name": "feed", "lines": 0, "bytes": 0, "lines_per_second": 0.0, "unread_bytes": null,
                "newest": null, "lag_seconds": null, "gaps": 3, "dropped": 7,
                "problem": {"at": at - 61 * SECOND, "reason": "connection refused"}
            }
        ],
        "rules": [{
            "name": "error-burst", "kind": "threshold",
            "last": {"at": at - 5 * SECOND, "text": "service=a\u{1b}[2J, count=73"},
            "open": 1, "alerts": 4, "silenced": 0, "forgotten": 2, "problem": null
        }],
        "places": [
            {
                "name": "ops", "kind": "webhook", "waiting": 3, "taken": 17, "held_back": 0, "dead": 1,
                "failures": 12, "last_taken": at - 4000 * SECOND,
                "problem": {"at": at - 2 * SECOND, "reason": "cannot send to http://h: no answer within 10 s"},
                "next_try": at + 30 * SECOND
            },
            {
                "name": "log", "kind": "file", "waiting": 0, "taken": 20, "held_back": 0, "dead": 0,
                "failures": 0, "last_taken": at - 90_000 * SECOND, "problem": null, "next_try": null
            }
        ]
    })
}

/// What birl prints that asks a socket which says `status`.
fn asked(arguments: &[&str]) -> String {
    let sandbox = Sandbox::new();
    let listener = UnixListener::bind(sandbox.path().join("birl.sock")).expect("it is free");
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("birl connects");
        writeln!(stream, "{}", status()).expect("birl listens");
    });
    let command = sandbox.birl(arguments);
    let ended = Process::start(command, Vec::new()).end();
    server.join().expect("the server is satisfied");
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
    assert_eq!(ended.status.code(), Some(0));
    String::from_utf8(ended.stdout).expect("it is text")
}

fn tables_are_for_people() -> Result<(), Failed> {
    let expected = "\
birl 0.1.0, process 4711, birl.toml, for 2 h

source   lines  a second  unread    lag  gaps  problem
app     123456      12.3    2048  1.0 s     0  -
feed         0       0.0       -      -     3  1 min ago: connection refused

rule         kind       open  alerts  silenced  last answer                            problem
error-burst  threshold     1       4         0  5 s ago: service=a\\u{1b}[2J, count=73  -

place  kind     waiting  taken  held back  dead  last taken  problem
ops    webhook        3     17          0     1  1 h ago     2 s ago: cannot send to http://h: no answer within 10 s; 12 in a row, next in 30 s
log    file           0     20          0     0  1 d ago     -
";
    Ok(compare(
        "stdout",
        expected.as_bytes(),
        asked(&["status", "birl.sock"]).as_bytes(),
    )?)
}

fn json_is_what_the_socket_says() -> Result<(), Failed> {
    let printed = asked(&["status", "-o", "json", "--socket", "birl.sock"]);
    let json: Value = serde_json::from_str(&printed)?;
    assert_eq!(json, status());
    assert_eq!(printed.lines().count(), 1);
    Ok(())
}

fn nobody_there_is_an_error() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    for arguments in [
        &["status", "none.sock"][..],
        &["status", "--socket", "none.sock"],
    ] {
        let ended = Process::start(sandbox.birl(arguments), Vec::new()).end();
        let expected = "birl: cannot ask for the status at \"none.sock\": no such file or directory\n\n\
                    hint: is birl run at work, as the same user? Where its file says status = \"PATH\", \
                    name that: --socket PATH\n";
        compare("stderr", expected.as_bytes(), &ended.stderr)?;
        assert_eq!(ended.status.code(), Some(2));
    }
    Ok(())
}
