//! Why a leaked value could not be taken out of a working tree.

use std::path::PathBuf;

/// What stands in the way.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no repository, or it cannot be used.
    #[error("the repository {} cannot be changed: {why}", repository.display())]
    Repository {
        /// Where it was looked for.
        repository: PathBuf,
        /// Why, in our words.
        why: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// git failed.
    #[error("git could not {action} in {}", repository.display())]
    Git {
        /// What was tried.
        action: &'static str,
        /// The repository.
        repository: PathBuf,
        /// What it said.
        #[source]
        source: git2::Error,
    },
    /// The user has something in hand.
    #[error("{path} has changes that are not committed")]
    Dirty {
        /// The file, inside the repository.
        path: String,
    },
    /// Somebody else was at work.
    #[error("{what} was changed by somebody else meanwhile")]
    Meanwhile {
        /// What.
        what: String,
    },
    /// What git would store is not what was meant.
    #[error("{path} would not be stored as it was edited: a filter of git changes it")]
    Filtered {
        /// The file.
        path: String,
    },
    /// A file could not be written.
    #[error(transparent)]
    Durable(#[from] crate::durable::Error),
    /// A file could not be read or removed.
    #[error("cannot change {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// What was changed could not be put back.
    #[error("{first}; and what was changed could not be put back ({second})")]
    Stuck {
        /// What failed.
        first: Box<Self>,
        /// What failed then.
        second: Box<Self>,
    },
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Repository { hint, .. } => hint,
            Self::Git { .. } => "see what `git status` says; no other git command must be running",
            Self::Dirty { .. } => {
                "commit or stash them first; nothing of yours is put into the commit of --contain"
            }
            Self::Meanwhile { .. } => "look at what changed it, then start again",
            Self::Filtered { .. } => "take the value out of this file by hand, or use --contain=remove",
            Self::Durable(error) => return error.hint(),
            Self::File { .. } => "check its permissions",
            Self::Stuck { .. } => {
                "`git status` shows what is changed; `git restore` with the file's name puts it back"
            }
        };
        Some(text.to_owned())
    }
}
