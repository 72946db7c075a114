//! So many at once and so many a second, for each who asks.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// More than these are not remembered; whoever has not asked for long goes first.
const REMEMBERED: usize = 10_000;

/// How often something may be done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    /// So often at once.
    pub(super) burst: f64,
    /// So often a second after that.
    pub(super) per_second: f64,
}

/// Counts for each who asks.
pub(super) struct Limiter<K> {
    rate: Rate,
    seen: Mutex<HashMap<K, Bucket>>,
}

#[derive(Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl<K: Eq + Hash> Limiter<K> {
    pub(super) fn new(rate: Rate) -> Self {
        Self { rate, seen: Mutex::default() }
    }

    /// Takes one, if there is one left; else how long to wait.
    pub(super) fn take(&self, who: K) -> Result<(), Duration> {
        let now = Instant::now();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= REMEMBERED {
            let (rate, full) = (self.rate, self.rate.burst - 0.5);
            seen.retain(|_, bucket| refilled(*bucket, rate, now) < full);
        }
        if seen.len() >= REMEMBERED {
            seen.clear();
        }
        let bucket = seen.entry(who).or_insert(Bucket { left: self.rate.burst, at: now });
        let left = self.left(*bucket, now)?;
        *bucket = Bucket { left: left - 1.0, at: now };
        Ok(())
    }

    fn left(&self, bucket: Bucket, now: Instant) -> Result<f64, Duration> {
        let left = refilled(bucket, self.rate, now);
        if left >= 1.0 { Ok(left) } else { Err(Duration::from_secs_f64((1.0 - left) / self.rate.per_second)) }
    }
}

fn refilled(bucket: Bucket, rate: Rate, now: Instant) -> f64 {
    let since = now.saturating_duration_since(bucket.at).as_secs_f64();
    (bucket.left + since * rate.per_second).min(rate.burst)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_budget_of_their_own() {
        let limiter = Limiter::new(Rate { burst: 3.0, per_second: 0.001 });
        for _ in 0..3 {
            limiter.take("eve").unwrap();
        }
        assert!(limiter.take("eve").unwrap_err() > Duration::from_mins(1));
        limiter.take("ada").unwrap();
    }
}
