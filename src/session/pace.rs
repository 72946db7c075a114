//! How many rows go in one transaction: as many as were asked for, or as others can wait for.

use std::time::Duration;

/// How many rows go in the first transaction, which shows how fast they go here.
const FIRST: u64 = 50_000;
/// How many go in one at most, and at least.
const MOST: u64 = 200_000;
const LEAST: u64 = 1_000;
/// How long a transaction should take: so long waits whoever writes to one of its rows.
const WAIT: Duration = Duration::from_millis(600);

/// The size of the next transaction.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    /// All rows at once.
    Whole,
    /// Always so many.
    Always(u64),
    /// So many now, and then as many as go in the time that others can wait.
    Timed(u64),
}

impl Pace {
    pub(super) const TIMED: Self = Self::Timed(FIRST);

    /// How many rows go next; `None` for all of them.
    pub(super) fn rows(self) -> Option<u64> {
        match self {
            Self::Whole => None,
            Self::Always(rows) | Self::Timed(rows) => Some(rows.max(1)),
        }
    }

    /// More than go in one transaction.
    pub(super) fn most(self) -> u64 {
        match self {
            Self::Whole => 1,
            Self::Always(rows) => rows.max(1),
            Self::Timed(_) => MOST,
        }
    }

    /// Learns how long the last one took.
    pub(super) fn took(&mut self, time: Duration) {
        if let Self::Timed(rows) = self {
            let fits = u128::from(*rows) * WAIT.as_micros() / time.as_micros().max(1);
            *rows = u64::try_from(fits).unwrap_or(MOST).min(4 * *rows).clamp(LEAST, MOST);
        }
    }
}

impl From<Option<u64>> for Pace {
    fn from(batch: Option<u64>) -> Self {
        batch.map_or(Self::Whole, Self::Always)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_is_as_large_as_others_can_wait_for() {
        let next = |rows: u64, ms: u64| {
            let mut pace = Pace::Timed(rows);
            pace.took(Duration::from_millis(ms));
            pace.rows().unwrap()
        };
        assert_eq!((next(20_000, 300), next(20_000, 2400)), (40_000, 5_000));
        assert_eq!((next(FIRST, 0), next(MOST, 10), next(LEAST, 60_000)), (MOST, MOST, LEAST));
        let mut asked = Pace::from(Some(7));
        asked.took(Duration::from_mins(1));
        assert_eq!(asked.rows(), Some(7));
    }
}
