//! The query of a rule, asked in a task of its own.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use birl_query::Closing;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::asked::{Evidence, Item};
use crate::config::Error;
use crate::judge::Row;
use crate::status;
use crate::store::Checkpoint;

/// What comes of the task of a rule.
pub(super) enum Came {
    Item(Item),
    /// Why it ended before its end.
    Failed(String),
    Ended,
}

/// The task that asks the query of a rule.
pub(super) struct Asking {
    pub(super) number: u64,
    items: Option<BoxStream<'static, Result<Item, Error>>>,
    task: Option<JoinHandle<()>>,
    pub(super) evidence: Evidence,
    pub(super) closing: Closing,
    /// By what the rows of the answer are told apart, where the rule does not say so.
    pub(super) keys: Vec<String>,
    /// How far time has come, as the windows say.
    pub(super) time: Option<i64>,
    /// How long ago the last record was when it came.
    pub(super) lag: i64,
    /// How far it has come.
    pub(super) newest: Option<i64>,
    /// All that was there at the start has come.
    pub(super) has_caught_up: bool,
    /// Nothing more comes.
    pub(super) has_ended: bool,
    /// When it is to be asked again.
    pub(super) again: Option<Instant>,
    /// The alerts since the last barrier, which are written down with the state at the next one.
    pub(super) found: Checkpoint,
    pub(super) alerts: u64,
    pub(super) last: Option<status::Answer>,
    pub(super) problem: Option<status::Problem>,
}

impl Asking {
    /// The query has given these rows, of a window as far as that moment.
    pub(super) fn answered(&mut self, at: i64, rows: &[Row]) {
        if let Some(row) = rows.first() {
            self.last = Some(status::Answer {
                at,
                text: serde_json::Value::Object(row.values.clone()).to_string(),
            });
        }
    }

    /// What is shown of a rule goes on as it was of `before`; and where its query goes on, how far that has come.
    pub(super) fn show_as(&mut self, before: &Self, goes_on: bool) {
        (self.alerts, self.lag) = (before.alerts, before.lag);
        self.last.clone_from(&before.last);
        if goes_on {
            (self.time, self.newest) = (before.time, before.newest);
        }
    }

    /// What gives these items. It waits until it is [begun](Self::begin): others may still be made that
    /// are to see all that it sees.
    pub(super) fn new(
        number: u64,
        items: BoxStream<'static, Result<Item, Error>>,
        (evidence, closing, keys): (Evidence, Closing, Vec<String>),
    ) -> Self {
        Self {
            number,
            items: Some(items),
            task: None,
            evidence,
            closing,
            keys,
            time: None,
            lag: 0,
            newest: None,
            has_caught_up: false,
            has_ended: false,
            again: None,
            found: Checkpoint::default(),
            alerts: 0,
            last: None,
            problem: None,
        }
    }

    /// Hands on what comes, with its number.
    pub(super) fn begin(&mut self, sender: &mpsc::Sender<(u64, Came)>) {
        if let Some(items) = self.items.take() {
            let forward = forward(self.number, items, sender.clone());
            self.task = Some(tokio::spawn(forward));
        }
    }

    /// Whether something may still come of it.
    pub(super) fn is_running(&self) -> bool {
        !self.has_ended && self.again.is_none()
    }

    /// Ends it, and waits until it has let go of its sources. What it has found is given.
    pub(super) async fn end(&mut self) -> Checkpoint {
        self.items = None;
        if let Some(task) = self.task.take() {
            task.abort();
            // It says that it was aborted.
            let _ = task.await;
        }
        std::mem::take(&mut self.found)
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// What a panic says.
fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("nothing more is known")
}

async fn forward(
    number: u64,
    mut items: BoxStream<'static, Result<Item, Error>>,
    sender: mpsc::Sender<(u64, Came)>,
) {
    // A task that panicked would be waited for for ever.
    while let Some(item) = AssertUnwindSafe(items.next())
        .catch_unwind()
        .await
        .transpose()
    {
        let came = match item {
            Ok(Ok(item)) => Came::Item(item),
            Ok(Err(error)) => Came::Failed(error.to_string()),
            Err(panic) => Came::Failed(format!("it panicked: {}", text_of(&*panic))),
        };
        let has_failed = matches!(came, Came::Failed(_));
        if sender.send((number, came)).await.is_err() || has_failed {
            return;
        }
    }
    // Whoever asked may be gone.
    let _ = sender.send((number, Came::Ended)).await;
}
