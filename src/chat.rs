//! `birl chat`: talks in the chat rooms of a file, or tries that.

use std::fs;
use std::io::{self, BufRead, Write};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail};
use birl_bot::bot::Reaction;
use birl_bot::command::{Builtin, Task};
use birl_bot::config::Chat;
use birl_bot::pages::Shape;
use birl_bot::{Bot, Config, Desk, Rooms, Said};
use birl_chat::Events;
use birl_net::Proxies;
use birl_record::time::Clock;
use birl_source::error::refusal;
use birl_watch::Logs;
use tokio::runtime::{self, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::error;

use crate::args::ChatArgs;
use crate::config::Environment;
use crate::run::{parse, surroundings, text};

/// Talks in the chat rooms of a file until a signal ends it, or tries its rules.
///
/// # Errors
///
/// Fails where something is wrong with the file, or no service lets us in.
pub(crate) fn run(args: &ChatArgs, environment: &Environment) -> Result<ExitCode> {
    let around = surroundings(environment)?;
    let text = text(&args.file, "chats")?;
    if !Config::is_in(&text) {
        bail!(
            "there is no chat in {}\n\nhint: a chat is a table: [chat.ops], with irc = \"ircs://…\" or json = \"wss://…\"",
            args.file.display()
        );
    }
    let (watched, config) = parse(&text, &args.file, &around)?;
    let clock = &around.clock;
    if args.check {
        io::stdout().write_all(config.words().as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    let logs = Logs::new(&watched, &around);
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(environment.processors.get())
        .enable_all()
        .build()
        .context("cannot start the threads that chats need")?;
    let code = runtime.block_on(async {
        if !args.console && args.replay.is_none() {
            return talk_until_signalled(&config, Desk::new(logs), clock, environment).await;
        }
        let chat = chosen(&config, args.chat.as_deref())?;
        let trial = Trial::new(chat, logs, clock);
        match &args.replay {
            Some(file) => {
                let file = fs::File::open(file).map_err(|error| {
                    let reason = refusal(&error);
                    anyhow!("cannot read the transcript {}: {reason}", file.display())
                })?;
                replay(trial, io::BufReader::new(file)).await
            }
            None => console(trial, environment).await,
        }
    });
    // A question may have been given up, and its threads be at a chunk.
    runtime.shutdown_background();
    code
}

/// Talks in all chats until a signal ends it.
///
/// # Errors
///
/// Fails where that cannot begin.
pub(crate) async fn talk_until_signalled(
    config: &Config,
    desk: Desk,
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
    let chats = Connected::new(config, desk, clock)?;
    Ok(match chats.talk(stop).await {
        true => ExitCode::from(2),
        false => ExitCode::SUCCESS,
    })
}

/// The chats of a file, which connect once they are [talked](Self::talk) in.
pub(crate) struct Connected {
    thread: ChatThread,
    chats: Vec<(String, Bot, Events)>,
    desk: Arc<Desk>,
}

impl Connected {
    /// What people ask for is done at `desk`.
    ///
    /// # Errors
    ///
    /// Fails where the environment names proxies that are none, and where there is no other thread to be had.
    pub(crate) fn new(config: &Config, desk: Desk, clock: &Clock) -> Result<Self> {
        let thread = ChatThread::start()?;
        let within = thread.handle().enter();
        let proxies = Proxies::from_variables(|name| std::env::var(name).ok());
        let proxies = proxies.context("cannot use the proxies of the environment")?;
        let chats = config.chats.iter().map(|chat| {
            let events = chat.connect(proxies.clone());
            (chat.name.clone(), chat.bot(clock), events)
        });
        let chats = chats.collect();
        drop(within);
        Ok(Self {
            thread,
            chats,
            desk: Arc::new(desk),
        })
    }

    /// The chats as places for alerts.
    pub(crate) fn rooms(&self) -> Rooms {
        let chats = self.chats.iter();
        Rooms::new(chats.map(|(name, _, events)| (name.clone(), events.handle().clone())))
    }

    /// Talks in all chats until `stop`, or until no service lets us in; then says whether any did not.
    pub(crate) async fn talk(self, stop: impl Future<Output = ()>) -> bool {
        let mut chats = JoinSet::new();
        let mut handles = Vec::new();
        for (name, bot, events) in self.chats {
            let desk = Arc::clone(&self.desk);
            handles.push(events.handle().clone());
            let talk = async move {
                let ended = birl_bot::run(&name, bot, events, desk).await;
                ended.map_err(|error| error!(chat = name, "{error}"))
            };
            chats.spawn_on(talk, self.thread.handle());
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

/// The thread on which chats are read and answered, and nothing else is done: queries keep those of the
/// other runtime busy for milliseconds at a time, and no reaction is to wait for that.
struct ChatThread(Option<Runtime>);

impl ChatThread {
    fn start() -> Result<Self> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("birl-chat")
            .enable_all()
            .build()
            .context("cannot start the thread that chats need")?;
        Ok(Self(Some(runtime)))
    }

    fn handle(&self) -> &runtime::Handle {
        let runtime = self.0.as_ref();
        runtime.expect("it is there until it is dropped").handle()
    }
}

impl Drop for ChatThread {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // It is dropped within the other runtime, which is not to wait.
            runtime.shutdown_background();
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

/// A chat that is tried without its service.
struct Trial {
    name: String,
    bot: Bot,
    desk: Desk,
}

impl Trial {
    fn new(chat: &Chat, logs: Logs, clock: &Clock) -> Self {
        Self {
            name: chat.name.clone(),
            bot: chat.bot(clock),
            desk: Desk::new(logs),
        }
    }

    /// What is said about something that was said.
    async fn answers(&mut self, said: &Said) -> Vec<String> {
        let prefix = self.bot.prefix().to_owned();
        let mut answers = Vec::new();
        for reaction in self.bot.react(said, Instant::now()) {
            answers.push(match reaction {
                Reaction::Say(text) => text,
                // Each is waited for.
                Reaction::Do(Task::Builtin(Builtin::Cancel, _)) => {
                    "nothing is being asked here".to_owned()
                }
                Reaction::Do(task) => {
                    let place = (self.name.as_str(), said);
                    let shape = (Shape::MESSAGES, prefix.as_str());
                    self.desk.perform(task, place, shape, |_| {}).await
                }
            });
        }
        answers
    }
}

/// Prints what would be said about each message of a transcript.
async fn replay(mut trial: Trial, transcript: impl BufRead) -> Result<ExitCode> {
    let mut out = io::stdout();
    let (mut any, mut has_failed) = (false, false);
    for (at, line) in transcript.lines().enumerate() {
        let line = line.context("cannot read the transcript")?;
        if line.trim().is_empty() {
            continue;
        }
        match Said::of_transcript(&line) {
            Ok(said) => {
                for text in trial.answers(&said).await {
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

/// Answers what is typed, each line as if it were said in a room.
async fn console(mut trial: Trial, environment: &Environment) -> Result<ExitCode> {
    let user = (environment.variable)("USER").and_then(|user| user.into_string().ok());
    let sender = user
        .filter(|user| !user.is_empty())
        .unwrap_or_else(|| "you".to_owned());
    let mut out = io::stdout();
    for line in io::stdin().lines() {
        let said = Said {
            room: sender.clone(),
            sender: sender.clone(),
            message: line.context("cannot read what is typed")?,
            ..Said::default()
        };
        for text in trial.answers(&said).await {
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
