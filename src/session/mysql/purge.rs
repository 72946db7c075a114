//! Streams every row into a backup under locks, then deletes as many, in one transaction.
//!
//! `SELECT … FOR UPDATE` over a whole InnoDB table at REPEATABLE READ locks every row and every gap, so nobody adds,
//! changes or removes a row before the commit: what was read is what is deleted.

use super::{MySql, execute, row};
use crate::session::backup::{self, BackupInfo, BackupSpec, Encoding, Reader, Subject, Writer};
use crate::session::schema::quoted;
use crate::session::store::within;
use crate::session::{Error, Selection, StoreKind};
use futures_util::TryStreamExt as _;
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Row as _};
use std::path::{Path, PathBuf};

const DOING: &str = "purging the sessions";

impl MySql {
    pub(in crate::session) async fn purge(
        &mut self,
        spec: &BackupSpec<'_>,
    ) -> Result<Option<BackupInfo>, Error> {
        let mut connection = self.take().await?;
        let prepared = within(self.opener.limits.purge, DOING, self.delete(&mut connection, spec)).await?;
        let info = match prepared {
            None => {
                execute(&mut connection, DOING, "ROLLBACK").await?;
                None
            }
            Some(path) => Some(self.commit(&mut connection, path, spec).await?),
        };
        self.connection = Some(connection);
        Ok(info)
    }

    /// Everything up to the commit. On an error the connection is dropped, which rolls back, and so is the file.
    async fn delete(
        &self,
        connection: &mut MySqlConnection,
        spec: &BackupSpec<'_>,
    ) -> Result<Option<PathBuf>, Error> {
        let table = &self.selected.table;
        execute(connection, DOING, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").await?;
        execute(connection, DOING, "START TRANSACTION READ WRITE").await?;
        let subject = Subject {
            store: &self.opener.url,
            kind: StoreKind::MySql,
            dialect: self.selected.dialect.name,
            table,
            encoding: Encoding::MySqlText,
            selection: Selection::All.name(),
            transaction: None,
        };
        let mut writer = Writer::create(spec, &subject)?;
        let columns: Vec<String> = table.columns.iter().map(row::selected).collect();
        let select = format!("SELECT {} FROM {} FOR UPDATE", columns.join(", "), table.name.quoted());
        let rows = copy_out(connection, select, &mut writer).await?;
        if rows == 0 {
            return Ok(None);
        }
        let deleted = execute(connection, DOING, format!("DELETE FROM {}", table.name.quoted())).await?;
        let prepared = writer.finish(rows, spec.key)?;
        if deleted != rows {
            return Err(Error::Incomplete { read: rows, deleted });
        }
        Ok(Some(prepared.keep()))
    }

    async fn commit(
        &self,
        connection: &mut MySqlConnection,
        path: PathBuf,
        spec: &BackupSpec<'_>,
    ) -> Result<BackupInfo, Error> {
        let commit = execute(connection, "committing the purge", "COMMIT");
        let Err(error) = within(self.opener.limits.statement, "committing the purge", commit).await else {
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

    /// Looks over a new connection whether the rows of the backup are there.
    async fn ask_again(&self, path: &Path, spec: &BackupSpec<'_>) -> Option<bool> {
        for _ in 0..20 {
            if let Ok(mut connection) = self.opener.open().await
                && let Ok(reader) = Reader::open(path, spec.key)
                && let Ok(committed) = self.look_up(&mut connection, reader).await
            {
                return committed;
            }
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        }
        None
    }

    /// Looks the first rows of a backup up in the table: all there means that their delete was rolled back.
    pub(in crate::session) async fn was_committed(&mut self, reader: Reader) -> Result<Option<bool>, Error> {
        let mut connection = self.take().await?;
        let committed = self.look_up(&mut connection, reader).await?;
        self.connection = Some(connection);
        Ok(committed)
    }

    async fn look_up(&self, connection: &mut MySqlConnection, reader: Reader) -> Result<Option<bool>, Error> {
        const SAMPLE: usize = 100;
        let (token, columns) = (&self.selected.roles.token, &self.selected.table.columns);
        let Some(at) = columns.iter().position(|column| column == token) else { return Ok(None) };
        // A lock of the lost connection may still be held; its rows are not to be waited for without end.
        let sql = format!(
            "SELECT count(*) FROM {} WHERE {} <=> ? FOR UPDATE",
            self.selected.table.name.quoted(),
            quoted(&token.name)
        );
        let mut rows = row::Rows::new(reader, columns.len())?;
        let (mut seen, mut present) = (0, 0);
        while seen < SAMPLE
            && let Some(mut values) = rows.next()?
        {
            seen += 1;
            let query = sqlx::query(AssertSqlSafe(sql.clone()));
            let query = match values.swap_remove(at) {
                Some(bytes) if !row::is_binary(token) => {
                    query.bind(String::from_utf8_lossy(&bytes).into_owned())
                }
                value => query.bind(value),
            };
            let found =
                query.fetch_one(&mut *connection).await.map_err(Error::database("looking for rows"))?;
            let count: i64 = found.try_get_unchecked(0).map_err(Error::database("looking for rows"))?;
            present += usize::from(count > 0);
        }
        Ok(match present {
            0 => Some(true),
            _ if present == seen => Some(false),
            _ => None,
        })
    }
}

async fn copy_out(connection: &mut MySqlConnection, sql: String, writer: &mut Writer) -> Result<u64, Error> {
    // The protocol of plain statements gives every value as text.
    let mut stream = sqlx::raw_sql(AssertSqlSafe(sql)).fetch(connection);
    let mut rows = 0;
    while let Some(found) = stream.try_next().await.map_err(Error::database(DOING))? {
        row::write(&found, writer)?;
        rows += 1;
    }
    Ok(rows)
}
