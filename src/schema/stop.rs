//! What a request to stop does: it ends the statement that is under way, whatever that is, and every pause. What the
//! statement leaves is for its step to say, and for the next run to find.

use super::Error;
use super::hardening::Hardening;
use crate::session::{Canceller, NOTICED, Store};
use sqlx::AssertSqlSafe;
use std::time::Duration;

/// The longest pause between two attempts for a lock.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Does some work of the connection that a canceller is of: [`Error::Interrupted`] where somebody asked to stop and that
/// ended it.
pub(super) fn unless<'a, T>(
    stopped: &'a dyn Fn() -> bool,
    canceller: &'a Canceller,
    work: impl Future<Output = Result<T, Error>> + 'a,
) -> impl Future<Output = Result<T, Error>> + 'a {
    let guarded = canceller.guard(work, stopped);
    async {
        match guarded.await {
            (Err(error), true) if error.is_ended() => Err(Error::Interrupted),
            (done, _) => done,
        }
    }
}

/// Waits before another attempt, longer each time, unless somebody asks to stop.
pub(super) async fn pause(attempt: u32, stopped: &dyn Fn() -> bool) -> Result<(), Error> {
    let pause = (NOTICED * 2_u32.pow(attempt.min(6))).min(LONGEST_PAUSE);
    for _ in 0..pause.as_millis() / NOTICED.as_millis() {
        if stopped() {
            return Err(Error::Interrupted);
        }
        tokio::time::sleep(NOTICED).await;
    }
    Ok(())
}

/// Changes the keys of a store's session table.
pub(super) async fn alter(
    store: &mut Store,
    statements: &[String],
    wait: Duration,
    stopped: &dyn Fn() -> bool,
) -> Result<(), Error> {
    let canceller = store.canceller().await?;
    unless(stopped, &canceller, async { Ok(store.alter(statements, wait).await?) }).await
}

impl Hardening {
    /// Runs statements that give no rows.
    pub(super) async fn run(
        &mut self,
        doing: &str,
        sql: String,
        stopped: &dyn Fn() -> bool,
    ) -> Result<(), Error> {
        let run = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.connection);
        unless(stopped, &self.canceller, async { run.await.map(drop).map_err(Error::database(doing)) }).await
    }
}
