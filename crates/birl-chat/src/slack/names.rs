//! What people and rooms are called: events have their ids alone.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::words;
use crate::invited;
use crate::message::Message;
use crate::service::Turn;

/// How long a message waits for names. Then it is passed on with ids.
const PATIENCE: Duration = Duration::from_secs(3);

/// So many names are remembered.
const NAMES_MAX: usize = 20_000;

/// So many messages wait for names.
const HELD_MAX: usize = 1000;

/// Whose name is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Whose {
    User(String),
    Room(String),
}

impl Whose {
    /// The method of the Web API that knows it, with its argument.
    pub(super) fn question(&self) -> (&'static str, &'static str, &str) {
        match self {
            Self::User(id) => ("users.info", "user", id),
            Self::Room(id) => ("conversations.info", "channel", id),
        }
    }

    /// The name in the answer to that.
    fn name(&self, answer: &Value) -> Option<String> {
        let names: &[&str] = match self {
            Self::User(_) => &[
                "/user/profile/display_name",
                "/user/profile/real_name",
                "/user/name",
            ],
            Self::Room(_) => &["/channel/name"],
        };
        let mut names = names
            .iter()
            .filter_map(|name| answer.pointer(name)?.as_str());
        names.find(|name| !name.is_empty()).map(str::to_owned)
    }
}

/// The names that are known, and the messages that wait for others.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// `None` where it is not known, and will not be.
    known: HashMap<Whose, Option<String>>,
    asked: HashMap<u64, Whose>,
    last: u64,
    /// Who we are.
    me: Option<(String, String)>,
    /// The rooms that are listened in: all where there are none.
    rooms: Vec<String>,
    held: VecDeque<Held>,
    /// It has been told that names cannot be asked for.
    has_told: bool,
}

#[derive(Clone, Debug)]
struct Held {
    message: Message,
    user: Option<String>,
    until: Instant,
}

impl Names {
    #[cfg(test)]
    pub(super) fn know(&mut self, whose: Whose, name: &str) {
        self.known.insert(whose, Some(name.to_owned()));
    }

    /// Our own id and name.
    pub(super) fn be(&mut self, id: String, name: String) {
        self.me = Some((id, name));
    }

    /// Passes on what is said in these rooms alone, if there are any.
    pub(super) fn listen(&mut self, rooms: &[String]) {
        self.rooms = rooms.to_vec();
    }

    /// Names may be others by now. Those that could not be asked for are asked for again.
    pub(super) fn forget(&mut self) {
        self.known.clear();
        self.has_told = false;
    }

    pub(super) fn user(&self, id: &str) -> Option<&str> {
        if let Some((_, name)) = self.me.as_ref().filter(|(me, _)| me == id) {
            return Some(name);
        }
        self.known.get(&Whose::User(id.to_owned()))?.as_deref()
    }

    pub(super) fn room(&self, id: &str) -> Option<&str> {
        self.known.get(&Whose::Room(id.to_owned()))?.as_deref()
    }

    /// The id of a room, `#name`, or of a person, where it is known.
    pub(super) fn id(&self, name: &str) -> Option<String> {
        let room = name.strip_prefix('#');
        self.known.iter().find_map(|(whose, known)| {
            let known = known.as_deref()?;
            match whose {
                Whose::Room(id) if room == Some(known) => Some(id.clone()),
                Whose::User(id) if name.trim_start_matches('@') == known => Some(id.clone()),
                _ => None,
            }
        })
    }

    /// Holds a message until its names are known; gives those that have to be asked for. Its room is the
    /// id of a channel.
    pub(super) fn hold(
        &mut self,
        message: Message,
        user: Option<String>,
        turn: &Turn,
    ) -> Vec<(u64, Whose)> {
        if self.held.len() == HELD_MAX
            && let Some(oldest) = self.held.front_mut()
        {
            oldest.until = turn.now();
        }
        if self.known.len() > NAMES_MAX {
            self.known.clear();
        }
        let mut wanted = Vec::new();
        wanted.extend(user.clone().map(Whose::User));
        if !message.is_private {
            wanted.push(Whose::Room(message.room.clone()));
        }
        self.held.push_back(Held {
            message,
            user,
            until: turn.now() + PATIENCE,
        });
        let is_new = |whose: &Whose| {
            !self.known.contains_key(whose) && !self.asked.values().any(|asked| asked == whose)
        };
        wanted.retain(is_new);
        let asked = wanted.into_iter().map(|whose| {
            self.last += 1;
            self.asked.insert(self.last, whose.clone());
            (self.last, whose)
        });
        asked.collect()
    }

    /// A name is known, or will not be.
    pub(super) fn answered(&mut self, number: u64, answer: Result<Value, String>, turn: &mut Turn) {
        let Some(whose) = self.asked.remove(&number) else {
            return;
        };
        match answer {
            Ok(answer) => {
                let name = whose.name(&answer);
                self.known.insert(whose, name);
            }
            Err(why) => {
                if !std::mem::replace(&mut self.has_told, true) {
                    let (method, _, id) = whose.question();
                    turn.tell(format!("no name for {id}: {method}: {why}"));
                }
                self.known.insert(whose, None);
            }
        }
        self.release(turn);
    }

    /// Passes on what waits for nothing any more: of each room in order.
    pub(super) fn release(&mut self, turn: &mut Turn) {
        let mut waiting = HashSet::new();
        for held in std::mem::take(&mut self.held) {
            let is_due = held.until <= turn.now() || self.has_names(&held);
            match is_due && !waiting.contains(&held.message.room) {
                true => self.pass(held, turn),
                false => {
                    waiting.insert(held.message.room.clone());
                    self.held.push_back(held);
                }
            }
        }
        self.wake_later(turn);
    }

    pub(super) fn wake_later(&self, turn: &mut Turn) {
        turn.wake_at(self.held.iter().map(|held| held.until).min());
    }

    fn has_names(&self, held: &Held) -> bool {
        let knows = |whose: Whose| self.known.contains_key(&whose);
        let knows_user = held
            .user
            .as_ref()
            .is_none_or(|user| knows(Whose::User(user.clone())));
        let room = &held.message.room;
        knows_user && (held.message.is_private || knows(Whose::Room(room.clone())))
    }

    fn pass(&self, held: Held, turn: &mut Turn) {
        let mut message = held.message;
        if let Some(name) = held.user.as_deref().and_then(|user| self.user(user)) {
            message.sender = name.to_owned();
        }
        let id = std::mem::take(&mut message.room);
        let name = self.room(&id);
        if !message.is_private && !invited::is_listened_in(&self.rooms, &id, name) {
            return;
        }
        message.room = match name {
            _ if message.is_private => message.sender.clone(),
            Some(name) => format!("#{name}"),
            None => id,
        };
        message.text = words::plain(&message.text, self);
        turn.pass(message);
    }
}
