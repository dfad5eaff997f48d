//! Finds places where three bytes in a row are among certain ones.
//!
//! A byte is told by its two halves, at 32 places at once, as in Teddy (of Hyperscan and
//! aho-corasick) and in simdjson (Langdale and Lemire, "Parsing Gigabytes of JSON per Second", VLDB
//! Journal 2019). What is found may be something else: it is to be looked at.

/// The case bit of ASCII letters.
const CASE: u8 = 0x20;

/// Finds triples of bytes, whatever the case of ASCII letters.
#[derive(Clone, Debug)]
pub(super) struct Triples {
    first: First,
    second: Halves,
    third: Halves,
    groups: u32,
    #[cfg(target_arch = "x86_64")]
    has_avx2: bool,
}

/// What triples begin with.
#[derive(Clone, Copy, Debug)]
enum First {
    /// This byte, which takes less to compare.
    Only(u8),
    Any(Halves),
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
    /// Finds nothing yet.
    pub(super) fn new() -> Self {
        Self::beginning_with(First::Any(Halves::default()))
    }

    /// Finds nothing yet; all triples will begin with this byte.
    pub(super) fn behind(first: u8) -> Self {
        Self::beginning_with(First::Only(first))
    }

    fn beginning_with(first: First) -> Self {
        Self {
            first,
            second: Halves::default(),
            third: Halves::default(),
            groups: 0,
            #[cfg(target_arch = "x86_64")]
            has_avx2: std::arch::is_x86_feature_detected!("avx2"),
        }
    }

    /// Also finds bytes of these sets, one of each in their order; the first is the one that all
    /// triples begin with, if there is one. What shares its group with other triples, as the ninth
    /// does, is mixed up with them.
    pub(super) fn add(&mut self, [first, second, third]: [&[u8]; 3]) {
        let group = 1 << (self.groups % 8);
        self.groups += 1;
        if let First::Any(halves) = &mut self.first {
            first.iter().for_each(|byte| halves.add(*byte, group));
        }
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
        let rest = |at: usize| self.second.groups(text[at + 1]) & self.third.groups(text[at + 2]);
        let end = text.len().saturating_sub(2);
        let mut from = from;
        while from < end {
            let place = match self.first {
                First::Only(byte) => from + memchr::memchr(byte, &text[from..end])?,
                First::Any(_) => from,
            };
            let first = match &self.first {
                First::Only(_) => !0,
                First::Any(halves) => halves.groups(text[place]),
            };
            if first & rest(place) != 0 && accepts(place) {
                return Some(place);
            }
            from = place + 1;
        }
        None
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
        let (only, any) = match &self.first {
            First::Only(byte) => (Some(_mm256_set1_epi8(*byte as i8)), None),
            First::Any(halves) => (None, Some((twice(&halves.low), twice(&halves.high)))),
        };
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
            let mut triple = _mm256_and_si256(second, third);
            // Which of the two it is does not change, so that the branch is always foretold.
            if let Some((low, high)) = any {
                triple = _mm256_and_si256(triple, groups(load(at), low, high));
            }
            let none = _mm256_cmpeq_epi8(triple, _mm256_setzero_si256());
            let found = match only {
                Some(only) => _mm256_andnot_si256(none, _mm256_cmpeq_epi8(load(at), only)),
                None => _mm256_andnot_si256(none, _mm256_set1_epi8(-1)),
            };
            u64::from(_mm256_movemask_epi8(found) as u32)
        };
        let mut at = from;
        while at + STEP + 2 <= text.len() {
            let mut places = 0;
            // Called in one place, it becomes a part of this function.
            for lanes in [LANES, 0] {
                places = places << LANES | places_of(at + lanes);
            }
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
            triples in prop::collection::vec(
                prop::array::uniform3(prop::sample::select(vec![&b"a"[..], b"B", b"e\"", b"[{", b"\xc3"])),
                1..12,
            ),
            only in any::<bool>(),
            from in 0usize..50,
            salt in 0usize..5,
        ) {
            let mut finder = if only { Triples::behind(b'"') } else { Triples::new() };
            triples.iter().for_each(|triple| finder.add(*triple));
            let accepts = |at: usize| at % 5 != salt;
            let fits = |byte: u8, set: &[u8]| set.iter().any(|of| of.eq_ignore_ascii_case(&byte));
            let is_triple = |at: usize| text.get(at..at + 3).is_some_and(|bytes| {
                triples.iter().any(|sets| {
                    let first = if only { bytes[0] == b'"' } else { fits(bytes[0], sets[0]) };
                    first && fits(bytes[1], sets[1]) && fits(bytes[2], sets[2])
                })
            });
            let found = finder.find(&text, from, accepts);
            prop_assert_eq!(found, finder.find_one_by_one(&text, from, accepts));
            // With up to eight groups of one byte each, nothing else is found.
            let expected = (from..text.len()).find(|&at| accepts(at) && is_triple(at));
            prop_assert!(found.unwrap_or(text.len()) <= expected.unwrap_or(text.len()));
            let all_single = triples.iter().flatten().all(|set| set.len() == 1);
            if triples.len() <= 8 && all_single {
                prop_assert_eq!(found, expected);
            }
        }
    }
}
