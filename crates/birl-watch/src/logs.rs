//! The sources of a configuration, asked by people now and then, as from a chat room.
//!
//! An answer is whole or it says that it is not: it costs no more time and memory than it may, and
//! holds no more rows than are shown.

use std::collections::VecDeque;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use birl_query::{
    Answer, Chart, GiveUp, Kind, Limits, Plan, Rows, Scans, Schema, Session, Sources,
};
use birl_record::format::Parser;
use birl_record::query;
use birl_record::search;
use birl_record::time::Clock;
use birl_render::{
    DisplayZone, Entry, Fields, Pretty, RenderRecord, Theme, compacted, is_hard_to_read,
};
use birl_scan::{Batch, Event, Progress, Run, Snapshot, fields};
use birl_source::name::Name;
use futures::StreamExt;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, interval, sleep, sleep_until, timeout};

use crate::asked::Surroundings;
use crate::config::{Config, Error, Source};
use crate::sources::{Read, is_written, names_of};
use crate::store::now;

/// How often it is told how far an answer is.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);
/// So many questions are answered at once: whoever asks is not to slow down what watches.
const QUESTIONS_MAX: usize = 2;
/// So many threads work on a question, beside those that read.
const QUESTION_THREADS: usize = 2;
/// So long is waited until the tasks of a question that is over have stopped, and so often it is looked whether they have.
const STOP_WITHIN: Duration = Duration::from_secs(2);
const STOP_LOOK_EVERY: Duration = Duration::from_millis(1);
/// So many steps of an answer may wait to be taken.
const STEPS_MAX: usize = 8;
/// A longer record is shown cut, in bytes.
const LINE_BYTES_MAX: usize = 4096;
/// So much of a record is kept, to be read before it is shown.
const RECORD_BYTES_MAX: usize = 16 << 10;
/// So many rows of a chart are kept.
const CHART_ROWS_MAX: usize = 20_000;
/// So many things that went wrong are told.
const PROBLEMS_MAX: usize = 3;

/// The sources of a file, to be asked.
#[derive(Clone, Debug)]
pub struct Logs {
    file: PathBuf,
    sources: Arc<[Source]>,
    around: Surroundings,
    questions: Arc<Semaphore>,
}

/// Something that is asked of some of the sources.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The query.
    pub query: String,
    /// The names of the sources; all where none is named.
    pub sources: Vec<String>,
    /// What the answer may cost.
    pub budget: Budget,
}

/// What an answer may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// How long it may take. What is known by then is given.
    pub time: Duration,
    /// How many bytes may be held for groups, sorts and joins. What does not fit there is not written
    /// to files: the answer fails.
    pub memory_bytes: usize,
    /// How many rows are kept, at least 1, but for those of a chart; the others are counted.
    pub rows: usize,
}

impl Default for Budget {
    /// Half a minute, 256 MiB and 200 rows.
    fn default() -> Self {
        Self {
            time: Duration::from_secs(30),
            memory_bytes: 256 << 20,
            rows: 200,
        }
    }
}

/// What has been found.
#[derive(Debug)]
pub struct Found {
    /// What was kept of it.
    pub kept: Kept,
    /// How many rows or records there are.
    pub count: u64,
    /// What to say about it: what could not be read, and what no record has.
    pub remarks: Vec<String>,
    /// How much of the sources had been read when the time was up; `None` if all was.
    pub cut_off: Option<Snapshot>,
}

/// What is kept of an answer.
#[derive(Debug)]
pub enum Kept {
    /// Rows: the first ones of those that are sorted or grouped, else the last.
    Rows {
        /// Their columns.
        schema: Schema,
        /// The rows.
        rows: Vec<Rows>,
        /// Whether they are the first.
        are_first: bool,
        /// What chart they are, if they are of bins of time.
        chart: Option<Chart>,
    },
    /// Records as they stand in the sources, but for those of JSON, which are shown as [`Pretty`] does: the last ones,
    /// without their line ends. A long one is cut.
    Records(Vec<String>),
}

/// A question that has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unanswered(String);

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unanswered {}

impl From<Error> for Unanswered {
    fn from(error: Error) -> Self {
        Self(error.to_string())
    }
}

impl Logs {
    /// The sources of a file.
    pub fn new(config: &Config, around: &Surroundings) -> Self {
        Self {
            file: config.file.clone(),
            sources: config.sources.clone().into(),
            around: around.clone(),
            questions: Arc::new(Semaphore::new(QUESTIONS_MAX)),
        }
    }

    /// The sources of another text of the file. Questions about them and those about the sources before are
    /// counted together.
    pub fn of(&self, config: &Config) -> Self {
        Self {
            questions: Arc::clone(&self.questions),
            ..Self::new(config, &self.around)
        }
    }

    /// Answers a question, and tells each second how far that is. It must be called within a tokio
    /// runtime. Dropping the future gives it up: the scans stop after the chunks that they are at.
    ///
    /// Of its sources, those are read that are files. A query reads nothing else: no file that it names,
    /// and it writes nothing. It runs on threads of its own, so that whatever it does nobody else waits for
    /// it but the questions behind it: two are answered at a time, and one that is given up counts until it
    /// has stopped, within a moment.
    ///
    /// # Errors
    /// Where the question is none, where no source that it is of can be read again, where an answer
    /// takes too much memory, and where too many questions are being answered.
    pub async fn ask(
        &self,
        question: &Question,
        mut tell: impl FnMut(Snapshot),
    ) -> Result<Found, Unanswered> {
        let time = question.budget.time;
        let until = Instant::now() + time;
        let Ok(permit) = timeout(time, Arc::clone(&self.questions).acquire_owned()).await else {
            return Err(Unanswered(
                "too many questions are being answered: ask again later".to_owned(),
            ));
        };
        // It is never closed.
        let permit = permit.ok();
        let (sender, mut steps) = mpsc::channel(STEPS_MAX);
        let (logs, asked) = (self.clone(), question.clone());
        let gone = GivenUpWhenDropped(GiveUp::default());
        let give_up = gone.0.clone();
        let thread = thread::Builder::new().name("question".to_owned());
        let spawned = thread.spawn(move || {
            logs.run(&asked, sender, &give_up);
            drop(permit);
        });
        spawned.map_err(|error| Unanswered(format!("there is no thread for it: {error}")))?;
        let mut begun: Option<(Finding, Scans)> = None;
        let mut ticks = interval(PROGRESS_EVERY);
        ticks.tick().await;
        loop {
            let step = tokio::select! {
                biased;
                () = sleep_until(until) => {
                    let Some((finding, scans)) = begun else {
                        return Err(Unanswered(format!(
                            "the sources could not be sampled within {} s",
                            time.as_secs_f64()
                        )));
                    };
                    let read = Progress::sum(&scans.progress());
                    return Ok(finding.found(Some(read), &scans));
                }
                _ = ticks.tick() => {
                    let scans = begun.as_ref().map(|(_, scans)| scans.progress());
                    tell(Progress::sum(&scans.unwrap_or_default()));
                    continue;
                }
                step = steps.recv() => step,
            };
            match (step, &mut begun) {
                (Some(Step::Begun(finding, scans)), begun) => *begun = Some((*finding, scans)),
                (Some(Step::Answer(answer)), Some((finding, _))) => finding.take(*answer),
                (Some(Step::Failed(why)), _) => return Err(why),
                (Some(Step::Done), begun) if begun.is_some() => {
                    let (finding, scans) = begun.take().expect("it has begun");
                    return Ok(finding.found(None, &scans));
                }
                (Some(Step::Answer(_) | Step::Done) | None, _) => {
                    let why = "it ended without an answer: please report this query";
                    return Err(Unanswered(why.to_owned()));
                }
            }
        }
    }

    /// Plans what would be asked, by samples of its sources. Gives what nobody may have meant: fields that no
    /// sampled record has. It must be called within a tokio runtime.
    ///
    /// # Errors
    /// Where the question is none, and where no source that it is of can be read again.
    pub async fn check(&self, question: &Question) -> Result<Vec<String>, Unanswered> {
        let (_, plan) = self.plan(question, &GiveUp::default()).await?;
        Ok(unknown_words(&plan))
    }

    /// Answers a question on this thread, and on some more, until that is done or nobody waits any more.
    fn run(&self, question: &Question, steps: mpsc::Sender<Step>, give_up: &GiveUp) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(QUESTION_THREADS)
            .thread_name("question")
            .enable_all()
            .build();
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => {
                let why = Unanswered(format!("there are no threads for it: {error}"));
                let _ = steps.try_send(Step::Failed(why));
                return;
            }
        };
        runtime.block_on(async {
            tokio::select! {
                biased;
                () = steps.closed() => {}
                // What it says at last is no use to who has gone.
                _ = self.answer(question, &steps, give_up) => {}
            }
            // A task that is at work finds that the scans under it have been stopped, and takes that for a defect.
            let metrics = Handle::current().metrics();
            let ended = async {
                while metrics.num_alive_tasks() > 0 {
                    sleep(STOP_LOOK_EVERY).await;
                }
            };
            let _ = timeout(STOP_WITHIN, ended).await;
        });
        // What is on its way to stop is waited for.
        drop(runtime);
    }

    /// Answers a question step by step; fails where nobody takes them.
    async fn answer(
        &self,
        question: &Question,
        steps: &mpsc::Sender<Step>,
        give_up: &GiveUp,
    ) -> Result<(), mpsc::error::SendError<Step>> {
        let (session, plan) = match self.plan(question, give_up).await {
            Ok(planned) => planned,
            Err(why) => return steps.send(Step::Failed(why)).await,
        };
        let finding = Finding::new(&plan, question.budget.rows);
        let begun = Step::Begun(Box::new(finding), plan.scans());
        steps.send(begun).await?;
        // What is known when the time is up is worth more than nothing.
        let every = Some(PROGRESS_EVERY);
        let mut answers = std::pin::pin!(session.answers(&question.query, plan, every));
        while let Some(answer) = answers.next().await {
            let step = match answer {
                Ok(answer) => Step::Answer(Box::new(answer)),
                Err(error) if error.needs_memory() => {
                    let most = question.budget.memory_bytes >> 20;
                    Step::Failed(Unanswered(format!(
                        "it takes more than the {most} MiB of memory that it may: \
                         ask for fewer groups or rows, or a shorter time"
                    )))
                }
                Err(error) => Step::Failed(Unanswered(error.render(&question.query))),
            };
            steps.send(step).await?;
        }
        steps.send(Step::Done).await
    }

    async fn plan(
        &self,
        question: &Question,
        give_up: &GiveUp,
    ) -> Result<(Session, Plan), Unanswered> {
        let render = |error: birl_query::Error| Unanswered(error.render(&question.query));
        query::parse(&question.query).map_err(|error| Unanswered(error.render(&question.query)))?;
        let sources = self.sources(question).await?;
        let limits = Limits {
            memory_bytes: question.budget.memory_bytes,
            // A disk that is full stops more than an answer.
            spill_bytes: 0,
            spill_directory: None,
        };
        let session = Session::new(sources, &limits)
            .and_then(|session| session.guarded(give_up))
            .map_err(render)?;
        let plan = session.plan(&question.query).await.map_err(render)?;
        Ok((session, plan))
    }

    async fn sources(&self, question: &Question) -> Result<Sources, Unanswered> {
        let asked: Vec<&Source> = match &question.sources[..] {
            [] => self.sources.iter().collect(),
            names => {
                let named = |name: &String| self.sources.iter().find(|it| it.name == *name);
                let missing = |name: &String| Unanswered(format!("there is no source {name:?}"));
                let sources = names
                    .iter()
                    .map(|name| named(name).ok_or_else(|| missing(name)));
                sources.collect::<Result<_, _>>()?
            }
        };
        let (_, names) = names_of(&asked, &self.file, &self.around)?;
        let (names, live): (Vec<Name>, Vec<Name>) = names.into_iter().partition(is_written);
        if names.is_empty() {
            let what = match live.is_empty() {
                true => "there is no source to ask",
                false => "its sources are live, and what has come over them cannot be read again",
            };
            return Err(Unanswered(what.to_owned()));
        }
        let line = asked.first().map_or(1, |source| source.line);
        let wrong = |message| Error::at_line(&self.file, line, message);
        let read = Read::of(&asked, &self.file, &self.around, wrong)?;
        let mut options = read.options;
        // Others want to go on meanwhile.
        // With one thread nothing would be known of groups before all are.
        options.threads = (self.around.threads / 2).max(2);
        let sampled = {
            let (names, walk, options) = (names.clone(), read.walk, options.clone());
            tokio::task::spawn_blocking(move || fields(names, walk, &options))
        };
        let fields = sampled
            .await
            .map_err(|_| Unanswered("the sources could not be sampled".to_owned()))?;
        Ok(Sources {
            fields,
            names,
            walk: read.walk,
            options,
            range: None,
            clock: self.clock(),
            search: search::Options::default(),
            pushes_down: true,
        })
    }

    /// Moments are as seen from now, as everywhere where logs are watched.
    fn clock(&self) -> Clock {
        let clock = &self.around.clock;
        Clock {
            now: match self.around.clock_stands {
                true => clock.now,
                false => now(),
            },
            newest: None,
            ..clock.clone()
        }
    }
}

/// The fields that a query names and no sampled record has.
fn unknown_words(plan: &Plan) -> Vec<String> {
    let unknown = plan.unknown_fields().iter();
    unknown
        .map(|field| format!("no sampled record has a field {field:?}"))
        .collect()
}

/// Has a question given up once nobody waits for its answer.
struct GivenUpWhenDropped(GiveUp);

impl Drop for GivenUpWhenDropped {
    fn drop(&mut self) {
        self.0.now();
    }
}

/// What comes of a question that is being answered.
enum Step {
    /// It has been planned: what collects its answer, and how far its scans are.
    Begun(Box<Finding>, Scans),
    Answer(Box<Answer>),
    Failed(Unanswered),
    Done,
}

/// An answer that is being collected.
struct Finding {
    kept: Kept,
    /// Whether the first rows are kept, and not the last.
    keeps_first: bool,
    most: usize,
    /// How many rows are kept.
    rows: usize,
    records: VecDeque<Record>,
    count: u64,
    remarks: Vec<String>,
    problems: usize,
}

impl Finding {
    fn new(plan: &Plan, most: usize) -> Self {
        let keeps_first = plan.kind() == Kind::Table || plan.is_sorted();
        let kept = match plan.kind() {
            Kind::Records => Kept::Records(Vec::new()),
            Kind::Rows | Kind::Table => Kept::Rows {
                schema: plan.schema(),
                rows: Vec::new(),
                are_first: keeps_first,
                chart: plan.chart().cloned(),
            },
        };
        Self {
            kept,
            keeps_first,
            // A chart has room for more than is read.
            most: match plan.chart() {
                Some(_) => CHART_ROWS_MAX,
                None => most.max(1),
            },
            rows: 0,
            records: VecDeque::new(),
            count: 0,
            remarks: unknown_words(plan),
            problems: 0,
        }
    }

    fn take(&mut self, answer: Answer) {
        match answer {
            Answer::Rows(rows) => self.add(&rows),
            Answer::Snapshot { rows, .. } => {
                (self.rows, self.count) = (0, 0);
                if let Kept::Rows { rows, .. } = &mut self.kept {
                    rows.clear();
                }
                rows.iter().for_each(|rows| self.add(rows));
            }
            Answer::Records(batches) => batches.iter().for_each(|batch| self.add_records(batch)),
            Answer::Event(Event::Problem(problem)) => {
                self.problems += 1;
                if self.problems <= PROBLEMS_MAX {
                    self.remarks.push(problem.to_string());
                }
            }
            // What does not end is not asked here, and nothing else is worth a line in a room.
            Answer::Event(_)
            | Answer::Window { .. }
            | Answer::SoFar { .. }
            | Answer::Time(_)
            | Answer::Late(_)
            | Answer::Checkpoint { .. } => {}
        }
    }

    fn add(&mut self, added: &Rows) {
        let Kept::Rows { rows, .. } = &mut self.kept else {
            return;
        };
        let many = added.num_rows();
        self.count += many as u64;
        if self.keeps_first {
            let some = many.min(self.most - self.rows);
            if some > 0 {
                // Texts are views into all that was read with them, which is not to be kept.
                rows.push(compacted(&added.slice(0, some)));
                self.rows += some;
            }
            return;
        }
        let some = many.min(self.most);
        rows.push(compacted(&added.slice(many - some, some)));
        self.rows += some;
        while let Some(first) = rows.first() {
            let surplus = self.rows - self.most.min(self.rows);
            if surplus == 0 {
                break;
            }
            let gone = surplus.min(first.num_rows());
            match gone == first.num_rows() {
                true => _ = rows.remove(0),
                false => rows[0] = first.slice(gone, first.num_rows() - gone),
            }
            self.rows -= gone;
        }
    }

    fn add_records(&mut self, batch: &Batch) {
        self.count += batch.runs.len() as u64;
        let last = batch.runs.len().saturating_sub(self.most);
        let records = batch.runs[last..].iter();
        self.records
            .extend(records.map(|run| Record::of(batch, run)));
        let surplus = self.records.len().saturating_sub(self.most);
        self.records.drain(..surplus);
    }

    fn found(mut self, cut_off: Option<Snapshot>, scans: &Scans) -> Found {
        if let Kept::Records(records) = &mut self.kept {
            *records = self.records.iter().map(Record::shown).collect();
        }
        let misfits = scans.misfits();
        let misfits = misfits.iter();
        self.remarks
            .extend(misfits.map(|(name, misfit)| misfit.words(name, misfit.count)));
        let misread = scans.misread();
        self.remarks
            .extend(misread.iter().map(|it| it.words(it.count)));
        if let Some(more @ 1..) = self.problems.checked_sub(PROBLEMS_MAX) {
            self.remarks.push(format!("{more} more could not be read"));
        }
        Found {
            kept: self.kept,
            count: self.count,
            remarks: self.remarks,
            cut_off,
        }
    }
}

/// A record that was found.
struct Record {
    text: Vec<u8>,
    /// It is longer than that.
    is_cut: bool,
    time: Option<i64>,
    /// What reads it, if anything does.
    parser: Option<Arc<Parser>>,
}

impl Record {
    fn of(batch: &Batch, run: &Run) -> Self {
        let text = &batch.bytes[run.range.clone()];
        Self {
            text: text[..text.len().min(RECORD_BYTES_MAX)].to_owned(),
            is_cut: run.cut || text.len() > RECORD_BYTES_MAX,
            time: run.time,
            parser: batch.parser.clone(),
        }
    }

    fn shown(&self) -> String {
        let parser = self.parser.as_ref().filter(|_| !self.is_cut);
        let hard = parser.filter(|parser| is_hard_to_read(parser, &self.text));
        let text = match hard {
            Some(parser) => self.pretty(parser),
            None => self.text.clone(),
        };
        let shown = &text[..text.len().min(LINE_BYTES_MAX)];
        let is_cut = self.is_cut || shown.len() < text.len();
        let mut shown = String::from_utf8_lossy(shown).trim_end().to_owned();
        if is_cut {
            shown.push('…');
        }
        shown
    }

    fn pretty(&self, parser: &Parser) -> Vec<u8> {
        let pretty = Pretty {
            fields: Fields::All,
            zone: DisplayZone::utc(),
            theme: Theme::PLAIN,
            with_source: false,
            null_after_source: false,
        };
        let text = self.text.trim_ascii_end();
        let entry = Entry {
            source: b"",
            offset: 0,
            number: None,
            line: text,
            record: &parser.parse(text),
            time: self.time,
            cut: false,
            context: false,
            marks: None,
        };
        let mut shown = Vec::new();
        pretty.record(&entry, &mut shown);
        shown
    }
}
