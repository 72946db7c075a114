//! The steps of a rotation, one file each with the same functions: describe, apply, undo.

mod contain;
mod health;
mod pages;
mod probe;
mod purge;
mod reload;
mod verify;
mod write;

pub(super) use pages::ask as ask_pages;
pub(super) use probe::{ask, must_be_alive};

use super::transaction::Rotation;
use super::{Error, Plan, Stop};
use serde::{Deserialize, Serialize};

/// A step, in the order in which steps are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The new value goes into the target.
    Write,
    /// The application takes it.
    Reload,
    /// The application is well.
    Health,
    /// Every session is backed up and deleted.
    Purge,
    /// So is every session that was made before the last old process ended.
    PurgeAgain,
    /// What should be so is looked at.
    Verify,
    /// The leaked value is taken out of the files of a repository, by a commit.
    Contain,
}

impl Step {
    /// The name in plans, journals and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Reload => "reload",
            Self::Health => "health",
            Self::Purge => "purge",
            Self::PurgeAgain => "purge-again",
            Self::Verify => "verify",
            Self::Contain => "contain",
        }
    }

    /// What the step will do.
    pub fn describe(self, plan: &Plan) -> String {
        match self {
            Self::Write => write::describe(plan),
            Self::Reload => reload::describe(plan),
            Self::Health => health::describe(plan),
            Self::Purge => purge::describe(plan),
            Self::PurgeAgain => purge::describe_again(plan),
            Self::Verify => verify::describe(plan),
            Self::Contain => contain::describe(plan),
        }
    }

    /// Does it, and says what was done.
    pub(super) fn apply(self, rotation: &mut Rotation<'_>) -> Result<String, Error> {
        match self {
            Self::Write => write::apply(rotation),
            Self::Reload => reload::apply(rotation),
            Self::Health => health::apply(rotation),
            Self::Purge => purge::apply(rotation),
            Self::PurgeAgain => purge::apply_again(rotation),
            Self::Verify => Ok(verify::apply(rotation)),
            Self::Contain => contain::apply(rotation),
        }
    }

    /// Takes back what the step did. A purge is never taken back: its backup would revive the attacker too.
    pub(super) fn undo(self, rotation: &mut Rotation<'_>) -> Result<String, Error> {
        match self {
            Self::Write => write::undo(rotation),
            Self::Reload => reload::undo(rotation),
            Self::Health => health::undo(rotation),
            Self::Contain => contain::undo(rotation),
            Self::Purge | Self::PurgeAgain | Self::Verify => Ok("nothing to take back".to_owned()),
        }
    }
}

/// An undo must not be stopped by the wish that caused it.
fn unstoppable() -> Stop {
    Stop::default()
}
