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
use birl_bench::versus::median;

/// How often each case runs, unless `--rounds` says otherwise.
const ROUNDS: usize = 7;

const LOG_BYTES: u64 = 2_000_000_000;

fn main() -> io::Result<()> {
    if stream_cases::idle::is_child() {
        return stream_cases::idle::report();
    }
    let args = Args::parse();
    println!(
        "{:<40} {:>12} {:>12} {:>8}  wanted",
        "case", "birl", "rival", "rival/us"
    );
    for case in stream_cases::all(&args) {
        if args.names.is_empty() || args.names.iter().any(|name| case.name.contains(name)) {
            case.run(&args)?;
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

/// Does something once, and says what it took, in the unit of its [`Case`].
type Measure<'a> = Box<dyn FnMut() -> f64 + 'a>;

/// One promise: what we need, what others need for the same, and what was promised.
struct Case<'a> {
    name: &'static str,
    unit: &'static str,
    ours: Measure<'a>,
    rival: Option<Measure<'a>>,
    wanted: Wanted,
}

enum Wanted {
    /// So many times as fast as the rival.
    Faster(f64),
    /// At most so many times what the rival takes.
    Times(f64),
    /// At most so much.
    Within(f64),
    /// At most so much more than the rival.
    Added(f64),
}

impl Case<'_> {
    fn run(mut self, args: &Args) -> io::Result<()> {
        let (mut ours, mut rivals) = (Vec::new(), Vec::new());
        self.rival.take_if(|_| args.ours_only);
        for _ in 0..args.rounds {
            ours.push((self.ours)());
            if let Some(rival) = &mut self.rival {
                rivals.push(rival());
            }
        }
        let ours = median(ours);
        let rival = (!rivals.is_empty()).then(|| median(rivals));
        println!(
            "{:<40} {:>12} {:>12} {:>8}  {}: {}",
            self.name,
            self.with_unit(ours),
            rival.map_or("-".to_owned(), |rival| self.with_unit(rival)),
            rival.map_or("-".to_owned(), |rival| format!("{:.2}", rival / ours)),
            self.wanted(),
            match self.wanted.is_met(ours, rival) {
                Some(true) => "met",
                Some(false) => "MISSED",
                None => "not known",
            },
        );
        io::stdout().flush()
    }

    fn with_unit(&self, value: f64) -> String {
        format!("{value:.1} {}", self.unit)
    }

    fn wanted(&self) -> String {
        match self.wanted {
            Wanted::Faster(times) => format!("ratio >= {times:.2}"),
            Wanted::Times(times) => format!("ratio >= 1/{times:.2}"),
            Wanted::Within(most) => format!("<= {}", self.with_unit(most)),
            Wanted::Added(most) => format!("<= rival + {}", self.with_unit(most)),
        }
    }
}

impl Wanted {
    /// `None` where it takes a rival, and none was measured.
    fn is_met(&self, ours: f64, rival: Option<f64>) -> Option<bool> {
        Some(match self {
            Self::Faster(times) => rival? / ours >= *times,
            Self::Times(times) => ours <= rival? * times,
            Self::Within(most) => ours <= *most,
            Self::Added(most) => ours <= rival? + most,
        })
    }
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
