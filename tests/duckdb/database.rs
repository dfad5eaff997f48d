//! DuckDB, as it is at hand.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::rows::Rows;

/// How DuckDB is run.
#[derive(Debug)]
pub(crate) enum Database {
    /// As a program.
    Program,
    /// As a module of the Python that is called so.
    Python(String),
}

/// Runs each line of standard input for itself, and says what is wrong with one.
const RUN: &str = "
import duckdb, sys
connection = duckdb.connect()
for line in sys.stdin.read().split('\\0'):
    try:
        connection.execute(line)
    except duckdb.Error as error:
        print(error, file=sys.stderr)
";

/// The records as a table: what birl makes of times and levels by itself is written out.
const TABLES: &str = "
set timezone = 'UTC';
set error_on_division_by_zero = false;
create table users as select * from read_csv('users.csv', header = true, all_varchar = false);
create table logs as
select
    (time::timestamptz at time zone 'UTC')::timestamp as timestamp,
    case lower(severity_text)
        when 'err' then 'error'
        when 'warning' then 'warn'
        else lower(severity_text)
    end as level,
    * exclude (time, severity_text)
from (
    select time, level as severity_text, message, service, host, status, ms, bytes, n, code, path,
        ok, started, request
    from read_json('app.jsonl', format = 'newline_delimited', columns = {
        time: 'VARCHAR', level: 'VARCHAR', message: 'VARCHAR', service: 'VARCHAR', host: 'VARCHAR',
        status: 'BIGINT', ms: 'DOUBLE', bytes: 'BIGINT', n: 'BIGINT', code: 'VARCHAR',
        path: 'VARCHAR', ok: 'BOOLEAN', started: 'VARCHAR', request: 'STRUCT(id BIGINT, size DOUBLE)'
    })
);
";

impl Database {
    /// DuckDB, if it is there. `BIRL_PYTHON` names a Python that has it.
    pub(crate) fn find() -> Option<Self> {
        let named = std::env::var("BIRL_PYTHON").ok();
        let works = |command: &mut Command| {
            let command = command.stdin(Stdio::null()).stdout(Stdio::null());
            let status = command.stderr(Stdio::null()).status();
            status.is_ok_and(|status| status.success())
        };
        if named.is_none() && works(Command::new("duckdb").arg("--version")) {
            return Some(Self::Program);
        }
        let python = named.unwrap_or_else(|| "python3".to_owned());
        let has_module = works(Command::new(&python).args(["-c", "import duckdb"]));
        has_module.then_some(Self::Python(python))
    }

    /// The answers to queries over the records in `directory`.
    pub(crate) fn ask(&self, directory: &Path, queries: &[&str]) -> Vec<Result<Rows, String>> {
        let file = |index: usize| format!("answer_{index}.json");
        let copies = queries
            .iter()
            .enumerate()
            .map(|(index, query)| format!("copy ({query}) to '{}' (format json);\n", file(index)));
        let (mut command, separator) = match self {
            Self::Program => (Command::new("duckdb"), ""),
            Self::Python(python) => {
                let mut command = Command::new(python);
                command.args(["-c", RUN]);
                (command, "\0")
            }
        };
        let script: Vec<_> = std::iter::once(TABLES.to_owned()).chain(copies).collect();
        let path = directory.join("queries.sql");
        fs::write(&path, script.join(separator)).unwrap();
        let output = command
            .current_dir(directory)
            .stdin(fs::File::open(&path).unwrap())
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        (0..queries.len())
            .map(|index| match fs::read(directory.join(file(index))) {
                Ok(answer) => Rows::read(&answer),
                Err(_) => Err(format!(
                    "DuckDB did not answer; of all queries it said\n{told}"
                )),
            })
            .collect()
    }
}
