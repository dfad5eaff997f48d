//! Steps and functions as other query languages call them, and what says the same here.

/// Steps of angle-grinder, Kusto, LogsQL, PPL and SPL.
const STEPS: [(&str, &str); 21] = [
    ("delete", "drop a"),
    ("eval", "extend a + b as c"),
    ("expand", "select unnest(tags)"),
    ("explode", "select unnest(tags)"),
    (
        "filter",
        "where status >= 500, or a search: where search('level:error')",
    ),
    ("mvexpand", "select unnest(tags)"),
    ("project", "fields a, b"),
    ("rare", "count by path |> sort count |> limit 10"),
    ("regex", "where regexp_like(path, '^/api')"),
    ("rex", "extract /took (?<ms>\\d+)/"),
    ("search", "where search('level:error')"),
    ("split", "extend string_to_array(x, ',') as x"),
    ("summarize", "stats count, avg(x) by service"),
    ("table", "fields a, b"),
    ("take", "limit 10"),
    ("timeslice", "count by bin(5m)"),
    ("total", "extend sum(x) over (order by timestamp) as total"),
    (
        "transaction",
        "stats first(timestamp), last(timestamp) by session",
    ),
    ("uniq", "dedup user, or with how many: count by user"),
    ("unnest", "select unnest(tags)"),
    ("unroll", "select unnest(tags)"),
];

/// Functions, aggregates among them.
const FUNCTIONS: [(&str, &str); 22] = [
    ("date", "date_trunc('day', timestamp)"),
    ("dcount", "dc(x)"),
    ("expm1", "exp(x) - 1"),
    ("hypot", "sqrt(x * x + y * y)"),
    ("isblank", "trim(coalesce(x, '')) = ''"),
    ("isempty", "coalesce(x, '') = ''"),
    ("isnotempty", "x <> ''"),
    ("isnumeric", "try_cast(x as double) is not null"),
    ("log1p", "ln(1 + x)"),
    ("make_set", "values(x)"),
    ("num", "try_cast(x as double)"),
    ("parsedate", "to_timestamp(x)"),
    ("percentiles", "p50(x), p95(x)"),
    ("quantile", "percentile(x, 99)"),
    ("row_max", "arg_max(x, y)"),
    ("row_min", "arg_min(x, y)"),
    ("todouble", "try_cast(x as double)"),
    ("tolowercase", "lower(x)"),
    ("tonumber", "try_cast(x as double)"),
    ("toint", "try_cast(x as bigint)"),
    ("touppercase", "upper(x)"),
    ("uniq", "dc(x)"),
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
