//! What is held back of sources that are followed, to go on with them after a restart.

use std::collections::BTreeMap;

use birl_record::format::State;
use birl_record::framing::{BegunLine, Completed};
use birl_record::list::List;
use birl_source::Origin;
use serde::{Deserialize, Serialize};

/// What a [`Following`](crate::Following) holds of its sources at a [barrier](crate::Event::Barrier):
/// lines and records that have begun, and what the lines so far say of those to come.
///
/// To be kept as it is, by way of serde, with the
/// [positions](birl_source::follow::Positions) of the same barrier, and given to
/// [`follow_events`](crate::follow_events) for a search with the same options.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Carried {
    /// How many sources there were.
    pub(crate) sources: u64,
    /// By the number of the generation.
    pub(crate) generations: BTreeMap<u64, CarriedSource>,
}

impl Carried {
    /// The same, where another search takes over at the barrier, and has not left the stream of what is
    /// followed: of these generations what live sources say goes on, too, and is not over.
    pub fn within_stream(mut self, goes_on: impl Fn(u64) -> bool) -> Self {
        for (number, carried) in &mut self.generations {
            carried.goes_on = goes_on(*number);
        }
        self
    }

    /// The same under other numbers of generations, as a stream has them that has other sources as well.
    /// Those for which `number` gives none are left out.
    pub fn renumbered(mut self, number: impl Fn(u64) -> Option<u64>) -> Self {
        let generations = std::mem::take(&mut self.generations).into_iter();
        let generations = generations.filter_map(|(before, it)| Some((number(before)?, it)));
        self.generations = generations.collect();
        self
    }

    /// Whether a line or a record has begun that is in no batch yet.
    pub fn holds_back(&self) -> bool {
        let mut held = self.generations.values().map(|carried| &carried.held);
        held.any(|held| {
            let holds = |records: &HeldRecords| {
                let is_unclear =
                    matches!(&records.listing, HeldListing::Unclear(it) if !it.bytes.is_empty());
                is_unclear || records.record.is_some()
            };
            held.line_bytes > 0 || held.records.as_ref().is_some_and(holds)
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct CarriedSource {
    pub(crate) origin: Origin,
    /// The number of the source.
    pub(crate) number: u64,
    pub(crate) held: Held,
    /// It has not ended, though it is live.
    #[serde(skip)]
    pub(crate) goes_on: bool,
}

/// What an assembly holds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Held {
    /// Where the source began, and where its next block begins.
    pub(crate) start: u64,
    pub(crate) offset: u64,
    line: Text,
    /// How long the line is so far, with what is not kept.
    line_bytes: u64,
    pub(crate) records: Option<HeldRecords>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct HeldRecords {
    pub(crate) listing: HeldListing,
    record: Option<Text>,
    header: Option<Text>,
    cell: Option<(usize, usize)>,
    /// Some of what came first, where it cannot be had otherwise.
    pub(crate) sample: Text,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum HeldListing {
    Unclear(Text),
    Is(usize, usize, bool, bool),
    Not,
}

/// Some bytes, and where they stand, if that is of interest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Text {
    #[serde(with = "birl_source::saved::bytes")]
    pub(crate) bytes: Vec<u8>,
    offset: u64,
}

impl Text {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.to_vec(),
            offset: 0,
        }
    }
}

impl Held {
    pub(crate) fn new(
        start: u64,
        offset: u64,
        line: BegunLine,
        records: Option<HeldRecords>,
    ) -> Self {
        Self {
            start,
            offset,
            line: Text {
                bytes: line.bytes,
                offset: line.offset,
            },
            line_bytes: line.length,
            records,
        }
    }

    pub(crate) fn line(&self) -> BegunLine {
        BegunLine {
            bytes: self.line.bytes.clone(),
            length: self.line_bytes,
            offset: self.line.offset,
        }
    }

    /// Where the bytes go on that come next.
    pub(crate) fn end(&self) -> u64 {
        let unclear = self
            .records
            .as_ref()
            .map_or(0, |records| match &records.listing {
                HeldListing::Unclear(held) => held.bytes.len(),
                HeldListing::Is(..) | HeldListing::Not => 0,
            });
        self.offset + unclear as u64
    }
}

impl HeldRecords {
    pub(crate) fn new(
        listing: HeldListing,
        record: Option<Completed>,
        state: &State,
        sample: &[u8],
    ) -> Self {
        let (header, cell) = state.parts();
        Self {
            listing,
            record: record.map(|record| Text {
                bytes: record.bytes,
                offset: record.offset,
            }),
            header: header.map(Text::new),
            cell,
            sample: Text::new(sample),
        }
    }

    pub(crate) fn record(&self) -> Option<Completed> {
        self.record.as_ref().map(|record| Completed {
            bytes: record.bytes.clone(),
            offset: record.offset,
        })
    }

    pub(crate) fn state(&self) -> State {
        State::of_parts(self.header.as_ref().map(|it| &it.bytes[..]), self.cell)
    }
}

impl HeldListing {
    pub(crate) fn of_list(list: &List) -> Self {
        let (level, depth, in_string, is_escaped) = list.parts();
        Self::Is(level, depth, in_string, is_escaped)
    }
}
