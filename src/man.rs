//! The manual page, from the definitions of the flags.

use std::io::{self, Write};

use clap_mangen::Man;

use crate::args::whole_command;

/// Writes the manual page, as roff.
///
/// # Errors
///
/// Fails where `out` does.
pub(crate) fn write_man(out: &mut dyn Write) -> io::Result<()> {
    Man::new(whole_command()).render(out)
}
