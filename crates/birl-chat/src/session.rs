//! Connects, connects again, and lets the service talk.

mod calls;
mod succession;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use birl_net::{Connector, LeftOut};
use birl_source::link::{Due, Failure, Persistence, Silence};
use birl_source::live::Options;
use futures::FutureExt;
use tokio::time::{Instant, Sleep, sleep, timeout};

use self::calls::{Asker, Calls};
use self::succession::Succession;
use crate::call::{Call, Later, Outcome, Reply};
use crate::chat::{Event, Handle, Shared};
use crate::error::Error;
use crate::lanes::{self, Ended, Lanes, Next, Ticket};
use crate::link::{Link, Received};
use crate::message::{Post, Posted};
use crate::seen::Seen;
use crate::service::{self, Service, Turn};

/// How long saying goodbye may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// One chat with a service, over all its connections.
pub(crate) struct Session {
    service: Box<dyn Service>,
    options: Options,
    connector: Arc<Connector>,
    handle: Handle,
    turn: Turn,
    seen: Seen,
    lanes: Lanes,
    calls: Calls,
    /// The receipts of posts that are sent, and not known to be taken.
    unsure: VecDeque<(u64, Posted)>,
    succession: Succession,
    is_ready: bool,
    too_long: LeftOut,
}

impl Session {
    pub(crate) fn new(service: Box<dyn Service>, handle: Handle) -> Self {
        let options = service.options().clone();
        let connector = Connector::new(options.proxies.clone(), options.ca_file.clone());
        Self {
            options,
            connector: Arc::new(connector.with_quick_acks()),
            service,
            turn: Turn::new(handle.clone()),
            handle,
            seen: Seen::default(),
            lanes: Lanes::new(),
            calls: Calls::default(),
            unsure: VecDeque::new(),
            succession: Succession::default(),
            is_ready: false,
            too_long: LeftOut::default(),
        }
    }
}

/// Talks to the service until it refuses us for good, or the chat is closed.
pub(crate) async fn run(mut session: Session) {
    let options = session.options.clone();
    let handle = session.handle.clone();
    if let Some(past) = handle.shared().take_past() {
        for id in &past.ids {
            session.seen.is_new(id);
        }
        if let Some(cursor) = &past.cursor {
            session.service.resume(cursor);
        }
    }
    let mut persistence = Persistence::new(&options, handle.shared());
    loop {
        let Some(connected) = session.connect().await else {
            return;
        };
        let waiting = match connected {
            Ok(link) => {
                let began = Instant::now();
                persistence.connected(session.service.cursor());
                match session.talk(link, &mut persistence).await {
                    Some(failure) => persistence.lost(began, failure).left_future(),
                    None => return,
                }
            }
            Err(failure) => persistence.refused(failure).right_future(),
        };
        if !session.wait_for(waiting).await {
            return;
        }
    }
}

/// Waits until the chat is to be over.
async fn closed(shared: &Shared) {
    poll_fn(|cx| {
        loop {
            if shared.outbox.is_closed() {
                return Poll::Ready(());
            }
            // Posts are seen once there is a connection.
            if shared.outbox.poll_changed(cx).is_pending() {
                return Poll::Pending;
            }
        }
    })
    .await;
}

/// Waits until the chat is to be over, and no time is left for what waits to be sent.
async fn abandoned(shared: &Shared) {
    closed(shared).await;
    if !shared.outbox.is_empty() {
        sleep(FAREWELL).await;
    }
}

/// What has happened while a session waited.
enum Woken {
    Received(Received),
    /// Something is to be sent, or the chat is to be over.
    Outbox,
    /// It is time for something.
    Timer,
    /// Something that was asked is answered.
    Answered,
    /// There is a connection that takes the place of this one.
    Succeeded(Box<Link>),
    /// The connection whose place has been taken has brought something.
    Retiring(Received),
}

impl Session {
    /// Connects; `None` if the chat is to be over.
    async fn connect(&mut self) -> Option<Result<Link, Failure>> {
        let shared = self.handle.shared();
        let connecting = self.service.connect(&self.connector);
        let connected = self.calls.meanwhile(async {
            tokio::select! {
                biased;
                connected = timeout(self.options.connect_timeout, connecting) => Some(connected),
                () = abandoned(shared) => None,
            }
        });
        let connected = connected.await?;
        let limit = self.options.connect_timeout;
        let connected = connected.unwrap_or_else(|_| Err(birl_net::Error::timeout(limit).into()));
        Some(connected)
    }

    /// Waits for what tells whether there is to be another connection; false if there is not.
    async fn wait_for(&mut self, waiting: impl Future<Output = bool>) -> bool {
        let handle = self.handle.clone();
        let mut waiting = pin!(waiting);
        let mut abandoned = pin!(abandoned(handle.shared()));
        loop {
            // There is no connection that could be of no use.
            let _ = self.take_answers();
            self.deliver();
            tokio::select! {
                goes_on = &mut waiting => return goes_on,
                () = &mut abandoned => return false,
                () = self.calls.answered() => {}
            }
        }
    }

    /// Talks over `link` until it is lost, and says why; `None` if it was we who ended it.
    async fn talk(&mut self, mut link: Link, persistence: &mut Persistence<'_>) -> Option<Failure> {
        self.is_ready = false;
        self.turn.wake_at = None;
        self.lanes.begin(&self.service.abilities(), Instant::now());
        // A post that was sent in part goes on.
        let talked = self.exchange(&mut link, persistence).await;
        self.succession = Succession::default();
        // What came before the end is passed on.
        self.deliver();
        match talked {
            Ok(()) => {
                let _ = timeout(FAREWELL, self.take_leave(&mut link, persistence)).await;
                None
            }
            Err(failure) => {
                // The other side may be told why, if it reads that at once.
                let _ = link.flush().now_or_never();
                for (receipt, _) in self.unsure.drain(..) {
                    let lost = Err(Error::lost(&failure.reason));
                    self.handle.shared().receipts.settle(receipt, lost);
                }
                Some(failure)
            }
        }
    }

    async fn exchange(
        &mut self,
        link: &mut Link,
        persistence: &mut Persistence<'_>,
    ) -> Result<(), Failure> {
        let mut silence = Silence::new(&self.options, link.received());
        let mut timer = pin!(sleep(Duration::ZERO));
        let mut leave_by = None;
        self.turn.begins();
        self.service.begin(&mut self.turn)?;
        loop {
            let paced = self.write(link)?;
            self.succeed();
            if self.handle.shared().outbox.is_closed() {
                let by = *leave_by.get_or_insert_with(|| Instant::now() + FAREWELL);
                if self.has_sent_all() || by <= Instant::now() {
                    return Ok(());
                }
            }
            if self.deliver() {
                self.handle.shared().listened().await;
            }
            self.wait_for_room(link, &mut silence).await;
            let due = [Some(silence.deadline()), self.turn.wake_at, paced, leave_by];
            let due = due.into_iter().chain(self.succession.due());
            let due = due.flatten().min();
            match self.wait(link, due, timer.as_mut()).await? {
                Woken::Outbox => {}
                Woken::Timer => self.timed(link, &mut silence)?,
                Woken::Answered => {
                    self.turn.begins();
                    self.take_answers()?;
                }
                Woken::Succeeded(next) => {
                    self.succession.retire(std::mem::replace(link, *next));
                    silence = Silence::new(&self.options, link.received());
                }
                Woken::Retiring(received) => {
                    self.turn.begins();
                    self.take_last(received, persistence);
                }
                Woken::Received(received) => {
                    silence.heard(link.received());
                    self.turn.begins();
                    self.take(received, persistence)?;
                    // What has arrived already goes on together, but for what may be the end of a
                    // connection that is to be replaced.
                    while !self.turn.is_to_replace
                        && let Some(received) = link.received_already()?
                    {
                        self.take(received, persistence)?;
                    }
                }
            }
        }
    }

    /// Waits until something has come, there is something to send, or `due`.
    async fn wait(
        &mut self,
        link: &mut Link,
        due: Option<Instant>,
        mut timer: Pin<&mut Sleep>,
    ) -> Result<Woken, Failure> {
        let shared = self.handle.shared();
        poll_fn(|cx| {
            if shared.outbox.poll_changed(cx).is_ready() {
                return Poll::Ready(Ok(Woken::Outbox));
            }
            if self.calls.poll_answered(cx).is_ready() {
                return Poll::Ready(Ok(Woken::Answered));
            }
            if let Poll::Ready(received) = self.succession.poll_retiring(cx) {
                return Poll::Ready(Ok(Woken::Retiring(received)));
            }
            match self.succession.poll_next(cx) {
                Poll::Ready(Ok(next)) => return Poll::Ready(Ok(Woken::Succeeded(Box::new(next)))),
                Poll::Ready(Err(failure)) if !self.succession.has_ended() => {
                    let what = format!("cannot connect anew: {}; trying again", failure.reason);
                    self.turn.tell(what);
                    return Poll::Ready(Ok(Woken::Timer));
                }
                _ => {}
            }
            // The end of a connection whose place is about to be taken is waited for no less.
            if !self.succession.has_ended()
                && let Poll::Ready(received) = link.poll_receive(cx)
            {
                match received {
                    Err(failure) if self.succession.is_under_way() => {
                        self.succession.end(failure);
                    }
                    received => return Poll::Ready(received.map(Woken::Received)),
                }
            }
            if let Some(failure) = self.succession.given_up() {
                return Poll::Ready(Err(failure));
            }
            let Some(due) = due else {
                return Poll::Pending;
            };
            loop {
                // It is set anew only when it has to be earlier, or has gone off too early: most of
                // the time, what is due is put off again and again.
                if timer.deadline() > due || timer.is_elapsed() {
                    timer.as_mut().reset(due);
                }
                match timer.as_mut().poll(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(()) if Instant::now() >= due => {
                        return Poll::Ready(Ok(Woken::Timer));
                    }
                    Poll::Ready(()) => {}
                }
            }
        })
        .await
    }

    /// While nobody takes what has come, nothing is read, so the other side is shown now and then that
    /// somebody is here. What is posted is sent all the same.
    async fn wait_for_room(&mut self, link: &mut Link, silence: &mut Silence) {
        let shared = self.handle.shared();
        let has_room = || poll_fn(|cx| shared.inbox.poll_room(cx));
        if has_room().now_or_never().is_some() {
            return;
        }
        tokio::select! {
            () = has_room() => {}
            () = poll_fn(|cx| shared.outbox.poll_changed(cx)) => {}
            () = sleep(self.options.pong_timeout) => {
                // A failure is met when reading goes on.
                let _ = link.show();
            }
        }
        let _ = link.flush().now_or_never();
        // Nobody listened, so nothing was heard.
        silence.heard(link.received());
    }

    fn timed(&mut self, link: &mut Link, silence: &mut Silence) -> Result<(), Failure> {
        self.turn.begins();
        let now = self.turn.now();
        if self.turn.wake_at.is_some_and(|at| at <= now) {
            self.turn.wake_at = None;
            self.service.wake(&mut self.turn)?;
        }
        if silence.deadline() > now {
            return Ok(());
        }
        match silence.passed(link.received()) {
            Due::Nothing => {}
            Due::Ask => {
                if !link.ask()? {
                    self.service.ask(&mut self.turn);
                }
            }
            Due::GiveUp(failure) => {
                link.close(1001, "no answer");
                return Err(failure);
            }
        }
        Ok(())
    }

    /// Gives the service a frame.
    fn take(
        &mut self,
        received: Received,
        persistence: &mut Persistence<'_>,
    ) -> Result<(), Failure> {
        match received {
            Received::Frame(frame) => {
                self.service.receive(frame, &mut self.turn)?;
                if self.is_ready || self.turn.is_ready {
                    persistence.worked();
                }
            }
            Received::TooLong => {
                let max = self.options.message_bytes_max;
                let what = format!("longer than {max} bytes");
                self.turn.leave_out(&mut self.too_long, &what);
            }
            Received::Pong(receipt) => self.turn.taken(receipt),
            Received::Sign => {}
        }
        Ok(())
    }

    /// Passes on what the service has made of what has come; whether that is anything.
    fn deliver(&mut self) -> bool {
        let inbox = &self.handle.shared().inbox;
        let mut any = false;
        let mut put = |event| {
            inbox.put(event);
            any = true;
        };
        for notice in self.turn.notices.drain(..) {
            put(Event::Notice(notice));
        }
        if std::mem::take(&mut self.turn.is_ready) && !self.is_ready {
            self.is_ready = true;
            self.handle.shared().set_abilities(self.service.abilities());
            put(Event::Ready);
        }
        for (receipt, how) in self.turn.settled.drain(..) {
            let receipts = &self.handle.shared().receipts;
            match how {
                // What is read in order has been taken with all before it.
                Ok(()) => {
                    let sent = self.unsure.iter().position(|(it, _)| *it == receipt);
                    for (taken, posted) in self.unsure.drain(..sent.map_or(0, |at| at + 1)) {
                        receipts.settle(taken, Ok(posted));
                    }
                }
                Err(why) => {
                    self.unsure.retain(|(it, _)| *it != receipt);
                    receipts.settle(receipt, Err(Error::denied(why)));
                }
            }
        }
        if !self.turn.messages.is_empty() {
            self.handle.shared().set_me(self.service.me());
        }
        for message in self.turn.messages.drain(..) {
            if message.id.as_deref().is_none_or(|id| self.seen.is_new(id)) {
                put(Event::Message(message));
            }
        }
        any
    }

    /// Sends what the service says, then of what is posted as much as may be sent now. Gives when
    /// there may be more, where something waits.
    fn write(&mut self, link: &mut Link) -> Result<Option<Instant>, Failure> {
        self.call();
        if self.succession.has_ended() {
            return Ok(None);
        }
        let now = Instant::now();
        let mut any = !self.turn.frames.is_empty();
        for frame in self.turn.frames.drain(..) {
            link.send(&frame)?;
            // What is said until we are let in counts for no server.
            if self.is_ready {
                self.lanes.count(now);
            }
        }
        let mut paced = None;
        while self.turn.is_ready || self.is_ready {
            let mut writer = Writing {
                service: &mut *self.service,
                turn: &mut self.turn,
            };
            let shared = self.handle.shared();
            let (outbox, receipts) = (&shared.outbox, &shared.receipts);
            match self.lanes.next(now, outbox, receipts, &mut writer) {
                Next::Text(text, receipt) => {
                    link.send(&text)?;
                    any = true;
                    if let Some((receipt, posted)) = receipt {
                        self.confirm(receipt, posted, link)?;
                    }
                }
                Next::Call(call, ticket) => {
                    let connector = Arc::clone(&self.connector);
                    self.calls.start(Asker::Post(ticket), call, connector);
                }
                Next::Wait(until) => {
                    paced = until;
                    break;
                }
            }
        }
        if any {
            // What does not fit is sent while something is waited for.
            link.flush().now_or_never().unwrap_or(Ok(()))?;
        }
        Ok(paced)
    }

    /// Asks what the service wants to know.
    fn call(&mut self) {
        for (number, call) in self.turn.calls.drain(..) {
            let connector = Arc::clone(&self.connector);
            self.calls.start(Asker::Service(number), call, connector);
        }
    }

    /// Tells the service, or whoever has posted, what has been answered.
    fn take_answers(&mut self) -> Result<(), Failure> {
        let mut taken = Ok(());
        for (asker, call, reply) in self.calls.take() {
            match asker {
                Asker::Service(number) => {
                    let answered = self.service.answered(number, reply, &mut self.turn);
                    taken = taken.and(answered);
                }
                Asker::Post(ticket) => self.post_answered(&ticket, call, reply),
            }
        }
        self.call();
        taken
    }

    fn post_answered(
        &mut self,
        ticket: &Ticket,
        call: Call,
        reply: Result<Reply, birl_net::Error>,
    ) {
        let outcome = match reply {
            Ok(reply) => self.service.outcome(&reply, &mut self.turn),
            Err(error) if error.is_lasting() => Outcome::Denied(error.to_string()),
            Err(error) => Outcome::Later(Later::new(error.to_string(), error.retry_after())),
        };
        let ended = match outcome {
            Outcome::Taken { id, room } => self.lanes.taken(ticket, id, room),
            Outcome::Denied(why) => self.failed(ticket, call, Error::denied(why)),
            Outcome::Later(later) => {
                let given_up = self.lanes.later(ticket, call, &later, Instant::now()).err();
                given_up.and_then(|call| self.failed(ticket, call, Error::lost(&later.why)))
            }
        };
        match ended {
            Some(Ended {
                receipt: Some(receipt),
                how,
                ..
            }) => self.handle.shared().receipts.settle(receipt, how),
            Some(Ended {
                room,
                how: Err(error),
                ..
            }) => self.turn.tell(format!("in {room:?}: {error}")),
            _ => {}
        }
    }

    /// What a call was to say is not said so.
    fn failed(&mut self, ticket: &Ticket, call: Call, why: Error) -> Option<Ended> {
        if call.has_otherwise() {
            let room = ticket.room();
            self.turn
                .tell(format!("in {room:?}, said without its file: {why}"));
        }
        self.lanes.failed(ticket, call, why)
    }

    /// Connects anew, where the service wants that.
    fn succeed(&mut self) {
        let now = Instant::now();
        self.succession.tidy(now);
        let is_wanted = std::mem::take(&mut self.turn.is_to_replace);
        let is_due = self.succession.is_due(now) || is_wanted && !self.succession.has_begun();
        if is_due && let Some(next) = self.service.replacement(Arc::clone(&self.connector)) {
            let limit = self.options.connect_timeout;
            let next = async move {
                let connected = timeout(limit, next).await;
                connected.unwrap_or_else(|_| Err(birl_net::Error::timeout(limit).into()))
            };
            self.succession.begin(next.boxed());
        }
    }

    /// Takes what comes over a connection whose place has been taken, and answers there.
    fn take_last(&mut self, received: Received, persistence: &mut Persistence<'_>) {
        if self.take(received, persistence).is_err() {
            self.succession.dismiss();
        }
        self.turn.is_to_replace = false;
        self.succession.answer(self.turn.frames.drain(..));
    }

    /// Has the other side show that it has taken all that was sent.
    fn confirm(&mut self, receipt: u64, posted: Posted, link: &mut Link) -> Result<(), Failure> {
        self.unsure.push_back((receipt, posted));
        if !self.service.confirm(receipt, &mut self.turn) && !link.ask_by(receipt)? {
            // There is no way to know more than that it was sent.
            self.turn.taken(receipt);
        }
        for frame in self.turn.frames.drain(..) {
            link.send(&frame)?;
            self.lanes.count(Instant::now());
        }
        Ok(())
    }

    fn has_sent_all(&self) -> bool {
        self.lanes.is_empty() && self.handle.shared().outbox.is_empty()
    }

    /// Says goodbye, and waits until the other side has ended the connection. What was said before it knew is passed
    /// on, as long as somebody takes it.
    async fn take_leave(&mut self, link: &mut Link, persistence: &mut Persistence<'_>) {
        if let Some(farewell) = self.service.farewell() {
            let _ = link.send(&farewell);
        }
        link.close(1000, "");
        let mut takes = true;
        while let Ok(received) = poll_fn(|cx| link.poll_receive(cx)).await {
            let inbox = &self.handle.shared().inbox;
            let has_room = poll_fn(|cx| inbox.poll_room(cx)).now_or_never().is_some();
            takes = takes && has_room && self.take(received, persistence).is_ok();
            self.deliver();
        }
    }
}

/// How a service writes what is posted.
struct Writing<'s> {
    service: &'s mut dyn Service,
    turn: &'s mut Turn,
}

impl lanes::Writer for Writing<'_> {
    fn room(&self, post: &Post) -> String {
        self.service.room_of(post)
    }

    fn write(&mut self, post: &Post) -> Vec<service::Frame> {
        let frames = self.service.write(post, self.turn);
        if frames.is_empty() {
            self.turn.has_nothing_of(post);
        }
        frames
    }
}

#[cfg(test)]
mod tests;
