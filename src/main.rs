//! birl
mod args;
mod completions;
mod config;
mod man;
mod pager;
mod progress;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::args::Invocation;
use crate::config::Environment;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "birl: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<()> {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let environment = Environment::of_process();
    let mut out = io::stdout();
    match args::parse(&arguments, &environment)? {
        Invocation::Print(text) => out.write_all(text.as_bytes())?,
        Invocation::Completions(shell) => completions::write_completions(shell, &mut out)?,
        Invocation::Man => man::write_man(&mut out)?,
        Invocation::Search(args) => {
            config::resolve(&args, &environment)?;
            bail!("there is no search yet");
        }
    }
    Ok(())
}
