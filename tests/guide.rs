//! What the guide in `docs/` says that the compiler says.
//!
//! A block marked `text` that follows a block of Rust is what the compiler says of it: a line for
//! each error and warning, and below it, indented, what stands beside the place, if that is shown.
//! The examples themselves run as tests of the documentation.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use similar::TextDiff;

/// An example, and what the guide says of it.
struct Example {
    /// The file and the line that the example begins in.
    place: String,
    program: String,
    quote: Vec<String>,
}

#[test]
fn the_compiler_says_what_the_guide_quotes() {
    let examples: Vec<Example> = pages().iter().flat_map(|page| examples(page)).collect();
    assert!(!examples.is_empty());
    let said = check(&examples);
    let (mut expected, mut actual) = (String::new(), String::new());
    for (index, example) in examples.iter().enumerate() {
        let said = said.get(&name(index)).into_iter().flatten();
        let said = said.filter(|line| !is_detail(line) || example.quote.contains(line));
        expected += &section(&example.place, example.quote.iter());
        actual += &section(&example.place, said);
    }
    let diff = TextDiff::from_lines(&expected, &actual);
    let diff = diff.unified_diff().header("guide", "compiler").to_string();
    assert!(expected == actual, "{diff}");
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn pages() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("docs")).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    paths.sort();
    paths
}

/// The examples of a page that have a quote.
fn examples(page: &Path) -> Vec<Example> {
    let text = fs::read_to_string(page).unwrap();
    let blocks = blocks(&text);
    let pairs = blocks.windows(2).filter_map(|pair| match pair {
        [rust, quote] if rust.mark.starts_with("rust") && quote.mark == "text" => Some(Example {
            place: format!(
                "{}:{}",
                page.strip_prefix(root()).unwrap().display(),
                rust.line
            ),
            program: rust.lines.iter().map(|line| shown(line)).collect(),
            quote: quote.lines.iter().map(|&line| line.to_owned()).collect(),
        }),
        _ => None,
    });
    pairs.collect()
}

/// A block of code.
struct Block<'a> {
    line: usize,
    mark: &'a str,
    lines: Vec<&'a str>,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut inside = false;
    for (line, text) in (1..).zip(page.lines()) {
        match text.strip_prefix("```") {
            Some(_) if inside => inside = false,
            Some(mark) => {
                inside = true;
                let lines = Vec::new();
                blocks.push(Block { line, mark, lines });
            }
            None if inside => blocks.last_mut().unwrap().lines.push(text),
            None => {}
        }
    }
    blocks
}

/// A line that readers do not see begins with `# `, as in any documentation.
fn shown(line: &str) -> String {
    let line = line.strip_prefix("# ").unwrap_or(line);
    format!("{line}\n")
}

fn section<'a>(place: &str, lines: impl Iterator<Item = &'a String>) -> String {
    let mut section = format!("{place}\n");
    for line in lines {
        section += comparable(line);
        section.push('\n');
    }
    section
}

fn is_detail(line: &str) -> bool {
    line.starts_with(' ')
}

/// Other versions of the compiler word some of what they say differently; its kind and its number
/// stay.
fn comparable(line: &str) -> &str {
    match line.split_once(": ") {
        _ if is_quoted_version() => line,
        _ if is_detail(line) => "",
        Some((kind, _)) => kind,
        None => line,
    }
}

fn is_quoted_version() -> bool {
    let version = Command::new(env!("CARGO")).arg("--version").output();
    let version = String::from_utf8(version.unwrap().stdout).unwrap();
    version.starts_with(concat!("cargo ", env!("CARGO_PKG_RUST_VERSION"), "."))
}

/// What the compiler prints for a program, as JSON.
#[derive(Deserialize)]
struct Printed {
    target: Option<Target>,
    message: Option<Message>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

#[derive(Deserialize)]
struct Message {
    level: String,
    code: Option<Code>,
    message: String,
    spans: Vec<Span>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

#[derive(Deserialize)]
struct Span {
    is_primary: bool,
    label: Option<String>,
}

/// Lets the compiler check the examples as programs, each by its name.
fn check(examples: &[Example]) -> BTreeMap<String, Vec<String>> {
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guide");
    let programs = package.join("src/bin");
    // Those of an earlier run may be more.
    let _ = fs::remove_dir_all(&programs);
    fs::create_dir_all(&programs).unwrap();
    for (index, example) in examples.iter().enumerate() {
        let path = programs.join(name(index)).with_extension("rs");
        fs::write(path, &example.program).unwrap();
    }
    fs::write(package.join("Cargo.toml"), manifest()).unwrap();
    fs::copy(root().join("Cargo.lock"), package.join("Cargo.lock")).unwrap();
    let output = Command::new(env!("CARGO"))
        .args([
            "check",
            "--offline",
            "--keep-going",
            "--message-format=json",
        ])
        .arg("--target-dir")
        .arg(package.join("target"))
        .current_dir(&package)
        .output()
        .unwrap();
    let mut said: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in output.stdout.split(|&byte| byte == b'\n') {
        let Ok(Printed {
            target: Some(target),
            message: Some(message),
        }) = serde_json::from_slice(line)
        else {
            continue;
        };
        let lines = said.entry(target.name).or_default();
        for line in message.lines() {
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!said.is_empty(), "cargo printed nothing but\n{stderr}");
    said
}

fn name(index: usize) -> String {
    format!("example_{index:02}")
}

/// The versions are those of our own lock file.
fn manifest() -> String {
    let streams = root().join("crates/birl-stream");
    format!(
        "[workspace]
        [package]
        name = 'examples'
        edition = '2024'
        [dependencies]
        birl = {{ package = 'birl-stream', path = {streams:?} }}
        futures = '*'
        tokio = {{ version = '*', features = ['fs', 'io-util', 'macros', 'rt-multi-thread', 'sync'] }}
        tokio-stream = '*'
        "
    )
}

impl Message {
    fn lines(&self) -> Vec<String> {
        let level = &self.level;
        let is_summary = self.spans.is_empty();
        if is_summary || !["error", "warning"].contains(&level.as_str()) {
            return Vec::new();
        }
        let code = self.code.as_ref().map(|code| code.code.as_str());
        let kind = match code.filter(|code| code.starts_with('E')) {
            Some(code) => format!("{level}[{code}]"),
            None => level.clone(),
        };
        let mut lines = vec![format!("{kind}: {}", without_places(&self.message))];
        let primary = self.spans.iter().filter(|span| span.is_primary);
        let labels = primary.filter_map(|span| span.label.as_deref());
        lines.extend(labels.map(|label| format!("  {}", without_places(label))));
        lines
    }
}

/// Async blocks are named by where they stand, which differs from machine to machine.
fn without_places(message: &str) -> String {
    let mut parts = message.split("{async block@");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text += "{async block";
        text += part.find('}').map_or(part, |end| &part[end..]);
    }
    text
}
