//! What a team has settled: `.unleakignore`, decisions that travel with a repository, and baselines, what was known on some
//! day. Both go by a salted hash of the value and never by a line, so that neither can hide a value it was not made for.

mod baseline;
mod error;
mod file;
mod ignore_file;
mod line;

pub use baseline::Baseline;
pub use error::Error;
pub use file::MAX_SIZE;
pub use ignore_file::{Decision, Entry, FILE_NAME, IgnoreFile};

use crate::finding::Finding;
use crate::secret::{Fingerprint, Salt, Secret};
use std::collections::HashSet;

/// How much a scan saw: what it did not look at cannot be called gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    /// All that there is, by all rules.
    Whole,
    /// A part of it, or not everything could be seen.
    Part,
}

/// For each finding its fingerprint, if it is of one of these rules: a hash costs, and a file names few rules.
fn fingerprints(salt: &Salt, findings: &[Finding], rules: &HashSet<&str>) -> Vec<Option<Fingerprint>> {
    let is_named = |finding: &Finding| rules.contains(finding.rule.as_str());
    let named: Vec<&Secret> =
        findings.iter().filter(|finding| is_named(finding)).map(|finding| &finding.secret).collect();
    let mut hashes = salt.fingerprints(&named).into_iter();
    findings.iter().map(|finding| is_named(finding).then(|| hashes.next()).flatten()).collect()
}
