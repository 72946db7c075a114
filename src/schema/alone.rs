//! Statements that the server takes in no transaction, and that may wait long for others while nobody waits for them:
//! concurrent builds and drops of indexes. Who asks to stop need not wait for them either.

use super::Error;
use super::hardening::Hardening;
use super::runner::{PATIENT, set_lock_timeout};
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use std::pin::pin;
use std::time::Duration;

/// How soon a stop is noticed.
const NOTICED: Duration = Duration::from_millis(100);
/// How long a stopped run waits to drop what it began.
const AT_ONCE: Duration = Duration::from_secs(2);

impl Hardening {
    /// Drops what a stopped build left, although somebody asked to stop, and without a long wait.
    pub(super) async fn drop_at_once(&mut self, index: &str, drop: String) -> Error {
        let done = self.alone_within("dropping what was built", &[drop], AT_ONCE, &|| false).await;
        match done {
            Ok(()) => Error::Interrupted,
            Err(cause) => Error::LeftOver { index: index.to_owned(), cause: Box::new(cause) },
        }
    }

    /// Runs statements one by one. A stop ends the one that is under way: what a build leaves then, the next run finds.
    pub(super) async fn alone(
        &mut self,
        doing: &str,
        statements: &[String],
        stopped: &dyn Fn() -> bool,
    ) -> Result<(), Error> {
        self.alone_within(doing, statements, PATIENT, stopped).await
    }

    async fn alone_within(
        &mut self,
        doing: &str,
        statements: &[String],
        wait: Duration,
        stopped: &dyn Fn() -> bool,
    ) -> Result<(), Error> {
        set_lock_timeout(&mut self.connection, wait).await?;
        let own = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut self.connection).await;
        let own: i32 = own.map_err(Error::database(doing))?;
        for statement in statements {
            let mut asked = false;
            let done = {
                let statement = sqlx::raw_sql(AssertSqlSafe(statement.clone()));
                let mut run = pin!(statement.execute(&mut self.connection));
                loop {
                    match tokio::time::timeout(NOTICED, &mut run).await {
                        Ok(done) => break done,
                        Err(_) if !asked && stopped() => {
                            asked = true;
                            // Where that fails the statement goes on, and is waited for as before.
                            let other = super::hardening::connect(&self.url, &self.options).await;
                            if let Ok((mut other, ..)) = other {
                                drop(cancel(&mut other, own).await);
                            }
                        }
                        Err(_) => {}
                    }
                }
            };
            match done.map_err(Error::database(doing)) {
                Ok(_) => {}
                Err(error) if asked && error.code() == Some("57014") => return Err(Error::Interrupted),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

async fn cancel(connection: &mut PgConnection, process: i32) -> Result<(), sqlx::Error> {
    let cancel = sqlx::query_scalar::<_, bool>("SELECT pg_cancel_backend($1)").bind(process);
    cancel.fetch_one(connection).await.map(drop)
}
