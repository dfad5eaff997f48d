//! Files that are not simply there to be read.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use libtest_mimic::{Failed, Trial};

use crate::diff::compare;
use crate::process::Process;
use crate::sandbox::Sandbox;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test(
            "files::an_unreadable_file_is_reported_and_the_others_go_on",
            an_unreadable_file_is_reported_and_the_others_go_on,
        )
        // To root, every file is readable.
        .with_ignored_flag(rustix::process::geteuid().is_root()),
        Trial::test(
            "files::a_pipe_in_a_directory_is_not_waited_for",
            a_pipe_in_a_directory_is_not_waited_for,
        ),
        Trial::test(
            "files::output_is_not_searched_for_what_it_is_to_hold",
            output_is_not_searched_for_what_it_is_to_hold,
        ),
        Trial::test(
            "files::a_name_that_is_no_text_is_printed_as_it_is",
            a_name_that_is_no_text_is_printed_as_it_is,
        ),
    ]
}

fn an_unreadable_file_is_reported_and_the_others_go_on() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    let secret = sandbox.write("d/secret.log", b"hit\n");
    sandbox.write("d/x.log", b"hit\n");
    fs::set_permissions(secret, Permissions::from_mode(0o000))?;
    let ended = Process::start(sandbox.birl(&["hit", "d"]), Vec::new()).end();
    compare("stdout", b"d/x.log:hit\n", &ended.stdout)?;
    let stderr = b"birl: cannot open \"d/secret.log\": permission denied\n";
    compare("stderr", stderr, &ended.stderr)?;
    assert_eq!(ended.status.code(), Some(2));
    Ok(())
}

fn a_pipe_in_a_directory_is_not_waited_for() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    sandbox.write("d/x.log", b"hit\n");
    // A command, since the call has another name on macOS.
    let made = Command::new("mkfifo")
        .arg(sandbox.path().join("d/a.fifo"))
        .status()?;
    assert!(made.success());
    let ended = Process::start(sandbox.birl(&["hit", "d"]), Vec::new()).end();
    compare("stdout", b"d/x.log:hit\n", &ended.stdout)?;
    compare("stderr", b"", &ended.stderr)?;
    assert_eq!(ended.status.code(), Some(0));
    Ok(())
}

fn output_is_not_searched_for_what_it_is_to_hold() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    sandbox.write("app.log", b"hit\n");
    let path = sandbox.write("out.log", b"hit before\n");
    let searches: [(&[&str], &[u8]); 3] = [
        (&["--no-filename", "hit", "."], b""),
        (
            &["--no-filename", "hit", "app.log", "out.log"],
            b"birl: skipping \"out.log\": the output goes there\n",
        ),
        (
            &["--no-filename", "hit", "*.log"],
            b"birl: skipping \"out.log\": the output goes there\n",
        ),
    ];
    for (args, stderr) in searches {
        let output = OpenOptions::new().append(true).open(&path)?;
        let ended = sandbox.birl(args).stdout(output).output()?;
        compare("stderr", stderr, &ended.stderr)?;
        assert_eq!(ended.status.code(), Some(0), "{args:?}");
    }
    let written = fs::read(path)?;
    Ok(compare(
        "out.log",
        b"hit before\nhit\nhit\nhit\n",
        &written,
    )?)
}

fn a_name_that_is_no_text_is_printed_as_it_is() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path().join("d"))?;
    let path = sandbox
        .path()
        .join("d")
        .join(OsStr::from_bytes(b"caf\xe9.log"));
    fs::write(path, "hit\n")?;
    let ended = Process::start(sandbox.birl(&["hit", "d"]), Vec::new()).end();
    compare("stdout", b"d/caf\xe9.log:hit\n", &ended.stdout)?;
    assert_eq!(ended.status.code(), Some(0));
    Ok(())
}
