//! Rows of an answer as a template has them.

use std::io::{self, Write};

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Schema};

use super::{Part, Template, TemplateError};
use crate::cell::{Cell, Object, Time};
use crate::rows::{RenderRows, columns};

/// So many names of columns a message lists.
const NAMES_MAX: usize = 12;

/// Rows as the user wants them.
///
/// A name in braces is one of a column, or leads into an object (`{user.name}`). Values are written as
/// in CSV, but without quotes; null is nothing. If the template is for a terminal, control characters
/// of texts are shown.
#[derive(Clone, Debug)]
pub struct TemplateRows {
    template: Template,
    /// Where the values of its parts are: a column, and the names that lead into it.
    places: Vec<Option<(usize, Vec<String>)>>,
}

impl TemplateRows {
    /// Writes rows of these columns.
    ///
    /// # Errors
    ///
    /// If the template names a column that is not there, or gives a format to one without times.
    pub fn new(template: Template, schema: &Schema) -> Result<Self, TemplateError> {
        let places = template.parts.iter().map(|part| {
            let (name, span, has_format) = match part {
                Part::Text(_) => return Ok(None),
                Part::Column { column, span } => (&*column.name, span, false),
                Part::Time { span, .. } => ("timestamp", span, true),
            };
            let fail = |message| TemplateError {
                span: span.clone(),
                message,
                hint: None,
            };
            let (column, path, data_type) =
                find(schema, name).ok_or_else(|| fail(missing(schema, name)))?;
            if has_format && !matches!(data_type, DataType::Timestamp(..)) {
                return Err(fail(format!(
                    "the column \"{name}\" has no times, and so no format"
                )));
            }
            Ok(Some((column, path)))
        });
        Ok(Self {
            places: places.collect::<Result<_, _>>()?,
            template,
        })
    }

    fn write_cell(&self, part: &Part, cell: &Cell<'_>, out: &mut Vec<u8>) {
        match (part, cell) {
            (Part::Time { format, .. }, Cell::Time(time)) => self.write_time(time, format, out),
            (_, Cell::Text(text)) => self.template.write_bytes(text.as_bytes(), out),
            (_, Cell::Other(text)) => self.template.write_bytes(text.as_bytes(), out),
            (_, cell) => cell.write_text(&self.template.zone, out),
        }
    }

    fn write_time(&self, time: &Time<'_>, format: &str, out: &mut Vec<u8>) {
        if let Ok(text) = time.strftime(&self.template.zone, format) {
            out.extend_from_slice(text.as_bytes());
        }
    }
}

impl RenderRows for TemplateRows {
    fn rows(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> io::Result<()> {
        let columns = columns(batch);
        let mut text = Vec::new();
        for row in 0..batch.num_rows() {
            for (part, place) in self.template.parts.iter().zip(&self.places) {
                match (part, place) {
                    (Part::Text(literal), _) => text.extend_from_slice(literal.as_bytes()),
                    (part, Some((column, path))) => {
                        with_member(columns[*column].cell(row), path, &mut |cell| {
                            self.write_cell(part, cell, &mut text);
                        });
                    }
                    (_, None) => {}
                }
            }
            text.push(b'\n');
        }
        out.write_all(&text)
    }
}

/// Where the values of a name are: in a column, and below these names in it.
fn find<'s>(schema: &'s Schema, name: &str) -> Option<(usize, Vec<String>, &'s DataType)> {
    if let Ok(column) = schema.index_of(name) {
        return Some((column, Vec::new(), schema.field(column).data_type()));
    }
    // The longest name of a column counts, since names of columns may have dots in them.
    name.rmatch_indices('.').find_map(|(dot, _)| {
        let column = schema.index_of(&name[..dot]).ok()?;
        let path: Vec<_> = name[dot + 1..].split('.').map(str::to_owned).collect();
        let mut data_type = schema.field(column).data_type();
        for name in &path {
            let DataType::Struct(fields) = data_type else {
                return None;
            };
            data_type = fields.find(name)?.1.data_type();
        }
        Some((column, path, data_type))
    })
}

/// Calls `with` with what a cell holds below these names.
fn with_member(cell: Cell<'_>, path: &[String], with: &mut dyn FnMut(&Cell<'_>)) {
    let Some((name, path)) = path.split_first() else {
        return with(&cell);
    };
    if let Cell::Object(Object::Fields(fields, row)) = cell {
        let field = fields.iter().find(|(field, _)| field == name);
        if let Some((_, values)) = field {
            with_member(values.cell(row), path, with);
        }
    }
}

/// What to say of a name that no column has.
fn missing(schema: &Schema, name: &str) -> String {
    let names: Vec<_> = schema
        .fields()
        .iter()
        .map(|field| &**field.name())
        .collect();
    let more = names.len().saturating_sub(NAMES_MAX);
    let listed = names[..names.len() - more].join(", ");
    match more {
        0 => format!("no column is called \"{name}\"; there are {listed}"),
        more => format!("no column is called \"{name}\"; there are {listed} and {more} more"),
    }
}
