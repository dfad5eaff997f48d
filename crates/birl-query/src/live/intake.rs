//! What comes of sources, gathered to micro-batches.

use std::sync::Arc;
use std::time::Duration;

use birl_scan::{Batch, Event};
use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::datatypes::TimestampNanosecondType;
use datafusion::common::Result;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::scan::ToRows;

/// With so many records a micro-batch is full.
const RECORDS_MAX: usize = 8192;

/// For so long what has come is gathered, as long as more is at hand.
const GATHERING: Duration = Duration::from_millis(2);

/// Takes what comes.
pub(crate) struct Intake {
    pub(crate) events: BoxStream<'static, Event>,
    pub(crate) to_rows: ToRows,
    /// The column that tells when each record was, where that is wanted.
    pub(crate) time: Option<usize>,
    /// Whether records are kept as they stand.
    pub(crate) keeps_raw: bool,
    pub(crate) stopped: watch::Receiver<bool>,
    /// What has come behind the rows that were given last.
    pub(crate) next: Option<Event>,
}

/// What has come.
#[derive(Debug)]
pub(crate) enum Taken {
    /// Rows: what was at hand. Nothing that is at hand waits for more.
    Rows(Vec<Rows>),
    /// Something else, which is never a batch.
    Event(Event),
}

/// Rows of records of one source, in its order.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) batch: RecordBatch,
    /// When each record was; none where that is not wanted.
    pub(crate) times: Vec<Option<i64>>,
    /// The number of the source.
    pub(crate) source: u64,
    /// Nothing more comes of the source.
    pub(crate) is_last: bool,
    /// The records as they stand.
    raw: Option<Batch>,
}

impl Intake {
    /// What comes next; `None` if nothing comes any more, or nothing more is wanted. Dropping the
    /// future loses nothing.
    pub(crate) async fn next(&mut self) -> Result<Option<Taken>> {
        if *self.stopped.borrow() {
            return Ok(None);
        }
        let first = match self.next.take() {
            Some(event) => Some(event),
            None => tokio::select! {
                biased;
                // An error says that nobody is left who could stop it.
                Ok(_) = self.stopped.wait_for(|stopped| *stopped) => None,
                event = self.events.next() => event,
            },
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
            if batch.matched > 0 || batch.last {
                rows.push(self.rows(batch)?);
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

    fn rows(&self, batch: Batch) -> Result<Rows> {
        let rows = match batch.matched {
            0 => RecordBatch::new_empty(Arc::clone(&self.to_rows.schema)),
            _ => self.to_rows.of(&batch)?,
        };
        let times = self.time.map(|time| {
            let times = rows.column(time).as_primitive::<TimestampNanosecondType>();
            times.iter().collect()
        });
        Ok(Rows {
            times: times.unwrap_or_default(),
            batch: rows,
            source: batch.source.number(),
            is_last: batch.last,
            raw: self.keeps_raw.then_some(batch),
        })
    }
}

impl Rows {
    /// Some of the records as they stand, where they are kept.
    pub(crate) fn raw(&self, rows: &[u32]) -> Option<Batch> {
        let raw = self.raw.as_ref()?;
        let runs = rows.iter().map(|row| raw.runs[*row as usize].clone());
        Some(Batch {
            runs: runs.collect(),
            matched: rows.len() as u64,
            lines: 0,
            last: false,
            columns: None,
            ..raw.clone()
        })
    }
}
