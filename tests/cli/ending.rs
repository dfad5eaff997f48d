//! How birl ends when it is not birl that decides.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::Stdio;

use libtest_mimic::{Failed, Trial};

use crate::diff::compare;
use crate::process::Process;
use crate::sandbox::{Sandbox, program};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test(
            "ending::a_closed_pipe_ends_quietly_with_success",
            a_closed_pipe_ends_quietly_with_success,
        ),
        Trial::test(
            "ending::whatever_is_printed_a_closed_pipe_ends_it_quietly",
            whatever_is_printed_a_closed_pipe_ends_it_quietly,
        ),
        Trial::test(
            "ending::a_full_disk_is_told_whatever_is_printed",
            a_full_disk_is_told_whatever_is_printed,
        )
        .with_ignored_flag(!Path::new("/dev/full").exists()),
        Trial::test(
            "ending::a_full_directory_for_temporary_files_is_told",
            a_full_directory_for_temporary_files_is_told,
        ),
        Trial::test(
            "ending::a_closed_pipe_ends_following_while_nothing_is_written",
            a_closed_pipe_ends_following_while_nothing_is_written,
        ),
        Trial::test(
            "ending::ctrl_c_ends_a_search_with_130_and_says_what_is_known",
            ctrl_c_ends_a_search_with_130_and_says_what_is_known,
        ),
        Trial::test(
            "ending::ctrl_c_ends_following_with_130",
            ctrl_c_ends_following_with_130,
        ),
        Trial::test(
            "ending::lines_come_out_while_standard_input_is_open",
            lines_come_out_while_standard_input_is_open,
        ),
    ]
}

fn a_closed_pipe_ends_quietly_with_success() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    // More than a pipe and birl's own buffers take.
    sandbox.write(
        "big.log",
        &b"a line that is to be printed\n".repeat(500_000),
    );
    let mut command = sandbox.birl(&["line", "big.log"]);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdout = child.stdout.take().expect("standard output is a pipe");
    stdout.read_exact(&mut [0; 10])?;
    drop(stdout);
    let ended = child.wait_with_output()?;
    compare("stderr", b"", &ended.stderr)?;
    assert_eq!(ended.status.code(), Some(0));
    Ok(())
}

/// Command lines that print, each through a path of its own.
const PRINTING: &[&[&str]] = &[
    &["hit", "app.log"],
    &["-c", "hit", "app.log"],
    &["-l", "hit", "app.log"],
    &["--help"],
    &["-h"],
    &["--version"],
    &["completions", "bash"],
    &["formats"],
    &["formats", "app.log"],
    &["man"],
];

fn whatever_is_printed_a_closed_pipe_ends_it_quietly() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    sandbox.write("app.log", b"hit\n");
    for args in PRINTING {
        let (reader, writer) = std::io::pipe()?;
        drop(reader);
        let ended = sandbox.birl(args).stdout(writer).output()?;
        compare(&format!("stderr of {args:?}"), b"", &ended.stderr)?;
        assert_eq!(ended.status.code(), Some(0), "{args:?}");
    }
    Ok(())
}

fn a_full_disk_is_told_whatever_is_printed() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    sandbox.write("app.log", b"hit\n");
    for args in PRINTING {
        let full = File::options().write(true).open("/dev/full")?;
        let ended = sandbox.birl(args).stdout(full).output()?;
        let said =
            b"birl: cannot write to standard output: No space left on device (os error 28)\n";
        compare(&format!("stderr of {args:?}"), said, &ended.stderr)?;
        assert_eq!(ended.status.code(), Some(2), "{args:?}");
    }
    Ok(())
}

/// Groups that do not fit into memory are written to files, of which the system takes no more than 32 KiB
/// here. Nothing is printed then that could be taken for an answer.
fn a_full_directory_for_temporary_files_is_told() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    let mut log = Vec::new();
    for n in 0..100_000 {
        writeln!(log, "{{\"level\":\"info\",\"trace\":\"{n:032x}\"}}")?;
    }
    sandbox.write("app.log", &log);
    let args = ["-j2", "--memory", "24MiB", "* |> count by trace", "app.log"];
    let mut command = sandbox.isolated(Path::new("sh"));
    let limited = r#"trap "" XFSZ; ulimit -f 64; exec "$@""#;
    command
        .args(["-c", limited, "sh"])
        .arg(program())
        .args(args);
    let ended = command.current_dir(sandbox.path()).output()?;
    let said = "birl: cannot write to temporary files: IO error: File too large (os error 27)

hint: raise --memory, or let TMPDIR be a directory that has room
";
    compare("stderr", said.as_bytes(), &ended.stderr)?;
    compare("stdout", b"", &ended.stdout)?;
    assert_eq!(ended.status.code(), Some(2));
    // It is what the limit has to do with it.
    let ended = sandbox.birl(&args).output()?;
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(
        ended.stdout.iter().filter(|byte| **byte == b'\n').count(),
        100_001
    );
    Ok(())
}

fn a_closed_pipe_ends_following_while_nothing_is_written() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    sandbox.write("app.log", b"hit\n");
    let mut child = sandbox
        .birl(&["-f", "hit", "app.log"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdout = child.stdout.take().expect("standard output is a pipe");
    stdout.read_exact(&mut [0; b"hit\n".len()])?;
    drop(stdout);
    let ended = child.wait_with_output()?;
    compare("stderr", b"", &ended.stderr)?;
    assert_eq!(ended.status.code(), Some(0));
    Ok(())
}

fn ctrl_c_ends_a_search_with_130_and_says_what_is_known() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    let command = sandbox.birl(&["--line-buffered", "hit"]);
    let (mut process, mut stdin) = Process::start_open(command);
    stdin.write_all(b"hit one\nmiss\n")?;
    process.wait_for_stdout(b"hit one\n".len());
    process.interrupt();
    let ended = process.end();
    compare("stdout", b"hit one\n", &ended.stdout)?;
    let stderr = String::from_utf8_lossy(&ended.stderr);
    assert!(stderr.starts_with("birl: interrupted"), "{stderr:?}");
    assert_eq!(stderr.lines().count(), 1, "{stderr:?}");
    assert_eq!(ended.status.code(), Some(130));
    Ok(())
}

fn ctrl_c_ends_following_with_130() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    sandbox.write("app.log", b"hit\nmiss\n");
    let command = sandbox.birl(&["-f", "hit", "app.log"]);
    let mut process = Process::start(command, Vec::new());
    process.wait_for_stdout(b"hit\n".len());
    process.interrupt();
    let ended = process.end();
    compare("stdout", b"hit\n", &ended.stdout)?;
    assert_eq!(ended.status.code(), Some(130));
    Ok(())
}

fn lines_come_out_while_standard_input_is_open() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    let command = sandbox.birl(&["--line-buffered", "hit"]);
    let (process, mut stdin) = Process::start_open(command);
    for round in 1..=3 {
        stdin.write_all(b"hit\nmiss\n")?;
        process.wait_for_stdout(round * b"hit\n".len());
    }
    drop(stdin);
    let ended = process.end();
    compare("stdout", b"hit\nhit\nhit\n", &ended.stdout)?;
    assert_eq!(ended.status.code(), Some(0));
    Ok(())
}
