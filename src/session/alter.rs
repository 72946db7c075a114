//! Changes of a session table's own keys, statement by statement, and how a key of a name stands. Which keys those are
//! is for the caller to say; names in the statements are the catalogue's.

use super::store::Backend;
use super::{Error, Store};
use std::time::Duration;

/// How an index or a reference stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyState {
    /// It holds.
    Whole,
    /// PostgreSQL knows it, but a build was stopped, or old rows were not checked.
    Broken,
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
