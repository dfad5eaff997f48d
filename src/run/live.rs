//! `birl run` over what comes: signals, logs, and what systemd and `birl status` are told.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use birl_watch::control::{self, Control, Requests};
use birl_watch::run::{Command, Options, run};
use birl_watch::status::{Metrics, Socket, Status, paths};
use birl_watch::{Config, Surroundings};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tracing::warn;

use crate::config::Environment;

/// How long the end may take. systemd kills after 90 seconds, unless it is told otherwise.
const DEADLINE: Duration = Duration::from_secs(20);

/// How the rules are, which is kept up to date as they run, and what people ask of them.
pub(super) struct Watch {
    status: watch::Sender<Status>,
    requests: Requests,
    control: Control,
}

/// What is to be watched, and the handle by which others ask it.
pub(super) fn prepare(environment: &Environment) -> (Watch, Control) {
    let status = watch::Sender::new(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        process: std::process::id(),
        since: environment.now,
        at: environment.now,
        ..Status::default()
    });
    let (control, requests) = control::channel(status.subscribe());
    let watch = Watch {
        status,
        requests,
        control: control.clone(),
    };
    (watch, control)
}

/// Runs the rules until a signal ends them.
///
/// # Errors
///
/// Fails where they cannot begin.
pub(super) async fn watch(
    watch: Watch,
    config: Config,
    around: Surroundings,
    environment: &Environment,
) -> Result<()> {
    let Watch {
        status,
        requests,
        control,
    } = watch;
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(environment.stderr_is_terminal)
        .with_target(false)
        .init();
    let (sender, commands) = mpsc::channel(4);
    tokio::spawn(signals(sender)?);
    let state = state_file(&config, environment);
    let state = state.ok_or_else(|| {
        anyhow!(
            "there is no directory for the state\n\n\
             hint: say where it is: state = \"/var/lib/birl/state.db\""
        )
    })?;
    let metrics = match &config.metrics {
        Some(address) => Some(Metrics::bind(*address, status.subscribe()).await?),
        None => None,
    };
    let socket = match (&config.status, paths(environment.variable).first()) {
        (Some(path), _) => Some(Socket::bind(path, control)?),
        // Who cannot be asked can still watch.
        (None, Some(path)) => Socket::bind(path, control)
            .inspect_err(|error| warn!(%error, "birl status will find nothing"))
            .ok(),
        (None, None) => None,
    };
    let options = Options {
        state,
        deadline: DEADLINE,
    };
    let variable = environment.variable;
    let ready = || notify(variable("NOTIFY_SOCKET").map(PathBuf::from), "READY=1");
    run(config, around, options, status, commands, requests, ready).await?;
    drop((metrics, socket));
    Ok(())
}

/// Where the state is: as the file says, or as systemd has it, or the XDG base directory specification.
pub(super) fn state_file(config: &Config, environment: &Environment) -> Option<PathBuf> {
    if let Some(state) = &config.state {
        return Some(state.clone());
    }
    let variable = |name: &str| {
        let path = PathBuf::from((environment.variable)(name)?);
        path.is_absolute().then_some(path)
    };
    // systemd may name several, with colons between them.
    let service = (environment.variable)("STATE_DIRECTORY").and_then(|list| {
        let first = list.as_bytes().split(|byte| *byte == b':').next()?;
        let first = PathBuf::from(std::ffi::OsStr::from_bytes(first));
        first.is_absolute().then(|| first.join("state.db"))
    });
    let user = || variable("XDG_STATE_HOME").map(|state| state.join("birl/state.db"));
    let home = || variable("HOME").map(|home| home.join(".local/state/birl/state.db"));
    service.or_else(user).or_else(home)
}

/// What signals ask for. It listens at once, and what it gives is to be run.
fn signals(sender: mpsc::Sender<Command>) -> Result<impl Future<Output = ()> + Send> {
    let listen = |kind| signal(kind).context("cannot listen for signals");
    let mut reload = listen(SignalKind::hangup())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    Ok(async move {
        let mut is_stopping = false;
        loop {
            let command = tokio::select! {
                _ = reload.recv() => Command::Reload,
                _ = terminate.recv() => Command::Stop,
                _ = interrupt.recv() => Command::Stop,
            };
            if command == Command::Stop {
                // Who asks twice does not wait.
                if std::mem::replace(&mut is_stopping, true) {
                    std::process::exit(130);
                }
                notify(
                    std::env::var_os("NOTIFY_SOCKET").map(PathBuf::from),
                    "STOPPING=1",
                );
            }
            if sender.send(command).await.is_err() {
                return;
            }
        }
    })
}

/// Tells systemd how things are, where it has asked for that (sd_notify(3)).
fn notify(socket: Option<PathBuf>, state: &str) {
    let Some(path) = socket else { return };
    let sent = UnixDatagram::unbound().and_then(|socket| match path.as_os_str().as_bytes() {
        #[cfg(target_os = "linux")]
        [b'@', name @ ..] => {
            use std::os::linux::net::SocketAddrExt;
            let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
            socket.send_to_addr(state.as_bytes(), &address)
        }
        _ => socket.send_to(state.as_bytes(), &path),
    });
    if let Err(error) = sent {
        warn!(%error, "systemd cannot be told {state}");
    }
}
