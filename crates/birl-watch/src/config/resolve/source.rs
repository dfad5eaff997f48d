//! Sources, as their keys say.

use birl_net::request::{Bearer, HeaderMap, header};
use birl_record::time;
use birl_source::follow::Start;
use birl_source::live::{self, Overflow, Template};
use birl_source::name::Name;
use jiff::tz::TimeZone;
use toml::Spanned;

use super::{duration, texts};
use crate::config::keys::{Several, SourceKeys};
use crate::config::{Error, Source, Text};

pub(super) fn source(
    name: Spanned<String>,
    keys: SourceKeys,
    text: Text<'_>,
) -> Result<Source, Error> {
    let line = text.error(&name.span(), "").line();
    let mut from = keys.from.0.iter();
    let says_nothing = from.any(|from| from.get_ref().trim().is_empty());
    if says_nothing || keys.from.0.is_empty() && keys.exec.0.is_empty() {
        return Err(text
            .error(
                &name.span(),
                format!("source {:?} says nothing to read", name.get_ref()),
            )
            .with_hint("for example: from = [\"/var/log/app/*.log\"]"));
    }
    let mut names = Vec::new();
    for from in &keys.from.0 {
        // What it stands for is looked up again when it is read.
        let name = Name::parse(from.get_ref().as_ref());
        names.push(name.map_err(|error| text.error(&from.span(), error.to_string()))?);
    }
    let live = live_options(&keys, text)?;
    check_live_keys(&name, &keys, &names, text)?;
    let commands = keys.exec.0.iter().map(|typed| {
        let command = shlex::split(typed.get_ref()).filter(|words| !words.is_empty());
        let command = command.ok_or_else(|| {
            let message = "exec is a program and its arguments, with quotes as for a shell";
            text.error(&typed.span(), message)
        })?;
        match command[0].starts_with('-') {
            true => {
                let message = format!("exec: {:?} is no program", command[0]);
                Err(text.error(&typed.span(), message).with_hint(
                    "each text of a list is a command: exec = \"sh -c 'tail -f x'\" is one",
                ))
            }
            false => Ok(command),
        }
    });
    Ok(Source {
        commands: commands.collect::<Result<_, _>>()?,
        live,
        bearer_env: keys.bearer_env.map(Spanned::into_inner),
        input_format: keys.input_format.map(Spanned::into_inner),
        input_zone: match &keys.input_tz {
            Some(zone) => {
                zone_of(zone.get_ref()).map_err(|error| text.error(&zone.span(), error))?
            }
            None => TimeZone::UTC,
        },
        start: match keys
            .start
            .as_ref()
            .map(|start| (start, start.get_ref().as_str()))
        {
            None | Some((_, "end")) => Start::End,
            Some((_, "beginning")) => Start::Beginning,
            Some((place, other)) => {
                let message = format!("start is \"beginning\" or \"end\", and not {other:?}");
                return Err(text.error(&place.span(), message));
            }
        },
        hidden: keys.hidden,
        record_wait: keys.record_timeout.map(duration),
        lateness: keys.lateness.map(duration),
        idle: keys.idle.map(duration),
        from: texts(keys.from),
        name: name.into_inner(),
        line,
    })
}

fn zone_of(typed: &str) -> Result<TimeZone, String> {
    match typed {
        "local" => Ok(TimeZone::system()),
        typed => time::zone(typed).map_err(|error| error.to_string()),
    }
}

/// Finds keys that mean nothing to any of what a source reads.
fn check_live_keys(
    name: &Spanned<String>,
    keys: &SourceKeys,
    names: &[Name],
    text: Text<'_>,
) -> Result<(), Error> {
    let has = |is_meant: fn(&live::Address) -> bool| {
        let mut names = names.iter();
        names.any(|name| matches!(name, Name::Live(source) if is_meant(&source.address)))
    };
    let has_websocket = has(|address| matches!(address, live::Address::WebSocket(_)));
    let has_http = has_websocket || has(|address| matches!(address, live::Address::Http(_)));
    let comes = |name: &Name| matches!(name, Name::Live(_) | Name::Stdin);
    let has_live = !keys.exec.0.is_empty() || names.iter().any(comes);
    let first = |texts: &Several| texts.0.first().map(Spanned::span);
    let header = keys.headers.first_key_value();
    let of_websockets = [
        ("subscribe", first(&keys.subscribe)),
        ("subprotocols", first(&keys.subprotocols)),
    ];
    let of_http = [
        ("headers", header.map(|(_, value)| value.span())),
        ("bearer_env", keys.bearer_env.as_ref().map(Spanned::span)),
        ("bearer_file", keys.bearer_file.as_ref().map(Spanned::span)),
        ("cursor", keys.cursor.as_ref().map(Spanned::span)),
        ("ca_file", keys.ca_file.as_ref().map(Spanned::span)),
    ];
    let of_live = [
        ("message_max", keys.message_max.as_ref().map(Spanned::span)),
        ("overflow", keys.overflow.as_ref().map(Spanned::span)),
    ];
    let all: [(bool, &[_], &str); 3] = [
        (has_websocket, &of_websockets, "ws:// and wss://"),
        (has_http, &of_http, "ws://, wss://, http:// and https://"),
        (has_live, &of_live, "what arrives, and is in no file"),
    ];
    for (is_there, keys, what) in all {
        let mut said = keys
            .iter()
            .filter_map(|(key, span)| Some((key, span.as_ref()?)));
        if let (false, Some((key, span))) = (is_there, said.next()) {
            let name = name.get_ref();
            let message = format!("{key} means nothing to source {name:?}: it is for {what}");
            return Err(text.error(span, message));
        }
    }
    Ok(())
}

fn live_options(keys: &SourceKeys, text: Text<'_>) -> Result<live::Options, Error> {
    let defaults = live::Options::default();
    if let (Some(variable), Some(_)) = (&keys.bearer_env, &keys.bearer_file) {
        let message = "a token is from a variable (bearer_env) or from a file (bearer_file)";
        return Err(text.error(&variable.span(), message));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in &keys.headers {
        // The value may be a secret, so that it is not told.
        let (name, value) = header(&format!("{name}: {}", value.get_ref())).map_err(|_| {
            text.error(&value.span(), format!("{name:?} is no header with a value"))
        })?;
        headers.append(name, value);
    }
    let cursor = keys.cursor.as_ref().map(|cursor| {
        let path = cursor.get_ref().parse();
        path.map_err(|error: &str| text.error(&cursor.span(), error))
    });
    let overflow = keys
        .overflow
        .as_ref()
        .map(|how| match how.get_ref().as_str() {
            "wait" => Ok(Overflow::Wait),
            "drop-oldest" => Ok(Overflow::DropOldest),
            other => Err(text.error(
                &how.span(),
                format!("overflow is \"wait\" or \"drop-oldest\", and not {other:?}"),
            )),
        });
    let texts = |texts: &Several| {
        texts
            .0
            .iter()
            .map(|it| it.get_ref().clone())
            .collect::<Vec<_>>()
    };
    Ok(live::Options {
        headers,
        bearer: keys
            .bearer_file
            .as_ref()
            .map(|file| Bearer::File(file.get_ref().clone())),
        subscribe: texts(&keys.subscribe)
            .into_iter()
            .map(Template::new)
            .collect(),
        subprotocols: texts(&keys.subprotocols),
        cursor: cursor.transpose()?,
        ca_file: keys.ca_file.as_ref().map(|file| file.get_ref().clone()),
        message_bytes_max: keys
            .message_max
            .as_ref()
            .map_or(defaults.message_bytes_max, |size| size.get_ref().0),
        overflow: overflow.transpose()?.unwrap_or_default(),
        ..defaults
    })
}
