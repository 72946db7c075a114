//! The new value goes into every target, or into none.

use crate::rotate::evidence::Status;
use crate::rotate::target::{Held, State, at};
use crate::rotate::transaction::Rotation;
use crate::rotate::unfinished::may_have_written;
use crate::rotate::{Error, Kind, Plan, Step};

pub(super) fn describe(plan: &Plan) -> String {
    let format = plan.format.describe();
    let places: Vec<_> = plan
        .facts()
        .map(|facts| match facts.part.as_str() {
            "" => facts.place.clone(),
            part => format!("{}, {part}", facts.place),
        })
        .collect();
    match places.as_slice() {
        [one] => format!("put a new value of {format} into {one}"),
        all => format!("put one new value of {format} into {} targets: {}", all.len(), all.join("; ")),
    }
}

/// Looks at all targets before it writes the first one: what was changed meanwhile is better noticed then.
pub(super) fn apply(rotation: &mut Rotation<'_>) -> Result<String, Error> {
    let plan = rotation.plan;
    for held in &plan.held {
        if held.state(&rotation.new)? == State::Other {
            return Err(Error::ChangedMeanwhile(held.facts().place.clone()));
        }
    }
    for (index, held) in in_order(plan) {
        let number = index + 1;
        let point = format!("write.{number}");
        rotation.record_target(Kind::Begun, Step::Write, number, &held.facts().place)?;
        rotation.strike(&point, "before");
        if let Err(error) = held.write(&rotation.new) {
            if matches!(error, Error::ChangedMeanwhile(_)) {
                rotation.note_target(Kind::Failed, Step::Write, number, &error.chain());
            }
            return Err(error);
        }
        rotation.strike(&point, "after");
        rotation.record_target(Kind::Done, Step::Write, number, &held.facts().place)?;
    }
    Ok(done(plan))
}

fn done(plan: &Plan) -> String {
    let name = plan.variables().first().copied().unwrap_or_default();
    let places: usize = plan.facts().map(|facts| facts.count).sum();
    let lists = match plan.facts().map(|facts| facts.fallbacks.len()).sum() {
        0 => String::new(),
        1 => ", and taken out of 1 fallback list".to_owned(),
        n => format!(", and taken out of {n} fallback lists"),
    };
    let times = if places == 1 { "in 1 place".to_owned() } else { format!("in {places} places") };
    let targets =
        if plan.held.len() == 1 { String::new() } else { format!(" of {} targets", plan.held.len()) };
    format!("{name} replaced {times}{targets}{lists}")
}

/// Those that can be put back come first: what cannot is written when everything else has succeeded.
fn in_order(plan: &Plan) -> Vec<(usize, &dyn Held)> {
    let mut all: Vec<_> = plan.held.iter().map(|held| &**held).enumerate().collect();
    all.sort_by_key(|(_, held)| held.facts().blind);
    all
}

/// Puts every target back, the last written first. One that fails does not keep the others from it.
pub(super) fn undo(rotation: &mut Rotation<'_>) -> Result<String, Error> {
    let plan = rotation.plan;
    let (mut restored, mut failed) = (Vec::new(), None);
    for (index, held) in in_order(plan).into_iter().rev() {
        let number = index + 1;
        if !may_have_written(&rotation.timeline, number) {
            continue;
        }
        let point = format!("undo.{number}");
        rotation.strike(&point, "before");
        match held.restore(&rotation.new, plan.common_old()) {
            Ok(()) => {
                rotation.note_target(Kind::Undone, Step::Write, number, &held.facts().place);
                restored.push(held.facts().place.as_str());
            }
            Err(error) => failed = Some(error),
        }
        rotation.strike(&point, "after");
    }
    match failed {
        Some(error) => Err(error),
        None if restored.is_empty() => Ok("nothing had been written".to_owned()),
        None => Ok(format!("the old content of {} is back", restored.join(", "))),
    }
}

/// Lets go of what was kept for the way back, when nothing that was checked has failed.
pub(super) fn finish(rotation: &mut Rotation<'_>) {
    if rotation.evidence.has_failed() {
        return;
    }
    for held in &rotation.plan.held {
        let claim = format!("The old value is gone from {}", held.facts().place);
        match held.finish(&rotation.new) {
            Ok(None) => {}
            Ok(Some(what)) => rotation.evidence.check(claim, Status::Verified, what),
            Err(error) => rotation.evidence.check(claim, Status::Failed, error.chain()),
        }
    }
}

/// Reads the targets again.
pub(super) fn verify(rotation: &mut Rotation<'_>) {
    let plan = rotation.plan;
    for (target, held) in plan.request.targets.iter().zip(&plan.held) {
        let (name, facts) = (target.place().variable(), held.facts());
        let claim = format!("{} holds the new {name} and no other", facts.place);
        let (status, evidence) = match held.read_back(&rotation.new) {
            Ok(Some(true)) => (Status::Verified, format!("read back: {} of {0} places", facts.count)),
            Ok(Some(false)) => (
                Status::Failed,
                "read back: another value, or the old one in a place where it was not before".to_owned(),
            ),
            Ok(None) => (Status::NotChecked, "what was written there cannot be read".to_owned()),
            Err(error) => (Status::Failed, error.chain()),
        };
        rotation.evidence.check(claim, status, evidence);
        if !facts.leftovers.is_empty() {
            let places: Vec<_> = facts.leftovers.iter().map(|(what, line)| at(what, *line)).collect();
            rotation.evidence.check(
                format!("{} holds the old value nowhere", facts.place),
                Status::Failed,
                format!("it still stands in {}", places.join(", ")),
            );
        }
    }
}
