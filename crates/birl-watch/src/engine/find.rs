//! What somebody means by what they type: an open alert, or alerts that are to be silent.

use std::collections::BTreeSet;

use super::{Engine, id_of};
use crate::alert::short_id;
use crate::control::{Error, Matcher};
use crate::life::Group;

/// So many characters of an id are asked for at least: fewer may soon be another alert's.
const TYPED_CHARS_MIN: usize = 4;

/// So many things are named in a message.
const NAMED_MAX: usize = 8;

/// See [`Engine::find`].
pub(super) fn alert(engine: &Engine, typed: &str) -> Result<(usize, Group), Error> {
    let typed = typed.trim();
    if let Some(rule) = engine.rule_named(typed) {
        return of_rule(engine, rule);
    }
    let open = || of_rules(engine, 0..engine.rules.len());
    let none = |message: String| {
        let names: Vec<_> = open().map(|open| open.words(6)).collect();
        Err(match names.is_empty() {
            true => Error::new(format!("{message}: no alert is open")),
            false => Error::new(message).with_hint(format!("open are {}", listed(&names))),
        })
    };
    if typed.chars().count() < TYPED_CHARS_MIN {
        return none(format!(
            "an alert is named by {TYPED_CHARS_MIN} characters of its id at least, and not by {typed:?}"
        ));
    }
    let begins = typed.to_ascii_lowercase();
    let mut found: Vec<_> = open().filter(|it| it.id.starts_with(&begins)).collect();
    match (found.pop(), found.len()) {
        (None, _) => none(format!("no open alert begins with {typed:?}")),
        (Some(one), 0) => Ok((one.rule, one.group.clone())),
        (Some(last), _) => {
            found.push(last);
            // So many characters tell them apart.
            let ids: BTreeSet<_> = found.iter().map(|it| it.id.as_str()).collect();
            let chars = (begins.len() + 1..32).find(|chars| {
                let starts: BTreeSet<_> = ids.iter().map(|id| &id[..*chars]).collect();
                starts.len() == ids.len()
            });
            let names: Vec<_> = found
                .iter()
                .map(|open| open.words(chars.unwrap_or(32)))
                .collect();
            let message = format!("{} open alerts begin with {typed:?}", found.len());
            Err(Error::new(message).with_hint(format!("name one: {}", listed(&names))))
        }
    }
}

/// An open alert, by its id.
struct Candidate<'a> {
    id: String,
    rule: usize,
    name: &'a str,
    group: &'a Group,
}

impl Candidate<'_> {
    /// So many characters of its id, its rule and its group.
    fn words(&self, chars: usize) -> String {
        let id = self.id.get(..chars).unwrap_or(short_id(&self.id));
        let group = self.group.iter();
        let group: Vec<_> = group
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let words = format!("{id} {} {}", self.name, group.join(" "));
        words.trim_end().to_owned()
    }
}

fn of_rules(
    engine: &Engine,
    rules: impl Iterator<Item = usize>,
) -> impl Iterator<Item = Candidate<'_>> {
    rules.flat_map(|rule| {
        let watched = &engine.rules[rule];
        let open = watched.life.open().iter();
        open.map(move |(group, open)| Candidate {
            id: id_of(&watched.rule, group, open),
            rule,
            name: &watched.rule.name,
            group,
        })
    })
}

/// The one open alert of a rule.
fn of_rule(engine: &Engine, rule: usize) -> Result<(usize, Group), Error> {
    let name = &engine.rules[rule].rule.name;
    let mut open = of_rules(engine, rule..rule + 1);
    match (open.next(), open.next()) {
        (None, _) => Err(Error::new(format!("no alert of rule {name:?} is open"))),
        (Some(one), None) => Ok((rule, one.group.clone())),
        (Some(first), Some(second)) => {
            let open = [first, second].into_iter().chain(open);
            let names: Vec<_> = open.map(|open| open.words(6)).collect();
            let message = format!("{} alerts of rule {name:?} are open", names.len());
            Err(Error::new(message).with_hint(format!("name one by its id: {}", listed(&names))))
        }
    }
}

/// See [`Engine::check`].
pub(super) fn check(engine: &Engine, matcher: &Matcher) -> Result<(), Error> {
    let rules = || engine.rules.iter().map(|it| &it.rule);
    let unknown = matcher.rules.iter();
    let mut unknown = unknown.filter(|name| rules().all(|rule| rule.name != **name));
    if let Some(name) = unknown.next() {
        let names: Vec<_> = rules().map(|rule| rule.name.clone()).collect();
        let hint = format!("the rules are {}", listed(&names));
        return Err(Error::new(format!("there is no rule {name:?}")).with_hint(hint));
    }
    let meant =
        || rules().filter(|it| matcher.rules.is_empty() || matcher.rules.contains(&it.name));
    let could_be = |fields: &[String]| matcher.group.keys().all(|field| fields.contains(field));
    if meant().any(|rule| could_be(&rule.group_by)) {
        return Ok(());
    }
    let of = match matcher.rules.is_empty() {
        true => "no rule".to_owned(),
        false => format!("{} does not", matcher.rules.join(", ")),
    };
    let typed: Vec<_> = matcher.group.keys().map(String::as_str).collect();
    let verb = if matcher.rules.is_empty() {
        "groups"
    } else {
        "group"
    };
    let message = format!("{of} {verb} by {}", typed.join(" and "));
    let fields: BTreeSet<_> = meant().flat_map(|rule| rule.group_by.clone()).collect();
    let fields: Vec<_> = fields.into_iter().collect();
    Err(match fields.is_empty() {
        true => Error::new(message),
        false => {
            Error::new(message).with_hint(format!("the fields of groups are {}", listed(&fields)))
        }
    })
}

/// The first few, and how many more there are.
fn listed(names: &[String]) -> String {
    let more = names.len().saturating_sub(NAMED_MAX);
    let shown = names[..names.len() - more].join(", ");
    match more {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
