//! Commands run beside each other: the same work for each, in turns, so that whatever slows the
//! machine slows them all.

use std::ffi::OsString;
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Read};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::wait::wait_measured;

/// A program and its arguments. It must not be empty.
pub type CommandLine = Vec<OsString>;

/// What one run of a command took.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// From the start until the program had ended and its output was read.
    pub wall: Duration,
    /// Peak resident memory in bytes.
    pub rss_peak: u64,
}

/// What a command wrote, in little room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// How many bytes.
    pub bytes: u64,
    /// How many lines; a last one without a newline counts.
    pub lines: u64,
    /// The same for the same lines in the same order.
    pub ordered: u64,
    /// The same for the same lines in any order.
    pub unordered: u64,
}

impl Output {
    /// Whether the lines are the same, whatever their order.
    pub fn same_lines(&self, other: &Output) -> bool {
        (self.bytes, self.lines, self.unordered) == (other.bytes, other.lines, other.unordered)
    }
}

/// Runs the command and digests what it writes.
///
/// # Errors
/// Where it cannot be started or ends with another code than 0 or 1, which searches use for
/// "nothing found".
pub fn output(command: &CommandLine) -> io::Result<Output> {
    let mut digest = Digest::default();
    run(command, |chunk| digest.add(chunk))?;
    Ok(digest.finish())
}

/// Runs each command once for each round, in turns; the first inner list has the first command's
/// runs. Each output goes through a pipe to a reader that drops it.
///
/// # Errors
/// As [`output`].
pub fn measure(commands: &[CommandLine], rounds: usize) -> io::Result<Vec<Vec<Measured>>> {
    let mut runs = vec![Vec::with_capacity(rounds); commands.len()];
    for _ in 0..rounds {
        for (command, runs) in commands.iter().zip(&mut runs) {
            runs.push(run(command, |_| ())?);
        }
    }
    Ok(runs)
}

/// The middle of the sorted values; of an even number, the upper middle.
///
/// # Panics
/// Where there are no values.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn run(command: &CommandLine, mut reader: impl FnMut(&[u8])) -> io::Result<Measured> {
    let start = Instant::now();
    let mut child = Command::new(&command[0])
        .args(&command[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| io::Error::other(format!("cannot start {:?}: {error}", command[0])))?;
    let mut stdout = child
        .stdout
        .take()
        .expect("standard output was asked to be a pipe");
    // A child's peak begins with what its parent had resident when it was made, so this process
    // stays small.
    let mut buffer = [0; 1 << 16];
    loop {
        let read = stdout.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        reader(&buffer[..read]);
    }
    let (status, rss_peak) = wait_measured(child)?;
    let wall = start.elapsed();
    match status.code() {
        Some(0 | 1) => Ok(Measured { wall, rss_peak }),
        _ => Err(io::Error::other(format!("{command:?} failed: {status}"))),
    }
}

#[derive(Default)]
struct Digest {
    output: Output,
    ordered: DefaultHasher,
    line: Vec<u8>,
}

impl Digest {
    fn add(&mut self, chunk: &[u8]) {
        self.output.bytes += chunk.len() as u64;
        self.ordered.write(chunk);
        for piece in chunk.split_inclusive(|&byte| byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        let mut hasher = DefaultHasher::new();
        hasher.write(&self.line);
        self.output.unordered = self.output.unordered.wrapping_add(hasher.finish());
        self.output.lines += 1;
        self.line.clear();
    }

    fn finish(mut self) -> Output {
        if !self.line.is_empty() {
            self.end_line();
        }
        self.output.ordered = self.ordered.finish();
        self.output
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> CommandLine {
        ["sh", "-c", script].map(OsString::from).to_vec()
    }

    #[test]
    fn equal_outputs_are_equal_however_they_arrive() {
        let whole = output(&shell("printf 'one\\ntwo\\nthree'")).unwrap();
        let pieces = output(&shell("printf 'one\\nt'; printf 'wo\\nth'; printf ree")).unwrap();
        assert_eq!(whole, pieces);
        assert_eq!((whole.bytes, whole.lines), (13, 3));
    }

    #[test]
    fn another_order_is_the_same_lines_and_another_output() {
        let rising = output(&shell("printf 'one\\ntwo\\n'")).unwrap();
        let falling = output(&shell("printf 'two\\none\\n'")).unwrap();
        assert!(rising.same_lines(&falling));
        assert_ne!(rising, falling);
    }

    #[test]
    fn another_line_is_not_the_same_lines() {
        let one = output(&shell("printf 'one\\n'")).unwrap();
        let two = output(&shell("printf 'two\\n'")).unwrap();
        assert!(!one.same_lines(&two));
    }

    #[test]
    fn nothing_found_is_a_result_and_an_error_is_not() {
        assert_eq!(
            output(&shell("exit 1")).unwrap(),
            output(&shell("exit 0")).unwrap()
        );
        assert!(
            output(&shell("exit 2"))
                .unwrap_err()
                .to_string()
                .contains("exit status: 2")
        );
    }

    #[test]
    fn commands_take_turns() {
        let dir = tempfile::tempdir().unwrap();
        let journal = dir.path().join("journal");
        let note = |word: &str| shell(&format!("printf {word} >> {}", journal.display()));
        let runs = measure(&[note("a"), note("b")], 3).unwrap();
        assert_eq!(std::fs::read_to_string(journal).unwrap(), "ababab");
        assert_eq!(runs.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3]);
    }

    #[test]
    fn peak_memory_is_the_commands_own() {
        let small = run(&shell("exit 0"), |_| ()).unwrap();
        let large = run(&shell("head -c 40000000 /dev/zero | tail -n 1"), |_| ()).unwrap();
        assert!(small.rss_peak < 20_000_000, "{small:?}");
        assert!(large.rss_peak > 40_000_000, "{large:?}");
    }

    #[test]
    fn the_median_is_in_the_middle_of_the_sorted_values() {
        assert_eq!(median(vec![9.0, 1.0, 5.0]), 5.0);
        assert_eq!(median(vec![4.0]), 4.0);
    }
}
