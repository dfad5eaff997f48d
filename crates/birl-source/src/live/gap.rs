//! Records that tell of what is missing, in the stream that it is missing from.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::Origin;
use crate::follow::Event;
use crate::link::Gap;

/// Makes such records. They are JSON whatever the source is written in, so they are a generation of
/// their own.
#[derive(Debug)]
pub(super) struct Gaps {
    origin: Origin,
    generation: u64,
    /// How long the records so far are.
    offset: AtomicU64,
}

impl Gaps {
    pub(super) fn new(origin: Origin, generation: u64) -> Self {
        Self {
            origin,
            generation,
            offset: AtomicU64::new(0),
        }
    }

    /// Nothing could be received for a while.
    pub(super) fn gap(&self, gap: &Gap) -> Event {
        let seconds = (gap.time.as_secs_f64() * 1000.0).round() / 1000.0;
        let mut record = json!({
            "message": format!("gap of {seconds} s: {}", gap.reason),
            "seconds": seconds,
        });
        if let Some(cursor) = &gap.cursor {
            record["cursor"] = Value::from(cursor.as_str());
        }
        self.record(record)
    }

    /// Records were dropped, since nobody took them in time.
    pub(super) fn dropped(&self, records: u64) -> Event {
        let what = if records == 1 { "record" } else { "records" };
        self.record(json!({
            "message": format!("dropped {records} {what} that came faster than they were taken"),
            "dropped": records,
        }))
    }

    fn record(&self, told: Value) -> Event {
        let mut record = json!({
            "timestamp": format!("{:.3}", Timestamp::now()),
            "level": "warn",
            "source": self.origin.to_string(),
            "birl.gap": true,
        });
        if let (Some(record), Value::Object(told)) = (record.as_object_mut(), told) {
            record.extend(told);
        }
        let bytes = Bytes::from(format!("{record}\n"));
        Event::Data {
            origin: self.origin.clone(),
            generation: self.generation,
            offset: self.offset.fetch_add(bytes.len() as u64, Ordering::Relaxed),
            bytes,
            whole: true,
            place: None,
        }
    }
}
