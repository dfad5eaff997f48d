//! What a server can do besides, and what of it we want (capability negotiation of IRCv3).

use std::collections::{BTreeMap, BTreeSet};

/// What is asked for where a server has it.
const WANTED: &[&str] = &[
    "account-tag",
    "batch",
    "chghost",
    "echo-message",
    "labeled-response",
    "message-tags",
    "server-time",
    "twitch.tv/commands",
    "twitch.tv/tags",
];

/// So many bytes of names stand in a line.
const NAMES_BYTES_MAX: usize = 400;

/// The capabilities of a server.
#[derive(Clone, Debug, Default)]
pub(super) struct Caps {
    /// Those that it has, with their values.
    offered: BTreeMap<String, String>,
    enabled: BTreeSet<String>,
    /// How many requests it has not answered.
    unanswered: usize,
}

impl Caps {
    pub(super) fn has(&self, name: &str) -> bool {
        self.enabled.contains(name)
    }

    /// What the server says of a capability that it has.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.offered.get(name).map(String::as_str)
    }

    /// Whether no request is left without an answer.
    pub(super) fn are_settled(&self) -> bool {
        self.unanswered == 0
    }

    /// The server has these.
    pub(super) fn offered(&mut self, list: &str) {
        for token in list.split_ascii_whitespace() {
            let (name, value) = token.split_once('=').unwrap_or((token, ""));
            self.offered.insert(name.to_owned(), value.to_owned());
        }
    }

    /// The server has these no longer.
    pub(super) fn withdrawn(&mut self, list: &str) {
        for name in list.split_ascii_whitespace() {
            self.offered.remove(name);
            self.enabled.remove(name);
        }
    }

    /// The lines by which those are asked for that we want and do not have; `account` with `sasl`.
    pub(super) fn requests(&mut self, sasl: bool) -> Vec<String> {
        let wanted = WANTED.iter().copied().chain(sasl.then_some("sasl"));
        let wanted: Vec<&str> = wanted
            .filter(|name| self.offered.contains_key(*name) && !self.enabled.contains(*name))
            .collect();
        let mut lines: Vec<String> = Vec::new();
        for name in wanted {
            match lines.last_mut() {
                Some(line) if line.len() + name.len() < NAMES_BYTES_MAX => {
                    line.push(' ');
                    line.push_str(name);
                }
                _ => lines.push(format!("CAP REQ :{name}")),
            }
        }
        self.unanswered += lines.len();
        lines
    }

    /// The server grants these; those with `-` before them no longer.
    pub(super) fn granted(&mut self, list: &str) {
        self.unanswered = self.unanswered.saturating_sub(1);
        for name in list.split_ascii_whitespace() {
            match name.strip_prefix('-') {
                Some(name) => self.enabled.remove(name),
                None => self.enabled.insert(name.to_owned()),
            };
        }
    }

    /// The server denies these, all of them because of one. Gives the lines by which they are asked for
    /// one by one.
    pub(super) fn denied(&mut self, list: &str) -> Vec<String> {
        self.unanswered = self.unanswered.saturating_sub(1);
        let names: Vec<&str> = list.split_ascii_whitespace().collect();
        let lines: Vec<String> = match names[..] {
            [] => Vec::new(),
            [name] => {
                // It does not have it after all.
                self.offered.remove(name);
                Vec::new()
            }
            _ => names
                .iter()
                .map(|name| format!("CAP REQ :{name}"))
                .collect(),
        };
        self.unanswered += lines.len();
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_offered_and_wanted_is_asked_for_and_what_is_denied_one_by_one() {
        let mut caps = Caps::default();
        caps.offered("batch echo-message=x sasl=PLAIN,EXTERNAL");
        caps.offered("multi-prefix server-time");
        assert_eq!(
            caps.requests(false),
            ["CAP REQ :batch echo-message server-time"]
        );
        assert_eq!(
            caps.denied("batch echo-message server-time"),
            [
                "CAP REQ :batch",
                "CAP REQ :echo-message",
                "CAP REQ :server-time"
            ]
        );
        caps.granted("batch");
        assert_eq!(caps.denied("echo-message"), [""; 0]);
        assert!(!caps.are_settled());
        caps.granted("server-time ");
        assert!(caps.are_settled() && caps.has("batch") && !caps.has("echo-message"));
        caps.withdrawn("batch");
        assert!(!caps.has("batch"));
        assert_eq!(caps.value("sasl"), Some("PLAIN,EXTERNAL"));
        assert_eq!(caps.requests(true), ["CAP REQ :sasl"]);
    }
}
