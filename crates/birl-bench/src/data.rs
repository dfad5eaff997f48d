//! Logs on disk, which are written once and stay for the next run.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::line::{Kind, Lines};

/// How long lines are on average.
const LINE_BYTES: usize = 250;

/// A log of so many bytes and less than a line, in `$BENCH_DATA`, or else in `bench-data/` of the
/// repository. It is written unless it is there already.
///
/// # Errors
/// Where it cannot be written.
pub fn log(kind: Kind, bytes: u64) -> io::Result<PathBuf> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let directory =
        std::env::var_os("BENCH_DATA").map_or_else(|| repository.join("bench-data"), PathBuf::from);
    fs::create_dir_all(&directory)?;
    let named = Kind::NAMES.iter().find(|(_, known)| *known == kind);
    let (name, _) = named.expect("every kind has a name");
    let path = directory.join(format!("{name}-{bytes}.log"));
    if !path.exists() {
        let unfinished = path.with_extension("unfinished");
        write(&mut BufWriter::new(File::create(&unfinished)?), kind, bytes)?;
        fs::rename(unfinished, &path)?;
    }
    path.canonicalize()
}

fn write(out: &mut impl Write, kind: Kind, bytes: u64) -> io::Result<()> {
    let mut lines = Lines::new(kind, 1, LINE_BYTES);
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
