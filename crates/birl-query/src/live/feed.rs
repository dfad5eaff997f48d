//! The plan node whose rows are put into it from outside.

use std::fmt::{self, Formatter};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties,
};
use futures::stream;

use crate::leaf::is_a_leaf;

/// Gives the rows that were put into it last, however often it is run: so a plan is made once, and
/// runs over whatever comes.
#[derive(Debug)]
pub(crate) struct Feed {
    rows: Mutex<Vec<RecordBatch>>,
    properties: Arc<PlanProperties>,
    schema: SchemaRef,
}

impl Feed {
    /// One that stands for a scan of so many partitions; all rows come from the first of them.
    pub(crate) fn new(schema: SchemaRef, partitions: usize) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            rows: Mutex::default(),
            properties: Arc::new(properties),
            schema,
        }
    }

    /// Puts rows in the place of those that there are.
    pub(crate) fn put(&self, rows: Vec<RecordBatch>) {
        *self.rows.lock().unwrap_or_else(PoisonError::into_inner) = rows;
    }
}

impl DisplayAs for Feed {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Feed")
    }
}

impl ExecutionPlan for Feed {
    fn name(&self) -> &'static str {
        "Feed"
    }

    is_a_leaf!();

    fn execute(&self, partition: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let rows = match partition {
            0 => self
                .rows
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
            _ => Vec::new(),
        };
        let rows = stream::iter(rows.into_iter().map(Ok));
        let schema = Arc::clone(&self.schema);
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}
