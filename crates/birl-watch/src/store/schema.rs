//! The tables, and how an older file comes to have them.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};
use tracing::info;

use super::Error;

/// `birl`, in the header of the file: so that nobody's database is taken for ours.
const APPLICATION_ID: i32 = 0x6269_726c;

/// Of `auto_vacuum`.
const INCREMENTAL: i64 = 2;

/// So many pages are written anew in no time.
const PAGES_QUICK: i64 = 10_000;

/// What makes each version of the one before. One that has been released is never changed.
const MIGRATIONS: [&str; 7] = [
    // Times are in nanoseconds since 1970, groups and alerts JSON.
    "
    CREATE TABLE position (one INTEGER PRIMARY KEY CHECK (one = 1), positions TEXT NOT NULL);
    CREATE TABLE state (rule TEXT PRIMARY KEY, state BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE term (
        rule TEXT NOT NULL, term TEXT NOT NULL, seen INTEGER NOT NULL,
        PRIMARY KEY (rule, term)
    ) WITHOUT ROWID;
    CREATE TABLE open_alert (
        rule TEXT NOT NULL, \"group\" TEXT NOT NULL, id TEXT NOT NULL,
        since INTEGER NOT NULL, told INTEGER NOT NULL,
        PRIMARY KEY (rule, \"group\")
    ) WITHOUT ROWID;
    CREATE TABLE silence (
        number INTEGER PRIMARY KEY AUTOINCREMENT, matcher TEXT NOT NULL,
        from_ns INTEGER NOT NULL, until_ns INTEGER NOT NULL, by TEXT NOT NULL, comment TEXT NOT NULL
    );
    CREATE TABLE ack (
        id TEXT PRIMARY KEY, by TEXT NOT NULL, at INTEGER NOT NULL, comment TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE outbox (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, place TEXT NOT NULL, alert TEXT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0, next_try INTEGER NOT NULL DEFAULT 0,
        held_back INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX outbox_place ON outbox (place, seq);
    CREATE TABLE dead_letter (
        seq INTEGER PRIMARY KEY, place TEXT NOT NULL, alert TEXT NOT NULL,
        reason TEXT NOT NULL, at INTEGER NOT NULL
    );
    CREATE INDEX dead_letter_place ON dead_letter (place);
    CREATE TABLE delivered (
        place TEXT NOT NULL, id TEXT NOT NULL, state TEXT NOT NULL, at INTEGER NOT NULL,
        PRIMARY KEY (place, id, state)
    ) WITHOUT ROWID;
    CREATE INDEX delivered_at ON delivered (at);
    ",
    // An ack goes with its rule.
    "ALTER TABLE ack ADD COLUMN rule TEXT NOT NULL DEFAULT '';",
    // What waits until more of its rule can be told of together.
    "
    ALTER TABLE outbox ADD COLUMN folded INTEGER NOT NULL DEFAULT 0;
    DROP INDEX outbox_place;
    CREATE INDEX outbox_place ON outbox (place, folded, seq);
    ",
    // What chats have been given.
    "CREATE TABLE chat (name TEXT PRIMARY KEY, past TEXT NOT NULL) WITHOUT ROWID;",
    // What places call the messages that others follow on.
    "
    CREATE TABLE message (
        place TEXT NOT NULL, id TEXT NOT NULL, rule TEXT NOT NULL, message TEXT NOT NULL,
        at INTEGER NOT NULL, is_over INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (place, id)
    ) WITHOUT ROWID;
    CREATE INDEX message_rule ON message (place, rule, at);
    ",
    // How many alerts go on that a message tells of together; nothing where it began with one.
    "ALTER TABLE message ADD COLUMN going_on INTEGER;",
    // Old ones are forgotten by their age. The index was in some files of the version before.
    "CREATE INDEX IF NOT EXISTS message_at ON message (at);",
];

/// Sets how the file is written, checks that it is whole and ours, and brings it up to date.
pub(super) fn prepare(connection: &mut Connection, path: &Path) -> Result<(), Error> {
    let failed = |error: &rusqlite::Error| Error::sqlite("open", path, error);
    let damage: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| failed(&error))?;
    if damage != "ok" {
        let damage = damage.lines().next().unwrap_or_default();
        return Err(Error::corrupt(path, damage));
    }
    migrate(connection, path)?;
    let mode: String = connection
        .pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))
        .map_err(|error| failed(&error))?;
    if mode != "wal" {
        return Err(Error::unusable(
            path,
            "there can be no write-ahead log beside it",
            "name a file on a local disk: state = \"PATH\"",
        ));
    }
    connection
        .pragma_update(None, "synchronous", "full")
        // What was written is what the disk has, however large the log once was.
        .and_then(|()| connection.pragma_update(None, "journal_size_limit", 16 << 20))
        .map_err(|error| failed(&error))
}

/// What is free in the file can be given back. A file that has been without that is written anew for it, where that
/// takes no time.
fn let_shrink(connection: &Connection) -> rusqlite::Result<()> {
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    if number("PRAGMA auto_vacuum")? == INCREMENTAL {
        return Ok(());
    }
    connection.pragma_update(None, "auto_vacuum", INCREMENTAL)?;
    let pages = number("PRAGMA page_count")?;
    let takes_no_time = pages > 0 && pages - number("PRAGMA freelist_count")? < PAGES_QUICK;
    if takes_no_time && let Err(error) = connection.execute_batch("VACUUM") {
        info!(%error, "the state is as large as it was: what is free in it can be given back another time");
    }
    Ok(())
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), Error> {
    let failed = |error: rusqlite::Error| Error::sqlite("open", path, &error);
    let number = |connection: &Connection, sql: &str| {
        connection.query_row(sql, [], |row| row.get::<_, i64>(0))
    };
    let id = number(connection, "PRAGMA application_id").map_err(failed)?;
    let tables = number(connection, "SELECT count(*) FROM sqlite_schema").map_err(failed)?;
    if tables > 0 && id != i64::from(APPLICATION_ID) {
        return Err(Error::unusable(
            path,
            "it is the database of another program",
            "name another file: state = \"PATH\"",
        ));
    }
    let version = number(connection, "PRAGMA user_version").map_err(failed)?;
    let known = MIGRATIONS.len();
    let version = match usize::try_from(version) {
        Ok(version) if version <= known => version,
        _ => {
            return Err(Error::unusable(
                path,
                &format!("a newer birl has written it, in version {version} of {known}"),
                "use that birl, or name another file: state = \"PATH\"",
            ));
        }
    };
    let_shrink(connection).map_err(failed)?;
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    for migration in &MIGRATIONS[version..] {
        transaction.execute_batch(migration).map_err(failed)?;
    }
    if version < known {
        transaction
            .pragma_update(None, "application_id", APPLICATION_ID)
            .and_then(|()| transaction.pragma_update(None, "user_version", known as u64))
            .map_err(failed)?;
    }
    transaction.commit().map_err(failed)
}
