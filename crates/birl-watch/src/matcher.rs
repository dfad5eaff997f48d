//! Which alerts: by their rules, and by the fields of their groups.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::control::Error;

/// Which alerts are meant: those of some rules, or of all, whose groups have some values.
///
/// As text it is words: names of rules, and fields of the group as `service=api`. `*` alone is all alerts.
/// Words that have spaces in them stand in quotes, as in a shell.
///
/// ```
/// use birl_watch::Matcher;
///
/// let matcher: Matcher = "errors service='the shop'".parse()?;
/// let group = [("service".to_owned(), "the shop".to_owned())];
/// assert!(matcher.matches("errors", &group));
/// assert!(!matcher.matches("slow", &group));
/// assert_eq!(matcher.to_string(), "errors 'service=the shop'");
/// # Ok::<(), birl_watch::control::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matcher {
    /// The rules, any of which it may be; all where none is named.
    #[serde(default)]
    pub rules: Vec<String>,
    /// The values that fields of the group have to have, all of them.
    #[serde(default)]
    pub group: BTreeMap<String, String>,
}

/// What stands before the name of a rule that would be taken for something else.
const RULE: &str = "rule";

impl Matcher {
    /// Whether it means the alerts of a rule for a group.
    pub fn matches(&self, rule: &str, group: &[(String, String)]) -> bool {
        let mut wanted = self.group.iter();
        (self.rules.is_empty() || self.rules.iter().any(|name| name == rule))
            && wanted.all(|(name, value)| group.iter().any(|(n, v)| n == name && v == value))
    }

    /// What words mean that have been split already.
    ///
    /// # Errors
    /// Fails where they do not say which alerts, or name a field twice.
    pub fn of_words(words: impl IntoIterator<Item = String>) -> Result<Self, Error> {
        let words: Vec<String> = words.into_iter().collect();
        if words == ["*"] {
            return Ok(Self::default());
        }
        let mut matcher = Self::default();
        for word in words {
            match word.split_once('=') {
                None if word == "*" => {
                    return Err(wrong("* stands alone: it is all alerts"));
                }
                None => matcher.rules.push(word),
                Some((RULE, rule)) => matcher.rules.push(rule.to_owned()),
                Some((name, value)) => {
                    let before = matcher.group.insert(name.to_owned(), value.to_owned());
                    if before.is_some() {
                        return Err(wrong(&format!("{name} is named twice")));
                    }
                }
            }
        }
        match matcher.is_all() {
            true => Err(wrong("it does not say which alerts")),
            false => Ok(matcher),
        }
    }

    /// Whether it means all alerts.
    pub fn is_all(&self) -> bool {
        self.rules.is_empty() && self.group.is_empty()
    }
}

impl FromStr for Matcher {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match shlex::split(text) {
            Some(words) => Self::of_words(words),
            None => Err(wrong(&format!("a quote in {text:?} is not closed"))),
        }
    }
}

fn wrong(message: &str) -> Error {
    Error::new(message).with_hint(
        "name a rule, fields of its group such as service=api, or both; '*' is all alerts",
    )
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_all() {
            return f.write_str("*");
        }
        let rules = self
            .rules
            .iter()
            .map(|rule| match rule.contains('=') || rule == "*" {
                true => format!("{RULE}={rule}"),
                false => rule.clone(),
            });
        let group = self.group.iter();
        let words = rules.chain(group.map(|(name, value)| format!("{name}={value}")));
        for (number, word) in words.enumerate() {
            let space = if number == 0 { "" } else { " " };
            write!(f, "{space}{}", quoted(&word))?;
        }
        Ok(())
    }
}

/// In quotes, where it has to be.
fn quoted(word: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_alphanumeric() || "_-.:/@%+,=".contains(c);
    match word.chars().all(is_plain) && !word.is_empty() {
        true => Cow::Borrowed(word),
        false => shlex::try_quote(word).unwrap_or_else(|_| word.replace('\0', "").into()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn error(text: &str) -> String {
        let error = text.parse::<Matcher>().unwrap_err();
        error.message().to_owned()
    }

    #[test]
    fn what_means_no_alert_or_too_many_is_an_error() {
        assert_eq!(error(""), "it does not say which alerts");
        assert_eq!(error("a *"), "* stands alone: it is all alerts");
        assert_eq!(error("a 'b"), "a quote in \"a 'b\" is not closed");
        assert_eq!(error("host=a host=b"), "host is named twice");
    }

    #[test]
    fn rules_are_any_and_fields_are_all() {
        let matcher: Matcher = "a b host=1 dc=".parse().unwrap();
        let group = |host: &str, dc: &str| {
            [("host", host), ("dc", dc)].map(|(name, value)| (name.to_owned(), value.to_owned()))
        };
        assert!(matcher.matches("a", &group("1", "")));
        assert!(matcher.matches("b", &group("1", "")));
        assert!(!matcher.matches("c", &group("1", "")));
        assert!(!matcher.matches("a", &group("1", "x")));
        assert!(!matcher.matches("a", &group("2", "")));
        assert!(!matcher.matches("a", &group("1", "")[..1]));
        assert!("*".parse::<Matcher>().unwrap().matches("c", &[]));
    }

    proptest! {
        #[test]
        fn its_text_is_read_as_it_was(
            rules in proptest::collection::vec("[a-c*=' \"\\\\]{1,4}", 0..3),
            group in proptest::collection::btree_map("[a-c' ]{1,4}", "[a-c=*' ]{0,4}", 0..3),
        ) {
            let matcher = Matcher { rules, group };
            prop_assert_eq!(matcher.to_string().parse::<Matcher>().unwrap(), matcher);
        }
    }
}
