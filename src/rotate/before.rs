//! What was seen before anything changed: what is seen afterwards shows something only beside it.

use super::canary::Canary;
use super::evidence::{Answer, Page};
use super::{Error, Plan, step};

/// The cookies of this rotation, and every answer from before it.
#[derive(Clone, Debug, Default)]
pub(super) struct Before {
    pub(super) canary: Canary,
    /// What the probe answered.
    pub(super) answers: Vec<Answer>,
    /// What the other addresses answered.
    pub(super) pages: Vec<Page>,
}

impl Before {
    /// Logs in, forges and asks; of a rotation that goes on, what its first run saw.
    pub(super) fn look(plan: &Plan) -> Result<Self, Error> {
        if let Some(unfinished) = &plan.unfinished {
            return Ok(unfinished.before.clone());
        }
        let pages = step::ask_pages(&plan.request.checks);
        let Some(probe) = &plan.request.probe else { return Ok(Self { pages, ..Self::default() }) };
        let canary = Canary::make(probe, plan.old())?;
        let answers = step::must_be_alive(probe, &canary)?;
        Ok(Self { canary, answers, pages })
    }
}
