//! Why a source cannot be read at all.

use std::path::PathBuf;

/// A source that cannot be opened, or whose history cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no repository at the path or above it.
    #[error("`{}` is not in a git repository", .0.display())]
    NotARepository(PathBuf),
    /// The repository belongs to somebody else, and its configuration could run programs.
    #[error("the repository at `{}` belongs to another user", .0.display())]
    DubiousOwnership(PathBuf),
    /// The path does not exist or cannot be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// A name that is no commit.
    #[error("`{name}` is no commit of this repository")]
    NoSuchRevision {
        /// What was typed.
        name: String,
    },
    /// A range that is not of the form `A..B`.
    #[error("`{0}` is not a range of the form A..B")]
    BadRange(String),
    /// Something that a bare repository does not have.
    #[error("`{}` is a bare repository and has no index", .0.display())]
    Bare(PathBuf),
    /// An object format that cannot be read.
    #[error("the repository at `{}` uses the object format `{format}`, which cannot be read yet", path.display())]
    ObjectFormat {
        /// The repository.
        path: PathBuf,
        /// Its format.
        format: String,
    },
    /// Something of the repository that everything depends on is damaged.
    #[error("the repository is damaged: {what}")]
    Damaged {
        /// What is damaged.
        what: String,
        /// What libgit2 or the system says.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// Something that libgit2 says about a repository that was opened.
    #[error("git could not read the repository: {}", .0.message())]
    Git(#[from] git2::Error),
}

impl Error {
    /// Turns what libgit2 says into the error that names what cannot be read.
    pub(super) fn damaged(what: impl Into<String>) -> impl FnOnce(git2::Error) -> Self {
        let what = format!("{} cannot be read", what.into());
        move |error| Self::Damaged { what, source: Some(error.into()) }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotARepository(_) => {
                "give the path of a repository, or scan a plain folder with --no-git".to_owned()
            }
            Self::DubiousOwnership(path) => {
                format!("if you trust it: git config --global --add safe.directory {}", path.display())
            }
            Self::Unreadable { .. } => "check the path and its permissions".to_owned(),
            Self::NoSuchRevision { .. } => {
                "in a CI job, fetch the branch and its history first (`fetch-depth: 0`)".to_owned()
            }
            Self::BadRange(_) => "for a pull request: --range origin/main..HEAD".to_owned(),
            Self::Bare(_) => "scan its history without --staged".to_owned(),
            Self::ObjectFormat { .. } => "scan a checked-out tree of it with --no-git".to_owned(),
            Self::Damaged { .. } | Self::Git(_) => "`git fsck --full` tells more".to_owned(),
        })
    }
}
