//! The exit codes of every command, in one place: scripts and CI jobs depend on them.

use std::process::ExitCode;

/// How a command ended, as the process tells it to its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Nothing was found, and everything that was asked for was seen; or the work is done and verified.
    Clean = 0,
    /// Findings, whether or not everything could be seen; the coverage says which.
    Findings = 1,
    /// The command line, a file or a configuration is wrong; nothing was done.
    Usage = 2,
    /// Nothing was found, but something could not be seen.
    Incomplete = 3,
    /// A rotation failed and everything it had changed was put back.
    Undone = 4,
    /// A rotation or clean-up stopped half-way; `--resume` or `--abort`, or the same clean-up once more, ends it.
    Interrupted = 5,
    /// Everything was done, but a verification failed.
    Unverified = 6,
}

impl Exit {
    /// Every code, in ascending order; the README's table is checked against it.
    pub const ALL: [Self; 7] = [
        Self::Clean,
        Self::Findings,
        Self::Usage,
        Self::Incomplete,
        Self::Undone,
        Self::Interrupted,
        Self::Unverified,
    ];
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
