//! Messages → lines, each a record.

use birl_stream::block::Block;
use bytes::Bytes;
use serde::de::IgnoredAny;

use super::sink::Flow;

/// Gathers messages to lines.
pub(super) struct Records<'a> {
    flow: Flow<'a>,
    /// Lines of which none can be taken for a part of another.
    lines: Option<Block>,
}

impl<'a> Records<'a> {
    pub(super) fn new(flow: Flow<'a>) -> Self {
        Self { flow, lines: None }
    }

    /// Takes a message. An empty one is no record: many services send such as a sign of life.
    pub(super) fn push(&mut self, message: &[u8]) {
        let ends = message
            .iter()
            .rev()
            .take_while(|byte| b"\r\n".contains(byte));
        let message = &message[..message.len() - ends.count()];
        if message.trim_ascii().is_empty() {
            return;
        }
        if !message.starts_with(b"{") {
            return self.push_text(message);
        }
        if !has_newline(message) {
            self.gather(message);
        } else if serde_json::from_slice::<IgnoredAny>(message).is_ok() {
            // Within a text of JSON there is no line end, so each is white space between.
            let spaced = message.iter().map(|&byte| match byte {
                b'\n' | b'\r' => b' ',
                byte => byte,
            });
            self.gather(&spaced.collect::<Vec<_>>());
        } else {
            self.push_text(message);
        }
    }

    /// Takes a message that is likely to be of syslog, and so to begin with its priority: no line that
    /// does can be taken for a part of another.
    pub(super) fn push_line(&mut self, message: &[u8]) {
        let message = message.trim_ascii_end();
        if !message.starts_with(b"<") {
            return self.push(message);
        }
        if has_newline(message) {
            return self.push_text(message);
        }
        self.gather(message);
    }

    /// Hands on what has been gathered.
    pub(super) fn flush(&mut self) {
        if let Some(lines) = self.lines.take() {
            self.flow.put_block(lines);
        }
    }

    /// Puts a line behind those that are gathered.
    fn gather(&mut self, line: &[u8]) {
        if self
            .lines
            .as_ref()
            .is_some_and(|lines| lines.spare() <= line.len())
        {
            self.flush();
        }
        let lines = self.lines.get_or_insert_with(|| self.flow.block());
        lines.push_line(line);
    }

    /// A line of text may look as if it went on from the one before, so each message goes alone.
    fn push_text(&mut self, message: &[u8]) {
        self.flush();
        let mut lines = Vec::with_capacity(message.len() + 1);
        lines.extend_from_slice(message);
        lines.push(b'\n');
        self.flow.put(Bytes::from(lines));
    }
}

/// Messages are short, and few have one: to look at all of each is done sooner than to begin a search.
fn has_newline(message: &[u8]) -> bool {
    let has = |bytes: &[u8]| bytes.iter().fold(false, |has, byte| has | (*byte == b'\n'));
    let (chunks, _) = message.as_chunks::<64>();
    // The last bytes of a longer one are looked at with those before them, which may be twice.
    let last = message.last_chunk::<64>().map_or(message, |last| last);
    chunks.iter().fold(has(last), |all, chunk| all | has(chunk))
}
