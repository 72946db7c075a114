//! Ends what a database is busy with because somebody asked to stop. It is asked for beside the statement, since the
//! connection that runs it hears of nothing else; the answer then comes on that connection, so that what was done and
//! what was not is known.

use super::mysql::{self, MySql};
use super::postgres::{self, Postgres};
use super::store::Backend;
use super::{Error, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How soon a request to stop is noticed.
pub(crate) const NOTICED: Duration = Duration::from_millis(100);
/// How long until it is asked for again: it may have come between two statements, or found no free connection.
const AGAIN: Duration = Duration::from_secs(1);

/// What ends the statement that one connection runs.
#[derive(Clone)]
pub(crate) struct Canceller(By);

#[derive(Clone)]
enum By {
    Postgres(postgres::Beside),
    MySql(mysql::Beside),
    /// SQLite asks for it itself while it works.
    Sqlite(Arc<AtomicBool>),
    /// Nothing takes long there that this is asked for.
    Nothing,
}

impl From<postgres::Beside> for Canceller {
    fn from(beside: postgres::Beside) -> Self {
        Self(By::Postgres(beside))
    }
}

impl Canceller {
    /// Waits for some work of the connection, and ends its statement when somebody asks to stop. Gives what came of it,
    /// and whether it was asked for: what had come to its end just then is as good as any.
    pub(crate) fn guard<'a, T>(
        &'a self,
        work: impl Future<Output = T> + 'a,
        stopped: &'a dyn Fn() -> bool,
    ) -> impl Future<Output = (T, bool)> + 'a {
        let mut work = Box::pin(work);
        async move {
            let mut asked: Option<Instant> = None;
            let done = loop {
                if let Ok(done) = tokio::time::timeout(NOTICED, &mut work).await {
                    break done;
                }
                if stopped() && asked.is_none_or(|at| at.elapsed() >= AGAIN) {
                    asked = Some(Instant::now());
                    Box::pin(self.cancel()).await;
                }
            };
            if let By::Sqlite(ended) = &self.0 {
                ended.store(false, Ordering::Relaxed);
            }
            (done, asked.is_some())
        }
    }

    /// Where that fails the statement goes on, and is waited for as before.
    async fn cancel(&self) {
        match &self.0 {
            By::Postgres(beside) => drop(beside.cancel().await),
            By::MySql(beside) => drop(beside.cancel().await),
            By::Sqlite(ended) => ended.store(true, Ordering::Relaxed),
            By::Nothing => {}
        }
    }
}

impl Store {
    /// What ends the store's next statement; those of other operations than the next may have another connection.
    pub(crate) async fn canceller(&mut self) -> Result<Canceller, Error> {
        Ok(Canceller(match &mut self.backend {
            Backend::Postgres(store) => By::Postgres(Postgres::beside(store).await?),
            Backend::MySql(store) => By::MySql(MySql::beside(store).await?),
            Backend::Sqlite(store) => By::Sqlite(store.interruptible().await?),
            Backend::Redis(_) => By::Nothing,
        }))
    }
}
