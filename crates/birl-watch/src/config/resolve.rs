//! From the keys of a file of rules to what they mean.

mod source;

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use birl_record::query::{self, tree::Query};
use birl_record::search::counts_back;
use birl_record::time::{self, Clock};
use toml::Spanned;

use super::keys::{Count, EscalateKeys, FileKeys, Length, Number, RuleKeys, Several, SilenceKeys};
use super::{Config, Direction, Error, Escalate, Kind, Place, Rule, Silence, Text};
use crate::deliver::HELD_BACK;
use crate::matcher::Matcher;
use crate::places;
use source::source;

/// What is taken where nothing is said.
const WINDOW: Duration = Duration::from_secs(60);
const SLIDES: u32 = 6;
const SAMPLES: usize = 3;
const SPIKE_WINDOWS: usize = 10;
const SPIKE_FACTOR: f64 = 3.0;
const SPIKE_AT_LEAST: u64 = 10;
const DAY: Duration = Duration::from_secs(86_400);

/// As many records as anybody reads in a message.
const SAMPLES_MAX: usize = 100;

/// A record is in no more windows than this: each of them takes it by itself.
const OVERLAP_MAX: u128 = 1000;

/// So many windows a spike looks back at most.
const SPIKE_WINDOWS_MAX: u64 = 1000;

/// So far a spike looks back at most.
const LOOK_BACK_MAX: Duration = Duration::from_secs(10 * 366 * 86_400);

/// The names of the kinds, and the keys that each has besides those of all.
const KINDS: [(&str, &[&str]); 11] = [
    ("threshold", &["when", "window", "slide", "resolve"]),
    ("any", &["window"]),
    ("frequency", &["at_least", "window", "slide", "resolve"]),
    (
        "spike",
        &[
            "direction",
            "factor",
            "windows",
            "at_least",
            "window",
            "slide",
            "resolve",
        ],
    ),
    (
        "flatline",
        &["at_least", "forget", "window", "slide", "resolve"],
    ),
    ("new_term", &["field", "within", "learn"]),
    ("change", &["field"]),
    (
        "cardinality",
        &["field", "above", "below", "window", "slide", "resolve"],
    ),
    (
        "percentage",
        &[
            "matching", "above", "below", "at_least", "window", "slide", "resolve",
        ],
    ),
    ("whitelist", &["field", "values", "file", "window"]),
    ("blacklist", &["field", "values", "file", "window"]),
];

pub(super) fn config(keys: FileKeys, text: Text<'_>, clock: &Clock) -> Result<Config, Error> {
    let sources = keys.source.0.into_iter();
    let sources: Vec<_> = sources
        .map(|(name, keys)| source(name, keys, text))
        .collect::<Result<_, _>>()?;
    let places = keys.place.0.into_iter();
    let places: Vec<_> = places
        .map(|(name, config)| place(name, config, text))
        .collect::<Result<_, _>>()?;
    // Who only talks needs no rules.
    if keys.rule.0.is_empty() && keys.chat.is_none() {
        return Err(text
            .error(&(0..0), "there is no rule")
            .with_hint("a rule is a table: [rule.errors], with a query and a condition"));
    }
    let known = Known {
        sources: sources.iter().map(|it| it.name.clone()).collect(),
        rules: keys
            .rule
            .0
            .iter()
            .map(|(name, _)| name.get_ref().clone())
            .collect(),
        places: places.iter().map(|it| it.name.clone()).collect(),
    };
    if let (true, Some((name, _))) = (sources.is_empty(), keys.rule.0.first()) {
        return Err(text
            .error(&name.span(), "there is no source that rules could ask")
            .with_hint("a source is a table: [source.app], with from = [\"/var/log/app/*.log\"]"));
    }
    let rules = keys.rule.0.into_iter();
    let rules: Vec<_> = rules
        .map(|(name, keys)| {
            RuleOf {
                name,
                text,
                known: &known,
            }
            .resolve(&keys)
        })
        .collect::<Result<_, _>>()?;
    no_cycles(&rules, text)?;
    no_moments(&rules, text)?;
    let silences = keys.silence.0.into_iter();
    let silences = silences
        .map(|(name, keys)| silence(&name, keys, &known, text, clock))
        .collect::<Result<_, _>>()?;
    Ok(Config {
        file: text.file.to_owned(),
        state: keys.state,
        status: keys.status,
        metrics: keys
            .metrics
            .map(|address| {
                let wrong = "metrics is an address such as \"127.0.0.1:9464\"";
                address
                    .get_ref()
                    .parse()
                    .map_err(|_| text.error(&address.span(), wrong))
            })
            .transpose()?,
        sources,
        rules,
        places,
        silences,
    })
}

/// The names that there are.
struct Known {
    sources: Vec<String>,
    rules: Vec<String>,
    places: Vec<String>,
}

fn place(name: Spanned<String>, config: places::Config, text: Text<'_>) -> Result<Place, Error> {
    let wrong = |error: places::Error| {
        let message = format!("place {:?}: {}", name.get_ref(), error.message());
        let wrong = text.error(&name.span(), message);
        match error.hint() {
            Some(hint) => wrong.with_hint(hint),
            None => wrong,
        }
    };
    config.kind().map_err(wrong)?;
    Ok(Place {
        line: text.error(&name.span(), "").line(),
        name: name.into_inner(),
        config,
    })
}

/// A rule that is read.
struct RuleOf<'a> {
    name: Spanned<String>,
    text: Text<'a>,
    known: &'a Known,
}

impl RuleOf<'_> {
    fn resolve(&self, keys: &RuleKeys) -> Result<Rule, Error> {
        self.check_keys(keys)?;
        if self.name.get_ref() == HELD_BACK {
            let message =
                format!("{HELD_BACK} is what birl calls alerts for others: take another name");
            return Err(self.text.error(&self.name.span(), message));
        }
        let kind = self.kind(keys)?;
        self.check_moments(keys, &kind)?;
        let query = self.query(keys, &kind)?;
        let (window, slide) = self.windows(keys)?;
        if let (Kind::Spike { windows, .. }, Some(typed)) = (&kind, &keys.window)
            && window.as_secs().saturating_mul(*windows as u64) > LOOK_BACK_MAX.as_secs()
        {
            let message = format!("{windows} windows of this length are more than ten years");
            return Err(self.at(typed, message));
        }
        let samples = match &keys.samples {
            Some(samples) => usize::try_from(samples.get_ref().0)
                .ok()
                .filter(|samples| *samples <= SAMPLES_MAX)
                .ok_or_else(|| {
                    self.at(
                        samples,
                        format!("samples are at most {SAMPLES_MAX} records"),
                    )
                })?,
            None => SAMPLES,
        };
        if let Some(template) = &keys.text {
            crate::template::parse(template.get_ref()).map_err(|error| self.at(template, error))?;
        }
        Ok(Rule {
            name: self.name.get_ref().clone(),
            line: self.text.error(&self.name.span(), "").line(),
            kind,
            query,
            sources: self.names(&keys.source, "source", &self.known.sources)?,
            window,
            slide,
            group_by: self.columns(&keys.group_by)?,
            send: self.names(&keys.send, "place", &self.known.places)?,
            text: keys.text.as_ref().map(|it| it.get_ref().clone()),
            repeat: keys
                .repeat
                .as_ref()
                .map(|it| self.length(it, "repeat"))
                .transpose()?,
            escalate: keys
                .escalate
                .as_ref()
                .map(|it| self.escalate(it))
                .transpose()?,
            resolve: match &keys.resolve {
                Some(it) => duration(*it.get_ref()),
                None => Duration::ZERO,
            },
            tells_resolved: keys.resolved.unwrap_or(true),
            unless: self.names(&keys.unless, "rule", &self.known.rules)?,
            samples,
        })
    }

    fn escalate(&self, typed: &Spanned<EscalateKeys>) -> Result<Escalate, Error> {
        let keys = typed.get_ref();
        if keys.to.0.is_empty() {
            return Err(self
                .at(typed, "escalate names nobody who is told")
                .with_hint("for example: escalate = { after = \"10m\", to = [\"pager\"] }"));
        }
        Ok(Escalate {
            after: self.length(&keys.after, "after")?,
            to: self.names(&keys.to, "place", &self.known.places)?,
        })
    }

    fn at<T>(&self, key: &Spanned<T>, message: impl Into<String>) -> Error {
        self.text.error(&key.span(), message)
    }

    fn missing(&self, key: &str, kind: &str, example: &str) -> Error {
        let name = self.name.get_ref();
        self.text
            .error(
                &self.name.span(),
                format!("rule {name:?} has no {key}, which a rule of kind {kind:?} needs"),
            )
            .with_hint(format!("for example: {example}"))
    }

    /// Finds keys that rules of this kind do not have.
    fn check_keys(&self, keys: &RuleKeys) -> Result<(), Error> {
        let kind = keys
            .kind
            .as_ref()
            .map_or("threshold", |kind| kind.get_ref());
        let set: [(&str, Option<Range<usize>>); 16] = [
            ("when", keys.when.as_ref().map(Spanned::span)),
            ("window", keys.window.as_ref().map(Spanned::span)),
            ("slide", keys.slide.as_ref().map(Spanned::span)),
            ("resolve", keys.resolve.as_ref().map(Spanned::span)),
            ("at_least", keys.at_least.as_ref().map(Spanned::span)),
            ("above", keys.above.as_ref().map(Spanned::span)),
            ("below", keys.below.as_ref().map(Spanned::span)),
            ("direction", keys.direction.as_ref().map(Spanned::span)),
            ("factor", keys.factor.as_ref().map(Spanned::span)),
            ("windows", keys.windows.as_ref().map(Spanned::span)),
            ("forget", keys.forget.as_ref().map(Spanned::span)),
            ("field", keys.field.0.first().map(Spanned::span)),
            ("values", keys.values.0.first().map(Spanned::span)),
            ("file", keys.file.as_ref().map(Spanned::span)),
            ("within", keys.within.as_ref().map(Spanned::span)),
            ("learn", keys.learn.as_ref().map(Spanned::span)),
        ];
        let matching = ("matching", keys.matching.as_ref().map(Spanned::span));
        let Some((_, takes)) = KINDS.iter().find(|(name, _)| *name == kind) else {
            return Err(self.unknown_kind(keys, kind));
        };
        for (key, place) in set.iter().chain([&matching]) {
            if let Some(place) = place
                && !takes.contains(key)
            {
                return Err(self.text.error(
                    place,
                    format!(
                        "rules of kind {kind:?} have no {key}: their own keys are {}",
                        takes.join(", ")
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Finds keys of alerts that go on, where they are of moments.
    fn check_moments(&self, keys: &RuleKeys, kind: &Kind) -> Result<(), Error> {
        if !kind.tells_moments() {
            return Ok(());
        }
        let key = match (&keys.repeat, &keys.escalate, keys.resolved) {
            (Some(repeat), _, _) => Some(("repeat", repeat.span())),
            (None, Some(escalate), _) => Some(("escalate", escalate.span())),
            (None, None, Some(_)) => Some(("resolved", self.name.span())),
            (None, None, None) => None,
        };
        key.map_or(Ok(()), |(key, place)| {
            let kind = kind.name();
            let message =
                format!("rules of kind {kind:?} have no {key}: what they tell is over at once");
            Err(self.text.error(&place, message))
        })
    }

    fn unknown_kind(&self, keys: &RuleKeys, kind: &str) -> Error {
        let place = keys.kind.as_ref().map_or(self.name.span(), Spanned::span);
        if kind == "new_pattern" {
            return self
                .text
                .error(&place, "rules of kind \"new_pattern\" come with patterns, which birl does not find yet")
                .with_hint("new_term tells of values that a field has not had before");
        }
        let known = KINDS.map(|(name, _)| name);
        let error = self.text.error(
            &place,
            format!(
                "there is no kind {kind:?}: the kinds are {}",
                known.join(", ")
            ),
        );
        match birl_query::nearest(kind, known) {
            Some(meant) => error.with_hint(format!("did you mean {meant:?}?")),
            None => error,
        }
    }

    fn kind(&self, keys: &RuleKeys) -> Result<Kind, Error> {
        let name = keys
            .kind
            .as_ref()
            .map_or("threshold", |kind| kind.get_ref());
        let kind = self.kind_of(name, keys)?;
        match &kind {
            Kind::Cardinality {
                above: None,
                below: None,
                ..
            }
            | Kind::Percentage {
                above: None,
                below: None,
                ..
            } => Err(self.missing("above and no below", name, "above = 10")),
            _ => Ok(kind),
        }
    }

    fn kind_of(&self, name: &str, keys: &RuleKeys) -> Result<Kind, Error> {
        let count = |key: &Option<Spanned<Count>>, default: u64| match key {
            Some(key) if key.get_ref().0 == 0 => Err(self.at(key, "at_least is at least 1")),
            Some(key) => Ok(key.get_ref().0),
            None => Ok(default),
        };
        Ok(match name {
            "any" => Kind::Any,
            "frequency" => match &keys.at_least {
                Some(_) => Kind::Frequency {
                    at_least: count(&keys.at_least, 1)?,
                },
                None => return Err(self.missing("at_least", name, "at_least = 50")),
            },
            "spike" => self.spike(keys, count(&keys.at_least, SPIKE_AT_LEAST)?)?,
            "flatline" => Kind::Flatline {
                at_least: count(&keys.at_least, 1)?,
                forget: self.length_or(&keys.forget, "forget", DAY)?,
            },
            "new_term" => Kind::NewTerm {
                fields: match self.columns(&keys.field)? {
                    fields if fields.is_empty() => {
                        return Err(self.missing("field", name, "field = \"user\""));
                    }
                    fields => fields,
                },
                within: self.length_or(&keys.within, "within", 30 * DAY)?,
                learn: match &keys.learn {
                    Some(learn) => duration(*learn.get_ref()),
                    None => DAY,
                },
            },
            "change" => Kind::Change {
                field: self.field(keys, name)?,
            },
            "cardinality" => Kind::Cardinality {
                field: self.field(keys, name)?,
                above: bound(&keys.above),
                below: bound(&keys.below),
            },
            "percentage" => Kind::Percentage {
                matching: match &keys.matching {
                    Some(matching) => {
                        self.search(matching)?;
                        matching.get_ref().clone()
                    }
                    None => {
                        return Err(self.missing(
                            "matching",
                            name,
                            "matching = \"status:500..599\"",
                        ));
                    }
                },
                above: bound(&keys.above),
                below: bound(&keys.below),
                at_least: count(&keys.at_least, 1)?,
            },
            "whitelist" | "blacklist" => Kind::Listed {
                field: self.field(keys, name)?,
                values: self.values(keys, name)?,
                allows: name == "whitelist",
            },
            _ => match &keys.when {
                Some(when) => Kind::Threshold {
                    when: when.get_ref().clone(),
                },
                None => return Err(self.missing("when", name, "when = \"count > 50\"")),
            },
        })
    }

    fn spike(&self, keys: &RuleKeys, at_least: u64) -> Result<Kind, Error> {
        let direction = match &keys.direction {
            None => Direction::Up,
            Some(direction) => match direction.get_ref().as_str() {
                "up" => Direction::Up,
                "down" => Direction::Down,
                "both" => Direction::Both,
                other => {
                    let message =
                        format!("direction is \"up\", \"down\" or \"both\", and not {other:?}");
                    return Err(self.at(direction, message));
                }
            },
        };
        let factor = match &keys.factor {
            Some(factor) if factor.get_ref().0 <= 1.0 => {
                return Err(self.at(factor, "factor is larger than 1, such as 3"));
            }
            Some(factor) => factor.get_ref().0,
            None => SPIKE_FACTOR,
        };
        let windows = match &keys.windows {
            Some(windows) => usize::try_from(windows.get_ref().0)
                .ok()
                .filter(|_| (1..=SPIKE_WINDOWS_MAX).contains(&windows.get_ref().0))
                .ok_or_else(|| {
                    self.at(
                        windows,
                        format!("windows are from 1 to {SPIKE_WINDOWS_MAX}"),
                    )
                })?,
            None => SPIKE_WINDOWS,
        };
        Ok(Kind::Spike {
            direction,
            factor,
            windows,
            at_least,
        })
    }

    fn field(&self, keys: &RuleKeys, kind: &str) -> Result<String, Error> {
        match &self.columns(&keys.field)?[..] {
            [field] => Ok(field.clone()),
            [] => Err(self.missing("field", kind, "field = \"user\"")),
            _ => Err(self.at(
                &keys.field.0[0],
                format!("a rule of kind {kind:?} has one field"),
            )),
        }
    }

    /// What a list allows or forbids: values, and the lines of a file.
    fn values(&self, keys: &RuleKeys, kind: &str) -> Result<BTreeSet<String>, Error> {
        let mut values: BTreeSet<_> = keys
            .values
            .0
            .iter()
            .map(|it| it.get_ref().clone())
            .collect();
        if let Some(file) = &keys.file {
            let lines = birl_net::file::read_text(file.get_ref()).map_err(|error| {
                let reason = birl_source::error::refusal(&error);
                self.at(
                    file,
                    format!("cannot read the list {:?}: {reason}", file.get_ref()),
                )
            })?;
            let lines = lines.lines().map(str::trim);
            values.extend(
                lines
                    .filter(|it| !it.is_empty() && !it.starts_with('#'))
                    .map(str::to_owned),
            );
        }
        match values.is_empty() {
            true => Err(self.missing("values", kind, "values = [\"root\", \"admin\"]")),
            false => Ok(values),
        }
    }

    fn query(&self, keys: &RuleKeys, kind: &Kind) -> Result<String, Error> {
        let Some(typed) = &keys.query else {
            return Err(self.missing(
                "query",
                kind.name(),
                "query = \"level:error |> count by service\"",
            ));
        };
        let query = query::parse(typed.get_ref());
        let query = query.map_err(|error| self.at(typed, error.render(typed.get_ref())))?;
        self.check_search(typed, &query)?;
        Ok(typed.get_ref().clone())
    }

    /// Checks a search that is not the query.
    fn search(&self, typed: &Spanned<String>) -> Result<(), Error> {
        let term = query::parse_search(typed.get_ref());
        let term = term.map_err(|error| self.at(typed, error.render(typed.get_ref())))?;
        let query = Query {
            search: term,
            sql: None,
            steps: Vec::new(),
        };
        self.check_search(typed, &query)
    }

    fn check_search(&self, typed: &Spanned<String>, query: &Query) -> Result<(), Error> {
        match counts_back(&query.search) {
            true => Err(self
                .at(
                    typed,
                    "last: counts back from the newest record, and a rule looks at what comes",
                )
                .with_hint("leave it out: how much time a rule looks at is its window")),
            false => Ok(()),
        }
    }

    fn windows(&self, keys: &RuleKeys) -> Result<(Duration, Duration), Error> {
        let window = self.length_or(&keys.window, "window", WINDOW)?;
        let Some(slide) = &keys.slide else {
            return Ok((window, slide_of(window)));
        };
        let typed = slide;
        let slide = self.length(slide, "slide")?;
        if slide > window {
            return Err(self.at(
                typed,
                "slide is longer than window, so that records between windows would be in none",
            ));
        }
        if window.as_nanos() / slide.as_nanos() > OVERLAP_MAX {
            return Err(self.at(
                typed,
                format!(
                    "slide is so short that each record would be in more than {OVERLAP_MAX} windows"
                ),
            ));
        }
        Ok((window, slide))
    }

    fn length(&self, typed: &Spanned<Length>, key: &str) -> Result<Duration, Error> {
        match duration(*typed.get_ref()) {
            Duration::ZERO => Err(self.at(
                typed,
                format!("{key} is longer than nothing, such as \"1m\""),
            )),
            length => Ok(length),
        }
    }

    fn length_or(
        &self,
        typed: &Option<Spanned<Length>>,
        key: &str,
        default: Duration,
    ) -> Result<Duration, Error> {
        typed
            .as_ref()
            .map_or(Ok(default), |typed| self.length(typed, key))
    }

    fn columns(&self, columns: &Several) -> Result<Vec<String>, Error> {
        let mut names: Vec<String> = Vec::new();
        for column in &columns.0 {
            if column.get_ref().trim().is_empty() {
                return Err(self.at(column, "a field has a name"));
            }
            if !names.contains(column.get_ref()) {
                names.push(column.get_ref().clone());
            }
        }
        Ok(names)
    }

    /// Names of what stands elsewhere in the file.
    fn names(&self, names: &Several, what: &str, known: &[String]) -> Result<Vec<String>, Error> {
        check_names(names, what, known, self.text)
    }
}

/// How far windows of this size lie behind each other: a sixth, or so much more that they begin at whole
/// seconds, or milliseconds, each at the same places of the minute.
fn slide_of(window: Duration) -> Duration {
    let whole = |unit: u64| {
        (2..=SLIDES).rev().find_map(|parts| {
            let unit = u128::from(unit) * u128::from(parts);
            window
                .as_nanos()
                .is_multiple_of(unit)
                .then(|| window / parts)
        })
    };
    whole(1_000_000_000)
        .or_else(|| whole(1_000_000))
        .unwrap_or(window)
}

fn check_names(
    names: &Several,
    what: &str,
    known: &[String],
    text: Text<'_>,
) -> Result<Vec<String>, Error> {
    for name in &names.0 {
        if known.contains(name.get_ref()) {
            continue;
        }
        let message = format!("there is no {what} {:?} in this file", name.get_ref());
        let error = text.error(&name.span(), message);
        return Err(
            match birl_query::nearest(name.get_ref(), known.iter().map(String::as_str)) {
                Some(meant) => error.with_hint(format!("did you mean {meant:?}?")),
                None => {
                    error.with_hint(format!("it would be a table: [{what}.{}]", name.get_ref()))
                }
            },
        );
    }
    Ok(names.0.iter().map(|it| it.get_ref().clone()).collect())
}

/// Finds rules that would wait for what is over at once.
fn no_moments(rules: &[Rule], text: Text<'_>) -> Result<(), Error> {
    for rule in rules {
        let others = rules.iter().filter(|it| rule.unless.contains(&it.name));
        if let Some(other) = others.into_iter().find(|it| it.kind.tells_moments()) {
            let message = format!(
                "rule {:?} has unless = {:?}, which tells what is over at once, so that it never fires",
                rule.name, other.name
            );
            return Err(Error::at_line(text.file, rule.line, message));
        }
    }
    Ok(())
}

/// Finds rules that would wait for each other.
fn no_cycles(rules: &[Rule], text: Text<'_>) -> Result<(), Error> {
    for rule in rules {
        let mut reached: BTreeSet<&str> = BTreeSet::new();
        let mut next: Vec<&str> = rule.unless.iter().map(String::as_str).collect();
        while let Some(name) = next.pop() {
            if name == rule.name {
                let message = format!(
                    "rule {name:?} would be silent as long as it fires itself: its unless leads back to it"
                );
                return Err(Error::at_line(text.file, rule.line, message));
            }
            if reached.insert(name) {
                let rule = rules.iter().find(|it| it.name == name);
                next.extend(
                    rule.iter()
                        .flat_map(|it| it.unless.iter().map(String::as_str)),
                );
            }
        }
    }
    Ok(())
}

fn silence(
    name: &Spanned<String>,
    keys: SilenceKeys,
    known: &Known,
    text: Text<'_>,
    clock: &Clock,
) -> Result<Silence, Error> {
    let moment = |typed: &Spanned<String>| {
        time::moment(typed.get_ref(), clock)
            .map(|moment| moment.start)
            .map_err(|error| text.error(&typed.span(), error.to_string()))
    };
    let from = keys.from.as_ref().map_or(Ok(i64::MIN), moment)?;
    let until = moment(&keys.until)?;
    if from >= until {
        let message = format!("silence {:?} ends before it begins", name.get_ref());
        return Err(text.error(&keys.until.span(), message));
    }
    Ok(Silence {
        name: name.get_ref().clone(),
        matcher: Matcher {
            rules: check_names(&keys.rule, "rule", &known.rules, text)?,
            group: keys.group,
        },
        from,
        until,
    })
}

fn bound(typed: &Option<Spanned<Number>>) -> Option<f64> {
    typed.as_ref().map(|number| number.get_ref().0)
}

fn texts(several: Several) -> Vec<String> {
    several.0.into_iter().map(Spanned::into_inner).collect()
}

fn duration(Length(nanoseconds): Length) -> Duration {
    Duration::from_nanos(nanoseconds.max(0).unsigned_abs())
}
