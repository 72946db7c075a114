//! Puts the rows of a backup back, in one transaction.

use super::{Postgres, execute};
use crate::session::Error;
use crate::session::backup::{Chunk, Encoding, Next, Reader};
use crate::session::store::within;
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
            "BEGIN READ WRITE; SET LOCAL statement_timeout = {}; LOCK TABLE ONLY {} IN ROW EXCLUSIVE MODE",
            self.opener.limits.purge.as_millis(),
            table.name.quoted(),
        );
        execute(connection, DOING, begin).await?;
        let sql = format!("COPY {} ({}) FROM STDIN", table.name.quoted(), table.quoted_columns());
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
        execute(connection, DOING, "COMMIT").await?;
        Ok(rows)
    }
}
