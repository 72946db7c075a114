//! The leaked value goes out of the files that hold it at HEAD, by a commit of its own: the last step, since a file is the
//! smaller harm as soon as its value is worth nothing.

use crate::contain::{Contained, Manner};
use crate::rotate::evidence::Status;
use crate::rotate::transaction::Rotation;
use crate::rotate::{Error, Plan};

pub(super) fn describe(plan: &Plan) -> String {
    match &plan.containment {
        Some(planned) => planned.describe(),
        None => "take the leaked value out of the files that hold it at HEAD, by a commit".to_owned(),
    }
}

pub(super) fn apply(rotation: &mut Rotation<'_>) -> Result<String, Error> {
    let plan = rotation.plan;
    let (Some(contain), Some(leaked)) = (&plan.request.contain, plan.leaked()) else {
        return Ok("no leaked value is known".to_owned());
    };
    let strike = |point: &str, moment: &str| rotation.strike(point, moment);
    let contained = contain.apply(leaked, rotation.id.as_str(), &strike)?;
    let text = said(&contained);
    check(rotation, &contained);
    rotation.evidence.contained = Some(contained);
    Ok(text)
}

/// A commit that was made stays: it is the user's to revert, and nothing hangs on it. What stops before it is put back.
pub(super) fn undo(rotation: &mut Rotation<'_>) -> Result<String, Error> {
    let plan = rotation.plan;
    let (Some(contain), Some(leaked)) = (&plan.request.contain, plan.leaked()) else {
        return Ok("nothing to take back".to_owned());
    };
    let contained = contain.take_back(leaked, rotation.id.as_str())?;
    Ok(match contained.commits.first() {
        Some(commit) => format!("commit {commit} stays; `git revert` takes it back"),
        None => "the files of the repository are as HEAD has them".to_owned(),
    })
}

fn said(contained: &Contained) -> String {
    let Some(commit) = contained.commits.first() else {
        return format!("no commit was needed on branch {}", contained.branch);
    };
    let what = match contained.manner {
        Manner::Redact => "redacts the value in",
        Manner::Remove => "removes",
    };
    let files = match contained.files.as_slice() {
        [] => "the files, as the run before made it".to_owned(),
        [one] => one.clone(),
        all => format!("{} files", all.len()),
    };
    format!("commit {commit} on branch {} {what} {files}", contained.branch)
}

fn check(rotation: &mut Rotation<'_>, contained: &Contained) {
    let claim = "No file of HEAD holds the leaked value";
    let Contained { branch, repository, searched, unsearched, .. } = contained;
    let (status, evidence) = if contained.left.is_empty() {
        let done = format!(
            "{searched} files of branch {branch} of {repository} were searched for it as it stands, and those that the scan found it in for every form"
        );
        match unsearched {
            0 => (Status::Verified, done),
            more => (Status::NotChecked, format!("{done}; {more} are too large or too many to be searched")),
        }
    } else {
        let left = contained.left.iter().map(|left| format!("{}: {}", left.path, left.why));
        (Status::Failed, left.collect::<Vec<_>>().join("; "))
    };
    rotation.evidence.check(claim, status, evidence);
}
