//! The flags of live sources.

use std::path::PathBuf;

use birl_net::request::{self, HeaderName, HeaderValue};
use birl_source::live::CursorPath;
use clap::{Args, ValueEnum, ValueHint};

use super::value;

const LIVE: &str = "Live sources";

/// How live sources are read: those that are addresses.
#[derive(Clone, Debug, Args)]
pub(crate) struct LiveArgs {
    /// Read what COMMAND prints; repeated, all of them
    ///
    /// COMMAND is a program and its arguments, quoted as for a shell, but no shell is involved:
    /// --exec 'journalctl -f -o json'. It is a source beside others, and started again when it ends.
    #[arg(long = "exec", value_name = "COMMAND", value_parser = command)]
    #[arg(allow_hyphen_values = true, help_heading = LIVE)]
    pub(crate) commands: Vec<Command>,

    /// Send TEXT on every connection; repeated, all in this order
    ///
    /// This is how many services are told what to send: --subscribe '{"op":"subscribe"}'. It is for
    /// ws:// and wss://. {cursor} in it is where the last connection ended, by --cursor, and
    /// {cursor:0} is 0 as long as that is not known.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, help_heading = LIVE)]
    pub(crate) subscribe: Vec<String>,

    /// Take where a connection ended from FIELD of the last message
    ///
    /// FIELD is of a JSON message, such as id or data.seq. What it was replaces {cursor} in the
    /// address and in --subscribe when birl connects again, so that the service can go on from there.
    #[arg(long, value_name = "FIELD", value_parser = cursor, help_heading = LIVE)]
    pub(crate) cursor: Option<CursorPath>,

    /// Send this header, as in 'Name: value'; repeated, all of them
    ///
    /// It is sent to every SOURCE that is asked by HTTP: ws://, wss://, http:// and https://.
    #[arg(long = "header", value_name = "HEADER", value_parser = header, help_heading = LIVE)]
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,

    /// Send the bearer token that the environment has in VAR
    ///
    /// As "Authorization: Bearer TOKEN"; so it is not on the command line, where others see it. It is
    /// never printed. Overrides --bearer-file.
    #[arg(long, value_name = "VAR", overrides_with = "bearer_file", help_heading = LIVE)]
    pub(crate) bearer_env: Option<String>,

    /// Send the bearer token that is in FILE
    ///
    /// It is read anew for each connection, so that it may change. It is never printed. Overrides
    /// --bearer-env.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(overrides_with = "bearer_env", help_heading = LIVE)]
    pub(crate) bearer_file: Option<PathBuf>,

    /// Ask for this subprotocol of WebSocket; repeated, the best first
    ///
    /// A server that does not answer to it is spoken to all the same.
    #[arg(long = "subprotocol", value_name = "NAME", help_heading = LIVE)]
    pub(crate) subprotocols: Vec<String>,

    /// Trust the certificate authorities in FILE too
    ///
    /// FILE is PEM. Those of the system are trusted in any case; SSL_CERT_FILE replaces them.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = LIVE)]
    pub(crate) ca_file: Option<PathBuf>,

    /// Take no longer messages than SIZE
    ///
    /// SIZE is in bytes, or with a unit, and of the message when it is decompressed. A longer message, event or
    /// datagram is left out, and told. Of a line so much is held until it ends, and --line-max says how
    /// much of it is read. The default is 1M.
    #[arg(long, value_name = "SIZE", value_parser = value::size, help_heading = LIVE)]
    pub(crate) message_max: Option<usize>,

    /// What to do when more arrives than is searched
    ///
    /// With wait, the default, birl stops reading, and the sender has to wait. With drop-oldest it
    /// drops what has waited longest, and a record tells how much that was.
    #[arg(long, value_name = "HOW", hide_possible_values = true, help_heading = LIVE)]
    pub(crate) overflow: Option<Overflow>,
}

/// What to do when more arrives than is searched.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Overflow {
    /// The sender has to wait.
    Wait,
    /// What has waited longest is dropped.
    DropOldest,
}

/// A program and its arguments; there is a program.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Command(pub(crate) Vec<String>);

fn command(text: &str) -> Result<Command, String> {
    match shlex::split(text) {
        None => Err("a quote is not closed".to_owned()),
        Some(words) if words.is_empty() => {
            Err("it is a program, perhaps with arguments".to_owned())
        }
        Some(words) => Ok(Command(words)),
    }
}

fn cursor(text: &str) -> Result<CursorPath, String> {
    text.parse().map_err(str::to_owned)
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    request::header(text).map_err(|error| error.to_string())
}
