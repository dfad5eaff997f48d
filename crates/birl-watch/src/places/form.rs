//! An alert as a document of JSON, and as lines of text.

use jiff::Timestamp;
use serde::Serialize;

use crate::alert::{Alert, State};

/// The version of the document that webhooks, files and commands are given. It grows when a field
/// goes or changes its meaning, not when one comes.
pub const VERSION: u32 = 1;

/// How an alert is written on a line, or on several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A document of JSON on one line.
    Json,
    /// For people.
    Text,
}

impl Form {
    /// The alert with the newline behind it.
    pub(super) fn write(self, alert: &Alert) -> String {
        match self {
            Self::Json => json(alert) + "\n",
            Self::Text => text(alert),
        }
    }
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    #[serde(flatten)]
    alert: &'a Alert,
}

/// The alert as one line of JSON, with the version of its form.
pub(crate) fn json(alert: &Alert) -> String {
    let document = Document {
        version: VERSION,
        alert,
    };
    serde_json::to_string(&document).expect("an alert has only texts, numbers and names")
}

/// The alert for people, on lines of their own. A terminal may be shown it: what would be more than
/// text there is written as escapes.
fn text(alert: &Alert) -> String {
    let mut text = format!("{} {}\n", time(alert.at), headline(alert));
    let texts = [&alert.text].into_iter().chain(alert.samples_beside_text());
    for line in texts.flat_map(|text| text.lines()) {
        text += &format!("    {line}\n");
    }
    if !alert.ask.is_empty() {
        text += &format!("    {}\n", alert.ask);
    }
    harmless(&text)
}

/// The rule, whether it fires, and of which group: one line.
pub(super) fn headline(alert: &Alert) -> String {
    let state = match alert.state {
        State::Firing if alert.escalated => "NOT ACKNOWLEDGED",
        State::Firing => "FIRING",
        State::Resolved => "RESOLVED",
    };
    headline_as(state, alert)
}

/// The same with another word for whether it fires.
pub(super) fn headline_as(state: &str, alert: &Alert) -> String {
    let mut line = format!("{state} {}", alert.rule);
    let group: Vec<_> = alert
        .group
        .iter()
        .map(|(k, v)| format!("{k}={v}"))
        .collect();
    if !group.is_empty() {
        line += &format!(" ({})", group.join(", "));
    }
    line.replace(['\n', '\r'], " ")
}

/// A time in nanoseconds since 1970, as RFC 3339 has it, in UTC.
pub(super) fn time(nanoseconds: i64) -> String {
    let timestamp = Timestamp::from_nanosecond(nanoseconds.into());
    let timestamp = timestamp.expect("64 bits of nanoseconds end in 2262, jiff's years in 9999");
    timestamp.to_string()
}

fn harmless(text: &str) -> String {
    let mut harmless = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' | '\t' => harmless.push(letter),
            _ if letter.is_control() => harmless.extend(letter.escape_unicode()),
            _ => harmless.push(letter),
        }
    }
    harmless
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::testing::alert;

    #[test]
    fn the_document_is_the_alert_with_the_version() {
        let document: serde_json::Value = serde_json::from_str(&json(&alert())).unwrap();
        let mut expected = serde_json::to_value(alert()).unwrap();
        expected["version"] = 1.into();
        assert_eq!(document, expected);
    }

    #[test]
    fn the_text_is_for_people_and_harmless() {
        let mut alert = alert();
        alert.samples.push("bell\u{7} and \u{1b}[2J".to_owned());
        assert_eq!(
            text(&alert),
            "2026-03-14T14:06:00Z FIRING error-burst (service=api)\n    \
             api: 73 errors in a minute\n    \
             {\"level\":\"error\",\"message\":\"timeout\"}\n    \
             bell\\u{7} and \\u{1b}[2J\n    \
             birl --since 14:05 --until 14:06 'level:error' app.log\n"
        );
    }
}
