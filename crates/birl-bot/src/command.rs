//! Commands: what people in a room can ask for, and who may.
//!
//! - `call`: what is typed;
//! - [`argument`]: what each argument is;
//! - [`allow`]: who may;
//! - [`builtin`]: the commands that every chat has;
//! - `help`: what there is, in words.

pub mod allow;
pub mod argument;
pub mod builtin;
mod call;
mod help;

use birl_query::bound;
use birl_query::nearest;
use birl_watch::logs::{Budget, Question};
use birl_watch::template::Template;

pub use allow::Allow;
pub use argument::Argument;
pub use builtin::{Builtin, Builtins};
pub use call::Call;

use crate::record::MessageRecord;

/// A longer query is none that a person would type into a room, in bytes.
const QUERY_BYTES_MAX: usize = 4000;
/// So many characters of what somebody has typed are said again.
const SHOWN_CHARS_MAX: usize = 60;

/// What somebody has typed, as it is said again.
fn shortened(typed: &str) -> String {
    let shown = typed.chars().take(SHOWN_CHARS_MAX);
    let mut shown: String = shown.filter(|letter| !letter.is_control()).collect();
    if typed.chars().nth(SHOWN_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}

/// A command of the configuration.
#[derive(Clone, Debug)]
pub struct Command {
    /// Its name: letters, digits, `-` and `_`, in lower case.
    pub name: String,
    /// What it is for.
    pub help: String,
    /// Its arguments, in the order in which they are typed.
    pub arguments: Vec<Argument>,
    /// What it does.
    pub does: Does,
    /// Who may use it.
    pub allow: Allow,
}

/// What a command does.
#[derive(Clone, Debug)]
pub enum Does {
    /// Asks logs.
    Ask {
        /// The query, with places for the arguments.
        query: bound::Template,
        /// The same as it stands in the configuration.
        typed: String,
        /// The names of the sources.
        sources: Vec<String>,
        /// What an answer may cost.
        budget: Budget,
        /// Where the query stands in the file.
        line: usize,
    },
    /// Says something, in which the arguments and the fields of the message have places.
    Say(Template),
}

/// All commands of a chat.
#[derive(Clone, Debug)]
pub struct Commands {
    /// What stands before the name of a command.
    pub prefix: String,
    /// Those of the configuration.
    pub own: Vec<Command>,
    /// Those that every chat has.
    pub builtins: Builtins,
}

/// What is to be done for somebody.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// This is to be said.
    Say(String),
    /// This is to be asked.
    Ask(Question),
    /// What a built-in command does, with what stands behind its name.
    Builtin(Builtin, String),
    /// Why a rule or an alert is as it is; with its records only where the configuration says who may.
    Why {
        /// The rule or the alert.
        about: String,
        /// Whether records are shown.
        with_records: bool,
    },
}

impl Commands {
    /// What a message asks for; `None` where it calls no command, or, in a room where there may be other
    /// bots, none that is like one of ours.
    pub fn task(&self, record: &MessageRecord) -> Option<Task> {
        let call = self.call(record)?;
        let task = if let Some(command) = self.own.iter().find(|it| it.name == call.name) {
            self.own_task(command, &call, record)
        } else if let Some(builtin) = self.builtins.named(&call.name) {
            self.builtin_task(builtin, call, record)
        } else {
            let prefix = &self.prefix;
            let known = self.names_for(record);
            let meant = nearest(&call.name, known.iter().map(String::as_str));
            let name = shortened(&call.name);
            match (meant, record.is_private) {
                (Some(meant), _) => Err(format!(
                    "there is no {prefix}{name}; did you mean {prefix}{meant}?"
                )),
                (None, true) => Err(format!(
                    "there is no {prefix}{name}; {prefix}help lists what there is"
                )),
                (None, false) => return None,
            }
        };
        Some(task.unwrap_or_else(Task::Say))
    }

    /// The command that a message calls, by the prefix or by our name.
    fn call(&self, record: &MessageRecord) -> Option<Call> {
        if let Some(call) = Call::of(&record.message, &self.prefix) {
            return Some(call);
        }
        let is_known = |call: &Call| {
            self.own.iter().any(|it| it.name == call.name)
                || self.builtins.named(&call.name).is_some()
        };
        let named = record.me.as_deref().and_then(|me| {
            let (call, is_sure) = Call::by_name(&record.message, me, &self.prefix)?;
            // "birl is great" is no call, nor wrong.
            (is_sure || is_known(&call)).then_some(call)
        });
        named.or_else(|| {
            // Whoever talks to us alone need not say to whom.
            let call = record
                .is_private
                .then(|| Call::of(&record.message, ""))
                .flatten();
            call.filter(is_known)
        })
    }

    /// Whether who may use some of them is said by accounts.
    pub fn name_accounts(&self) -> bool {
        let own = self.own.iter().map(|command| &command.allow);
        let mut all = own.chain(self.builtins.allow.values());
        all.any(Allow::names_accounts)
    }

    /// The names of all commands that may be used, those of the configuration first.
    fn names_for(&self, record: &MessageRecord) -> Vec<String> {
        let own = self.own.iter().filter(|command| command.allow.has(record));
        let own = own.map(|command| command.name.clone());
        let builtins = self.builtins.all();
        let builtins = builtins.filter(|builtin| self.builtins.allow(*builtin).has(record));
        own.chain(builtins.map(|it| it.name().to_owned())).collect()
    }

    fn own_task(
        &self,
        command: &Command,
        call: &Call,
        record: &MessageRecord,
    ) -> Result<Task, String> {
        self.check_allowed(&command.name, &command.allow, record)?;
        let values = argument::read(call, &command.arguments).map_err(|why| {
            format!(
                "{why}; {} is how it is called",
                help::usage(&self.prefix, &command.name, &command.arguments)
            )
        })?;
        match &command.does {
            Does::Say(text) => {
                let text = text.fill(|name| match values.get(name) {
                    Some(value) => Some(value.to_string()),
                    None => record.field(name),
                });
                Ok(Task::Say(text))
            }
            Does::Ask {
                query,
                sources,
                budget,
                ..
            } => {
                let query = query.fill(|name| values.get(name).cloned());
                let query = query.map_err(|error| {
                    // Who has typed a value sees no template.
                    let names = command.arguments.iter().map(|it| &it.name);
                    names.fold(error.render(""), |words, name| {
                        words.replace(&format!("{{{name}}}"), name)
                    })
                });
                Ok(Task::Ask(Question {
                    query: query?,
                    sources: sources.clone(),
                    budget: *budget,
                }))
            }
        }
    }

    fn builtin_task(
        &self,
        builtin: Builtin,
        call: Call,
        record: &MessageRecord,
    ) -> Result<Task, String> {
        self.check_allowed(builtin.name(), &self.builtins.allow(builtin), record)?;
        match builtin {
            Builtin::Help => Ok(Task::Say(self.help(&call.rest, record))),
            Builtin::Ask => {
                let Some(asking) = &self.builtins.asking else {
                    unreachable!("it is not known where nothing can be asked");
                };
                if call.rest.is_empty() {
                    let prefix = &self.prefix;
                    return Err(format!(
                        "what is to be asked? {prefix}ask level:error last:15m |> count by service"
                    ));
                }
                if call.rest.len() > QUERY_BYTES_MAX {
                    return Err(format!(
                        "a query of more than {QUERY_BYTES_MAX} bytes is too long"
                    ));
                }
                Ok(Task::Ask(Question {
                    query: call.rest,
                    sources: asking.sources.clone(),
                    budget: asking.budget,
                }))
            }
            Builtin::Why => Ok(Task::Why {
                about: call.rest,
                with_records: self.builtins.allow.contains_key(&Builtin::Why),
            }),
            builtin => Ok(Task::Builtin(builtin, call.rest)),
        }
    }

    fn check_allowed(
        &self,
        name: &str,
        allow: &Allow,
        record: &MessageRecord,
    ) -> Result<(), String> {
        match allow.has(record) {
            true => Ok(()),
            // Who may is not said: where names are no proof, that would be the one to take.
            false => Err(format!(
                "{}: {}{name} is not for you here",
                shortened(&record.sender),
                self.prefix
            )),
        }
    }
}
