//! What commands there are, in words.

use std::path::Path;

use birl_query::nearest;
use birl_watch::Logs;
use birl_watch::config::Error;
use birl_watch::logs::Question;

use super::{Argument, Commands, Does, shortened};
use crate::config::doubts;
use crate::record::MessageRecord;

/// How a command is called.
pub(super) fn usage(prefix: &str, name: &str, arguments: &[Argument]) -> String {
    let mut usage = format!("{prefix}{name}");
    for argument in arguments {
        usage += &format!(" {argument}");
    }
    usage
}

impl Commands {
    /// Plans what can be asked, of `logs`, and says what that is and who may, for whoever runs the bot.
    ///
    /// # Errors
    ///
    /// Fails at the first query of `file` that cannot be asked.
    pub(crate) async fn check(&self, file: &Path, logs: &Logs) -> Result<String, Error> {
        let mut words = String::new();
        for command in &self.own {
            let usage = usage(&self.prefix, &command.name, &command.arguments);
            words += &format!("  takes   {usage} (for {})\n", command.allow);
            match &command.does {
                Does::Ask {
                    query,
                    typed,
                    sources,
                    budget,
                    line,
                } => {
                    let shown = typed.replace('\n', " ");
                    words += &format!("  asks    {shown}, of {}\n", sources.join(", "));
                    let question = Question {
                        query: query.sample(),
                        sources: sources.clone(),
                        budget: *budget,
                    };
                    let checked = logs.check(&question).await.map_err(|why| {
                        let what = format!("the command {:?}: {why}", command.name);
                        Error::at_line(file, *line, what)
                    });
                    for doubt in checked? {
                        words += &format!("  but     {doubt}\n");
                    }
                }
                Does::Say(text) => {
                    words += &format!("  says    {text}\n");
                    let names = command.arguments.iter().map(|it| it.name.as_str());
                    words += &doubts(text, &names.collect::<Vec<_>>());
                }
            }
        }
        if let Some(asking) = &self.builtins.asking {
            let question = Question {
                query: "*".to_owned(),
                sources: asking.sources.clone(),
                budget: asking.budget,
            };
            let checked = logs.check(&question).await;
            checked.map_err(|why| Error::at_line(file, asking.line, format!("ask: {why}")))?;
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
        Ok(words)
    }

    /// The commands that whoever asks may use; or how the command `about` is called.
    pub(super) fn help(&self, about: &str, record: &MessageRecord) -> String {
        let prefix = &self.prefix;
        let about = about.strip_prefix(prefix.as_str()).unwrap_or(about);
        let about = about.to_lowercase();
        if !about.is_empty() {
            return self.help_about(&about, record);
        }
        let own = self.own.iter().filter(|command| command.allow.has(record));
        let own = own.map(|command| {
            let usage = usage(prefix, &command.name, &command.arguments);
            (usage, command.help.as_str())
        });
        let builtins = self.builtins.all();
        let builtins = builtins.filter(|builtin| self.builtins.allow(*builtin).has(record));
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

    fn help_about(&self, name: &str, record: &MessageRecord) -> String {
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
            let names = self.names_for(record);
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
        match allow.has(record) {
            true => format!("usage: {usage}{help} (for {allow})"),
            false => format!("usage: {usage}{help} (not for you here)"),
        }
    }
}
