//! The steps of a pipe.

mod aggregate;
mod columns;
mod grinder;
pub(super) mod nested;
mod parse;
mod pivot;
mod rows;
mod tables;

use birl_record::query::tree::Span;
use birl_record::query::{Error, tree};

use super::elsewhere;
use super::functions::{is_aggregate_name, nearest_aggregate};
use super::piece::Tokens;
use super::pipeline::Pipeline;
use super::reader::nearest;

/// A kind of step.
struct Step {
    /// What it is called; the first name is the one to offer.
    names: &'static [&'static str],
    /// What one looks like.
    example: &'static str,
    apply: Apply,
}

type Apply = fn(&mut Pipeline<'_>, &Typed<'_>) -> Result<(), Error>;

/// A step as it was typed.
struct Typed<'q> {
    /// All of it.
    text: &'q str,
    /// Where it stands in the query.
    span: &'q Span,
    /// How long its name is.
    name_len: usize,
    example: &'static str,
}

/// All steps, those that people say first.
const STEPS: &[Step] = &[
    step(&["count"], "count by level", aggregate::stats_with_head),
    step(
        &["stats"],
        "stats avg(latency_ms), p99(latency_ms) by service",
        aggregate::stats,
    ),
    step(&["top"], "top 10 path", aggregate::top),
    step(
        &["timechart"],
        "timechart 5m count by level",
        aggregate::timechart,
    ),
    step(
        &["parse"],
        "parse \"* took *ms\" as what, took",
        parse::parse,
    ),
    step(&["extract"], "extract /took (?<ms>\\d+)/", parse::extract),
    step(&["fields"], "fields timestamp, message", columns::fields),
    step(&["sort"], "sort -latency_ms", rows::sort),
    step(&["limit", "head"], "limit 10", rows::limit),
    step(&["tail"], "tail 10", rows::tail),
    step(&["dedup"], "dedup user", rows::dedup),
    step(&["sample"], "sample 1%", rows::sample),
    step(&["offset"], "offset 20", rows::offset),
    step(&["json"], "json status, user.id from body", parse::json),
    step(
        &["logfmt"],
        "logfmt status, user from message",
        parse::logfmt,
    ),
    step(&["where"], "where status >= 500", rows::filter),
    step(&["order"], "order by latency_ms desc", rows::order_by),
    step(&["distinct"], "distinct", rows::distinct),
    step(
        &["tablesample"],
        "tablesample system (1 percent)",
        rows::table_sample,
    ),
    step(&["select"], "select service, status", columns::select),
    step(
        &["extend", "window"],
        "extend latency_ms / 1000 as seconds",
        columns::extend,
    ),
    step(&["set"], "set path = lower(path)", columns::set),
    step(&["drop"], "drop user_agent", columns::drop),
    step(
        &["expand", "mvexpand", "unroll", "explode", "unnest"],
        "expand tags",
        columns::expand,
    ),
    step(&["split"], "split(path) on '/' as parts", grinder::split),
    step(
        &["timeslice"],
        "timeslice(received_at) 5m as bar",
        grinder::timeslice,
    ),
    step(&["total"], "total(bytes) as so_far", grinder::total),
    step(&["rename"], "rename msg as message", columns::rename),
    step(
        &["aggregate"],
        "aggregate count(*) as n group by service",
        aggregate::aggregate,
    ),
    step(
        &["pivot"],
        "pivot(count(*) for level in ('error', 'warn'))",
        pivot::pivot,
    ),
    step(
        &["unpivot"],
        "unpivot(value for name in (reads, writes))",
        pivot::unpivot,
    ),
    step(&["as"], "as requests", tables::named),
    step(
        &["with"],
        "with slow as (from logs |> where latency_ms > 100)",
        tables::with,
    ),
    step(
        &["assert"],
        "assert latency_ms >= 0, 'a latency is negative'",
        rows::assert,
    ),
    step(
        &["union", "intersect", "except"],
        "union all (from logs |> where status = 404)",
        tables::combined,
    ),
    step(
        &["join", "inner", "left", "right", "full", "cross"],
        "join users.csv on user_id = id",
        tables::join,
    ),
];

const fn step(names: &'static [&'static str], example: &'static str, apply: Apply) -> Step {
    Step {
        names,
        example,
        apply,
    }
}

/// Adds a step to a pipeline.
pub(super) fn apply(pipeline: &mut Pipeline<'_>, step: &tree::Step) -> Result<(), Error> {
    let text = &step.text;
    let name_len = match_ignore_case(text, "mv-expand").unwrap_or_else(|| word_len(text));
    let name = match &text[..name_len] {
        name if name.contains('-') => "mvexpand",
        name => name,
    };
    let is_called = text[name_len..].trim_start().starts_with('(');
    let is_function = is_called
        && ["left", "right", "extract"]
            .iter()
            .any(|it| is_name(it, name));
    let known = STEPS
        .iter()
        .filter(|_| !is_function)
        .find(|it| it.names.iter().any(|known| is_name(known, name)));
    let typed = |example| Typed {
        text,
        span: &step.span,
        name_len,
        example,
    };
    let column = Typed {
        name_len: 0,
        ..typed("extend latency_ms / 1000 as seconds")
    };
    match known {
        Some(known) => (known.apply)(pipeline, &typed(known.example)),
        None if is_aggregate_name(name) && is_called => {
            aggregate::stats_with_head(pipeline, &typed("count by level"))
        }
        None if grinder::is_columns(&column) => columns::extend(pipeline, &column),
        None => Err(unknown(name, text, is_called, &step.span)),
    }
}

fn is_name(known: &str, name: &str) -> bool {
    known.eq_ignore_ascii_case(name)
}

/// How long the word is that a text begins with.
fn word_len(text: &str) -> usize {
    text.find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(text.len())
}

/// How long `word` is, if a text begins with it, in any case.
fn match_ignore_case(text: &str, word: &str) -> Option<usize> {
    let begins = text.get(..word.len()).is_some_and(|it| is_name(word, it));
    (begins && word_len(&text[word.len()..]) == 0).then_some(word.len())
}

/// Whether a step is called so.
pub(super) fn is_step(name: &str) -> bool {
    let mut names = STEPS.iter().flat_map(|step| step.names);
    names.any(|known| is_name(known, name))
}

fn unknown(name: &str, text: &str, is_called: bool, span: &Span) -> Error {
    // Names of Kusto's have dashes.
    let goes_on = |c: char| c.is_alphanumeric() || "_-".contains(c);
    let len = text.find(|c| !goes_on(c)).unwrap_or(text.len());
    let name = match elsewhere::step(&text[..len]) {
        Some(_) => &text[..len],
        None => name,
    };
    let place = span.start..span.start + name.len();
    if name.is_empty() {
        let error = Error::new(span.start..span.start, "expected a step");
        return match text.strip_prefix('.').map(|path| &path[..word_len(path)]) {
            Some(field) if !field.is_empty() => error.with_hint(format!(
                "a field is called without a dot before it: fields {field}"
            )),
            _ => error.with_hint("for example: count by level"),
        };
    }
    if name.eq_ignore_ascii_case("patterns") {
        return Error::new(place, "the step `patterns` is not supported yet");
    }
    if let Some(here) = elsewhere::step(name) {
        let error = Error::new(place, format!("unknown step \"{name}\""));
        return error.with_hint(format!("here it is written as {here}"));
    }
    let names = STEPS.iter().flat_map(|step| step.names.iter().copied());
    let aggregate = nearest_aggregate(name).filter(|_| is_called);
    match aggregate.or_else(|| nearest(name, names)) {
        Some(meant) => {
            let message = format!("unknown step \"{name}\"");
            Error::new(place, message).with_hint(format!("did you mean \"{meant}\"?"))
        }
        None => {
            let all: Vec<_> = STEPS.iter().map(|step| step.names[0]).take(12).collect();
            let error = Error::new(place, format!("unknown step \"{name}\""));
            error.with_hint(format!("steps are {} and others", all.join(", ")))
        }
    }
}

impl<'q> Typed<'q> {
    /// The tokens of all of it.
    fn tokens(&self) -> Result<Tokens<'q>, Error> {
        Tokens::read(self.text, self.span.start)
    }

    /// The tokens behind its name.
    fn tokens_behind_name(&self) -> Result<Tokens<'q>, Error> {
        let (text, at) = self.behind_name();
        Tokens::read(text, at)
    }

    /// What stands behind its name, and where.
    fn behind_name(&self) -> (&'q str, usize) {
        (&self.text[self.name_len..], self.span.start + self.name_len)
    }

    /// Where its name stands.
    fn name_place(&self) -> Span {
        self.span.start..self.span.start + self.name_len
    }

    /// An error that tells what one looks like.
    fn wrong(&self, place: Span, message: impl Into<String>) -> Error {
        Error::new(place, message).with_hint(format!("for example: {}", self.example))
    }

    /// What to say where nothing stands behind the name.
    fn missing(&self, what: &str) -> Error {
        let name = &self.text[..self.name_len];
        self.wrong(self.name_place(), format!("expected {what} after `{name}`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_a_case() {
        let cases = crate::pipe::tests::cases();
        for name in STEPS.iter().flat_map(|step| step.names) {
            let has_one = crate::pipe::tests::has_word(&cases, &["|> ", "| "], name);
            assert!(has_one, "no case has a step `{name}`");
        }
    }

    #[test]
    fn names_are_unique_and_examples_begin_with_them() {
        let mut names: Vec<_> = STEPS.iter().flat_map(|step| step.names).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
        for step in STEPS {
            assert!(step.example.starts_with(step.names[0]), "{}", step.example);
        }
    }
}
