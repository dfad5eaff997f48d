//! What commands there are, in words.

use birl_query::nearest;

use super::{Argument, Commands, Does, shortened};
use crate::said::Said;

/// How a command is called.
pub(super) fn usage(prefix: &str, name: &str, arguments: &[Argument]) -> String {
    let mut usage = format!("{prefix}{name}");
    for argument in arguments {
        usage += &format!(" {argument}");
    }
    usage
}

impl Commands {
    /// What people can ask for and who may, for whoever runs the bot.
    pub(crate) fn words(&self) -> String {
        let mut words = String::new();
        for command in &self.own {
            let usage = usage(&self.prefix, &command.name, &command.arguments);
            words += &format!("  takes   {usage} (for {})\n", command.allow);
            match &command.does {
                Does::Ask { typed, sources, .. } => {
                    let query = typed.replace('\n', " ");
                    words += &format!("  asks    {query}, of {}\n", sources.join(", "));
                }
                Does::Say(text) => words += &format!("  says    {text}\n"),
            }
        }
        if let Some(asking) = &self.builtins.asking {
            words += &format!(
                "  takes   {}ask <query>, of {}\n",
                self.prefix,
                asking.sources.join(", ")
            );
        }
        let mut by: Vec<(String, Vec<String>)> = Vec::new();
        for builtin in self.builtins.all() {
            let (name, allow) = (builtin.name(), self.builtins.allow(builtin).to_string());
            let name = format!("{}{name}", self.prefix);
            match by.iter_mut().find(|(before, _)| *before == allow) {
                Some((_, names)) => names.push(name),
                None => by.push((allow, vec![name])),
            }
        }
        for (allow, names) in by {
            words += &format!("  takes   {} (for {allow})\n", names.join(" "));
        }
        words
    }

    /// The commands that whoever asks may use; or how the command `about` is called.
    pub(super) fn help(&self, about: &str, said: &Said) -> String {
        let prefix = &self.prefix;
        let about = about.strip_prefix(prefix.as_str()).unwrap_or(about);
        let about = about.to_lowercase();
        if !about.is_empty() {
            return self.help_about(&about, said);
        }
        let own = self.own.iter().filter(|command| command.allow.has(said));
        let own = own.map(|command| {
            let usage = usage(prefix, &command.name, &command.arguments);
            (usage, command.help.as_str())
        });
        let builtins = self.builtins.all();
        let builtins = builtins.filter(|builtin| self.builtins.allow(*builtin).has(said));
        let names = builtins.map(|builtin| format!("{prefix}{}", builtin.name()));
        let names: Vec<_> = names.collect();
        // No line is one that another bot would take for a command.
        let mut lines: Vec<String> = own
            .map(|(usage, help)| match help {
                "" => format!("- {usage}"),
                help => format!("- {usage}: {help}"),
            })
            .collect();
        lines.push(format!(
            "- {} ({prefix}help <command> says more)",
            names.join(" ")
        ));
        lines.join("\n")
    }

    fn help_about(&self, name: &str, said: &Said) -> String {
        let prefix = &self.prefix;
        let (usage, help, allow) = if let Some(command) = self.own.iter().find(|it| it.name == name)
        {
            let usage = usage(prefix, &command.name, &command.arguments);
            (usage, command.help.as_str(), command.allow.clone())
        } else if let Some(builtin) = self.builtins.named(name) {
            let usage = format!("{prefix}{name} {}", builtin.arguments());
            let allow = self.builtins.allow(builtin);
            (usage.trim_end().to_owned(), builtin.help(), allow)
        } else {
            let names = self.names_for(said);
            let name = shortened(name);
            return match nearest(&name, names.iter().map(String::as_str)) {
                Some(meant) => format!("there is no {prefix}{name}; did you mean {prefix}{meant}?"),
                None => format!("there is no {prefix}{name}"),
            };
        };
        let help = match help {
            "" => String::new(),
            help => format!(": {help}"),
        };
        match allow.has(said) {
            true => format!("usage: {usage}{help} (for {allow})"),
            false => format!("usage: {usage}{help} (not for you here)"),
        }
    }
}
