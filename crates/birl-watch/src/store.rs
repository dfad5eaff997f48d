//! What must not be forgotten, in one SQLite file: how far the sources were read, what the rules
//! remember, and the alerts that have not been taken.
//!
//! A [`Checkpoint`] is written in one transaction, so what the file holds belongs together whenever the
//! process ends: records count once in what the rules remember, and an alert is in the outbox exactly if
//! what made it is remembered. One process has a file at a time, and within it one thread.

mod error;
mod lock;
mod outbox;
mod reserve;
mod schema;

use std::collections::BTreeMap;
use std::fmt;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::config::DbConfig;
use rusqlite::{
    Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;

use crate::alert::Alert;
use crate::matcher::Matcher;
use error::{is_full, no_room};
use lock::Lock;
use reserve::Reserve;

pub use error::Error;
pub(crate) use outbox::Message;
pub use outbox::{Entry, Letter};

/// A file of state that this process has for itself. A clone is the same file.
///
/// Its methods wait for the disk on a thread of their own. Dropping one of their futures gives up the
/// answer: what was begun may still be done, as a whole.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    database: Mutex<Database>,
    path: PathBuf,
    /// How many times alerts have been put into the outbox.
    arrivals: watch::Sender<u64>,
    /// Held as long as the file is open.
    _lock: Lock,
}

struct Database {
    connection: Connection,
    reserve: Reserve,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&self.0.path).finish()
    }
}

/// What has changed since the last one. All of it is written, or nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checkpoint {
    /// How far each source has been read, as a run writes it; `None` if that is as it was.
    pub positions: Option<Value>,
    /// What rules remember, by their names, as they write it. Others keep what they had.
    pub states: Vec<(String, Vec<u8>)>,
    /// Rules that are no more: their states, terms and open alerts go.
    pub gone_rules: Vec<String>,
    /// Terms that were seen.
    pub terms: Vec<Term>,
    /// Of these rules, terms that were last seen before this time go.
    pub terms_before: Vec<(String, i64)>,
    /// Alerts that are open now, or about which something has changed.
    pub opened: Vec<Open>,
    /// The rules and groups whose alerts are over.
    pub closed: Vec<(String, Group)>,
    /// The ids of alerts that are over, and need not be looked after any more.
    pub acks_over: Vec<String>,
    /// Alerts to be sent, in this order, each to a place by its name.
    pub outbox: Vec<(String, Alert)>,
}

/// The fields that a rule groups by, with their values.
pub type Group = Vec<(String, String)>;

/// A value that a rule has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The rule's name.
    pub rule: String,
    /// The value, as the rule writes it.
    pub term: String,
    /// When it was seen last, in nanoseconds since 1970.
    pub seen: i64,
}

/// An alert that is not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// The rule's name.
    pub rule: String,
    /// Which of the rule's groups it is about.
    pub group: Group,
    /// The id that it has been sent with.
    pub id: String,
    /// When it began, in nanoseconds since 1970.
    pub since: i64,
    /// When it was last put into the outbox, in nanoseconds since 1970.
    pub told: i64,
}

/// What the last checkpoint left.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Saved {
    /// How far each source has been read; `None` if nothing was saved yet.
    pub positions: Option<Value>,
    /// What rules remember, by their names.
    pub states: BTreeMap<String, Vec<u8>>,
    /// The alerts that are not over.
    pub open: Vec<Open>,
}

/// Alerts that are held back for a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// Which alerts.
    pub matcher: Matcher,
    /// When it begins, in nanoseconds since 1970.
    pub from: i64,
    /// When it is over.
    pub until: i64,
    /// Who wants it.
    pub by: String,
    /// Why.
    pub comment: String,
}

/// Somebody looks after an alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// The id of the alert.
    pub id: String,
    /// Its rule's name.
    pub rule: String,
    /// Who.
    pub by: String,
    /// Since when, in nanoseconds since 1970.
    pub at: i64,
    /// What they say.
    pub comment: String,
}

impl Checkpoint {
    /// An alert is open, or something about it has changed.
    pub fn opened(&mut self, open: Open) {
        let is_same = |(rule, group): &(String, Group)| (rule, group) == (&open.rule, &open.group);
        self.closed.retain(|closed| !is_same(closed));
        self.opened.push(open);
    }

    /// The alert of a rule and a group is over.
    pub fn closed(&mut self, closed: (String, Group)) {
        self.opened
            .retain(|open| (&open.rule, &open.group) != (&closed.0, &closed.1));
        self.closed.push(closed);
    }

    /// These rules are no more, and nothing of them is to be kept.
    pub fn forget_rules(&mut self, gone: impl IntoIterator<Item = String>) {
        self.gone_rules.extend(gone);
        let gone = &self.gone_rules;
        self.states.retain(|(rule, _)| !gone.contains(rule));
        self.terms.retain(|term| !gone.contains(&term.rule));
        self.opened.retain(|open| !gone.contains(&open.rule));
    }

    /// Whether it needs room of its own: others make some.
    fn adds(&self) -> bool {
        let Self {
            gone_rules: _,
            terms_before: _,
            closed: _,
            acks_over: _,
            positions,
            states,
            terms,
            opened,
            outbox,
        } = self;
        positions.is_some()
            || !(states.is_empty() && terms.is_empty() && opened.is_empty() && outbox.is_empty())
    }

    /// The alerts to be sent alone that come first: one, or as many as there are in so many bytes.
    pub(crate) fn first_alerts(&self, bytes_max: usize) -> Self {
        let mut bytes = 0;
        let is_in = |(number, (_, alert)): &(usize, &(String, Alert))| {
            bytes += outbox::written(alert).len();
            *number == 0 || bytes <= bytes_max
        };
        let first = self.outbox.iter().enumerate().take_while(is_in);
        Self {
            outbox: first.map(|(_, alert)| alert.clone()).collect(),
            ..Self::default()
        }
    }

    /// Adds what has changed since.
    pub fn merge(&mut self, later: Self) {
        self.positions = later.positions.or(self.positions.take());
        let is_known = |rule: &str| later.states.iter().any(|(later, _)| later == rule);
        self.states.retain(|(rule, _)| !is_known(rule));
        self.states.extend(later.states);
        self.gone_rules.extend(later.gone_rules);
        self.terms.extend(later.terms);
        self.terms_before.extend(later.terms_before);
        later.closed.into_iter().for_each(|it| self.closed(it));
        later.opened.into_iter().for_each(|it| self.opened(it));
        self.acks_over.extend(later.acks_over);
        self.outbox.extend(later.outbox);
    }
}

impl Store {
    /// Opens the file at `path`, which is made if it is missing, with its directory. Only its owner can
    /// read a new one: it has records of logs in it.
    ///
    /// # Errors
    ///
    /// If another process has it ([`Error::is_in_use`]), if it is damaged ([`Error::is_corrupt`]) or no
    /// file of ours, if a newer birl has written it, or as the system says.
    pub async fn open(path: &Path) -> Result<Self, Error> {
        let path = path.to_owned();
        let opened = tokio::task::spawn_blocking(move || open(path));
        opened
            .await
            .unwrap_or_else(|error| panic!("opening the state panicked: {error}"))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Writes what has changed, and returns once the disk has it.
    ///
    /// # Errors
    ///
    /// If the disk is full ([`Error::is_full`]) or the file is locked by somebody's tool
    /// ([`Error::is_locked`]): nothing was written then, and the same checkpoint can be written later. The last
    /// of the disk is left for what is delivered.
    pub async fn checkpoint(&self, checkpoint: Checkpoint) -> Result<(), Error> {
        if !checkpoint.adds() {
            return self.last_checkpoint(checkpoint).await;
        }
        let has_alerts = !checkpoint.outbox.is_empty();
        let path = self.0.path.clone();
        self.on_thread("write", move |database| {
            database.take_in(&|transaction: &Transaction<'_>| {
                write_if_there_is_room(transaction, &checkpoint, &path)
            })
        })
        .await?;
        if has_alerts {
            self.has_other_alerts();
        }
        Ok(())
    }

    /// Writes what has changed before this process ends: it may take the last of the disk.
    ///
    /// # Errors
    ///
    /// As [`checkpoint`](Self::checkpoint).
    pub async fn last_checkpoint(&self, checkpoint: Checkpoint) -> Result<(), Error> {
        let has_alerts = !checkpoint.outbox.is_empty();
        let path = self.0.path.clone();
        self.write(move |transaction| write_if_there_is_room(transaction, &checkpoint, &path))
            .await?;
        if has_alerts {
            self.has_other_alerts();
        }
        Ok(())
    }

    /// What the last checkpoint left.
    ///
    /// # Errors
    ///
    /// As the system says, or if the file is damaged.
    pub async fn saved(&self) -> Result<Saved, Error> {
        self.read(saved).await
    }

    /// The terms that a rule has seen, and when it saw them last.
    ///
    /// # Errors
    ///
    /// As [`saved`](Self::saved).
    pub async fn terms(&self, rule: &str) -> Result<BTreeMap<String, i64>, Error> {
        let rule = rule.to_owned();
        self.read(move |connection| {
            let mut statement =
                connection.prepare("SELECT term, seen FROM term WHERE rule = ?1")?;
            let rows = statement.query_map([rule], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        })
        .await
    }

    /// Adds a silence; gives the number by which it can be ended.
    ///
    /// # Errors
    ///
    /// As [`checkpoint`](Self::checkpoint).
    pub async fn silence(&self, silence: Silence) -> Result<i64, Error> {
        self.write(move |transaction| {
            transaction.execute(
                "INSERT INTO silence (matcher, from_ns, until_ns, by, comment) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    serde_json::to_string(&silence.matcher).expect("texts are JSON"),
                    silence.from,
                    silence.until,
                    silence.by,
                    silence.comment
                ],
            )?;
            Ok(transaction.last_insert_rowid())
        })
        .await
    }

    /// Ends the silence `number` at once; false if there is none.
    ///
    /// # Errors
    ///
    /// As [`checkpoint`](Self::checkpoint).
    pub async fn unsilence(&self, number: i64) -> Result<bool, Error> {
        self.write(move |transaction| {
            Ok(transaction.execute("DELETE FROM silence WHERE number = ?1", [number])? > 0)
        })
        .await
    }

    /// The silences that are not over at `now`, by their numbers; those that are over are removed.
    ///
    /// # Errors
    ///
    /// As [`checkpoint`](Self::checkpoint).
    pub async fn silences(&self, now: i64) -> Result<BTreeMap<i64, Silence>, Error> {
        self.write(move |transaction| {
            transaction.execute("DELETE FROM silence WHERE until_ns <= ?1", [now])?;
            let mut statement = transaction
                .prepare("SELECT number, matcher, from_ns, until_ns, by, comment FROM silence")?;
            let rows = statement.query_map([], |row| {
                let silence = Silence {
                    matcher: json(row, 1)?,
                    from: row.get(2)?,
                    until: row.get(3)?,
                    by: row.get(4)?,
                    comment: row.get(5)?,
                };
                Ok((row.get(0)?, silence))
            })?;
            rows.collect()
        })
        .await
    }

    /// Keeps that somebody looks after an alert. An earlier word on it is replaced, and what waits to say again that
    /// it fires is not sent.
    ///
    /// # Errors
    ///
    /// As [`checkpoint`](Self::checkpoint).
    pub async fn ack(&self, ack: Ack) -> Result<(), Error> {
        let gone = self.write(move |transaction| {
            transaction.execute(
                "INSERT OR REPLACE INTO ack (id, rule, by, at, comment) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![ack.id, ack.rule, ack.by, ack.at, ack.comment],
            )?;
            // The place knows of it.
            let gone = transaction.execute(
                "DELETE FROM outbox
                 WHERE alert ->> 'id' = ?1 AND alert ->> 'state' = 'firing'
                    AND EXISTS (SELECT 1 FROM delivered WHERE delivered.place = outbox.place
                        AND delivered.id = ?1 AND delivered.state = 'firing')",
                [&ack.id],
            )?;
            Ok(gone)
        });
        if gone.await? > 0 {
            self.has_other_alerts();
        }
        Ok(())
    }

    /// Places count anew what waits for them.
    fn has_other_alerts(&self) {
        self.0.arrivals.send_modify(|count| *count += 1);
    }

    /// Nobody looks after the alert `id` any more; false if nobody did.
    ///
    /// # Errors
    ///
    /// As [`checkpoint`](Self::checkpoint).
    pub async fn unack(&self, id: &str) -> Result<bool, Error> {
        let id = id.to_owned();
        self.write(move |transaction| {
            Ok(transaction.execute("DELETE FROM ack WHERE id = ?1", [&id])? > 0)
        })
        .await
    }

    /// The alerts that somebody looks after.
    ///
    /// # Errors
    ///
    /// As [`saved`](Self::saved).
    pub async fn acks(&self) -> Result<Vec<Ack>, Error> {
        self.read(|connection| {
            let mut statement =
                connection.prepare("SELECT id, rule, by, at, comment FROM ack ORDER BY id")?;
            let rows = statement.query_map([], |row| {
                Ok(Ack {
                    id: row.get(0)?,
                    rule: row.get(1)?,
                    by: row.get(2)?,
                    at: row.get(3)?,
                    comment: row.get(4)?,
                })
            })?;
            rows.collect()
        })
        .await
    }

    /// Keeps what a chat has been given so far, as whoever talks there writes it.
    ///
    /// # Errors
    ///
    /// As [`checkpoint`](Self::checkpoint).
    pub async fn keep_chat(&self, name: &str, past: &Value) -> Result<(), Error> {
        let (name, past) = (name.to_owned(), past.to_string());
        self.write(move |transaction| {
            transaction.execute(
                "INSERT OR REPLACE INTO chat (name, past) VALUES (?1, ?2)",
                params![name, past],
            )?;
            Ok(())
        })
        .await
    }

    /// What was kept of a chat.
    ///
    /// # Errors
    ///
    /// As [`saved`](Self::saved).
    pub async fn chat(&self, name: &str) -> Result<Option<Value>, Error> {
        let name = name.to_owned();
        self.read(move |connection| {
            let mut statement = connection.prepare("SELECT past FROM chat WHERE name = ?1")?;
            statement.query_row([name], |row| json(row, 0)).optional()
        })
        .await
    }

    /// A file that is locked is given up at once, and not waited for.
    #[cfg(test)]
    pub(crate) fn locks_at_once(&self) {
        let database = self.0.database.lock().unwrap();
        let connection = &database.connection;
        connection.busy_timeout(std::time::Duration::ZERO).unwrap();
    }

    /// As if the disk were full from now on.
    #[cfg(test)]
    pub(crate) fn takes_no_more(&self) {
        self.pages_max(1);
    }

    /// How large the file may become; it is as large as it is, if that is more.
    #[cfg(test)]
    fn pages_max(&self, pages: u64) {
        let database = self.0.database.lock().unwrap();
        let set = format!("PRAGMA max_page_count = {pages}");
        let limit = |row: &rusqlite::Row<'_>| row.get::<_, u64>(0);
        database.connection.query_row(&set, [], limit).unwrap();
    }

    /// Changes whenever alerts have been put into the outbox.
    pub(crate) fn arrivals(&self) -> watch::Receiver<u64> {
        self.0.arrivals.subscribe()
    }

    async fn read<T, F>(&self, read: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.on_thread("read", move |database| read(&database.connection))
            .await
    }

    /// Does all that `write` does, or nothing. Where the disk is full, the reserve is given up for it.
    async fn write<T, F>(&self, write: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        self.on_thread("write", move |database| database.write(&write))
            .await
    }

    async fn on_thread<T, F>(&self, act: &'static str, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Database) -> rusqlite::Result<T> + Send + 'static,
    {
        let inner = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || {
            // A transaction that a panic went through has been rolled back.
            let mut database = inner
                .database
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            work(&mut database).map_err(|error| Error::sqlite(act, &inner.path, &error))
        });
        done.await
            .unwrap_or_else(|error| panic!("the state's thread panicked: {error}"))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Where there is no room the log stays in what it has: without it nothing could be opened again.
        let stays = !self.reserve.is_kept();
        let _ = self
            .connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, stays);
    }
}

impl Database {
    fn write<T>(
        &mut self,
        write: &impl Fn(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let written = self.write_within(write);
        if !written.as_ref().is_err_and(is_full) || !self.reserve.give_up() {
            return written;
        }
        // Nobody else has the room then.
        self.write_back();
        self.transact(write)
    }

    /// Writes what there is room for without the reserve.
    fn write_within<T>(
        &mut self,
        write: &impl Fn(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let written = self.transact(write);
        if !written.as_ref().is_err_and(is_full) {
            return written;
        }
        // Then the log begins anew, in the room that it has.
        self.write_back();
        self.transact(write)
    }

    /// Writes the log back into the file, as far as there is room.
    fn write_back(&self) {
        let _ = self.connection.execute_batch("PRAGMA wal_checkpoint");
    }

    /// Writes what is new, if the reserve is kept, or can be again.
    fn take_in<T>(
        &mut self,
        write: &impl Fn(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        if !self.reserve.keep() {
            self.shrink();
            if !self.reserve.keep() {
                return Err(no_room());
            }
        }
        let written = self.write_within(write);
        if !written.as_ref().is_err_and(is_full) || !self.shrink() {
            return written;
        }
        self.transact(write)
    }

    fn transact<T>(
        &mut self,
        write: &impl Fn(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        transact(&mut self.connection, write).map_err(|error| self.reserve.explained(error))
    }

    /// Gives back to the disk what is free in the file; false if there was nothing.
    fn shrink(&self) -> bool {
        self.write_back();
        let mut is_smaller = false;
        while self.vacuum().unwrap_or(false) {
            self.write_back();
            is_smaller = true;
        }
        is_smaller
    }

    /// Takes some of what is free in the file out of it; false if there was nothing. It takes no more of the log than is
    /// there.
    fn vacuum(&self) -> rusqlite::Result<bool> {
        let mut statement = self.connection.prepare("PRAGMA incremental_vacuum(250)")?;
        let mut rows = statement.query([])?;
        // Each row is a page.
        let mut is_any = false;
        while rows.next()?.is_some() {
            is_any = true;
        }
        Ok(is_any)
    }
}

fn transact<T>(
    connection: &mut Connection,
    write: &impl Fn(&Transaction<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let written = write(&transaction)?;
    transaction.commit()?;
    Ok(written)
}

fn write_if_there_is_room(
    transaction: &Transaction<'_>,
    checkpoint: &Checkpoint,
    path: &Path,
) -> rusqlite::Result<()> {
    write(transaction, checkpoint)?;
    match can_be_written_back(transaction, path)? {
        true => Ok(()),
        false => Err(no_room()),
    }
}

/// Whether the log can be written back into the file behind a transaction: where the disk is full, with half of the
/// reserve.
fn can_be_written_back(transaction: &Transaction<'_>, path: &Path) -> rusqlite::Result<bool> {
    let number = |sql| transaction.query_row(sql, [], |row| row.get::<_, u64>(0));
    let bytes = number("PRAGMA page_count")? * number("PRAGMA page_size")?;
    let on_disk = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    let grows_by = bytes.saturating_sub(on_disk);
    if grows_by <= reserve::BYTES / 2 {
        return Ok(true);
    }
    let Ok(disk) = rustix::fs::statvfs(path) else {
        return Ok(true);
    };
    // The log grows by as much as well.
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize) >= grows_by.saturating_mul(2))
}

fn open(path: PathBuf) -> Result<Store, Error> {
    let unusable = |error: &std::io::Error| Error::io(&path, error);
    if let Some(directory) = path.parent().filter(|it| !it.as_os_str().is_empty()) {
        std::fs::create_dir_all(directory).map_err(|error| unusable(&error))?;
    }
    let lock = Lock::take(&path)?;
    let made = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path);
    made.map_err(|error| unusable(&error))?;
    let mut reserve = Reserve::beside(&path);
    let opened = match connect(&path) {
        Err(error) if error.is_full() && reserve.give_up() => connect(&path),
        opened => opened,
    };
    let connection = opened?;
    // Where there is no room for it, nothing will be taken in.
    reserve.keep();
    Ok(Store(Arc::new(Inner {
        database: Mutex::new(Database {
            connection,
            reserve,
        }),
        path,
        arrivals: watch::Sender::new(0),
        _lock: lock,
    })))
}

fn connect(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(path, flags);
    let mut connection = opened.map_err(|error| Error::sqlite("open", path, &error))?;
    schema::prepare(&mut connection, path)?;
    Ok(connection)
}

fn write(transaction: &Transaction<'_>, checkpoint: &Checkpoint) -> rusqlite::Result<()> {
    let execute = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        transaction.prepare(sql)?.execute(values).map(drop)
    };
    for rule in &checkpoint.gone_rules {
        execute("DELETE FROM state WHERE rule = ?1", &[rule])?;
        execute("DELETE FROM term WHERE rule = ?1", &[rule])?;
        execute("DELETE FROM open_alert WHERE rule = ?1", &[rule])?;
        execute("DELETE FROM ack WHERE rule = ?1", &[rule])?;
    }
    if let Some(positions) = &checkpoint.positions {
        execute(
            "INSERT OR REPLACE INTO position (one, positions) VALUES (1, ?1)",
            &[&positions.to_string()],
        )?;
    }
    for (rule, state) in &checkpoint.states {
        execute(
            "INSERT OR REPLACE INTO state (rule, state) VALUES (?1, ?2)",
            &[rule, state],
        )?;
    }
    for Term { rule, term, seen } in &checkpoint.terms {
        execute(
            "INSERT INTO term (rule, term, seen) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET seen = max(seen, excluded.seen)",
            &[rule, term, seen],
        )?;
    }
    for (rule, before) in &checkpoint.terms_before {
        execute(
            "DELETE FROM term WHERE rule = ?1 AND seen < ?2",
            &[rule, before],
        )?;
    }
    for (rule, group) in &checkpoint.closed {
        execute(
            "DELETE FROM open_alert WHERE rule = ?1 AND \"group\" = ?2",
            &[rule, &group_key(group)],
        )?;
    }
    for open in &checkpoint.opened {
        execute(
            "INSERT OR REPLACE INTO open_alert (rule, \"group\", id, since, told)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            &[
                &open.rule,
                &group_key(&open.group),
                &open.id,
                &open.since,
                &open.told,
            ],
        )?;
    }
    for id in &checkpoint.acks_over {
        execute("DELETE FROM ack WHERE id = ?1", &[id])?;
    }
    for (place, alert) in &checkpoint.outbox {
        outbox::push(transaction, place, alert)?;
    }
    Ok(())
}

fn saved(connection: &Connection) -> rusqlite::Result<Saved> {
    let positions = connection
        .query_row("SELECT positions FROM position", [], |row| json(row, 0))
        .optional()?;
    let mut statement = connection.prepare("SELECT rule, state FROM state")?;
    let states = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut statement = connection.prepare(
        "SELECT rule, \"group\", id, since, told FROM open_alert ORDER BY rule, \"group\"",
    )?;
    let open = statement.query_map([], |row| {
        Ok(Open {
            rule: row.get(0)?,
            group: json(row, 1)?,
            id: row.get(2)?,
            since: row.get(3)?,
            told: row.get(4)?,
        })
    })?;
    Ok(Saved {
        positions,
        states: states.collect::<Result<_, _>>()?,
        open: open.collect::<Result<_, _>>()?,
    })
}

fn group_key(group: &Group) -> String {
    serde_json::to_string(group).expect("texts are JSON")
}

/// A column that holds JSON. What is none was not written by us.
fn json<T: serde::de::DeserializeOwned>(
    row: &rusqlite::Row<'_>,
    column: usize,
) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| {
        let kind = rusqlite::types::Type::Text;
        rusqlite::Error::FromSqlConversionFailure(column, kind, Box::new(error))
    })
}

/// The clock's time, in nanoseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    })
}

#[cfg(test)]
mod tests;
