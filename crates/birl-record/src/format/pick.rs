//! Picking: a few things that records say, without reading the rest of them.

use std::fmt::Debug;

use super::Parser;
use crate::framing;
use crate::level::Severity;
use crate::record::{Record, Timestamp};
use crate::value::{Text, Value};

/// What is wanted of records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// When they were.
    pub timestamp: bool,
    /// How bad they are.
    pub severity: bool,
    /// What happened, in words.
    pub message: bool,
    /// The fields that these paths name.
    pub paths: Vec<Box<[u8]>>,
}

/// What a record says of what is wanted; of all else it says nothing certain.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Picked<'a> {
    /// The text that says when it was.
    pub timestamp: Option<Timestamp<'a>>,
    /// How bad it is.
    pub severity: Option<Severity>,
    /// What happened, in words.
    pub message: Option<Text<'a>>,
    /// The fields, in the order of their paths, each as [`Parser::get`] finds it.
    pub fields: Vec<Option<Value<'a>>>,
}

impl Picked<'_> {
    /// Lets it say nothing again, of so many fields.
    fn clear(&mut self, fields: usize) {
        self.timestamp = None;
        self.severity = None;
        self.message = None;
        self.fields.clear();
        self.fields.resize(fields, None);
    }
}

/// Picks what is wanted out of records of one format. They come one after the other, so that each may
/// be taken to look like the one before.
pub trait Pick: Debug + Send {
    /// Reads what is wanted of a record, whose text has no last terminator, into `picked`, which says
    /// nothing yet. It returns false where it cannot tell; what it has found then means nothing.
    fn pick<'a>(&mut self, text: &'a [u8], picked: &mut Picked<'a>) -> bool;
}

/// Picks what is wanted out of a source's records, as parsing them whole would find it.
#[derive(Debug)]
pub struct Picker<'p> {
    parser: &'p Parser,
    wanted: Wanted,
    wants_nothing: bool,
    /// How the format of most records does it.
    main: Option<Box<dyn Pick>>,
}

impl<'p> Picker<'p> {
    /// Out of records that `parser` reads.
    pub fn new(parser: &'p Parser, wanted: Wanted) -> Self {
        let main = parser.formats().next();
        Self {
            main: main.and_then(|format| format.picker(&wanted)),
            wants_nothing: wanted == Wanted::default(),
            parser,
            wanted,
        }
    }

    /// Reads what is wanted of a record; its text is whole lines. The memory of `picked` is used
    /// again.
    pub fn pick<'a>(&mut self, text: &'a [u8], picked: &mut Picked<'a>)
    where
        'p: 'a,
    {
        let text = framing::record_content(text);
        picked.clear(self.wanted.paths.len());
        if self.wants_nothing {
            return;
        }
        if let Some(main) = &mut self.main {
            if main.pick(text, picked) {
                return;
            }
            picked.clear(self.wanted.paths.len());
        }
        self.read(text, picked);
    }

    /// The same, where all of the record may be read.
    fn read<'a>(&self, text: &'a [u8], picked: &mut Picked<'a>)
    where
        'p: 'a,
    {
        let wanted = &self.wanted;
        let format = self.parser.format_of(text);
        let is_one_field = !(wanted.timestamp || wanted.severity || wanted.message);
        if let (Some(format), true, [path]) = (format, is_one_field, &*wanted.paths) {
            picked.fields[0] = format.get(text, path);
            return;
        }
        let mut record = Record::default();
        match format {
            Some(format) => format.parse(text, &mut record),
            None => self.parser.parse_part(text, &mut record),
        }
        picked.timestamp = record.timestamp;
        picked.severity = record.severity;
        picked.message = record.message;
        for (path, field) in wanted.paths.iter().zip(&mut picked.fields) {
            *field = match format {
                Some(format) => format.get_of(&record, text, path),
                None => record.get(path),
            };
        }
    }
}
