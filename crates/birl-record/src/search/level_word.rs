//! Finds severities in text, where a word stands for each, without reading the records.

use std::ops::RangeInclusive;

use super::triples::Triples;
use crate::level;

/// Finds the words for severities in a certain range.
#[derive(Clone, Debug)]
pub(super) struct LevelWordFinder {
    /// The words of several letters, in lower case.
    words: Vec<&'static [u8]>,
    /// How they begin.
    beginnings: Triples,
    /// The letters that are words by themselves, in lower case.
    letters: Vec<u8>,
    #[cfg(target_arch = "x86_64")]
    has_avx2: bool,
}

impl LevelWordFinder {
    pub(super) fn new(severities: RangeInclusive<u8>) -> Self {
        let (mut words, mut letters) = (Vec::new(), Vec::new());
        let mut beginnings = Triples::new();
        let mut known: Vec<[u8; 3]> = Vec::new();
        for (word, number) in level::WORDS {
            if !severities.contains(number) {
                continue;
            }
            match *word.as_bytes() {
                [letter] => letters.push(letter),
                [first, second, third, ..] => {
                    words.push(word.as_bytes());
                    if !known.contains(&[first, second, third]) {
                        known.push([first, second, third]);
                        beginnings.add([&[first], &[second], &[third]]);
                    }
                }
                _ => unreachable!("no level has a name of two letters"),
            }
        }
        Self {
            words,
            beginnings,
            letters,
            #[cfg(target_arch = "x86_64")]
            has_avx2: std::arch::is_x86_feature_detected!("avx2"),
        }
    }

    /// Where one of the words of several letters first stands in `text`, at `from` or behind it; it
    /// may be a part of another word.
    pub(super) fn find_word(&self, text: &[u8], from: usize) -> Option<usize> {
        if self.words.is_empty() {
            return None;
        }
        self.beginnings.find(text, from, |at| {
            self.words.iter().any(|word| {
                let found = text.get(at..at + word.len());
                found.is_some_and(|found| found.eq_ignore_ascii_case(word))
            })
        })
    }

    /// Where one of the letters first stands by itself: not beside another letter or a digit. But
    /// behind an `m` it may, with which colours end, and a capital may stand before a digit, as in
    /// `W0314 14:05:30`.
    pub(super) fn find_letter(&self, text: &[u8], from: usize) -> Option<usize> {
        if self.letters.is_empty() {
            return None;
        }
        #[cfg(target_arch = "x86_64")]
        if self.has_avx2 {
            #[expect(unsafe_code, reason = "the call needs a processor feature")]
            // SAFETY: `has_avx2` says that this processor has the feature.
            return unsafe { self.find_letter_avx2(text, from) };
        }
        self.find_letter_one_by_one(text, from)
    }

    /// The same for any processor.
    fn find_letter_one_by_one(&self, text: &[u8], from: usize) -> Option<usize> {
        (from..text.len()).find(|&at| {
            let before = at.checked_sub(1).map(|before| text[before]);
            let after = text.get(at + 1);
            self.letters.contains(&text[at].to_ascii_lowercase())
                && before.is_none_or(|before| !before.is_ascii_alphanumeric() || before == b'm')
                && after.is_none_or(|after| match text[at].is_ascii_uppercase() {
                    true => !after.is_ascii_alphabetic(),
                    false => !after.is_ascii_alphanumeric(),
                })
        })
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn find_letter_avx2(&self, text: &[u8], from: usize) -> Option<usize> {
        use std::arch::x86_64::*;

        const LANES: usize = 32;
        // Of the bytes that are looked at, the first and the last only tell of those beside them.
        const STEP: usize = LANES - 2;

        let load = |at: usize| {
            let lanes: &[u8; LANES] = text[at..at + LANES].first_chunk().expect("32 bytes");
            #[expect(unsafe_code, reason = "an unaligned load of 32 bytes")]
            // SAFETY: `lanes` is a reference to 32 bytes; the load needs no alignment.
            unsafe {
                _mm256_loadu_si256(lanes.as_ptr().cast())
            }
        };
        let all = |byte: u8| _mm256_set1_epi8(byte as i8);
        let within = |bytes, first: u8, last: u8| {
            let place = _mm256_sub_epi8(bytes, all(first));
            _mm256_cmpeq_epi8(_mm256_min_epu8(place, all(last - first)), place)
        };
        let bits = |lanes| _mm256_movemask_epi8(lanes) as u32;
        let mut at = from;
        if at == 0 {
            let beginning = &text[..text.len().min(2)];
            if self.find_letter_one_by_one(beginning, 0) == Some(0) {
                return Some(0);
            }
            at = 1;
        }
        // The places that are judged are `at` and on.
        while at - 1 + LANES <= text.len() {
            let bytes = load(at - 1);
            let lower = _mm256_or_si256(bytes, all(0x20));
            let alphabetic = bits(within(lower, b'a', b'z'));
            let digits = bits(within(bytes, b'0', b'9'));
            let capitals = bits(within(bytes, b'A', b'Z'));
            let inner = alphabetic | digits;
            let mut letters = 0;
            for letter in &self.letters {
                letters |= bits(_mm256_cmpeq_epi8(lower, all(*letter)));
            }
            let before = inner & !bits(_mm256_cmpeq_epi8(bytes, all(b'm')));
            let after = alphabetic >> 1 | digits >> 1 & !capitals;
            let alone = letters & !(before << 1) & !after;
            let judged = alone & !1 & !(1 << (LANES - 1));
            if judged != 0 {
                return Some(at - 1 + judged.trailing_zeros() as usize);
            }
            at += STEP;
        }
        self.find_letter_one_by_one(text, at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn a_letter_is_found_where_it_stands_by_itself(
            text in prop::collection::vec(prop::sample::select(&b"eEwaxm1 [(\n\x1b\xc3@`{"[..]), 0..120),
            from in 0usize..50,
        ) {
            let finder = LevelWordFinder::new(13..=20);
            let from = from.min(text.len());
            let found = finder.find_letter(&text, from);
            prop_assert_eq!(found, finder.find_letter_one_by_one(&text, from));
        }
    }

    #[test]
    fn words_are_found_in_any_case_and_letters_by_themselves() {
        let finder = LevelWordFinder::new(17..=20);
        let found = |text: &str| {
            let text = text.as_bytes();
            (finder.find_word(text, 0), finder.find_letter(text, 0))
        };
        assert_eq!(found("2026 ERROR x"), (Some(5), None));
        assert_eq!(found("a Severe b"), (Some(2), None));
        assert_eq!(found("[E] no"), (None, Some(1)));
        assert_eq!(found("E"), (None, Some(0)));
        assert_eq!(found("E/tag: no"), (None, Some(0)));
        assert_eq!(found("E0314 14:05:30 no"), (None, Some(0)));
        assert_eq!(found("\x1b[31mE\x1b[0m no"), (None, Some(5)));
        assert_eq!(found("INFO e1 1e the end"), (None, None));
        assert_eq!(LevelWordFinder::new(24..=24).find_word(b"fatal f", 0), None);
    }
}
