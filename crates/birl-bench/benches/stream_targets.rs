//! What the streams promise, held against what people use today: the same work in one run, in
//! turns, medians of the rounds.
//!
//!   cargo bench -p birl-bench --bench stream_targets -- \
//!       [--bytes SIZE] [--rounds N] [--ours] [NAME]...
//!
//! NAME picks cases, `--ours` leaves the rivals out (for a profiler). The log of the line cases
//! (2 GB of 250-byte lines, or SIZE) is written to `$BENCH_DATA`, or else to `bench-data/` in the
//! repository, and stays there for the next run.

#![expect(clippy::print_stdout, reason = "the table is the result")]

mod stream_cases;

use std::hint::black_box;
use std::io;
use std::time::Instant;

use birl_bench::targets::{Args, Case, HEADER, Measure, Wanted};

/// How often each case runs, unless `--rounds` says otherwise.
const ROUNDS: usize = 7;

const LOG_BYTES: u64 = 2_000_000_000;

fn main() -> io::Result<()> {
    if stream_cases::idle::is_child() {
        return stream_cases::idle::report();
    }
    let mut bytes = LOG_BYTES;
    let args = Args::parse(ROUNDS, &mut [("--bytes", &mut bytes)]);
    println!("{HEADER}");
    for case in stream_cases::all(bytes) {
        if args.picks(case.name) {
            println!("{}", case.run(args.rounds, args.ours_only));
        }
    }
    Ok(())
}

/// How many nanoseconds a call takes, divided by `parts`.
fn time_ns<T>(parts: f64, work: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    black_box(work());
    start.elapsed().as_nanos() as f64 / parts
}
