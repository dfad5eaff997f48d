//! The keys of a file of rules, as they are written.

use std::path::PathBuf;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny};
use toml::Spanned;

use super::Named;
use crate::places;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileKeys {
    pub(super) state: Option<PathBuf>,
    pub(super) status: Option<PathBuf>,
    pub(super) metrics: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) source: Named<SourceKeys>,
    #[serde(default)]
    pub(super) rule: Named<RuleKeys>,
    #[serde(default)]
    pub(super) place: Named<places::Config>,
    #[serde(default)]
    pub(super) silence: Named<SilenceKeys>,
    /// Chats are read by who talks in them.
    pub(super) chat: Option<IgnoredAny>,
}

/// `[source.NAME]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SourceKeys {
    pub(super) from: Several,
    pub(super) exec: Several,
    pub(super) headers: std::collections::BTreeMap<String, Spanned<String>>,
    pub(super) bearer_env: Option<Spanned<String>>,
    pub(super) bearer_file: Option<Spanned<PathBuf>>,
    pub(super) subscribe: Several,
    pub(super) cursor: Option<Spanned<String>>,
    pub(super) subprotocols: Several,
    pub(super) ca_file: Option<Spanned<PathBuf>>,
    pub(super) message_max: Option<Spanned<Size>>,
    pub(super) overflow: Option<Spanned<String>>,
    pub(super) input_format: Option<Spanned<String>>,
    pub(super) input_tz: Option<Spanned<String>>,
    pub(super) start: Option<Spanned<String>>,
    pub(super) hidden: bool,
    pub(super) record_timeout: Option<Length>,
    pub(super) lateness: Option<Length>,
    pub(super) idle: Option<Length>,
}

/// `[rule.NAME]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RuleKeys {
    pub(super) kind: Option<Spanned<String>>,
    pub(super) query: Option<Spanned<String>>,
    pub(super) source: Several,
    pub(super) when: Option<Spanned<String>>,
    pub(super) window: Option<Spanned<Length>>,
    pub(super) slide: Option<Spanned<Length>>,
    pub(super) group_by: Several,
    pub(super) send: Several,
    pub(super) text: Option<Spanned<String>>,
    pub(super) repeat: Option<Spanned<Length>>,
    pub(super) escalate: Option<Spanned<EscalateKeys>>,
    pub(super) resolve: Option<Spanned<Length>>,
    pub(super) resolved: Option<bool>,
    pub(super) unless: Several,
    pub(super) samples: Option<Spanned<Count>>,
    pub(super) at_least: Option<Spanned<Count>>,
    pub(super) above: Option<Spanned<Number>>,
    pub(super) below: Option<Spanned<Number>>,
    pub(super) direction: Option<Spanned<String>>,
    pub(super) factor: Option<Spanned<Number>>,
    pub(super) windows: Option<Spanned<Count>>,
    pub(super) forget: Option<Spanned<Length>>,
    pub(super) field: Several,
    pub(super) values: Several,
    pub(super) file: Option<Spanned<PathBuf>>,
    pub(super) within: Option<Spanned<Length>>,
    pub(super) learn: Option<Spanned<Length>>,
    pub(super) matching: Option<Spanned<String>>,
}

/// `escalate` of a rule.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EscalateKeys {
    pub(super) after: Spanned<Length>,
    pub(super) to: Several,
}

/// `[silence.NAME]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SilenceKeys {
    #[serde(default)]
    pub(super) rule: Several,
    #[serde(default)]
    pub(super) group: std::collections::BTreeMap<String, String>,
    pub(super) from: Option<Spanned<String>>,
    pub(super) until: Spanned<String>,
}

/// One text, or a list of them.
#[derive(Debug, Default)]
pub(super) struct Several(pub(super) Vec<Spanned<String>>);

impl<'de> Deserialize<'de> for Several {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = Spanned::<toml::Value>::deserialize(from)?;
        let span = value.span();
        let texts = match value.into_inner() {
            toml::Value::Array(texts) => texts,
            one => vec![one],
        };
        let texts = texts.into_iter().map(|text| match text {
            toml::Value::String(text) => Ok(Spanned::new(span.clone(), text)),
            other => Err(D::Error::custom(format!(
                "{other} is no text in quotes, and no list of such"
            ))),
        });
        texts.collect::<Result<_, _>>().map(Self)
    }
}

/// A length of time: `"1m"`; in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Length(pub(super) i64);

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match toml::Value::deserialize(from)? {
            toml::Value::String(text) => birl_record::time::duration(&text)
                .map(Self)
                .map_err(D::Error::custom),
            other => Err(D::Error::custom(format!(
                "{other} is no length of time: it is a text with a unit, such as \"1m\""
            ))),
        }
    }
}

/// A whole number that is not negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count(pub(super) u64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = toml::Value::deserialize(from)?;
        let count = value
            .as_integer()
            .and_then(|count| u64::try_from(count).ok());
        let wanted = || D::Error::custom(format!("{value} is no whole number, such as 3"));
        count.map(Self).ok_or_else(wanted)
    }
}

/// A number of bytes: `65536`, `"1M"`. It is not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size(pub(super) usize);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = toml::Value::deserialize(from)?;
        let text = match &value {
            toml::Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        super::size(&text)
            .map(Self)
            .map_err(|wanted| D::Error::custom(format!("cannot use {value}: {wanted}")))
    }
}

/// A number, whole or not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Number(pub(super) f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match toml::Value::deserialize(from)? {
            #[expect(clippy::cast_precision_loss, reason = "bounds of that size are none")]
            toml::Value::Integer(number) => Ok(Self(number as f64)),
            toml::Value::Float(number) if number.is_finite() => Ok(Self(number)),
            other => Err(D::Error::custom(format!(
                "{other} is no number, such as 2.5"
            ))),
        }
    }
}
