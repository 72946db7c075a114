//! One rotation of a target at a time: while it runs, by locks, and as long as it is unfinished, by what it left.
//!
//! A file is locked by its folder, and everything else by a name that all users of the machine share, so that neither
//! another state folder nor another account gets around it. Two machines know nothing of each other: there only a store
//! that refuses to be written over does.

use super::memo::Memo;
use super::unfinished::SEALED;
use super::{Error, IncidentId, Plan, Request, Target, read_journal};
use crate::durable::{self, Lock};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What is claimed for a target: the file or secret that is written as a whole, wherever it is reached from.
pub(super) fn name(target: &Target) -> String {
    let place = target.place();
    match place.file() {
        Some(file) => file.canonicalize().unwrap_or_else(|_| file.to_owned()).display().to_string(),
        None => {
            let what = place.whole().unwrap_or_else(|| place.identity());
            place.endpoint().map_or_else(|| what.clone(), |server| format!("{what} at {server}"))
        }
    }
}

/// Takes the lock of every target; two files of one folder share theirs.
pub(super) fn lock(request: &Request) -> Result<Vec<Lock>, Error> {
    let (mut seen, mut locks) = (BTreeSet::new(), Vec::new());
    for target in &request.targets {
        if let Some(file) = target.place().file() {
            let read = |source| Error::Read { path: file.to_owned(), source };
            let file = file.canonicalize().map_err(read)?;
            if seen.insert(file.parent().map(|folder| folder.display().to_string())) {
                locks.push(Lock::beside(&file)?);
            }
        } else if seen.insert(Some(name(target))) {
            locks.extend(lock_store(request, target)?);
        }
    }
    Ok(locks)
}

/// The lock of the machine, and that of the state folder where the machine has no folder that all may use.
fn lock_store(request: &Request, target: &Target) -> Result<Vec<Lock>, Error> {
    let key = hex::encode(&Sha256::digest(name(target))[..16]);
    let folder = request.state.join("locks").join(&key[..16]);
    durable::create_private_dir(&folder)?;
    let ours = Lock::beside(&folder.join("store")).and_then(|ours| Ok((ours, Lock::of_machine(&key)?)));
    match ours {
        Ok((ours, machine)) => Ok([ours].into_iter().chain(machine).collect()),
        Err(durable::Error::Locked(_)) => {
            Err(durable::Error::Locked(PathBuf::from(target.to_string())).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Refuses to rotate what an unfinished rotation of the same state folder has half-way: its way back would be lost.
pub(super) fn refuse_unfinished(request: &Request) -> Result<(), Error> {
    let all = request.state.join("incidents");
    let Ok(entries) = std::fs::read_dir(&all) else { return Ok(()) };
    for entry in entries.flatten() {
        let folder = entry.path();
        let Ok(id) = entry.file_name().to_string_lossy().parse::<IncidentId>() else { continue };
        if !folder.join(SEALED).exists() {
            continue;
        }
        let is_same = |target: &&Target| has_half_way(&folder, request, &id, target);
        if let Some(target) = request.targets.iter().find(is_same) {
            return Err(Error::Unfinished { id: id.to_string(), target: target.to_string(), folder });
        }
    }
    Ok(())
}

fn has_half_way(folder: &Path, request: &Request, id: &IncidentId, target: &Target) -> bool {
    match Memo::read(folder, &request.state, id) {
        Ok(memo) => memo.claims(target),
        // What cannot be opened any more is still told by its journal.
        Err(_) => {
            let journal = read_journal(&folder.join("journal.jsonl")).unwrap_or_default();
            let plan = journal.first().and_then(|first| first.plan.as_ref());
            let targets = plan.and_then(|plan| plan["targets"].as_array()).into_iter().flatten();
            let text = target.to_string();
            targets.into_iter().any(|known| known["target"] == *text)
        }
    }
}

impl Plan {
    /// Claims the targets, and makes sure that nothing has happened to them by another rotation since this was planned.
    pub(super) fn claim(&self) -> Result<Vec<Lock>, Error> {
        let locks = lock(&self.request)?;
        match &self.unfinished {
            None => refuse_unfinished(&self.request)?,
            Some(unfinished) => {
                let now = read_journal(&unfinished.folder.join("journal.jsonl"))?;
                if now.len() != unfinished.records.len() || !unfinished.folder.join(SEALED).exists() {
                    return Err(Error::WentOn(unfinished.id.to_string()));
                }
            }
        }
        Ok(locks)
    }
}
