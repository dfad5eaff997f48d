//! What the planner says of a query, in the words of one who asks.
//!
//! DataFusion tells what is wrong in its own terms, with types as Arrow calls them, and without the
//! place. What it says is read here: which mistake it is, and what of the query it is about.

/// What is wrong with a query.
#[derive(Debug, PartialEq)]
pub(crate) struct Mistake {
    pub(crate) message: String,
    /// What it is about, as it stands in the query.
    pub(crate) about: Option<String>,
    pub(crate) hint: Option<String>,
}

impl Mistake {
    fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            about: None,
            hint: None,
        }
    }

    fn about(mut self, what: impl Into<String>) -> Self {
        self.about = Some(what.into());
        self
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The mistake that DataFusion means by `why`.
pub(crate) fn of(why: &str) -> Mistake {
    let read = READERS.iter().find_map(|read| read(why));
    read.unwrap_or_else(|| other(why))
}

type Read = fn(&str) -> Option<Mistake>;

/// The mistakes that people make, each of which is known by what is said of it.
const READERS: &[Read] = &[
    |why| {
        let name = between(why, "Invalid function '", "'")?;
        let mistake = Mistake::new(format!("unknown function {name:?}")).about(name);
        if let Some(here) = crate::pipe::elsewhere(name) {
            return Some(mistake.hint(format!("here it is written as {here}")));
        }
        Some(match crate::pipe::nearest_function(name) {
            Some(near) => mistake.hint(format!("did you mean \"{near}\"?")),
            None => mistake,
        })
    },
    |why| {
        let before = "No function matches the given name and argument types '";
        let call = between(why, before, "'. ")?;
        let (name, arguments) = call.split_once('(')?;
        let arguments = arguments.strip_suffix(')').unwrap_or(arguments);
        let types = types(arguments);
        let mistake = Mistake::new(format!("there is no {name}({types})")).about(name);
        Some(match types.split(", ").any(|ty| ty == "text") {
            true => {
                mistake.hint("a text is the number that it reads like as try_cast(x as double)")
            }
            false => mistake,
        })
    },
    |why| {
        let column = between(why, "column \"", "\" must appear in the GROUP BY")?;
        let name = unqualified(column);
        let message = format!("{name:?} is neither grouped by nor in an aggregate");
        let hint = format!("group by it as well, or take one of its values: first({name})");
        Some(Mistake::new(message).about(name).hint(hint))
    },
    |why| {
        why.starts_with("Aggregate functions are not allowed in the WHERE clause")
            .then(|| {
                Mistake::new("`where` is of single rows, and an aggregate of groups")
                    .about("where")
                    .hint("a condition on groups stands behind `having`")
            })
    },
    |why| {
        let is_window = why.contains("does not support logical expression WindowFunction");
        is_window.then(|| {
            Mistake::new("a condition on what is over a window cannot stand here")
                .about("over")
                .hint("it stands behind `qualify`, or in a step of its own behind `extend`")
        })
    },
    |why| {
        why.starts_with("Aggregate function calls cannot be nested")
            .then(|| {
                Mistake::new("an aggregate cannot be of another one")
                    .hint("aggregate in one step, and again in the next")
            })
    },
    |why| {
        let number = between(why, "Order by column out of bounds, specified: ", ", max: ")?;
        let (_, max) = why.rsplit_once(", max: ")?;
        let max = columns(max);
        Some(Mistake::new(format!("{max} to order by, and no {number}")).about(number))
    },
    |why| {
        let number = between(why, "Cannot find column with position ", " in SELECT")?;
        let (_, count) = why.rsplit_once(" to ")?;
        let count = columns(count);
        Some(Mistake::new(format!("{count} to group by, and no {number}")).about(number))
    },
    |why| {
        let condition = between(
            why,
            "Cannot create filter with non-boolean predicate '",
            "' ",
        )?;
        let (_, ty) = why.rsplit_once(" returning ")?;
        let mistake = Mistake::new(format!(
            "a condition is true or false, and this is {}",
            a(ty)
        ));
        Some(mistake.about(unqualified(condition)))
    },
    |why| {
        let pair = after(
            why,
            "Cannot infer common argument type for logical boolean operation ",
        )?;
        let (left, op, right) = operation(pair)?;
        let other = [left, right].into_iter().find(|ty| *ty != "Boolean")?;
        let op = op.to_lowercase();
        Some(Mistake::new(format!("`{op}` is of conditions, and not of {}", a(other))).about(op))
    },
    |why| {
        let ty = after(
            why,
            "Unary operator 'NOT' requires a boolean expression, got ",
        )?;
        Some(Mistake::new(format!("`not` is of a condition, and not of {}", a(ty))).about("not"))
    },
    |why| {
        let pair = between(
            why,
            "Cannot coerce arithmetic expression ",
            " to valid types",
        )?;
        let (left, op, right) = operation(pair)?;
        let mistake =
            Mistake::new(format!("there is no {} {op} {}", ty(left), ty(right))).about(op);
        let is_of_time = [left, right].iter().any(|it| it.starts_with("Timestamp"));
        Some(match is_of_time {
            true => mistake.hint("a length of time is written as interval '5 minutes'"),
            false => mistake,
        })
    },
    |why| {
        let pair = after(
            why,
            "Cannot infer common argument type for comparison operation ",
        )?;
        let (left, op, right) = operation(pair)?;
        let message = format!("cannot compare {} with {}", a(left), a(right));
        let mistake = Mistake::new(message).about(op);
        let is_of_time = [left, right].iter().any(|it| it.starts_with("Timestamp"));
        Some(match is_of_time {
            true => mistake.hint("a moment is written as '2026-03-14T14:03:00Z' or '-1h'"),
            false => mistake,
        })
    },
    |why| {
        let message = after(why, crate::asserted::FAILED)?;
        Some(Mistake::new(message))
    },
    |why| {
        let text = why.strip_prefix(crate::compared::NO_NUMBER)?;
        let message = format!("a number is compared with {text}, which is none");
        Some(Mistake::new(message).about(text))
    },
    |why| {
        let types = between(why, "There isn't a common type to coerce ", " expression")?;
        let (types, op) = types.rsplit_once(" in ")?;
        let op = op.to_lowercase();
        let (left, _) = types.split_once(" and ")?;
        Some(Mistake::new(format!("`{op}` is of texts, and not of {}", a(left))).about(op))
    },
    |why| {
        let is_union = why.starts_with("UNION queries have different number of columns");
        is_union.then(|| {
            Mistake::new("the queries of a union have different numbers of columns").about("union")
        })
    },
    |why| {
        why.starts_with("Too many columns! The subquery should only return one")
            .then(|| Mistake::new("a query whose rows are values has one column"))
    },
    |why| {
        why.starts_with("Scalar subquery returned more than one row")
            .then(|| Mistake::new("a query in the place of a value has given several rows"))
    },
    |why| {
        let is_tilde = why.contains("Unsupported SQL unary operator BitwiseNot");
        is_tilde.then(|| {
            Mistake::new("`=~` has no meaning here")
                .about("=~")
                .hint("in any case: lower(service) = 'api'; by a regex: service ~ '^api'")
        })
    },
    |why| {
        let name = after(why, "Unsupported SQL type ")?;
        Some(Mistake::new(format!("there is no type {name:?}")).about(name))
    },
    |why| {
        let (text, to) =
            after(why, "Cast error: Cannot cast string '")?.rsplit_once("' to value of ")?;
        let to = to.strip_suffix(" type")?;
        let mistake = Mistake::new(format!("{text:?} is not {}", a(to))).about(text);
        Some(mistake.hint("try_cast(x as …) is null where it cannot be"))
    },
    |why| {
        let (value, to) = after(why, "Cast error: Can't cast value ")?.rsplit_once(" to type ")?;
        let mistake = Mistake::new(format!("{value} is too large for {}", a(to))).about(value);
        Some(mistake.hint("try_cast(x as …) is null where it is"))
    },
    |why| {
        let text = between(why, "Error parsing timestamp from '", "': ")?;
        let mistake = Mistake::new(format!("there is no moment {text:?}")).about(text);
        Some(mistake.hint("a moment is written as '2026-03-14T14:03:00Z'"))
    },
    |why| {
        let name = between(why, "Placeholder '", "' was not provided a value")?;
        Some(Mistake::new(format!("`{name}` has no value")).about(name))
    },
    |why| {
        let name = between(why, "duplicate qualified field name ", ".")?;
        let message = format!("the table {name} stands twice in the query");
        let hint = format!("give each a name of its own: {name} as a, {name} as b");
        Some(Mistake::new(message).about(name).hint(hint))
    },
    |why| {
        let name = between(
            why,
            "unique expression names but the expression \"",
            "\" at position",
        )?;
        let name = unqualified(name);
        let mistake = Mistake::new(format!("two columns are called {name:?}"));
        Some(mistake.hint("give one of them another name with `as`"))
    },
    |why| {
        let is_ours =
            why.contains("Unsupported ast node") || why.contains("does not support logical");
        is_ours.then(|| Mistake::new("a part of this SQL has no meaning here"))
    },
];

/// Any other: what is said, in small letters and with types as we call them, about the first of what
/// stands in quotes in it.
fn other(why: &str) -> Mistake {
    // What follows asks for a report to the wrong people.
    let why = why.split("\nThis issue was likely caused by").next();
    let why = why.unwrap_or_default().trim_end();
    let prefixes = [
        "Compute error: ",
        "Execution error: ",
        "Parser error: ",
        "Cast error: ",
    ];
    let why = prefixes
        .iter()
        .fold(why, |why, prefix| why.strip_prefix(prefix).unwrap_or(why));
    let quoted = |quote: char| why.split(quote).nth(1).filter(|it| !it.is_empty());
    let mistake = Mistake::new(crate::pipe::lower_first(why));
    match quoted('\'').or_else(|| quoted('"')) {
        Some(what) => mistake.about(what),
        None => mistake,
    }
}

fn columns(count: &str) -> String {
    match count {
        "1" => "there is 1 column".to_owned(),
        count => format!("there are {count} columns"),
    }
}

fn after<'w>(why: &'w str, before: &str) -> Option<&'w str> {
    why.split_once(before).map(|(_, after)| after)
}

/// What stands between two texts, the first that follow each other.
fn between<'w>(why: &'w str, before: &str, behind: &str) -> Option<&'w str> {
    Some(after(why, before)?.split_once(behind)?.0)
}

/// The name of a column without that of its table.
fn unqualified(column: &str) -> &str {
    column.strip_prefix("logs.").unwrap_or(column)
}

/// `Utf8View AND Boolean`, taken apart. A type may have spaces in parentheses.
fn operation(pair: &str) -> Option<(&str, &str, &str)> {
    let mut depth = 0;
    let mut gaps = pair.char_indices().filter_map(|(at, c)| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        (c == ' ' && depth == 0).then_some(at)
    });
    let first = gaps.next()?;
    let last = gaps.last()?;
    Some((&pair[..first], &pair[first + 1..last], &pair[last + 1..]))
}

/// A type of Arrow, as we call it.
fn ty(name: &str) -> String {
    let name = name.trim();
    let begins = |with: &[&str]| with.iter().any(|it| name.starts_with(it));
    if begins(&["Utf8", "LargeUtf8"]) {
        "text"
    } else if begins(&["Int", "UInt"]) && !begins(&["Interval"]) {
        "integer"
    } else if begins(&["Float", "Decimal"]) {
        "number"
    } else if begins(&["Timestamp"]) {
        "timestamp"
    } else if begins(&["Interval", "Duration"]) {
        "interval"
    } else if begins(&["List", "LargeList"]) {
        "list"
    } else {
        return name.to_lowercase();
    }
    .to_owned()
}

/// A type with its article.
fn a(name: &str) -> String {
    let ty = ty(name);
    match ty.as_str() {
        "integer" | "interval" => format!("an {ty}"),
        _ => format!("a {ty}"),
    }
}

/// The types of arguments.
fn types(arguments: &str) -> String {
    let mut depth = 0;
    let parts = arguments.split(|c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    });
    let parts: Vec<_> = parts.filter(|it| !it.is_empty()).map(ty).collect();
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_our_names() {
        let types = [
            ("Utf8View", "a text"),
            ("Int32", "an integer"),
            ("UInt64", "an integer"),
            ("Float64", "a number"),
            ("Timestamp(ns, \"UTC\")", "a timestamp"),
            ("Interval(MonthDayNano)", "an interval"),
            ("List(Utf8View)", "a list"),
            ("Boolean", "a boolean"),
        ];
        for (theirs, ours) in types {
            assert_eq!(a(theirs), ours);
        }
    }

    #[test]
    fn operations_are_taken_apart_at_spaces_outside_of_types() {
        assert_eq!(
            operation("Timestamp(ns, \"UTC\") IS DISTINCT FROM Int64"),
            Some(("Timestamp(ns, \"UTC\")", "IS DISTINCT FROM", "Int64"))
        );
        assert_eq!(operation("Int64"), None);
        assert_eq!(types("Timestamp(ns, \"UTC\"), Utf8View"), "timestamp, text");
    }

    #[test]
    fn what_is_not_known_is_told_as_it_stands() {
        let mistake = other("Parser error: Date part 'foo' not supported");
        let expected = Mistake::new("date part 'foo' not supported").about("foo");
        assert_eq!(mistake, expected);
    }
}
