//! Whole numbers as decimal digits, without the formatting machinery: a number may stand before
//! each of millions of lines.

use std::io::{self, Write};

/// The digits of `u64::MAX`.
const DIGITS_MAX: usize = 20;

/// Writes `number` in decimal.
pub(crate) fn write_decimal(number: u64, out: &mut dyn Write) -> io::Result<()> {
    let (digits, first) = digits(number);
    out.write_all(&digits[first..])
}

/// Writes `number` in decimal behind what `out` holds.
pub(crate) fn push_decimal(number: u64, out: &mut Vec<u8>) {
    let (digits, first) = digits(number);
    out.extend_from_slice(&digits[first..]);
}

/// Writes `number` in decimal behind what `out` holds.
pub(crate) fn push_signed(number: i64, out: &mut Vec<u8>) {
    if number < 0 {
        out.push(b'-');
    }
    push_decimal(number.unsigned_abs(), out);
}

/// The digits of a number at the end of an array, and where they begin.
fn digits(number: u64) -> ([u8; DIGITS_MAX], usize) {
    let mut digits = [0; DIGITS_MAX];
    let mut first = DIGITS_MAX;
    let mut rest = number;
    loop {
        first -= 1;
        digits[first] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            return (digits, first);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{push_signed, write_decimal};

    fn decimal(number: u64) -> String {
        let mut out = Vec::new();
        write_decimal(number, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_smallest_and_the_largest_number_are_whole() {
        assert_eq!(decimal(0), "0");
        assert_eq!(decimal(u64::MAX), "18446744073709551615");
    }

    proptest! {
        #[test]
        fn digits_are_those_of_the_standard_library(number: u64) {
            prop_assert_eq!(decimal(number), number.to_string());
        }

        #[test]
        fn a_sign_stands_before_the_digits(number: i64) {
            let mut out = Vec::new();
            push_signed(number, &mut out);
            prop_assert_eq!(String::from_utf8(out).unwrap(), number.to_string());
        }
    }
}
