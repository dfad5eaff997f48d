//! Reading a timestamp from left to right.

use super::digits;
use super::reading::{Day, Reading, Zone};

/// What a shape's parser gives: the reading, and how many bytes it took.
pub(super) type Parsed = Option<(Reading, usize)>;

/// A text, from some place on.
///
/// The methods that take something give `None`, or `false`, where it is not there, and take nothing
/// then unless they say otherwise.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'t> {
    rest: &'t [u8],
    text_bytes: usize,
}

impl<'t> Cursor<'t> {
    #[inline]
    pub(super) fn new(text: &'t [u8]) -> Self {
        Self {
            rest: text,
            text_bytes: text.len(),
        }
    }

    /// What has not been taken.
    #[inline]
    pub(super) fn rest(&self) -> &'t [u8] {
        self.rest
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Takes `count` bytes, which are there.
    #[inline]
    pub(super) fn skip(&mut self, count: usize) {
        self.rest = &self.rest[count..];
    }

    #[inline]
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        if is_next {
            self.skip(1);
        }
        is_next
    }

    #[inline]
    pub(super) fn expect(&mut self, byte: u8) -> Option<()> {
        self.eat(byte).then_some(())
    }

    /// Takes one of `bytes`, and says which.
    #[inline]
    pub(super) fn one_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let next = self.peek().filter(|next| bytes.contains(next))?;
        self.skip(1);
        Some(next)
    }

    /// Takes spaces, if there are any.
    #[inline]
    pub(super) fn skip_spaces(&mut self) {
        while self.eat(b' ') {}
    }

    /// Takes two digits.
    #[inline]
    pub(super) fn two(&mut self) -> Option<u32> {
        let value = digits::two(self.rest)?;
        self.skip(2);
        Some(value)
    }

    /// Takes two digits, or one where no second follows.
    #[inline]
    pub(super) fn one_or_two(&mut self) -> Option<u32> {
        self.two().or_else(|| self.digits(1))
    }

    /// Takes `count` digits, 9 at most.
    #[inline]
    pub(super) fn digits(&mut self, count: usize) -> Option<u32> {
        let digits = self.rest.get(..count)?;
        let mut value = 0;
        for digit in digits {
            if !digit.is_ascii_digit() {
                return None;
            }
            value = value * 10 + u32::from(digit - b'0');
        }
        self.skip(count);
        Some(value)
    }

    /// How many digits are next.
    #[inline]
    pub(super) fn count_digits(&self) -> usize {
        let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit());
        digits.count()
    }

    /// Takes a word: letters, which are all bytes beyond ASCII too. It may be empty.
    #[inline]
    pub(super) fn word(&mut self) -> &'t [u8] {
        let is_letter = |byte: &&u8| byte.is_ascii_alphabetic() || !byte.is_ascii();
        let len = self.rest.iter().take_while(is_letter).count();
        let (word, rest) = self.rest.split_at(len);
        self.rest = rest;
        word
    }

    /// The reading, if the timestamp can end here: neither within a word or a number, nor before
    /// another part of a clock.
    #[inline]
    pub(super) fn end(self, day: Day, nanosecond: i64, zone: Zone) -> Parsed {
        let goes_on = match self.rest {
            // Behind a zone no clock goes on.
            [b':', next, ..] => next.is_ascii_digit() && zone == Zone::Unsaid,
            [next, ..] => next.is_ascii_alphanumeric(),
            [] => false,
        };
        if goes_on {
            return None;
        }
        self.end_anywhere(Reading::new(day, nanosecond, zone))
    }

    /// The reading of a date alone, if it can end here: not before more numbers.
    pub(super) fn end_of_date(self, day: Day) -> Parsed {
        if let [b'-' | b'/' | b'.' | b'_', next, ..] = self.rest
            && next.is_ascii_alphanumeric()
        {
            return None;
        }
        self.end(day, 0, Zone::Unsaid)
    }

    /// The reading, whatever follows.
    #[inline]
    pub(super) fn end_anywhere(self, reading: Reading) -> Parsed {
        Some((reading, self.text_bytes - self.rest.len()))
    }
}
