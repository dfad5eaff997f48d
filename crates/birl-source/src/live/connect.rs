//! Connections that are made: `tcp://` and `unix://`.

use std::io;
use std::path::Path;

use tokio::io::AsyncRead;
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, timeout};

use super::lines;
use super::options::Options;
use super::sink::Sink;
use crate::error::refusal;
use crate::link::{Failure, Persistence};

/// Reads what `host` sends, connecting again whenever that is lost.
pub(super) async fn tcp(host: &str, port: u16, options: &Options, sink: &Sink) {
    run(|| TcpStream::connect((host, port)), options, sink).await;
}

/// Reads what the process sends that listens at `path`, connecting again whenever that is lost.
pub(super) async fn unix(path: &Path, options: &Options, sink: &Sink) {
    run(|| UnixStream::connect(path), options, sink).await;
}

async fn run<S, F>(connect: impl Fn() -> F, options: &Options, sink: &Sink)
where
    S: AsyncRead + Unpin,
    F: Future<Output = io::Result<S>>,
{
    let mut persistence = Persistence::new(options, sink);
    loop {
        let connected = timeout(options.connect_timeout, connect()).await;
        let goes_on = match connected {
            Ok(Ok(stream)) => {
                let began = Instant::now();
                persistence.connected(None);
                let mut heard = false;
                let read = lines::read_all(stream, options, sink, || heard = true).await;
                if heard {
                    persistence.worked();
                }
                let reason = read
                    .err()
                    .unwrap_or_else(|| "the connection ended".to_owned());
                persistence.lost(began, Failure::passing(reason)).await
            }
            Ok(Err(error)) => persistence.refused(Failure::passing(refusal(&error))).await,
            Err(_) => {
                let error = birl_net::Error::timeout(options.connect_timeout);
                persistence.refused(error.into()).await
            }
        };
        if !goes_on {
            return;
        }
    }
}
