//! What alerts say.

use serde_json::Value;

use crate::alert::Alert;
use crate::config::{Kind, Rule};
use crate::judge::text_of;
use crate::template::Template;
use crate::words::{exact, length};

/// What a template says in one of its places.
pub(super) fn value_of(alert: &Alert, place: &str) -> Option<String> {
    match place {
        // A notice that all is well has none.
        "samples" => Some(alert.samples.join("\n")),
        "rule" => Some(alert.rule.clone()),
        "ask" => Some(alert.ask.clone()),
        "since" => Some(exact(alert.since)),
        "group" => {
            let group = alert
                .group
                .iter()
                .map(|(name, value)| format!("{name}={value}"));
            Some(group.collect::<Vec<_>>().join(" "))
        }
        "values" => {
            let values = alert.values.iter();
            let values =
                values.filter_map(|(name, value)| Some(format!("{name}={}", shown(value)?)));
            Some(values.collect::<Vec<_>>().join(" "))
        }
        column => alert.values.get(column).and_then(shown).or_else(|| {
            let mut group = alert.group.iter();
            group
                .find(|(name, _)| name == column)
                .map(|(_, value)| value.clone())
        }),
    }
}

/// A value as people read it: of a fraction, no more digits than say something.
pub(crate) fn shown(value: &Value) -> Option<String> {
    let fraction = value.as_f64().filter(|_| value.is_f64());
    match fraction {
        Some(number) if number.abs() >= 0.001 && number.abs() < 1e15 => {
            let digits = format!("{number:.3}");
            Some(
                digits
                    .trim_end_matches('0')
                    .trim_end_matches('.')
                    .to_owned(),
            )
        }
        _ => text_of(value),
    }
}

/// The places that a template may have besides the columns of the answer.
pub(crate) const PLACES: [&str; 6] = ["samples", "rule", "ask", "since", "group", "values"];

/// What a rule says.
pub(super) fn text(rule: &Rule) -> Template {
    let default = default_text(rule);
    let text = rule.text.as_ref().unwrap_or(&default);
    crate::template::parse(text).expect("the text of a rule has been read before")
}

/// What a rule says where it does not say what.
pub(crate) fn default_text(rule: &Rule) -> String {
    let window = length(rule.window);
    let group = match rule.group_by.is_empty() {
        true => "",
        false => "{group}: ",
    };
    let what = match &rule.kind {
        Kind::Threshold { .. } => return format!("{{rule}}: {{values}} in {window}"),
        Kind::Any => "a record matches".to_owned(),
        Kind::Frequency { .. } => format!("{{count}} records in {window}"),
        Kind::Spike { windows, .. } => {
            format!("{{count}} records in {window}, where {{mean}} is the mean of {windows} before")
        }
        Kind::Flatline { at_least, .. } => {
            format!("{{count}} records in {window}, where at least {at_least} are expected")
        }
        Kind::NewTerm { fields, within, .. } => {
            let terms = fields.iter().map(|field| is(field));
            let terms = terms.collect::<Vec<_>>().join(", ");
            format!("{terms}, which has not been seen for {}", length(*within))
        }
        Kind::Change { field } => {
            format!("{} was {{before}}, and is {{after}}", literally(field))
        }
        Kind::Cardinality { field, .. } => {
            let field = literally(field);
            format!("{{cardinality}} different values of {field} in {window}")
        }
        Kind::Percentage { matching, .. } => {
            let matching = literally(matching);
            format!("{{matches}} of {{total}} records in {window} are {matching}: {{percent}} %")
        }
        Kind::Listed { field, allows, .. } => {
            let how = if *allows {
                "not on the list"
            } else {
                "on the list"
            };
            format!("{}, which is {how}", is(field))
        }
    };
    format!("{{rule}}: {group}{what}")
}

/// A text as a template says it.
fn literally(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}

/// What a template says of the value of a field.
fn is(field: &str) -> String {
    match field.contains(['{', '}']) {
        // No place of a template has such a name.
        true => format!("{} is in {{values}}", literally(field)),
        false => format!("{field} is {{{field}}}"),
    }
}
