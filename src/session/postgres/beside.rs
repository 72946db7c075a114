//! Cancels a statement from beside it, as the role that connected: no other right is needed.

use super::{Opener, Postgres};
use crate::session::store::within;
use crate::session::url::Address;
use crate::session::{Error, Options, StoreUrl};
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

/// A server process, and how to reach its server once more.
#[derive(Clone)]
pub(in crate::session) struct Beside {
    opener: Opener,
    process: i32,
}

impl Beside {
    async fn of(connection: &mut PgConnection, opener: &Opener) -> Result<Self, Error> {
        const DOING: &str = "asking for the server process";
        let own = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(connection);
        let own = within(opener.limits.statement, DOING, async { own.await.map_err(Error::database(DOING)) });
        Ok(Self { process: own.await?, opener: opener.clone() })
    }

    pub(in crate::session) async fn cancel(&self) -> Result<(), Error> {
        const DOING: &str = "cancelling a statement";
        let mut connection = self.opener.open().await?;
        let cancel = sqlx::query_scalar::<_, bool>("SELECT pg_cancel_backend($1)").bind(self.process);
        within(self.opener.limits.statement, DOING, async {
            cancel.fetch_one(&mut connection).await.map_err(Error::database(DOING))
        })
        .await?;
        connection.close().await.map_err(Error::database(DOING))
    }
}

/// What ends the statements of a connection of the caller's own.
pub(crate) async fn canceller(
    url: &StoreUrl,
    options: &Options,
    connection: &mut PgConnection,
) -> Result<crate::session::Canceller, Error> {
    let Address::Postgres(at) = &url.0 else {
        return Err(Error::Unsupported { what: format!("a connection to {}", url.kind()) });
    };
    let opener = Opener::new(at, url.to_string(), options)?;
    Ok(Beside::of(connection, &opener).await?.into())
}

impl Postgres {
    /// What cancels the next statement.
    pub(in crate::session) async fn beside(&mut self) -> Result<Beside, Error> {
        let mut connection = self.take().await?;
        let beside = Beside::of(&mut connection, &self.opener).await?;
        self.connection = Some(connection);
        Ok(beside)
    }
}
