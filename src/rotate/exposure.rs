//! Where the old value leaked to, as a scan found it: told by whoever asks for the rotation, kept for the report.
//!
//! Paths, commits and dates, and never the value.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A leak that a rotation answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposure {
    /// The finding's fingerprint.
    pub finding: String,
    /// The repository that was scanned.
    pub repository: String,
    /// Where it stands, oldest first.
    pub places: Vec<ExposedPlace>,
    /// How many places more there are.
    pub more: usize,
}

/// One place of a leak.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExposedPlace {
    /// What kind of place it is, in a scan's words: `history`, `worktree`.
    pub kind: String,
    /// The path inside the repository.
    pub path: Option<String>,
    /// The first commit that holds it.
    pub commit: Option<String>,
    /// That commit's date.
    pub date: Option<Timestamp>,
}

impl Exposure {
    /// Since when somebody may have read it: the date of the first commit that holds it.
    pub fn since(&self) -> Option<Timestamp> {
        self.places.iter().filter_map(|place| place.date).min()
    }
}
