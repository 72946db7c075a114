//! What a scan saw, what it did not, and what it was told to leave out: the statements that make a silent clean
//! impossible.

use serde::Serialize;

/// Counts of what was seen, and every reason why something was not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Commits whose content and messages were seen.
    pub commits: u64,
    /// Git objects that were read.
    pub objects: u64,
    /// How many of the objects an earlier scan by the same rules had seen, so that only those of interest were read again.
    pub cached: u64,
    /// Files read from disk, from the index or from standard input.
    pub files: u64,
    /// Bytes of content that rules looked at.
    pub bytes: u64,
    /// What was not read because git is told to ignore it: not asked for, but said.
    pub ignored: Ignored,
    /// Files that somebody encrypted before they were committed, by age, PGP or Ansible Vault: not asked for, but
    /// said.
    pub encrypted: u64,
    /// What should have been seen and was not; empty when the scan is complete.
    pub skipped: Vec<Skip>,
    /// Whether the person at the keyboard stopped the scan.
    pub interrupted: bool,
}

/// Files of the working tree that git is told to ignore, and that were not read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ignored {
    /// Single files.
    pub files: u64,
    /// Whole folders; what is in them is not counted.
    pub folders: u64,
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

/// What a scan was told not to look for or not to tell of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Configuration {
    /// The configuration file that was used: a path, or `COMMIT:PATH` when it was read from a commit.
    pub file: Option<String>,
    /// The rules that the configuration turned off.
    pub disabled: Vec<String>,
    /// The built-in rules that a rule file put others in the place of.
    pub replaced: Vec<String>,
    /// The secrets that were found and are not told of.
    pub left_out: LeftOut,
}

/// How many secrets a scan found and left out, by the reason. One that is told of, since it also stands elsewhere, is
/// not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Stand only in paths that the configuration allows.
    pub paths: u64,
    /// Stand only on lines with a comment that allows them.
    pub inline: u64,
    /// Are less sure than was asked for.
    pub confidence: u64,
}

impl Configuration {
    /// Whether somebody hid something: a rule that does not run, or a secret that a path or a comment leaves out. What
    /// the confidence leaves out is the choice of whoever ran the scan.
    pub fn hides(&self) -> bool {
        let hidden = self.left_out.paths + self.left_out.inline;
        hidden > 0 || !self.disabled.is_empty() || !self.replaced.is_empty()
    }
}
