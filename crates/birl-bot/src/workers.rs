//! What is done for people beside the loop that reads what they say.
//!
//! Each room has two lanes, so that what is said there keeps its order: one for questions to logs, which
//! may take long, and one for all else, which never waits for those.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use birl_chat::{File, Message};
use futures::FutureExt;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::warn;

use crate::answer::{Answer, Picture};
use crate::command::Task;
use crate::executor::Executor;
use crate::harmless::harmless;
use crate::pages::{Place, Shape};
use crate::progress::Asker;
use crate::record::{MessageRecord, Person};

/// So much may wait in a lane.
const WAITING_MAX: usize = 4;
/// A lane that has had nothing to do for so long is given up.
const IDLE: Duration = Duration::from_secs(60);
/// Lanes that were given up are looked for when there are so many.
const LANES_MANY: usize = 64;

/// What a picture shows is told to who cannot see it in so many letters: Slack takes 1000.
const ALT_CHARS_MAX: usize = 900;

/// What is done in a chat.
#[derive(Debug)]
pub(crate) struct Workers {
    chat: String,
    /// What tells its server from others.
    address: String,
    executor: Arc<Executor>,
    /// Why nothing more is done, once that is so.
    ended: Arc<OnceLock<String>>,
    lanes: HashMap<(String, bool), Lane>,
    asking: Asking,
    running: JoinSet<()>,
}

#[derive(Debug)]
struct Lane {
    jobs: mpsc::Sender<Job>,
    /// What gives up that which is being done.
    cancel: Cancel,
}

/// What gives up that which is being done, and is told what to say.
type Cancel = Arc<Mutex<Option<oneshot::Sender<String>>>>;

/// Something to be done for whoever has sent a message.
#[derive(Debug)]
struct Job {
    task: Task,
    record: MessageRecord,
    message: Message,
    /// What stands before commands.
    prefix: String,
    /// Whose question it is, until it has been answered.
    _asked: Option<Asked>,
}

/// Where each person has questions that are not answered. Few questions are answered at once in all rooms together, so
/// nobody asks in two.
#[derive(Clone, Debug, Default)]
struct Asking(Arc<Mutex<HashMap<Person, (String, usize)>>>);

/// A question of somebody, until it is dropped.
#[derive(Debug)]
struct Asked {
    asking: Asking,
    person: Person,
}

impl Asking {
    /// Somebody asks; `None` where something that they have asked elsewhere is not answered.
    fn begin(&self, record: &MessageRecord) -> Option<Asked> {
        let person = record.person();
        let mut asking = lock(&self.0);
        let room = || (record.room.clone(), 0);
        let (room, count) = asking.entry(person.clone()).or_insert_with(room);
        if *room != record.room {
            return None;
        }
        *count += 1;
        Some(Asked {
            asking: self.clone(),
            person,
        })
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        let mut asking = lock(&self.asking.0);
        if let Some((_, count)) = asking.get_mut(&self.person) {
            *count -= 1;
            if *count == 0 {
                asking.remove(&self.person);
            }
        }
    }
}

impl Workers {
    pub(crate) fn new(chat: &str, address: &str, executor: Arc<Executor>) -> Self {
        Self {
            chat: chat.to_owned(),
            address: address.to_owned(),
            executor,
            ended: Arc::default(),
            lanes: HashMap::new(),
            asking: Asking::default(),
            running: JoinSet::new(),
        }
    }

    /// Has it done, or says why not.
    pub(crate) fn put(
        &mut self,
        task: Task,
        record: MessageRecord,
        message: Message,
        prefix: &str,
    ) {
        let is_question = matches!(task, Task::Ask(_));
        let key = (record.room.clone(), is_question);
        while self.running.try_join_next().is_some() {}
        let asked = is_question.then(|| self.asking.begin(&record));
        if let Some(None) = asked {
            let words = format!(
                "{}: something that you have asked elsewhere is not answered yet; {prefix}cancel there gives it up",
                record.sender
            );
            return say(&self.chat, prefix, &message, words);
        }
        let job = Job {
            task,
            record,
            message,
            prefix: prefix.to_owned(),
            _asked: asked.flatten(),
        };
        let refused = match self.lane(key.clone()).jobs.try_send(job) {
            Ok(()) => return,
            Err(mpsc::error::TrySendError::Full(job)) => job,
            Err(mpsc::error::TrySendError::Closed(job)) => {
                // It was given up right now.
                self.lanes.remove(&key);
                match self.lane(key).jobs.try_send(job) {
                    Ok(()) => return,
                    Err(error) => error.into_inner(),
                }
            }
        };
        let words = format!(
            "{WAITING_MAX} questions wait here already; {prefix}cancel gives up the one that is asked"
        );
        say(&self.chat, prefix, &refused.message, words);
    }

    /// Gives up what is being asked in a room, if anything is.
    pub(crate) fn cancel(&self, room: &str) -> bool {
        let lane = self.lanes.get(&(room.to_owned(), true));
        let cancel = lane.and_then(|lane| lock(&lane.cancel).take());
        cancel.is_some_and(|cancel| cancel.send("given up".to_owned()).is_ok())
    }

    /// Gives up all that is being asked, and all that waits: who has asked is told why.
    pub(crate) fn give_up(&mut self, why: &str) {
        // It is given up for one reason.
        let _ = self.ended.set(why.to_owned());
        for (_, lane) in self.lanes.drain() {
            if let Some(cancel) = lock(&lane.cancel).take() {
                let _ = cancel.send(why.to_owned());
            }
        }
    }

    /// Waits until nothing is done any more.
    pub(crate) async fn done(&mut self) {
        while self.running.join_next().await.is_some() {}
    }

    fn lane(&mut self, key: (String, bool)) -> &Lane {
        if self.lanes.len() >= LANES_MANY {
            self.lanes.retain(|_, lane| !lane.jobs.is_closed());
        }
        self.lanes.entry(key).or_insert_with(|| {
            let (sender, receiver) = mpsc::channel(WAITING_MAX);
            let cancel = Cancel::default();
            self.running.spawn(work(
                (self.chat.clone(), self.address.clone()),
                Arc::clone(&self.executor),
                receiver,
                Arc::clone(&cancel),
                Arc::clone(&self.ended),
            ));
            Lane {
                jobs: sender,
                cancel,
            }
        })
    }
}

/// Does one thing after the other, until nothing comes for long.
async fn work(
    (chat, address): (String, String),
    executor: Arc<Executor>,
    mut jobs: mpsc::Receiver<Job>,
    cancel: Cancel,
    ended: Arc<OnceLock<String>>,
) {
    loop {
        let job = match timeout(IDLE, jobs.recv()).await {
            Ok(job) => job,
            Err(_) => {
                // Something may have come right now.
                jobs.close();
                jobs.recv().await
            }
        };
        let Some(job) = job else { return };
        let Job {
            task,
            record,
            message,
            prefix,
            _asked,
        } = job;
        let (sender, cancelled) = oneshot::channel();
        *lock(&cancel) = Some(sender);
        // Whoever gives up all says so before.
        if let Some(why) = ended.get() {
            say(&chat, &prefix, &message, why.clone());
            continue;
        }
        let abilities = message.handle().abilities();
        let shape = Shape {
            pictures: abilities.files,
            ..match abilities.lines {
                true => Shape::MESSAGES,
                false => Shape::LINES,
            }
        };
        let (sender, reads) = watch::channel(None);
        let place = Place::of((&chat, &address), &record);
        let done = executor.perform(task, (place, &record), (shape, &prefix), move |read| {
            sender.send_replace(Some(read));
        });
        // Whoever asks next is answered whatever this one has met.
        let done = AssertUnwindSafe(done).catch_unwind();
        let asking = async {
            let done = tokio::select! {
                done = done => done.unwrap_or_else(|_| "that has failed: birl's log says how".to_owned().into()),
                Ok(why) = cancelled => why.into(),
            };
            lock(&cancel).take();
            done
        };
        let asker = Asker {
            chat: &chat,
            prefix: &prefix,
            message: &message,
        };
        asker.tell(asking, reads).await;
    }
}

/// Answers a message.
pub(crate) fn say(chat: &str, prefix: &str, message: &Message, answer: impl Into<Answer>) {
    let Answer { text, picture } = answer.into();
    if text.is_empty() {
        return;
    }
    let mut post = message.answer(harmless(&text, prefix));
    if let Some(Picture { png, title }) = picture {
        post = post.with_file(File {
            name: "chart.png".to_owned(),
            mime: "image/png",
            bytes: png.into(),
            alt: title.chars().take(ALT_CHARS_MAX).collect(),
        });
    }
    if let Err(error) = message.handle().try_send(post) {
        warn!(chat, "{error}");
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_asks_in_two_rooms_at_once() {
        let asking = Asking::default();
        let record = |sender: &str, room: &str| MessageRecord {
            sender: sender.to_owned(),
            room: room.to_owned(),
            ..MessageRecord::default()
        };
        let first = asking.begin(&record("ann", "#a")).unwrap();
        let second = asking.begin(&record("ann", "#a")).unwrap();
        assert!(asking.begin(&record("ann", "#b")).is_none());
        assert!(asking.begin(&record("bob", "#b")).is_some());
        drop(first);
        assert!(asking.begin(&record("ann", "#b")).is_none());
        drop(second);
        assert!(asking.begin(&record("ann", "#b")).is_some());
        // Another name is no other person.
        let bob = MessageRecord {
            account: Some("a1".to_owned()),
            ..record("bob", "#b")
        };
        let robert = MessageRecord {
            sender: "robert".to_owned(),
            room: "#a".to_owned(),
            ..bob.clone()
        };
        let _first = asking.begin(&bob).unwrap();
        assert!(asking.begin(&robert).is_none());
        assert!(lock(&asking.0).len() == 1);
        // A name is no account that is called so.
        assert!(asking.begin(&record("a1", "#b")).is_some());
    }
}
