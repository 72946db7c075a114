//! What should be so is looked at: the target, the sessions, the application, and a cookie that was alive.

use super::{health, probe, purge, write};
use crate::rotate::Plan;
use crate::rotate::evidence::Status;
use crate::rotate::transaction::Rotation;

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
    rotation.evidence.check("A new login works", Status::NotChecked, "unleak has no account to log in with");
    write::finish(rotation);
    let of = |status| rotation.evidence.checks.iter().filter(|check| check.status == status).count();
    format!(
        "{} verified, {} failed, {} not checked",
        of(Status::Verified),
        of(Status::Failed),
        of(Status::NotChecked)
    )
}
