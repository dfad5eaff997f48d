//! What people see of a text: without the codes that make it bold or coloured.

/// `text` without the formatting of IRC (modern.ircdocs.horse/formatting).
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        rest = &rest[letter.len_utf8()..];
        match letter {
            // Bold, italics, underline, strikethrough, monospace, reverse, and the end of all.
            '\u{2}' | '\u{1d}' | '\u{1f}' | '\u{1e}' | '\u{11}' | '\u{16}' | '\u{f}' => {}
            '\u{3}' => rest = without_colours(rest, 2, |byte| byte.is_ascii_digit()),
            '\u{4}' => rest = without_colours(rest, 6, |byte| byte.is_ascii_hexdigit()),
            letter => plain.push(letter),
        }
    }
    plain
}

/// `text` without a colour, and another behind a comma, of up to so many digits each.
fn without_colours(text: &str, digits_max: usize, is_digit: fn(u8) -> bool) -> &str {
    let digits = |text: &str| {
        let digits = text.bytes().take(digits_max);
        digits.take_while(|byte| is_digit(*byte)).count()
    };
    let foreground = digits(text);
    let rest = &text[foreground..];
    let behind_comma = rest.strip_prefix(',').filter(|_| foreground > 0);
    match behind_comma.map(|behind| (behind, digits(behind))) {
        Some((behind, background @ 1..)) => &behind[background..],
        _ => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formatting_is_left_out_and_digits_of_the_text_stay() {
        let cases = [
            ("\u{2}bold\u{2} \u{1d}it\u{f}", "bold it"),
            ("\u{3}4red\u{3} plain", "red plain"),
            ("\u{3}04,11red on blue\u{3}", "red on blue"),
            ("\u{3}123 is 12 and 3", "3 is 12 and 3"),
            ("\u{3},5", ",5"),
            ("\u{3}4,x", ",x"),
            ("\u{4}ff0000red\u{4}", "red"),
            ("\u{3}é", "é"),
        ];
        for (text, expected) in cases {
            assert_eq!(plain(text), expected, "{text:?}");
        }
    }
}
