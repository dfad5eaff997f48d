//! Frames (RFC 6455, section 5.2): heads that are read, and whole frames that are written.

use bytes::{BufMut, BytesMut};
use ring::rand::{SecureRandom, SystemRandom};

use crate::error::Error;

/// The most bytes of a control frame's payload.
pub(super) const CONTROL_BYTES_MAX: usize = 125;

/// The most bytes of what stands before a payload that is masked.
const HEAD_BYTES_MAX: usize = 14;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

impl Opcode {
    pub(super) fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }

    fn of(bits: u8) -> Option<Self> {
        Some(match bits {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return None,
        })
    }
}

/// What stands before a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The message ends with this frame.
    pub(super) fin: bool,
    /// The first of the reserved bits: the message is compressed.
    pub(super) compressed: bool,
    pub(super) opcode: Opcode,
    pub(super) payload_bytes: u64,
    /// How long the head itself is.
    pub(super) bytes: usize,
}

/// Why what arrived is no frame.
pub(super) type Wrong = &'static str;

impl Head {
    /// The head that `bytes` begin with; `None` where more has to come.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<Self>, Wrong> {
        let [first, second, rest @ ..] = bytes else {
            return Ok(None);
        };
        let opcode = Opcode::of(first & 0x0F).ok_or("a frame has an unknown opcode")?;
        if first & 0x30 != 0 {
            return Err("a frame has reserved bits");
        }
        if second & 0x80 != 0 {
            return Err("the server masks its frames");
        }
        let (payload_bytes, bytes) = match second & 0x7F {
            126 => match rest.first_chunk() {
                Some(len) => (u64::from(u16::from_be_bytes(*len)), 4),
                None => return Ok(None),
            },
            127 => match rest.first_chunk() {
                Some(len) => (u64::from_be_bytes(*len), 10),
                None => return Ok(None),
            },
            len => (u64::from(len), 2),
        };
        let head = Self {
            fin: first & 0x80 != 0,
            compressed: first & 0x40 != 0,
            opcode,
            payload_bytes,
            bytes,
        };
        head.check()?;
        Ok(Some(head))
    }

    fn check(&self) -> Result<(), Wrong> {
        if self.opcode.is_control() {
            if !self.fin {
                return Err("a control frame is fragmented");
            }
            if self.payload_bytes > CONTROL_BYTES_MAX as u64 {
                return Err("a control frame is too long");
            }
            if self.compressed {
                return Err("a control frame is compressed");
            }
        }
        if self.payload_bytes >> 63 != 0 {
            return Err("a frame has an impossible length");
        }
        Ok(())
    }
}

/// So many random bytes are asked of the system at once.
const RANDOM_BYTES: usize = 512;

/// What frames are masked with: numbers that nobody can foretell (section 5.3), each of which masks one.
/// The system is asked for many at a time, since asking costs more than masking.
pub(super) struct Masks {
    random: [u8; RANDOM_BYTES],
    /// So many of them are used.
    used: usize,
}

impl Masks {
    pub(super) fn new() -> Self {
        Self {
            random: [0; RANDOM_BYTES],
            used: RANDOM_BYTES,
        }
    }

    fn take(&mut self) -> Result<[u8; 4], Error> {
        if self.used == RANDOM_BYTES {
            SystemRandom::new()
                .fill(&mut self.random)
                .map_err(|_| Error::request("the system gives no random numbers"))?;
            self.used = 0;
        }
        let mut mask = [0; 4];
        mask.copy_from_slice(&self.random[self.used..self.used + 4]);
        self.used += 4;
        Ok(mask)
    }
}

/// Writes a whole frame, masked as a client has to.
pub(super) fn encode(
    opcode: Opcode,
    payload: &[u8],
    masks: &mut Masks,
    out: &mut BytesMut,
) -> Result<(), Error> {
    let mask = masks.take()?;
    out.reserve(HEAD_BYTES_MAX + payload.len());
    out.put_u8(0x80 | opcode as u8);
    match payload.len() {
        len @ ..126 => out.put_u8(0x80 | len as u8),
        len @ ..0x1_0000 => {
            out.put_u8(0x80 | 126);
            out.put_u16(len as u16);
        }
        len => {
            out.put_u8(0x80 | 127);
            out.put_u64(len as u64);
        }
    }
    out.put_slice(&mask);
    let begin = out.len();
    out.put_slice(payload);
    for bytes in out[begin..].chunks_mut(mask.len()) {
        for (byte, mask) in bytes.iter_mut().zip(mask) {
            *byte ^= mask;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_head_that_is_not_whole_is_waited_for() {
        let whole = [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0];
        for len in 0..whole.len() {
            assert_eq!(Head::parse(&whole[..len]), Ok(None), "{len}");
        }
        let head = Head::parse(&whole).unwrap().unwrap();
        assert_eq!((head.payload_bytes, head.bytes), (65536, 10));
    }

    #[test]
    fn what_a_server_must_not_send_is_refused() {
        for wrong in [
            &[0x83, 0][..],
            &[0xA1, 0],
            &[0x81, 0x80],
            &[0x09, 0],
            &[0x89, 126, 0, 126],
            &[0xC9, 0],
            &[0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0],
        ] {
            assert!(Head::parse(wrong).is_err(), "{wrong:x?}");
        }
    }

    #[test]
    fn what_is_sent_is_masked_with_a_length_of_the_shortest_form() {
        let mut masks = Masks::new();
        for (len, head) in [(0, 2), (125, 2), (126, 4), (65535, 4), (65536, 10)] {
            let payload = vec![7; len];
            let mut out = BytesMut::new();
            encode(Opcode::Binary, &payload, &mut masks, &mut out).unwrap();
            assert_eq!(out.len(), head + 4 + len);
            let mask = out[head..head + 4].to_vec();
            let unmasked = out[head + 4..].iter().zip(mask.iter().cycle());
            assert!(unmasked.map(|(byte, mask)| byte ^ mask).eq(payload));
        }
    }

    #[test]
    fn no_mask_is_used_twice() {
        let mut masks = Masks::new();
        // As many as the system gives at once, and as many again.
        let count = 2 * RANDOM_BYTES / 4;
        let taken: HashSet<_> = (0..count).map(|_| masks.take().unwrap()).collect();
        // By chance, two of so few are the same once in 130,000 runs, and three in none.
        assert!(taken.len() >= count - 1, "{} of {count}", taken.len());
    }
}
