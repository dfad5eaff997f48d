//! Rows of a query, which are not records.

use std::io::{self, Write};
use std::sync::Arc;

use anyhow::{Result, anyhow, bail};
use birl_query::{Kind, Plan};
use birl_render::{
    ArrowRows, Chart, ChartOptions, CsvRows, CsvRowsOptions, Drawing, JsonRows, LogfmtRows,
    RenderRows, Table, TableOptions, TemplateRows, Theme,
};
use birl_scan::{Batch, Snapshot};

use super::Answer;
use crate::args::OutputFormat;
use crate::config::{Config, Format, Mode, Output};

/// So many rows tell how wide the columns of a table are, where not all of them are known at once.
const ROWS_AHEAD: usize = 1000;

/// Writes rows.
pub(crate) struct Rows {
    /// Nothing is written with `-q`.
    render: Option<Box<dyn RenderRows>>,
    began: bool,
    count: u64,
    live: Option<Live>,
    /// Where the answer is told again and again as it changes, what writes it as a whole, in a form in
    /// which each stands by itself.
    again: Option<Make>,
    /// How many times it was told.
    told: u64,
    /// Whether rows that are told again go behind those before.
    repeats: bool,
    failed: bool,
}

type Make = Box<dyn Fn() -> Result<Box<dyn RenderRows>>>;

/// A table that is drawn over itself as long as it is not complete.
struct Live {
    schema: birl_query::Schema,
    options: TableOptions,
    /// How many lines of the terminal it may take.
    lines_max: usize,
    /// How many lines were drawn last.
    lines_drawn: usize,
    /// What tells how much of the input is in it, where that has an end.
    counters: Option<Arc<dyn Fn() -> Snapshot + Send + Sync>>,
}

impl Rows {
    /// # Errors
    ///
    /// Fails where the output is none for rows.
    pub(crate) fn new(
        config: &Config,
        plan: &Plan,
        counters: impl Fn() -> Snapshot + Send + Sync + 'static,
    ) -> Result<Self> {
        let is_quiet = match config.mode {
            Mode::Lines => false,
            Mode::Quiet => true,
            Mode::Count { .. } | Mode::FilesWithMatches | Mode::FilesWithoutMatch => bail!(
                "--count and --files-with-matches are for a search, and not for a pipe or SQL\n\n\
                 hint: a step counts: |> count by source"
            ),
        };
        let schema = plan.schema();
        let output = &config.output;
        // On a terminal, what is over time is seen best.
        let is_drawn = plan.chart().is_some_and(|chart| chart.fills_gaps)
            && output.width.is_some()
            && plan.stop().is_none();
        let format = match output.rows {
            None if is_drawn => OutputFormat::Chart,
            format => format.unwrap_or(OutputFormat::Table),
        };
        let mut tables = table(output);
        if config.follow.is_some() {
            // Rows are shown as they come, so that the first ones tell how wide they are.
            tables.rows_ahead = 1;
        }
        let render = match is_quiet {
            true => None,
            false => Some(renderer(output, format, &schema, tables.clone())?),
        };
        let changes = config.follow.is_some() && plan.kind() == Kind::Table && !plan.has_windows();
        let stands_alone = matches!(format, OutputFormat::Table | OutputFormat::Chart)
            && !matches!(output.format, Format::Template(_));
        let again = (changes && stands_alone && !is_quiet).then(|| -> Make {
            let (output, schema) = (output.clone(), Arc::clone(&schema));
            tables.rows_ahead = ROWS_AHEAD;
            Box::new(move || renderer(&output, format, &schema, tables.clone()))
        });
        let redraws = config.shows_snapshots() || config.redraws && changes;
        let live = redraws && output.rows.is_none() && !is_quiet;
        Ok(Self {
            render,
            began: false,
            count: 0,
            live: live.then(|| Live {
                options: table(output),
                schema,
                lines_max: output.height.unwrap_or(24).saturating_sub(2).max(3),
                lines_drawn: 0,
                counters: (!changes).then(|| Arc::new(counters) as _),
            }),
            again,
            told: 0,
            repeats: changes,
            failed: false,
        })
    }

    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        match &mut self.render {
            Some(render) if !std::mem::replace(&mut self.began, true) => render.head(out),
            _ => Ok(()),
        }
    }

    /// Writes the whole answer as it is known now, behind those before.
    fn write_again(&mut self, rows: &[birl_query::Rows], out: &mut dyn Write) -> io::Result<()> {
        let Some(make) = &self.again else {
            return Ok(());
        };
        let mut render = make().map_err(io::Error::other)?;
        if self.told > 0 {
            writeln!(out)?;
        }
        self.told += 1;
        render.head(out)?;
        for rows in rows {
            self.count += rows.num_rows() as u64;
            render.rows(rows, out)?;
        }
        render.end(out)?;
        out.flush()
    }
}

/// What writes rows of these columns.
fn renderer(
    output: &Output,
    format: OutputFormat,
    schema: &birl_query::Schema,
    tables: TableOptions,
) -> Result<Box<dyn RenderRows>> {
    if let Format::Template(template) = &output.format {
        let rows = TemplateRows::new(template.clone(), schema);
        return Ok(Box::new(rows.map_err(|error| anyhow!("{error}"))?));
    }
    let is_binary = matches!(format, OutputFormat::Arrow | OutputFormat::Parquet);
    if is_binary && output.harmless {
        bail!("this output is not for a terminal\n\nhint: write it to a file: birl ... > FILE");
    }
    Ok(match format {
        OutputFormat::Table => Box::new(Table::new(schema, tables)),
        OutputFormat::Chart => Box::new(Chart::new(schema, chart(output))?),
        OutputFormat::Json => Box::new(JsonRows::new(schema, output.zone.clone())),
        OutputFormat::Csv => Box::new(CsvRows::new(schema, csv(output, b','))),
        OutputFormat::Tsv => Box::new(CsvRows::new(schema, csv(output, b'\t'))),
        OutputFormat::Text | OutputFormat::Pretty => bail!(
            "these rows are not lines of the log, and cannot be printed as such\n\n\
             hint: try -o table, json or csv"
        ),
        OutputFormat::Logfmt => Box::new(LogfmtRows::new(schema, output.zone.clone())),
        OutputFormat::Arrow => Box::new(ArrowRows::new(Arc::clone(schema))),
        #[cfg(feature = "parquet")]
        OutputFormat::Parquet => Box::new(birl_render::ParquetRows::new(Arc::clone(schema))),
        #[cfg(not(feature = "parquet"))]
        OutputFormat::Parquet => bail!(
            "this birl was built without Parquet\n\n\
             hint: build it with the feature parquet: cargo install --path . --features parquet"
        ),
    })
}

fn chart(output: &Output) -> ChartOptions {
    ChartOptions {
        width: output.width.unwrap_or(80),
        height: output.height.map(|lines| lines.saturating_sub(2).max(5)),
        keys: None,
        zone: output.zone.clone(),
        theme: theme(output),
        ascii: false,
    }
}

fn theme(output: &Output) -> Theme {
    match output.color {
        true => output.theme,
        false => Theme::PLAIN,
    }
}

fn table(output: &Output) -> TableOptions {
    TableOptions {
        width: output.width,
        rows_ahead: ROWS_AHEAD,
        zone: output.zone.clone(),
        theme: theme(output),
        ascii: false,
    }
}

fn csv(output: &Output, separator: u8) -> CsvRowsOptions {
    CsvRowsOptions {
        separator,
        zone: output.zone.clone(),
        harmless: output.harmless,
    }
}

impl Answer for Rows {
    fn batch(&mut self, _: &Batch, _: &mut dyn Write) -> io::Result<()> {
        unreachable!("the rows of this query are no records")
    }

    fn rows(&mut self, answer: birl_query::Answer, out: &mut dyn Write) -> io::Result<()> {
        match answer {
            birl_query::Answer::Rows(rows) => {
                self.count += rows.num_rows() as u64;
                self.begin(out)?;
                match &mut self.render {
                    Some(render) => render.rows(&rows, out),
                    None => Ok(()),
                }
            }
            birl_query::Answer::Snapshot { rows, is_last } => {
                if let Some(live) = &mut self.live {
                    live.erase(out)?;
                    if !is_last {
                        return live.draw(&rows, out);
                    }
                }
                if self.again.is_some() {
                    return self.write_again(&rows, out);
                }
                if !is_last && !self.repeats {
                    return Ok(());
                }
                for rows in rows {
                    self.rows(birl_query::Answer::Rows(rows), out)?;
                }
                Ok(())
            }
            birl_query::Answer::Window { rows, .. } => {
                for rows in rows {
                    self.rows(birl_query::Answer::Rows(rows), out)?;
                }
                Ok(())
            }
            birl_query::Answer::Records(_)
            | birl_query::Answer::SoFar { .. }
            | birl_query::Answer::Time(_)
            | birl_query::Answer::Late(_)
            | birl_query::Answer::Checkpoint { .. }
            | birl_query::Answer::Event(_) => Ok(()),
        }
    }

    fn caught_up(&mut self, out: &mut dyn Write) -> io::Result<()> {
        // The names of columns are told, though there may be no row for long.
        match self.again {
            Some(_) => Ok(()),
            None => self.begin(out),
        }
    }

    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        // The names of columns above nothing would look like an answer.
        if self.told > 0 || self.failed && !self.began {
            return Ok(());
        }
        self.begin(out)?;
        match &mut self.render {
            Some(render) => render.end(out),
            None => Ok(()),
        }
    }

    fn fail(&mut self) {
        self.failed = true;
    }

    fn found(&self) -> bool {
        self.count > 0
    }
}

impl Live {
    fn draw(&mut self, rows: &[birl_query::Rows], out: &mut dyn Write) -> io::Result<()> {
        let options = self.options.clone();
        let Drawing { text, lines } =
            Table::draw(&self.schema, rows, options, Some(self.lines_max));
        self.lines_drawn = lines;
        write!(out, "{text}")?;
        if let Some(counters) = &self.counters {
            let snapshot = counters();
            let done = snapshot.bytes_read + snapshot.bytes_out_of_time;
            let covered = match snapshot.bytes_found {
                0 => String::new(),
                found => format!("{} % of the input so far", (done * 100 / found).min(99)),
            };
            self.lines_drawn += 1;
            writeln!(out, "{covered}")?;
        }
        out.flush()
    }

    /// Takes what was drawn last off the screen.
    fn erase(&mut self, out: &mut dyn Write) -> io::Result<()> {
        match std::mem::take(&mut self.lines_drawn) {
            0 => Ok(()),
            // Up to the first line of it, and clear the screen from there.
            lines => write!(out, "\x1b[{lines}F\x1b[J"),
        }
    }
}
