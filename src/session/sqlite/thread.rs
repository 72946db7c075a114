//! Work on a file in bulk: straight from SQLite, on one thread, with the settings of every other connection.
//!
//! The driver of everything else copies each value of a row and hands the row to another thread, which takes longer than to
//! read it.

use crate::session::{Cause, Error};
use rusqlite::{Connection, InterruptHandle, OpenFlags, params_from_iter};
use std::path::Path;
use std::time::Duration;
use zeroize::Zeroizing;

/// Opens a file that must exist. It waits so long for a lock.
pub(super) fn open(path: &Path, lock: Duration, doing: &'static str) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(Error::database(doing))?;
    connection.busy_timeout(lock).map_err(Error::database(doing))?;
    let pinned = "PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON";
    connection.execute_batch(pinned).map_err(Error::database(doing))?;
    Ok(connection)
}

/// Does work on a thread of its own, and gives the connection back if all went well. Who stops waiting ends it: its
/// transaction is rolled back then.
pub(super) async fn on_a_thread<T: Send + 'static>(
    connection: Connection,
    doing: &'static str,
    work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
) -> Result<(Connection, T), Error> {
    let mut ends = Ends(Some(connection.get_interrupt_handle()));
    let done = tokio::task::spawn_blocking(move || work(&connection).map(|done| (connection, done))).await;
    ends.0 = None;
    done.unwrap_or_else(|_| {
        Err(Error::Database { doing, cause: Cause::new(None, "the connection is gone".to_owned()) })
    })
}

/// Ends what a connection is doing when nobody waits for it any more.
struct Ends(Option<InterruptHandle>);

impl Drop for Ends {
    fn drop(&mut self) {
        if let Some(connection) = &self.0 {
            connection.interrupt();
        }
    }
}

/// Runs one statement, and gives the number of rows that it changed.
pub(super) fn run(
    connection: &Connection,
    doing: &'static str,
    sql: &str,
    values: Option<&Zeroizing<String>>,
) -> Result<u64, Error> {
    let values = params_from_iter(values.map(|values| values.as_str()));
    let changed = connection.execute(sql, values).map_err(Error::database(doing))?;
    Ok(changed as u64)
}
