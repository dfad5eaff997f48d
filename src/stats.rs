//! What a search has done, in words.

use std::fmt::Write;
use std::time::Duration;

use birl_scan::Snapshot;
use indicatif::{BinaryBytes, HumanCount};

use crate::args::shell_quoted;
use crate::progress;

/// What the progress bar shows.
pub(crate) fn progress(snapshot: &Snapshot) -> progress::Snapshot {
    progress::Snapshot {
        bytes_done: snapshot.bytes_read + snapshot.bytes_out_of_time,
        bytes_total: (snapshot.bytes_found > 0).then_some(snapshot.bytes_found),
        matches: snapshot.lines_matched,
    }
}

/// What is known when Ctrl-C ends a search.
pub(crate) fn interrupted(snapshot: &Snapshot) -> String {
    let read = BinaryBytes(snapshot.bytes_read);
    let of = match snapshot.bytes_found {
        found if found > snapshot.bytes_read => format!(" of {}", BinaryBytes(found)),
        _ => String::new(),
    };
    format!(
        "interrupted after {read}{of}: {} so far",
        lines(snapshot.lines_matched, "matched")
    )
}

/// That not everything was searched.
pub(crate) fn overlong(snapshot: &Snapshot, line_bytes_max: usize) -> String {
    let lines = lines(snapshot.lines_overlong, "longer than the limit");
    format!(
        "{lines}: what lies beyond {line_bytes_max} bytes was not searched\n\nhint: try --line-max 16M"
    )
}

/// That fields were left out since no column was for them; nothing where there were none.
pub(crate) fn left_out(fields: &[(String, u64)]) -> Option<String> {
    /// More are not told.
    const NAMES_MAX: usize = 10;
    let (first, _) = fields.first()?;
    let names = fields.iter().take(NAMES_MAX).map(|(name, count)| {
        let s = if *count == 1 { "" } else { "s" };
        format!("{name:?} of {} record{s}", HumanCount(*count))
    });
    let mut names = names.collect::<Vec<_>>().join(", ");
    if fields.len() > NAMES_MAX {
        names += &format!(", and {} more", fields.len() - NAMES_MAX);
    }
    let fields = shell_quoted(&format!("*,{first}"));
    Some(format!(
        "left out, since there is no column for it: {names}\n\nhint: try --fields {fields}"
    ))
}

/// That records were left out because they say no time.
pub(crate) fn untimed(snapshot: &Snapshot) -> String {
    let are = match snapshot.records_untimed {
        1 => "it is",
        _ => "they are",
    };
    let records = records(snapshot.records_untimed);
    format!("{records} without a time: {are} in no range of time")
}

/// All that was counted, a line each.
pub(crate) fn summary(snapshot: &Snapshot, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64();
    let throughput = BinaryBytes((snapshot.bytes_searched as f64 / seconds.max(1e-9)) as u64);
    let rows = [
        ("matched", lines(snapshot.lines_matched, "")),
        (
            "searched",
            format!(
                "{} in {}",
                BinaryBytes(snapshot.bytes_searched),
                sources(snapshot.sources)
            ),
        ),
        ("read", read(snapshot)),
        ("time", format!("{seconds:.3} s, {throughput}/s")),
        (
            "cut",
            lines(snapshot.lines_overlong, "longer than the limit"),
        ),
        ("no time", records(snapshot.records_untimed)),
        ("skipped", skipped(snapshot)),
        ("problems", HumanCount(snapshot.problems).to_string()),
    ];
    rows.iter().fold(String::new(), |mut text, (name, value)| {
        let _ = writeln!(text, "{name:>8}: {}", value.trim_end());
        text
    })
}

fn read(snapshot: &Snapshot) -> String {
    let read = BinaryBytes(snapshot.bytes_read);
    match snapshot.bytes_out_of_time {
        0 => read.to_string(),
        bytes => format!(
            "{read}; {} are out of the range of time",
            BinaryBytes(bytes)
        ),
    }
}

fn records(count: u64) -> String {
    format!(
        "{} record{}",
        HumanCount(count),
        if count == 1 { "" } else { "s" }
    )
}

fn skipped(snapshot: &Snapshot) -> String {
    format!(
        "{} hidden, {} binary, {} other",
        HumanCount(snapshot.skipped_hidden),
        HumanCount(snapshot.skipped_binary),
        HumanCount(snapshot.skipped_other),
    )
}

fn sources(count: u64) -> String {
    format!(
        "{} source{}",
        HumanCount(count),
        if count == 1 { "" } else { "s" }
    )
}

fn lines(count: u64, what: &str) -> String {
    format!(
        "{} line{} {what}",
        HumanCount(count),
        if count == 1 { "" } else { "s" }
    )
}
