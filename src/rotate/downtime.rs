//! How long the application did not answer, by requests that are made throughout a rotation.
//!
//! A gap is counted from the last good answer to the next one, so that it can be too long by the time between two
//! requests and never too short.

use super::{Address, Plan};
use serde::Serialize;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The pause between two requests.
const PAUSE: Duration = Duration::from_millis(50);
/// What does not answer in this time is down.
const ANSWER: Duration = Duration::from_secs(2);

/// What the requests showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Downtime {
    /// The address that was asked.
    pub url: String,
    /// How many requests were made.
    pub asked: u64,
    /// How many of them were not answered 2xx.
    pub failed: u64,
    /// How often good answers stopped.
    pub gaps: u64,
    /// The time of all gaps.
    pub total_ms: u64,
    /// The time of the longest.
    pub longest_ms: u64,
}

impl fmt::Display for Downtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, asked, failed, gaps, total_ms, longest_ms } = self;
        let pause = PAUSE.as_millis();
        if *failed == 0 {
            return write!(
                f,
                "none seen: {asked} requests to {url}, {pause} ms apart, were all answered 2xx"
            );
        }
        let plural = if *gaps == 1 { "gap" } else { "gaps" };
        write!(
            f,
            "at most {total_ms} ms in {gaps} {plural}, the longest {longest_ms} ms: of {asked} requests to {url}, {pause} ms apart, {failed} were not answered 2xx"
        )
    }
}

/// Asks until it is told to end, or dropped.
pub(super) struct Monitor {
    url: String,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Tally>>,
}

impl Monitor {
    /// Starts to ask the health address; `None` when there is none or no thread can be had.
    pub(super) fn start(plan: &Plan) -> Option<Self> {
        let url = plan.request.health.as_ref()?.url.clone();
        let stop = Arc::new(AtomicBool::new(false));
        let (shown, told) = (url.to_string(), Arc::clone(&stop));
        let thread =
            thread::Builder::new().name("downtime".to_owned()).spawn(move || watch(&url, &told)).ok()?;
        Some(Self { url: shown, stop, thread: Some(thread) })
    }

    /// Ends it and counts.
    pub(super) fn finish(mut self) -> Option<Downtime> {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take()?;
        thread.thread().unpark();
        let tally = thread.join().ok()?;
        Some(tally.into_downtime(self.url.clone()))
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn watch(url: &Address, stop: &AtomicBool) -> Tally {
    let started = Instant::now();
    let mut tally = Tally::default();
    loop {
        let is_good = matches!(url.status(ANSWER), Ok(200..=299));
        tally.add(is_good, started.elapsed());
        if stop.load(Ordering::Relaxed) {
            return tally;
        }
        thread::park_timeout(PAUSE);
    }
}

/// What was seen so far; times since the start.
#[derive(Default)]
struct Tally {
    asked: u64,
    failed: u64,
    gaps: u64,
    total: Duration,
    longest: Duration,
    /// The last good answer.
    good: Duration,
    /// The end of the last answer, when it was none.
    down: Option<Duration>,
}

impl Tally {
    fn add(&mut self, is_good: bool, at: Duration) {
        self.asked += 1;
        if is_good {
            self.end_gap(at);
            self.good = at;
        } else {
            self.failed += 1;
            self.down = Some(at);
        }
    }

    fn end_gap(&mut self, at: Duration) {
        if self.down.take().is_some() {
            let gap = at.saturating_sub(self.good);
            self.gaps += 1;
            self.total += gap;
            self.longest = self.longest.max(gap);
        }
    }

    fn into_downtime(mut self, url: String) -> Downtime {
        if let Some(at) = self.down {
            self.end_gap(at);
        }
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Downtime {
            url,
            asked: self.asked,
            failed: self.failed,
            gaps: self.gaps,
            total_ms: ms(self.total),
            longest_ms: ms(self.longest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(answers: &[(bool, u64)]) -> (u64, u64, u64, u64) {
        let mut tally = Tally::default();
        answers.iter().for_each(|&(is_good, ms)| tally.add(is_good, Duration::from_millis(ms)));
        let downtime = tally.into_downtime("x".to_owned());
        (downtime.failed, downtime.gaps, downtime.total_ms, downtime.longest_ms)
    }

    #[test]
    fn a_gap_lasts_from_one_good_answer_to_the_next() {
        assert_eq!(seen(&[(true, 10), (true, 60)]), (0, 0, 0, 0));
        assert_eq!(seen(&[(true, 10), (false, 60), (false, 110), (true, 200)]), (2, 1, 190, 190));
        let two = [(true, 10), (false, 60), (true, 110), (false, 160), (false, 400), (true, 500)];
        assert_eq!(seen(&two), (3, 2, 490, 390));
        assert_eq!(seen(&[(false, 60), (true, 100)]), (1, 1, 100, 100), "down from the start");
        assert_eq!(seen(&[(true, 10), (false, 60), (false, 90)]), (2, 1, 80, 80), "down to the end");
        assert_eq!(seen(&[]), (0, 0, 0, 0));
    }
}
