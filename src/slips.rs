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
        let says_nothing = named.is_empty() && step.is_none();
        if says_nothing || config.follow.is_some() || config.invert {
            return None;
        }
        Some(Self {
            step,
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
        step.chain(self.unknown_fields()).collect()
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
