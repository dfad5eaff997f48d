//! What queries are asked of: sources, and what it may cost.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use birl_record::columns::{Fields, Type};
use birl_record::search;
use birl_record::time::Clock;
use birl_scan::{Options, Progress};
use birl_source::name::Name;
use birl_source::walk::WalkOptions;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionState;
use datafusion::execution::{FunctionRegistry, SessionStateBuilder};
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::prelude::SessionConfig;

use crate::give_up::{Checking, GiveUp};
use crate::overflow::{CheckedArithmetic, CheckedSum};
use crate::percentile::Percentile;
use crate::{Error, asserted, casts, in_order, mode, moments, pipe, sort_keys};

/// The sources that are the table `logs`, and how they are read.
#[derive(Clone, Debug)]
pub struct Sources {
    /// What they are called.
    pub names: Vec<Name>,
    /// How directories are walked.
    pub walk: WalkOptions,
    /// How records are found; what is wanted of them, and which columns, is decided by the query.
    pub options: Options,
    /// From where moments are looked at that a query names.
    pub clock: Clock,
    /// The range of time that records are of, in nanoseconds since 1970 (UTC); of any if `None`. A
    /// record without a time is in no range.
    pub range: Option<Range<i64>>,
    /// How the terms of a search are taken.
    pub search: search::Options,
    /// The fields that samples of the records have.
    pub fields: Fields,
    /// Whether the scan leaves out what predicates of SQL cannot be true of. Answers are the same
    /// without, but slower.
    pub pushes_down: bool,
}

/// What an answer may cost.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How many bytes may be held for groups, sorts and joins, before some of it is written to
    /// files.
    pub memory_bytes: usize,
    /// How many bytes these files may take; there are none with 0.
    pub spill_bytes: u64,
    /// Where they are; in the system's directory for temporary files if `None`.
    pub spill_directory: Option<PathBuf>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 256 << 20,
            spill_bytes: 100 << 30,
            spill_directory: None,
        }
    }
}

/// Answers queries over sources.
#[derive(Debug)]
pub struct Session {
    pub(crate) sources: Arc<Sources>,
    /// Files that are tables, by the names of the tables.
    files: Vec<(String, PathBuf)>,
    /// Whether a query may name any file as a table.
    pub(crate) reads_files: bool,
    /// Whether queries are of people who may ask what is read, and nothing else.
    pub(crate) is_guarded: bool,
    /// Fields whose samples all are whole numbers, and that have been found to hold fractions.
    fractions: Mutex<BTreeSet<String>>,
    pub(crate) state: SessionState,
}

/// So many consumers of memory are named where there is too little.
const CONSUMERS_TOLD: std::num::NonZeroUsize = std::num::NonZeroUsize::new(3).unwrap();

/// Functions that make a text or a list as long as they are told.
const GROWING: [&str; 10] = [
    "repeat",
    "lpad",
    "rpad",
    "range",
    "generate_series",
    "gen_series",
    "array_repeat",
    "list_repeat",
    "array_resize",
    "list_resize",
];
/// Tables that are made of nothing, and may be as long as they are told.
const ENDLESS: [&str; 2] = ["range", "generate_series"];

impl Session {
    /// A session over `sources`. Nothing is opened before a plan runs.
    ///
    /// # Errors
    /// Fails where there can be no directory for temporary files.
    pub fn new(sources: Sources, limits: &Limits) -> Result<Self, Error> {
        let disk = match &limits.spill_directory {
            _ if limits.spill_bytes == 0 => DiskManagerMode::Disabled,
            Some(directory) => DiskManagerMode::Directories(vec![directory.clone()]),
            None => DiskManagerMode::OsTmpDirectory,
        };
        let disk = DiskManagerBuilder::default()
            .with_mode(disk)
            .with_max_temp_directory_size(limits.spill_bytes);
        let pool = FairSpillPool::new(limits.memory_bytes);
        let runtime = RuntimeEnvBuilder::new()
            .with_disk_manager_builder(disk)
            .with_memory_pool(Arc::new(TrackConsumersPool::new(pool, CONSUMERS_TOLD)))
            .build_arc()?;
        let sources = Arc::new(sources);
        let mut state = SessionStateBuilder::new_with_default_features()
            .with_config(config(sources.options.threads, limits.memory_bytes))
            .with_optimizer_rules(sort_keys::rules())
            .with_physical_optimizer_rules(in_order::rules(&sources))
            .with_runtime_env(runtime)
            .with_analyzer_rule(Arc::new(CheckedArithmetic))
            .with_analyzer_rule(Arc::new(casts::LenientCasts))
            .with_execution_props(at_the_time_of(&sources.clock))
            .build();
        state.register_udaf(Arc::new(CheckedSum::default().into()))?;
        state.register_udaf(Arc::new(Percentile::default().into()))?;
        state.register_udaf(Arc::new(mode::function()))?;
        state.register_udf(Arc::new(asserted::function()))?;
        state.register_udf(Arc::new(moments::function(sources.clock.clone())))?;
        state.register_udf(Arc::new(pipe::captures()))?;
        for function in pipe::picks() {
            state.register_udf(Arc::new(function))?;
        }
        Ok(Self {
            sources,
            files: Vec::new(),
            reads_files: false,
            is_guarded: false,
            fractions: Mutex::default(),
            state,
        })
    }

    /// The same session, in which `files` are tables too, by the names that come with them.
    pub fn with_tables(self, files: Vec<(String, PathBuf)>) -> Self {
        Self { files, ..self }
    }

    /// The same session, in which a query may name any file as a table, as in `join users.csv`.
    pub fn with_files(self) -> Self {
        Self {
            reads_files: true,
            ..self
        }
    }

    /// The same session for queries of people who are trusted with what they read, and with nothing else. It
    /// refuses what takes time or memory that nobody can bound: tables that are made of nothing, functions
    /// that make a text or list as long as they are told, and joins of all rows with all others. What is left may
    /// still take long: `give_up` ends it.
    ///
    /// # Errors
    /// Fails where a function cannot be taken away.
    pub fn guarded(self, give_up: &GiveUp) -> Result<Self, Error> {
        let mut state = SessionStateBuilder::new_from_existing(self.state)
            .with_physical_optimizer_rule(Arc::new(Checking(give_up.clone())))
            .build();
        for function in GROWING {
            state.deregister_udf(function)?;
        }
        for table in ENDLESS {
            state.deregister_udtf(table)?;
        }
        Ok(Self {
            is_guarded: true,
            state,
            ..self
        })
    }

    /// From now on, takes for numbers with fractions what samples have as whole numbers, and of which
    /// `scans` have found others. Returns whether there are such fields: then what was answered so far
    /// lacks some of their values, and is to be asked for again.
    pub fn widen(&self, scans: &[Progress]) -> bool {
        let mut fractions = self
            .fractions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let before = fractions.len();
        for scan in scans {
            let misfits = scan.misfits();
            let narrow = misfits.iter().filter(|(name, misfit)| {
                misfit.numbers > 0 && self.sources.fields.get(name) == Some(Type::Int)
            });
            fractions.extend(narrow.map(|(name, _)| name.to_owned()));
        }
        fractions.len() > before
    }

    /// The type of a field of which samples are of type `sampled`.
    pub(crate) fn type_of(&self, name: &str, sampled: Type) -> Type {
        let fractions = self
            .fractions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match sampled {
            Type::Int if fractions.contains(name) => Type::Float,
            sampled => sampled,
        }
    }

    /// The file that a query names, which may be the name of a table.
    ///
    /// # Errors
    /// Fails where it may name tables only.
    pub(crate) fn named_file<'a>(&'a self, path: &'a Path) -> Result<Option<&'a Path>, Error> {
        let name = path.to_str().unwrap_or_default();
        match (self.table(name), self.reads_files) {
            (Some(file), _) => Ok(Some(file)),
            (None, true) => Ok(Some(path)),
            (None, false) => {
                let path = path.display();
                Err(Error::run(format!(
                    "this query may not read the file {path}"
                )))
            }
        }
    }

    /// The names of the files that are tables.
    pub(crate) fn table_names(&self) -> Vec<&str> {
        self.files.iter().map(|(name, _)| &name[..]).collect()
    }

    /// The file of the table that is called so: exactly, or else in another case.
    fn table(&self, name: &str) -> Option<&Path> {
        let exact = self.files.iter().find(|(table, _)| table == name);
        let mut alike = self
            .files
            .iter()
            .filter(|(table, _)| table.eq_ignore_ascii_case(name));
        let found = exact.or_else(|| alike.next().filter(|_| alike.next().is_none()));
        found.map(|(_, file)| file.as_path())
    }

    /// The file that is the table `name`.
    pub(crate) fn file<'a>(&'a self, name: &'a str) -> Option<&'a Path> {
        match self.table(name) {
            Some(file) => Some(file),
            None => Some(Path::new(name)).filter(|file| self.reads_files && file.is_file()),
        }
    }
}

fn config(threads: usize, memory_bytes: usize) -> SessionConfig {
    let threads = threads.max(1);
    let defaults = SessionConfig::new();
    // A sort keeps this much back for merging what it has written to files: of little memory no more
    // than a part, or it could not begin.
    let reserved = defaults.options().execution.sort_spill_reservation_bytes;
    let mut config = defaults
        .with_sort_spill_reservation_bytes(reserved.min(memory_bytes / (4 * threads)))
        .with_target_partitions(threads)
        // Rows are handed out to partitions by the scan, where their order does not matter.
        .with_round_robin_repartition(false);
    let options = config.options_mut();
    options.sql_parser.enable_ident_normalization = false;
    options.sql_parser.collect_spans = true;
    // Where a sort stands on a limit that stands on a sort, both sorts would be left out of a subquery.
    options.sql_parser.enable_subquery_sort_elimination = false;
    // The physical plan takes `x is true` for what may be null, the logical one does not: over such
    // groups no query with `count(distinct …)` would run.
    options.execution.skip_physical_aggregate_schema_check = true;
    // A bar of characters in a log is text, and not a view to be copied.
    options.sql_parser.map_string_types_to_utf8view = true;
    config
}

/// What `now()` is in queries: the moment that searches look back from.
fn at_the_time_of(clock: &Clock) -> ExecutionProps {
    let since_1970 = Duration::from_nanos(clock.now.max(0).unsigned_abs());
    ExecutionProps::new().with_query_execution_start_time((UNIX_EPOCH + since_1970).into())
}
