//! Which indexes and references a session table on MySQL has.

use super::MySql;
use crate::session::store::within;
use crate::session::{Error, KeyFacts};
use sqlx::Row as _;

const DOING: &str = "reading the indexes";

const FACTS: &str = "
SELECT cast(EXISTS (SELECT 1 FROM information_schema.statistics s WHERE s.table_schema = ? AND s.table_name = ?
         AND s.non_unique = 0 GROUP BY s.index_name HAVING count(*) = 1 AND max(s.column_name) = ? AND max(coalesce(s.sub_part, 0)) = 0) AS signed),
       cast(EXISTS (SELECT 1 FROM information_schema.statistics s WHERE s.table_schema = ? AND s.table_name = ?
         AND s.seq_in_index = 1 AND s.column_name = ?) AS signed),
       cast(EXISTS (SELECT 1 FROM information_schema.key_column_usage k WHERE k.table_schema = ? AND k.table_name = ?
         AND k.column_name = ? AND k.referenced_table_name IS NOT NULL) AS signed)";

impl MySql {
    pub(in crate::session) async fn key_facts(&mut self) -> Result<KeyFacts, Error> {
        let facts = self.selected.key_facts();
        let mut connection = self.take().await?;
        let mut query = sqlx::query(FACTS);
        for column in [Some(&facts.token), facts.expires.as_ref(), facts.user.as_ref()] {
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
        Ok(KeyFacts {
            token_is_unique: flag(0)?,
            expiry_is_indexed: flag(1)?,
            user_is_foreign: flag(2)?,
            ..facts
        })
    }
}
