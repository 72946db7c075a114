//! Changes of a session table's own keys, statement by statement, and how a key of a name stands. Which keys those are
//! is for the caller to say; names in the statements are the catalogue's.

use super::store::{Backend, within};
use super::{Error, Store};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};
use std::time::Duration;

/// How an index or a reference stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyState {
    /// It holds.
    Whole,
    /// PostgreSQL knows it, but a build was stopped, or old rows were not checked.
    Broken,
    /// PostgreSQL builds it just now, whoever asked for that.
    Building,
}

/// A table that is kept from others who ask for the same, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Held {
    pub(super) _connection: Option<PgConnection>,
}

impl Store {
    /// Runs statements on one connection, each by itself where the store takes them so; `wait` bounds how long others
    /// are waited for. What went before a failure stays done.
    pub(crate) async fn alter(&mut self, statements: &[String], wait: Duration) -> Result<(), Error> {
        match &mut self.backend {
            Backend::Postgres(store) => store.alter(statements, wait).await,
            Backend::Sqlite(store) => store.alter(statements).await,
            Backend::MySql(store) => store.alter(statements, wait).await,
            Backend::Redis(_) => Err(Error::Unsupported { what: "indexes on Redis".to_owned() }),
        }
    }

    /// Keeps the session table from everybody who asks with the same number; `None` when somebody else has it. A lock of
    /// the server's on PostgreSQL; elsewhere one statement is a whole change, and the journal's lock does.
    pub(crate) async fn hold(&mut self, class: i32) -> Result<Option<Held>, Error> {
        match &mut self.backend {
            Backend::Postgres(store) => store.hold(class).await,
            _ => Ok(Some(Held { _connection: None })),
        }
    }

    /// How the session table's index or reference of a name stands; `None` when it has none.
    pub(crate) async fn key_named(&mut self, name: &str) -> Result<Option<KeyState>, Error> {
        match &mut self.backend {
            Backend::Postgres(store) => store.key_named(name).await,
            Backend::Sqlite(store) => store.key_named(name).await,
            Backend::MySql(store) => store.key_named(name).await,
            Backend::Redis(_) => Ok(None),
        }
    }
}

/// What is being done, for an error.
pub(super) const CHANGING: &str = "changing the table's keys";

/// Runs each statement by itself, within a limit; settings among them hold for those that follow.
pub(super) async fn each<C>(connection: &mut C, statements: &[String], limit: Duration) -> Result<(), Error>
where
    C: Connection,
    for<'c> &'c mut C: Executor<'c>,
{
    for statement in statements {
        let run = sqlx::raw_sql(AssertSqlSafe(statement.clone())).execute(&mut *connection);
        within(limit, CHANGING, async { run.await.map(drop).map_err(Error::database(CHANGING)) }).await?;
    }
    Ok(())
}
