//! Which of what a record says is printed.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use birl_record::value::Text;

/// Which of what a record says is printed.
///
/// As text, these are names with commas between: `service,status` for these only and in this order,
/// `-user,-request.headers` for all but these. A `*` among the first stands for all that is not named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Fields {
    /// All of it.
    #[default]
    All,
    /// Only this, in this order.
    Only(Vec<Column>),
    /// All but this.
    Without(Vec<Column>),
}

/// Something that a record says, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The name as it was typed, which is what stands over it.
    pub name: String,
    /// What the name means.
    pub what: What,
}

/// What a record says: the fixed columns, and the log's own fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// When it was.
    Timestamp,
    /// How bad it is.
    Level,
    /// The same, as OpenTelemetry's number.
    Severity,
    /// What happened.
    Message,
    /// The name of the source.
    Source,
    /// Where the record begins in its source.
    Offset,
    /// The text, whole.
    Line,
    /// A field of the log, perhaps within others (`request.status`).
    Own(String),
    /// All that no other column is.
    Rest,
}

impl Column {
    /// The column that a name means.
    pub fn named(name: &str) -> Self {
        let what = match name {
            "timestamp" => What::Timestamp,
            "level" => What::Level,
            "severity" => What::Severity,
            "message" | "msg" => What::Message,
            "source" => What::Source,
            "offset" => What::Offset,
            "line" => What::Line,
            "*" => What::Rest,
            own => What::Own(own.strip_prefix("fields.").unwrap_or(own).to_owned()),
        };
        Self {
            name: name.to_owned(),
            what,
        }
    }
}

/// Why a text says nothing about what is to be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldsError {
    /// There is nothing where a name should be.
    NoName,
    /// Some are to be kept, and others left out.
    Mixed,
}

impl Display for FieldsError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FieldsError::NoName => "there is no name between two commas or beside one",
            FieldsError::Mixed => {
                "either all names have a \"-\" before them, to be left out, or none has"
            }
        })
    }
}

impl std::error::Error for FieldsError {}

impl FromStr for Fields {
    type Err = FieldsError;

    fn from_str(text: &str) -> Result<Self, FieldsError> {
        let names: Vec<_> = text.split(',').map(str::trim).collect();
        let unwanted: Vec<_> = names
            .iter()
            .filter_map(|name| name.strip_prefix('-'))
            .collect();
        let (names, are_wanted) = match unwanted.len() {
            0 => (names, true),
            count if count == names.len() => (unwanted, false),
            _ => return Err(FieldsError::Mixed),
        };
        if names.iter().any(|name| name.is_empty()) {
            return Err(FieldsError::NoName);
        }
        let columns = names.into_iter().map(Column::named).collect();
        Ok(match are_wanted {
            true => Fields::Only(columns),
            false => Fields::Without(columns),
        })
    }
}

impl Fields {
    /// The fields of the log that are left out where others of it are printed.
    pub(crate) fn hidden(&self) -> Hidden {
        let columns = match self {
            Fields::All => &[][..],
            Fields::Only(columns) | Fields::Without(columns) => columns,
        };
        let own = columns.iter().filter_map(|column| match &column.what {
            What::Own(path) => Some(path.clone().into_bytes()),
            _ => None,
        });
        Hidden {
            paths: own.collect(),
        }
    }
}

/// Fields of a log that are left out, by the paths that lead to them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hidden {
    paths: Vec<Vec<u8>>,
}

impl Hidden {
    /// Whether the field at `path` is left out.
    pub(crate) fn hides(&self, path: &Path<'_>) -> bool {
        !self.paths.is_empty() && self.paths.contains(&path.joined())
    }
}

/// The names that lead to a field, from the innermost on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path<'p> {
    outer: Option<&'p Path<'p>>,
    /// It is called `fields.NAME`, since the name is one of birl's.
    pub(crate) is_prefixed: bool,
    name: Text<'p>,
}

impl<'p> Path<'p> {
    /// A field of this name in the record itself.
    pub(crate) fn of(name: Text<'p>) -> Self {
        Self {
            outer: None,
            is_prefixed: false,
            name,
        }
    }

    /// A field of this name in the record itself, which is called `fields.NAME`.
    pub(crate) fn prefixed(name: Text<'p>) -> Self {
        Self {
            is_prefixed: true,
            ..Self::of(name)
        }
    }

    /// A field of this name within this one.
    pub(crate) fn then<'q>(&'q self, name: Text<'q>) -> Path<'q>
    where
        'p: 'q,
    {
        Path {
            outer: Some(self),
            is_prefixed: false,
            name,
        }
    }

    /// Calls `each` with the names, from the outermost on.
    pub(crate) fn each(&self, each: &mut impl FnMut(&Path<'_>)) {
        if let Some(outer) = self.outer {
            outer.each(each);
        }
        each(self);
    }

    /// The name of a field in the record itself that is called by nothing else.
    #[inline]
    pub(crate) fn only_name(&self) -> Option<Text<'p>> {
        (self.outer.is_none() && !self.is_prefixed).then_some(self.name)
    }

    pub(crate) fn name(&self) -> Text<'p> {
        self.name
    }

    /// The names with dots between them.
    pub(crate) fn joined(&self) -> Vec<u8> {
        let mut joined = Vec::new();
        self.each(&mut |path| {
            if !joined.is_empty() {
                joined.push(b'.');
            }
            joined.extend_from_slice(&path.name.decode());
        });
        joined
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(columns: &[Column]) -> Vec<&str> {
        columns.iter().map(|column| &*column.name).collect()
    }

    #[test]
    fn names_are_kept_or_left_out() {
        let Ok(Fields::Only(columns)) = "level, request.status,*".parse() else {
            panic!("they are to be kept");
        };
        assert_eq!(names(&columns), ["level", "request.status", "*"]);
        assert_eq!(columns[1].what, What::Own("request.status".to_owned()));
        let Ok(Fields::Without(columns)) = "-fields.level,-msg".parse() else {
            panic!("they are to be left out");
        };
        let whats: Vec<_> = columns.into_iter().map(|column| column.what).collect();
        assert_eq!(whats, [What::Own("level".to_owned()), What::Message]);
    }

    #[test]
    fn what_is_neither_is_refused() {
        for (text, error) in [
            ("", FieldsError::NoName),
            ("a,,b", FieldsError::NoName),
            ("-", FieldsError::NoName),
            ("a,-b", FieldsError::Mixed),
        ] {
            assert_eq!(text.parse::<Fields>(), Err(error), "{text:?}");
        }
    }
}
