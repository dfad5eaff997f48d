//! Where tasks are done: logs are asked, and rules that run are talked to.

use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use birl_record::time::duration;
use birl_scan::Snapshot;
use birl_watch::control::{Control, HeldBack, Matcher, OpenAlert, Silence};
use birl_watch::status::Status;
use birl_watch::words::{about, moment};
use birl_watch::{Config, Logs, Store};
use tokio::time::Instant;

use crate::answer::{self, Answer};
use crate::command::{Builtin, Task};
use crate::pages::{Lines, Pages, Place, Shape};
use crate::record::MessageRecord;

/// So many alerts are kept for `!more`.
const ALERTS_MAX: usize = 200;

/// What chats have to do with the rest of birl.
#[derive(Debug)]
pub struct Executor {
    /// The sources that can be asked.
    logs: Mutex<Logs>,
    /// The rules that run, if any do.
    control: Option<Control>,
    /// Where is kept what must not be forgotten, if no rules run.
    store: Option<Store>,
    pages: Mutex<Pages>,
}

impl Executor {
    /// Asks `logs`, and talks to nobody.
    pub fn new(logs: Logs) -> Self {
        Self {
            logs: Mutex::new(logs),
            control: None,
            store: None,
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

    /// From now on, the sources of another text of the file are asked.
    pub(crate) fn ask_those_of(&self, watched: &Config) {
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        *logs = logs.of(watched);
    }

    fn logs(&self) -> Logs {
        let logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        logs.clone()
    }

    /// Where is kept what must not be forgotten, if anything is. It waits for the rules to run.
    pub(crate) async fn store(&self) -> Option<Store> {
        match &self.control {
            Some(control) => control.store().await.ok(),
            None => self.store.clone(),
        }
    }

    /// Does what somebody has asked for at a place, and gives what is to be said. `prefix` is
    /// what stands before commands. How far an answer is, is told each second.
    ///
    /// Dropping the future gives it up: what rules have been told holds.
    pub async fn perform(
        &self,
        task: Task,
        (place, record): (Place, &MessageRecord),
        (shape, prefix): (Shape, &str),
        tell: impl FnMut(Snapshot),
    ) -> Answer {
        let now = Instant::now();
        let more = format!("{prefix}more");
        let mut picture = None;
        let done = match task {
            Task::Say(text) => Ok(Lines::of(&text)),
            Task::Builtin(Builtin::More, _) => {
                let next = self.pages().next(&place, shape, &more, now);
                return next.unwrap_or_else(|| "there is no more".to_owned()).into();
            }
            Task::Builtin(builtin, rest) => self.builtin(builtin, &rest, record, prefix).await,
            Task::Why {
                about,
                with_records,
            } => self.why(&about, with_records, prefix).await,
            Task::Ask(question) => {
                let time = question.budget.time;
                let found = self.logs().ask(&question, tell).await;
                match found {
                    // Whoever is read meanwhile does not wait for that.
                    Ok(found) => tokio::task::spawn_blocking(move || {
                        let picture = shape
                            .pictures
                            .then(|| answer::picture(&found, &question.query));
                        (answer::lines(found, time, shape), picture.flatten())
                    })
                    .await
                    .map(|(lines, drawn)| {
                        picture = drawn;
                        lines
                    })
                    .map_err(|_| "the answer cannot be shown: birl's log says why".to_owned()),
                    Err(error) => Err(error.to_string()),
                }
            }
        };
        let text = match done {
            Ok(lines) => self.pages().first(&place, lines, shape, &more, now),
            // What is left of the answer before is still there.
            Err(why) => {
                let lines = Lines::of(&why).body;
                let lines: Vec<_> = lines.iter().map(|line| answer::cut(line, shape)).collect();
                lines.join("\n")
            }
        };
        Answer { text, picture }
    }

    async fn why(&self, about: &str, with_records: bool, prefix: &str) -> Result<Lines, String> {
        let control = self.control()?;
        let about = named(about, "a rule or an alert", prefix)?;
        let why = control.why(about).await;
        let why = why.map_err(|error| error.to_string())?;
        let why = match with_records {
            true => why,
            false => why.without_records(),
        };
        Ok(Lines::of(&why.to_string()))
    }

    fn control(&self) -> Result<&Control, String> {
        let control = self.control.as_ref();
        control.ok_or_else(|| "no rules run here: birl run runs them".to_owned())
    }

    async fn builtin(
        &self,
        builtin: Builtin,
        rest: &str,
        record: &MessageRecord,
        prefix: &str,
    ) -> Result<Lines, String> {
        let control = self.control()?;
        let failed = |error: birl_watch::control::Error| error.to_string();
        let by = record.account.as_deref().unwrap_or(&record.sender);
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
            Builtin::Ack => {
                let alert = named(word, "an alert", prefix)?;
                let alert = control.ack(alert, by, comment).await.map_err(failed)?;
                Ok(Lines::of(&format!(
                    "{by} looks after {}: it is not told again until it is over",
                    alert.words()
                )))
            }
            Builtin::Unack => {
                let alert = named(word, "an alert", prefix)?;
                let alert = control.unack(alert).await.map_err(failed)?;
                Ok(Lines::of(&format!(
                    "nobody looks after {} any more",
                    alert.words()
                )))
            }
            Builtin::Silence => {
                let (matcher, length, comment) = silence_of(rest, prefix)?;
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
                let number = named(word, "a silence", prefix)?.trim_start_matches('#');
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
            Builtin::Help | Builtin::Ask | Builtin::More | Builtin::Cancel | Builtin::Why => {
                unreachable!("it is done elsewhere")
            }
        }
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn named<'w>(word: &'w str, what: &str, prefix: &str) -> Result<&'w str, String> {
    match word {
        "" => Err(format!(
            "{what} has to be named; {prefix}alerts lists those that are there"
        )),
        word => Ok(word),
    }
}

/// What is typed for a silence: which alerts, how long, and why.
fn silence_of(rest: &str, prefix: &str) -> Result<(Matcher, i64, String), String> {
    let example = format!("{prefix}silence error-burst service=api 2h being deployed");
    let mut at = 0;
    let mut quote = None;
    for word in rest.split_inclusive(char::is_whitespace) {
        let is_quoted = quote.is_some();
        for letter in word.chars() {
            match (letter, quote) {
                ('"' | '\'', None) => quote = Some(letter),
                (letter, Some(open)) if letter == open => quote = None,
                _ => {}
            }
        }
        let length = duration(word.trim()).ok().filter(|length| *length > 0);
        if let (Some(length), false) = (length, is_quoted) {
            if at == 0 {
                return Err(format!("for what? A rule, or * for any: {example}"));
            }
            let matcher = rest[..at].parse::<Matcher>();
            let matcher = matcher.map_err(|error| error.to_string())?;
            let comment = rest[at + word.len()..].trim().to_owned();
            return Ok((matcher, length, comment));
        }
        at += word.len();
    }
    Err(format!("for how long? Such as 2h: {example}"))
}

fn alerts_lines(alerts: &[OpenAlert]) -> Lines {
    if alerts.is_empty() {
        return Lines::of("no alert is open");
    }
    let lines = alerts.iter().take(ALERTS_MAX).map(|alert| {
        let mut line = format!("{} since {}", alert.words(), moment(alert.since));
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
    let seconds = (status.at - status.since).max(0).unsigned_abs() / 1_000_000_000;
    let mut lines = vec![format!(
        "birl {}, up {}: {}, {} open",
        status.version,
        about(Duration::from_secs(seconds)),
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
