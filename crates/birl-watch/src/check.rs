//! What rules would do, in words.

use std::fmt::Write;
use std::path::Path;

use birl_net::request::Bearer;
use birl_net::tls;
use birl_source::name::Name;
use birl_source::walk::{Found, Kind as FileKind, Walk, WalkOptions};

use crate::asked::{Asked, How, Surroundings, asked_of};
use crate::config::{Config, Direction, Error, Kind, Rule, Source};
use crate::engine::default_text;
use crate::sources::{is_written, listen_once, names_of_source};
use crate::words::{length, moment};

/// Plans all rules over samples of their sources, and says what each would do.
///
/// It must be called within a tokio runtime; it reads the samples, so it blocks.
///
/// # Errors
/// Fails at the first rule that cannot be planned, where a file of secrets or certificates is missing, and where two
/// sources would take from each other what they read.
pub async fn check(config: &Config, around: &Surroundings) -> Result<String, Error> {
    listen_once(config)?;
    for source in &config.sources {
        check_files(source, &config.file)?;
    }
    let mut words = String::new();
    for rule in &config.rules {
        let asked =
            Asked::plan(rule, &config.file, &config.sources, How::Live(None), around).await?;
        if !words.is_empty() {
            words.push('\n');
        }
        words.push_str(&describe(config, rule, &asked));
    }
    for place in &config.places {
        place.open(&config.file, around)?;
    }
    for place in &config.places {
        if let Some(missing) = place.config.missing(&around.places) {
            let _ = writeln!(words, "\nplace {}: {missing}", place.name);
        }
    }
    for source in &config.sources {
        for missing in missing(source, config, around)? {
            let _ = writeln!(words, "\nsource {}: {missing}", source.name);
        }
    }
    for silence in &config.silences {
        let rules = match silence.matcher.rules.is_empty() {
            true => "all rules are".to_owned(),
            false => format!("{} is", silence.matcher.rules.join(", ")),
        };
        let until = moment(silence.until);
        let _ = write!(
            words,
            "\nsilence {}: {rules} silent until {until}",
            silence.name
        );
        for (name, value) in &silence.matcher.group {
            let _ = write!(words, ", where {name} is {value}");
        }
        words.push('\n');
    }
    // Where there is no rule, nothing stands before the first of these.
    Ok(words.trim_start_matches('\n').to_owned())
}

/// Reads the files that are read when a source is connected to. When birl runs they may come later.
fn check_files(source: &Source, file: &Path) -> Result<(), Error> {
    let cannot = |key: &str, why: &str| {
        let message = format!("source {:?}: cannot use {key}: {why}", source.name);
        Error::at_line(file, source.line, message)
    };
    if let Some(bearer @ Bearer::File(_)) = &source.live.bearer {
        match bearer.read() {
            Ok(token) if token.reveal().is_empty() => {
                return Err(cannot("bearer_file", "it is empty"));
            }
            Ok(_) => {}
            Err(error) => return Err(cannot("bearer_file", &error.to_string())),
        }
    }
    if let Some(path) = &source.live.ca_file {
        tls::check(path).map_err(|error| cannot("ca_file", &error.to_string()))?;
    }
    Ok(())
}

/// So many files of each name are opened.
const OPENED_MAX: usize = 1000;

/// What a source names, and is not there, or cannot be read. It may come.
fn missing(source: &Source, config: &Config, around: &Surroundings) -> Result<Vec<String>, Error> {
    let names = names_of_source(source, &config.file, around)?;
    let named = source.from.iter().zip(names);
    let written = named.filter(|(_, name)| is_written(name));
    let missing = written.filter_map(|(from, name)| what_is_missing(from, name, source.hidden));
    Ok(missing.collect())
}

fn what_is_missing(from: &str, name: Name, hidden: bool) -> Option<String> {
    let options = WalkOptions {
        hidden,
        output: None,
    };
    let is_glob = matches!(name, Name::Glob(_));
    let mut has_files = false;
    let mut problems = Vec::new();
    for found in Walk::new(vec![name], options).take(OPENED_MAX) {
        match found {
            // To open another kind may set something off.
            Found::File(file) => {
                has_files = true;
                if file.kind == FileKind::Regular
                    && let Err(error) = file.open()
                {
                    problems.push(error);
                }
            }
            Found::Problem(error) => problems.push(error),
            Found::Skipped(_) => {}
        }
    }
    Some(match (&problems[..], has_files) {
        ([first, rest @ ..], _) if !first.is_not_found() => match rest.len() {
            0 => first.to_string(),
            more => format!("{first}; and {more} more"),
        },
        (_, true) => return None,
        ([], false) => format!("there is no file in {from:?} yet"),
        (_, false) if is_glob => format!("no file matches {from:?} yet"),
        (_, false) => format!("{from:?} is not there yet"),
    })
}

fn describe(config: &Config, rule: &Rule, asked: &Asked) -> String {
    let sources = asked_of(rule, &config.sources);
    let sources = sources.iter().map(|source| {
        let commands = source.commands.iter().map(|words| words.join(" "));
        let from = source.from.iter().map(|from| shown(from));
        let read: Vec<_> = from.chain(commands).collect();
        format!("{} ({})", source.name, read.join(", "))
    });
    let mut lines = vec![
        ("asks", rule.query.replace('\n', " ")),
        ("of", sources.collect::<Vec<_>>().join(", ")),
    ];
    if rule.kind.has_windows() {
        let (size, slide) = (length(rule.window), length(rule.slide));
        lines.push((
            "over",
            match size == slide {
                true => format!("windows of {size}, one behind the other"),
                false => format!("windows of {size}, one each {slide}"),
            },
        ));
    }
    let group_by = if asked.keys.is_empty() {
        &rule.group_by
    } else {
        &asked.keys
    };
    let group = match group_by.is_empty() {
        true => String::new(),
        false => format!("for each {}, ", group_by.join(" and ")),
    };
    let early = if asked.fires_early { ", at once" } else { "" };
    lines.push(("fires", format!("{group}{}{early}", fires(&rule.kind))));
    lines.push(("ends", ends(rule)));
    if !rule.unless.is_empty() {
        lines.push(("unless", format!("{} fires", rule.unless.join(" or "))));
    }
    lines.push((
        "tells",
        match rule.send.is_empty() {
            true => "nobody: it has no send".to_owned(),
            false => rule.send.join(", "),
        },
    ));
    if let Some(escalate) = &rule.escalate {
        let (to, after) = (escalate.to.join(", "), length(escalate.after));
        lines.push((
            "then",
            format!("{to}, when nobody has looked after it for {after}"),
        ));
    }
    if let Some(repeat) = rule.repeat {
        lines.push((
            "again",
            format!("each {} as long as it fires", length(repeat)),
        ));
    }
    let default = default_text(rule);
    let text = rule.text.as_ref().unwrap_or(&default);
    lines.push(("says", text.trim_end().replace('\n', "\n          ")));
    if rule.kind.has_windows() {
        lines.push(("columns", asked.columns().join(", ")));
    }
    for field in &asked.unknown_fields {
        lines.push(("but", format!("no sampled record has a field {field:?}")));
    }
    let mut words = format!("rule {}: {}\n", rule.name, rule.kind.name());
    for (what, how) in lines {
        let _ = writeln!(words, "  {what:<7} {how}");
    }
    words
}

/// A source as it was typed; an address without the login in it.
fn shown(from: &str) -> String {
    match Name::parse(from.as_ref()) {
        Ok(Name::Live(source)) => source.origin().to_string(),
        _ => from.to_owned(),
    }
}

/// When a rule fires.
pub(crate) fn fires(kind: &Kind) -> String {
    let bounds = |above: &Option<f64>, below: &Option<f64>| {
        let above = above.map(|bound| format!("more than {bound}"));
        let below = below.map(|bound| format!("fewer than {bound}"));
        above
            .into_iter()
            .chain(below)
            .collect::<Vec<_>>()
            .join(" or ")
    };
    match kind {
        Kind::Threshold { when } => format!("when {when}"),
        Kind::Any => "at each record, once until it is over".to_owned(),
        Kind::Frequency { at_least } => format!("when there are at least {at_least} records"),
        Kind::Spike {
            direction,
            factor,
            windows,
            at_least,
        } => {
            let than = match direction {
                Direction::Up => "times as many",
                Direction::Down => "times as few",
                Direction::Both => "times as many or as few",
            };
            format!(
                "when there are {factor} {than} records as in the mean of the {windows} windows \
                 before, and at least {at_least} in the larger"
            )
        }
        Kind::Flatline { at_least: 1, .. } => "when there is no record".to_owned(),
        Kind::Flatline { at_least, .. } => {
            format!("when there are fewer than {at_least} records")
        }
        Kind::NewTerm {
            fields,
            within,
            learn,
        } => format!(
            "at each {} that has not been seen for {}, once it has learned for {}",
            fields.join(" with "),
            length(*within),
            length(*learn)
        ),
        Kind::Change { field } => format!("when {field} is another one than before"),
        Kind::Cardinality {
            field,
            above,
            below,
        } => format!("when {field} has {} different values", bounds(above, below)),
        Kind::Percentage {
            matching,
            above,
            below,
            at_least,
        } => format!(
            "when {} % of the records are {matching}, and there are at least {at_least}",
            bounds(above, below)
        ),
        Kind::Listed {
            field,
            values,
            allows,
        } => {
            let not = if *allows { "not " } else { "" };
            let shown: Vec<_> = values.iter().take(5).map(String::as_str).collect();
            let more = match values.len().saturating_sub(shown.len()) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!(
                "at a record whose {field} is {not}one of {}{more}",
                shown.join(", ")
            )
        }
    }
}

/// When an alert of a rule is over.
pub(crate) fn ends(rule: &Rule) -> String {
    if rule.kind.tells_moments() {
        return "at once: it is of a moment".to_owned();
    }
    let when = match &rule.kind {
        Kind::Any | Kind::Listed { .. } => {
            format!("when none has come for {}", length(rule.window))
        }
        _ if rule.resolve.is_zero() => "with the first window of which that is not so".to_owned(),
        _ => format!("when that has not been so for {}", length(rule.resolve)),
    };
    match rule.tells_resolved {
        true => format!("{when}, and tells so"),
        false => format!("{when}, without a word"),
    }
}
