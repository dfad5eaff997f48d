//! A connection → the answer to one request of HTTP/1.1.

use std::convert::Infallible;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::FutureExt;
use futures::future::{BoxFuture, Fuse};
pub use hyper::Method;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{
    CONNECTION, DATE, HOST, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER, USER_AGENT,
};
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::time::Instant;
use url::{Position, Url};

use crate::connect::{Connection, Connector};
use crate::error::Error;
use crate::request::Request;

/// So often is a request redirected before it goes in circles.
pub(crate) const REDIRECTS_MAX: usize = 10;

/// What we call ourselves, unless a header says otherwise.
const US: &str = concat!("birl/", env!("CARGO_PKG_VERSION"));

/// So much of an answer that is no success may say why.
const REASON_BYTES_MAX: usize = 64 * 1024;

/// So long may the part of it be that is told.
const REASON_CHARS_MAX: usize = 200;

/// Gets what the URL of `request` names, over a connection of its own, where redirections are followed.
/// Dropping the future gives it up.
///
/// # Errors
///
/// If there is no connection, or the answer has a status that is not from 200 to 299. The error says
/// how the answer begins, where it is text.
pub async fn get(connector: &Connector, request: Request) -> Result<Answer, Error> {
    let mut request = request;
    for _ in 0..=REDIRECTS_MAX {
        let answer = ask(connector, Method::GET, &request, Bytes::new()).await?;
        match answer.redirection()? {
            Some(location) => request = request.redirected(&location)?,
            None => return answer.successful().await,
        }
    }
    Err(Error::protocol("it redirects in circles"))
}

/// Posts `body`, over a connection of its own, and returns once the other side has answered that it
/// has taken it: with a status from 200 to 299. What else it answers is not read.
///
/// Redirections are not followed: what is posted is meant for whom the URL names. How long it may take
/// is for the caller to limit; dropping the future gives it up, and the other side may have taken it
/// all the same.
///
/// # Errors
///
/// If there is no connection, or the answer is another status. The error says how the answer begins,
/// where it is text.
pub async fn post(
    connector: &Connector,
    request: &Request,
    body: impl Into<Bytes>,
) -> Result<(), Error> {
    let answer = ask(connector, Method::POST, request, body).await?;
    answer.successful().await.map(drop)
}

/// Asks once, over a connection of its own, and gives whatever is answered: a refusal, too. Redirections
/// are not followed. How long it may take is for the caller to limit; dropping the future gives it up.
///
/// # Errors
///
/// If there is no connection, or no answer.
pub async fn ask(
    connector: &Connector,
    method: Method,
    request: &Request,
    body: impl Into<Bytes>,
) -> Result<Answer, Error> {
    let mut headers = request.headers()?;
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    let asked = self::request(method, &request.url, headers, body.into())?;
    let (mut sender, connection) = open(connector, request).await?;
    let answered = exchange(&mut sender, connection, asked).await;
    answered.map_err(|error| failed(&error))
}

/// The same over a connection that is kept, if there is one; gives the answer, and its whole body. The
/// connection is kept for what is asked next, where the other side keeps it too.
///
/// # Errors
///
/// As [`ask`], and if the body has more than `bytes_max`.
pub async fn ask_again(
    connector: &Connector,
    method: Method,
    request: &Request,
    body: impl Into<Bytes>,
    bytes_max: usize,
) -> Result<(Answer, Bytes), Error> {
    let headers = request.headers()?;
    let body = body.into();
    let asked = || self::request(method.clone(), &request.url, headers.clone(), body.clone());
    let (host, port) = request.peer()?;
    let peer = (request.is_secure(), host, port);
    let mut answered = None;
    while let Some((mut sender, connection)) = connector.kept.take(&peer) {
        match exchange(&mut sender, connection, asked()?).await {
            // It ended before anything was sent.
            Err(error) if error.is_canceled() => {}
            Err(error) => return Err(failed(&error)),
            Ok(answer) => {
                answered = Some((sender, answer));
                break;
            }
        }
    }
    let (sender, mut answer) = match answered {
        Some(answered) => answered,
        None => {
            let (mut sender, connection) = open(connector, request).await?;
            let answered = exchange(&mut sender, connection, asked()?).await;
            (sender, answered.map_err(|error| failed(&error))?)
        }
    };
    let whole = answer.whole(bytes_max).await?;
    let ended = futures::future::ready(()).boxed().fuse();
    let connection = std::mem::replace(&mut answer.connection, ended);
    connector.kept.put(peer, sender, connection);
    Ok((answer, whole))
}

/// A body that is there as a whole.
#[derive(Debug)]
struct Whole(Bytes);

impl Body for Whole {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let body = std::mem::take(&mut self.0);
        Poll::Ready((!body.is_empty()).then(|| Ok(Frame::data(body))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}

/// What drives a connection. Whatever ends it, the answer knows more.
type Driving = Fuse<BoxFuture<'static, ()>>;

async fn open(
    connector: &Connector,
    request: &Request,
) -> Result<(SendRequest<Whole>, Driving), Error> {
    let (host, port) = request.peer()?;
    let connection = connector
        .connect((&host, port), request.is_secure())
        .await?;
    let handshake = http1::handshake(TokioIo::new(connection)).await;
    let (sender, connection) = handshake.map_err(|error| failed(&error))?;
    Ok((sender, connection.map(drop).boxed().fuse()))
}

async fn exchange(
    sender: &mut SendRequest<Whole>,
    mut connection: Driving,
    asked: hyper::Request<Whole>,
) -> Result<Answer, hyper::Error> {
    let mut response = pin!(sender.send_request(asked));
    let response = tokio::select! {
        biased;
        response = &mut response => response,
        () = &mut connection => response.await,
    };
    let (parts, body) = response?.into_parts();
    Ok(Answer {
        status: parts.status,
        headers: parts.headers,
        body,
        connection,
    })
}

/// A connection is kept for so long after its last answer: servers mostly keep them for a minute.
const KEPT_FOR: Duration = Duration::from_secs(30);

/// So many are kept.
const KEPT_MAX: usize = 8;

/// Whom a connection is to, and whether with TLS.
type Peer = (bool, String, u16);

/// Connections over which something has been answered, and nothing is asked.
#[derive(Default)]
pub(crate) struct Kept(Mutex<Vec<Idle>>);

struct Idle {
    peer: Peer,
    sender: SendRequest<Whole>,
    connection: Driving,
    since: Instant,
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").finish_non_exhaustive()
    }
}

impl Kept {
    fn lock(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection to `peer` that was used last, if the other side has not ended it.
    fn take(&self, peer: &Peer) -> Option<(SendRequest<Whole>, Driving)> {
        let mut idle = self.lock();
        idle.retain(|it| it.since.elapsed() < KEPT_FOR);
        while let Some(at) = idle.iter().rposition(|it| it.peer == *peer) {
            let Idle {
                sender,
                mut connection,
                ..
            } = idle.remove(at);
            // Nobody has looked at it meanwhile.
            if (&mut connection).now_or_never().is_none() && sender.is_ready() {
                return Some((sender, connection));
            }
        }
        None
    }

    fn put(&self, peer: Peer, sender: SendRequest<Whole>, mut connection: Driving) {
        if (&mut connection).now_or_never().is_some() || !sender.is_ready() {
            return;
        }
        let mut idle = self.lock();
        if idle.len() == KEPT_MAX {
            idle.remove(0);
        }
        idle.push(Idle {
            peer,
            sender,
            connection,
            since: Instant::now(),
        });
    }
}

/// The answer to a request, whose body arrives as it is asked for: while nobody does, the other side
/// has to wait. Dropping it ends the connection.
pub struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Incoming,
    connection: Driving,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl Answer {
    /// Its status: from 200 to 299, but for what [`ask`] gives.
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// How long the other side asks to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        refusal(self.status, &self.headers).retry_after()
    }

    /// Its headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The next bytes of the body; `None` when it has ended. Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// If the connection is lost before the end of the body, or what comes is none.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        poll_fn(|cx| {
            // It brings what arrives into the body.
            let _ = Pin::new(&mut self.connection).poll(cx);
            loop {
                return Poll::Ready(match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                    None => Ok(None),
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(data) => Ok(Some(data)),
                        // Headers behind the body.
                        Err(_) => continue,
                    },
                    Some(Err(error)) if ended_early(&error) || is_cut(&error) => {
                        Err(Error::lost("the connection ended within the answer"))
                    }
                    Some(Err(error)) => Err(failed(&error)),
                });
            }
        })
        .await
    }

    /// The whole body.
    ///
    /// # Errors
    ///
    /// As [`chunk`](Self::chunk), and if it has more than `bytes_max`.
    pub async fn whole(&mut self, bytes_max: usize) -> Result<Bytes, Error> {
        let mut whole = BytesMut::new();
        while let Some(bytes) = self.chunk().await? {
            if bytes.len() > bytes_max - whole.len() {
                return Err(Error::protocol(format!(
                    "the answer is longer than {bytes_max} bytes"
                )));
            }
            whole.extend_from_slice(&bytes);
        }
        Ok(whole.freeze())
    }

    fn redirection(&self) -> Result<Option<String>, Error> {
        redirection(self.status, &self.headers)
    }

    /// It, if its status is a success; else what it says, with how its body begins.
    async fn successful(mut self) -> Result<Self, Error> {
        if self.status.is_success() {
            return Ok(self);
        }
        let status = self.status;
        if let Ok(Some(location)) = self.redirection() {
            let reason = format!("the server answers {status} and names {location:?} instead");
            return Err(Error::status(status.as_u16(), None, reason));
        }
        let refusal = refusal(status, &self.headers);
        let mut begin = Vec::new();
        while begin.len() < REASON_BYTES_MAX
            && let Ok(Some(bytes)) = self.chunk().await
        {
            begin.extend(bytes);
        }
        Err(match first_line(&begin) {
            Some(words) => Error::status(
                status.as_u16(),
                refusal.retry_after(),
                format!("{refusal}: {words}"),
            ),
            None => refusal,
        })
    }
}

/// The first line of a text that is not blank, without what a terminal would take for more than text.
/// A page for people says nothing in its first line.
fn first_line(text: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(text);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    if line.starts_with('<') {
        return None;
    }
    let mut words: String = line.chars().take(REASON_CHARS_MAX).collect();
    if words.len() < line.len() {
        words.push('…');
    }
    Some(words.chars().map(harmless).collect())
}

fn harmless(letter: char) -> char {
    match letter.is_control() {
        true => char::REPLACEMENT_CHARACTER,
        false => letter,
    }
}

/// Asks to speak something else over `connection`. Where the other side agrees, gives the connection
/// back, with what has arrived behind the answer.
pub(crate) async fn upgrade(
    connection: Connection,
    url: &Url,
    headers: HeaderMap,
) -> Result<(Response<Incoming>, Option<(Connection, Bytes)>), Error> {
    let handshake = http1::handshake(TokioIo::new(connection)).await;
    let (mut sender, connection) = handshake.map_err(|error| failed(&error))?;
    let mut connection = pin!(connection.without_shutdown());
    let request = request(Method::GET, url, headers, Bytes::new())?;
    let mut answer = pin!(sender.send_request(request));
    let (response, parts) = tokio::select! {
        // The answer first: where it is whole, the connection is likely to be over too.
        biased;
        response = &mut answer => (response.map_err(|error| failed(&error))?, None),
        parts = &mut connection => {
            let parts = parts.map_err(|error| failed(&error))?;
            (answer.await.map_err(|error| failed(&error))?, Some(parts))
        }
    };
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Ok((response, None));
    }
    let parts = match parts {
        Some(parts) => parts,
        None => connection.await.map_err(|error| failed(&error))?,
    };
    let upgraded = (parts.io.into_inner(), parts.read_buf);
    Ok((response, Some(upgraded)))
}

/// A request for `url`, which is sent to its own server.
fn request(
    method: Method,
    url: &Url,
    mut headers: HeaderMap,
    body: Bytes,
) -> Result<hyper::Request<Whole>, Error> {
    let wrong =
        |error: &dyn std::fmt::Display| Error::request(format!("the URL is wrong: {error}"));
    let host = match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (host, _) => host.unwrap_or_default().to_owned(),
    };
    if !headers.contains_key(HOST) {
        headers.insert(
            HOST,
            HeaderValue::from_str(&host).map_err(|error| wrong(&error))?,
        );
    }
    if !headers.contains_key(USER_AGENT) {
        headers.insert(USER_AGENT, HeaderValue::from_static(US));
    }
    let target = match &url[Position::BeforePath..Position::AfterQuery] {
        "" => "/",
        target if target.starts_with('?') => &format!("/{target}"),
        target => target,
    };
    let mut request = hyper::Request::builder()
        .method(method)
        .uri(target)
        .body(Whole(body))
        .map_err(|error| wrong(&error))?;
    *request.headers_mut() = headers;
    Ok(request)
}

/// Where an answer says that the request has to go instead.
pub(crate) fn redirection(
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<Option<String>, Error> {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = headers.get(LOCATION);
    match location.and_then(|location| location.to_str().ok()) {
        Some(location) => Ok(Some(location.to_owned())),
        None => Err(Error::protocol("it redirects to nowhere")),
    }
}

/// What an answer says that is no success.
pub(crate) fn refusal(status: StatusCode, headers: &HeaderMap) -> Error {
    let header = |name| headers.get(name)?.to_str().ok();
    let retry_after = header(RETRY_AFTER).and_then(|value| delay(value, header(DATE)));
    Error::status(
        status.as_u16(),
        retry_after,
        format!("the server answers {status}"),
    )
}

/// How long `Retry-After` asks to wait (RFC 9110, section 10.2.3). A moment is looked at from `date`, the
/// server's own: our clock may be another.
fn delay(value: &str, date: Option<&str>) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let from = httpdate::parse_http_date(date?).ok()?;
    // A moment that has passed asks for no wait.
    Some(until.duration_since(from).unwrap_or_default())
}

/// Whether the other side has ended the connection before it has said all.
fn ended_early(error: &hyper::Error) -> bool {
    error.is_incomplete_message() || error.is_closed() || error.is_canceled()
}

/// Whether a body is shorter than was said.
fn is_cut(error: &hyper::Error) -> bool {
    use std::error::Error as _;
    let cause = error.source().and_then(|cause| cause.downcast_ref());
    cause.is_some_and(|cause: &std::io::Error| cause.kind() == std::io::ErrorKind::UnexpectedEof)
}

fn failed(error: &hyper::Error) -> Error {
    use std::error::Error as _;
    if let Some(cause) = error.source().and_then(|cause| cause.downcast_ref()) {
        return Error::io("", cause);
    }
    if ended_early(error) {
        let cause = std::io::Error::new(
            std::io::ErrorKind::UnexpectedEof,
            "the server ended the connection without an answer",
        );
        return Error::io("", &cause);
    }
    Error::protocol(format!("the server does not speak HTTP: {error}"))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::proxy::Proxies;
    use crate::request::{Bearer, Secret};

    /// What a server got that answered so, and what was made of its answer.
    async fn posted(answer: &str, body: &str) -> (String, Result<(), Error>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/a?b", listener.local_addr().unwrap());
        let mut request = Request::new(Url::parse(&url).unwrap());
        request.bearer = Some(Bearer::Token(Secret::new("t0k3n")));
        let connector = Connector::new(Proxies::default(), None);
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = Vec::new();
            while !asked.ends_with(body.as_bytes()) {
                stream.read_buf(&mut asked).await.unwrap();
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8(asked).unwrap()
        };
        tokio::join!(server, post(&connector, &request, body.to_owned()))
    }

    #[tokio::test]
    async fn a_body_is_posted_whole_with_the_token_and_its_length() {
        let (asked, answer) = posted("HTTP/1.1 204 No Content\r\n\r\n", "{\"a\":1}").await;
        answer.unwrap();
        let (head, body) = asked.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, "{\"a\":1}");
        let head = head.to_lowercase();
        let mut lines: Vec<_> = head
            .lines()
            .filter(|line| !line.starts_with("host:"))
            .collect();
        lines[1..].sort_unstable();
        assert_eq!(
            lines,
            [
                "post /a?b http/1.1",
                "authorization: bearer t0k3n",
                "connection: close",
                "content-length: 7",
                &format!("user-agent: {US}"),
            ]
        );
    }

    #[tokio::test]
    async fn what_is_answered_is_given_whole_whatever_it_says_and_up_to_a_limit() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let request = Request::new(Url::parse(&url).unwrap());
        let connector = Connector::new(Proxies::default(), None);
        let serve = async {
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut asked = Vec::new();
                while !asked.ends_with(b"\r\n\r\n") {
                    stream.read_buf(&mut asked).await.unwrap();
                }
                assert!(asked.starts_with(b"DELETE / HTTP/1.1\r\n"));
                let answer =
                    b"HTTP/1.1 429 No\r\nretry-after: 7\r\ncontent-length: 9\r\n\r\n{\"a\":\"b\"}";
                stream.write_all(answer).await.unwrap();
            }
        };
        let ask = async {
            for bytes_max in [9, 8] {
                let asked = ask(&connector, Method::DELETE, &request, String::new());
                let mut answer = asked.await.unwrap();
                let wait = answer.retry_after().map(|wait| wait.as_secs());
                assert_eq!((answer.status(), wait), (429, Some(7)));
                match answer.whole(bytes_max).await {
                    Ok(body) => assert_eq!(body, "{\"a\":\"b\"}"),
                    Err(error) => assert_eq!(
                        (bytes_max, error.to_string().as_str()),
                        (8, "the answer is longer than 8 bytes")
                    ),
                }
            }
        };
        tokio::join!(serve, ask);
    }

    /// Answers `count` requests over each of the connections; gives the ports that they came from.
    async fn serve(listener: &TcpListener, counts: &[usize]) -> Vec<u16> {
        let mut ports = Vec::new();
        for &count in counts {
            let (mut stream, peer) = listener.accept().await.unwrap();
            for _ in 0..count {
                let mut asked = Vec::new();
                while !asked.ends_with(b"{}") {
                    stream.read_buf(&mut asked).await.unwrap();
                }
                ports.push(peer.port());
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                stream.write_all(answer).await.unwrap();
            }
        }
        ports
    }

    #[tokio::test]
    async fn a_connection_is_kept_for_what_is_asked_next_until_the_other_side_ends_it() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let request = Request::new(Url::parse(&url).unwrap());
        let connector = Connector::new(Proxies::default(), None);
        let ask = async {
            for _ in 0..5 {
                let (method, body) = (Method::POST, "{}".to_owned());
                let asked = ask_again(&connector, method, &request, body, 2);
                let (answer, body) = asked.await.unwrap();
                assert_eq!((answer.status(), &body[..]), (200, &b"ok"[..]));
                // The other side has time to end it.
                tokio::task::yield_now().await;
            }
        };
        let (ports, ()) = tokio::join!(serve(&listener, &[3, 2]), ask);
        assert_eq!(ports[0], ports[2]);
        assert_ne!(ports[2], ports[3]);
        assert_eq!(ports[3], ports[4]);
    }

    #[test]
    fn a_wait_is_a_number_or_a_moment_by_the_servers_clock() {
        const NOON: &str = "Sat, 14 Mar 2026 12:00:00 GMT";
        let seconds = |value, date| delay(value, date).map(|wait| wait.as_secs());
        assert_eq!(seconds(" 120 ", None), Some(120));
        let later = "Sat, 14 Mar 2026 12:01:30 GMT";
        assert_eq!(seconds(later, Some(NOON)), Some(90));
        assert_eq!(seconds(NOON, Some(later)), Some(0));
        assert_eq!(seconds(later, None), None);
        assert_eq!(seconds("soon", Some(NOON)), None);
    }

    #[tokio::test]
    async fn an_answer_that_is_no_success_says_why_and_how_long_to_wait() {
        let cases = [
            (
                "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 9\r\n\r\nslow\x1bdown",
                "the server answers 429 Too Many Requests: slow\u{fffd}down",
                (Some(429), Some(7), false),
            ),
            (
                "HTTP/1.1 404 Not Found\r\n\r\n\r\nno_service\r\nmore",
                "the server answers 404 Not Found: no_service",
                (Some(404), None, true),
            ),
            (
                "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\n\r\n<html>",
                "the server answers 502 Bad Gateway",
                (Some(502), None, false),
            ),
            (
                "HTTP/1.1 301 Moved Permanently\r\nLocation: https://h/\r\nContent-Length: 0\r\n\r\n",
                "the server answers 301 Moved Permanently and names \"https://h/\" instead",
                (Some(301), None, true),
            ),
            (
                "",
                "the server ended the connection without an answer",
                (None, None, false),
            ),
        ];
        for (answer, words, kind) in cases {
            let error = posted(answer, "{}").await.1.unwrap_err();
            let wait = error.retry_after().map(|wait| wait.as_secs());
            assert_eq!(
                (
                    error.to_string().as_str(),
                    (error.http_status(), wait, error.is_lasting())
                ),
                (words, kind)
            );
        }
    }

    /// Takes what is posted over TLS, as whoever has this certificate.
    async fn take_over_tls(listener: TcpListener, certified: rcgen::CertifiedKey<rcgen::KeyPair>) {
        use rustls_pki_types::PrivateKeyDer;
        use tokio_rustls::TlsAcceptor;
        use tokio_rustls::rustls::ServerConfig;
        use tokio_rustls::rustls::crypto::ring::default_provider;

        let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(std::sync::Arc::new(config));
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // Who does not trust us goes away.
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut asked = Vec::new();
            while !asked.ends_with(b"{}") {
                stream.read_buf(&mut asked).await.unwrap();
            }
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer).await.unwrap();
            stream.shutdown().await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_server_is_trusted_if_the_file_of_authorities_says_so() {
        let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), certified.cert.pem()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(take_over_tls(listener, certified));
        let request = Request::new(Url::parse(&format!("https://localhost:{port}/")).unwrap());
        let trusting = Connector::new(Proxies::default(), Some(file.path().to_owned()));
        post(&trusting, &request, "{}".to_owned()).await.unwrap();
        let other = rcgen::generate_simple_self_signed(["other".to_owned()]).unwrap();
        std::fs::write(file.path(), other.cert.pem()).unwrap();
        let wary = Connector::new(Proxies::default(), Some(file.path().to_owned()));
        let error = post(&wary, &request, "{}".to_owned()).await.unwrap_err();
        assert!(error.is_lasting(), "{error}");
        assert!(error.to_string().contains("certificate"), "{error}");
        server.abort();
    }
}
