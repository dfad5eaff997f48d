//! `file = PATH`: each alert is appended to a file, on one line of JSON or as text for people.

use std::fs::OpenOptions;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use birl_source::error::refusal;

use super::form::Form;
use crate::alert::Alert;
use crate::place::{Place, Undelivered};

/// Appends to a file, which is opened anew for each alert: whoever rotates it need not tell us.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    form: Form,
}

impl File {
    /// # Errors
    ///
    /// If there is something at `path` that is no file.
    pub(super) fn new(path: PathBuf, form: Form) -> Result<Self, String> {
        match path.metadata() {
            Ok(metadata) if !metadata.is_file() => Err(format!("{path:?} is no file")),
            // What is missing is made, and what cannot be looked at may be mended by then.
            _ if path.file_name().is_none() => Err(format!("{path:?} names no file")),
            _ => Ok(Self { path, form }),
        }
    }
}

#[async_trait]
impl Place for File {
    async fn send(&self, alert: &Alert) -> Result<(), Undelivered> {
        let (path, text) = (self.path.clone(), self.form.write(alert));
        let appended = tokio::task::spawn_blocking(move || append(&path, &text)).await;
        let appended = appended.unwrap_or_else(|error| Err(io::Error::other(error)));
        appended.map_err(|error| Undelivered::ForNow {
            reason: format!("cannot append to {:?}: {}", self.path, refusal(&error)),
            after: None,
        })
    }
}

/// Returns once the disk has it.
fn append(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(path)?;
    // A disk that was full may have taken the beginning of a line.
    let torn = match file.metadata()?.len() {
        0 => false,
        _ => {
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            last != *b"\n"
        }
    };
    let text = match torn {
        true => format!("\n{text}"),
        false => text.to_owned(),
    };
    file.write_all(text.as_bytes())?;
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::alert::testing::alert;

    #[tokio::test]
    async fn lines_are_appended_wherever_the_file_is_by_then() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("alerts.json");
        let rotated = directory.path().join("alerts.json.1");
        let place = File::new(path.clone(), Form::Json).unwrap();
        place.send(&alert()).await.unwrap();
        fs::rename(&path, &rotated).unwrap();
        place.send(&alert()).await.unwrap();
        place.send(&alert()).await.unwrap();
        let line = Form::Json.write(&alert());
        assert_eq!(fs::read_to_string(rotated).unwrap(), line);
        assert_eq!(fs::read_to_string(path).unwrap(), line.repeat(2));
    }

    #[tokio::test]
    async fn a_torn_line_stays_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("alerts.txt");
        fs::write(&path, "torn").unwrap();
        let place = File::new(path.clone(), Form::Text).unwrap();
        place.send(&alert()).await.unwrap();
        let expected = format!("torn\n{}", Form::Text.write(&alert()));
        assert_eq!(fs::read_to_string(path).unwrap(), expected);
    }

    #[tokio::test]
    async fn what_cannot_be_opened_may_be_later() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("missing/alerts");
        let place = File::new(path.clone(), Form::Json).unwrap();
        let reason = format!("cannot append to {path:?}: no such file or directory");
        let refused = Undelivered::ForNow {
            reason,
            after: None,
        };
        assert_eq!(place.send(&alert()).await, Err(refused));
        fs::create_dir(path.parent().unwrap()).unwrap();
        place.send(&alert()).await.unwrap();
        assert!(File::new(directory.path().to_owned(), Form::Json).is_err());
    }
}
