//! What a scan saw and what it did not: the statement that makes a silent clean impossible.

use serde::Serialize;

/// Counts of what was seen, and every reason why something was not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Commits whose content and messages were seen.
    pub commits: u64,
    /// Git objects that were read.
    pub objects: u64,
    /// Files read from disk, from the index or from standard input.
    pub files: u64,
    /// Bytes of content that rules looked at.
    pub bytes: u64,
    /// What should have been seen and was not; empty when the scan is complete.
    pub skipped: Vec<Skip>,
    /// Whether the person at the keyboard stopped the scan.
    pub interrupted: bool,
}

/// Something that could not be seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skip {
    /// What it is: an object id, a path, or a kind of thing when there are many.
    pub what: String,
    /// Why it was not seen.
    pub reason: String,
}

impl Coverage {
    /// Whether everything that was asked for was seen.
    pub fn is_complete(&self) -> bool {
        self.skipped.is_empty() && !self.interrupted
    }

    /// Records something that could not be seen.
    pub fn skip(&mut self, what: impl Into<String>, reason: impl Into<String>) {
        self.skipped.push(Skip { what: what.into(), reason: reason.into() });
    }
}
