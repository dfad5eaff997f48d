//! What is told of a search that found nothing: fields which no record has, and words that would be a step.

use birl_query::{nearest, reads_as_step};
use birl_record::columns::FIXED;
use birl_record::query::tree::{Field, Term, quote};
use birl_scan::{Options, fields};
use birl_source::name::Name;
use birl_source::walk::WalkOptions;

use crate::config::Config;
use crate::search::walk;

/// Names in field terms that are of no field of a log.
const OWN: [&str; 4] = ["msg", "since", "until", "last"];

/// What a search names, and where it looks: to be told, once it has found nothing, which fields there
/// are not.
pub(crate) struct Slips {
    /// The search, if it would be a step behind a pipe.
    step: Option<String>,
    /// What is to be said of its words.
    texts: Vec<String>,
    terms: Vec<Field>,
    names: Vec<Name>,
    walk: WalkOptions,
    options: Options,
}

impl Slips {
    /// The fields that `terms` name, and whether they read as a step, if what is searched has an end.
    pub(crate) fn of(
        config: &Config,
        terms: &[Term],
        names: &[Name],
        options: impl FnOnce() -> Options,
    ) -> Option<Self> {
        let mut named = Vec::new();
        terms.iter().for_each(|term| add(term, &mut named));
        let step = match &config.queries[..] {
            [text] if !config.literal && is_step(text) => Some(text.clone()),
            _ => None,
        };
        let texts: Vec<_> = match config.literal {
            true => Vec::new(),
            false => terms.iter().flat_map(of_texts).collect(),
        };
        let says_nothing = named.is_empty() && step.is_none() && texts.is_empty();
        if says_nothing || config.follow.is_some() || config.invert {
            return None;
        }
        Some(Self {
            step,
            texts,
            terms: named,
            names: names.to_vec(),
            walk: walk(config),
            options: options(),
        })
    }

    /// What is to be said of those that no sampled record has. Files are read for it.
    pub(crate) fn told(&self) -> Vec<String> {
        let step = self.step.iter().map(|step| {
            format!("these words were searched for; a step stands behind a pipe: '|> {step}'")
        });
        let texts = self.texts.iter().cloned();
        step.chain(texts).chain(self.unknown_fields()).collect()
    }

    fn unknown_fields(&self) -> Vec<String> {
        if self.terms.is_empty() {
            return Vec::new();
        }
        let fields = fields(self.names.clone(), self.walk, &self.options);
        if fields.records() == 0 {
            return Vec::new();
        }
        let unknown = self
            .terms
            .iter()
            .filter(|it| fields.get(&it.name).is_none());
        let told = unknown.map(|term| {
            let message = format!("no sampled record has a field {:?}", term.name);
            let known = fields.all().map(|(name, _)| name).chain(FIXED);
            match nearest(&term.name, known) {
                Some(near) => format!("{message}, did you mean {near:?}?"),
                None => {
                    let text = quote(&format!("{}:{}", term.name, term.value));
                    format!("{message}; in quotes it is a text to search for: {text}")
                }
            }
        });
        told.collect()
    }
}

/// What is to be said of words that ask fields, or name tables, as other languages do, where a search for them
/// has found nothing.
pub(crate) fn of_texts(search: &Term) -> Vec<String> {
    let one = std::slice::from_ref(search);
    let terms = match search {
        Term::And(terms) => terms,
        _ => one,
    };
    let words = terms.iter().filter_map(|term| match term {
        Term::Text(text) if !text.quoted => Some(text.value.as_str()),
        _ => None,
    });
    let words: Vec<_> = words.collect();
    match (terms, &words[..]) {
        ([_], ["logs"]) => {
            return vec!["\"logs\" was searched for as a word; all records are found by: *".into()];
        }
        ([_, _], [from, table]) if from.eq_ignore_ascii_case("from") && is_name(table) => {
            return vec![format!(
                "\"from\" and {table:?} were searched for as words, since there is no such table; \
                 the records are the table logs, and a file is one by --table {table}=FILE"
            )];
        }
        _ => {}
    }
    let told = words.into_iter().filter_map(|word| {
        let term = asked_field(word)?;
        Some(format!(
            "{word:?} was searched for as a word; a field is asked for its value by: {term}"
        ))
    });
    told.collect()
}

/// The term over a field that Splunk or Loki writes so: `service=api`, `{service="api"}`.
fn asked_field(word: &str) -> Option<String> {
    let (name, value) = word.trim_start_matches('{').split_once('=')?;
    let value = value.trim_matches(|c| "=~\"'{},".contains(c));
    let is_asked = is_name(name) && !value.is_empty() && !value.contains('=');
    is_asked.then(|| format!("{name}:{}", quoted(value)))
}

fn quoted(value: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_.*-/".contains(c);
    match value.chars().all(is_plain) {
        true => value.to_owned(),
        false => quote(value),
    }
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && word
            .chars()
            .all(|c| c.is_alphanumeric() || "_.@-".contains(c))
}

/// Whether a search is several words that would be a step: `count by level`. One word alone is looked for.
fn is_step(text: &str) -> bool {
    text.contains([' ', '(']) && reads_as_step(text)
}

fn add(term: &Term, named: &mut Vec<Field>) {
    match term {
        Term::Field(field) => {
            let name = field.name.as_str();
            let is_own = FIXED.contains(&name) || OWN.contains(&name);
            if !is_own && named.iter().all(|it| it.name != name) {
                named.push(field.clone());
            }
        }
        Term::And(terms) | Term::Or(terms) => terms.iter().for_each(|term| add(term, named)),
        // What is not there is no reason to find nothing.
        Term::Not(_) | Term::All | Term::Text(_) | Term::Regex(_) => {}
    }
}
