//! Real logs of many systems, where `BIRL_LOGHUB` names a directory of them: the samples of
//! <https://github.com/logpai/loghub>, which are not ours to ship.

use std::fs;
use std::path::{Path, PathBuf};

use bstr::ByteSlice;
use libtest_mimic::{Failed, Trial};

use crate::diff::compare;
use crate::process::Process;
use crate::sandbox::Sandbox;

/// Words that most logs have, some or none.
const WORDS: [&str; 5] = ["error", "INFO", "connect", "10.", "kumquat"];

pub(crate) fn trials() -> Vec<Trial> {
    let Some(dir) = std::env::var_os("BIRL_LOGHUB") else {
        return Vec::new();
    };
    let logs = logs(Path::new(&dir));
    assert!(!logs.is_empty(), "BIRL_LOGHUB has no logs: {dir:?}");
    let trials = logs.into_iter().map(|log| {
        let name = log.file_stem().expect("a log has a name").display();
        Trial::test(format!("loghub::{name}"), move || words_are_found(&log))
    });
    trials.collect()
}

fn logs(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap_or_else(|error| panic!("cannot read {dir:?}: {error}"));
    let paths = entries.map(|entry| entry.expect("an entry can be read").path());
    paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect()
}

fn words_are_found(log: &Path) -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    let content = fs::read(log)?;
    let name = log.as_os_str();
    for word in WORDS {
        let command = sandbox.birl(&["-s".as_ref(), "-F".as_ref(), word.as_ref(), name]);
        let ended = Process::start(command, Vec::new()).end();
        compare(word, &lines_with(word, &content), &ended.stdout)?;
    }
    Ok(())
}

/// The lines that have `word`, each with a newline.
fn lines_with(word: &str, content: &[u8]) -> Vec<u8> {
    let mut found = Vec::new();
    for line in content.lines_with_terminator() {
        if line.contains_str(word) {
            found.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
            found.push(b'\n');
        }
    }
    found
}
