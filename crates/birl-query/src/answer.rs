//! The stream of answers.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use birl_scan::{Batch, Event, Run};
use birl_source::follow::Positions;
use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::datatypes::{Int32Type, Int64Type, TimestampNanosecondType};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use futures::Stream;
use futures::stream::BoxStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::pipe::Chart;
use crate::plan::Kind;
use crate::scan::{Origin, Told};
use crate::snapshots::{Folded, Snapshot};
use crate::{Error, gaps, guessed};

/// What a query gives.
#[derive(Debug)]
pub enum Answer {
    /// The next rows, in the columns of the [plan's schema](crate::Plan::schema).
    Rows(RecordBatch),
    /// The next records, where rows are records as they stand in the sources: batches as those of a
    /// scan, in the order of the answer.
    Records(Vec<Batch>),
    /// All rows as they are known so far, in place of those before. Only where
    /// [snapshots](crate::Plan::run_with_snapshots) are asked for.
    Snapshot {
        /// The rows.
        rows: Vec<RecordBatch>,
        /// All of the input is in it: no other follows.
        is_last: bool,
    },
    /// The rows of a window of time that has closed: all of them, which may be none. Windows come in
    /// the order of their ends.
    Window {
        /// When it begins, in nanoseconds since 1970 (UTC).
        start: i64,
        /// The first nanosecond after it.
        end: i64,
        /// The rows, in the columns of the plan's schema.
        rows: Vec<RecordBatch>,
    },
    /// The rows of a window of time that is still open, as they are so far. Only where [it is
    /// watched](crate::Live::watches).
    SoFar {
        /// When it begins, in nanoseconds since 1970 (UTC).
        start: i64,
        /// The first nanosecond after it.
        end: i64,
        /// The rows, in the columns of the plan's schema.
        rows: Vec<RecordBatch>,
    },
    /// Time has come to this moment, in nanoseconds since 1970 (UTC): all windows that end by then have
    /// closed. Only where [they are watched](crate::Live::watches).
    Time(i64),
    /// Records that came when all their windows had closed, and are in none. Only where [they are
    /// wanted](crate::Live::keeps_late).
    Late(Batch),
    /// All that stood before a barrier has been answered, or is in this state. Only where
    /// [what is followed](crate::Plan::run_over) has barriers.
    Checkpoint {
        /// The number by which the barrier was asked for.
        barrier: u64,
        /// How far all files have been read at the barrier.
        positions: Arc<Positions>,
        /// What it takes to go on behind the barrier with the same query.
        state: Vec<u8>,
    },
    /// Something happened to a source. It is never a batch, nor a barrier.
    Event(Event),
}

/// The stream of what a query gives.
///
/// Dropping it stops the scans after the chunks that they are at, and frees all memory and files.
pub struct Answers {
    kind: Kind,
    rows: Rows,
    events: mpsc::Receiver<Event>,
    told: Arc<Told>,
    /// The columns that are texts and to be printed as the numbers that they are.
    numbers: Vec<usize>,
}

/// Where the rows come from.
enum Rows {
    Batches(SendableRecordBatchStream),
    Live(BoxStream<'static, Result<Answer, Error>>),
    Snapshots {
        chart: Option<Chart>,
        snapshots: mpsc::Receiver<datafusion::error::Result<Snapshot>>,
        /// What makes them; it ends when this is dropped.
        _task: JoinSet<()>,
    },
    /// There are no more.
    Ended,
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl Answers {
    pub(crate) fn of_batches(
        kind: Kind,
        batches: SendableRecordBatchStream,
        events: mpsc::Receiver<Event>,
        told: Arc<Told>,
    ) -> Self {
        Self {
            kind,
            rows: Rows::Batches(batches),
            events,
            told,
            numbers: Vec::new(),
        }
    }

    pub(crate) fn of_snapshots(
        chart: Option<Chart>,
        folded: Folded,
        every: Duration,
        context: Arc<TaskContext>,
        events: mpsc::Receiver<Event>,
        told: Arc<Told>,
    ) -> Self {
        let (sender, snapshots) = mpsc::channel(1);
        let mut task = JoinSet::new();
        task.spawn(folded.run(every, context, sender));
        Self {
            kind: Kind::Table,
            rows: Rows::Snapshots {
                chart,
                snapshots,
                _task: task,
            },
            events,
            told,
            numbers: Vec::new(),
        }
    }

    pub(crate) fn of_live(
        kind: Kind,
        answers: BoxStream<'static, Result<Answer, Error>>,
        events: mpsc::Receiver<Event>,
        told: Arc<Told>,
    ) -> Self {
        Self {
            kind,
            rows: Rows::Live(answers),
            events,
            told,
            numbers: Vec::new(),
        }
    }

    /// The same, where these columns are texts and to be printed as the numbers that they are.
    pub(crate) fn with_numbers(self, numbers: Vec<usize>) -> Self {
        Self { numbers, ..self }
    }

    /// Says of the rows which columns are numbers.
    fn marked(&self, mut answer: Answer) -> Answer {
        let mark = |rows: &mut RecordBatch| {
            let schema = guessed::marked(rows.schema_ref(), &self.numbers);
            *rows = rows
                .clone()
                .with_schema(schema)
                .expect("types are the same");
        };
        match &mut answer {
            _ if self.numbers.is_empty() => {}
            Answer::Rows(rows) => mark(rows),
            Answer::Snapshot { rows, .. }
            | Answer::Window { rows, .. }
            | Answer::SoFar { rows, .. } => rows.iter_mut().for_each(mark),
            Answer::Records(_)
            | Answer::Time(_)
            | Answer::Late(_)
            | Answer::Checkpoint { .. }
            | Answer::Event(_) => {}
        }
        answer
    }

    fn poll_rows(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Answer, Error>>> {
        match &mut self.rows {
            Rows::Ended => Poll::Ready(None),
            Rows::Live(answers) => answers.as_mut().poll_next(cx),
            Rows::Batches(batches) => loop {
                match ready!(batches.as_mut().poll_next(cx)) {
                    Some(Ok(batch)) if batch.num_rows() == 0 => {}
                    Some(Ok(batch)) => {
                        return Poll::Ready(Some(Ok(answer_of(self.kind, batch, &self.told))));
                    }
                    Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                    None => return Poll::Ready(None),
                }
            },
            Rows::Snapshots {
                chart, snapshots, ..
            } => {
                let snapshot = ready!(snapshots.poll_recv(cx));
                Poll::Ready(snapshot.map(|snapshot| {
                    let Snapshot { mut rows, is_last } = snapshot?;
                    if let Some(chart) = chart {
                        rows = gaps::filled(rows, chart)?;
                    }
                    Ok(Answer::Snapshot { rows, is_last })
                }))
            }
        }
    }
}

impl Stream for Answers {
    type Item = Result<Answer, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // What happened is told before the rows that may follow from it.
        if let Poll::Ready(Some(event)) = self.events.poll_recv(cx) {
            return Poll::Ready(Some(Ok(Answer::Event(event))));
        }
        let answer = ready!(self.poll_rows(cx));
        if !matches!(answer, Some(Ok(_))) {
            // Nothing follows on an error.
            self.rows = Rows::Ended;
        }
        Poll::Ready(match answer {
            // A last event may have come meanwhile.
            None => self
                .events
                .try_recv()
                .ok()
                .map(|event| Ok(Answer::Event(event))),
            answer => answer.map(|answer| answer.map(|answer| self.marked(answer))),
        })
    }
}

/// What an answer of this kind is, as far as these rows.
pub(crate) fn answer_of(kind: Kind, rows: RecordBatch, told: &Told) -> Answer {
    match kind {
        Kind::Records => Answer::Records(records(&rows, told)),
        Kind::Rows | Kind::Table => Answer::Rows(rows),
    }
}

/// Records as a scan gives them, of rows that are records: those that are from the same source and
/// follow on each other in a batch.
fn records(rows: &RecordBatch, told: &Told) -> Vec<Batch> {
    let times = rows.column(0).as_primitive::<TimestampNanosecondType>();
    let offsets = rows.column(1).as_primitive::<Int64Type>();
    let lines = rows.column(2).as_string_view();
    let origins = rows.column(3).as_primitive::<Int32Type>();
    let mut batches = Vec::new();
    let mut start = 0;
    for same in origins.values().chunk_by(|one, other| one == other) {
        let Origin { source, parser } = told.origin(same[0]);
        let mut bytes = Vec::new();
        let runs = (start..start + same.len()).map(|row| {
            let begin = bytes.len();
            bytes.extend_from_slice(lines.value(row).as_bytes());
            bytes.push(b'\n');
            Run {
                range: begin..bytes.len(),
                offset: offsets.value(row) as u64,
                lines_before: 0,
                cut: false,
                time: times.is_valid(row).then(|| times.value(row)),
            }
        });
        let runs: Vec<_> = runs.collect();
        batches.push(Batch {
            source,
            parser,
            bytes: bytes.into(),
            matched: same.len() as u64,
            lines: 0,
            offset: runs[0].offset,
            runs,
            last: false,
            times: Vec::new(),
            columns: None,
            chronology: None,
        });
        start += same.len();
    }
    batches
}
