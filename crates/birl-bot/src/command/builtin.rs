//! The commands that every chat has.

use std::collections::BTreeMap;

use birl_watch::logs::Budget;

use super::allow::Allow;

/// A command that every chat has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Builtin {
    /// What there is.
    Help,
    /// Any query, where the configuration says of which sources.
    Ask,
    /// What did not fit into the last answer.
    More,
    /// Gives up what is being asked in this room.
    Cancel,
    /// How sources, rules and places are.
    Status,
    /// The alerts that are open.
    Alerts,
    /// Why a rule fires, or does not.
    Why,
    /// Somebody looks after an alert.
    Ack,
    /// Nobody does any more.
    Unack,
    /// Holds alerts back for a time.
    Silence,
    /// The end of that.
    Unsilence,
}

/// All of them, in the order in which they are listed.
pub(super) const ALL: [Builtin; 11] = [
    Builtin::Help,
    Builtin::Ask,
    Builtin::More,
    Builtin::Cancel,
    Builtin::Status,
    Builtin::Alerts,
    Builtin::Why,
    Builtin::Ack,
    Builtin::Unack,
    Builtin::Silence,
    Builtin::Unsilence,
];

/// Which of them there are, and who may use each.
#[derive(Clone, Debug, Default)]
pub struct Builtins {
    /// What [`Builtin::Ask`] asks; there is none without it.
    pub asking: Option<Asking>,
    /// Whether the configuration has commands.
    pub has_own: bool,
    /// Whether one of them asks logs.
    pub own_ask: bool,
    /// Whether there are rules, of which one can be asked.
    pub has_rules: bool,
    /// Who may use them, where it is not who may by default.
    pub allow: BTreeMap<Builtin, Allow>,
}

/// What may be asked by any query.
#[derive(Clone, Debug)]
pub struct Asking {
    /// The names of the sources.
    pub sources: Vec<String>,
    /// What an answer may cost.
    pub budget: Budget,
    /// Where that stands in the file.
    pub line: usize,
}

impl Builtin {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Help => "help",
            Self::Ask => "ask",
            Self::More => "more",
            Self::Cancel => "cancel",
            Self::Status => "status",
            Self::Alerts => "alerts",
            Self::Why => "why",
            Self::Ack => "ack",
            Self::Unack => "unack",
            Self::Silence => "silence",
            Self::Unsilence => "unsilence",
        }
    }

    /// The one that is called so.
    pub fn parse(name: &str) -> Option<Self> {
        ALL.into_iter().find(|builtin| builtin.name() == name)
    }

    /// How it is called, without its name.
    pub(super) fn arguments(self) -> &'static str {
        match self {
            Self::Help => "[command]",
            Self::Ask => "<query>",
            Self::More | Self::Cancel | Self::Status | Self::Alerts => "",
            Self::Why => "<rule or alert>",
            Self::Ack => "<alert> [comment]",
            Self::Unack => "<alert>",
            Self::Silence => "<rule> [field=value ...] <how long> [comment]",
            Self::Unsilence => "<number>",
        }
    }

    /// What it is for.
    pub(super) fn help(self) -> &'static str {
        match self {
            Self::Help => "what there is, or how a command is called",
            Self::Ask => "any query",
            Self::More => "what did not fit into the last answer",
            Self::Cancel => "gives up what is being asked",
            Self::Status => "how sources, rules and places are",
            Self::Alerts => "the alerts that are open, and the silences",
            Self::Why => "why a rule fires, or does not",
            Self::Ack => "you look after an alert: it is not told again until it is over",
            Self::Unack => "nobody looks after an alert any more",
            Self::Silence => "holds alerts back for a time; * is any rule",
            Self::Unsilence => "ends a silence",
        }
    }

    /// Whether it is about rules.
    pub fn needs_rules(self) -> bool {
        self.changes() || matches!(self, Self::Status | Self::Alerts | Self::Why)
    }

    /// Whether it changes what rules do.
    pub fn changes(self) -> bool {
        matches!(
            self,
            Self::Ack | Self::Unack | Self::Silence | Self::Unsilence
        )
    }
}

impl Builtins {
    /// Those that there are.
    pub fn all(&self) -> impl Iterator<Item = Builtin> {
        ALL.into_iter().filter(|builtin| self.has(*builtin))
    }

    /// The one that is called so, if there is one.
    pub(super) fn named(&self, name: &str) -> Option<Builtin> {
        Builtin::parse(name).filter(|builtin| self.has(*builtin))
    }

    fn has(&self, builtin: Builtin) -> bool {
        match builtin {
            Builtin::Ask => self.asking.is_some(),
            Builtin::Cancel => self.asking.is_some() || self.own_ask,
            // A bot that has no commands does not answer for others.
            Builtin::Help | Builtin::More => {
                self.asking.is_some() || self.has_own || self.has_rules
            }
            _ => self.has_rules,
        }
    }

    /// Who may use it: as the configuration says; else nobody where it changes what rules do, and anybody in
    /// a room where it does not. Who may do something may also undo it.
    pub fn allow(&self, builtin: Builtin) -> Allow {
        let also = match builtin {
            Builtin::Unack => Some(Builtin::Ack),
            Builtin::Unsilence => Some(Builtin::Silence),
            _ => None,
        };
        let given = [Some(builtin), also].into_iter().flatten();
        let given = given.filter_map(|builtin| self.allow.get(&builtin)).next();
        match (given, builtin) {
            (Some(given), _) => given.clone(),
            // They say nothing that is not meant for whoever asks, and end nothing of others.
            (None, Builtin::Help | Builtin::More | Builtin::Cancel) => Allow::anybody(),
            (None, builtin) if builtin.changes() => Allow::nobody(),
            (None, _) => Allow::in_rooms(),
        }
    }
}
