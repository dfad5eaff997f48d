//! `chat = NAME`: a room of a `[chat.NAME]` of the same file, in which birl is anyway.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::timeout;

use super::form;
use crate::alert::{Alert, State};
use crate::deliver::HELD_BACK;
use crate::place::{Place, Undelivered};

/// The chats that the process takes part in.
#[async_trait]
pub trait Rooms: Send + Sync + fmt::Debug {
    /// The names of the chats.
    fn chats(&self) -> Vec<String>;

    /// Says `text` in a room of a chat, and returns when the other side has it. What the service would take
    /// for more than text is for it to break. Dropping the future gives it up.
    ///
    /// # Errors
    ///
    /// Why the other side does not have it, for people.
    async fn post(&self, chat: &str, room: &str, text: String) -> Result<(), String>;
}

/// No chats.
#[derive(Debug)]
pub struct NoRooms;

#[async_trait]
impl Rooms for NoRooms {
    fn chats(&self) -> Vec<String> {
        Vec::new()
    }

    async fn post(&self, chat: &str, _room: &str, _text: String) -> Result<(), String> {
        Err(format!("there is no chat {chat:?}"))
    }
}

/// More lines than these are no message for a room.
const LINES_MAX: usize = 8;
/// So many characters of a line are said.
const LINE_CHARS_MAX: usize = 350;

/// Says alerts in a room.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) rooms: Arc<dyn Rooms>,
    pub(super) chat: String,
    pub(super) room: String,
    pub(super) timeout: Duration,
}

#[async_trait]
impl Place for Room {
    async fn send(&self, alert: &Alert) -> Result<(), Undelivered> {
        let posted = self.rooms.post(&self.chat, &self.room, message(alert));
        let posted = match timeout(self.timeout, posted).await {
            Ok(posted) => posted,
            Err(_) => Err(format!(
                "nothing was answered within {} s",
                self.timeout.as_secs_f64()
            )),
        };
        posted.map_err(|reason| Undelivered::ForNow {
            reason: format!(
                "cannot say it in {} of chat {:?}: {reason}",
                self.room, self.chat
            ),
            after: None,
        })
    }
}

/// What is said: the headline with the id by which people name the alert, the text, and while it fires how to
/// ask for more. Each line by itself may be a message, so they are few and short.
fn message(alert: &Alert) -> String {
    // That is about many alerts, and nobody looks after it.
    let is_one = alert.rule != HELD_BACK;
    let headline = is_one.then(|| format!("{} {}", alert.short_id(), form::headline(alert)));
    let text = alert.text.lines().filter(|line| !line.trim().is_empty());
    let ask = Some(alert.ask.as_str());
    let ask = ask.filter(|ask| alert.state == State::Firing && !ask.is_empty());
    let mut lines: Vec<String> = (headline.as_deref())
        .into_iter()
        .chain(text)
        .map(shortened)
        .collect();
    if lines.len() > LINES_MAX {
        let more = lines.len() - LINES_MAX;
        lines.truncate(LINES_MAX);
        lines.push(format!("({more} more lines)"));
    }
    // A command that is cut is of no use.
    lines.extend(
        ask.filter(|ask| ask.chars().count() <= LINE_CHARS_MAX)
            .map(str::to_owned),
    );
    lines.join("\n")
}

fn shortened(line: &str) -> String {
    match line.char_indices().nth(LINE_CHARS_MAX) {
        None => line.to_owned(),
        Some((end, _)) => format!("{}…", &line[..end]),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::alert::testing::{alert, endless};

    /// Keeps what is said, unless it is of another chat.
    #[derive(Debug, Default)]
    struct Played(Mutex<Vec<(String, String)>>);

    #[async_trait]
    impl Rooms for Played {
        fn chats(&self) -> Vec<String> {
            vec!["ops".to_owned()]
        }

        async fn post(&self, chat: &str, room: &str, text: String) -> Result<(), String> {
            match chat {
                "ops" => {
                    self.0.lock().unwrap().push((room.to_owned(), text));
                    Ok(())
                }
                _ => std::future::pending().await,
            }
        }
    }

    fn room(rooms: &Arc<Played>, chat: &str) -> Room {
        Room {
            rooms: Arc::clone(rooms) as _,
            chat: chat.to_owned(),
            room: "#ops".to_owned(),
            timeout: Duration::from_secs(3),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_alert_is_said_in_its_room() {
        let rooms = Arc::new(Played::default());
        let mut alert = alert();
        alert.text = "no luck\n\nat all".to_owned();
        room(&rooms, "ops").send(&alert).await.unwrap();
        let said = rooms.0.lock().unwrap().pop().unwrap();
        let text = "9f86d0 FIRING error-burst (service=api)\nno luck\nat all\n\
                    birl --since 14:05 --until 14:06 'level:error' app.log";
        assert_eq!(said, ("#ops".to_owned(), text.to_owned()));
        alert.state = State::Resolved;
        room(&rooms, "ops").send(&alert).await.unwrap();
        let (_, text) = rooms.0.lock().unwrap().pop().unwrap();
        assert_eq!(
            text,
            "9f86d0 RESOLVED error-burst (service=api)\nno luck\nat all"
        );
        let late = room(&rooms, "away").send(&alert).await.unwrap_err();
        let reason = "cannot say it in #ops of chat \"away\": nothing was answered within 3 s";
        assert_eq!(
            late,
            Undelivered::ForNow {
                reason: reason.to_owned(),
                after: None
            }
        );
    }

    #[test]
    fn the_longest_message_fits_a_room() {
        let mut alert = endless();
        alert.text = "x".repeat(1000) + &"\ny".repeat(100);
        let text = message(&alert);
        assert!(text.lines().count() <= LINES_MAX + 2);
        assert!(
            text.lines()
                .all(|line| line.chars().count() <= LINE_CHARS_MAX + 1)
        );
        assert!(text.contains("(94 more lines)"), "{text}");
    }
}
