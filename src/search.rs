//! One search, from its configuration to its exit code.

use std::fmt::Display;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use birl_record::format::Formats;
use birl_record::query::tree::{Term, Text};
use birl_record::query::{self};
use birl_record::search::{self, Options as SearchOptions, Search};
use birl_record::time::Clock;
use birl_scan::{Event, MergeOptions, Options, Times, Want, live, merge, newest, scan, settle};
use birl_source::follow;
use birl_source::live::{self, Address};
use birl_source::name::Name;
use birl_source::walk::WalkOptions;
use futures::stream::BoxStream;
use futures::{FutureExt, Stream, StreamExt};

use crate::answer::{Answer, Printed, RecordPrinter, answer};
use crate::ask;
use crate::config::{Config, Follow, Mode};
use crate::interrupt::Interrupt;
use crate::messages::Messages;
use crate::own_formats;
use crate::pager::Printer;
use crate::progress::Progress;
use crate::slips::Slips;
use crate::stats;

/// What is printed is gathered to blocks of this size, as long as more is at hand.
const OUTPUT_BYTES: usize = 64 * 1024;

/// How long what is new is held back with `--merge`, so that it comes in order. Programs flush their
/// logs within that time.
const SETTLING: Duration = Duration::from_millis(500);

/// Searches, and prints what is found.
///
/// # Errors
///
/// Fails where nothing can be searched: a query or the name of a source is wrong. What goes wrong
/// with a single source is reported, and shows in the exit code.
pub(crate) fn run(config: &Config) -> Result<ExitCode> {
    let query = Query::parse(config)?;
    if let Some(text) = &query.more_than_a_search {
        return ask::run(config, text);
    }
    if config.explain || config.output.shows_rows() || config.windows.over.is_some() {
        return ask::run(config, &config.queries[0]);
    }
    if let Some(flag) = config.windows.flag.or(config.every.map(|_| "--every")) {
        bail!("{flag} is about groups, and a search has none\n\nhint: '... |> count by level'");
    }
    let mut clock = config.clock.clone();
    let mut search = query.compile(config, &clock)?;
    let formats = formats(config, &search)?;
    let names = names(config)?;
    if query.counts_back(config) && config.follow.is_none() {
        // It takes to read the end of every file.
        clock.newest = newest(
            names.clone(),
            walk(config),
            &options(config, &search, formats.clone()),
        );
        search = query.compile(config, &clock)?;
    }
    let printer = RecordPrinter::new(config, &search);
    if let Some(printer) = &printer {
        let options = options(config, &search, formats.clone());
        printer.sample(names.clone(), walk(config), &search, &options);
    }
    let slips = Slips::of(config, &query.terms, &names, || {
        options(config, &search, formats.clone())
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the threads that a search needs")?;
    let code = runtime.block_on(async {
        let (counters, events) = events(config, names, search.clone(), formats);
        let events = match &printer {
            Some(printer) => prepared(config, Arc::clone(printer), events),
            None => events.map(|event| (event, None)).boxed(),
        };
        let answer = answer(config, search, printer.clone());
        let counters = Arc::new(counters);
        let found = Arc::clone(&counters);
        let mut run = Run::new(config, answer, move || birl_scan::Progress::sum(&counters))?;
        run.printer = printer.clone();
        if let Some(slips) = slips {
            run.last_words = Some(Box::new(move || {
                match birl_scan::Progress::sum(&found).lines_matched {
                    0 => slips.told(),
                    _ => Vec::new(),
                }
            }));
        }
        run.drive(events.map(|(event, printed)| Next::Event(event, printed)))
            .await
    });
    // A thread may be waiting for a pipe that never says anything again.
    runtime.shutdown_background();
    code
}

/// What is found in all of `names`, and what is still to be written to them where they are followed.
fn events(
    config: &Config,
    names: Vec<Name>,
    search: Search,
    formats: Formats,
) -> (Vec<birl_scan::Progress>, BoxStream<'static, Event>) {
    let walk = walk(config);
    let merging = MergeOptions {
        first: config.max_count,
        last: config.tail,
    };
    let scan_all = |names| {
        let options = options(config, &search, formats.clone());
        match config.merge {
            true => merge(names, walk, search.clone(), options, merging),
            false => scan(names, walk, search.clone(), options),
        }
    };
    let Some(follow) = config.follow else {
        let scan = scan_all(names);
        return (vec![scan.progress()], scan.boxed());
    };
    let pipes_only = names.iter().all(|name| matches!(name, Name::Stdin));
    if pipes_only {
        // A pipe needs no following: it says when it has more, and when it ends.
        let scan = scan_all(names);
        return (vec![scan.progress()], scan.boxed());
    }
    let options = options(config, &search, formats.clone());
    let how = follow_options(config, follow);
    let live = live(
        names,
        walk,
        how,
        follow.partial_after,
        search.clone(),
        options,
    );
    let counters = live.progress();
    let live = match config.merge {
        true => settle(live, SETTLING, merging).boxed(),
        false => live.boxed(),
    };
    (counters, live)
}

/// How files are followed.
pub(crate) fn follow_options(config: &Config, follow: Follow) -> follow::Options {
    follow::Options {
        poll_interval: follow.poll,
        hidden: config.hidden,
        output: config.output_file,
        ..follow::Options::default()
    }
}

/// What the sources are that were typed.
pub(crate) fn names(config: &Config) -> Result<Vec<Name>> {
    let typed = config.sources.iter().map(|typed| Name::parse(typed));
    let commands = config.commands.iter().map(|command| {
        let address = Address::Command(command.clone());
        Ok(Name::Live(Box::new(live::Source::new(address))))
    });
    let mut names: Vec<Name> = typed.chain(commands).collect::<Result<_, _>>()?;
    for name in &mut names {
        if let Name::Live(source) = name {
            source.options = config.live.clone();
        }
    }
    Ok(names)
}

pub(crate) fn walk(config: &Config) -> WalkOptions {
    WalkOptions {
        hidden: config.hidden,
        output: config.output_file,
    }
}

/// What is found, with the records printed ahead where that does not depend on those before.
fn prepared(
    config: &Config,
    printer: Arc<RecordPrinter>,
    events: BoxStream<'static, Event>,
) -> BoxStream<'static, (Event, Option<Printed>)> {
    match config.prints_ahead() {
        true => printer.print_all(events, config.threads.get()).boxed(),
        false => printer
            .with_columns(events)
            .map(|event| (event, None))
            .boxed(),
    }
}

/// What the queries ask for, before it is known what is now.
pub(crate) struct Query {
    /// A line or record matches any of them.
    terms: Vec<Term>,
    /// The text of the query, where it is a pipe or SQL.
    more_than_a_search: Option<String>,
}

impl Query {
    fn parse(config: &Config) -> Result<Self> {
        if let ([text], false) = (&config.queries[..], config.literal) {
            let tables: Vec<_> = config.tables.iter().map(|(name, _)| &name[..]).collect();
            let query = query::parse_over(text, &tables);
            let query = query.map_err(|error| anyhow!(error.render(text)))?;
            let is_more = query.sql.is_some() || !query.steps.is_empty();
            return Ok(Self {
                more_than_a_search: is_more.then(|| text.clone()),
                terms: vec![query.search],
            });
        }
        let terms = config.queries.iter().map(|query| match config.literal {
            true => Ok(literal(query)),
            false => query::parse_search(query).map_err(|error| anyhow!(error.render(query))),
        });
        Ok(Self {
            terms: terms.collect::<Result<_>>()?,
            more_than_a_search: None,
        })
    }

    /// Whether a range of time is asked for that ends at the newest record.
    fn counts_back(&self, config: &Config) -> bool {
        let by_flag = config.range.is_some_and(|range| range.last.is_some());
        by_flag || self.terms.iter().any(search::counts_back)
    }

    fn compile(&self, config: &Config, clock: &Clock) -> Result<Search> {
        let options = SearchOptions {
            case: config.case,
            words: config.word,
        };
        // Each is compiled alone first, so that an error points into the right one.
        for (term, query) in self.terms.iter().zip(&config.queries) {
            Search::with_clock(term, options, clock)
                .map_err(|error| anyhow!(error.render(query)))?;
        }
        let search = match &self.terms[..] {
            [term] => Search::with_clock(term, options, clock)?,
            terms => Search::with_clock(&Term::Or(terms.to_vec()), options, clock)?,
        };
        let search = match config.invert {
            true => search.inverted(),
            false => search,
        };
        Ok(match &config.range {
            Some(range) => search.within(range.instants(clock)),
            None => search,
        })
    }
}

/// A query that is plain text; without any, it is in every line.
fn literal(query: &str) -> Term {
    match query {
        "" => Term::All,
        _ => Term::Text(Text {
            value: query.to_owned(),
            quoted: true,
            span: 0..query.len(),
        }),
    }
}

/// Whether the unit is the record.
fn searches_records(config: &Config, search: &Search) -> bool {
    config.records || config.merge || search.needs_records() || config.output.prints_records()
}

/// The formats that are looked for in lines or records, where it matters.
fn formats(config: &Config, search: &Search) -> Result<Formats> {
    if !searches_records(config, search) && config.input_format.is_none() {
        return Ok(Formats::default());
    }
    record_formats(config)
}

/// The formats that are looked for in records.
pub(crate) fn record_formats(config: &Config) -> Result<Formats> {
    let formats = own_formats::load(config.formats_directory.as_deref())?;
    let Some(name) = &config.input_format else {
        return Ok(formats);
    };
    formats.only(name).with_context(|| {
        let why = "there is no format of this name; birl formats lists them";
        format!("cannot use {name:?} for --input-format: {why}")
    })
}

pub(crate) fn options(config: &Config, search: &Search, formats: Formats) -> Options {
    let lines = config.mode == Mode::Lines;
    Options {
        want: match lines {
            true if config.before > 0 || config.after > 0 => Want::Surroundings,
            true => Want::Lines,
            false => Want::Counts,
        },
        numbered: lines && config.output.line_number,
        ends: matches!(
            config.mode,
            Mode::Count { include_zero: true } | Mode::FilesWithoutMatch
        ),
        backwards: config.searches_backwards(),
        records: searches_records(config, search),
        times: match config.merge || lines && config.output.shows_times() {
            true if !config.merge && config.prints_ahead() => Times::Deferred,
            true => Times::Given,
            false => Times::Unwanted,
        },
        formats,
        whole: config.scan,
        slack: config.time_slack,
        zone: config.input_zone.clone(),
        now: config.clock_stands.then_some(config.clock.now),
        threads: config.threads.get(),
        record_wait: config.record_wait,
        line_bytes_max: config.line_bytes_max,
        ..Options::default()
    }
}

/// What comes next in a search, or in the answer to a query.
pub(crate) enum Next {
    /// What a scan gives, perhaps printed already.
    Event(Event, Option<Printed>),
    /// What a query gives.
    Answer(birl_query::Answer),
    /// There is no answer, and this is why.
    Failed(String),
}

/// A search, or a query, that is running.
pub(crate) struct Run<'a> {
    config: &'a Config,
    answer: Box<dyn Answer>,
    /// Prints records, where they are what is printed.
    pub(crate) printer: Option<Arc<RecordPrinter>>,
    /// Ends what is asked as if the sources had ended, where that gives more answers.
    pub(crate) stop: Option<birl_query::Stop>,
    /// What is to be said at the end.
    pub(crate) last_words: Option<Box<dyn Fn() -> Vec<String>>>,
    out: BufWriter<Printer>,
    counters: Arc<dyn Fn() -> birl_scan::Snapshot + Send + Sync>,
    bar: Progress,
    /// What is to be said when the pager has ended.
    held: Messages,
    began: Instant,
    failed: bool,
}

/// Why a search ended.
enum End {
    /// Everything has been searched, or enough.
    Done,
    /// The reader of the output has gone.
    Closed,
    Interrupted,
}

impl<'a> Run<'a> {
    /// A run whose scans have these `counters`.
    pub(crate) fn new(
        config: &'a Config,
        answer: Box<dyn Answer>,
        counters: impl Fn() -> birl_scan::Snapshot + Send + Sync + 'static,
    ) -> Result<Self> {
        let counters = Arc::new(counters);
        let out = Printer::new(config.pager.clone()).context("cannot write to standard output")?;
        let bar = match config.progress {
            true => {
                let counters = Arc::clone(&counters);
                Progress::start(move || stats::progress(&counters()))
            }
            false => Progress::hidden(),
        };
        Ok(Self {
            config,
            answer,
            printer: None,
            stop: None,
            last_words: None,
            out: BufWriter::with_capacity(OUTPUT_BYTES, out),
            counters,
            bar,
            held: Messages::default(),
            began: Instant::now(),
            failed: false,
        })
    }

    pub(crate) async fn drive(
        mut self,
        events: impl Stream<Item = Next> + Unpin,
    ) -> Result<ExitCode> {
        let mut interrupt = Interrupt::listen().context("cannot listen for Ctrl-C")?;
        if self.stop.is_some() {
            interrupt.wait_for_answer();
        }
        let end = match self.print(events, &mut interrupt).await {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => End::Closed,
            end => end.context("cannot write to standard output")?,
        };
        self.bar.end();
        let elapsed = self.began.elapsed();
        self.out.get_mut().close_pager();
        for message in self.held.take() {
            self.say(&message);
        }
        if !matches!(end, End::Closed) {
            self.report(&end, elapsed);
        }
        Ok(match end {
            End::Interrupted => ExitCode::from(130),
            End::Closed => ExitCode::SUCCESS,
            End::Done if self.config.mode == Mode::Quiet && self.answer.found() => {
                ExitCode::SUCCESS
            }
            End::Done if self.failed => ExitCode::from(2),
            End::Done if self.answer.found() => ExitCode::SUCCESS,
            End::Done => ExitCode::from(1),
        })
    }

    /// Prints what comes until there is an end.
    async fn print(
        &mut self,
        mut events: impl Stream<Item = Next> + Unpin,
        interrupt: &mut Interrupt,
    ) -> io::Result<End> {
        let quit = self.out.get_ref().quit();
        let reader_gone = self.out.get_ref().reader_gone();
        tokio::pin!(quit, reader_gone);
        // A search that ends finds out by writing, and with -q nothing is ever written.
        let needs_reader = self.config.follow.is_some() && self.config.mode != Mode::Quiet;
        let mut end = End::Done;
        let mut is_stopping = false;
        while !self.answer.is_complete() {
            let next = match events.next().now_or_never() {
                Some(next) => next,
                None => {
                    // Nothing is at hand: what has been found is shown while more is looked for.
                    self.flush(interrupt)?;
                    tokio::select! {
                        biased;
                        () = interrupt.wait(), if !is_stopping => None,
                        () = &mut quit => return Ok(End::Closed),
                        () = &mut reader_gone, if needs_reader => return Ok(End::Closed),
                        next = events.next() => next,
                    }
                }
            };
            if interrupt.is_set() && !is_stopping {
                end = End::Interrupted;
                let Some(stop) = &self.stop else { break };
                // What is known by now is the last answer.
                stop.stop();
                is_stopping = true;
                if next.is_none() {
                    continue;
                }
            }
            match next {
                None => break,
                Some(Next::Event(Event::Batch(batch), printed)) => {
                    if self.config.output.harmless && batch.matched > 0 {
                        self.bar.end();
                    }
                    match &printed {
                        Some(printed) => self.answer.printed(&batch, printed, &mut self.out)?,
                        None => self.answer.batch(&batch, &mut self.out)?,
                    }
                    if self.config.output.line_buffered {
                        self.flush(interrupt)?;
                    }
                }
                Some(Next::Answer(answer)) => {
                    if self.config.output.harmless {
                        self.bar.end();
                    }
                    self.answer.rows(answer, &mut self.out)?;
                    if self.config.output.line_buffered {
                        self.flush(interrupt)?;
                    }
                }
                Some(Next::Failed(why)) => {
                    self.flush(interrupt)?;
                    self.failed = true;
                    self.answer.fail();
                    self.say(&why);
                    break;
                }
                // Nobody asks for one here.
                Some(Next::Event(Event::Barrier(_), _)) => {}
                Some(Next::Event(Event::CaughtUp, _)) => self.answer.caught_up(&mut self.out)?,
                Some(Next::Event(Event::Notice(notice), _)) => {
                    self.flush(interrupt)?;
                    self.say(&notice);
                }
                Some(Next::Event(Event::Skipped(skipped), _)) => {
                    self.flush(interrupt)?;
                    self.say(&skipped);
                }
                Some(Next::Event(Event::Problem(problem), _)) => {
                    self.flush(interrupt)?;
                    self.failed = true;
                    self.say(&problem);
                    if self.config.strict {
                        break;
                    }
                }
            }
        }
        self.answer.finish(&mut self.out)?;
        self.flush(interrupt)?;
        Ok(end)
    }

    fn flush(&mut self, interrupt: &Interrupt) -> io::Result<()> {
        self.out.flush()?;
        interrupt.leave_to_pager(self.out.get_ref().is_paging());
        Ok(())
    }

    /// Says what must not be overlooked, and with `--stats` all that is known.
    fn report(&mut self, end: &End, elapsed: Duration) {
        let snapshot = (self.counters)();
        if matches!(end, End::Interrupted) {
            self.say(&stats::interrupted(&snapshot));
        }
        if snapshot.lines_overlong > 0 {
            self.say(&stats::overlong(&snapshot, self.config.line_bytes_max));
        }
        let left_out = self.printer.as_ref().map(|printer| printer.left_out());
        if let Some(message) = stats::left_out(&left_out.unwrap_or_default()) {
            self.say(&message);
        }
        if snapshot.records_untimed > 0 {
            self.say(&stats::untimed(&snapshot));
        }
        let last_words = self.last_words.take();
        for message in last_words.iter().flat_map(|words| words()) {
            self.say(&message);
        }
        if self.config.stats {
            let _ = write!(io::stderr(), "{}", stats::summary(&snapshot, elapsed));
        }
    }

    fn say(&mut self, what: &dyn Display) {
        if self.out.get_ref().is_paging() {
            return self.held.push(what);
        }
        // Nobody is left to be told that standard error is closed.
        let _ = self.bar.suspend(|| writeln!(io::stderr(), "birl: {what}"));
    }
}
