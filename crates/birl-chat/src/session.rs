//! Connects, connects again, and lets the service talk.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use birl_net::Connector;
use birl_source::link::{Due, Failure, Persistence, Silence};
use birl_source::live::Options;
use futures::FutureExt;
use tokio::time::{Instant, Sleep, sleep, timeout};

use crate::chat::{Event, Handle, Shared};
use crate::error::Error;
use crate::link::{Link, Received};
use crate::message::Urgency;
use crate::pace::Pace;
use crate::seen::Seen;
use crate::service::{Service, Turn};

/// How long saying goodbye may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// So many tokens are left for whom somebody waits for.
const RESERVE: u32 = 2;

/// One chat with a service, over all its connections.
pub(crate) struct Session {
    service: Box<dyn Service>,
    options: Options,
    handle: Handle,
    turn: Turn,
    seen: Seen,
    /// The frames of the posts that are being sent.
    replies: VecDeque<Frame>,
    alerts: VecDeque<Frame>,
    /// The receipts of posts that are sent, and not known to be taken.
    unsure: VecDeque<u64>,
    pace: Pace,
    is_ready: bool,
}

/// A piece of what is posted.
struct Frame {
    text: String,
    /// It is the last of a post that somebody waits for.
    receipt: Option<u64>,
}

impl Session {
    pub(crate) fn new(service: Box<dyn Service>, handle: Handle) -> Self {
        Self {
            options: service.options().clone(),
            service,
            turn: Turn::new(handle.clone()),
            handle,
            seen: Seen::default(),
            replies: VecDeque::new(),
            alerts: VecDeque::new(),
            unsure: VecDeque::new(),
            pace: Pace::new(None, Instant::now()),
            is_ready: false,
        }
    }
}

/// Talks to the service until it refuses us for good, or the chat is closed.
pub(crate) async fn run(mut session: Session) {
    let options = session.options.clone();
    let handle = session.handle.clone();
    let connector = Connector::new(options.proxies.clone(), options.ca_file.clone());
    let connector = connector.with_quick_acks();
    let mut persistence = Persistence::new(&options, handle.shared());
    loop {
        let connecting = session.service.connect(&connector);
        let connected = tokio::select! {
            biased;
            connected = timeout(options.connect_timeout, connecting) => connected,
            () = abandoned(handle.shared()) => return,
        };
        let waiting = match connected {
            Ok(Ok(link)) => {
                let began = Instant::now();
                persistence.connected(session.service.cursor());
                match session.talk(link, &mut persistence).await {
                    Some(failure) => persistence.lost(began, failure).left_future(),
                    None => return,
                }
            }
            Ok(Err(failure)) => persistence.refused(failure).right_future(),
            Err(_) => {
                let error = birl_net::Error::timeout(options.connect_timeout);
                persistence.refused(error.into()).right_future()
            }
        };
        let goes_on = tokio::select! {
            goes_on = waiting => goes_on,
            () = abandoned(handle.shared()) => false,
        };
        if !goes_on {
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
}

impl Session {
    /// Talks over `link` until it is lost, and says why; `None` if it was we who ended it.
    async fn talk(&mut self, mut link: Link, persistence: &mut Persistence<'_>) -> Option<Failure> {
        self.is_ready = false;
        self.turn.wake_at = None;
        self.pace = Pace::new(self.service.abilities().rate, Instant::now());
        // A post that was sent in part goes on.
        let talked = self.exchange(&mut link, persistence).await;
        // What came before the end is passed on.
        self.deliver();
        match talked {
            Ok(()) => {
                let _ = timeout(FAREWELL, self.take_leave(&mut link)).await;
                None
            }
            Err(failure) => {
                // The other side may be told why, if it reads that at once.
                let _ = link.flush().now_or_never();
                for receipt in self.unsure.drain(..) {
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
            let due = due.into_iter().flatten().min();
            match self.wait(link, due, timer.as_mut()).await? {
                Woken::Outbox => {}
                Woken::Timer => self.timed(link, &mut silence)?,
                Woken::Received(received) => {
                    silence.heard(link.received());
                    self.turn.begins();
                    self.take(received, persistence)?;
                    // What has arrived already goes on together.
                    while let Some(received) = link.received_already()? {
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
            if let Poll::Ready(received) = link.poll_receive(cx) {
                return Poll::Ready(received.map(Woken::Received));
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
                    let sent = self.unsure.iter().position(|it| *it == receipt);
                    for taken in self.unsure.drain(..sent.map_or(0, |at| at + 1)) {
                        receipts.settle(taken, Ok(()));
                    }
                }
                Err(why) => {
                    self.unsure.retain(|it| *it != receipt);
                    receipts.settle(receipt, Err(Error::denied(why)));
                }
            }
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
        let now = Instant::now();
        let mut any = !self.turn.frames.is_empty();
        for frame in self.turn.frames.drain(..) {
            link.send(&frame)?;
            // What is said until we are let in counts for no server.
            if self.is_ready {
                self.pace.take(now);
            }
        }
        let mut paced = None;
        if self.turn.is_ready || self.is_ready {
            for (urgency, reserve) in [(Urgency::Reply, 0), (Urgency::Alert, RESERVE)] {
                while self.has_frame(urgency) {
                    paced = self.pace.ready_at(reserve).filter(|&at| at > now);
                    if paced.is_some() {
                        break;
                    }
                    if let Some(frame) = self.frames(urgency).pop_front() {
                        link.send(&frame.text)?;
                        self.pace.take(now);
                        any = true;
                        if let Some(receipt) = frame.receipt {
                            self.confirm(receipt, link)?;
                        }
                    }
                }
                if paced.is_some() {
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

    fn frames(&mut self, urgency: Urgency) -> &mut VecDeque<Frame> {
        match urgency {
            Urgency::Reply => &mut self.replies,
            Urgency::Alert => &mut self.alerts,
        }
    }

    /// Whether there is a frame of an urgency that is to be sent.
    fn has_frame(&mut self, urgency: Urgency) -> bool {
        while self.frames(urgency).is_empty() {
            let Some(post) = self.handle.shared().outbox.take(urgency) else {
                return false;
            };
            let receipts = &self.handle.shared().receipts;
            if post
                .receipt
                .is_some_and(|receipt| !receipts.is_awaited(receipt))
            {
                continue;
            }
            let frames = self.service.write(&post, &mut self.turn);
            let count = frames.len();
            if let (0, Some(receipt)) = (count, post.receipt) {
                let why = Error::denied("there is nothing in it that can be said");
                self.handle.shared().receipts.settle(receipt, Err(why));
            }
            let frames = frames.into_iter().enumerate().map(|(at, text)| Frame {
                text,
                receipt: post.receipt.filter(|_| at + 1 == count),
            });
            self.frames(urgency).extend(frames);
        }
        true
    }

    /// Has the other side show that it has taken all that was sent.
    fn confirm(&mut self, receipt: u64, link: &mut Link) -> Result<(), Failure> {
        self.unsure.push_back(receipt);
        if !self.service.confirm(receipt, &mut self.turn) && !link.ask_by(receipt)? {
            // There is no way to know more than that it was sent.
            self.turn.taken(receipt);
        }
        for frame in self.turn.frames.drain(..) {
            link.send(&frame)?;
            self.pace.take(Instant::now());
        }
        Ok(())
    }

    fn has_sent_all(&self) -> bool {
        self.replies.is_empty() && self.alerts.is_empty() && self.handle.shared().outbox.is_empty()
    }

    /// Says goodbye, and waits until the other side has ended the connection.
    async fn take_leave(&mut self, link: &mut Link) {
        if let Some(farewell) = self.service.farewell() {
            let _ = link.send(&farewell);
        }
        link.close(1000, "");
        while poll_fn(|cx| link.poll_receive(cx)).await.is_ok() {}
    }
}

#[cfg(test)]
mod tests;
