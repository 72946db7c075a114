//! Ends a statement from beside it, as the account that runs it: everybody may end their own.

use super::{MySql, Opener, execute};
use crate::session::Error;
use crate::session::store::within;
use sqlx::Connection as _;

const DOING: &str = "ending a statement";

/// A connection by the server's number, which no later one gets, and how to reach the server once more.
#[derive(Clone)]
pub(in crate::session) struct Beside {
    opener: Opener,
    thread: u64,
}

impl Beside {
    pub(in crate::session) async fn cancel(&self) -> Result<(), Error> {
        let mut connection = self.opener.open().await?;
        let kill = format!("KILL QUERY {}", self.thread);
        within(self.opener.limits.statement, DOING, execute(&mut connection, DOING, kill)).await?;
        connection.close().await.map_err(Error::database(DOING))
    }
}

impl MySql {
    /// What ends the next statement.
    pub(in crate::session) async fn beside(&mut self) -> Result<Beside, Error> {
        const DOING: &str = "asking for the connection's number";
        let mut connection = self.take().await?;
        let thread = within(self.opener.limits.statement, DOING, async {
            let own = sqlx::query_scalar("SELECT connection_id()").fetch_one(&mut connection).await;
            own.map_err(Error::database(DOING))
        });
        let thread = thread.await?;
        self.connection = Some(connection);
        Ok(Beside { opener: self.opener.clone(), thread })
    }
}
