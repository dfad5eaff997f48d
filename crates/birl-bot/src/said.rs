//! A message as a record, which rules are asked about.

use birl_chat::{Kind, Message};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

/// What was said longer ago calls no command: whoever has said it does not wait any more, and clocks do not
/// differ by as much.
const OLD: SignedDuration = SignedDuration::from_mins(10);

/// The fields that a message has in every service, or nearly.
pub(crate) const FIELDS: [&str; 4] = ["sender", "room", "message", "account"];

/// What somebody has said, and where.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    /// Where; the sender where it was said to us alone.
    pub room: String,
    /// Who.
    pub sender: String,
    /// What.
    pub message: String,
    /// The account of who has said it, where the service vouches for that.
    pub account: Option<String>,
    /// Nobody else can read it.
    pub is_private: bool,
    /// By a program, or so that programs are not to answer it.
    pub is_automatic: bool,
    /// It was said long ago, and is told as history.
    pub is_old: bool,
    /// All other fields of the message, where the service's messages are JSON.
    pub fields: Map<String, Value>,
}

impl Said {
    /// What `message` says.
    pub fn of(message: &Message) -> Self {
        let mut fields = match message.raw.first() {
            Some(b'{') => serde_json::from_slice(&message.raw).unwrap_or_default(),
            _ => Map::new(),
        };
        // What the sender says of it is not what the service vouches for.
        match &message.account {
            Some(account) => _ = fields.insert("account".to_owned(), account.as_str().into()),
            None => _ = fields.remove("account"),
        }
        let age = message
            .time
            .map(|time| Timestamp::now().duration_since(time));
        Self {
            room: message.room.clone(),
            sender: message.sender.clone(),
            message: message.text.clone(),
            account: message.account.clone(),
            is_private: message.is_private,
            is_automatic: message.is_bot || message.kind == Kind::Noticed,
            is_old: age.is_some_and(|age| age > OLD),
            fields,
        }
    }

    /// A line of a transcript: an object with `sender`, `room` and `message`, perhaps with the `account` of
    /// the sender, and `"private": true` where nobody else could read it.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn of_transcript(line: &str) -> Result<Self, String> {
        let mut fields: Map<String, Value> = serde_json::from_str(line)
            .map_err(|_| "a line of a transcript is a JSON object".to_owned())?;
        let mut take = |name: &str| match fields.remove(name) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(format!("a line of a transcript has a text {name:?}")),
        };
        Ok(Self {
            room: take("room")?,
            sender: take("sender")?,
            message: take("message")?,
            account: match fields.get("account") {
                Some(Value::String(account)) => Some(account.clone()),
                _ => None,
            },
            is_private: fields.get("private") == Some(&Value::Bool(true)),
            is_automatic: false,
            is_old: false,
            fields,
        })
    }

    /// What a field of it says, as text.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        match name {
            "room" => Some(self.room.clone()),
            "sender" => Some(self.sender.clone()),
            "message" => Some(self.message.clone()),
            name => text(self.fields.get(name)?),
        }
    }

    /// All of it as a record of JSON.
    pub(crate) fn record(&self) -> Value {
        let mut record = self.fields.clone();
        for (name, text) in [
            ("room", &self.room),
            ("sender", &self.sender),
            ("message", &self.message),
        ] {
            record.insert(name.to_owned(), Value::from(text.as_str()));
        }
        Value::Object(record)
    }
}

/// A value as text; none of null.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_transcript_is_a_message() {
        let said = Said::of_transcript(r##"{"room":"#ops","sender":"ann","message":"hi","n":1}"##);
        let said = said.unwrap();
        assert_eq!(
            (&*said.room, &*said.sender, &*said.message),
            ("#ops", "ann", "hi")
        );
        assert_eq!(
            said.record(),
            serde_json::json!({"room": "#ops", "sender": "ann", "message": "hi", "n": 1})
        );
        for line in [
            "",
            "hi",
            "[]",
            r#"{"room":"r","sender":"s"}"#,
            r#"{"room":1}"#,
        ] {
            assert!(Said::of_transcript(line).is_err(), "{line}");
        }
    }
}
