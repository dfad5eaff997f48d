//! Steps and functions as other query languages call them, and what says the same here.

/// Steps of angle-grinder, Kusto, LogsQL, PPL and SPL.
const STEPS: [(&str, &str); 16] = [
    ("delete", "drop a"),
    ("eval", "extend a + b as c"),
    (
        "eventstats",
        "extend sum(x) over (partition by service) as total",
    ),
    (
        "filter",
        "where status >= 500, or a search: where search('level:error')",
    ),
    ("group", "stats count, avg(x) by service"),
    ("project", "fields a, b"),
    ("rare", "count by path |> sort count |> limit 10"),
    ("regex", "where regexp_like(path, '^/api')"),
    ("rex", "extract /took (?<ms>\\d+)/"),
    ("search", "where search('level:error')"),
    (
        "streamstats",
        "extend sum(x) over (order by timestamp) as total",
    ),
    ("summarize", "stats count, avg(x) by service"),
    ("table", "fields a, b"),
    ("take", "limit 10"),
    (
        "transaction",
        "stats first(timestamp), last(timestamp) by session",
    ),
    ("uniq", "dedup user, or with how many: count by user"),
];

/// Functions, aggregates among them.
const FUNCTIONS: [(&str, &str); 8] = [
    ("date", "date_trunc('day', timestamp)"),
    ("eval", "count(status >= 500)"),
    ("like", "x like 'a%'"),
    ("mode", "top 1 x, or top 1 x by service"),
    ("percentiles", "p50(x), p95(x)"),
    ("quantile", "percentile(x, 99)"),
    ("row_max", "arg_max(x, y)"),
    ("row_min", "arg_min(x, y)"),
];

/// How a step is written here that another language calls so.
pub(super) fn step(name: &str) -> Option<&'static str> {
    written(&STEPS, name)
}

/// How a function is written here that another language calls so.
pub(crate) fn function(name: &str) -> Option<&'static str> {
    written(&FUNCTIONS, name)
}

fn written(all: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    let found = all.iter().find(|(it, _)| it.eq_ignore_ascii_case(name));
    found.map(|(_, here)| *here)
}
