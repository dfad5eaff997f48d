//! What arrives, byte for byte → what it says.

use std::borrow::Cow;

use bytes::{Buf, Bytes, BytesMut};

use super::Close;
use super::frame::{Head, Opcode, Wrong};
use super::inflate::{Failure, Inflated, Inflater};
use crate::left_out::{let_by_bytes_max, not_let_by};

/// Puts frames together to messages.
#[derive(Debug)]
pub(super) struct Decoder {
    message_bytes_max: usize,
    inflater: Option<Inflater>,
    /// The message that has begun.
    begun: Option<Begun>,
    /// The frame that has begun of a message that is too long: nothing of it is kept.
    passing: Option<Passing>,
}

#[derive(Debug)]
struct Begun {
    opcode: Opcode,
    compressed: bool,
    payload: BytesMut,
    /// Nothing of it is kept.
    is_too_long: bool,
    /// How long it is, as far as that is known, where nothing of it is kept.
    bytes: u64,
}

#[derive(Debug)]
struct Passing {
    /// So much of it has not come yet.
    rest_bytes: u64,
    /// The message ends with it.
    fin: bool,
}

/// What the other side says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    Text(Bytes),
    Binary(Bytes),
    /// A message that is longer than allowed has begun: it will go by.
    TooLong,
    Ping(Bytes),
    Pong(Bytes),
    Close(Option<Close>),
}

/// How the other side breaks the rules.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Violation {
    /// What it is to be told.
    pub(super) code: u16,
    pub(super) reason: Cow<'static, str>,
}

impl From<Failure> for Violation {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Damaged => DAMAGED,
            Failure::Bomb => BOMB,
        }
    }
}

impl From<Wrong> for Violation {
    fn from(reason: Wrong) -> Self {
        Self {
            code: 1002,
            reason: Cow::Borrowed(reason),
        }
    }
}

const BOMB: Violation = Violation {
    code: 1009,
    reason: Cow::Borrowed("a message is far longer than allowed when it is decompressed"),
};

const NOT_UTF8: Violation = Violation {
    code: 1007,
    reason: Cow::Borrowed("a message of text is not UTF-8"),
};

const DAMAGED: Violation = Violation {
    code: 1007,
    reason: Cow::Borrowed("a message cannot be decompressed"),
};

impl Decoder {
    /// Of messages longer than `message_bytes_max` nothing is kept. Without an `inflater`, compressed ones are a
    /// violation.
    pub(super) fn new(message_bytes_max: usize, inflater: Option<Inflater>) -> Self {
        Self {
            message_bytes_max,
            inflater,
            begun: None,
            passing: None,
        }
    }

    /// Whether no message has begun.
    pub(super) fn is_idle(&self) -> bool {
        self.begun.is_none()
    }

    /// The next message, or control frame, that stands whole in `unread`.
    pub(super) fn decode(&mut self, unread: &mut BytesMut) -> Result<Option<Incoming>, Violation> {
        loop {
            if let Some(passing) = self.passing.take() {
                match self.pass(passing, unread)? {
                    true => continue,
                    false => return Ok(None),
                }
            }
            let Some(head) = Head::parse(unread)? else {
                return Ok(None);
            };
            self.check(&head)?;
            if self.is_too_long(&head) {
                unread.advance(head.bytes);
                // It is told when it begins: its end may be far.
                match self.begin_to_pass(&head)? {
                    true => return Ok(Some(Incoming::TooLong)),
                    false => continue,
                }
            }
            // It is at most `message_bytes_max`, or that of a control frame.
            let payload_bytes = head.payload_bytes as usize;
            if unread.len() < head.bytes + payload_bytes {
                return Ok(None);
            }
            unread.advance(head.bytes);
            let payload = unread.split_to(payload_bytes);
            if let Some(incoming) = self.take(&head, payload)? {
                return Ok(Some(incoming));
            }
        }
    }

    /// Gives `take` the messages of text that `unread` begins with, in place, as long as each is one frame
    /// that is not compressed. What is anything else, and what is wrong, is left for [`decode`](Self::decode).
    pub(super) fn take_texts(&self, unread: &mut BytesMut, mut take: impl FnMut(&[u8])) {
        if self.begun.is_some() || self.passing.is_some() {
            return;
        }
        let mut taken = 0;
        while let Some((head_bytes, text)) = self.text(&unread[taken..]) {
            take(text);
            taken += head_bytes + text.len();
        }
        unread.advance(taken);
    }

    /// How long the head is of the message of text that `unread` begins with, and the message.
    fn text<'a>(&self, unread: &'a [u8]) -> Option<(usize, &'a [u8])> {
        let head = Head::parse(unread).ok()??;
        let is_plain = head.opcode == Opcode::Text && head.fin && !head.compressed;
        if !is_plain || self.is_too_long(&head) {
            return None;
        }
        let text = unread.get(head.bytes..head.bytes + head.payload_bytes as usize)?;
        is_utf8(text).then_some((head.bytes, text))
    }

    fn check(&self, head: &Head) -> Result<(), Violation> {
        match (head.opcode, &self.begun) {
            (Opcode::Close | Opcode::Ping | Opcode::Pong, _) => return Ok(()),
            (Opcode::Continuation, None) => {
                return Err("a message goes on that has not begun".into());
            }
            (Opcode::Text | Opcode::Binary, Some(_)) => {
                return Err("a message begins within another".into());
            }
            (Opcode::Continuation, Some(_)) if head.compressed => {
                return Err("a message is compressed from its middle on".into());
            }
            _ => {}
        }
        match head.compressed && self.inflater.is_none() {
            true => Err("a frame has reserved bits".into()),
            false => Ok(()),
        }
    }

    fn is_too_long(&self, head: &Head) -> bool {
        if matches!(head.opcode, Opcode::Close | Opcode::Ping | Opcode::Pong) {
            return false;
        }
        let before = self.begun.as_ref();
        let before_bytes = before.map_or(0, |begun| begun.payload.len() as u64);
        before.is_some_and(|begun| begun.is_too_long)
            || head.payload_bytes.saturating_add(before_bytes) > self.message_bytes_max as u64
    }

    /// Lets go of what has come of the message that `head` is a frame of. Whether that is news.
    fn begin_to_pass(&mut self, head: &Head) -> Result<bool, Violation> {
        let begun = self.begun.get_or_insert_with(|| Begun {
            opcode: head.opcode,
            compressed: head.compressed,
            payload: BytesMut::new(),
            is_too_long: false,
            bytes: 0,
        });
        let is_news = !std::mem::replace(&mut begun.is_too_long, true);
        let payload = std::mem::take(&mut begun.payload);
        let bytes = begun.bytes + payload.len() as u64;
        begun.bytes = bytes.saturating_add(head.payload_bytes);
        if begun.bytes > let_by_bytes_max(self.message_bytes_max) {
            return Err(Violation {
                code: 1009,
                reason: Cow::Owned(not_let_by(begun.bytes)),
            });
        }
        self.passing = Some(Passing {
            rest_bytes: head.payload_bytes,
            fin: head.fin,
        });
        self.leave_out(&payload)?;
        Ok(is_news)
    }

    /// Lets go of what has come of a frame. Whether that was all of it.
    fn pass(&mut self, passing: Passing, unread: &mut BytesMut) -> Result<bool, Violation> {
        let come = passing.rest_bytes.min(unread.len() as u64);
        self.leave_out(&unread.split_to(come as usize))?;
        let rest_bytes = passing.rest_bytes - come;
        if rest_bytes > 0 {
            self.passing = Some(Passing {
                rest_bytes,
                ..passing
            });
            return Ok(false);
        }
        if !passing.fin {
            return Ok(true);
        }
        let begun = self.begun.take();
        if begun.is_some_and(|begun| begun.compressed)
            && let Some(inflater) = &mut self.inflater
        {
            let _ = inflater.end(self.message_bytes_max)?;
        }
        Ok(true)
    }

    /// What is compressed may be needed to decompress what comes behind it.
    fn leave_out(&mut self, payload: &[u8]) -> Result<(), Violation> {
        let is_compressed = self.begun.as_ref().is_some_and(|begun| begun.compressed);
        if is_compressed && let Some(inflater) = &mut self.inflater {
            inflater.feed(payload, self.message_bytes_max)?;
        }
        Ok(())
    }

    fn take(&mut self, head: &Head, payload: BytesMut) -> Result<Option<Incoming>, Violation> {
        match head.opcode {
            Opcode::Ping => return Ok(Some(Incoming::Ping(payload.freeze()))),
            Opcode::Pong => return Ok(Some(Incoming::Pong(payload.freeze()))),
            Opcode::Close => return close(&payload).map(|close| Some(Incoming::Close(close))),
            Opcode::Continuation | Opcode::Text | Opcode::Binary => {}
        }
        let message = match self.begun.take() {
            None => Begun {
                opcode: head.opcode,
                compressed: head.compressed,
                payload,
                is_too_long: false,
                bytes: 0,
            },
            Some(mut begun) => {
                begun.payload.extend_from_slice(&payload);
                begun
            }
        };
        if !head.fin {
            self.begun = Some(message);
            return Ok(None);
        }
        self.finish(message).map(Some)
    }

    fn finish(&mut self, message: Begun) -> Result<Incoming, Violation> {
        let payload = match (&mut self.inflater, message.compressed) {
            (Some(inflater), true) => {
                inflater.feed(&message.payload, self.message_bytes_max)?;
                match inflater.end(self.message_bytes_max)? {
                    Inflated::Whole(payload) => payload,
                    Inflated::TooLong => return Ok(Incoming::TooLong),
                }
            }
            _ => message.payload,
        };
        match message.opcode {
            Opcode::Text if !is_utf8(&payload) => Err(NOT_UTF8),
            Opcode::Text => Ok(Incoming::Text(payload.freeze())),
            _ => Ok(Incoming::Binary(payload.freeze())),
        }
    }
}

/// Whether `text` is UTF-8. Most is ASCII, which takes half the time to tell where that is all that is asked.
fn is_utf8(text: &[u8]) -> bool {
    let union = |bytes: &[u8]| bytes.iter().fold(0, |union, byte| union | byte);
    let (chunks, _) = text.as_chunks::<64>();
    // The last bytes of a longer text are looked at with those before them, which may be twice.
    let last = text.last_chunk::<64>().map_or(text, |last| last);
    let all = chunks
        .iter()
        .fold(union(last), |all, chunk| all | union(chunk));
    all.is_ascii() || std::str::from_utf8(text).is_ok()
}

/// Why the other side ends the connection (section 5.5.1).
fn close(payload: &[u8]) -> Result<Option<Close>, Violation> {
    let Some((code, reason)) = payload.split_first_chunk() else {
        return match payload {
            [] => Ok(None),
            _ => Err("a close frame has half a code".into()),
        };
    };
    let code = u16::from_be_bytes(*code);
    // Section 7.4: the others are reserved, or never sent.
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err("a close frame has a code that must not be sent".into());
    }
    match std::str::from_utf8(reason) {
        Ok(reason) => Ok(Some(Close {
            code,
            reason: reason.to_owned(),
        })),
        Err(_) => Err(NOT_UTF8),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![first];
        match payload.len() {
            len @ ..126 => frame.push(len as u8),
            len => {
                frame.push(126);
                frame.extend((len as u16).to_be_bytes());
            }
        }
        frame.extend(payload);
        frame
    }

    fn decode_all(bytes: &[u8]) -> Result<Vec<Incoming>, Violation> {
        let mut decoder = Decoder::new(1000, None);
        let mut unread = BytesMut::from(bytes);
        let mut all = Vec::new();
        while let Some(incoming) = decoder.decode(&mut unread)? {
            all.push(incoming);
        }
        Ok(all)
    }

    #[test]
    fn fragments_make_a_message_around_control_frames() {
        let bytes = [
            frame(0x01, b"he"),
            frame(0x89, b"?"),
            frame(0x00, b""),
            frame(0x80, b"llo"),
            frame(0x8A, b"!"),
        ];
        assert_eq!(
            decode_all(&bytes.concat()).unwrap(),
            [
                Incoming::Ping("?".into()),
                Incoming::Text("hello".into()),
                Incoming::Pong("!".into())
            ]
        );
    }

    #[test]
    fn what_is_too_long_goes_by_and_what_is_behind_it_is_read() {
        let text = |text: &'static str| Incoming::Text(text.into());
        let long = frame(0x81, &[b'x'; 1001]);
        let cases = [
            (vec![long.clone()], vec![Incoming::TooLong]),
            // Nor need it be UTF-8, since nobody looks at it.
            (vec![frame(0x81, &[0xff; 1001])], vec![Incoming::TooLong]),
            // Neither fragment is too long; what is said between them is heard.
            (
                vec![
                    frame(0x01, &[b'x'; 600]),
                    frame(0x00, &[b'x'; 600]),
                    frame(0x89, b"?"),
                    frame(0x00, b""),
                    frame(0x80, &[b'x'; 2000]),
                ],
                vec![Incoming::TooLong, Incoming::Ping("?".into())],
            ),
            (
                vec![frame(0x82, &[0; 1000])],
                vec![Incoming::Binary(vec![0; 1000].into())],
            ),
        ];
        for (frames, mut expected) in cases {
            let bytes = [frame(0x81, b"a"), frames.concat(), frame(0x81, b"b")].concat();
            expected.insert(0, text("a"));
            expected.push(text("b"));
            for piece in [1, 7, bytes.len()] {
                let mut decoder = Decoder::new(1000, None);
                let mut unread = BytesMut::new();
                let mut found = Vec::new();
                for piece in bytes.chunks(piece) {
                    unread.extend_from_slice(piece);
                    while let Some(incoming) = decoder.decode(&mut unread).unwrap() {
                        found.push(incoming);
                    }
                    assert!(unread.len() <= 1000 + 8, "it is not gathered");
                }
                assert_eq!(found, expected);
                assert!(decoder.is_idle());
            }
        }
    }

    #[test]
    fn a_long_announcement_takes_no_memory_and_is_told_at_once() {
        let mut decoder = Decoder::new(1000, None);
        let mut unread = BytesMut::from(&announced(1 << 30)[..]);
        assert_eq!(decoder.decode(&mut unread), Ok(Some(Incoming::TooLong)));
        for _ in 0..100 {
            assert_eq!(decoder.decode(&mut unread), Ok(None));
            assert!(unread.is_empty() && !decoder.is_idle());
            unread.extend_from_slice(&[0; 5000]);
        }
    }

    /// How a frame begins that is to have so many bytes.
    fn announced(bytes: u64) -> Vec<u8> {
        let mut frame = vec![0x82, 127];
        frame.extend(bytes.to_be_bytes());
        frame
    }

    #[test]
    fn what_would_never_end_is_a_violation_that_says_how_long_it_is() {
        let refused = |bytes: Vec<u8>| decode_all(&bytes).unwrap_err();
        let longest = refused(announced(1 << 62));
        assert_eq!(longest.code, 1009);
        assert!(
            longest.reason.contains("4611686018427387904"),
            "{longest:?}"
        );
        // Nor does it help to say it bit by bit.
        let begun = frame(0x02, &[0; 1001]);
        let rest = announced((1 << 30) - 1000);
        let goes_on = [begun, [&[0x00], &rest[1..]].concat()].concat();
        assert_eq!(refused(goes_on).code, 1009);
        let mut larger = Decoder::new(1 << 28, None);
        let mut unread = BytesMut::from(&announced(1 << 31)[..]);
        assert_eq!(larger.decode(&mut unread), Ok(Some(Incoming::TooLong)));
    }

    #[test]
    fn violations_have_their_codes() {
        let cases = [
            (frame(0x80, b"x"), 1002),
            ([frame(0x01, b"x"), frame(0x81, b"y")].concat(), 1002),
            (frame(0xC1, b"x"), 1002),
            (frame(0x81, b"\xff"), 1007),
            (frame(0x88, b"\x03\xe8\xff"), 1007),
            (frame(0x88, b"\x03"), 1002),
            (frame(0x88, &1005_u16.to_be_bytes()), 1002),
            // It does not begin anew within one that is left out.
            (
                [frame(0x01, &[b'x'; 1001]), frame(0x81, b"y")].concat(),
                1002,
            ),
        ];
        for (bytes, code) in cases {
            assert_eq!(decode_all(&bytes).unwrap_err().code, code, "{bytes:x?}");
        }
    }

    /// Frames of all kinds, of which some are wrong, and messages in pieces.
    fn frames() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let texts = prop::sample::select(vec![
            frame(0x81, b""),
            frame(0x81, b"plain"),
            frame(0x81, &[b'x'; 64]),
            frame(0x81, "ä".repeat(70).as_bytes()),
            frame(0x81, &[b'x'; 1000]),
        ]);
        let others = prop::sample::select(vec![
            frame(0x82, b"\xff"),
            frame(0x81, &[b'x'; 1001]),
            [frame(0x01, b"he"), frame(0x89, b"?"), frame(0x80, b"llo")].concat(),
            [
                frame(0x01, "ä".as_bytes().split_at(1).0),
                frame(0x80, "ä".as_bytes().split_at(1).1),
            ]
            .concat(),
            frame(0x8A, b"!"),
            frame(0x88, b"\x03\xe8"),
            frame(0x81, &[&[b'x'; 100][..], b"\xff"].concat()),
            frame(0xC1, b"x"),
            frame(0x80, b"x"),
        ]);
        prop::collection::vec(prop_oneof![4 => texts, 1 => others], 0..12)
    }

    proptest! {
        #[test]
        fn texts_are_taken_in_place_as_they_are_decoded(frames in frames(), piece in 1_usize..2000) {
            let bytes = frames.concat();
            let decoded = |in_place: bool| {
                let mut decoder = Decoder::new(1000, None);
                let (mut unread, mut found) = (BytesMut::new(), Vec::new());
                for piece in bytes.chunks(piece) {
                    unread.extend_from_slice(piece);
                    loop {
                        if in_place {
                            let take = |text: &[u8]| {
                                found.push(Ok(Incoming::Text(Bytes::copy_from_slice(text))));
                            };
                            decoder.take_texts(&mut unread, take);
                        }
                        match decoder.decode(&mut unread) {
                            Ok(Some(incoming)) => found.push(Ok(incoming)),
                            Ok(None) => break,
                            Err(violation) => {
                                found.push(Err(violation));
                                return found;
                            }
                        }
                    }
                }
                found
            };
            prop_assert_eq!(decoded(true), decoded(false));
        }

        #[test]
        fn utf8_is_told_as_std_tells_it(
            text in "[a-zä€]{0,200}",
            wrong in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
        ) {
            let mut text = text.into_bytes();
            if let Some((at, byte)) = wrong && !text.is_empty() {
                let at = at.index(text.len());
                text[at] = byte;
            }
            prop_assert_eq!(is_utf8(&text), std::str::from_utf8(&text).is_ok());
        }

        #[test]
        fn any_bytes_end_in_messages_or_a_violation(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
            let mut decoder = Decoder::new(1000, Some(Inflater::new(false)));
            let mut unread = BytesMut::from(&bytes[..]);
            while let Ok(Some(_)) = decoder.decode(&mut unread) {}
        }

        #[test]
        fn the_pieces_in_which_bytes_arrive_do_not_matter(
            texts in prop::collection::vec("[a-zä]{0,200}", 0..8),
            piece in 1_usize..40,
        ) {
            let bytes: Vec<u8> = texts.iter().flat_map(|text| frame(0x81, text.as_bytes())).collect();
            let mut decoder = Decoder::new(1000, None);
            let mut unread = BytesMut::new();
            let mut found = Vec::new();
            for piece in bytes.chunks(piece) {
                unread.extend_from_slice(piece);
                while let Some(incoming) = decoder.decode(&mut unread).unwrap() {
                    found.push(incoming);
                }
            }
            let expected: Vec<_> = texts.into_iter().map(|text| Incoming::Text(text.into())).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
