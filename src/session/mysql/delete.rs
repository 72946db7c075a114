//! Streams the selected rows into a backup under locks, then deletes them, in one transaction.
//!
//! Where the table has a key, the rows are found without any lock, then locked one by one and judged again, and at last
//! deleted by the keys that the backup holds: nobody else waits. A table without one is locked as a whole by reading it
//! `FOR UPDATE`, and so is every table that is emptied at once: what was read is what is deleted. MariaDB gives the rows
//! of a table that it empties as it deletes them, so there it is one statement.

use super::key::Key;
use super::{MySql, catalogue, execute, row};
use crate::session::backup::{self, BackupInfo, BackupSpec, Encoding, Prepared, Reader, Subject, Writer};
use crate::session::selection::{Spelling as _, column_of, condition};
use crate::session::store::within;
use crate::session::{Bounds, Error, Selection, StoreKind};
use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use sqlx::AssertSqlSafe;
use sqlx::mysql::{MySqlConnection, MySqlRow};
use std::path::PathBuf;

const DOING: &str = "deleting the sessions";

/// How many rows one statement deletes by key at most, and how many bytes of them are looked at for it.
const ROWS: u64 = 500;
const BYTES: usize = 1024 * 1024;

/// More rows than any table has, which keeps a subquery one.
const ALL: u64 = u64::MAX;

/// The statements of one deletion.
struct Statements {
    isolation: &'static str,
    select: String,
    delete: Delete,
}

/// How the rows go that were read.
enum Delete {
    /// They are gone: reading them deleted them.
    Done,
    /// By the keys that the backup holds.
    ByKey(Key),
    /// By a statement.
    By(String),
}

impl MySql {
    pub(in crate::session) async fn delete(
        &mut self,
        selection: &Selection,
        spec: &BackupSpec<'_>,
        bounds: Bounds,
    ) -> Result<Option<BackupInfo>, Error> {
        let mut connection = self.take().await?;
        let work = self.copy_and_delete(&mut connection, selection, spec, bounds);
        let (prepared, passed) = within(self.opener.limits.purge, DOING, work).await?;
        let info = match prepared {
            None => {
                execute(&mut connection, DOING, "ROLLBACK").await?;
                None
            }
            Some(path) => Some(self.commit(&mut connection, path, spec).await?),
        };
        self.passed = passed;
        super::bound(&mut connection, self.opener.limits.statement).await?;
        self.connection = Some(connection);
        Ok(info)
    }

    /// Everything up to the commit, and where the next part of a table begins that is emptied. On an error the connection is
    /// dropped, which rolls back, and so is the file.
    async fn copy_and_delete(
        &self,
        connection: &mut MySqlConnection,
        selection: &Selection,
        spec: &BackupSpec<'_>,
        bounds: Bounds,
    ) -> Result<(Option<PathBuf>, Option<String>), Error> {
        let table = &self.selected.table;
        super::bound(connection, self.opener.limits.purge).await?;
        let statements = self.statements(connection, selection, bounds).await?;
        let isolation = format!("SET TRANSACTION ISOLATION LEVEL {}", statements.isolation);
        execute(connection, DOING, isolation).await?;
        execute(connection, DOING, "START TRANSACTION READ WRITE").await?;
        let subject = Subject {
            store: &self.opener.url,
            kind: StoreKind::MySql,
            dialect: self.selected.dialect.name,
            table,
            encoding: Encoding::MySqlText,
            selection: selection.name(),
            transaction: None,
        };
        let mut writer = Writer::create(spec, &subject)?;
        let (rows, last) = copy_out(connection, statements.select, &mut writer).await?;
        bounds.check(rows)?;
        if rows == 0 {
            return Ok((None, None));
        }
        let is_full = matches!(statements.delete, Delete::Done) && bounds.batch == Some(rows);
        let passed = match last.zip(self.key.as_ref()).filter(|_| is_full) {
            Some((last, key)) => key.is_behind(&row::values(&last)?),
            None => None,
        };
        let prepared = match statements.delete {
            Delete::Done => writer.finish(rows)?,
            // What is deleted by key is what stands in the file.
            Delete::ByKey(key) => {
                let prepared = writer.finish(rows)?;
                let deleted = self.delete_by_key(connection, &key, &prepared, rows, spec).await?;
                counted(rows, deleted)?;
                prepared
            }
            Delete::By(delete) => {
                counted(rows, execute(connection, DOING, delete).await?)?;
                writer.finish(rows)?
            }
        };
        Ok((Some(prepared.keep()), passed))
    }

    async fn statements(
        &self,
        connection: &mut MySqlConnection,
        selection: &Selection,
        bounds: Bounds,
    ) -> Result<Statements, Error> {
        let table = &self.selected.table;
        let columns: Vec<String> = table.columns.iter().map(row::selected).collect();
        let (columns, name) = (columns.join(", "), table.name.quoted());
        let limit = bounds.batch.filter(|_| selection.can_be_split());
        let mut sql = self.spelling_for(selection)?;
        match &self.key {
            key if self.returns && matches!(selection, Selection::All) => {
                // A table without a key has no order in which a part of it could go.
                // What is deleted stays in the index for a while, and would be passed over once more each time.
                let behind =
                    self.passed.as_ref().map(|passed| format!(" WHERE {passed}")).unwrap_or_default();
                let part = key
                    .as_ref()
                    .zip(limit)
                    .map(|(key, limit)| format!("{behind} ORDER BY {} LIMIT {limit}", key.order()));
                Ok(Statements {
                    isolation: isolation(connection).await?,
                    select: format!("DELETE FROM {name}{} RETURNING {columns}", part.unwrap_or_default()),
                    delete: Delete::Done,
                })
            }
            Some(key) if limit.is_some() || !matches!(selection, Selection::All) => {
                let condition = condition(selection, self.subject(), &sql)?;
                let filter = condition.as_ref().map(|held| format!(" WHERE {held}")).unwrap_or_default();
                // Asked twice: a row that another session changes between the two is judged by its new content. Of the
                // rows of one token none is judged by the others, but each must still have it.
                let (token, again) = if matches!(selection, Selection::Duplicates) {
                    let column = &self.selected.roles.token;
                    let token = sql.exact(column, &column_of(column, &sql));
                    (format!(", {token} AS unleak_token"), format!(" WHERE {token} = picked.unleak_token"))
                } else {
                    (String::new(), filter.clone())
                };
                let select = format!(
                    "SELECT {columns} FROM (SELECT {}{token} FROM {name} AS s{filter} LIMIT {}) AS picked \
                     STRAIGHT_JOIN {name} AS s {} ON {}{again} FOR UPDATE",
                    key.picked(),
                    limit.unwrap_or(ALL),
                    key.hint(),
                    key.is_picked(),
                );
                Ok(Statements {
                    isolation: isolation(connection).await?,
                    select,
                    delete: Delete::ByKey(key.clone()),
                })
            }
            _ => {
                sql.now = Some(self.server_now(connection).await?);
                let filter = condition(selection, self.subject(), &sql)?;
                let filter = filter.map(|held| format!(" WHERE {held}")).unwrap_or_default();
                // What the condition reads elsewhere must stay as it was read.
                let isolation = if filter.is_empty() { "REPEATABLE READ" } else { "SERIALIZABLE" };
                Ok(Statements {
                    isolation,
                    select: format!("SELECT {columns} FROM {name} AS s{filter} FOR UPDATE"),
                    delete: Delete::By(format!("DELETE s FROM {name} AS s{filter}")),
                })
            }
        }
    }

    async fn server_now(&self, connection: &mut MySqlConnection) -> Result<Timestamp, Error> {
        let now = "SELECT cast(timestampdiff(MICROSECOND, '1970-01-01', utc_timestamp(6)) AS char)";
        let row = sqlx::raw_sql(now).fetch_one(connection).await.map_err(Error::database(DOING))?;
        let micros = catalogue::text(&row, 0).and_then(|text| text.parse().ok());
        Ok(micros.and_then(|micros| Timestamp::from_microsecond(micros).ok()).unwrap_or_else(Timestamp::now))
    }

    async fn delete_by_key(
        &self,
        connection: &mut MySqlConnection,
        key: &Key,
        prepared: &Prepared,
        expected: u64,
        spec: &BackupSpec<'_>,
    ) -> Result<u64, Error> {
        // A server that is asked for a large part of a table reads all of it, and waits for rows that are not meant.
        let most = usize::try_from((expected / 100).clamp(1, ROWS)).unwrap_or(1);
        let table = &self.selected.table;
        let reader = Reader::open(prepared.path(), spec.key)?;
        let mut rows = row::Rows::new(reader, table.columns.len())?;
        let mut deleted = 0;
        loop {
            let batch = rows.batch(most, BYTES)?;
            if batch.is_empty() {
                return Ok(deleted);
            }
            let Some(these) = key.is_one_of(&batch) else {
                return Err(Error::Unsupported { what: "a key that cannot be written down".to_owned() });
            };
            let delete = format!("DELETE s FROM {} AS s {} WHERE {these}", table.name.quoted(), key.hint());
            deleted += execute(connection, DOING, delete).await?;
        }
    }

    async fn commit(
        &self,
        connection: &mut MySqlConnection,
        path: PathBuf,
        spec: &BackupSpec<'_>,
    ) -> Result<BackupInfo, Error> {
        let commit = execute(connection, "committing the deletion", "COMMIT");
        let Err(error) = within(self.opener.limits.statement, "committing the deletion", commit).await else {
            return backup::committed(&path);
        };
        match self.ask_again(&path, spec).await {
            Some(true) => backup::committed(&path),
            Some(false) => {
                backup::discard(&path);
                Err(error)
            }
            None => Err(Error::CommitUnknown { backup: path }),
        }
    }
}

fn counted(read: u64, deleted: u64) -> Result<(), Error> {
    if read == deleted { Ok(()) } else { Err(Error::Incomplete { read, deleted }) }
}

/// Each statement sees what is there when it begins, except where the server's log of changes forbids that.
async fn isolation(connection: &mut MySqlConnection) -> Result<&'static str, Error> {
    let ask = "SHOW VARIABLES WHERE Variable_name IN ('log_bin', 'binlog_format')";
    let rows = sqlx::raw_sql(ask).fetch_all(connection).await.map_err(Error::database(DOING))?;
    let values: Vec<_> = rows.iter().filter_map(|row| catalogue::text(row, 1)).collect();
    let by_statement =
        values.iter().any(|value| value == "ON") && values.iter().any(|value| value == "STATEMENT");
    Ok(if by_statement { "REPEATABLE READ" } else { "READ COMMITTED" })
}

/// How many rows there were, and the last one.
async fn copy_out(
    connection: &mut MySqlConnection,
    sql: String,
    writer: &mut Writer,
) -> Result<(u64, Option<MySqlRow>), Error> {
    // The protocol of plain statements gives every value as text.
    let mut stream = sqlx::raw_sql(AssertSqlSafe(sql)).fetch(connection);
    let (mut rows, mut last) = (0, None);
    while let Some(found) = stream.try_next().await.map_err(Error::database(DOING))? {
        row::write(&found, writer)?;
        rows += 1;
        last = Some(found);
    }
    Ok((rows, last))
}
