//! Small files that are read whole: of secrets, certificates, lists.

use std::fs;
use std::io;
use std::path::Path;

/// All that is in a regular file. What is of another kind is not opened: a pipe would be waited for until somebody
/// writes to it, and a device may have no end. But what the process has open already is read, so that a shell may
/// give what a command prints: `<(pass show token)`.
///
/// # Errors
///
/// If it cannot be read, or is none.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() && !is_open_already(path) {
        return Err(io::Error::other("it is not a regular file"));
    }
    fs::read(path)
}

/// The same of text.
///
/// # Errors
///
/// If it cannot be read, is no such file, or is not UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    String::from_utf8(read(path)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
}

/// Whether a path leads to a descriptor of a process.
fn is_open_already(path: &Path) -> bool {
    let Some(parent) = path.parent() else {
        return false;
    };
    let is_of_process = parent.starts_with("/proc") && parent.ends_with("fd");
    path == Path::new("/dev/stdin") || parent == Path::new("/dev/fd") || is_of_process
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn what_is_no_file_is_not_opened() {
        let directory = tempfile::tempdir().unwrap();
        let fifo = directory.path().join("fifo");
        assert!(
            Command::new("mkfifo")
                .arg(&fifo)
                .status()
                .unwrap()
                .success()
        );
        for path in [&fifo, directory.path(), Path::new("/dev/zero")] {
            let error = read(path).unwrap_err();
            assert_eq!(error.to_string(), "it is not a regular file", "{path:?}");
        }
        fs::write(directory.path().join("file"), "text\n").unwrap();
        assert_eq!(read_text(&directory.path().join("file")).unwrap(), "text\n");
        assert!(is_open_already(Path::new("/dev/fd/63")));
        assert!(is_open_already(Path::new("/proc/self/fd/63")));
        assert!(!is_open_already(Path::new("/dev/fd")));
    }
}
