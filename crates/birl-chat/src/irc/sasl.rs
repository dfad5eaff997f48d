//! Logging in to an account (SASL of IRCv3).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use birl_net::Secret;

/// So much of an answer stands in a line.
const CHUNK_BYTES: usize = 400;

/// The lines by which the answer of a client is sent: an answer of a multiple of 400 bytes ends with an
/// empty one.
pub(super) fn lines(answer: &[u8]) -> Vec<String> {
    let encoded = BASE64_STANDARD.encode(answer);
    let chunks = encoded.as_bytes().chunks(CHUNK_BYTES);
    let mut lines: Vec<String> = chunks
        .map(|chunk| format!("AUTHENTICATE {}", String::from_utf8_lossy(chunk)))
        .collect();
    if encoded.len().is_multiple_of(CHUNK_BYTES) {
        lines.push("AUTHENTICATE +".to_owned());
    }
    lines
}

/// The answer of the mechanism PLAIN (RFC 4616).
pub(super) fn plain(account: &str, password: &Secret) -> Vec<u8> {
    format!("\0{account}\0{}", password.reveal()).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_sent_in_lines_of_400_bytes() {
        // As IRCv3's own example: jilles, sesame.
        assert_eq!(
            lines(b"jilles\0jilles\0sesame"),
            ["AUTHENTICATE amlsbGVzAGppbGxlcwBzZXNhbWU="]
        );
        let lens = |bytes: usize| -> Vec<usize> {
            let lines = lines(&vec![b'x'; bytes]);
            lines
                .iter()
                .map(|line| line.len() - "AUTHENTICATE ".len())
                .collect()
        };
        assert_eq!(lens(0), [1]);
        assert_eq!(lens(299), [400, 1]);
        assert_eq!(lens(300), [400, 1]);
        assert_eq!(lens(301), [400, 4]);
        assert_eq!(lens(600), [400, 400, 1]);
    }

    #[test]
    fn plain_is_account_and_password() {
        assert_eq!(plain("bot", &Secret::new("p w")), b"\0bot\0p w");
    }
}
