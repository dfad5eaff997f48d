//! Listeners: `tcp-listen://`, `udp-listen://` and `unix-listen://`.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::net::{TcpListener, UdpSocket, UnixListener, UnixStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::cleanup::Cleanup;
use super::lines;
use super::options::Options;
use super::records::Records;
use super::sink::Sink;
use crate::error::refusal;
use crate::link::{Failure, Listener, Persistence};

/// No datagram is longer.
const DATAGRAM_BYTES_MAX: usize = 64 * 1024;

/// So many datagrams are taken before what they hold is handed on.
const DATAGRAMS_MAX: usize = 64;

/// How long to wait where a connection cannot be taken: there may be too many open files.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Takes connections over TCP.
pub(super) async fn tcp(host: &str, port: u16, options: Options, sink: Sink) {
    let listen = || bind(host, port, TcpListener::bind);
    let Some(listener) = until_it_can(listen, &options, &sink).await else {
        return;
    };
    if let Ok(address) = listener.local_addr() {
        sink.connected(format!("listening on {address}"));
    }
    let mut connections = Connections::new(options, sink);
    loop {
        let accepted = listener.accept().await;
        let accepted = accepted.map(|(stream, peer)| (stream, peer.to_string()));
        connections.take(accepted).await;
    }
}

/// Takes connections over a Unix socket, which is made at `path`, and removed by `cleanup`.
pub(super) async fn unix(path: &Path, options: Options, sink: Sink, cleanup: &Cleanup) {
    let Some(listener) = until_it_can(|| bind_unix(path), &options, &sink).await else {
        return;
    };
    cleanup.remove_file(path);
    sink.connected("listening".to_owned());
    let mut connections = Connections::new(options, sink);
    loop {
        let accepted = listener.accept().await;
        let accepted = accepted.map(|(stream, _)| (stream, "a process".to_owned()));
        connections.take(accepted).await;
    }
}

/// Takes datagrams, each a record (RFC 5426).
///
/// What arrives while nothing is read waits in the system's buffer, and is lost where that is full:
/// the system does not tell.
pub(super) async fn udp(host: &str, port: u16, options: &Options, sink: &Sink) {
    let listen = || bind(host, port, UdpSocket::bind);
    let Some(socket) = until_it_can(listen, options, sink).await else {
        return;
    };
    if let Ok(address) = socket.local_addr() {
        sink.connected(format!("listening on {address}"));
    }
    let mut datagram = vec![0; DATAGRAM_BYTES_MAX];
    let mut records = Records::new(sink.begin());
    let take = |records: &mut Records<'_>, datagram: &[u8]| {
        if datagram.len() <= options.message_bytes_max {
            return records.push_line(datagram);
        }
        records.flush();
        sink.leave_out(options);
    };
    loop {
        sink.ready().await;
        match socket.recv(&mut datagram).await {
            Ok(bytes) => take(&mut records, &datagram[..bytes]),
            Err(error) => {
                sink.notice(format!("cannot receive: {}", refusal(&error)));
                sleep(ACCEPT_AGAIN).await;
                continue;
            }
        }
        for _ in 1..DATAGRAMS_MAX {
            match socket.try_recv(&mut datagram) {
                Ok(bytes) => take(&mut records, &datagram[..bytes]),
                Err(_) => break,
            }
        }
        records.flush();
    }
}

/// What `listen` gives, as often as it has to be tried; nothing where it is given up.
async fn until_it_can<T, F>(listen: impl Fn() -> F, options: &Options, sink: &Sink) -> Option<T>
where
    F: Future<Output = io::Result<T>>,
{
    let mut persistence = Persistence::new(options, sink);
    loop {
        let error = match listen().await {
            Ok(listener) => return Some(listener),
            Err(error) => error,
        };
        // Another process may be about to end.
        let failure = Failure::lasting(refusal(&error));
        if !persistence.cannot_listen(failure).await {
            return None;
        }
    }
}

/// The connections of a listener. Dropping it closes them.
struct Connections {
    options: Arc<Options>,
    sink: Arc<Sink>,
    tasks: JoinSet<()>,
    /// How many could not be taken, since there were too many.
    refused: u64,
}

impl Connections {
    fn new(options: Options, sink: Sink) -> Self {
        Self {
            options: Arc::new(options),
            sink: Arc::new(sink),
            tasks: JoinSet::new(),
            refused: 0,
        }
    }

    /// Reads a connection until it ends; `peer` says who it is.
    async fn take<S>(&mut self, accepted: io::Result<(S, String)>)
    where
        S: AsyncRead + Unpin + Send + 'static,
    {
        while self.tasks.try_join_next().is_some() {}
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                self.sink
                    .notice(format!("cannot take a connection: {}", refusal(&error)));
                return sleep(ACCEPT_AGAIN).await;
            }
        };
        if self.tasks.len() >= self.options.connections_max {
            self.refused += 1;
            if self.refused.is_power_of_two() {
                let most = self.options.connections_max;
                let refused = self.refused;
                self.sink.notice(format!(
                    "closing {peer}: there are {most} connections ({refused} closed so far)"
                ));
            }
            return;
        }
        let (options, sink) = (Arc::clone(&self.options), Arc::clone(&self.sink));
        self.tasks.spawn(async move {
            if let Err(reason) = lines::read_all(stream, &options, &sink, || {}).await {
                sink.notice(format!("lost {peer}: {reason}"));
            }
        });
    }
}

/// Binds to the first address of `host` that lets itself be bound; without a host to all.
async fn bind<T, F>(host: &str, port: u16, bind: impl Fn(SocketAddr) -> F) -> io::Result<T>
where
    F: Future<Output = io::Result<T>>,
{
    if host.is_empty() {
        let all_of_both = SocketAddr::from(([0_u16; 8], port));
        let all = SocketAddr::from(([0_u8; 4], port));
        return match bind(all_of_both).await {
            Ok(bound) => Ok(bound),
            Err(_) => bind(all).await,
        };
    }
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in lookup_host((host, port)).await? {
        match bind(address).await {
            Ok(bound) => return Ok(bound),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Makes a socket at `path`, also where one was left behind that nobody listens to.
async fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    use std::os::unix::fs::FileTypeExt;
    let error = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => error,
        bound => return bound,
    };
    let is_socket = std::fs::symlink_metadata(path)?.file_type().is_socket();
    let connected = UnixStream::connect(path).await.map_err(|it| it.kind());
    if !is_socket || !matches!(connected, Err(io::ErrorKind::ConnectionRefused)) {
        return Err(error);
    }
    std::fs::remove_file(path)?;
    UnixListener::bind(path)
}
