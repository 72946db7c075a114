//! What the sessions looked like, again and again: never more often than a large table can bear, and kept in memory for
//! the plots. Pages, metrics and readiness share what was seen last.

use super::app::{App, users_table};
use crate::session::{Counts, Error, Facts, Point, Store, StoreSummary, Thresholds, UsersWanted, judge};
use jiff::{SignedDuration, Timestamp};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How old what is shown may be.
pub(super) const EVERY: Duration = Duration::from_secs(15);
/// How soon it is tried again when the store did not answer.
const AGAIN: Duration = Duration::from_secs(5);
/// Looking takes at most one part in so many of the time.
const SHARE: u32 = 20;
/// Six hours of samples at most.
const KEPT: usize = 1440;
/// What expires within this expires soon.
pub(super) const SOON: SignedDuration = SignedDuration::from_hours(24);

/// The sessions at one time.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) at: Timestamp,
    pub(super) store: StoreSummary,
    /// What more can be told, where the store can tell.
    pub(super) facts: Option<Facts>,
    /// The facts, judged.
    pub(super) points: Vec<Point>,
    seen: Instant,
    took: Duration,
}

/// One point of the plots.
#[derive(Clone, Debug)]
pub(super) struct Past {
    pub(super) at: Timestamp,
    pub(super) counts: Counts,
}

#[derive(Default)]
pub(super) struct Samples {
    kept: Mutex<Kept>,
    /// Whoever waits for a sample waits for the one that is being taken.
    taking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Kept {
    latest: Option<Arc<Sample>>,
    answers: bool,
    history: VecDeque<Past>,
}

impl Samples {
    /// What was seen last, or is seen now when that is too old.
    pub(super) async fn get(&self, app: &App, max_age: Duration) -> Result<Arc<Sample>, Error> {
        let fresh = || self.kept().latest.clone().filter(|sample| sample.seen.elapsed() <= max_age);
        if let Some(sample) = fresh() {
            return Ok(sample);
        }
        let _one = self.taking.lock().await;
        match fresh() {
            Some(sample) => Ok(sample),
            None => self.take(app).await,
        }
    }

    /// What was seen last, however old, unless sessions were changed since; else what is seen now.
    pub(super) async fn latest(&self, app: &App) -> Result<Arc<Sample>, Error> {
        self.get(app, Duration::MAX).await
    }

    /// Takes the next sample and says when the one after it is due.
    pub(super) async fn tick(&self, app: &App) -> Duration {
        match self.get(app, EVERY / 2).await {
            Ok(sample) => EVERY.max(sample.took * SHARE),
            Err(_) => AGAIN,
        }
    }

    /// What was seen is not true any more.
    pub(super) fn forget(&self) {
        self.kept().latest = None;
    }

    /// Whether the store answered when it was last asked.
    pub(super) fn store_answers(&self) -> bool {
        self.kept().answers
    }

    pub(super) fn history(&self) -> Vec<Past> {
        self.kept().history.iter().cloned().collect()
    }

    async fn take(&self, app: &App) -> Result<Arc<Sample>, Error> {
        let (begun, users) = (Instant::now(), app.users.clone());
        let looked = app.stores.work(async move |store: &mut Store| look(store, &users).await).await;
        app.metrics.store(looked.as_ref().ok().map(|(store, facts)| (&store.counts, facts.as_ref())));
        let (store, facts) = looked.inspect_err(|_| self.kept().answers = false)?;
        let points = facts.as_ref().map(|facts| judge(facts, &Thresholds::default())).unwrap_or_default();
        let sample = Sample {
            at: Timestamp::now(),
            store,
            facts,
            points,
            seen: Instant::now(),
            took: begun.elapsed(),
        };
        let sample = Arc::new(sample);
        let mut kept = self.kept();
        kept.answers = true;
        if kept.history.len() == KEPT {
            kept.history.pop_front();
        }
        kept.history.push_back(Past { at: sample.at, counts: sample.store.counts.clone() });
        kept.latest = Some(Arc::clone(&sample));
        Ok(sample)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn look(store: &mut Store, wanted: &UsersWanted) -> Result<(StoreSummary, Option<Facts>), Error> {
    let users = users_table(store, wanted).await?;
    let summary = store.describe().await?;
    let facts = match store.facts(users.as_ref(), SOON).await {
        // Keys that cannot be compared, or no column with the user: the other points stand.
        Err(Error::KeyTypes { .. } | Error::Column { .. }) => Some(store.facts(None, SOON).await?),
        Err(Error::Unsupported { .. }) => None,
        facts => Some(facts?),
    };
    Ok((summary, facts))
}
