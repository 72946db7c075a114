//! Where a rotation stands when it stops: whether the new value may be in use, whether the old one may come back, and
//! what the operator can do now.
//!
//! One rule decides: until the first reload begins, nothing runs with the new value, and a failure takes half-done
//! writes back. From then on a leaked value comes back only by the operator's word.

use super::journal::{Kind, Record};
use super::step::Step;
use super::transaction::Rotation;
use super::unfinished::{SEALED, Unfinished};
use super::{Error, Plan};
use crate::contain;
use serde_json::Value;

/// Whether the application may run with the new value: a reload was begun, or, where none was planned, every target was
/// written. What later runs were planned with does not count, and what was in use once stays out by no undo but a wanted one.
pub(super) fn may_be_in_use(records: &[Record]) -> bool {
    let steps = plan(records).and_then(|plan| plan["steps"].as_array()).into_iter().flatten();
    let reloads = steps.clone().any(|step| step["step"] == Step::Reload.name());
    records.iter().filter(|record| record.target.is_none()).any(|record| match (record.event, record.step) {
        (Kind::Begun, Some(Step::Reload)) => true,
        (Kind::Done, Some(Step::Write)) => !reloads,
        _ => false,
    })
}

/// Whether the old value was said not to have leaked, by `--graceful` when the rotation was started.
fn was_graceful(records: &[Record]) -> bool {
    plan(records).is_some_and(|plan| plan["graceful"].is_string())
}

fn plan(records: &[Record]) -> Option<&Value> {
    records.first().and_then(|first| first.plan.as_ref())
}

impl Plan {
    /// Whether the old value must be taken for leaked: always, but where `--graceful` said from the start that it is not.
    pub(super) fn is_leaked(&self) -> bool {
        let graceful = match &self.unfinished {
            Some(unfinished) => was_graceful(&unfinished.records),
            None => self.request.graceful.is_some(),
        };
        self.leaked().is_some() || !graceful
    }
}

impl Unfinished {
    /// Whether to take it back is to put a leaked value into use again.
    pub(super) fn needs_word(&self, plan: &Plan) -> bool {
        may_be_in_use(&self.records) && plan.is_leaked()
    }
}

impl Rotation<'_> {
    /// Whether the application may run with the new value, since this run or one before it.
    pub(super) fn is_in_use(&self) -> bool {
        may_be_in_use(&self.timeline)
    }

    /// Whether the new value stays, whatever failed.
    pub(super) fn stays(&self, cause: &Error) -> bool {
        // In a run that goes on with another, only who stops it can have meant the flag: what fails asks for nothing.
        let means_it = self.plan.unfinished.is_none() || matches!(cause, Error::Stopped);
        let is_asked = self.plan.request.restore_leaked && means_it;
        self.is_in_use() && self.plan.is_leaked() && !is_asked
    }

    /// What to do when a step stopped the rotation and nothing goes back.
    pub(super) fn onwards(&self, step: Step, cause: &Error) -> String {
        let state = match step {
            Step::Purge => "the new value is in use and stays, but the purge did not finish: mend the store",
            Step::Write | Step::Reload | Step::Health => self.whose(),
            Step::PurgeAgain | Step::Verify => {
                "the new value is in use and the sessions are deleted: for the rest, mend the cause"
            }
            Step::Contain if matches!(cause, Error::Contain(contain::Error::Stuck { .. })) => {
                "the rotation itself is done, but files of the repository stay changed without a commit, as `git status` shows: mend the cause"
            }
            Step::Contain => {
                "the rotation itself is done, and the repository is as it was, with the leaked value in its files: mend the cause"
            }
        };
        let id = &self.id;
        let next = format!("{state}, then run `unleak rotate --resume {id}`");
        if step >= Step::Purge || self.is_purging() || !self.plan.is_leaked() {
            return next;
        }
        format!(
            "{next}; `unleak rotate --abort {id} --restore-leaked` puts the leaked value back instead, and whoever has it can go on using it"
        )
    }

    /// Who has which value, as far as that is known.
    fn whose(&self) -> &'static str {
        let last = self.timeline.iter().rfind(|record| record.step == Some(Step::Reload));
        match last.map(|record| record.event) {
            Some(Kind::Done) => {
                "the new value stands in every target and stays, and the application was told to take it: mend what stopped it"
            }
            Some(_) => {
                "the new value stands in every target and stays, but which value the application runs with is not known, since its reload did not end well: mend that"
            }
            None => {
                "the new value stands in every target and stays, since whatever starts now takes it: mend what stopped it"
            }
        }
    }

    /// What to do when a target did not go back.
    pub(super) fn stuck(&self) -> String {
        format!(
            "not every target could be put back; their old content is sealed in {}: mend the cause, then run `unleak rotate --abort {}{}`",
            self.folder.join(SEALED).display(),
            self.id,
            self.word()
        )
    }

    /// What to do when a repository did not go back.
    pub(super) fn uncontained(&self) -> String {
        format!(
            "the rest was taken back, but files that --contain had changed were not: `git status` shows them; mend that, then run `unleak rotate --abort {}{}` again",
            self.id,
            self.word()
        )
    }

    /// What to do when the application did not take the old value again.
    pub(super) fn unknown_value(&self) -> String {
        format!(
            "the old value is back in the target, but which value the application runs with is not known, since the reload failed with the old value: mend that, then run `unleak rotate --abort {0}{1}` to load the old value or `unleak rotate --resume {0}` to go on with a new one",
            self.id,
            self.word()
        )
    }

    /// The flag without which an abort would be refused.
    fn word(&self) -> &'static str {
        if self.is_in_use() && self.plan.is_leaked() { " --restore-leaked" } else { "" }
    }
}
