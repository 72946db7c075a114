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

/// How much a scan saw: what it did not look at cannot be called gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    /// All that there is, by all rules.
    Whole,
    /// A part of it, or not everything could be seen.
    Part,
}
