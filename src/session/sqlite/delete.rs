//! Streams the selected rows into a backup, then deletes them, under one write lock.
//!
//! `BEGIN IMMEDIATE` keeps every other writer out, so what was read is what is deleted.

use super::count::{bound, values};
use super::{Sqlite, execute, open, row};
use crate::session::backup::{self, BackupInfo, BackupSpec, Encoding, Reader, Subject, Writer};
use crate::session::schema::quoted;
use crate::session::selection::Spelling as _;
use crate::session::store::within;
use crate::session::{Bounds, Error, Selection, StoreKind};
use futures_util::{FutureExt as _, TryStreamExt as _};
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Row as _};
use std::path::PathBuf;
use std::time::Duration;
use zeroize::Zeroizing;

const DOING: &str = "deleting the sessions";

/// How long rows are left to gather before they are taken: SQLite runs on a thread of its own, and to be woken for each
/// single row costs both threads more than to read it.
const PAUSE: Duration = Duration::from_millis(1);

/// How many rows may gather, and how many bytes of them.
const ROWS: u64 = 2000;
const BYTES: u64 = 16 * 1024 * 1024;

impl Sqlite {
    pub(in crate::session) async fn delete(
        &mut self,
        selection: &Selection,
        spec: &BackupSpec<'_>,
        bounds: Bounds,
    ) -> Result<Option<BackupInfo>, Error> {
        let mut connection = self.take().await?;
        let gathered = self.gathered(&mut connection).await?;
        if gathered > 1 {
            connection = open(&self.path, &self.url, &self.limits, gathered).await?;
        }
        let work = self.copy_and_delete(&mut connection, selection, spec, bounds);
        let prepared = within(self.limits.purge, DOING, work).await?;
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

    /// How many rows of this table may gather. One that grows meanwhile is not larger than SQLite's own limit.
    async fn gathered(&self, connection: &mut SqliteConnection) -> Result<usize, Error> {
        let table = &self.selected.table;
        let sizes =
            table.columns.iter().map(|column| format!("coalesce(octet_length({}), 0)", quoted(&column.name)));
        let largest =
            format!("SELECT max({}) FROM {}", sizes.collect::<Vec<_>>().join(" + "), table.name.quoted());
        let work = sqlx::query_scalar::<_, Option<i64>>(AssertSqlSafe(largest)).fetch_one(connection);
        let largest =
            within(self.limits.statement, DOING, async { work.await.map_err(Error::database(DOING)) })
                .await?;
        let largest = largest.unwrap_or_default().unsigned_abs().max(1);
        Ok(usize::try_from((BYTES / largest).clamp(1, ROWS)).unwrap_or(1))
    }

    /// Everything up to the commit. On an error the connection is dropped, which rolls back, and so is the file.
    async fn copy_and_delete(
        &self,
        connection: &mut SqliteConnection,
        selection: &Selection,
        spec: &BackupSpec<'_>,
        bounds: Bounds,
    ) -> Result<Option<PathBuf>, Error> {
        let table = &self.selected.table;
        execute(connection, DOING, "BEGIN IMMEDIATE").await?;
        let (chosen, values) = self.chosen(connection, selection, bounds).await?;
        let subject = Subject {
            store: &self.url,
            kind: StoreKind::Sqlite,
            dialect: self.selected.dialect.name,
            table,
            encoding: Encoding::SqliteValues,
            selection: selection.name(),
            transaction: None,
        };
        let mut writer = Writer::create(spec, &subject)?;
        let select = format!("SELECT {} FROM {chosen}", table.quoted_columns());
        let rows = copy_out(connection, select, values.as_ref(), &mut writer).await?;
        bounds.check(rows)?;
        if rows == 0 {
            return Ok(None);
        }
        let delete = AssertSqlSafe(format!("DELETE FROM {chosen}"));
        let deleted = bound(sqlx::query(delete), values.as_ref()).execute(&mut *connection).await;
        let deleted = deleted.map_err(Error::database(DOING))?;
        let prepared = writer.finish(rows)?;
        if deleted.rows_affected() != rows {
            return Err(Error::Incomplete { read: rows, deleted: deleted.rows_affected() });
        }
        Ok(Some(prepared.keep()))
    }

    /// The table and condition, the same for reading and for deleting, with the values that are to be bound. Where rows have
    /// numbers, those of the chosen ones are noted first: a condition that takes long is asked once. Keys may be tokens,
    /// which are not to be noted; the time in a condition is the same for both.
    async fn chosen(
        &self,
        connection: &mut SqliteConnection,
        selection: &Selection,
        bounds: Bounds,
    ) -> Result<(String, Option<Zeroizing<String>>), Error> {
        const NOTE: &str = "CREATE TEMP TABLE IF NOT EXISTS unleak_chosen (place INTEGER PRIMARY KEY); \
                            DELETE FROM temp.unleak_chosen";
        let (values, filter) = (values(selection)?, self.filter(selection)?);
        let limit = bounds.batch.filter(|_| selection.can_be_split());
        let (table, place) = (self.selected.table.name.quoted(), self.spelling().place());
        let part = limit.map(|limit| format!(" ORDER BY {place} LIMIT {limit}")).unwrap_or_default();
        let places = format!("SELECT {place} FROM {filter}{part}");
        if matches!(selection, Selection::All) && limit.is_none() {
            return Ok((filter, values));
        }
        if !self.has_row_numbers() {
            return Ok((format!("{table} AS s WHERE {place} IN ({places})"), values));
        }
        execute(connection, DOING, NOTE).await?;
        let note = AssertSqlSafe(format!("INSERT INTO temp.unleak_chosen {places}"));
        let noted = bound(sqlx::query(note), values.as_ref()).execute(connection).await;
        noted.map_err(Error::database(DOING))?;
        Ok((format!("{table} AS s WHERE {place} IN (SELECT place FROM temp.unleak_chosen)"), None))
    }

    /// Looks the first rows of a backup up in the table: all there means that their delete was rolled back.
    ///
    /// A deletion of duplicates may have left a twin of a row that it deleted, so rows that are there say nothing.
    pub(in crate::session) async fn was_committed(
        &mut self,
        reader: Reader,
        of_duplicates: bool,
    ) -> Result<Option<bool>, Error> {
        const SAMPLE: usize = 100;
        let columns = self.selected.table.columns.clone();
        let table = self.selected.table.name.quoted();
        let mut connection = self.take().await?;
        let mut rows = row::Rows::new(reader, columns.len())?;
        let (mut seen, mut present) = (0, 0);
        while seen < SAMPLE
            && let Some(values) = rows.next()?
        {
            seen += 1;
            let same: Vec<String> = columns
                .iter()
                .zip(&values)
                .map(|(column, value)| format!("{} IS {}", quoted(&column.name), value.placeholder()))
                .collect();
            let sql = format!("SELECT EXISTS (SELECT 1 FROM {table} WHERE {})", same.join(" AND "));
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for value in values {
                query = value.bind(query);
            }
            let found = query.fetch_one(&mut connection).await.and_then(|row| row.try_get::<bool, _>(0));
            present += usize::from(found.map_err(Error::database("looking for rows"))?);
        }
        self.connection = Some(connection);
        Ok(match present {
            0 => Some(true),
            _ if present == seen && !of_duplicates => Some(false),
            _ => None,
        })
    }
}

async fn commit(connection: &mut SqliteConnection, path: &std::path::Path) -> Result<BackupInfo, Error> {
    match execute(connection, "committing the deletion", "COMMIT").await {
        Ok(()) => backup::committed(path),
        // SQLite says whether a commit happened: an error means that it did not.
        Err(error) => {
            backup::discard(path);
            Err(error)
        }
    }
}

async fn copy_out(
    connection: &mut SqliteConnection,
    sql: String,
    values: Option<&Zeroizing<String>>,
    writer: &mut Writer,
) -> Result<u64, Error> {
    let mut stream = bound(sqlx::query(AssertSqlSafe(sql)), values).fetch(connection);
    let mut rows = 0;
    loop {
        let Some(next) = stream.try_next().now_or_never() else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let Some(found) = next.map_err(Error::database(DOING))? else { return Ok(rows) };
        row::write(&found, writer)?;
        rows += 1;
    }
}
