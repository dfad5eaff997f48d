//! A unix socket that says how things are, and at which people ask for more: each connection gets the status
//! as one line of JSON, and then for each line of JSON that it sends another one (`control::asked`).

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use birl_source::error::refusal;
use rustix::process::geteuid;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream as Connection};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use super::Status;
use crate::control::Control;

/// How long whoever asks may take to read an answer.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

/// How long nothing may be asked. Whoever reads to the end waits for that.
const ASK_TIMEOUT: Duration = Duration::from_secs(2);

/// How long an answer may take: a file of rules may be read again meanwhile, and records looked for.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// The longest answer that is read.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// The longest line that asks for something.
const ASKED_BYTES_MAX: u64 = 64 << 10;

/// So many are answered at a time.
const CONNECTIONS_MAX: usize = 16;

/// Where the socket may be: a `birl run` is at the first, and `birl status` looks at each, by the
/// variables of the environment.
///
/// They are in the directory that systemd has made for the service, in that of the user's session, and
/// in that of the system.
pub fn paths(variable: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let absolute = |name: &str| {
        variable(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let service = variable("RUNTIME_DIRECTORY").and_then(|list| {
        // It may be several, with colons between them.
        let first = list.to_str()?.split(':').next().map(PathBuf::from);
        first.filter(|path| path.is_absolute())
    });
    let session = absolute("XDG_RUNTIME_DIR").map(|directory| directory.join("birl"));
    let directories = [service, session, Some(PathBuf::from("/run/birl"))];
    directories
        .into_iter()
        .flatten()
        .map(|directory| directory.join("status.sock"))
        .collect()
}

/// Why there is no socket, or no answer from one.
#[derive(Debug)]
pub struct SocketError {
    message: String,
    hint: &'static str,
}

impl SocketError {
    fn new(act: &str, path: &Path, why: &str, hint: &'static str) -> Self {
        Self {
            message: format!("cannot {act} {path:?}: {why}"),
            hint,
        }
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn hint(&self) -> &'static str {
        self.hint
    }
}

impl fmt::Display for SocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n\nhint: {}", self.message, self.hint)
    }
}

impl std::error::Error for SocketError {}

/// A socket that answers. Dropping it ends that, and removes it.
#[derive(Debug)]
pub struct Socket {
    path: PathBuf,
    task: JoinHandle<()>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.task.abort();
        // Whoever removed it before has done the same.
        let _ = fs::remove_file(&self.path);
    }
}

impl Socket {
    /// Answers at `path` what is asked of the run that `control` is of. The directory is made if it is
    /// missing; only its owner gets in, and root. What a process has left there that is no more is replaced.
    ///
    /// # Errors
    ///
    /// If somebody answers there already, or as the system says.
    pub fn bind(path: &Path, control: Control) -> Result<Self, SocketError> {
        const HINT: &str = "name another: status = \"PATH\"";
        let cannot = |why: &str| SocketError::new("tell the status at", path, why, HINT);
        let refused = |error: io::Error| cannot(&refusal(&error));
        if let Some(directory) = path.parent().filter(|it| !it.as_os_str().is_empty()) {
            let made = DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(directory);
            made.map_err(refused)?;
        }
        let listener = match UnixListener::bind(path) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                if UnixStream::connect(path).is_ok() {
                    return Err(cannot("another birl run answers there"));
                }
                let is_socket = fs::symlink_metadata(path).is_ok_and(|metadata| {
                    use std::os::unix::fs::FileTypeExt;
                    metadata.file_type().is_socket()
                });
                if !is_socket {
                    return Err(cannot("it is no socket"));
                }
                fs::remove_file(path).and_then(|()| UnixListener::bind(path))
            }
            bound => bound,
        };
        let listener = listener.map_err(refused)?;
        fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(refused)?;
        Ok(Self {
            path: path.to_owned(),
            task: tokio::spawn(answer(listener, control)),
        })
    }
}

async fn answer(listener: UnixListener, control: Control) {
    let mut connections = JoinSet::new();
    loop {
        while connections.len() >= CONNECTIONS_MAX {
            connections.join_next().await;
        }
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            // Between its making and the change of its mode others may have come.
            Ok((stream, _)) if is_owner(&stream) => {
                connections.spawn(answer_one(stream, control.clone()));
            }
            Ok(_) => {}
            // Too many files are open, for instance.
            Err(_) => tokio::time::sleep(Duration::from_secs(1)).await,
        }
    }
}

fn is_owner(stream: &Connection) -> bool {
    let peer = stream.peer_cred().map(|peer| peer.uid());
    peer.is_ok_and(|peer| peer == geteuid().as_raw() || peer == 0)
}

async fn answer_one(mut stream: Connection, control: Control) {
    let (read, mut write) = stream.split();
    let mut read = tokio::io::BufReader::new(read);
    let status = serde_json::to_string(&control.status());
    let mut answer = status.expect("it has only texts, numbers and names");
    loop {
        answer.push('\n');
        let written = timeout(READ_TIMEOUT, write.write_all(answer.as_bytes()));
        // Who does not read it has not asked.
        let Ok(Ok(())) = written.await else { return };
        let mut line = Vec::new();
        let mut limited = (&mut read).take(ASKED_BYTES_MAX);
        let asked = limited.read_until(b'\n', &mut line);
        match timeout(ASK_TIMEOUT, asked).await {
            Ok(Ok(_)) if line.pop() == Some(b'\n') => answer = control.answer_line(&line).await,
            _ => return,
        }
    }
}

/// Asks the first of `paths` where somebody answers how things are. It blocks.
///
/// # Errors
///
/// If nobody answers, or what answers is no birl.
pub fn read(paths: &[PathBuf]) -> Result<Status, SocketError> {
    let status = talk(paths, "ask for the status at", None)?;
    Ok(status.0)
}

/// Asks the first of `paths` where somebody answers for what stands on a line; gives the line that it answers.
/// It blocks.
///
/// # Errors
///
/// As [`read()`].
pub(crate) fn ask(paths: &[PathBuf], line: &str) -> Result<String, SocketError> {
    let answer = talk(paths, "ask the birl run at", Some(line))?;
    Ok(answer.1)
}

fn talk(
    paths: &[PathBuf],
    act: &str,
    asked: Option<&str>,
) -> Result<(Status, String), SocketError> {
    const HINT: &str = "is birl run at work, as the same user? Where its file says status = \"PATH\", name that: --socket PATH";
    // One that a process left behind that was killed takes nobody.
    let mut tried = paths.iter().map(|path| (path, UnixStream::connect(path)));
    let connected = tried.find(|(_, connected)| connected.is_ok());
    let (path, connected) = match (
        connected,
        paths.iter().find(|it| it.exists()).or(paths.last()),
    ) {
        (Some((path, connected)), _) => (path.as_path(), connected),
        (None, Some(path)) => (path.as_path(), UnixStream::connect(path)),
        (None, None) => (Path::new(""), Err(io::ErrorKind::NotFound.into())),
    };
    let cannot = |why: &str| SocketError::new(act, path, why, HINT);
    let talked = connected.and_then(|stream| {
        stream.set_read_timeout(Some(READ_TIMEOUT))?;
        let mut reader = BufReader::new(&stream);
        let status = read_line(&mut reader)?;
        let Some(asked) = asked else {
            return Ok((status, String::new()));
        };
        writeln!(&stream, "{asked}")?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        Ok((status, read_line(&mut reader)?))
    });
    let (status, answer) = talked.map_err(|error| cannot(&refusal(&error)))?;
    let status = serde_json::from_str(&status);
    let status = status.map_err(|_| cannot("what answers is no birl of this version"))?;
    Ok((status, answer))
}

fn read_line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    reader.take(ANSWER_BYTES_MAX).read_line(&mut line)?;
    Ok(line)
}

#[cfg(test)]
mod tests {
    use tokio::sync::watch;

    use super::*;
    use crate::control;

    fn status_at(path: &Path) -> Status {
        read(&[path.to_owned()]).unwrap()
    }

    /// What can be asked of a run that keeps `status` up to date, as long as it is kept.
    fn control(status: &watch::Sender<Status>) -> Control {
        control::channel(status.subscribe()).0
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn whoever_asks_gets_the_status_as_it_is_then() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new/status.sock");
        let status = watch::Sender::new(Status {
            process: 7,
            ..Status::default()
        });
        let socket = Socket::bind(&path, control(&status)).unwrap();
        assert_eq!(status_at(&path).process, 7);
        status.send_modify(|status| status.process = 8);
        let told = status_at(&path);
        assert_eq!(told.process, 8);
        assert!(told.at > 0);
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        let second = Socket::bind(&path, control(&status)).unwrap_err();
        assert_eq!(
            second.to_string(),
            format!(
                "cannot tell the status at {path:?}: another birl run answers there\n\n\
                 hint: name another: status = \"PATH\""
            )
        );
        drop(socket);
        assert!(!path.exists());
        let nobody = read(std::slice::from_ref(&path)).unwrap_err().to_string();
        let expected =
            format!("cannot ask for the status at {path:?}: no such file or directory\n");
        assert!(nobody.starts_with(&expected), "{nobody}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_a_dead_process_left_is_replaced_and_a_file_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("status.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let status = watch::Sender::new(Status::default());
        let socket = Socket::bind(&path, control(&status)).unwrap();
        status_at(&path);
        drop(socket);
        fs::write(&path, "mine").unwrap();
        assert!(Socket::bind(&path, control(&status)).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn each_line_that_asks_gets_a_line() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("status.sock");
        let status = watch::Sender::new(Status::default());
        // The run has ended: it refuses all that is asked.
        let _socket = Socket::bind(&path, control(&status)).unwrap();
        let stream = UnixStream::connect(&path).unwrap();
        let mut reader = BufReader::new(&stream);
        serde_json::from_str::<Status>(&read_line(&mut reader).unwrap()).unwrap();
        let mut answer = |asked: &str| {
            writeln!(&stream, "{asked}").unwrap();
            let answer: serde_json::Value =
                serde_json::from_str(&read_line(&mut reader).unwrap()).unwrap();
            answer["error"]["message"].as_str().unwrap().to_owned()
        };
        assert_eq!(
            answer(r#"{"ask":"nothing"}"#).split(',').next().unwrap(),
            "this asks nothing: unknown variant `nothing`"
        );
        let ended = "the rules do not run any more";
        assert_eq!(answer(r#"{"ask":"alerts"}"#), ended);
        assert_eq!(answer(r#"{"ask":"ack","alert":"abcd","by":"ann"}"#), ended);
        let long = "x".repeat(1001);
        let asked = format!(r#"{{"ask":"ack","alert":"abcd","by":"ann","comment":"{long}"}}"#);
        assert_eq!(answer(&asked), "a comment has at most 1000 characters");
        // Nobody waits for the end of a line that has none.
        let endless = "x".repeat(ASKED_BYTES_MAX as usize);
        write!(&stream, "{endless}").unwrap();
        assert_eq!(read_line(&mut reader).unwrap_or_default(), "");
    }

    #[test]
    fn the_socket_is_where_the_environment_says() {
        let paths = |variables: &[(&str, &str)]| {
            let value = |name: &str| {
                let found = variables.iter().find(|(own, _)| *own == name);
                found.map(|(_, value)| OsString::from(value))
            };
            super::paths(value)
                .iter()
                .map(|path| path.display().to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(paths(&[]), ["/run/birl/status.sock"]);
        assert_eq!(
            paths(&[
                ("RUNTIME_DIRECTORY", "/run/a:/run/b"),
                ("XDG_RUNTIME_DIR", "/run/user/1")
            ]),
            [
                "/run/a/status.sock",
                "/run/user/1/birl/status.sock",
                "/run/birl/status.sock"
            ]
        );
        assert_eq!(
            paths(&[("XDG_RUNTIME_DIR", "relative")]),
            ["/run/birl/status.sock"]
        );
    }
}
