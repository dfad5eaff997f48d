//! How an answer looks, resolved.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};
use birl_render::{
    Bytes, Columns, Csv, CsvOptions, DisplayZone, Fields, Json, JsonMatches, Logfmt, Pretty,
    RenderLine, RenderRecord, RenderSource, Styles, Template, Text, Theme,
};
use jiff::tz::TimeZone;

use super::environment::{Environment, Kind};
use super::slip;
use crate::args::{Args, OutputFormat, When};

/// How an answer looks.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Output {
    pub(crate) format: Format,
    /// The format that was asked for, for rows of a query that are not records.
    pub(crate) rows: Option<OutputFormat>,
    /// How wide and how high the terminal is that the output ends at, in characters.
    pub(crate) width: Option<usize>,
    pub(crate) height: Option<usize>,
    /// Which fields of records are printed.
    pub(crate) fields: Fields,
    /// The zone that the times of records are shown in.
    pub(crate) zone: DisplayZone,
    pub(crate) theme: Theme,
    /// Whether lines and counts have the names of their sources.
    pub(crate) with_filename: bool,
    /// Whether lines have their numbers.
    pub(crate) line_number: bool,
    /// Whether matches are printed instead of lines.
    pub(crate) only_matching: bool,
    /// Whether lines around matches are printed too.
    pub(crate) context: bool,
    /// Whether a NUL follows the name of a source.
    pub(crate) null: bool,
    pub(crate) color: bool,
    /// Whether the output ends at a terminal, which must not see control characters of a log.
    pub(crate) harmless: bool,
    /// Whether each line is passed on at once.
    pub(crate) line_buffered: bool,
}

/// What is printed of a line or a record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Format {
    /// Lines as they are.
    Text,
    /// The same, but records for people where the lines can hardly be read.
    Readable,
    Pretty,
    Json,
    Logfmt,
    /// CSV, with commas or tabs.
    Csv(u8),
    Template(Template),
}

/// What prints records, or what it takes to find out.
pub(crate) enum Records {
    /// It is known already.
    Known(Arc<dyn RenderRecord>),
    /// CSV, the columns of which depend on the records.
    Csv(Columns, CsvOptions),
}

impl Output {
    /// Whether rows are printed, even where they could be printed as records.
    pub(crate) fn shows_rows(&self) -> bool {
        use OutputFormat::{Arrow, Chart, Parquet, Table};
        matches!(self.rows, Some(Table | Chart | Arrow | Parquet))
    }

    /// The format that writes what is known of whole sources.
    pub(crate) fn sources(&self) -> Box<dyn RenderSource> {
        match self.format {
            Format::Text | Format::Readable | Format::Pretty | Format::Template(_) => {
                Box::new(self.text())
            }
            Format::Json => Box::new(self.json()),
            Format::Logfmt => Box::new(self.logfmt()),
            Format::Csv(separator) => Box::new(Csv::new(
                Columns::new(Fields::All),
                self.csv_options(separator),
            )),
        }
    }

    /// The format that writes lines.
    pub(crate) fn lines(&self) -> Box<dyn RenderLine> {
        match self.format {
            Format::Json => Box::new(JsonMatches),
            _ => Box::new(self.text()),
        }
    }

    /// The format that writes records, if they are what is printed.
    pub(crate) fn records(&self) -> Option<Records> {
        if !self.prints_records() {
            return None;
        }
        Some(Records::Known(match &self.format {
            Format::Text | Format::Readable => return None,
            Format::Pretty => Arc::new(self.pretty()),
            Format::Json => Arc::new(self.json()),
            Format::Logfmt => Arc::new(self.logfmt()),
            Format::Template(template) => Arc::new(template.clone()),
            Format::Csv(separator) => {
                let columns = Columns::new(self.fields.clone());
                let options = self.csv_options(*separator);
                if columns.depend_on_records() {
                    return Some(Records::Csv(columns, options));
                }
                Arc::new(Csv::new(columns, options))
            }
        }))
    }

    /// Whether the unit is the record, and not the line.
    pub(crate) fn prints_records(&self) -> bool {
        !matches!(self.format, Format::Text | Format::Readable) && !self.only_matching
    }

    /// Whether the times of records are printed, if records are.
    pub(crate) fn shows_times(&self) -> bool {
        self.format == Format::Readable || self.prints_records()
    }

    /// Whether lines are printed as they stand, so that many may be printed at once.
    pub(crate) fn copies_lines(&self) -> bool {
        self.format == Format::Text && !self.line_number && self.text().copies_lines()
    }

    /// Records for people.
    pub(crate) fn pretty(&self) -> Pretty {
        Pretty {
            fields: self.fields.clone(),
            zone: self.zone.clone(),
            theme: if self.color { self.theme } else { Theme::PLAIN },
            with_source: self.with_filename,
            null_after_source: self.null,
        }
    }

    fn json(&self) -> Json {
        Json::new(self.fields.clone(), self.zone.clone())
    }

    fn logfmt(&self) -> Logfmt {
        Logfmt::new(self.fields.clone(), self.zone.clone())
    }

    fn csv_options(&self, separator: u8) -> CsvOptions {
        CsvOptions {
            separator,
            zone: self.zone.clone(),
            harmless: self.harmless,
            with_number: self.line_number,
            with_context: self.context,
        }
    }

    fn text(&self) -> Text {
        Text {
            with_source: self.with_filename,
            only_matching: self.only_matching,
            null_after_source: self.null,
            bytes: if self.harmless {
                Bytes::Harmless
            } else {
                Bytes::Verbatim
            },
            styles: if self.color {
                Styles::coloured()
            } else {
                Styles::plain()
            },
        }
    }
}

/// Resolves how the answer looks; `paged` is whether a pager shows it. Times are shown in `zone`.
pub(super) fn resolve(
    args: &Args,
    environment: &Environment,
    sources: &[OsString],
    paged: bool,
    zone: &TimeZone,
) -> Result<Output> {
    let harmless = environment.stdout_is_terminal || paged;
    let zone = DisplayZone::new(zone.clone());
    let (before, after) = super::context(args);
    let output = Output {
        format: format(args, &zone, harmless)?,
        rows: args.output,
        width: environment.stdout_size.map(|(_, columns)| columns),
        height: environment.stdout_size.map(|(lines, _)| lines),
        fields: args.fields.clone().unwrap_or_default(),
        zone,
        theme: args.theme.unwrap_or(birl_render::THEMES[0].1),
        with_filename: with_filename(args, environment, sources),
        line_number: args.line_number,
        only_matching: args.only_matching,
        context: before > 0 || after > 0,
        null: args.null,
        color: color(args, environment),
        harmless,
        line_buffered: args.line_buffered || args.follow || environment.stdout_is_terminal,
    };
    check(&output)?;
    Ok(output)
}

fn format(args: &Args, zone: &DisplayZone, harmless: bool) -> Result<Format> {
    if let Some(text) = &args.template {
        return match Template::parse(text, zone.clone(), harmless) {
            Ok(template) => Ok(Format::Template(template)),
            Err(error) => bail!(slip::template(text, &error)),
        };
    }
    Ok(match args.output {
        Some(OutputFormat::Text) => Format::Text,
        Some(OutputFormat::Pretty) => Format::Pretty,
        Some(OutputFormat::Json) => Format::Json,
        Some(OutputFormat::Logfmt) => Format::Logfmt,
        Some(OutputFormat::Csv) => Format::Csv(b','),
        Some(OutputFormat::Tsv) => Format::Csv(b'\t'),
        Some(_) => Format::Text,
        None if harmless && !args.only_matching => Format::Readable,
        None => Format::Text,
    })
}

/// Finds what makes no sense together.
fn check(output: &Output) -> Result<()> {
    let (is_textual, has_fields) = match output.format {
        Format::Text => (true, false),
        Format::Readable => (true, true),
        Format::Json => (true, true),
        Format::Template(_) => (false, false),
        Format::Pretty | Format::Logfmt | Format::Csv(_) => (false, true),
    };
    if output.only_matching && !is_textual {
        bail!(
            "--only-matching prints what matched, and not records\n\n\
             hint: it goes with -o text and -o json"
        );
    }
    if output.fields != Fields::All && !has_fields {
        bail!(
            "--fields is about records, and what is printed are not their fields\n\n\
             hint: it goes with -o pretty, json, logfmt, csv and tsv"
        );
    }
    Ok(())
}

fn with_filename(args: &Args, environment: &Environment, sources: &[OsString]) -> bool {
    let several = match sources {
        _ if !args.live.commands.is_empty() => sources.len() + args.live.commands.len() > 1,
        [source] => match (environment.kind)(Path::new(source)) {
            Some(kind) => kind == Kind::Directory,
            // What stands behind `?` in an address is no pattern.
            None => slip::is_glob(source) && !super::live::is_live(source, environment),
        },
        _ => true,
    };
    args.with_filename || (several && !args.no_filename)
}

fn color(args: &Args, environment: &Environment) -> bool {
    match args.color.unwrap_or_default() {
        When::Auto => environment.wants_color(),
        When::Always => true,
        When::Never => false,
    }
}
