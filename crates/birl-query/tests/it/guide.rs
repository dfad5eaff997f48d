//! Each example of the guide's page about pipes is answered, over records that have the fields it names.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use birl_query::{Error, Session};
use futures::StreamExt;
use tokio::runtime::Runtime;

use crate::pushdown::session_of;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/pipes.md");

/// What stands before a step that is of certain rows; all others are of records.
const BEFORE: [(&str, &str); 4] = [
    ("where avg", "* |> stats avg(latency_ms) by service"),
    ("top 5", "* |> stats max(cost), count by path"),
    ("pivot", "* |> select service, level"),
    ("limit -10", "* |> sort timestamp"),
];

/// Records with each field that an example names.
fn records() -> String {
    let record = |i: usize| {
        let level = ["error", "info", "warn"][i % 3];
        format!(
            concat!(
                r#"{{"timestamp":"2026-03-14T14:0{i}:00Z","received_at":"2026-03-14T14:0{i}:01Z","#,
                r#""t":"2026-03-14T14:0{i}:02Z","at":"2026-03-14T14:0{i}:03Z","level":"{level}","service":"web","host":"h{i}","#,
                r#""user":"ann","user_id":{i},"path":"/a/{i}","status":{status},"latency_ms":{i},"#,
                r#""cost":{i}.5,"ms":{i}0,"bytes":{i},"reads":1,"writes":2,"ok":true,"tags":["a","b"],"#,
                r#""a":{i},"b":2,"c":{i}.25,"n":{i},"x":{x},"y":3,"expr":1,"#,
                r#""request":{{"status":{status}}},"body":"{{\"status\":1,\"user\":{{\"id\":2}}}}","#,
                r#""message":"a=1 b=2 x took {i}ms"}}"#,
                "\n"
            ),
            i = i,
            level = level,
            status = 200 + 100 * (i % 4),
            x = i * 10,
        )
    };
    (0..9).map(record).collect()
}

/// A session in which the users are read from the file that is called so.
fn session(directory: &Path, users: &str) -> Session {
    let name = |file: &str| directory.join(file);
    fs::write(name("app.jsonl"), records()).unwrap();
    let lines = "_id,name\n1,ann\n2,bob\n";
    fs::write(name("users.csv"), format!("user{lines}")).unwrap();
    fs::write(name("by_id.csv"), &lines[1..]).unwrap();
    let tables = ["users.csv", "users"].map(|table| (table.to_owned(), name(users)));
    let session = session_of(&[name("app.jsonl")], true);
    session.with_tables(tables.into())
}

/// What stands in backquotes in `text`; in double ones where a backquote is within.
fn codes(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The first word of a code.
fn word(code: &str) -> &str {
    let end = code.find(|c: char| !(c.is_alphanumeric() || c == '_'));
    &code[..end.unwrap_or(code.len())]
}

/// What the tables of the page say that there is.
struct Known<'p> {
    steps: BTreeSet<&'p str>,
    aggregates: BTreeSet<&'p str>,
}

impl<'p> Known<'p> {
    fn of(page: &'p str) -> Self {
        let words = |title: &str| {
            let section = page.split("\n## ").find(|it| it.starts_with(title));
            let rows = section.unwrap_or_default().lines();
            let rows = rows.filter(|line| line.starts_with("| `"));
            let cells = rows.filter_map(|row| row.split(" | ").next());
            cells.flat_map(codes).map(word).collect()
        };
        Self {
            steps: words("Steps"),
            aggregates: words("Aggregates"),
        }
    }

    /// The query that a code is an example of, if it is of any.
    fn query(&self, code: &str, is_of_table: bool) -> Option<String> {
        let is_shortened = code.contains('…') || code.contains("FIELD");
        let has_more = code.contains([' ', '(', '[', '<', '>', '=']);
        let is_name_alone = !(has_more || is_of_table) || code == "select";
        if is_shortened || is_name_alone {
            return None;
        }
        if code.starts_with("select ") && code.contains(" from ") || code.starts_with("from ") {
            return Some(code.to_owned());
        }
        if self.steps.contains(word(code)) && !self.aggregates.contains(word(code)) {
            let before = BEFORE.iter().find(|(step, _)| code.starts_with(step));
            let before = before.map_or("*", |(_, before)| before);
            return Some(format!("{before} |> {code}"));
        }
        if self.aggregates.contains(word(code)) {
            return Some(format!("* |> stats {code}"));
        }
        let is_expression = [
            "(", "['", "->", " is ", " = ", " == ", " < ", " > ", " >= ", " / ",
        ]
        .iter()
        .any(|it| code.contains(it));
        let begins_one = code.starts_with(|c: char| c.is_alphabetic() || c == '!');
        let has_name =
            code.contains(" as ") && !code.starts_with("cast") && !code.starts_with("try");
        match (is_expression && begins_one, has_name) {
            (false, _) => None,
            (true, true) => Some(format!("* |> {code}")),
            (true, false) => Some(format!("* |> extend {code} as example")),
        }
    }

    /// The queries of a line of the page, which stands in the section `title`.
    fn queries(&self, title: &str, line: &str) -> Vec<String> {
        let queries = self.written_queries(title, line).into_iter();
        // In a table, a bar that ends no cell has a backslash before it.
        queries.map(|query| query.replace("\\|", "|")).collect()
    }

    fn written_queries(&self, title: &str, line: &str) -> Vec<String> {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").collect();
        if title.starts_with("From ") && line.starts_with('|') {
            let [theirs, ours] = cells[..] else {
                return Vec::new();
            };
            let ours_too = match ours.trim().starts_with("the same") {
                true => codes(theirs),
                false => Vec::new(),
            };
            let all = ours_too.into_iter().chain(codes(ours));
            return all.filter_map(|code| self.query(code, false)).collect();
        }
        let is_table = title.starts_with("Steps") || title.starts_with("Aggregates");
        let of_cell = |(i, cell): (usize, &&str)| {
            let is_of_table = is_table && line.starts_with("| `") && i == 0;
            let codes = codes(cell).into_iter();
            let queries = codes.filter_map(|code| self.query(code, is_of_table));
            queries.collect::<Vec<_>>()
        };
        cells.iter().enumerate().flat_map(of_cell).collect()
    }
}

/// Each query of the page, with the number of the line that it stands in.
fn examples(page: &str) -> Vec<(usize, String)> {
    let known = Known::of(page);
    let mut title = "";
    let mut is_block = false;
    let mut examples = Vec::new();
    // An example may go on in the next line of a paragraph.
    let mut paragraph = String::new();
    for (number, line) in (1..).zip(page.lines()) {
        let goes_on = !(is_block
            || line.is_empty()
            || line.starts_with(['|', '#'])
            || line.starts_with("```"));
        if goes_on {
            paragraph += line;
            paragraph.push(' ');
            continue;
        }
        let mut lines = vec![std::mem::take(&mut paragraph)];
        match line {
            line if line.starts_with("```") => is_block = line == "```text",
            line if is_block => examples.push((number, line.to_owned())),
            line => {
                title = line.strip_prefix("## ").unwrap_or(title);
                lines.push(line.to_owned());
            }
        }
        let queries = lines.iter().flat_map(|line| known.queries(title, line));
        examples.extend(queries.map(|query| (number, query)));
    }
    examples
}

async fn answer(session: &Session, query: &str) -> Result<(), Error> {
    let mut answers = session.plan(query).await?.run(session)?;
    while let Some(answer) = answers.next().await {
        answer?;
    }
    Ok(())
}

#[test]
fn all_examples_are_answered() {
    let page = fs::read_to_string(PAGE).unwrap();
    let examples = examples(&page);
    assert!(examples.len() > 150, "{}", examples.len());
    let directory = tempfile::tempdir().unwrap();
    let users = session(directory.path(), "users.csv");
    let by_id = session(directory.path(), "by_id.csv");
    let runtime = Runtime::new().unwrap();
    let mut refused = Vec::new();
    for (line, query) in examples {
        let session = if query.contains("u.id") {
            &by_id
        } else {
            &users
        };
        if let Err(error) = runtime.block_on(answer(session, &query)) {
            refused.push(format!("line {line}: {query}\n{}", error.render(&query)));
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n\n"));
}
