//! One chat with its rules and commands, and the loop that it lives in.

use std::sync::Arc;
use std::time::Duration;

use birl_chat::{Event, Events, Message, Past};
use futures::{StreamExt, stream};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tracing::{info, warn};

use crate::command::{Builtin, Commands, Task};
use crate::config::Chat;
use crate::executor::Executor;
use crate::limits::{Limit, Limits, Verdict};
use crate::memory::Memory;
use crate::pages::Shape;
use crate::record::{MessageRecord, Person};
use crate::rules::Rules;
use crate::workers::{Workers, say};

/// Reacts to what is said in one chat.
#[derive(Debug)]
pub struct Bot {
    rules: Arc<Rules>,
    commands: Commands,
    people: Limits<Person>,
    rooms: Limits<String>,
    all: Limits<()>,
}

/// How often is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// Each person.
    pub person: Limit,
    /// In each room.
    pub room: Limit,
    /// In the whole chat.
    pub chat: Limit,
}

impl Default for RateLimits {
    /// 20 times at once and then once a second each person, 40 and twice a second in a room, 200 and ten
    /// times a second in all.
    fn default() -> Self {
        let limit = |burst, every| Limit {
            burst,
            every: Duration::from_millis(every),
        };
        Self {
            person: limit(20, 1000),
            room: limit(40, 500),
            chat: limit(200, 100),
        }
    }
}

/// What is done about a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Reaction {
    /// This is said where the message was.
    Say(String),
    /// This is done, and what comes of it said.
    Do(Task),
}

impl Bot {
    /// Reacts by `rules` and `commands`, no more often than `rate_limits` say.
    pub fn new(rules: Arc<Rules>, commands: Commands, rate_limits: RateLimits) -> Self {
        Self {
            rules,
            commands,
            people: Limits::new(rate_limits.person),
            rooms: Limits::new(rate_limits.room),
            all: Limits::new(rate_limits.chat),
        }
    }

    /// Reacts as another from now on. Who is limited stays so, where limits are the same.
    pub fn be(&mut self, next: Self) {
        let before = std::mem::replace(self, next);
        let now = self;
        now.people.go_on_behind(before.people);
        now.rooms.go_on_behind(before.rooms);
        now.all.go_on_behind(before.all);
    }

    /// What stands before the name of a command.
    pub fn prefix(&self) -> &str {
        &self.commands.prefix
    }

    /// What is done about what was said, in this order. What programs say is not answered, so that two of
    /// them do not talk to each other for ever.
    pub fn react(&mut self, record: &MessageRecord, now: Instant) -> Vec<Reaction> {
        if record.is_automatic {
            return Vec::new();
        }
        let replies = self.rules.replies(record).into_iter().map(Reaction::Say);
        let mut reactions: Vec<_> = replies.collect();
        // Whoever has called a command long ago does not wait any more.
        let task = match record.is_old {
            false => self.commands.task(record),
            true => None,
        };
        match task {
            None => {}
            // A long one is told page by page.
            Some(Task::Say(text)) if text.lines().count() <= Shape::LINES.lines => {
                reactions.push(Reaction::Say(text));
            }
            Some(task) => reactions.push(Reaction::Do(task)),
        }
        if reactions.is_empty() {
            return reactions;
        }
        let sender = &record.sender;
        let notice = match self.people.judge(record.person(), now) {
            Verdict::Ignore => return Vec::new(),
            Verdict::Tell => Some(format!("{sender}: that was too much at once")),
            Verdict::Answer => match self.judge_room(record, now) {
                Verdict::Ignore => return Vec::new(),
                Verdict::Tell => Some("too much is asked here at once".to_owned()),
                Verdict::Answer => None,
            },
        };
        match notice {
            Some(notice) => vec![Reaction::Say(notice)],
            None => reactions,
        }
    }

    fn judge_room(&mut self, record: &MessageRecord, now: Instant) -> Verdict {
        // Whoever talks to us alone is limited as a person.
        if !record.is_private {
            match self.rooms.judge(record.room.clone(), now) {
                Verdict::Answer => {}
                verdict => return verdict,
            }
        }
        self.all.judge((), now)
    }
}

/// What a bot is told while it talks.
#[derive(Debug)]
pub enum Order {
    /// It is to be another from now on: what it has been asked goes on.
    Be(Box<Bot>),
    /// It is to leave the chat. Who waits for an answer is told why there is none.
    Leave(String),
}

/// A chat, and what is known of it when a talk begins.
#[derive(Debug)]
pub struct Talk {
    /// Which one it is.
    pub chat: Chat,
    /// What happens there.
    pub events: Events,
    /// What an earlier talk with the same server has left; without, what is kept of the chat is known.
    pub before: Option<Left>,
}

/// What a talk leaves for the next one.
#[derive(Debug, Default)]
pub struct Left {
    /// What has been heard.
    pub past: Past,
    /// What was said, and nobody has reacted to, since the chat was being left.
    pub unanswered: Vec<Message>,
}

/// How a talk has ended.
#[derive(Debug)]
pub struct Ended {
    /// Why the service does not let us in, and will not, if so.
    pub how: Result<(), birl_chat::Error>,
    /// For whoever goes on.
    pub left: Left,
    /// An order came too late.
    pub has_missed_order: bool,
}

/// How long those who wait for answers may take to be told that there is none.
const LEAVE_WITHIN: Duration = Duration::from_secs(2);

/// So many messages are kept for the next talk.
const UNANSWERED_MAX: usize = 1000;

/// Lets the bot of a chat react to what happens there, until that is over, or it is [ordered](Order) to leave. What
/// takes time is done by `executor`, beside reading on. What nobody has reacted to before is reacted to first, where it
/// was said in a room that is still listened in.
pub async fn run(talk: Talk, executor: Arc<Executor>, mut orders: mpsc::Receiver<Order>) -> Ended {
    let Talk {
        chat,
        events,
        before,
    } = talk;
    let (name, address) = (chat.name.as_str(), chat.address());
    let mut bot = chat.bot();
    let handle = events.handle().clone();
    let (past, mut unanswered) = match before {
        Some(Left { past, unanswered }) => (Some(past), unanswered),
        None => (None, Vec::new()),
    };
    let (memory, past) = Memory::new((name, &address), executor.store().await, past).await;
    events.go_on(behind(past, &unanswered));
    unanswered.retain(|message| chat.listens_to(message));
    let unanswered = unanswered.into_iter();
    let unanswered = unanswered.map(|message| Event::Message(message.in_chat(handle.clone())));
    let mut events = stream::iter(unanswered).chain(events);
    let mut workers = Workers::new(name, &address, executor);
    let mut how = Ok(());
    let mut leave_by = None;
    let mut has_left = false;
    let mut left = Vec::new();
    loop {
        let event = tokio::select! {
            biased;
            Some(order) = orders.recv() => {
                match order {
                    Order::Be(next) => bot.be(*next),
                    Order::Leave(why) => {
                        workers.give_up(&why);
                        leave_by = Some(Instant::now() + LEAVE_WITHIN);
                    }
                }
                continue;
            }
            () = leave(&mut workers, leave_by), if leave_by.is_some() && !has_left => {
                has_left = true;
                handle.close();
                continue;
            }
            event = events.next() => event,
        };
        match event {
            // Whoever talks there next knows what is to be said by now; of us, nobody might hear it.
            Some(Event::Message(message)) if leave_by.is_some() => {
                if left.len() < UNANSWERED_MAX {
                    left.push(message);
                }
            }
            Some(Event::Message(message)) => {
                let record = MessageRecord::of(&message);
                let prefix = bot.prefix().to_owned();
                let reactions = bot.react(&record, Instant::now());
                let is_done = !reactions.is_empty();
                for reaction in reactions {
                    match reaction {
                        Reaction::Say(text) => say(name, &prefix, &message, text),
                        Reaction::Do(Task::Builtin(Builtin::Cancel, _)) => {
                            // What is given up says so itself.
                            if !workers.cancel(&record.room) {
                                let words = "nothing is being asked here".to_owned();
                                say(name, &prefix, &message, words);
                            }
                        }
                        Reaction::Do(task) => {
                            workers.put(task, record.clone(), message.clone(), &prefix);
                        }
                    }
                }
                memory.heard(&message, is_done);
            }
            Some(Event::Ready) => {
                info!(chat = name, "connected to {}", handle.service());
            }
            Some(Event::Gap(gap)) => {
                let seconds = gap.time.as_secs_f64();
                warn!(chat = name, "gap of {seconds:.1} s: {}", gap.reason);
            }
            Some(Event::Dropped(count)) => {
                warn!(chat = name, "{count} messages came too fast");
            }
            Some(Event::Notice(notice)) => info!(chat = name, "{notice}"),
            Some(Event::Failed(error)) => how = Err(error),
            Some(_) => {}
            None => break,
        }
    }
    let past = memory.end().await;
    orders.close();
    Ended {
        how,
        left: Left {
            past,
            unanswered: left,
        },
        has_missed_order: orders.try_recv().is_ok(),
    }
}

/// What a service is to go on behind: it is not to say again what is still to be answered.
fn behind(mut past: Past, unanswered: &[Message]) -> Past {
    past.ids
        .extend(unanswered.iter().filter_map(|it| it.id.clone()));
    let mut cursors = unanswered.iter().rev();
    let last = cursors.find_map(|it| it.cursor.clone());
    past.cursor = last.or(past.cursor);
    past
}

/// Waits until who has asked is told that there is no answer, but not for long.
async fn leave(workers: &mut Workers, by: Option<Instant>) {
    if let Some(by) = by {
        let _ = timeout_at(by, workers.done()).await;
    }
}

#[cfg(test)]
mod tests {
    use birl_chat::{Json, connect};

    use super::*;

    #[tokio::test]
    async fn a_service_goes_on_behind_what_is_to_be_answered() {
        let events = connect(Json::new("ws://127.0.0.1:9/").unwrap()).events();
        let message = |id: Option<&str>, cursor: Option<&str>| {
            let mut message = Message::new(events.handle().clone(), Default::default());
            message.id = id.map(str::to_owned);
            message.cursor = cursor.map(str::to_owned);
            message
        };
        let past = Past {
            ids: vec!["1".to_owned()],
            cursor: Some("7".to_owned()),
        };
        assert_eq!(behind(past.clone(), &[]), past);
        let unanswered = [
            message(None, Some("8")),
            message(Some("2"), Some("9")),
            message(Some("3"), None),
        ];
        let wanted = Past {
            ids: ["1", "2", "3"].map(str::to_owned).into(),
            cursor: Some("9".to_owned()),
        };
        assert_eq!(behind(past, &unanswered), wanted);
    }
}
