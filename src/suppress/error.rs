//! What can be wrong with a file of fingerprints. Every mistake in it is an error: one that is misread hides a leak, or
//! alarms about what was settled.

use crate::durable;
use std::path::PathBuf;

/// Why a file of fingerprints cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It cannot be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// A line is not what it should be.
    #[error("`{file}`, line {line}: {reason}")]
    Invalid {
        /// The file, or `COMMIT:PATH`.
        file: String,
        /// The line, from 1; 0 stands for the whole.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// It cannot be written.
    #[error("cannot write the file")]
    Write(#[from] durable::Error),
    /// There is no randomness for a salt.
    #[error("the operating system gives no random numbers")]
    Random(#[from] rand::rngs::SysError),
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreadable { .. } => Some("check the path and its permissions".to_owned()),
            Self::Invalid { .. } => Some(
                "correct that line, or remove it and make it again; `unleak ignore --help` and `unleak baseline --help` tell the forms".to_owned(),
            ),
            Self::Write(error) => error.hint(),
            Self::Random(_) => None,
        }
    }
}
