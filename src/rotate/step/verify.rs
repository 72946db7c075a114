//! What should be so is looked at: the target, the sessions, the application, and a cookie that was alive.

use super::{health, pages, probe, purge, write};
use crate::rotate::Plan;
use crate::rotate::evidence::Status;
use crate::rotate::transaction::Rotation;

pub(super) fn describe(plan: &Plan) -> String {
    let mut parts = vec!["read the target back and count again".to_owned()];
    if let Some(probe) = &plan.request.probe {
        let live = match (&probe.cookie, &probe.login) {
            (Some(_), _) => Some("the cookie that it accepts now".to_owned()),
            (None, Some(login)) => {
                Some(format!("the cookie of a login at {}, made before anything changes", login.url()))
            }
            (None, None) => None,
        };
        let forged = probe.forge.as_ref().map(|forge| format!("one that the old value makes for {forge}"));
        let cookies: Vec<_> = live.into_iter().chain(forged).collect();
        parts.push(format!("see {} refuse {}", probe.url, cookies.join(" and ")));
        if probe.login.is_some() {
            parts.push("log in again".to_owned());
        }
    }
    for url in &plan.request.checks {
        parts.push(format!("see {url} answer as before"));
    }
    parts.join("; ")
}

pub(super) fn apply(rotation: &mut Rotation<'_>) -> String {
    write::verify(rotation);
    let plan = rotation.plan;
    match plan.request.reload.len() {
        1.. => rotation.evidence.check(
            "The application was told to take the new value",
            Status::Verified,
            "every reload ended well; that every process took it is for the other lines to show",
        ),
        0 => rotation.evidence.check(
            "The application was told to take the new value",
            Status::NotChecked,
            "no --reload was given",
        ),
    }
    health::verify(rotation);
    purge::verify(rotation);
    probe::verify(rotation);
    pages::verify(rotation);
    downtime(rotation);
    write::finish(rotation);
    let of = |status| rotation.evidence.checks.iter().filter(|check| check.status == status).count();
    format!(
        "{} verified, {} failed, {} not checked",
        of(Status::Verified),
        of(Status::Failed),
        of(Status::NotChecked)
    )
}

/// However long it was, to know it is the claim.
fn downtime(rotation: &mut Rotation<'_>) {
    rotation.end_monitor();
    let (status, evidence) = match &rotation.evidence.downtime {
        Some(downtime) => (Status::Verified, downtime.to_string()),
        None => (Status::NotChecked, "no --health was given".to_owned()),
    };
    rotation.evidence.check("The downtime was measured", status, evidence);
}
