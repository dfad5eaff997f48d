//! `[[chat.NAME.command]]`, `ask` and `allow`: what people can ask for, and who may.

use std::collections::BTreeMap;
use std::time::Duration;

use birl_query::bound::{Kind, Template, Value};
use birl_record::time::duration;
use birl_watch::config::{Error, Named, Source, size};
use birl_watch::logs::Budget;
use serde::Deserialize;
use toml::Spanned;

use super::{ChatKeys, Length, Reading};
use crate::command::builtin::Asking;
use crate::command::{Allow, Argument, Builtin, Builtins, Command, Commands, Does};

/// What stands before the name of a command, unless it is said.
const PREFIX: &str = "!";
/// The most rows that are kept for `!more`.
const ROWS_MAX: usize = 10_000;
/// The longest that an answer may take.
const TIME_MAX: Duration = Duration::from_secs(3600);

/// `[[chat.NAME.command]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CommandKeys {
    name: Spanned<String>,
    #[serde(default)]
    help: String,
    #[serde(default)]
    args: Named<Spanned<toml::Value>>,
    query: Option<Spanned<String>>,
    text: Option<Spanned<String>>,
    from: Option<Spanned<Vec<String>>>,
    allow: Option<Spanned<Vec<String>>>,
    time: Option<Spanned<Length>>,
    memory: Option<Spanned<String>>,
    rows: Option<Spanned<usize>>,
}

/// `ask = { … }`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskKeys {
    from: Spanned<Vec<String>>,
    allow: Spanned<Vec<String>>,
    time: Option<Spanned<Length>>,
    memory: Option<Spanned<String>>,
    rows: Option<Spanned<usize>>,
}

/// An argument with all that can be said of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ArgumentKeys {
    kind: Option<KindKeys>,
    default: Option<toml::Value>,
    #[serde(default)]
    values: Vec<String>,
    max: Option<toml::Value>,
    #[serde(default)]
    rest: bool,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KindKeys {
    Text,
    Integer,
    Number,
    Duration,
}

impl Reading<'_> {
    /// The commands of a chat.
    pub(super) fn commands(&self, keys: &ChatKeys) -> Result<Commands, Error> {
        let has_fields = keys.has_fields();
        let mut own: Vec<Command> = Vec::new();
        for keys in &keys.command {
            let command = self.command(keys, has_fields)?;
            if own.iter().any(|before| before.name == command.name) {
                let message = format!("there are two commands {:?}", command.name);
                return Err(self.at(&keys.name, message));
            }
            own.push(command);
        }
        let prefix = match &keys.prefix {
            None => PREFIX.to_owned(),
            Some(prefix) if prefix.get_ref().trim().is_empty() => {
                return Err(self.at(prefix, "prefix is empty, and every word would be a command"));
            }
            Some(prefix) => prefix.get_ref().clone(),
        };
        let mut allow = BTreeMap::new();
        for (name, patterns) in &keys.allow.0 {
            let Some(builtin) = Builtin::parse(name.get_ref()) else {
                let message = format!("there is no command {:?} in every chat", name.get_ref());
                return Err(self.at(name, message).with_hint(
                    "commands of your own say who may use them beside their query: allow = [\"*\"]",
                ));
            };
            if builtin == Builtin::Ask {
                return Err(self
                    .at(name, "who may ask stands in ask itself")
                    .with_hint("ask = { from = [\"app\"], allow = [\"account:ann\"] }"));
            }
            if builtin.needs_rules() && self.watched.rules.is_empty() {
                let message = format!("{:?} is about rules, and the file has none", builtin.name());
                return Err(self.at(name, message));
            }
            allow.insert(builtin, self.allow(patterns)?);
        }
        let asking = match &keys.ask {
            None => None,
            Some(keys) => {
                let asked = keys.get_ref();
                allow.insert(Builtin::Ask, self.allow(&asked.allow)?);
                Some(Asking {
                    sources: self.sources(&asked.from)?,
                    budget: self.budget(
                        asked.time.as_ref(),
                        asked.memory.as_ref(),
                        asked.rows.as_ref(),
                    )?,
                    line: self.text.line(&keys.span()),
                })
            }
        };
        let asks = |command: &Command| matches!(command.does, Does::Ask { .. });
        Ok(Commands {
            prefix,
            builtins: Builtins {
                asking,
                has_own: !own.is_empty(),
                own_ask: own.iter().any(asks),
                has_rules: !self.watched.rules.is_empty(),
                allow,
            },
            own,
        })
    }

    fn command(&self, keys: &CommandKeys, has_fields: bool) -> Result<Command, Error> {
        let name = keys.name.get_ref();
        let is_name = name.starts_with(char::is_alphabetic)
            && name.to_lowercase() == *name
            && !name.contains(|c: char| !(c.is_alphanumeric() || "-_".contains(c)));
        if !is_name {
            let message = format!(
                "{name:?} is no name of a command: letters, digits, - and _, in lower case"
            );
            return Err(self.at(&keys.name, message));
        }
        if Builtin::parse(name).is_some() {
            let message = format!("every chat has a command {name:?}");
            return Err(self.at(&keys.name, message));
        }
        let arguments = keys.args.0.iter();
        let arguments = arguments.map(|(name, value)| self.argument(name, value));
        let arguments = arguments.collect::<Result<Vec<_>, _>>()?;
        let before_last = arguments.iter().rev().skip(1);
        if let Some(early) = before_last.into_iter().find(|it| it.takes_rest) {
            let message = format!(
                "{:?} takes all that is typed, so it has to be last",
                early.name
            );
            return Err(self.at(&keys.name, message));
        }
        let does = match (&keys.query, &keys.text) {
            (Some(query), None) => self.ask(keys, query, &arguments)?,
            (None, Some(text)) => {
                if let Some(from) = &keys.from {
                    return Err(self.at(from, "a command that says a text asks no sources"));
                }
                let names = arguments
                    .iter()
                    .map(|it| it.name.as_str())
                    .collect::<Vec<_>>();
                let parsed = self.said(text, &names, has_fields)?;
                let has_place = |it: &&Argument| parsed.places().any(|place| place == it.name);
                let unused = arguments.iter().find(|it| !has_place(it));
                if let Some(unused) = unused {
                    let message = format!(
                        "the text has no place {{{}}} for that argument",
                        unused.name
                    );
                    return Err(self.at(text, message));
                }
                Does::Say(parsed)
            }
            _ => {
                let message = format!("the command {name:?} has a query or a text, one of them");
                return Err(self.at(&keys.name, message));
            }
        };
        Ok(Command {
            name: name.clone(),
            help: keys.help.clone(),
            arguments,
            does,
            allow: match &keys.allow {
                Some(patterns) => self.allow(patterns)?,
                None => Allow::in_rooms(),
            },
        })
    }

    fn ask(
        &self,
        keys: &CommandKeys,
        query: &Spanned<String>,
        arguments: &[Argument],
    ) -> Result<Does, Error> {
        let Some(from) = &keys.from else {
            let message = format!(
                "the command {:?} does not say what it asks",
                keys.name.get_ref()
            );
            return Err(self
                .at(query, message)
                .with_hint("name the sources: from = [\"app\"]"));
        };
        let kinds = arguments.iter().map(|it| (it.name.as_str(), it.kind));
        let template = Template::parse(query.get_ref(), kinds)
            .map_err(|error| self.at(query, error.render(query.get_ref())))?;
        let has_place = |it: &&Argument| template.places().any(|place| place == it.name);
        let unused = arguments.iter().find(|it| !has_place(it));
        if let Some(unused) = unused {
            let message = format!(
                "the query has no place {{{}}} for that argument",
                unused.name
            );
            return Err(self.at(query, message));
        }
        Ok(Does::Ask {
            query: template,
            typed: query.get_ref().clone(),
            sources: self.sources(from)?,
            budget: self.budget(keys.time.as_ref(), keys.memory.as_ref(), keys.rows.as_ref())?,
            line: self.text.line(&query.span()),
        })
    }

    fn argument(
        &self,
        name: &Spanned<String>,
        typed: &Spanned<toml::Value>,
    ) -> Result<Argument, Error> {
        let is_name = name.get_ref().starts_with(char::is_alphabetic)
            && !name
                .get_ref()
                .contains(|c: char| !(c.is_alphanumeric() || "-_".contains(c)));
        if !is_name {
            return Err(self.at(name, "an argument is called by letters, digits, - and _"));
        }
        let keys = match typed.get_ref() {
            toml::Value::Table(table) => table
                .clone()
                .try_into::<ArgumentKeys>()
                .map_err(|error| self.at(typed, error.message().to_owned()))?,
            value => ArgumentKeys {
                kind: None,
                default: Some(value.clone()),
                values: Vec::new(),
                max: None,
                rest: false,
            },
        };
        let kind = match (keys.kind, &keys.default) {
            (Some(KindKeys::Text), _) => Kind::Text,
            (Some(KindKeys::Integer), _) => Kind::Integer,
            (Some(KindKeys::Number), _) => Kind::Number,
            (Some(KindKeys::Duration), _) => Kind::Duration,
            (None, Some(toml::Value::Integer(_))) => Kind::Integer,
            (None, Some(toml::Value::Float(_))) => Kind::Number,
            (None, Some(toml::Value::String(text))) if duration(text).is_ok() => Kind::Duration,
            (None, _) => Kind::Text,
        };
        let mut argument = Argument {
            name: name.get_ref().clone(),
            kind,
            default: None,
            values: keys.values,
            max: None,
            takes_rest: keys.rest,
        };
        let read = |value: &toml::Value| {
            let text = match value {
                toml::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            argument
                .read(&text)
                .map_err(|message| self.at(typed, message))
        };
        let max = keys.max.as_ref().map(read).transpose()?;
        if let Some(Value::Text(_)) = max {
            return Err(self.at(typed, "a text has no max"));
        }
        argument.max = max;
        let default = keys.default.as_ref();
        let default = default.map(|value| match value {
            // Nothing typed is nothing, whatever the values are.
            toml::Value::String(text) if text.is_empty() && kind == Kind::Text => {
                Ok(Value::Text(String::new()))
            }
            toml::Value::String(text) => argument.read(text),
            other => argument.read(&other.to_string()),
        });
        argument.default = default
            .transpose()
            .map_err(|message| self.at(typed, message))?;
        Ok(argument)
    }

    fn sources(&self, typed: &Spanned<Vec<String>>) -> Result<Vec<String>, Error> {
        let known: Vec<&Source> = self.watched.sources.iter().collect();
        for name in typed.get_ref() {
            if known.iter().all(|source| source.name != *name) {
                let message = format!("there is no source {name:?}");
                let names = known.iter().map(|source| source.name.as_str());
                let error = self.at(typed, message);
                return Err(match birl_query::nearest(name, names) {
                    Some(meant) => error.with_hint(format!("did you mean {meant:?}?")),
                    None => error.with_hint(
                        "a source is a table: [source.app], with from = [\"/var/log/app.log\"]",
                    ),
                });
            }
        }
        match typed.get_ref().is_empty() {
            true => Err(self.at(typed, "from names no source")),
            false => Ok(typed.get_ref().clone()),
        }
    }

    fn allow(&self, typed: &Spanned<Vec<String>>) -> Result<Allow, Error> {
        let patterns = typed.get_ref().iter().map(String::as_str);
        Allow::parse(patterns).map_err(|message| self.at(typed, message))
    }

    /// What an answer may cost.
    fn budget(
        &self,
        time: Option<&Spanned<Length>>,
        memory: Option<&Spanned<String>>,
        rows: Option<&Spanned<usize>>,
    ) -> Result<Budget, Error> {
        let mut budget = Budget::default();
        if let Some(time) = time {
            budget.time = time.get_ref().0;
            if budget.time > TIME_MAX {
                return Err(self.at(time, "an answer takes an hour at most"));
            }
        }
        if let Some(memory) = memory {
            let bytes = size(memory.get_ref());
            budget.memory_bytes = bytes.map_err(|message| self.at(memory, message))?;
        }
        if let Some(rows) = rows {
            budget.rows = *rows.get_ref();
            if !(1..=ROWS_MAX).contains(&budget.rows) {
                return Err(self.at(rows, format!("rows is a number from 1 to {ROWS_MAX}")));
            }
        }
        Ok(budget)
    }
}
