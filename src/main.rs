//! birl finds lines in logs of any size, and keeps asking as they grow.

mod alerts;
mod answer;
mod args;
mod ask;
mod chat;
mod completions;
mod config;
mod formats;
mod interrupt;
mod man;
mod messages;
mod own_formats;
mod pager;
mod progress;
mod prompt;
mod run;
mod search;
mod slips;
mod stats;
mod status;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context as _, Result};

use crate::args::Invocation;
use crate::config::Environment;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            // Nobody is left to be told that standard error is closed.
            let _ = writeln!(io::stderr(), "birl: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<ExitCode> {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let environment = Environment::of_process();
    let mut out = io::stdout();
    let written = match args::parse(&arguments, &environment)? {
        Invocation::Print(text) => out.write_all(text.as_bytes()),
        Invocation::Completions(shell) => completions::write_completions(shell, &mut out),
        Invocation::Formats(files) => {
            let known = own_formats::load(environment.formats_directory().as_deref())?;
            match files.is_empty() {
                true => formats::list(&known, &mut out),
                false => return formats::describe(&files, &known, &mut out),
            }
        }
        Invocation::Chat(args) => return chat::run(&args, &environment),
        Invocation::Run(args) => return run::run(&args, &environment),
        Invocation::Alerts(asked) => return alerts::ask(&asked, &environment, &mut out),
        Invocation::Status(args) => status::print(&args, &environment, &mut out)?,
        Invocation::Man => man::write_man(&mut out),
        Invocation::Search(args) => return search::run(&config::resolve(&args, &environment)?),
    };
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        written => written.context("cannot write to standard output")?,
    }
    Ok(ExitCode::SUCCESS)
}
