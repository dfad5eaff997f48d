//! `birl formats`: what birl knows, and what it finds in a file.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use birl_record::format::{Custom, Formats, KNOWN, Known, Parser};
use birl_record::framing;
use birl_record::query::tree::Term;
use birl_record::record::Record;
use birl_record::search::{Options as SearchOptions, Search};
use birl_record::value::Value;
use birl_scan::{Batch, Event, Options, scan};
use birl_source::name::Name;
use birl_source::walk::WalkOptions;
use futures::StreamExt;

/// So many records of a file are shown.
const RECORDS: usize = 3;

/// So many lines are counted to say why a format was chosen.
const LINES: usize = 200;

/// Writes the names of all formats, and what writes them.
///
/// # Errors
///
/// Fails where `out` does.
pub(crate) fn list(formats: &Formats, out: &mut dyn Write) -> io::Result<()> {
    let own = formats.own().map(|own| (own.name(), own.about()));
    let known = KNOWN.iter().map(|known| (known.name, known.about));
    let all: Vec<_> = own.chain(known).collect();
    let width = all.iter().map(|(name, _)| name.len()).max();
    let width = width.unwrap_or(0);
    for (name, about) in all {
        let line = format!("{name:width$}  {about}");
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Says of each file what it is written in.
///
/// # Errors
///
/// Fails where a name is none, or `out` fails. What cannot be read is reported, and shows in the exit
/// code.
pub(crate) fn describe(
    files: &[OsString],
    formats: &Formats,
    out: &mut dyn Write,
) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("cannot start the threads that reading needs")?;
    let mut code = ExitCode::SUCCESS;
    for file in files {
        let name = Name::parse(file)?;
        let search = Search::new(&Term::All, SearchOptions::default())?;
        let options = Options {
            records: true,
            formats: formats.clone(),
            ..Options::default()
        };
        // The number of the source, and how many of its records have been shown.
        let mut shown = (None, 0);
        let mut scan = scan(vec![name], WalkOptions::default(), search, options);
        while let Some(event) = runtime.block_on(scan.next()) {
            match event {
                Event::Batch(batch) => {
                    let source = Some(batch.source.number());
                    let so_far = if shown.0 == source { shown.1 } else { 0 };
                    shown = (source, so_far + batch.runs.len());
                    if shown.1 >= RECORDS {
                        batch.source.stop();
                    }
                    match describe_batch(&batch, so_far, formats, out) {
                        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(code),
                        written => written.context("cannot write to standard output")?,
                    }
                }
                Event::Problem(problem) => {
                    writeln!(io::stderr(), "birl: {problem}")?;
                    code = ExitCode::from(2);
                }
                _ => {}
            }
        }
    }
    runtime.shutdown_background();
    Ok(code)
}

/// Says what is new in a batch, of the source of which some records have been shown.
fn describe_batch(
    batch: &Batch,
    shown: usize,
    formats: &Formats,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Some(parser) = &batch.parser else {
        return Ok(());
    };
    if shown == 0 {
        describe_source(batch, parser, formats, out)?;
    }
    for run in batch.runs.iter().take(RECORDS.saturating_sub(shown)) {
        writeln!(out, "  record")?;
        let text = &batch.bytes[run.range.clone()];
        describe_record(&parser.parse(text), parser, out)?;
    }
    Ok(())
}

fn describe_source(
    batch: &Batch,
    parser: &Parser,
    formats: &Formats,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "{}", batch.source.origin())?;
    let mut found = parser.formats();
    match found.next() {
        None => writeln!(out, "  format      none: each line is a message")?,
        Some(format) => {
            let own = formats.own().find(|own| own.name() == format.name());
            let known = Known::named(format.name()).map(|known| known.about);
            let about = own.map(Custom::about).or(known).unwrap_or_default();
            let about = format!("{}: {about}", format.name());
            writeln!(out, "  format      {}", about.trim_end_matches(": "))?;
            let lines = batch.bytes.split_inclusive(|&byte| byte == b'\n');
            let lines: Vec<_> = lines.take(LINES).map(framing::content).collect();
            let begun = lines.iter().filter(|line| format.begins(line)).count();
            let seen = lines.len();
            writeln!(
                out,
                "  because     a record of it begins in {begun} of {seen} lines"
            )?;
        }
    }
    for format in found {
        writeln!(out, "  and also    {}", format.name())?;
    }
    if let Some(shape) = parser.shape() {
        writeln!(out, "  timestamps  {}", shape.name())?;
    }
    Ok(())
}

/// Text on one line, which no terminal obeys.
pub(crate) fn harmless(bytes: &[u8]) -> String {
    let mut text = String::new();
    for char in String::from_utf8_lossy(bytes).chars() {
        match char.is_control() {
            true => text.extend(char.escape_default()),
            false => text.push(char),
        }
    }
    text
}

fn describe_record(record: &Record<'_>, parser: &Parser, out: &mut dyn Write) -> io::Result<()> {
    let mut line =
        |name: &[u8], value: &[u8]| writeln!(out, "    {}: {}", harmless(name), harmless(value));
    if let Some(timestamp) = record.timestamp {
        let note: &[u8] = match parser.reading(timestamp) {
            Some(_) => b"",
            None => b" (unreadable)",
        };
        line(b"timestamp", &[timestamp.text(), note].concat())?;
    }
    if let Some(severity) = record.severity {
        line(b"level", severity.level().name().as_bytes())?;
    }
    if let Some(message) = record.message {
        line(b"message", &message.decode())?;
    }
    for field in record.fields.iter().filter(|field| !field.feeds) {
        match field.value {
            Value::Null => line(&field.name.decode(), b"null")?,
            value => line(&field.name.decode(), &value.bytes())?,
        }
    }
    Ok(())
}
