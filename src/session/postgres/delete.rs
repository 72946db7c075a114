//! Deletes the selected rows, streaming the deleted rows into a backup, in one transaction.
//!
//! `COPY (DELETE … RETURNING …) TO STDOUT`: the backup holds exactly what the delete removed. Rows that arrive
//! while it runs are in neither, and in the table.

use super::count::{bind, unbind};
use super::{Postgres, execute};
use crate::session::backup::{self, BackupInfo, BackupSpec, Encoding, Subject, Writer};
use crate::session::schema::quoted;
use crate::session::selection::condition;
use crate::session::store::within;
use crate::session::{Bounds, Error, Selection, StoreKind};
use futures_util::TryStreamExt as _;
use sqlx::postgres::PgConnection;
use std::path::PathBuf;
use std::time::Duration;

const DOING: &str = "deleting the sessions";

/// What one transaction deletes.
pub(super) struct Part<'a> {
    pub(super) selection: &'a Selection,
    pub(super) statement: String,
    pub(super) spec: &'a BackupSpec<'a>,
    pub(super) bounds: Bounds,
}

/// Its backup, if it deleted anything, and its connection, if that is as good as before.
pub(super) type Done = (Option<BackupInfo>, Option<PgConnection>);

impl Postgres {
    pub(in crate::session) async fn delete(
        &mut self,
        selection: &Selection,
        spec: &BackupSpec<'_>,
        bounds: Bounds,
    ) -> Result<Vec<BackupInfo>, Error> {
        if matches!(selection, Selection::All)
            && let Some(batch) = bounds.batch
            && let Some(done) = Box::pin(self.delete_halves(spec, bounds, batch)).await?
        {
            return Ok(done);
        }
        let statement = self.statement(selection, bounds)?;
        let connection = self.take().await?;
        let part = Part { selection, statement, spec, bounds };
        let (info, connection) = self.part(connection, part).await?;
        self.connection = connection;
        Ok(info.into_iter().collect())
    }

    /// Carries out one statement by a connection, which is given back if it is as good as before.
    pub(super) async fn part(&self, mut connection: PgConnection, part: Part<'_>) -> Result<Done, Error> {
        let (transaction, prepared) = within(self.opener.limits.purge, DOING, async {
            bind(&mut connection, part.selection).await?;
            self.copy_and_delete(&mut connection, &part).await
        })
        .await?;
        let info = match prepared {
            None => {
                execute(&mut connection, DOING, "ROLLBACK").await?;
                None
            }
            Some(path) => Some(self.commit(&mut connection, transaction, path).await?),
        };
        // What could not be forgotten goes with the connection.
        let forgotten = unbind(&mut connection).await.is_ok();
        Ok((info, forgotten.then_some(connection)))
    }

    /// The whole delete as one statement.
    fn statement(&self, selection: &Selection, bounds: Bounds) -> Result<String, Error> {
        let table = &self.selected.table;
        let (name, columns) = (table.name.quoted(), table.quoted_columns());
        let sql = self.sql(self.reading());
        let condition = condition(selection, self.subject(), &sql)?;
        let limit = bounds.batch.filter(|_| selection.can_be_split());
        let filter = match (condition, limit) {
            (None, None) => String::new(),
            (Some(condition), None) => format!(" AS s WHERE {condition}"),
            (condition, Some(limit)) if table.is_partitioned => {
                let condition = condition.unwrap_or_else(|| "true".to_owned());
                let columns: Vec<String> =
                    table.columns.iter().map(|column| format!("s.{}", quoted(&column.name))).collect();
                // A place tells rows of one part apart only, so that the part belongs to it.
                return Ok(format!(
                    "COPY (WITH picked AS MATERIALIZED (SELECT s.tableoid AS part, s.ctid AS place FROM {name} AS s \
                     WHERE {condition} LIMIT {limit}) DELETE FROM {name} AS s USING picked WHERE s.ctid = picked.place \
                     AND s.tableoid = picked.part AND {condition} RETURNING {}) TO STDOUT",
                    columns.join(", ")
                ));
            }
            (condition, Some(limit)) => {
                let condition = condition.unwrap_or_else(|| "true".to_owned());
                // Asked twice: a row that another session changes between the two is judged by its new content.
                format!(
                    " AS s WHERE s.ctid = ANY(ARRAY(SELECT s.ctid FROM ONLY {name} AS s WHERE {condition} LIMIT {limit})) \
                     AND {condition}"
                )
            }
        };
        Ok(format!("COPY (DELETE FROM {}{name}{filter} RETURNING {columns}) TO STDOUT", self.only()))
    }

    /// Everything up to the commit. On an error the connection is dropped, which rolls back, and so is the file.
    async fn copy_and_delete(
        &self,
        connection: &mut PgConnection,
        part: &Part<'_>,
    ) -> Result<(i64, Option<PathBuf>), Error> {
        let table = &self.selected.table;
        // The lock comes first and alone, so that waiting for it fails before anything is written.
        let begin = format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL statement_timeout = {}; \
             SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'; \
             LOCK TABLE {}{} IN ROW EXCLUSIVE MODE",
            self.opener.limits.purge.as_millis(),
            self.only(),
            table.name.quoted()
        );
        execute(connection, DOING, begin).await?;
        let transaction: i64 = sqlx::query_scalar("SELECT txid_current()")
            .fetch_one(&mut *connection)
            .await
            .map_err(Error::database(DOING))?;
        let subject = Subject {
            store: &self.opener.url,
            kind: StoreKind::Postgres,
            dialect: self.selected.dialect.name,
            table,
            encoding: Encoding::PgCopyText,
            selection: part.selection.name(),
            transaction: Some(transaction),
        };
        let mut writer = Writer::create(part.spec, &subject)?;
        let rows = copy_out(connection, DOING, &part.statement, &mut writer).await?;
        part.bounds.check(rows)?;
        if rows == 0 {
            return Ok((transaction, None));
        }
        Ok((transaction, Some(writer.finish(rows)?.keep())))
    }

    async fn commit(
        &self,
        connection: &mut PgConnection,
        transaction: i64,
        path: PathBuf,
    ) -> Result<BackupInfo, Error> {
        let commit = execute(connection, "committing the deletion", "COMMIT");
        let Err(error) = within(self.opener.limits.statement, "committing the deletion", commit).await else {
            return backup::committed(&path);
        };
        match self.ask_again(transaction).await {
            Some(true) => backup::committed(&path),
            Some(false) => {
                backup::discard(&path);
                Err(error)
            }
            None => Err(Error::CommitUnknown { backup: path }),
        }
    }

    /// Asks over a new connection how a transaction ended.
    async fn ask_again(&self, transaction: i64) -> Option<bool> {
        for _ in 0..20 {
            if let Ok(mut connection) = self.opener.open().await
                && let Some(committed) = status(&mut connection, transaction).await
            {
                return Some(committed);
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        None
    }
}

/// How a transaction ended; `None` while it runs, and when the server does not know it (any more).
pub(super) async fn status(connection: &mut PgConnection, transaction: i64) -> Option<bool> {
    let query = sqlx::query_scalar::<_, Option<String>>("SELECT txid_status($1)").bind(transaction);
    match query.fetch_one(connection).await.ok()??.as_str() {
        "committed" => Some(true),
        "aborted" => Some(false),
        _ => None,
    }
}

/// Copies to the writer and counts the rows: COPY's text format has one line a row, whatever the values hold.
pub(super) async fn copy_out(
    connection: &mut PgConnection,
    doing: &'static str,
    sql: &str,
    writer: &mut Writer,
) -> Result<u64, Error> {
    let mut stream = connection.copy_out_raw(sql).await.map_err(Error::database(doing))?;
    let mut rows = 0;
    while let Some(bytes) = stream.try_next().await.map_err(Error::database(doing))? {
        rows += memchr::memchr_iter(b'\n', &bytes).count() as u64;
        writer.write(&bytes)?;
        // The driver waits only where nothing has come yet: who wants to end this must have a turn.
        tokio::task::coop::consume_budget().await;
    }
    Ok(rows)
}
