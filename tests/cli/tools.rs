//! birl beside the tools that systems have: those that send syslog, and those that rotate logs.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::{TcpListener, UdpSocket};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use libtest_mimic::{Failed, Trial};

use crate::diff::compare;
use crate::process::Process;
use crate::sandbox::Sandbox;

pub(crate) fn trials() -> Vec<Trial> {
    let logger = is_there("logger", "--server");
    let logrotate = is_there("logrotate", "--state");
    vec![
        Trial::test(
            "tools::what_logger_sends_is_read",
            what_logger_sends_is_read,
        )
        .with_ignored_flag(!logger),
        Trial::test(
            "tools::each_line_comes_once_while_logrotate_renames",
            || each_line_comes_once_while_logrotate("create"),
        )
        .with_ignored_flag(!logrotate),
        Trial::test("tools::each_line_comes_once_while_logrotate_copies", || {
            each_line_comes_once_while_logrotate("copytruncate")
        })
        .with_ignored_flag(!logrotate),
    ]
}

/// Whether there is a program that has this flag.
fn is_there(program: &str, flag: &str) -> bool {
    let help = Command::new(program).arg("--help").output();
    help.is_ok_and(|help| {
        let text = [help.stdout, help.stderr].concat();
        String::from_utf8_lossy(&text).contains(flag)
    })
}

fn run<S: AsRef<OsStr>>(program: &str, arguments: &[S]) -> Result<(), Failed> {
    let run = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()?;
    let stderr = String::from_utf8_lossy(&run.stderr);
    match run.status.success() {
        true => Ok(()),
        false => Err(format!("{program}: {stderr}").into()),
    }
}

/// RFC 5424 and 3164, in lines, with lengths, as datagrams, and over a socket of the system.
fn what_logger_sends_is_read() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    // Some ports that are free.
    let tcp = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let udp = UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port();
    let socket = sandbox.path().join("log.sock");
    let socket = socket.to_str().expect("it is text");
    let from = [
        format!("tcp-listen://127.0.0.1:{tcp}"),
        format!("udp-listen://127.0.0.1:{udp}"),
        format!("unix-listen://{socket}"),
    ];
    let template = "{level} {facility} {app} {message}";
    let [one, two, three] = &from;
    let command = sandbox.birl(&["--template", template, "*", one, two, three]);
    let mut process = Process::start(command, Vec::new());
    process.wait_for_stderr_times("listening on", 2);
    while !fs::exists(socket)? {
        thread::sleep(Duration::from_millis(10));
    }
    let (tcp, udp) = (tcp.to_string(), udp.to_string());
    let over_tcp = ["--server", "127.0.0.1", "--port", &tcp, "--tcp"];
    let over_udp = ["--server", "127.0.0.1", "--port", &udp, "--udp"];
    let ways: [(&[&str], &[&str], &str); 5] = [
        (&over_tcp, &[], "user.err"),
        (&over_tcp, &["--octet-count"], "daemon.warning"),
        (&over_tcp, &["--octet-count", "--rfc3164"], "mail.info"),
        (&over_udp, &["--rfc5424"], "auth.emerg"),
        (&["--socket", socket], &[], "local0.debug"),
    ];
    let mut expected = String::new();
    let told = [
        "error user web message 0\n",
        "warn daemon web message 1\n",
        "info mail web message 2\n",
        "fatal auth web message 3\n",
        "debug local0 web message 4\n",
    ];
    for (number, (way, how, priority)) in ways.iter().enumerate() {
        let message = format!("message {number}");
        let rest = ["--tag", "web", "--priority", *priority, message.as_str()];
        run("logger", &[way, how, &rest[..]].concat())?;
        expected += told[number];
        // Different sources come as they come.
        process.wait_for_stdout(expected.len());
    }
    process.interrupt();
    Ok(compare(
        "stdout",
        expected.as_bytes(),
        &process.end().stdout,
    )?)
}

/// Something writes a line each millisecond, and opens its log by name each time; logrotate rotates that
/// four times meanwhile, and compresses what it has rotated before. With `copytruncate` what is written
/// between its copy and its truncation is lost to everybody, so that nothing is written then.
fn each_line_comes_once_while_logrotate(how: &str) -> Result<(), Failed> {
    const LINES: usize = 2000;
    let sandbox = Sandbox::new();
    let log = sandbox.write("app.log", b"");
    let rotates = format!(
        "{} {{\n  rotate 9\n  {how}\n  compress\n  delaycompress\n  missingok\n}}\n",
        log.display()
    );
    // It reads no file that others may write to.
    let rules = sandbox.write("logrotate.conf", rotates.as_bytes());
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    fs::set_permissions(&rules, readable)?;
    let mut process = Process::start(sandbox.birl(&["-f", "*", "app.log"]), Vec::new());
    let mut expected = String::new();
    for number in 0..LINES {
        let line = format!("line {number}\n");
        let mut file = OpenOptions::new().append(true).create(true).open(&log)?;
        file.write_all(line.as_bytes())?;
        drop(file);
        expected += &line;
        thread::sleep(Duration::from_millis(1));
        if number % 400 == 399 {
            let state = sandbox.path().join("logrotate.state");
            let arguments = [
                OsStr::new("--force"),
                OsStr::new("--state"),
                state.as_os_str(),
                rules.as_os_str(),
            ];
            run("logrotate", &arguments)?;
        }
    }
    process.wait_for_stdout(expected.len());
    process.interrupt();
    Ok(compare(
        "stdout",
        expected.as_bytes(),
        &process.end().stdout,
    )?)
}
