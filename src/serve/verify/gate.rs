//! Lets as many ask the store at a time as it has connections for.
//!
//! Whoever waits for their turn in vain has learnt nothing about the store: it is busy, which everybody can bring about
//! who sends many requests, and no outage. So `--fail-open` does not hold for them.

use crate::session::Error;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// How long anybody waits for their turn.
const WAIT: Duration = Duration::from_secs(2);

/// An answer that takes longer is none: the store is away.
const PATIENCE: Duration = Duration::from_secs(3);

/// As many turns as there are connections.
#[derive(Debug)]
pub(super) struct Gate {
    turns: Semaphore,
    wait: Duration,
    patience: Duration,
    /// Whether the store did not answer when it was last asked.
    away: AtomicBool,
    /// When trouble was last told of, in seconds since the start.
    told: AtomicU64,
    started: Instant,
}

/// Why nobody knows.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The store refused, or could not be reached.
    Store(Error),
    /// It did not answer in time.
    Late,
    /// So many ask that it was not asked.
    Busy,
}

impl Gate {
    pub(super) fn new(connections: u32) -> Self {
        let turns = Semaphore::new(usize::try_from(connections).unwrap_or(1).clamp(1, 1024));
        Self {
            turns,
            wait: WAIT,
            patience: PATIENCE,
            away: AtomicBool::new(false),
            told: AtomicU64::new(0),
            started: Instant::now(),
        }
    }

    /// Whether trouble is to be told of: once a second, however many run into it.
    pub(super) fn is_news(&self) -> bool {
        let now = self.started.elapsed().as_secs() + 1;
        self.told.swap(now, Ordering::Relaxed) < now
    }

    /// Does what asks the store, when it is its turn.
    pub(super) async fn pass<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Trouble> {
        let Ok(Ok(_turn)) = timeout(self.wait, self.turns.acquire()).await else {
            // Those before got no answer; whoever waits behind them would not either.
            let away = self.away.load(Ordering::Relaxed);
            return Err(if away { Trouble::Late } else { Trouble::Busy });
        };
        let answer = match timeout(self.patience, work).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) if error.is_exhausted() => Err(Trouble::Busy),
            Ok(Err(error)) => Err(Trouble::Store(error)),
            Err(_) => Err(Trouble::Late),
        };
        let away = match &answer {
            Err(Trouble::Store(error)) => error.is_outage(),
            Err(Trouble::Late) => true,
            _ => false,
        };
        self.away.store(away, Ordering::Relaxed);
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    fn gone() -> Error {
        Error::Timeout { doing: "asking", seconds: 1 }
    }

    #[tokio::test]
    async fn a_full_house_is_no_outage_and_an_outage_is_one_for_those_who_wait_too() {
        let short = Duration::from_millis(20);
        let gate = Gate { wait: short, patience: short, ..Gate::new(1) };
        let held = gate.turns.acquire().await.unwrap();
        assert!(matches!(gate.pass(async { Ok(()) }).await, Err(Trouble::Busy)));
        drop(held);
        assert!(matches!(gate.pass(async { Err::<(), _>(gone()) }).await, Err(Trouble::Store(_))));
        let held = gate.turns.acquire().await.unwrap();
        assert!(matches!(gate.pass(async { Ok(()) }).await, Err(Trouble::Late)));
        drop(held);
        assert!(matches!(gate.pass(pending::<Result<(), _>>()).await, Err(Trouble::Late)));
        assert!(gate.pass(async { Ok(()) }).await.is_ok() && !gate.away.load(Ordering::Relaxed));
    }
}
