use std::sync::Arc;
use std::time::Duration;

use birl_record::columns::Fields;
use birl_record::search;
use birl_record::time::Clock;
use birl_scan::Options;
use birl_source::walk::WalkOptions;
use datafusion::arrow::array::{Float64Array, Int64Array, RecordBatch, StringViewArray};

use crate::{Limits, Live, Over, Session, Sources};

fn session() -> Session {
    let sources = Sources {
        names: Vec::new(),
        walk: WalkOptions::default(),
        options: Options::default(),
        clock: Clock {
            now: 0,
            zone: jiff::tz::TimeZone::UTC,
            newest: None,
        },
        range: None,
        search: search::Options::default(),
        fields: Fields::default(),
        pushes_down: true,
    };
    Session::new(sources, &Limits::default()).unwrap()
}

fn rows() -> RecordBatch {
    RecordBatch::try_from_iter([
        (
            "service",
            Arc::new(StringViewArray::from(vec![Some("a"), Some("b"), None])) as _,
        ),
        ("count", Arc::new(Int64Array::from(vec![50, 51, 99])) as _),
        (
            "mean",
            Arc::new(Float64Array::from(vec![Some(0.5), None, Some(2.0)])) as _,
        ),
    ])
    .unwrap()
}

#[test]
fn it_is_true_of_rows_as_sql_says_and_never_of_what_is_missing() {
    let session = session();
    let cases = [
        ("count > 50", [false, true, true]),
        ("count > 50.5", [false, true, true]),
        ("mean < 1", [true, false, false]),
        ("not mean < 1", [false, false, true]),
        ("service = 'b' or count = 99", [false, true, true]),
        ("count between 50 and 51", [true, true, false]),
        ("true", [true; 3]),
    ];
    for (text, wanted) in cases {
        let condition = session.condition(text, &rows().schema()).unwrap();
        assert_eq!(condition.holds(&rows()).unwrap(), wanted, "{text}");
    }
}

#[test]
fn what_is_no_condition_is_refused_with_what_would_be() {
    let session = session();
    let cases = [
        (
            "cuont > 50",
            "the answer has no column \"cuont\": it has service, count, mean\n\n\
             hint: did you mean \"count\"?",
        ),
        (
            "count + 1",
            "\"count + 1\" is neither true nor false\n\nhint: a condition compares: count > 50",
        ),
        (
            "count > 'many'",
            "cannot answer the query: \"many\" is not an integer\n\n\
             hint: try_cast(x as …) is null where it cannot be",
        ),
    ];
    for (text, wanted) in cases {
        let error = session.condition(text, &rows().schema()).unwrap_err();
        assert_eq!(error.render(""), wanted, "{text}");
    }
    let error = session.condition("count >", &rows().schema()).unwrap_err();
    assert!(
        error
            .render("")
            .starts_with("\"count >\" is no condition in SQL"),
        "{error}"
    );
}

#[tokio::test]
async fn what_counts_and_maxima_are_above_stays_true_of_a_window() {
    let session = session();
    let cases = [
        ("count by service", "count > 50", true),
        ("count by service", "50 <= count", true),
        (
            "count by service",
            "count > 50 and service <> 'probe'",
            true,
        ),
        (
            "count by service",
            "service in ('a', 'b') and not service like 'a%'",
            true,
        ),
        ("count by service", "count + 1 > 50", true),
        ("count by service", "count > 50 or count < 3", false),
        ("count by service", "count < 50", false),
        ("count by service", "count = 50", false),
        ("count by service", "not count > 50", false),
        ("count by service", "-count > 50", false),
        ("count by service", "count % 10 > 5", false),
        ("stats max(ms) as most by service", "most >= 5", true),
        ("stats min(ms) as least by service", "least >= 5", false),
        ("stats last(ms) as newest by service", "newest >= 5", false),
        ("stats avg(ms) as mean by service", "mean > 5", false),
        (
            "stats dc(user) as users, approx_dc(user) as about",
            "users > 5 and about > 5",
            true,
        ),
        ("stats sum(ms) as total", "total > 5", false),
        ("stats sum(length(message)) as total", "total > 5", true),
        (
            "stats count as n, count(ms) as m |> extend n + m as x",
            "x > 5",
            true,
        ),
        (
            "stats count as n, count(ms) as m |> extend n - m as x",
            "x > 5",
            false,
        ),
        ("count by service |> where count > 3", "count > 5", true),
        // Such a row goes away again.
        ("count by service |> where count < 10", "count > 5", false),
        ("count by service |> limit 3", "count > 5", false),
    ];
    for (steps, text, keeps) in cases {
        let query = format!("* |> {steps}");
        let live = Live {
            windows: Some(Over::Windows {
                size: Duration::from_secs(60),
                slide: Duration::from_secs(10),
            }),
            ..Live::default()
        };
        let plan = session.plan_live_rows(&query, live).await.unwrap();
        let condition = session.condition(text, &plan.schema()).unwrap();
        assert_eq!(plan.keeps(&condition), keeps, "{steps}: {text}");
    }
}
