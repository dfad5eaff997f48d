//! birl on a terminal: a pseudo-terminal stands in for it.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};
use std::thread;

use libtest_mimic::{Failed, Trial};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::diff::compare;
use crate::sandbox::Sandbox;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("terminal::matches_are_marked", matches_are_marked),
        Trial::test("terminal::no_color_is_heeded", no_color_is_heeded),
        Trial::test(
            "terminal::json_is_printed_for_people",
            json_is_printed_for_people,
        ),
        Trial::test(
            "terminal::lines_that_can_be_read_stay_as_they_are",
            lines_that_can_be_read_stay_as_they_are,
        ),
        Trial::test(
            "terminal::a_log_does_not_drive_the_terminal",
            a_log_does_not_drive_the_terminal,
        ),
        Trial::test("terminal::a_pager_gets_the_output", a_pager_gets_the_output),
        Trial::test(
            "terminal::messages_wait_for_the_end_of_the_pager",
            messages_wait_for_the_end_of_the_pager,
        ),
        Trial::test("terminal::an_empty_pager_is_none", an_empty_pager_is_none),
    ]
}

fn matches_are_marked() -> Result<(), Failed> {
    let shown = show(b"a hit\n", &["--no-pager", "hit", "app.log"], &[]);
    let marked = b"a \x1b[1m\x1b[31mhit\x1b[0m\r\n";
    Ok(compare("terminal", marked, &shown)?)
}

fn no_color_is_heeded() -> Result<(), Failed> {
    let env = [("NO_COLOR", "1")];
    let shown = show(b"a hit\n", &["--no-pager", "hit", "app.log"], &env);
    Ok(compare("terminal", b"a hit\r\n", &shown)?)
}

fn json_is_printed_for_people() -> Result<(), Failed> {
    let log = b"{\"level\":\"warn\",\"msg\":\"a hit\",\"n\":1}\n{\"msg\":\"no\"}\nplain hit\n";
    let args = ["--no-pager", "--color=never", "-n", "hit", "app.log"];
    let shown = show(log, &args, &[]);
    compare("terminal", b"1: [WRN] a hit n=1\r\n3:plain hit\r\n", &shown)?;
    let as_text = [&args[..], &["-o", "text"]].concat();
    let shown = show(log, &as_text, &[]);
    // Lines that say their time, without a zone: that of the input, shown in another.
    let log = b"{\"time\":\"2026-03-14 14:05:30.5\",\"msg\":\"a hit\"}\n";
    let zones = [
        "--input-tz",
        "+02:00",
        "--tz",
        "+01:00",
        "--color=never",
        "--no-pager",
        "hit",
        "app.log",
    ];
    let in_zone = show(log, &zones, &[]);
    compare("terminal", b"2026-03-14 13:05:30.500 a hit\r\n", &in_zone)?;
    let text = b"1:{\"level\":\"warn\",\"msg\":\"a hit\",\"n\":1}\r\n3:plain hit\r\n";
    Ok(compare("terminal", text, &shown)?)
}

fn lines_that_can_be_read_stay_as_they_are() -> Result<(), Failed> {
    let log = b"2026-03-14 14:05:31,200 ERROR [main] a.B - a hit\n\tat a.B.c\n\tat a.hit\n";
    let args = ["--no-pager", "--color=never", "hit", "app.log"];
    let shown = show(log, &args, &[]);
    let lines = b"2026-03-14 14:05:31,200 ERROR [main] a.B - a hit\r\n\tat a.hit\r\n";
    Ok(compare("terminal", lines, &shown)?)
}

fn a_log_does_not_drive_the_terminal() -> Result<(), Failed> {
    let log = b"hit caf\xe9 \x1b]0;title\x07\n";
    let args = ["--no-pager", "--color=never", "hit", "app.log"];
    let shown = show(log, &args, &[]);
    assert!(!shown.contains(&0x1b), "{shown:?}");
    assert!(String::from_utf8(shown)?.starts_with("hit caf\u{fffd} "));
    Ok(())
}

fn a_pager_gets_the_output() -> Result<(), Failed> {
    let env = [("BIRL_PAGER", "sed s/^/paged:/"), ("NO_COLOR", "1")];
    let shown = show(b"a hit\n", &["hit", "app.log"], &env);
    Ok(compare("terminal", b"paged:a hit\r\n", &shown)?)
}

fn messages_wait_for_the_end_of_the_pager() -> Result<(), Failed> {
    // It shows nothing before it has everything, as one shows the end of a text on a whole screen.
    let pager = "sh -c 'text=$(cat); echo \"$text\"; echo end of the pager'";
    let sandbox = Sandbox::new();
    sandbox.write("app.log", b"a hit\n");
    let mut command = sandbox.birl(&["--stats", "hit", "app.log", "gone.log"]);
    command
        .env("TERM", "xterm")
        .envs([("BIRL_PAGER", pager), ("NO_COLOR", "1")]);
    let shown = String::from_utf8(on_terminal_with_errors(command))?;
    let (before, after) = shown.split_once("end of the pager").ok_or("no pager")?;
    assert_eq!(before, "app.log:a hit\r\n");
    assert!(after.contains("birl: cannot open \"gone.log\""), "{after}");
    assert!(after.contains("problems: 1"), "{after}");
    Ok(())
}

fn an_empty_pager_is_none() -> Result<(), Failed> {
    let env = [("BIRL_PAGER", ""), ("NO_COLOR", "1")];
    let shown = show(b"a hit\n", &["hit", "app.log"], &env);
    Ok(compare("terminal", b"a hit\r\n", &shown)?)
}

/// What a terminal gets from birl with `args`, where `log` is in `app.log`.
fn show(log: &[u8], args: &[&str], env: &[(&str, &str)]) -> Vec<u8> {
    let sandbox = Sandbox::new();
    sandbox.write("app.log", log);
    let mut command = sandbox.birl(args);
    command.env("TERM", "xterm").envs(env.iter().copied());
    on_terminal(command)
}

/// What a terminal gets of the standard output of `command`.
fn on_terminal(command: Command) -> Vec<u8> {
    run_on_terminal(command, |_| Stdio::inherit())
}

/// What a terminal gets of the standard output and the standard error of `command`.
fn on_terminal_with_errors(command: Command) -> Vec<u8> {
    run_on_terminal(command, |terminal| {
        Stdio::from(terminal.try_clone().expect("a terminal can be had twice"))
    })
}

fn run_on_terminal(mut command: Command, stderr: impl FnOnce(&File) -> Stdio) -> Vec<u8> {
    let (controller, terminal) = pseudo_terminal().expect("a pseudo-terminal can be had");
    let reader = thread::spawn(move || read_all(controller));
    let mut child = command
        .stdin(Stdio::null())
        .stderr(stderr(&terminal))
        .stdout(Stdio::from(terminal))
        .spawn()
        .expect("birl can be started");
    // The command holds the terminal open, too; without it the reader sees the end.
    drop(command);
    child.wait().expect("a child can be waited for");
    reader.join().expect("reading does not panic")
}

/// The two ends: ours, and the one that is birl's terminal.
fn pseudo_terminal() -> std::io::Result<(File, File)> {
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    grantpt(&controller)?;
    unlockpt(&controller)?;
    let name = ptsname(&controller, Vec::new())?;
    let terminal = OpenOptions::new()
        .read(true)
        .write(true)
        .open(OsStr::from_bytes(name.as_bytes()))?;
    Ok((File::from(controller), terminal))
}

/// Reads until the other end is closed, which Linux tells by an error.
fn read_all(mut controller: File) -> Vec<u8> {
    let mut shown = Vec::new();
    let _ = controller.read_to_end(&mut shown);
    shown
}
