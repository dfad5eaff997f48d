//! `command = ["prog", "{rule}"]`: a program is run for each alert, without a shell.

use std::fmt;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use async_trait::async_trait;
use birl_source::error::refusal;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr};

use super::form;
use crate::alert::{Alert, State};
use crate::place::{Place, Undelivered};

/// `EX_DATAERR` of sysexits.h: what was given is wrong. The program will never take it.
const CODE_FOR_GOOD: i32 = 65;

/// An argument or a variable is cut here: Linux takes none of more than 128 KiB.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// So many fields become variables at most, and each of them is cut here.
const FIELDS_MAX: usize = 100;
const FIELD_BYTES_MAX: usize = 4 * 1024;

/// So much of what is written to standard error is kept, from its end.
const ERRORS_BYTES_MAX: usize = 4 * 1024;

/// So long may the reason be that is told of it.
const REASON_CHARS_MAX: usize = 300;

/// How long the end of standard error is waited for when the program has ended.
const REST_OF_ERRORS: Duration = Duration::from_millis(100);

/// Runs a program, which gets the alert on standard input, in its arguments and in variables.
pub(super) struct Command {
    program: String,
    arguments: Vec<Template>,
    timeout: Duration,
}

impl fmt::Debug for Command {
    /// Without the arguments: one may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.program)
    }
}

impl Command {
    /// # Errors
    ///
    /// If there is no program, or a brace is not closed.
    pub(super) fn new(command: Vec<String>, timeout: Duration) -> Result<Self, String> {
        let mut words = command.into_iter();
        let program = words.next().filter(|program| !program.is_empty());
        let program =
            program.ok_or("command is a program and its arguments: [\"prog\", \"{rule}\"]")?;
        if program.contains('/') && !Path::new(&program).exists() {
            return Err(format!("there is no program {program:?}"));
        }
        let arguments = words
            .map(|word| Template::parse(&word))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            program,
            arguments,
            timeout,
        })
    }

    fn start(&self, alert: &Alert) -> io::Result<Child> {
        tokio::process::Command::new(&self.program)
            .args(self.arguments.iter().map(|argument| argument.fill(alert)))
            .envs(variables(alert))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
    }
}

#[async_trait]
impl Place for Command {
    /// Dropping the future kills the program, and what it has started.
    async fn send(&self, alert: &Alert) -> Result<(), Undelivered> {
        let failed = |why: String| Undelivered::ForNow {
            reason: format!("cannot run {:?}: {why}", self.program),
            after: None,
        };
        let child = self.start(alert).map_err(|error| match error.kind() {
            // It will not be shorter next time.
            io::ErrorKind::ArgumentListTooLong => Undelivered::ForGood {
                reason: format!("cannot run {:?}: {}", self.program, refusal(&error)),
            },
            _ => failed(refusal(&error)),
        })?;
        let run = run(child, form::json(alert));
        let Ok(ended) = tokio::time::timeout(self.timeout, run).await else {
            let limit = self.timeout.as_secs_f64();
            return Err(failed(format!(
                "it did not end within {limit} s, and was killed"
            )));
        };
        let (status, errors) = ended.map_err(|error| failed(refusal(&error)))?;
        if status.success() {
            return Ok(());
        }
        let mut reason = format!("{:?} {}", self.program, ending(status));
        let last = errors
            .lines()
            .rev()
            .map(str::trim)
            .find(|line| !line.is_empty());
        if let Some(line) = last {
            let line: String = line.chars().take(REASON_CHARS_MAX).collect();
            reason += &format!(": {}", line.escape_debug());
        }
        Err(match status.code() {
            Some(CODE_FOR_GOOD) => Undelivered::ForGood { reason },
            _ => Undelivered::ForNow {
                reason,
                after: None,
            },
        })
    }
}

/// Gives `input` to a program, and waits until it has ended; with the end of what it said.
async fn run(mut child: Child, input: String) -> io::Result<(ExitStatus, String)> {
    let group = Group::of(&child);
    let (Some(mut stdin), Some(stderr)) = (child.stdin.take(), child.stderr.take()) else {
        unreachable!("both are pipes");
    };
    let give = async move {
        // A program may well not read it.
        let _ = stdin.write_all(input.as_bytes()).await;
    };
    let mut errors = Errors::new(stderr);
    let waited = tokio::select! {
        status = child.wait() => status,
        // Both go on until the program has ended.
        never = async { tokio::join!(give, errors.read_to_end()); std::future::pending().await } => never,
    };
    // What it has left behind may hold standard error open.
    let _ = tokio::time::timeout(REST_OF_ERRORS, errors.read_to_end()).await;
    group.leave();
    Ok((waited?, errors.text()))
}

/// A group of processes that is killed when this is dropped, unless its leader has been waited for.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(Pid::from_raw))
    }

    /// The leader has ended, and its number may be another's.
    fn leave(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Its processes may have ended by themselves.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

fn ending(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

/// The end of what a program says on standard error.
struct Errors {
    stderr: ChildStderr,
    last: Vec<u8>,
}

impl Errors {
    fn new(stderr: ChildStderr) -> Self {
        Self {
            stderr,
            last: Vec::new(),
        }
    }

    /// Dropping the future loses nothing.
    async fn read_to_end(&mut self) {
        let mut block = [0; 1024];
        while let Ok(read @ 1..) = self.stderr.read(&mut block).await {
            self.last.extend_from_slice(&block[..read]);
            let surplus = self.last.len().saturating_sub(ERRORS_BYTES_MAX);
            self.last.drain(..surplus);
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.last).into_owned()
    }
}

/// An argument with names in braces; `{{` and `}}` are braces.
#[derive(Debug, PartialEq, Eq)]
struct Template(Vec<Piece>);

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Name(String),
}

impl Template {
    fn parse(argument: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut rest = argument;
        while let Some(at) = rest.find(['{', '}']) {
            text += &rest[..at];
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(behind) = rest.strip_prefix(brace) {
                text += brace;
                rest = behind;
                continue;
            }
            let (name, behind) = match (brace, rest.split_once('}')) {
                ("{", Some((name, behind))) if is_name(name) => (name, behind),
                _ => {
                    return Err(format!(
                        "a brace in {argument:?} is around no name of a field: {{rule}} is one, and a \
                         brace itself is {{{{ or }}}}"
                    ));
                }
            };
            pieces.push(Piece::Text(std::mem::take(&mut text)));
            pieces.push(Piece::Name(name.to_owned()));
            rest = behind;
        }
        text += rest;
        pieces.push(Piece::Text(text));
        Ok(Self(pieces))
    }

    fn fill(&self, alert: &Alert) -> String {
        let pieces = self.0.iter().map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Name(name) => field(alert, name),
        });
        argument(&pieces.collect::<String>(), TEXT_BYTES_MAX)
    }
}

/// Whether a text may be the name of a field, and not a piece of a script.
fn is_name(text: &str) -> bool {
    let is_part = |letter: char| letter.is_alphanumeric() || "_.@-".contains(letter);
    !text.is_empty() && text.chars().all(is_part)
}

/// The field of an alert that has this name: one of its own, of the group, or of the row; else
/// nothing.
fn field(alert: &Alert, name: &str) -> String {
    if let Some((_, value)) = own(alert).into_iter().find(|(own, _)| *own == name) {
        return value;
    }
    let in_group = alert.group.iter().find(|(field, _)| field == name);
    match (in_group, alert.values.get(name)) {
        (Some((_, value)), _) => value.clone(),
        (None, Some(value)) => as_text(value),
        (None, None) => String::new(),
    }
}

/// What every alert has.
fn own(alert: &Alert) -> [(&'static str, String); 10] {
    let window = |at: fn(&crate::alert::Window) -> i64| {
        alert
            .window
            .as_ref()
            .map_or(String::new(), |window| form::time(at(window)))
    };
    let state = match alert.state {
        State::Firing => "firing",
        State::Resolved => "resolved",
    };
    [
        ("id", alert.id.clone()),
        ("rule", alert.rule.clone()),
        ("state", state.to_owned()),
        ("text", alert.text.clone()),
        ("since", form::time(alert.since)),
        ("at", form::time(alert.at)),
        ("window_start", window(|window| window.start)),
        ("window_end", window(|window| window.end)),
        ("samples", alert.samples.join("\n")),
        ("ask", alert.ask.clone()),
    ]
}

/// `BIRL_ALERT_RULE` and its like, `BIRL_ALERT_GROUP_…` and `BIRL_ALERT_VALUE_…`.
fn variables(alert: &Alert) -> Vec<(String, String)> {
    let own = own(alert).into_iter();
    let own = own.map(|(name, value)| (variable("", name), argument(&value, TEXT_BYTES_MAX)));
    let group = alert.group.iter();
    let group = group.map(|(name, value)| (variable("GROUP_", name), value.clone()));
    let values = alert.values.iter();
    let values = values.map(|(name, value)| (variable("VALUE_", name), as_text(value)));
    let fields = group.chain(values).take(FIELDS_MAX);
    let fields = fields.map(|(name, value)| (name, argument(&value, FIELD_BYTES_MAX)));
    own.chain(fields).collect()
}

fn variable(kind: &str, name: &str) -> String {
    let name = name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
    format!("BIRL_ALERT_{kind}{}", name.to_ascii_uppercase())
}

fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A text as a program can be given it: without a byte 0, and not too long.
fn argument(text: &str, bytes_max: usize) -> String {
    text[..text.floor_char_boundary(bytes_max)].replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read;

    use super::*;
    use crate::alert::testing::{alert, endless};

    const LONG: Duration = Duration::from_secs(60);

    fn command(words: &[&str], timeout: Duration) -> Command {
        let words = words.iter().map(|word| (*word).to_owned());
        Command::new(words.collect(), timeout).unwrap()
    }

    #[tokio::test]
    async fn a_program_gets_the_alert_in_three_ways() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("got");
        let script = r#"(printf '%s\n' "$@"; env | grep ^BIRL_ALERT_ | sort; cat) > "$0""#;
        let place = command(
            &[
                "sh",
                "-c",
                script,
                path.to_str().unwrap(),
                "{rule}/{service}",
                "-{count};$(id) {{}}{nothing}",
            ],
            LONG,
        );
        place.send(&alert()).await.unwrap();
        let expected = [
            "error-burst/api",
            "-73;$(id) {}",
            "BIRL_ALERT_ASK=birl --since 14:05 --until 14:06 'level:error' app.log",
            "BIRL_ALERT_AT=2026-03-14T14:06:00Z",
            "BIRL_ALERT_GROUP_SERVICE=api",
            "BIRL_ALERT_ID=9f86d081884c7d65",
            "BIRL_ALERT_RULE=error-burst",
            "BIRL_ALERT_SAMPLES={\"level\":\"error\",\"message\":\"timeout\"}",
            "BIRL_ALERT_SINCE=2026-03-14T14:05:05Z",
            "BIRL_ALERT_STATE=firing",
            "BIRL_ALERT_TEXT=api: 73 errors in a minute",
            "BIRL_ALERT_VALUE_COUNT=73",
            "BIRL_ALERT_VALUE_SERVICE=api",
            "BIRL_ALERT_WINDOW_END=2026-03-14T14:06:00Z",
            "BIRL_ALERT_WINDOW_START=2026-03-14T14:05:00Z",
            &form::json(&alert()),
        ];
        assert_eq!(fs::read_to_string(path).unwrap(), expected.join("\n"));
    }

    #[tokio::test]
    async fn a_failure_says_how_the_program_ended_and_what_it_said() {
        let ended = |reason: &str| Undelivered::ForNow {
            reason: reason.to_owned(),
            after: None,
        };
        let cases = [
            (
                "echo no >&2; echo ' room\u{1b}' >&2; exit 3",
                ended("\"sh\" ended with code 3: room\\u{1b}"),
            ),
            ("kill -9 $$", ended("\"sh\" was ended by signal 9")),
            (
                "exit 65",
                Undelivered::ForGood {
                    reason: "\"sh\" ended with code 65".to_owned(),
                },
            ),
        ];
        for (script, expected) in cases {
            assert_eq!(
                command(&["sh", "-c", script], LONG).send(&alert()).await,
                Err(expected)
            );
        }
        let missing = command(&["birl-no-such-program"], LONG)
            .send(&alert())
            .await;
        assert_eq!(
            missing,
            Err(ended(
                "cannot run \"birl-no-such-program\": no such file or directory"
            ))
        );
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_given_up() {
        let place = command(&["sleep", "1000"], Duration::from_millis(50));
        let reason = "cannot run \"sleep\": it did not end within 0.05 s, and was killed";
        let hangs = Undelivered::ForNow {
            reason: reason.to_owned(),
            after: None,
        };
        assert_eq!(place.send(&alert()).await, Err(hangs));
    }

    #[tokio::test]
    async fn what_is_given_up_is_killed_with_what_it_has_started() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        // Both processes hold the pipe open: its end is read when both are gone.
        let script = "exec 3> \"$0\"; echo >&3; sleep 1000 & sleep 1000";
        let place = command(&["sh", "-c", script, path.to_str().unwrap()], LONG);
        let (started, has_started) = tokio::sync::oneshot::channel();
        let read = tokio::task::spawn_blocking(move || {
            let mut pipe = fs::File::open(path).unwrap();
            pipe.read_exact(&mut [0]).unwrap();
            started.send(()).unwrap();
            pipe.read(&mut [0]).unwrap()
        });
        let alert = alert();
        tokio::select! {
            taken = place.send(&alert) => panic!("it ended: {taken:?}"),
            started = has_started => started.unwrap(),
        }
        assert_eq!(read.await.unwrap(), 0);
    }

    #[tokio::test]
    async fn an_alert_of_any_size_is_taken_by_a_program_that_reads_nothing() {
        let mut endless = endless();
        endless.text.insert(0, '\0');
        command(&["true", "{text}", "{samples}"], LONG)
            .send(&endless)
            .await
            .unwrap();
    }

    #[test]
    fn a_brace_without_a_name_is_an_error() {
        for wrong in ["{", "a}b", "{rule", "{}", "f() { echo; }"] {
            assert!(Template::parse(wrong).is_err(), "{wrong}");
        }
    }
}
