//! Texts that may be secret: they are never shown, and need not stand in a configuration.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};

use crate::request::Bearer;

/// A text that is never shown: neither by `Debug` nor in an error.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for whom it is meant.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A text, or where it is: `"…"`, `{ env = "NAME" }` or `{ file = "PATH" }`.
#[derive(Clone, PartialEq, Eq)]
pub enum Text {
    /// The text itself.
    Literal(Secret),
    /// The name of a variable of the environment.
    Variable(String),
    /// A file; white space around the text in it does not count.
    File(PathBuf),
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(secret) => secret.fmt(f),
            Self::Variable(name) => write!(f, "{{ env = {name:?} }}"),
            Self::File(path) => write!(f, "{{ file = {path:?} }}"),
        }
    }
}

impl Text {
    /// The text as it is now; `variable` gives the values of variables.
    ///
    /// # Errors
    ///
    /// If it is not where it should be. The error names the place and not the text.
    pub fn read(&self, variable: impl Fn(&str) -> Option<String>) -> Result<Secret, String> {
        match self {
            Self::Literal(secret) => Ok(secret.clone()),
            Self::Variable(name) => self::variable(name, variable),
            Self::File(path) => {
                let read = Bearer::File(path.clone()).read();
                read.map_err(|error| error.to_string())
            }
        }
    }
}

/// The text that the variable `name` has, without white space around it.
///
/// # Errors
///
/// If it has none.
pub fn variable(name: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Secret, String> {
    match variable(name) {
        None => Err(format!("the variable {name} is not set")),
        Some(text) if text.trim().is_empty() => Err(format!("the variable {name} is empty")),
        Some(text) => Ok(Secret::new(text.trim())),
    }
}

impl FromStr for Text {
    type Err = &'static str;

    /// Reads `env:NAME` or `file:PATH`. A text itself is none: it would stand in a program.
    fn from_str(typed: &str) -> Result<Self, &'static str> {
        match typed.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Self::Variable(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(PathBuf::from(path))),
            _ => Err("a secret is env:NAME or file:PATH"),
        }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reading)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Key {
    Env,
    File,
}

struct Reading;

impl<'de> Visitor<'de> for Reading {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, { env = \"NAME\" } or { file = \"PATH\" }")
    }

    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        Ok(Text::Literal(Secret::new(text)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
        let text = match map.next_key()? {
            Some(Key::Env) => Text::Variable(map.next_value()?),
            Some(Key::File) => Text::File(map.next_value()?),
            None => return Err(A::Error::custom("a text is in env or in file")),
        };
        match map.next_key::<Key>()? {
            None => Ok(text),
            Some(_) => Err(A::Error::custom("a text is in env or in file, not in both")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_named_by_where_it_is() {
        assert_eq!("env:A".parse(), Ok(Text::Variable("A".to_owned())));
        assert_eq!("file:/a:b".parse(), Ok(Text::File(PathBuf::from("/a:b"))));
        for typed in ["hunter2", "env:", "file:", "ENV:A", ""] {
            assert!(typed.parse::<Text>().is_err(), "{typed}");
        }
    }

    #[test]
    fn a_text_that_is_not_where_it_should_be_is_told_by_its_place() {
        let variable = |name: &str| (name == "SET").then(|| " hunter2\n".to_owned());
        let read = |typed: &str| typed.parse::<Text>().unwrap().read(variable);
        assert_eq!(read("env:SET").unwrap().reveal(), "hunter2");
        assert_eq!(
            read("env:UNSET").unwrap_err(),
            "the variable UNSET is not set"
        );
        assert!(read("file:/none").unwrap_err().contains("/none"));
        let literal = Text::Literal(Secret::new("hunter2"));
        assert_eq!(format!("{literal:?}"), "Secret(…)");
    }
}
