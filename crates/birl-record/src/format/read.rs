//! Reading one record after the other, whole.

use std::fmt::Debug;

use super::Parser;
use crate::framing;
use crate::record::Record;

/// Reads records of one format. They come one after the other, so that each may be taken to look like
/// the one before.
pub trait Read: Debug + Send {
    /// Reads a record, whose text has no last terminator, into `record`, which is empty. It returns
    /// false where it cannot tell; what it has found then means nothing.
    fn read<'a>(&mut self, text: &'a [u8], record: &mut Record<'a>) -> bool;
}

/// Reads a source's records one after the other, each as [`Parser::parse`] does it; faster where they
/// are alike.
#[derive(Debug)]
pub struct Reader<'p> {
    parser: &'p Parser,
    /// How the format of most records does it.
    main: Option<Box<dyn Read>>,
}

impl<'p> Reader<'p> {
    /// Reads what `parser` reads.
    pub fn new(parser: &'p Parser) -> Self {
        let main = parser.formats().next();
        Self {
            parser,
            main: main.and_then(|format| format.reader()),
        }
    }

    /// What a record says, whose text is whole lines, into `record`; what that says before does not
    /// matter, and its memory is used again.
    pub fn read_into<'a>(&mut self, text: &'a [u8], record: &mut Record<'a>)
    where
        'p: 'a,
    {
        record.clear();
        if let Some(main) = &mut self.main {
            if main.read(framing::record_content(text), record) {
                return;
            }
            record.clear();
        }
        self.parser.parse_into(text, record);
    }
}
