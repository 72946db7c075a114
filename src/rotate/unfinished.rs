//! A rotation that a crash or a failure left half-way: what its journal and its sealed file tell.

use super::before::Before;
use super::canary::Canary;
use super::journal::{Kind, Record, read_journal};
use super::memo::{MEMO, Memo};
use super::step::Step;
use super::target::{Held, State};
use super::way_back::{self, WayBack};
use super::{Error, IncidentId, Request, seal};
use crate::secret::Secret;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The sealed way back, the old content of each target and the new value, inside the incident's folder. It is there as long as there is a way back.
pub(super) const SEALED: &str = "undo.sealed";

/// Where an unfinished rotation stands.
#[derive(Debug)]
pub(super) struct Unfinished {
    pub(super) id: IncidentId,
    pub(super) folder: PathBuf,
    /// Its journal, checked.
    pub(super) records: Vec<Record>,
    /// What was seen before it began.
    pub(super) before: Before,
    /// The new value, which stands in some targets already, or in all.
    pub(super) new: Secret,
    /// The value that leaked, where a finding told it.
    pub(super) leaked: Option<Secret>,
}

impl Unfinished {
    /// Finds the rotation and the targets as they were before it.
    pub(super) fn find(request: &Request, id: &IncidentId) -> Result<(Vec<Box<dyn Held>>, Self), Error> {
        let folder = request.state.join("incidents").join(id.as_str());
        let sealed = folder.join(SEALED);
        if !sealed.exists() {
            return Err(Error::NotUnfinished(id.to_string()));
        }
        let records = read_journal(&folder.join("journal.jsonl"))?;
        let memo = Memo::read(&folder, &request.state, id)?;
        if !memo.is_about(&request.targets) {
            return Err(Error::OtherTarget { id: id.to_string(), target: memo.targets.join(", ") });
        }
        if let Some((what, was, now)) = memo.moved(request) {
            return Err(Error::OtherPlace { what, was, now });
        }
        let canary = request.probe.as_ref().and_then(|probe| memo.canary(probe));
        // Answers to another cookie cannot be compared.
        let answers = if canary.is_some() { seen_before(&records, "answers") } else { Vec::new() };
        let given = || request.probe.as_ref().and_then(|probe| probe.cookie.clone());
        let canary = canary.unwrap_or_else(|| Canary { live: given(), forged: None });
        let before = Before { canary, answers, pages: seen_before(&records, "pages") };
        let WayBack { old, new, leaked } =
            way_back::open(&sealed, &request.state, id, request.targets.len())?;
        let held = request.targets.iter().zip(&old).map(|(target, old)| target.place().recover(old));
        let held = held.collect::<Result<Vec<_>, _>>()?;
        for (index, held) in held.iter().enumerate() {
            if may_have_written(&records, index + 1) && held.state(&new)? == State::Other {
                return Err(Error::ChangedMeanwhile(held.facts().place.clone()));
            }
        }
        Ok((held, Self { id: id.clone(), folder, records, before, new, leaked }))
    }

    /// Removes the way back: nobody needs it when a rotation has ended.
    pub(super) fn discard(folder: &Path) -> Result<(), Error> {
        // The memo last: as long as there is a way back, it says how.
        seal::discard(&folder.join(SEALED))?;
        seal::discard(&folder.join(MEMO))
    }

    /// Whether a commit may have been begun that takes the value out of a repository.
    pub(super) fn containment_had_begun(&self) -> bool {
        self.records.iter().any(|record| record.step == Some(Step::Contain))
    }

    /// The form and the prefix of the sessions' keys, as they were seen in a Redis that may be empty now.
    pub(super) fn redis(&self) -> Option<(String, String)> {
        let store = self.records.first()?.plan.as_ref()?.get("store")?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        (store["kind"] == "redis").then_some(())?;
        Some((text(&store["dialect"])?, text(&store["table"]["name"])?))
    }

    /// Whether sessions may have been deleted.
    pub(super) fn purge_had_begun(&self) -> bool {
        self.records.iter().any(|record| record.event == Kind::Begun && record.step == Some(Step::Purge))
    }
}

/// Whether a target may have the new value: a run had begun to write it, and neither was refused nor put it back.
pub(super) fn may_have_written(records: &[Record], number: usize) -> bool {
    let of = |record: &&Record| (record.step, record.target) == (Some(Step::Write), Some(number));
    matches!(records.iter().rfind(of).map(|record| record.event), Some(Kind::Begun | Kind::Done))
}

/// What the first record says that was seen.
fn seen_before<T: DeserializeOwned>(records: &[Record], what: &str) -> Vec<T> {
    let plan = records.first().and_then(|first| first.plan.as_ref());
    let seen = plan.and_then(|plan| plan.get(what)).cloned();
    seen.and_then(|seen| serde_json::from_value(seen).ok()).unwrap_or_default()
}
