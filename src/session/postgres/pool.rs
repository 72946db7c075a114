//! PostgreSQL behind a manager: pools whose connections are pinned as the single one is.

use super::spelling::Postgresql;
use super::{Opener, Postgres, catalogue};
use crate::session::manager::{Pool, PoolKind, Pooling, Queries, Warm};
use crate::session::schema::{Selected, TableName};
use crate::session::selection::choose;
use crate::session::store::within;
use crate::session::url::PostgresAddress;
use crate::session::{Error, Options, StoreKind, UsersTable, UsersWanted};
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgPoolOptions;

/// For what has no wall clocks in it.
pub(in crate::session) fn spelling_in_utc() -> impl crate::session::selection::Spelling {
    Postgresql { zone: "UTC", partitioned: false, lasting: true }
}

impl Postgres {
    /// The statements about its session table.
    pub(in crate::session) fn queries(&self, users: Option<&UsersTable>) -> Result<Queries, Error> {
        let zone = self.reading();
        let sql = Postgresql { lasting: true, ..self.sql(zone) };
        Queries::new(self.subject(), &sql, StoreKind::Postgres, zone, users)
    }

    /// The session table, and a pool in the place of the one connection.
    pub(in crate::session) fn pooled(self, pooling: Pooling) -> (Selected, Pool) {
        (self.selected, self.opener.pooled(pooling))
    }

    /// A database in which only the users matter.
    pub(in crate::session) async fn users_only(
        at: &PostgresAddress,
        url: String,
        options: &Options,
        pooling: Pooling,
        wanted: &UsersWanted,
    ) -> Result<(Pool, UsersTable), Error> {
        let opener = Opener::new(at, url, options)?;
        let mut connection = opener.open().await?;
        let tables = catalogue::tables(&mut connection, at.schema.as_deref());
        let tables = within(opener.limits.statement, "reading the catalogue", tables).await?;
        let first =
            tables.iter().filter(|table| table.path_rank.is_some()).min_by_key(|table| table.path_rank);
        let schema = first.and_then(|table| table.name.schema.clone());
        let users = choose(&tables, &TableName { schema, name: String::new() }, None, wanted)?;
        Ok((opener.pooled(pooling), users))
    }
}

impl Opener {
    fn pooled(self, pooling: Pooling) -> Pool {
        let pinned = self.pinned();
        let pool = PgPoolOptions::new()
            .max_connections(pooling.connections)
            .acquire_timeout(pooling.acquire)
            // A ping before each use doubles the time of a look-up; who finds a connection dead asks again.
            .test_before_acquire(false)
            .after_connect(move |connection, _| {
                let pinned = pinned.clone();
                Box::pin(
                    async move { sqlx::raw_sql(AssertSqlSafe(pinned)).execute(connection).await.map(drop) },
                )
            })
            .connect_lazy_with(self.options);
        Pool::new(PoolKind::Postgres(Warm::new(pool)), self.limits, pooling)
    }
}
