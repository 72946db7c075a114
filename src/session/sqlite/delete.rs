//! Reads the selected rows into a backup, then deletes them, under one write lock.
//!
//! `BEGIN IMMEDIATE` keeps every other writer out, so what was read is what is deleted.

use super::count::values;
use super::thread::{on_a_thread, open, run};
use super::{Sqlite, row};
use crate::session::backup::{self, BackupInfo, BackupSpec, Encoding, Prepared, Reader, Subject, Writer};
use crate::session::schema::quoted;
use crate::session::selection::Spelling as _;
use crate::session::store::within;
use crate::session::{Bounds, Error, Selection, StoreKind};
use rusqlite::{Connection, params_from_iter};
use sqlx::{AssertSqlSafe, Row as _};
use zeroize::Zeroizing;

const DOING: &str = "deleting the sessions";

/// Where the numbers of rows are noted.
const NOTE: &str = "CREATE TEMP TABLE IF NOT EXISTS unleak_chosen (place INTEGER PRIMARY KEY); \
                    DELETE FROM temp.unleak_chosen";

/// The statements of one deletion, and what is bound to them.
struct Deletion {
    /// Notes the rows that are meant, where that serves.
    note: Option<String>,
    select: String,
    delete: String,
    values: Option<Zeroizing<String>>,
    bounds: Bounds,
}

impl Sqlite {
    pub(in crate::session) async fn delete(
        &mut self,
        selection: &Selection,
        spec: &BackupSpec<'_>,
        bounds: Bounds,
    ) -> Result<Option<BackupInfo>, Error> {
        let deletion = self.deletion(selection, bounds)?;
        let subject = Subject {
            store: &self.url,
            kind: StoreKind::Sqlite,
            dialect: self.selected.dialect.name,
            table: &self.selected.table,
            encoding: Encoding::SqliteValues,
            selection: selection.name(),
            transaction: None,
        };
        let connection = open(&self.path, self.limits.lock, DOING)?;
        let writer = Writer::create(spec, &subject)?;
        // On an error, and when the time is up, the connection is dropped, which rolls back, and so is the file.
        let work = on_a_thread(connection, DOING, move |connection| deletion.carry_out(connection, writer));
        let (connection, prepared) = within(self.limits.purge, DOING, work).await?;
        let Some(prepared) = prepared else { return Ok(None) };
        let path = prepared.keep();
        let commit = |connection: &Connection| run(connection, "committing the deletion", "COMMIT", None);
        match on_a_thread(connection, DOING, commit).await {
            Ok(_) => backup::committed(&path).map(Some),
            // SQLite says whether a commit happened: an error means that it did not.
            Err(error) => {
                backup::discard(&path);
                Err(error)
            }
        }
    }

    /// What is read and what is deleted is chosen alike. Where rows have numbers, those of the chosen ones are noted first: a
    /// condition that takes long is asked once. Keys may be tokens, which are not to be noted; the time in a condition is the
    /// same for both.
    fn deletion(&self, selection: &Selection, bounds: Bounds) -> Result<Deletion, Error> {
        let (values, filter) = (values(selection)?, self.filter(selection)?);
        let limit = bounds.batch.filter(|_| selection.can_be_split());
        let (table, place) = (self.selected.table.name.quoted(), self.spelling().place());
        let part = limit.map(|limit| format!(" ORDER BY {place} LIMIT {limit}")).unwrap_or_default();
        let places = format!("SELECT {place} FROM {filter}{part}");
        let (note, chosen) = if matches!(selection, Selection::All) && limit.is_none() {
            (None, filter)
        } else if self.has_row_numbers() {
            let noted = "SELECT place FROM temp.unleak_chosen";
            (
                Some(format!("INSERT INTO temp.unleak_chosen {places}")),
                format!("{table} AS s WHERE {place} IN ({noted})"),
            )
        } else {
            (None, format!("{table} AS s WHERE {place} IN ({places})"))
        };
        Ok(Deletion {
            note,
            select: format!("SELECT {} FROM {chosen}", self.selected.table.quoted_columns()),
            delete: format!("DELETE FROM {chosen}"),
            values,
            bounds,
        })
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

impl Deletion {
    /// Everything between the beginning of the transaction and its commit; nothing where no row is meant.
    fn carry_out(&self, connection: &Connection, mut writer: Writer) -> Result<Option<Prepared>, Error> {
        run(connection, DOING, "BEGIN IMMEDIATE", None)?;
        // What is noted has no values any more.
        let mut values = self.values.as_ref();
        if let Some(note) = &self.note {
            connection.execute_batch(NOTE).map_err(Error::database(DOING))?;
            run(connection, DOING, note, values.take())?;
        }
        let rows = self.copy_out(connection, values, &mut writer)?;
        self.bounds.check(rows)?;
        if rows == 0 {
            return Ok(None);
        }
        let deleted = run(connection, DOING, &self.delete, values)?;
        let prepared = writer.finish(rows)?;
        if deleted == rows { Ok(Some(prepared)) } else { Err(Error::Incomplete { read: rows, deleted }) }
    }

    fn copy_out(
        &self,
        connection: &Connection,
        values: Option<&Zeroizing<String>>,
        writer: &mut Writer,
    ) -> Result<u64, Error> {
        let mut select = connection.prepare(&self.select).map_err(Error::database(DOING))?;
        let width = select.column_count();
        let values = params_from_iter(values.map(|values| values.as_str()));
        let mut found = select.query(values).map_err(Error::database(DOING))?;
        let mut rows = 0;
        while let Some(row) = found.next().map_err(Error::database(DOING))? {
            row::write(row, width, writer)?;
            rows += 1;
        }
        Ok(rows)
    }
}
