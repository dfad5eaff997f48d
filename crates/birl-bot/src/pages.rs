//! Answers in pieces that fit a room, and what is left of them for `!more`.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::record::MessageRecord;

/// So many rooms are remembered.
const ROOMS_MAX: usize = 256;
/// What is left of an answer is kept for so long.
const KEPT_FOR: Duration = Duration::from_secs(600);

/// How much fits a room at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// How many columns of characters.
    pub width: usize,
    /// How many lines.
    pub lines: usize,
    /// Whether a chart is shown as a picture as well.
    pub pictures: bool,
}

impl Shape {
    /// Where each line is a message of its own.
    pub const LINES: Self = Self {
        width: 100,
        lines: 8,
        pictures: false,
    };
    /// Where a message has many lines.
    pub const MESSAGES: Self = Self {
        width: 80,
        lines: 20,
        pictures: false,
    };
}

/// An answer in lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// What is said first, once.
    pub head: Vec<String>,
    /// What stands above the lines of each page, such as the names of columns.
    pub title: Option<String>,
    /// The lines.
    pub body: Vec<String>,
    /// Whether the last lines are shown first, page by page, as of a log.
    pub from_end: bool,
    /// What is said last on the first page, such as what could not be read.
    pub remarks: Vec<String>,
}

impl Lines {
    /// A text, without its empty lines.
    pub fn of(text: &str) -> Self {
        let lines = text.lines().map(str::trim_end);
        let lines = lines.filter(|line| !line.is_empty());
        Self {
            body: lines.map(str::to_owned).collect(),
            ..Self::default()
        }
    }
}

/// What is left of the last answer in each room.
#[derive(Debug, Default)]
pub(crate) struct Pages(HashMap<Place, Left>);

/// Where an answer was given.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    chat: String,
    /// A chat that is at another server by now has other rooms, whatever they are called.
    address: String,
    room: String,
    /// Whoever talks to us alone may be called as somebody else was before: the account is part of it.
    account: Option<String>,
}

impl Place {
    /// Where something was said, in the chat of that name at the server of that address.
    pub fn of((chat, address): (&str, &str), record: &MessageRecord) -> Self {
        Self {
            chat: chat.to_owned(),
            address: address.to_owned(),
            room: record.room.clone(),
            account: record.account.clone().filter(|_| record.is_private),
        }
    }
}

#[derive(Debug)]
struct Left {
    title: Option<String>,
    lines: VecDeque<String>,
    from_end: bool,
    at: Instant,
}

impl Pages {
    /// The first page of an answer for a room; the others are kept for it. `more` is what is typed for the
    /// next.
    pub(crate) fn first(
        &mut self,
        place: &Place,
        answer: Lines,
        shape: Shape,
        more: &str,
        now: Instant,
    ) -> String {
        self.0.remove(place);
        let left = Left {
            title: answer.title,
            lines: answer.body.into(),
            from_end: answer.from_end,
            at: now,
        };
        let around = answer.head.len() + answer.remarks.len();
        let (page, more) = self.page(place, left, shape.lines.saturating_sub(around), more);
        let parts = [answer.head, page, answer.remarks, Vec::from_iter(more)];
        parts.concat().join("\n")
    }

    /// The next page of the last answer in a room, if there is one.
    pub(crate) fn next(
        &mut self,
        place: &Place,
        shape: Shape,
        more: &str,
        now: Instant,
    ) -> Option<String> {
        let left = self.0.remove(place)?;
        (now < left.at + KEPT_FOR).then(|| {
            let left = Left { at: now, ..left };
            let (page, more) = self.page(place, left, shape.lines, more);
            [page, Vec::from_iter(more)].concat().join("\n")
        })
    }

    /// A page of at most so many lines, at least one below the title, and what says that there is more.
    fn page(
        &mut self,
        place: &Place,
        mut left: Left,
        lines: usize,
        more: &str,
    ) -> (Vec<String>, Option<String>) {
        let lines = lines.saturating_sub(usize::from(left.title.is_some()));
        let take = match left.lines.len() <= lines {
            true => lines,
            false => lines.saturating_sub(1).max(1),
        };
        let mut page = Vec::from_iter(left.title.clone());
        let take = take.min(left.lines.len());
        match left.from_end {
            true => page.extend(left.lines.split_off(left.lines.len() - take)),
            false => page.extend(left.lines.drain(..take)),
        }
        let more = match (left.lines.len(), left.from_end) {
            (0, _) => None,
            (count, true) => Some(format!("({count} before: {more})")),
            (count, false) => Some(format!("({count} more: {more})")),
        };
        if more.is_some() {
            self.keep(place, left);
        }
        (page, more)
    }

    fn keep(&mut self, place: &Place, left: Left) {
        let now = left.at;
        if self.0.len() >= ROOMS_MAX {
            self.0.retain(|_, left| now < left.at + KEPT_FOR);
        }
        if self.0.len() >= ROOMS_MAX {
            let oldest = self.0.iter().min_by_key(|(_, left)| left.at);
            let oldest = oldest.map(|(place, _)| place.clone());
            oldest.map(|place| self.0.remove(&place));
        }
        self.0.insert(place.clone(), left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape {
        width: 80,
        lines: 4,
        pictures: false,
    };

    fn place(room: &str) -> Place {
        Place {
            chat: "ops".to_owned(),
            address: "h".to_owned(),
            room: room.to_owned(),
            account: None,
        }
    }

    fn numbers(count: usize) -> Lines {
        Lines {
            body: (1..=count).map(|number| number.to_string()).collect(),
            ..Lines::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_told_page_by_page() {
        let mut pages = Pages::default();
        let now = Instant::now();
        let mut first = |answer| {
            let text = pages.first(&place("#a"), answer, SHAPE, "!more", now);
            let next = std::iter::from_fn(|| pages.next(&place("#a"), SHAPE, "!more", now));
            [vec![text], next.collect()].concat()
        };
        assert_eq!(first(numbers(0)), [""]);
        assert_eq!(first(numbers(4)), ["1\n2\n3\n4"]);
        assert_eq!(
            first(numbers(7)),
            ["1\n2\n3\n(4 more: !more)", "4\n5\n6\n7"]
        );
        let titled = Lines {
            head: vec!["head".to_owned()],
            title: Some("title".to_owned()),
            remarks: vec!["remark".to_owned()],
            ..numbers(5)
        };
        let pages = [
            "head\ntitle\n1\nremark\n(4 more: !more)",
            "title\n2\n3\n(2 more: !more)",
            "title\n4\n5",
        ];
        assert_eq!(first(titled), pages);
        let log = Lines {
            from_end: true,
            ..numbers(6)
        };
        assert_eq!(first(log), ["4\n5\n6\n(3 before: !more)", "1\n2\n3"]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_left_is_of_the_last_answer_in_the_room_for_a_while() {
        let mut pages = Pages::default();
        let now = Instant::now();
        pages.first(&place("#a"), numbers(9), SHAPE, "!more", now);
        let ann = Place {
            account: Some("ann".to_owned()),
            ..place("#a")
        };
        let elsewhere = Place {
            address: "other".to_owned(),
            ..place("#a")
        };
        for other in [ann, elsewhere] {
            assert_eq!(pages.next(&other, SHAPE, "!more", now), None);
        }
        assert_eq!(pages.next(&place("#b"), SHAPE, "!more", now), None);
        pages.first(&place("#a"), numbers(1), SHAPE, "!more", now);
        assert_eq!(pages.next(&place("#a"), SHAPE, "!more", now), None);
        pages.first(&place("#a"), numbers(9), SHAPE, "!more", now);
        assert_eq!(
            pages.next(&place("#a"), SHAPE, "!more", now + KEPT_FOR),
            None
        );
        for number in 0..2 * ROOMS_MAX {
            pages.first(&place(&number.to_string()), numbers(9), SHAPE, "!more", now);
        }
        assert_eq!(pages.0.len(), ROOMS_MAX);
    }
}
