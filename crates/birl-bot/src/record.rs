//! A message as a record, which rules are asked about.

use std::sync::Arc;

use birl_chat::{Kind, Message};
use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// What was said longer ago calls no command: whoever has said it does not wait any more, and clocks do not
/// differ by as much.
const OLD: SignedDuration = SignedDuration::from_mins(10);

/// The fields that a message has in every service, or nearly.
pub(crate) const FIELDS: [&str; 4] = ["sender", "room", "message", "account"];

/// Who has said something: the account, where the service vouches for one, else the name, which anybody may
/// have who has no account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Person {
    Account(String),
    Sender(String),
}

/// What somebody has said, and where.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MessageRecord {
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
    /// What we are called there, where that is known.
    pub me: Option<String>,
    /// It was said long ago, and is told as history.
    pub is_old: bool,
    /// The message as it came, where the service's messages are JSON: an object has other fields.
    pub raw: Arc<Value>,
}

impl MessageRecord {
    /// What `message` says.
    pub fn of(message: &Message) -> Self {
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
            me: message.handle().me(),
            raw: message.json().cloned().unwrap_or_default(),
        }
    }

    /// A line of a transcript: an object with `sender`, `room` and `message`, perhaps with the `account` of
    /// the sender, its [`time`](Self::time), and `"private": true` where nobody else could read it.
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
            me: None,
            raw: Arc::new(Value::Object(fields)),
        })
    }

    /// When its `time` says that it was said, as a line of a transcript may.
    pub fn time(&self) -> Option<Timestamp> {
        self.raw.get("time")?.as_str()?.parse().ok()
    }

    pub(crate) fn person(&self) -> Person {
        match &self.account {
            Some(account) => Person::Account(account.clone()),
            None => Person::Sender(self.sender.clone()),
        }
    }

    /// What a field of it says, as text.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        match self.own().into_iter().find(|(own, _)| *own == name) {
            Some((_, record)) => record.map(str::to_owned),
            None => text(self.raw.get(name)?),
        }
    }

    /// The fields that are known, whatever stands in the message as it came: what the sender says of them
    /// is not what the service vouches for.
    fn own(&self) -> [(&'static str, Option<&str>); 4] {
        [
            ("room", Some(&self.room)),
            ("sender", Some(&self.sender)),
            ("message", Some(&self.message)),
            ("account", self.account.as_deref()),
        ]
    }
}

impl Serialize for MessageRecord {
    /// As a record.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let own = self.own();
        let is_other = |name: &str| own.iter().all(|(own, _)| *own != name);
        let others = self.raw.as_object().into_iter().flatten();
        let others = others.filter(|(name, _)| is_other(name));
        let own = own
            .iter()
            .filter_map(|(name, record)| Some((*name, Field::Own((*record)?))));
        serializer.collect_map(own.chain(others.map(|(name, value)| (&**name, Field::Raw(value)))))
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Field<'a> {
    Own(&'a str),
    Raw(&'a Value),
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
    fn what_a_message_says_of_itself_is_not_what_is_known_of_it() {
        let record = MessageRecord {
            room: "ops".to_owned(),
            raw: Arc::new(serde_json::json!({"account": "root", "room": "all", "n": [1]})),
            ..MessageRecord::default()
        };
        let fields = ["room", "account", "n", "m"].map(|name| record.field(name));
        assert_eq!(
            fields,
            [Some("ops".to_owned()), None, Some("[1]".to_owned()), None]
        );
        let record = serde_json::to_string(&record).unwrap();
        assert_eq!(record, r#"{"room":"ops","sender":"","message":"","n":[1]}"#);
    }

    #[test]
    fn a_line_of_a_transcript_is_a_message() {
        let record = MessageRecord::of_transcript(
            r##"{"room":"#ops","sender":"ann","message":"hi","n":1}"##,
        );
        let record = record.unwrap();
        assert_eq!(
            (&*record.room, &*record.sender, &*record.message),
            ("#ops", "ann", "hi")
        );
        assert_eq!(
            serde_json::to_value(&record).unwrap(),
            serde_json::json!({"room": "#ops", "sender": "ann", "message": "hi", "n": 1})
        );
        for line in [
            "",
            "hi",
            "[]",
            r#"{"room":"r","sender":"s"}"#,
            r#"{"room":1}"#,
        ] {
            assert!(MessageRecord::of_transcript(line).is_err(), "{line}");
        }
    }
}
