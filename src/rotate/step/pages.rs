//! Other addresses than the probe's: after the rotation each must answer as it did before.
//!
//! A worker or a queue that uses the secret too may fail while the application is well.

use crate::rotate::evidence::{Page, Status};
use crate::rotate::transaction::Rotation;
use crate::rotate::{Address, Stop};
use std::time::{Duration, Instant};

/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(5);
/// How long an address may take to be as before, if health may: a worker may start later than the application.
const LIMIT: Duration = Duration::from_secs(10);
/// The pause between two questions.
const PAUSE: Duration = Duration::from_millis(250);

/// What the addresses answer now.
pub(in crate::rotate) fn ask(urls: &[Address]) -> Vec<Page> {
    urls.iter().map(|url| Page { url: url.to_string(), answer: url.status(ANSWER) }).collect()
}

/// Asks each again until it is as it was.
pub(super) fn verify(rotation: &mut Rotation<'_>) {
    let health = rotation.plan.request.health.as_ref();
    let end = Instant::now() + health.map_or(LIMIT, |health| health.limit.min(LIMIT));
    for (index, url) in rotation.plan.request.checks.iter().enumerate() {
        let claim = format!("{url} answers as before");
        let before = rotation.pages.get(index).filter(|page| page.url == url.to_string());
        let (status, evidence) = match before.map(|page| &page.answer) {
            None => (
                Status::NotChecked,
                "the rotation was resumed, and this address was not asked before".to_owned(),
            ),
            Some(Err(why)) => (Status::NotChecked, format!("it did not answer before either: {why}")),
            Some(Ok(before)) => judge(*before, &until_as(*before, url, end)),
        };
        rotation.evidence.check(claim, status, evidence);
    }
}

/// The last answer: one of the same class, or what there is when the time is up.
fn until_as(before: u16, url: &Address, end: Instant) -> Result<u16, String> {
    loop {
        let answer = url.status(ANSWER);
        if answer.as_ref().is_ok_and(|now| now / 100 == before / 100) || Instant::now() + PAUSE >= end {
            return answer;
        }
        Stop::default().wait(PAUSE);
    }
}

/// Whether an answer is of the same class; the exact status may change with what a page shows.
fn judge(before: u16, now: &Result<u16, String>) -> (Status, String) {
    match now {
        Ok(now) if now / 100 == before / 100 => (Status::Verified, format!("{now}; before it was {before}")),
        Ok(now) => (Status::Failed, format!("{now}; before it was {before}")),
        Err(why) => (Status::Failed, format!("{why}; before it was {before}")),
    }
}
