//! What people and rooms are called: events have their ids alone.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::words;
use crate::invited;
use crate::lanes::LATER_MAX;
use crate::message::Message;
use crate::service::Turn;

/// How long a message waits for names. Then it is passed on with ids.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long a message waits for the name of its room, where that decides whether it is listened in: whoever has
/// said it does not wait for longer.
const ROOM_PATIENCE: Duration = Duration::from_secs(600);

/// A name that could not be told is not asked for again before.
const AGAIN_AFTER: Duration = Duration::from_secs(30);

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

/// Why a name is not known.
#[derive(Debug)]
pub(super) struct Untold {
    pub(super) why: String,
    /// It may be told later, after so long.
    pub(super) later: Option<Duration>,
}

/// The names that are known, and the messages that wait for others.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// `None` where it is not known, and will not be.
    known: HashMap<Whose, Option<String>>,
    /// Those that could not be told, and when they may be asked for again.
    later: HashMap<Whose, Instant>,
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
    /// The same where it is not known yet whether its room is listened in.
    room_until: Instant,
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

    /// What we are called.
    pub(super) fn me(&self) -> Option<&str> {
        self.me.as_ref().map(|(_, name)| name.as_str())
    }

    /// Passes on what is said in these rooms alone, if there are any.
    pub(super) fn listen(&mut self, rooms: &[String]) {
        self.rooms = rooms.to_vec();
    }

    /// Names may be others by now. Those that are not known are asked for again.
    pub(super) fn forget(&mut self) {
        self.known.clear();
        self.later.clear();
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

    /// Holds a message until its names are known. Its room is the id of a channel.
    pub(super) fn hold(&mut self, message: Message, user: Option<String>, turn: &Turn) {
        if self.held.len() == HELD_MAX
            && let Some(oldest) = self.held.front_mut()
        {
            oldest.until = turn.now();
            oldest.room_until = turn.now();
        }
        if self.known.len() > NAMES_MAX {
            self.known.clear();
        }
        self.held.push_back(Held {
            message,
            user,
            until: turn.now() + PATIENCE,
            room_until: turn.now() + ROOM_PATIENCE,
        });
    }

    /// The names that messages wait for, and that have to be asked for now.
    pub(super) fn questions(&mut self, turn: &Turn) -> Vec<(u64, Whose)> {
        self.later.retain(|_, until| *until > turn.now());
        let mut wanted: Vec<Whose> = Vec::new();
        for held in &self.held {
            let user = held.user.clone().map(Whose::User);
            let is_public = !held.message.is_private;
            let room = is_public.then(|| Whose::Room(held.message.room.clone()));
            for whose in user.into_iter().chain(room) {
                let is_asked = self.asked.values().chain(&wanted).any(|it| *it == whose);
                if !is_asked && !self.is_settled(&whose) {
                    wanted.push(whose);
                }
            }
        }
        let asked = wanted.into_iter().map(|whose| {
            self.last += 1;
            self.asked.insert(self.last, whose.clone());
            (self.last, whose)
        });
        asked.collect()
    }

    /// A name is known, or is not.
    pub(super) fn answered(&mut self, number: u64, answer: Result<Value, Untold>, turn: &mut Turn) {
        let Some(whose) = self.asked.remove(&number) else {
            return;
        };
        match answer {
            Ok(answer) => {
                let name = whose.name(&answer);
                self.known.insert(whose, name);
            }
            Err(Untold { why, later }) => {
                if !std::mem::replace(&mut self.has_told, true) {
                    let (method, _, id) = whose.question();
                    turn.tell(format!("no name for {id}: {method}: {why}"));
                }
                match later {
                    Some(after) => {
                        let until = turn.now() + after.clamp(AGAIN_AFTER, LATER_MAX);
                        self.later.insert(whose, until);
                    }
                    None => {
                        self.known.insert(whose, None);
                    }
                }
            }
        }
        self.release(turn);
    }

    /// Passes on what waits for nothing any more: of each room in order.
    pub(super) fn release(&mut self, turn: &mut Turn) {
        let mut waiting = HashSet::new();
        for held in std::mem::take(&mut self.held) {
            let is_due = match self.awaits_room(&held) {
                true => held.room_until <= turn.now(),
                false => held.until <= turn.now() || self.has_names(&held),
            };
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
        let due = |held: &Held| {
            if !self.awaits_room(held) {
                return held.until;
            }
            // Then it is asked for again.
            let again = self.later.get(&Whose::Room(held.message.room.clone()));
            again.map_or(held.room_until, |again| held.room_until.min(*again))
        };
        turn.wake_at(self.held.iter().map(due).min());
    }

    /// Whether a message is in a room of which it cannot be said yet whether it is listened in.
    fn awaits_room(&self, held: &Held) -> bool {
        let room = &held.message.room;
        !held.message.is_private
            && !self.known.contains_key(&Whose::Room(room.clone()))
            && !invited::is_listened_in(&self.rooms, room, None)
    }

    /// Whether a name is known, will not be, or is not asked for now.
    fn is_settled(&self, whose: &Whose) -> bool {
        self.known.contains_key(whose) || self.later.contains_key(whose)
    }

    fn has_names(&self, held: &Held) -> bool {
        let knows = |whose: Whose| self.is_settled(&whose);
        let knows_user = held
            .user
            .as_ref()
            .is_none_or(|user| knows(Whose::User(user.clone())));
        let room = &held.message.room;
        knows_user && (held.message.is_private || knows(Whose::Room(room.clone())))
    }

    fn pass(&mut self, held: Held, turn: &mut Turn) {
        if self.awaits_room(&held) {
            let id = &held.message.room;
            turn.tell(format!(
                "what was said in {id} is left out: its name is not told"
            ));
            // It is not told of each message, nor does the next one wait.
            self.known.insert(Whose::Room(id.clone()), None);
            return;
        }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_name_that_is_told_later_is_asked_for_again() {
        let token = || "env:TOKEN".parse().unwrap();
        let chat = crate::connect(crate::Slack::new(token(), token()));
        let mut turn = Turn::new(chat.handle().clone());
        let mut names = Names::default();
        names.listen(&["#ops".to_owned()]);
        let said = |names: &mut Names, text: &str, turn: &Turn| {
            let mut message = Message::new(chat.handle().clone(), Default::default());
            message.room = "C1".to_owned();
            message.text = text.to_owned();
            names.hold(message, None, turn);
            names.questions(turn)
        };
        let untold = |later| {
            let why = "no".to_owned();
            Err(Untold { why, later })
        };
        let asked = said(&mut names, "1", &turn);
        let wanted = Whose::Room("C1".to_owned());
        assert_eq!(asked, [(1, wanted.clone())]);
        names.answered(1, untold(Some(Duration::ZERO)), &mut turn);
        // Until then, nobody is asked.
        assert_eq!(said(&mut names, "2", &turn), []);
        tokio::time::advance(2 * PATIENCE).await;
        turn.begins();
        names.release(&mut turn);
        assert!(turn.messages.is_empty(), "it may be another room");
        // It is asked for again without another message, and all that was said is passed on, in order.
        let again = turn.wake_at.unwrap();
        tokio::time::advance(again - turn.now()).await;
        turn.begins();
        assert_eq!(names.questions(&turn), [(2, wanted)]);
        let told = json!({"channel": {"name": "ops"}});
        names.answered(2, Ok(told), &mut turn);
        let passed = turn.messages.drain(..).map(|it| (it.room, it.text));
        let expected = ["1", "2"].map(|text| ("#ops".to_owned(), text.to_owned()));
        assert_eq!(passed.collect::<Vec<_>>(), expected);
        // What will not be told is not asked for again, nor what is said there passed on.
        names.forget();
        said(&mut names, "3", &turn);
        names.answered(3, untold(None), &mut turn);
        tokio::time::advance(2 * AGAIN_AFTER).await;
        turn.begins();
        assert_eq!(said(&mut names, "4", &turn), []);
        names.release(&mut turn);
        assert!(turn.messages.is_empty() && names.held.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_room_whose_name_is_never_told_is_given_up() {
        let token = || "env:TOKEN".parse().unwrap();
        let chat = crate::connect(crate::Slack::new(token(), token()));
        let mut turn = Turn::new(chat.handle().clone());
        let mut names = Names::default();
        names.listen(&["#ops".to_owned(), "C2".to_owned()]);
        for room in ["C1", "C2"] {
            let mut message = Message::new(chat.handle().clone(), Default::default());
            message.room = room.to_owned();
            names.hold(message, None, &turn);
        }
        // That one is listened in whatever it is called.
        tokio::time::advance(PATIENCE).await;
        turn.begins();
        names.release(&mut turn);
        let passed: Vec<_> = turn.messages.iter().map(|it| it.room.as_str()).collect();
        assert_eq!(passed, ["C2"]);
        tokio::time::advance(ROOM_PATIENCE).await;
        turn.begins();
        names.release(&mut turn);
        assert_eq!((turn.messages.len(), names.held.len()), (1, 0));
        let told = ["what was said in C1 is left out: its name is not told"];
        assert_eq!(turn.notices, told);
    }
}
