//! `birl chat`: talks in the chat rooms of a file, or tries that.

use std::fs;
use std::io::{self, BufRead, Write};
use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow, bail};
use birl_bot::config::Chat;
use birl_bot::{Bot, Config, Rooms, Said};
use birl_chat::Events;
use birl_net::Proxies;
use birl_record::time::Clock;
use birl_source::error::refusal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::error;

use crate::args::ChatArgs;
use crate::config::{Environment, run_clock};

/// Talks in the chat rooms of a file until a signal ends it, or tries its rules.
///
/// # Errors
///
/// Fails where something is wrong with the file, or no service lets us in.
pub(crate) fn run(args: &ChatArgs, environment: &Environment) -> Result<ExitCode> {
    let clock = run_clock(environment)?;
    let text = fs::read_to_string(&args.file).map_err(|error| {
        let reason = refusal(&error);
        anyhow!("cannot read the chats in {}: {reason}", args.file.display())
    })?;
    let config = Config::parse(&text, &args.file, &clock)?;
    if config.chats.is_empty() {
        bail!(
            "there is no chat in {}\n\nhint: a chat is a table: [chat.ops], with irc = \"ircs://…\" or json = \"wss://…\"",
            args.file.display()
        );
    }
    if args.check {
        io::stdout().write_all(config.words().as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    if args.console || args.replay.is_some() {
        // The clock of limits is that of the runtime.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        let _entered = runtime.enter();
        let chat = chosen(&config, args.chat.as_deref())?;
        return match &args.replay {
            Some(file) => {
                let file = fs::File::open(file).map_err(|error| {
                    let reason = refusal(&error);
                    anyhow!("cannot read the transcript {}: {reason}", file.display())
                })?;
                replay(chat, &clock, io::BufReader::new(file))
            }
            None => console(chat, &clock, environment),
        };
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(environment.processors.get())
        .enable_all()
        .build()
        .context("cannot start the threads that chats need")?;
    runtime.block_on(talk_until_signalled(&config, &clock, environment))
}

/// Talks in all chats until a signal ends it.
///
/// # Errors
///
/// Fails where that cannot begin.
pub(crate) async fn talk_until_signalled(
    config: &Config,
    clock: &Clock,
    environment: &Environment,
) -> Result<ExitCode> {
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(environment.stderr_is_terminal)
        .with_target(false)
        .init();
    let listen = |kind| signal(kind).context("cannot listen for signals");
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    Ok(match Connected::new(config, clock)?.talk(stop).await {
        true => ExitCode::from(2),
        false => ExitCode::SUCCESS,
    })
}

/// The chats of a file, which connect once they are [talked](Self::talk) in.
pub(crate) struct Connected(Vec<(String, Bot, Events)>);

impl Connected {
    /// # Errors
    ///
    /// Fails where the environment names proxies that are none.
    pub(crate) fn new(config: &Config, clock: &Clock) -> Result<Self> {
        let proxies = Proxies::from_variables(|name| std::env::var(name).ok());
        let proxies = proxies.context("cannot use the proxies of the environment")?;
        let chats = config.chats.iter().map(|chat| {
            let events = chat.connect(proxies.clone());
            (chat.name.clone(), chat.bot(clock), events)
        });
        Ok(Self(chats.collect()))
    }

    /// The chats as places for alerts.
    pub(crate) fn rooms(&self) -> Rooms {
        let chats = self.0.iter();
        Rooms::new(chats.map(|(name, _, events)| (name.clone(), events.handle().clone())))
    }

    /// Talks in all chats until `stop`, or until no service lets us in; then says whether any did not.
    pub(crate) async fn talk(self, stop: impl Future<Output = ()>) -> bool {
        let mut chats = JoinSet::new();
        let mut handles = Vec::new();
        for (name, bot, events) in self.0 {
            handles.push(events.handle().clone());
            chats.spawn(async move {
                let ended = birl_bot::run(&name, bot, events).await;
                ended.map_err(|error| error!(chat = name, "{error}"))
            });
        }
        let mut has_failed = false;
        let mut stop = std::pin::pin!(stop);
        let mut is_stopping = false;
        loop {
            tokio::select! {
                ended = chats.join_next() => match ended {
                    Some(ended) => has_failed |= !matches!(ended, Ok(Ok(()))),
                    None => return has_failed,
                },
                () = &mut stop, if !is_stopping => {
                    is_stopping = true;
                    for handle in &handles {
                        handle.close();
                    }
                }
            }
        }
    }
}

/// The chat that is meant.
fn chosen<'c>(config: &'c Config, name: Option<&str>) -> Result<&'c Chat> {
    let names = || {
        let names = config.chats.iter().map(|chat| chat.name.as_str());
        names.collect::<Vec<_>>().join(", ")
    };
    match (name, &config.chats[..]) {
        (None, [chat]) => Ok(chat),
        (None, _) => bail!(
            "which chat is meant?\n\nhint: --chat NAME is one of {}",
            names()
        ),
        (Some(name), chats) => chats
            .iter()
            .find(|chat| chat.name == name)
            .ok_or_else(|| anyhow!("there is no chat {name:?}: the chats are {}", names())),
    }
}

/// Prints what would be said about each message of a transcript.
fn replay(chat: &Chat, clock: &Clock, transcript: impl BufRead) -> Result<ExitCode> {
    let mut bot = chat.bot(clock);
    let mut out = io::stdout().lock();
    let (mut any, mut has_failed) = (false, false);
    for (at, line) in transcript.lines().enumerate() {
        let line = line.context("cannot read the transcript")?;
        if line.trim().is_empty() {
            continue;
        }
        match Said::of_transcript(&line) {
            Ok(said) => {
                for text in bot.react(&said, Instant::now()) {
                    any = true;
                    writeln!(out, "{}", shown(&format!("{}: {text}", said.room)))?;
                }
            }
            Err(why) => {
                has_failed = true;
                // Nobody is left to be told that standard error is closed.
                let _ = writeln!(io::stderr(), "birl: line {}: {why}", at + 1);
            }
        }
    }
    Ok(match (has_failed, any) {
        (true, _) => ExitCode::from(2),
        (false, true) => ExitCode::SUCCESS,
        (false, false) => ExitCode::from(1),
    })
}

/// Answers what is typed, each line as a message to us alone.
fn console(chat: &Chat, clock: &Clock, environment: &Environment) -> Result<ExitCode> {
    let mut bot = chat.bot(clock);
    let user = (environment.variable)("USER").and_then(|user| user.into_string().ok());
    let sender = user
        .filter(|user| !user.is_empty())
        .unwrap_or_else(|| "you".to_owned());
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let said = Said {
            room: sender.clone(),
            sender: sender.clone(),
            message: line.context("cannot read what is typed")?,
            ..Said::default()
        };
        for text in bot.react(&said, Instant::now()) {
            writeln!(out, "{}", shown(&text))?;
        }
        out.flush()?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A text that does to a terminal no more than be shown.
fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' => shown.push_str("\n  "),
            _ if letter.is_control() => shown.extend(letter.escape_default()),
            _ => shown.push(letter),
        }
    }
    shown
}
