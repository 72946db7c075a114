//! The application takes the new value: every replica, in the order in which they were named.

use super::unstoppable;
use crate::rotate::reload::Around;
use crate::rotate::transaction::Rotation;
use crate::rotate::{Error, Plan, Reload, Stop};

pub(super) fn describe(plan: &Plan) -> String {
    let all: Vec<_> = plan.request.reload.iter().map(Reload::describe).collect();
    all.join("; then ")
}

pub(super) fn apply(rotation: &mut Rotation<'_>) -> Result<String, Error> {
    let stop = rotation.stop.clone();
    run(rotation, &stop, false)
}

pub(super) fn undo(rotation: &mut Rotation<'_>) -> Result<String, Error> {
    let said = run(rotation, &unstoppable(), true)?;
    Ok(format!("done again, with the old value: {said}"))
}

/// One that fails does not keep the others from an undo.
fn run(rotation: &mut Rotation<'_>, stop: &Stop, undo: bool) -> Result<String, Error> {
    let plan = rotation.plan;
    let mut failed = None;
    let mut said = Vec::with_capacity(plan.request.reload.len());
    for (index, reload) in plan.request.reload.iter().enumerate() {
        let point = format!("reload.{}", index + 1);
        rotation.strike(&point, "before");
        let names = plan.variables();
        let around = Around { names: &names, redactor: &rotation.redactor, stop };
        let mut begun = false;
        let done = reload.perform(&around, &mut begun);
        rotation.touched |= begun;
        match done {
            Ok(text) => said.push(text),
            Err(error) if undo => failed = failed.or(Some(error)),
            Err(error) => return Err(error),
        }
        rotation.strike(&point, "after");
    }
    failed.map_or_else(|| Ok(said.join("; ")), Err)
}
