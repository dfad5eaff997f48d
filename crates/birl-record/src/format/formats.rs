//! The formats that are looked for in a source.

use std::sync::Arc;

use super::{Custom, Known, Parser, csv};

/// The formats that are looked for in a source: the user's own, and then all that birl knows; or one
/// that it has, whatever it looks like.
#[derive(Clone, Debug, Default)]
pub struct Formats {
    pub(super) own: Vec<Arc<Custom>>,
    only: Option<Only>,
}

/// The one format of a source.
#[derive(Clone, Debug)]
enum Only {
    Known(&'static Known),
    Own(Arc<Custom>),
    /// A table with a header, if it is one.
    Table {
        may_have_one_column: bool,
    },
}

impl Formats {
    /// All that birl knows, and these before them.
    pub fn new(own: Vec<Custom>) -> Self {
        Self {
            own: own.into_iter().map(Arc::new).collect(),
            only: None,
        }
    }

    /// The user's own.
    pub fn own(&self) -> impl Iterator<Item = &Custom> {
        self.own.iter().map(|own| &**own)
    }

    /// The one of this name, if there is one.
    pub fn only(&self, name: &str) -> Option<Self> {
        let own = self.own.iter().find(|own| own.name() == name);
        let only = match own {
            Some(own) => Only::Own(Arc::clone(own)),
            None => Only::Known(Known::named(name)?),
        };
        Some(Self {
            own: self.own.clone(),
            only: Some(only),
        })
    }

    /// The same for a file that is a table rather than a log: its first line may be the header of CSV
    /// though no column is one of logs, such as a time.
    ///
    /// Where it is `called_csv`, that may be one column; else that line could be anything.
    pub fn of_tables(&self, called_csv: bool) -> Self {
        Self {
            own: self.own.clone(),
            only: Some(Only::Table {
                may_have_one_column: called_csv,
            }),
        }
    }

    /// Whether a format of this name may be found.
    pub fn admits(&self, name: &str) -> bool {
        match &self.only {
            None | Some(Only::Table { .. }) => true,
            Some(Only::Known(known)) => known.name == name,
            Some(Only::Own(own)) => own.name() == name,
        }
    }

    /// The parser of a source, of which there are parts as [`Parser::detect`] has them. Where it has
    /// one format and lacks what that needs, such as a header, each line is a message.
    pub fn parser(&self, parts: &[&[u8]], reference: i64) -> Parser {
        match &self.only {
            None => Parser::detect_among(&self.own, parts, reference),
            Some(Only::Known(known)) => Parser::forced(known, parts, reference).unwrap_or_default(),
            Some(Only::Own(own)) => Parser::of_format(own.clone(), parts, reference),
            Some(Only::Table {
                may_have_one_column,
            }) => {
                let columns_min = if *may_have_one_column { 1 } else { 2 };
                match csv::table(&super::parser::sample_lines(parts), columns_min) {
                    Some(table) => Parser::of_format(table, parts, reference),
                    None => Parser::detect_among(&self.own, parts, reference),
                }
            }
        }
    }
}
