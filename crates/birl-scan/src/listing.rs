//! Listings: a source that is a list of JSON objects becomes lines before it is cut.

use birl_record::list::{Beginning, List};
use bytes::Bytes;

use crate::carried::{HeldListing, Text};
use crate::scan::Options;

/// Makes lines of a source that comes piece by piece, if it is such a list.
#[derive(Debug)]
pub(crate) enum Listing {
    /// So much has come, which does not tell.
    Unclear(Vec<u8>),
    Is(List),
    Not,
}

impl Listing {
    /// Of a source of which nothing has come.
    pub(crate) fn new(options: &Options) -> Self {
        match makes_lines(options) {
            true => Self::Unclear(Vec::new()),
            false => Self::Not,
        }
    }

    /// One that goes on.
    pub(crate) fn resume(held: &HeldListing) -> Self {
        match held {
            HeldListing::Unclear(held) => Self::Unclear(held.bytes.clone()),
            &HeldListing::Is(level, depth, in_string, is_escaped) => {
                Self::Is(List::of_parts((level, depth, in_string, is_escaped)))
            }
            HeldListing::Not => Self::Not,
        }
    }

    /// What it holds.
    pub(crate) fn held(&self) -> HeldListing {
        match self {
            Self::Unclear(held) => HeldListing::Unclear(Text::new(held)),
            Self::Is(list) => HeldListing::of_list(list),
            Self::Not => HeldListing::Not,
        }
    }

    /// Takes the next block, and gives what is lines; nothing as long as that cannot be told.
    pub(crate) fn take(&mut self, block: &Bytes) -> Option<Bytes> {
        match self {
            Self::Not => Some(block.clone()),
            Self::Is(list) => Some(cut(list, block.to_vec())),
            Self::Unclear(held) => {
                held.extend_from_slice(block);
                self.decide(false)
            }
        }
    }

    /// Gives what is held back: nothing more tells.
    pub(crate) fn finish(&mut self) -> Option<Bytes> {
        match self {
            Self::Unclear(held) if !held.is_empty() => self.decide(true),
            _ => None,
        }
    }

    /// Whether something is held back.
    pub(crate) fn is_pending(&self) -> bool {
        matches!(self, Self::Unclear(held) if !held.is_empty())
    }

    fn decide(&mut self, is_whole: bool) -> Option<Bytes> {
        let Self::Unclear(held) = self else {
            return None;
        };
        match Beginning::of(held, is_whole) {
            Beginning::Unclear => None,
            Beginning::Other => {
                let held = std::mem::take(held);
                *self = Self::Not;
                Some(held.into())
            }
            Beginning::List(mut list) => {
                let lines = cut(&mut list, std::mem::take(held));
                *self = Self::Is(list);
                Some(lines)
            }
        }
    }
}

/// The lines of a whole source.
pub(crate) fn lines(whole: Bytes, options: &Options) -> Bytes {
    match makes_lines(options).then(|| Beginning::of(&whole, true)) {
        Some(Beginning::List(mut list)) => cut(&mut list, whole.to_vec()),
        _ => whole,
    }
}

/// Whether the source is such a list whose beginning is `head`.
pub(crate) fn is_list(head: &[u8]) -> bool {
    matches!(Beginning::of(head, true), Beginning::List(_))
}

/// Whether lists are made lines: where records are searched that may be objects.
pub(crate) fn makes_lines(options: &Options) -> bool {
    options.records && options.formats.admits("json")
}

fn cut(list: &mut List, mut bytes: Vec<u8>) -> Bytes {
    list.cut(&mut bytes);
    bytes.into()
}
