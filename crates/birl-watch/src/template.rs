//! The texts of alerts, and of what is said in chats: `{column}` stands for what is in the row.

use std::fmt::{self, Write};

/// A text with places to be filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Place(String),
}

/// Reads a template: `{name}` is a place, `{{` and `}}` are braces.
///
/// # Errors
/// Says what is wrong with a brace.
pub fn parse(text: &str) -> Result<Template, String> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        plain.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if rest.starts_with(brace) {
            plain.push_str(brace);
            rest = &rest[1..];
            continue;
        }
        let end = rest
            .find(['{', '}'])
            .filter(|end| rest[*end..].starts_with('}'));
        let name = end.map(|end| rest[..end].trim());
        let (Some(end), Some(name), "{") = (end, name.filter(|it| !it.is_empty()), brace) else {
            return Err(format!(
                "text has a {brace} that is no place such as {{count}}; a brace itself is written twice: {brace}{brace}"
            ));
        };
        if !plain.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut plain)));
        }
        parts.push(Part::Place(name.to_owned()));
        rest = &rest[end + 1..];
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        parts.push(Part::Text(plain));
    }
    Ok(Template(parts))
}

impl Template {
    /// The names of its places.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Place(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The text, with what `value_of` says in its places: nothing where it says nothing. White space
    /// at its end is left out.
    pub fn fill(&self, value_of: impl Fn(&str) -> Option<String>) -> String {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Place(name) => {
                    // A `String` takes all that is written.
                    let _ = write!(text, "{}", value_of(name).unwrap_or_default());
                }
            }
        }
        text.truncate(text.trim_end().len());
        text
    }
}

impl fmt::Display for Template {
    /// As it is typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(&text.replace('{', "{{").replace('}', "}}")),
            Part::Place(name) => write!(f, "{{{name}}}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn filled(text: &str) -> Result<String, String> {
        parse(text)
            .map(|template| template.fill(|name| (name != "none").then(|| name.to_uppercase())))
    }

    #[test]
    fn places_are_filled_and_doubled_braces_are_braces() {
        let cases = [
            ("", ""),
            ("plain", "plain"),
            ("{a}: { b.c }\n{none}\n", "A: B.C"),
            ("{{{a}}} }}", "{A} }"),
        ];
        for (text, wanted) in cases {
            assert_eq!(filled(text), Ok(wanted.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn a_brace_that_is_no_place_is_refused() {
        for text in ["{", "}", "{a", "a}", "{}", "{ }", "{a{b}", "{{a}"] {
            assert!(filled(text).is_err(), "{text:?}");
        }
    }
}
