//! How far a search is, on standard error.

use std::fmt;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use console::Term;
use indicatif::{
    BinaryBytes, HumanCount, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState,
    ProgressStyle, TermLike,
};

/// How long a search may take without a word.
const PATIENCE: Duration = Duration::from_millis(500);

/// How often the bar is drawn.
const INTERVAL: Duration = Duration::from_millis(100);

/// What is left free behind the bar. There the terminal shows Ctrl-C as `^C`: if that went to the
/// next line, the bar would be looked for there, and stay.
const ECHO_COLUMNS: u16 = 2;

/// How far a search is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Snapshot {
    /// The bytes that were searched.
    pub(crate) bytes_done: u64,
    /// The bytes to search, as far as they are known; `None` where they cannot be, as of a pipe.
    pub(crate) bytes_total: Option<u64>,
    /// The lines that matched.
    pub(crate) matches: u64,
}

/// A bar on standard error, from half a second after its start to its end.
///
/// It has no colours. Dropping it ends it, and takes it off the screen.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    shown: Option<Shown>,
}

#[derive(Debug)]
struct Shown {
    bar: Arc<Mutex<Bar>>,
    /// Dropped to end the thread.
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// No bar.
    pub(crate) fn hidden() -> Progress {
        Progress::default()
    }

    /// A bar that shows what `snapshot` returns, which is called ten times a second on a thread
    /// of its own.
    pub(crate) fn start(snapshot: impl Fn() -> Snapshot + Send + 'static) -> Progress {
        let bar = Arc::new(Mutex::new(Bar::new(standard_error())));
        let (stop, stopped) = mpsc::sync_channel(0);
        let shown = Arc::clone(&bar);
        let thread = thread::spawn(move || {
            let mut wait = PATIENCE;
            while stopped.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                let snapshot = snapshot();
                lock(&shown).draw(snapshot);
                wait = INTERVAL;
            }
        });
        Progress {
            shown: Some(Shown {
                bar,
                stop: Some(stop),
                thread: Some(thread),
            }),
        }
    }

    /// Runs `print` with the bar off the screen; the bar comes back by itself.
    ///
    /// For whatever writes whole lines to a terminal. Without a bar it costs nothing.
    pub(crate) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        let Some(shown) = &self.shown else {
            return print();
        };
        let mut bar = lock(&shown.bar);
        bar.clear();
        print()
    }

    /// Takes the bar off the screen for good, as before a pager starts.
    pub(crate) fn end(&mut self) {
        self.shown = None;
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        lock(&self.bar).clear();
    }
}

/// The bar, whatever happened to a thread that held it: at worst it looks odd.
fn lock(bar: &Mutex<Bar>) -> MutexGuard<'_, Bar> {
    bar.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is on the screen.
#[derive(Debug)]
struct Bar {
    screen: MultiProgress,
    bar: ProgressBar,
    matches: Arc<AtomicU64>,
    total_known: Option<bool>,
}

impl Bar {
    fn new(target: ProgressDrawTarget) -> Bar {
        let screen = MultiProgress::with_draw_target(target);
        let bar = screen.add(ProgressBar::no_length());
        Bar {
            screen,
            bar,
            matches: Arc::default(),
            total_known: None,
        }
    }

    fn draw(&mut self, snapshot: Snapshot) {
        self.matches.store(snapshot.matches, Ordering::Relaxed);
        let known = snapshot.bytes_total.is_some();
        if self.total_known.replace(known) != Some(known) {
            self.bar.set_style(self.style(known));
        }
        self.bar.update(|state| {
            state.set_pos(snapshot.bytes_done);
            state.set_len(snapshot.bytes_total.unwrap_or(0));
        });
    }

    /// Takes the bar off the screen until it is drawn again.
    fn clear(&mut self) {
        // Where standard error is closed, there is nothing to clear.
        let _ = self.screen.clear();
    }

    fn style(&self, total_known: bool) -> ProgressStyle {
        let template = if total_known {
            "{wide_bar} {text}"
        } else {
            "{spinner} {text}"
        };
        let matches = Arc::clone(&self.matches);
        let text = move |state: &ProgressState, out: &mut dyn fmt::Write| {
            let snapshot = Snapshot {
                bytes_done: state.pos(),
                bytes_total: state.len().filter(|_| total_known),
                matches: matches.load(Ordering::Relaxed),
            };
            // Text is written to a string here, which cannot fail.
            let _ = out.write_str(&described(snapshot, state.elapsed()));
        };
        ProgressStyle::with_template(template)
            .expect("both templates are well-formed")
            .progress_chars("=> ")
            .with_key("text", text)
    }
}

/// `snapshot` in words, `elapsed` after the start.
fn described(snapshot: Snapshot, elapsed: Duration) -> String {
    let Snapshot {
        bytes_done,
        bytes_total,
        matches,
    } = snapshot;
    let bytes_per_second = bytes_done as f64 / elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
    let mut text = BinaryBytes(bytes_done).to_string();
    if let Some(total) = bytes_total {
        text += &format!(" of {}", BinaryBytes(total));
    }
    text += &format!(", {}/s", BinaryBytes(bytes_per_second as u64));
    if let Some(total) = bytes_total.filter(|_| bytes_done > 0) {
        let left = total.saturating_sub(bytes_done) as f64 / bytes_per_second;
        text += &format!(", {} left", clock(left.ceil() as u64));
    }
    let noun = if matches == 1 { "match" } else { "matches" };
    text + &format!(", {} {noun}", HumanCount(matches))
}

/// Seconds as `12s`, `3m 07s` or `2h 05m`.
fn clock(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m {seconds:02}s"),
        (hours, minutes, _) => format!("{hours}h {minutes:02}m"),
    }
}

/// Standard error, as a terminal even if it is none: the user may want a bar in any case.
fn standard_error() -> ProgressDrawTarget {
    ProgressDrawTarget::term_like(Box::new(LikeTerminal {
        writer: io::stderr(),
        width: || Term::stderr().size().1.saturating_sub(ECHO_COLUMNS),
    }))
}

/// A writer that is a terminal, or that whoever reads it shows on one.
#[derive(Debug)]
struct LikeTerminal<W> {
    writer: W,
    /// The columns to draw in; a window may change its size.
    width: fn() -> u16,
}

impl<W> LikeTerminal<W>
where
    for<'a> &'a W: Write,
{
    fn write(&self, text: fmt::Arguments<'_>) -> io::Result<()> {
        (&self.writer).write_fmt(text)
    }

    fn move_cursor(&self, n: usize, direction: char) -> io::Result<()> {
        // A count of 0 would count as 1.
        if n == 0 {
            return Ok(());
        }
        self.write(format_args!("\x1b[{n}{direction}"))
    }
}

impl<W: fmt::Debug + Send + Sync> TermLike for LikeTerminal<W>
where
    for<'a> &'a W: Write,
{
    fn width(&self) -> u16 {
        (self.width)()
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'A')
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'B')
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'C')
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write(format_args!("{text}\n"))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.write(format_args!("{text}"))
    }

    fn clear_line(&self) -> io::Result<()> {
        self.write(format_args!("\r\x1b[2K"))
    }

    fn flush(&self) -> io::Result<()> {
        (&self.writer).flush()
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::time::Duration;

    use indicatif::ProgressDrawTarget;

    use super::{Bar, LikeTerminal, Snapshot, described};

    const KIB: u64 = 1 << 10;
    const GIB: u64 = 1 << 30;

    fn after(seconds: u64, snapshot: Snapshot) -> String {
        described(snapshot, Duration::from_secs(seconds))
    }

    #[test]
    fn a_known_total_gives_the_time_left() {
        let snapshot = Snapshot {
            bytes_done: GIB,
            bytes_total: Some(4 * GIB),
            matches: 1234,
        };
        assert_eq!(
            after(2, snapshot),
            "1.00 GiB of 4.00 GiB, 512.00 MiB/s, 6s left, 1,234 matches"
        );
        assert_eq!(
            after(100, snapshot),
            "1.00 GiB of 4.00 GiB, 10.24 MiB/s, 5m 00s left, 1,234 matches"
        );
        assert_eq!(
            after(3000, snapshot),
            "1.00 GiB of 4.00 GiB, 349.52 KiB/s, 2h 30m left, 1,234 matches"
        );
    }

    #[test]
    fn an_unknown_total_leaves_bytes_and_throughput() {
        let snapshot = Snapshot {
            bytes_done: 3 * KIB,
            bytes_total: None,
            matches: 1,
        };
        assert_eq!(after(1, snapshot), "3.00 KiB, 3.00 KiB/s, 1 match");
    }

    #[test]
    fn before_the_first_byte_no_time_is_foretold() {
        let snapshot = Snapshot {
            bytes_total: Some(GIB),
            ..Snapshot::default()
        };
        assert_eq!(after(0, snapshot), "0 B of 1.00 GiB, 0 B/s, 0 matches");
        assert_eq!(after(9, snapshot), "0 B of 1.00 GiB, 0 B/s, 0 matches");
    }

    #[test]
    fn a_bar_is_drawn_over_itself_and_leaves_an_empty_line() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("screen");
        let screen = LikeTerminal {
            writer: File::create(&path).unwrap(),
            width: || 80,
        };
        let mut bar = Bar::new(ProgressDrawTarget::term_like(Box::new(screen)));
        let known = Snapshot {
            bytes_total: Some(GIB),
            ..Snapshot::default()
        };
        bar.draw(known);
        bar.draw(Snapshot::default());
        bar.clear();
        let first = format!("{:>80}", "0 B of 1.00 GiB, 0 B/s, 0 matches");
        let second = format!("{:<80}", "⠉ 0 B, 0 B/s, 0 matches");
        assert_eq!(
            fs::read_to_string(path).unwrap(),
            format!("{first}\r\x1b[2K{second}\r\x1b[2K")
        );
    }

    #[test]
    fn a_source_that_grew_has_no_time_left() {
        let snapshot = Snapshot {
            bytes_done: 3 * KIB,
            bytes_total: Some(2 * KIB),
            matches: 0,
        };
        assert_eq!(
            after(1, snapshot),
            "3.00 KiB of 2.00 KiB, 3.00 KiB/s, 0s left, 0 matches"
        );
    }
}
