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
        Trial::test(
            "live::groups_are_told_again_as_they_change_and_when_birl_is_stopped",
            groups_are_told_again_as_they_change_and_when_birl_is_stopped,
        ),
        Trial::test(
            "live::a_bin_is_told_when_records_have_gone_beyond_it",
            a_bin_is_told_when_records_have_gone_beyond_it,
        ),
        Trial::test(
            "live::when_nothing_comes_bins_close_by_the_clock",
            when_nothing_comes_bins_close_by_the_clock,
        ),
        Trial::test(
            "live::of_several_files_all_is_counted_that_was_there",
            of_several_files_all_is_counted_that_was_there,
        ),
        Trial::test(
            "live::what_comes_too_late_is_written_down",
            what_comes_too_late_is_written_down,
        ),
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

fn groups_are_told_again_as_they_change_and_when_birl_is_stopped() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    let path = sandbox.write("app.log", (record(1) + &record(2)).as_bytes());
    let args = [
        "-f",
        "--every",
        "20ms",
        "-o",
        "csv",
        "* |> count",
        "app.log",
    ];
    let mut process = Process::start(sandbox.birl(&args), Vec::new());
    process.wait_for_stdout_to_end_with(b"\n2\n");
    let mut file = OpenOptions::new().append(true).open(path)?;
    file.write_all(record(3).as_bytes())?;
    process.wait_for_stdout_to_end_with(b"\n3\n");
    process.interrupt();
    let ended = process.end();
    let text = String::from_utf8(ended.stdout)?;
    let mut counts = text.lines();
    assert_eq!(counts.next(), Some("count"));
    let mut counts: Vec<u32> = counts.map(str::parse).collect::<Result<_, _>>()?;
    assert!(counts.is_sorted(), "{counts:?}");
    // The last one is told when birl is stopped, as the one before was.
    assert_eq!((counts.pop(), counts.pop()), (Some(3), Some(3)));
    assert_eq!(ended.status.code(), Some(130));
    Ok(())
}

fn at(time: &str) -> String {
    format!("{{\"time\":\"2026-03-14T{time}Z\",\"message\":\"m\"}}\n")
}

fn a_bin_is_told_when_records_have_gone_beyond_it() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    let path = sandbox.write("app.log", (at("14:00:10") + &at("14:00:20")).as_bytes());
    let args = [
        "-f",
        "--idle",
        "1h",
        "-o",
        "csv",
        "* |> timechart 1m count",
        "app.log",
    ];
    let mut process = Process::start(sandbox.birl(&args), Vec::new());
    process.wait_for_stdout("timestamp,count\n".len());
    let mut file = OpenOptions::new().append(true).open(path)?;
    // Five seconds behind the end of the first minute it is not over yet.
    file.write_all((at("14:01:04") + &at("14:00:59") + &at("14:03:10")).as_bytes())?;
    let told = "timestamp,count\n\
        2026-03-14T14:00:00Z,3\n\
        2026-03-14T14:01:00Z,1\n\
        2026-03-14T14:02:00Z,0\n";
    process.wait_for_stdout(told.len());
    file.write_all(at("14:00:00").as_bytes())?;
    file.write_all(at("14:03:20").as_bytes())?;
    file.write_all(at("14:04:30").as_bytes())?;
    let told = format!("{told}2026-03-14T14:03:00Z,2\n");
    process.wait_for_stdout(told.len());
    process.interrupt();
    let ended = process.end();
    let told = format!("{told}2026-03-14T14:04:00Z,1\n");
    compare("stdout", told.as_bytes(), &ended.stdout)?;
    let stderr = String::from_utf8(ended.stderr)?;
    let late = "birl: 1 record came too late: all windows that it belongs to had closed\n";
    assert!(stderr.ends_with(late), "{stderr}");
    Ok(())
}

fn when_nothing_comes_bins_close_by_the_clock() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    sandbox.write("app.log", at("14:00:10").as_bytes());
    let args = [
        "-f",
        "--idle",
        "0s",
        "-o",
        "csv",
        "* |> timechart 1m count",
        "app.log",
    ];
    let mut command = sandbox.birl(&args);
    command.env("BIRL_NOW", "2026-03-14T14:03:30Z");
    let mut process = Process::start(command, Vec::new());
    let told = "timestamp,count\n\
        2026-03-14T14:00:00Z,1\n\
        2026-03-14T14:01:00Z,0\n\
        2026-03-14T14:02:00Z,0\n";
    process.wait_for_stdout(told.len());
    process.interrupt();
    let ended = process.end();
    compare("stdout", told.as_bytes(), &ended.stdout)?;
    Ok(())
}

fn of_several_files_all_is_counted_that_was_there() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    // Whichever is read first, the other begins long before its end.
    sandbox.write("a.log", (at("14:00:10") + &at("14:09:10")).as_bytes());
    let path = sandbox.write("b.log", (at("14:00:20") + &at("14:08:20")).as_bytes());
    let args = [
        "-f",
        "--idle",
        "1h",
        "-o",
        "csv",
        "* |> count by bin(5m)",
        "a.log",
        "b.log",
    ];
    let mut process = Process::start(sandbox.birl(&args), Vec::new());
    let told = "timestamp,count\n2026-03-14T14:00:00Z,2\n";
    process.wait_for_stdout(told.len());
    let mut file = OpenOptions::new().append(true).open(path)?;
    file.write_all(at("14:08:30").as_bytes())?;
    process.interrupt();
    let ended = process.end();
    assert!(ended.stdout.starts_with(told.as_bytes()));
    let stderr = String::from_utf8(ended.stderr)?;
    assert!(!stderr.contains("too late"), "{stderr}");
    Ok(())
}

fn what_comes_too_late_is_written_down() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    let late = at("14:00:30");
    let records = at("14:00:10") + &at("14:03:10") + &late + &at("14:03:20");
    let path = sandbox.write("app.log", records.as_bytes());
    let args = [
        "--window",
        "1m",
        "--late",
        "late.log",
        "-o",
        "csv",
        "* |> count",
        "app.log",
    ];
    let ended = Process::start(sandbox.birl(&args), Vec::new()).end();
    let counted = "window_start,window_end,count\n\
        2026-03-14T14:00:00Z,2026-03-14T14:01:00Z,1\n\
        2026-03-14T14:03:00Z,2026-03-14T14:04:00Z,2\n";
    compare("stdout", counted.as_bytes(), &ended.stdout)?;
    let written = std::fs::read(path.with_file_name("late.log"))?;
    compare("late.log", late.as_bytes(), &written)?;
    Ok(())
}
