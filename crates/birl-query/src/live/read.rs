//! What a live plan reads of its sources, for all of its scans at once.

use std::sync::Arc;

use birl_record::columns::{Column, Projection, What};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::Result;
use datafusion::physical_plan::ExecutionPlan;

use super::Feeds;
use super::feed::Feed;
use crate::scan::ScanExec;
use crate::session::Sources;
use crate::{Error, table};

/// What is read of the sources.
pub(super) struct LiveScan {
    pub(super) sources: Arc<Sources>,
    pub(super) search: birl_record::search::Search,
    pub(super) columns: Vec<Column>,
    pub(super) with_origin: bool,
    /// The column that tells when each record was, where that is wanted.
    pub(super) time: Option<usize>,
}

impl LiveScan {
    /// What is to be read for all of these scans, and where their columns are in it.
    pub(super) fn of(
        sources: &Arc<Sources>,
        scans: &[(Arc<Feed>, Arc<dyn ExecutionPlan>)],
        is_windowed: bool,
    ) -> Result<(Self, Feeds), Error> {
        let scans = scans
            .iter()
            .filter_map(|(feed, scan)| Some((feed, scan.downcast_ref::<ScanExec>()?.wanted())));
        let scans: Vec<_> = scans.collect();
        let Some((_, first)) = scans.first() else {
            return Err(Error::run("nothing of this query changes as records come"));
        };
        let mut columns: Vec<Column> = Vec::new();
        let mut place_of = |column: &Column| {
            let known = columns.iter().position(|it| it.name() == column.name());
            known.unwrap_or_else(|| {
                columns.push(column.clone());
                columns.len() - 1
            })
        };
        let mut places: Vec<Vec<usize>> = Vec::new();
        for (_, wanted) in &scans {
            let columns = wanted.projection.columns().iter();
            places.push(columns.map(&mut place_of).collect());
        }
        let time = is_windowed.then(|| place_of(&Column::fixed(What::Timestamp)));
        let with_origin = scans.iter().any(|(_, wanted)| wanted.with_origin);
        let feeds = scans
            .iter()
            .zip(places)
            .map(|((feed, wanted), mut places)| {
                places.extend(wanted.with_origin.then_some(columns.len()));
                (Arc::clone(feed), places)
            });
        let feeds = feeds.collect();
        let scan = Self {
            sources: Arc::clone(sources),
            search: first.search.clone(),
            columns,
            with_origin,
            time,
        };
        Ok((scan, feeds))
    }

    /// The columns of what is read.
    pub(super) fn schema(&self, projection: &Projection) -> SchemaRef {
        let fields = projection
            .schema()
            .fields()
            .iter()
            .cloned()
            .collect::<Vec<_>>();
        let origin = Field::new(table::ORIGIN, DataType::Int32, true);
        let origin = self.with_origin.then(|| Arc::new(origin));
        Arc::new(Schema::new(
            fields.into_iter().chain(origin).collect::<Vec<_>>(),
        ))
    }
}
