//! The configuration file: default flags, one a line.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};
use clap::Parser;

use super::words::Words;
use super::{Args, help, message};
use birl_source::error::refusal;

use crate::config::Environment;

/// The file to read default flags from, if there is to be one.
pub(super) fn path(args: &Args, environment: &Environment) -> Option<PathBuf> {
    if args.no_config {
        return None;
    }
    if args.config.is_some() {
        return args.config.clone();
    }
    if let Some(path) = &environment.birl_config {
        return (!path.is_empty()).then(|| path.into());
    }
    let path = environment.config_directory()?.join("birl/config");
    (environment.kind)(&path).is_some().then_some(path)
}

/// The command line with the flags of the file at `path` before those of `arguments`.
///
/// # Errors
///
/// Fails if the file cannot be read; an error in it names the line.
pub(super) fn prepend(path: &Path, arguments: &[OsString]) -> Result<Vec<OsString>> {
    let text = fs::read_to_string(path).map_err(|error| {
        let reason = refusal(&error);
        anyhow!("cannot read the configuration file {path:?}: {reason}")
    })?;
    let (program, typed) = arguments.split_at(arguments.len().min(1));
    let mut joined = program.to_vec();
    for (index, line) in text.lines().enumerate() {
        let words =
            words(line).with_context(|| format!("cannot use line {} of {path:?}", index + 1))?;
        joined.extend(words);
    }
    joined.extend_from_slice(typed);
    Ok(joined)
}

/// The flag of a line, and its value where that is a word of its own; nothing for a comment.
fn words(line: &str) -> Result<Vec<OsString>> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(Vec::new());
    }
    ensure!(
        line.starts_with('-') && line != "--",
        "{line:?} is not a flag"
    );
    let words = match line.split_once(char::is_whitespace) {
        Some((flag, value)) => vec![flag.into(), value.trim_start().into()],
        None => vec![line.into()],
    };
    check(&words)?;
    Ok(words)
}

/// Checks that `words` are a flag that makes sense as a default.
fn check(words: &[OsString]) -> Result<()> {
    let program = [OsString::from("birl")];
    let args = Args::try_parse_from(program.iter().chain(words))
        .map_err(|error| message::explained(&error, &Words::default()))?;
    ensure!(
        args.query.is_none() && args.queries.is_empty(),
        "a query or a source has no place among default flags"
    );
    ensure!(
        args.config.is_none() && !args.no_config && help::asked_for(&args).is_none(),
        "{} has no place among default flags",
        words[0].to_string_lossy()
    );
    Ok(())
}
