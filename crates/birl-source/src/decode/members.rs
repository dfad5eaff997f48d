//! The loop that the codecs share: members one after another, and nothing lost before the damage.

use std::io::{self, BufRead, BufReader, Read};

/// Large enough that a call of a codec does a millisecond of work, small enough to stay in the
/// second-level cache.
const INPUT_BYTES: usize = 256 * 1024;

/// One compression format, as a machine that is fed input and asked for output.
pub(super) trait Codec {
    /// The format's name, as it stands in messages.
    const NAME: &'static str;

    /// Whether a member (a stream, a frame) can begin with this byte.
    fn begins_with(first: u8) -> bool;

    /// Gets ready for the next member.
    fn restart(&mut self) -> io::Result<()>;

    /// Decodes from `input` into `output`, either of which may be empty, as far as either goes.
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step;
}

/// What one call of a codec did. `consumed` and `written` hold even where the outcome is damage.
pub(super) struct Step {
    pub(super) consumed: usize,
    pub(super) written: usize,
    pub(super) outcome: Outcome,
}

pub(super) enum Outcome {
    /// The member goes on.
    More,
    /// The member ended, and its checksums were right.
    MemberEnd,
    /// It cannot be decoded further; the words say why, or are empty where the codec does not know.
    Damage(String),
}

/// The decoded bytes of all members of one compressed input.
///
/// Zero bytes after a member are padding. Damage and a missing end come as an error after all that
/// could be decoded before; after an error the reader is at its end.
pub(super) struct Members<C> {
    input: BufReader<Box<dyn Read + Send>>,
    codec: C,
    state: State,
}

enum State {
    /// Before the first member.
    Start,
    Within,
    Between,
    /// The output that came along with the damage has been handed out, the error has not.
    Failing(io::Error),
    Done,
}

impl<C: Codec> Members<C> {
    pub(super) fn new(codec: C, input: Box<dyn Read + Send>) -> Self {
        Self {
            input: BufReader::with_capacity(INPUT_BYTES, input),
            codec,
            state: State::Start,
        }
    }

    /// Goes to the start of the next member, or to the end.
    fn advance(&mut self) -> io::Result<State> {
        let is_first = matches!(self.state, State::Start);
        loop {
            let padding = match self.input.fill_buf()? {
                [] if is_first => return Err(unexpected_end::<C>()),
                [] => return Ok(State::Done),
                [first, ..] if C::begins_with(*first) => {
                    self.codec.restart()?;
                    return Ok(State::Within);
                }
                _ if is_first => return Err(corrupt::<C>("no header")),
                input => zeros(input).ok_or_else(trailing_garbage::<C>)?,
            };
            self.input.consume(padding);
        }
    }

    fn step(&mut self, output: &mut [u8]) -> io::Result<usize> {
        let input = self.input.fill_buf()?;
        let at_end = input.is_empty();
        let step = self.codec.step(input, output);
        self.input.consume(step.consumed);
        match step.outcome {
            Outcome::More if at_end && step.written == 0 => return Err(unexpected_end::<C>()),
            Outcome::More => {}
            Outcome::MemberEnd => self.state = State::Between,
            Outcome::Damage(reason) => self.state = State::Failing(corrupt::<C>(&reason)),
        }
        Ok(step.written)
    }

    fn try_read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        loop {
            match std::mem::replace(&mut self.state, State::Done) {
                State::Done => return Ok(0),
                State::Failing(error) => return Err(error),
                state @ State::Within => {
                    self.state = state;
                    let written = self.step(output)?;
                    if written > 0 {
                        return Ok(written);
                    }
                }
                state @ (State::Start | State::Between) => {
                    self.state = state;
                    self.state = self.advance()?;
                }
            }
        }
    }
}

impl<C: Codec> Read for Members<C> {
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

/// How many zero bytes `input` begins with; `None` for none.
fn zeros(input: &[u8]) -> Option<usize> {
    let zeros = input.iter().take_while(|&&byte| byte == 0).count();
    (zeros > 0).then_some(zeros)
}

fn unexpected_end<C: Codec>() -> io::Error {
    let message = format!("unexpected end of {} data", C::NAME);
    io::Error::new(io::ErrorKind::UnexpectedEof, message)
}

fn trailing_garbage<C: Codec>() -> io::Error {
    let message = format!("trailing garbage after the {} data", C::NAME);
    io::Error::new(io::ErrorKind::InvalidData, message)
}

fn corrupt<C: Codec>(reason: &str) -> io::Error {
    let colon = if reason.is_empty() { "" } else { ": " };
    let message = format!("corrupt {} data{colon}{reason}", C::NAME);
    io::Error::new(io::ErrorKind::InvalidData, message)
}
