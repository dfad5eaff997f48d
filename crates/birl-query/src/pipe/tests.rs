use std::sync::Arc;

use birl_record::query::parse_over;
use birl_record::time::Clock;
use datafusion::arrow::array::{
    ArrayRef, Float64Array, Int64Array, RecordBatch, StringViewArray, TimestampNanosecondArray,
};
use datafusion::arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::datasource::MemTable;
use datafusion::logical_expr::{ColumnarValue, Volatility, create_udf};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::sqlparser::parser::Parser;
use jiff::tz::TimeZone;

use super::*;
use crate::dialect::QueryDialect;

/// The fields that the table of these tests has, beside birl's own.
const FIELDS: [(&str, DataType); 13] = [
    ("service", DataType::Utf8View),
    ("host", DataType::Utf8View),
    ("user", DataType::Utf8View),
    ("path", DataType::Utf8View),
    ("status", DataType::Int64),
    ("bytes", DataType::Int64),
    ("latency_ms", DataType::Int64),
    ("cost", DataType::Float64),
    ("request.status", DataType::Int64),
    ("request.path", DataType::Utf8View),
    ("@version", DataType::Utf8View),
    ("user-id", DataType::Utf8View),
    ("order", DataType::Int64),
];

/// What the command line's tests ask, as it stands in their files.
pub(super) fn cases() -> String {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/cases/queries");
    let paths = std::fs::read_dir(directory).unwrap();
    let paths = paths.map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| {
        let extension = path.extension().and_then(|it| it.to_str());
        extension.is_some_and(|it| it == "toml" || it == "slt")
    });
    paths
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect()
}

/// Whether `text` has `word` behind one of `before`, and not as a part of a longer word.
pub(super) fn has_word(text: &str, before: &[&str], word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let begins = before.iter().any(|it| text[..at].ends_with(it));
        let rest = &text[at + word.len()..];
        begins && !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')
    })
}

fn translated(text: &str) -> Result<Translation, Error> {
    let own = [
        "timestamp",
        "level",
        "severity",
        "message",
        "source",
        "offset",
        "line",
    ];
    let field = |name: &str| {
        let mut fields = FIELDS.iter().map(|(field, _)| *field).chain(own);
        let found = fields.find(|field| field.eq_ignore_ascii_case(name));
        found.map(str::to_owned)
    };
    let columns = |name: &str| {
        let is_there = ["users", "users_", "my users"].contains(&name);
        is_there.then(|| vec!["id".to_owned(), "name".to_owned()])
    };
    let known = Known {
        field: &field,
        columns: &columns,
    };
    let clock = Clock {
        now: 1_773_497_130_000_000_000,
        newest: None,
        zone: TimeZone::UTC,
    };
    translate(&parse_over(text, &["users"])?, known, &clock)
}

fn sql(text: &str) -> String {
    match translated(text) {
        Ok(translation) => translation.statement.to_string(),
        Err(error) => error.render(text),
    }
}

fn session() -> SessionContext {
    let mut config = SessionConfig::new();
    config.options_mut().sql_parser.enable_ident_normalization = false;
    let session = SessionContext::new_with_config(config);
    let moment = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
    let own = [
        ("timestamp", moment),
        ("level", DataType::Utf8View),
        ("severity", DataType::Int64),
        ("message", DataType::Utf8View),
        ("source", DataType::Utf8View),
        ("offset", DataType::Int64),
        ("line", DataType::Utf8View),
    ];
    let fields = own.into_iter().chain(FIELDS);
    let fields: Vec<_> = fields
        .map(|(name, ty)| Field::new(name, ty, true))
        .collect();
    let schema = Arc::new(Schema::new(fields));
    let table = MemTable::try_new(Arc::clone(&schema), vec![vec![]]).unwrap();
    session.register_table("logs", Arc::new(table)).unwrap();
    let users = Schema::new(vec![
        Field::new("id", DataType::Utf8View, true),
        Field::new("name", DataType::Utf8View, true),
    ]);
    let users = MemTable::try_new(Arc::new(users), vec![vec![]]).unwrap();
    let users = Arc::new(users);
    for name in ["users", "users_", "my users"] {
        session
            .register_table(format!("\"{name}\""), Arc::clone(&users) as _)
            .unwrap();
    }
    let search = create_udf(
        "search",
        vec![DataType::Utf8],
        DataType::Boolean,
        Volatility::Immutable,
        Arc::new(|_: &[ColumnarValue]| {
            Ok(ColumnarValue::Scalar(
                datafusion::common::ScalarValue::Boolean(Some(true)),
            ))
        }),
    );
    session.register_udf(search);
    session.register_udf(captures());
    session
}

/// Lets `from logs` give all columns; to DataFusion it is a query of none.
fn show_all(statement: &mut Statement) {
    struct ShowAll;
    impl ast::VisitorMut for ShowAll {
        type Break = ();
        fn pre_visit_select(&mut self, select: &mut ast::Select) -> std::ops::ControlFlow<()> {
            if select.flavor == ast::SelectFlavor::FromFirstNoSelect {
                select.projection = vec![ast::SelectItem::Wildcard(Default::default())];
            }
            std::ops::ControlFlow::Continue(())
        }
    }
    let _ = ast::VisitMut::visit(statement, &mut ShowAll);
}

/// Queries, and the SQL that they are.
const CASES: &[(&str, &str)] = &[
    // What stands before the first pipe.
    ("*", "FROM logs"),
    (
        "timeout -msg:x",
        "FROM logs |> WHERE search('timeout -msg:x')",
    ),
    (
        "it's | limit 1",
        "FROM logs |> WHERE search('it''s') |> LIMIT 1",
    ),
    (
        "select service from logs where status >= 500 | limit 1",
        "SELECT service FROM logs WHERE status >= 500 |> LIMIT 1",
    ),
    (
        "from logs |> count",
        "FROM logs |> AGGREGATE count(*) AS count",
    ),
    // Groups.
    ("| count", "FROM logs |> AGGREGATE count(*) AS count"),
    (
        "level:error |> count by service",
        "FROM logs |> WHERE search('level:error') |> AGGREGATE count(*) AS count GROUP BY service \
         |> ORDER BY count DESC, service",
    ),
    (
        "| count as n by service, lower(host) as h, status / 100",
        "FROM logs |> AGGREGATE count(*) AS n GROUP BY service, lower(host) AS h, \
         status / 100 AS \"status / 100\" |> ORDER BY n DESC, service, h, \"status / 100\"",
    ),
    (
        "| count by service, bin(5m)",
        "FROM logs |> AGGREGATE count(*) AS count GROUP BY service, \
         date_bin(INTERVAL '5 minutes', timestamp) AS timestamp \
         |> ORDER BY timestamp, count DESC, service",
    ),
    (
        "| count by bin(1w) as week",
        "FROM logs |> AGGREGATE count(*) AS count GROUP BY \
         date_bin(INTERVAL '7 days', timestamp, TIMESTAMP '1970-01-05T00:00:00Z') AS week \
         |> ORDER BY week, count DESC",
    ),
    (
        "| stats avg(latency_ms), p99(latency_ms) by service",
        "FROM logs |> AGGREGATE avg(latency_ms) AS \"avg(latency_ms)\", \
         approx_percentile_cont(latency_ms, 0.99) AS \"p99(latency_ms)\" GROUP BY service \
         |> ORDER BY \"avg(latency_ms)\" DESC NULLS LAST, service",
    ),
    (
        "| stats avg(cost) p99(cost) as high count by service",
        "FROM logs |> AGGREGATE avg(cost) AS \"avg(cost)\", \
         approx_percentile_cont(cost, 0.99) AS high, count(*) AS count GROUP BY service \
         |> ORDER BY \"avg(cost)\" DESC NULLS LAST, service",
    ),
    (
        "| p50(cost), p999(cost) , p5(cost), p100(cost)",
        "FROM logs |> AGGREGATE approx_percentile_cont(cost, 0.50) AS \"p50(cost)\", \
         approx_percentile_cont(cost, 0.999) AS \"p999(cost)\", \
         approx_percentile_cont(cost, 0.05) AS \"p5(cost)\", \
         approx_percentile_cont(cost, 1.0) AS \"p100(cost)\"",
    ),
    (
        "| stats dc(user), approx_dc(user), average(cost), median(cost), percentile(cost, 99.5)",
        "FROM logs |> AGGREGATE count(DISTINCT user) AS \"dc(user)\", \
         approx_distinct(user) AS \"approx_dc(user)\", avg(cost) AS \"average(cost)\", \
         median(cost) AS \"median(cost)\", percentile_cont(cost, 0.995) AS \"percentile(cost, 99.5)\"",
    ),
    (
        "| stats first(status), last(status) as now by host",
        "FROM logs |> AGGREGATE \
         first_value(status ORDER BY timestamp, source, \"offset\") FILTER (WHERE status IS NOT NULL) AS \"first(status)\", \
         last_value(status ORDER BY timestamp, source, \"offset\") FILTER (WHERE status IS NOT NULL) AS now \
         GROUP BY host |> ORDER BY \"first(status)\" DESC NULLS LAST, host",
    ),
    (
        "| stats values(status)",
        "FROM logs |> AGGREGATE array_agg(DISTINCT status ORDER BY status) \
         FILTER (WHERE status IS NOT NULL) AS \"values(status)\"",
    ),
    (
        "| stats count(level:error -retry), count(/a(b)c/), count(status >= 500) as bad, count(user) by host",
        "FROM logs |> AGGREGATE \
         count(*) FILTER (WHERE search('level:error -retry')) AS \"count(level:error -retry)\", \
         count(*) FILTER (WHERE search('/a(b)c/')) AS \"count(/a(b)c/)\", \
         count(*) FILTER (WHERE status >= 500) AS bad, count(user) AS \"count(user)\" GROUP BY host \
         |> ORDER BY \"count(level:error -retry)\" DESC, host",
    ),
    // A text of SQL is no search, whatever it says.
    (
        "| stats count(user = 'x level:error') as n, count(it's level:error isn't) as m",
        "FROM logs |> AGGREGATE count(*) FILTER (WHERE user = 'x level:error') AS n, \
         count(*) FILTER (WHERE search('it''s level:error isn''t')) AS m",
    ),
    (
        "| stats rate() by bin(10s)",
        "FROM logs |> AGGREGATE count(*) AS \"rate()\" \
         GROUP BY date_bin(INTERVAL '10 seconds', timestamp) AS timestamp \
         |> SELECT timestamp, \"rate()\" / 10.0 AS \"rate()\" \
         |> ORDER BY timestamp, \"rate()\" DESC NULLS LAST",
    ),
    (
        "| stats rate(bytes) by host",
        "FROM logs |> AGGREGATE sum(bytes) AS \"sum(bytes)\", max(timestamp) AS \"max(timestamp)\", \
         min(timestamp) AS \"min(timestamp)\" GROUP BY host \
         |> SELECT host, \"sum(bytes)\" / nullif((CAST(\"max(timestamp)\" AS BIGINT) - \
         CAST(\"min(timestamp)\" AS BIGINT)) / 1e9, 0.0) AS \"rate(bytes)\" \
         |> ORDER BY \"rate(bytes)\" DESC NULLS LAST, host",
    ),
    (
        "| stats sum(bytes) / count(*) as mean, count by host",
        "FROM logs |> AGGREGATE sum(bytes) AS \"sum(bytes)\", count(*) AS \"count(*)\" GROUP BY host \
         |> SELECT host, \"sum(bytes)\" / \"count(*)\" AS mean, \"count(*)\" AS count \
         |> ORDER BY mean DESC NULLS LAST, host",
    ),
    (
        "| stats avg(latency_ms) by service |> where avg(latency_ms) > 100 |> sort avg( latency_ms )",
        "FROM logs |> AGGREGATE avg(latency_ms) AS \"avg(latency_ms)\" GROUP BY service \
         |> ORDER BY \"avg(latency_ms)\" DESC NULLS LAST, service \
         |> WHERE \"avg(latency_ms)\" > 100 |> ORDER BY \"avg(latency_ms)\"",
    ),
    (
        "| aggregate count(*) as n, max(cost) group by service desc",
        "FROM logs |> AGGREGATE count(*) AS n, max(cost) AS \"max(cost)\" GROUP BY service \
         |> ORDER BY service DESC",
    ),
    (
        "| count by service, user |> count by service",
        "FROM logs |> AGGREGATE count(*) AS count GROUP BY service, user \
         |> ORDER BY count DESC, service, user |> AGGREGATE count(*) AS count GROUP BY service \
         |> ORDER BY count DESC, service",
    ),
    // The most frequent, and the largest.
    (
        "| top 10 path",
        "FROM logs |> WHERE path IS NOT NULL |> AGGREGATE count(*) AS count GROUP BY path \
         |> ORDER BY count DESC, path |> LIMIT 10",
    ),
    (
        "| top 3 path by service",
        "SELECT * FROM (FROM logs |> WHERE path IS NOT NULL \
         |> AGGREGATE count(*) AS count GROUP BY service, path) QUALIFY row_number() OVER \
         (PARTITION BY service ORDER BY count DESC, path) <= 3 |> ORDER BY count DESC, service, path",
    ),
    (
        "| count by service |> top 5",
        "FROM logs |> AGGREGATE count(*) AS count GROUP BY service |> ORDER BY count DESC, service \
         |> LIMIT 5",
    ),
    (
        "| stats count, max(cost) by service |> top 5 max(cost)",
        "FROM logs |> AGGREGATE count(*) AS count, max(cost) AS \"max(cost)\" GROUP BY service \
         |> ORDER BY \"max(cost)\" DESC NULLS LAST, service |> LIMIT 5",
    ),
    // Charts.
    (
        "| timechart 5m count by level",
        "FROM logs |> WHERE timestamp IS NOT NULL |> AGGREGATE count(*) AS count \
         GROUP BY date_bin(INTERVAL '5 minutes', timestamp) AS timestamp, level \
         |> ORDER BY timestamp, count DESC, CASE level WHEN 'trace' THEN 1 WHEN 'debug' THEN 2 \
         WHEN 'info' THEN 3 WHEN 'warn' THEN 4 WHEN 'error' THEN 5 WHEN 'fatal' THEN 6 END",
    ),
    (
        "| timechart 1h30m rate(), avg(cost)",
        "FROM logs |> WHERE timestamp IS NOT NULL |> AGGREGATE count(*) AS \"rate()\", \
         avg(cost) AS \"avg(cost)\" GROUP BY date_bin(INTERVAL '90 minutes', timestamp) AS timestamp \
         |> SELECT timestamp, \"rate()\" / 5400.0 AS \"rate()\", \"avg(cost)\" \
         |> ORDER BY timestamp, \"rate()\" DESC NULLS LAST",
    ),
    // Rows.
    (
        "| where status >= 500 and not search('retry') | head 5",
        "FROM logs |> WHERE status >= 500 AND NOT search('retry') |> LIMIT 5",
    ),
    (
        "| sort -latency_ms, service, status desc",
        "FROM logs |> ORDER BY latency_ms DESC NULLS LAST, service, status DESC NULLS LAST",
    ),
    (
        "| sort by service | limit 5 offset 10",
        "FROM logs |> ORDER BY service |> LIMIT 5 OFFSET 10",
    ),
    (
        "| tail 5",
        "FROM logs |> ORDER BY timestamp DESC, source DESC, \"offset\" DESC |> LIMIT 5 \
         |> ORDER BY timestamp, source, \"offset\"",
    ),
    (
        "| fields message | limit -5",
        "FROM logs |> ORDER BY timestamp DESC, source DESC, \"offset\" DESC |> LIMIT 5 \
         |> ORDER BY timestamp, source, \"offset\" |> SELECT message",
    ),
    (
        "| sort -cost | tail 3",
        "FROM logs |> ORDER BY cost NULLS FIRST |> LIMIT 3 |> ORDER BY cost DESC NULLS LAST",
    ),
    (
        "| dedup user",
        "SELECT DISTINCT ON (user) * FROM (FROM logs) ORDER BY user, timestamp, source, \"offset\" \
         |> SELECT * |> ORDER BY timestamp, source, \"offset\"",
    ),
    (
        "| sort -cost | dedup user, host",
        "SELECT DISTINCT ON (user, host) * FROM (FROM logs |> ORDER BY cost DESC NULLS LAST) \
         ORDER BY user, host, cost DESC NULLS LAST |> SELECT * |> ORDER BY cost DESC NULLS LAST",
    ),
    ("| sample 0.5%", "FROM logs |> WHERE random() < 0.005"),
    (
        "| tablesample bernoulli (10 percent)",
        "FROM logs |> WHERE random() < 0.1",
    ),
    (
        "| fields host | distinct",
        "SELECT DISTINCT * FROM (FROM logs |> SELECT host)",
    ),
    // Columns.
    (
        "| fields timestamp, request.status",
        "FROM logs |> SELECT timestamp, \"request.status\"",
    ),
    (
        "| fields -line, -request.path",
        "FROM logs |> SELECT * EXCEPT (line, \"request.path\")",
    ),
    (
        "| fields except line, user",
        "FROM logs |> SELECT * EXCEPT (line, user)",
    ),
    (
        "| fields host, *",
        "FROM logs |> SELECT host, * EXCEPT (host)",
    ),
    (
        "| count by host | fields count, *",
        "FROM logs |> AGGREGATE count(*) AS count GROUP BY host |> ORDER BY count DESC, host \
         |> SELECT count, host",
    ),
    (
        "| extend latency_ms / 1000 as seconds, upper(service) as service",
        "FROM logs |> EXTEND latency_ms / 1000 AS seconds \
         |> SELECT * REPLACE (upper(service) AS service)",
    ),
    (
        "| extend row_number() over (partition by host order by timestamp) as n | where n = 1",
        "SELECT *, row_number() OVER (PARTITION BY host ORDER BY timestamp) AS n FROM (FROM logs) \
         |> WHERE n = 1",
    ),
    (
        "| set status = status + 1",
        "FROM logs |> SELECT * REPLACE (status + 1 AS status)",
    ),
    (
        "| drop line, user",
        "FROM logs |> SELECT * EXCEPT (line, user)",
    ),
    (
        "| rename user as who",
        "FROM logs |> SELECT * EXCEPT (user), user AS who",
    ),
    (
        "| count by user | rename user as who",
        "FROM logs |> AGGREGATE count(*) AS count GROUP BY user |> ORDER BY count DESC, user \
         |> SELECT user AS who, count",
    ),
    (
        "| select distinct host, user",
        "SELECT DISTINCT host, user FROM (FROM logs)",
    ),
    (
        "| select status + 1, if(status > 499, 'bad', 'good') as it",
        "FROM logs |> SELECT status + 1 AS \"status + 1\", \
         CASE WHEN status > 499 THEN 'bad' ELSE 'good' END AS it",
    ),
    // Fields out of texts.
    (
        "| parse \"* took *ms\" as what, took | stats avg(took) by what",
        "FROM logs |> WHERE regexp_like(coalesce(message, line), '(?s)^(.*?)\\s+took\\s+(.*?)ms') \
         |> EXTEND array_element(captures(coalesce(message, line), '(?s)^(.*?)\\s+took\\s+(.*?)ms'), 1) AS what, \
         CAST(array_element(captures(coalesce(message, line), '(?s)^(.*?)\\s+took\\s+(.*?)ms'), 2) AS DOUBLE) AS took \
         |> AGGREGATE avg(took) AS \"avg(took)\" GROUP BY what \
         |> ORDER BY \"avg(took)\" DESC NULLS LAST, TRY_CAST(what AS DOUBLE), what",
    ),
    (
        "| parse \"[*] \\* * *\" from line as _, b, c nodrop | sort -b",
        "FROM logs |> EXTEND array_element(captures(line, '(?s)\\[(.*?)\\]\\s+\\*\\s+(.*?)\\s+(.*?)$'), 2) AS b, \
         array_element(captures(line, '(?s)\\[(.*?)\\]\\s+\\*\\s+(.*?)\\s+(.*?)$'), 3) AS c \
         |> ORDER BY TRY_CAST(b AS DOUBLE) DESC NULLS LAST, b DESC NULLS LAST",
    ),
    (
        "| extract /took (?<ms>\\d+)(s)?/i from message",
        "FROM logs |> WHERE regexp_like(message, '(?i)took (?<ms>\\d+)(s)?') \
         |> EXTEND array_element(captures(message, '(?i)took (?<ms>\\d+)(s)?'), 1) AS ms",
    ),
    // Other tables.
    (
        "| join users on user = users.id | count by users.name",
        "FROM logs |> JOIN users ON user = users.id |> AGGREGATE count(*) AS count \
         GROUP BY users.name AS name |> ORDER BY count DESC, name",
    ),
    (
        "| left join data/users.csv as u on user = u.id",
        "FROM logs |> LEFT JOIN \"users\" AS u ON user = u.id",
    ),
    (
        "| as a | join (from users |> rename id as user |> drop name) as b using (user)",
        "FROM logs |> AS a |> JOIN (FROM users |> SELECT * EXCEPT (id), id AS user \
         |> SELECT * EXCEPT (name)) AS b USING(user)",
    ),
    (
        "| select host | union distinct (from logs |> where status = 404 |> select user)",
        "FROM logs |> SELECT host |> UNION DISTINCT (FROM logs |> WHERE status = 404 |> SELECT user)",
    ),
    (
        "| select service, level, bytes | pivot(sum(bytes) for level in ('ERR' as bad, 'info'))",
        "FROM logs |> SELECT service, level, bytes |> AGGREGATE \
         sum(bytes) FILTER (WHERE level = 'error') AS bad, \
         sum(bytes) FILTER (WHERE level = 'info') AS info GROUP BY service",
    ),
    (
        "| unpivot(value for name in (bytes, latency_ms)) | count by name",
        "SELECT * EXCEPT (bytes, latency_ms), unnest(['bytes', 'latency_ms']) AS name, \
         unnest([bytes, latency_ms]) AS value FROM (FROM logs) |> WHERE value IS NOT NULL \
         |> AGGREGATE count(*) AS count GROUP BY name |> ORDER BY count DESC, name",
    ),
    // Names.
    (
        "| where request.status > 1 and logs.request.path = 'x' and @version = '1' and `user-id` = 'y'",
        "FROM logs |> WHERE \"request.status\" > 1 AND logs.\"request.path\" = 'x' \
         AND \"@version\" = '1' AND \"user-id\" = 'y'",
    ),
    (
        "| count by order, user",
        "FROM logs |> AGGREGATE count(*) AS count GROUP BY order, user \
         |> ORDER BY count DESC, \"order\", user",
    ),
    // Levels.
    (
        "| where level >= 'W' and level <> 'ERR' and level in ('critical', 'E') and 'warn' > level",
        "FROM logs |> WHERE level IN ('warn', 'error', 'fatal') AND level <> 'error' \
         AND level IN ('fatal', 'error') AND level IN ('trace', 'debug', 'info')",
    ),
    (
        "| where level between 'info' and 'warn' or not level > 'fatal'",
        "FROM logs |> WHERE level IN ('info', 'warn') OR NOT level <> level",
    ),
    (
        "| stats max(level) as worst by host | sort worst",
        "FROM logs |> AGGREGATE max(CASE level WHEN 'trace' THEN 1 WHEN 'debug' THEN 2 WHEN 'info' \
         THEN 3 WHEN 'warn' THEN 4 WHEN 'error' THEN 5 WHEN 'fatal' THEN 6 END) AS worst GROUP BY host \
         |> SELECT host, CASE worst WHEN 1 THEN 'trace' WHEN 2 THEN 'debug' WHEN 3 THEN 'info' \
         WHEN 4 THEN 'warn' WHEN 5 THEN 'error' WHEN 6 THEN 'fatal' END AS worst \
         |> ORDER BY CASE worst WHEN 'trace' THEN 1 WHEN 'debug' THEN 2 WHEN 'info' THEN 3 \
         WHEN 'warn' THEN 4 WHEN 'error' THEN 5 WHEN 'fatal' THEN 6 END",
    ),
    (
        "| extend upper(level) as level | where level = 'ERR'",
        "FROM logs |> SELECT * REPLACE (upper(level) AS level) |> WHERE level = 'ERR'",
    ),
    (
        "select distinct level from logs order by level limit 3",
        "SELECT DISTINCT level FROM logs |> ORDER BY CASE level WHEN 'trace' THEN 1 WHEN 'debug' \
         THEN 2 WHEN 'info' THEN 3 WHEN 'warn' THEN 4 WHEN 'error' THEN 5 WHEN 'fatal' THEN 6 END \
         |> LIMIT 3",
    ),
    // SQL.
    (
        "select bin(5m), rate(), p99(cost) from logs group by bin(5m) order by p99(cost) desc;",
        "SELECT date_bin(INTERVAL '5 minutes', timestamp) AS timestamp, count(*) / 300.0 AS \"rate()\", \
         approx_percentile_cont(cost, 0.99) AS \"p99(cost)\" FROM logs \
         GROUP BY date_bin(INTERVAL '5 minutes', timestamp) \
         ORDER BY approx_percentile_cont(cost, 0.99) DESC",
    ),
    (
        "with x as (select service, count(*) as n from logs group by 1) select x.n from x |> sort -n",
        "WITH x AS (SELECT service, count(*) AS n FROM logs GROUP BY 1) SELECT x.n FROM x \
         |> ORDER BY n DESC NULLS LAST",
    ),
    (
        "select * from (from logs |> drop line, user |> where status = 5) as x where x.host = 'a'",
        "SELECT * FROM (FROM logs |> SELECT * EXCEPT (line, user) |> WHERE status = 5) AS x \
         WHERE x.host = 'a'",
    ),
    (
        "select distinct on (user) * from logs order by user |> sort cost",
        "SELECT DISTINCT ON (user) * FROM logs ORDER BY user |> SELECT * |> ORDER BY cost",
    ),
];

#[test]
fn queries_become_sql() {
    let wrong = CASES
        .iter()
        .filter(|(text, expected)| sql(text) != *expected);
    let wrong: Vec<_> = wrong
        .map(|(text, expected)| format!("{text}\n  is {}\n not {expected}", sql(text)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn all_sql_is_read_again_and_planned() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let session = session();
    for (text, _) in CASES {
        let mut statement = translated(text).unwrap().statement;
        let printed = statement.to_string();
        let again = Parser::parse_sql(&QueryDialect, &printed)
            .unwrap_or_else(|error| panic!("{printed}: {error}"));
        assert_eq!(again[0].to_string(), printed);
        show_all(&mut statement);
        runtime.block_on(async {
            let state = session.state();
            let plan = state
                .statement_to_plan(DfStatement::Statement(Box::new(statement)))
                .await
                .unwrap_or_else(|error| panic!("{text}\n{printed}\n{error}"));
            let plan = state
                .optimize(&plan)
                .unwrap_or_else(|error| panic!("{printed}: {error}"));
            state
                .create_physical_plan(&plan)
                .await
                .unwrap_or_else(|error| panic!("{printed}: {error}"));
        });
    }
}

/// Queries that are wrong, and what is said of them.
const ERRORS: &[(&str, &str)] = &[
    (
        "a |> cuont by service",
        "cannot read the query: unknown step \"cuont\"\n  a |> cuont by service\n       ^^^^^\n\nhint: did you mean \"count\"?",
    ),
    (
        "a |> 5m",
        "cannot read the query: unknown step \"5m\"\n  a |> 5m\n       ^^\n\nhint: steps are count, stats, top, timechart, parse, extract, fields, sort, limit, tail, dedup, sample and others",
    ),
    (
        "a |> (x)",
        "cannot read the query: expected a step\n  a |> (x)\n       ^\n\nhint: for example: count by level",
    ),
    (
        "a |> patterns",
        "cannot read the query: the step `patterns` is not supported yet\n  a |> patterns\n       ^^^^^^^^",
    ),
    (
        "é |> stats agv(latency_ms)",
        "cannot read the query: unknown aggregate \"agv\"\n  é |> stats agv(latency_ms)\n             ^^^\n\nhint: did you mean \"avg\"?",
    ),
    (
        "a |> stats",
        "cannot read the query: expected an aggregate after `stats`\n  a |> stats\n       ^^^^^\n\nhint: for example: stats avg(latency_ms), p99(latency_ms) by service",
    ),
    (
        "a |> stats count, , by x",
        "cannot read the query: expected an aggregate\n  a |> stats count, , by x\n                          ^\n\nhint: for example: stats avg(latency_ms), p99(latency_ms) by service",
    ),
    (
        "a |> aggregate fast(ms) as n group by x",
        "cannot read the query: unknown aggregate \"fast\"\n  a |> aggregate fast(ms) as n group by x\n                 ^^^^\n\nhint: did you mean \"last\"?",
    ),
    (
        "a |> stats avg by x",
        "cannot read the query: expected what to take the `avg` of\n  a |> stats avg by x\n             ^^^\n\nhint: for example: avg(latency_ms)",
    ),
    (
        "a |> stats status by x",
        "cannot read the query: `status` is no aggregate\n  a |> stats status by x\n             ^^^^^^\n\nhint: for example: count, avg(status), dc(status); what to group by stands behind `by`",
    ),
    (
        "a |> count by",
        "cannot read the query: expected what to group by\n  a |> count by\n               ^\n\nhint: for example: count by level",
    ),
    (
        "a |> stats count, count by x",
        "cannot read the query: two columns are called \"count\"\n  a |> stats count, count by x\n                    ^^^^^\n\nhint: give one of them another name with `as`",
    ),
    (
        "a |> stats p99() by x",
        "cannot read the query: `p99` takes one value\n  a |> stats p99() by x\n             ^^^\n\nhint: for example: p99(latency_ms)",
    ),
    (
        "a |> stats percentile(cost, 101)",
        "cannot read the query: `percentile` takes a value and a number from 0 to 100\n  a |> stats percentile(cost, 101)\n             ^^^^^^^^^^\n\nhint: for example: percentile(latency_ms, 99)",
    ),
    (
        "a |> count(level:>=) by x",
        "cannot read the query: expected a value after `level:>=`\n  a |> count(level:>=) by x\n             ^^^^^^^^\n\nhint: quote it to search for the text: \"level:>=\"",
    ),
    (
        "a |> count by bin(5x)",
        "cannot read the query: there is no unit \"x\"\n  a |> count by bin(5x)\n                    ^^\n\nhint: the units are w, d, h, m, s and ms, as in 5m",
    ),
    (
        "a |> count by bin(0s)",
        "cannot read the query: a bin has a length\n  a |> count by bin(0s)\n                    ^^\n\nhint: for example: bin(5m)",
    ),
    (
        "a |> timechart count",
        "cannot read the query: expected the length of a bar\n  a |> timechart count\n                 ^^^^^\n\nhint: for example: timechart 5m count by level",
    ),
    (
        "a |> top path",
        "cannot read the query: expected how many\n  a |> top path\n           ^^^^\n\nhint: for example: top 10 path",
    ),
    (
        "a |> top 10",
        "cannot read the query: expected a field after `top`\n  a |> top 10\n       ^^^\n\nhint: for example: top 10 path",
    ),
    (
        "a |> where status >",
        "cannot read the query: expected an expression at the end\n  a |> where status >\n                     ^",
    ),
    (
        "a |> where status = 5 x",
        "cannot read the query: expected the end of the step, found `x`\n  a |> where status = 5 x\n                        ^",
    ),
    (
        "a |> where level:error",
        "cannot read the query: `:` has no meaning in SQL\n  a |> where level:error\n             ^^^^^\n\nhint: a search stands in quotes: search('level:error')",
    ),
    (
        "a |> where avg(cost) > 5",
        "cannot read the query: `avg` is of groups, and this step of single rows\n  a |> where avg(cost) > 5\n             ^^^\n\nhint: make groups by `stats` or `count`, then go on with their columns",
    ),
    (
        "a |> where level >= 'wran'",
        "cannot read the query: there is no level \"wran\"\n  a |> where level >= 'wran'\n                      ^^^^^^\n\nhint: did you mean 'warn'?",
    ),
    (
        "a |> fields user-id",
        "cannot read the query: expected a field, found `user-id`\n  a |> fields user-id\n              ^^^^^^^\n\nhint: a name with a dash stands in quotes: \"user-id\"",
    ),
    (
        "a |> fields -a, b",
        "cannot read the query: fields are either kept or left out\n  a |> fields -a, b\n                  ^\n\nhint: to leave out several: fields -a, -b",
    ),
    (
        "a |> sort",
        "cannot read the query: expected a field after `sort`\n  a |> sort\n       ^^^^\n\nhint: for example: sort -latency_ms",
    ),
    (
        "a |> limit x",
        "cannot read the query: expected how many\n  a |> limit x\n             ^\n\nhint: for example: limit 10",
    ),
    (
        "select a, b from logs |> tail 3",
        "cannot read the query: nothing tells which rows are the last\n  select a, b from logs |> tail 3\n                           ^^^^\n\nhint: sort them before",
    ),
    (
        "a |> sample 200%",
        "cannot read the query: expected a part of the rows, from 0% to 100%\n  a |> sample 200%\n              ^^^^\n\nhint: for example: sample 1%",
    ),
    (
        "a |> parse \"* took\" as b, c",
        "cannot read the query: the pattern has 1 `*` and there are 2 names\n  a |> parse \"* took\" as b, c\n             ^^^^^^^^\n\nhint: for example: parse \"* took *ms\" as what, took",
    ),
    (
        "a |> extract /took (?<b>x/",
        "cannot read the query: cannot read the regex: unclosed group\n  a |> extract /took (?<b>x/\n               ^^^^^^^^^^^^^",
    ),
    (
        "a |> extract /took/",
        "cannot read the query: no group of the regex has a name\n  a |> extract /took/\n               ^^^^^^\n\nhint: for example: extract /took (?<ms>\\d+)/",
    ),
    (
        "a |> pivot(count(*) for level in ('error'))",
        "cannot read the query: `pivot` needs to know what columns there are\n  a |> pivot(count(*) for level in ('error'))\n       ^^^^^\n\nhint: name them before: select service, level, bytes |> pivot(…)",
    ),
    (
        "with x as (select 1) insert into logs select * from x",
        "cannot read the query: a query only reads, and this one would write\n  with x as (select 1) insert into logs select * from x\n  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n\nhint: to keep an answer, write it to a file: -o csv > FILE",
    ),
    (
        "select 1; drop table logs",
        "cannot read the query: expected the end of the step, found `drop`\n  select 1; drop table logs\n            ^^^^",
    ),
    (
        "select a from logs\nwhere b = = 5",
        "cannot read the query: expected an expression, found `=`\n  where b = = 5\n            ^",
    ),
];

#[test]
fn errors_point_into_the_query_and_suggest() {
    let wrong = ERRORS
        .iter()
        .filter(|(text, expected)| sql(text) != *expected);
    let wrong: Vec<_> = wrong
        .map(|(text, expected)| format!("{}\n-- not\n{expected}", sql(text)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn what_is_deep_or_long_is_an_error_and_needs_little_stack() {
    let long = [
        format!("| where {}1{}", "(".repeat(200), ")".repeat(200)),
        format!("| where a = 1{}", " or a = 1".repeat(100_000)),
        format!("| where {}a", "not ".repeat(10_000)),
        format!("| where {}1", "- ".repeat(5_000)),
        format!("a {}", "| where a ".repeat(101)),
        format!("select {} from logs", "a,".repeat(60_000) + "a"),
        format!("select {}1{}", "(select ".repeat(200), ")".repeat(200)),
        format!("| where a{}", ".b".repeat(50_000)),
        format!("| where a{}", "[1]".repeat(10_000)),
        format!("| where {}1{}", "f(".repeat(200), ")".repeat(200)),
        format!("| where {}1", "case when a then ".repeat(500)),
    ];
    let results = std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(move || long.map(|text| translated(&text).is_err()))
        .unwrap()
        .join()
        .unwrap();
    assert_eq!(results, [true; 11]);
    let most = [
        format!("| where a = 1{}", " or a = 1".repeat(240)),
        format!(
            "| where {}1{} = {}1{}",
            "(".repeat(12),
            ")".repeat(12),
            "f(".repeat(12),
            ")".repeat(12)
        ),
        format!(
            "| where {}1{}",
            "case when a then ".repeat(12),
            " end".repeat(12)
        ),
        format!(
            "select * from {}logs{}",
            "(select * from ".repeat(12),
            ")".repeat(12)
        ),
    ];
    for text in most {
        assert!(translated(&text).unwrap().statement.to_string().len() > 30);
    }
}

#[test]
fn charts_are_told() {
    let chart = |text: &str| translated(text).unwrap().chart;
    let minute = 60_000_000_000;
    let expected = Chart {
        time: "timestamp".to_owned(),
        span: 5 * minute,
        series: Some("level".to_owned()),
        values: vec!["count".to_owned()],
        fills_gaps: true,
    };
    assert_eq!(
        chart("| timechart 5m count by level"),
        Some(expected.clone())
    );
    let without_gaps = Chart {
        fills_gaps: false,
        ..expected
    };
    assert_eq!(
        chart("| timechart 5m count by level | where count > 1"),
        Some(without_gaps.clone())
    );
    assert_eq!(chart("| count by bin(5m), level"), Some(without_gaps));
    assert_eq!(
        chart("| timechart 5m count by level | fields level, count"),
        None
    );
    assert_eq!(chart("| timechart 5m count | stats max(count)"), None);
    assert_eq!(chart("| count by level"), None);
}

#[test]
fn files_of_joins_are_told() {
    let lookups = |text: &str| -> Vec<_> {
        let lookups = translated(text).unwrap().lookups;
        lookups
            .into_iter()
            .map(|it| (it.table, it.path.display().to_string()))
            .collect()
    };
    let owned = |pairs: &[(&str, &str)]| -> Vec<_> {
        pairs
            .iter()
            .map(|(table, path)| (table.to_string(), path.to_string()))
            .collect()
    };
    assert_eq!(
        lookups("| join data/users.csv.gz on user | left join users.json as v on user = v.id"),
        owned(&[("users", "data/users.csv.gz"), ("users_", "users.json")])
    );
    assert_eq!(
        lookups("| join 'my users.json' on user = id"),
        owned(&[("my users", "my users.json")])
    );
    assert_eq!(lookups("| join users on user = id"), []);
}

/// What a query answers over a few records.
fn answer(text: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let session = session();
    let second = 1_000_000_000;
    let times = [Some(0), Some(10), Some(301), Some(302), Some(700), None];
    let times: TimestampNanosecondArray = times
        .map(|at| at.map(|at| at * second))
        .into_iter()
        .collect();
    let texts = |values: [&str; 6]| Arc::new(StringViewArray::from(values.to_vec())) as ArrayRef;
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("timestamp", Arc::new(times.with_timezone("UTC"))),
        (
            "level",
            texts(["info", "error", "warn", "fatal", "debug", "info"]),
        ),
        ("source", texts(["a", "a", "b", "b", "a", "a"])),
        (
            "offset",
            Arc::new(Int64Array::from(vec![0, 10, 0, 10, 20, 30])),
        ),
        (
            "message",
            texts([
                "get took 5ms",
                "put took 30ms",
                "get took 7ms",
                "failed",
                "get took 1ms",
                "x",
            ]),
        ),
        ("line", texts([""; 6])),
        ("user", texts(["u"; 6])),
        ("host", texts(["h"; 6])),
        ("service", texts(["web", "db", "web", "db", "web", "web"])),
        (
            "status",
            Arc::new(Int64Array::from(vec![
                Some(200),
                Some(500),
                Some(404),
                None,
                Some(200),
                Some(200),
            ])),
        ),
        (
            "cost",
            Arc::new(Float64Array::from(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])),
        ),
    ];
    let records = RecordBatch::try_from_iter_with_nullable(
        columns
            .into_iter()
            .map(|(name, column)| (name, column, true)),
    )
    .unwrap();
    session.deregister_table("logs").unwrap();
    session.register_batch("logs", records).unwrap();
    let mut statement = translated(text).unwrap().statement;
    show_all(&mut statement);
    runtime.block_on(async {
        let statement = DfStatement::Statement(Box::new(statement));
        let plan = session.state().statement_to_plan(statement).await.unwrap();
        let batches = session
            .execute_logical_plan(plan)
            .await
            .unwrap()
            .collect()
            .await
            .unwrap();
        let table = pretty_format_batches(&batches).unwrap().to_string();
        let rows = table.lines().filter(|line| line.starts_with('|'));
        let cells = rows.map(|row| {
            row.trim_matches('|')
                .split('|')
                .map(str::trim)
                .collect::<Vec<_>>()
                .join(",")
        });
        cells.collect::<Vec<_>>().join(" ; ")
    })
}

#[test]
fn answers_are_right() {
    let cases = [
        ("| count by service", "service,count ; web,4 ; db,2"),
        (
            "| count(status >= 500), count(status) by service",
            "service,count(status >= 500),count(status) ; db,1,1 ; web,0,4",
        ),
        (
            "| stats first(status), last(status) by service | sort service",
            "service,first(status),last(status) ; db,500,500 ; web,200,200",
        ),
        (
            "| stats last(cost), first(cost)",
            "last(cost),first(cost) ; 6.0,1.0",
        ),
        (
            "| stats max(level), min(level) by service | sort -max(level)",
            "service,max(level),min(level) ; db,fatal,error ; web,warn,debug",
        ),
        (
            "| where level >= 'WARN' | count by level | sort level",
            "level,count ; warn,1 ; error,1 ; fatal,1",
        ),
        (
            "| count by level | sort -level | limit 2 | fields level",
            "level ; fatal ; error",
        ),
        (
            "| stats values(status), dc(status)",
            "values(status),dc(status) ; [200, 404, 500],3",
        ),
        (
            "| stats median(cost), percentile(cost, 25)",
            "median(cost),percentile(cost, 25) ; 3.5,2.25",
        ),
        (
            "| stats rate() by service",
            "service,rate() ; db,0.00684931506849315 ; web,0.005714285714285714",
        ),
        (
            "| timechart 5m count, rate(cost)",
            "timestamp,count,rate(cost) ; 1970-01-01T00:00:00Z,2,0.01 ; 1970-01-01T00:05:00Z,2,0.023333333333333334 \
             ; 1970-01-01T00:10:00Z,1,0.016666666666666666",
        ),
        (
            "| where cost = 1 | count by bin(1w)",
            "timestamp,count ; 1969-12-29T00:00:00Z,1",
        ),
        (
            "| top 1 status by service",
            "service,status,count ; web,200,3 ; db,500,1",
        ),
        ("| top 2 status", "status,count ; 200,3 ; 404,1"),
        ("| tail 2 | fields cost", "cost ; 5.0 ; 6.0"),
        ("| fields cost | tail 2", "cost ; 5.0 ; 6.0"),
        ("| sort -cost | tail 2 | fields cost", "cost ; 2.0 ; 1.0"),
        (
            "| dedup service | fields service, cost",
            "service,cost ; web,1.0 ; db,2.0",
        ),
        (
            "| sort -cost | dedup service | fields service, cost",
            "service,cost ; web,6.0 ; db,4.0",
        ),
        (
            "| parse \"* took *ms\" as what, took | stats avg(took), max(took) by what",
            "what,avg(took),max(took) ; put,30.0,30.0 ; get,4.333333333333333,7.0",
        ),
        (
            "| parse \"* took *ms\" as what, took | sort -took | fields took",
            "took ; 30 ; 7 ; 5 ; 1",
        ),
        (
            "| extract /took (?<ms>\\d+)/ nodrop | where ms is null | fields message",
            "message ; failed ; x",
        ),
        (
            "| fields service, status, cost | pivot(count(*) for status in (200 as ok, 500)) | sort service, cost",
            "service,cost,ok,500 ; db,2.0,0,1 ; db,4.0,0,0 ; web,1.0,1,0 ; web,3.0,0,0 ; web,5.0,1,0 ; web,6.0,1,0",
        ),
        (
            "| where cost < 3 | extend cost * 2 as twice | unpivot(value for name in (cost, twice)) | fields name, value",
            "name,value ; cost,1.0 ; twice,2.0 ; cost,2.0 ; twice,4.0",
        ),
        (
            "| fields service | distinct | sort service",
            "service ; db ; web",
        ),
        (
            "select distinct level from logs order by level limit 2",
            "level ; debug ; info",
        ),
        (
            "| stats sum(cost) / count(*) as mean by service",
            "service,mean ; web,3.75 ; db,3.0",
        ),
    ];
    let wrong = cases
        .iter()
        .filter(|(text, expected)| answer(text) != *expected);
    let wrong: Vec<_> = wrong
        .map(|(text, expected)| format!("{text}\n  is {}\n not {expected}", answer(text)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Expressions that the guide has for angle-grinder's operators and functions.
const EQUIVALENTS: &[&str] = &[
    "extend string_to_array(message, ',') as parts",
    "extend sum(cost) over (order by timestamp) as total",
    "count by bin(5m, timestamp)",
    "count(status == 200), average(cost), count_distinct(user)",
    "extend concat(host, user) as a, length(host) as b, now() as c, substring(host, 1, 3) as d",
    "where contains(message, 'x') or try_cast(message as double) is not null",
    "extend to_timestamp(message) as t, lower(host) as l, upper(host) as u",
    "where user is null or coalesce(user, '') = '' or trim(coalesce(user, '')) = ''",
    "extend degrees(cost) as a, radians(cost) as b, exp(cost) - 1 as c, ln(1 + cost) as d",
    "extend abs(cost) as a, acos(cost) as b, asin(cost) as c, atan(cost) as d, atan2(cost, cost) as e",
    "extend cbrt(cost) as a, ceil(cost) as b, cos(cost) as c, cosh(cost) as d, exp(cost) as e",
    "extend floor(cost) as a, log10(cost) as b, round(cost) as c, sin(cost) as d, sinh(cost) as e",
    "extend sqrt(cost) as a, tan(cost) as b, tanh(cost) as c, if(cost > 1, 'a', 'b') as d",
];

#[test]
fn what_the_guide_says_for_angle_grinder_is_planned() {
    for step in EQUIVALENTS {
        answer(&format!("| where cost > 100 | {step}"));
    }
}

/// The queries of the command line's tests.
fn corpus() -> Vec<String> {
    let cases = cases();
    let is_query = |line: &&str| {
        let mut words = line.split_whitespace();
        let begins = words.next().unwrap_or_default().to_lowercase();
        ["select", "from", "with"].contains(&&begins[..]) || line.contains("|>")
    };
    let of_slt = cases.lines().filter(|line| !line.starts_with("args"));
    let of_slt = of_slt.filter(is_query).map(str::to_owned);
    let of_toml = cases.lines().filter(|line| line.starts_with("args"));
    // Arguments are texts of TOML, in which a backslash stands before a quote.
    let of_toml =
        of_toml.flat_map(|line| line.split("\", \"").map(str::to_owned).collect::<Vec<_>>());
    let unescaped = of_toml.map(|it| it.replace("\\\"", "\"").replace("\\\\", "\\"));
    let queries: Vec<_> = unescaped
        .filter(|it| is_query(&&it[..]))
        .chain(of_slt)
        .collect();
    assert!(queries.len() > 100, "{}", queries.len());
    queries
}

/// Queries with parts of them cut out, doubled, and put into each other.
#[test]
fn what_a_broken_query_becomes_is_an_error_or_reads_back_the_same() {
    let corpus = corpus();
    let mut random = 1_u64;
    let mut draw = |below: usize| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % below.max(1)
    };
    let mut read = 0;
    for round in 0..4000 {
        let whole = &corpus[round % corpus.len()];
        let mut chars: Vec<_> = whole.chars().collect();
        if round >= corpus.len() {
            for _ in 0..=draw(2) {
                let from = draw(chars.len() + 1);
                let to = from + draw(12.min(chars.len() + 1 - from));
                let other: Vec<_> = corpus[draw(corpus.len())].chars().collect();
                let other_from = draw(other.len() + 1);
                let other_to = other_from + draw(20.min(other.len() + 1 - other_from));
                chars.splice(from..to, other[other_from..other_to].iter().copied());
            }
        }
        let text: String = chars.into_iter().collect();
        let Ok(translation) = translated(&text) else {
            continue;
        };
        read += 1;
        let printed = translation.statement.to_string();
        let mut parsed = match Parser::parse_sql(&QueryDialect, &printed) {
            Ok(parsed) => parsed,
            Err(error) => panic!("{text}\nbecomes\n{printed}\n{error}"),
        };
        assert_eq!(parsed.len(), 1, "{text}\n{printed}");
        assert_eq!(parsed.remove(0).to_string(), printed, "{text}");
    }
    assert!(read > 500, "{read}");
}
