//! `--files-with-matches` and `--files-without-match`: which sources have lines that match.

use std::io::{self, Write};
use std::sync::Arc;

use birl_render::RenderSource;
use birl_scan::{Batch, Source};

use super::{Answer, source_name};
use crate::config::Config;

/// Writes the names of sources: of those that have matches at the first one, of the others at
/// their end.
pub(super) struct Sources {
    render: Box<dyn RenderSource>,
    with_matches: bool,
    /// The source that the last batch was of, and whether it matched.
    current: Option<(Arc<Source>, bool)>,
    found: bool,
}

impl Sources {
    pub(super) fn with_matches(config: &Config) -> Self {
        Self {
            render: config.output.sources(),
            with_matches: true,
            current: None,
            found: false,
        }
    }

    pub(super) fn without_match(config: &Config) -> Self {
        Self {
            with_matches: false,
            ..Self::with_matches(config)
        }
    }
}

impl Answer for Sources {
    fn batch(&mut self, batch: &Batch, out: &mut dyn Write) -> io::Result<()> {
        let goes_on = self
            .current
            .as_ref()
            .is_some_and(|(source, _)| Arc::ptr_eq(source, &batch.source));
        if !goes_on {
            self.finish(out)?;
        }
        let (source, matched) = self
            .current
            .get_or_insert_with(|| (Arc::clone(&batch.source), false));
        if batch.matched > 0 && !*matched {
            *matched = true;
            source.stop();
            if self.with_matches {
                let name = source_name(batch);
                write_name(&*self.render, &mut self.found, name, out)?;
            }
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let Some((source, matched)) = self.current.take() else {
            return Ok(());
        };
        if !matched && !self.with_matches {
            let name = source.origin().name().as_encoded_bytes();
            write_name(&*self.render, &mut self.found, name, out)?;
        }
        Ok(())
    }

    fn found(&self) -> bool {
        self.found
    }
}

/// Writes the name of a source; `found` is whether one has been written.
fn write_name(
    render: &dyn RenderSource,
    found: &mut bool,
    name: &[u8],
    out: &mut dyn Write,
) -> io::Result<()> {
    if !std::mem::replace(found, true) {
        render.head_of_sources(out)?;
    }
    render.source(name, out)
}
