//! Statements that the server takes in no transaction, and that may wait long for others while nobody waits for them:
//! concurrent builds and drops of indexes.

use super::Error;
use super::hardening::Hardening;
use super::runner::{PATIENT, set_lock_timeout};
use std::time::Duration;

/// How long a stopped run waits to drop what it began.
pub(super) const AT_ONCE: Duration = Duration::from_secs(2);

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
        for statement in statements {
            self.run(doing, statement.clone(), stopped).await?;
        }
        Ok(())
    }
}
