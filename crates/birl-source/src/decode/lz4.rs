//! LZ4 frames, the legacy ones too.

use std::io::{self, BufReader, Read};

use lz4_flex::frame::{Error, FrameDecoder};

const INPUT_BYTES: usize = 256 * 1024;
const LEGACY_MAGIC: u32 = 0x184C_2102;
const SKIPPABLE_MAGIC: std::ops::RangeInclusive<u32> = 0x184D_2A50..=0x184D_2A5F;

/// The decoded bytes of all frames of one input.
///
/// `FrameDecoder` takes an input that is cut between two blocks for one that ended well, and stops
/// at a skippable frame. So frames are told apart here, by their magic numbers, and only their
/// insides are left to it.
pub(super) struct Lz4 {
    decoder: FrameDecoder<Input>,
    state: State,
}

#[derive(Clone, Copy)]
enum State {
    /// Before the first frame.
    Start,
    Within {
        is_legacy: bool,
    },
    Between,
    Done,
}

impl Lz4 {
    pub(super) fn new(input: Box<dyn Read + Send>) -> Self {
        Self {
            decoder: FrameDecoder::new(Input::new(input)),
            state: State::Start,
        }
    }

    /// Goes to the start of the next frame with content, or to the end.
    fn advance(&mut self) -> io::Result<State> {
        let input = self.decoder.get_mut();
        loop {
            match input.peek_magic()? {
                None if matches!(self.state, State::Start) => return Err(unexpected_end()),
                None => return Ok(State::Done),
                Some(magic) if SKIPPABLE_MAGIC.contains(&magic) => input.skip_frame()?,
                Some(magic) => {
                    let is_legacy = magic == LEGACY_MAGIC;
                    return Ok(State::Within { is_legacy });
                }
            }
            self.state = State::Between;
        }
    }

    fn try_read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        loop {
            self.state = match self.state {
                State::Done => return Ok(0),
                State::Start | State::Between => self.advance()?,
                State::Within { is_legacy } => {
                    match self.decoder.read(output).map_err(in_plain_words)? {
                        // A legacy frame has no end mark, it ends with the input.
                        0 if self.decoder.get_ref().is_at_end && is_legacy => State::Done,
                        0 if self.decoder.get_ref().is_at_end => return Err(unexpected_end()),
                        0 => State::Between,
                        read => return Ok(read),
                    }
                }
            };
        }
    }
}

impl Read for Lz4 {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        if output.is_empty() {
            return Ok(0);
        }
        let read = self.try_read(output);
        if let Err(error) = &read
            && error.kind() != io::ErrorKind::Interrupted
        {
            self.state = State::Done;
        }
        read
    }
}

/// The compressed bytes, of which the next four can be looked at before they are read.
struct Input {
    peeked: [u8; 4],
    peeked_len: usize,
    bytes: BufReader<Box<dyn Read + Send>>,
    /// A read found nothing more.
    is_at_end: bool,
}

impl Input {
    fn new(bytes: Box<dyn Read + Send>) -> Self {
        Self {
            peeked: [0; 4],
            peeked_len: 0,
            bytes: BufReader::with_capacity(INPUT_BYTES, bytes),
            is_at_end: false,
        }
    }

    /// The four bytes that a frame begins with; `None` at the end of the input.
    fn peek_magic(&mut self) -> io::Result<Option<u32>> {
        while self.peeked_len < self.peeked.len() {
            match self.bytes.read(&mut self.peeked[self.peeked_len..])? {
                0 if self.peeked_len == 0 => return Ok(None),
                0 => return Err(unexpected_end()),
                read => self.peeked_len += read,
            }
        }
        Ok(Some(u32::from_le_bytes(self.peeked)))
    }

    /// Leaves out a skippable frame: its magic number, the length of what it carries, and that
    /// much.
    fn skip_frame(&mut self) -> io::Result<()> {
        let mut header = [0; 8];
        self.read_exact(&mut header).map_err(in_plain_words)?;
        let [_, _, _, _, length @ ..] = header;
        let length = u64::from(u32::from_le_bytes(length));
        let skipped = io::copy(&mut self.take(length), &mut io::sink())?;
        if skipped < length {
            return Err(unexpected_end());
        }
        Ok(())
    }
}

impl Read for Input {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        if self.peeked_len > 0 {
            let read = (&self.peeked[..self.peeked_len]).read(output)?;
            self.peeked.rotate_left(read);
            self.peeked_len -= read;
            return Ok(read);
        }
        let read = self.bytes.read(output)?;
        self.is_at_end |= read == 0 && !output.is_empty();
        Ok(read)
    }
}

fn unexpected_end() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "unexpected end of lz4 data")
}

/// `FrameDecoder` wraps its own errors, whose text is the name of their variant, in those of `std`.
fn in_plain_words(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return unexpected_end();
    }
    let Some(cause) = error.get_ref().and_then(|e| e.downcast_ref::<Error>()) else {
        return error;
    };
    let words = match cause {
        Error::WrongMagicNumber => "trailing garbage after the lz4 data",
        Error::HeaderChecksumError => "corrupt lz4 data: incorrect header checksum",
        Error::BlockChecksumError => "corrupt lz4 data: incorrect block checksum",
        Error::ContentChecksumError => "corrupt lz4 data: incorrect content checksum",
        Error::ContentLengthError { .. } => "corrupt lz4 data: incorrect content length",
        Error::DictionaryNotSupported => "lz4 data that needs a dictionary",
        Error::UnsupportedVersion(_) => "lz4 data of an unknown version",
        _ => "corrupt lz4 data",
    };
    io::Error::new(io::ErrorKind::InvalidData, words)
}
