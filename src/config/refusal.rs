//! Why the system refused something, in the words of our messages.

use std::io;

/// The reason in lower case and without its number: `permission denied`, where the standard
/// library has `Permission denied (os error 13)`.
pub(crate) fn refusal(error: &io::Error) -> String {
    let words = error.to_string();
    let reason = match (error.raw_os_error(), words.rfind(" (os error ")) {
        (Some(_), Some(number)) => &words[..number],
        _ => &words,
    };
    let mut letters = reason.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::refusal;

    #[test]
    fn the_words_of_the_system_become_ours() {
        let missing = io::Error::from_raw_os_error(2);
        assert_eq!(refusal(&missing), "no such file or directory");
        let odd = io::Error::other("Cannot (os error 2) say");
        assert_eq!(refusal(&odd), "cannot (os error 2) say");
    }
}
