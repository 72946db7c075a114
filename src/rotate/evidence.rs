//! What a rotation saw with its own eyes: the only thing that its report may claim.

use super::Downtime;
use crate::contain::Contained;
use crate::session::{BackupInfo, Purged};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How sure a line of the report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Status {
    /// Seen to be so.
    #[serde(rename = "verified")]
    Verified,
    /// Seen not to be so.
    #[serde(rename = "failed")]
    Failed,
    /// Not looked at, or looked at in a way that shows nothing.
    #[serde(rename = "not checked")]
    NotChecked,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Verified => "verified",
            Self::Failed => "failed",
            Self::NotChecked => "not checked",
        })
    }
}

/// One line of the verification table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The claim.
    pub claim: String,
    /// Whether it holds.
    pub status: Status,
    /// What was seen.
    pub evidence: String,
}

/// When in a rotation the probe was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Moment {
    /// Before anything was changed.
    #[serde(rename = "before")]
    Before,
    /// When the new value was in use.
    #[serde(rename = "with the new value, before the purge")]
    Between,
    /// After everything.
    #[serde(rename = "at the end")]
    End,
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Before => "before",
            Self::Between => "with the new value, before the purge",
            Self::End => "at the end",
        })
    }
}

/// The cookie that a request of the probe carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sent {
    /// The live session's.
    Live,
    /// None.
    None,
    /// One of the same names and form that nobody ever signed.
    MadeUp,
    /// One that was made with the old value.
    Forged,
    /// That of the login at the end.
    New,
    /// The same session's, made with the old value.
    NewForged,
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Live => "the live session's",
            Self::None => "none",
            Self::MadeUp => "a made-up one",
            Self::Forged => "one forged with the old value",
            Self::New => "of a new login",
            Self::NewForged => "the new login's, forged with the old value",
        })
    }
}

/// One answer of the probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// When in the rotation.
    pub when: Moment,
    /// What was sent.
    pub cookie: Sent,
    /// The HTTP status, or why there was none.
    pub answer: Result<u16, String>,
    /// Where a redirect leads, without its query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

impl Answer {
    /// Whether the answer lets the caller in.
    pub(super) fn accepts(&self) -> bool {
        matches!(self.answer, Ok(200..=299))
    }

    /// Whether the answer may be one that turns the caller away, by refusing or by sending them to log in.
    pub(super) fn may_refuse(&self) -> bool {
        matches!(self.answer, Ok(300..=499))
    }

    /// Whether both callers were treated the same; no answer is like no other.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.answer.is_ok() && self.answer == other.answer && self.location == other.location
    }

    /// The answer in words.
    pub(super) fn text(&self) -> String {
        match (&self.answer, &self.location) {
            (Ok(status), Some(location)) => format!("{status} to {location}"),
            (Ok(status), None) => status.to_string(),
            (Err(why), _) => why.clone(),
        }
    }
}

/// What an address of `--check` answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Page {
    /// The address as it is shown.
    pub(super) url: String,
    /// The HTTP status, or why there was none.
    pub(super) answer: Result<u16, String>,
}

/// One purge with its counts, all by the same query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Round {
    /// Rows before.
    pub before: u64,
    /// Rows that the backup holds, by the count that is sealed in it.
    pub backed_up: u64,
    /// Rows deleted.
    pub deleted: u64,
    /// Sessions that were gone when their delete came, on Redis.
    #[serde(skip_serializing_if = "is_none")]
    pub gone: u64,
    /// Rows after.
    pub after: u64,
    /// The backup's file.
    pub backup: Option<String>,
    /// Files of further backups: on Redis, of sessions that were rewritten while they were backed up.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub later_backups: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_none(number: &u64) -> bool {
    *number == 0
}

impl From<&Purged> for Round {
    fn from(purged: &Purged) -> Self {
        let file = |backup: &BackupInfo| backup.path.display().to_string();
        Self {
            before: purged.before.total,
            backed_up: purged.backed_up,
            deleted: purged.deleted,
            gone: purged.gone,
            after: purged.after.total,
            backup: purged.backup.as_ref().map(file),
            later_backups: purged.later.iter().map(file).collect(),
        }
    }
}

/// Everything that was seen.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    pub(super) checks: Vec<Check>,
    pub(super) answers: Vec<Answer>,
    pub(super) rounds: Vec<Round>,
    pub(super) downtime: Option<Downtime>,
    /// Rows that a purge of an earlier run is known to have deleted, by its backup.
    pub(super) deleted_earlier: u64,
    /// What was taken out of a repository.
    pub(super) contained: Option<Contained>,
}

impl Evidence {
    /// Adds a line to the verification table.
    pub(super) fn check(&mut self, claim: impl Into<String>, status: Status, evidence: impl Into<String>) {
        self.checks.push(Check { claim: claim.into(), status, evidence: evidence.into() });
    }

    /// Whether something that was looked at is not as it should be.
    pub(super) fn has_failed(&self) -> bool {
        self.checks.iter().any(|check| check.status == Status::Failed)
    }
}
