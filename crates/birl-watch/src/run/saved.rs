//! What is written down of rules and sources, so that they go on where they were.

use std::collections::{BTreeMap, BTreeSet};

use birl_source::follow::{Positions, Start};
use birl_source::live::Address;
use birl_source::name::Name;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use crate::asked::asked_of;
use crate::config::{Config, Rule, Source};

/// What a source was when it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    name: String,
    from: Vec<String>,
    /// What tells commands apart: there may be secrets in them.
    commands: Vec<String>,
    hidden: bool,
    from_start: bool,
    /// How its bytes are read as records.
    #[serde(default)]
    read_as: String,
}

impl Identity {
    pub(super) fn of(source: &Source) -> Self {
        Self {
            name: source.name.clone(),
            from: source
                .from
                .iter()
                .map(|from| without_secrets(from))
                .collect(),
            commands: source
                .commands
                .iter()
                .map(|command| hash_of(&command.join("\0")))
                .collect(),
            hidden: source.hidden,
            from_start: source.start == Start::Beginning,
            read_as: format!("{:?} {:?}", source.input_format, source.input_zone),
        }
    }

    /// Of the sources that a rule asks, in their order.
    pub(super) fn all(rule: &Rule, config: &Config) -> Vec<Self> {
        let asked = asked_of(rule, &config.sources);
        asked.into_iter().map(Self::of).collect()
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether a source that was this, and is `now`, can be read on where it was.
    pub(super) fn goes_on_as(&self, now: &Self) -> bool {
        let names = now.from.len() + now.commands.len();
        self.hidden == now.hidden && self.anew(now).len() < names
    }

    /// Which of what a source reads that is `now` it did not when it was this.
    pub(super) fn anew(&self, now: &Self) -> BTreeSet<usize> {
        let from = now.from.iter().map(|it| self.from.contains(it));
        let commands = now.commands.iter().map(|it| self.commands.contains(it));
        let names = from.chain(commands).enumerate();
        let new = names.filter(|(_, is_known)| !is_known);
        new.map(|(number, _)| number).collect()
    }
}

/// What is typed, or where that is an address, something that tells it from others: a login or a token may
/// stand in it.
fn without_secrets(from: &str) -> String {
    if !Address::is_address(from) {
        return from.to_owned();
    }
    hash_of(from)
}

/// Something that tells a text from others.
pub(super) fn hash_of(text: &str) -> String {
    let hash = digest(&SHA256, text.as_bytes());
    let hash = hash.as_ref()[..16].iter();
    hash.map(|byte| format!("{byte:02x}")).collect()
}

/// How far all sources had been read at a barrier.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct SavedSources {
    /// When that was, in nanoseconds since 1970.
    pub(super) at: i64,
    /// By their names.
    pub(super) sources: BTreeMap<String, SavedSource>,
}

/// How far a source had been read.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct SavedSource {
    pub(super) identity: Identity,
    pub(super) positions: Positions,
    /// Where those that are live can be asked to go on, by what tells them apart.
    pub(super) cursors: BTreeMap<String, String>,
}

impl SavedSources {
    /// How far `source` had been read, if it can be read on.
    pub(super) fn of(&self, source: &Source) -> Option<&SavedSource> {
        let saved = self.sources.get(&source.name)?;
        let now = Identity::of(source);
        saved.identity.goes_on_as(&now).then_some(saved)
    }
}

/// What is written down of a rule: a line of JSON that says what follows on it, what it remembers, and the
/// state of its query.
#[derive(Debug, PartialEq)]
pub(super) struct SavedRule {
    /// What it asked, in this order: states name them by their numbers.
    pub(super) sources: Vec<Identity>,
    pub(super) memory: Vec<u8>,
    /// `None` where it was not asked, so that it begins anew.
    pub(super) query: Option<Vec<u8>>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    birl_rule: u32,
    sources: Vec<Identity>,
    memory_bytes: usize,
    has_query: bool,
}

/// The number of what is written down. It changes with that.
const VERSION: u32 = 1;

impl SavedRule {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let head = Head {
            birl_rule: VERSION,
            sources: self.sources.clone(),
            memory_bytes: self.memory.len(),
            has_query: self.query.is_some(),
        };
        let mut bytes = serde_json::to_vec(&head).expect("texts can be written as JSON");
        bytes.push(b'\n');
        bytes.extend_from_slice(&self.memory);
        bytes.extend_from_slice(self.query.as_deref().unwrap_or_default());
        bytes
    }

    /// Nothing where another birl has written it.
    pub(super) fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let line = memchr::memchr(b'\n', bytes)?;
        let head: Head = serde_json::from_slice(&bytes[..line]).ok()?;
        let rest = &bytes[line + 1..];
        let (memory, query) = rest.split_at_checked(head.memory_bytes)?;
        (head.birl_rule == VERSION).then(|| Self {
            sources: head.sources,
            memory: memory.to_vec(),
            query: head.has_query.then(|| query.to_vec()),
        })
    }
}

/// Whether all that is said under these names is written down.
pub(super) fn are_written(names: &[Name]) -> bool {
    names.iter().all(|name| !matches!(name, Name::Live(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_down_of_a_rule_comes_back() {
        let source = Identity {
            name: "app".to_owned(),
            from: vec!["/var/log/app.log".to_owned()],
            commands: vec![hash_of("journalctl\0-f")],
            hidden: false,
            from_start: true,
            read_as: "None UTC".to_owned(),
        };
        for query in [None, Some(Vec::new()), Some(b"state\n\0\xff".to_vec())] {
            let rule = SavedRule {
                sources: vec![source.clone()],
                memory: b"{\"a\":\"\\n\"}".to_vec(),
                query,
            };
            let bytes = rule.to_bytes();
            assert_eq!(SavedRule::of_bytes(&bytes), Some(rule));
            assert_eq!(SavedRule::of_bytes(&bytes[..20]), None);
        }
        assert_eq!(SavedRule::of_bytes(b"{\"open\":[],\"judge\":null}"), None);
    }

    #[test]
    fn what_a_source_reads_besides_begins_anew() {
        let source = |from: &[&str], hidden| Identity {
            name: "app".to_owned(),
            from: from.iter().map(|from| (*from).to_owned()).collect(),
            commands: Vec::new(),
            hidden,
            from_start: false,
            read_as: String::new(),
        };
        let both = source(&["a.log", "b.log"], false);
        assert!(both.goes_on_as(&both));
        assert!(!both.goes_on_as(&source(&["b.log"], true)));
        assert_eq!(both.anew(&both), BTreeSet::new());
        assert!(!both.goes_on_as(&source(&["c.log"], false)));
        let more = source(&["c.log", "a.log", "d.log"], false);
        assert!(both.goes_on_as(&more));
        assert_eq!(both.anew(&more), BTreeSet::from([0, 2]));
        let with = |commands: &[&str]| Identity {
            commands: commands.iter().map(|it| (*it).to_owned()).collect(),
            ..source(&["a.log"], false)
        };
        assert_eq!(with(&["x"]).anew(&with(&["y", "x"])), BTreeSet::from([1]));
        let other = Identity {
            from: vec!["c.log".to_owned()],
            ..with(&["x"])
        };
        assert!(with(&["x"]).goes_on_as(&other));
    }
}
