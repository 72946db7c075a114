//! Puts the rows of a backup back, in one transaction, some rows a statement.

use super::{MySql, bound, execute, row};
use crate::session::Error;
use crate::session::backup::Reader;
use crate::session::schema::Column;
use crate::session::store::within;
use sqlx::AssertSqlSafe;
use sqlx::mysql::MySqlConnection;

const DOING: &str = "restoring the sessions";

/// How many rows and bytes go into one statement: a packet is 16 MiB on servers of today, and 4 on older ones.
const ROWS: usize = 200;
const BYTES: usize = 1024 * 1024;

impl MySql {
    pub(in crate::session) async fn restore(&mut self, reader: Reader) -> Result<u64, Error> {
        let mut connection = self.take().await?;
        let rows = within(self.opener.limits.purge, DOING, self.insert(&mut connection, reader)).await?;
        self.connection = Some(connection);
        Ok(rows)
    }

    /// On an error the connection is dropped, which rolls back.
    async fn insert(&self, connection: &mut MySqlConnection, reader: Reader) -> Result<u64, Error> {
        let table = &self.selected.table;
        bound(connection, self.opener.limits.purge).await?;
        execute(connection, DOING, "START TRANSACTION READ WRITE").await?;
        let mut rows = row::Rows::new(reader, table.columns.len())?;
        loop {
            let batch = rows.batch(ROWS, BYTES)?;
            if batch.is_empty() {
                break;
            }
            self.write(connection, batch).await?;
        }
        execute(connection, DOING, "COMMIT").await?;
        bound(connection, self.opener.limits.statement).await?;
        Ok(rows.read())
    }

    async fn write(&self, connection: &mut MySqlConnection, batch: Vec<row::Row>) -> Result<(), Error> {
        let table = &self.selected.table;
        let places = format!("({})", vec!["?"; table.columns.len()].join(", "));
        let sql = format!(
            "INSERT INTO {} ({}) VALUES {}",
            table.name.quoted(),
            table.quoted_columns(),
            vec![places; batch.len()].join(", ")
        );
        let mut query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
        for row in batch {
            for (column, value) in table.columns.iter().zip(row) {
                query = match text(column, value) {
                    Ok(text) => query.bind(text),
                    Err(bytes) => query.bind(bytes),
                };
            }
        }
        query.execute(connection).await.map_err(Error::database(DOING)).map(drop)
    }
}

/// The value as text where the column holds text, and as bytes otherwise.
fn text(column: &Column, value: Option<Vec<u8>>) -> Result<Option<String>, Option<Vec<u8>>> {
    if row::is_binary(column) {
        return Err(value);
    }
    value.map(String::from_utf8).transpose().map_err(|error| Some(error.into_bytes()))
}
