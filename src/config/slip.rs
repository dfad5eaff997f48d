//! Where people slip: arguments that are likely not meant as they are typed.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use anyhow::{Result, bail};
use birl_record::query::pointed_at;
use birl_render::TemplateError;

use super::{Environment, Kind};
use crate::args::shell_quoted;

/// What to say where nothing is asked.
pub(super) const NO_QUERY: &str = "there is no query\n\n\
    usage: birl [OPTIONS] QUERY [SOURCE]...\n\
    hint: birl -h says more, and birl '*' FILE prints every line";

/// What to say where lines around matches are wanted of many sources in one order.
pub(super) const MERGED_CONTEXT: &str = "--merge puts records in the order of their times, where none has context (-A, -B, -C)\n\n\
    hint: a record is printed with all its lines; for those around it, search without --merge";

/// What to say of a template that is none.
pub(super) fn template(text: &str, error: &TemplateError) -> String {
    let mut message = format!("cannot read the template: {error}");
    if !text.trim().is_empty() {
        message += &format!("\n{}", pointed_at(text, &error.span));
    }
    if let Some(hint) = error.hint {
        message += &format!("\n\nhint: {hint}");
    }
    message
}

/// Checks that the first argument is not a file that is to be searched.
///
/// # Errors
///
/// Fails if it is a file, and no other source is given.
pub(super) fn check_query(
    query: &OsStr,
    sources: &[OsString],
    environment: &Environment,
) -> Result<()> {
    if !sources.is_empty() {
        return Ok(());
    }
    let text = query.to_string_lossy();
    let what = match (environment.kind)(Path::new(query)) {
        Some(Kind::File) => "file",
        // A directory may well be called like a word that is searched for in it.
        Some(Kind::Directory) if text.contains('/') => "directory",
        _ => return Ok(()),
    };
    bail!(
        "there is no query: {text:?} is a {what}\n\n\
         hint: to print every line of it: birl '*' {file}\n\
         hint: to search for its name: birl -e {file}",
        file = shell_quoted(&text)
    );
}

/// Checks that no source is a word of a query without quotes.
///
/// # Errors
///
/// Fails for the first source that looks like a word and does not exist.
pub(super) fn check_sources(
    queries: &[String],
    sources: &[OsString],
    environment: &Environment,
) -> Result<()> {
    let is_word = |source: &OsString| looks_like_word(source, environment);
    let Some(first) = sources.iter().position(is_word) else {
        return Ok(());
    };
    let name = sources[first].to_string_lossy();
    if name.is_empty() {
        bail!("cannot search a source whose name is empty");
    }
    let [query] = queries else {
        bail!("cannot find the source {name:?}");
    };
    let words: Vec<_> = sources[first..]
        .iter()
        .take_while(|source| is_word(source))
        .map(|source| source.to_string_lossy())
        .collect();
    let rest: Vec<_> = sources
        .iter()
        .filter(|source| !is_word(source))
        .map(|source| shell_quoted(&source.to_string_lossy()))
        .collect();
    let query = shell_quoted(&format!("{query} {}", words.join(" ")));
    bail!(
        "cannot find the source {name:?}\n\n\
         hint: quote a query of several words: birl {}",
        [query, rest.join(" ")].join(" ").trim_end()
    );
}

/// Whether `source` does not exist, and has nothing of a path.
fn looks_like_word(source: &OsStr, environment: &Environment) -> bool {
    let text = source.to_string_lossy();
    text != "-"
        && !text.contains(['/', '.'])
        && !is_glob(source)
        && (environment.kind)(Path::new(source)).is_none()
}

/// Whether `source`, which is not the name of a file, is a pattern for names.
pub(super) fn is_glob(source: &OsStr) -> bool {
    source.to_string_lossy().contains(['*', '?', '['])
}
