//! The texts of a column, as views into the chunk.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::builder::make_view;
use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, StringViewArray};
use arrow_buffer::{Buffer, NullBuffer, NullBufferBuilder};
use bytes::Bytes;

/// A text of so many bytes stands in its view, and is no reference to elsewhere.
pub(super) const INLINE_BYTES_MAX: usize = 12;

/// The bits that no byte of ASCII has.
const HIGH_BITS: u128 = u128::from_le_bytes([0x80; 16]);

/// The buffer of the chunk, and that of what does not stand in it.
const CHUNK: u32 = 0;
const SIDE: u32 = 1;

/// The texts of a column, as far as they have come.
#[derive(Debug)]
pub(super) struct Texts<'a> {
    views: Vec<u128>,
    nulls: NullBufferBuilder,
    /// All of the chunk.
    chunk: &'a [u8],
    /// How many of the chunk's bytes are viewed.
    viewed: usize,
    /// All bits of the short texts that stand in the chunk, one over the other.
    short: u128,
    /// Whether all other texts are ASCII.
    is_ascii: bool,
    /// What is meant but does not stand in the chunk as such.
    side: Vec<u8>,
}

impl<'a> Texts<'a> {
    /// Views into `chunk`, which must be all of the chunk.
    pub(super) fn new(chunk: &'a [u8]) -> Self {
        Self {
            views: Vec::new(),
            nulls: NullBufferBuilder::new(0),
            chunk,
            viewed: 0,
            short: 0,
            is_ascii: true,
            side: Vec::new(),
        }
    }

    pub(super) fn push_null(&mut self) {
        self.views.push(0);
        self.nulls.append_null();
    }

    pub(super) fn push(&mut self, text: Cow<'_, [u8]>) {
        let view = match text {
            Cow::Borrowed(text) => self.view(text),
            Cow::Owned(text) => self.view_of_copy(&text),
        };
        self.push_view(view);
    }

    /// Adds a view that [`view`](Self::view) gave.
    #[inline]
    pub(super) fn push_view(&mut self, view: u128) {
        self.views.push(view);
        self.nulls.append_non_null();
    }

    /// The view of a text, which stands in the chunk or is copied.
    #[inline]
    pub(super) fn view(&mut self, text: &[u8]) -> u128 {
        let at = text
            .as_ptr()
            .addr()
            .wrapping_sub(self.chunk.as_ptr().addr());
        let is_in_chunk = at < self.chunk.len();
        match (text.len() <= INLINE_BYTES_MAX, is_in_chunk) {
            (true, true) => {
                let view = inline_view(self.chunk, at, text);
                self.short |= view >> 32;
                view
            }
            (false, true) => {
                self.viewed += text.len();
                self.is_ascii &= text.is_ascii();
                long_view(text, at as u32)
            }
            (_, false) => self.view_of_copy(text),
        }
    }

    fn view_of_copy(&mut self, text: &[u8]) -> u128 {
        self.is_ascii &= text.is_ascii();
        if text.len() <= INLINE_BYTES_MAX {
            return make_view(text, SIDE, 0);
        }
        let at = self.side.len();
        self.side.extend_from_slice(text);
        make_view(text, SIDE, at as u32)
    }

    pub(super) fn len(&self) -> usize {
        self.views.len()
    }

    /// How many bytes of the chunk are viewed.
    pub(super) fn viewed(&self) -> usize {
        self.viewed
    }

    /// The column. Where `keeps_chunk` is not given, what is viewed is copied, so that the chunk can
    /// be let go.
    pub(super) fn finish(mut self, chunk: &Bytes, keeps_chunk: bool) -> StringViewArray {
        let nulls = self.nulls.build();
        let buffer = match (self.viewed, keeps_chunk) {
            (0, _) => Buffer::default(),
            (_, true) => Buffer::from(chunk.clone()),
            (viewed, false) => copied(&mut self.views, chunk, viewed),
        };
        let buffers = match (buffer.is_empty(), self.side.is_empty()) {
            (true, true) => vec![],
            (false, true) => vec![buffer],
            (_, false) => vec![buffer, Buffer::from_vec(self.side)],
        };
        let views = self.views;
        if self.is_ascii && self.short & HIGH_BITS == 0 {
            #[expect(
                unsafe_code,
                reason = "checking each text again takes as long as finding it"
            )]
            // SAFETY: each view is of a text of at most `INLINE_BYTES_MAX` bytes that stands in the
            // view, with zeros behind it, or of one that stands in the buffer that it names; a null
            // has the view of the empty text. All of their bytes are ASCII, and so UTF-8.
            return unsafe { StringViewArray::new_unchecked(views.into(), buffers, nulls) };
        }
        // All texts are checked at once; that one is no UTF-8 is rare.
        StringViewArray::try_new(views.clone().into(), buffers.clone(), nulls.clone())
            .unwrap_or_else(|_| mended(&views, &buffers, nulls))
    }
}

/// The view of a short text, which stands at `at` in the chunk.
#[inline]
fn inline_view(chunk: &[u8], at: usize, text: &[u8]) -> u128 {
    // What is copied in one go takes a tenth of what is copied by its length.
    let Some(word) = chunk[at..].first_chunk() else {
        return make_view(text, CHUNK, 0);
    };
    let mask = (1 << (8 * text.len())) - 1;
    (u128::from_le_bytes(*word) & mask) << 32 | text.len() as u128
}

/// The view of a text that is not short, which stands at `at` in the chunk: its length, its first
/// bytes, the number of the buffer and the place in it, each of 32 bits (the Arrow Columnar Format,
/// "Variable-size Binary View Layout").
#[inline]
fn long_view(text: &[u8], at: u32) -> u128 {
    let Some(first) = text.first_chunk() else {
        return make_view(text, CHUNK, at);
    };
    let first = u32::from_le_bytes(*first);
    let [len, first, buffer, at] = [text.len() as u32, first, CHUNK, at].map(u128::from);
    len | first << 32 | buffer << 64 | at << 96
}

/// Copies what is viewed of the chunk, and views the copy.
fn copied(views: &mut [u128], chunk: &[u8], bytes: usize) -> Buffer {
    let mut copy = Vec::with_capacity(bytes);
    for view in views {
        if let Some((CHUNK, range)) = place(*view) {
            let text = &chunk[range];
            *view = make_view(text, CHUNK, copy.len() as u32);
            copy.extend_from_slice(text);
        }
    }
    Buffer::from_vec(copy)
}

/// The buffer that a view refers to, and where in it.
fn place(view: u128) -> Option<(u32, Range<usize>)> {
    let len = view as u32 as usize;
    let (buffer, at) = ((view >> 64) as u32, (view >> 96) as usize);
    (len > INLINE_BYTES_MAX).then_some((buffer, at..at + len))
}

/// The texts of which some are no UTF-8: in those, what is none becomes U+FFFD.
fn mended(views: &[u128], buffers: &[Buffer], nulls: Option<NullBuffer>) -> StringViewArray {
    let texts = views.iter().enumerate().map(|(row, view)| {
        if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return None;
        }
        let inline = view.to_le_bytes();
        let text = match place(*view) {
            Some((buffer, range)) => &buffers[buffer as usize][range],
            None => &inline[4..4 + *view as u32 as usize],
        };
        Some(String::from_utf8_lossy(text).into_owned())
    });
    texts.collect()
}

/// The same batch, which holds no more memory than its rows need: a slice of a batch holds all of it.
pub fn compacted(batch: &RecordBatch) -> RecordBatch {
    let columns = batch.columns().iter();
    let columns = columns.map(|column| match column.as_string_view_opt() {
        Some(texts) => Arc::new(texts.gc()) as ArrayRef,
        None => Arc::clone(column),
    });
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(batch.schema(), columns.collect(), &options)
        .expect("the columns are as they were")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_stand_in_their_views() {
        let chunk = "0123456789é-0123456789".as_bytes();
        for start in 0..chunk.len() {
            for text in (0..=INLINE_BYTES_MAX).filter_map(|len| chunk.get(start..start + len)) {
                assert_eq!(inline_view(chunk, start, text), make_view(text, CHUNK, 0));
            }
        }
    }
}
