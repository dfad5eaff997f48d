//! What a rule asks: its query, planned over its sources, and the answers as windows and records.

use std::ffi::OsString;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use birl_query::{
    Answer, Answers, Closing, Condition, Limits, Live, Over, Plan, Resume, Rows, Session, Sources,
    Watches,
};
use birl_record::columns::Fields;
use birl_record::format::Formats;
use birl_record::query::{self, tree::Query};
use birl_record::search;
use birl_record::time::Clock;
use birl_render::{DisplayZone, JsonRows, RenderRows};
use birl_scan::{Event, fields, newest};
use birl_source::follow;
use birl_source::name::Name;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, stream};
use serde_json::{Map, Value};

use crate::alert::Window;
use crate::config::{Error, Kind, Rule, Source};
use crate::engine::PLACES;
use crate::judge::Row;
use crate::life::Group;
use crate::past::Log;
use crate::places;
use crate::sources::{Read, is_written, names_of};
use crate::store::now;
use crate::words::exact;

/// What rules need to know of where they run.
#[derive(Clone)]
pub struct Surroundings {
    /// The value of an environment variable.
    pub variable: fn(&str) -> Option<OsString>,
    /// The formats that are looked for.
    pub formats: Formats,
    /// From where moments are looked at.
    pub clock: Clock,
    /// Whether what the clock shows does not go on, as in tests.
    pub clock_stands: bool,
    /// How many threads a query may use.
    pub threads: usize,
    /// How many bytes the groups of a rule may take, before some of them are written to files.
    pub memory_bytes: usize,
    /// What places have of the process.
    pub places: places::Surroundings,
}

impl std::fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Surroundings")
            .field("clock", &self.clock)
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}

/// What a rule asks of its sources.
pub(crate) struct Asked {
    session: Session,
    plan: Plan,
    condition: Option<Condition>,
    /// What the records are asked for that an alert is about.
    pub(crate) evidence: Evidence,
    /// The fields that the query names and no sampled record has.
    pub(crate) unknown_fields: Vec<String>,
    /// By what the rows of the answer are told apart, where the rule does not say so.
    pub(crate) keys: Vec<String>,
    /// Whether what is true of a window is told before it closes.
    pub(crate) fires_early: bool,
    pub(crate) closing: Closing,
    has_windows: bool,
}

/// How sources are read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum How<'a> {
    /// As the rule says, and what comes from now on: with the fields that are known of an earlier run of
    /// the same query, or those of samples.
    Live(Option<&'a Fields>),
    /// These names, as they are, in the order of time.
    Replay(&'a [Log]),
}

/// What comes of a rule's query.
#[derive(Debug)]
pub(crate) enum Item {
    /// The rows of a window that has closed.
    Window(Window, Vec<Row>),
    /// The rows of a window that is open, as they are so far: where what is true of them stays true.
    SoFar(Window, Vec<Row>),
    /// Time has come so far: all windows that end by then have been told.
    Time(i64),
    /// A record, when it was, and how it stands in the log.
    Record { row: Row, time: i64, line: String },
    /// Something happened to a source.
    Event(Event),
    /// All that came before the barrier of this number has been told, or is in this state.
    Checkpoint { number: u64, state: Vec<u8> },
}

/// The records that an alert is about can be asked for by this.
#[derive(Clone, Debug)]
pub(crate) struct Evidence {
    /// The part of the query that keeps records as they are; of none where it begins with SQL.
    query: Option<String>,
    /// The sources that can be asked again, as typed: files, and not what came and went.
    typed: Vec<String>,
    /// The flags by which the command line reads them as the rule does.
    flags: Vec<String>,
    /// Columns of the answer that the records do not have: they are worked out later.
    worked_out: Vec<String>,
    sources: Sources,
    limits: Limits,
}

/// What is wrong with a rule, or went wrong with its answer.
fn wrong(rule: &Rule, file: &Path, message: impl std::fmt::Display) -> Error {
    Error::at_line(file, rule.line, format!("rule {:?}: {message}", rule.name))
}

/// What went wrong with the answer of a rule, which may take so much memory.
fn ended(rule: &Rule, file: &Path, error: &birl_query::Error, memory_bytes: usize) -> Error {
    if !error.needs_memory() {
        return wrong(rule, file, error.render(""));
    }
    let message = format!("{error}: a rule has {} MiB", memory_bytes >> 20);
    wrong(rule, file, message).with_hint(
        "take a shorter window or fewer groups, or leave records out before a sort, a dedup or a join: \
         these keep all of a window",
    )
}

impl Asked {
    /// Plans what `rule` asks. It samples its sources, which takes a moment and blocks.
    pub(crate) async fn plan(
        rule: &Rule,
        file: &Path,
        sources: &[Source],
        how: How<'_>,
        around: &Surroundings,
    ) -> Result<Self, Error> {
        let sources = asked_of(rule, sources);
        let (typed, names) = match how {
            How::Live(_) => names_of(&sources, file, around)?,
            How::Replay(logs) => {
                let names = logs
                    .iter()
                    .map(|log| Name::parse(log.path()))
                    .collect::<Result<_, _>>();
                let typed = logs.iter().map(Log::typed);
                (
                    typed.collect(),
                    names.map_err(|error| wrong(rule, file, error))?,
                )
            }
        };
        let read = Read::of(&sources, file, around, |message| wrong(rule, file, message))?;
        let known = match how {
            // The plan is the same then, whatever the records have by now.
            How::Live(known) => known.cloned(),
            How::Replay(_) => None,
        };
        let sources = Sources {
            fields: known.unwrap_or_else(|| fields(names.clone(), read.walk, &read.options)),
            names,
            walk: read.walk,
            options: read.options,
            range: None,
            clock: around.clock.clone(),
            search: search::Options::default(),
            pushes_down: true,
        };
        let limits = Limits {
            memory_bytes: around.memory_bytes,
            ..Limits::default()
        };
        let mut evidence = Evidence {
            query: evidence(rule),
            typed,
            flags: read.flags.clone(),
            worked_out: Vec::new(),
            sources: sources.clone(),
            limits: limits.clone(),
        };
        let has_windows = rule.kind.has_windows();
        let live = |keeps: bool| Live {
            follow: match how {
                // What is followed is given to it.
                How::Live(_) => Some(follow::Options::default()),
                How::Replay(_) => None,
            },
            watches: match how {
                How::Live(_) => Some(Watches {
                    rows_every: keeps.then_some(SO_FAR),
                }),
                How::Replay(_) => None,
            },
            windows: has_windows.then_some(Over::Windows {
                size: rule.window,
                slide: rule.slide,
            }),
            closing: read.closing,
            ..Live::default()
        };
        let session = Session::new(sources, &limits).map_err(|error| wrong(rule, file, error))?;
        let session = session.with_files();
        let text = asked(rule);
        let failed = |error: birl_query::Error| wrong(rule, file, error.render(&text));
        let plan = session
            .plan_live_rows(&text, live(false))
            .await
            .map_err(failed)?;
        check_columns(rule, &plan).map_err(|message| wrong(rule, file, message))?;
        let condition = when(rule)
            .map(|when| session.condition(&when, &plan.schema()))
            .transpose()
            .map_err(|error| wrong(rule, file, error.render("")))?;
        let keeps = condition
            .as_ref()
            .is_some_and(|condition| plan.keeps(condition));
        let plan = match keeps {
            true => session
                .plan_live_rows(&text, live(true))
                .await
                .map_err(failed)?,
            false => plan,
        };
        let keys = match rule.group_by.is_empty() && has_windows {
            true => plan.keys(),
            false => Vec::new(),
        };
        let group = if keys.is_empty() {
            &rule.group_by
        } else {
            &keys
        };
        evidence.worked_out = evidence.worked_out(group, &session, &plan).await;
        Ok(Self {
            keys,
            fires_early: keeps,
            closing: read.closing,
            unknown_fields: plan.unknown_fields().to_vec(),
            session,
            plan,
            condition,
            evidence,
            has_windows,
        })
    }

    /// The columns of the answer.
    pub(crate) fn columns(&self) -> Vec<String> {
        columns(&self.plan)
    }

    /// When the oldest and the newest record of its sources were. It reads files, so it blocks.
    pub(crate) async fn span(
        &self,
        rule: &Rule,
        file: &Path,
    ) -> Result<(Option<i64>, Option<i64>), Error> {
        let failed = |error: birl_query::Error| wrong(rule, file, error.render(""));
        let sources = &self.evidence.sources;
        let first = "* |> where timestamp is not null |> select timestamp |> limit 1";
        let plan = self.session.plan_live_rows(first, Live::default()).await;
        let mut answers = plan
            .and_then(|plan| plan.run(&self.session))
            .map_err(failed)?;
        let mut oldest = None;
        while let Some(answer) = answers.next().await {
            // What goes wrong with a source is told when the rule asks it.
            if let Answer::Rows(rows) = answer.map_err(failed)? {
                oldest = times(&rows).first().copied().flatten();
            }
        }
        let newest = newest(sources.names.clone(), sources.walk, &sources.options);
        Ok((oldest, newest))
    }

    /// What comes of it. A record that says no time is of that of the one before, or of `oldest`, or of
    /// now.
    pub(crate) fn run(
        self,
        rule: &Rule,
        file: &Path,
        oldest: Option<i64>,
    ) -> Result<BoxStream<'static, Result<Item, Error>>, Error> {
        let failed = |error: birl_query::Error| wrong(rule, file, error.render(""));
        let answers = self.plan.run(&self.session).map_err(failed)?;
        let reader = Reader {
            condition: self.condition,
            has_windows: self.has_windows,
            last: oldest,
            now: self.evidence.sources.options.now,
            memory_bytes: self.evidence.limits.memory_bytes,
        };
        Ok(reader.all(answers, rule, file))
    }

    /// Whether its query goes on with all of a state, or why not.
    pub(crate) fn can_resume(&self, state: &[u8]) -> Result<(), birl_query::Error> {
        self.plan.can_resume(&self.session, state)
    }

    /// What comes of it over what `events` tell, with what of the state of a query at the barrier behind
    /// which these begin.
    ///
    /// # Errors
    /// Fails where all of a state is to be taken that is of another query.
    pub(crate) fn run_over(
        self,
        rule: &Rule,
        file: &Path,
        events: impl Stream<Item = follow::Event> + Send + 'static,
        resume: Resume<'_>,
    ) -> Result<BoxStream<'static, Result<Item, Error>>, Error> {
        let failed = |error: birl_query::Error| wrong(rule, file, error.render(""));
        let answers = self.plan.run_over(&self.session, events, resume);
        let answers = answers.map_err(failed)?;
        let reader = Reader {
            condition: self.condition,
            has_windows: self.has_windows,
            last: None,
            now: self.evidence.sources.options.now,
            memory_bytes: self.evidence.limits.memory_bytes,
        };
        Ok(reader.all(answers, rule, file))
    }
}

/// Makes items of answers.
struct Reader {
    condition: Option<Condition>,
    has_windows: bool,
    /// When the last record was. One that does not say it comes right behind.
    last: Option<i64>,
    /// What is now, where that does not go on.
    now: Option<i64>,
    /// So much may be kept for the answers.
    memory_bytes: usize,
}

impl Reader {
    fn all(
        mut self,
        answers: Answers,
        rule: &Rule,
        file: &Path,
    ) -> BoxStream<'static, Result<Item, Error>> {
        let (rule, file) = (rule.clone(), file.to_owned());
        let memory_bytes = self.memory_bytes;
        let items = answers.flat_map(move |answer| {
            let items = answer.and_then(|answer| self.items(answer));
            stream::iter(match items {
                Ok(items) => items.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(ended(&rule, &file, &error, memory_bytes))],
            })
        });
        items.boxed()
    }

    fn items(&mut self, answer: Answer) -> Result<Vec<Item>, birl_query::Error> {
        Ok(match answer {
            Answer::Event(event) => vec![Item::Event(event)],
            Answer::Window { start, end, rows } => {
                let rows = rows.iter().map(|rows| self.rows(rows));
                let rows = rows.collect::<Result<Vec<_>, _>>()?;
                vec![Item::Window(Window { start, end }, rows.concat())]
            }
            Answer::Rows(rows) if !self.has_windows => {
                let times = times(&rows);
                let rows = self.rows(&rows)?.into_iter().zip(times);
                let records = rows.map(|(mut row, time)| {
                    let line = row.values.remove("line");
                    let line = line.as_ref().and_then(Value::as_str);
                    row.values.retain(|_, value| !value.is_null());
                    let time = time.or(self.last).or(self.now).unwrap_or_else(now);
                    self.last = Some(time);
                    Item::Record {
                        row,
                        time,
                        line: line.unwrap_or_default().to_owned(),
                    }
                });
                records.collect()
            }
            Answer::SoFar { start, end, rows } => {
                let rows = rows.iter().map(|rows| self.rows(rows));
                let rows = rows.collect::<Result<Vec<_>, _>>()?;
                vec![Item::SoFar(Window { start, end }, rows.concat())]
            }
            Answer::Time(time) => vec![Item::Time(time)],
            Answer::Checkpoint { barrier, state, .. } => vec![Item::Checkpoint {
                number: barrier,
                state,
            }],
            Answer::Rows(_) | Answer::Records(_) | Answer::Snapshot { .. } | Answer::Late(_) => {
                Vec::new()
            }
        })
    }

    fn rows(&self, rows: &Rows) -> Result<Vec<Row>, birl_query::Error> {
        let holds = match &self.condition {
            Some(condition) => condition.holds(rows)?,
            None => vec![true; rows.num_rows()],
        };
        let values = objects(rows).into_iter().zip(holds);
        Ok(values
            .map(|(values, holds)| Row { values, holds })
            .collect())
    }
}

/// Rows as objects of JSON, but for the columns that say which window they are of.
fn objects(rows: &Rows) -> Vec<Map<String, Value>> {
    let mut json = Vec::new();
    let mut writer = JsonRows::new(&rows.schema(), DisplayZone::utc());
    writer
        .rows(rows, &mut json)
        .expect("a vector takes all that is written");
    let lines = json
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    let objects = lines.map(|line| {
        let mut object: Map<String, Value> =
            serde_json::from_slice(line).expect("what is written as JSON is JSON");
        object.remove("window_start");
        object.remove("window_end");
        object
    });
    objects.collect()
}

/// When each of the records was.
fn times(rows: &Rows) -> Vec<Option<i64>> {
    use arrow_array::Array;
    use arrow_array::cast::AsArray;
    use arrow_array::types::TimestampNanosecondType;

    let times = rows
        .column_by_name(TIMESTAMP)
        .and_then(|times| times.as_primitive_opt::<TimestampNanosecondType>());
    match times {
        Some(times) => (0..times.len())
            .map(|row| times.is_valid(row).then(|| times.value(row)))
            .collect(),
        None => vec![None; rows.num_rows()],
    }
}

const TIMESTAMP: &str = "timestamp";

/// How often conditions are looked at that stay true once they are.
const SO_FAR: Duration = Duration::from_millis(100);

/// The sources that a rule asks.
pub(crate) fn asked_of<'s>(rule: &Rule, sources: &'s [Source]) -> Vec<&'s Source> {
    let is_asked =
        |source: &&Source| rule.sources.is_empty() || rule.sources.contains(&source.name);
    sources.iter().filter(is_asked).collect()
}

/// Whether two rules have the same query, over the same windows: if their sources are the same, one goes on
/// where the other was.
pub(crate) fn ask_the_same(one: &Rule, other: &Rule) -> bool {
    let windows = |rule: &Rule| rule.kind.has_windows().then_some((rule.window, rule.slide));
    asked(one) == asked(other) && windows(one) == windows(other)
}

/// The query of a rule, with what its kind counts behind it.
fn asked(rule: &Rule) -> String {
    let query = &rule.query;
    let aggregate = |aggregates: &str| {
        let groups: Vec<_> = rule.group_by.iter().map(|name| column(name)).collect();
        match groups.is_empty() {
            true => then(query, &format!("stats {aggregates}")),
            false => then(
                query,
                &format!("stats {aggregates} by {}", groups.join(", ")),
            ),
        }
    };
    match &rule.kind {
        Kind::Threshold { .. } => query.clone(),
        Kind::Any | Kind::NewTerm { .. } | Kind::Change { .. } => with_fields(rule, query),
        Kind::Frequency { .. } | Kind::Spike { .. } | Kind::Flatline { .. } => aggregate("count"),
        Kind::Cardinality { field, .. } => {
            aggregate(&format!("dc({}) as cardinality", column(field)))
        }
        Kind::Percentage { matching, .. } => {
            let counts = format!(
                "count as total, count_if(search({})) as matches",
                literal(matching)
            );
            let counted = aggregate(&counts);
            format!("{counted} |> extend 100.0 * matches / total as percent")
        }
        Kind::Listed {
            field,
            values,
            allows,
        } => {
            let (field, values) = (column(field), values.iter().map(|value| literal(value)));
            let values = values.collect::<Vec<_>>().join(", ");
            let not = if *allows { "not " } else { "" };
            let listed = format!("where cast({field} as varchar) {not}in ({values})");
            with_fields(rule, &then(query, &listed))
        }
    }
}

/// A query for records that have the fields that a rule looks at: a record may have one that no sample
/// has, and a query gives none that nobody names.
fn with_fields(rule: &Rule, query: &str) -> String {
    let text = rule.text.as_ref();
    let text = text.and_then(|text| crate::template::parse(text).ok());
    let own = ["before", "after"];
    let places = text.iter().flat_map(|text| text.places());
    let places = places.filter(|place| !PLACES.contains(place) && !own.contains(place));
    let looked_at = match &rule.kind {
        Kind::NewTerm { fields, .. } => &fields[..],
        Kind::Change { field } | Kind::Listed { field, .. } => std::slice::from_ref(field),
        _ => &[],
    };
    let names = looked_at.iter().chain(&rule.group_by).map(String::as_str);
    let mut named: Vec<String> = Vec::new();
    for name in names.chain(places).map(column) {
        if !named.contains(&name) {
            named.push(name);
        }
    }
    match named.is_empty() {
        true => query.to_owned(),
        false => then(query, &format!("fields {}, *", named.join(", "))),
    }
}

/// The condition over the rows of what a rule asks.
fn when(rule: &Rule) -> Option<String> {
    let bounds = |column: &str, above: &Option<f64>, below: &Option<f64>| {
        let above = above.map(|bound| format!("{column} > {bound}"));
        let below = below.map(|bound| format!("{column} < {bound}"));
        above
            .into_iter()
            .chain(below)
            .collect::<Vec<_>>()
            .join(" or ")
    };
    match &rule.kind {
        Kind::Threshold { when } => Some(when.clone()),
        Kind::Frequency { at_least } => Some(format!("count >= {at_least}")),
        Kind::Cardinality { above, below, .. } => Some(bounds("cardinality", above, below)),
        Kind::Percentage {
            above,
            below,
            at_least,
            ..
        } => Some(format!(
            "total >= {at_least} and ({})",
            bounds("percent", above, below)
        )),
        _ => None,
    }
}

/// Finds columns that a rule names and its answer does not have.
fn check_columns(rule: &Rule, plan: &Plan) -> Result<(), String> {
    let columns = columns(plan);
    let has = |name: &str| columns.iter().any(|it| it == name);
    let are_records = has(TIMESTAMP) && has("line");
    if !rule.kind.has_windows() && !are_records {
        return Err(format!(
            "rules of kind {:?} look at records, and the rows of this query are none\n\n\
             hint: leave out the steps that group rows or choose columns",
            rule.kind.name()
        ));
    }
    // A record may have any field, and one that none of the samples has.
    let needs_all = rule.kind.has_windows();
    if let Some(name) = rule.group_by.iter().find(|name| needs_all && !has(name)) {
        return Err(no_column("group_by", name, &columns));
    }
    let template = rule
        .text
        .iter()
        .filter_map(|text| crate::template::parse(text).ok());
    for template in template {
        let own = match &rule.kind {
            Kind::Spike { .. } => &["mean"][..],
            _ => &[],
        };
        let is_known = |place: &&str| has(place) || PLACES.contains(place) || own.contains(place);
        if let Some(place) = template
            .places()
            .find(|place| needs_all && !is_known(place))
        {
            return Err(no_column("text", place, &columns));
        }
    }
    Ok(())
}

fn no_column(key: &str, name: &str, columns: &[String]) -> String {
    let message = format!(
        "{key} names {name:?}, and the columns of the answer are {}",
        columns.join(", ")
    );
    let known = columns.iter().map(String::as_str);
    match birl_query::nearest(name, known.chain(PLACES)) {
        Some(meant) => format!("{message}\n\nhint: did you mean {meant:?}?"),
        None => message,
    }
}

/// The columns of the answer, but for those that say which window they are of.
fn columns(plan: &Plan) -> Vec<String> {
    let schema = plan.schema();
    let names = schema.fields().iter().map(|field| field.name().clone());
    names
        .filter(|name| name != "window_start" && name != "window_end")
        .collect()
}

/// A column's name as it stands in a query.
fn column(name: &str) -> String {
    let begins = name.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '@');
    match begins
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || "_@.".contains(c))
    {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

/// A text as it stands in SQL.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A query with one more step. Where its last line may end with a comment, the step begins a line.
fn then(query: &str, step: &str) -> String {
    let between = match query.lines().last().is_some_and(|line| line.contains("--")) {
        true => '\n',
        false => ' ',
    };
    format!("{query}{between}|> {step}")
}

/// Steps that look at each record by itself, and leave it as it is.
const KEEPING: [&str; 5] = ["where", "parse", "extract", "extend", "set"];

/// The part of a query that its records can be asked for by: what stands before its first step that
/// does more than look at each.
fn evidence(rule: &Rule) -> Option<String> {
    let query = query::parse(&rule.query).ok()?;
    if query.sql.is_some() {
        return None;
    }
    let steps = query.steps.into_iter().take_while(|step| {
        let mut words = step.text.split(|c: char| !c.is_alphanumeric());
        let name = words.next().unwrap_or_default();
        KEEPING
            .iter()
            .any(|keeping| keeping.eq_ignore_ascii_case(name))
    });
    let search = Query {
        search: query.search,
        sql: None,
        steps: Vec::new(),
    };
    let search = search.to_string();
    let records = steps.fold(search, |query, step| then(&query, &step.text));
    Some(match &rule.kind {
        // Where there are too many of those that are found, these are the ones to look at.
        Kind::Percentage {
            matching,
            above: Some(_),
            ..
        } => then(&records, &format!("where search({})", literal(matching))),
        _ => records,
    })
}

impl Evidence {
    /// The fields that the query was planned with.
    pub(crate) fn fields(&self) -> &Fields {
        &self.sources.fields
    }

    /// A query for the records of a group.
    fn of_group(&self, group: &Group) -> Option<String> {
        let query = self.query.as_ref()?;
        let group = group
            .iter()
            .filter(|(name, _)| !self.worked_out.contains(name));
        let terms = group.map(|(name, value)| match value.as_str() {
            "" => format!("({0} is null or cast({0} as varchar) = '')", column(name)),
            value => format!("cast({} as varchar) = {}", column(name), literal(value)),
        });
        let terms: Vec<_> = terms.collect();
        Some(match terms.is_empty() {
            true => query.clone(),
            false => then(query, &format!("where {}", terms.join(" and "))),
        })
    }

    /// Those of the names that are columns of the answer of `plan`, and no fields of its records.
    async fn worked_out(&self, names: &[String], session: &Session, plan: &Plan) -> Vec<String> {
        let group = names.iter().map(|name| (name.clone(), String::new()));
        let Some(query) = self.of_group(&group.collect()) else {
            return Vec::new();
        };
        let Ok(records) = session.plan_rows(&query).await else {
            return Vec::new();
        };
        let unknown = records.unknown_fields().iter();
        let is_field = |name: &&String| plan.unknown_fields().contains(name);
        unknown.filter(|name| !is_field(name)).cloned().collect()
    }

    /// A command that shows the records of a group in a range of time; empty where none of the sources
    /// can be asked again.
    pub(crate) fn command(&self, group: &Group, range: &Range<i64>) -> String {
        if self.typed.is_empty() {
            return String::new();
        }
        let query = self.of_group(group).unwrap_or_else(|| "*".to_owned());
        let (since, until) = (exact(range.start), exact(range.end));
        let flags = self.flags.iter().map(String::as_str);
        let words = ["birl"].into_iter().chain(flags);
        let words = words.chain(["--since", &since, "--until", &until]);
        let behind = [query.as_str()].into_iter();
        let behind = behind.chain(self.typed.iter().map(String::as_str));
        let behind: Vec<_> = behind.collect();
        // What begins like a flag and is none stands behind this.
        let is_flag = behind.iter().any(|word| word.starts_with('-'));
        let words = words.chain(is_flag.then_some("--")).chain(behind);
        let quoted = words.map(|word| {
            shlex::try_quote(word).map_or_else(|_| word.replace('\0', ""), |word| word.into_owned())
        });
        quoted.collect::<Vec<_>>().join(" ")
    }

    /// The first `most` records of a group in a range of time, as they stand in files. What is not
    /// written down cannot be read again.
    pub(crate) async fn samples(
        &self,
        group: &Group,
        range: Range<i64>,
        most: usize,
    ) -> Result<Vec<String>, birl_query::Error> {
        let names = self.sources.names.iter().filter(|name| is_written(name));
        let names: Vec<_> = names.cloned().collect();
        let (Some(query), false, 1..) = (self.of_group(group), names.is_empty(), most) else {
            return Ok(Vec::new());
        };
        let sources = Sources {
            names,
            range: Some(range),
            ..self.sources.clone()
        };
        let session = Session::new(sources, &self.limits)?;
        // Many have the same time, where that has no more than seconds.
        let steps = format!("sort timestamp, source, offset |> limit {most} |> select line");
        let text = then(&query, &steps);
        let plan = session.plan_rows(&text).await?;
        let mut answers = plan.run(&session)?;
        let mut lines = Vec::new();
        while let Some(answer) = answers.next().await {
            if let Answer::Rows(rows) = answer? {
                let rows = objects(&rows).into_iter();
                lines.extend(rows.filter_map(|mut row| match row.remove("line") {
                    Some(Value::String(line)) => Some(line),
                    _ => None,
                }));
            }
        }
        Ok(lines)
    }
}
