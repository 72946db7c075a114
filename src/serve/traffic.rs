//! How many sessions were verified in each stretch of time since the start, for the plot. It is counted here, so that there
//! is something to see of the time when no store answers.

use super::verify::{Metrics, Totals};
use jiff::Timestamp;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long a stretch is.
pub(super) const EVERY: Duration = Duration::from_secs(15);
/// Six hours of them.
const KEPT: usize = 1440;

/// What was verified in one stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    /// When it ended.
    pub(super) at: Timestamp,
    pub(super) counted: Totals,
}

/// The latest stretches, where there is forward-auth.
pub(super) struct Traffic {
    metrics: Option<Metrics>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    before: Totals,
    stretches: VecDeque<Stretch>,
}

impl Traffic {
    pub(super) fn new(metrics: Option<Metrics>) -> Self {
        Self { metrics, kept: Mutex::default() }
    }

    /// Counts for as long as it is polled.
    pub(super) async fn keep_counting(&self) {
        let Some(metrics) = &self.metrics else { return };
        loop {
            tokio::time::sleep(EVERY).await;
            self.add(Timestamp::now(), metrics.totals());
        }
    }

    fn add(&self, at: Timestamp, now: Totals) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = Totals {
            alive: now.alive.saturating_sub(kept.before.alive),
            refused: now.refused.saturating_sub(kept.before.refused),
            errors: now.errors.saturating_sub(kept.before.errors),
        };
        kept.before = now;
        if kept.stretches.len() == KEPT {
            kept.stretches.pop_front();
        }
        kept.stretches.push_back(Stretch { at, counted });
    }

    /// The stretches, the oldest first; `None` where nothing is verified here.
    pub(super) fn history(&self) -> Option<Vec<Stretch>> {
        self.metrics.as_ref()?;
        Some(self.kept.lock().unwrap_or_else(PoisonError::into_inner).stretches.iter().copied().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stretch_has_its_own_count_and_the_oldest_are_forgotten() {
        let traffic = Traffic::new(Some(Metrics::default()));
        for number in 1..=KEPT as u64 + 2 {
            let at = Timestamp::from_second(i64::try_from(number).unwrap()).unwrap();
            traffic.add(at, Totals { alive: number * 3, refused: number, errors: 0 });
        }
        let history = traffic.history().unwrap();
        assert_eq!((history.len(), history[0].at.as_second()), (KEPT, 3));
        assert!(history.iter().all(|one| one.counted == Totals { alive: 3, refused: 1, errors: 0 }));
        assert!(Traffic::new(None).history().is_none());
    }
}
