//! MySQL and MariaDB behind a manager: pools whose connections are pinned as the single one is.

use super::spelling::MySqlSpelling;
use super::zone::Zone;
use super::{MySql, Opener, catalogue, times_out};
use crate::session::dialect::Unit;
use crate::session::manager::{Pool, PoolKind, Pooling, Queries, Warm};
use crate::session::schema::{Selected, TableName};
use crate::session::selection::choose;
use crate::session::store::within;
use crate::session::url::MySqlAddress;
use crate::session::{Error, Options, StoreKind, UsersTable, UsersWanted};
use sqlx::mysql::MySqlPoolOptions;
use sqlx::{AssertSqlSafe, Executor as _};
use std::sync::LazyLock;

/// For what has no wall clocks in it.
pub(in crate::session) fn spelling_in_utc() -> impl crate::session::selection::Spelling {
    static UTC: LazyLock<Zone> = LazyLock::new(Zone::utc);
    MySqlSpelling { zone: &UTC, values: Vec::new(), is_indexed: false, key: None, now: None }
}

impl MySql {
    /// The statements about its session table.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where the end of a session would have to be written in another zone than UTC, which a server
    /// without a list of zones cannot do.
    pub(in crate::session) fn queries(&self, users: Option<&UsersTable>) -> Result<Queries, Error> {
        let roles = &self.selected.roles;
        let is_wall_clock = matches!(roles.unit, Unit::Time) && roles.is_zoneless();
        if is_wall_clock && *self.reading() != self.utc {
            let what = format!("single sessions whose end is written in the zone {}", self.reading().name());
            return Err(Error::Unsupported { what: format!("{what} on MySQL") });
        }
        Queries::new(self.subject(), &self.spelling(), StoreKind::MySql, "UTC", users)
    }

    /// The session table, and a pool in the place of the one connection.
    pub(in crate::session) fn pooled(self, pooling: Pooling) -> (Selected, Pool) {
        (self.selected, self.opener.pooled(pooling))
    }

    /// A database in which only the users matter.
    pub(in crate::session) async fn users_only(
        at: &MySqlAddress,
        url: String,
        options: &Options,
        pooling: Pooling,
        wanted: &UsersWanted,
    ) -> Result<(Pool, UsersTable), Error> {
        let opener = Opener::new(at, url, options)?;
        let mut connection = opener.open().await?;
        let tables = catalogue::tables(&mut connection, false);
        let tables = within(opener.limits.statement, "reading the catalogue", tables).await?;
        let schema = Some(at.database.clone());
        let users = choose(&tables, &TableName { schema, name: String::new() }, None, wanted)?;
        Ok((opener.pooled(pooling), users))
    }
}

impl Opener {
    fn pooled(self, pooling: Pooling) -> Pool {
        let (pinned, limit) = (self.pinned(), self.limits.statement);
        let pool = MySqlPoolOptions::new()
            .max_connections(pooling.connections)
            .acquire_timeout(pooling.acquire)
            // A ping before each use doubles the time of a look-up; who finds a connection dead asks again.
            .test_before_acquire(false)
            .after_connect(move |connection, _| {
                let pinned = pinned.clone();
                Box::pin(async move {
                    connection.execute(sqlx::raw_sql(AssertSqlSafe(pinned))).await?;
                    let [maria, mysql] = times_out(limit).map(|set| sqlx::raw_sql(AssertSqlSafe(set)));
                    if connection.execute(maria).await.is_err() {
                        connection.execute(mysql).await?;
                    }
                    Ok(())
                })
            })
            .connect_lazy_with(self.options);
        Pool::new(PoolKind::MySql(Warm::new(pool)), self.limits, pooling)
    }
}
