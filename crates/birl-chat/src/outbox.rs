//! What waits to be sent.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;

use crate::error::Error;
use crate::message::{Post, Urgency};

/// So many posts of each urgency may wait.
const POSTS_MAX: usize = 1000;

/// And so many of them for one room, so that one that is not to be spoken in for long leaves place for others.
const ROOM_POSTS_MAX: usize = 800;

/// Posts on their way from whoever speaks to the session that sends them.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: Mutex<Waiting>,
    /// There is room again, or there will never be.
    room: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    replies: VecDeque<Post>,
    alerts: VecDeque<Post>,
    /// Nothing more is taken.
    is_closed: bool,
    /// Something has changed that the session has not seen.
    has_changed: bool,
    session: Option<Waker>,
}

impl Waiting {
    fn lane(&mut self, urgency: Urgency) -> &mut VecDeque<Post> {
        match urgency {
            Urgency::Reply => &mut self.replies,
            Urgency::Alert => &mut self.alerts,
        }
    }

    fn changed(&mut self) -> Option<Waker> {
        self.has_changed = true;
        self.session.take()
    }
}

impl Outbox {
    /// Puts a post in, if there is room.
    ///
    /// # Errors
    ///
    /// If there is none, or nothing more is taken.
    pub(crate) fn try_put(&self, post: Post) -> Result<(), Error> {
        let mut waiting = self.lock();
        if waiting.is_closed {
            return Err(Error::over());
        }
        let lane = waiting.lane(post.urgency);
        if lane.len() >= POSTS_MAX {
            return Err(Error::full(POSTS_MAX));
        }
        let of_room = || lane.iter().filter(|it| it.room == post.room).count();
        if lane.len() >= ROOM_POSTS_MAX && of_room() >= ROOM_POSTS_MAX {
            return Err(Error::full(ROOM_POSTS_MAX));
        }
        lane.push_back(post);
        let session = waiting.changed();
        drop(waiting);
        if let Some(session) = session {
            session.wake();
        }
        Ok(())
    }

    /// The same, once there is room.
    pub(crate) async fn put(&self, post: Post) -> Result<(), Error> {
        loop {
            let room = self.room.notified();
            match self.try_put(post.clone()) {
                Err(error) if error.is_full() => room.await,
                put => return put,
            }
        }
    }

    /// Takes what has waited longest of an urgency, among what is wanted.
    pub(crate) fn take(
        &self,
        urgency: Urgency,
        is_wanted: impl FnMut(&Post) -> bool,
    ) -> Option<Post> {
        let mut waiting = self.lock();
        let lane = waiting.lane(urgency);
        let at = lane.iter().position(is_wanted);
        let post = at.and_then(|at| lane.remove(at));
        drop(waiting);
        if post.is_some() {
            self.room.notify_waiters();
        }
        post
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        let waiting = self.lock();
        waiting.replies.is_empty() && waiting.alerts.is_empty()
    }

    /// Takes nothing more. What waits may still be sent.
    pub(crate) fn close(&self) {
        let mut waiting = self.lock();
        waiting.is_closed = true;
        let session = waiting.changed();
        drop(waiting);
        if let Some(session) = session {
            session.wake();
        }
        self.room.notify_waiters();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// Whether something has changed since it was last asked.
    pub(crate) fn poll_changed(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut waiting = self.lock();
        if std::mem::take(&mut waiting.has_changed) {
            return Poll::Ready(());
        }
        match &mut waiting.session {
            Some(session) => session.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn a_post_waits_for_room_and_the_end_ends_its_wait() {
        let outbox = Outbox::default();
        for n in 0..ROOM_POSTS_MAX {
            outbox.try_put(Post::new("r", n.to_string())).unwrap();
        }
        assert!(outbox.try_put(Post::new("r", "x")).unwrap_err().is_full());
        for n in ROOM_POSTS_MAX..POSTS_MAX {
            outbox.try_put(Post::new("s", n.to_string())).unwrap();
        }
        assert!(outbox.try_put(Post::new("t", "x")).unwrap_err().is_full());
        let mut waits = Box::pin(outbox.put(Post::new("s", "last")));
        assert!((&mut waits).now_or_never().is_none());
        // What is less urgent has room of its own.
        let alert = Post {
            urgency: Urgency::Alert,
            ..Post::new("r", "x")
        };
        outbox.try_put(alert).unwrap();
        assert_eq!(outbox.take(Urgency::Reply, |_| true).unwrap().text, "0");
        assert_eq!((&mut waits).now_or_never(), Some(Ok(())));
        let mut waits = Box::pin(outbox.put(Post::new("s", "never")));
        assert!((&mut waits).now_or_never().is_none());
        outbox.close();
        assert!(waits.now_or_never().unwrap().unwrap_err().is_over());
    }
}
