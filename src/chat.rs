//! `birl chat`: talks in the chat rooms of a file, or tries that.

use std::convert::Infallible;
use std::fs;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use birl_bot::bot::Reaction;
use birl_bot::chats::Lasts;
use birl_bot::command::{Builtin, Task};
use birl_bot::config::Chat;
use birl_bot::pages::{Place, Shape};
use birl_bot::{Bot, Chats, Config, Executor, MessageRecord};
use birl_source::error::refusal;
use birl_watch::{Logs, Surroundings, Watched, places};
use console::measure_text_width;
use tokio::runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::{Instant, interval};
use tracing::{error, info, warn};

use crate::args::ChatArgs;
use crate::config::Environment;
use crate::prompt::take_short_turns;
use crate::run::{parse, surroundings, text};

/// How often it is looked whether the file has changed.
const LOOK_EVERY: Duration = Duration::from_secs(1);

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
    let logs = Logs::new(&watched, &around);
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(environment.processors.get())
        .enable_all()
        .build()
        .context("cannot start the threads that chats need")?;
    let code = runtime.block_on(async {
        if args.check {
            let words = config.check(&args.file, &logs).await?;
            io::stdout().write_all(words.as_bytes())?;
            return Ok(ExitCode::SUCCESS);
        }
        if !args.console && args.replay.is_none() {
            let executor = Executor::new(logs);
            return talk_until_signalled(config, executor, &args.file, &around, environment).await;
        }
        let chat = chosen(&config, args.chat.as_deref())?;
        let trial = Trial::new(chat, logs);
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

/// Talks in all chats until a signal ends it. When the file changes, or a signal says so, it is read again.
///
/// # Errors
///
/// Fails where that cannot begin.
pub(crate) async fn talk_until_signalled(
    config: Config,
    executor: Executor,
    file: &Path,
    around: &Surroundings,
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
    let reload = listen(SignalKind::hangup())?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let chats = Connected::new(config, executor, file, around)?;
    let rereading = read_again(chats.rooms(), file, around, reload);
    let has_failed = tokio::select! {
        has_failed = chats.talk(stop, Lasts::WhileAnyTalks) => has_failed,
        never = rereading => match never {},
    };
    Ok(match has_failed {
        true => ExitCode::from(2),
        false => ExitCode::SUCCESS,
    })
}

/// Reads the file again whenever it changes, or a signal says so. What is wrong then is told, and chats go on as
/// they were.
async fn read_again(
    mut rooms: Arc<dyn places::Rooms>,
    file: &Path,
    around: &Surroundings,
    mut reload: Signal,
) -> Infallible {
    let mut watched = Watched::new(file);
    let mut ticks = interval(LOOK_EVERY);
    loop {
        let by = tokio::select! {
            _ = reload.recv() => "a signal",
            _ = ticks.tick() => match watched.has_changed() {
                true => "a change",
                false => continue,
            },
        };
        watched.is_seen();
        let change = text(file, "chats").and_then(|text| {
            let config = birl_watch::Config::parse(&text, file, &around.clock)?;
            if !config.rules.is_empty() {
                warn!("its rules are taken up when birl is started again, by birl run");
            }
            Ok(rooms.read(&text, &config)?)
        });
        match change {
            Ok(Some(change)) => {
                rooms = change.rooms();
                change.take_up();
                info!(chats = rooms.chats().len(), by, "reloaded");
            }
            Ok(None) => {}
            Err(error) => {
                error!(%error, "the new file cannot be used, and the chats go on as they were");
            }
        }
    }
}

/// The chats of a file, which connect once they are [talked](Self::talk) in, on a thread of their own.
pub(crate) struct Connected {
    thread: ChatThread,
    chats: Chats,
}

impl Connected {
    /// What people ask for is done by `executor`.
    ///
    /// # Errors
    ///
    /// Fails where there is no other thread to be had.
    pub(crate) fn new(
        config: Config,
        executor: Executor,
        file: &Path,
        around: &Surroundings,
    ) -> Result<Self> {
        let thread = ChatThread::start()?;
        let within = thread.handle.enter();
        let proxies = around.places.proxies.clone();
        let chats = Chats::new(config, file, executor, &around.clock, proxies);
        drop(within);
        Ok(Self { thread, chats })
    }

    /// The chats as places for alerts.
    pub(crate) fn rooms(&self) -> Arc<dyn places::Rooms> {
        Arc::new(self.chats.rooms())
    }

    /// Talks in all chats until `stop`, or as long as `lasts` says; then says whether any service did not let us
    /// in.
    pub(crate) async fn talk(
        self,
        stop: impl Future<Output = ()> + Send + 'static,
        lasts: Lasts,
    ) -> bool {
        let talking = self.thread.handle.spawn(self.chats.talk(stop, lasts));
        // One that has panicked has failed.
        talking.await.unwrap_or(true)
    }
}

/// The thread on which chats are read and answered, and nothing else is done: queries keep those of the
/// other runtime busy for milliseconds at a time, and no reaction is to wait for that, nor for their turns on
/// the processors. What runs on it ends
/// when this is dropped, which does not wait for it.
struct ChatThread {
    handle: runtime::Handle,
    _running: oneshot::Sender<()>,
}

impl ChatThread {
    fn start() -> Result<Self> {
        let what = "cannot start the thread that chats need";
        // One that hands nothing to other threads reacts sooner.
        let mut runtime = runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().context(what)?;
        let handle = runtime.handle().clone();
        let (running, ended) = oneshot::channel::<()>();
        let run = move || {
            take_short_turns();
            let _ = runtime.block_on(ended);
            runtime.shutdown_background();
        };
        let thread = thread::Builder::new().name("birl-chat".to_owned());
        thread.spawn(run).context(what)?;
        Ok(Self {
            handle,
            _running: running,
        })
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
    address: String,
    me: Option<String>,
    bot: Bot,
    executor: Executor,
}

impl Trial {
    fn new(chat: &Chat, logs: Logs) -> Self {
        Self {
            name: chat.name.clone(),
            address: chat.address(),
            me: chat.me(),
            bot: chat.bot(),
            executor: Executor::new(logs),
        }
    }

    /// What is said about something that was said at a moment.
    async fn answers(&mut self, record: &MessageRecord, now: Instant) -> Vec<String> {
        let prefix = self.bot.prefix().to_owned();
        let mut answers = Vec::new();
        for reaction in self.bot.react(record, now) {
            answers.push(match reaction {
                Reaction::Say(text) => text,
                // Each is waited for.
                Reaction::Do(Task::Builtin(Builtin::Cancel, _)) => {
                    "nothing is being asked here".to_owned()
                }
                Reaction::Do(task) => {
                    let place = Place::of((&self.name, &self.address), record);
                    let shape = (Shape::MESSAGES, prefix.as_str());
                    let done = self.executor.perform(task, (place, record), shape, |_| {});
                    done.await.text
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
    let mut lines = TypedLines::new(transcript);
    let mut clock = TranscriptClock::new();
    let mut at = 0;
    while let Some(line) = lines.next().context("cannot read the transcript")? {
        at += 1;
        if line.trim().is_empty() {
            continue;
        }
        match MessageRecord::of_transcript(&line) {
            Ok(mut record) => {
                record.me.clone_from(&trial.me);
                let now = clock.at(&record);
                for text in trial.answers(&record, now).await {
                    any = true;
                    writeln!(out, "{}", shown(&format!("{}: ", record.room), &text))?;
                }
            }
            Err(why) => {
                has_failed = true;
                // Nobody is left to be told that standard error is closed.
                let _ = writeln!(io::stderr(), "birl: line {at}: {why}");
            }
        }
    }
    lines.tell();
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
    let mut lines = TypedLines::new(io::stdin().lock());
    while let Some(line) = lines.next().context("cannot read what is typed")? {
        let record = MessageRecord {
            room: sender.clone(),
            sender: sender.clone(),
            message: line,
            me: trial.me.clone(),
            ..MessageRecord::default()
        };
        for text in trial.answers(&record, Instant::now()).await {
            writeln!(out, "{}", shown("", &text))?;
        }
        out.flush()?;
    }
    lines.tell();
    Ok(ExitCode::SUCCESS)
}

/// Lines of text, whatever bytes are in them.
struct TypedLines<R> {
    from: R,
    /// So many of them are no text.
    strange: u64,
}

impl<R: BufRead> TypedLines<R> {
    fn new(from: R) -> Self {
        Self { from, strange: 0 }
    }

    /// The next line, without its end. Bytes that are no UTF-8 become the sign for that.
    fn next(&mut self) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        if self.from.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let text = String::from_utf8_lossy(line);
        self.strange += u64::from(matches!(text, std::borrow::Cow::Owned(_)));
        Ok(Some(text.into_owned()))
    }

    /// Tells how many were no text, if any.
    fn tell(&self) {
        let what = match self.strange {
            0 => return,
            1 => "1 line has".to_owned(),
            count => format!("{count} lines have"),
        };
        // Nobody is left to be told that standard error is closed.
        let _ = writeln!(io::stderr(), "birl: {what} bytes that are no UTF-8");
    }
}

/// The time of a transcript: limits are by when things were said, and not by how fast they are read.
struct TranscriptClock {
    now: Instant,
    /// When the first line was said that tells.
    first: Option<jiff::Timestamp>,
    began: Instant,
}

impl TranscriptClock {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            now,
            first: None,
            began: now,
        }
    }

    /// When something was said: where it does not tell, when what stands before it was.
    fn at(&mut self, record: &MessageRecord) -> Instant {
        if let Some(time) = record.time() {
            let first = *self.first.get_or_insert(time);
            let since = Duration::try_from(time.duration_since(first)).unwrap_or_default();
            let now = self.began.checked_add(since).unwrap_or(self.now);
            self.now = self.now.max(now);
        }
        self.now
    }
}

/// A text behind `head` that does to a terminal no more than be shown. Its lines stand below each other, as tables have
/// to.
fn shown(head: &str, text: &str) -> String {
    let escaped = |text: &str| -> String {
        let letters = text.chars().map(|letter| match letter.is_control() {
            true => letter.escape_default().to_string(),
            false => letter.to_string(),
        });
        letters.collect()
    };
    let head = escaped(head);
    let lines: Vec<_> = text.split('\n').map(escaped).collect();
    let between = format!("\n{:width$}", "", width = measure_text_width(&head));
    head + &lines.join(&between)
}
