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
            "terminal::a_log_does_not_drive_the_terminal",
            a_log_does_not_drive_the_terminal,
        ),
        Trial::test("terminal::a_pager_gets_the_output", a_pager_gets_the_output),
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

fn on_terminal(mut command: Command) -> Vec<u8> {
    let (controller, terminal) = pseudo_terminal().expect("a pseudo-terminal can be had");
    let reader = thread::spawn(move || read_all(controller));
    let output = Stdio::from(terminal);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(Stdio::inherit())
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
