//! The user's own formats: files of named regexes in the configuration directory, `NAME.toml` each.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use birl_record::format::{Custom, Description, Formats};
use birl_source::error::refusal;
use serde::Deserialize;

/// A file, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FormatFile {
    #[serde(default)]
    about: String,
    regex: Regexes,
    #[serde(default)]
    levels: BTreeMap<String, String>,
    #[serde(default = "is_true")]
    multiline: bool,
    #[serde(default)]
    samples: Vec<SampleTable>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Regexes {
    One(String),
    Several(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SampleTable {
    text: String,
    #[serde(default)]
    record: BTreeMap<String, toml::Value>,
}

fn is_true() -> bool {
    true
}

/// The formats that are looked for: those in `directory`, by their names, and all that birl knows.
///
/// # Errors
///
/// Fails where a file cannot be read, or describes no format.
pub(crate) fn load(directory: Option<&Path>) -> Result<Formats> {
    let Some(directory) = directory else {
        return Ok(Formats::default());
    };
    let unreadable = |error: &std::io::Error| {
        anyhow!(
            "cannot read the formats in {directory:?}: {}",
            refusal(error)
        )
    };
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Formats::default()),
        Err(error) => return Err(unreadable(&error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| unreadable(&error))?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            paths.push(path);
        }
    }
    paths.sort();
    let own = paths
        .iter()
        .map(|path| read(path).with_context(|| format!("cannot use the format in {path:?}")));
    Ok(Formats::new(own.collect::<Result<_>>()?))
}

fn read(path: &Path) -> Result<Custom> {
    let text = fs::read_to_string(path).map_err(|error| anyhow!(refusal(&error)))?;
    let file: FormatFile = toml::from_str(&text).map_err(|error| {
        let line = error
            .span()
            .map(|span| text[..span.start].matches('\n').count() + 1);
        match line {
            Some(line) => anyhow!("line {line}: {}", error.message()),
            None => anyhow!("{}", error.message()),
        }
    })?;
    let name = path.file_stem().unwrap_or_default();
    let samples = file.samples.into_iter().map(|sample| {
        let record = sample.record.into_iter();
        (
            sample.text,
            record.map(|(name, value)| (name, as_text(value))).collect(),
        )
    });
    Ok(Custom::new(&Description {
        name: name.to_string_lossy().into_owned(),
        about: file.about,
        regexes: match file.regex {
            Regexes::One(regex) => vec![regex],
            Regexes::Several(regexes) => regexes,
        },
        levels: file.levels.into_iter().collect(),
        multiline: file.multiline,
        samples: samples.collect(),
    })?)
}

/// What a group must hold: a number need not be in quotes.
fn as_text(value: toml::Value) -> String {
    match value {
        toml::Value::String(text) => text,
        other => other.to_string(),
    }
}
