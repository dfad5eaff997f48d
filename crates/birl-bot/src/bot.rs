//! One chat with its rules and commands, and the loop that it lives in.

use std::sync::Arc;
use std::time::Duration;

use birl_chat::{Event, Events, Past};
use futures::StreamExt;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tracing::{info, warn};

use crate::command::{Builtin, Commands, Task};
use crate::desk::Desk;
use crate::errands::{Errands, say};
use crate::limits::{Limit, Limits, Verdict};
use crate::memory::Memory;
use crate::pages::Shape;
use crate::rules::Rules;
use crate::said::Said;

/// Reacts to what is said in one chat.
#[derive(Debug)]
pub struct Bot {
    rules: Rules,
    commands: Commands,
    people: Limits,
    rooms: Limits,
    all: Limits,
}

/// How often is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manners {
    /// Each person.
    pub person: Limit,
    /// In each room.
    pub room: Limit,
    /// In the whole chat.
    pub chat: Limit,
}

impl Default for Manners {
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
    /// Reacts by `rules` and `commands`, no more often than `manners` say.
    pub fn new(rules: Rules, commands: Commands, manners: Manners) -> Self {
        Self {
            rules,
            commands,
            people: Limits::new(manners.person),
            rooms: Limits::new(manners.room),
            all: Limits::new(manners.chat),
        }
    }

    /// Reacts as another from now on. Who is limited stays so, where limits are the same.
    pub fn be(&mut self, next: Self) {
        let before = std::mem::replace(self, next);
        let now = self;
        for (now, before) in [
            (&mut now.people, before.people),
            (&mut now.rooms, before.rooms),
            (&mut now.all, before.all),
        ] {
            now.go_on_behind(before);
        }
    }

    /// What stands before the name of a command.
    pub fn prefix(&self) -> &str {
        &self.commands.prefix
    }

    /// What is done about what was said, in this order. What programs say is not answered, so that two of
    /// them do not talk to each other for ever.
    pub fn react(&mut self, said: &Said, now: Instant) -> Vec<Reaction> {
        if said.is_automatic {
            return Vec::new();
        }
        let replies = self.rules.replies(said).into_iter().map(Reaction::Say);
        let mut reactions: Vec<_> = replies.collect();
        // Whoever has called a command long ago does not wait any more.
        let task = match said.is_old {
            false => self.commands.task(said),
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
        let sender = &said.sender;
        let notice = match self.people.judge(sender, now) {
            Verdict::Ignore => return Vec::new(),
            Verdict::Tell => Some(format!("{sender}: that was too much at once")),
            Verdict::Answer => match self.judge_room(said, now) {
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

    fn judge_room(&mut self, said: &Said, now: Instant) -> Verdict {
        // Whoever talks to us alone is limited as a person.
        if !said.is_private {
            match self.rooms.judge(&said.room, now) {
                Verdict::Answer => {}
                verdict => return verdict,
            }
        }
        self.all.judge("", now)
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

/// How a talk has ended.
#[derive(Debug)]
pub struct Ended {
    /// Why the service does not let us in, and will not, if so.
    pub how: Result<(), birl_chat::Error>,
    /// What has been heard, for whoever goes on.
    pub past: Past,
}

/// How long those who wait for answers may take to be told that there is none.
const LEAVE_WITHIN: Duration = Duration::from_secs(2);

/// Lets a bot react to what happens in a chat, which is called `name`, until the chat is over, or it is
/// [ordered](Order) to leave. What takes time is done at `desk`, beside reading on. It goes on behind `past`,
/// else behind what is kept of the chat.
pub async fn run(
    name: &str,
    mut bot: Bot,
    mut events: Events,
    desk: Arc<Desk>,
    mut orders: mpsc::Receiver<Order>,
    past: Option<Past>,
) -> Ended {
    let (memory, past) = Memory::new(name, desk.store().await, past).await;
    events.go_on(past);
    let mut errands = Errands::new(name, desk);
    let mut how = Ok(());
    let mut leave_by = None;
    let mut has_left = false;
    loop {
        let event = tokio::select! {
            biased;
            Some(order) = orders.recv() => {
                match order {
                    Order::Be(next) => bot.be(*next),
                    Order::Leave(why) => {
                        errands.give_up(&why);
                        leave_by = Some(Instant::now() + LEAVE_WITHIN);
                    }
                }
                continue;
            }
            () = leave(&mut errands, leave_by), if leave_by.is_some() && !has_left => {
                has_left = true;
                events.handle().close();
                continue;
            }
            event = events.next() => event,
        };
        match event {
            // It is said again where the service can, and nobody would hear an answer.
            Some(Event::Message(_)) if has_left => {}
            Some(Event::Message(message)) => {
                let said = Said::of(&message);
                let prefix = bot.prefix().to_owned();
                let reactions = bot.react(&said, Instant::now());
                let is_done = !reactions.is_empty();
                for reaction in reactions {
                    match reaction {
                        Reaction::Say(text) => say(name, &prefix, &message, text),
                        Reaction::Do(Task::Builtin(Builtin::Cancel, _)) => {
                            // What is given up says so itself.
                            if !errands.cancel(&said.room) {
                                let words = "nothing is being asked here".to_owned();
                                say(name, &prefix, &message, words);
                            }
                        }
                        Reaction::Do(task) => {
                            errands.put(task, said.clone(), message.clone(), &prefix);
                        }
                    }
                }
                memory.heard(&message, is_done);
            }
            Some(Event::Ready) => {
                info!(chat = name, "connected to {}", events.handle().service());
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
    Ended {
        how,
        past: memory.end().await,
    }
}

/// Waits until who has asked is told that there is no answer, but not for long.
async fn leave(errands: &mut Errands, by: Option<Instant>) {
    if let Some(by) = by {
        let _ = timeout_at(by, errands.done()).await;
    }
}
