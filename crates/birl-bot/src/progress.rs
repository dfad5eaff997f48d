//! How far a question is: one line, which changes in place where the service can.

use std::time::Duration;

use birl_chat::{Message, Posted};
use birl_scan::Snapshot;
use futures::future::{Either, select};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::answer::{Answer, read_words};
use crate::harmless::harmless;
use crate::workers::say;

/// Who waits for so long is told how far it is.
const PATIENCE: Duration = Duration::from_secs(3);
/// The line changes no more often than this: services bear few messages.
const EVERY: Duration = Duration::from_secs(3);
/// A line that is on its way is waited for no longer before the answer is said.
const SETTLED_WITHIN: Duration = Duration::from_secs(5);

/// An answer that is to stand in the place of a line is said anew where that takes longer: the service may want to be
/// left alone for long.
const EDITED_WITHIN: Duration = Duration::from_secs(10);

/// What a line says whose answer cannot stand in its place: a longer one, and a file.
const FOLLOWS: &str = "the answer:";

/// Whoever is to be told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker<'m> {
    pub(crate) chat: &'m str,
    pub(crate) prefix: &'m str,
    pub(crate) message: &'m Message,
}

impl Asker<'_> {
    /// Says what comes of `asking`; as long as it goes on, how far it is, as `reads` says. That ends with what is
    /// asked. Where the service can, the answer stands in the place of the line that told of it.
    pub(crate) async fn tell(
        self,
        asking: impl Future<Output = Answer>,
        reads: watch::Receiver<Option<Snapshot>>,
    ) {
        let (asking, telling) = (Box::pin(asking), Box::pin(self.follow(reads)));
        let (answer, line) = match select(asking, telling).await {
            Either::Left((answer, telling)) => {
                let line = timeout(SETTLED_WITHIN, telling).await;
                (answer, line.ok().flatten())
            }
            Either::Right((line, asking)) => (asking.await, line),
        };
        self.answer(answer, line).await;
    }

    /// Tells how far it is, until nothing more is known; gives the line where that can be changed.
    async fn follow(self, mut reads: watch::Receiver<Option<Snapshot>>) -> Option<Posted> {
        let handle = self.message.handle();
        let mut line: Option<Posted> = None;
        let mut next = Instant::now() + PATIENCE;
        while reads.changed().await.is_ok() {
            if Instant::now() < next {
                continue;
            }
            let read = *reads.borrow_and_update();
            let Some(read) = read else { continue };
            let words = format!(
                "still asking, {} read; {}cancel gives it up",
                read_words(&read),
                self.prefix
            );
            if !handle.abilities().edits {
                say(self.chat, self.prefix, self.message, words);
                return None;
            }
            let words = harmless(&words, self.prefix);
            match &line {
                None => {
                    let delivered = handle.deliver(self.message.answer(words)).await;
                    line = Some(delivered.ok()?);
                }
                Some(posted) => match handle.edit(posted, words).await {
                    // It is gone.
                    Err(error) if !error.is_lost() => return None,
                    _ => {}
                },
            }
            next = Instant::now() + EVERY;
        }
        line
    }

    async fn answer(self, answer: Answer, line: Option<Posted>) {
        if let Some(line) = &line {
            let handle = self.message.handle();
            let text = match &answer.picture {
                None => harmless(&answer.text, self.prefix),
                Some(_) => FOLLOWS.to_owned(),
            };
            let edited = timeout(EDITED_WITHIN, handle.edit(line, text)).await;
            match edited {
                Ok(Ok(_)) if answer.picture.is_none() => return,
                // It does not fit there.
                Ok(Err(error)) if error.is_denied() => {
                    let _ = timeout(EDITED_WITHIN, handle.edit(line, FOLLOWS)).await;
                }
                _ => {}
            }
        }
        say(self.chat, self.prefix, self.message, answer);
    }
}

#[cfg(test)]
mod tests {
    use birl_chat::{Slack, connect};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_does_not_wait_for_long_for_the_line_that_it_is_to_stand_in() {
        let token = || "env:TOKEN".parse().unwrap();
        // Nobody polls it, so nothing is ever taken there.
        let chat = connect(Slack::new(token(), token())).events();
        let message = Message::new(chat.handle().clone(), Default::default());
        let asker = Asker {
            chat: "ops",
            prefix: "!",
            message: &message,
        };
        let line = Posted::of("C1", vec!["1".to_owned()]);
        let answered = asker.answer("42".to_owned().into(), Some(line));
        assert!(timeout(10 * EDITED_WITHIN, answered).await.is_ok());
    }
}
