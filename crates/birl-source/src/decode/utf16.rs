//! UTF-16 → UTF-8.

use std::io::{self, Read};

use encoding_rs::{CoderResult, Decoder, UTF_16BE, UTF_16LE};

const INPUT_BYTES: usize = 64 * 1024;

/// The text of UTF-16 without its byte order mark. A lone surrogate and an odd last byte become
/// U+FFFD.
pub(super) struct Utf16<R> {
    input: R,
    decoder: Decoder,
    raw: Window,
    text: Window,
    state: State,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Reading,
    /// The input ended; what is left of it has yet to be decoded.
    InputEnded,
    Done,
}

/// A buffer of which the part from `start` to `end` is waiting to be used.
struct Window {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl<R: Read> Utf16<R> {
    pub(super) fn new(big_endian: bool, input: R) -> Self {
        let encoding = if big_endian { UTF_16BE } else { UTF_16LE };
        Self {
            input,
            decoder: encoding.new_decoder_without_bom_handling(),
            raw: Window::new(INPUT_BYTES),
            // Two bytes become three at the most.
            text: Window::new(INPUT_BYTES / 2 * 3),
            state: State::Reading,
        }
    }

    /// Reads once, if nothing is left to decode, and decodes.
    fn refill(&mut self) -> io::Result<()> {
        if self.raw.waiting().is_empty() && self.state == State::Reading {
            // Emptied first: were the read to fail, the old bytes must not come again.
            (self.raw.start, self.raw.end) = (0, 0);
            self.raw.end = self.input.read(&mut self.raw.bytes)?;
            if self.raw.end == 0 {
                self.state = State::InputEnded;
            }
        }
        self.decode();
        Ok(())
    }

    fn decode(&mut self) {
        let is_last = self.state == State::InputEnded;
        let (raw, text) = (self.raw.waiting(), &mut self.text.bytes);
        let (result, read, written, _) = self.decoder.decode_to_utf8(raw, text, is_last);
        self.raw.start += read;
        (self.text.start, self.text.end) = (0, written);
        if is_last && result == CoderResult::InputEmpty {
            self.state = State::Done;
        }
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        while self.text.waiting().is_empty() && self.state != State::Done {
            self.refill()?;
        }
        let read = self.text.waiting().read(output)?;
        self.text.start += read;
        Ok(read)
    }
}

impl Window {
    fn new(len: usize) -> Self {
        Self {
            bytes: vec![0; len].into(),
            start: 0,
            end: 0,
        }
    }

    fn waiting(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }
}
