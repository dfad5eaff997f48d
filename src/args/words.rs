//! A command line word by word, before its flags are parsed.
//!
//! To a parser of flags, `-error` is `-e` with the value `rror`; to whoever typed it, it is a
//! query. Such slips are found here, so that they are refused and not answered wrongly.

use std::ffi::{OsStr, OsString};

use anyhow::{Result, bail};
use clap::{Arg, Command};

use super::command;

/// What the words of a command line are.
#[derive(Debug, Default)]
pub(super) struct Words {
    flags: Vec<FlagWord>,
    /// The first word that is neither a flag nor the value of one.
    operand: Option<OsString>,
    /// Whether a query was given by its flag before the first operand.
    query_given: bool,
}

/// A word that is a flag, or several short ones.
#[derive(Debug)]
struct FlagWord {
    text: String,
    after_operand: bool,
    slip: Option<Slip>,
}

/// What is odd about a word that is made of short flags.
#[derive(Debug)]
enum Slip {
    /// It has a query without a space before it: `-error` has `rror`.
    AttachedQuery(String),
    /// It goes on after a flag that ends everything: `-healthcheck` begins with `-h`.
    AfterHelp(char),
}

impl Words {
    /// Splits a command line, the name of the program first, by the flags of `command`.
    pub(super) fn split(arguments: &[OsString], command: &Command) -> Words {
        let mut words = Words::default();
        let mut arguments = arguments.iter().skip(1);
        while let Some(argument) = arguments.next() {
            if argument == "--" {
                break;
            }
            let Some(flag) = Flag::read(argument, command) else {
                words.operand.get_or_insert_with(|| argument.clone());
                continue;
            };
            if flag.value_is_next {
                arguments.next();
            }
            let after_operand = words.operand.is_some();
            words.query_given |= flag.gives_query && !after_operand;
            words.flags.push(FlagWord {
                text: argument.to_string_lossy().into_owned(),
                after_operand,
                slip: flag.slip,
            });
        }
        words
    }

    /// The command that is asked for: the first operand, where it is the name of one.
    pub(super) fn command(&self) -> Option<&'static str> {
        let operand = self.operand.as_deref().filter(|_| !self.query_given)?;
        command::named(operand)
    }

    /// Checks that no word is only by mistake made of flags.
    ///
    /// # Errors
    ///
    /// Fails for the first such word.
    pub(super) fn check(&self) -> Result<()> {
        for word in &self.flags {
            let text = &word.text;
            match &word.slip {
                None => {}
                Some(Slip::AttachedQuery(query)) => bail!(
                    "{text:?} reads as -e with the query {query:?}\n\n{}\n\
                     hint: if the query is {query:?}, write -e {}",
                    self.hint(word),
                    shell_quoted(query)
                ),
                Some(Slip::AfterHelp(flag)) => {
                    bail!("{text:?} reads as -{flag} and more\n\n{}", self.hint(word))
                }
            }
        }
        Ok(())
    }

    /// The word that `flag` (`-t`, or `--name`) is in, and how it may be asked for as a query.
    pub(super) fn unknown(&self, flag: &str) -> Option<(&str, String)> {
        let is_in = |word: &&FlagWord| match flag.strip_prefix("--") {
            Some(_) => word.text.split('=').next() == Some(flag),
            None => !word.text.starts_with("--") && word.text.contains(&flag[1..]),
        };
        let word = self.flags.iter().find(is_in)?;
        Some((&word.text, self.hint(word)))
    }

    /// Whether a flag was typed by its letter.
    pub(super) fn has_short(&self, short: char) -> bool {
        let shorts = |word: &FlagWord| !word.text.starts_with("--") && word.text.contains(short);
        self.flags.iter().any(shorts)
    }

    /// How the first word that is as much a word as several flags may be asked for as a query.
    pub(super) fn ambiguous(&self) -> Option<String> {
        let is_word = |word: &&FlagWord| {
            word.text
                .strip_prefix('-')
                .is_some_and(|rest| rest.len() > 2 && rest.bytes().all(|b| b.is_ascii_alphabetic()))
        };
        Some(self.hint(self.flags.iter().find(is_word)?))
    }

    fn hint(&self, word: &FlagWord) -> String {
        let text = &word.text;
        match self.operand.as_deref() {
            Some(query) if word.after_operand && !self.query_given => format!(
                "hint: quote a query of several words: birl {}",
                shell_quoted(&format!("{} {text}", query.to_string_lossy()))
            ),
            _ => format!(
                "hint: a query that begins with \"-\" comes after -e or --: birl -e {}",
                shell_quoted(text)
            ),
        }
    }
}

/// What a word that begins with `-` says.
#[derive(Default)]
struct Flag {
    gives_query: bool,
    value_is_next: bool,
    slip: Option<Slip>,
}

impl Flag {
    fn read(argument: &OsStr, command: &Command) -> Option<Flag> {
        let word = argument.to_string_lossy();
        match word.strip_prefix("--") {
            Some(long) => Some(Flag::long(long, command)),
            None => word
                .strip_prefix('-')
                .filter(|shorts| !shorts.is_empty())
                .map(|shorts| Flag::shorts(shorts, command)),
        }
    }

    fn long(long: &str, command: &Command) -> Flag {
        let (name, value) = match long.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (long, None),
        };
        let arg = command
            .get_arguments()
            .find(|arg| arg.get_long() == Some(name));
        Flag {
            gives_query: arg.is_some_and(is_query),
            value_is_next: arg.is_some_and(takes_value) && value.is_none(),
            slip: None,
        }
    }

    fn shorts(shorts: &str, command: &Command) -> Flag {
        for (at, short) in shorts.char_indices() {
            let rest = &shorts[at + short.len_utf8()..];
            let arg = command
                .get_arguments()
                .find(|arg| arg.get_short() == Some(short));
            if let Some(arg) = arg.filter(|arg| takes_value(arg)) {
                let attached = is_query(arg) && !rest.is_empty() && !rest.starts_with('=');
                return Flag {
                    gives_query: is_query(arg),
                    value_is_next: rest.is_empty(),
                    slip: attached.then(|| Slip::AttachedQuery(rest.to_owned())),
                };
            }
            if matches!(short, 'h' | 'V') && !rest.is_empty() {
                return Flag {
                    slip: Some(Slip::AfterHelp(short)),
                    ..Flag::default()
                };
            }
        }
        Flag::default()
    }
}

fn takes_value(arg: &Arg) -> bool {
    arg.get_action().takes_values()
}

fn is_query(arg: &Arg) -> bool {
    arg.get_long() == Some("query")
}

/// `word` as it is typed in a shell.
pub(crate) fn shell_quoted(word: &str) -> String {
    // Only a NUL cannot be quoted, and no argument of a program has one.
    shlex::try_quote(word).map_or_else(|_| word.to_owned(), |quoted| quoted.into_owned())
}
