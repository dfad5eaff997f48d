//! CSV and TSV, a row a record.
//!
//! ```text
//! timestamp,level,message,source,offset,status
//! 2026-03-14T14:05:30.500Z,error,no answer,app.log,120,503
//! ```

pub(crate) mod rows;

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use birl_record::value::Value;

use crate::answer::RenderSource;
use crate::decimal::push_decimal;
use crate::entry::{Entry, RenderRecord};
use crate::fields::{Column, Fields, Hidden, What};
use crate::flat::{each_flat, write_path};
use crate::harmless::push_harmless;
use crate::members::{self, Item, item};
use crate::zone::DisplayZone;

/// Records as rows, under a line with the names of the columns.
///
/// A cell is in double quotes where it needs them, with a quote in it written twice (RFC 4180); a row
/// ends with a newline. A cell is empty where there is nothing, or null, and `""` where there is an
/// empty text. Of an object each member has a column (`user.name`); a list is written as JSON.
/// Invalid UTF-8 becomes U+FFFD.
///
/// What columns there are is told beforehand. A field that has none is left out and counted:
/// [`left_out`](Self::left_out) tells.
#[derive(Debug)]
pub struct Csv {
    columns: Vec<CsvColumn>,
    /// Where the columns of the log's own fields are among themselves; none if only fields that are
    /// named are printed.
    places: Option<HashMap<Vec<u8>, usize>>,
    hidden: Hidden,
    options: CsvOptions,
    left_out: Mutex<BTreeMap<String, u64>>,
}

#[derive(Debug)]
struct CsvColumn {
    name: String,
    cell: Cell,
}

/// What stands in a column.
#[derive(Debug)]
enum Cell {
    /// What the column of a query would be.
    Named(What),
    Number,
    Context,
    /// A field of the log, by its place among those that have columns.
    Own(usize),
}

/// How rows are written.
#[derive(Clone, Debug)]
pub struct CsvOptions {
    /// What stands between the cells of a row: a comma, a tab.
    pub separator: u8,
    /// The zone that times are shown in.
    pub zone: DisplayZone,
    /// Whether control characters but the tab are shown and not written, as for a terminal.
    pub harmless: bool,
    /// Whether there is a column for the number of a record's first line.
    pub with_number: bool,
    /// Whether there is a column that tells records that only surround a match.
    pub with_context: bool,
}

/// Gathers the columns of rows: those that are asked for and, where that is all that there is,
/// those of some records.
#[derive(Debug)]
pub struct Columns {
    fields: Fields,
    hidden: Hidden,
    own: Vec<String>,
    places: HashMap<Vec<u8>, usize>,
}

/// So many names of fields are kept apart that have no column; the others count as one.
const LEFT_OUT_MAX: usize = 1000;

impl Columns {
    /// The columns that are asked for.
    #[must_use]
    pub fn new(fields: Fields) -> Self {
        Self {
            hidden: fields.hidden(),
            fields,
            own: Vec::new(),
            places: HashMap::new(),
        }
    }

    /// Whether it depends on the records which columns there are.
    #[must_use]
    pub fn depend_on_records(&self) -> bool {
        match &self.fields {
            Fields::All | Fields::Without(_) => true,
            Fields::Only(columns) => columns.iter().any(|column| column.what == What::Rest),
        }
    }

    /// Takes a record, the fields of which are to have columns.
    pub fn add(&mut self, entry: &Entry<'_>) {
        let (own, places) = (&mut self.own, &mut self.places);
        each_own(entry, &self.hidden, &mut |name, _| {
            if !places.contains_key(name) {
                places.insert(name.to_vec(), own.len());
                own.push(String::from_utf8_lossy(name).into_owned());
            }
        });
    }

    /// All columns, in their order.
    fn list(&self, options: &CsvOptions) -> Vec<CsvColumn> {
        let mut list = Vec::new();
        match &self.fields {
            Fields::All => self.list_rest(&[], options, &mut list),
            Fields::Without(left_out) => self.list_rest(left_out, options, &mut list),
            Fields::Only(columns) => {
                for column in columns {
                    match &column.what {
                        What::Rest => self.list_rest(columns, options, &mut list),
                        what => list.push(CsvColumn {
                            name: column.name.clone(),
                            cell: Cell::Named(what.clone()),
                        }),
                    }
                }
                if !self.depend_on_records() {
                    list_extras(options, &mut list);
                }
            }
        }
        list
    }

    /// All columns but the `named` ones.
    fn list_rest(&self, named: &[Column], options: &CsvOptions, list: &mut Vec<CsvColumn>) {
        for (name, what) in members::FIRST {
            if !named.iter().any(|column| column.what == what) {
                list.push(CsvColumn {
                    name: name.to_owned(),
                    cell: Cell::Named(what),
                });
            }
        }
        list_extras(options, list);
        for (place, name) in self.own.iter().enumerate() {
            list.push(CsvColumn {
                name: name.clone(),
                cell: Cell::Own(place),
            });
        }
    }
}

fn list_extras(options: &CsvOptions, list: &mut Vec<CsvColumn>) {
    let extras = [
        ("number", Cell::Number, options.with_number),
        ("context", Cell::Context, options.with_context),
    ];
    for (name, cell, is_wanted) in extras {
        if is_wanted {
            list.push(CsvColumn {
                name: name.to_owned(),
                cell,
            });
        }
    }
}

impl Csv {
    /// Rows with these columns.
    #[must_use]
    pub fn new(columns: Columns, options: CsvOptions) -> Self {
        Self {
            columns: columns.list(&options),
            places: columns.depend_on_records().then_some(columns.places),
            hidden: columns.hidden,
            options,
            left_out: Mutex::default(),
        }
    }

    /// The fields without a column that were met, by their names, and how often each was.
    pub fn left_out(&self) -> Vec<(String, u64)> {
        let left_out = self.left_out.lock();
        let left_out = left_out.unwrap_or_else(PoisonError::into_inner);
        left_out
            .iter()
            .map(|(name, count)| (name.clone(), *count))
            .collect()
    }

    fn leave_out(&self, name: &[u8]) {
        let left_out = self.left_out.lock();
        let mut left_out = left_out.unwrap_or_else(PoisonError::into_inner);
        let name = match left_out.len() < LEFT_OUT_MAX {
            true => String::from_utf8_lossy(name).into_owned(),
            false => "others".to_owned(),
        };
        *left_out.entry(name).or_default() += 1;
    }

    fn write_item(&self, item: Item<'_>, out: &mut Vec<u8>) {
        match item {
            Item::Time(time) => self.options.zone.write_rfc3339(time, out),
            Item::Level(level) => out.extend_from_slice(level.name().as_bytes()),
            Item::Number(number) => push_decimal(number, out),
            Item::True => out.extend_from_slice(b"true"),
            Item::Text(text) => self.write_text(&text.decode(), out),
            Item::Bytes(bytes) => self.write_text(bytes, out),
            Item::Value(Value::Null) => {}
            Item::Value(value) => self.write_text(&value.bytes(), out),
        }
    }

    fn write_text(&self, text: &[u8], out: &mut Vec<u8>) {
        write_text(text, self.options.separator, self.options.harmless, out);
    }

    fn write_head<'n>(&self, names: impl Iterator<Item = &'n str>, out: &mut Vec<u8>) {
        for (place, name) in names.enumerate() {
            if place > 0 {
                out.push(self.options.separator);
            }
            self.write_text(name.as_bytes(), out);
        }
        out.push(b'\n');
    }
}

impl RenderRecord for Csv {
    fn head(&self, out: &mut Vec<u8>) {
        self.write_head(self.columns.iter().map(|column| &*column.name), out);
    }

    fn record(&self, entry: &Entry<'_>, out: &mut Vec<u8>) {
        let mut own = Vec::new();
        let mut cells = Vec::new();
        if let Some(places) = &self.places {
            cells.resize(places.len(), None);
            each_own(
                entry,
                &self.hidden,
                &mut |name, value| match places.get(name) {
                    // Of repeated names the first counts.
                    Some(&place) if cells[place].is_none() => {
                        let start = own.len();
                        self.write_item(Item::Value(value), &mut own);
                        cells[place] = Some(start..own.len());
                    }
                    Some(_) => {}
                    None => self.leave_out(name),
                },
            );
        }
        for (place, column) in self.columns.iter().enumerate() {
            if place > 0 {
                out.push(self.options.separator);
            }
            match &column.cell {
                Cell::Named(what) => {
                    if let Some(item) = item(entry, what) {
                        self.write_item(item, out);
                    }
                }
                Cell::Number => {
                    if let Some(number) = entry.number {
                        push_decimal(number, out);
                    }
                }
                Cell::Context if entry.context => out.extend_from_slice(b"true"),
                Cell::Context => {}
                Cell::Own(place) => {
                    if let Some(Some(range)) = cells.get(*place) {
                        out.extend_from_slice(&own[range.clone()]);
                    }
                }
            }
        }
        out.push(b'\n');
    }
}

impl RenderSource for Csv {
    fn head_of_counts(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut head = Vec::new();
        self.write_head(["source", "count"].into_iter(), &mut head);
        out.write_all(&head)
    }

    fn count(&self, source: &[u8], count: u64, out: &mut dyn Write) -> io::Result<()> {
        let mut row = Vec::new();
        self.write_text(source, &mut row);
        row.push(self.options.separator);
        push_decimal(count, &mut row);
        row.push(b'\n');
        out.write_all(&row)
    }

    fn head_of_sources(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b"source\n")
    }

    fn source(&self, source: &[u8], out: &mut dyn Write) -> io::Result<()> {
        let mut row = Vec::new();
        self.write_text(source, &mut row);
        row.push(b'\n');
        out.write_all(&row)
    }
}

/// Writes a cell, in quotes if it needs them.
fn write_text(text: &[u8], separator: u8, harmless: bool, out: &mut Vec<u8>) {
    let needs_quotes = |byte: &u8| b"\"\r\n".contains(byte) || *byte == separator;
    let is_quoted = text.is_empty() || text.iter().any(needs_quotes);
    let quote: &[u8] = if is_quoted { b"\"" } else { b"" };
    out.extend_from_slice(quote);
    for (place, part) in text.split(|byte| *byte == b'"').enumerate() {
        if place > 0 {
            out.extend_from_slice(b"\"\"");
        }
        match harmless {
            true => push_harmless(part, out),
            false if str::from_utf8(part).is_ok() => out.extend_from_slice(part),
            false => out.extend_from_slice(String::from_utf8_lossy(part).as_bytes()),
        }
    }
    out.extend_from_slice(quote);
}

/// Calls `each` with the log's own fields, those within others too, by their whole names.
fn each_own(entry: &Entry<'_>, hidden: &Hidden, each: &mut dyn FnMut(&[u8], Value<'_>)) {
    let mut name = Vec::new();
    members::own(entry, &mut |path, item| {
        if hidden.hides(path) {
            return;
        }
        let value = match item {
            Item::Value(value) => value,
            Item::Bytes(bytes) => Value::Bare(bytes),
            _ => return,
        };
        each_flat(path, value, hidden, &mut |path, value| {
            name.clear();
            write_path(path, &mut name, |part, name| name.extend_from_slice(part));
            each(&name, value);
        });
    });
}
