//! Completions for shells, from the definitions of the flags.

use std::io::{self, Write};

use clap_complete::Shell;

use crate::args::whole_command;

/// Writes the completions for `shell`.
///
/// # Errors
///
/// Fails where `out` does.
pub(crate) fn write_completions(shell: Shell, out: &mut dyn Write) -> io::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut whole_command(), "birl", &mut script);
    out.write_all(&script)
}
