//! `birl run`: logs watched by rules.

mod live;

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result, anyhow, bail};
use birl_bot::chats::Lasts;
use birl_bot::{Executor, Rooms};
use birl_net::Proxies;
use birl_scan::Event;
use birl_source::error::refusal;
use birl_watch::alert::State;
use birl_watch::{Alert, Config, Logs, Replayed, Store, Surroundings, check, places, replay};
use futures::StreamExt;
use tokio::sync::oneshot;

use crate::args::{RunArgs, RunOutput};
use crate::chat::{self, Connected};
use crate::config::{Environment, is_stdin_twice, run_clock};
use crate::own_formats;

/// How many bytes the groups of a rule may take before some are written to files.
const MEMORY_BYTES: usize = 256 << 20;

/// Watches logs by the rules of a file, or tries these.
///
/// # Errors
///
/// Fails where something is wrong with the file, or a rule of it cannot go on.
pub(crate) fn run(args: &RunArgs, environment: &Environment) -> Result<ExitCode> {
    if is_stdin_twice(&args.replay) {
        bail!("cannot read standard input twice: --replay - is given twice");
    }
    let mut around = surroundings(environment)?;
    let text = text(&args.file, "rules")?;
    let (config, chats) = parse(&text, &args.file, &around)?;
    around.places.rooms = Arc::new(Rooms::of_file(&chats));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(environment.processors.get())
        .enable_all()
        .build()
        .context("cannot start the threads that rules need")?;
    let code = runtime.block_on(async {
        if args.check {
            return tell_check(&config, &chats, &around).await;
        }
        if args.replay.is_empty() && config.rules.is_empty() {
            let executor = Executor::new(Logs::new(&config, &around));
            let executor = match live::state_file(&config, environment) {
                Some(file) => executor.with_store(Store::open(&file).await?),
                // What is forgotten may be answered again after a restart, and nothing else.
                None => executor,
            };
            return chat::talk_until_signalled(chats, executor, &args.file, &around, environment)
                .await;
        }
        if args.replay.is_empty() {
            let (prepared, control) = live::prepare(environment);
            let executor = Executor::new(Logs::new(&config, &around)).with_rules(control);
            let chats = Connected::new(chats, executor, &args.file, &around)?;
            around.places.rooms = chats.rooms();
            // It is dropped when the rules have ended, which ends the chats.
            let (watching, ended) = oneshot::channel::<()>();
            let watch = async {
                let _watching = watching;
                live::watch(prepared, config, around, environment).await
            };
            let stop = async {
                let _ = ended.await;
            };
            let (watched, _) = tokio::join!(watch, chats.talk(stop, Lasts::UntilStopped));
            // A chat that has failed has said so, and rules go on without it.
            watched?;
            return Ok(ExitCode::SUCCESS);
        }
        let harmless = environment.stdout_is_terminal;
        tell_replay(config, args, around, harmless).await
    });
    // A thread may be waiting for a pipe that never says anything again.
    runtime.shutdown_background();
    match code {
        Err(error) if is_closed(&error) => Ok(ExitCode::SUCCESS),
        code => code,
    }
}

fn is_closed(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

pub(crate) fn surroundings(environment: &Environment) -> Result<Surroundings> {
    Ok(Surroundings {
        variable: environment.variable,
        formats: own_formats::load(environment.formats_directory().as_deref())?,
        clock: run_clock(environment)?,
        clock_stands: environment.birl_now.is_some(),
        threads: environment.processors.get(),
        memory_bytes: MEMORY_BYTES,
        places: places::Surroundings {
            variable: |name| std::env::var(name).ok(),
            proxies: Proxies::from_variables(|name| std::env::var(name).ok())
                .context("cannot use the proxies of the environment")?,
            stdout: Arc::new(Mutex::new(io::stdout())),
            rooms: Arc::new(places::NoRooms),
        },
    })
}

/// The text of a file of rules and chats, of which `what` are wanted.
///
/// # Errors
///
/// Fails where it cannot be read.
pub(crate) fn text(file: &Path, what: &str) -> Result<String> {
    fs::read_to_string(file).map_err(|error| {
        let reason = refusal(&error);
        anyhow!("cannot read the {what} in {}: {reason}", file.display())
    })
}

/// What such a text says.
///
/// # Errors
///
/// Fails at the first thing that is wrong.
pub(crate) fn parse(
    text: &str,
    file: &Path,
    around: &Surroundings,
) -> Result<(Config, birl_bot::Config)> {
    let config = Config::parse(text, file, &around.clock)?;
    let chats = birl_bot::Config::parse(text, file, &around.clock, &config)?;
    Ok((config, chats))
}

async fn tell_check(
    config: &Config,
    chats: &birl_bot::Config,
    around: &Surroundings,
) -> Result<ExitCode> {
    let mut words = check(config, around).await?;
    if !chats.chats.is_empty() {
        if !words.is_empty() {
            words.push('\n');
        }
        let logs = Logs::new(config, around);
        words += &chats.check(&config.file, &logs).await?;
    }
    io::stdout().write_all(words.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

async fn tell_replay(
    config: Config,
    args: &RunArgs,
    around: Surroundings,
    harmless: bool,
) -> Result<ExitCode> {
    let mut out = io::stdout();
    let mut counts = Counts::default();
    let mut has_failed = false;
    let say = |what: &dyn std::fmt::Display| {
        // Nobody is left to be told that standard error is closed.
        let _ = writeln!(io::stderr(), "birl: {what}");
    };
    // Several rules may ask the same logs.
    let mut said = BTreeSet::new();
    let mut say_once = |what: String| {
        if !said.contains(&what) {
            say(&what);
            said.insert(what);
        }
    };
    let mut replay = std::pin::pin!(replay(config, args.replay.clone(), around));
    while let Some(replayed) = replay.next().await {
        match replayed? {
            Replayed::Alert(alert, places) => {
                counts.add(&alert);
                let text = match args.output {
                    RunOutput::Json => alert.document() + "\n",
                    RunOutput::Text => shown(&alert, &places, harmless),
                };
                out.write_all(text.as_bytes())?;
            }
            Replayed::Note(note) => say(&note),
            Replayed::Event(Event::Problem(problem)) => {
                has_failed = true;
                say_once(problem.to_string());
            }
            Replayed::Event(Event::Skipped(skipped)) => say_once(skipped.to_string()),
            Replayed::Event(Event::Notice(notice)) => say_once(notice.to_string()),
            Replayed::Event(Event::Batch(_) | Event::CaughtUp | Event::Barrier(_)) => {}
        }
    }
    out.flush()?;
    say(&counts.words());
    Ok(match (has_failed, counts.firing) {
        (true, _) => ExitCode::from(2),
        (false, 0) => ExitCode::from(1),
        (false, _) => ExitCode::SUCCESS,
    })
}

/// How many alerts would have been sent.
#[derive(Debug, Default)]
struct Counts {
    firing: u64,
    resolved: u64,
}

impl Counts {
    fn add(&mut self, alert: &Alert) {
        match alert.state {
            State::Firing => self.firing += 1,
            State::Resolved => self.resolved += 1,
        }
    }

    fn words(&self) -> String {
        let alerts = match self.firing {
            0 => return "no alert would have been sent".to_owned(),
            1 => "1 alert".to_owned(),
            count => format!("{count} alerts"),
        };
        match self.resolved {
            0 => format!("{alerts} would have been sent"),
            1 => format!("{alerts} and 1 notice of an end would have been sent"),
            count => format!("{alerts} and {count} notices of ends would have been sent"),
        }
    }
}

/// An alert for people: when, of which rule and to whom, and what it says.
fn shown(alert: &Alert, places: &[String], harmless: bool) -> String {
    let at = jiff::Timestamp::from_nanosecond(alert.at.into())
        .map_or_else(|_| alert.at.to_string(), |at| at.to_string());
    let state = match alert.state {
        State::Firing => "firing",
        State::Resolved => "resolved",
    };
    let mut text = format!("{at} {state} {}", alert.rule);
    if !places.is_empty() {
        text += &format!(" to {}", places.join(", "));
    }
    text.push('\n');
    let texts = [&alert.text].into_iter().chain(alert.samples_beside_text());
    for line in texts.flat_map(|text| text.lines()) {
        text.push_str("  ");
        match harmless {
            true => text.extend(line.chars().flat_map(|c| {
                let escaped = c.is_control().then(|| c.escape_default());
                let plain = (!c.is_control()).then_some(c);
                escaped.into_iter().flatten().chain(plain)
            })),
            false => text.push_str(line),
        }
        text.push('\n');
    }
    text
}
