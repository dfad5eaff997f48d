//! What comes of sources that do not end, gathered to micro-batches.

use std::time::Duration;

use birl_scan::Event;
use datafusion::arrow::array::RecordBatch;
use datafusion::common::Result;
use futures::{FutureExt, StreamExt};
use tokio::time::Instant;

use crate::scan::ToRows;

/// With so many records a micro-batch is full.
const RECORDS_MAX: usize = 8192;

/// For so long what has come is gathered, as long as more is at hand.
const GATHERING: Duration = Duration::from_millis(2);

/// Takes what comes.
#[derive(Debug)]
pub(crate) struct Intake {
    events: birl_scan::Live,
    to_rows: ToRows,
    /// What has come behind the rows that were given last.
    next: Option<Event>,
}

/// What has come.
#[derive(Debug)]
pub(crate) enum Taken {
    /// Rows: what was at hand, and is not empty. Nothing that is at hand waits for more.
    Rows(Vec<RecordBatch>),
    /// Something else, which is never a batch.
    Event(Event),
}

impl Intake {
    pub(crate) fn new(events: birl_scan::Live, to_rows: ToRows) -> Self {
        Self {
            events,
            to_rows,
            next: None,
        }
    }

    /// What comes next; `None` if nothing comes any more. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Result<Option<Taken>> {
        let first = match self.next.take() {
            Some(event) => Some(event),
            None => self.events.next().await,
        };
        let mut batch = match first {
            None => return Ok(None),
            Some(Event::Batch(batch)) => batch,
            Some(event) => return Ok(Some(Taken::Event(event))),
        };
        let end = Instant::now() + GATHERING;
        let mut rows = Vec::new();
        let mut count = 0;
        loop {
            count += batch.matched as usize;
            if batch.matched > 0 {
                rows.push(self.to_rows.of(batch)?);
            }
            if count >= RECORDS_MAX || Instant::now() >= end {
                break;
            }
            match self.events.next().now_or_never().flatten() {
                Some(Event::Batch(next)) => batch = next,
                // That nothing comes any more is said again.
                next => {
                    self.next = next;
                    break;
                }
            }
        }
        Ok(Some(Taken::Rows(rows)))
    }
}
