//! Queries over what is still being written, where when something comes matters.

use std::fs::OpenOptions;
use std::io::Write;

use libtest_mimic::{Failed, Trial};

use crate::diff::compare;
use crate::process::Process;
use crate::sandbox::Sandbox;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test(
            "live::tail_is_of_what_was_there_and_all_that_is_new",
            tail_is_of_what_was_there_and_all_that_is_new,
        ),
        Trial::test(
            "live::rows_come_while_standard_input_is_open",
            rows_come_while_standard_input_is_open,
        ),
        Trial::test("live::a_limit_ends_following", a_limit_ends_following),
    ]
}

fn record(ms: u32) -> String {
    format!("{{\"ms\":{ms}}}\n")
}

fn tail_is_of_what_was_there_and_all_that_is_new() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    let records: String = (1..=5).map(record).collect();
    let path = sandbox.write("app.log", records.as_bytes());
    let command = sandbox.birl(&["-f", "-o", "csv", "* |> tail 2 |> select ms", "app.log"]);
    let mut process = Process::start(command, Vec::new());
    process.wait_for_stdout("ms\n4\n5\n".len());
    let mut file = OpenOptions::new().append(true).open(path)?;
    for ms in 6..=8 {
        file.write_all(record(ms).as_bytes())?;
    }
    let expected = "ms\n4\n5\n6\n7\n8\n";
    process.wait_for_stdout(expected.len());
    process.interrupt();
    let ended = process.end();
    compare("stdout", expected.as_bytes(), &ended.stdout)?;
    assert_eq!(ended.status.code(), Some(130));
    Ok(())
}

fn rows_come_while_standard_input_is_open() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    let command = sandbox.birl(&[
        "-f",
        "-o",
        "csv",
        "* |> where ms > 1 |> select concat('x', cast(cast(ms as bigint) as varchar)) as x",
    ]);
    let (process, mut stdin) = Process::start_open(command);
    for ms in 1..=3 {
        stdin.write_all(record(ms).as_bytes())?;
    }
    process.wait_for_stdout("x\nx2\nx3\n".len());
    stdin.write_all(record(4).as_bytes())?;
    process.wait_for_stdout("x\nx2\nx3\nx4\n".len());
    drop(stdin);
    let ended = process.end();
    compare("stdout", b"x\nx2\nx3\nx4\n", &ended.stdout)?;
    assert_eq!(ended.status.code(), Some(0));
    Ok(())
}

fn a_limit_ends_following() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    let path = sandbox.write("app.log", record(1).as_bytes());
    let command = sandbox.birl(&["-f", "-o", "csv", "* |> limit 2 |> select ms", "app.log"]);
    let process = Process::start(command, Vec::new());
    process.wait_for_stdout("ms\n1\n".len());
    let mut file = OpenOptions::new().append(true).open(path)?;
    file.write_all(record(2).as_bytes())?;
    let ended = process.end();
    compare("stdout", b"ms\n1\n2\n", &ended.stdout)?;
    compare("stderr", b"", &ended.stderr)?;
    assert_eq!(ended.status.code(), Some(0));
    Ok(())
}
