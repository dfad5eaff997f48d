//! From the outbox to the places, until each alert is taken.
//!
//! A task for each place takes its alerts from the outbox in order, and goes on to the next when one is
//! taken. A place that is away keeps its alerts waiting, over the end of the process too; others do not
//! notice. Where a place takes only so many in a minute, the rest is told of by one alert; and where a place folds,
//! what follows on an alert of the same rule within a time is told of together.

mod budget;
mod folds;
pub(crate) mod summary;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use birl_stream::Backoff;
use futures::FutureExt;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{error, info, warn};

use crate::alert::State;
use crate::place::{Place, Undelivered};
use crate::status::{self, Problem, Status};
use crate::store::{Entry, Error, Message, Store, now};
use budget::Budget;
use folds::{Course, Folds};

pub use summary::HELD_BACK;

/// The first wait after an alert was not taken is up to this; it doubles with each.
const BACKOFF_FIRST: Duration = Duration::from_millis(500);

/// The longest wait, unless the place asks for more.
const BACKOFF_MAX: Duration = Duration::from_secs(60);

/// How long what the state did not take waits to be tried again. It asks nobody else, so that goes on as soon as
/// there is room on the disk.
const STATE_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// A wait that a place asks for, or that is left from before the process began, is kept to, but for no
/// longer than this: somebody's clock may have been wrong.
const KEPT_WAIT_MAX: Duration = Duration::from_secs(3600);

/// A place, and how it is to be treated.
#[derive(Clone, Debug)]
pub struct Target {
    /// The place.
    pub place: Arc<dyn Place>,
    /// What it is, for people: `webhook`, `slack` and so on.
    pub kind: &'static str,
    /// How many alerts it gets in a minute at most; what is more is told of together.
    pub max_per_minute: Option<NonZeroU32>,
    /// For how long alerts of a rule wait behind one that was sent, to be told of together.
    pub fold: Option<Duration>,
}

/// The tasks that empty an outbox. Dropping it ends them at once; what they were sending may have been
/// taken, and will be sent again.
#[derive(Debug)]
pub struct Deliverer {
    /// Those that give way to others are among them until they have ended.
    tasks: JoinSet<()>,
    ending: watch::Sender<Ending>,
    /// By the name of its place, what is dropped when a task has ended.
    ended: BTreeMap<String, oneshot::Receiver<()>>,
}

/// What a task is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// To go on.
    No,
    /// To end as soon as something would have to be waited for.
    WhenItWaits,
    /// To end behind the alert that it is sending.
    BehindThis,
}

impl Deliverer {
    /// Begins to send what is in the outbox of `store`, and what comes into it, to `targets` by their
    /// names. How it goes is kept in the places of `status`.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn start(
        store: &Store,
        targets: BTreeMap<String, Target>,
        status: &watch::Sender<Status>,
    ) -> Result<Self, Error> {
        let mut deliverer = Self {
            tasks: JoinSet::new(),
            ending: watch::Sender::new(Ending::No),
            ended: BTreeMap::new(),
        };
        deliverer.replace(store, targets, status).await?;
        Ok(deliverer)
    }

    /// Goes on with other targets. What is being sent is sent to its end first, and what is behind it at a
    /// place is sent after that: nothing is sent twice, and no order changes. Nothing is waited for.
    ///
    /// # Errors
    ///
    /// If the store cannot be read; all goes on as it was then.
    pub async fn replace(
        &mut self,
        store: &Store,
        targets: BTreeMap<String, Target>,
        status: &watch::Sender<Status>,
    ) -> Result<(), Error> {
        let mut places = Vec::new();
        for (name, target) in &targets {
            let counts = store.counts(name).await?;
            places.push(status::Place {
                name: name.clone(),
                kind: target.kind.to_owned(),
                waiting: counts.waiting,
                dead: counts.dead,
                ..status::Place::default()
            });
        }
        for (name, waiting) in store.waiting().await? {
            if targets.contains_key(&name) {
                continue;
            }
            warn!(
                place = name,
                waiting, "alerts wait for a place that is not in the configuration"
            );
            places.push(status::Place {
                name,
                kind: "gone".to_owned(),
                waiting,
                ..status::Place::default()
            });
        }
        status.send_modify(|status| {
            // Another configuration does not make birl forget what it has counted.
            for place in &mut places {
                let before = status
                    .places
                    .iter()
                    .find(|before| before.name == place.name);
                if let Some(before) = before {
                    place.taken = before.taken;
                    place.held_back = before.held_back;
                    place.last_taken = before.last_taken;
                }
            }
            status.places = places;
        });
        self.ending.send_replace(Ending::BehindThis);
        self.ending = watch::Sender::new(Ending::No);
        while self.tasks.try_join_next().is_some() {}
        let mut before = std::mem::take(&mut self.ended);
        for (name, target) in targets {
            let runner = Runner {
                budget: Budget::new(target.max_per_minute),
                folds: Folds::new(target.fold),
                name: name.clone(),
                target,
                store: store.clone(),
                arrivals: store.arrivals(),
                status: status.clone(),
                backoff: Backoff::new(BACKOFF_FIRST, BACKOFF_MAX),
                retry: None,
                failures: 0,
                told: None,
            };
            let (running, ended) = oneshot::channel();
            let before = before.remove(&name);
            self.ended.insert(name, ended);
            let ending = self.ending.subscribe();
            self.tasks.spawn(async move {
                if let Some(before) = before {
                    // Nothing is ever sent there: it ends with the task.
                    let _ = before.await;
                }
                runner.run(ending).await;
                drop::<oneshot::Sender<()>>(running);
            });
        }
        Ok(())
    }

    /// Sends what can be sent without waiting, and ends; at `deadline` in any case. What is left is
    /// sent when birl runs again.
    pub async fn stop(mut self, deadline: Duration) {
        self.ending.send_replace(Ending::WhenItWaits);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(deadline, all).await.is_err() {
            self.tasks.shutdown().await;
        }
    }
}

/// What empties the outbox of one place.
struct Runner {
    name: String,
    target: Target,
    store: Store,
    /// Changes whenever something has come into the outbox.
    arrivals: watch::Receiver<u64>,
    status: watch::Sender<Status>,
    backoff: Backoff,
    budget: Budget,
    folds: Folds,
    /// The alert that was not taken last, and when it is to be tried again.
    retry: Option<(i64, Instant)>,
    /// How many times in a row an alert was not taken.
    failures: u32,
    /// What was told last of what goes wrong, so that it is not told again and again.
    told: Option<String>,
}

/// Everything is to end, and something would have to be waited for.
struct Stopped;

impl Runner {
    async fn run(mut self, mut stop: watch::Receiver<Ending>) {
        self.count().await;
        // What waited for others when the process ended has waited long enough.
        while let Err(error) = self.store.take_all_up(&self.name).await {
            if self.state_failed(&error, &mut stop).await.is_err() {
                return;
            }
        }
        loop {
            if *stop.borrow() == Ending::BehindThis {
                return;
            }
            if let Some(rule) = self.folds.take_due(Instant::now())
                && self.fold_rule(rule, &mut stop).await.is_err()
            {
                return;
            }
            // Before the outbox is looked at, so that nothing comes unseen.
            if self.arrivals.has_changed().unwrap_or(false) {
                self.arrivals.mark_unchanged();
                self.count().await;
            }
            let entry = match self.store.next(&self.name).await {
                Ok(Some(entry)) => entry,
                Ok(None) => tokio::select! {
                    biased;
                    _ = self.arrivals.changed() => {
                        self.count().await;
                        continue;
                    }
                    () = stopped(&mut stop) => return,
                    () = sleep_until_some(self.folds.next_due()) => continue,
                },
                Err(error) => match self.state_failed(&error, &mut stop).await {
                    Ok(()) => continue,
                    Err(Stopped) => return,
                },
            };
            if self.step(entry, &mut stop).await.is_err() {
                return;
            }
        }
    }

    /// Sends one alert, as soon as it may be.
    async fn step(
        &mut self,
        entry: Entry,
        stop: &mut watch::Receiver<Ending>,
    ) -> Result<(), Stopped> {
        if let Some(end) = self.budget.used_up_until(Instant::now()) {
            self.pause_until(end, stop).await?;
            return self.fold(stop).await;
        }
        if self.waits_for_others(&entry, stop).await? {
            return Ok(());
        }
        if let Some(due) = self.due(&entry) {
            self.pause_until(due, stop).await?;
        }
        let before = match self.store.message_before(&self.name, &entry.alert).await {
            Ok(before) => before,
            Err(error) => {
                return self.state_failed(&error, stop).await;
            }
        };
        let shown = before.as_ref().map(|before| before.text.as_str());
        let sending = self.target.place.send_behind(&entry.alert, shown);
        let sending = AssertUnwindSafe(sending).catch_unwind().await;
        let sent = sending.unwrap_or_else(|_| {
            Err(Undelivered::ForNow {
                reason: "the place panicked, which is a defect of birl".to_owned(),
                after: None,
            })
        });
        match sent {
            Ok(kept) => self.taken(&entry, (before, kept), stop).await,
            Err(Undelivered::ForNow { reason, after }) => {
                self.postpone(&entry, reason, after).await;
                Ok(())
            }
            Err(Undelivered::ForGood { reason }) => self.bury(&entry, reason, stop).await,
        }
    }

    /// Puts an alert aside that is to be told of together with others of its rule.
    async fn waits_for_others(
        &mut self,
        entry: &Entry,
        stop: &mut watch::Receiver<Ending>,
    ) -> Result<bool, Stopped> {
        let (store, alert) = (self.store.clone(), &entry.alert);
        let waits = async {
            let waits = match self.folds.course(alert) {
                Course::Goes => false,
                Course::Waits => true,
                Course::GoesWithItsBeginning => !store.has_been_told(&self.name, &alert.id).await?,
            };
            if waits {
                store.put_aside(entry.seq).await?;
            }
            Ok(waits)
        };
        match waits.await {
            Ok(waits) => {
                if waits {
                    self.folds.begin(&alert.rule, Instant::now());
                }
                Ok(waits)
            }
            Err(error) => {
                self.state_failed(&error, stop).await?;
                // It is next again.
                Ok(true)
            }
        }
    }

    /// Tells of those of a rule together that were put aside.
    async fn fold_rule(
        &mut self,
        rule: String,
        stop: &mut watch::Receiver<Ending>,
    ) -> Result<(), Stopped> {
        match self.store.fold_rule(&self.name, &rule).await {
            // What is one is sent as it is, and what follows waits then.
            Ok(0 | 1) => Ok(()),
            Ok(_) => {
                self.folds.begin(&rule, Instant::now());
                self.count().await;
                Ok(())
            }
            Err(error) => {
                self.folds.begin(&rule, Instant::now());
                self.state_failed(&error, stop).await
            }
        }
    }

    /// When an alert that was tried before is to be tried again.
    fn due(&mut self, entry: &Entry) -> Option<Instant> {
        match self.retry.take() {
            Some((seq, due)) if seq == entry.seq => Some(due),
            _ => {
                // From before the process began, by the clock.
                let wait = u64::try_from(entry.next_try.saturating_sub(now())).ok()?;
                let wait = Duration::from_nanos(wait).min(KEPT_WAIT_MAX);
                Some(Instant::now() + wait)
            }
        }
    }

    async fn taken(
        &mut self,
        entry: &Entry,
        (before, kept): (Option<Message>, Option<String>),
        stop: &mut watch::Receiver<Ending>,
    ) -> Result<(), Stopped> {
        self.budget.spend(Instant::now());
        if entry.alert.state == State::Firing && entry.alert.rule != HELD_BACK {
            self.folds.begin(&entry.alert.rule, Instant::now());
        }
        if self.failures > 0 {
            info!(
                place = self.name,
                failures = self.failures,
                "alerts are taken again"
            );
        }
        self.settled();
        // Until that is written it would be sent again.
        let messages = (before.map(|before| before.id), kept);
        while let Err(error) = self
            .store
            .taken(entry.seq, &self.name, &entry.alert, messages.clone())
            .await
        {
            self.state_failed(&error, stop).await?;
        }
        self.settled();
        self.tell(|place| {
            place.taken += 1;
            place.waiting = place.waiting.saturating_sub(1);
            place.held_back += entry.held_back;
            place.last_taken = Some(now());
            place.problem = None;
        });
        Ok(())
    }

    /// The other side is away or busy: the alert stays where it is.
    async fn postpone(&mut self, entry: &Entry, reason: String, after: Option<Duration>) {
        self.failures += 1;
        let wait = self.wait() + after.unwrap_or_default().min(KEPT_WAIT_MAX);
        self.retry = Some((entry.seq, wait));
        let next_try = now().saturating_add(nanoseconds(wait - Instant::now()));
        // What is not written is known all the same, as long as the process lives.
        if let Err(error) = self.store.postpone(entry.seq, next_try).await {
            self.tell_of_state(&error);
        }
        if self.told.as_ref() != Some(&reason) {
            warn!(
                place = self.name,
                reason, "an alert was not taken, and is tried again"
            );
            self.told = Some(reason.clone());
        }
        let failures = self.failures;
        self.tell(|place| {
            place.failures = failures;
            place.next_try = Some(next_try);
            place.problem = Some(Problem { at: now(), reason });
        });
    }

    /// The other side will never take the alert.
    async fn bury(
        &mut self,
        entry: &Entry,
        reason: String,
        stop: &mut watch::Receiver<Ending>,
    ) -> Result<(), Stopped> {
        error!(
            place = self.name,
            rule = entry.alert.rule,
            id = entry.alert.id,
            reason,
            "an alert will never be taken, and is kept as a dead letter"
        );
        self.settled();
        while let Err(error) = self.store.bury(entry.seq, &reason).await {
            self.state_failed(&error, stop).await?;
        }
        self.settled();
        self.tell(|place| {
            place.dead += 1;
            place.waiting = place.waiting.saturating_sub(1);
            place.problem = Some(Problem { at: now(), reason });
        });
        Ok(())
    }

    /// A minute is over in which there were too many: what waits becomes one alert.
    async fn fold(&mut self, stop: &mut watch::Receiver<Ending>) -> Result<(), Stopped> {
        let max = self.target.max_per_minute.map_or(0, NonZeroU32::get);
        match self.store.fold(&self.name, max).await {
            Ok(0) => {}
            Ok(count) => warn!(
                place = self.name,
                count, "alerts were held back, and are told of together"
            ),
            Err(error) => {
                return self.state_failed(&error, stop).await;
            }
        }
        self.budget.begin();
        self.count().await;
        Ok(())
    }

    /// Nothing is wrong any more.
    fn settled(&mut self) {
        // What works is healthy at once: each alert is an attempt of its own.
        self.backoff.worked_for(Duration::MAX);
        self.failures = 0;
        self.retry = None;
        self.told = None;
        self.tell(|place| {
            place.failures = 0;
            place.next_try = None;
        });
    }

    /// The state could not be read or written: waits until that is to be tried again.
    async fn state_failed(
        &mut self,
        error: &Error,
        stop: &mut watch::Receiver<Ending>,
    ) -> Result<(), Stopped> {
        self.tell_of_state(error);
        self.pause_until(Instant::now() + STATE_AGAIN_AFTER, stop)
            .await
    }

    fn tell_of_state(&mut self, error: &Error) {
        let reason = error.message().to_owned();
        if self.told.as_ref() != Some(&reason) {
            error!(place = self.name, "{reason}");
            self.told = Some(reason.clone());
        }
        self.tell(|place| place.problem = Some(Problem { at: now(), reason }));
    }

    /// When the next attempt is due after one that failed.
    fn wait(&mut self) -> Instant {
        Instant::now() + self.backoff.fail().unwrap_or(BACKOFF_MAX)
    }

    /// Waits; meanwhile it counts what comes.
    async fn pause_until(
        &mut self,
        end: Instant,
        stop: &mut watch::Receiver<Ending>,
    ) -> Result<(), Stopped> {
        loop {
            tokio::select! {
                biased;
                () = sleep_until(end) => return Ok(()),
                () = stopped(stop) => return Err(Stopped),
                _ = self.arrivals.changed() => {}
            }
            self.count().await;
        }
    }

    /// Tells how many alerts wait. Of a long queue that takes a while, so it is done when something
    /// has come, and not with each that goes.
    async fn count(&self) {
        // A store that cannot be read is told of by whatever needs it.
        if let Ok(counts) = self.store.counts(&self.name).await {
            self.tell(|place| {
                place.waiting = counts.waiting;
                place.dead = counts.dead;
            });
        }
    }

    fn tell(&self, change: impl FnOnce(&mut status::Place)) {
        self.status.send_modify(|status| {
            if let Some(place) = status.places.iter_mut().find(|it| it.name == self.name) {
                change(place);
            }
        });
    }
}

/// Returns at a time, if there is one.
async fn sleep_until_some(end: Option<Instant>) {
    match end {
        Some(end) => sleep_until(end).await,
        None => std::future::pending().await,
    }
}

/// Returns when everything is to end.
async fn stopped(stop: &mut watch::Receiver<Ending>) {
    // Whoever could say so is gone: then this is dropped too.
    let _ = stop.wait_for(|stop| *stop != Ending::No).await;
}

fn nanoseconds(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
