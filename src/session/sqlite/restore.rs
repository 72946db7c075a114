//! Puts the rows of a backup back, in one transaction.

use super::{Sqlite, execute, row};
use crate::session::Error;
use crate::session::backup::Reader;
use crate::session::store::within;
use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteConnection;

const DOING: &str = "restoring the sessions";

impl Sqlite {
    pub(in crate::session) async fn restore(&mut self, reader: Reader) -> Result<u64, Error> {
        let mut connection = self.take().await?;
        let rows = within(self.limits.purge, DOING, self.insert(&mut connection, reader)).await?;
        self.connection = Some(connection);
        Ok(rows)
    }

    /// On an error the connection is dropped, which rolls back.
    async fn insert(&self, connection: &mut SqliteConnection, reader: Reader) -> Result<u64, Error> {
        let table = &self.selected.table;
        execute(connection, DOING, "BEGIN IMMEDIATE").await?;
        let mut rows = row::Rows::new(reader, table.columns.len())?;
        while let Some(values) = rows.next()? {
            let places: Vec<&str> = values.iter().map(row::Value::placeholder).collect();
            let sql = format!(
                "INSERT INTO {} ({}) VALUES ({})",
                table.name.quoted(),
                table.quoted_columns(),
                places.join(", ")
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for value in values {
                query = value.bind(query);
            }
            query.execute(&mut *connection).await.map_err(Error::database(DOING))?;
        }
        let restored = rows.finish()?;
        execute(connection, DOING, "COMMIT").await?;
        Ok(restored)
    }
}
