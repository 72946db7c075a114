//! Which indexes and references a session table on MySQL has, and statements that change them.

use super::{MySql, bound, execute};
use crate::session::alter::{CHANGING, each};
use crate::session::store::within;
use crate::session::{Error, KeyFacts, KeyState};
use sqlx::Row as _;
use std::time::Duration;

const DOING: &str = "reading the indexes";

const FACTS: &str = "
SELECT cast(EXISTS (SELECT 1 FROM information_schema.statistics s WHERE s.table_schema = ? AND s.table_name = ?
         AND s.seq_in_index = 1 AND s.column_name = ?) AS signed),
       cast(EXISTS (SELECT 1 FROM information_schema.key_column_usage k WHERE k.table_schema = ? AND k.table_name = ?
         AND k.column_name = ? AND k.referenced_table_name IS NOT NULL) AS signed)";

const NAMED: &str = "
SELECT cast(EXISTS (SELECT 1 FROM information_schema.statistics s WHERE s.table_schema = ? AND s.table_name = ? AND s.index_name = ?)
         OR EXISTS (SELECT 1 FROM information_schema.table_constraints k WHERE k.table_schema = ? AND k.table_name = ?
                    AND k.constraint_name = ?) AS signed)";

impl MySql {
    /// Each statement by itself, as the server takes them; settings among them hold for those that follow.
    pub(in crate::session) async fn alter(
        &mut self,
        statements: &[String],
        wait: Duration,
    ) -> Result<(), Error> {
        let limit = self.opener.limits.purge;
        let mut connection = self.take().await?;
        // The next operation opens a connection with the usual limits.
        bound(&mut connection, limit).await?;
        let wait = format!("SET lock_wait_timeout = {}", wait.as_secs().max(1));
        execute(&mut connection, CHANGING, wait).await?;
        each(&mut connection, statements, limit).await
    }

    pub(in crate::session) async fn key_named(&mut self, name: &str) -> Result<Option<KeyState>, Error> {
        let table = self.selected.table.name.clone();
        let mut connection = self.take().await?;
        let mut query = sqlx::query(NAMED);
        for _ in 0..2 {
            query = query.bind(table.schema.clone()).bind(table.name.clone()).bind(name.to_owned());
        }
        let row = query.fetch_one(&mut connection).await.map_err(Error::database(DOING))?;
        self.connection = Some(connection);
        let found = row.try_get_unchecked::<i64, _>(0).map_err(Error::database(DOING))?;
        Ok((found != 0).then_some(KeyState::Whole))
    }

    pub(in crate::session) async fn key_facts(&mut self) -> Result<KeyFacts, Error> {
        let facts = self.selected.key_facts();
        let token_is_unique = self.token_is_unique().await?;
        let mut connection = self.take().await?;
        let mut query = sqlx::query(FACTS);
        for column in [facts.expires.as_ref(), facts.user.as_ref()] {
            query = query.bind(&facts.table.schema).bind(&facts.table.name).bind(column);
        }
        let row = within(self.opener.limits.statement, DOING, async {
            query.fetch_one(&mut connection).await.map_err(Error::database(DOING))
        });
        let row = row.await?;
        self.connection = Some(connection);
        let flag = |at: usize| {
            Ok::<_, Error>(row.try_get_unchecked::<i64, _>(at).map_err(Error::database(DOING))? != 0)
        };
        Ok(KeyFacts { token_is_unique, expiry_is_indexed: flag(0)?, user_is_foreign: flag(1)?, ..facts })
    }
}
