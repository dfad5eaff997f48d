//! A record to print, and the trait of what prints it.

use std::ops::Range;

use birl_record::record::Record;

/// A record to print: one that matched, or one printed around it as context.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    /// The name of the source, as it is to be shown. Paths need not be UTF-8.
    pub source: &'a [u8],
    /// Where the record begins, in bytes from the start of the (decoded) source.
    pub offset: u64,
    /// The number of its first line in its source, from 1, where it is wanted.
    pub number: Option<u64>,
    /// Its text, with all its lines, but without the last terminator.
    pub line: &'a [u8],
    /// What the text says.
    pub record: &'a Record<'a>,
    /// When it was, in nanoseconds since 1970 (UTC); none where it does not say so, or in a way that
    /// cannot be read.
    pub time: Option<i64>,
    /// Whether the record went on in its source, and `line` is only its beginning.
    pub cut: bool,
    /// Whether the record did not match itself, but surrounds one that did.
    pub context: bool,
    /// What of a text matched, where that is to be marked: ranges in rising order.
    pub marks: Option<&'a Marks<'a>>,
}

/// Finds what matched in a text.
pub type Marks<'a> = dyn Fn(&[u8]) -> Vec<Range<usize>> + 'a;

/// A format that prints records.
///
/// It keeps nothing between calls that another record could depend on, so that several threads may
/// share one and render their own part of the output; the order of the parts is the caller's.
pub trait RenderRecord: Send + Sync {
    /// Writes what stands before all records.
    fn head(&self, _out: &mut Vec<u8>) {}

    /// Writes what stands between two records that are not neighbours in their source, where context
    /// was asked for.
    fn gap(&self, _out: &mut Vec<u8>) {}

    /// Writes a record.
    fn record(&self, entry: &Entry<'_>, out: &mut Vec<u8>);
}
