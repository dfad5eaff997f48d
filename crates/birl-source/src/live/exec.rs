//! Commands: what they print, started again whenever they end.

use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::{Instant, timeout};

use super::cleanup::Cleanup;
use super::lines;
use super::options::Options;
use super::sink::Sink;
use crate::error::refusal;
use crate::link::{Failure, Persistence};

/// So much of the last line on standard error is told.
const LAST_LINE_BYTES_MAX: usize = 500;

/// How long the end of standard error is waited for when a command has ended.
const REST_OF_ERRORS: Duration = Duration::from_millis(100);

/// Reads what `command` prints, starting it again whenever it ends.
///
/// It has no standard input. It leads a group of processes, which `cleanup` kills.
pub(super) async fn run(command: &[String], options: &Options, sink: &Sink, cleanup: &Cleanup) {
    let mut persistence = Persistence::new(options, sink);
    loop {
        let goes_on = match start(command) {
            Ok(child) => {
                let began = Instant::now();
                cleanup.kill_group(child.id());
                persistence.connected(None);
                let mut heard = false;
                let reason = read(child, options, sink, cleanup, || heard = true).await;
                if heard {
                    persistence.worked();
                }
                persistence.lost(began, Failure::passing(reason)).await
            }
            Err(error) => persistence.refused(Failure::lasting(refusal(&error))).await,
        };
        if !goes_on {
            return;
        }
    }
}

fn start(command: &[String]) -> std::io::Result<Child> {
    let [program, arguments @ ..] = command else {
        return Err(std::io::Error::other("there is no command"));
    };
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

/// Reads until the command has ended; says how it did.
async fn read(
    mut child: Child,
    options: &Options,
    sink: &Sink,
    cleanup: &Cleanup,
    heard: impl FnMut(),
) -> String {
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        unreachable!("both are pipes");
    };
    let mut errors = Errors::new(stderr);
    let output = lines::read_all(stdout, options, sink, heard);
    let read = errors.read_during(output).await;
    let status = errors.read_during(child.wait()).await;
    cleanup.kill_group(None);
    // What has gone into the background may hold it open.
    let _ = timeout(REST_OF_ERRORS, errors.read_to_end()).await;
    let mut told = match (status, read) {
        (_, Err(reason)) => reason,
        (Ok(status), Ok(())) => ending(status),
        (Err(error), Ok(())) => refusal(&error),
    };
    errors.tell(&mut told);
    told
}

fn ending(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("the command ended with code {code}"),
        (None, Some(signal)) => format!("the command was ended by signal {signal}"),
        (None, None) => "the command ended".to_owned(),
    }
}

/// What a command says on standard error.
struct Errors {
    stderr: BufReader<ChildStderr>,
    lines: u64,
    last: Vec<u8>,
    is_in_line: bool,
}

impl Errors {
    fn new(stderr: ChildStderr) -> Self {
        Self {
            stderr: BufReader::new(stderr),
            lines: 0,
            last: Vec::new(),
            is_in_line: false,
        }
    }

    /// Reads while `other` is awaited: a command must not be stopped by a pipe that is full.
    async fn read_during<T>(&mut self, other: impl Future<Output = T>) -> T {
        let mut other = pin!(other);
        tokio::select! {
            biased;
            output = &mut other => output,
            () = self.read_to_end() => other.await,
        }
    }

    /// Dropping the future loses nothing.
    async fn read_to_end(&mut self) {
        while let Ok(bytes) = self.stderr.fill_buf().await
            && !bytes.is_empty()
        {
            let line = match memchr::memchr(b'\n', bytes) {
                Some(newline) => &bytes[..=newline],
                None => bytes,
            };
            if !self.is_in_line {
                self.lines += 1;
                self.last.clear();
            }
            let room = LAST_LINE_BYTES_MAX.saturating_sub(self.last.len());
            self.last.extend_from_slice(&line[..room.min(line.len())]);
            self.is_in_line = !line.ends_with(b"\n");
            let read = line.len();
            self.stderr.consume(read);
        }
    }

    fn tell(&self, told: &mut String) {
        if self.lines == 0 {
            return;
        }
        let lines = if self.lines == 1 { "line" } else { "lines" };
        let last = String::from_utf8_lossy(self.last.trim_ascii());
        *told += &format!(
            " ({} {lines} on standard error, the last: {})",
            self.lines,
            last.escape_debug()
        );
    }
}
