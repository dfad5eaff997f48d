//! The commands: `birl NAME`, where other words are a query.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::{CommandFactory, FromArgMatches, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

use super::alerts::{
    AckArgs, AlertsArgs, Asked, LettersArgs, SilenceArgs, UnackArgs, UnsilenceArgs, WhyArgs,
};
use super::words::Words;
use super::{Args, Invocation, help, message};

/// The names that are commands. They are reserved from the start, so that no script that asks
/// for one of these words breaks when it becomes a command.
const NAMES: [&str; 18] = [
    "overview",
    "diff",
    "formats",
    "run",
    "status",
    "alerts",
    "ack",
    "unack",
    "silence",
    "unsilence",
    "why",
    "dead-letters",
    "chat",
    "serve",
    "explain",
    "completions",
    "man",
    "help",
];

// The commands that there are. A doc comment here would become the description of birl itself.
#[derive(Debug, Subcommand)]
enum Command {
    /// Print completions for a shell
    ///
    /// For bash, for example: birl completions bash > ~/.local/share/bash-completion/completions/birl
    Completions {
        /// The shell
        #[arg(value_name = "SHELL")]
        shell: Shell,
    },
    /// Print the formats that birl knows, or what files are written in
    ///
    /// With a FILE: its format and what made birl decide, the shape of its timestamps, and what its
    /// first records say.
    Formats {
        /// Files, directories, globs, or - for standard input
        #[arg(value_name = "FILE")]
        files: Vec<OsString>,
    },
    /// Watch logs by the rules of a file, and send alerts
    ///
    /// FILE names sources, rules over them, and places that alerts go to.
    Run(RunArgs),
    /// Talk in chat rooms by the rules of a file
    ///
    /// FILE names chats, and what is said about which messages. birl talks until it is stopped.
    Chat(ChatArgs),
    /// Print how the birl run on this machine is
    ///
    /// Its sources with their lag and gaps, its rules with their last answers, and its places with what
    /// waits for them and why. Secrets are never shown.
    Status(StatusArgs),
    /// Print the alerts that are open in the birl run on this machine
    ///
    /// And the silences. An alert has an id, by how which begins it is named. The exit code is 1 where no alert
    /// is open.
    Alerts(AlertsArgs),
    /// Look after an alert, so that it is not told again until it is over
    ///
    /// That it is over is told all the same. As often as it is found until then, nobody is told.
    Ack(AckArgs),
    /// Look no longer after an alert, so that it is told again
    Unack(UnackArgs),
    /// Hold back alerts for a time
    ///
    /// MATCHER is names of rules, of which an alert has to be one, and fields of its group that have to have
    /// these values: birl silence errors service=api --for 2h. What still fires when the time is over is
    /// told then.
    Silence(SilenceArgs),
    /// End a silence at once, by its number
    ///
    /// birl alerts prints the numbers.
    Unsilence(UnsilenceArgs),
    /// Print why a rule fires or does not, or why an alert was told or not
    ///
    /// What it asks, what was found and some of the records, who looks after it, what holds it back, and what
    /// became of it on its way to each place.
    Why(WhyArgs),
    /// Print the alerts that their places will never take, or send them once more
    ///
    /// A place may be set up again, or its service mended. The exit code is 1 where there is none.
    DeadLetters(LettersArgs),
    /// Print the manual page
    ///
    /// To read it: birl man | man -l -
    Man,
    /// Print the whole help, as --help does, or that of a command
    Help {
        /// The command
        #[arg(value_name = "COMMAND")]
        topic: Option<String>,
    },
}

/// What `birl run` is asked to do.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// The file of rules
    #[arg(value_name = "FILE", default_value = "birl.toml", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,

    /// Check FILE, and say what each rule would do
    ///
    /// Each query is planned over samples of its sources. Nothing is sent.
    #[arg(long, conflicts_with = "replay")]
    pub(crate) check: bool,

    /// Run the rules over LOG, and print what would have been sent; repeated, over all of them
    ///
    /// LOG is a file, a directory, a glob, or - for standard input, and takes the place of all sources. All
    /// clocks are the time of the records. Nothing is sent.
    #[arg(long, value_name = "LOG", value_hint = ValueHint::AnyPath)]
    pub(crate) replay: Vec<OsString>,

    /// Print alerts as FORMAT: text or json
    ///
    /// With json, each is an object on a line of its own, as a webhook gets it.
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        requires = "replay",
        default_value = "text"
    )]
    pub(crate) output: RunOutput,
}

/// What `birl chat` is asked to do.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ChatArgs {
    /// The file that names the chats
    #[arg(value_name = "FILE", default_value = "birl.toml", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,

    /// Check FILE, and say what would be said to what
    ///
    /// Nothing is connected to.
    #[arg(long, conflicts_with_all = ["console", "replay"])]
    pub(crate) check: bool,

    /// Talk to birl here
    ///
    /// Each line that is typed is a message, and nothing is connected to.
    #[arg(long, conflicts_with = "replay")]
    pub(crate) console: bool,

    /// Print what would be said about the messages in TRANSCRIPT
    ///
    /// Each line of it is a JSON object with "room", "sender" and "message", and perhaps other fields.
    /// Nothing is connected to.
    #[arg(long, value_name = "TRANSCRIPT", value_hint = ValueHint::FilePath)]
    pub(crate) replay: Option<PathBuf>,

    /// Try the rules of the chat NAME, where FILE has several
    #[arg(long, value_name = "NAME")]
    pub(crate) chat: Option<String>,
}

/// How alerts are printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum RunOutput {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What `birl status` is asked with.
#[derive(Debug, clap::Args)]
pub(crate) struct StatusArgs {
    /// The same as --socket SOCKET
    #[arg(value_name = "SOCKET", value_hint = ValueHint::FilePath, conflicts_with = "socket")]
    pub(crate) named: Option<PathBuf>,
    /// The socket that it answers at, where its file names one
    #[arg(long, value_name = "SOCKET", value_hint = ValueHint::FilePath)]
    pub(crate) socket: Option<PathBuf>,
    /// How to print it: as tables for people, or as a line of JSON
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

/// How the status is printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum StatusFormat {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// The command line with all that it knows, for help, completions and the manual page.
pub(crate) fn whole_command() -> clap::Command {
    Command::augment_subcommands(Args::command()).disable_help_subcommand(true)
}

/// The name of birl's that `word` is.
pub(super) fn named(word: &OsStr) -> Option<&'static str> {
    NAMES.into_iter().find(|name| word == *name)
}

/// Reads a command line that asks for the command `name`.
pub(super) fn parse(name: &'static str, arguments: &[OsString]) -> Result<Invocation> {
    if whole_command().find_subcommand(name).is_none() {
        bail!(
            "there is no command {name} yet, but its name is reserved\n\n\
             hint: to search for the word: birl -e {name}"
        );
    }
    if arguments
        .iter()
        .any(|word| word == "-h" || word == "--help")
    {
        return topic(name);
    }
    let matches = whole_command()
        .try_get_matches_from(arguments)
        .map_err(|error| message::explained(&error, &Words::default()))?;
    match Command::from_arg_matches(&matches)? {
        Command::Completions { shell } => Ok(Invocation::Completions(shell)),
        Command::Formats { files } => Ok(Invocation::Formats(files)),
        Command::Run(run) => Ok(Invocation::Run(run)),
        Command::Chat(chat) => Ok(Invocation::Chat(chat)),
        Command::Status(args) => Ok(Invocation::Status(args)),
        Command::Alerts(args) => Ok(Invocation::Alerts(Asked::Alerts(args))),
        Command::Ack(args) => Ok(Invocation::Alerts(Asked::Ack(args))),
        Command::Unack(args) => Ok(Invocation::Alerts(Asked::Unack(args))),
        Command::Silence(args) => Ok(Invocation::Alerts(Asked::Silence(args))),
        Command::Unsilence(args) => Ok(Invocation::Alerts(Asked::Unsilence(args))),
        Command::Why(args) => Ok(Invocation::Alerts(Asked::Why(args))),
        Command::DeadLetters(args) => Ok(Invocation::Alerts(Asked::Letters(args))),
        Command::Man => Ok(Invocation::Man),
        Command::Help { topic: None } => Ok(Invocation::Print(help::whole())),
        Command::Help { topic: Some(name) } => topic(&name),
    }
}

/// The names of the commands that there are.
fn names() -> String {
    let command = whole_command();
    let mut names: Vec<_> = command
        .get_subcommands()
        .map(clap::Command::get_name)
        .collect();
    let last = names.pop().unwrap_or_default();
    format!("{} and {last}", names.join(", "))
}

/// The help of one command.
fn topic(name: &str) -> Result<Invocation> {
    let mut command = whole_command();
    command.build();
    let Some(command) = command.find_subcommand_mut(name) else {
        bail!(
            "there is no help for {name:?}: the commands are {}",
            names()
        );
    };
    Ok(Invocation::Print(help::of(command)))
}
