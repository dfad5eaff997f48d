//! A unix socket that says how things are: each connection gets the status as one line of JSON, and is
//! closed.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use birl_source::error::refusal;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::Status;
use crate::store::now;

/// How long whoever asks may take to read the answer.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest status that is read.
const STATUS_BYTES_MAX: u64 = 64 << 20;

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
    /// Answers at `path` by what is in `status` then. The directory is made if it is missing; only its
    /// owner gets in. What a process has left there that is no more is replaced.
    ///
    /// # Errors
    ///
    /// If somebody answers there already, or as the system says.
    pub fn bind(path: &Path, status: watch::Receiver<Status>) -> Result<Self, SocketError> {
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
            task: tokio::spawn(answer(listener, status)),
        })
    }
}

async fn answer(listener: UnixListener, status: watch::Receiver<Status>) {
    loop {
        let mut stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            // Too many files are open, for instance.
            Err(_) => {
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
        };
        let mut line = json(&status);
        line.push('\n');
        // One at a time, so that nobody can make many wait. Who does not read it has not asked.
        let _ = timeout(READ_TIMEOUT, stream.write_all(line.as_bytes())).await;
    }
}

fn json(status: &watch::Receiver<Status>) -> String {
    let status = Status {
        at: now(),
        ..status.borrow().clone()
    };
    serde_json::to_string(&status).expect("it has only texts, numbers and names")
}

/// Asks the first of `paths` where somebody answers. It blocks.
///
/// # Errors
///
/// If nobody answers, or what answers is no birl.
pub fn read(paths: &[PathBuf]) -> Result<Status, SocketError> {
    const HINT: &str = "is birl run at work, as the same user? Where its file says status = \"PATH\", name that: birl status PATH";
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
    let cannot = |why: &str| SocketError::new("ask for the status at", path, why, HINT);
    let mut line = String::new();
    let asked = connected.and_then(|stream| {
        stream.set_read_timeout(Some(READ_TIMEOUT))?;
        stream.take(STATUS_BYTES_MAX).read_to_string(&mut line)
    });
    asked.map_err(|error| cannot(&refusal(&error)))?;
    serde_json::from_str(&line).map_err(|_| cannot("what answers is no birl of this version"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(path: &Path) -> Status {
        read(&[path.to_owned()]).unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn whoever_asks_gets_the_status_as_it_is_then() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new/status.sock");
        let status = watch::Sender::new(Status {
            process: 7,
            ..Status::default()
        });
        let socket = Socket::bind(&path, status.subscribe()).unwrap();
        assert_eq!(ask(&path).process, 7);
        status.send_modify(|status| status.process = 8);
        let told = ask(&path);
        assert_eq!(told.process, 8);
        assert!(told.at > 0);
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        let second = Socket::bind(&path, status.subscribe()).unwrap_err();
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
        let socket = Socket::bind(&path, status.subscribe()).unwrap();
        ask(&path);
        drop(socket);
        fs::write(&path, "mine").unwrap();
        assert!(Socket::bind(&path, status.subscribe()).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
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
