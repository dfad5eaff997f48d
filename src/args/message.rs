//! What is wrong with a command line, in birl's words.

use anyhow::{Error, anyhow};
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::elsewhere;
use super::words::Words;

/// `error` as a message, with hints as far as `words` give reason for them.
pub(super) fn explained(error: &clap::Error, words: &Words) -> Error {
    let (message, hints) = match error.kind() {
        ErrorKind::UnknownArgument => unknown(error, words),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            (bad_value(error), value_hints(error, words))
        }
        ErrorKind::TooManyValues => (surplus_value(error), Vec::new()),
        ErrorKind::MissingRequiredArgument => (missing(error), Vec::new()),
        _ => (first_line(error), Vec::new()),
    };
    if hints.is_empty() {
        return anyhow!(message);
    }
    anyhow!("{message}\n\n{}", hints.join("\n"))
}

fn unknown(error: &clap::Error, words: &Words) -> (String, Vec<String>) {
    let flag = context(error, ContextKind::InvalidArg);
    if !flag.starts_with('-') {
        return (format!("unexpected argument {flag:?}"), Vec::new());
    }
    let mut hints = Vec::new();
    if words.ambiguous().is_none()
        && let Some(instead) = elsewhere::instead_of(&flag)
    {
        hints.push(format!("hint: {instead}"));
    } else if let Some(suggested) = error.get(ContextKind::SuggestedArg) {
        hints.push(format!("hint: did you mean {suggested}?"));
    }
    let Some((word, hint)) = words.unknown(&flag) else {
        return (format!("unknown flag {flag}"), hints);
    };
    hints.push(hint);
    if word.split('=').next() == Some(&flag) {
        (format!("unknown flag {flag}"), hints)
    } else {
        (format!("unknown flag {flag} in {word:?}"), hints)
    }
}

fn value_hints(error: &clap::Error, words: &Words) -> Vec<String> {
    if let Some(hint) = words.ambiguous() {
        return vec![hint];
    }
    // In grep and ripgrep, `-o timeout` is a query and a flag.
    let is_output = flag(error) == "--output" && words.has_short('o');
    let hint = "hint: to print what matched, not the whole line: --only-matching";
    is_output.then(|| hint.to_owned()).into_iter().collect()
}

fn bad_value(error: &clap::Error) -> String {
    let flag = flag(error);
    let value = context(error, ContextKind::InvalidValue);
    let reason = match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(values)) if !values.is_empty() => {
            format!("it is one of {}", values.join(", "))
        }
        _ => std::error::Error::source(error).map_or_else(String::new, ToString::to_string),
    };
    if value.is_empty() {
        return match reason.as_str() {
            "" => format!("{flag} needs a value"),
            reason => format!("{flag} needs a value: {reason}"),
        };
    }
    format!("cannot use {value:?} for {flag}: {reason}")
}

fn surplus_value(error: &clap::Error) -> String {
    let value = context(error, ContextKind::InvalidValue);
    format!("{} takes no value, but has {value:?}", flag(error))
}

fn missing(error: &clap::Error) -> String {
    let usage = context(error, ContextKind::Usage);
    format!(
        "{} is missing\n\n{}",
        flag(error),
        usage.replace("Usage:", "usage:")
    )
}

/// The flag or argument in question, without its value: `--color`, `SHELL`.
fn flag(error: &clap::Error) -> String {
    let shown = context(error, ContextKind::InvalidArg);
    let name = shown.split([' ', '=']).next().unwrap_or(&shown);
    let name = name.trim_end_matches("...");
    name.trim_matches(['<', '>', '[', ']']).to_owned()
}

fn context(error: &clap::Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::Strings(values)) => values.join(" "),
        Some(value) => value.to_string(),
        None => String::new(),
    }
}

/// The parser's own words, for what is not worth words of ours.
fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}
