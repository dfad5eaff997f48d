//! Answers over sources that do not end: followed files, and pipes that stay open.
//!
//! A plan is made once. What has come, a micro-batch, is put into the place of its scan, and it runs
//! over that, afresh each time: DataFusion's operators gather rows for as long as their input goes
//! on, and these have none to wait for. What has to be remembered from one micro-batch to the next
//! is ours:
//!
//! - [`feed`]: the plan node that takes the place of the scan;
//! - [`intake`]: what has come;
//! - [`steps`]: steps that remember rows.

mod feed;
mod intake;
pub(crate) mod steps;

use std::sync::Arc;
use std::time::Duration;

use birl_scan::Event;
use birl_source::follow;
use birl_stream::try_stream;
use datafusion::arrow::array::RecordBatch;
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, collect};
use futures::Stream;

use crate::answer::{Answer, answer_of};
use crate::plan::Kind;
use crate::scan::{ScanExec, Told};
use crate::session::Sources;
use crate::{Error, table};
use feed::Feed;
use intake::{Intake, Taken};
use steps::Steps;

/// How sources are asked that do not end.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// How files are followed.
    pub follow: follow::Options,
    /// How long a line without a newline is waited for; for ever if `None`.
    pub partial_after: Option<Duration>,
}

/// A plan that runs over what comes, a micro-batch at a time.
#[derive(Debug)]
pub(crate) struct LivePlan {
    plan: Arc<dyn ExecutionPlan>,
    feed: Arc<Feed>,
    /// What finds the records.
    scan: Arc<dyn ExecutionPlan>,
    /// The tables that are files: these are read once.
    files: Vec<(Arc<Feed>, Arc<dyn ExecutionPlan>)>,
    steps: Steps,
    live: Live,
}

impl LivePlan {
    /// A plan over `sources`, which stand in it as a scan.
    ///
    /// # Errors
    /// Fails where the sources are scanned more than once.
    pub(crate) fn new(
        plan: &Arc<dyn ExecutionPlan>,
        sources: &Arc<Sources>,
        steps: Steps,
        live: Live,
    ) -> Result<Self, Error> {
        let mut scans = Vec::new();
        let mut files = Vec::new();
        let plan = Arc::clone(plan).transform_up(|node| {
            let Some(scan) = node.downcast_ref::<ScanExec>() else {
                return Ok(Transformed::no(node));
            };
            let partitions = node.output_partitioning().partition_count();
            let feed = Arc::new(Feed::new(node.schema(), partitions));
            match scan.is_of(sources) {
                true => scans.push((Arc::clone(&feed), node)),
                false => files.push((Arc::clone(&feed), node)),
            }
            Ok(Transformed::yes(feed))
        })?;
        let Some((feed, scan)) = scans.pop() else {
            return Err(Error::run("nothing of this query changes as records come"));
        };
        if !scans.is_empty() {
            let message = format!("the query takes {} more than once", table::NAME);
            return Err(Error::run(message)
                .with_hint("what does not end can be taken once: without --follow, all is there"));
        }
        Ok(Self {
            plan: plan.data,
            feed,
            scan,
            files,
            steps,
            live,
        })
    }

    fn intake(&self, told: &Told) -> Intake {
        let scan = self.scan.downcast_ref::<ScanExec>();
        let scan = scan.expect("it was found as one");
        let events = scan.begin_live(&self.live);
        events
            .progress()
            .into_iter()
            .for_each(|progress| told.began(progress));
        Intake::new(events, scan.to_rows())
    }

    /// Reads the tables that are files.
    async fn read_files(&mut self, context: &Arc<TaskContext>) -> Result<()> {
        for (feed, scan) in self.files.drain(..) {
            feed.put(collect(scan, Arc::clone(context)).await?);
        }
        Ok(())
    }

    /// The rows that come of `rows`.
    async fn run(
        &self,
        rows: Vec<RecordBatch>,
        context: &Arc<TaskContext>,
    ) -> Result<Vec<RecordBatch>> {
        self.feed.put(rows);
        // What a plan has learned while it ran does not hold of other rows.
        let plan = reset_plan_states(Arc::clone(&self.plan))?;
        collect(plan, Arc::clone(context)).await
    }

    /// The answers of a query whose rows are not groups: each micro-batch gives its own.
    pub(crate) fn rows(
        mut self,
        kind: Kind,
        told: Arc<Told>,
        context: Arc<TaskContext>,
    ) -> impl Stream<Item = Result<Answer, Error>> + Send {
        try_stream! {
            self.read_files(&context).await?;
            let mut intake = self.intake(&told);
            let mut goes_on = !self.steps.are_done();
            while goes_on {
                let (rows, event) = match intake.next().await? {
                    Some(Taken::Rows(rows)) => (rows, None),
                    Some(Taken::Event(event)) if !matches!(event, Event::CaughtUp) => {
                        yield Answer::Event(event);
                        continue;
                    }
                    // What was held back of what there was is given now.
                    last => {
                        self.steps.catch_up();
                        goes_on = last.is_some();
                        (Vec::new(), last.map(|_| Event::CaughtUp))
                    }
                };
                for rows in self.run(rows, &context).await? {
                    if rows.num_rows() > 0 {
                        yield answer_of(kind, rows, &told);
                    }
                }
                if let Some(event) = event {
                    yield Answer::Event(event);
                }
                goes_on &= !self.steps.are_done();
            }
        }
    }
}
