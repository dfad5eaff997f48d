//! Answers: what becomes of the batches that a scan gives.

mod counts;
mod lines;
mod records;
mod rows;
mod sources;
mod tail;

use std::io::{self, Write};
use std::sync::Arc;

use birl_record::search::Search;
use birl_scan::Batch;

pub(crate) use self::records::{Printed, RecordPrinter};
pub(crate) use self::rows::Rows;
use crate::config::{Config, Mode};

/// One way to answer: it takes batches in order and writes what they come to.
pub(crate) trait Answer {
    /// Takes the next batch.
    ///
    /// # Errors
    ///
    /// Fails where `out` does, as [`finish`](Self::finish) does.
    fn batch(&mut self, batch: &Batch, out: &mut dyn Write) -> io::Result<()>;

    /// Takes the next batch, the records of which are printed already.
    ///
    /// # Errors
    ///
    /// Fails where `out` does.
    fn printed(&mut self, batch: &Batch, _: &Printed, out: &mut dyn Write) -> io::Result<()> {
        self.batch(batch, out)
    }

    /// Takes the next rows of a query whose rows are not records.
    ///
    /// # Errors
    ///
    /// Fails where `out` does.
    fn rows(&mut self, _: birl_query::Answer, _out: &mut dyn Write) -> io::Result<()> {
        unreachable!("a search gives records only")
    }

    /// All that was there when following began has been taken.
    ///
    /// # Errors
    ///
    /// Fails where `out` does.
    fn caught_up(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    /// The scan has ended, or nothing more of it is wanted.
    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()>;

    /// The answer ends here, for what else there is cannot be worked out.
    fn fail(&mut self) {}

    /// Whether something was found, which decides over the exit code.
    fn found(&self) -> bool;

    /// Whether no further batch can change the answer.
    fn is_complete(&self) -> bool {
        false
    }
}

/// The answer that `config` asks for, of what `search` found; `printer` prints records, where they
/// are what is printed.
pub(crate) fn answer(
    config: &Config,
    search: Search,
    printer: Option<Arc<RecordPrinter>>,
) -> Box<dyn Answer> {
    match config.mode {
        Mode::Lines => Box::new(lines::Lines::new(config, search, printer)),
        Mode::Count { include_zero } => Box::new(counts::Counts::new(config, include_zero)),
        Mode::FilesWithMatches => Box::new(sources::Sources::with_matches(config)),
        Mode::FilesWithoutMatch => Box::new(sources::Sources::without_match(config)),
        Mode::Quiet => Box::new(Quiet::default()),
    }
}

/// Says nothing: the exit code is the answer.
#[derive(Default)]
struct Quiet {
    found: bool,
}

impl Answer for Quiet {
    fn batch(&mut self, batch: &Batch, _: &mut dyn Write) -> io::Result<()> {
        self.found |= batch.matched > 0;
        Ok(())
    }

    fn finish(&mut self, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    fn found(&self) -> bool {
        self.found
    }

    fn is_complete(&self) -> bool {
        self.found
    }
}

/// The name of a batch's source, as it is printed.
fn source_name(batch: &Batch) -> &[u8] {
    batch.source.origin().name().as_encoded_bytes()
}
