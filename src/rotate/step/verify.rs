//! What should be so is looked at: the target, the sessions, the application, and a cookie that was alive.
//!
//! A refusal shows something only when the same cookie was accepted before, and only where a request without a
//! cookie is refused: a bare 401 is the answer in every state.

use super::{health, purge, write};
use crate::rotate::evidence::{Answer, Status};
use crate::rotate::transaction::Rotation;
use crate::rotate::{Error, Plan, Probe};
use std::time::Duration;

const ANSWER: Duration = Duration::from_secs(10);

pub(super) fn describe(plan: &Plan) -> String {
    match &plan.request.probe {
        Some(probe) => {
            format!(
                "read the target back, count again, and see {} refuse the cookie that it accepts now",
                probe.url
            )
        }
        None => "read the target back and count again".to_owned(),
    }
}

pub(super) fn apply(rotation: &mut Rotation<'_>) -> Result<String, Error> {
    write::verify(rotation);
    let plan = rotation.plan;
    match &plan.request.reload {
        Some(_) => rotation.evidence.check(
            "The application was told to take the new value",
            Status::Verified,
            "the reload command ended with 0; that every process took it is for the other lines to show",
        ),
        None => rotation.evidence.check(
            "The application was told to take the new value",
            Status::NotChecked,
            "no --reload was given",
        ),
    }
    health::verify(rotation);
    purge::verify(rotation);
    old_cookie(rotation);
    rotation.evidence.check("A new login works", Status::NotChecked, "unleak has no account to log in with");
    let of = |status| rotation.evidence.checks.iter().filter(|check| check.status == status).count();
    Ok(format!(
        "{} verified, {} failed, {} not checked",
        of(Status::Verified),
        of(Status::Failed),
        of(Status::NotChecked)
    ))
}

fn old_cookie(rotation: &mut Rotation<'_>) {
    let claim = "A session that was alive before is refused";
    let Some(probe) = &rotation.plan.request.probe else {
        rotation.evidence.check(claim, Status::NotChecked, "no --probe was given");
        return;
    };
    let answers = ask(probe, "at the end");
    let (with, without) = (&answers[0], &answers[1]);
    let (status, what) = if with.accepts() {
        (Status::Failed, "it is still accepted")
    } else if with.refuses() {
        (Status::Verified, "the same cookie was accepted before")
    } else {
        (Status::Failed, "that is neither accepted nor refused")
    };
    let evidence = format!(
        "{} answered {} with the cookie ({what}), {} without one",
        probe.url,
        with.text(),
        without.text()
    );
    rotation.evidence.check(claim, status, evidence);
    rotation.evidence.answers.extend(answers);
}

/// Asks with the cookie and without.
pub(in crate::rotate) fn ask(probe: &Probe, when: &'static str) -> [Answer; 2] {
    [true, false].map(|with_cookie| Answer {
        when,
        with_cookie,
        answer: probe.url.status(with_cookie.then_some(&probe.cookie), ANSWER),
    })
}

/// Refuses to start when the probe could not show anything later.
pub(in crate::rotate) fn must_be_alive(probe: &Probe) -> Result<[Answer; 2], Error> {
    let answers = ask(probe, "before");
    let problem = if !answers[0].accepts() {
        format!("answered {} to the cookie, so its later refusal would show nothing", answers[0].text())
    } else if answers[1].accepts() {
        format!("answered {} without a cookie too, so it does not need a session", answers[1].text())
    } else {
        return Ok(answers);
    };
    Err(Error::Probe { url: probe.url.to_string(), found: problem })
}
