//! Leads: what stands before a value, from behind the value before it, or the bracket of its object.

/// So many bytes of a lead are compared at once.
const HEAD_BYTES: usize = 16;

/// What stands before a value: a comma, its key, a colon, and the spaces among them.
#[derive(Clone, Debug)]
pub(crate) struct Lead {
    bytes: Box<[u8]>,
    /// Its first bytes, the first of them lowest.
    head: u128,
    /// The bits of a word that are the head's.
    mask: u128,
}

impl Lead {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let mut head = [0; HEAD_BYTES];
        let len = bytes.len().min(HEAD_BYTES);
        head[..len].copy_from_slice(&bytes[..len]);
        Self {
            bytes: bytes.into(),
            head: u128::from_le_bytes(head),
            mask: u128::MAX
                .checked_shr(8 * (HEAD_BYTES - len) as u32)
                .unwrap_or(0),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it stands at `at` in `text`.
    #[inline]
    pub(crate) fn is_at(&self, text: &[u8], at: usize) -> bool {
        let Some(text) = text.get(at..) else {
            return false;
        };
        // A word is compared faster than a text of a length that is not known.
        match text.first_chunk() {
            Some(word) => {
                let differs = (u128::from_le_bytes(*word) ^ self.head) & self.mask != 0;
                let is_short = self.bytes.len() <= HEAD_BYTES;
                !differs && (is_short || text.starts_with(&self.bytes))
            }
            None => text.starts_with(&self.bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(len: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop::sample::select(&b"\0a\xff"[..]), len)
    }

    proptest! {
        #[test]
        fn a_lead_is_where_its_bytes_are(
            before in text(0..4),
            lead in text(0..40),
            behind in text(0..20),
            other in text(0..24),
            at in 0usize..9,
        ) {
            let known = Lead::new(&lead);
            let whole = [&before[..], &lead, &behind].concat();
            prop_assert!(known.is_at(&whole, before.len()));
            let expected = other.get(at..).is_some_and(|rest| rest.starts_with(&lead));
            prop_assert_eq!(known.is_at(&other, at), expected);
        }
    }
}
