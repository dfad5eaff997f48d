//! A running birl: what goes in at one end, what has come out at the others so far, and how it
//! ended.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bstr::ByteSlice;
use rustix::process::{Pid, Signal, kill_process};

/// Far more than any test needs: only a birl that hangs gets there, and then the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A birl that runs; killed if this is dropped.
pub(crate) struct Process {
    child: Child,
    stdout: Pipe,
    stderr: Pipe,
    stdin: Option<JoinHandle<()>>,
}

/// How a run ended and all that it wrote.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Process {
    /// Starts `command`, writes `stdin` to it, each piece with a call of its own, and closes it.
    pub(crate) fn start(command: Command, stdin: Vec<Vec<u8>>) -> Process {
        let (mut process, mut pipe) = Process::start_open(command);
        process.stdin = Some(thread::spawn(move || {
            // birl may stop reading when it knows the answer.
            let _ = stdin.iter().try_for_each(|piece| pipe.write_all(piece));
        }));
        process
    }

    /// Starts `command`, with a standard input that stays open as long as the caller keeps it.
    pub(crate) fn start_open(mut command: Command) -> (Process, ChildStdin) {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let stdin = child.stdin.take().expect("standard input is a pipe");
        let stdout = Pipe::read(child.stdout.take().expect("standard output is a pipe"));
        let stderr = Pipe::read(child.stderr.take().expect("standard error is a pipe"));
        let process = Process {
            child,
            stdout,
            stderr,
            stdin: None,
        };
        (process, stdin)
    }

    /// Waits until standard output is at least `bytes` long or birl has closed it.
    pub(crate) fn wait_for_stdout(&self, bytes: usize) {
        self.stdout.wait(|state| state.bytes.len() >= bytes);
    }

    /// Waits until standard output ends with these bytes or birl has closed it.
    pub(crate) fn wait_for_stdout_to_end_with(&self, end: &[u8]) {
        self.stdout.wait(|state| state.bytes.ends_with(end));
    }

    /// Waits until this stands in standard output or birl has closed it.
    pub(crate) fn wait_for_stdout_to_contain(&self, text: &str) {
        self.stdout.wait(|state| state.bytes.contains_str(text));
    }

    /// What has come out at standard output so far.
    pub(crate) fn stdout(&self) -> Vec<u8> {
        let state = self.stdout.shared.0.lock().expect("no holder panics");
        state.bytes.clone()
    }

    /// What has come out at standard error so far.
    pub(crate) fn stderr(&self) -> Vec<u8> {
        let state = self.stderr.shared.0.lock().expect("no holder panics");
        state.bytes.clone()
    }

    /// Waits until standard output has so many lines or birl has closed it.
    pub(crate) fn wait_for_lines(&self, count: usize) {
        self.stdout
            .wait(|state| state.bytes.iter().filter(|byte| **byte == b'\n').count() >= count);
    }

    /// Waits until this stands in standard error or birl has closed it.
    pub(crate) fn wait_for_stderr(&self, text: &str) {
        self.stderr.wait(|state| state.bytes.contains_str(text));
    }

    /// Waits until this stands so many times in standard error or birl has closed it.
    pub(crate) fn wait_for_stderr_times(&self, text: &str, count: usize) {
        self.stderr
            .wait(|state| state.bytes.find_iter(text).count() >= count);
    }

    /// Presses Ctrl-C, if birl has not ended yet.
    pub(crate) fn interrupt(&mut self) {
        self.signal(Signal::INT);
    }

    /// Ends birl as an init system does, if it has not ended yet.
    pub(crate) fn terminate(&mut self) {
        self.signal(Signal::TERM);
    }

    /// Has birl read its file again, if it has not ended yet.
    pub(crate) fn hang_up(&mut self) {
        self.signal(Signal::HUP);
    }

    fn signal(&mut self, signal: Signal) {
        let ended = self
            .child
            .try_wait()
            .expect("a child can be asked how it is");
        if ended.is_none() {
            let pid = Pid::from_child(&self.child);
            kill_process(pid, signal).expect("a child that was not waited for can be signalled");
        }
    }

    /// Waits until birl has ended and everything that it wrote is read.
    pub(crate) fn end(mut self) -> Ended {
        self.stdout.wait(|_| false);
        self.stderr.wait(|_| false);
        let status = self.child.wait().expect("a child can be waited for");
        if let Some(stdin) = self.stdin.take() {
            stdin.join().expect("writing to a pipe does not panic");
        }
        Ended {
            status,
            stdout: self.stdout.take(),
            stderr: self.stderr.take(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail where it has ended already, as it should have.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What has come out of a pipe so far.
struct Pipe {
    shared: Arc<(Mutex<PipeState>, Condvar)>,
}

#[derive(Default)]
struct PipeState {
    bytes: Vec<u8>,
    closed: bool,
}

impl Pipe {
    fn read(mut source: impl Read + Send + 'static) -> Pipe {
        let shared = Arc::new((Mutex::new(PipeState::default()), Condvar::new()));
        let writer = Arc::clone(&shared);
        thread::spawn(move || {
            let mut buffer = [0; 1 << 16];
            loop {
                let read = source.read(&mut buffer).unwrap_or(0);
                let mut state = writer.0.lock().expect("no holder panics");
                state.bytes.extend_from_slice(&buffer[..read]);
                state.closed = read == 0;
                writer.1.notify_all();
                if state.closed {
                    return;
                }
            }
        });
        Pipe { shared }
    }

    /// Waits until `enough` holds or the pipe is closed.
    ///
    /// # Panics
    /// When neither happens within [`PATIENCE`].
    fn wait(&self, enough: impl Fn(&PipeState) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.shared.0.lock().expect("no holder panics");
        while !state.closed && !enough(&state) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "birl hangs; so far it wrote {:?}",
                state.bytes.as_bstr()
            );
            state = self
                .shared
                .1
                .wait_timeout(state, left)
                .expect("no holder panics")
                .0;
        }
    }

    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.shared.0.lock().expect("no holder panics").bytes)
    }
}
