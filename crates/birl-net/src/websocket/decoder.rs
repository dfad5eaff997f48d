//! What arrives, byte for byte → what it says.

use bytes::{Buf, Bytes, BytesMut};

use super::Close;
use super::frame::{Head, Opcode, Wrong};
use super::inflate::{Failure, Inflater};

/// Puts frames together to messages.
#[derive(Debug)]
pub(super) struct Decoder {
    message_bytes_max: usize,
    inflater: Option<Inflater>,
    /// The message that has begun.
    begun: Option<Begun>,
}

#[derive(Debug)]
struct Begun {
    opcode: Opcode,
    compressed: bool,
    payload: BytesMut,
}

/// What the other side says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    Text(Bytes),
    Binary(Bytes),
    Ping(Bytes),
    Pong(Bytes),
    Close(Option<Close>),
}

/// How the other side breaks the rules.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Violation {
    /// What it is to be told.
    pub(super) code: u16,
    pub(super) reason: &'static str,
}

impl From<Wrong> for Violation {
    fn from(reason: Wrong) -> Self {
        Self { code: 1002, reason }
    }
}

pub(super) const TOO_LONG: Violation = Violation {
    code: 1009,
    reason: "a message is longer than allowed",
};

const NOT_UTF8: Violation = Violation {
    code: 1007,
    reason: "a message of text is not UTF-8",
};

const DAMAGED: Violation = Violation {
    code: 1007,
    reason: "a message cannot be decompressed",
};

impl Decoder {
    /// Messages longer than `message_bytes_max` are a violation. Without an `inflater`, so are
    /// compressed ones.
    pub(super) fn new(message_bytes_max: usize, inflater: Option<Inflater>) -> Self {
        Self {
            message_bytes_max,
            inflater,
            begun: None,
        }
    }

    /// No longer messages are taken.
    pub(super) fn message_bytes_max(&self) -> usize {
        self.message_bytes_max
    }

    /// Whether no message has begun.
    pub(super) fn is_idle(&self) -> bool {
        self.begun.is_none()
    }

    /// The next message, or control frame, that stands whole in `unread`.
    pub(super) fn decode(&mut self, unread: &mut BytesMut) -> Result<Option<Incoming>, Violation> {
        while let Some(head) = Head::parse(unread)? {
            self.check(&head)?;
            // It was checked to be at most `message_bytes_max`.
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
        Ok(None)
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
        if head.compressed && self.inflater.is_none() {
            return Err("a frame has reserved bits".into());
        }
        let before = self.begun.as_ref().map_or(0, |begun| begun.payload.len());
        match head.payload_bytes.checked_add(before as u64) {
            Some(bytes) if bytes <= self.message_bytes_max as u64 => Ok(()),
            _ => Err(TOO_LONG),
        }
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
            (Some(inflater), true) => inflater
                .inflate(&message.payload, self.message_bytes_max)
                .map_err(|failure| match failure {
                    Failure::TooLong => TOO_LONG,
                    Failure::Damaged => DAMAGED,
                })?,
            _ => message.payload,
        };
        match message.opcode {
            Opcode::Text if std::str::from_utf8(&payload).is_err() => Err(NOT_UTF8),
            Opcode::Text => Ok(Incoming::Text(payload.freeze())),
            _ => Ok(Incoming::Binary(payload.freeze())),
        }
    }
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
    fn violations_have_their_codes() {
        let mut long = frame(0x81, b"");
        long[1] = 126;
        long.extend(1001_u16.to_be_bytes());
        let cases = [
            (frame(0x80, b"x"), 1002),
            ([frame(0x01, b"x"), frame(0x81, b"y")].concat(), 1002),
            (frame(0xC1, b"x"), 1002),
            (frame(0x81, b"\xff"), 1007),
            (frame(0x88, b"\x03\xe8\xff"), 1007),
            (frame(0x88, b"\x03"), 1002),
            (frame(0x88, &1005_u16.to_be_bytes()), 1002),
            // The length alone is enough.
            (long, 1009),
            (
                [frame(0x01, &[b'x'; 600]), frame(0x80, &[b'x'; 600])].concat(),
                1009,
            ),
        ];
        for (bytes, code) in cases {
            assert_eq!(decode_all(&bytes).unwrap_err().code, code, "{bytes:x?}");
        }
    }

    proptest! {
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
