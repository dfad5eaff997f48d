//! All chats of a file, which go on as another text of it says.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use birl_chat::{Events, Handle, Past};
use birl_net::Proxies;
use birl_record::time::Clock;
use birl_watch::config::Error;
use birl_watch::{Config as Watched, places};
use futures::FutureExt;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tracing::{error, info};

use crate::bot::{self, Ended, Order};
use crate::config::{Chat, Config};
use crate::desk::Desk;
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
    desk: Arc<Desk>,
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
    /// The chats of `config`, which is read from `file`; what people ask for is done at `desk`. Others are reached
    /// by way of `proxies`, and `clock` is for moments in queries.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn new(config: Config, file: &Path, desk: Desk, clock: &Clock, proxies: Proxies) -> Self {
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
            desk: Arc::new(desk),
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
            pasts: BTreeMap::new(),
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
        self.shared.desk.ask_those_of(&self.watched);
        self.shared.wanted.send_replace(Arc::new(self.config));
    }
}

/// The chats that are talked in.
struct Talks {
    shared: Arc<Shared>,
    running: BTreeMap<String, Running>,
    /// Each with the name of its chat; nothing where it has panicked.
    tasks: JoinSet<(String, Option<Ended>)>,
    /// What has been heard in chats that have ended.
    pasts: BTreeMap<String, Past>,
    has_failed: bool,
}

struct Running {
    chat: Chat,
    orders: mpsc::Sender<Order>,
    is_leaving: bool,
}

impl Running {
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
        let bot = chat.bot(&self.shared.clock);
        let (desk, past) = (Arc::clone(&self.shared.desk), self.pasts.remove(&name));
        self.running.insert(
            name.clone(),
            Running {
                chat,
                orders,
                is_leaving: false,
            },
        );
        self.tasks.spawn(async move {
            let talk = bot::run(&name, bot, events, desk, ordered, past);
            let ended = AssertUnwindSafe(talk).catch_unwind().await;
            (name, ended.ok())
        });
    }

    /// Goes on as a file says by now: in what is reached as before, without another connection.
    async fn be(&mut self, config: &Config) {
        for (name, running) in &mut self.running {
            match config.chat(name) {
                Some(chat) if chat.is_reached_as(&running.chat) && !running.is_leaving => {
                    running.chat = chat.clone();
                    let bot = Box::new(chat.bot(&self.shared.clock));
                    // One that has ended begins anew when that is known.
                    let _ = running.orders.send(Order::Be(bot)).await;
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
        match ended {
            Some(Ended { how, past }) => {
                self.pasts.insert(name.to_owned(), past);
                if let Err(error) = how {
                    error!(chat = name, "{error}");
                    self.has_failed = true;
                }
            }
            None => {
                error!(chat = name, "it has failed, which is a defect of birl");
                self.has_failed = true;
            }
        }
        let has_left = was.is_some_and(|was| was.is_leaving);
        let wanted = Arc::clone(&self.shared.wanted.borrow());
        match wanted.chat(name) {
            Some(chat) if has_left && !is_stopping => self.connect(chat),
            Some(_) => {}
            None => info!(chat = name, "left"),
        }
    }
}
