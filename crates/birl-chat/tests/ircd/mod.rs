//! InspIRCd, where it is installed, and a person who talks there.

use std::io::{BufRead as _, BufReader as StdBufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// Where Debian puts the modules.
const MODULES: &str = "/usr/lib/inspircd/modules";

/// A server, which ends with the test.
pub(crate) struct Ircd {
    process: Child,
    directory: TempDir,
    pub(crate) tcp: u16,
    pub(crate) tls: u16,
    pub(crate) ws: u16,
    pub(crate) wss: u16,
}

/// How a server is configured.
#[derive(Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) echo_message: bool,
    pub(crate) limits: Limits,
    /// `text`, `binary` or `reject`.
    pub(crate) mode: &'static str,
}

/// How much a server bears.
#[derive(Clone, Copy)]
pub(crate) enum Limits {
    /// Whatever comes.
    None,
    /// As Debian ships it: who is too quick is slowed down, until too much waits.
    Shipped,
    /// The same, and who is too quick is thrown out ("Excess Flood").
    Killing,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            echo_message: false,
            limits: Limits::None,
            mode: "text",
        }
    }
}

impl Ircd {
    /// Starts one; `None` where there is none, which is said.
    #[expect(clippy::print_stderr, reason = "it says why a test is skipped")]
    pub(crate) fn start(setup: Setup) -> Option<Self> {
        let program = ["/usr/sbin/inspircd", "/usr/bin/inspircd"]
            .into_iter()
            .find(|program| Path::new(program).exists() && Path::new(MODULES).exists());
        let Some(program) = program else {
            eprintln!("skipped: InspIRCd is not installed (apt-get install inspircd)");
            return None;
        };
        let directory = tempfile::tempdir().unwrap();
        certify(directory.path());
        let ports = free_ports();
        let config = config(setup, directory.path(), ports);
        std::fs::write(directory.path().join("ircd.conf"), config).unwrap();
        let process = launch(program, directory.path());
        let [tcp, tls, ws, wss] = ports;
        Some(Self {
            process,
            directory,
            tcp,
            tls,
            ws,
            wss,
        })
    }

    /// The certificate that vouches for it.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.directory.path().join("cert.pem")
    }

    /// Ends it without a word, and starts it anew at the same ports.
    pub(crate) fn kill_and_restart(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        let program = ["/usr/sbin/inspircd", "/usr/bin/inspircd"]
            .into_iter()
            .find(|program| Path::new(program).exists());
        self.process = launch(program.unwrap(), self.directory.path());
    }
}

impl Drop for Ircd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts the server of a directory, and waits until it listens.
fn launch(program: &str, directory: &Path) -> Child {
    let mut process = Command::new(program)
        .arg("--config")
        .arg(directory.join("ircd.conf"))
        // It does not run as root without having been told.
        .args(["--nofork", "--runasroot"])
        .current_dir(directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = StdBufReader::new(process.stdout.take().unwrap()).lines();
    let mut said = Vec::new();
    for line in &mut lines {
        let line = line.unwrap();
        let is_running = line.contains("is now running");
        said.push(line);
        if is_running {
            // What it says later has to go somewhere.
            std::thread::spawn(move || lines.for_each(drop));
            return process;
        }
    }
    let _ = process.wait();
    panic!("InspIRCd ended: {said:#?}");
}

/// Ports that nobody has right now.
fn free_ports() -> [u16; 4] {
    let listeners = [0; 4].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

fn certify(directory: &Path) {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let own = rcgen::generate_simple_self_signed(names).unwrap();
    std::fs::write(directory.join("cert.pem"), own.cert.pem()).unwrap();
    std::fs::write(directory.join("key.pem"), own.signing_key.serialize_pem()).unwrap();
}

fn config(setup: Setup, directory: &Path, [tcp, tls, ws, wss]: [u16; 4]) -> String {
    let at = directory.display();
    let echo_message = match setup.echo_message {
        true => r#"<module name="ircv3_echomessage">"#,
        false => "",
    };
    let shipped = r#"threshold="10" hardsendq="262144" softsendq="8192" recvq="8192""#;
    let limits = match setup.limits {
        Limits::None => {
            r#"threshold="100000" commandrate="1000000" fakelag="off" hardsendq="16M" softsendq="1M" recvq="8M""#
        }
        Limits::Shipped => shipped,
        Limits::Killing => &format!(r#"{shipped} fakelag="no""#),
    };
    let mode = setup.mode;
    format!(
        r##"<config format="xml">
<path datadir="{at}" logdir="{at}" runtimedir="{at}" moduledir="{MODULES}">
<server name="irc.test.local" description="t" network="TestNet" id="0AA">
<admin name="t" nick="t" email="t@test.local">
<module name="sha1"> <module name="websocket"> <module name="ssl_gnutls">
<websocket defaultmode="{mode}">
<wsorigin allow="*">
<sslprofile name="Clients" provider="gnutls" certfile="{at}/cert.pem" keyfile="{at}/key.pem">
<bind address="127.0.0.1" port="{tcp}" type="clients">
<bind address="127.0.0.1" port="{tls}" type="clients" sslprofile="Clients">
<bind address="127.0.0.1" port="{ws}" type="clients" hook="websocket">
<bind address="127.0.0.1" port="{wss}" type="clients" hook="websocket" sslprofile="Clients">
<module name="cap"> <module name="ircv3"> <module name="ircv3_servertime"> <module name="ircv3_msgid">
<module name="ircv3_ctctags"> {echo_message} <module name="ircv3_batch"> <module name="ircv3_labeledresponse">
<module name="chanhistory"> <module name="botmode"> <module name="sajoin">
<chanhistory maxlines="50" bots="yes">
<connect name="main" allow="*" timeout="30" pingfreq="30" {limits} localmax="500" globalmax="500" resolvehostnames="no" useident="no">
<class name="All" commands="*" privs="*" usermodes="*" chanmodes="*">
<type name="NetAdmin" classes="All" vhost="admin.test.local">
<oper name="root" password="secret" host="*@*" type="NetAdmin">
<options defaultbind="ipv4">
<pid file="{at}/ircd.pid">
<log method="file" type="* -USERINPUT -USEROUTPUT" level="default" target="{at}/ircd.log">
"##
    )
}

/// A person who speaks IRC by hand.
pub(crate) struct Person {
    connection: BufReader<TcpStream>,
}

impl Person {
    /// Comes in as `nick`, and into `room`. Those who have no such server yet are waited for.
    pub(crate) async fn enter(ircd: &Ircd, nick: &str, room: &str) -> Self {
        let connection = TcpStream::connect(("127.0.0.1", ircd.tcp)).await.unwrap();
        let connection = BufReader::new(connection);
        let mut person = Self { connection };
        person.say("CAP REQ :server-time").await;
        person.say("CAP END").await;
        person.say(&format!("NICK {nick}")).await;
        person.say(&format!("USER {nick} 0 * :{nick}")).await;
        person.hears(" 422 ").await;
        person.say(&format!("JOIN {room}")).await;
        person.hears(" 366 ").await;
        person
    }

    /// Sends a line.
    pub(crate) async fn say(&mut self, line: &str) {
        let line = format!("{line}\r\n");
        self.connection.write_all(line.as_bytes()).await.unwrap();
    }

    /// The next line, without its tags.
    async fn line(&mut self) -> String {
        let line = self.line_with_tags().await;
        match line.starts_with('@') {
            true => line.split_once(' ').unwrap().1.to_owned(),
            false => line,
        }
    }

    async fn line_with_tags(&mut self) -> String {
        loop {
            let mut line = Vec::new();
            let read = self.connection.read_until(b'\n', &mut line).await.unwrap();
            assert!(read > 0, "the server has ended the connection");
            let line = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
            match line.split_once("PING ") {
                Some((before, token)) if !before.contains(':') => {
                    self.say(&format!("PONG {token}")).await;
                }
                _ => return line,
            }
        }
    }

    /// The next line that has `part` in it, with its tags.
    pub(crate) async fn hears_with_tags(&mut self, part: &str) -> String {
        loop {
            let line = self.line_with_tags().await;
            if line.contains(part) {
                return line;
            }
        }
    }

    /// The next line that has `part` in it; others are passed over.
    pub(crate) async fn hears(&mut self, part: &str) -> String {
        loop {
            let line = self.line().await;
            if line.contains(part) {
                return line;
            }
        }
    }

    /// What `nick` says next in `room`.
    pub(crate) async fn hears_from(&mut self, nick: &str, room: &str) -> String {
        loop {
            let line = self.line().await;
            let Some((source, rest)) = line.split_once(' ') else {
                continue;
            };
            if source.starts_with(&format!(":{nick}!"))
                && let Some(text) = rest.strip_prefix(&format!("PRIVMSG {room} :"))
            {
                return text.to_owned();
            }
        }
    }
}
