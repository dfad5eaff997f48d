//! Rules over logs of the past: what would have been sent.

use std::ffi::OsString;

use birl_scan::Event;
use birl_source::{Error as SourceError, Origin};
use birl_stream::try_stream;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use tokio::task::spawn_blocking;

use crate::alert::{Alert, State};
use crate::asked::{Asked, Evidence, How, Item, Surroundings};
use crate::config::{Config, Error};
use crate::engine::{Engine, Notice};
use crate::past::Log;

/// What a replay tells.
#[derive(Debug)]
pub enum Replayed {
    /// An alert that would have been sent, and to which places.
    Alert(Box<Alert>, Vec<String>),
    /// Something happened to a log: it could not be read, or not wholly.
    Event(Event),
    /// There is something to be said of a rule.
    Note(String),
}

/// Runs the rules over `logs`, in place of their sources. All clocks are the time of the records: the
/// same logs give the same alerts, in the order of when they would have been found.
///
/// It must run within a tokio runtime. Nothing is read before it is polled; dropping it ends it.
///
/// # Errors
/// What is wrong with a rule, or went wrong with its answer, is the last item.
pub fn replay(
    config: Config,
    logs: Vec<OsString>,
    around: Surroundings,
) -> impl Stream<Item = Result<Replayed, Error>> + Send {
    try_stream! {
        let mut read = Vec::new();
        for log in logs {
            let name = log.clone();
            // A pipe may say nothing for long.
            let kept = spawn_blocking(move || Log::kept(name)).await;
            match kept.unwrap_or_else(|error| panic!("keeping a log panicked: {error}")) {
                Ok(log) => read.push(log),
                Err(error) => {
                    let origin = match log == "-" {
                        true => Origin::stdin(),
                        false => Origin::file(log),
                    };
                    yield Replayed::Event(Event::Problem(SourceError::io("keep", origin, error)));
                }
            }
        }
        let logs = read;
        let mut engine = Engine::new(&config);
        let order = engine.order();
        let mut rules = Vec::new();
        for (number, rule) in config.rules.iter().enumerate() {
            let how = How::Replay(&logs);
            let asked = Asked::plan(rule, &config.file, &config.sources, how, &around).await?;
            for field in &asked.unknown_fields {
                let name = &rule.name;
                yield Replayed::Note(format!("rule {name:?}: no sampled record has a field {field:?}"));
            }
            engine.group_by(number, &asked.keys);
            let (oldest, newest) = asked.span(rule, &config.file).await?;
            if let Some(oldest) = oldest {
                engine.begin(number, oldest);
            }
            let evidence = asked.evidence.clone();
            let items = asked.run(rule, &config.file, oldest)?;
            rules.push(Replaying { items, next: None, has_ended: false, newest, evidence });
        }
        loop {
            for rule in &mut rules {
                while rule.next.is_none() && !rule.has_ended {
                    match rule.items.next().await.transpose()? {
                        Some(Item::Event(event)) => yield Replayed::Event(event),
                        Some(item) => rule.next = Some(item),
                        None => rule.has_ended = true,
                    }
                }
            }
            // Of those at the same time, rules come first that others wait for.
            let next = order.iter().copied().filter_map(|rule| Some((rules[rule].time()?, rule)));
            let Some((time, number)) = next.min_by_key(|(time, _)| *time) else {
                break;
            };
            let mut notices = Vec::new();
            for rule in &order {
                // What happens at this very moment may still come, and what lies behind the end of the
                // logs has not been seen.
                if let Some(newest) = rules[*rule].newest {
                    notices.extend(engine.pass(*rule, time.saturating_sub(1).min(newest)));
                }
            }
            notices.sort_by_key(|notice| notice.alert.at);
            match rules[number].next.take() {
                Some(Item::Window(window, rows)) => {
                    let newest = rules[number].newest;
                    let is_whole = newest.is_some_and(|newest| window.end <= newest);
                    notices.extend(engine.window(number, window, rows, is_whole));
                }
                Some(Item::Record { row, time, line }) => {
                    notices.extend(engine.record(number, row, time, line));
                }
                // These come of what is live.
                Some(
                    Item::SoFar(..) | Item::Time(_) | Item::Event(_) | Item::Checkpoint { .. },
                )
                | None => {}
            }
            for notice in notices {
                let evidence = &rules[notice.rule].evidence;
                yield told(notice, &mut engine, &config, evidence).await?;
            }
        }
        let mut notices = Vec::new();
        for rule in &order {
            if let Some(newest) = rules[*rule].newest {
                notices.extend(engine.pass(*rule, newest));
            }
        }
        notices.sort_by_key(|notice| notice.alert.at);
        for notice in notices {
            let evidence = &rules[notice.rule].evidence;
            yield told(notice, &mut engine, &config, evidence).await?;
        }
    }
}

/// A rule whose answers are read.
struct Replaying {
    items: BoxStream<'static, Result<Item, Error>>,
    next: Option<Item>,
    has_ended: bool,
    /// When the newest record of its logs was.
    newest: Option<i64>,
    evidence: Evidence,
}

impl Replaying {
    /// When it was what comes next.
    fn time(&self) -> Option<i64> {
        match self.next.as_ref()? {
            Item::Window(window, _) => Some(window.end),
            Item::Record { time, .. } => Some(*time),
            Item::SoFar(..) | Item::Time(_) | Item::Event(_) | Item::Checkpoint { .. } => None,
        }
    }
}

/// An alert with all that is to be said.
async fn told(
    mut notice: Notice,
    engine: &mut Engine,
    config: &Config,
    evidence: &Evidence,
) -> Result<Replayed, Error> {
    let rule = &config.rules[notice.rule];
    notice.add_command(evidence);
    if notice.wants_samples() {
        notice.add_samples(rule, &config.file, evidence).await?;
    }
    notice.write_text(engine);
    let places = notice.places(rule).into_iter().cloned().collect();
    let alert = notice.alert;
    if alert.state == State::Firing {
        engine.was_told(notice.rule, &alert.group, alert.at);
    }
    Ok(Replayed::Alert(Box::new(alert), places))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;
    use std::path::Path;

    use birl_net::Proxies;
    use birl_record::format::Formats;
    use birl_record::time::Clock;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::places;

    #[tokio::test(flavor = "multi_thread")]
    async fn what_a_window_keeps_has_an_end_that_says_what_to_do() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("app.log");
        let mut text = String::new();
        // Of one window, and several times what a rule has here.
        for n in 0..40_000 {
            let words = "x".repeat(100);
            writeln!(
                text,
                "{{\"time\":1773496800,\"n\":{n},\"words\":\"{words}{n}\"}}"
            )
            .unwrap();
        }
        std::fs::write(&log, text).unwrap();
        let clock = Clock {
            now: 0,
            zone: TimeZone::UTC,
            newest: None,
        };
        let rules = "[source.app]\nfrom = 'x'\n[rule.sorted]\n\
                     query = '* |> sort words |> dedup n |> count'\nwhen = 'count > 1'\n";
        let config = Config::parse(rules, Path::new("birl.toml"), &clock).unwrap();
        let around = Surroundings {
            variable: |_| None,
            formats: Formats::default(),
            clock,
            clock_stands: true,
            threads: 1,
            memory_bytes: 2 << 20,
            places: places::Surroundings {
                variable: |_| None,
                proxies: Proxies::default(),
                stdout: std::sync::Arc::new(std::sync::Mutex::new(std::io::sink())),
                rooms: std::sync::Arc::new(places::NoRooms),
            },
        };
        let replayed = replay(config, vec![log.into()], around);
        let replayed: Vec<_> = replayed.collect().await;
        let error = replayed.last().unwrap().as_ref().unwrap_err().to_string();
        let (message, hint) = error.split_once("\n\nhint: ").unwrap();
        assert!(
            message.starts_with("birl.toml:3: rule \"sorted\": the query needs more memory")
                && message.ends_with(": a rule has 2 MiB"),
            "{message}"
        );
        assert!(hint.starts_with("take a shorter window"), "{hint}");
    }
}
