//! The arguments of a command: of which kind each is, and what somebody has typed for it.

use std::collections::BTreeMap;
use std::fmt;

use birl_query::bound::{Kind, Value};
use birl_query::nearest;
use birl_record::time::duration;

use super::call::{Call, Word};
use super::shortened;

/// An argument of a command.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    /// Its name, by which places in the query stand for it.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// What it is where nothing is typed; without that, something has to be.
    pub default: Option<Value>,
    /// What it may be; anything where there are none.
    pub values: Vec<String>,
    /// The most that it may be, where it is a number or a length of time.
    pub max: Option<Value>,
    /// Whether it is all that is typed from there on; only the last one may be.
    pub takes_rest: bool,
}

impl Argument {
    /// What somebody has typed for it.
    ///
    /// # Errors
    /// Says what would be right.
    pub fn read(&self, typed: &str) -> Result<Value, String> {
        let shown_typed = shortened(typed);
        let wrong = |what: &str| format!("{} is {what}, and not {shown_typed:?}", self.name);
        let value = match self.kind {
            Kind::Text => Value::Text(typed.to_owned()),
            Kind::Integer => {
                let number = typed.parse();
                Value::Integer(number.map_err(|_| wrong("a whole number such as 10"))?)
            }
            Kind::Number => {
                let number = typed.parse::<f64>().ok();
                let number = number.filter(|it| it.is_finite() && it.is_sign_positive());
                Value::Number(number.ok_or_else(|| wrong("a number such as 1.5"))?)
            }
            Kind::Duration => {
                let length = duration(typed).ok().filter(|length| *length > 0);
                Value::Duration(length.ok_or_else(|| wrong("a length of time such as 15m"))?)
            }
        };
        if !self.values.is_empty() && !self.values.iter().any(|it| it == typed) {
            let what = format!("one of {}", self.values.join(", "));
            return Err(
                match nearest(typed, self.values.iter().map(String::as_str)) {
                    Some(meant) => format!("{}; did you mean {meant}?", wrong(&what)),
                    None => wrong(&what),
                },
            );
        }
        match &self.max {
            Some(max) if is_more(&value, max) => Err(format!(
                "{} is at most {}, and not {shown_typed}",
                self.name, max
            )),
            _ => Ok(value),
        }
    }
}

impl fmt::Display for Argument {
    /// As it stands in the help: `<service>`, `[span=15m]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = if self.takes_rest { "..." } else { "" };
        match &self.default {
            None => write!(f, "<{}{more}>", self.name),
            Some(default) => match default.to_string() {
                empty if empty.is_empty() => write!(f, "[{}{more}]", self.name),
                default => write!(f, "[{}={default}{more}]", self.name),
            },
        }
    }
}

fn is_more(value: &Value, max: &Value) -> bool {
    match (value, max) {
        (Value::Integer(value), Value::Integer(max)) => value > max,
        (Value::Number(value), Value::Number(max)) => value > max,
        (Value::Duration(value), Value::Duration(max)) => value > max,
        _ => false,
    }
}

/// What is typed behind a command, for each of its arguments.
///
/// # Errors
/// Where something is missing, too much, or not what it has to be.
pub(super) fn read(call: &Call, arguments: &[Argument]) -> Result<BTreeMap<String, Value>, String> {
    let mut values = BTreeMap::new();
    if let [only] = arguments
        && only.takes_rest
        && !call.rest.is_empty()
    {
        values.insert(only.name.clone(), only.read(&call.rest)?);
        return Ok(values);
    }
    let mut words = call.words()?.into_iter();
    while let Some(word) = words.next() {
        let named = word.name.as_ref();
        let named = named.and_then(|name| arguments.iter().find(|it| it.name == *name));
        let argument = match named {
            Some(argument) => argument,
            None => {
                let is_free = |it: &&Argument| !values.contains_key(&it.name);
                let free = arguments.iter().find(is_free);
                free.ok_or_else(|| unexpected(&word, arguments))?
            }
        };
        let mut text = match (named, word.name) {
            // It begins like a name and is none of ours.
            (None, Some(name)) => format!("{name}={}", word.text),
            (_, _) => word.text,
        };
        if argument.takes_rest {
            for word in words.by_ref() {
                text.push(' ');
                if let Some(name) = word.name {
                    text += &format!("{name}=");
                }
                text += &word.text;
            }
        }
        let value = argument.read(&text)?;
        if values.insert(argument.name.clone(), value).is_some() {
            return Err(format!("{} is given twice", argument.name));
        }
    }
    for argument in arguments {
        if !values.contains_key(&argument.name) {
            let Some(default) = &argument.default else {
                return Err(format!("{} is missing", argument.name));
            };
            values.insert(argument.name.clone(), default.clone());
        }
    }
    Ok(values)
}

fn unexpected(word: &Word, arguments: &[Argument]) -> String {
    let text = shortened(&word.text);
    if let Some(name) = &word.name {
        let names = arguments.iter().map(|it| it.name.as_str());
        if let Some(meant) = nearest(name, names) {
            return format!("there is no {}; did you mean {meant}?", shortened(name));
        }
        return format!("there is no {}", shortened(name));
    }
    format!("{text:?} is too much")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argument(name: &str, kind: Kind, default: Option<Value>) -> Argument {
        Argument {
            name: name.to_owned(),
            kind,
            default,
            values: Vec::new(),
            max: None,
            takes_rest: false,
        }
    }

    fn minutes(minutes: i64) -> Value {
        Value::Duration(minutes * 60_000_000_000)
    }

    fn read_all(rest: &str, arguments: &[Argument]) -> Result<Vec<Value>, String> {
        let call = Call {
            name: "errors".to_owned(),
            rest: rest.to_owned(),
        };
        let mut values = read(&call, arguments)?;
        let values = arguments.iter().map(|it| values.remove(&it.name).unwrap());
        Ok(values.collect())
    }

    #[test]
    fn what_is_typed_goes_to_the_arguments_in_order_or_by_name() {
        let text = |text: &str| Value::Text(text.to_owned());
        let arguments = [
            argument("span", Kind::Duration, Some(minutes(15))),
            argument("service", Kind::Text, Some(text(""))),
        ];
        let read = |rest| read_all(rest, &arguments);
        assert_eq!(read(""), Ok(vec![minutes(15), text("")]));
        assert_eq!(read("1h api"), Ok(vec![minutes(60), text("api")]));
        assert_eq!(read("service=api"), Ok(vec![minutes(15), text("api")]));
        assert_eq!(read("service=api 5m"), Ok(vec![minutes(5), text("api")]));
        assert_eq!(read("5m a=b"), Ok(vec![minutes(5), text("a=b")]));
        let wrong = [
            (
                "api",
                "span is a length of time such as 15m, and not \"api\"",
            ),
            (
                "-5m",
                "span is a length of time such as 15m, and not \"-5m\"",
            ),
            ("0s", "span is a length of time such as 15m, and not \"0s\""),
            ("1h api x", "\"x\" is too much"),
            (
                "1h api servic=x",
                "there is no servic; did you mean service?",
            ),
            ("span=1h span=2h", "span is given twice"),
            ("\"1h", "a \" is missing at the end"),
        ];
        for (rest, why) in wrong {
            assert_eq!(read(rest), Err(why.to_owned()), "{rest}");
        }
    }

    #[test]
    fn what_must_be_given_and_bounds_are_told() {
        let mut arguments = [
            argument("service", Kind::Text, None),
            argument("top", Kind::Integer, Some(Value::Integer(10))),
            argument("above", Kind::Number, Some(Value::Number(0.5))),
        ];
        arguments[0].values = vec!["api".to_owned(), "mailer".to_owned()];
        arguments[1].max = Some(Value::Integer(50));
        let read = |rest| read_all(rest, &arguments);
        let api = Value::Text("api".to_owned());
        let (ten, half) = (Value::Integer(10), Value::Number(0.5));
        assert_eq!(read("api"), Ok(vec![api.clone(), ten, half.clone()]));
        assert_eq!(
            read("api 50 2"),
            Ok(vec![api, Value::Integer(50), Value::Number(2.0)])
        );
        let wrong = [
            ("", "service is missing"),
            (
                "mailr",
                "service is one of api, mailer, and not \"mailr\"; did you mean mailer?",
            ),
            ("api 51", "top is at most 50, and not 51"),
            ("api -1", "top is a whole number such as 10, and not \"-1\""),
            (
                "api 1 inf",
                "above is a number such as 1.5, and not \"inf\"",
            ),
            ("api 1 -2", "above is a number such as 1.5, and not \"-2\""),
        ];
        for (rest, why) in wrong {
            assert_eq!(read(rest), Err(why.to_owned()), "{rest}");
        }
    }

    #[test]
    fn the_rest_of_the_line_is_one_argument() {
        let mut arguments = [
            argument("span", Kind::Duration, Some(minutes(15))),
            argument("words", Kind::Text, None),
        ];
        arguments[1].takes_rest = true;
        let text = |text: &str| Value::Text(text.to_owned());
        assert_eq!(
            read_all("5m out of memory=1", &arguments),
            Ok(vec![minutes(5), text("out of memory=1")])
        );
        // As typed, where there is nothing else.
        assert_eq!(
            read_all("it's  \"5\" of", &arguments[1..]),
            Ok(vec![text("it's  \"5\" of")])
        );
    }

    #[test]
    fn the_help_says_how_a_command_is_called() {
        let mut words = argument("words", Kind::Text, None);
        assert_eq!(words.to_string(), "<words>");
        words.takes_rest = true;
        assert_eq!(words.to_string(), "<words...>");
        let span = argument("span", Kind::Duration, Some(minutes(90)));
        assert_eq!(span.to_string(), "[span=90m]");
        let empty = argument("x", Kind::Text, Some(Value::Text(String::new())));
        assert_eq!(empty.to_string(), "[x]");
    }
}
