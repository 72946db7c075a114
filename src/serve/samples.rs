//! What the sessions looked like, again and again: never more often than a large table can bear, and kept in memory for
//! the plots. Pages, metrics and readiness share what was seen last.

use super::app::{App, users_table};
use crate::session::{Counts, Error, Facts, Point, Store, StoreSummary, Thresholds, UsersWanted, judge};
use jiff::{SignedDuration, Timestamp};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// How old what is shown may be.
const EVERY: Duration = Duration::from_secs(15);
/// How soon it is tried again when the store did not answer.
const AGAIN: Duration = Duration::from_secs(5);
/// How long a page waits for news, after a change.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long it waits where nothing was seen yet.
const FIRST: Duration = Duration::from_millis(100);
/// Whoever asks within this is told what the one before was told: an outage must not make everybody wait in a row.
const REMEMBERED: Duration = Duration::from_secs(1);
/// Looking takes at most one part in so many of the time: a database that counts a million rows answers others late, and
/// of a hundred requests to the application at most one is to notice.
const SHARE: u32 = 100;
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
    /// Why there is no more, where there is none.
    pub(super) lacking: Lacking,
    /// The facts, judged.
    pub(super) points: Vec<Point>,
    seen: Instant,
    took: Duration,
}

/// Why a sample has counts alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lacking {
    /// It has more, or the store cannot tell more.
    Nothing,
    /// The rest is on its way.
    Pending,
    /// The rest takes longer than a statement may.
    TooLong,
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
    /// Somebody wants to see how it is now.
    wanted: Notify,
    /// There is a new sample, or it is known why not.
    taken: Notify,
}

#[derive(Default)]
struct Kept {
    latest: Option<Arc<Sample>>,
    /// Whether sessions were changed since.
    stale: bool,
    /// How often they were: what is being looked at meanwhile is not how it is now.
    changes: u64,
    answers: bool,
    /// Why there is no newer one, and since when that is known.
    trouble: Option<(Instant, Arc<Error>)>,
    history: VecDeque<Past>,
}

impl Samples {
    /// What was seen last, or is seen now when that is too old.
    pub(super) async fn get(&self, app: &App) -> Result<Arc<Sample>, Arc<Error>> {
        self.within(app, Sample::lasts).await
    }

    async fn within(
        &self,
        app: &App,
        max_age: impl Fn(&Sample) -> Duration,
    ) -> Result<Arc<Sample>, Arc<Error>> {
        let known = || self.kept().known(&max_age);
        if let Some(known) = known() {
            return known;
        }
        let _one = self.taking.lock().await;
        match known() {
            Some(known) => known,
            None => self.take(app).await,
        }
    }

    /// What a page shows: what was seen last, however old. Where sessions were changed since, it waits a little for
    /// news; a large table takes longer to count than people wait for a page.
    pub(super) async fn latest(&self) -> Result<Arc<Sample>, Option<String>> {
        let taken = self.taken.notified();
        if let Some(sample) = self.kept().fresh() {
            return Ok(sample);
        }
        self.wanted.notify_one();
        let wait = if self.kept().latest.is_some() { PATIENCE } else { FIRST };
        // Whether there is news or not: what is known is shown.
        drop(tokio::time::timeout(wait, taken).await);
        let kept = self.kept();
        let trouble = || kept.trouble.as_ref().map(|(_, error)| error.to_string());
        let is_stuck = |sample: &Arc<Sample>| sample.lacking == Lacking::Pending && kept.trouble.is_some();
        kept.latest.clone().filter(|sample| !is_stuck(sample)).ok_or_else(trouble)
    }

    /// Takes the next sample, and waits until the one after it is due or wanted.
    pub(super) async fn tick(&self, app: &App) {
        let wait = match self.within(app, |_| EVERY / 2).await {
            Ok(sample) => sample.lasts(),
            Err(_) => AGAIN,
        };
        let due = Instant::now() + wait;
        loop {
            let left = due.saturating_duration_since(Instant::now());
            let wanted = tokio::time::timeout(left.min(EVERY), self.wanted.notified());
            if wanted.await.is_ok() || left <= EVERY || !self.knock(app).await {
                return;
            }
        }
    }

    /// Whether the store still answers, by a question that costs next to nothing.
    async fn knock(&self, app: &App) -> bool {
        match app.stores.work(async |store: &mut Store| store.preflight().await).await {
            Err(error) if error.is_outage() => {
                self.failed(app, error);
                false
            }
            _ => true,
        }
    }

    /// What was seen is not true any more.
    pub(super) fn forget(&self) {
        {
            let mut kept = self.kept();
            (kept.stale, kept.changes) = (true, kept.changes.wrapping_add(1));
        }
        self.wanted.notify_one();
    }

    /// Whether the store answered when it was last asked.
    pub(super) fn store_answers(&self) -> bool {
        self.kept().answers
    }

    pub(super) fn history(&self) -> Vec<Past> {
        self.kept().history.iter().cloned().collect()
    }

    /// Counts, which is quick and shown at once where nothing else is known, and then looks closer.
    async fn take(&self, app: &App) -> Result<Arc<Sample>, Arc<Error>> {
        let (begun, users, changes) = (Instant::now(), app.users.clone(), self.kept().changes);
        let counted = app.stores.work(async |store: &mut Store| store.describe().await).await;
        let store = counted.map_err(|error| self.failed(app, error))?;
        {
            let mut kept = self.kept();
            kept.answers = true;
            if kept.latest.is_none() {
                kept.latest = Some(sample(begun, store.clone(), None, Lacking::Pending));
                self.taken.notify_waiters();
            }
        }
        let looked = app.stores.work(async move |store: &mut Store| look(store, &users).await).await;
        let (facts, lacking) = match looked {
            // It has just answered: this is too much for it, and the counts stand.
            Err(error) if error.is_outage() => (None, Lacking::TooLong),
            looked => (looked.map_err(|error| self.failed(app, error))?, Lacking::Nothing),
        };
        app.metrics.store(Some((&store.counts, facts.as_ref())));
        let sample = sample(begun, store, facts, lacking);
        let mut kept = self.kept();
        (kept.answers, kept.stale, kept.trouble) = (true, kept.changes != changes, None);
        if kept.history.len() == KEPT {
            kept.history.pop_front();
        }
        kept.history.push_back(Past { at: sample.at, counts: sample.store.counts.clone() });
        kept.latest = Some(Arc::clone(&sample));
        self.taken.notify_waiters();
        Ok(sample)
    }

    fn failed(&self, app: &App, error: Error) -> Arc<Error> {
        app.metrics.store(None);
        let error = Arc::new(error);
        let mut kept = self.kept();
        (kept.answers, kept.trouble) = (false, Some((Instant::now(), Arc::clone(&error))));
        self.taken.notify_waiters();
        error
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sample {
    /// How long it is good for: on a large table for as long as looking again may not take place.
    fn lasts(&self) -> Duration {
        EVERY.max(self.took * SHARE)
    }
}

impl Kept {
    /// What need not be asked again: a sample that is not too old, or that there was none just now.
    fn known(&self, max_age: impl Fn(&Sample) -> Duration) -> Option<Result<Arc<Sample>, Arc<Error>>> {
        let is_known = |sample: &Arc<Sample>| {
            sample.lacking != Lacking::Pending && sample.seen.elapsed() <= max_age(sample)
        };
        if let Some(sample) = self.fresh().filter(is_known) {
            return Some(Ok(sample));
        }
        let (_, error) = self.trouble.as_ref().filter(|(at, _)| at.elapsed() <= REMEMBERED)?;
        Some(Err(Arc::clone(error)))
    }

    /// The latest sample, unless sessions were changed since.
    fn fresh(&self) -> Option<Arc<Sample>> {
        self.latest.clone().filter(|_| !self.stale)
    }
}

fn sample(begun: Instant, store: StoreSummary, facts: Option<Facts>, lacking: Lacking) -> Arc<Sample> {
    let points = facts.as_ref().map(|facts| judge(facts, &Thresholds::default())).unwrap_or_default();
    let (at, seen, took) = (Timestamp::now(), Instant::now(), begun.elapsed());
    Arc::new(Sample { at, store, facts, lacking, points, seen, took })
}

async fn look(store: &mut Store, wanted: &UsersWanted) -> Result<Option<Facts>, Error> {
    let users = users_table(store, wanted).await?;
    match store.facts(users.as_ref(), SOON).await {
        // Keys that cannot be compared, or no column with the user: the other points stand.
        Err(Error::KeyTypes { .. } | Error::Column { .. }) => store.facts(None, SOON).await.map(Some),
        Err(Error::Unsupported { .. }) => Ok(None),
        facts => facts.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_remembered_for_a_moment_and_no_longer() {
        let kept = |since| {
            let error = Arc::new(Error::Random);
            Kept { trouble: Some((since, error)), ..Kept::default() }
        };
        let now = Instant::now();
        assert!(matches!(kept(now + REMEMBERED).known(|_| EVERY), Some(Err(_))));
        let Some(long_ago) = now.checked_sub(REMEMBERED * 2) else { return };
        assert!(kept(long_ago).known(|_| EVERY).is_none() && Kept::default().known(|_| EVERY).is_none());
    }
}
