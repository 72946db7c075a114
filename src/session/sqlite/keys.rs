//! Which indexes and references a session table in a SQLite file has.

use super::Sqlite;
use crate::session::{Error, KeyFacts};
use sqlx::Row as _;

const DOING: &str = "reading the indexes";

const FACTS: &str = "
SELECT EXISTS (SELECT 1 FROM pragma_index_list(?1) l WHERE l.partial = 0 AND
                 (SELECT i.name FROM pragma_index_info(l.name) i WHERE i.seqno = 0) = ?2),
       EXISTS (SELECT 1 FROM pragma_foreign_key_list(?1) f WHERE lower(f.\"from\") = lower(?3))";

impl Sqlite {
    pub(in crate::session) async fn key_facts(&mut self) -> Result<KeyFacts, Error> {
        let facts = self.selected.key_facts();
        let token_is_unique = self.token_is_unique().await?;
        let mut connection = self.take().await?;
        let query = sqlx::query(FACTS).bind(&facts.table.name).bind(&facts.expires).bind(&facts.user);
        let row = query.fetch_one(&mut connection).await.map_err(Error::database(DOING))?;
        self.connection = Some(connection);
        let flag = |at: usize| row.try_get::<bool, _>(at).map_err(Error::database(DOING));
        Ok(KeyFacts { token_is_unique, expiry_is_indexed: flag(0)?, user_is_foreign: flag(1)?, ..facts })
    }
}
