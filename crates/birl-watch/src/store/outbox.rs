//! Alerts that are to be sent: in order for each place, until they are taken.

use std::collections::BTreeMap;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use serde::{Deserialize, Serialize};

use super::{Error, Store, json, now};
use crate::alert::{Alert, State};
use crate::control::Delivery;
use crate::deliver::summary::{FIRING, Folded, MORE, Summary};

/// For so long it is remembered what has been delivered.
const DELIVERED_FOR: Duration = Duration::from_secs(30 * 86_400);

/// For so long more of a rule follows on one message: then people have to see that it goes on.
const FOLLOWED_FOR: Duration = Duration::from_secs(3600);

/// What a place has made of an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// The id of the alert.
    pub(crate) id: String,
    /// What the place gave for it.
    pub(crate) text: String,
}

/// An alert that is to be sent next.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its number; later ones are greater.
    pub seq: i64,
    /// What is to be sent.
    pub alert: Alert,
    /// How often that was tried.
    pub attempts: u32,
    /// When it is to be tried, in nanoseconds since 1970.
    pub next_try: i64,
    /// How many alerts it stands for that were held back; 0 if it is none such.
    pub held_back: u64,
}

/// An alert that its place will never take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// Its number, by which it can be sent again or dropped.
    pub number: i64,
    /// Where it was to be sent.
    pub place: String,
    /// The alert, as it was kept: JSON, unless it is damaged.
    pub alert: String,
    /// Why it was not taken.
    pub reason: String,
    /// When it was given up, in nanoseconds since 1970.
    pub at: i64,
}

/// What a place has before it, and behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) waiting: u64,
    pub(crate) dead: u64,
}

pub(super) fn push(
    transaction: &Transaction<'_>,
    place: &str,
    alert: &Alert,
) -> rusqlite::Result<()> {
    transaction
        .prepare("INSERT INTO outbox (place, alert) VALUES (?1, ?2)")?
        .execute([place, &written(alert)])?;
    Ok(())
}

pub(super) fn written(alert: &Alert) -> String {
    serde_json::to_string(alert).expect("an alert has only texts, numbers and names")
}

impl Store {
    /// What is to be sent to `place` next. What cannot be read is put to the dead letters.
    pub(crate) async fn next(&self, place: &str) -> Result<Option<Entry>, Error> {
        let place = place.to_owned();
        self.write(move |transaction| {
            loop {
                let found = first(transaction, &place)?;
                let Some((seq, alert, attempts, next_try, held_back)) = found else {
                    return Ok(None);
                };
                match serde_json::from_str(&alert) {
                    Ok(alert) => {
                        return Ok(Some(Entry {
                            seq,
                            alert,
                            attempts,
                            next_try,
                            held_back,
                        }));
                    }
                    Err(error) => bury(transaction, seq, &format!("it cannot be read: {error}"))?,
                }
            }
        })
        .await
    }

    /// What the place has made of the alert that this one follows on, if it can follow on any: where it is told again,
    /// of itself.
    pub(crate) async fn message_before(
        &self,
        place: &str,
        alert: &Alert,
    ) -> Result<Option<Message>, Error> {
        let (place, id) = (place.to_owned(), alert.id.clone());
        let is_over = alert.state == State::Resolved;
        let folded = alert.folded_rule().map(str::to_owned);
        let more_fire = fires(alert);
        self.read(move |connection| {
            let message = |row: &rusqlite::Row<'_>| {
                Ok(Message {
                    id: row.get(0)?,
                    text: row.get(1)?,
                })
            };
            match folded {
                Some(rule) => connection
                    .prepare(
                        // That more of them fire is not said behind one that is over.
                        "SELECT id, message FROM message
                         WHERE place = ?1 AND rule = ?2 AND at > ?3 AND (is_over = 0 OR NOT ?4)
                         ORDER BY at DESC LIMIT 1",
                    )?
                    .query_row(
                        params![place, rule, before_now(FOLLOWED_FOR), more_fire],
                        message,
                    )
                    .optional(),
                None => connection
                    .prepare(
                        "SELECT id, message FROM message
                         WHERE place = ?1 AND id = ?2 AND (is_over = 0 OR ?3)",
                    )?
                    .query_row(params![place, id, is_over], message)
                    .optional(),
            }
        })
        .await
    }

    /// The alert `seq` has been taken: behind the message of the alert `before`, if there was one. `kept` is what
    /// the place has made of it, for others to follow on.
    pub(crate) async fn taken(
        &self,
        seq: i64,
        place: &str,
        alert: &Alert,
        (before, kept): (Option<String>, Option<String>),
    ) -> Result<(), Error> {
        let (place, id, state) = (place.to_owned(), alert.id.clone(), word(alert.state));
        let rule = alert.folded_rule().unwrap_or(&alert.rule).to_owned();
        let is_over = alert.state == State::Resolved;
        let is_folded = alert.folded_rule().is_some();
        let more = match (is_folded, &before) {
            (true, _) => more(alert),
            // It was told together with others that it began.
            (false, None) if is_over => -1,
            (false, _) => 0,
        };
        // What the message tells first is over.
        let begins_over = is_over || is_folded && more <= 0;
        // What is told again is a message of its own.
        let before = before.filter(|_| is_over || is_folded);
        let gone = self.write(move |transaction| {
            transaction.prepare("DELETE FROM outbox WHERE seq = ?1")?.execute([seq])?;
            transaction
                .prepare(
                    "INSERT OR REPLACE INTO delivered (place, id, state, at) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![place, id, state, now()])?;
            let mut gone = 0;
            if is_over {
                // That it still fires would be said behind that it is over.
                gone = transaction
                    .prepare("DELETE FROM outbox WHERE place = ?1 AND folded = 1 AND alert ->> 'id' = ?2")?
                    .execute(params![place, id])?;
                transaction
                    .prepare("UPDATE message SET is_over = 1 WHERE place = ?1 AND id = ?2")?
                    .execute(params![place, id])?;
            }
            let begins = before.is_none() && kept.is_some();
            if more != 0 && !(begins && is_folded) {
                count(transaction, (&place, &rule), before.as_deref(), more)?;
            }
            match (&before, &kept) {
                (_, None) => {}
                // It stands where that stands, and is as old.
                (Some(before), Some(kept)) => {
                    transaction
                        .prepare("UPDATE message SET message = ?3 WHERE place = ?1 AND id = ?2")?
                        .execute(params![place, before, kept])?;
                }
                (None, Some(kept)) => {
                    let going_on = is_folded.then_some(more.max(0));
                    transaction
                        .prepare(
                            "INSERT OR REPLACE INTO message (place, id, rule, message, at, is_over, going_on)
                             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                        )?
                        .execute(params![place, id, rule, kept, now(), begins_over, going_on])?;
                }
            }
            let before = before_now(DELIVERED_FOR);
            transaction.prepare("DELETE FROM delivered WHERE at < ?1")?.execute([before])?;
            transaction.prepare("DELETE FROM message WHERE at < ?1")?.execute([before])?;
            Ok(gone)
        });
        if gone.await? > 0 {
            self.has_other_alerts();
        }
        Ok(())
    }

    /// The alert `seq` was not taken, and is to be tried at `next_try`.
    pub(crate) async fn postpone(&self, seq: i64, next_try: i64) -> Result<(), Error> {
        self.write(move |transaction| {
            transaction
                .prepare("UPDATE outbox SET attempts = attempts + 1, next_try = ?2 WHERE seq = ?1")?
                .execute([seq, next_try])?;
            Ok(())
        })
        .await
    }

    /// The alert `seq` will never be taken: it is put to the dead letters.
    pub(crate) async fn bury(&self, seq: i64, reason: &str) -> Result<(), Error> {
        let reason = reason.to_owned();
        self.write(move |transaction| bury(transaction, seq, &reason))
            .await
    }

    /// The alert `seq` waits until more of its rule can be told of together.
    pub(crate) async fn put_aside(&self, seq: i64) -> Result<(), Error> {
        self.write(move |transaction| {
            transaction
                .prepare("UPDATE outbox SET folded = 1 WHERE seq = ?1")?
                .execute([seq])?;
            Ok(())
        })
        .await
    }

    /// Nothing that waits for `place` waits for others of its rule.
    pub(crate) async fn take_all_up(&self, place: &str) -> Result<(), Error> {
        let place = place.to_owned();
        self.write(move |transaction| {
            transaction
                .prepare("UPDATE outbox SET folded = 0 WHERE place = ?1 AND folded = 1")?
                .execute([&place])?;
            Ok(())
        })
        .await
    }

    /// Makes one alert of those of a rule that were put aside for `place`, which says what they were; gives how many
    /// that are. One alone is as it was, and is sent next.
    pub(crate) async fn fold_rule(&self, place: &str, rule: &str) -> Result<u64, Error> {
        let (place, rule) = (place.to_owned(), rule.to_owned());
        self.write(move |transaction| fold_rule(transaction, &place, &rule))
            .await
    }

    /// Whether `place` has been told that the alert `id` fires, and not together with others.
    pub(crate) async fn has_been_told(&self, place: &str, id: &str) -> Result<bool, Error> {
        let (place, id) = (place.to_owned(), id.to_owned());
        self.read(move |connection| was_delivered(connection, &place, &id))
            .await
    }

    /// Makes one alert of all that wait for `place`, which says what they were; gives how many that
    /// are. What is over stays for itself if it was told that it began: somebody waits for that.
    pub(crate) async fn fold(&self, place: &str, max_per_minute: u32) -> Result<u64, Error> {
        let place = place.to_owned();
        self.write(move |transaction| fold(transaction, &place, max_per_minute))
            .await
    }

    /// What `place` has before it, and behind.
    pub(crate) async fn counts(&self, place: &str) -> Result<Counts, Error> {
        let place = place.to_owned();
        self.read(move |connection| {
            let count = |sql| {
                connection
                    .prepare(sql)?
                    .query_row([&place], |row| row.get(0))
            };
            Ok(Counts {
                waiting: count("SELECT count(*) FROM outbox WHERE place = ?1")?,
                dead: count("SELECT count(*) FROM dead_letter WHERE place = ?1")?,
            })
        })
        .await
    }

    /// The places that alerts wait for, by their names, and how many do.
    ///
    /// # Errors
    ///
    /// As [`saved`](Self::saved).
    pub async fn waiting(&self) -> Result<Vec<(String, u64)>, Error> {
        self.read(|connection| {
            let mut statement =
                connection.prepare("SELECT place, count(*) FROM outbox GROUP BY place")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        })
        .await
    }

    /// What became of the alert `id`, which fires, on its way to each place, by the places' names; nothing is
    /// known where it was told of together with others. Why it waits is for others to say.
    pub(crate) async fn deliveries(&self, id: &str) -> Result<BTreeMap<String, Delivery>, Error> {
        let id = id.to_owned();
        self.read(move |connection| {
            let mut deliveries = BTreeMap::new();
            // Of a place that has taken it and gets it again, it is said that it waits.
            let sql = "SELECT 0, place, '', at FROM delivered WHERE id = ?1 AND state = 'firing'
                UNION ALL SELECT 1, place, reason, at FROM dead_letter
                    WHERE json_valid(alert) AND alert ->> 'id' = ?1 AND alert ->> 'state' = 'firing'
                UNION ALL SELECT 2, place, '', 0 FROM outbox
                    WHERE json_valid(alert) AND alert ->> 'id' = ?1 AND alert ->> 'state' = 'firing'
                ORDER BY 1";
            let mut statement = connection.prepare(sql)?;
            let mut rows = statement.query([id])?;
            while let Some(row) = rows.next()? {
                let delivery = match row.get(0)? {
                    0 => Delivery::Taken { at: row.get(3)? },
                    1 => Delivery::Dead {
                        reason: row.get(2)?,
                        at: row.get(3)?,
                    },
                    _ => Delivery::Waiting { problem: None },
                };
                deliveries.insert(row.get(1)?, delivery);
            }
            Ok(deliveries)
        })
        .await
    }

    /// The alerts that their places will never take, the oldest first.
    ///
    /// # Errors
    ///
    /// As [`saved`](Self::saved).
    pub async fn dead_letters(&self) -> Result<Vec<Letter>, Error> {
        self.read(letters).await
    }

    /// Sends dead letters once more, those of these numbers, or all where none is given. They go behind what waits for
    /// their places. Those that there were are given.
    ///
    /// # Errors
    ///
    /// As [`checkpoint`](Self::checkpoint).
    pub async fn resend(&self, numbers: &[i64]) -> Result<Vec<Letter>, Error> {
        self.take_out(numbers, |transaction, letter| {
            transaction
                .prepare("INSERT INTO outbox (place, alert) VALUES (?1, ?2)")?
                .execute([&letter.place, &letter.alert])
                .map(drop)
        })
        .await
    }

    /// Forgets dead letters, those of these numbers, or all where none is given. Those that there were are given.
    ///
    /// # Errors
    ///
    /// As [`checkpoint`](Self::checkpoint).
    pub async fn drop_letters(&self, numbers: &[i64]) -> Result<Vec<Letter>, Error> {
        self.take_out(numbers, |_, _| Ok(())).await
    }

    async fn take_out(
        &self,
        numbers: &[i64],
        act: impl Fn(&Transaction<'_>, &Letter) -> rusqlite::Result<()> + Send + 'static,
    ) -> Result<Vec<Letter>, Error> {
        let numbers = numbers.to_vec();
        let taken = self.write(move |transaction| {
            let mut taken = letters(transaction)?;
            taken.retain(|it| numbers.is_empty() || numbers.contains(&it.number));
            for letter in &taken {
                act(transaction, letter)?;
                transaction
                    .prepare("DELETE FROM dead_letter WHERE seq = ?1")?
                    .execute([letter.number])?;
            }
            Ok(taken)
        });
        let taken = taken.await?;
        self.has_other_alerts();
        Ok(taken)
    }
}

fn letters(connection: &Connection) -> rusqlite::Result<Vec<Letter>> {
    let mut statement =
        connection.prepare("SELECT seq, place, alert, reason, at FROM dead_letter ORDER BY seq")?;
    let rows = statement.query_map([], |row| {
        Ok(Letter {
            number: row.get(0)?,
            place: row.get(1)?,
            alert: row.get(2)?,
            reason: row.get(3)?,
            at: row.get(4)?,
        })
    })?;
    rows.collect()
}

type Row = (i64, String, u32, i64, u64);

fn first(connection: &Connection, place: &str) -> rusqlite::Result<Option<Row>> {
    connection
        .prepare(
            "SELECT seq, alert, attempts, next_try, held_back FROM outbox
             WHERE place = ?1 AND folded = 0 ORDER BY seq LIMIT 1",
        )?
        .query_row([place], |row| {
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
            ))
        })
        .optional()
}

fn bury(transaction: &Transaction<'_>, seq: i64, reason: &str) -> rusqlite::Result<()> {
    transaction
        .prepare(
            "INSERT OR REPLACE INTO dead_letter (seq, place, alert, reason, at)
             SELECT seq, place, alert, ?2, ?3 FROM outbox WHERE seq = ?1",
        )?
        .execute(params![seq, reason, now()])?;
    transaction
        .prepare("DELETE FROM outbox WHERE seq = ?1")?
        .execute([seq])?;
    Ok(())
}

fn fold(transaction: &Transaction<'_>, place: &str, max_per_minute: u32) -> rusqlite::Result<u64> {
    let (mut held, mut summary) = (Vec::new(), Summary::default());
    let mut statement =
        transaction.prepare("SELECT seq, alert FROM outbox WHERE place = ?1 ORDER BY seq")?;
    let mut rows = statement.query([place])?;
    while let Some(row) = rows.next()? {
        let (seq, alert): (i64, String) = (row.get(0)?, row.get(1)?);
        // What cannot be read is met when it is its turn.
        let Ok(alert) = serde_json::from_str::<Alert>(&alert) else {
            continue;
        };
        if alert.state == State::Resolved && was_delivered(transaction, place, &alert.id)? {
            continue;
        }
        held.push(seq);
        summary.add(&alert);
    }
    if held.len() < 2 {
        return Ok(0);
    }
    let alert = summary.alert(place, summary.text(max_per_minute), last(&held), now());
    replace(transaction, place, &held, &alert, summary.count())?;
    Ok(summary.count())
}

fn fold_rule(transaction: &Transaction<'_>, place: &str, rule: &str) -> rusqlite::Result<u64> {
    let (mut held, mut summary, mut folded) = (Vec::new(), Summary::default(), Folded::new(rule));
    let mut statement = transaction.prepare(
        "SELECT seq, alert FROM outbox
         WHERE place = ?1 AND folded = 1 AND alert ->> 'rule' = ?2 ORDER BY seq",
    )?;
    let mut rows = statement.query([place, rule])?;
    while let Some(row) = rows.next()? {
        let alert = json(row, 1)?;
        held.push(row.get(0)?);
        summary.add(&alert);
        folded.add(&alert);
    }
    match held[..] {
        [] => return Ok(0),
        [one] => {
            transaction
                .prepare("UPDATE outbox SET folded = 0 WHERE seq = ?1")?
                .execute([one])?;
        }
        _ => {
            let mut alert = summary.alert(place, folded.text(), last(&held), now());
            alert.values.extend(folded.values());
            replace(transaction, place, &held, &alert, summary.count())?;
        }
    }
    Ok(held.len() as u64)
}

/// Puts one alert that says so in the place of those that were held back: two at least.
fn replace(
    transaction: &Transaction<'_>,
    place: &str,
    held: &[i64],
    alert: &Alert,
    count: u64,
) -> rusqlite::Result<()> {
    for seq in held {
        transaction
            .prepare("DELETE FROM outbox WHERE seq = ?1")?
            .execute([seq])?;
    }
    transaction
        .prepare("INSERT INTO outbox (seq, place, alert, held_back) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![held[0], place, written(alert), count])?;
    Ok(())
}

fn last(held: &[i64]) -> i64 {
    held[held.len() - 1]
}

fn was_delivered(connection: &Connection, place: &str, id: &str) -> rusqlite::Result<bool> {
    connection
        .prepare("SELECT 1 FROM delivered WHERE place = ?1 AND id = ?2 AND state = 'firing'")?
        .exists([place, id])
}

fn before_now(length: Duration) -> i64 {
    now().saturating_sub(i64::try_from(length.as_nanos()).unwrap_or(i64::MAX))
}

fn word(state: State) -> &'static str {
    match state {
        State::Firing => "firing",
        State::Resolved => "resolved",
    }
}

/// More alerts of a rule go on, or fewer: of those that the message told of together that they follow on. What is over
/// may have been told by another. Where none goes on any more, the message is over.
fn count(
    transaction: &Transaction<'_>,
    (place, rule): (&str, &str),
    before: Option<&str>,
    more: i64,
) -> rusqlite::Result<()> {
    transaction
        .prepare(
            "UPDATE message
             SET going_on = max(going_on + ?4, 0), is_over = going_on + ?4 <= 0
             WHERE place = ?1 AND id = (
                 SELECT id FROM message
                 WHERE place = ?1 AND rule = ?2 AND going_on IS NOT NULL AND is_over = 0
                     AND (id IS ?3 OR ?4 < 0)
                 ORDER BY id IS ?3 DESC, at DESC LIMIT 1)",
        )?
        .execute(params![place, rule, before, more])?;
    Ok(())
}

/// By how many more alerts go on behind what is told of several at once.
fn more(alert: &Alert) -> i64 {
    let count = |name| alert.values.get(name).and_then(serde_json::Value::as_i64);
    // One that was written by an older birl says less.
    count(MORE).or_else(|| count(FIRING)).unwrap_or_default()
}

/// Whether what is told of several alerts at once says that some of them fire.
fn fires(alert: &Alert) -> bool {
    alert.values.get(FIRING).is_some_and(|count| *count != 0)
}
