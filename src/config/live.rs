//! How live sources are read, resolved.

use std::ffi::OsString;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use birl_net::Proxies;
use birl_net::request::{Bearer, HeaderMap, Secret};
use birl_source::live::{Address, Options, Overflow, Template};

use super::Environment;
use crate::args::{Args, LiveOverflow};

/// Whether any of the sources is live, so that there is no end of them.
pub(super) fn any(args: &Args, environment: &Environment) -> bool {
    let sources = args.sources.iter();
    // With -e the first source stands where a query would.
    let first = args.query.as_ref().filter(|_| !args.queries.is_empty());
    let mut sources = sources.chain(first);
    !args.live.commands.is_empty() || sources.any(|source| is_live(source, environment))
}

/// Whether a source is an address, and not the name of a file.
pub(super) fn is_live(source: &OsString, environment: &Environment) -> bool {
    source.to_str().is_some_and(Address::is_address)
        && (environment.kind)(Path::new(source)).is_none()
}

/// The commands that are sources.
pub(super) fn commands(args: &Args) -> Vec<Vec<String>> {
    let commands = args.live.commands.iter();
    commands.map(|command| command.0.clone()).collect()
}

/// How all live sources of the command line are read.
pub(super) fn options(args: &Args, environment: &Environment) -> Result<Options> {
    let defaults = Options::default();
    let live = &args.live;
    let mut headers = HeaderMap::new();
    for (name, value) in &live.headers {
        headers.append(name, value.clone());
    }
    let bearer = match (&live.bearer_env, &live.bearer_file) {
        (Some(variable), _) => Some(Bearer::Token(token(variable, environment)?)),
        (None, Some(file)) => Some(Bearer::File(file.clone())),
        (None, None) => None,
    };
    let proxies = match any(args, environment) {
        true => proxies(environment)?,
        // What is wrong there is no concern of whoever reads files.
        false => Proxies::default(),
    };
    Ok(Options {
        headers,
        bearer,
        subscribe: live.subscribe.iter().map(Template::new).collect(),
        subprotocols: live.subprotocols.clone(),
        cursor: live.cursor.clone(),
        ca_file: live.ca_file.clone(),
        proxies,
        message_bytes_max: live.message_max.unwrap_or(defaults.message_bytes_max),
        overflow: match live.overflow {
            Some(LiveOverflow::DropOldest) => Overflow::DropOldest,
            Some(LiveOverflow::Wait) | None => Overflow::Wait,
        },
        ..defaults
    })
}

/// The token in a variable. What is wrong with it is told without it.
fn token(variable: &str, environment: &Environment) -> Result<Secret> {
    match (environment.variable)(variable).map(OsString::into_string) {
        None => bail!("cannot use --bearer-env: {variable} is not set"),
        Some(Err(_)) => bail!("cannot use --bearer-env: {variable} is not UTF-8"),
        Some(Ok(token)) if token.trim().is_empty() => {
            bail!("cannot use --bearer-env: {variable} is empty")
        }
        Some(Ok(token)) => Ok(Secret::new(token.trim())),
    }
}

fn proxies(environment: &Environment) -> Result<Proxies> {
    let variable = |name: &str| (environment.variable)(name)?.into_string().ok();
    Proxies::from_variables(variable).context("cannot connect to live sources")
}
