//! `--count`: how many lines of each source matched.

use std::io::{self, Write};
use std::sync::Arc;

use birl_render::RenderSource;
use birl_scan::{Batch, Source};

use super::Answer;
use crate::config::Config;

/// Adds up a source's batches, and writes its count when the next source begins.
pub(super) struct Counts {
    render: Box<dyn RenderSource>,
    include_zero: bool,
    max_count: u64,
    current: Option<(Arc<Source>, u64)>,
    found: bool,
    /// Whether something has been written.
    begun: bool,
}

impl Counts {
    pub(super) fn new(config: &Config, include_zero: bool) -> Self {
        Self {
            render: config.output.sources(),
            include_zero,
            max_count: config.max_count.unwrap_or(u64::MAX),
            current: None,
            found: false,
            begun: false,
        }
    }
}

impl Answer for Counts {
    fn batch(&mut self, batch: &Batch, out: &mut dyn Write) -> io::Result<()> {
        let goes_on = self
            .current
            .as_ref()
            .is_some_and(|(source, _)| Arc::ptr_eq(source, &batch.source));
        if !goes_on {
            self.finish(out)?;
        }
        let (source, count) = self
            .current
            .get_or_insert_with(|| (Arc::clone(&batch.source), 0));
        *count = self.max_count.min(*count + batch.matched);
        if *count == self.max_count {
            source.stop();
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let Some((source, count)) = self.current.take() else {
            return Ok(());
        };
        self.found |= count > 0;
        if count > 0 || self.include_zero {
            if !std::mem::replace(&mut self.begun, true) {
                self.render.head_of_counts(out)?;
            }
            self.render
                .count(source.origin().name().as_encoded_bytes(), count, out)?;
        }
        Ok(())
    }

    fn found(&self) -> bool {
        self.found
    }
}
