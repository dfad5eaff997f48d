//! What is taken of a service, and what drives it.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::task::{Context, Poll, Wake, Waker, ready};
use std::time::Duration;

use birl_source::link::{Gap, Listener};
use futures::future::BoxFuture;
use futures::task::AtomicWaker;
use futures_core::Stream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::error::Error;
use crate::inbox::Inbox;
use crate::message::{Message, Post, Posted};
use crate::outbox::Outbox;
use crate::receipts::Receipts;
use crate::seen::Past;
use crate::service::{Abilities, Service};
use crate::session::{self, Session};

/// Begins a chat with `service`. It connects once it is polled, and again whenever the connection is lost.
///
/// # Panics
///
/// Outside of a tokio runtime.
pub fn connect(service: impl Service) -> Chat {
    Chat(Events::new(Box::new(service)))
}

/// The messages of a chat, as they come: those that were not said by ourselves, each once.
///
/// It ends behind an error, where the service does not let us in and will not, and when it is
/// [closed](Handle::close). What else happens is told by [`events`](Self::events).
///
/// Dropping it ends the connection without a word.
#[derive(Debug)]
pub struct Chat(Events);

impl Chat {
    /// The messages, and what else happens to the chat.
    pub fn events(self) -> Events {
        self.0
    }

    /// How to speak to the service without being asked.
    pub fn handle(&self) -> &Handle {
        self.0.handle()
    }
}

impl Stream for Chat {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            return Poll::Ready(match ready!(Pin::new(&mut self.0).poll_next(cx)) {
                Some(Event::Message(message)) => Some(Ok(message)),
                Some(Event::Failed(error)) => Some(Err(error)),
                Some(_) => continue,
                None => None,
            });
        }
    }
}

/// What happens to a chat.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// Somebody has said something.
    Message(Message),
    /// There is a connection, and what is posted is sent.
    Ready,
    /// There is a connection again. What was said meanwhile may be missing.
    Gap(Gap),
    /// So many messages were dropped, since nobody took them in time
    /// ([`Overflow::DropOldest`](birl_source::live::Overflow::DropOldest)).
    Dropped(u64),
    /// Something that a person should know, such as why a connection was lost.
    Notice(String),
    /// The service does not let us in, and will not: nothing comes behind it.
    Failed(Error),
}

impl Event {
    /// About so many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Message(message) => message.bytes(),
                _ => 0,
            }
    }
}

/// The messages of a chat, and what else happens to it. As [`Chat`] else.
pub struct Events {
    driver: Arc<Driver>,
    handle: Handle,
    caretaker: JoinHandle<()>,
}

impl Events {
    fn new(service: Box<dyn Service>) -> Self {
        let shared = Arc::new(Shared {
            inbox: Inbox::new(service.options()),
            outbox: Outbox::default(),
            receipts: Receipts::default(),
            is_parked: AtomicBool::new(false),
            past: Mutex::default(),
            abilities: Mutex::new(service.abilities()),
            me: Mutex::default(),
            name: service.name(),
        });
        let handle = Handle(Arc::clone(&shared));
        let session = Session::new(service, handle.clone());
        let driver = Arc::new(Driver {
            session: Mutex::new(Some(Box::pin(session::run(session)))),
            bell: Arc::default(),
            shared,
        });
        let caretaker = tokio::spawn(take_care(Arc::clone(&driver)));
        Self {
            driver,
            handle,
            caretaker,
        }
    }

    /// Goes on behind what another chat has been given, as after a restart. To be called before it is
    /// polled; later it does nothing.
    pub fn go_on(&self, past: Past) {
        *lock(&self.driver.shared.past) = Some(past);
    }

    /// How to speak to the service without being asked.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let driver = &self.driver;
        driver.bell.is_attended(cx.waker());
        if let Poll::Ready(event) = driver.shared.inbox.take() {
            return Poll::Ready(event);
        }
        driver.drive();
        driver.shared.inbox.take()
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.caretaker.abort();
        self.handle.0.outbox.close();
        // Not left to the caretaker, which ends later.
        self.driver.end();
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("service", &self.handle.0.name)
            .finish_non_exhaustive()
    }
}

/// Speaks to a service. A clone speaks to the same.
#[derive(Clone)]
pub struct Handle(Arc<Shared>);

impl Handle {
    /// Posts, once there is room for it: about 1000 posts of an urgency may wait, 800 of them for one room. They are
    /// sent no faster than the service allows, and while there is no connection they wait for one.
    ///
    /// # Errors
    ///
    /// If the chat is over.
    pub async fn send(&self, post: Post) -> Result<(), Error> {
        self.0.outbox.put(post).await
    }

    /// The same without waiting.
    ///
    /// # Errors
    ///
    /// If there is no room, or the chat is over.
    pub fn try_send(&self, post: Post) -> Result<(), Error> {
        self.0.outbox.try_put(post)
    }

    /// Posts, and returns when the other side has it: when it has answered something that was sent behind
    /// the post, or shown the post itself. It gives what the service calls it, where that tells. Dropping
    /// the future gives it up, if nothing of it is on its way.
    ///
    /// # Errors
    ///
    /// If the service does not take it ([`is_denied`](Error::is_denied)), if the connection is lost before
    /// it has ([`is_lost`](Error::is_lost)), or if the chat is over.
    pub async fn deliver(&self, mut post: Post) -> Result<Posted, Error> {
        let (number, receipt) = self.0.receipts.begin();
        post.receipt = Some(number);
        self.0.outbox.put(post).await?;
        receipt.await.unwrap_or_else(|_| Err(Error::over()))
    }

    /// Lets what was said before say `text` instead, and returns when the other side has it.
    ///
    /// # Errors
    ///
    /// As [`deliver`](Self::deliver); and if the service has no way to
    /// ([`is_unsupported`](Error::is_unsupported)), or `text` or what it takes the place of is more than
    /// one message.
    pub async fn edit(&self, posted: &Posted, text: impl Into<String>) -> Result<Posted, Error> {
        self.replace(posted, Post::new(posted.room(), text)).await
    }

    /// Lets what was said before say what `post` says, in the urgency of that. Where it was said stays.
    ///
    /// # Errors
    ///
    /// As [`edit`](Self::edit).
    pub async fn replace(&self, posted: &Posted, post: Post) -> Result<Posted, Error> {
        let abilities = self.abilities();
        let id = match posted.ids() {
            _ if !abilities.edits => {
                let why = format!("cannot edit: {} has no way to", self.0.name);
                return Err(Error::unsupported(why));
            }
            [id] => id.clone(),
            [] => return Err(Error::unsupported("cannot edit: it has no name")),
            _ => return Err(Error::denied("what it edits is several messages")),
        };
        if post.text.len() > abilities.text_bytes_max {
            let max = abilities.text_bytes_max;
            return Err(Error::denied(format!("it is longer than {max} bytes")));
        }
        self.deliver(post.in_place_of(posted.room(), id)).await
    }

    /// Says `text` in `room`.
    ///
    /// # Errors
    ///
    /// If the chat is over.
    pub async fn say(&self, room: &str, text: impl Into<String>) -> Result<(), Error> {
        self.send(Post::new(room, text)).await
    }

    /// Ends the chat: what waits to be sent is sent, if that can be done in two seconds, and the service
    /// is told. The stream ends then.
    pub fn close(&self) {
        self.0.outbox.close();
    }

    /// What the service can do, as far as that is known by now.
    pub fn abilities(&self) -> Abilities {
        *lock(&self.0.abilities)
    }

    /// What we are called where the last message was said, where the service knows that.
    pub fn me(&self) -> Option<String> {
        lock(&self.0.me).clone()
    }

    /// Where the service is, for people.
    pub fn service(&self) -> &str {
        &self.0.name
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.0
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(&self.0.name).finish()
    }
}

/// What the session shares with those who listen and speak.
pub(crate) struct Shared {
    pub(crate) inbox: Inbox,
    pub(crate) outbox: Outbox,
    pub(crate) receipts: Receipts,
    /// The session waits until what it has passed on is taken. Nobody is woken for that.
    is_parked: AtomicBool,
    /// What the session begins behind.
    past: Mutex<Option<Past>>,
    abilities: Mutex<Abilities>,
    /// What we are called there.
    me: Mutex<Option<String>>,
    name: String,
}

impl Shared {
    /// Lets whoever listens take what there is, before more is read. Whoever drives the session comes
    /// back when there is nothing left, or the caretaker does.
    pub(crate) async fn listened(&self) {
        let mut has_waited = false;
        poll_fn(|_| {
            self.is_parked.store(!has_waited, Ordering::SeqCst);
            match std::mem::replace(&mut has_waited, true) {
                false => Poll::Pending,
                true => Poll::Ready(()),
            }
        })
        .await;
    }

    pub(crate) fn take_past(&self) -> Option<Past> {
        lock(&self.past).take()
    }

    pub(crate) fn set_me(&self, me: Option<&str>) {
        let mut known = lock(&self.me);
        if known.as_deref() != me {
            *known = me.map(str::to_owned);
        }
    }

    pub(crate) fn set_abilities(&self, abilities: Abilities) {
        *lock(&self.abilities) = abilities;
    }
}

impl Listener for Shared {
    fn notice(&self, what: String) {
        self.inbox.put(Event::Notice(what));
    }

    fn gap(&self, gap: Gap) {
        self.inbox.put(Event::Gap(gap));
    }

    fn problem(&self, act: &'static str, reason: String) {
        let error = Error::refused(format!("cannot {act} {:?}: {reason}", self.name));
        self.inbox.put(Event::Failed(error));
    }
}

/// The session, and what wakes whoever polls it: who waits for an event, or else the caretaker.
struct Driver {
    session: Mutex<Option<BoxFuture<'static, ()>>>,
    bell: Arc<Bell>,
    shared: Arc<Shared>,
}

impl Driver {
    /// Lets the session go on as far as it can.
    fn drive(&self) {
        let mut session = match self.session.try_lock() {
            Ok(session) => session,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // The other one polls it right now, and the bell rings for both.
            Err(TryLockError::WouldBlock) => return,
        };
        if let Some(running) = &mut *session {
            let waker = Waker::from(Arc::clone(&self.bell));
            if running
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_ready()
            {
                *session = None;
                self.shared.outbox.close();
                self.shared.receipts.end();
                self.shared.inbox.end();
                // Whoever waits may not be who has polled.
                self.bell.wake_by_ref();
            }
        }
    }

    fn end(&self) {
        *lock(&self.session) = None;
        self.shared.receipts.end();
        self.shared.inbox.end();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Rings when the session can go on.
#[derive(Debug, Default)]
struct Bell {
    listener: AtomicWaker,
    caretaker: AtomicWaker,
    /// It has rung, and the listener has not come.
    has_rung: AtomicBool,
    /// How often the listener has come.
    visits: AtomicU64,
}

impl Bell {
    /// The listener is here, and is to be woken by `waker`.
    fn is_attended(&self, waker: &Waker) {
        self.listener.register(waker);
        self.has_rung.store(false, Ordering::SeqCst);
        self.visits.fetch_add(1, Ordering::SeqCst);
    }

    fn visits(&self) -> u64 {
        self.visits.load(Ordering::SeqCst)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.has_rung.store(true, Ordering::SeqCst);
        self.listener.wake();
        self.caretaker.wake();
    }
}

/// A listener who has not come for so long after the bell has rung is busy.
const PATIENCE: Duration = Duration::from_millis(500);

/// Drives the session while the listener is busy.
async fn take_care(driver: Arc<Driver>) {
    let bell = &driver.bell;
    let mut ticks = interval_at(Instant::now() + PATIENCE, PATIENCE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut rung_before = None;
    loop {
        ticks.tick().await;
        let visits = bell.visits();
        let is_parked = &driver.shared.is_parked;
        let rings = bell.has_rung.load(Ordering::SeqCst) || is_parked.load(Ordering::SeqCst);
        if rings && rung_before == Some(visits) {
            poll_fn(|cx| {
                bell.caretaker.register(cx.waker());
                if bell.visits() != visits {
                    return Poll::Ready(());
                }
                driver.drive();
                if is_parked.load(Ordering::SeqCst) {
                    cx.waker().wake_by_ref();
                }
                Poll::Pending
            })
            .await;
            bell.caretaker.take();
        }
        rung_before = rings.then_some(visits);
    }
}
