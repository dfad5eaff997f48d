//! The manual page, from the definitions of the flags.

use std::io::{self, Write};

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::args::whole_command;

/// Writes the manual page, as roff.
///
/// # Errors
///
/// Fails where `out` does.
pub(crate) fn write_man(out: &mut dyn Write) -> io::Result<()> {
    let command = whole_command();
    let man = Man::new(command.clone());
    man.render_title(out)?;
    man.render_name_section(out)?;
    man.render_synopsis_section(out)?;
    man.render_description_section(out)?;
    man.render_options_section(out)?;
    commands(&command).to_writer(out)?;
    topics(&command).to_writer(out)
}

/// A section of the commands. The one that is made for us names pages that there are not.
fn commands(command: &Command) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["COMMANDS"]);
    for subcommand in command.get_subcommands() {
        let about = subcommand.get_long_about().or(subcommand.get_about());
        let about = about.map(ToString::to_string).unwrap_or_default();
        roff.control("TP", []);
        roff.text([bold(format!("birl {}", subcommand.get_name()))]);
        for (number, paragraph) in about.split("\n\n").enumerate() {
            if number > 0 {
                roff.control("IP", []);
            }
            roff.text([roman(paragraph)]);
        }
    }
    roff
}

/// A section for each topic that the help has after the flags, laid out as it is there.
fn topics(command: &Command) -> Roff {
    let help = command.get_after_long_help();
    let help = help.map(ToString::to_string).unwrap_or_default();
    let mut roff = Roff::new();
    for line in help.lines() {
        match line.strip_suffix(':') {
            Some(heading) if !heading.starts_with(' ') => {
                roff.control("fi", []);
                roff.control("SH", [heading.to_uppercase().as_str()]);
                roff.control("nf", []);
            }
            _ if line.is_empty() => {
                roff.control("sp", []);
            }
            _ => {
                roff.text([roman(line.trim_start())]);
            }
        }
    }
    roff
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::write_man;

    fn page() -> Vec<u8> {
        let mut page = Vec::new();
        write_man(&mut page).unwrap();
        page
    }

    #[test]
    fn the_page_has_the_sections_of_a_manual() {
        let page = String::from_utf8(page()).unwrap();
        let sections: Vec<&str> = page
            .lines()
            .filter_map(|line| line.strip_prefix(".SH "))
            .collect();
        assert_eq!(
            sections,
            [
                "NAME",
                "SYNOPSIS",
                "DESCRIPTION",
                "OPTIONS",
                "SEARCHING",
                "TIME",
                "FOLLOWING",
                "\"WINDOWS OF TIME\"",
                "\"LIVE SOURCES\"",
                "ANSWERS",
                "LOOK",
                "OTHER",
                "COMMANDS",
                "QUERIES",
                "FIELDS",
                "\"TERMS OVER TIME\"",
                "OUTPUTS",
                "\"CONFIGURATION FILE\"",
                "ENVIRONMENT",
                "\"EXIT CODES\"",
                "\"COMMANDS TO COME\"",
            ]
        );
    }

    #[test]
    fn groff_has_nothing_to_say_about_the_page() {
        let groff = Command::new("groff")
            .args(["-man", "-ww", "-z"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        // It is a tool of whoever works on birl, which need not be there.
        let Ok(mut groff) = groff else { return };
        groff.stdin.take().unwrap().write_all(&page()).unwrap();
        let output = groff.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
}
