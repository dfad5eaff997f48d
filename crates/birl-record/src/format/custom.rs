//! Formats of the user's own: regexes with named groups, and samples that they must read.

use std::fmt::{self, Display, Formatter};

use regex_automata::meta::Regex;
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::util::captures::Captures;
use regex_automata::util::syntax;

use super::parser::first_line;
use super::{Format, Known, Lines, field};
use crate::level::{Level, Severity};
use crate::record::{Record, Timestamp};
use crate::value::{Text, Value};

/// A compiled regex takes no more.
const REGEX_BYTES_MAX: usize = 1 << 20;

/// A format that a user describes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// What it is called, in lower case.
    pub name: String,
    /// What writes it, for people.
    pub about: String,
    /// Regexes of which one matches the first line of a record. The groups `timestamp`, `level` and
    /// `message` are what they say; others are fields. What is not matched behind the `message` of the
    /// first line belongs to it as well.
    pub regexes: Vec<String>,
    /// Words that stand for levels, beside those that are known, and the levels.
    pub levels: Vec<(String, String)>,
    /// Whether a line that begins no record is a part of the one before it.
    pub multiline: bool,
    /// Records, and what they say, by names of groups.
    pub samples: Vec<(String, Vec<(String, String)>)>,
}

/// Why a description is none of a format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescriptionError(String);

impl Display for DescriptionError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DescriptionError {}

/// A format that a user has described.
#[derive(Debug)]
pub struct Custom {
    name: String,
    about: String,
    patterns: Vec<Pattern>,
    levels: Vec<(Vec<u8>, Severity)>,
    multiline: bool,
}

/// A regex, and what its groups are.
#[derive(Debug)]
struct Pattern {
    regex: Regex,
    /// The numbers of the groups that have names.
    groups: Vec<(usize, Group)>,
}

/// What a group says.
#[derive(Debug)]
enum Group {
    Timestamp,
    Level,
    Message,
    Field(Vec<u8>),
}

impl Custom {
    /// The format that is described so.
    ///
    /// # Errors
    ///
    /// Fails where a name, a regex or a level is none, or a sample is not read as it must be.
    pub fn new(description: &Description) -> Result<Self, DescriptionError> {
        let name = &description.name;
        let is_part =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_part) {
            return fail(format!(
                "the name {name:?} is more than lower case letters, digits, hyphens and underscores"
            ));
        }
        if Known::named(name).is_some() {
            return fail(format!("birl has a format {name} of its own"));
        }
        if description.regexes.is_empty() {
            return fail("there is no regex".to_owned());
        }
        let patterns = description.regexes.iter().enumerate();
        let patterns = patterns.map(|(at, regex)| {
            Pattern::new(regex)
                .map_err(|error| DescriptionError(format!("regex {}: {error}", at + 1)))
        });
        let custom = Self {
            name: name.clone(),
            about: description.about.clone(),
            patterns: patterns.collect::<Result<_, _>>()?,
            levels: levels(&description.levels)?,
            multiline: description.multiline,
        };
        for (at, (text, expected)) in description.samples.iter().enumerate() {
            custom
                .check(text, expected)
                .map_err(|error| DescriptionError(format!("sample {}: {error}", at + 1)))?;
        }
        Ok(custom)
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What writes it, for people.
    pub fn about(&self) -> &str {
        &self.about
    }

    /// Checks that a record says what it must.
    fn check(&self, text: &str, expected: &[(String, String)]) -> Result<(), DescriptionError> {
        let text = text.trim_end_matches(['\n', '\r']).as_bytes();
        if !self.begins(first_line(text)) {
            return fail("no regex matches its first line".to_owned());
        }
        let mut record = Record::default();
        self.parse(text, &mut record);
        if let Some(timestamp) = record.timestamp
            && timestamp.reading(None).is_none()
        {
            return fail(format!(
                "{:?} is a timestamp of no shape that birl knows",
                String::from_utf8_lossy(timestamp.text())
            ));
        }
        for (name, expected) in expected {
            let found = match name.as_str() {
                "timestamp" => record.timestamp.map(|time| time.text().to_vec()),
                "level" => {
                    let level = record.severity.map(Severity::level);
                    level.map(|level| level.name().as_bytes().to_vec())
                }
                "message" => record.message.map(|message| message.decode().into_owned()),
                name => record
                    .get(name.as_bytes())
                    .map(|value| value.bytes().into_owned()),
            };
            match found {
                Some(found) if found == expected.as_bytes() => {}
                Some(found) => {
                    let found = String::from_utf8_lossy(&found);
                    return fail(format!("{name} is {found:?}, not {expected:?}"));
                }
                None => return fail(format!("there is no {name}, which must be {expected:?}")),
            }
        }
        Ok(())
    }

    fn severity(&self, word: &[u8]) -> Option<Severity> {
        let own = self
            .levels
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(word));
        match own {
            Some((_, severity)) => Some(*severity),
            None => Severity::from_word(word),
        }
    }
}

impl Format for Custom {
    fn name(&self) -> &str {
        &self.name
    }

    fn begins(&self, line: &[u8]) -> bool {
        self.patterns
            .iter()
            .any(|pattern| pattern.regex.is_match(line))
    }

    fn lines(&self) -> Lines {
        match self.multiline {
            true => Lines::Several,
            false => Lines::One,
        }
    }

    fn parse<'a>(&'a self, text: &'a [u8], record: &mut Record<'a>) {
        let line = first_line(text);
        for pattern in &self.patterns {
            let mut captures = pattern.regex.create_captures();
            pattern.regex.captures(line, &mut captures);
            if captures.is_match() {
                self.fill(pattern, &captures, text, line.len(), record);
                return;
            }
        }
    }
}

impl Custom {
    fn fill<'a>(
        &'a self,
        pattern: &'a Pattern,
        captures: &Captures,
        text: &'a [u8],
        line_bytes: usize,
        record: &mut Record<'a>,
    ) {
        for (number, group) in &pattern.groups {
            let Some(span) = captures.get_group(*number) else {
                continue;
            };
            let found = &text[span.range()];
            match group {
                Group::Timestamp => record.timestamp = Some(Timestamp::of_any(found)),
                Group::Level => {
                    record.severity = self.severity(found);
                    if record.severity.is_none() && !field::is_absent(found) {
                        record.push(Text::plain(b"level"), Value::Text(Text::plain(found)));
                    }
                }
                Group::Message => {
                    let ends = span.end == line_bytes;
                    let message = if ends { &text[span.start..] } else { found };
                    record.message = Some(Text::plain(message));
                }
                Group::Field(name) => {
                    let value = match field::number_or_bare(found) {
                        number @ Value::Number(_) => number,
                        _ => Value::Text(Text::plain(found)),
                    };
                    record.push(Text::plain(name), value);
                }
            }
        }
        record.message = record.message.or(Some(Text::plain(text)));
    }
}

impl Pattern {
    fn new(text: &str) -> Result<Self, DescriptionError> {
        let config = Regex::config()
            .utf8_empty(false)
            .which_captures(WhichCaptures::All)
            .nfa_size_limit(Some(REGEX_BYTES_MAX));
        let regex = Regex::builder()
            .configure(config)
            .syntax(syntax::Config::new().utf8(false))
            .build(text)
            .map_err(|error| match error.size_limit() {
                Some(_) => DescriptionError(format!(
                    "it takes more than {} MiB when compiled; repeat less in it",
                    REGEX_BYTES_MAX >> 20
                )),
                None => DescriptionError(match error.syntax_error() {
                    Some(syntax) => syntax.to_string(),
                    None => error.to_string(),
                }),
            })?;
        let names = regex
            .group_info()
            .pattern_names(regex_automata::PatternID::ZERO);
        let groups = names.enumerate().filter_map(|(number, name)| {
            let group = match name? {
                "timestamp" => Group::Timestamp,
                "level" => Group::Level,
                "message" => Group::Message,
                field => Group::Field(field.as_bytes().to_vec()),
            };
            Some((number, group))
        });
        let groups: Vec<_> = groups.collect();
        if groups.is_empty() {
            return fail("it has no named group, such as (?P<message>.*)".to_owned());
        }
        Ok(Self { regex, groups })
    }
}

fn fail<T>(message: String) -> Result<T, DescriptionError> {
    Err(DescriptionError(message))
}

/// Words, and the levels that their names stand for.
fn levels(described: &[(String, String)]) -> Result<Vec<(Vec<u8>, Severity)>, DescriptionError> {
    let level = |name: &String| Level::ALL.into_iter().find(|level| level.name() == name);
    let levels = described.iter().map(|(word, name)| match level(name) {
        Some(level) => Ok((word.as_bytes().to_vec(), Severity::of(level))),
        None => {
            let names = Level::ALL.map(Level::name).join(", ");
            fail(format!(
                "the level {name:?} of {word:?} is none; there are {names}"
            ))
        }
    });
    levels.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{Formats, Sample};

    fn described() -> Description {
        Description {
            name: "shop".to_owned(),
            regexes: vec![
                r"^(?P<timestamp>\S+ \S+) \{(?P<level>\w+)\} <(?P<cart>\d+)> (?P<message>.*)$"
                    .to_owned(),
                r"^!! (?P<message>.*)$".to_owned(),
            ],
            levels: vec![("SEV1".to_owned(), "fatal".to_owned())],
            multiline: true,
            samples: vec![(
                "2026-03-14 14:05:30 {SEV1} <7> down\n  at a".to_owned(),
                vec![
                    ("timestamp".to_owned(), "2026-03-14 14:05:30".to_owned()),
                    ("level".to_owned(), "fatal".to_owned()),
                    ("cart".to_owned(), "7".to_owned()),
                    ("message".to_owned(), "down\n  at a".to_owned()),
                ],
            )],
            ..Description::default()
        }
    }

    fn error(change: impl FnOnce(&mut Description)) -> String {
        let mut description = described();
        change(&mut description);
        Custom::new(&description)
            .expect_err("it is wrong")
            .to_string()
    }

    #[test]
    fn a_described_format_reads_its_records() {
        let formats = Formats::new(vec![Custom::new(&described()).unwrap()]);
        let text = "2026-03-14 14:05:30 {SEV1} <7> down\n  at a\n!! over\n";
        let parser = formats.parser(&[text.as_bytes()], 0);
        let names: Vec<_> = parser.formats().map(Format::name).collect();
        assert_eq!(names, ["shop"]);
        let first = parser.parse(&text.as_bytes()[..text.find("!!").unwrap()]);
        assert_eq!(first.message.unwrap().raw(), b"down\n  at a");
        assert_eq!(first.severity.unwrap().level(), Level::Fatal);
        assert_eq!(first.get(b"cart"), Some(Value::Number(b"7")));
        let begins: Vec<_> = text
            .lines()
            .map(|line| parser.begins(line.as_bytes()))
            .collect();
        assert_eq!(begins, [true, false, true]);
    }

    #[test]
    fn a_described_format_is_found_within_envelopes() {
        let formats = Formats::new(vec![Custom::new(&described()).unwrap()]);
        let text = b"2026-03-14T14:05:30Z stdout F 2026-03-14 14:05:30 {SEV1} <7> down";
        let parser = formats.parser(&[text], 0);
        let record = parser.parse(text);
        assert_eq!(record.get(b"cart"), Some(Value::Number(b"7")));
        assert_eq!(record.message.unwrap().raw(), b"down");
    }

    #[test]
    fn known_formats_are_found_beside_it() {
        let formats = Formats::new(vec![Custom::new(&described()).unwrap()]);
        for known in super::super::KNOWN {
            let Sample { text, .. } = known.samples[0];
            let parser = formats.parser(&[text.as_bytes()], 0);
            let first = parser
                .formats()
                .next()
                .map(|format| format.name().to_owned());
            assert_eq!(first.as_deref(), Some(known.name));
        }
    }

    #[test]
    fn what_is_wrong_with_a_description_is_said() {
        assert_eq!(
            error(|it| it.name = "A b".to_owned()),
            r#"the name "A b" is more than lower case letters, digits, hyphens and underscores"#
        );
        assert_eq!(
            error(|it| it.name = "json".to_owned()),
            "birl has a format json of its own"
        );
        assert_eq!(error(|it| it.regexes.clear()), "there is no regex");
        assert_eq!(
            error(|it| it.regexes[1] = "^x".to_owned()),
            "regex 2: it has no named group, such as (?P<message>.*)"
        );
        assert_eq!(
            error(|it| it.regexes[0] = r"(?P<message>(\w{1000}){1000})".to_owned()),
            "regex 1: it takes more than 1 MiB when compiled; repeat less in it"
        );
        assert!(error(|it| it.regexes[0] = "(?P<message>".to_owned()).contains("unclosed group"));
        assert_eq!(
            error(|it| it.levels[0].1 = "bad".to_owned()),
            r#"the level "bad" of "SEV1" is none; there are trace, debug, info, warn, error, fatal"#
        );
        assert_eq!(
            error(|it| it.samples[0].0 = "x".to_owned()),
            "sample 1: no regex matches its first line"
        );
        assert_eq!(
            error(|it| it.samples[0].1[2].1 = "8".to_owned()),
            r#"sample 1: cart is "7", not "8""#
        );
        assert_eq!(
            error(|it| it.samples[0].1[2].0 = "order".to_owned()),
            r#"sample 1: there is no order, which must be "7""#
        );
        assert_eq!(
            error(|it| it.samples[0].0 = "2026-99-14 14:05:30 {SEV1} <7> down".to_owned()),
            r#"sample 1: "2026-99-14 14:05:30" is a timestamp of no shape that birl knows"#
        );
    }
}
