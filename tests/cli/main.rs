//! birl as its users meet it: a command line, files, and what comes out.
//!
//! Most tests are data: see `tests/cases/README.md`. What data cannot say is in the modules below,
//! as functions.

mod acting;
mod addresses;
mod bot;
mod case;
mod chat;
mod content;
mod delivery;
mod diff;
mod documentation;
mod ending;
mod faults;
mod files;
mod kinds;
mod live;
mod loghub;
mod model;
#[path = "../../crates/birl-chat/tests/peer/mod.rs"]
mod peer;
mod pipes;
mod process;
mod reloading;
mod restarts;
mod sandbox;
mod slack;
mod slt;
mod status;
mod terminal;
mod tools;
mod watching;
#[path = "../../crates/birl-chat/tests/workspace/mod.rs"]
mod workspace;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials: Vec<Trial> = Vec::new();
    trials.extend(case::trials());
    trials.extend(model::trials());
    trials.extend(loghub::trials());
    trials.extend(files::trials());
    trials.extend(pipes::trials());
    trials.extend(ending::trials());
    trials.extend(kinds::trials());
    trials.extend(live::trials());
    trials.extend(addresses::trials());
    trials.extend(faults::trials());
    trials.extend(acting::trials());
    trials.extend(bot::trials());
    trials.extend(chat::trials());
    trials.extend(slack::trials());
    trials.extend(reloading::trials());
    trials.extend(status::trials());
    trials.extend(restarts::trials());
    trials.extend(tools::trials());
    trials.extend(watching::trials());
    trials.extend(terminal::trials());
    trials.extend(documentation::trials());
    trials.extend(slt::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}
