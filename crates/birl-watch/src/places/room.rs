//! `chat = NAME`: a room of a `[chat.NAME]` of the same file, in which birl is anyway.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::form;
use crate::alert::{Alert, State};
use crate::config::{Config, Error};
use crate::deliver::HELD_BACK;
use crate::place::{Place, Undelivered};

/// The chats that the process takes part in.
#[async_trait]
pub trait Rooms: Send + Sync + fmt::Debug {
    /// The names of the chats.
    fn chats(&self) -> Vec<String>;

    /// Says `text` in a room of a chat, and returns when the other side has it: under another message, where
    /// the service has that and still knows it. What the service would take for more than text is for it to
    /// break. Dropping the future gives it up.
    ///
    /// # Errors
    ///
    /// Why the other side does not have it, for people.
    async fn post(
        &self,
        chat: &str,
        room: &str,
        text: String,
        under: Option<&Posted>,
    ) -> Result<Posted, String>;

    /// Lets a message that was said before say `text` instead, and returns when the other side has it; false
    /// where it cannot be changed, or not to that. Dropping the future gives it up.
    ///
    /// # Errors
    ///
    /// Why it is not known whether the other side has it, for people.
    async fn edit(&self, chat: &str, posted: &Posted, text: String) -> Result<bool, String>;

    /// What another text of the file says of chats, whose other tables are `config`; nothing changes before it
    /// is [taken up](Change::take_up). `None` where chats do not go by the file.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    fn read(&self, text: &str, config: &Config) -> Result<Option<Box<dyn Change>>, Error> {
        let _ = (text, config);
        Ok(None)
    }
}

/// Chats as another text of the file has them.
pub trait Change: Send {
    /// The chats as they will be. What is said there before the change is taken up has to be said again.
    fn rooms(&self) -> Arc<dyn Rooms>;

    /// The chats are as that text says from now on.
    fn take_up(self: Box<Self>);
}

/// A message that has been said, as its service calls it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posted {
    /// Where.
    pub room: String,
    /// A name for each message that it was made of; none where the service does not tell.
    pub ids: Vec<String>,
}

/// No chats.
#[derive(Debug)]
pub struct NoRooms;

#[async_trait]
impl Rooms for NoRooms {
    fn chats(&self) -> Vec<String> {
        Vec::new()
    }

    async fn post(
        &self,
        chat: &str,
        _room: &str,
        _text: String,
        _under: Option<&Posted>,
    ) -> Result<Posted, String> {
        Err(format!("there is no chat {chat:?}"))
    }

    async fn edit(&self, chat: &str, _posted: &Posted, _text: String) -> Result<bool, String> {
        Err(format!("there is no chat {chat:?}"))
    }
}

/// More lines than these are no message for a room.
const LINES_MAX: usize = 8;
/// So many lines of what follows on an alert are shown with it.
const LINES_BEHIND_MAX: usize = 8;
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

/// An alert that was said, with what has followed on it since.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Told {
    chat: String,
    /// The room as the configuration calls it.
    room: String,
    posted: Posted,
    /// What was said of the alert.
    text: String,
    /// What came behind it, a line each time.
    lines: Vec<String>,
    /// So many lines are not shown any more.
    lines_before: u64,
}

impl Told {
    fn with_line(mut self, line: &str) -> Self {
        self.lines.push(shortened(line));
        if self.lines.len() > LINES_BEHIND_MAX {
            self.lines.remove(0);
            self.lines_before += 1;
        }
        self
    }

    /// The same once `alert` has been said again.
    fn told_again(&self, alert: &Alert) -> Self {
        let headline = form::headline_as("TOLD AGAIN", alert);
        let headline = shortened(&format!("{} {headline}", alert.short_id()));
        let others = self.text.lines().skip(1).map(str::to_owned);
        let lines: Vec<_> = [headline].into_iter().chain(others).collect();
        Self {
            text: lines.join("\n"),
            ..self.clone()
        }
    }

    fn shown(&self) -> String {
        let before = match self.lines_before {
            0 => None,
            1 => Some("(1 more line)".to_owned()),
            more => Some(format!("({more} more lines)")),
        };
        let head = Some(self.text.clone());
        let all = head.into_iter().chain(before).chain(self.lines.clone());
        all.collect::<Vec<_>>().join("\n")
    }
}

#[async_trait]
impl Place for Room {
    async fn send(&self, alert: &Alert) -> Result<(), Undelivered> {
        self.send_behind(alert, None).await.map(drop)
    }

    async fn send_behind(
        &self,
        alert: &Alert,
        before: Option<&str>,
    ) -> Result<Option<String>, Undelivered> {
        let told = before.and_then(|before| serde_json::from_str::<Told>(before).ok());
        // It may be another room by now.
        let told = told.filter(|it| (&it.chat, &it.room) == (&self.chat, &self.room));
        let told = match timeout(self.timeout, self.tell(alert, told)).await {
            Ok(told) => told,
            Err(_) => Err(format!(
                "nothing was answered within {} s",
                self.timeout.as_secs_f64()
            )),
        };
        let told = told.map_err(|reason| Undelivered::ForNow {
            reason: format!(
                "cannot say it in {} of chat {:?}: {reason}",
                self.room, self.chat
            ),
            after: None,
        })?;
        Ok(told.map(|told| serde_json::to_string(&told).expect("texts are JSON")))
    }
}

impl Room {
    /// Says an alert, and gives what others can follow on. Where it follows on `before` itself, that is changed where
    /// it can be, which comes to the same however often it is done; else it is said under it.
    async fn tell(&self, alert: &Alert, before: Option<Told>) -> Result<Option<Told>, String> {
        let text = message(alert);
        let is_told_again = alert.state == State::Firing && alert.folded_rule().is_none();
        if let (Some(before), true) = (&before, is_told_again) {
            // Whoever finds the older message later sees that it is not the last word, and the new one is seen.
            self.edit(&before.told_again(alert)).await?;
        }
        let Some(before) = before.filter(|_| !is_told_again) else {
            let posted = self.post(&text, None).await?;
            return Ok((!posted.ids.is_empty()).then(|| Told {
                chat: self.chat.clone(),
                room: self.room.clone(),
                posted,
                text,
                lines: Vec::new(),
                lines_before: 0,
            }));
        };
        if alert.state == State::Resolved {
            // Whoever finds the message later sees that it is over, and whoever waits for that is told.
            let over = Told {
                text: text.clone(),
                ..before.clone()
            };
            self.edit(&over).await?;
            self.post(&text, Some(&before.posted)).await?;
            return Ok(Some(over));
        }
        let longer = before.clone().with_line(&text);
        if self.edit(&longer).await? {
            return Ok(Some(longer));
        }
        self.post(&text, Some(&before.posted)).await?;
        Ok(Some(before))
    }

    async fn post(&self, text: &str, under: Option<&Posted>) -> Result<Posted, String> {
        let text = text.to_owned();
        self.rooms.post(&self.chat, &self.room, text, under).await
    }

    async fn edit(&self, told: &Told) -> Result<bool, String> {
        let (posted, text) = (&told.posted, told.shown());
        self.rooms.edit(&self.chat, posted, text).await
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
    struct Played {
        said: Mutex<Vec<(String, String)>>,
        /// What it does with the next edits: by default, it has no way to.
        edits: Mutex<Vec<Result<bool, String>>>,
    }

    #[async_trait]
    impl Rooms for Played {
        fn chats(&self) -> Vec<String> {
            vec!["ops".to_owned()]
        }

        async fn post(
            &self,
            chat: &str,
            room: &str,
            text: String,
            under: Option<&Posted>,
        ) -> Result<Posted, String> {
            if chat != "ops" {
                return std::future::pending().await;
            }
            let mut said = self.said.lock().unwrap();
            let room = match under {
                Some(posted) => format!("{room} under {}", posted.ids.join(" ")),
                None => room.to_owned(),
            };
            said.push((room, text));
            Ok(Posted {
                room: "C1".to_owned(),
                ids: vec![said.len().to_string()],
            })
        }

        async fn edit(&self, _: &str, posted: &Posted, text: String) -> Result<bool, String> {
            let can = self.edits.lock().unwrap().pop().unwrap_or(Ok(false));
            if can == Ok(true) {
                let place = format!("{} for {}", posted.room, posted.ids.join(" "));
                self.said.lock().unwrap().push((place, text));
            }
            can
        }
    }

    impl Played {
        fn last(&self) -> (String, String) {
            self.said.lock().unwrap().pop().unwrap()
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
        let text = "9f86d0 FIRING error-burst (service=api)\nno luck\nat all\n\
                    birl --since 14:05 --until 14:06 'level:error' app.log";
        assert_eq!(rooms.last(), ("#ops".to_owned(), text.to_owned()));
        alert.state = State::Resolved;
        room(&rooms, "ops").send(&alert).await.unwrap();
        assert_eq!(
            rooms.last().1,
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

    /// What says how many of the rule came behind the first.
    fn behind(text: &str) -> Alert {
        Alert {
            rule: HELD_BACK.to_owned(),
            text: text.to_owned(),
            values: [("folded".to_owned(), "error-burst".into())]
                .into_iter()
                .collect(),
            ask: String::new(),
            ..alert()
        }
    }

    #[tokio::test]
    async fn what_follows_changes_the_first_message_where_it_can_be_changed() {
        let rooms = Arc::new(Played::default());
        let room = room(&rooms, "ops");
        let first = Alert {
            text: "no luck".to_owned(),
            ask: String::new(),
            ..alert()
        };
        let mut kept = room.send_behind(&first, None).await.unwrap();
        let head = "9f86d0 FIRING error-burst (service=api)\nno luck";
        assert_eq!(rooms.said.lock().unwrap()[0].1, head);
        for n in 1..=9 {
            rooms.edits.lock().unwrap().push(Ok(true));
            let text = behind(&format!("+{n}"));
            let next = room.send_behind(&text, kept.as_deref()).await.unwrap();
            // It comes to the same if it has to be said again.
            rooms.edits.lock().unwrap().push(Ok(true));
            let again = room.send_behind(&text, kept.as_deref()).await.unwrap();
            assert_eq!(next, again);
            let said = rooms.last();
            assert_eq!(said, rooms.last());
            kept = next;
            if n == 2 {
                assert_eq!(said, ("C1 for 1".to_owned(), format!("{head}\n+1\n+2")));
            }
            if n == 9 {
                let lines = "(1 more line)\n+2\n+3\n+4\n+5\n+6\n+7\n+8\n+9";
                assert_eq!(said.1, format!("{head}\n{lines}"));
            }
        }
        // It is gone: what follows is said under where it was.
        let text = behind("+10");
        let same = room.send_behind(&text, kept.as_deref()).await.unwrap();
        assert_eq!(same, kept);
        assert_eq!(rooms.last(), ("#ops under 1".to_owned(), "+10".to_owned()));
        // It is not known whether it was changed: it is tried again.
        rooms.edits.lock().unwrap().push(Err("lost".to_owned()));
        assert!(room.send_behind(&text, kept.as_deref()).await.is_err());
        let over = Alert {
            state: State::Resolved,
            ..first
        };
        rooms.edits.lock().unwrap().push(Ok(true));
        let last = room.send_behind(&over, kept.as_deref()).await.unwrap();
        assert!(last.unwrap().contains(" RESOLVED "));
        let said = "9f86d0 RESOLVED error-burst (service=api)\nno luck";
        assert_eq!(rooms.last(), ("#ops under 1".to_owned(), said.to_owned()));
        let (place, changed) = rooms.last();
        assert_eq!(place, "C1 for 1");
        assert!(changed.starts_with(&format!("{said}\n(1 more line)\n+2\n")));
        // What was said elsewhere, or by another birl, is not changed.
        let elsewhere = kept.unwrap().replace("#ops", "#dev");
        for before in [&elsewhere, "{}", "nonsense"] {
            room.send_behind(&over, Some(before)).await.unwrap();
            assert_eq!(rooms.last(), ("#ops".to_owned(), said.to_owned()));
        }
    }

    #[tokio::test]
    async fn what_is_told_again_is_said_anew_and_the_older_message_says_so() {
        let rooms = Arc::new(Played::default());
        let room = room(&rooms, "ops");
        let alert = |text: &str| Alert {
            text: text.to_owned(),
            ask: String::new(),
            ..alert()
        };
        let first = room.send_behind(&alert("no luck"), None).await.unwrap();
        let behind = behind("+1");
        rooms.edits.lock().unwrap().push(Ok(true));
        let first = room.send_behind(&behind, first.as_deref()).await.unwrap();
        rooms.edits.lock().unwrap().push(Ok(true));
        let next = alert("still none");
        let next = room.send_behind(&next, first.as_deref()).await.unwrap();
        let head = "error-burst (service=api)";
        let again = (
            "#ops".to_owned(),
            format!("9f86d0 FIRING {head}\nstill none"),
        );
        assert_eq!(rooms.last(), again);
        let older = format!("9f86d0 TOLD AGAIN {head}\nno luck\n+1");
        assert_eq!(rooms.last(), ("C1 for 1".to_owned(), older));
        // What follows, follows on the new one.
        room.send_behind(&behind, next.as_deref()).await.unwrap();
        assert_eq!(rooms.last().0, "#ops under 4");
        // Where it cannot be changed, it is said all the same; and not before that is known.
        rooms.edits.lock().unwrap().push(Err("lost".to_owned()));
        let repeated = alert("none yet");
        assert!(room.send_behind(&repeated, next.as_deref()).await.is_err());
        assert!(!rooms.last().1.contains("none yet"));
        room.send_behind(&repeated, next.as_deref()).await.unwrap();
        assert!(rooms.last().1.contains("none yet"));
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
