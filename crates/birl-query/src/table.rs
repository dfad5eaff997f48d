//! The table `logs`, whose columns are the fields of records.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use birl_record::columns::{Column, FIXED, Projection, Type, What};
use birl_record::query::tree::Term;
use birl_record::search::{self, Search};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Result, plan_datafusion_err};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;

use crate::pushdown::{self, AS_IN_SQL};
use crate::scan::{ScanExec, Told, Wanted};
use crate::session::Sources;

/// What the table is called.
pub(crate) const NAME: &str = "logs";

/// The column that tells where the record is from; no query names it.
pub(crate) const ORIGIN: &str = "\u{1}origin";

/// A column of the table.
#[derive(Clone, Debug)]
pub(crate) struct LogColumn {
    pub(crate) column: Column,
    /// The search whether which finds the record is what the column says.
    pub(crate) term: Option<Term>,
}

/// The records of the sources, as rows.
#[derive(Debug)]
pub(crate) struct Logs {
    sources: Arc<Sources>,
    columns: Vec<LogColumn>,
    schema: SchemaRef,
    /// To how many partitions rows are handed out, which is in their order only to one.
    partitions: AtomicUsize,
    /// Whether predicates are left to DataFusion, to be held against.
    pushes_down: bool,
    /// Whether all scans are to be the same, so that one serves all: then predicates are held against
    /// rows.
    finds_all: AtomicBool,
    told: Arc<Told>,
}

impl Logs {
    /// A table of `columns`; with `is_logs`, its rows are records as they stand in the sources.
    pub(crate) fn new(
        sources: Arc<Sources>,
        columns: Vec<LogColumn>,
        is_logs: bool,
        told: Arc<Told>,
    ) -> Self {
        let all = Projection::new(columns.iter().map(|it| it.column.clone()).collect());
        let schema = all.schema();
        let fields = schema.fields().iter().cloned();
        let origin = is_logs.then(|| Arc::new(Field::new(ORIGIN, DataType::Int32, true)));
        let schema = Schema::new(fields.chain(origin).collect::<Vec<_>>());
        Self {
            pushes_down: sources.pushes_down,
            sources,
            columns,
            schema: Arc::new(schema),
            partitions: AtomicUsize::new(1),
            finds_all: AtomicBool::new(false),
            told,
        }
    }

    /// From now on, the order of rows does not matter: they are handed out to so many partitions.
    pub(crate) fn set_partitions(&self, partitions: usize) {
        self.partitions.store(partitions, Ordering::Relaxed);
    }

    /// From now on, scans find all records, whatever is asked of them.
    pub(crate) fn set_finds_all(&self) {
        self.finds_all.store(true, Ordering::Relaxed);
    }

    /// The names of the columns that people see, in order.
    pub(crate) fn visible(&self) -> impl Iterator<Item = &str> {
        let visible = self.columns.iter().filter(|it| it.term.is_none());
        visible.map(|it| it.column.name())
    }

    /// Whether the column `name` is text for want of samples that tell, as those of pipes are.
    pub(crate) fn guesses(&self, name: &str) -> bool {
        self.is_text_of_field(name) && self.sources.fields.guesses(name)
    }

    /// The same, or it has both texts and numbers: steps sort those by value, and SQL as the texts that they
    /// are.
    pub(crate) fn guesses_in_steps(&self, name: &str) -> bool {
        let is_mixed = || self.is_text_of_field(name) && self.sources.fields.is_mixed(name);
        self.guesses(name) || is_mixed()
    }

    /// Whether it is text for want of all samples: what a live query keeps over a restart says of a field no
    /// more than its type.
    pub(crate) fn guesses_live(&self, name: &str) -> bool {
        self.is_text_of_field(name) && self.sources.fields.is_unknown(name)
    }

    /// Whether the column `name` is of numbers that are texts, since fractions may follow.
    pub(crate) fn has_numbers(&self, name: &str) -> bool {
        self.is_text_of_field(name) && self.sources.fields.has_been_whole(name)
    }

    fn is_text_of_field(&self, name: &str) -> bool {
        matches!(self.column(name), pushdown::Column::Text(_)) && !FIXED.contains(&name)
    }

    /// Whether `name` is that of a column that people do not see.
    pub(crate) fn hides(&self, name: &str) -> bool {
        let mut hidden = self.columns.iter().filter(|it| it.term.is_some());
        hidden.any(|it| it.column.name() == name)
    }

    /// What a column is for what is pushed down.
    fn column(&self, name: &str) -> pushdown::Column<'_> {
        let Some(it) = self.columns.iter().find(|it| it.column.name() == name) else {
            return pushdown::Column::Other;
        };
        match (it.column.what(), it.column.ty()) {
            (What::Match(_), _) => match &it.term {
                Some(term) => pushdown::Column::Match(term),
                None => pushdown::Column::Other,
            },
            (What::Timestamp, _) => pushdown::Column::Timestamp,
            (What::Level | What::Message | What::Source, _) => {
                pushdown::Column::Text(it.column.name())
            }
            (What::Field(_), Type::Text) => pushdown::Column::Text(it.column.name()),
            (What::Field(_), Type::Int | Type::Float) => pushdown::Column::Number(it.column.name()),
            _ => pushdown::Column::Other,
        }
    }

    /// The search that `filters` come to, and how it reads.
    fn search(&self, filters: &[Expr]) -> Result<(Search, String)> {
        let column = |name: &str| self.column(name);
        let mut exact = Vec::new();
        let mut implied = Vec::new();
        let mut range = self.sources.range.clone().unwrap_or(pushdown::ALWAYS);
        for filter in filters {
            if let Some(term) = pushdown::exact(filter, &column) {
                exact.push(term);
                continue;
            }
            implied.extend(pushdown::implied(filter, &column));
            range = pushdown::common(range, pushdown::times(filter, &column));
        }
        let search = Search::of_all(
            &taken(&exact, self.sources.search),
            &taken(&implied, AS_IN_SQL),
            &self.sources.clock,
        );
        let search = search.map_err(|error| plan_datafusion_err!("{error}"))?;
        let search = match range == pushdown::ALWAYS {
            true => search,
            false => search.within(range),
        };
        let all = Term::And([exact, implied].concat());
        let text = match &all {
            Term::And(terms) if terms.is_empty() => String::new(),
            all => all.to_string(),
        };
        Ok((search, text))
    }
}

/// Terms, all taken in the same way.
fn taken(terms: &[Term], options: search::Options) -> Vec<(&Term, search::Options)> {
    terms.iter().map(|term| (term, options)).collect()
}

#[async_trait::async_trait]
impl TableProvider for Logs {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        let column = |name: &str| self.column(name);
        let support = filters.iter().map(|filter| {
            let is_implied = || {
                pushdown::implied(filter, &column).is_some()
                    || pushdown::times(filter, &column) != pushdown::ALWAYS
            };
            match self.pushes_down && !self.finds_all.load(Ordering::Relaxed) {
                true if pushdown::exact(filter, &column).is_some() => {
                    TableProviderFilterPushDown::Exact
                }
                true if is_implied() => TableProviderFilterPushDown::Inexact,
                _ => TableProviderFilterPushDown::Unsupported,
            }
        });
        Ok(support.collect())
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all: Vec<usize>;
        let indices = match projection {
            Some(indices) => indices,
            None => {
                all = (0..self.schema.fields().len()).collect();
                &all
            }
        };
        let origin = self.columns.len();
        // Where the records are from is the last column; a query that wants it gets it there.
        let with_origin = indices.contains(&origin);
        let columns = indices.iter().filter(|&&index| index != origin);
        let columns = columns.map(|&index| self.columns[index].column.clone());
        let schema = Arc::new(self.schema.project(indices)?);
        debug_assert!(
            !with_origin || indices.last() == Some(&origin),
            "indices of a projection rise"
        );
        let (search, search_text) = self.search(filters)?;
        let wanted = Wanted {
            sources: Arc::clone(&self.sources),
            search,
            search_text,
            projection: Arc::new(Projection::new(columns.collect())),
            with_origin,
            fetch: limit,
        };
        let partitions = self.partitions.load(Ordering::Relaxed);
        let told = Arc::clone(&self.told);
        Ok(Arc::new(ScanExec::new(wanted, schema, partitions, told)))
    }
}
