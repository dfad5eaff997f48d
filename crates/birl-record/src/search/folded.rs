//! Finds a literal whatever the case of its ASCII letters.
//!
//! Two bytes of the needle that are rare in logs are compared at 32 places at once, with the case
//! bit masked out; only where both agree is the whole needle compared. This is the packed pair of
//! `memchr::arch::x86_64::avx2::packedpair` (after Muła, "SIMD-friendly algorithms for substring
//! searching", 2016), which itself knows no case.

use regex_syntax::hir::literal::rank;

/// Looks for one needle, ignoring the case of ASCII letters only.
#[derive(Clone, Debug)]
pub(super) struct FoldedFinder {
    /// In lower case.
    needle: Box<[u8]>,
    first: Probe,
    second: Probe,
    #[cfg(target_arch = "x86_64")]
    has_avx2: bool,
}

/// One byte of the needle that is compared first.
#[derive(Clone, Copy, Debug)]
struct Probe {
    /// Its place in the needle.
    at: usize,
    /// Its value, with the case bit set where it is a letter.
    value: u8,
    /// The case bit, where it is a letter.
    case: u8,
}

impl Probe {
    fn new(needle: &[u8], at: usize) -> Self {
        let value = needle[at];
        let case = if value.is_ascii_alphabetic() { 0x20 } else { 0 };
        Self { at, value, case }
    }
}

impl FoldedFinder {
    /// A finder of `needle`.
    ///
    /// # Panics
    /// If the needle is empty.
    pub(super) fn new(needle: &[u8]) -> Self {
        assert!(!needle.is_empty(), "an empty needle is everywhere");
        let needle = needle.to_ascii_lowercase().into_boxed_slice();
        let mut places: Vec<usize> = (0..needle.len()).collect();
        places.sort_by_key(|&at| rank(needle[at]));
        let first = places[0];
        // A second letter that equals the first tells less than any other.
        let second = places
            .iter()
            .copied()
            .find(|&at| needle[at] != needle[first]);
        let second = second.or(places.get(1).copied()).unwrap_or(first);
        Self {
            first: Probe::new(&needle, first),
            second: Probe::new(&needle, second),
            needle,
            #[cfg(target_arch = "x86_64")]
            has_avx2: std::arch::is_x86_feature_detected!("avx2"),
        }
    }

    /// The length of the needle in bytes.
    pub(super) fn needle_len(&self) -> usize {
        self.needle.len()
    }

    /// Where the needle first stands in `haystack`, at `at` or later.
    pub(super) fn find(&self, haystack: &[u8], at: usize) -> Option<usize> {
        #[cfg(target_arch = "x86_64")]
        if self.has_avx2 {
            #[expect(unsafe_code, reason = "the call needs a processor feature")]
            // SAFETY: `has_avx2` says that this processor has the feature.
            return unsafe { self.find_avx2(haystack, at) };
        }
        self.find_one_by_one(haystack, at)
    }

    /// The same for any processor: goes from one rare byte to the next.
    fn find_one_by_one(&self, haystack: &[u8], at: usize) -> Option<usize> {
        let Probe {
            at: place,
            value,
            case,
        } = self.first;
        let mut from = at + place;
        loop {
            let rest = haystack.get(from..)?;
            let hit = from + memchr::memchr2(value, value & !case, rest)?;
            if self.stands_at(haystack, hit - place) {
                return Some(hit - place);
            }
            from = hit + 1;
        }
    }

    fn stands_at(&self, haystack: &[u8], at: usize) -> bool {
        let found = haystack.get(at..at + self.needle.len());
        found.is_some_and(|found| found.eq_ignore_ascii_case(&self.needle))
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn find_avx2(&self, haystack: &[u8], at: usize) -> Option<usize> {
        use std::arch::x86_64::*;

        const LANES: usize = 32;
        const STEP: usize = 2 * LANES;

        let far = self.first.at.max(self.second.at);
        let (first, second) = (self.first, self.second);
        let (first_case, first_value) = (
            _mm256_set1_epi8(first.case as i8),
            _mm256_set1_epi8(first.value as i8),
        );
        let (second_case, second_value) = (
            _mm256_set1_epi8(second.case as i8),
            _mm256_set1_epi8(second.value as i8),
        );
        let load = |from: usize| {
            let lanes: &[u8; LANES] = haystack[from..from + LANES]
                .first_chunk()
                .expect("32 bytes");
            #[expect(unsafe_code, reason = "an unaligned load of 32 bytes")]
            // SAFETY: `lanes` is a reference to 32 bytes; the load needs no alignment.
            unsafe {
                _mm256_loadu_si256(lanes.as_ptr().cast())
            }
        };
        let pairs = |at: usize| {
            let first = _mm256_or_si256(load(at + first.at), first_case);
            let second = _mm256_or_si256(load(at + second.at), second_case);
            _mm256_and_si256(
                _mm256_cmpeq_epi8(first, first_value),
                _mm256_cmpeq_epi8(second, second_value),
            )
        };
        let mut at = at;
        while at + STEP + far <= haystack.len() {
            let (low, high) = (pairs(at), pairs(at + LANES));
            let either = _mm256_or_si256(low, high);
            if _mm256_testz_si256(either, either) == 0 {
                let low = u64::from(_mm256_movemask_epi8(low) as u32);
                let mut places = low | u64::from(_mm256_movemask_epi8(high) as u32) << LANES;
                while places != 0 {
                    let place = at + places.trailing_zeros() as usize;
                    if self.stands_at(haystack, place) {
                        return Some(place);
                    }
                    places &= places - 1;
                }
            }
            at += STEP;
        }
        self.find_one_by_one(haystack, at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn obvious(haystack: &[u8], needle: &[u8], at: usize) -> Option<usize> {
        (at..haystack.len()).find(|&at| {
            let found = haystack.get(at..at + needle.len());
            found.is_some_and(|found| found.eq_ignore_ascii_case(needle))
        })
    }

    #[test]
    fn only_letters_fold() {
        // '[' and '{', '@' and '`' differ by the case bit alone, as letters do.
        assert_eq!(FoldedFinder::new(b"[a@").find(b"{a` [A@", 0), Some(4));
        assert_eq!(FoldedFinder::new(b"{").find(b"[{", 0), Some(1));
        assert_eq!(FoldedFinder::new(b"k").find("\u{212a}".as_bytes(), 0), None);
    }

    proptest! {
        #[test]
        fn finds_what_the_obvious_search_finds(
            haystack in prop::collection::vec(prop::sample::select(&b"aAbB[{@`1\n\xc3"[..]), 0..400),
            needle in prop::collection::vec(prop::sample::select(&b"aAbB[{@`1\xc3"[..]), 1..5),
            at in 0usize..50,
        ) {
            let finder = FoldedFinder::new(&needle);
            let expected = obvious(&haystack, &needle, at);
            prop_assert_eq!(finder.find(&haystack, at), expected);
            prop_assert_eq!(finder.find_one_by_one(&haystack, at), expected);
        }
    }
}
