//! The rooms that are to be joined, and joined again.

use std::time::Duration;

use tokio::time::Instant;

use super::names::Support;

/// The longest wait before a room is joined again; each is twice as long as the one before.
const WAIT_MAX: Duration = Duration::from_secs(300);

/// Whoever has been in a room for so long has been let in, and is let in again soon.
const WELCOME_AFTER: Duration = Duration::from_secs(60);

/// How long the server may take to answer that a room is joined.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// So many bytes of names and keys stand in a line, which has to fit into 512 with all else.
const NAMES_BYTES_MAX: usize = 400;

/// The rooms.
#[derive(Clone, Debug, Default)]
pub(super) struct Rooms {
    rooms: Vec<Room>,
    /// How long to wait before a room is joined again, at first.
    wait_first: Duration,
}

#[derive(Clone, Debug)]
struct Room {
    name: String,
    place: Place,
    /// How often it was left or not entered, one time after the other.
    failures: u32,
    /// The server has answered once whether we may be there.
    is_settled: bool,
}

/// Where we are with a room.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// Outside, and not on our way.
    Out,
    /// Outside, until then.
    Waiting(Instant),
    /// The server has been asked, and has to answer by then.
    Asked(Instant),
    /// Inside, since then.
    In(Instant),
}

impl Rooms {
    /// `wait_first` is how long to wait before a room is joined again, at first.
    pub(super) fn new(names: impl Iterator<Item = String>, wait_first: Duration) -> Self {
        let room = |name| Room {
            name,
            place: Place::Out,
            failures: 0,
            is_settled: false,
        };
        Self {
            rooms: names.map(room).collect(),
            wait_first,
        }
    }

    /// There is a new connection: we are nowhere.
    pub(super) fn begin(&mut self) {
        for room in &mut self.rooms {
            room.place = Place::Out;
            room.is_settled = false;
        }
    }

    /// All are to be joined.
    pub(super) fn enter(&mut self, now: Instant) {
        for room in &mut self.rooms {
            room.place = Place::Waiting(now);
        }
    }

    /// The lines by which those are joined that are due; `key` gives the key of a room.
    pub(super) fn join(
        &mut self,
        now: Instant,
        key: impl Fn(usize) -> Option<String>,
    ) -> Vec<String> {
        let (mut with_key, mut without) = (Vec::new(), Vec::new());
        for (at, room) in self.rooms.iter_mut().enumerate() {
            match room.place {
                Place::Waiting(until) | Place::Asked(until) if until <= now => {
                    // Whoever does not answer is not waited for by all else.
                    room.is_settled |= matches!(room.place, Place::Asked(_));
                    room.place = Place::Asked(now + ANSWER_TIMEOUT);
                    match key(at) {
                        Some(key) => with_key.push((room.name.clone(), key)),
                        None => without.push((room.name.clone(), String::new())),
                    }
                }
                _ => {}
            }
        }
        lines(&with_key)
            .into_iter()
            .chain(lines(&without))
            .collect()
    }

    /// When something is due.
    pub(super) fn due(&self) -> Option<Instant> {
        let due = self.rooms.iter().filter_map(|room| match room.place {
            Place::Waiting(until) | Place::Asked(until) => Some(until),
            Place::Out | Place::In(_) => None,
        });
        due.min()
    }

    /// We are in a room.
    pub(super) fn entered(&mut self, name: &str, support: &Support, now: Instant) {
        if let Some(room) = self.find(name, support) {
            room.place = Place::In(now);
            room.is_settled = true;
        }
    }

    /// We are not in a room, or no longer. Gives how long it is before it is joined again; `None` if it is
    /// not one of ours.
    pub(super) fn left(&mut self, name: &str, support: &Support, now: Instant) -> Option<Duration> {
        let wait_first = self.wait_first;
        let room = self.find(name, support)?;
        if matches!(room.place, Place::In(since) if now >= since + WELCOME_AFTER) {
            room.failures = 0;
        }
        let wait = wait_first
            .saturating_mul(1 << room.failures.min(16))
            .min(WAIT_MAX);
        room.failures += 1;
        room.place = Place::Waiting(now + wait);
        room.is_settled = true;
        Some(wait)
    }

    /// We are asked into a room: if it is one of ours, it is joined at once.
    pub(super) fn invited(&mut self, name: &str, support: &Support, now: Instant) {
        if let Some(room) = self.find(name, support)
            && !matches!(room.place, Place::In(_))
        {
            room.place = Place::Waiting(now);
        }
    }

    /// Whether the server has answered for all of them.
    pub(super) fn are_settled(&self) -> bool {
        self.rooms.iter().all(|room| room.is_settled)
    }

    /// How long the longest name is.
    pub(super) fn name_bytes_max(&self) -> usize {
        self.rooms
            .iter()
            .map(|room| room.name.len())
            .max()
            .unwrap_or(0)
    }

    fn find(&mut self, name: &str, support: &Support) -> Option<&mut Room> {
        self.rooms
            .iter_mut()
            .find(|room| support.is_same(&room.name, name))
    }
}

/// `JOIN` with as many rooms, and their keys, as fit into a line.
fn lines(rooms: &[(String, String)]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = rooms;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fit = rest.iter().take_while(|(name, key)| {
            bytes += name.len() + key.len() + 2;
            bytes <= NAMES_BYTES_MAX
        });
        let (these, others) = rest.split_at(fit.count().max(1));
        let joined = |part: fn(&(String, String)) -> &str| {
            these.iter().map(part).collect::<Vec<_>>().join(",")
        };
        let line = format!("JOIN {} {}", joined(|it| &it.0), joined(|it| &it.1));
        lines.push(line.trim_end_matches([',', ' ']).to_owned());
        rest = others;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rooms(names: &[&str]) -> Rooms {
        Rooms::new(
            names.iter().map(|name| (*name).to_owned()),
            Duration::from_secs(5),
        )
    }

    #[test]
    fn rooms_are_joined_together_and_those_with_keys_apart() {
        let now = Instant::now();
        let mut rooms = rooms(&["#a", "#b", "#c"]);
        rooms.enter(now);
        let key = |at| (at == 1).then(|| "k".to_owned());
        assert_eq!(rooms.join(now, key), ["JOIN #b k", "JOIN #a,#c"]);
        assert_eq!(rooms.join(now, key), [""; 0]);
        // What is not answered is asked again.
        let later = now + ANSWER_TIMEOUT;
        let support = Support::default();
        rooms.entered("#A", &support, now);
        rooms.entered("#b", &support, now);
        assert!(!rooms.are_settled());
        assert_eq!(rooms.join(later, key), ["JOIN #c"]);
    }

    #[test]
    fn many_rooms_take_several_lines() {
        let name = |n: usize| (format!("#{n:049}"), String::new());
        let lines = lines(&(0..10).map(name).collect::<Vec<_>>());
        let lens: Vec<_> = lines.iter().map(|line| line.matches('#').count()).collect();
        assert_eq!(lens, [7, 3]);
        assert!(lines.iter().all(|line| line.len() < 510));
    }

    #[test]
    fn a_room_that_throws_us_out_is_joined_ever_later_and_soon_once_it_has_kept_us() {
        let mut now = Instant::now();
        let support = Support::default();
        let mut rooms = rooms(&["#a"]);
        let mut waits = Vec::new();
        for _ in 0..8 {
            rooms.entered("#a", &support, now);
            waits.push(rooms.left("#A", &support, now).unwrap().as_secs());
        }
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(rooms.due(), Some(now + Duration::from_secs(300)));
        rooms.invited("#a", &support, now);
        assert_eq!(rooms.join(now, |_| None), ["JOIN #a"]);
        rooms.entered("#a", &support, now);
        now += WELCOME_AFTER;
        assert_eq!(
            rooms.left("#a", &support, now),
            Some(Duration::from_secs(5))
        );
        assert_eq!(rooms.left("#other", &support, now), None);
    }
}
