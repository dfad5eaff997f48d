//! Writes a generated log to standard output, or many small ones into a directory.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use birl_bench::line::{Kind, Lines};
use lexopt::prelude::{Long, Short, ValueExt};

const USAGE: &str = "\
birl-generate: write a log to measure with

  birl-generate --bytes 2G [OPTIONS] > FILE
  birl-generate --files 10000 --file-bytes 100K --dir DIR [OPTIONS]

  --bytes SIZE       length of the log on standard output
  --files N          write N logs into DIR, a hundred to a directory
  --file-bytes SIZE  length of each of them
  --dir DIR          where they go
  --kind KIND        plain (default), json, access, mixed
  --seed N           equal seeds give equal logs (default 1)
  --line-bytes N     average length of a line (default 250)
  --gap-us N         largest distance between two lines, in microseconds
                     (default 2000)

A SIZE may end in K, M or G, in powers of 1000. A log ends with the last whole line that fits.
";

/// Lines are gathered to this size before they are written.
const WRITE_BYTES: usize = 1 << 18;

fn main() -> ExitCode {
    match parse_args().and_then(|args| run(&args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell when standard error is closed too.
            let _ = writeln!(io::stderr(), "birl-generate: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &Args) -> anyhow::Result<()> {
    match &args.output {
        Output::Help => io::stdout()
            .write_all(USAGE.as_bytes())
            .context("cannot write the help"),
        Output::Stdout { bytes } => {
            match write_log(&mut io::stdout().lock(), *bytes, args.lines(0)) {
                // Whoever reads has enough: `| head` is no failure.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                written => written.context("cannot write the log"),
            }
        }
        Output::Files { files, bytes, dir } => (0..*files).try_for_each(|file| {
            let path = file_path(dir, file);
            create_file(&path)
                .and_then(|mut out| write_log(&mut out, *bytes, args.lines(file)))
                .with_context(|| format!("cannot write {path:?}"))
        }),
    }
}

fn create_file(path: &Path) -> io::Result<fs::File> {
    let dir = path
        .parent()
        .expect("every file is in the directory of its hundred");
    fs::create_dir_all(dir)?;
    fs::File::create(path)
}

fn file_path(dir: &Path, file: u64) -> PathBuf {
    dir.join(format!("{:04}", file / 100))
        .join(format!("app-{file:06}.log"))
}

fn write_log(out: &mut impl Write, bytes: u64, mut lines: Lines) -> io::Result<()> {
    let mut left = bytes;
    let mut buffer = Vec::with_capacity(WRITE_BYTES * 2);
    loop {
        let line_start = buffer.len();
        lines.append(&mut buffer);
        let line_bytes = (buffer.len() - line_start) as u64;
        if line_bytes > left {
            buffer.truncate(line_start);
            return out.write_all(&buffer);
        }
        left -= line_bytes;
        if buffer.len() >= WRITE_BYTES {
            out.write_all(&buffer)?;
            buffer.clear();
        }
    }
}

struct Args {
    kind: Kind,
    seed: u64,
    line_bytes: usize,
    gap_us: Option<u64>,
    output: Output,
}

enum Output {
    Help,
    Stdout {
        bytes: u64,
    },
    Files {
        files: u64,
        bytes: u64,
        dir: PathBuf,
    },
}

impl Args {
    fn lines(&self, file: u64) -> Lines {
        // Far apart, so that the logs of neighbouring seeds share no file.
        let seed = self
            .seed
            .wrapping_add(file.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let lines = Lines::new(self.kind, seed, self.line_bytes);
        match self.gap_us {
            Some(gap_us) => lines.with_gap_us(gap_us),
            None => lines,
        }
    }
}

fn parse_args() -> anyhow::Result<Args> {
    let (mut kind, mut seed, mut line_bytes) = (Kind::Plain, 1, 250);
    let (mut bytes, mut files, mut file_bytes, mut dir) = (None, None, None, None);
    let (mut help, mut gap_us) = (false, None);
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("bytes") => bytes = Some(parser.value()?.parse_with(parse_size)?),
            Long("files") => files = Some(parser.value()?.parse()?),
            Long("file-bytes") => file_bytes = Some(parser.value()?.parse_with(parse_size)?),
            Long("dir") => dir = Some(PathBuf::from(parser.value()?)),
            Long("kind") => {
                kind = parser
                    .value()?
                    .parse_with(|name| Kind::named(name).ok_or("no such kind"))?
            }
            Long("seed") => seed = parser.value()?.parse()?,
            Long("gap-us") => gap_us = Some(parser.value()?.parse()?),
            Long("line-bytes") => line_bytes = parser.value()?.parse()?,
            Long("help") | Short('h') => help = true,
            _ => return Err(arg.unexpected().into()),
        }
    }
    let output = match (bytes, files, file_bytes, dir) {
        _ if help => Output::Help,
        (Some(bytes), None, None, None) => Output::Stdout { bytes },
        (None, Some(files), Some(bytes), Some(dir)) => Output::Files { files, bytes, dir },
        _ => {
            anyhow::bail!("give --bytes, or --files, --file-bytes and --dir; --help says more")
        }
    };
    Ok(Args {
        kind,
        seed,
        line_bytes,
        gap_us,
        output,
    })
}

/// A number of bytes, with an optional power of 1000 as a letter.
fn parse_size(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.chars().last() {
        Some('K') => (&text[..text.len() - 1], 1_000),
        Some('M') => (&text[..text.len() - 1], 1_000_000),
        Some('G') => (&text[..text.len() - 1], 1_000_000_000),
        _ => (text, 1),
    };
    let number: u64 = digits
        .parse()
        .map_err(|_| format!("not a size: {text:?}"))?;
    number
        .checked_mul(unit)
        .ok_or_else(|| format!("too large a size: {text:?}"))
}
