//! What the `birl run` on this machine is asked about its alerts, and told.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::command::StatusFormat;
use super::value;

/// Where the `birl run` answers, and how its answer is printed.
#[derive(Debug, Args)]
pub(crate) struct Asking {
    /// The socket that it answers at, where its file names one
    #[arg(long, value_name = "SOCKET", value_hint = ValueHint::FilePath)]
    pub(crate) socket: Option<PathBuf>,
    /// How to print the answer: for people, or as a line of JSON
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        default_value = "table",
        hide_default_value = true
    )]
    #[arg(hide_possible_values = true)]
    pub(crate) output: StatusFormat,
}

/// What somebody says of what they do.
#[derive(Debug, Args)]
pub(crate) struct Remark {
    /// What others are to know of it
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) comment: String,
    /// Who you are; your login if it is left out
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
}

/// What `birl alerts` is asked with.
#[derive(Debug, Args)]
pub(crate) struct AlertsArgs {
    #[command(flatten)]
    pub(crate) asking: Asking,
}

/// What `birl ack` is asked to do.
#[derive(Debug, Args)]
pub(crate) struct AckArgs {
    /// The beginning of an alert's id, or a rule of which one alert is open
    #[arg(value_name = "ALERT", required = true)]
    pub(crate) alerts: Vec<String>,
    #[command(flatten)]
    pub(crate) remark: Remark,
    #[command(flatten)]
    pub(crate) asking: Asking,
}

/// What `birl unack` is asked to do.
#[derive(Debug, Args)]
pub(crate) struct UnackArgs {
    /// The beginning of an alert's id, or a rule of which one alert is open
    #[arg(value_name = "ALERT", required = true)]
    pub(crate) alerts: Vec<String>,
    #[command(flatten)]
    pub(crate) asking: Asking,
}

/// What `birl silence` is asked to do.
#[derive(Debug, Args)]
pub(crate) struct SilenceArgs {
    /// Which alerts: names of rules, fields of groups as NAME=VALUE, or '*' for all
    #[arg(value_name = "MATCHER", required = true)]
    pub(crate) matcher: Vec<String>,
    /// For how long, from now on
    #[arg(long = "for", value_name = "LENGTH", value_parser = value::length)]
    pub(crate) length: i64,
    #[command(flatten)]
    pub(crate) remark: Remark,
    #[command(flatten)]
    pub(crate) asking: Asking,
}

/// What `birl unsilence` is asked to do.
#[derive(Debug, Args)]
pub(crate) struct UnsilenceArgs {
    /// The number of a silence
    #[arg(value_name = "NUMBER", required = true, value_parser = value::whole_number::<i64>)]
    pub(crate) numbers: Vec<i64>,
    #[command(flatten)]
    pub(crate) asking: Asking,
}

/// What `birl why` is asked.
#[derive(Debug, Args)]
pub(crate) struct WhyArgs {
    /// The name of a rule, or the beginning of an alert's id
    #[arg(value_name = "RULE|ALERT")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) asking: Asking,
}

/// What `birl dead-letters` is asked to do.
#[derive(Debug, Args)]
pub(crate) struct LettersArgs {
    /// The numbers of dead letters
    #[arg(value_name = "NUMBER", value_parser = value::whole_number::<i64>)]
    pub(crate) numbers: Vec<i64>,
    /// Send them once more, behind what waits for their places
    #[arg(long, conflicts_with = "drop")]
    pub(crate) resend: bool,
    /// Forget them
    #[arg(long)]
    pub(crate) drop: bool,
    /// Send or forget all of them
    #[arg(long, conflicts_with = "numbers")]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) asking: Asking,
}

/// What is asked about alerts.
#[derive(Debug)]
pub(crate) enum Asked {
    /// Which are open.
    Alerts(AlertsArgs),
    /// To look after some.
    Ack(AckArgs),
    /// To look after them no longer.
    Unack(UnackArgs),
    /// To hold some back.
    Silence(SilenceArgs),
    /// To end that.
    Unsilence(UnsilenceArgs),
    /// Why.
    Why(WhyArgs),
    /// What was never taken.
    Letters(LettersArgs),
}
