//! Which messages are meant.

use serde_json::Value;

/// Says which messages are meant.
#[derive(Clone, Debug, PartialEq)]
pub enum Pattern {
    /// Those that have at least these fields with these values. Of an array, the first elements.
    Json(Value),
    /// Those that this text stands in.
    Text(String),
}

impl Pattern {
    /// Reads a pattern: JSON where it begins as such, else text.
    ///
    /// # Errors
    ///
    /// If it begins as JSON and is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.trim_start().starts_with(['{', '[']) {
            true => serde_json::from_str(text)
                .map(Self::Json)
                .map_err(|error| format!("{text:?} is not JSON: {error}")),
            false if text.is_empty() => Err("an empty pattern means nothing".to_owned()),
            false => Ok(Self::Text(text.to_owned())),
        }
    }

    /// Whether a message is meant; `read` is what it says, where it is JSON.
    pub(super) fn is_met(&self, raw: &[u8], read: Option<&Value>) -> bool {
        match self {
            Self::Json(pattern) => read.is_some_and(|read| is_part(pattern, read)),
            Self::Text(text) => memchr::memmem::find(raw, text.as_bytes()).is_some(),
        }
    }
}

/// Whether `whole` has all that `part` has.
fn is_part(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => part
            .iter()
            .all(|(name, part)| whole.get(name).is_some_and(|whole| is_part(part, whole))),
        (Value::Array(part), Value::Array(whole)) => {
            part.len() <= whole.len()
                && part
                    .iter()
                    .zip(whole)
                    .all(|(part, whole)| is_part(part, whole))
        }
        (part, whole) => part == whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_part_of_what_it_means() {
        let cases = [
            (
                r#"{"type":"message"}"#,
                r#"{"type":"message","text":"x"}"#,
                true,
            ),
            (r#"{"type":"message"}"#, r#"{"type":"ping"}"#, false),
            (r#"{"a":{"b":1}}"#, r#"{"a":{"b":1,"c":2}}"#, true),
            (r#"{"a":{"b":1}}"#, r#"{"a":[1]}"#, false),
            (r#"["msg"]"#, r#"["msg",{"x":1}]"#, true),
            (r#"["msg",1]"#, r#"["msg"]"#, false),
            (r#"{"ok":true}"#, "not JSON", false),
            ("PING", "PING 12", true),
            ("PING", "PONG", false),
        ];
        for (pattern, message, expected) in cases {
            let pattern = Pattern::parse(pattern).unwrap();
            let read = serde_json::from_str(message).ok();
            assert_eq!(
                pattern.is_met(message.as_bytes(), read.as_ref()),
                expected,
                "{pattern:?} {message}"
            );
        }
        assert!(Pattern::parse("{").is_err());
        assert!(Pattern::parse("").is_err());
    }
}
