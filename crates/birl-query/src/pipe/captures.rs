//! A function of SQL: what the groups of a regex find in a text.
//!
//! DataFusion's `regexp_match` leaves out the groups that took no part, so that those behind them
//! change their places.

use std::cell::RefCell;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, ListBuilder, StringViewBuilder};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::{Result, ScalarValue, exec_datafusion_err, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use regex_automata::meta::Regex;

/// What it is called.
pub(super) const NAME: &str = "captures";

/// `captures(text, regex)`: a list of what the groups of the regex found, the first at 1; null where
/// the regex finds nothing, and null in the places of groups that took no part.
pub(crate) fn function() -> ScalarUDF {
    ScalarUDF::from(Captures {
        signature: Signature::string(2, Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Captures {
    signature: Signature,
}

impl ScalarUDFImpl for Captures {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(Arc::new(Field::new_list_field(
            DataType::Utf8View,
            true,
        ))))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [text, ColumnarValue::Scalar(regex)] = &args.args[..] else {
            return exec_err!("the regex of {NAME} is the same for all rows");
        };
        let Some(Some(regex)) = regex.try_as_str() else {
            return exec_err!("the regex of {NAME} is a text");
        };
        let texts = cast(&text.to_array(args.number_rows)?, &DataType::Utf8View)?;
        let found = with_regex(regex, |regex| captured(regex, &texts))?;
        Ok(match text {
            ColumnarValue::Array(_) => ColumnarValue::Array(found),
            ColumnarValue::Scalar(_) => {
                ColumnarValue::Scalar(ScalarValue::try_from_array(&found, 0)?)
            }
        })
    }
}

fn captured(regex: &Regex, texts: &ArrayRef) -> ArrayRef {
    let mut found = ListBuilder::new(StringViewBuilder::new());
    let mut captures = regex.create_captures();
    for text in texts.as_string_view() {
        match text {
            Some(text) => regex.captures(text, &mut captures),
            None => captures.clear(),
        }
        if captures.is_match() {
            for group in captures.iter().skip(1) {
                let group = group.zip(text).map(|(group, text)| &text[group.range()]);
                found.values().append_option(group);
            }
        }
        found.append(captures.is_match());
    }
    Arc::new(found.finish())
}

/// So many regexes are kept ready in each thread: a query has few, and they take turns.
const READY_MAX: usize = 8;

thread_local! {
    static READY: RefCell<Vec<(String, Regex)>> = const { RefCell::new(Vec::new()) };
}

fn with_regex<T>(pattern: &str, use_it: impl FnOnce(&Regex) -> T) -> Result<T> {
    READY.with_borrow_mut(|ready| {
        let at = ready.iter().position(|(it, _)| it == pattern);
        let at = match at {
            Some(at) => at,
            None => {
                let regex = Regex::new(pattern)
                    .map_err(|error| exec_datafusion_err!("cannot read the regex: {error}"))?;
                if ready.len() == READY_MAX {
                    ready.remove(0);
                }
                ready.push((pattern.to_owned(), regex));
                ready.len() - 1
            }
        };
        Ok(use_it(&ready[at].1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::StringViewArray;

    #[test]
    fn groups_keep_their_places() {
        let texts: ArrayRef = Arc::new(StringViewArray::from(vec![
            Some("a=1 b=2"),
            Some("b=3"),
            Some("none"),
            None,
        ]));
        let regex = Regex::new(r"(?:a=(\d) )?b=(\d)").unwrap();
        let found = captured(&regex, &texts);
        let shown: Vec<_> = found
            .as_list::<i32>()
            .iter()
            .map(|row| {
                row.map(|row| {
                    let groups = row.as_string_view().iter();
                    groups
                        .map(|group| group.map(str::to_owned))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        let texts =
            |groups: [Option<&str>; 2]| Some(groups.map(|it| it.map(str::to_owned)).to_vec());
        assert_eq!(
            shown,
            [
                texts([Some("1"), Some("2")]),
                texts([None, Some("3")]),
                None,
                None
            ]
        );
    }
}
