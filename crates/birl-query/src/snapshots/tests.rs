//! The last snapshot is what the plan gives without snapshots, however the input is cut into slices.

use datafusion::arrow::array::{Int64Array, StringViewArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::datasource::MemTable;
use datafusion::execution::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use tokio::runtime::Runtime;

use super::*;

/// The rows of a batch: a key, and a value.
type Rows = Vec<(Option<&'static str>, Option<i64>)>;

const KEYS: [&str; 4] = ["mailer", "db", "", "a key of more than twelve bytes"];

const QUERIES: [&str; 6] = [
    "select k, count(*), count(v) from t group by k",
    "select k, sum(v), avg(v), min(v), max(v) from t group by k",
    "select count(*), sum(v) from t",
    "select k, count(distinct v), median(v) from t group by k",
    "select k, v, count(*) from t group by k, v having count(*) > 1",
    "select k, round(stddev(v), 9) from t where v <> 3 group by k order by k",
];

fn batches() -> impl Strategy<Value = Vec<Rows>> {
    let key = proptest::option::weighted(0.9, select(&KEYS[..]));
    let value = proptest::option::weighted(0.9, -5..5_i64);
    vec(vec((key, value), 0..20), 0..12)
}

fn context(partitions: &[Vec<Rows>]) -> SessionContext {
    let fields = vec![
        Field::new("k", DataType::Utf8View, true),
        Field::new("v", DataType::Int64, true),
    ];
    let schema = Arc::new(Schema::new(fields));
    let batch = |rows: &Rows| {
        let keys: StringViewArray = rows.iter().map(|(key, _)| *key).collect();
        let values: Int64Array = rows.iter().map(|(_, value)| *value).collect();
        RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(keys), Arc::new(values)])
    };
    let partitions: Vec<Vec<_>> = partitions
        .iter()
        .map(|batches| batches.iter().map(|it| batch(it).unwrap()).collect())
        .collect();
    let table = MemTable::try_new(Arc::clone(&schema), partitions).unwrap();
    let config = SessionConfig::new().with_target_partitions(2);
    let state = SessionStateBuilder::new_with_default_features().with_config(config);
    let context = SessionContext::new_with_state(state.build());
    context.register_table("t", Arc::new(table)).unwrap();
    context
}

/// The rows as lines, in an order of their own.
fn lines(rows: &[RecordBatch]) -> Vec<String> {
    let shown = pretty_format_batches(rows).unwrap().to_string();
    let mut lines: Vec<_> = shown.lines().skip(3).map(str::to_owned).collect();
    lines.sort();
    lines
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_last_snapshot_is_the_answer(
        partitions in (batches(), batches()),
        query in select(&QUERIES[..]),
        slice in select(&[0, 50, 100_000][..]),
    ) {
        let context = context(&[partitions.0, partitions.1]);
        let (last, whole) = Runtime::new().unwrap().block_on(async {
            let plan = context.sql(query).await.unwrap().create_physical_plan().await.unwrap();
            let mut folded = Folded::of(&plan).expect("an aggregate in two parts");
            folded.slice = Duration::from_micros(slice);
            let (sender, mut snapshots) = mpsc::channel(1);
            let running = folded.run(Duration::from_micros(100), context.task_ctx(), sender);
            let told = async {
                let mut last = None;
                while let Some(snapshot) = snapshots.recv().await {
                    last = Some(snapshot.unwrap());
                }
                last.expect("there is a last one")
            };
            let ((), last) = tokio::join!(running, told);
            (last, collect(plan, context.task_ctx()).await.unwrap())
        });
        prop_assert!(last.is_last);
        prop_assert_eq!(lines(&last.rows), lines(&whole));
    }
}
