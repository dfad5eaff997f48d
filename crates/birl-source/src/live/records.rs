//! Messages → lines, each a record.

use bytes::Bytes;
use serde::de::IgnoredAny;

use super::sink::Flow;

/// So many bytes of lines are handed on at once.
const BATCH_BYTES: usize = 256 * 1024;

/// Gathers messages to lines.
pub(super) struct Records<'a> {
    flow: Flow<'a>,
    /// Lines of which none can be taken for a part of another.
    lines: Vec<u8>,
    /// About so many bytes of them are gathered before they are handed on.
    expected_bytes: usize,
}

impl<'a> Records<'a> {
    pub(super) fn new(flow: Flow<'a>) -> Self {
        Self {
            flow,
            lines: Vec::new(),
            expected_bytes: 0,
        }
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
        if memchr::memchr(b'\n', message).is_none() {
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
        if memchr::memchr(b'\n', message).is_some() {
            return self.push_text(message);
        }
        self.gather(message);
    }

    /// Hands on what has been gathered.
    pub(super) fn flush(&mut self) {
        if !self.lines.is_empty() {
            // As many as now are likely to come together again: a buffer that grows is copied each time.
            self.expected_bytes = self.lines.len().max(self.expected_bytes / 2);
            let mut lines = std::mem::take(&mut self.lines);
            lines.shrink_to_fit();
            self.flow.put(lines.into());
        }
    }

    /// Puts a line behind those that are gathered.
    fn gather(&mut self, line: &[u8]) {
        if self.lines.capacity() == 0 {
            self.lines.reserve_exact(self.expected_bytes);
        }
        self.lines.extend_from_slice(line);
        self.lines.push(b'\n');
        if self.lines.len() >= BATCH_BYTES {
            self.flush();
        }
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
