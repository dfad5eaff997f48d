//! What is posted, with nothing in it that is more than text: it may quote logs, which strangers write.

/// An empty width that breaks what it stands in.
const BREAK: char = '\u{200b}';

/// `text` without what steers terminals, clients or the direction of text, as every service posts it. Lines stay lines.
pub fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\r' if letters.peek() == Some(&'\n') => {}
            '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => visible.push('\n'),
            '\n' | '\t' => visible.push(letter),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            _ if letter.is_control() => {}
            _ => visible.push(letter),
        }
    }
    visible
}

/// The same, and nobody is called by it: `@name` and `<!channel>` are broken up.
pub(crate) fn without_mentions(text: &str) -> String {
    let visible = visible(text);
    let mut harmless = String::with_capacity(visible.len());
    let mut letters = visible.chars().peekable();
    while let Some(letter) = letters.next() {
        harmless.push(letter);
        let calls = match (letter, letters.peek()) {
            ('@', Some(next)) => !next.is_whitespace() && *next != BREAK,
            ('<', Some('!')) => true,
            _ => false,
        };
        if calls {
            harmless.push(BREAK);
        }
    }
    harmless
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_left_out_and_lines_stay() {
        assert_eq!(
            visible("a\u{1b}[2Jb\u{202e}c\r\nd\re\tf\u{1}\u{0}g\u{9b}"),
            "a[2Jbc\nd\ne\tfg"
        );
    }

    #[test]
    fn nobody_is_called() {
        let cases = [
            (
                "@all a@b.c <@U1> <!here>",
                "@\u{200b}all a@\u{200b}b.c <@\u{200b}U1> <\u{200b}!here>",
            ),
            ("3 @ 4 @", "3 @ 4 @"),
            // What is between a sign and a name does not hide it.
            ("@\u{0}all", "@\u{200b}all"),
            ("@@all", "@\u{200b}@\u{200b}all"),
            ("@\u{202e}all", "@\u{200b}all"),
        ];
        for (text, expected) in cases {
            assert_eq!(without_mentions(text), expected, "{text:?}");
        }
    }
}
