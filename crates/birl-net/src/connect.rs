//! An address → a connection, by way of a proxy where one is due.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::OnceCell;
use tokio::time::sleep;

use crate::error::Error;
use crate::http::Kept;
use crate::proxy::{Kind, Proxies, Proxy};
use crate::request::{Secret, basic};
use crate::tls::{Over, Tls};

/// Bytes in both directions, however they travel. Dropping it closes it.
pub type Connection = Box<dyn Io>;

/// What a [`Connection`] can do.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// How long the first address of a host is tried before the second is tried too (RFC 8305).
const STAGGER: Duration = Duration::from_millis(250);

/// The longest answer of a proxy that is read.
const PROXY_ANSWER_BYTES_MAX: usize = 16 * 1024;

/// Makes connections.
#[derive(Debug)]
pub struct Connector {
    proxies: Proxies,
    ca_file: Option<PathBuf>,
    tls: OnceCell<Tls>,
    quick_acks: bool,
    pub(crate) kept: Kept,
}

impl Connector {
    /// Makes connections by way of `proxies`; those with TLS trust the authorities of the system, and
    /// those in `ca_file`. Nothing is read before the first connection.
    pub fn new(proxies: Proxies, ca_file: Option<PathBuf>) -> Self {
        Self {
            proxies,
            ca_file,
            tls: OnceCell::new(),
            quick_acks: false,
            kept: Kept::default(),
        }
    }

    /// Acknowledges what arrives at once, on Linux; elsewhere as the system does.
    ///
    /// A system holds an acknowledgement back for up to 40 ms, to send it along with an answer. A server
    /// with Nagle's algorithm holds its next packet back until it has that. Where both meet, each second
    /// of two messages comes 40 ms late. It costs a system call for what is not answered, so it is for
    /// conversations.
    pub fn with_quick_acks(mut self) -> Self {
        self.quick_acks = true;
        self
    }

    /// Connects to `host`, with TLS if it is `secure`, for something else than HTTP. It may take as long
    /// as the system lets it: limit it by a timeout; dropping it gives up.
    ///
    /// # Errors
    ///
    /// As the system, the proxy or the other side says.
    pub async fn open(&self, host: &str, port: u16, secure: bool) -> Result<Connection, Error> {
        self.connect_over((host, port), secure, Over::Bare).await
    }

    /// The same for HTTP, and for what begins with it.
    pub(crate) async fn connect(
        &self,
        peer: (&str, u16),
        secure: bool,
    ) -> Result<Connection, Error> {
        self.connect_over(peer, secure, Over::Http).await
    }

    async fn connect_over(
        &self,
        (host, port): (&str, u16),
        secure: bool,
        over: Over,
    ) -> Result<Connection, Error> {
        let stream = match self.proxies.proxy(secure, host, port) {
            None => open(host, port).await?,
            Some(proxy) => {
                let opened = open(&proxy.host, proxy.port).await;
                let stream = opened.map_err(|error| {
                    let cause = io::Error::other(error.to_string());
                    Error::io(&format!("connect to {proxy}"), &cause)
                })?;
                tunnel(proxy, stream, host, port).await?
            }
        };
        let stream = Tcp {
            stream,
            quick_acks: self.quick_acks,
            owes_ack: true,
        };
        Ok(match secure {
            false => Box::new(stream),
            true => Box::new(self.tls().await?.connect(host, stream, over).await?),
        })
    }

    async fn tls(&self) -> Result<&Tls, Error> {
        let read = async || {
            let ca_file = self.ca_file.clone();
            tokio::task::spawn_blocking(move || Tls::new(ca_file.as_deref()))
                .await
                .map_err(|error| Error::tls(error.to_string()))?
        };
        self.tls.get_or_try_init(read).await
    }
}

/// A connection of TCP.
struct Tcp {
    stream: TcpStream,
    quick_acks: bool,
    /// Something has been read, and nothing sent since, which takes the acknowledgement along.
    owes_ack: bool,
}

impl AsyncRead for Tcp {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, into);
        if read.is_ready() {
            self.owes_ack = true;
        } else if self.owes_ack {
            // There is no answer yet. The system forgets what it was told with each acknowledgement that
            // it sends.
            self.owes_ack = false;
            #[cfg(target_os = "linux")]
            if self.quick_acks {
                // If it fails, it is slower, and no more.
                let _ = self.stream.set_quickack(true);
            }
        }
        read
    }
}

impl AsyncWrite for Tcp {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.owes_ack &= !written.is_ready();
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.owes_ack &= !written.is_ready();
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Connects to the first address of `host` that answers.
async fn open(host: &str, port: u16) -> Result<TcpStream, Error> {
    let found = lookup_host((host, port)).await;
    let addresses = found.map_err(|error| Error::io(&format!("look up {host:?}"), &error))?;
    let mut attempts = FuturesUnordered::new();
    let mut addresses = interleaved(addresses.collect()).into_iter();
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    loop {
        if let Some(address) = addresses.next() {
            attempts.push(TcpStream::connect(address));
        } else if attempts.is_empty() {
            return Err(Error::io("", &last));
        }
        tokio::select! {
            Some(connected) = attempts.next() => match connected {
                Ok(stream) => {
                    stream.set_nodelay(true).map_err(|error| Error::io("", &error))?;
                    return Ok(stream);
                }
                Err(error) => last = error,
            },
            () = sleep(STAGGER), if addresses.len() > 0 => {}
        }
    }
}

/// The addresses in the order in which they are tried: the families by turns.
fn interleaved(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v4 = addresses.first().is_some_and(SocketAddr::is_ipv4);
    let (first, other): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv4() == first_is_v4);
    let (mut first, mut other) = (first.into_iter(), other.into_iter());
    let mut ordered = Vec::new();
    loop {
        let before = ordered.len();
        ordered.extend(first.next());
        ordered.extend(other.next());
        if ordered.len() == before {
            return ordered;
        }
    }
}

/// Has `proxy` open a tunnel to `host`.
async fn tunnel(
    proxy: &Proxy,
    mut stream: TcpStream,
    host: &str,
    port: u16,
) -> Result<TcpStream, Error> {
    let opened = match proxy.kind {
        Kind::Http => connect_by_http(proxy, &mut stream, host, port).await,
        Kind::Socks5 { resolves } => {
            let target = match (host.parse(), resolves) {
                (Ok(address), _) => Target::Address(address),
                (Err(_), true) => Target::Name(host),
                (Err(_), false) => Target::Address(look_up(host, port).await?),
            };
            connect_by_socks5(proxy, &mut stream, target, port).await
        }
    };
    opened.map_err(|error| match error {
        Refused::Io(error) => Error::io(&format!("talk to {proxy}"), &error),
        Refused::Protocol(why) => Error::protocol(format!("{proxy}: {why}")),
        Refused::Status(status, why) => Error::status(status, None, format!("{proxy} says {why}")),
        // It may be able to later.
        Refused::Unreachable(why) => {
            Error::io("", &io::Error::other(format!("{proxy} says {why}")))
        }
    })?;
    Ok(stream)
}

async fn look_up(host: &str, port: u16) -> Result<IpAddr, Error> {
    let found = lookup_host((host, port)).await;
    let mut found = found.map_err(|error| Error::io(&format!("look up {host:?}"), &error))?;
    let first = found.next().map(|address| address.ip());
    first.ok_or_else(|| {
        let none = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        Error::io("", &none)
    })
}

/// Why a proxy did not open a tunnel.
enum Refused {
    Io(io::Error),
    Protocol(String),
    Status(u16, String),
    Unreachable(&'static str),
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// `CONNECT` (RFC 9110, section 9.3.6).
async fn connect_by_http(
    proxy: &Proxy,
    stream: &mut TcpStream,
    host: &str,
    port: u16,
) -> Result<(), Refused> {
    let authority = authority(host, port);
    let mut request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n");
    if let Some(login) = &proxy.login {
        request += &format!("Proxy-Authorization: {}\r\n", basic(login));
    }
    request += "\r\n";
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    // Byte by byte: what stands behind the answer is the other side's.
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() == PROXY_ANSWER_BYTES_MAX {
            return Err(Refused::Protocol("its answer does not end".to_owned()));
        }
        answer.push(stream.read_u8().await?);
    }
    let line = answer.split(|&byte| byte == b'\r').next();
    let line = String::from_utf8_lossy(line.unwrap_or_default()).into_owned();
    let status = line.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..));
    let digits = status
        .and_then(|status| status.get(..3))
        .unwrap_or_default();
    match digits.parse() {
        Ok(200..300) => Ok(()),
        Ok(status) => Err(Refused::Status(status, status_words(&line))),
        Err(_) => Err(Refused::Protocol(format!("{line:?} is no answer of HTTP"))),
    }
}

/// A status line without the version, and without what a terminal would take for more than text.
fn status_words(line: &str) -> String {
    let words = line.split_once(' ').map_or(line, |(_, rest)| rest);
    words.trim().escape_debug().to_string()
}

/// Whom a proxy connects to.
enum Target<'a> {
    Address(IpAddr),
    Name(&'a str),
}

/// RFC 1928, with the login of RFC 1929.
async fn connect_by_socks5(
    proxy: &Proxy,
    stream: &mut TcpStream,
    target: Target<'_>,
    port: u16,
) -> Result<(), Refused> {
    const NO_LOGIN: u8 = 0;
    const LOGIN: u8 = 2;
    let greeting: &[u8] = match proxy.login {
        Some(_) => &[5, 2, NO_LOGIN, LOGIN],
        None => &[5, 1, NO_LOGIN],
    };
    stream.write_all(greeting).await?;
    let mut choice = [0; 2];
    stream.read_exact(&mut choice).await?;
    match (choice, &proxy.login) {
        ([5, NO_LOGIN], _) => {}
        ([5, LOGIN], Some(login)) => log_in(stream, login).await?,
        ([5, _], _) => return Err(Refused::Status(407, "a login is needed".to_owned())),
        _ => return Err(Refused::Protocol("it does not speak SOCKS 5".to_owned())),
    }
    let mut request = vec![5, 1, 0];
    match target {
        Target::Address(IpAddr::V4(address)) => {
            request.push(1);
            request.extend(address.octets());
        }
        Target::Address(IpAddr::V6(address)) => {
            request.push(4);
            request.extend(address.octets());
        }
        Target::Name(name) => {
            let len = u8::try_from(name.len());
            let len = len.map_err(|_| Refused::Protocol("the name is too long".to_owned()))?;
            request.extend([3, len]);
            request.extend(name.as_bytes());
        }
    }
    request.extend(port.to_be_bytes());
    stream.write_all(&request).await?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await?;
    let [_, code, _, kind] = answer;
    let address_bytes = match kind {
        1 => 4,
        3 => usize::from(stream.read_u8().await?),
        4 => 16,
        _ => return Err(Refused::Protocol("it does not speak SOCKS 5".to_owned())),
    };
    stream.read_exact(&mut vec![0; address_bytes + 2]).await?;
    match code {
        0 => Ok(()),
        2 => Err(Refused::Status(403, "the rules do not allow it".to_owned())),
        3 => Err(Refused::Unreachable("the network is unreachable")),
        4 => Err(Refused::Unreachable("the host is unreachable")),
        5 => Err(Refused::Unreachable("connection refused")),
        6 => Err(Refused::Unreachable("it took too long")),
        7 | 8 => Err(Refused::Protocol("it cannot do that".to_owned())),
        _ => Err(Refused::Unreachable("it failed")),
    }
}

async fn log_in(stream: &mut TcpStream, login: &Secret) -> Result<(), Refused> {
    let (user, password) = login.reveal().split_once(':').unwrap_or_default();
    let mut request = vec![1];
    for part in [user, password] {
        let len = u8::try_from(part.len());
        request.push(len.map_err(|_| Refused::Protocol("the login is too long".to_owned()))?);
        request.extend(part.as_bytes());
    }
    stream.write_all(&request).await?;
    let mut answer = [0; 2];
    stream.read_exact(&mut answer).await?;
    match answer {
        [_, 0] => Ok(()),
        _ => Err(Refused::Status(407, "the login is wrong".to_owned())),
    }
}

/// A host and a port as they stand in a header.
pub(crate) fn authority(host: &str, port: u16) -> String {
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_families_of_addresses_take_turns() {
        let parse = |text: &str| text.parse::<SocketAddr>().unwrap();
        let addresses = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"].map(parse);
        let ordered = ["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"].map(parse);
        assert_eq!(interleaved(addresses.to_vec()), ordered);
    }

    #[test]
    fn a_status_line_of_a_proxy_cannot_smuggle_control_sequences() {
        assert_eq!(
            status_words("HTTP/1.1 407 \u{1b}[2J needed"),
            "407 \\u{1b}[2J needed"
        );
    }
}
