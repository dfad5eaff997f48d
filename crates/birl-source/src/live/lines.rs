//! Bytes that arrive over a connection → whole lines, or messages that say how long they are.

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::options::Options;
use super::records::Records;
use super::sink::{Flow, Sink};

/// So many bytes are read at once.
const READ_BYTES: usize = 64 * 1024;

/// The digits of the longest length that a message may have.
const LENGTH_DIGITS_MAX: usize = 9;

/// Reads `input` to its end: lines, or syslog whose messages have their length before them (RFC 6587,
/// section 3.4.1). Which of the two is told by how it begins.
///
/// It holds no more than one line or message of [`Options::message_bytes_max`], and what was read with
/// it; a longer line goes on in pieces, and is cut as those of files are; a longer message is left out.
///
/// # Errors
///
/// Why it could not be read to its end, in words. What came before has been handed on.
pub(super) async fn read_all(
    mut input: impl AsyncRead + Unpin,
    options: &Options,
    sink: &Sink,
    mut heard: impl FnMut(),
) -> Result<(), String> {
    let mut unread = BytesMut::new();
    let mut framing = Framing::Unknown;
    let mut output = Output {
        flow: Some(sink.begin()),
        records: None,
        passing_bytes: 0,
    };
    loop {
        sink.ready().await;
        unread.reserve(READ_BYTES);
        let read = input.read_buf(&mut unread).await;
        let read = read.map_err(|error| crate::error::refusal(&error));
        if matches!(read, Ok(1..)) {
            heard();
        }
        if framing == Framing::Unknown {
            framing = framing_of(&unread);
        }
        match framing {
            // At the end it is known that no more comes.
            Framing::Unknown => {}
            Framing::Lines => output.put_lines(&mut unread, options),
            Framing::Counted => output.put_counted(&mut unread, options, sink)?,
        }
        match read {
            Ok(0) => {
                output.put(unread.freeze());
                return Ok(());
            }
            Ok(_) => {}
            Err(error) => {
                output.put(unread.freeze());
                return Err(error);
            }
        }
    }
}

/// How a sender tells where messages end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Unknown,
    Lines,
    Counted,
}

/// How a sender that begins like this goes on.
fn framing_of(head: &[u8]) -> Framing {
    let digits = head.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match &head[digits..] {
        [] if digits <= LENGTH_DIGITS_MAX => Framing::Unknown,
        [b' '] if (1..=LENGTH_DIGITS_MAX).contains(&digits) => Framing::Unknown,
        // A message begins with its priority. A line may well begin with a number.
        [b' ', b'<', ..] if (1..=LENGTH_DIGITS_MAX).contains(&digits) && head[0] != b'0' => {
            Framing::Counted
        }
        _ => Framing::Lines,
    }
}

/// Where the lines or the messages of one connection go.
struct Output<'a> {
    flow: Option<Flow<'a>>,
    records: Option<Records<'a>>,
    /// So much is still to come of a message that is left out.
    passing_bytes: usize,
}

impl Output<'_> {
    /// Hands on the whole lines of `unread`; all of it where a line is too long.
    fn put_lines(&mut self, unread: &mut BytesMut, options: &Options) {
        let whole = memchr::memrchr(b'\n', unread).map_or(0, |newline| newline + 1);
        self.put(unread.split_to(whole).freeze());
        if unread.len() > options.message_bytes_max {
            self.put(unread.split().freeze());
        }
    }

    fn put(&mut self, bytes: Bytes) {
        if let Some(flow) = &mut self.flow
            && !bytes.is_empty()
        {
            flow.put_lines(bytes);
        }
    }

    /// Hands on the messages that stand whole in `unread`.
    fn put_counted(
        &mut self,
        unread: &mut BytesMut,
        options: &Options,
        sink: &Sink,
    ) -> Result<(), String> {
        if let Some(flow) = self.flow.take() {
            self.records = Some(Records::new(flow));
        }
        let Some(records) = &mut self.records else {
            return Ok(());
        };
        let put = loop {
            let passed = self.passing_bytes.min(unread.len());
            unread.advance(passed);
            self.passing_bytes -= passed;
            let digits = unread
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            match unread.get(digits) {
                None if digits <= LENGTH_DIGITS_MAX => break Ok(()),
                Some(b' ') if (1..=LENGTH_DIGITS_MAX).contains(&digits) => {}
                // Many senders end their messages by a newline as well.
                Some(b'\n' | b'\r') if digits == 0 => {
                    unread.advance(1);
                    continue;
                }
                _ => break Err("the length of a message is no number".to_owned()),
            }
            let length = std::str::from_utf8(&unread[..digits]).unwrap_or_default();
            let length: usize = length.parse().unwrap_or(usize::MAX);
            if length > options.message_bytes_max {
                // What came before is told before.
                records.flush();
                sink.leave_out(options);
                unread.advance(digits + 1);
                self.passing_bytes = length;
                continue;
            }
            let Some(message) = unread.get(digits + 1..digits + 1 + length) else {
                break Ok(());
            };
            records.push_line(message);
            unread.advance(digits + 1 + length);
        };
        records.flush();
        put
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_framing_is_told_by_how_it_begins() {
        let cases = [
            ("", Framing::Unknown),
            ("1", Framing::Unknown),
            ("12 ", Framing::Unknown),
            ("12 <34>1 x", Framing::Counted),
            ("<34>1 x", Framing::Lines),
            ("2026 was a year", Framing::Lines),
            ("2026-03-14", Framing::Lines),
            ("0 <1>", Framing::Lines),
            ("1234567890", Framing::Lines),
            ("\n", Framing::Lines),
        ];
        for (head, framing) in cases {
            assert_eq!(framing_of(head.as_bytes()), framing, "{head:?}");
        }
    }
}
