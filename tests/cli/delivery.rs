//! The ways in which the same bytes can reach birl. The answer must not depend on the way.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use birl_bench::random::Random;
use serde::Deserialize;

use crate::content::Codec;
use crate::process::{Ended, Process};
use crate::sandbox::Sandbox;

/// The file that holds the input. Its name says nothing: formats are recognised by content.
pub(crate) const INPUT: &str = "input.log";

/// What stands for the input's name in an expected output.
pub(crate) const SOURCE: &str = "{source}";

/// One way from the input's bytes to birl.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Delivery {
    /// A file.
    Whole,
    /// Standard input, written at once.
    Piped,
    /// Standard input, one byte at a time.
    Bytewise,
    /// Standard input, in pieces of random length.
    Split,
    Gzip,
    /// Several gzip files one after the other, as `cat a.gz b.gz` makes them.
    GzipMembers,
    Zstd,
    Bzip2,
    Xz,
    Lz4,
    /// A file that grows in pieces of random length while `--follow` watches it.
    Followed,
}

impl Delivery {
    pub(crate) const ALL: [Delivery; 11] = [
        Delivery::Whole,
        Delivery::Piped,
        Delivery::Bytewise,
        Delivery::Split,
        Delivery::Gzip,
        Delivery::GzipMembers,
        Delivery::Zstd,
        Delivery::Bzip2,
        Delivery::Xz,
        Delivery::Lz4,
        Delivery::Followed,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Delivery::Whole => "whole",
            Delivery::Piped => "piped",
            Delivery::Bytewise => "bytewise",
            Delivery::Split => "split",
            Delivery::Gzip => "gzip",
            Delivery::GzipMembers => "gzip_members",
            Delivery::Zstd => "zstd",
            Delivery::Bzip2 => "bzip2",
            Delivery::Xz => "xz",
            Delivery::Lz4 => "lz4",
            Delivery::Followed => "followed",
        }
    }

    /// What birl calls the input that comes this way.
    pub(crate) fn source(self) -> &'static str {
        match self {
            Delivery::Piped | Delivery::Bytewise | Delivery::Split => "<stdin>",
            _ => INPUT,
        }
    }

    /// Runs birl with `args` over `input`.
    pub(crate) fn run(self, delivered: &Delivered) -> Ended {
        let input = delivered.input;
        match self {
            Delivery::Whole => delivered.run_file(input),
            Delivery::Piped => delivered.run_pipe(vec![input.to_vec()]),
            Delivery::Bytewise => delivered.run_pipe(input.chunks(1).map(<[u8]>::to_vec).collect()),
            Delivery::Split => delivered.run_pipe(delivered.pieces()),
            Delivery::Gzip => delivered.run_file(&Codec::Gzip.compress(input)),
            Delivery::GzipMembers => {
                let members = delivered.pieces();
                let members = members.iter().flat_map(|piece| Codec::Gzip.compress(piece));
                delivered.run_file(&members.collect::<Vec<u8>>())
            }
            Delivery::Zstd => delivered.run_file(&Codec::Zstd.compress(input)),
            Delivery::Bzip2 => delivered.run_file(&Codec::Bzip2.compress(input)),
            Delivery::Xz => delivered.run_file(&Codec::Xz.compress(input)),
            Delivery::Lz4 => delivered.run_file(&Codec::Lz4.compress(input)),
            Delivery::Followed => delivered.run_followed(),
        }
    }
}

/// A run of birl over an input, whichever way it comes.
pub(crate) struct Delivered<'a> {
    pub(crate) sandbox: &'a Sandbox,
    pub(crate) args: &'a [String],
    pub(crate) env: &'a [(String, String)],
    pub(crate) input: &'a [u8],
    /// Decides where the input is split.
    pub(crate) seed: u64,
}

impl Delivered<'_> {
    fn start(&self, args: &[&str], stdin: Vec<Vec<u8>>) -> Process {
        let args: Vec<String> = self
            .args
            .iter()
            .cloned()
            .chain(args.iter().map(|&arg| arg.to_owned()))
            .collect();
        let mut command = self.sandbox.birl(&args);
        command.envs(self.env.iter().cloned());
        Process::start(command, stdin)
    }

    fn run_file(&self, content: &[u8]) -> Ended {
        self.sandbox.write(INPUT, content);
        self.start(&[INPUT], Vec::new()).end()
    }

    fn run_pipe(&self, pieces: Vec<Vec<u8>>) -> Ended {
        self.start(&[], pieces).end()
    }

    /// Lets the file grow a piece at a time. Each time, what the file holds by then has been
    /// answered before it grows on, so that birl meets every piece by itself.
    fn run_followed(&self) -> Ended {
        let pieces = whole_lines(self.pieces());
        let answers = self.answers(&pieces);
        let path = self.sandbox.write(INPUT, &pieces[0]);
        let mut process = self.start(&["--follow", INPUT], Vec::new());
        process.wait_for_stdout(answers[0]);
        for (piece, answer) in pieces.iter().zip(&answers).skip(1) {
            append(&path, piece);
            process.wait_for_stdout(*answer);
        }
        process.interrupt();
        process.end()
    }

    /// How long the answer is after each piece, found out by asking about the whole lines that are
    /// there by then.
    fn answers(&self, pieces: &[Vec<u8>]) -> Vec<usize> {
        let mut content = Vec::new();
        let answers = pieces.iter().map(|piece| {
            content.extend_from_slice(piece);
            let whole = content
                .iter()
                .rposition(|&byte| byte == b'\n')
                .map_or(0, |at| at + 1);
            self.run_file(&content[..whole]).stdout.len()
        });
        answers.collect()
    }

    /// The input in a few pieces, cut anywhere.
    fn pieces(&self) -> Vec<Vec<u8>> {
        let mut random = Random::new(self.seed);
        let mut cuts: Vec<usize> = (0..4)
            .map(|_| random.below(self.input.len() as u64 + 1) as usize)
            .collect();
        cuts.extend([0, self.input.len()]);
        cuts.sort_unstable();
        cuts.windows(2)
            .map(|cut| self.input[cut[0]..cut[1]].to_vec())
            .collect()
    }
}

/// A followed file's last line counts only when it is whole.
fn whole_lines(mut pieces: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let last_byte = pieces.iter().flatten().last();
    if last_byte.is_some_and(|&byte| byte != b'\n') {
        pieces.push(b"\n".to_vec());
    }
    pieces
}

fn append(path: &Path, piece: &[u8]) {
    let mut file = OpenOptions::new()
        .append(true)
        .open(path)
        .expect("the followed file is there");
    file.write_all(piece).expect("the followed file can grow");
}
