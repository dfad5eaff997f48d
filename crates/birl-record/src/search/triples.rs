//! Finds places where three bytes in a row are among certain ones, the first of them always the same.
//!
//! Each other byte is told by its two halves, at 32 places at once, as in Teddy (of Hyperscan and
//! aho-corasick) and in simdjson (Langdale and Lemire, "Parsing Gigabytes of JSON per Second", VLDB
//! Journal 2019). What is found may be something else: it is to be looked at.

/// The case bit of ASCII letters.
const CASE: u8 = 0x20;

/// Finds triples of bytes, whatever the case of ASCII letters.
#[derive(Clone, Debug)]
pub(super) struct Triples {
    first: u8,
    second: Halves,
    third: Halves,
    groups: u32,
    #[cfg(target_arch = "x86_64")]
    has_avx2: bool,
}

/// Which of eight groups of triples a byte may belong to, by its lower and its upper half: those
/// that both halves have in common.
#[derive(Clone, Copy, Debug, Default)]
struct Halves {
    low: [u8; 16],
    high: [u8; 16],
}

impl Halves {
    fn add(&mut self, byte: u8, group: u8) {
        let case = if byte.is_ascii_alphabetic() { CASE } else { 0 };
        for byte in [byte, byte ^ case] {
            self.low[usize::from(byte & 15)] |= group;
            self.high[usize::from(byte >> 4)] |= group;
        }
    }

    fn groups(&self, byte: u8) -> u8 {
        self.low[usize::from(byte & 15)] & self.high[usize::from(byte >> 4)]
    }
}

impl Triples {
    /// Finds nothing yet; all triples will begin with `first`.
    pub(super) fn new(first: u8) -> Self {
        Self {
            first,
            second: Halves::default(),
            third: Halves::default(),
            groups: 0,
            #[cfg(target_arch = "x86_64")]
            has_avx2: std::arch::is_x86_feature_detected!("avx2"),
        }
    }

    /// Also finds the first byte before one of the second set and one of the third. What shares its
    /// group with other triples, as the ninth does, is mixed up with them.
    pub(super) fn add(&mut self, second: &[u8], third: &[u8]) {
        let group = 1 << (self.groups % 8);
        self.groups += 1;
        second.iter().for_each(|byte| self.second.add(*byte, group));
        third.iter().for_each(|byte| self.third.add(*byte, group));
    }

    /// The first place in `text`, at `from` or behind it, where a triple may begin and `accepts` says
    /// that this is what is looked for.
    #[inline]
    pub(super) fn find(
        &self,
        text: &[u8],
        from: usize,
        accepts: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        #[cfg(target_arch = "x86_64")]
        if self.has_avx2 {
            #[expect(unsafe_code, reason = "the call needs a processor feature")]
            // SAFETY: `has_avx2` says that this processor has the feature.
            return unsafe { self.find_avx2(text, from, accepts) };
        }
        self.find_one_by_one(text, from, accepts)
    }

    /// The same for any processor.
    fn find_one_by_one(
        &self,
        text: &[u8],
        from: usize,
        accepts: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        let mut from = from;
        loop {
            let place = from + memchr::memchr(self.first, text.get(from..)?)?;
            if let [second, third, ..] = text[place + 1..]
                && self.second.groups(second) & self.third.groups(third) != 0
                && accepts(place)
            {
                return Some(place);
            }
            from = place + 1;
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn find_avx2(
        &self,
        text: &[u8],
        from: usize,
        accepts: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        use std::arch::x86_64::*;

        const LANES: usize = 32;
        const STEP: usize = 2 * LANES;

        let load = |at: usize| {
            let lanes: &[u8; LANES] = text[at..at + LANES].first_chunk().expect("32 bytes");
            #[expect(unsafe_code, reason = "an unaligned load of 32 bytes")]
            // SAFETY: `lanes` is a reference to 32 bytes; the load needs no alignment.
            unsafe {
                _mm256_loadu_si256(lanes.as_ptr().cast())
            }
        };
        let twice = |table: &[u8; 16]| {
            #[expect(unsafe_code, reason = "an unaligned load of 16 bytes")]
            // SAFETY: `table` is a reference to 16 bytes; the load needs no alignment.
            let table = unsafe { _mm_loadu_si128(table.as_ptr().cast()) };
            _mm256_broadcastsi128_si256(table)
        };
        let (second_low, second_high) = (twice(&self.second.low), twice(&self.second.high));
        let (third_low, third_high) = (twice(&self.third.low), twice(&self.third.high));
        let first = _mm256_set1_epi8(self.first as i8);
        let half = _mm256_set1_epi8(15);
        let groups = |bytes, low, high| {
            let lower = _mm256_and_si256(bytes, half);
            let upper = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), half);
            _mm256_and_si256(
                _mm256_shuffle_epi8(low, lower),
                _mm256_shuffle_epi8(high, upper),
            )
        };
        let places_of = |at: usize| {
            let second = groups(load(at + 1), second_low, second_high);
            let third = groups(load(at + 2), third_low, third_high);
            let pair = _mm256_and_si256(second, third);
            let no_pair = _mm256_cmpeq_epi8(pair, _mm256_setzero_si256());
            let triple = _mm256_andnot_si256(no_pair, _mm256_cmpeq_epi8(load(at), first));
            u64::from(_mm256_movemask_epi8(triple) as u32)
        };
        let mut at = from;
        while at + STEP + 2 <= text.len() {
            let mut places = places_of(at) | places_of(at + LANES) << LANES;
            while places != 0 {
                let place = at + places.trailing_zeros() as usize;
                if accepts(place) {
                    return Some(place);
                }
                places &= places - 1;
            }
            at += STEP;
        }
        self.find_one_by_one(text, at, accepts)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn many_places_at_a_time_and_one_find_the_same(
            text in prop::collection::vec(prop::sample::select(&b"aAbBeE[{@`1\n\"\"\"\xc3"[..]), 0..400),
            pairs in prop::collection::vec(
                prop::array::uniform2(prop::sample::select(vec![&b"a"[..], b"B", b"e\"", b"[{", b"\xc3"])),
                1..12,
            ),
            from in 0usize..50,
            salt in 0usize..5,
        ) {
            let mut finder = Triples::new(b'"');
            pairs.iter().for_each(|[second, third]| finder.add(second, third));
            let accepts = |at: usize| at % 5 != salt;
            let fits = |byte: u8, set: &[u8]| set.iter().any(|of| of.eq_ignore_ascii_case(&byte));
            let is_triple = |at: usize| text[at..].starts_with(b"\"") && pairs.iter().any(|sets| {
                let pair = text.get(at + 1..at + 3);
                pair.is_some_and(|pair| fits(pair[0], sets[0]) && fits(pair[1], sets[1]))
            });
            let found = finder.find(&text, from, accepts);
            prop_assert_eq!(found, finder.find_one_by_one(&text, from, accepts));
            // With up to eight groups of one byte each, nothing else is found.
            let expected = (from..text.len()).find(|&at| accepts(at) && is_triple(at));
            prop_assert!(found.unwrap_or(text.len()) <= expected.unwrap_or(text.len()));
            let all_single = pairs.iter().flatten().all(|set| set.len() == 1);
            if pairs.len() <= 8 && all_single {
                prop_assert_eq!(found, expected);
            }
        }
    }
}
