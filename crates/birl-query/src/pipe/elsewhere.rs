//! Steps, functions and operators as other query languages call them, and what says the same here.

/// Steps of angle-grinder, Kusto, LogQL, LogsQL, PPL and SPL.
const STEPS: [(&str, &str); 40] = [
    ("append", "union all (from logs |> …)"),
    ("bin", "count by bin(5m)"),
    ("bucket", "count by bin(5m)"),
    (
        "chart",
        "count by service, level; a chart is drawn by -o chart",
    ),
    ("decolorize", "nothing: colors are left out"),
    ("delete", "drop a"),
    ("eval", "extend a + b as c"),
    (
        "eventstats",
        "extend sum(x) over (partition by service) as total",
    ),
    ("fillnull", "set x = coalesce(x, 0)"),
    (
        "filter",
        "where status >= 500, or a search: where search('level:error')",
    ),
    ("group", "stats count, avg(x) by service"),
    ("label_format", "rename a as b"),
    (
        "line_format",
        "extend concat(service, ' ', message) as line_here",
    ),
    ("lookup", "join users.csv on user_id"),
    ("make-series", "timechart 5m avg(x) by service"),
    ("makemv", "split(x) on ','"),
    ("map", "fields a, b"),
    ("pattern", "parse \"* took *ms\" as what, took"),
    ("project", "fields a, b"),
    ("project-away", "fields -a, -b"),
    ("project-keep", "fields a, b"),
    ("project-rename", "rename a as b"),
    ("project-reorder", "fields a, *"),
    ("rare", "count by path |> sort count |> limit 10"),
    ("regex", "where regexp_like(path, '^/api')"),
    ("regexp", "extract /took (?<ms>\\d+)/"),
    ("rex", "extract /took (?<ms>\\d+)/"),
    ("search", "where search('level:error')"),
    ("sort_by", "sort x"),
    ("spath", "json a, user.id from body"),
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
    ("tstats", "stats count by service"),
    ("uniq", "dedup user, or with how many: count by user"),
    ("unique_by", "dedup user"),
    (
        "unpack",
        "json a, user.id from body, or logfmt a from message",
    ),
    (
        "unwrap",
        "nothing: a field is a number as it stands, as in avg(x)",
    ),
];

/// Functions, aggregates among them.
const FUNCTIONS: [(&str, &str); 22] = [
    ("ago", "timestamp > '-15m'"),
    ("array_agg_distinct", "values(x)"),
    ("avgif", "avg(x) filter (where status >= 500)"),
    ("date", "date_trunc('day', timestamp)"),
    ("datetime", "'2026-03-14 14:05'"),
    ("earliest", "first(x)"),
    ("estdc", "approx_dc(x)"),
    ("eval", "count(status >= 500)"),
    ("latest", "last(x)"),
    ("like", "x like 'a%'"),
    ("make_list", "list(x)"),
    ("match", "regexp_like(path, '^/api')"),
    ("mvcount", "array_length(x)"),
    ("percentiles", "p50(x), p95(x)"),
    ("quantile", "percentile(x, 99)"),
    ("row_max", "arg_max(x, y)"),
    ("row_min", "arg_min(x, y)"),
    ("strcat", "concat(a, b)"),
    ("strlen", "length(x)"),
    ("strptime", "to_timestamp(x, '%Y-%m-%d')"),
    ("sumif", "sum(x) filter (where status >= 500)"),
    ("take_any", "any_value(x)"),
];

/// Operators of Kusto and LogsQL that are words.
const OPERATORS: [(&str, &str); 10] = [
    ("contains", "contains(message, 'text')"),
    ("endswith", "ends_with(path, '.html')"),
    ("has", "contains(message, 'text')"),
    ("has_any", "regexp_like(message, 'one|other')"),
    ("hasprefix", "starts_with(path, '/api')"),
    ("hassuffix", "ends_with(path, '.html')"),
    ("match", "regexp_like(path, '^/api')"),
    ("matches", "regexp_like(path, '^/api')"),
    ("startswith", "starts_with(path, '/api')"),
    ("test", "regexp_like(path, '^/api')"),
];

/// How a step is written here that another language calls so.
pub(super) fn step(name: &str) -> Option<&'static str> {
    written(&STEPS, name)
}

/// How a function is written here that another language calls so.
pub(crate) fn function(name: &str) -> Option<&'static str> {
    written(&FUNCTIONS, name)
}

/// How an operator is written here that another language has.
pub(super) fn operator(name: &str) -> Option<&'static str> {
    written(&OPERATORS, name)
}

fn written(all: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    let found = all.iter().find(|(it, _)| it.eq_ignore_ascii_case(name));
    found.map(|(_, here)| *here)
}
