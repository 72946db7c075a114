//! Which indexes and references a session table in a SQLite file has, and statements that change them.

use super::{Sqlite, execute};
use crate::session::alter::{CHANGING, each};
use crate::session::{Error, KeyFacts, KeyState};
use sqlx::Row as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const DOING: &str = "reading the indexes";

const FACTS: &str = "
SELECT EXISTS (SELECT 1 FROM pragma_index_list(?1) l WHERE l.partial = 0 AND
                 (SELECT i.name FROM pragma_index_info(l.name) i WHERE i.seqno = 0) = ?2),
       EXISTS (SELECT 1 FROM pragma_foreign_key_list(?1) f WHERE lower(f.\"from\") = lower(?3))";

const NAMED: &str =
    "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'index' AND tbl_name = ?1 AND name = ?2)";

/// How many of SQLite's own instructions run between two looks at whether somebody asked to stop: microseconds.
const LOOKS: i32 = 10_000;

impl Sqlite {
    /// What ends the next statement once it is set.
    pub(in crate::session) async fn interruptible(&mut self) -> Result<Arc<AtomicBool>, Error> {
        let ended = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ended);
        let mut connection = self.take().await?;
        let mut handle =
            connection.lock_handle().await.map_err(Error::database("preparing the connection"))?;
        handle.set_progress_handler(LOOKS, move || !seen.load(Ordering::Relaxed));
        drop(handle);
        self.connection = Some(connection);
        Ok(ended)
    }

    /// All of them in one transaction: who reads goes on, and who writes waits for its end.
    pub(in crate::session) async fn alter(&mut self, statements: &[String]) -> Result<(), Error> {
        let mut connection = self.take().await?;
        execute(&mut connection, CHANGING, "BEGIN IMMEDIATE").await?;
        // A connection that is closed in a transaction rolls it back.
        each(&mut connection, statements, self.limits.purge).await?;
        execute(&mut connection, CHANGING, "COMMIT").await?;
        self.connection = Some(connection);
        Ok(())
    }

    pub(in crate::session) async fn key_named(&mut self, name: &str) -> Result<Option<KeyState>, Error> {
        let mut connection = self.take().await?;
        let query = sqlx::query_scalar::<_, bool>(NAMED).bind(&self.selected.table.name.name).bind(name);
        let found = query.fetch_one(&mut connection).await.map_err(Error::database(DOING))?;
        self.connection = Some(connection);
        Ok(found.then_some(KeyState::Whole))
    }

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
