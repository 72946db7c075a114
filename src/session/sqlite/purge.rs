//! Streams every row into a backup, then deletes them, under one write lock.
//!
//! `BEGIN IMMEDIATE` keeps every other writer out, so what was read is what is deleted.

use super::{Sqlite, execute, row};
use crate::session::backup::{self, BackupInfo, BackupSpec, Encoding, Reader, Subject, Writer};
use crate::session::schema::quoted;
use crate::session::store::within;
use crate::session::{Error, StoreKind};
use futures_util::TryStreamExt as _;
use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteConnection;
use std::path::PathBuf;

const DOING: &str = "purging the sessions";

impl Sqlite {
    pub(in crate::session) async fn purge(
        &mut self,
        spec: &BackupSpec<'_>,
    ) -> Result<Option<BackupInfo>, Error> {
        let mut connection = self.take().await?;
        let prepared = within(self.limits.purge, DOING, self.delete(&mut connection, spec)).await?;
        let info = match prepared {
            None => {
                execute(&mut connection, DOING, "ROLLBACK").await?;
                None
            }
            Some(path) => Some(commit(&mut connection, &path).await?),
        };
        self.connection = Some(connection);
        Ok(info)
    }

    /// Everything up to the commit. On an error the connection is dropped, which rolls back, and so is the file.
    async fn delete(
        &self,
        connection: &mut SqliteConnection,
        spec: &BackupSpec<'_>,
    ) -> Result<Option<PathBuf>, Error> {
        let table = &self.selected.table;
        execute(connection, DOING, "BEGIN IMMEDIATE").await?;
        let subject = Subject {
            store: &self.url,
            kind: StoreKind::Sqlite,
            dialect: self.selected.dialect.name,
            table,
            encoding: Encoding::SqliteValues,
            transaction: None,
        };
        let mut writer = Writer::create(spec, &subject)?;
        let select = format!("SELECT {} FROM {}", table.quoted_columns(), table.name.quoted());
        let rows = copy_out(connection, select, &mut writer).await?;
        if rows == 0 {
            return Ok(None);
        }
        let delete = AssertSqlSafe(format!("DELETE FROM {}", table.name.quoted()));
        let deleted = sqlx::query(delete).execute(&mut *connection).await.map_err(Error::database(DOING))?;
        let prepared = writer.finish(rows, spec.key)?;
        if deleted.rows_affected() != rows {
            return Err(Error::Incomplete { read: rows, deleted: deleted.rows_affected() });
        }
        Ok(Some(prepared.keep()))
    }

    /// Looks the first rows of a backup up in the table: all there means that their delete was rolled back.
    pub(in crate::session) async fn was_committed(&mut self, reader: Reader) -> Result<Option<bool>, Error> {
        const SAMPLE: usize = 100;
        let roles = &self.selected.roles;
        let columns = &self.selected.table.columns;
        let Some(token) = columns.iter().position(|column| *column == roles.token) else { return Ok(None) };
        let sql = format!(
            "SELECT count(*) FROM {} WHERE {} IS ?1",
            self.selected.table.name.quoted(),
            quoted(&roles.token.name)
        );
        let width = columns.len();
        let mut connection = self.take().await?;
        let mut rows = row::Rows::new(reader, width)?;
        let (mut seen, mut present) = (0, 0);
        while seen < SAMPLE
            && let Some(mut values) = rows.next()?
        {
            seen += 1;
            let query = values.swap_remove(token).bind_scalar(sqlx::query_scalar(AssertSqlSafe(sql.clone())));
            let found: i64 =
                query.fetch_one(&mut connection).await.map_err(Error::database("looking for rows"))?;
            present += usize::from(found > 0);
        }
        self.connection = Some(connection);
        Ok(if present == 0 {
            Some(true)
        } else if present == seen {
            Some(false)
        } else {
            None
        })
    }
}

async fn commit(connection: &mut SqliteConnection, path: &std::path::Path) -> Result<BackupInfo, Error> {
    match execute(connection, "committing the purge", "COMMIT").await {
        Ok(()) => backup::committed(path),
        // SQLite says whether a commit happened: an error means that it did not.
        Err(error) => {
            backup::discard(path);
            Err(error)
        }
    }
}

async fn copy_out(connection: &mut SqliteConnection, sql: String, writer: &mut Writer) -> Result<u64, Error> {
    let mut stream = sqlx::query(AssertSqlSafe(sql)).fetch(connection);
    let mut rows = 0;
    while let Some(found) = stream.try_next().await.map_err(Error::database(DOING))? {
        row::write(&found, writer)?;
        rows += 1;
    }
    Ok(rows)
}
