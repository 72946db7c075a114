//! Which indexes and references a session table on PostgreSQL has, and statements that change them.

use super::{Postgres, execute};
use crate::session::alter::{CHANGING, each};
use crate::session::store::within;
use crate::session::{Error, Held, KeyFacts, KeyState};
use sqlx::Row as _;
use sqlx::postgres::PgConnection;
use std::time::Duration;

const DOING: &str = "reading the indexes";

/// Whole indexes and validated keys only: others hold nothing together.
const FACTS: &str = "
SELECT EXISTS (SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
               WHERE i.indrelid = c.oid AND i.indisvalid AND a.attname = $3),
       EXISTS (SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
               WHERE i.indrelid = c.oid AND i.indisvalid AND i.indpred IS NULL AND a.attname = $4),
       EXISTS (SELECT FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
               WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.convalidated AND a.attname = $4),
       (SELECT k.conname::text FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
        WHERE k.conrelid = c.oid AND k.contype = 'f' AND NOT k.convalidated AND a.attname = $4 ORDER BY 1 LIMIT 1)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2";

const NAMED: &str = "
SELECT (SELECT bool_and(f.whole) FROM (
  SELECT i.indisvalid AND i.indisready AS whole FROM pg_catalog.pg_class x JOIN pg_catalog.pg_index i ON i.indexrelid = x.oid
  WHERE i.indrelid = c.oid AND x.relname = $3
  UNION ALL
  SELECT k.convalidated FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid AND k.conname = $3) AS f)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2";

/// PostgreSQL 12 and later tell which indexes are being built.
const TELLS: &str = "SELECT to_regclass('pg_catalog.pg_stat_progress_create_index') IS NOT NULL";
const BUILDING: &str = "
SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p
  JOIN pg_catalog.pg_class x ON x.oid = p.index_relid JOIN pg_catalog.pg_class c ON c.oid = p.relid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE p.datname = current_database() AND n.nspname = $1 AND c.relname = $2 AND x.relname = $3)";

/// The lock's second half is the table, as the hardening names it.
const HOLD: &str = "
SELECT pg_try_advisory_lock($1, c.oid::int8::bit(32)::int4)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $2 AND c.relname = $3";
/// How often, since a crashed one's server process may need a moment to notice.
const HOLDS: u32 = 40;

impl Postgres {
    /// Keeps everybody else from this table who asks with the same number, on a connection of its own.
    pub(in crate::session) async fn hold(&mut self, class: i32) -> Result<Option<Held>, Error> {
        const DOING: &str = "taking the lock";
        let table = &self.selected.table.name;
        let mut connection = self.opener.open().await?;
        for _ in 0..HOLDS {
            let query = sqlx::query_scalar::<_, bool>(HOLD).bind(class).bind(&table.schema).bind(&table.name);
            let got = query.fetch_optional(&mut connection).await.map_err(Error::database(DOING))?;
            if got == Some(true) {
                return Ok(Some(Held { _connection: Some(connection) }));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(None)
    }

    /// Each statement by itself: an index is built concurrently outside of transactions only.
    pub(in crate::session) async fn alter(
        &mut self,
        statements: &[String],
        wait: Duration,
    ) -> Result<(), Error> {
        let limit = self.opener.limits.purge;
        let mut connection = self.take().await?;
        let bounds =
            format!("SET lock_timeout = {}; SET statement_timeout = {}", wait.as_millis(), limit.as_millis());
        // The next operation opens a connection with the usual limits.
        execute(&mut connection, CHANGING, bounds).await?;
        each(&mut connection, statements, limit).await
    }

    pub(in crate::session) async fn key_named(&mut self, name: &str) -> Result<Option<KeyState>, Error> {
        let table = self.selected.table.name.clone();
        let mut connection = self.take().await?;
        // Asked before the other: what is built no longer has come to its end.
        let is_building = self.is_building(&mut connection, name).await?;
        let query = sqlx::query_scalar::<_, Option<bool>>(NAMED);
        let query = query.bind(&table.schema).bind(&table.name).bind(name);
        let whole = query.fetch_optional(&mut connection).await.map_err(Error::database(DOING))?;
        let state = whole.flatten().map(|whole| match (whole, is_building) {
            (true, _) => KeyState::Whole,
            (false, true) => KeyState::Building,
            (false, false) => KeyState::Broken,
        });
        self.connection = Some(connection);
        Ok(state)
    }

    /// Whether a server process builds the index just now; its client may have died.
    async fn is_building(&self, connection: &mut PgConnection, name: &str) -> Result<bool, Error> {
        let table = &self.selected.table.name;
        let tells: bool =
            sqlx::query_scalar(TELLS).fetch_one(&mut *connection).await.map_err(Error::database(DOING))?;
        if !tells {
            return Ok(false);
        }
        let query = sqlx::query_scalar::<_, bool>(BUILDING);
        let query = query.bind(&table.schema).bind(&table.name).bind(name);
        query.fetch_one(connection).await.map_err(Error::database(DOING))
    }

    pub(in crate::session) async fn key_facts(&mut self) -> Result<KeyFacts, Error> {
        let facts = self.selected.key_facts();
        let token_is_unique = self.token_is_unique().await?;
        let mut connection = self.take().await?;
        let query = sqlx::query(FACTS)
            .bind(&facts.table.schema)
            .bind(&facts.table.name)
            .bind(&facts.expires)
            .bind(&facts.user);
        let row = within(self.opener.limits.statement, DOING, async {
            query.fetch_one(&mut connection).await.map_err(Error::database(DOING))
        });
        let row = row.await?;
        self.connection = Some(connection);
        let flag = |at: usize| row.try_get::<bool, _>(at).map_err(Error::database(DOING));
        Ok(KeyFacts {
            token_is_unique,
            expiry_is_indexed: flag(0)?,
            user_is_indexed: flag(1)?,
            user_is_foreign: flag(2)?,
            unchecked: row.try_get(3).map_err(Error::database(DOING))?,
            ..facts
        })
    }
}
