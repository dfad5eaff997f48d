//! The state of a live plan as bytes, so that another process can go on with it.
//!
//! It is a line that says what it is, a head in JSON, and tables as streams of Arrow's IPC format: the
//! head and each table behind its length, and the first table behind how many there are; these numbers
//! have 64 bits, with the least byte first.

use std::fmt::Display;
use std::io::Cursor;

use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use birl_record::columns::{Fields, Type};
use birl_scan::Carried;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::Schema;
use datafusion::common::Result;
use serde::{Deserialize, Serialize};

use super::sessions::SavedSessions;
use super::steps::SavedStep;
use super::window::SavedOpen;
use crate::Error;

/// What a state begins with. The number changes with the format.
const MARK: &[u8] = b"birl query state 1\n";

/// The state of a live plan at a barrier.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) head: Head,
    pub(crate) tables: Tables,
}

/// All of a state but rows.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Head {
    pub(crate) of: Of,
    /// What the scan holds back.
    pub(crate) carried: Carried,
    /// The windows that are open.
    pub(crate) open: Option<SavedOpen>,
    /// The number of each content of windows, and its table.
    pub(crate) contents: Vec<(u64, usize)>,
    /// The sessions of groups that are open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sessions: Option<SavedSessions>,
    /// The table of the series of a chart, where it has some.
    pub(crate) series: Option<usize>,
    /// The table of the groups over all time.
    pub(crate) groups: Option<usize>,
    pub(crate) steps: Vec<SavedStep>,
}

/// What plan a state is of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Of {
    /// Its SQL.
    pub(crate) query: String,
    /// Its windows.
    pub(crate) windows: String,
    /// The columns of what is read, of states of groups, and of answers.
    pub(crate) columns: Vec<String>,
    /// The fields that samples of the records had.
    pub(crate) fields: Vec<SavedField>,
    pub(crate) records: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct SavedField {
    name: String,
    ty: SavedType,
    is_own: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum SavedType {
    Int,
    Float,
    Bool,
    Text,
    Timestamp,
    List(Box<SavedType>),
}

/// Tables of rows, by their numbers.
#[derive(Debug, Default)]
pub(crate) struct Tables(Vec<Vec<RecordBatch>>);

impl Tables {
    /// Adds one, and gives its number.
    pub(crate) fn add(&mut self, rows: Vec<RecordBatch>) -> usize {
        self.0.push(rows);
        self.0.len() - 1
    }

    /// Takes one out.
    pub(crate) fn take(&mut self, number: usize) -> Vec<RecordBatch> {
        self.0
            .get_mut(number)
            .map(std::mem::take)
            .unwrap_or_default()
    }
}

impl State {
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = MARK.to_vec();
        let head = serde_json::to_vec(&self.head);
        let head = head.map_err(|error| datafusion::common::exec_datafusion_err!("{error}"))?;
        push(&mut bytes, &head);
        bytes.extend_from_slice(&(self.tables.0.len() as u64).to_le_bytes());
        for rows in &self.tables.0 {
            push(&mut bytes, &ipc(rows)?);
        }
        Ok(bytes)
    }

    pub(crate) fn of_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let (head, mut left) = Head::split(bytes)?;
        let cut = || unreadable("it is cut off");
        let mut tables = Tables::default();
        for _ in 0..number(&mut left).ok_or_else(cut)? {
            let table = pull(&mut left).ok_or_else(cut)?;
            tables.add(of_ipc(table).map_err(unreadable)?);
        }
        Ok(Self { head, tables })
    }

    /// The same, if it is of this plan.
    pub(crate) fn check(self, of: &Of) -> Result<Self, Error> {
        self.head.check(of)?;
        Ok(self)
    }
}

impl Head {
    pub(crate) fn of_bytes(state: &[u8]) -> Result<Self, Error> {
        Self::split(state).map(|(head, _)| head)
    }

    /// That of a state, and what stands behind it.
    fn split(state: &[u8]) -> Result<(Self, &[u8]), Error> {
        let mut left = state
            .strip_prefix(MARK)
            .ok_or_else(|| unreadable("another version of birl wrote it, or it is none"))?;
        let head = pull(&mut left).ok_or_else(|| unreadable("it is cut off"))?;
        Ok((serde_json::from_slice(head).map_err(unreadable)?, left))
    }

    /// Whether it is of this plan.
    pub(crate) fn check(&self, of: &Of) -> Result<(), Error> {
        let saved = &self.of;
        let message = if saved.query != of.query {
            format!("the state is of another query: {}", saved.query)
        } else if saved.windows != of.windows {
            format!("the state is of other windows: {}", saved.windows)
        } else if saved.columns != of.columns {
            let saved = saved.columns.join("; ");
            format!("the state is of records with other fields: {saved}")
        } else {
            return Ok(());
        };
        Err(Error::run(message))
    }
}

fn unreadable(why: impl Display) -> Error {
    Error::run(format!("cannot read the state of a query: {why}"))
}

/// The fields that samples had when the plan was made of which this is the state. A query that is planned
/// with them is the same plan, though other samples may have other fields by now.
///
/// # Errors
/// Fails where it is no state.
pub fn fields_of_state(state: &[u8]) -> Result<Fields, Error> {
    let Of {
        fields, records, ..
    } = Head::of_bytes(state)?.of;
    let parts = fields.into_iter();
    let parts = parts.map(|field| (field.name, field.ty.to_type(), field.is_own));
    Ok(Fields::of_parts(parts, records))
}

/// The lines and records that had begun at the barrier of which this is the state, and were not whole.
///
/// # Errors
/// Fails where it is no state.
pub fn begun_of_state(state: &[u8]) -> Result<Carried, Error> {
    Ok(Head::of_bytes(state)?.carried)
}

impl SavedField {
    pub(crate) fn new(name: &str, ty: &Type, is_own: bool) -> Self {
        Self {
            name: name.to_owned(),
            ty: SavedType::of(ty),
            is_own,
        }
    }
}

impl SavedType {
    fn of(ty: &Type) -> Self {
        match ty {
            Type::Int => Self::Int,
            Type::Float => Self::Float,
            Type::Bool => Self::Bool,
            Type::Text => Self::Text,
            Type::Timestamp => Self::Timestamp,
            Type::List(element) => Self::List(Box::new(Self::of(element))),
        }
    }

    fn to_type(&self) -> Type {
        match self {
            Self::Int => Type::Int,
            Self::Float => Type::Float,
            Self::Bool => Type::Bool,
            Self::Text => Type::Text,
            Self::Timestamp => Type::Timestamp,
            Self::List(element) => Type::List(Box::new(element.to_type())),
        }
    }
}

/// The columns of rows, as they are told and compared.
pub(crate) fn shown(schema: &Schema) -> String {
    let fields = schema.fields().iter();
    let fields = fields.map(|field| format!("{} {}", field.name(), field.data_type()));
    fields.collect::<Vec<_>>().join(", ")
}

fn push(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
    bytes.extend_from_slice(part);
}

fn number(bytes: &mut &[u8]) -> Option<u64> {
    let (number, left) = bytes.split_first_chunk()?;
    *bytes = left;
    Some(u64::from_le_bytes(*number))
}

fn pull<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(number(bytes)?).ok()?;
    let (part, left) = bytes.split_at_checked(length)?;
    *bytes = left;
    Some(part)
}

/// Rows as a stream of IPC; nothing of none.
fn ipc(rows: &[RecordBatch]) -> Result<Vec<u8>> {
    let Some(first) = rows.first() else {
        return Ok(Vec::new());
    };
    let mut writer = StreamWriter::try_new(Vec::new(), &first.schema())?;
    rows.iter().try_for_each(|rows| writer.write(rows))?;
    writer.finish()?;
    Ok(writer.into_inner()?)
}

fn of_ipc(bytes: &[u8]) -> Result<Vec<RecordBatch>> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let reader = StreamReader::try_new(Cursor::new(bytes), None)?;
    Ok(reader.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatchOptions, StringViewArray};

    use super::*;

    #[test]
    fn rows_come_back_even_without_columns() {
        let texts =
            StringViewArray::from(vec![Some("a"), None, Some("a text that is not inlined")]);
        let columns: Vec<(_, ArrayRef)> = vec![
            (
                "n",
                Arc::new(Int64Array::from(vec![Some(1), None, Some(3)])),
            ),
            ("text", Arc::new(texts)),
        ];
        let rows = RecordBatch::try_from_iter(columns).unwrap();
        let options = RecordBatchOptions::new().with_row_count(Some(7));
        let bare =
            RecordBatch::try_new_with_options(Schema::empty().into(), vec![], &options).unwrap();
        for rows in [vec![rows.clone(), rows.slice(1, 2)], vec![bare], vec![]] {
            assert_eq!(of_ipc(&ipc(&rows).unwrap()).unwrap(), rows);
        }
    }

    #[test]
    fn what_is_no_state_is_refused() {
        let state = State {
            head: Head::default(),
            tables: Tables::default(),
        };
        let bytes = state.to_bytes().unwrap();
        assert!(State::of_bytes(&bytes).is_ok());
        for end in 0..bytes.len() {
            assert!(State::of_bytes(&bytes[..end]).is_err(), "{end}");
        }
    }
}
