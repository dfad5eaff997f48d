//! A signature over what is posted, as Stripe and Slack have it: an HMAC-SHA256 (RFC 2104) of the time
//! and the body, so that neither can be changed, and an old request cannot be sent again.

use std::fmt::Write;

use ring::hmac;

/// `t=SECONDS,v1=HEX`: the time since 1970, and the HMAC of `SECONDS.BODY`.
pub(super) fn header(key: &[u8], seconds: u64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let tag = hmac::sign(&key, format!("{seconds}.{body}").as_bytes());
    let mut header = format!("t={seconds},v1=");
    for byte in tag.as_ref() {
        write!(header, "{byte:02x}").expect("a String takes all");
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_over_time_and_body() {
        // Of Python: hmac.new(b"key", b'1773497160.{"a":1}', "sha256").hexdigest()
        assert_eq!(
            header(b"key", 1_773_497_160, r#"{"a":1}"#),
            "t=1773497160,v1=562d41711dc4861d4180a82d6bcddf44e8309d94a6275d9b120090a52eb16f79"
        );
    }
}
