//! Cases as data: each file below `tests/cases` holds cases about one subject; each case is a test.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};
use serde::Deserialize;

use crate::content::Content;
use crate::delivery::{Delivered, Delivery, SOURCE};
use crate::diff::{compare, visible};
use crate::process::{Ended, Process};
use crate::sandbox::Sandbox;

/// A file of cases.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    /// What a case has as its input that gives none of its own and sets `matrix`.
    #[serde(default)]
    input: Option<Content>,
    /// Files that every case has.
    #[serde(default)]
    files: BTreeMap<String, Content>,
    /// The cases under their names, which are claims.
    case: BTreeMap<String, Case>,
}

/// One run of birl, and what must come of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    args: Vec<String>,
    /// Bytes that reach birl in every way of [`Delivery`]. The run's source is added to `args`.
    #[serde(default)]
    input: Option<Content>,
    /// Takes the file's `input`.
    #[serde(default)]
    matrix: bool,
    /// Ways in which the answer is another one, and why.
    #[serde(default)]
    except: BTreeMap<Delivery, String>,
    #[serde(default)]
    stdin: Content,
    #[serde(default)]
    files: BTreeMap<String, Content>,
    /// Symbolic links and what they point to.
    #[serde(default)]
    links: BTreeMap<String, String>,
    /// When all files were last written to, in RFC 3339.
    #[serde(default)]
    modified: Option<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    stdout: Content,
    #[serde(default)]
    stderr: Content,
    /// Instead of `stderr`, where a message quotes what is not ours.
    #[serde(default)]
    stderr_contains: Vec<String>,
    #[serde(default)]
    code: i32,
}

/// Every case of every file, in every delivery, as a test.
pub(crate) fn trials() -> Vec<Trial> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut paths = Vec::new();
    collect_toml(&root, &mut paths);
    assert!(!paths.is_empty(), "no cases in {root:?}");
    paths
        .iter()
        .flat_map(|path| file_trials(&root, path))
        .collect()
}

fn collect_toml(dir: &Path, paths: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(dir).unwrap_or_else(|error| panic!("cannot read {dir:?}: {error}"));
    for entry in entries {
        let path = entry.expect("an entry of the cases can be read").path();
        if path.is_dir() {
            collect_toml(&path, paths);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            paths.push(path);
        }
    }
}

fn file_trials(root: &Path, path: &Path) -> Vec<Trial> {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("cannot read {path:?}: {error}"));
    let file: CaseFile =
        toml::from_str(&text).unwrap_or_else(|error| panic!("cannot parse {path:?}: {error}"));
    let subject = path
        .strip_prefix(root)
        .expect("the path was found below the root")
        .with_extension("");
    let mut trials = Vec::new();
    for (claim, case) in file.case {
        let name = format!("{}::{claim}", subject.display());
        let case = Case {
            input: case
                .input
                .or_else(|| file.input.clone().filter(|_| case.matrix)),
            files: file.files.clone().into_iter().chain(case.files).collect(),
            ..case
        };
        trials.extend(case.trials(&name));
    }
    trials
}

impl Case {
    fn trials(self, name: &str) -> Vec<Trial> {
        let Some(input) = self.input.clone() else {
            assert!(!self.matrix, "{name} wants a matrix and has no input");
            return vec![Trial::test(name, move || Ok(self.run()?))];
        };
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        let seed = hasher.finish();
        let deliveries = Delivery::ALL
            .into_iter()
            .filter(|delivery| self.delivers(*delivery));
        deliveries
            .map(|delivery| {
                let (case, input) = (self.clone(), input.clone());
                Trial::test(format!("{name}::{}", delivery.name()), move || {
                    case.run_delivered(delivery, &input.bytes(), seed)
                        .map_err(Failed::from)
                })
            })
            .collect()
    }

    fn delivers(&self, delivery: Delivery) -> bool {
        // Where nothing is to be printed, nothing tells that a followed file has been searched.
        let silent = delivery == Delivery::Followed && self.stdout.bytes().is_empty();
        !silent && !self.except.contains_key(&delivery)
    }

    fn run(&self) -> Result<(), String> {
        let sandbox = self.sandbox();
        let mut command = sandbox.birl(&self.args);
        command.envs(&self.env);
        let ended = Process::start(command, vec![self.stdin.bytes()]).end();
        self.check(&ended, &self.stdout.bytes(), &self.stderr.bytes())
    }

    fn run_delivered(&self, delivery: Delivery, input: &[u8], seed: u64) -> Result<(), String> {
        let sandbox = self.sandbox();
        let env: Vec<_> = self.env.clone().into_iter().collect();
        let ended = delivery.run(&Delivered {
            sandbox: &sandbox,
            args: &self.args,
            env: &env,
            input,
            seed,
        });
        let [stdout, stderr] = [&self.stdout, &self.stderr].map(|output| {
            bstr::ByteSlice::replace(output.bytes().as_slice(), SOURCE, delivery.source())
        });
        if delivery == Delivery::Followed {
            return self.check_interrupted(&ended, &stdout);
        }
        self.check(&ended, &stdout, &stderr)
    }

    fn sandbox(&self) -> Sandbox {
        let modified = self.modified.as_deref();
        let modified = modified.map(|time| time.parse().expect("a time of RFC 3339"));
        let sandbox = Sandbox::with_files_of(modified);
        for (path, content) in &self.files {
            sandbox.write(path, &content.bytes());
        }
        for (path, target) in &self.links {
            sandbox.link(path, target);
        }
        sandbox
    }

    fn check(&self, ended: &Ended, stdout: &[u8], stderr: &[u8]) -> Result<(), String> {
        let mut faults: Vec<String> = Vec::new();
        faults.extend(compare("stdout", stdout, &ended.stdout).err());
        faults.extend(self.check_stderr(stderr, &ended.stderr).err());
        if ended.status.code() != Some(self.code) {
            faults.push(format!("expected code {}: {}\n", self.code, ended.status));
        }
        if faults.is_empty() {
            return Ok(());
        }
        Err(format!(
            "birl {:?}\n{}stderr was:\n{}",
            self.args,
            faults.concat(),
            visible(&ended.stderr)
        ))
    }

    fn check_stderr(&self, expected: &[u8], actual: &[u8]) -> Result<(), String> {
        if self.stderr_contains.is_empty() {
            return compare("stderr", expected, actual);
        }
        let missing = self
            .stderr_contains
            .iter()
            .find(|part| !bstr::ByteSlice::contains_str(actual, part));
        missing.map_or(Ok(()), |part| Err(format!("stderr lacks {part:?}\n")))
    }

    /// birl follows until it is interrupted, except where it knows the answer earlier.
    fn check_interrupted(&self, ended: &Ended, stdout: &[u8]) -> Result<(), String> {
        compare("stdout", stdout, &ended.stdout).map_err(|diff| {
            format!(
                "birl {:?}\n{diff}stderr was:\n{}",
                self.args,
                visible(&ended.stderr)
            )
        })?;
        match ended.status.code() {
            Some(code) if code == 130 || code == self.code => Ok(()),
            _ => Err(format!(
                "birl {:?} did not end as interrupted: {}\n",
                self.args, ended.status
            )),
        }
    }
}
