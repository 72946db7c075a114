//! The new value goes into the target.

use crate::rotate::evidence::Status;
use crate::rotate::transaction::Rotation;
use crate::rotate::{Error, Plan};

pub(super) fn describe(plan: &Plan) -> String {
    let lines: Vec<_> = plan.snapshot.lines.iter().map(ToString::to_string).collect();
    let plural = if lines.len() == 1 { "line" } else { "lines" };
    format!(
        "put a new value of {} into {}, {plural} {}",
        plan.format.describe(),
        plan.request.target.path().display(),
        lines.join(", ")
    )
}

pub(super) fn apply(rotation: &mut Rotation<'_>) -> Result<String, Error> {
    let plan = rotation.plan;
    plan.snapshot.write(&rotation.new)?;
    let places = plan.snapshot.lines.len();
    let lists = match plan.snapshot.fallbacks.len() {
        0 => String::new(),
        1 => ", and taken out of 1 fallback list".to_owned(),
        n => format!(", and taken out of {n} fallback lists"),
    };
    let times = if places == 1 { "in 1 place".to_owned() } else { format!("in {places} places") };
    Ok(format!("{} replaced {times}{lists}", plan.request.target.name()))
}

pub(super) fn undo(rotation: &mut Rotation<'_>) -> Result<String, Error> {
    rotation.plan.snapshot.restore(&rotation.new)?;
    Ok(format!("the old content of {} is back", rotation.plan.request.target.path().display()))
}

/// Reads the target again.
pub(super) fn verify(rotation: &mut Rotation<'_>) {
    let plan = rotation.plan;
    let (name, path) = (plan.request.target.name(), plan.request.target.path().display());
    let claim = format!("{path} holds the new {name} and no other");
    let (status, evidence) = match plan.snapshot.read_back(&rotation.new) {
        Ok(true) => {
            (Status::Verified, format!("read back: {} of {0} assignments", plan.snapshot.lines.len()))
        }
        Ok(false) => (
            Status::Failed,
            "read back: another value, or the old one in a place where it was not before".to_owned(),
        ),
        Err(error) => (Status::Failed, error.chain()),
    };
    rotation.evidence.check(claim, status, evidence);
    if !plan.snapshot.leftovers.is_empty() {
        let places: Vec<_> =
            plan.snapshot.leftovers.iter().map(|(what, line)| format!("{what} (line {line})")).collect();
        rotation.evidence.check(
            format!("{path} holds the old value nowhere"),
            Status::Failed,
            format!("it still stands in {}", places.join(", ")),
        );
    }
}
