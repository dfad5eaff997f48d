//! The tables that a query names, with the columns that it needs.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use birl_record::columns::{Column, Type, What};
use birl_record::query;
use birl_record::query::tree::{Span, Term};
use birl_record::search::{self, Search};
use birl_scan::fields;
use birl_source::name::Name;
use datafusion::common::{Column as ColumnName, SchemaError};
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::ast;

use crate::pipe::{Lookup, nearest};
use crate::scan::Told;
use crate::session::{Session, Sources};
use crate::statement::{self, search_column};
use crate::table::{self, LogColumn, Logs};
use crate::{Error, error, numbers};

/// The statement of a query, and the tables that it names.
pub(crate) struct Tables<'a> {
    /// The text of the query.
    text: &'a str,
    pub(crate) statement: ast::Statement,
    tables: Vec<Table>,
    /// Whether it may name any file as one.
    reads_files: bool,
    /// The fields among their columns that no sample has.
    pub(crate) unknown: Vec<String>,
    /// Those among them that are within objects, and are columns since the query names them.
    within: BTreeSet<String>,
}

/// A table, as far as the query needs it.
struct Table {
    name: String,
    sources: Arc<Sources>,
    columns: Vec<LogColumn>,
}

impl<'a> Tables<'a> {
    /// The tables that `statement` names, with the columns that all queries have, and one for each
    /// search in it, which then names that column in its place.
    ///
    /// Files that are tables are looked into, so it blocks.
    pub(crate) fn new(
        session: &Session,
        text: &'a str,
        mut statement: ast::Statement,
        lookups: &[Lookup],
        read: &Read<'_>,
    ) -> Result<Self, Error> {
        let terms = statement::take_searches(&mut statement)?;
        let mut tables = vec![Table::logs(session, terms)?];
        for name in statement::tables(&statement) {
            let lookup = lookups.iter().find(|lookup| lookup.table == name);
            let file = match lookup {
                Some(lookup) => session.named_file(&lookup.path)?,
                None => session.file(&name),
            };
            if name != table::NAME
                && let Some(file) = file
            {
                tables.push(Table::lookup(read, &name, file)?);
            }
        }
        Ok(Self {
            text,
            statement,
            tables,
            reads_files: session.reads_files,
            unknown: Vec::new(),
            within: BTreeSet::new(),
        })
    }

    /// The tables, to be planned over.
    pub(crate) fn providers(&self, told: &Arc<Told>) -> Vec<(&str, Arc<Logs>)> {
        let provider = |table: &Table| {
            let is_logs = table.name == table::NAME;
            let (sources, columns) = (Arc::clone(&table.sources), table.columns.clone());
            Arc::new(Logs::new(sources, columns, is_logs, Arc::clone(told)))
        };
        let tables = self.tables.iter();
        tables.map(|it| (it.name.as_str(), provider(it))).collect()
    }

    /// The columns that are there for conditions and the like, and that no step shows: what is within an object
    /// is shown with it.
    pub(crate) fn unshown(&self) -> BTreeSet<String> {
        &self.within - &statement::shown(&self.statement)
    }

    /// Makes good for what planning has found missing, if that can be: a field that no sample has,
    /// or that is typed in another case.
    pub(crate) fn amend(&mut self, error: DataFusionError) -> Result<(), Error> {
        let schema_error = match error.find_root() {
            DataFusionError::SchemaError(schema_error, _) => schema_error,
            DataFusionError::Plan(why) => {
                return match missing_table(why) {
                    Some(name) => self.amend_table(name),
                    None => Err(error.into()),
                };
            }
            _ => return Err(error.into()),
        };
        if let SchemaError::AmbiguousReference { field } = &**schema_error {
            return Err(self.ambiguous_field(&field.name));
        }
        let SchemaError::FieldNotFound {
            field,
            valid_fields,
        } = &**schema_error
        else {
            return Err(error.into());
        };
        let name = field.name.clone();
        let of = field.relation.as_ref().map(|it| it.table());
        let aliases = statement::aliases(&self.statement);
        let is_called = |table: &Table, of: &str| {
            let mut aliases = aliases.iter();
            table.name == of || aliases.any(|(alias, own)| alias == of && *own == table.name)
        };
        let alias_of = |it: &Table| of.is_none_or(|of| is_called(it, of));
        // Of no table in particular, it is of one that has it, or else of one that is asked.
        let asked = statement::tables(&self.statement);
        let has_it = |it: &Table| it.sources.fields.get(&name).is_some();
        let tables = || {
            self.tables
                .iter()
                .enumerate()
                .filter(|(_, it)| alias_of(it))
        };
        let asked = || tables().filter(|(_, it)| asked.contains(&it.name));
        let found = asked().find(|(_, it)| has_it(it));
        let found = found.or_else(|| asked().next()).or_else(|| tables().next());
        let Some(at) = found.map(|(at, _)| at) else {
            return Err(self.unknown_field(&field.name, near(&field.name, valid_fields)));
        };
        let table = &mut self.tables[at];
        let is_known = table.columns.iter().any(|it| it.column.name() == name);
        if is_known || name.starts_with("search(") {
            return Err(self.unknown_field(&name, near(&name, valid_fields)));
        }
        let names = table.columns.iter().map(|it| it.column.name());
        let mut alike = names.filter(|it| it.eq_ignore_ascii_case(&name));
        if let (Some(known), None) = (alike.next(), alike.next()) {
            let known = known.to_owned();
            return match statement::rename(&mut self.statement, &name, &known) {
                true => Ok(()),
                false => Err(self.unknown_field(&name, Some(&known))),
            };
        }
        let sampled = table.sources.fields.get(&name);
        if sampled.is_none() {
            // One within an object, typed in another case.
            let known = {
                let names = table.sources.fields.all().map(|(it, _)| it);
                let mut alike = names.filter(|it| it.eq_ignore_ascii_case(&name));
                let only = (alike.next(), alike.next());
                only.0.filter(|_| only.1.is_none()).map(str::to_owned)
            };
            if let Some(known) = known {
                return match statement::rename(&mut self.statement, &name, &known) {
                    true => Ok(()),
                    false => Err(self.unknown_field(&name, Some(&known))),
                };
            }
        }
        // A field that no sample has: where there are samples, it may be a slip.
        let is_unknown = sampled.is_none() && table.sources.fields.records() > 0;
        let by_use = || match numbers::are_wanted(&mut self.statement, &name) {
            true => Type::Float,
            false => Type::Text,
        };
        let column = table.new_column(&name, sampled.unwrap_or_else(by_use));
        if is_unknown {
            let within = table.sources.fields.all().map(|(it, _)| it);
            let within = within.filter(|it| it.contains('.'));
            let names = valid_fields.iter().map(|it| it.name.as_str());
            let is_known = |it: &&str| is_typed(it) && !self.unknown.iter().any(|un| un == it);
            let near = nearest(&name, names.filter(is_known).chain(within));
            if let Some(near) = near.map(str::to_owned) {
                return Err(self.unknown_field(&name, Some(&near)));
            }
        }
        let table = &mut self.tables[at];
        if name.contains('.') {
            self.within.insert(name.clone());
        }
        table.columns.push(LogColumn { column, term: None });
        if is_unknown {
            self.unknown.push(name);
        }
        Ok(())
    }

    /// Makes good for a table that is typed in another case.
    fn amend_table(&mut self, name: &str) -> Result<(), Error> {
        let names = self.tables.iter().map(|it| it.name.as_str());
        let mut alike = names.filter(|it| it.eq_ignore_ascii_case(name) && *it != name);
        if let (Some(known), None) = (alike.next(), alike.next()) {
            let known = known.to_owned();
            statement::name_table(&mut self.statement, name, &known);
            return Ok(());
        }
        let span = place(self.text, name).unwrap_or(0..self.text.len());
        let error = query::Error::new(span, format!("unknown table {name:?}"));
        let hint = match self.reads_files {
            true => {
                format!("the records are the table logs, and a file is one by --table {name}=FILE")
            }
            false => "the records are the table logs".to_owned(),
        };
        Err(error.with_hint(hint).into())
    }

    fn ambiguous_field(&self, name: &str) -> Error {
        if self.unknown.iter().any(|unknown| unknown == name) {
            // It is made by the query out of itself, or is a text in the quotes of other languages.
            let span = place(self.text, name).unwrap_or(0..self.text.len());
            let error = query::Error::new(span, format!("unknown field {name:?}"));
            let hint = format!("a text stands in single quotes: '{name}'");
            return error.with_hint(hint).into();
        }
        // One that is told from others has a table before it.
        let mut places = error::places(self.text, name);
        let alone = places.find(|place| !self.text[..place.start].ends_with('.'));
        let span = alone.unwrap_or(0..self.text.len());
        let error = query::Error::new(span, format!("several tables have a field {name:?}"));
        let aliases = statement::aliases(&self.statement);
        let mut aliases = aliases.iter().filter(|(_, own)| own == table::NAME);
        let table = aliases.next().map_or(table::NAME, |(alias, _)| alias);
        error
            .with_hint(format!("say of which, for example: {table}.{name}"))
            .into()
    }

    fn unknown_field(&self, name: &str, near: Option<&str>) -> Error {
        let message = match near {
            Some(near) => format!("unknown field {name:?}, did you mean {near:?}?"),
            None => format!("unknown field {name:?}"),
        };
        match place(self.text, name) {
            Some(span) => Error::at(span, message),
            None => Error::run(message),
        }
    }
}

/// The column that is called most like `name`, if it is much alike.
fn near<'n>(name: &str, valid: &'n [ColumnName]) -> Option<&'n str> {
    let names = valid.iter().map(|it| it.name.as_str());
    nearest(name, names.filter(|it| is_typed(it)))
}

/// Whether a column is one that can be named in a query.
fn is_typed(name: &str) -> bool {
    !name.starts_with(['\u{1}']) && !name.starts_with("search(")
}

/// The table that planning has not found.
fn missing_table(why: &str) -> Option<&str> {
    let name = why.strip_prefix("table 'datafusion.")?;
    let name = name.strip_suffix("' not found")?;
    // A name with a dot is taken for one of a schema.
    Some(name.strip_prefix("public.").unwrap_or(name))
}

/// Where a name stands in the text of a query first, as a word.
fn place(text: &str, name: &str) -> Option<Span> {
    error::places(text, name).next()
}

/// Whether a file has a name of CSV or TSV, which may be compressed.
fn is_called_csv(file: &Path) -> bool {
    let name = file.file_name().and_then(|name| name.to_str());
    let mut endings = name.unwrap_or_default().split('.').skip(1);
    endings.any(|it| it.eq_ignore_ascii_case("csv") || it.eq_ignore_ascii_case("tsv"))
}

/// The files that have been looked into for one query, as sources.
pub(crate) struct Read<'s> {
    session: &'s Session,
    files: RefCell<BTreeMap<PathBuf, Arc<Sources>>>,
}

impl<'s> Read<'s> {
    pub(crate) fn new(session: &'s Session) -> Self {
        Self {
            session,
            files: RefCell::default(),
        }
    }

    /// The columns of a table that is called so, or of the file, as far as it can be read: why not is told
    /// where it is asked for rows.
    pub(crate) fn columns(&self, name: &str) -> Option<Vec<String>> {
        let file = self.session.file(name)?;
        let sources = self.sources(file).ok()?;
        let names = columns(&sources).map(|it| it.column.name().to_owned());
        Some(names.collect())
    }

    fn sources(&self, file: &Path) -> Result<Arc<Sources>, Unread> {
        if let Some(sources) = self.files.borrow().get(file) {
            return Ok(Arc::clone(sources));
        }
        let sources = Arc::new(self.looked_into(file)?);
        let mut files = self.files.borrow_mut();
        files.insert(file.to_owned(), Arc::clone(&sources));
        Ok(sources)
    }

    fn looked_into(&self, file: &Path) -> Result<Sources, Unread> {
        let logs = &self.session.sources;
        let cannot = |why: String| Unread { why, hint: None };
        let names = vec![Name::parse(file.as_os_str()).map_err(|error| cannot(error.to_string()))?];
        let metadata = std::fs::metadata(file).and_then(|metadata| {
            // To open a pipe waits for whoever writes to it.
            if metadata.is_file() {
                std::fs::File::open(file)?;
            }
            Ok(metadata)
        });
        let metadata = metadata.map_err(|error| cannot(format!("{}: {error}", file.display())))?;
        if metadata.is_dir() {
            return Err(cannot(format!("{} is a directory", file.display())));
        }
        let mut options = logs.options.clone();
        options.whole = true;
        options.formats = options.formats.of_tables(is_called_csv(file));
        let sources = Sources {
            fields: fields(names.clone(), logs.walk, &options),
            names,
            options,
            range: None,
            search: search::Options::default(),
            ..(**logs).clone()
        };
        if sources.fields.records() == 0 || sources.fields.iter().next().is_none() {
            return Err(Unread {
                why: format!("no record in {} has a field", file.display()),
                hint: Some("a table is CSV with a header, or lines or a list of JSON"),
            });
        }
        Ok(sources)
    }
}

/// Why a file is no table.
struct Unread {
    why: String,
    hint: Option<&'static str>,
}

impl Unread {
    fn of_table(self, name: &str) -> Error {
        let error = Error::run(format!("cannot read the table {name:?}: {}", self.why));
        match self.hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }
}

/// The columns of a file that is a table.
fn columns(sources: &Sources) -> impl Iterator<Item = LogColumn> + '_ {
    sources.fields.iter().map(|(field, ty)| {
        let field = field.strip_prefix("fields.").unwrap_or(field);
        let column = Column::new(field, What::Field(field.as_bytes().into()), ty);
        LogColumn { column, term: None }
    })
}

impl Table {
    /// The records of all sources, which `terms` are searches for.
    fn logs(session: &Session, terms: Vec<Term>) -> Result<Self, Error> {
        let sources = &session.sources;
        let fixed = [
            What::Timestamp,
            What::Level,
            What::Severity,
            What::Message,
            What::Source,
            What::Offset,
            What::Line,
        ];
        let fixed = fixed.into_iter().map(Column::fixed);
        let fields = sources.fields.iter();
        let fields = fields.map(|(name, ty)| Column::field(name, session.type_of(name, ty)));
        let mut columns: Vec<_> = fixed
            .chain(fields)
            .map(|column| LogColumn { column, term: None })
            .collect();
        for term in terms {
            let search = Search::with_clock(&term, sources.search, &sources.clock)?;
            let name = search_column(&term.to_string());
            let column = Column::new(&name, What::Match(Arc::new(search)), Type::Bool);
            columns.push(LogColumn {
                column,
                term: Some(term),
            });
        }
        Ok(Self {
            name: table::NAME.to_owned(),
            sources: Arc::clone(sources),
            columns,
        })
    }

    /// The records of a file, under the names that it has for their fields.
    fn lookup(read: &Read<'_>, name: &str, file: &Path) -> Result<Self, Error> {
        let sources = read.sources(file);
        let sources = sources.map_err(|why| why.of_table(name))?;
        Ok(Self {
            name: name.to_owned(),
            columns: columns(&sources).collect(),
            sources,
        })
    }

    /// A column for a field that not all queries have.
    fn new_column(&self, name: &str, ty: Type) -> Column {
        match self.name == table::NAME {
            true => Column::field(name, ty),
            false => Column::new(name, What::Field(name.as_bytes().into()), ty),
        }
    }
}
