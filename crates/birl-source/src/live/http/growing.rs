//! Files over HTTP that grow: asked again and again for what is behind what has come.
//!
//! A server changes the tag and the time of a file with each line that is added to it, so that neither
//! `If-Range` nor `ETag` tells a file that has grown from another one in its place. So the last bytes
//! that are known are asked for once more: where they are still there, the file goes on behind them, and
//! where they are not, it is another one.

use std::time::Duration;

use birl_net::http::Answer;
use birl_net::request::{DATE, ETAG, HeaderMap, HeaderName, HeaderValue, LAST_MODIFIED, RANGE};
use bytes::{Bytes, BytesMut};
use tokio::time::{Instant, sleep};

use super::Server;
use super::download::begins_at;
use super::place::Place;
use crate::link::{Failure, Gap, Listener, Persistence};
use crate::live::sink::{Flow, Sink};

/// So many bytes of what is known are asked for once more.
const OVERLAP_BYTES: usize = 1024;

const IF_NONE_MATCH: HeaderName = HeaderName::from_static("if-none-match");
const IF_MODIFIED_SINCE: HeaderName = HeaderName::from_static("if-modified-since");

/// A file of lines that is followed.
pub(super) struct Growing<'a> {
    server: &'a Server<'a>,
    persistence: Persistence<'a>,
    sink: &'a Sink,
    flow: Flow<'a>,
    /// How many bytes of the file have come, and the last of them: what stands behind the last whole
    /// line, and some before it.
    read: u64,
    known: Vec<u8>,
    /// What has come of a line that has not ended.
    unread: BytesMut,
    /// By what the server told how the file was, when all of it had come: as it is asked whether the
    /// file is still so.
    version: Option<(HeaderName, HeaderValue)>,
    /// Lines that are there at the beginning are not given.
    skips: bool,
    /// When it was last known that nothing was missing; or how long that was ago when this began.
    complete: Instant,
    missing: Duration,
}

/// What the server has of a file that is known up to a place.
enum Has {
    /// Nothing that is new.
    Nothing,
    /// An answer which begins so many bytes before what is known ends.
    More(Answer, u64),
    /// Another file than it was, or less of it.
    Other(&'static str),
}

/// How an answer was taken.
enum Taken {
    Whole,
    /// It is of another file.
    Other(&'static str),
}

impl<'a> Growing<'a> {
    pub(super) fn new(
        server: &'a Server<'a>,
        persistence: Persistence<'a>,
        sink: &'a Sink,
    ) -> Self {
        Self {
            server,
            persistence,
            sink,
            flow: sink.begin(),
            read: 0,
            known: Vec::new(),
            unread: BytesMut::new(),
            version: None,
            skips: server.options.from_end,
            complete: Instant::now(),
            missing: Duration::ZERO,
        }
    }

    /// Reads the file of which `head` has come and `first` is the rest, and goes on with what is added to
    /// it, for ever; until it is refused for good.
    pub(super) async fn read(mut self, head: Bytes, first: Answer) {
        self.put(&head);
        self.follow(Some((first, Vec::new()))).await;
    }

    /// Goes on with what is added behind a place up to which another process has read the file, so long ago.
    pub(super) async fn read_on(mut self, place: Place, ago: Duration) {
        self.missing = ago;
        self.read = place.offset;
        self.known = place.tail;
        self.skips = false;
        self.follow(None).await;
    }

    /// Takes an answer, if there is one, of which the first bytes are known; then asks for what is added.
    async fn follow(mut self, mut next: Option<(Answer, Vec<u8>)>) {
        let options = self.server.options;
        let mut wait = options.poll_first;
        loop {
            let before = self.read;
            let began = Instant::now();
            let taken = match next.take() {
                Some((answer, expected)) => self.take(answer, expected).await,
                None => match self.ask().await {
                    Ok(Has::Nothing) => {
                        self.persistence.resumed();
                        Ok(Taken::Whole)
                    }
                    Ok(Has::More(answer, back)) => {
                        self.persistence.resumed();
                        let expected = self.overlap(back as usize).to_vec();
                        self.take(answer, expected).await
                    }
                    Ok(Has::Other(why)) => Ok(Taken::Other(why)),
                    Err(failure) => match self.persistence.refused(failure).await {
                        true => continue,
                        false => return self.give_rest(),
                    },
                },
            };
            match taken {
                Ok(Taken::Whole) => {
                    if std::mem::take(&mut self.skips)
                        && let Some(place) = self.place()
                    {
                        self.sink.place(place);
                    }
                    self.complete = Instant::now();
                    self.missing = Duration::ZERO;
                    wait = match self.read > before {
                        true => options.poll_first,
                        false => options.poll_max.min(wait * 2),
                    };
                    sleep(wait).await;
                }
                Ok(Taken::Other(why)) => self.begin_anew(why),
                Err(failure) => {
                    if !self.persistence.lost(began, failure).await {
                        return self.give_rest();
                    }
                }
            }
        }
    }

    /// The last bytes that are known.
    fn overlap(&self, bytes: usize) -> &[u8] {
        &self.known[self.known.len() - bytes..]
    }

    /// Asks for what is behind what is known.
    async fn ask(&self) -> Result<Has, Failure> {
        let back = self.known.len().min(OVERLAP_BYTES) as u64;
        let mut headers = Vec::new();
        headers.extend(self.version.clone());
        if self.read > 0
            && let Ok(range) = HeaderValue::from_str(&format!("bytes={}-", self.read - back))
        {
            headers.push((RANGE, range));
        }
        let answer = match self.server.get(None, headers).await {
            Ok(answer) => answer,
            Err(error) => {
                return match error.http_status() {
                    Some(304) => Ok(Has::Nothing),
                    // It ends before the place where the last bytes that are known begin.
                    Some(416) => Ok(Has::Other(SHORTER)),
                    _ => Err(error.into()),
                };
            }
        };
        match answer.status() {
            206 if begins_at(answer.headers(), self.read - back) => Ok(Has::More(answer, back)),
            206 => Err(Failure::passing(
                "the server sends another part of the file than it was asked for",
            )),
            // A server that knows no ranges sends all of it.
            _ => Ok(Has::More(answer, back)),
        }
    }

    /// Takes what comes of an answer, of which the first bytes are known already; `expected` are the last
    /// of these.
    async fn take(&mut self, mut answer: Answer, expected: Vec<u8>) -> Result<Taken, Failure> {
        let is_part = answer.status() == 206;
        // As it is before all of it has come: what is added meanwhile is asked for again.
        let version = version_of(answer.headers());
        let mut skip = match is_part || self.read == 0 || expected.is_empty() {
            true => 0,
            false => self.read - expected.len() as u64,
        };
        let mut expected = &expected[..];
        loop {
            self.sink.ready().await;
            let Some(chunk) = answer.chunk().await? else {
                break;
            };
            self.persistence.worked();
            let mut bytes = &chunk[..];
            let known = skip.min(bytes.len() as u64) as usize;
            skip -= known as u64;
            bytes = &bytes[known..];
            let compared = expected.len().min(bytes.len());
            if bytes[..compared] != expected[..compared] {
                return Ok(Taken::Other("another file is in its place"));
            }
            expected = &expected[compared..];
            self.put(&bytes[compared..]);
        }
        if skip > 0 || !expected.is_empty() {
            return Ok(Taken::Other(SHORTER));
        }
        self.version = version;
        Ok(Taken::Whole)
    }

    /// Hands on the whole lines, and keeps what is behind them.
    fn put(&mut self, bytes: &[u8]) {
        self.read += bytes.len() as u64;
        self.unread.extend_from_slice(bytes);
        let whole = memchr::memrchr(b'\n', &self.unread).map_or(0, |newline| newline + 1);
        let mut lines = self.unread.split_to(whole);
        if self.unread.len() > self.server.options.message_bytes_max {
            lines.unsplit(self.unread.split());
        }
        // Whatever stands before a line that has not ended is to be known, too.
        let kept = OVERLAP_BYTES + self.unread.len();
        let last = &bytes[bytes.len().saturating_sub(kept)..];
        let kept = kept - last.len();
        self.known.drain(..self.known.len().saturating_sub(kept));
        self.known.extend_from_slice(last);
        if !lines.is_empty() && !self.skips {
            let place = self.place();
            self.flow.put_lines_to(lines.freeze(), place);
        }
    }

    /// How far the lines lie in the file that have ended, where that is wanted.
    fn place(&self) -> Option<String> {
        self.server.options.tells_place.then(|| {
            let rest = self.unread.len();
            let before = &self.known[..self.known.len() - rest];
            Place::behind(self.read - rest as u64, before).to_string()
        })
    }

    /// What has come of a line that will not go on is given as well.
    fn give_rest(&mut self) {
        let rest = self.unread.split().freeze();
        if !rest.is_empty() && !self.skips {
            self.flow.put_lines(rest);
        }
    }

    /// The file is another one: it is read from its beginning.
    fn begin_anew(&mut self, why: &str) {
        self.give_rest();
        self.sink
            .notice(format!("{why}; reading it from its beginning"));
        self.sink.gap(Gap {
            time: self.missing + self.complete.elapsed(),
            reason: format!("{why}, and what was added to the one before is not known"),
            cursor: None,
        });
        self.flow = self.sink.begin();
        self.read = 0;
        self.known.clear();
        self.version = None;
        self.skips = false;
    }
}

const SHORTER: &str = "the file is shorter than it was";

/// By what it can be asked whether a file is as it was then. A time is of no use where the answer was made
/// within the same second: what is added in the rest of it changes nothing of that.
fn version_of(headers: &HeaderMap) -> Option<(HeaderName, HeaderValue)> {
    let tag = headers.get(ETAG).map(|tag| (IF_NONE_MATCH, tag.clone()));
    tag.or_else(|| {
        let (time, now) = (headers.get(LAST_MODIFIED)?, headers.get(DATE)?);
        (time != now).then(|| (IF_MODIFIED_SINCE, time.clone()))
    })
}
