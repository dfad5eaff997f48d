//! `webhook = URL` with `format = "alertmanager"`: what Prometheus' Alertmanager posts to webhooks, in
//! version 4, so that its receivers understand birl.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::form;
use super::post::Poster;
use crate::alert::{Alert, State};
use crate::place::{Place, Undelivered};

/// What Go writes for a time that is none.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// Posts each alert as a group of one.
#[derive(Debug)]
pub(super) struct Alertmanager {
    pub(super) poster: Poster,
    /// The name of the place.
    pub(super) receiver: String,
}

#[async_trait]
impl Place for Alertmanager {
    async fn send(&self, alert: &Alert) -> Result<(), Undelivered> {
        self.poster
            .post(message(alert, &self.receiver).to_string())
            .await
    }
}

fn message(alert: &Alert, receiver: &str) -> Value {
    let labels = labels(alert);
    let annotations = annotations(alert);
    let ends_at = match alert.state {
        State::Firing => NEVER.to_owned(),
        State::Resolved => form::time(alert.at),
    };
    json!({
        "version": "4",
        "groupKey": format!("{{}}:{}", written(&labels)),
        "truncatedAlerts": 0,
        "status": alert.state,
        "receiver": receiver,
        "groupLabels": labels,
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": "",
        "alerts": [{
            "status": alert.state,
            "labels": labels,
            "annotations": annotations,
            "startsAt": form::time(alert.since),
            "endsAt": ends_at,
            "generatorURL": "",
            "fingerprint": format!("{:016x}", fingerprint(&labels)),
        }],
    })
}

/// The name of the rule, and its group: what tells alerts from each other.
fn labels(alert: &Alert) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::from([("alertname".to_owned(), alert.rule.clone())]);
    for (name, value) in &alert.group {
        labels.entry(label(name)).or_insert_with(|| value.clone());
    }
    labels
}

/// What an alert says besides: its texts, and the row of the answer.
fn annotations(alert: &Alert) -> BTreeMap<String, String> {
    let summary = alert.text.lines().next().unwrap_or_default();
    let mut annotations = BTreeMap::from([
        ("summary".to_owned(), summary.to_owned()),
        ("description".to_owned(), alert.text.clone()),
        ("samples".to_owned(), alert.samples.join("\n")),
        ("ask".to_owned(), alert.ask.clone()),
        ("birl_id".to_owned(), alert.id.clone()),
    ]);
    annotations.retain(|_, text| !text.is_empty());
    for (name, value) in &alert.values {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        annotations.entry(label(name)).or_insert(text);
    }
    annotations
}

/// A name as Prometheus takes it: letters, digits and `_`, no digit first.
fn label(name: &str) -> String {
    let mut label = name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
    if label.is_empty() || label.starts_with(|first: char| first.is_ascii_digit()) {
        label.insert(0, '_');
    }
    label
}

/// Labels as Alertmanager writes them: `{a="b", c="d"}`.
fn written(labels: &BTreeMap<String, String>) -> String {
    let pairs = labels
        .iter()
        .map(|(name, value)| format!("{name}={value:?}"));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
}

/// Prometheus' own: FNV-1a over names and values in their order, each with a byte 255 behind it.
fn fingerprint(labels: &BTreeMap<String, String>) -> u64 {
    let texts = labels.iter().flat_map(|(name, value)| [name, value]);
    let bytes = texts.flat_map(|text| text.bytes().chain([255]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::testing::alert;

    /// The fields that the documentation of Alertmanager names, and no others.
    #[test]
    fn a_message_is_a_group_of_one_alert() {
        let mut alert = alert();
        alert.group.push(("k8s.pod".to_owned(), "a\"b".to_owned()));
        let labels = json!({"alertname": "error-burst", "service": "api", "k8s_pod": "a\"b"});
        let annotations = json!({
            "summary": "api: 73 errors in a minute",
            "description": "api: 73 errors in a minute",
            "samples": "{\"level\":\"error\",\"message\":\"timeout\"}",
            "ask": "birl --since 14:05 --until 14:06 'level:error' app.log",
            "birl_id": "9f86d081884c7d65",
            "service": "api",
            "count": "73",
        });
        let expected = |status: &str, ends_at: &str| {
            json!({
                "version": "4",
                "groupKey":
                    "{}:{alertname=\"error-burst\", k8s_pod=\"a\\\"b\", service=\"api\"}",
                "truncatedAlerts": 0,
                "status": status,
                "receiver": "ops",
                "groupLabels": labels,
                "commonLabels": labels,
                "commonAnnotations": annotations,
                "externalURL": "",
                "alerts": [{
                    "status": status,
                    "labels": labels,
                    "annotations": annotations,
                    "startsAt": "2026-03-14T14:05:05Z",
                    "endsAt": ends_at,
                    "generatorURL": "",
                    "fingerprint": "593ec116e3a670b5",
                }],
            })
        };
        assert_eq!(
            message(&alert, "ops"),
            expected("firing", "0001-01-01T00:00:00Z")
        );
        alert.state = State::Resolved;
        assert_eq!(
            message(&alert, "ops"),
            expected("resolved", "2026-03-14T14:06:00Z")
        );
    }

    #[test]
    fn names_become_those_of_labels() {
        let cases = [
            ("a.b-c", "a_b_c"),
            ("5xx", "_5xx"),
            ("", "_"),
            ("é", "_"),
            ("@t", "_t"),
        ];
        for (name, expected) in cases {
            assert_eq!(label(name), expected);
        }
    }
}
