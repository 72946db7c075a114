//! Puts the rows of a backup back, in one transaction. A purge deleted what its backup holds, so that all of it comes back
//! or nothing does; a copy that was made before a change of the table's form holds rows that are still there, and those
//! stay as they are.

use super::{Postgres, execute};
use crate::session::Error;
use crate::session::backup::{Chunk, Encoding, Next, Reader};
use crate::session::store::within;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

const DOING: &str = "restoring the sessions";

impl Postgres {
    pub(in crate::session) async fn restore(&mut self, reader: Reader) -> Result<u64, Error> {
        let mut connection = self.take().await?;
        let limit = self.opener.limits.purge;
        let rows = within(limit, DOING, self.insert(&mut connection, reader)).await?;
        self.connection = Some(connection);
        Ok(rows)
    }

    /// On an error the connection is dropped, which rolls back.
    async fn insert(&self, connection: &mut PgConnection, mut reader: Reader) -> Result<u64, Error> {
        reader.expect(Encoding::PgCopyText)?;
        let table = &self.selected.table;
        let begin = format!(
            "BEGIN READ WRITE; SET LOCAL statement_timeout = {}; LOCK TABLE {}{} IN ROW EXCLUSIVE MODE",
            self.opener.limits.purge.as_millis(),
            self.only(),
            table.name.quoted(),
        );
        execute(connection, DOING, begin).await?;
        let (name, columns) = (table.name.quoted(), table.quoted_columns());
        let is_copy = reader.is_copy();
        let into = if is_copy { "pg_temp.unleak_restore" } else { &name };
        if is_copy {
            let beside = format!("CREATE TEMPORARY TABLE unleak_restore (LIKE {name}) ON COMMIT DROP");
            execute(connection, DOING, beside).await?;
        }
        let sql = format!("COPY {into} ({columns}) FROM STDIN");
        let mut copy = connection.copy_in_raw(&sql).await.map_err(Error::database(DOING))?;
        let mut chunk = Chunk::default();
        let expected = loop {
            match reader.next(&mut chunk)? {
                Next::Data => drop(copy.send(&chunk[..]).await.map_err(Error::database(DOING))?),
                Next::End { rows } => break rows,
            }
        };
        let rows = copy.finish().await.map_err(Error::database(DOING))?;
        reader.check_rows(rows, expected)?;
        let rows = if is_copy { missing(connection, &name, &columns).await? } else { rows };
        execute(connection, DOING, "COMMIT").await?;
        Ok(rows)
    }
}

/// Moves those rows over whose keys are not there.
async fn missing(connection: &mut PgConnection, name: &str, columns: &str) -> Result<u64, Error> {
    let insert = format!(
        "INSERT INTO {name} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM pg_temp.unleak_restore \
         ON CONFLICT DO NOTHING"
    );
    let done = sqlx::raw_sql(AssertSqlSafe(insert)).execute(connection).await;
    Ok(done.map_err(Error::database(DOING))?.rows_affected())
}
