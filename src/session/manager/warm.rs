//! Connections that are kept at hand. The driver's own pool asks the server for a sign of life whenever one is handed back,
//! from a task of its own: that is as much work as the look-up itself. Whoever finds one of these dead asks again.

use sqlx::{Connection as _, Database, Error};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// No connection is used for longer: servers keep what they learnt for one, and addresses move.
const LIFE: Duration = Duration::from_mins(30);

/// What nobody needed for so long is closed.
const REST: Duration = Duration::from_mins(10);

/// Connections to one database, at most so many at a time.
pub(in crate::session) struct Warm<DB: Database> {
    driver: sqlx::Pool<DB>,
    acquire: Duration,
    turns: Semaphore,
    /// The one that was used last is the last.
    idle: Mutex<Vec<Lent<DB>>>,
}

/// A connection with its age.
struct Lent<DB: Database> {
    connection: DB::Connection,
    born: Instant,
    used: Instant,
}

/// A connection for one piece of work; it is closed unless it is handed back, so that nobody gets what was left in it.
pub(super) struct Turn<'a, DB: Database> {
    of: &'a Warm<DB>,
    lent: Lent<DB>,
    permit: SemaphorePermit<'a>,
}

impl<DB: Database> Warm<DB> {
    /// As many as the driver's pool may have, which makes them.
    pub(in crate::session) fn new(driver: sqlx::Pool<DB>) -> Self {
        let most = usize::try_from(driver.options().get_max_connections()).unwrap_or(1).clamp(1, 1024);
        let acquire = driver.options().get_acquire_timeout();
        Self { driver, acquire, turns: Semaphore::new(most), idle: Mutex::default() }
    }

    /// The driver's own, of which connections are asked that are not kept.
    pub(super) fn driver(&self) -> &sqlx::Pool<DB> {
        &self.driver
    }

    /// One that is at hand, or a new one.
    pub(super) async fn take(&self) -> Result<Turn<'_, DB>, Error> {
        let permit = match self.turns.try_acquire() {
            Ok(permit) => permit,
            Err(_) => timeout(self.acquire, self.turns.acquire())
                .await
                .map_err(|_| Error::PoolTimedOut)?
                .map_err(|_| Error::PoolClosed)?,
        };
        let at_hand = self.idle().pop();
        let lent = match at_hand {
            Some(lent) => lent,
            None => {
                let now = Instant::now();
                // Apart: this seldom happens, and every look-up would carry the room for it.
                let connection = Box::pin(self.driver.acquire()).await?.detach();
                Lent { connection, born: now, used: now }
            }
        };
        Ok(Turn { of: self, lent, permit })
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Lent<DB>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps it, and gives back what has had its time.
    fn keep(&self, mut lent: Lent<DB>, life: Duration, rest: Duration) -> Option<Lent<DB>> {
        let now = Instant::now();
        if now - lent.born >= life {
            return Some(lent);
        }
        lent.used = now;
        let mut idle = self.idle();
        let over = { idle.first() }.is_some_and(|first| now - first.used >= rest).then(|| idle.remove(0));
        idle.push(lent);
        over
    }
}

impl<DB: Database> Turn<'_, DB> {
    pub(super) fn connection(&mut self) -> &mut DB::Connection {
        &mut self.lent.connection
    }

    /// For the next one, after work that came to its end.
    pub(super) fn hand_back(self) {
        let Self { of, lent, permit } = self;
        if let Some(over) = of.keep(lent, LIFE, REST) {
            // With a farewell, which servers count as a good end. Nobody waits for it.
            tokio::spawn(async move { drop(timeout(REST, over.connection.close()).await) });
        }
        drop(permit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::Sqlite;
    use sqlx::sqlite::SqlitePoolOptions;

    fn warm(most: u32) -> Warm<Sqlite> {
        let options = SqlitePoolOptions::new().max_connections(most);
        let options = options.acquire_timeout(Duration::from_millis(300));
        Warm::new(options.connect_lazy("sqlite::memory:").unwrap())
    }

    async fn mark(turn: &mut Turn<'_, Sqlite>) {
        sqlx::raw_sql("CREATE TEMP TABLE mark (n)").execute(turn.connection()).await.unwrap();
    }

    /// Such a table is of one connection alone.
    async fn is_marked(turn: &mut Turn<'_, Sqlite>) -> bool {
        sqlx::raw_sql("SELECT n FROM mark").execute(turn.connection()).await.is_ok()
    }

    #[tokio::test]
    async fn what_is_handed_back_is_used_again_and_what_is_not_is_gone() {
        let warm = warm(1);
        let mut turn = warm.take().await.unwrap();
        mark(&mut turn).await;
        assert!(matches!(warm.take().await, Err(Error::PoolTimedOut)), "there is one at a time");
        turn.hand_back();
        let mut turn = warm.take().await.unwrap();
        assert!(is_marked(&mut turn).await);
        drop(turn);
        assert!(!is_marked(&mut warm.take().await.unwrap()).await);
    }

    #[tokio::test]
    async fn nothing_is_kept_beyond_its_time() {
        let warm = warm(3);
        let lent = || async { warm.take().await.unwrap().lent };
        let (one, two, three) = (lent().await, lent().await, lent().await);
        let (never, now) = (Duration::MAX, Duration::ZERO);
        assert!(warm.keep(one, now, never).is_some(), "it is too old");
        assert!(warm.keep(two, never, now).is_none() && warm.idle().len() == 1);
        assert!(warm.keep(three, never, now).is_some(), "the other one had nothing to do");
        assert_eq!(warm.idle().len(), 1);
    }
}
