//! Where tasks are done: logs are asked, and rules that run are talked to.

use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use birl_record::time::duration;
use birl_scan::Snapshot;
use birl_watch::control::{Control, HeldBack, Matcher, OpenAlert, Silence};
use birl_watch::logs::{Found, Question};
use birl_watch::status::Status;
use birl_watch::{Logs, Store};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::answer::{self, moment};
use crate::command::{Builtin, Task};
use crate::pages::{Lines, Pages, Shape};
use crate::said::Said;

/// So many questions are answered at once: whoever asks in chats is not to slow down what watches.
const QUESTIONS_MAX: usize = 2;
/// So many alerts are kept for `!more`.
const ALERTS_MAX: usize = 200;

/// What chats have to do with the rest of birl.
#[derive(Debug)]
pub struct Desk {
    /// The sources that can be asked.
    logs: Logs,
    /// Where they are asked.
    runtime: Handle,
    /// The rules that run, if any do.
    control: Option<Control>,
    /// Where is kept what must not be forgotten, if no rules run.
    store: Option<Store>,
    questions: Semaphore,
    pages: Mutex<Pages>,
}

impl Desk {
    /// Asks `logs`, and talks to nobody. An answer keeps the threads busy of the runtime in which this is
    /// called, whichever it is that chats are talked in.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn new(logs: Logs) -> Self {
        Self {
            logs,
            runtime: Handle::current(),
            control: None,
            store: None,
            questions: Semaphore::new(QUESTIONS_MAX),
            pages: Mutex::default(),
        }
    }

    /// The same with rules that run, which also keep what must not be forgotten.
    pub fn with_rules(self, control: Control) -> Self {
        Self {
            control: Some(control),
            ..self
        }
    }

    /// The same with a file of its own for what must not be forgotten.
    pub fn with_store(self, store: Store) -> Self {
        Self {
            store: Some(store),
            ..self
        }
    }

    /// Where is kept what must not be forgotten, if anything is. It waits for the rules to run.
    pub(crate) async fn store(&self) -> Option<Store> {
        match &self.control {
            Some(control) => control.store().await.ok(),
            None => self.store.clone(),
        }
    }

    /// Does what somebody has asked for in the chat of that name, and gives what is to be said. `more` is what
    /// is typed for the next page. How far an answer is, is told each second.
    ///
    /// Dropping the future gives it up: what rules have been told holds.
    pub async fn perform(
        &self,
        task: Task,
        (chat, said): (&str, &Said),
        (shape, more): (Shape, &str),
        tell: impl FnMut(Snapshot),
    ) -> String {
        let now = Instant::now();
        let room = format!("{chat} {}", said.room);
        let done = match task {
            Task::Say(text) => Ok(Lines::of(&text)),
            Task::Builtin(Builtin::More, _) => {
                let next = self.pages().next(&room, shape, more, now);
                return next.unwrap_or_else(|| "there is no more".to_owned());
            }
            Task::Builtin(builtin, rest) => self.builtin(builtin, &rest, said).await,
            Task::Ask(question) => {
                // It is never closed.
                let _permit = self.questions.acquire().await;
                let time = question.budget.time;
                let found = self.ask(question, tell).await;
                found.map(|found| answer::lines(found, time, shape))
            }
        };
        let lines = done.unwrap_or_else(|why| Lines::of(&why));
        self.pages().first(&room, lines, shape, more, now)
    }

    /// Asks the logs beside whoever waits for it. Dropping the future gives it up.
    async fn ask(
        &self,
        question: Question,
        mut tell: impl FnMut(Snapshot),
    ) -> Result<Found, String> {
        let logs = self.logs.clone();
        let (sender, mut progress) = mpsc::channel(1);
        let mut asking = JoinSet::new();
        let ask = async move {
            // Of what nobody has looked at yet, there is something newer in a second.
            let told = logs.ask(&question, |read| _ = sender.try_send(read)).await;
            told.map_err(|error| error.to_string())
        };
        asking.spawn_on(ask, &self.runtime);
        loop {
            tokio::select! {
                Some(read) = progress.recv() => tell(read),
                Some(found) = asking.join_next() => {
                    return found.unwrap_or_else(|error| Err(format!("no answer: {error}")));
                }
            }
        }
    }

    async fn builtin(&self, builtin: Builtin, rest: &str, said: &Said) -> Result<Lines, String> {
        let Some(control) = &self.control else {
            return Err("no rules run here: birl run runs them".to_owned());
        };
        let failed = |error: birl_watch::control::Error| error.to_string();
        let by = said.account.as_deref().unwrap_or(&said.sender);
        let (word, comment) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let comment = comment.trim();
        match builtin {
            Builtin::Status => Ok(status(&control.status())),
            Builtin::Alerts => {
                let alerts = control.alerts().await.map_err(failed)?;
                let silences = control.silences().await.map_err(failed)?;
                let silences = silences.into_iter();
                let silences =
                    silences.map(|(number, silence)| format!("silence {number}: {silence}"));
                let mut lines = alerts_lines(&alerts);
                lines.body.extend(silences);
                Ok(lines)
            }
            Builtin::Why => {
                let about = named(word, "a rule or an alert")?;
                let why = control.why(about).await.map_err(failed)?;
                Ok(Lines::of(&why.to_string()))
            }
            Builtin::Ack => {
                let alert = named(word, "an alert")?;
                let alert = control.ack(alert, by, comment).await.map_err(failed)?;
                Ok(Lines::of(&format!(
                    "{by} looks after {}: it is not told again until it is over",
                    alert_words(&alert)
                )))
            }
            Builtin::Unack => {
                let alert = named(word, "an alert")?;
                let alert = control.unack(alert).await.map_err(failed)?;
                Ok(Lines::of(&format!(
                    "nobody looks after {} any more",
                    alert_words(&alert)
                )))
            }
            Builtin::Silence => {
                let (matcher, length, comment) = silence_of(rest)?;
                let from = control.status().at;
                let silence = Silence {
                    matcher,
                    from,
                    until: from.saturating_add(length),
                    by: by.to_owned(),
                    comment,
                };
                let (matcher, until) = (silence.matcher.to_string(), moment(silence.until));
                let number = control.silence(silence).await.map_err(failed)?;
                Ok(Lines::of(&format!(
                    "silence {number}: {matcher} until {until}"
                )))
            }
            Builtin::Unsilence => {
                let number = named(word, "a silence")?.trim_start_matches('#');
                let number = number
                    .parse()
                    .map_err(|_| format!("a silence has a number, and {number:?} is none"))?;
                match control.unsilence(number).await.map_err(failed)? {
                    Some(silence) => Ok(Lines::of(&format!(
                        "silence {number} is over: {}",
                        silence.matcher
                    ))),
                    None => Err(format!("there is no silence {number}")),
                }
            }
            Builtin::Help | Builtin::Ask | Builtin::More | Builtin::Cancel => {
                unreachable!("it is done elsewhere")
            }
        }
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn named<'w>(word: &'w str, what: &str) -> Result<&'w str, String> {
    match word {
        "" => Err(format!(
            "{what} has to be named; alerts lists those that are open"
        )),
        word => Ok(word),
    }
}

/// What is typed for a silence: which alerts, how long, and why.
fn silence_of(rest: &str) -> Result<(Matcher, i64, String), String> {
    let mut at = 0;
    for word in rest.split_inclusive(char::is_whitespace) {
        let length = duration(word.trim()).ok().filter(|length| *length > 0);
        if let (Some(length), true) = (length, at > 0) {
            let matcher: Matcher = rest[..at]
                .parse()
                .map_err(|error: birl_watch::control::Error| error.to_string())?;
            let comment = rest[at + word.len()..].trim().to_owned();
            return Ok((matcher, length, comment));
        }
        at += word.len();
    }
    Err("for how long, and for what? silence error-burst service=api 2h".to_owned())
}

/// An alert in a few words: `3f9a1c error-burst service=api`.
fn alert_words(alert: &OpenAlert) -> String {
    let words = format!(
        "{} {} {}",
        alert.short_id(),
        alert.rule,
        alert.group_words()
    );
    words.trim_end().to_owned()
}

fn alerts_lines(alerts: &[OpenAlert]) -> Lines {
    if alerts.is_empty() {
        return Lines::of("no alert is open");
    }
    let lines = alerts.iter().take(ALERTS_MAX).map(|alert| {
        let mut line = format!("{} since {}", alert_words(alert), moment(alert.since));
        if let Some(ack) = &alert.acked {
            let _ = write!(line, ", {} looks after it", ack.by);
        }
        for held in &alert.held_back {
            let _ = match held {
                HeldBack::Silence { number, .. } => write!(line, ", silence {number}"),
                HeldBack::ConfiguredSilence { name, .. } => write!(line, ", silence {name}"),
                HeldBack::Rule { name } => write!(line, ", held back by {name}"),
            };
        }
        let text = alert.text.lines().next().unwrap_or_default();
        if !text.is_empty() {
            let _ = write!(line, ": {text}");
        }
        line
    });
    Lines {
        head: match alerts.len() {
            1 => Vec::new(),
            count => vec![format!("{count} alerts are open:")],
        },
        body: lines.collect(),
        ..Lines::default()
    }
}

/// How things are, in a line each for what there is of them, and what is wrong.
fn status(status: &Status) -> Lines {
    let seconds = (status.at - status.since) / 1_000_000_000;
    let mut lines = vec![format!(
        "birl {}, up {}: {}, {} open",
        status.version,
        length(seconds),
        count(status.rules.len() as u64, "rule"),
        count(status.rules.iter().map(|rule| rule.open).sum(), "alert"),
    )];
    if let Some(problem) = &status.problem {
        lines.push(format!("nothing more is read: {}", problem.reason));
    }
    for source in &status.sources {
        let mut line = format!("source {}", source.name);
        if let Some(count) = source.lines {
            let _ = write!(line, ", {}", self::count(count, "line"));
        }
        if let Some(rate) = source.lines_per_second {
            let _ = write!(line, ", {rate:.1} a second");
        }
        if let Some(lag) = source.lag_seconds {
            let _ = write!(line, ", {lag:.1} s behind");
        }
        if let Some(gaps @ 1..) = source.gaps {
            let _ = write!(line, ", {}", count(gaps, "gap"));
        }
        if let Some(problem) = &source.problem {
            let _ = write!(line, ": {}", problem.reason);
        }
        lines.push(line);
    }
    let failing = status.rules.iter();
    let failing = failing.filter_map(|rule| Some((&rule.name, rule.problem.as_ref()?)));
    lines.extend(failing.map(|(name, problem)| format!("rule {name}: {}", problem.reason)));
    for place in &status.places {
        let problem = place.problem.as_ref();
        if place.waiting == 0 && place.dead == 0 && problem.is_none() {
            continue;
        }
        let mut line = format!("place {}, {} waiting", place.name, place.waiting);
        if place.dead > 0 {
            let _ = write!(line, ", {} given up", place.dead);
        }
        if let Some(problem) = problem {
            let _ = write!(line, ": {}", problem.reason);
        }
        lines.push(line);
    }
    Lines {
        body: lines,
        ..Lines::default()
    }
}

fn count(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

/// A length of time in its two largest units.
fn length(seconds: i64) -> String {
    let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
    let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
    match (days, hours, minutes) {
        (1.., ..) => format!("{days} d {hours} h"),
        (_, 1.., _) => format!("{hours} h {minutes} min"),
        (_, _, 1..) => format!("{minutes} min {seconds} s"),
        _ => format!("{seconds} s"),
    }
}
