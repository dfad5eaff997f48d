//! The commands and outputs that README.md and the guide in `docs/` show.
//!
//! In a block marked `console`, a line that begins with `$ ` is a command, and what follows is what
//! it prints, on both outputs. Those that begin with `birl` are run at the root of the repository.

use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};

use crate::diff::compare;
use crate::sandbox::{Sandbox, program};

/// An example of a page.
#[derive(Debug, PartialEq, Eq)]
struct Example {
    line: usize,
    command: String,
    output: String,
}

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = pages().iter().flat_map(|page| page_trials(page)).collect();
    trials.push(Trial::test(
        "documentation::readme_has_an_example",
        readme_has_an_example,
    ));
    trials
}

/// A page whose examples were no longer recognised would pass all tests of its examples.
fn readme_has_an_example() -> Result<(), Failed> {
    let readme = fs::read_to_string(root().join("README.md"))?;
    assert!(!examples(&readme).is_empty());
    Ok(())
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn pages() -> Vec<PathBuf> {
    let docs = fs::read_dir(root().join("docs")).into_iter().flatten();
    let docs = docs.map(|entry| entry.expect("an entry of docs can be read").path());
    let mut pages: Vec<PathBuf> = docs
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    pages.push(root().join("README.md"));
    pages
}

fn page_trials(page: &Path) -> Vec<Trial> {
    let text =
        fs::read_to_string(page).unwrap_or_else(|error| panic!("cannot read {page:?}: {error}"));
    let name = page
        .file_stem()
        .expect("a page has a name")
        .display()
        .to_string();
    let examples = examples(&text).into_iter();
    examples
        .map(|example| {
            let name = format!("documentation::{name}::line_{}", example.line);
            Trial::test(name, move || run(&example))
        })
        .collect()
}

fn run(example: &Example) -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    let shell = format!("birl() {{ \"$BIRL\" \"$@\"; }}\n{}", example.command);
    let mut command = sandbox.isolated(Path::new("sh"));
    command.env("BIRL", program()).current_dir(root());
    let ended = command
        .args(["-c", &format!("exec 2>&1\n{shell}")])
        .output()?;
    Ok(compare(
        &example.command,
        example.output.as_bytes(),
        &ended.stdout,
    )?)
}

/// The examples of a page that birl answers.
fn examples(page: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut inside = false;
    let mut wanted = false;
    for (index, text) in page.lines().enumerate() {
        if text.starts_with("```") {
            inside = text == "```console";
            wanted = false;
        } else if let Some(command) = text.strip_prefix("$ ").filter(|_| inside) {
            wanted = command.starts_with("birl ");
            if wanted {
                let (line, command) = (index + 1, command.to_owned());
                examples.push(Example {
                    line,
                    command,
                    output: String::new(),
                });
            }
        } else if let Some(example) = examples.last_mut().filter(|_| inside && wanted) {
            example.output.push_str(text);
            example.output.push('\n');
        }
    }
    examples
}
