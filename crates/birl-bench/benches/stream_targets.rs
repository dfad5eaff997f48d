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

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use birl_bench::line::{Kind, Lines};
use birl_bench::targets::{Case, HEADER, Measure, Wanted};

/// How often each case runs, unless `--rounds` says otherwise.
const ROUNDS: usize = 7;

const LOG_BYTES: u64 = 2_000_000_000;

fn main() -> io::Result<()> {
    if stream_cases::idle::is_child() {
        return stream_cases::idle::report();
    }
    let args = Args::parse();
    println!("{HEADER}");
    for case in stream_cases::all(&args) {
        if args.names.is_empty() || args.names.iter().any(|name| case.name.contains(name)) {
            println!("{}", case.run(args.rounds, args.ours_only));
        }
    }
    Ok(())
}

struct Args {
    bytes: u64,
    rounds: usize,
    ours_only: bool,
    names: Vec<String>,
}

/// How many nanoseconds a call takes, divided by `parts`.
fn time_ns<T>(parts: f64, work: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    black_box(work());
    start.elapsed().as_nanos() as f64 / parts
}

impl Args {
    fn parse() -> Self {
        let mut args = Self {
            bytes: LOG_BYTES,
            rounds: ROUNDS,
            ours_only: false,
            names: Vec::new(),
        };
        let mut rest = std::env::args().skip(1);
        while let Some(arg) = rest.next() {
            let mut number = || rest.next().and_then(|value| value.parse().ok());
            match arg.as_str() {
                // Cargo says so itself.
                "--bench" => {}
                "--bytes" => args.bytes = number().expect("--bytes needs a number"),
                "--ours" => args.ours_only = true,
                "--rounds" => args.rounds = number().expect("--rounds needs a number") as usize,
                _ => args.names.push(arg),
            }
        }
        args
    }

    /// A log of 250-byte lines, written unless it is there already.
    fn log(&self) -> io::Result<PathBuf> {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let directory = std::env::var_os("BENCH_DATA")
            .map_or_else(|| repository.join("bench-data"), PathBuf::from);
        fs::create_dir_all(&directory)?;
        let path = directory.join(format!("lines-{}.log", self.bytes));
        if !path.exists() {
            let unfinished = path.with_extension("unfinished");
            write_log(&mut BufWriter::new(File::create(&unfinished)?), self.bytes)?;
            fs::rename(unfinished, &path)?;
        }
        Ok(path)
    }
}

fn write_log(out: &mut impl Write, bytes: u64) -> io::Result<()> {
    let mut lines = Lines::new(Kind::Plain, 1, 250);
    let mut line = Vec::new();
    let mut written = 0;
    while written < bytes {
        line.clear();
        lines.append(&mut line);
        out.write_all(&line)?;
        written += line.len() as u64;
    }
    out.flush()
}
