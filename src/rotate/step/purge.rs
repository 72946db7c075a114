//! Every session is backed up and deleted in one transaction; and again, for those made meanwhile.

use super::Step;
use crate::rotate::evidence::{Round, Status};
use crate::rotate::store::Earlier;
use crate::rotate::transaction::Rotation;
use crate::rotate::{Error, Plan};
use crate::session::{Purged, Settled};

pub(super) fn describe(plan: &Plan) -> String {
    plan.store.as_ref().map_or_else(String::new, |store| {
        format!(
            "back up and delete every session in {} of {} ({}; now {})",
            store.table, store.url, store.dialect, store.counts
        )
    })
}

pub(super) fn describe_again(_plan: &Plan) -> String {
    "do that once more, for sessions that an old process made meanwhile".to_owned()
}

pub(super) fn apply(rotation: &mut Rotation<'_>) -> Result<String, Error> {
    let earlier = settle(rotation)?;
    Ok(format!("{earlier}{}", round(rotation, Step::Purge)?))
}

/// Accounts for a purge that an earlier run began: a crash may have come right before its commit or right after.
fn settle(rotation: &mut Rotation<'_>) -> Result<String, Error> {
    let (Some(store), Some(_)) = (&rotation.plan.request.store, &rotation.plan.unfinished) else {
        return Ok(String::new());
    };
    let mut text = String::new();
    for Earlier { backup, end } in store.settle(&rotation.plan.request.state, rotation.id.as_str())? {
        let file = backup.display();
        let said = match end {
            Ok(Settled::Committed(backup)) => {
                rotation.evidence.deleted_earlier += backup.rows;
                format!("{} deleted by the run before, with a backup; ", backup.rows)
            }
            Ok(Settled::RolledBack) => {
                "the interrupted purge had deleted nothing, and its backup was removed; ".to_owned()
            }
            Ok(Settled::Unknown) => {
                let why =
                    format!("whether it deleted the rows of {file} cannot be known; the backup is kept");
                unaccounted(rotation, &why)
            }
            Err(error) => unaccounted(rotation, &format!("{file}: {}", error.chain())),
        };
        text.push_str(&said);
    }
    Ok(text)
}

fn unaccounted(rotation: &mut Rotation<'_>, why: &str) -> String {
    rotation.evidence.check("The interrupted purge is accounted for", Status::Failed, why);
    format!("{why}; ")
}

/// A second purge that fails leaves the first one standing: it is a failed check, no failed rotation.
pub(super) fn apply_again(rotation: &mut Rotation<'_>) -> Result<String, Error> {
    round(rotation, Step::PurgeAgain).or_else(|error| {
        let why = error.chain();
        rotation.evidence.check("No session was made by an old process meanwhile", Status::Failed, &why);
        Ok(format!("failed: {why}"))
    })
}

fn round(rotation: &mut Rotation<'_>, step: Step) -> Result<String, Error> {
    let plan = rotation.plan;
    let Some(store) = &plan.request.store else { return Ok(String::new()) };
    let incident = rotation.id.to_string();
    let mut told = |deleted, total| {
        // The last part is told with the end of the step.
        if deleted < total {
            rotation.advance(step, deleted, total);
        }
    };
    let purged: Purged = store.purge(&plan.request.state, &incident, &mut told)?;
    let round = Round::from(&purged);
    let text = format!(
        "{} before, {} backed up, {} deleted, {} after",
        round.before, round.backed_up, round.deleted, round.after
    );
    rotation.evidence.rounds.push(round);
    Ok(text)
}

/// What the counts show, and what they do not.
pub(super) fn verify(rotation: &mut Rotation<'_>) {
    let claim = "Every stored session was backed up and deleted";
    let Some(first) = rotation.evidence.rounds.first().cloned() else {
        rotation.evidence.check(claim, Status::NotChecked, "no --store was given");
        return;
    };
    let last = rotation.evidence.rounds.last().cloned().unwrap_or_else(|| first.clone());
    let counts = format!(
        "{} before, {} backed up, {} deleted, {} after, all by the same query",
        first.before, first.backed_up, first.deleted, last.after
    );
    // Whoever logs out meanwhile deletes a row that was counted. What is left tells, not how many went.
    let is_saved = rotation.evidence.rounds.iter().all(|round| round.backed_up == round.deleted);
    let is_behind = last.deleted < last.before;
    let earlier = rotation.evidence.deleted_earlier;
    let gone: u64 = rotation.evidence.rounds.iter().map(|round| round.gone).sum();
    let counts = if gone > 0 { format!("{counts}; {gone} were gone before their delete") } else { counts };
    let counts =
        if earlier > 0 { format!("{counts}; {earlier} more deleted by the run before") } else { counts };
    let (status, evidence) = if first.before == 0 && first.deleted == 0 && earlier > 0 && last.after == 0 {
        let evidence = format!(
            "{earlier} deleted by the run before this one, as many in its backup, which was read back; 0 before and after now"
        );
        (Status::Verified, evidence)
    } else if first.before == 0 && first.deleted == 0 {
        (Status::NotChecked, "the store held no session before, so the purge shows nothing".to_owned())
    } else if !is_saved {
        (Status::Failed, counts)
    } else if last.after == 0 {
        let others =
            rotation.evidence.rounds.iter().map(|round| round.before.saturating_sub(round.deleted)).sum();
        let said = match others {
            0_u64 => counts,
            more => format!(
                "{counts}; {more} that were counted were deleted by others meanwhile, such as logouts; none is left"
            ),
        };
        (Status::Verified, said)
    } else if is_behind {
        (Status::Failed, format!("{counts}; some that were there before may be there still"))
    } else {
        (Status::NotChecked, format!("{counts}; rows are there now that the purge did not see"))
    };
    rotation.evidence.check(claim, status, evidence);
}
