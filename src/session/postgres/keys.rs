//! Which indexes and references a session table on PostgreSQL has.

use super::Postgres;
use crate::session::store::within;
use crate::session::{Error, KeyFacts};
use sqlx::Row as _;

const DOING: &str = "reading the indexes";

/// Whole indexes and validated keys only: others hold nothing together.
const FACTS: &str = "
SELECT EXISTS (SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
               WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indnkeyatts = 1 AND a.attname = $3),
       EXISTS (SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
               WHERE i.indrelid = c.oid AND i.indisvalid AND a.attname = $4),
       EXISTS (SELECT FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
               WHERE k.conrelid = c.oid AND k.contype = 'f' AND a.attname = $5)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2";

impl Postgres {
    pub(in crate::session) async fn key_facts(&mut self) -> Result<KeyFacts, Error> {
        let facts = self.selected.key_facts();
        let mut connection = self.take().await?;
        let query = sqlx::query(FACTS)
            .bind(&facts.table.schema)
            .bind(&facts.table.name)
            .bind(&facts.token)
            .bind(&facts.expires)
            .bind(&facts.user);
        let row = within(self.opener.limits.statement, DOING, async {
            query.fetch_one(&mut connection).await.map_err(Error::database(DOING))
        });
        let row = row.await?;
        self.connection = Some(connection);
        let flag = |at: usize| row.try_get(at).map_err(Error::database(DOING));
        Ok(KeyFacts {
            token_is_unique: flag(0)?,
            expiry_is_indexed: flag(1)?,
            user_is_foreign: flag(2)?,
            ..facts
        })
    }
}
