//! How long birl takes to react to what is said in a chat room, measured on the program as it is run.
//!
//!   cargo build --release && cargo bench -p birl-bench --bench reaction -- \
//!       [--rounds N] [--messages N] [--seconds N] [--bytes SIZE] [--ours] [NAME]...
//!
//! NAME picks cases. `$BIRL` is the program, or else `target/release/birl` in the repository. The service
//! is in this process, on loopback, or InspIRCd where that is installed. Birl has 100 replies, a command
//! with an allow list, limits, and messages that are known by their ids. The log that keeps it busy (2 GB,
//! or SIZE) is written to `$BENCH_DATA`, or else to `bench-data/` in the repository, and stays there.

#![expect(clippy::print_stdout, reason = "the table is the result")]

mod reaction_cases;

use std::path::PathBuf;

use birl_bench::targets::{self, Args, HEADER};
use reaction_cases::{busy, irc, json, room};

/// How often each case runs, unless `--rounds` says otherwise.
const ROUNDS: usize = 15;

/// How many messages a round has, where each is sent when the one before is answered.
const MESSAGES: u64 = 5000;

/// How long a round is, where messages are sent at a pace.
const SECONDS: u64 = 5;

const LOG_BYTES: u64 = 2_000_000_000;

fn main() {
    // The echo is this program as well, in a process of its own.
    let mut args = std::env::args().skip(1);
    if let (Some("echo"), Some(url)) = (args.next().as_deref(), args.next()) {
        return room::echo(&url);
    }
    let (mut messages, mut seconds, mut bytes) = (MESSAGES, SECONDS, LOG_BYTES);
    let mut numbers = [
        ("--messages", &mut messages),
        ("--seconds", &mut seconds),
        ("--bytes", &mut bytes),
    ];
    let args = Args::parse(ROUNDS, &mut numbers);
    let plan = Plan {
        birl: targets::birl(),
        rounds: args.rounds,
        messages: messages as usize,
        seconds,
        bytes,
        ours_only: args.ours_only,
    };
    println!("{HEADER}");
    type Measure = fn(&Plan, &str);
    let cases: [(&str, Measure); 5] = [
        ("JSON, a reply", json::reply),
        ("JSON, a command", json::command),
        ("IRC, a reply", irc::without_echo_message),
        ("IRC with echo-message, a reply", irc::with_echo_message),
        ("a command, busy (rival: idle)", busy::run),
    ];
    for (name, measure) in cases {
        if args.picks(name) {
            measure(&plan, name);
        }
    }
}

/// What is measured, and how.
struct Plan {
    birl: PathBuf,
    rounds: usize,
    messages: usize,
    seconds: u64,
    bytes: u64,
    ours_only: bool,
}
