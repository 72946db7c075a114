//! The application is well: its health address answers 2xx.

use super::unstoppable;
use crate::rotate::evidence::Status;
use crate::rotate::transaction::Rotation;
use crate::rotate::{Error, Health, Plan, Stop};
use std::time::{Duration, Instant};

/// The pause between two questions.
const PAUSE: Duration = Duration::from_millis(250);
/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(5);
/// How long to wait for health after an undo: it is told, but nothing hangs on it.
const AFTER_UNDO: Duration = Duration::from_secs(15);

pub(super) fn describe(plan: &Plan) -> String {
    plan.request.health.as_ref().map_or_else(String::new, |health| {
        format!("wait until {} answers 2xx, for at most {} s", health.url, health.limit.as_secs())
    })
}

pub(super) fn apply(rotation: &mut Rotation<'_>) -> Result<String, Error> {
    let Some(health) = &rotation.plan.request.health else { return Ok(String::new()) };
    let status = wait(health, health.limit, rotation.stop)?;
    Ok(format!("{} answered {status}", health.url))
}

pub(super) fn undo(rotation: &mut Rotation<'_>) -> Result<String, Error> {
    let Some(health) = &rotation.plan.request.health else { return Ok(String::new()) };
    let status = wait(health, health.limit.min(AFTER_UNDO), &unstoppable())?;
    Ok(format!("{} answered {status} with the old value", health.url))
}

/// Asks once more at the end.
pub(super) fn verify(rotation: &mut Rotation<'_>) {
    let Some(health) = &rotation.plan.request.health else {
        rotation.evidence.check("The application is healthy", Status::NotChecked, "no --health was given");
        return;
    };
    let (status, evidence) = match health.url.status(ANSWER) {
        Ok(code @ 200..=299) => (Status::Verified, format!("{} answered {code} at the end", health.url)),
        Ok(code) => (Status::Failed, format!("{} answered {code} at the end", health.url)),
        Err(why) => (Status::Failed, format!("{}: {why} at the end", health.url)),
    };
    rotation.evidence.check("The application is healthy", status, evidence);
}

fn wait(health: &Health, limit: Duration, stop: &Stop) -> Result<u16, Error> {
    let end = Instant::now() + limit;
    loop {
        let left = end.saturating_duration_since(Instant::now()).max(PAUSE);
        let last = match health.url.status(ANSWER.min(left)) {
            Ok(status @ 200..=299) => return Ok(status),
            Ok(status) => status.to_string(),
            Err(why) => why,
        };
        if stop.is_requested() {
            return Err(Error::Stopped);
        }
        if Instant::now() + PAUSE >= end {
            return Err(Error::Health { url: health.url.to_string(), seconds: limit.as_secs(), last });
        }
        if stop.wait(PAUSE) {
            return Err(Error::Stopped);
        }
    }
}
