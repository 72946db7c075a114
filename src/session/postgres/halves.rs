//! Empties a table in two places at once: a connection has one core of the server, and waits while its backup is sealed.
//!
//! The places are ranges of the table's pages, so that neither waits for a row of the other. What is written meanwhile may
//! land in a page that was passed already, and stays for whoever looks again. Servers before 14 read the whole table for
//! such a range; there, and for a small rest, rows go by their number alone.

use super::Postgres;
use super::delete::{Done, Part};
use crate::session::backup::{BackupInfo, BackupSpec};
use crate::session::store::within;
use crate::session::{Bounds, Error, Selection};
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use std::ops::Range;

const DOING: &str = "looking at the table's pages";

/// The first version that reads no other pages than those of a range.
const SINCE: u32 = 140_000;

/// Fewer rows are not worth a second connection.
const FEW: f64 = 50_000.0;

/// How many pages are looked at to tell how many rows one has.
const SAMPLE: u64 = 300;

/// The pages that nobody looked for rows in yet.
#[derive(Debug)]
pub(super) struct Pages {
    left: Range<u64>,
    /// Rows a page, about.
    rows: f64,
}

impl Pages {
    /// The next pages with about so many rows; none at the end.
    fn take(&mut self, rows: u64) -> Range<u64> {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "about as many"
        )]
        let pages = ((rows as f64 / self.rows) as u64).max(1);
        let end = self.left.end.min(self.left.start + pages);
        std::mem::replace(&mut self.left.start, end)..end
    }
}

impl Postgres {
    /// Deletes about so many rows of all, half of them by a second connection. `None` where that is not worth it.
    pub(super) async fn delete_halves(
        &mut self,
        spec: &BackupSpec<'_>,
        bounds: Bounds,
        batch: u64,
    ) -> Result<Option<Vec<BackupInfo>>, Error> {
        let mut one = self.take().await?;
        // An account may have one connection only.
        let Ok(mut two) = self.opener.open().await else {
            self.connection = Some(one);
            return Ok(None);
        };
        while self.has_pages(&mut one).await? {
            let [first, second] =
                [(); 2].map(|()| self.pages.as_mut().map_or(0..0, |pages| pages.take(batch / 2)));
            let (first, second) = (self.of_pages(&first), self.of_pages(&second));
            let part = |connection, statement| {
                self.part(connection, Part { selection: &Selection::All, statement, spec, bounds })
            };
            let (first, second) = tokio::join!(part(one, first), part(two, second));
            let ((first, again), (second, beside)) = both(first, second)?;
            let done: Vec<BackupInfo> = first.into_iter().chain(second).collect();
            let (Some(again), Some(beside)) = (again, beside) else { return Ok(Some(done)) };
            (one, two) = (again, beside);
            if !done.is_empty() {
                self.connection = Some(one);
                return Ok(Some(done));
            }
        }
        self.connection = Some(one);
        Ok(None)
    }

    /// Whether pages are left to look at; after the last one the table is looked at again.
    async fn has_pages(&mut self, connection: &mut PgConnection) -> Result<bool, Error> {
        if self.pages.as_ref().is_none_or(|pages| pages.left.is_empty()) {
            self.pages = if connection.server_version_num().is_some_and(|version| version >= SINCE) {
                within(self.opener.limits.statement, DOING, self.survey(connection)).await?
            } else {
                None
            };
        }
        Ok(self.pages.is_some())
    }

    async fn survey(&self, connection: &mut PgConnection) -> Result<Option<Pages>, Error> {
        let table = self.selected.table.name.quoted();
        let pages: i64 = sqlx::query_scalar(
            "SELECT pg_relation_size($1::regclass) / current_setting('block_size')::bigint",
        )
        .bind(&table)
        .fetch_one(&mut *connection)
        .await
        .map_err(Error::database(DOING))?;
        let pages = pages.unsigned_abs();
        #[expect(clippy::cast_precision_loss, reason = "about as many")]
        let (all, sample) = (pages as f64, SAMPLE.min(pages) as f64);
        if pages == 0 {
            return Ok(None);
        }
        let count =
            format!("SELECT count(*) FROM ONLY {table} TABLESAMPLE SYSTEM ({})", 100.0 * sample / all);
        let seen: i64 = sqlx::query_scalar(AssertSqlSafe(count))
            .fetch_one(connection)
            .await
            .map_err(Error::database(DOING))?;
        #[expect(clippy::cast_precision_loss, reason = "about as many")]
        let rows = seen as f64 / sample;
        Ok((rows * all >= FEW).then_some(Pages { left: 0..pages, rows }))
    }

    fn of_pages(&self, pages: &Range<u64>) -> String {
        let table = &self.selected.table;
        let (name, columns) = (table.name.quoted(), table.quoted_columns());
        format!(
            "COPY (DELETE FROM ONLY {name} AS s WHERE s.ctid >= '({},0)' AND s.ctid < '({},0)' RETURNING {columns}) TO STDOUT",
            pages.start, pages.end
        )
    }
}

/// What both did. Where one of them failed, what the other one did stays done: it is told with the error, or alone where
/// only a lock was in the way.
fn both(first: Result<Done, Error>, second: Result<Done, Error>) -> Result<(Done, Done), Error> {
    let (done, error) = match (first, second) {
        (Ok(first), Ok(second)) => return Ok((first, second)),
        (Ok((done, _)), Err(error)) | (Err(error), Ok((done, _))) => (done, error),
        (Err(first), Err(second)) => {
            // Of an unknown end the backup must be told.
            let (told, other) =
                if matches!(second, Error::CommitUnknown { .. }) { (second, first) } else { (first, second) };
            let Error::CommitUnknown { backup } = other else { return Err(told) };
            let backups = unknown(&told).into_iter().chain([backup]).collect();
            return Err(Error::Partial { read: 0, deleted: 0, gone: 0, backups, cause: Box::new(told) });
        }
    };
    let Some(done) = done else { return Err(error) };
    if error.is_lock_conflict() {
        return Ok(((Some(done), None), (None, None)));
    }
    let (rows, path) = (done.rows, done.path);
    let backups = [path].into_iter().chain(unknown(&error)).collect();
    Err(Error::Partial { read: rows, deleted: rows, gone: 0, backups, cause: Box::new(error) })
}

/// The backup of an end that nobody knows.
fn unknown(error: &Error) -> Option<std::path::PathBuf> {
    match error {
        Error::CommitUnknown { backup } => Some(backup.clone()),
        _ => None,
    }
}
