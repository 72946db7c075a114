//! SQLite behind a manager: some connections to one file, which must exist.

use super::spelling::SqliteSpelling;
use super::{Sqlite, catalogue, driver_options, open};
use crate::session::manager::{Pool, PoolKind, Pooling, Queries, Warm};
use crate::session::schema::{Selected, TableName};
use crate::session::selection::choose;
use crate::session::{Error, Options, StoreKind, UsersTable, UsersWanted};
use sqlx::sqlite::SqlitePoolOptions;
use std::path::Path;

/// For what needs nothing to tell rows apart.
pub(in crate::session) fn plain_spelling() -> impl crate::session::selection::Spelling {
    SqliteSpelling::new(None)
}

impl Sqlite {
    /// The statements about its session table.
    pub(in crate::session) fn queries(&self, users: Option<&UsersTable>) -> Result<Queries, Error> {
        Queries::new(self.subject(), &self.spelling(), StoreKind::Sqlite, "UTC", users)
    }

    /// The session table, and a pool in the place of the one connection.
    pub(in crate::session) fn pooled(self, pooling: Pooling) -> (Selected, Pool) {
        let pool = pool(&self.path, self.limits, pooling);
        (self.selected, pool)
    }

    /// A file in which only the users matter.
    pub(in crate::session) async fn users_only(
        path: &Path,
        url: String,
        options: &Options,
        pooling: Pooling,
        wanted: &UsersWanted,
    ) -> Result<(Pool, UsersTable), Error> {
        let mut connection = open(path, &url, &options.limits).await?;
        let tables = catalogue::tables(&mut connection).await?;
        let users = choose(&tables, &TableName { schema: None, name: String::new() }, None, wanted)?;
        Ok((pool(path, options.limits, pooling), users))
    }
}

fn pool(path: &Path, limits: crate::session::Limits, pooling: Pooling) -> Pool {
    let pool = SqlitePoolOptions::new()
        .max_connections(pooling.connections)
        .acquire_timeout(pooling.acquire)
        .test_before_acquire(false)
        .connect_lazy_with(driver_options(path, &limits));
    Pool::new(PoolKind::Sqlite(Warm::new(pool)), limits, pooling)
}
