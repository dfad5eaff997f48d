//! Where answers are printed: standard output, or a pager before it.

use std::ffi::OsStr;
use std::fs::File;
use std::future::{Future, pending};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::{self, JoinHandle};

use anyhow::{Result, anyhow};
use tokio::io::Interest;
use tokio::net::unix::pipe::Sender;
use tokio::sync::watch;

use birl_source::error::refusal;

/// The command of a pager.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Pager {
    program: String,
    arguments: Vec<String>,
}

impl Pager {
    /// `less`, which passes colours on, ends where the text fits the screen, and leaves it there.
    pub(crate) fn less() -> Pager {
        Pager {
            program: "less".to_owned(),
            // Explicit, and so also right where LESS is set to something else.
            arguments: vec!["-RFX".to_owned()],
        }
    }

    /// Splits a command as a shell does; `None` where it is empty or `cat`, which pages nothing.
    ///
    /// # Errors
    ///
    /// Fails for a quote that is not closed, and for what is not UTF-8.
    pub(crate) fn parse(command: &OsStr) -> Result<Option<Pager>> {
        let mut words = command
            .to_str()
            .and_then(shlex::split)
            .ok_or_else(|| anyhow!("cannot read the command in BIRL_PAGER: {command:?}"))?
            .into_iter();
        let program = words.next().filter(|program| program != "cat");
        Ok(program.map(|program| Pager {
            program,
            arguments: words.collect(),
        }))
    }

    fn start(&self) -> io::Result<Child> {
        Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .spawn()
    }
}

/// Where answers are printed.
///
/// It is not buffered. A pager starts at the first write, so that what finds nothing shows
/// nothing, and the terminal is free until then. While it runs, Ctrl-C is for the pager: who
/// handles the signal asks [`is_paging`](Printer::is_paging) and leaves it alone.
///
/// Once the user quits the pager, writing fails with [`io::ErrorKind::BrokenPipe`], as it does
/// for any closed pipe. Closing or dropping this waits until the pager has ended.
#[derive(Debug)]
pub(crate) struct Printer {
    state: State,
    quit: watch::Sender<bool>,
}

#[derive(Debug)]
enum State {
    Direct(File),
    Waiting(Pager),
    Paging(Paging),
    Closed,
}

impl Printer {
    /// Prints through `pager`, or to standard output.
    ///
    /// # Errors
    ///
    /// Fails if standard output cannot be duplicated.
    pub(crate) fn new(pager: Option<Pager>) -> io::Result<Printer> {
        Ok(Printer {
            state: match pager {
                Some(pager) => State::Waiting(pager),
                None => State::Direct(standard_output()?),
            },
            quit: watch::Sender::new(false),
        })
    }

    /// Whether a pager is running, or was until it was quit.
    pub(crate) fn is_paging(&self) -> bool {
        matches!(self.state, State::Paging(_))
    }

    /// Ends the text for a pager that is running, and waits until it has ended.
    pub(crate) fn close_pager(&mut self) {
        if self.is_paging() {
            self.state = State::Closed;
        }
    }

    /// Waits until the user quits the pager; for ever where there is none.
    ///
    /// A search that finds nothing more writes nothing more, and would not learn otherwise that
    /// nobody is waiting for it. Dropping the future does nothing.
    pub(crate) fn quit(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut quit = self.quit.subscribe();
        async move {
            if quit.wait_for(|quit| *quit).await.is_err() {
                pending().await
            }
        }
    }

    /// Waits until nobody reads what is written to standard output any more; for ever where that
    /// cannot be told before something is written.
    ///
    /// Who follows a source may have nothing to write for a long time. Dropping the future does
    /// nothing.
    pub(crate) fn reader_gone(&self) -> impl Future<Output = ()> + Send + use<> {
        let output = match &self.state {
            State::Direct(file) => file.try_clone().ok(),
            _ => None,
        };
        async move {
            // What cannot be watched, such as a file, has no reader who could go. Unchecked, since
            // it is only watched, and whoever else writes to it expects it to block.
            let output = output.and_then(|file| Sender::from_file_unchecked(file).ok());
            let gone = match &output {
                Some(output) => output.ready(Interest::ERROR).await.is_ok(),
                None => false,
            };
            if !gone {
                pending().await
            }
        }
    }

    fn destination(&mut self) -> io::Result<&mut dyn Write> {
        if let State::Waiting(pager) = &self.state {
            self.state = match pager.start() {
                Ok(child) => State::Paging(Paging::new(child, self.quit.clone())),
                Err(error) => {
                    report_missing(pager, &error);
                    State::Direct(standard_output()?)
                }
            };
        }
        match &mut self.state {
            State::Direct(file) => Ok(file),
            State::Paging(paging) => paging.stdin(),
            State::Closed => Err(io::ErrorKind::BrokenPipe.into()),
            State::Waiting(_) => unreachable!("the pager was started above"),
        }
    }
}

impl Write for Printer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        self.destination()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A pager that was started.
#[derive(Debug)]
struct Paging {
    /// There until the text is at its end.
    stdin: Option<ChildStdin>,
    /// Ends with the pager.
    waiter: Option<JoinHandle<()>>,
}

impl Paging {
    fn new(mut child: Child, quit: watch::Sender<bool>) -> Paging {
        let stdin = child.stdin.take();
        let waiter = thread::spawn(move || {
            // Whatever its exit code says, the pager has gone.
            let _ = child.wait();
            quit.send_replace(true);
        });
        Paging {
            stdin,
            waiter: Some(waiter),
        }
    }

    fn stdin(&mut self) -> io::Result<&mut dyn Write> {
        match &mut self.stdin {
            Some(stdin) => Ok(stdin),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}

impl Drop for Paging {
    fn drop(&mut self) {
        // The pager learns that it has everything before it is waited for.
        self.stdin = None;
        if let Some(waiter) = self.waiter.take() {
            let _ = waiter.join();
        }
    }
}

/// Standard output without the line buffer of the standard library: whole blocks are written.
fn standard_output() -> io::Result<File> {
    Ok(io::stdout().as_fd().try_clone_to_owned()?.into())
}

/// Says that `pager` did not start, unless it is the one that nobody asked for by name.
fn report_missing(pager: &Pager, error: &io::Error) {
    if *pager != Pager::less() {
        let _ = writeln!(
            io::stderr(),
            "birl: cannot start the pager {:?}, so printing without it: {}",
            pager.program,
            refusal(error)
        );
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::io::{self, Write};
    use std::path::Path;

    use super::{Pager, Printer};

    fn pager(command: &str) -> Pager {
        Pager::parse(OsStr::new(command)).unwrap().unwrap()
    }

    /// A pager that copies its input to `path`, after `before` was run.
    fn copying_to(path: &Path, before: &str) -> Pager {
        Pager {
            program: "sh".to_owned(),
            arguments: vec![
                "-c".to_owned(),
                format!("{before} cat > \"$0\""),
                path.to_str().unwrap().to_owned(),
            ],
        }
    }

    #[test]
    fn a_command_is_split_as_in_a_shell() {
        assert_eq!(
            pager("'/opt/my less' -R  --prompt=\"a b\""),
            Pager {
                program: "/opt/my less".to_owned(),
                arguments: vec!["-R".to_owned(), "--prompt=a b".to_owned()],
            }
        );
    }

    #[test]
    fn nothing_and_cat_are_no_pager() {
        for command in ["", "  ", "cat"] {
            assert_eq!(Pager::parse(OsStr::new(command)).unwrap(), None);
        }
    }

    #[test]
    fn an_unclosed_quote_is_an_error() {
        assert_eq!(
            Pager::parse(OsStr::new("less 'x")).unwrap_err().to_string(),
            "cannot read the command in BIRL_PAGER: \"less 'x\""
        );
    }

    #[test]
    fn dropping_the_printer_waits_for_the_pager() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("printed");
        let mut printer = Printer::new(Some(copying_to(&path, ""))).unwrap();
        printer.write_all(b"one\n").unwrap();
        printer.write_all(b"two\n").unwrap();
        drop(printer);
        assert_eq!(fs::read_to_string(path).unwrap(), "one\ntwo\n");
    }

    #[test]
    fn closing_the_pager_waits_for_it_too() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("printed");
        let mut printer = Printer::new(Some(copying_to(&path, ""))).unwrap();
        printer.write_all(b"one\n").unwrap();
        printer.close_pager();
        assert_eq!(fs::read_to_string(path).unwrap(), "one\n");
        assert!(!printer.is_paging());
        assert_eq!(
            printer.write_all(b"two\n").unwrap_err().kind(),
            io::ErrorKind::BrokenPipe
        );
    }

    #[test]
    fn no_pager_starts_before_there_is_something_to_print() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("printed");
        let mut printer = Printer::new(Some(copying_to(&path, ""))).unwrap();
        printer.write_all(b"").unwrap();
        assert!(!printer.is_paging());
        drop(printer);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_pager_that_was_quit_is_a_closed_pipe() {
        let mut printer = Printer::new(Some(pager("sh -c 'read line'"))).unwrap();
        printer.write_all(b"one\n").unwrap();
        assert!(printer.is_paging());
        printer.quit().await;
        assert_eq!(
            printer.write_all(b"two\n").unwrap_err().kind(),
            io::ErrorKind::BrokenPipe
        );
    }

    #[test]
    fn without_its_pager_the_printer_goes_on_to_standard_output() {
        let mut printer = Printer::new(Some(pager("/nonexistent/pager"))).unwrap();
        printer.write_all(b"\n").unwrap();
        assert!(!printer.is_paging());
    }
}
