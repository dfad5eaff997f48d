//! All chats of a file, which go on as another text of it says.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use birl_chat::{Events, Handle};
use birl_net::Proxies;
use birl_record::time::Clock;
use birl_watch::config::Error;
use birl_watch::{Config as Watched, places};
use futures::FutureExt;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tracing::{error, info};

use crate::bot::{self, Ended, Left, Order, Talk};
use crate::config::{Chat, Config};
use crate::executor::Executor;
use crate::rooms::Rooms;

/// So many orders may wait for a bot, which takes each at once.
const ORDERS_MAX: usize = 4;

/// The chats of a file. They are connected to once they are [talked](Self::talk) in.
#[derive(Debug)]
pub struct Chats {
    shared: Arc<Shared>,
    begun: Vec<(Chat, Events)>,
}

/// What those who talk share with those who read the file again.
#[derive(Debug)]
pub(crate) struct Shared {
    file: PathBuf,
    clock: Clock,
    proxies: Proxies,
    executor: Arc<Executor>,
    /// As the chats are to be.
    wanted: watch::Sender<Arc<Config>>,
    /// Those that are connected, or will be, by their names.
    handles: Mutex<BTreeMap<String, Handle>>,
}

/// When a talk ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasts {
    /// When it is told to.
    UntilStopped,
    /// As well when no service lets us in.
    WhileAnyTalks,
}

impl Chats {
    /// The chats of `config`, which is read from `file`; what people ask for is done by `executor`. Others are reached
    /// by way of `proxies`, and `clock` is for moments in queries.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn new(
        config: Config,
        file: &Path,
        executor: Executor,
        clock: &Clock,
        proxies: Proxies,
    ) -> Self {
        let chats = config.chats.iter();
        let begun: Vec<_> = chats
            .map(|chat| (chat.clone(), chat.connect(proxies.clone())))
            .collect();
        let handles = begun.iter();
        let handles = handles.map(|(chat, events)| (chat.name.clone(), events.handle().clone()));
        let shared = Shared {
            file: file.to_owned(),
            clock: clock.clone(),
            proxies,
            executor: Arc::new(executor),
            handles: Mutex::new(handles.collect()),
            wanted: watch::Sender::new(Arc::new(config)),
        };
        Self {
            shared: Arc::new(shared),
            begun,
        }
    }

    /// The chats as places for alerts, by which they are also told of another text of the file.
    pub fn rooms(&self) -> Rooms {
        Rooms::of_chats(&self.shared.wanted.borrow(), &self.shared)
    }

    /// Talks in all chats until `stop`, or until no service lets us in where it is to last no longer; then says
    /// whether any did not. Each chat has a task of the runtime that this is polled in.
    ///
    /// Dropping the future ends all of them without a word.
    pub async fn talk(self, stop: impl Future<Output = ()>, lasts: Lasts) -> bool {
        let mut wanted = self.shared.wanted.subscribe();
        wanted.mark_unchanged();
        let mut talks = Talks {
            shared: self.shared,
            running: BTreeMap::new(),
            tasks: JoinSet::new(),
            left: BTreeMap::new(),
            has_failed: false,
        };
        for (chat, events) in self.begun {
            talks.begin(chat, events);
        }
        let mut stop = std::pin::pin!(stop);
        let mut is_stopping = false;
        loop {
            if talks.tasks.is_empty() && (is_stopping || lasts == Lasts::WhileAnyTalks) {
                return talks.has_failed;
            }
            tokio::select! {
                Some(ended) = talks.tasks.join_next() => {
                    if let Ok((name, ended)) = ended {
                        talks.ended(&name, ended, is_stopping);
                    }
                }
                Ok(()) = wanted.changed(), if !is_stopping => {
                    let config = Arc::clone(&wanted.borrow_and_update());
                    talks.be(&config).await;
                }
                () = &mut stop, if !is_stopping => {
                    is_stopping = true;
                    talks.leave_all().await;
                }
            }
        }
    }
}

impl Shared {
    /// What a text of the file says of chats, whose other tables are `watched`.
    pub(crate) fn read(self: &Arc<Self>, text: &str, watched: &Watched) -> Result<Change, Error> {
        let config = Config::parse(text, &self.file, &self.clock, watched)?;
        Ok(Change {
            shared: Arc::clone(self),
            watched: watched.clone(),
            config,
        })
    }

    pub(crate) fn handles(&self) -> MutexGuard<'_, BTreeMap<String, Handle>> {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The chats as another text has them.
pub(crate) struct Change {
    shared: Arc<Shared>,
    watched: Watched,
    config: Config,
}

impl places::Change for Change {
    fn rooms(&self) -> Arc<dyn places::Rooms> {
        Arc::new(Rooms::of_chats(&self.config, &self.shared))
    }

    fn take_up(self: Box<Self>) {
        self.shared.executor.ask_those_of(&self.watched);
        self.shared.wanted.send_replace(Arc::new(self.config));
    }
}

/// The chats that are talked in.
struct Talks {
    shared: Arc<Shared>,
    running: BTreeMap<String, Running>,
    /// Each with the name of its chat; nothing where it has panicked.
    tasks: JoinSet<(String, Option<Ended>)>,
    /// What there is to go on with in chats that have ended, with the addresses of their servers.
    left: BTreeMap<String, (String, Left)>,
    has_failed: bool,
}

struct Running {
    chat: Chat,
    orders: mpsc::Sender<Order>,
    is_leaving: bool,
    /// It had ended before an order came.
    has_missed_order: bool,
}

impl Running {
    fn new(chat: Chat, orders: mpsc::Sender<Order>) -> Self {
        Self {
            chat,
            orders,
            is_leaving: false,
            has_missed_order: false,
        }
    }

    async fn be(&mut self, chat: &Chat) {
        self.chat = chat.clone();
        let order = Order::Be(Box::new(chat.bot()));
        self.has_missed_order |= self.orders.send(order).await.is_err();
    }

    async fn leave(&mut self, why: &str) {
        if !std::mem::replace(&mut self.is_leaving, true) {
            // One that has ended has left.
            let _ = self.orders.send(Order::Leave(why.to_owned())).await;
        }
    }
}

impl Talks {
    fn begin(&mut self, chat: Chat, events: Events) {
        let (orders, ordered) = mpsc::channel(ORDERS_MAX);
        let name = chat.name.clone();
        self.shared
            .handles()
            .insert(name.clone(), events.handle().clone());
        let executor = Arc::clone(&self.shared.executor);
        let address = chat.address();
        let left = self.left.remove(&name);
        let before = left.and_then(|(whose, left)| (whose == address).then_some(left));
        let talk = Talk {
            chat: chat.clone(),
            events,
            before,
        };
        let running = Running::new(chat, orders);
        self.running.insert(name.clone(), running);
        self.tasks.spawn(async move {
            let talk = bot::run(talk, executor, ordered);
            let ended = AssertUnwindSafe(talk).catch_unwind().await;
            (name, ended.ok())
        });
    }

    /// Goes on as a file says by now: in what is reached as before, without another connection.
    async fn be(&mut self, config: &Config) {
        for (name, running) in &mut self.running {
            match config.chat(name) {
                Some(chat) if chat.is_reached_as(&running.chat) && !running.is_leaving => {
                    running.be(chat).await;
                }
                // It is begun again when it has been left.
                Some(_) => {
                    running
                        .leave("given up: the chat is connected to anew")
                        .await
                }
                None => running.leave("given up: the chat is left").await,
            }
        }
        for chat in &config.chats {
            if !self.running.contains_key(&chat.name) {
                self.connect(chat);
            }
        }
    }

    fn connect(&mut self, chat: &Chat) {
        info!(chat = chat.name, "connecting");
        let events = chat.connect(self.shared.proxies.clone());
        self.begin(chat.clone(), events);
    }

    async fn leave_all(&mut self) {
        for running in self.running.values_mut() {
            running.leave("given up: birl is stopped").await;
        }
    }

    fn ended(&mut self, name: &str, ended: Option<Ended>, is_stopping: bool) {
        let was = self.running.remove(name);
        self.shared.handles().remove(name);
        let mut goes_on = was
            .as_ref()
            .is_some_and(|was| was.is_leaving || was.has_missed_order);
        match ended {
            Some(ended) => {
                goes_on |= ended.has_missed_order;
                if let Some(was) = was {
                    let left = (was.chat.address(), ended.left);
                    self.left.insert(name.to_owned(), left);
                }
                if let Err(error) = ended.how {
                    error!(chat = name, "{error}");
                    self.has_failed = true;
                }
            }
            None => {
                error!(chat = name, "it has failed, which is a defect of birl");
                self.has_failed = true;
            }
        }
        let wanted = Arc::clone(&self.shared.wanted.borrow());
        match wanted.chat(name) {
            Some(chat) if goes_on && !is_stopping => return self.connect(chat),
            Some(_) => {}
            None => info!(chat = name, "left"),
        }
        // Nobody waits for an answer by the time that it is begun again.
        if let Some((_, left)) = self.left.get_mut(name) {
            left.unanswered.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use birl_chat::Message;
    use birl_record::format::Formats;
    use birl_watch::{Logs, Surroundings};
    use tokio::time::Instant;

    use super::*;
    use crate::bot::Reaction;
    use crate::record::MessageRecord;

    /// The chats of a text, which talk once their tasks are polled.
    fn talks(text: &str) -> Talks {
        let clock = Clock {
            now: 0,
            zone: jiff::tz::TimeZone::UTC,
            newest: None,
        };
        let around = Surroundings {
            variable: |_| None,
            formats: Formats::default(),
            clock: clock.clone(),
            clock_stands: true,
            threads: 1,
            memory_bytes: 1 << 20,
            places: places::Surroundings {
                variable: |_| None,
                proxies: Proxies::default(),
                stdout: Arc::new(Mutex::new(std::io::sink())),
                rooms: Arc::new(places::NoRooms),
            },
        };
        let file = Path::new("birl.toml");
        let watched = Watched::parse(text, file, &clock).unwrap();
        let config = Config::parse(text, file, &clock, &watched).unwrap();
        let executor = Executor::new(Logs::new(&watched, &around));
        let chats = Chats::new(config, file, executor, &clock, Proxies::default());
        let mut talks = Talks {
            shared: chats.shared,
            running: BTreeMap::new(),
            tasks: JoinSet::new(),
            left: BTreeMap::new(),
            has_failed: false,
        };
        for (chat, events) in chats.begun {
            talks.begin(chat, events);
        }
        talks
    }

    #[tokio::test]
    async fn another_name_is_no_other_person() {
        let talks = talks(
            "[chat.ops]\njson = 'ws://127.0.0.1:9/'\nlimit = { burst = 1, every = '1h' }\n\
             [[chat.ops.reply]]\nquery = '*'\ntext = 'hi'\n",
        );
        let mut bot = talks.shared.wanted.borrow().chats[0].bot();
        let mut said = |sender: &str, account: Option<&str>| {
            let record = MessageRecord {
                sender: sender.to_owned(),
                account: account.map(str::to_owned),
                ..MessageRecord::default()
            };
            bot.react(&record, Instant::now())
        };
        let say = |text: &str| vec![Reaction::Say(text.to_owned())];
        assert_eq!(said("ann", Some("u1")), say("hi"));
        assert_eq!(
            said("anna", Some("u1")),
            say("anna: that was too much at once")
        );
        assert_eq!(said("ann", Some("u1")), []);
        // Nor does one who is called so take the place of another.
        assert_eq!(said("ann", None), say("hi"));
        assert_eq!(said("ann", Some("u2")), say("hi"));
    }

    #[tokio::test]
    async fn what_is_unanswered_is_answered_in_rooms_that_are_listened_in() {
        let talks = talks("[chat.ops]\nirc = 'irc://127.0.0.1:9/'\nnick = 'b'\nrooms = ['#Ops']\n");
        let chat = talks.shared.wanted.borrow().chats[0].clone();
        let events = chat.connect(Proxies::default());
        let unanswered =
            [("#ops", false), ("#old", false), ("ann", true)].map(|(room, is_private)| {
                let mut message = Message::new(events.handle().clone(), Default::default());
                (message.room, message.is_private) = (room.to_owned(), is_private);
                message.id = Some(room.to_owned());
                message
            });
        let left = Left {
            unanswered: unanswered.into(),
            ..Left::default()
        };
        let talk = Talk {
            chat,
            events,
            before: Some(left),
        };
        // It leaves before it has answered any, so that they are for the next one again.
        let (orders, ordered) = mpsc::channel(1);
        orders.try_send(Order::Leave(String::new())).unwrap();
        let ended = bot::run(talk, Arc::clone(&talks.shared.executor), ordered).await;
        let rooms = ended.left.unanswered.iter().map(|it| it.room.as_str());
        assert_eq!(rooms.collect::<Vec<_>>(), ["#ops", "ann"]);
        assert_eq!(ended.left.past.ids, Vec::<String>::new());
    }

    #[tokio::test]
    async fn a_chat_that_ends_as_its_file_is_read_again_is_connected_to_again() {
        let ended = |has_missed_order| {
            Some(Ended {
                how: Ok(()),
                left: Left::default(),
                has_missed_order,
            })
        };
        let mut talks = talks("[chat.ops]\njson = 'ws://127.0.0.1:9/'\n");
        let config = Arc::clone(&talks.shared.wanted.borrow());
        let is_there = |talks: &Talks| talks.running.contains_key("ops");
        // An order that it did not see.
        talks.ended("ops", ended(true), false);
        assert!(is_there(&talks));
        // One that found nobody any more.
        talks.tasks.shutdown().await;
        talks.be(&config).await;
        talks.ended("ops", ended(false), false);
        assert!(is_there(&talks));
        // By itself, it has ended.
        talks.ended("ops", ended(false), false);
        assert!(!is_there(&talks));
    }
}
