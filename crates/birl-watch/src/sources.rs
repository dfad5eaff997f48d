//! The sources of a configuration, as queries read them.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use birl_net::request::{Bearer, Secret};
use birl_query::Closing;
use birl_scan::Options;
use birl_source::live::{self, Address};
use birl_source::name::Name;
use birl_source::walk::WalkOptions;
use jiff::tz::TimeZone;

use crate::asked::Surroundings;
use crate::config::{Config, Error, Source};

/// What sources read, and, as typed, those parts of it that can be read again.
pub(crate) fn names_of(
    sources: &[&Source],
    file: &Path,
    around: &Surroundings,
) -> Result<(Vec<String>, Vec<Name>), Error> {
    let mut typed = Vec::new();
    let mut names = Vec::new();
    for source in sources {
        let parsed = names_of_source(source, file, around)?;
        let from = source.from.iter().zip(&parsed);
        typed.extend(
            from.filter(|(_, name)| is_written(name))
                .map(|(from, _)| from.clone()),
        );
        names.extend(parsed);
    }
    Ok((typed, names))
}

/// What a source reads, with what the environment says: first all in its `from`, in that order.
pub(crate) fn names_of_source(
    source: &Source,
    file: &Path,
    around: &Surroundings,
) -> Result<Vec<Name>, Error> {
    let failed = |message: String| {
        let message = format!("source {:?}: {message}", source.name);
        Error::at_line(file, source.line, message)
    };
    let live = |address| Name::Live(Box::new(live::Source::new(address)));
    let commands = source.commands.iter().cloned();
    let commands = commands.map(|command| Ok(live(Address::Command(command))));
    let from = source.from.iter().map(|from| Name::parse(from.as_ref()));
    let parsed = from.chain(commands).map(|name| match name {
        Ok(Name::Stdin) => Ok(live(Address::Stdin)),
        name => name,
    });
    let mut names = parsed
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| failed(error.to_string()))?;
    let options = live_options(source, around).map_err(failed)?;
    for name in &mut names {
        if let Name::Live(source) = name {
            source.options = options.clone();
        }
    }
    Ok(names)
}

/// Whether what a source says can be read again.
pub(crate) fn is_written(name: &Name) -> bool {
    !matches!(name, Name::Live(_) | Name::Stdin)
}

/// How what is live is read, with what the environment says.
fn live_options(source: &Source, around: &Surroundings) -> Result<live::Options, String> {
    let mut options = source.live.clone();
    if let Some(name) = &source.bearer_env {
        let token =
            (around.variable)(name).ok_or_else(|| format!("bearer_env: {name} is not set"))?;
        // What is wrong with it is told without it.
        let token = token
            .into_string()
            .map_err(|_| format!("bearer_env: {name} is not UTF-8"))?;
        match token.trim() {
            "" => return Err(format!("bearer_env: {name} is empty")),
            token => options.bearer = Some(Bearer::Token(Secret::new(token))),
        }
    }
    options.proxies = around.places.proxies.clone();
    Ok(options)
}

/// How records are read.
pub(crate) struct Read {
    pub(crate) walk: WalkOptions,
    pub(crate) options: Options,
    pub(crate) closing: Closing,
    /// The same as the command line says it.
    pub(crate) flags: Vec<String>,
}

impl Read {
    /// How these sources are read: all alike, since one query asks them. What does not fit is told by
    /// `wrong`.
    pub(crate) fn of(
        sources: &[&Source],
        file: &Path,
        around: &Surroundings,
        wrong: impl Fn(String) -> Error,
    ) -> Result<Self, Error> {
        let Some(first) = sources.first() else {
            return Err(wrong("it has no source".to_owned()));
        };
        for source in sources {
            let differs = [
                (source.input_format != first.input_format, "input_format"),
                (source.input_zone != first.input_zone, "input_tz"),
                (source.hidden != first.hidden, "hidden"),
            ];
            if let Some((_, key)) = differs.iter().find(|(differs, _)| *differs) {
                let (one, other) = (&first.name, &source.name);
                let message = format!(
                    "its sources {one:?} and {other:?} differ in {key}, and a query reads all alike"
                );
                let error = wrong(message);
                return Err(error.with_hint(
                    "ask them apart: by two rules or commands, with sources of their own",
                ));
            }
        }
        let formats = match &first.input_format {
            None => around.formats.clone(),
            Some(name) => around.formats.only(name).ok_or_else(|| {
                let message = format!(
                    "source {:?}: there is no format {name:?}; birl formats lists them",
                    first.name
                );
                Error::at_line(file, first.line, message)
            })?,
        };
        let longest =
            |of: fn(&Source) -> Option<Duration>| sources.iter().filter_map(|it| of(it)).max();
        let defaults = Options::default();
        let closing = Closing::default();
        Ok(Self {
            walk: WalkOptions {
                hidden: first.hidden,
                output: None,
            },
            flags: flags(first),
            closing: Closing {
                lateness: longest(|it| it.lateness).unwrap_or(closing.lateness),
                idle: longest(|it| it.idle).unwrap_or(closing.idle),
            },
            options: Options {
                records: true,
                formats,
                zone: first.input_zone.clone(),
                now: around.clock_stands.then_some(around.clock.now),
                threads: around.threads,
                record_wait: longest(|it| it.record_wait).unwrap_or(defaults.record_wait),
                ..defaults
            },
        })
    }
}

/// How the command line reads a source as the rule does.
fn flags(source: &Source) -> Vec<String> {
    let mut flags = Vec::new();
    if let Some(format) = &source.input_format {
        flags.extend(["--input-format".to_owned(), format.clone()]);
    }
    if let Some(zone) = zone(&source.input_zone) {
        flags.extend(["--input-tz".to_owned(), zone]);
    }
    if source.hidden {
        flags.push("--hidden".to_owned());
    }
    flags
}

/// A zone as it is typed; none for UTC, which goes without saying.
fn zone(zone: &TimeZone) -> Option<String> {
    match (zone.iana_name(), zone.to_fixed_offset()) {
        (_, Ok(offset)) if offset.is_zero() => None,
        (Some(name), _) => Some(name.to_owned()),
        (None, Ok(offset)) => Some(offset.to_string()),
        (None, Err(_)) => None,
    }
}

/// Finds what two sources would take from each other, since only one can have it: standard input, and
/// addresses that are listened at.
pub(crate) fn listen_once(config: &Config) -> Result<(), Error> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for source in &config.sources {
        for from in &source.from {
            let is_taken = match Name::parse(from.as_ref()) {
                Ok(Name::Live(live)) => matches!(
                    live.address,
                    Address::TcpListen { .. } | Address::UdpListen { .. } | Address::UnixListen(_)
                ),
                Ok(Name::Stdin) => true,
                _ => false,
            };
            if is_taken && let Some(other) = seen.insert(from.clone(), &source.name) {
                let name = &source.name;
                if other == name {
                    let message =
                        format!("source {name:?} reads {from} twice, which can be read once");
                    return Err(Error::at_line(&config.file, source.line, message));
                }
                let message =
                    format!("sources {other:?} and {name:?} both read {from}, where only one can");
                return Err(Error::at_line(&config.file, source.line, message)
                    .with_hint("several rules can ask the same source"));
            }
        }
    }
    Ok(())
}
