//! What is said, so that it is never taken for something that was typed.

/// A line of so many bytes is posted as one by every service; a longer one may be cut anywhere.
const UNCUT_BYTES: usize = 200;

/// `text` as it is shown, of which no line begins with `prefix`, nor any piece of a long line: none of what
/// we say calls a command of ours, or of another birl with that prefix. Two of them would talk to each other
/// for ever, and whoever writes a log would have us ask.
pub(crate) fn harmless(text: &str, prefix: &str) -> String {
    // What is left out when it is posted may hide where a line begins.
    let text = birl_chat::visible(text);
    let is_harmless =
        |line: &str| line.len() <= UNCUT_BYTES && !line.trim_start().starts_with(prefix);
    if prefix.is_empty() || text.split('\n').all(is_harmless) {
        return text;
    }
    let broken = format!("{prefix}\u{200b}");
    let lines = text.split('\n').map(|line| {
        if line.len() > UNCUT_BYTES {
            return line.replace(prefix, &broken);
        }
        match line.trim_start().strip_prefix(prefix) {
            Some(behind) => format!("{broken}{behind}"),
            None => line.to_owned(),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_ours_calls_a_command() {
        let cases = [
            ("it is !errors", "it is !errors"),
            ("!errors", "!\u{200b}errors"),
            ("a\n  !b\nc", "a\n!\u{200b}b\nc"),
            ("a\r!b\u{2028}!c", "a\n!\u{200b}b\n!\u{200b}c"),
            ("\u{1}!b", "!\u{200b}b"),
            ("\u{202e}\u{7} !b", "!\u{200b}b"),
            ("", ""),
        ];
        for (text, wanted) in cases {
            assert_eq!(harmless(text, "!"), wanted, "{text:?}");
        }
        let long = format!("{} !ack 3f9a1c", "x".repeat(UNCUT_BYTES));
        assert_eq!(harmless(&long, "!"), long.replace('!', "!\u{200b}"));
        assert_eq!(
            harmless("birl ack 3f9a1c", "birl "),
            "birl \u{200b}ack 3f9a1c"
        );
    }
}
