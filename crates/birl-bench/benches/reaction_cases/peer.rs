//! Birl or an echo in a process, and what birl is told to be.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// What both answer, to `ann`.
pub(crate) const ANSWER: &str = "got it, ann";

/// How many replies birl has.
const REPLIES: usize = 100;

/// A process in a directory of its own, which ends with this.
pub(crate) struct Peer {
    child: Child,
    directory: TempDir,
}

impl Peer {
    /// Birl with a configuration, in a directory in which `links` lead to files.
    pub(crate) fn birl(
        program: &Path,
        command: &str,
        config: &str,
        links: &[(&str, &Path)],
    ) -> Self {
        let directory = tempfile::tempdir().expect("there is a directory");
        fs::write(directory.path().join("birl.toml"), config).expect("it can be written");
        for (name, target) in links {
            let link = directory.path().join(name);
            std::os::unix::fs::symlink(target, link).expect("it can be linked");
        }
        let program = program.canonicalize().expect("it is there");
        let mut birl = Command::new(program);
        birl.args([command, "birl.toml"]);
        Self::start(birl, directory)
    }

    /// What reacts at once, and does nothing else.
    pub(crate) fn echo(url: &str) -> Self {
        let mut echo = Command::new(std::env::current_exe().expect("it is running"));
        echo.args(["echo", url]);
        Self::start(echo, tempfile::tempdir().expect("there is a directory"))
    }

    fn start(mut command: Command, directory: TempDir) -> Self {
        let said = File::create(directory.path().join("stderr")).expect("it can be written");
        let child = command
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said)
            .spawn();
        Self {
            child: child.expect("it can be run"),
            directory,
        }
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// # Panics
    /// Where it has ended, with what it said.
    pub(crate) fn check(&mut self) {
        if let Ok(Some(status)) = self.child.try_wait() {
            let said = fs::read_to_string(self.directory().join("stderr"));
            panic!("it has ended, {status}: {}", said.unwrap_or_default());
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A chat with all that a bot may have. Its limits are looked at with each message, and refuse none.
pub(crate) fn chat(place: &str) -> String {
    let unlimited = r#"{ burst = 1000000, every = "1us" }"#;
    let mut chat = format!(
        r#"
[chat.ops]
{place}
rate = {unlimited}
limit = {unlimited}
room_limit = {unlimited}
chat_limit = {unlimited}
ask = {{ from = ["past"], allow = ["ann"] }}

[source.past]
from = "past.log"

[[chat.ops.command]]
name = "oncall"
allow = ["ann", "account:bob"]
text = "got it, {{sender}}"

[[chat.ops.reply]]
query = 'message:/^hello\b/i'
text = "got it, {{sender}}"
"#
    );
    for n in 1..REPLIES {
        chat += &format!(
            "[[chat.ops.reply]]\nquery = 'message:/\\bservice{n}\\b/i -sender:ci{n}'\ntext = \"{n}\"\n"
        );
    }
    chat
}
