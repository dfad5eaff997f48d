//! Steps that take fields out of a text: `parse`, `extract`, `json` and `logfmt`.

use birl_record::query::{Error, regex_len, tree::Span};
use datafusion::sql::sqlparser::ast::{Expr, Ident, Value};

use super::Typed;
use crate::pipe::captures;
use crate::pipe::picks::Notation;
use crate::pipe::piece::{Piece, Tokens, ident, is_word};
use crate::pipe::pipeline::Pipeline;
use crate::pipe::reader::{shown, template};
use crate::pipe::regexes;

/// What stands behind the pattern, in any order.
#[derive(Default)]
struct Clauses {
    /// What the text is of, where it is not that of the message.
    from: Option<Ident>,
    /// What is taken out.
    names: Vec<Ident>,
    /// Whether rows stay that have no such text.
    keeps_all: bool,
}

/// `parse "* took *ms" as what, took`
pub(super) fn parse(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let (mut text, mut at) = trimmed(typed.behind_name());
    let is_regex = text
        .get(..5)
        .is_some_and(|word| word.eq_ignore_ascii_case("regex"));
    if is_regex {
        (text, at) = trimmed((&text[5..], at + 5));
    }
    let Some(len) = quoted_len(text) else {
        return Err(typed.missing("a pattern in quotes"));
    };
    let (quote, pattern) = (&text[..1], &text[1..len - 1]);
    let place = at..at + len;
    let tokens = Tokens::read(&text[len..], at + len)?;
    let clauses = clauses(pipeline, typed, tokens.all())?;
    if is_regex {
        // Escapes are those of the regex, but for the quote's.
        return take_groups(
            pipeline,
            typed,
            pattern.replace(&format!("\\{quote}"), quote),
            place,
            clauses,
        );
    }
    let (regex, stars) = regex_of(pattern);
    if stars == 0 {
        let error = Error::new(place, "a pattern has a `*` for each field");
        return Err(error.with_hint(format!("for example: {}", typed.example)));
    }
    if clauses.names.is_empty() {
        return Err(typed.wrong(
            place.end..place.end,
            "expected `as` and a name for each `*`",
        ));
    }
    if stars != clauses.names.len() {
        let names = clauses.names.len();
        let message = format!(
            "the pattern has {} and there are {}",
            counted(stars, "`*`"),
            counted(names, "name")
        );
        return Err(typed.wrong(place, message));
    }
    let groups = clauses
        .names
        .iter()
        .cloned()
        .zip(1..)
        .filter(|(name, _)| name.value != "_");
    take(pipeline, &regex, groups.collect(), &clauses);
    Ok(())
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// `extract /took (?<ms>\d+)/`
pub(super) fn extract(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let (text, at) = trimmed(typed.behind_name());
    let Some(len) = regex_len(text) else {
        return Err(typed.missing("a regex between slashes"));
    };
    let end = text[..len].rfind('/').unwrap_or(len);
    let (pattern, flags) = (&text[1..end], &text[end + 1..len]);
    let tokens = Tokens::read(&text[len..], at + len)?;
    let clauses = clauses(pipeline, typed, tokens.all())?;
    if let Some(name) = clauses.names.first() {
        let place = crate::pipe::piece::place(name.span).unwrap_or(at..at + len);
        let error = Error::new(place, "the names are those of the groups");
        return Err(error.with_hint(format!("for example: {}", typed.example)));
    }
    let pattern = match flags {
        "" => pattern.to_owned(),
        flags => format!("(?{flags}){pattern}"),
    };
    take_groups(pipeline, typed, pattern, at..at + len, clauses)
}

/// `json status, user.id as user from body`
pub(super) fn json(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    pick(pipeline, typed, Notation::Json)
}

/// `logfmt status, user from message`
pub(super) fn logfmt(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    pick(pipeline, typed, Notation::Logfmt)
}

/// Takes out fields by their names.
fn pick(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>, notation: Notation) -> Result<(), Error> {
    let tokens = typed.tokens_behind_name()?;
    let (names, from) = tokens.all().split_at_word("from");
    if names.is_empty() {
        let message = match from {
            Some(_) => "expected the fields that are wanted",
            None => "the fields of records are there without this step",
        };
        return Err(typed.wrong(typed.name_place(), message));
    }
    let from = match from {
        Some(from) => named(pipeline, from)?,
        None => None,
    };
    let text = text_of(pipeline, from.as_ref());
    let mut items = Vec::new();
    for item in names.list() {
        let (path, alias) = item.split_alias();
        let path = path.name()?;
        let name = Expr::Value(Value::SingleQuotedString(path.value.clone()).into());
        let call = format!("{}($1, $2)", notation.function());
        let alias = alias.unwrap_or_else(|| ident(&path.value));
        items.push((template(&call, &[&text, &name]), alias));
    }
    extend(pipeline, items);
    Ok(())
}

/// Takes out what the named groups of a regex find.
fn take_groups(
    pipeline: &mut Pipeline<'_>,
    typed: &Typed<'_>,
    pattern: String,
    place: Span,
    clauses: Clauses,
) -> Result<(), Error> {
    let regex = regexes::read(&pattern, place.clone())?;
    let names = regex
        .group_info()
        .pattern_names(regex_automata::PatternID::ZERO);
    let groups: Vec<_> = names
        .enumerate()
        .filter_map(|(number, name)| Some((ident(name?), number)))
        .collect();
    if groups.is_empty() {
        let error = Error::new(place, "no group of the regex has a name");
        return Err(error.with_hint(format!("for example: {}", typed.example)));
    }
    take(pipeline, &pattern, groups, &clauses);
    Ok(())
}

fn take(pipeline: &mut Pipeline<'_>, regex: &str, groups: Vec<(Ident, usize)>, clauses: &Clauses) {
    let text = text_of(pipeline, clauses.from.as_ref());
    let regex = Expr::Value(Value::SingleQuotedString(regex.to_owned()).into());
    if !clauses.keeps_all {
        pipeline.filter(template("regexp_like($1, $2)", &[&text, &regex]));
    }
    let sql = format!("{}($1, $2)", captures::NAME);
    let found = template(&sql, &[&text, &regex]);
    let items = groups
        .into_iter()
        .map(|(name, number)| {
            (
                template(&format!("array_element($1, {number})"), &[&found]),
                name,
            )
        })
        .collect();
    extend(pipeline, items);
}

/// The text that fields are taken out of: of a column, or what the record says.
pub(super) fn text_of(pipeline: &Pipeline<'_>, from: Option<&Ident>) -> Expr {
    match from {
        Some(name) => Expr::Identifier(name.clone()),
        None => match (pipeline.shows("message"), pipeline.shows("line")) {
            (true, true) => template("coalesce(message, line)", &[]),
            (false, true) => template("line", &[]),
            _ => template("message", &[]),
        },
    }
}

/// Adds columns of texts that were taken out of others.
fn extend(pipeline: &mut Pipeline<'_>, items: Vec<(Expr, Ident)>) {
    pipeline
        .parsed
        .extend(items.iter().map(|(_, name)| name.value.clone()));
    pipeline.extend(items);
}

/// The column that is named behind `from`.
fn named(pipeline: &Pipeline<'_>, piece: Piece<'_>) -> Result<Option<Ident>, Error> {
    let mut name = Expr::Identifier(piece.name()?);
    pipeline.resolve(&mut name);
    Ok(match name {
        Expr::Identifier(name) => Some(name),
        _ => None,
    })
}

fn clauses(pipeline: &Pipeline<'_>, typed: &Typed<'_>, piece: Piece<'_>) -> Result<Clauses, Error> {
    let mut clauses = Clauses::default();
    let mut rest = piece;
    while let Some(token) = rest.first() {
        let here = rest.part(&rest.tokens[..1]);
        let len = rest.tokens[1..]
            .iter()
            .position(|it| {
                ["from", "as", "nodrop", "noconvert"]
                    .iter()
                    .any(|word| is_word(&it.token, word))
            })
            .unwrap_or(rest.tokens.len() - 1);
        let argument = rest.part(&rest.tokens[1..=len]);
        if is_word(token, "from") {
            clauses.from = named(pipeline, argument)?;
        } else if is_word(token, "as") {
            let names = argument.list().into_iter().map(Piece::name);
            clauses.names = names.collect::<Result<_, _>>()?;
        } else if is_word(token, "nodrop") && argument.is_empty() {
            clauses.keeps_all = true;
        } else if is_word(token, "noconvert") && argument.is_empty() {
            // What is taken out is text in any case.
        } else {
            let message = format!(
                "expected `from`, `as` or `nodrop`, found `{}`",
                shown(&token.to_string())
            );
            return Err(typed.wrong(here.place(), message));
        }
        rest = rest.behind(1 + len);
    }
    Ok(clauses)
}

/// A regex that says the same as a pattern of `parse`, and how many stars it has.
///
/// A star is as little as can be. A gap is any white space. A pattern that begins or ends with a star
/// begins or ends with the text.
fn regex_of(pattern: &str) -> (String, usize) {
    let mut regex = String::from("(?s)");
    let mut stars = 0;
    if pattern.starts_with('*') {
        regex.push('^');
    }
    let mut chars = pattern.chars().peekable();
    let mut ends_with_star = false;
    while let Some(c) = chars.next() {
        ends_with_star = c == '*';
        match c {
            '*' => {
                stars += 1;
                regex.push_str("(.*?)");
            }
            '\\' if matches!(chars.peek(), Some('*' | '"' | '\'' | '\\')) => {
                push_escaped(&mut regex, chars.next().unwrap_or(c));
            }
            c if c.is_whitespace() => {
                while chars.next_if(|c| c.is_whitespace()).is_some() {}
                regex.push_str(r"\s+");
            }
            c => push_escaped(&mut regex, c),
        }
    }
    if ends_with_star {
        regex.push('$');
    }
    (regex, stars)
}

fn push_escaped(regex: &mut String, c: char) {
    if r"\.+*?()|[]{}^$#&-~".contains(c) {
        regex.push('\\');
    }
    regex.push(c);
}

/// How long the text in quotes is, these included, where a backslash may stand before any character.
fn quoted_len(text: &str) -> Option<usize> {
    let quote = text.chars().next().filter(|c| "\"'".contains(*c))?;
    let bytes = &text.as_bytes()[1..];
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            it if char::from(it) == quote => return Some(at + 2),
            _ => at += 1,
        }
    }
    None
}

fn trimmed((text, at): (&str, usize)) -> (&str, usize) {
    let trimmed = text.trim_start();
    (trimmed, at + text.len() - trimmed.len())
}
