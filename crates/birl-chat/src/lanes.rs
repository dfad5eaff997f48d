//! What is to be sent, in order: one lane for a connection, or two for each room where a service limits
//! rooms by themselves. One is for what is said, and one for what is changed, which services limit apart: a reply
//! does not wait for a change of something older.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::call::{Call, Later, Otherwise};
use crate::error::Error;
use crate::message::{Post, Posted, Urgency};
use crate::outbox::Outbox;
use crate::pace::Pace;
use crate::receipts::Receipts;
use crate::service::{Abilities, Frame, Rate};

/// So many tokens are left for whom somebody waits for.
const RESERVE: u32 = 2;

/// Behind so many messages that answer, an alert has its turn: whoever asks without an end does not keep
/// others from being warned.
const REPLIES_MAX: u32 = 10;

/// So many calls are under way at once, and so many of them alerts.
const CALLS_MAX: usize = 8;
const ALERT_CALLS_MAX: usize = 6;

/// So many posts of each urgency are held in lanes: what is to go to one room does not hold up others.
const HELD_MAX: usize = 256;

/// And so many of them in one: where a service wants a room to be left alone for long, others have places still.
const LANE_HELD_MAX: usize = 32;

/// A call that fails is made so often.
const ATTEMPTS_MAX: u32 = 6;

/// And so often where there is something else that can be said: whoever waits for a text does not wait as long for
/// its picture.
const ATTEMPTS_OTHERWISE_MAX: u32 = 3;

/// How long it waits after the first failure: twice as long with each.
const BACKOFF_FIRST: Duration = Duration::from_millis(500);

/// Nobody is asked to wait for longer.
pub(crate) const LATER_MAX: Duration = Duration::from_secs(3600);

/// All lanes.
#[derive(Debug)]
pub(crate) struct Lanes {
    lanes: Vec<Lane>,
    rate: Option<Rate>,
    by_room: bool,
    /// Nothing is sent before.
    not_before: Option<Instant>,
    /// The lane that is looked at first: they take turns.
    first: usize,
}

/// What makes posts of what is to be sent.
pub(crate) trait Writer {
    /// What tells the room of a post from others, whatever it is called there.
    fn room(&self, post: &Post) -> String;

    /// A post as frames.
    fn write(&mut self, post: &Post) -> Vec<Frame>;
}

/// Which lane it is: nothing where there is one for all rooms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Key {
    room: String,
    /// What was said is changed there.
    changes: bool,
}

#[derive(Debug)]
struct Lane {
    key: Key,
    replies: Queue,
    alerts: Queue,
    pace: Pace,
    not_before: Option<Instant>,
    /// Whose call is under way, if any is.
    under_way: Option<Urgency>,
    attempts: u32,
    /// So many messages that answer were sent while an alert waited.
    replies_sent: u32,
}

/// What is to be sent of an urgency.
#[derive(Debug, Default)]
struct Queue {
    posts: VecDeque<Post>,
    current: Option<Current>,
}

/// A post that is being sent.
#[derive(Debug)]
struct Current {
    /// As the post calls it.
    room: String,
    frames: VecDeque<Frame>,
    receipt: Option<u64>,
    /// What of it has been said.
    posted: Posted,
    has_begun: bool,
}

/// What is to be done next.
#[derive(Debug)]
pub(crate) enum Next {
    /// This is to be sent over the connection; if it is the last of a post that somebody waits for, with
    /// its receipt.
    Text(String, Option<(u64, Posted)>),
    /// This is to be asked, for that lane.
    Call(Call, Ticket),
    /// Nothing, before that moment.
    Wait(Option<Instant>),
}

/// Whose call is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    key: Key,
    room: String,
}

impl Ticket {
    /// The room, as the post calls it.
    pub(crate) fn room(&self) -> &str {
        &self.room
    }
}

/// How a post has ended, and who is to be told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) room: String,
    pub(crate) receipt: Option<u64>,
    pub(crate) how: Result<Posted, Error>,
}

impl Lanes {
    pub(crate) fn new() -> Self {
        Self {
            lanes: Vec::new(),
            rate: None,
            by_room: false,
            not_before: None,
            first: 0,
        }
    }

    /// There is a new connection, to a service that can do so much.
    pub(crate) fn begin(&mut self, abilities: &Abilities, now: Instant) {
        self.rate = abilities.rate;
        self.by_room = abilities.rate_by_room;
        if !self.by_room {
            for lane in &mut self.lanes {
                lane.pace = Pace::new(self.rate, now);
            }
        }
    }

    /// Something was sent that is no post.
    pub(crate) fn count(&mut self, now: Instant) {
        if !self.by_room {
            let rate = self.rate;
            self.lane(Key::default(), now, rate).pace.take(now);
        }
    }

    /// Whether nothing is to be sent, and nothing is under way.
    pub(crate) fn is_empty(&self) -> bool {
        self.lanes.iter().all(Lane::is_empty)
    }

    /// What is to be sent now. `writer` makes frames of a post.
    pub(crate) fn next(
        &mut self,
        now: Instant,
        outbox: &Outbox,
        receipts: &Receipts,
        writer: &mut impl Writer,
    ) -> Next {
        let mut due: Option<Instant> = None;
        self.fill(Urgency::Alert, outbox, now, writer);
        self.first = self.first.wrapping_add(1);
        for (urgency, reserve, calls_max) in [
            (Urgency::Reply, 0, CALLS_MAX),
            (Urgency::Alert, RESERVE, ALERT_CALLS_MAX),
        ] {
            let under_way = self.lanes.iter().filter(|lane| lane.under_way.is_some());
            if under_way.count() >= calls_max {
                continue;
            }
            self.fill(urgency, outbox, now, writer);
            let mut at = 0;
            while at < self.lanes.len() {
                let turn = (self.first + at) % self.lanes.len();
                let lane = &mut self.lanes[turn];
                if lane.has_to_wait(urgency) {
                    at += 1;
                    continue;
                }
                let from = [
                    self.not_before,
                    lane.not_before,
                    lane.pace.ready_at(match lane.is_turn_of_alert() {
                        true => 0,
                        false => reserve,
                    }),
                ];
                let from = from.into_iter().flatten().max();
                if let Some(from) = from.filter(|&from| from > now) {
                    due = Some(due.map_or(from, |due| due.min(from)));
                    at += 1;
                    continue;
                }
                if let Some(frame) = lane.frame(urgency, receipts, writer) {
                    lane.pace.take(now);
                    lane.count(urgency);
                    return lane.send(urgency, frame);
                }
                // There was nothing in it that could be said, and there is room for others.
                self.fill(urgency, outbox, now, writer);
                at = 0;
            }
        }
        Next::Wait(due)
    }

    /// Takes posts from the outbox, as many as may be held. Those for a lane that holds enough stay there.
    fn fill(&mut self, urgency: Urgency, outbox: &Outbox, now: Instant, writer: &impl Writer) {
        let held_max = if self.by_room { HELD_MAX } else { 1 };
        let mut count: usize = self.lanes.iter().map(|lane| lane.held(urgency)).sum();
        let (by_room, rate) = (self.by_room, self.rate);
        // As posts call it: to ask the writer for each of many may take long.
        let mut full: Vec<(String, bool)> = Vec::new();
        while count < held_max {
            let mut key = Key::default();
            let lanes = &self.lanes;
            let post = outbox.take(urgency, |post| {
                let changes = post.edits.is_some();
                let is_this = |(room, it): &(String, bool)| *room == post.room && *it == changes;
                if !by_room || full.iter().any(is_this) {
                    return !by_room;
                }
                let room = writer.room(post);
                key = Key { room, changes };
                let lane = lanes.iter().find(|lane| lane.key == key);
                let has_place = lane.is_none_or(|lane| lane.held(urgency) < LANE_HELD_MAX);
                if !has_place {
                    full.push((post.room.clone(), changes));
                }
                has_place
            });
            let Some(post) = post else { return };
            let lane = self.lane(key, now, rate);
            lane.queue(urgency).posts.push_back(post);
            count += 1;
        }
    }

    fn lane(&mut self, key: Key, now: Instant, rate: Option<Rate>) -> &mut Lane {
        let at = match self.lanes.iter().position(|lane| lane.key == key) {
            Some(at) => at,
            None => {
                self.lanes.retain(|lane| !lane.is_idle(now));
                self.lanes.push(Lane::new(key, rate, now));
                self.lanes.len() - 1
            }
        };
        &mut self.lanes[at]
    }

    /// The call of a ticket has been answered: it was taken.
    pub(crate) fn taken(
        &mut self,
        ticket: &Ticket,
        id: Option<String>,
        room: Option<String>,
    ) -> Option<Ended> {
        let lane = self.of(ticket)?;
        let urgency = lane.under_way.take()?;
        lane.attempts = 0;
        let queue = lane.queue(urgency);
        let current = queue.current.as_mut()?;
        current.posted.ids.extend(id);
        if let Some(room) = room {
            current.posted.room = room;
        }
        if !current.frames.is_empty() {
            return None;
        }
        let current = queue.current.take()?;
        Some(Ended {
            room: current.room,
            receipt: current.receipt,
            how: Ok(current.posted),
        })
    }

    /// It will not be taken: nor is what else there is of the post sent, unless there is something that is asked
    /// otherwise. `call` is what was asked last.
    pub(crate) fn failed(&mut self, ticket: &Ticket, mut call: Call, why: Error) -> Option<Ended> {
        let otherwise = call.takes_otherwise();
        if let Some(Otherwise::Nothing) = otherwise {
            return self.taken(ticket, None, None);
        }
        let lane = self.of(ticket)?;
        let urgency = lane.under_way.take()?;
        lane.attempts = 0;
        if let Some(Otherwise::Call(call)) = otherwise {
            lane.put_first(urgency, call);
            return None;
        }
        let current = lane.queue(urgency).current.take()?;
        Some(Ended {
            room: current.room,
            receipt: current.receipt,
            how: Err(why),
        })
    }

    /// It may be taken later: what was asked last is asked again then.
    ///
    /// # Errors
    ///
    /// Where it has failed too often, with what is to be [given up](Self::failed).
    pub(crate) fn later(
        &mut self,
        ticket: &Ticket,
        call: Call,
        later: &Later,
        now: Instant,
    ) -> Result<(), Call> {
        let Some(lane) = self.of(ticket) else {
            return Ok(());
        };
        let wait = match later.after {
            Some(asked) => asked.min(LATER_MAX),
            None => {
                lane.attempts += 1;
                let attempts_max = match call.has_otherwise() {
                    true => ATTEMPTS_OTHERWISE_MAX,
                    false => ATTEMPTS_MAX,
                };
                if lane.attempts >= attempts_max {
                    return Err(call);
                }
                BACKOFF_FIRST * 2_u32.pow(lane.attempts - 1)
            }
        };
        if let Some(urgency) = lane.under_way.take() {
            lane.put_first(urgency, call);
        }
        let until = Some(now + wait);
        match later.everywhere {
            true => self.not_before = self.not_before.max(until),
            false => lane.not_before = until,
        }
        Ok(())
    }

    fn of(&mut self, ticket: &Ticket) -> Option<&mut Lane> {
        self.lanes.iter_mut().find(|lane| lane.key == ticket.key)
    }
}

impl Lane {
    fn new(key: Key, rate: Option<Rate>, now: Instant) -> Self {
        Self {
            key,
            replies: Queue::default(),
            alerts: Queue::default(),
            pace: Pace::new(rate, now),
            not_before: None,
            under_way: None,
            attempts: 0,
            replies_sent: 0,
        }
    }

    fn queue(&mut self, urgency: Urgency) -> &mut Queue {
        match urgency {
            Urgency::Reply => &mut self.replies,
            Urgency::Alert => &mut self.alerts,
        }
    }

    /// How many posts of an urgency are held.
    fn held(&self, urgency: Urgency) -> usize {
        let queue = match urgency {
            Urgency::Reply => &self.replies,
            Urgency::Alert => &self.alerts,
        };
        queue.posts.len() + usize::from(queue.current.is_some())
    }

    /// Something else is to be asked in the place of what was.
    fn put_first(&mut self, urgency: Urgency, call: Call) {
        if let Some(current) = &mut self.queue(urgency).current {
            current.frames.push_front(Frame::Call(call));
            // If nothing of it has been said, whoever waits for it may still give it up.
            current.has_begun = !current.posted.ids.is_empty();
        }
    }

    fn is_empty(&self) -> bool {
        self.replies.is_empty() && self.alerts.is_empty()
    }

    /// Whether it is as if it had never been.
    fn is_idle(&self, now: Instant) -> bool {
        self.is_empty()
            && self.pace.is_full(now)
            && self.not_before.is_none_or(|until| until <= now)
    }

    /// Whether there is nothing of an urgency that may be sent: replies go first, but for the turn of an
    /// alert.
    fn has_to_wait(&self, urgency: Urgency) -> bool {
        self.under_way.is_some()
            || match urgency {
                Urgency::Reply => self.replies.is_empty() || self.is_turn_of_alert(),
                Urgency::Alert => {
                    self.alerts.is_empty() || !self.replies.is_empty() && !self.is_turn_of_alert()
                }
            }
    }

    fn is_turn_of_alert(&self) -> bool {
        self.replies_sent >= REPLIES_MAX && !self.alerts.is_empty()
    }

    /// A message was sent.
    fn count(&mut self, urgency: Urgency) {
        match urgency {
            Urgency::Reply if self.alerts.is_empty() => self.replies_sent = 0,
            Urgency::Reply => self.replies_sent += 1,
            // The turn lasts until all of it has been said.
            Urgency::Alert => {
                let more = self.alerts.current.as_ref();
                if more.is_none_or(|current| current.frames.is_empty()) {
                    self.replies_sent = 0;
                }
            }
        }
    }

    /// The next frame of an urgency.
    fn frame(
        &mut self,
        urgency: Urgency,
        receipts: &Receipts,
        writer: &mut impl Writer,
    ) -> Option<Frame> {
        let queue = self.queue(urgency);
        let is_given_up =
            |receipt: Option<u64>| receipt.is_some_and(|receipt| !receipts.is_awaited(receipt));
        if let Some(current) = &queue.current
            && !current.has_begun
            && is_given_up(current.receipt)
        {
            queue.current = None;
        }
        while queue.current.is_none() {
            let post = queue.posts.pop_front()?;
            if is_given_up(post.receipt) {
                continue;
            }
            let frames = writer.write(&post);
            if frames.is_empty() {
                continue;
            }
            queue.current = Some(Current {
                room: post.room.clone(),
                frames: frames.into(),
                receipt: post.receipt,
                posted: Posted::new(post.room),
                has_begun: false,
            });
        }
        let current = queue.current.as_mut()?;
        current.has_begun = true;
        current.frames.pop_front()
    }

    fn send(&mut self, urgency: Urgency, frame: Frame) -> Next {
        match frame {
            Frame::Text(text) => {
                let queue = self.queue(urgency);
                let is_last = |current: &mut Current| current.frames.is_empty();
                let ended = queue.current.take_if(is_last);
                let receipt = ended.and_then(|current| Some((current.receipt?, current.posted)));
                Next::Text(text, receipt)
            }
            Frame::Call(call) => {
                self.under_way = Some(urgency);
                let current = self.queue(urgency).current.as_ref();
                let ticket = Ticket {
                    room: current.map_or_else(String::new, |current| current.room.clone()),
                    key: self.key.clone(),
                };
                Next::Call(call, ticket)
            }
        }
    }
}

impl Queue {
    fn is_empty(&self) -> bool {
        self.posts.is_empty() && self.current.is_none()
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Lanes by rooms, each of which bears a message a second.
    struct Harness {
        lanes: Lanes,
        outbox: Outbox,
        receipts: Receipts,
        now: Instant,
        start: Instant,
        /// What was asked last.
        asked: Option<Call>,
    }

    /// A post is a call for each of its words: of `a/b`, a or else b, and of `a/`, a or nothing.
    struct Words;

    impl Writer for Words {
        fn room(&self, post: &Post) -> String {
            post.room.trim_start_matches('#').to_owned()
        }

        fn write(&mut self, post: &Post) -> Vec<Frame> {
            let call = |word| {
                let url = format!("http://h/{}/{word}", post.room);
                Call::get(Url::parse(&url).unwrap())
            };
            let calls = post.text.split(' ').map(|word| match word.split_once('/') {
                None => call(word),
                Some((word, "")) => call(word).dispensable(),
                Some((word, other)) => call(word).otherwise(call(other)),
            });
            calls.map(Frame::Call).collect()
        }
    }

    impl Harness {
        fn new(posts: impl IntoIterator<Item = Post>) -> Self {
            let outbox = Outbox::default();
            for post in posts {
                outbox.try_put(post).unwrap();
            }
            let start = Instant::now() + 1000 * SECOND;
            let mut lanes = Lanes::new();
            let abilities = Abilities {
                threads: true,
                edits: true,
                lines: true,
                files: false,
                text_bytes_max: 100,
                rate: Some(Rate {
                    burst: 1,
                    every: SECOND,
                }),
                rate_by_room: true,
            };
            lanes.begin(&abilities, start);
            Self {
                lanes,
                outbox,
                receipts: Receipts::default(),
                now: start,
                start,
                asked: None,
            }
        }

        /// What is asked next, as the path of its URL; else how long it is to wait, in seconds.
        fn next(&mut self) -> Result<(String, Ticket), Option<f64>> {
            match self
                .lanes
                .next(self.now, &self.outbox, &self.receipts, &mut Words)
            {
                Next::Call(call, ticket) => {
                    let path = call.path().to_owned();
                    self.asked = Some(call);
                    Ok((path, ticket))
                }
                Next::Wait(due) => Err(due.map(|due| (due - self.start).as_secs_f64())),
                Next::Text(..) => unreachable!("there are calls alone"),
            }
        }

        fn taken(&mut self, ticket: &Ticket) -> Option<Ended> {
            self.lanes.taken(ticket, Some("id".to_owned()), None)
        }

        fn failed(&mut self, ticket: &Ticket) -> Option<Ended> {
            let asked = self.asked.take().unwrap();
            self.lanes.failed(ticket, asked, Error::denied("no"))
        }

        /// What was asked last is to be tried later, or has ended.
        fn later(&mut self, ticket: &Ticket, later: &Later) -> Option<Ended> {
            let asked = self.asked.take().unwrap();
            let given_up = self.lanes.later(ticket, asked, later, self.now).err()?;
            self.lanes.failed(ticket, given_up, Error::lost(&later.why))
        }

        /// What is asked in order, each as often as it says, until there is nothing left; `answer` says whether it is
        /// taken.
        fn all(&mut self, mut answer: impl FnMut(&str) -> bool) -> (Vec<String>, Option<Ended>) {
            let (mut asked, mut ended) = (Vec::new(), None);
            loop {
                let (path, ticket) = match self.next() {
                    Ok(next) => next,
                    Err(Some(due)) => {
                        self.now = self.start + Duration::from_secs_f64(due);
                        continue;
                    }
                    Err(None) => return (asked, ended),
                };
                ended = match answer(&path) {
                    true => self.taken(&ticket),
                    false => self.later(&ticket, &Later::new("no route", None)),
                };
                asked.push(path);
            }
        }
    }

    #[test]
    fn rooms_do_not_wait_for_each_other_and_each_keeps_its_order() {
        let posts = ["a one", "a two", "b three"].map(|post| {
            let (room, text) = post.split_once(' ').unwrap();
            Post::new(room, text)
        });
        let mut harness = Harness::new(posts);
        let (b, _) = harness.next().unwrap();
        let (a, ticket) = harness.next().unwrap();
        let mut both = [a, b];
        both.sort();
        assert_eq!(both, ["/a/one", "/b/three"]);
        // The answer is waited for, and then the second.
        assert_eq!(harness.next(), Err(None));
        assert!(harness.taken(&ticket).unwrap().how.is_ok());
        assert_eq!(harness.next(), Err(Some(1.0)));
        harness.now += SECOND;
        assert_eq!(harness.next().unwrap().0, "/a/two");
    }

    #[test]
    fn what_may_be_sent_later_holds_up_its_room_and_nothing_else() {
        let mut harness = Harness::new([Post::new("a", "one two"), Post::new("a", "three")]);
        let (path, ticket) = harness.next().unwrap();
        assert_eq!(path, "/a/one");
        let later = Later::new("slow down", Some(5 * SECOND));
        assert_eq!(harness.later(&ticket, &later), None);
        assert_eq!(harness.next(), Err(Some(5.0)));
        harness.outbox.try_put(Post::new("b", "four")).unwrap();
        assert_eq!(harness.next().unwrap().0, "/b/four");
        harness.now += 5 * SECOND;
        assert_eq!(harness.next().unwrap().0, "/a/one");
        assert_eq!(harness.taken(&ticket), None, "there is more of it");
        // Where it holds for all rooms, nobody is asked.
        harness.now += SECOND;
        assert_eq!(harness.next().unwrap().0, "/a/two");
        let later = Later {
            everywhere: true,
            ..later
        };
        harness.later(&ticket, &later);
        harness.outbox.try_put(Post::new("c", "five")).unwrap();
        assert_eq!(harness.next(), Err(Some(11.0)));
    }

    #[test]
    fn a_reply_does_not_wait_for_a_change_that_may_be_made_later() {
        let change = Post::alert("a", "changed").in_place_of("a", "7".to_owned());
        let mut harness = Harness::new([change]);
        let (path, ticket) = harness.next().unwrap();
        assert_eq!(path, "/a/changed");
        let later = Later::new("slow down", Some(60 * SECOND));
        harness.later(&ticket, &later);
        harness.outbox.try_put(Post::new("a", "reply")).unwrap();
        let (path, ticket) = harness.next().unwrap();
        assert_eq!(path, "/a/reply");
        assert_eq!(harness.taken(&ticket).unwrap().room, "a");
        assert_eq!(harness.next(), Err(Some(60.0)));
        harness.now += 60 * SECOND;
        assert_eq!(harness.next().unwrap().0, "/a/changed");
    }

    #[test]
    fn a_room_has_one_order_whatever_it_is_called() {
        let posts = [Post::new("a", "one"), Post::new("#a", "two")];
        let mut harness = Harness::new(posts);
        let (path, ticket) = harness.next().unwrap();
        assert_eq!(path, "/a/one");
        assert_eq!(harness.next(), Err(None));
        harness.taken(&ticket);
        assert_eq!(harness.next(), Err(Some(1.0)));
    }

    #[test]
    fn however_much_waits_for_a_room_others_do_not() {
        let mut harness = Harness::new([Post::new("a", "first")]);
        let (_, ticket) = harness.next().unwrap();
        let later = Later::new("slow down", Some(3600 * SECOND));
        harness.later(&ticket, &later);
        let mut refused = 0;
        for n in 0..2 * HELD_MAX {
            refused += usize::from(
                harness
                    .outbox
                    .try_put(Post::new("a", n.to_string()))
                    .is_err(),
            );
        }
        assert_eq!(refused, 0);
        harness.outbox.try_put(Post::new("b", "reply")).unwrap();
        assert_eq!(harness.next().unwrap().0, "/b/reply");
        // They are still said in order.
        harness.now += 3600 * SECOND;
        for text in ["first", "0", "1"] {
            let (path, ticket) = harness.next().unwrap();
            assert_eq!(path, format!("/a/{text}"));
            harness.taken(&ticket);
            harness.now += SECOND;
        }
    }

    #[test]
    fn what_fails_is_tried_ever_more_seldom_and_given_up() {
        let mut harness = Harness::new([Post::new("a", "one two"), Post::new("a", "three")]);
        let mut waits = Vec::new();
        let ended = loop {
            let (path, ticket) = match harness.next() {
                Ok(next) => next,
                Err(due) => {
                    let due = due.expect("there is something to be sent");
                    waits.push(due - (harness.now - harness.start).as_secs_f64());
                    harness.now = harness.start + Duration::from_secs_f64(due);
                    continue;
                }
            };
            assert_eq!(path, "/a/one");
            let later = Later::new("no route", None);
            if let Some(ended) = harness.later(&ticket, &later) {
                break ended;
            }
        };
        // The room bears no more than one a second at first.
        assert_eq!(waits, [1.0, 1.0, 2.0, 4.0, 8.0]);
        assert!(ended.how.unwrap_err().is_lost());
        harness.now += SECOND;
        assert_eq!(harness.next().unwrap().0, "/a/three");
    }

    #[test]
    fn where_something_else_can_be_said_that_is_said_sooner() {
        let mut harness = Harness::new([Post::new("a", "picture/text more")]);
        let (asked, ended) = harness.all(|path| !path.ends_with("/picture"));
        let tried = ["/a/picture"; ATTEMPTS_OTHERWISE_MAX as usize];
        assert_eq!(asked, [&tried[..], &["/a/text", "/a/more"]].concat());
        assert_eq!(ended.unwrap().how.unwrap().ids, ["id", "id"]);
        // What is asked otherwise is tried as often as anything.
        let mut harness = Harness::new([Post::new("a", "picture/text more")]);
        let (asked, ended) = harness.all(|_| false);
        let texts = ["/a/text"; ATTEMPTS_MAX as usize];
        assert_eq!(asked, [&tried[..], &texts].concat());
        assert!(ended.unwrap().how.unwrap_err().is_lost());
        // What goes without is whole.
        let mut harness = Harness::new([Post::new("a", "text picture/")]);
        let (asked, ended) = harness.all(|path| !path.ends_with("/picture"));
        assert_eq!(asked, [&["/a/text"], &tried[..]].concat());
        assert_eq!(ended.unwrap().how.unwrap().ids, ["id"]);
        let mut harness = Harness::new([Post::new("a", "picture/text")]);
        let (_, ticket) = harness.next().unwrap();
        assert_eq!(harness.failed(&ticket), None);
        harness.now += SECOND;
        assert_eq!(harness.next().unwrap().0, "/a/text");
    }

    #[test]
    fn what_is_denied_is_not_said_in_part_and_replies_go_first() {
        let mut harness = Harness::new([Post::alert("a", "one"), Post::new("a", "two three")]);
        let (path, ticket) = harness.next().unwrap();
        assert_eq!(path, "/a/two");
        let ended = harness.failed(&ticket).unwrap();
        assert!(ended.how.unwrap_err().is_denied());
        harness.now += SECOND;
        assert_eq!(harness.next().unwrap().0, "/a/one");
    }

    #[test]
    fn a_storm_of_alerts_leaves_calls_to_replies() {
        let alerts = (0..20).map(|n| Post::alert(format!("room{n}"), "alert"));
        let mut harness = Harness::new(alerts);
        let under_way: Vec<_> = std::iter::from_fn(|| harness.next().ok()).collect();
        assert_eq!(under_way.len(), ALERT_CALLS_MAX);
        harness.outbox.try_put(Post::new("other", "reply")).unwrap();
        assert_eq!(harness.next().unwrap().0, "/other/reply");
        // Once one is answered, another room is due.
        harness.taken(&under_way[0].1);
        assert!(
            harness.next().is_err(),
            "seven are under way, with the reply"
        );
        harness.taken(&under_way[1].1);
        assert!(harness.next().unwrap().0.ends_with("/alert"));
    }

    #[test]
    fn whoever_asks_without_an_end_does_not_hold_up_alerts() {
        let replies = (0..25).map(|_| Post::new("a", "reply"));
        let alerts = [Post::alert("a", "alert more"), Post::alert("a", "late")];
        let mut harness = Harness::new(replies.chain(alerts));
        let mut said = Vec::new();
        while said.len() < 25 {
            let (path, ticket) = harness.next().unwrap();
            harness.taken(&ticket);
            said.push(path["/a/".len()..].to_owned());
            harness.now += SECOND;
        }
        let at = |word| said.iter().position(|it| it == word);
        let turns = ["alert", "more", "late"].map(at);
        assert_eq!(turns, [Some(10), Some(11), Some(22)]);
    }

    #[test]
    fn what_is_given_up_before_anything_of_it_is_said_is_not_said() {
        let mut harness = Harness::new([]);
        let (number, receiver) = harness.receipts.begin();
        let mut post = Post::new("a", "one");
        post.receipt = Some(number);
        harness.outbox.try_put(post).unwrap();
        let (_, ticket) = harness.next().unwrap();
        let later = Later::new("slow down", Some(SECOND));
        harness.later(&ticket, &later);
        drop(receiver);
        harness.now += SECOND;
        assert_eq!(harness.next(), Err(None));
        assert!(harness.lanes.is_empty());
    }
}
