//! Digits, eight bytes at a time.
//!
//! Eight bytes are loaded as one number, in which the first byte is the lowest. XOR with the text
//! that is expected leaves the digits' values, and zeros where separators stand.

/// The bytes of `word` that are no digits have their highest bit set, whatever they are.
#[inline]
fn not_digits(word: u64) -> u64 {
    let values = word ^ 0x3030_3030_3030_3030;
    (((values & 0x7f7f_7f7f_7f7f_7f7f) + 0x7676_7676_7676_7676) | values) & 0x8080_8080_8080_8080
}

/// Hour, minute and second of `HH:MM:SS`, which `text` begins with. Their ranges are not checked.
#[inline]
pub(super) fn clock(text: &[u8]) -> Option<(u32, u32, u32)> {
    let word = u64::from_le_bytes(*text.first_chunk::<8>()?);
    let values = word ^ 0x3030_3a30_303a_3030;
    let above_nine = (values & 0x0f0f_0f0f_0f0f_0f0f) + 0x0606_0006_0600_0606;
    if (values & 0xf0f0_fff0_f0ff_f0f0) | (above_nine & 0xf0f0_00f0_f000_f0f0) != 0 {
        return None;
    }
    let pairs = values * 10 + (values >> 8);
    let pair = |at: u32| ((pairs >> (8 * at)) & 0xff) as u32;
    Some((pair(0), pair(3), pair(6)))
}

/// Year, month and day of `YYYY-MM-DD`, which `text` begins with, where `-` is `separator`. Their
/// ranges are not checked.
#[inline]
pub(super) fn date(text: &[u8], separator: u8) -> Option<(u32, u32, u32)> {
    let [head @ .., tens, ones] = text.first_chunk::<10>()?;
    let head = u64::from_le_bytes(*head.first_chunk::<8>()?);
    let separators = u64::from(separator) << 32 | u64::from(separator) << 56;
    let values = head ^ (0x0030_3000_3030_3030 | separators);
    let above_nine = (values & 0x000f_0f00_0f0f_0f0f) + 0x0006_0600_0606_0606;
    if (values & 0xfff0_f0ff_f0f0_f0f0) | (above_nine & 0x00f0_f000_f0f0_f0f0) != 0 {
        return None;
    }
    let pairs = values * 10 + (values >> 8);
    let pair = |at: u32| ((pairs >> (8 * at)) & 0xff) as u32;
    let day = two(&[*tens, *ones])?;
    Some((100 * pair(0) + pair(2), pair(5), day))
}

/// The value of two digits, which `text` begins with.
#[inline]
pub(super) fn two(text: &[u8]) -> Option<u32> {
    let [tens, ones] = text.first_chunk::<2>()?;
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| u32::from(tens) * 10 + u32::from(ones))
}

/// The digits that `text` begins with, as nanoseconds of a decimal fraction, and how many they
/// are. Those beyond the ninth are counted, no more.
#[inline]
pub(super) fn fraction(text: &[u8]) -> (u32, usize) {
    let word = match text.first_chunk::<8>() {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => {
            let mut chunk = [0; 8];
            chunk[..text.len()].copy_from_slice(text);
            u64::from_le_bytes(chunk)
        }
    };
    let others = not_digits(word);
    let count = (others.trailing_zeros() / 8) as usize;
    if count < 8 {
        // Zeros take the place of what is missing, which is on the right.
        let mask = (1_u64 << (8 * count)) - 1;
        return (eight(word & mask & 0x0f0f_0f0f_0f0f_0f0f) * 10, count);
    }
    let mut nanoseconds = eight(word & 0x0f0f_0f0f_0f0f_0f0f) * 10;
    let more = text[8..].iter().take_while(|byte| byte.is_ascii_digit());
    let more = more.count();
    if more > 0 {
        nanoseconds += u32::from(text[8] - b'0');
    }
    (nanoseconds, 8 + more)
}

/// The number that eight values of digits make.
#[inline]
fn eight(values: u64) -> u32 {
    let pairs = (values * 10 + (values >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    ((fours * 10_000 + (fours >> 32)) & 0xffff_ffff) as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Digits, with their neighbours and other bytes among them.
    fn texts(len: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![
            12 => b'0'..=b'9',
            1 => prop::sample::select(&b"/:;-\0\x7f\x80\xb0\xb9\xff"[..]),
        ];
        prop::collection::vec(byte, len)
    }

    fn number(text: &[u8]) -> Option<u32> {
        let text = std::str::from_utf8(text).ok()?;
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse().ok()).flatten()
    }

    fn three(text: &[u8], cuts: [(usize, usize); 3]) -> Option<(u32, u32, u32)> {
        let [first, second, third] = cuts.map(|(from, to)| number(&text[from..to]));
        Some((first?, second?, third?))
    }

    proptest! {
        #[test]
        fn a_clock_is_six_digits_and_two_colons(mut text in texts(8..12), colons in any::<[bool; 2]>()) {
            for (colon, at) in colons.into_iter().zip([2, 5]) {
                if colon {
                    text[at] = b':';
                }
            }
            let is_clock = text[2] == b':' && text[5] == b':';
            let expected = is_clock.then(|| three(&text, [(0, 2), (3, 5), (6, 8)])).flatten();
            prop_assert_eq!(clock(&text), expected);
            prop_assert_eq!(clock(&text[..7]), None);
        }

        #[test]
        fn a_date_is_eight_digits_and_two_separators(
            mut text in texts(10..14),
            separator in prop::sample::select(&b"-/."[..]),
            separators in any::<[bool; 2]>(),
        ) {
            for (is_separator, at) in separators.into_iter().zip([4, 7]) {
                if is_separator {
                    text[at] = separator;
                }
            }
            let is_date = text[4] == separator && text[7] == separator;
            let expected = is_date.then(|| three(&text, [(0, 4), (5, 7), (8, 10)])).flatten();
            prop_assert_eq!(date(&text, separator), expected);
            prop_assert_eq!(date(&text[..9], separator), None);
        }

        #[test]
        fn a_fraction_is_padded_on_the_right(text in texts(0..14)) {
            let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let mut padded = text[..count].to_vec();
            padded.resize(9, b'0');
            prop_assert_eq!(fraction(&text), (number(&padded).unwrap(), count));
        }
    }
}
