//! One query that is more than a search, from its configuration to its exit code.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use birl_query::{Answer, Kind, Limits, Live, Plan, Session, Sources, WindowCounts};
use birl_record::columns::{Misfit, Misfits};
use birl_record::query;
use birl_record::query::tree::Term;
use birl_record::search::{self, Search};
use birl_record::time::Clock;
use birl_scan::{Batch, Event, Options, Progress, fields, fields_with_stdin, newest};
use birl_source::error::refusal;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, future};
use indicatif::HumanCount;

use crate::answer::{self, RecordPrinter, Rows};
use crate::config::Config;
use crate::search::{Next, Run, follow_options, names, options, record_formats, walk};
use crate::slips::of_texts;

/// How often an answer is shown while it is still being worked out.
const SNAPSHOT_EVERY: Duration = Duration::from_millis(200);

/// How often groups over all time are printed into a pipe or a file.
const TABLE_EVERY: Duration = Duration::from_secs(10);

/// Answers the query that `text` is.
///
/// # Errors
///
/// Fails where the query cannot be answered. What goes wrong with a single source is reported, and
/// shows in the exit code.
pub(crate) fn run(config: &Config, text: &str) -> Result<ExitCode> {
    check(config)?;
    let failed = |error: birl_query::Error| anyhow!(error.render(text));
    let tables: Vec<_> = config.tables.iter().map(|(name, _)| &name[..]).collect();
    let terms = query::parse_over(text, &tables)
        .map_err(|error| anyhow!(error.render(text)))?
        .search;
    let sources = sources(config, text, &terms)?;
    let limits = Limits {
        memory_bytes: config.memory_bytes,
        ..Limits::default()
    };
    let session = Session::new(sources, &limits).map_err(failed)?;
    let session = session.with_tables(config.tables.clone()).with_files();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(config.threads.get())
        .enable_all()
        .build()
        .context("cannot start the threads that a query needs")?;
    let code = runtime.block_on(async {
        let plan = plan(config, &session, text).await;
        let plan = plan.map_err(failed)?;
        check_plan(config, &plan)?;
        if config.explain {
            writeln!(io::stdout(), "{}", plan.explain())?;
            return Ok(ExitCode::SUCCESS);
        }
        answer_plan(config, session, plan, text, &terms).await
    });
    // A thread may be waiting for a pipe that never says anything again.
    runtime.shutdown_background();
    code
}

async fn plan(config: &Config, session: &Session, text: &str) -> Result<Plan, birl_query::Error> {
    match (live(config), config.output.shows_rows()) {
        (None, false) => session.plan(text).await,
        (None, true) => session.plan_rows(text).await,
        (Some(live), false) => session.plan_live(text, live).await,
        (Some(live), true) => session.plan_live_rows(text, live).await,
    }
}

/// How sources are asked that are to be followed, or over windows.
fn live(config: &Config) -> Option<Live> {
    let windows = &config.windows;
    if config.follow.is_none() && windows.over.is_none() {
        return None;
    }
    let every = match config.redraws {
        true => SNAPSHOT_EVERY,
        false => TABLE_EVERY,
    };
    Some(Live {
        follow: config.follow.map(|follow| follow_options(config, follow)),
        partial_after: config.follow.and_then(|follow| follow.partial_after),
        every: config.every.unwrap_or(every),
        windows: windows.over,
        closing: windows.closing,
        watches: None,
        keeps_late: windows.late.is_some(),
    })
}

/// Finds flags about answers that this plan does not give.
fn check_plan(config: &Config, plan: &Plan) -> Result<()> {
    if let (Some(flag), false) = (config.windows.flag, plan.has_windows()) {
        bail!(
            "{flag} is about windows of time, and this query has none\n\n\
             hint: they come with --window 1m, timechart or bin(1m)"
        );
    }
    let tells_all = plan.kind() == Kind::Table && !plan.has_windows();
    if config.every.is_some() && !tells_all {
        bail!("--every is about groups over all time, and the rows of this query come once");
    }
    Ok(())
}

/// Whether a field that nobody has stands in `query` as texts do: in the double quotes of other languages, or
/// as a word without any that something is compared with.
fn is_meant_as_text(query: &str, field: &str) -> bool {
    let is_name = |character: char| character.is_alphanumeric() || "_@.".contains(character);
    query.match_indices(field).any(|(at, _)| {
        let (before, after) = (&query[..at], &query[at + field.len()..]);
        if before.ends_with('"') && after.starts_with('"') {
            return true;
        }
        let ends = !before.ends_with(is_name) && !after.starts_with(is_name);
        let before = before.trim_end();
        let is_order = before.ends_with("<=") || before.ends_with(">=");
        ends && !is_order && (before.ends_with('=') || before.ends_with("<>"))
    })
}

/// Runs a plan, and prints its answer.
async fn answer_plan(
    config: &Config,
    session: Session,
    plan: Plan,
    text: &str,
    terms: &Term,
) -> Result<ExitCode> {
    for field in plan.unknown_fields() {
        let hint = match is_meant_as_text(text, field) {
            true => format!("; a text stands in single quotes: '{field}'"),
            false => String::new(),
        };
        let _ = writeln!(
            io::stderr(),
            "birl: no sampled record has a field {field:?}{hint}"
        );
    }
    let kind = plan.kind();
    let stop = plan.stop();
    let scans = plan.scans();
    let counters = scans.clone();
    let counters = move || Progress::sum(&counters.progress());
    let late = config.windows.late.as_ref().map(Late::create).transpose()?;
    // A table is drawn over itself on a terminal, and has no need of a pager when it is whole.
    let is_drawn = kind == Kind::Table && config.output.width.is_some() && !config.pages_always;
    let unpaged = Config {
        pager: None,
        ..config.clone()
    };
    let config = if is_drawn { &unpaged } else { config };
    let (printer, answer): (_, Box<dyn answer::Answer>) = match kind {
        Kind::Records => {
            let search = Search::with_clock(terms, search_options(config), &config.clock)?;
            let printer = RecordPrinter::new(config, &search);
            let answer = answer::answer(config, search, printer.clone());
            (printer, answer)
        }
        Kind::Rows | Kind::Table => (None, Box::new(Rows::new(config, &plan, counters.clone())?)),
    };
    let every = config.shows_snapshots().then_some(SNAPSHOT_EVERY);
    let answers = session.answers(text, plan, every).boxed();
    let nexts = match kind {
        Kind::Records => of_records(printer.clone(), answers, text),
        Kind::Rows | Kind::Table => of_rows(answers, late, text),
    };
    let mut run = Run::new(config, answer, counters)?;
    run.printer = printer;
    run.stop = stop;
    let texts = of_texts(terms);
    run.last_words = Some(Box::new(move || {
        let mut words = misfits(&scans.misfits());
        let misread = scans.misread().into_iter();
        words.extend(misread.map(|it| it.words(HumanCount(it.count))));
        words.extend(late_words(scans.windows()));
        if Progress::sum(&scans.progress()).lines_matched == 0 {
            words.extend(texts.iter().cloned());
        }
        words
    }));
    run.drive(nexts).await
}

/// That values of fields are null since they are not of the type that samples have.
fn misfits(misfits: &Misfits) -> Vec<String> {
    let words = |(name, misfit): (&str, &Misfit)| misfit.words(name, HumanCount(misfit.count));
    misfits.iter().map(words).collect()
}

/// What comes of answers to the query `text` that are records, to be printed by `printer` where there
/// is one.
fn of_records(
    printer: Option<Arc<RecordPrinter>>,
    answers: BoxStream<'static, Result<Answer, birl_query::Error>>,
    text: &str,
) -> BoxStream<'static, Next> {
    let text = text.to_owned();
    // A failure is the last that comes of a query, so it may come behind all records.
    let failure = Arc::new(OnceLock::new());
    let failed = Arc::clone(&failure);
    let events = answers.flat_map(move |answer| {
        stream::iter(match answer {
            Ok(Answer::Records(batches)) => batches.into_iter().map(Event::Batch).collect(),
            Ok(Answer::Event(event)) => vec![event],
            // Nobody asks for a barrier here.
            Ok(Answer::Checkpoint { .. }) => Vec::new(),
            Ok(
                Answer::Rows(_)
                | Answer::Snapshot { .. }
                | Answer::Window { .. }
                | Answer::SoFar { .. }
                | Answer::Time(_)
                | Answer::Late(_),
            ) => {
                unreachable!("the rows of this answer are records")
            }
            Err(error) => {
                let _ = failed.set(error);
                Vec::new()
            }
        })
    });
    let events = match printer {
        Some(printer) => printer.with_columns(events.boxed()),
        None => events.boxed(),
    };
    let last = stream::once(async move {
        let error = failure.get();
        error.map(|error| Next::Failed(error.render(&text)))
    });
    events
        .map(|event| Next::Event(event, None))
        .chain(last.filter_map(future::ready))
        .boxed()
}

/// What comes of answers to the query `text` that are rows. Records that are late go to `late`.
fn of_rows(
    answers: BoxStream<'static, Result<Answer, birl_query::Error>>,
    mut late: Option<Late>,
    text: &str,
) -> BoxStream<'static, Next> {
    let text = text.to_owned();
    let mut next = move |answer: Result<Answer, birl_query::Error>| {
        let next = match answer {
            Ok(Answer::Event(event)) => Next::Event(event, None),
            Ok(Answer::Late(batch)) => match late.as_mut().map(|late| late.write(&batch)) {
                Some(Err(error)) => Next::Failed(format!("{error:#}")),
                _ => return None,
            },
            Ok(answer) => Next::Answer(answer),
            Err(error) => Next::Failed(error.render(&text)),
        };
        Some(next)
    };
    answers
        .filter_map(move |answer| future::ready(next(answer)))
        .boxed()
}

/// The file that records go to which come too late.
struct Late {
    path: PathBuf,
    file: File,
}

impl Late {
    fn create(path: &PathBuf) -> Result<Self> {
        let file = File::create(path).map_err(|error| {
            anyhow!(
                "cannot write late records to {path:?}, which --late names: {}\n\n\
                 hint: name a file in a directory that is there, and that you may write to",
                refusal(&error)
            )
        })?;
        let path = path.clone();
        Ok(Self { path, file })
    }

    /// Writes records as they stand in the log, each with a newline at its end.
    fn write(&mut self, batch: &Batch) -> Result<()> {
        let mut lines = Vec::new();
        for run in &batch.runs {
            lines.extend_from_slice(&batch.bytes[run.range.clone()]);
            if !lines.ends_with(b"\n") {
                lines.push(b'\n');
            }
        }
        self.file.write_all(&lines).map_err(|error| {
            let reason = refusal(&error);
            anyhow!("cannot write late records to {:?}: {reason}", self.path)
        })
    }
}

/// That records were not in their windows.
fn late_words(counts: WindowCounts) -> Vec<String> {
    let records = |count: u64| match count {
        1 => "1 record".to_owned(),
        count => format!("{} records", HumanCount(count)),
    };
    let words = [
        (
            counts.late,
            "came too late: all windows that it belongs to had closed",
        ),
        (
            counts.partly_late,
            "came too late for some of the windows that it belongs to",
        ),
        (
            counts.ahead,
            "had a time more than a minute ahead of the clock, by which no window closes",
        ),
    ];
    let words = words.into_iter().filter(|(count, _)| *count > 0);
    words
        .map(|(count, what)| {
            let what = match count {
                1 => what.to_owned(),
                _ => what.replace("it belongs", "they belong"),
            };
            format!("{} {what}", records(count))
        })
        .collect()
}

/// The sources that the query `text` is about; `search` is its search.
fn sources(config: &Config, text: &str, search: &Term) -> Result<Sources> {
    let mut clock = config.clock.clone();
    let compile = |clock: &Clock| {
        let search = Search::with_clock(search, search_options(config), clock);
        search.map_err(|error| anyhow!(error.render(text)))
    };
    let names = names(config)?;
    // A query reads records, whatever its search is.
    let formats = record_formats(config)?;
    let options = Options {
        records: true,
        ..options(config, &compile(&clock)?, formats)
    };
    let counts_back =
        config.range.is_some_and(|range| range.last.is_some()) || search::counts_back(search);
    if counts_back && config.follow.is_none() {
        clock.newest = newest(names.clone(), walk(config), &options);
    }
    // Whoever follows does not wait for one source.
    let sampled = match config.follow {
        Some(_) => fields,
        None => fields_with_stdin,
    };
    Ok(Sources {
        fields: sampled(names.clone(), walk(config), &options),
        names,
        walk: walk(config),
        options,
        range: config.range.map(|range| range.instants(&clock)),
        clock,
        search: search_options(config),
        pushes_down: true,
    })
}

fn search_options(config: &Config) -> search::Options {
    search::Options {
        case: config.case,
        words: config.word,
    }
}

/// Finds flags that say how lines are searched, and nothing about a query.
fn check(config: &Config) -> Result<()> {
    let has_windows = config.windows.over.is_some();
    if has_windows && (config.queries.len() > 1 || config.literal) {
        let why = match config.literal {
            true => "which is no plain text (--fixed-strings)",
            false => "and there are several (-e)",
        };
        bail!(
            "windows of time are asked one query, {why}\n\n\
             hint: OR stands between words: --window 1m 'reset OR timeout'"
        );
    }
    let unfit = [
        (
            config.invert,
            "--invert-match",
            "write NOT before what is not wanted",
        ),
        (
            config.before > 0 || config.after > 0,
            "--context",
            "it is for a search alone",
        ),
        (
            config.output.line_number,
            "--line-number",
            "records have an offset: |> select offset, message",
        ),
        (
            config.output.only_matching,
            "--only-matching",
            "a step takes a record apart: |> extract /…/",
        ),
        (
            config.merge,
            "--merge",
            "a step puts records in order: |> sort timestamp",
        ),
    ];
    match unfit.iter().find(|(is_set, ..)| *is_set) {
        Some((_, flag, hint)) => bail!("{flag} does not go with a pipe or SQL\n\nhint: {hint}"),
        None => Ok(()),
    }
}
