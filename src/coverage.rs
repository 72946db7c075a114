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
    /// The configuration at the root of what was scanned, else the organisation's: a path, or `COMMIT:PATH` when it was
    /// read from a commit.
    pub file: Option<String>,
    /// The rules that configurations turned off everywhere.
    pub disabled: Vec<String>,
    /// The rules that a rule file put others in the place of.
    pub replaced: Vec<String>,
    /// The configurations that count, the widest first, and what each did.
    pub layers: Vec<LayerUse>,
    /// The secrets that were found and are not told of.
    pub left_out: LeftOut,
    /// The ignore file that was used.
    pub ignore_file: Option<IgnoreFile>,
    /// The baseline that was given.
    pub baseline: Option<Baseline>,
}

/// Whose configuration it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LayerKind {
    /// Of whoever runs the scan, for all that they scan.
    #[default]
    Organisation,
    /// At the root of what is scanned.
    Repository,
    /// Of a folder below it.
    Folder,
}

/// What one configuration did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LayerUse {
    /// Whose it is.
    pub kind: LayerKind,
    /// Its file: a path, or `COMMIT:PATH`.
    pub file: String,
    /// The rules that it turned off: everywhere, in its folder, or in some paths.
    pub disabled: Vec<String>,
    /// The rules that it called otherwise: severity, confidence, title.
    pub overridden: Vec<String>,
    /// The rules that it put others in the place of: built-in ones, and those of a wider configuration.
    pub replaced: Vec<String>,
    /// How many secrets were left out for what it says of paths, values and rules in paths.
    pub left_out: u64,
}

/// What an ignore file did, besides what is counted as left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct IgnoreFile {
    /// A path, or `COMMIT:PATH` when it was read from a commit.
    pub file: String,
    /// How many entries it has.
    pub entries: u64,
    /// Those that match nothing any more; none when not everything was looked at.
    pub stale: Vec<IgnoreEntry>,
    /// Those that count no more, and whose findings are told of.
    pub expired: Vec<IgnoreEntry>,
}

/// An entry of an ignore file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IgnoreEntry {
    /// The salted hash of the value, which is not the fingerprint of a finding.
    pub fingerprint: String,
    /// The rule that finds it.
    pub rule: String,
    /// Why it is left out.
    pub reason: String,
    /// Who answers for that.
    pub owner: Option<String>,
    /// The last day on which it is left out.
    pub expires: Option<String>,
}

/// What a baseline did, besides what is counted as left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Baseline {
    /// The file.
    pub file: String,
    /// How many places of secrets it knows.
    pub known: u64,
    /// Those in which that secret stands no more; none when not everything was looked at.
    pub gone: Vec<Known>,
}

/// A secret in one file, as a baseline knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Known {
    /// The salted hash of the value, which is not the fingerprint of a finding.
    pub fingerprint: String,
    /// The rule that found it.
    pub rule: String,
    /// The path, or the kind of place.
    pub place: String,
}

/// How many secrets a scan found and left out, by the reason. One that is told of, since it also stands elsewhere, is
/// not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Stand only in paths that the configuration allows.
    pub paths: u64,
    /// Have a value that the configuration allows.
    pub values: u64,
    /// Were found by a rule that is turned off where they stand.
    pub rules: u64,
    /// Stand only on lines with a comment that allows them.
    pub inline: u64,
    /// Are less sure than was asked for.
    pub confidence: u64,
    /// Would be sure enough, and are not since they stand only in files that hold such values for other reasons.
    pub nature: u64,
    /// Are named by the ignore file.
    pub ignore_file: u64,
    /// Are known to the baseline.
    pub baseline: u64,
}

impl Configuration {
    /// Whether somebody hid something: a rule that does not run or is called less sure, or a secret that a path (also by
    /// the kind of file that it names), a value, a comment, an ignore file or a baseline leaves out. What the confidence
    /// leaves out is the choice of whoever ran the scan.
    pub fn hides(&self) -> bool {
        let LeftOut { paths, values, rules, inline, nature, ignore_file, baseline, confidence: _ } =
            self.left_out;
        let hidden = paths + values + rules + inline + nature + ignore_file + baseline;
        let is_changed = |layer: &LayerUse| !(layer.disabled.is_empty() && layer.overridden.is_empty());
        hidden > 0
            || !self.disabled.is_empty()
            || !self.replaced.is_empty()
            || self.layers.iter().any(is_changed)
    }
}
