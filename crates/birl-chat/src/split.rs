//! What is posted, in pieces that a service takes.

/// `text` in pieces of at most `bytes_max`, cut between lines where that can be, else between words, else
/// between letters. Only the space that it is cut at is left out, and empty pieces.
pub(crate) fn pieces(text: &str, bytes_max: usize) -> Vec<&str> {
    // A letter always fits.
    let bytes_max = bytes_max.max(4);
    let mut pieces = Vec::new();
    let mut rest = text;
    while rest.len() > bytes_max {
        let fits = &rest[..rest.floor_char_boundary(bytes_max)];
        // What stands just behind what fits may be where it is cut.
        let window = &rest[..rest.floor_char_boundary(fits.len() + 1)];
        let cut = window.rfind('\n').or_else(|| window.rfind(' '));
        match cut.filter(|&cut| !rest[..cut].trim().is_empty()) {
            Some(cut) => {
                pieces.push(&rest[..cut]);
                rest = &rest[cut + 1..];
            }
            None => {
                pieces.push(fits);
                rest = &rest[fits.len()..];
            }
        }
    }
    pieces.push(rest);
    pieces.retain(|piece| !piece.trim().is_empty());
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_is_cut_at_lines_then_words_then_letters() {
        assert_eq!(pieces("", 10), [""; 0]);
        assert_eq!(pieces("short", 10), ["short"]);
        assert_eq!(pieces("one two\nthree four", 12), ["one two", "three four"]);
        assert_eq!(pieces("one two three", 8), ["one two", "three"]);
        assert_eq!(pieces("one two", 3), ["one", "two"]);
        assert_eq!(pieces("éééééé", 5), ["éé", "éé", "éé"]);
        assert_eq!(pieces("𝄞𝄞", 1), ["𝄞", "𝄞"]);
    }

    proptest! {
        #[test]
        fn pieces_fit_and_nothing_but_space_is_lost(
            text in "[a-cé𝄞 \n]{0,60}",
            bytes_max in 4..20_usize,
        ) {
            let pieces = pieces(&text, bytes_max);
            prop_assert!(pieces.iter().all(|piece| (1..=bytes_max).contains(&piece.len())));
            let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(letters(&pieces.concat()), letters(&text));
        }
    }
}
