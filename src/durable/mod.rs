//! Files that survive a crash: atomic replacement, synced appending, locks.
//!
//! A torn `.env` is an outage and a torn journal is a lost proof, so everything that this crate writes goes through
//! here; `clippy.toml` bans the other ways.

mod append;
pub mod chain;
mod fault;
mod lock;
mod write;

pub use append::AppendFile;
pub use fault::die;
pub use lock::Lock;
pub use write::{
    Mode, TEMPORARY, check_replaceable, clear_abandoned, create_private_dir, create_whole, links,
    write_atomic,
};

use std::io;
use std::path::{Path, PathBuf};

/// Why a file could not be written, appended to or locked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The path leads to something that holds no bytes to replace.
    #[error("{} is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// The file's mode forbids writing; a rename would get around that, which its owner did not mean.
    #[error("{} is read-only", .0.display())]
    ReadOnly(PathBuf),
    /// Somebody else holds the lock.
    #[error("{} is being changed by another unleak", .0.display())]
    Locked(PathBuf),
}

impl Error {
    fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Some("run as the owner of the file and its folder".to_owned())
            }
            Self::Io { source, .. } if source.kind() == io::ErrorKind::ResourceBusy => Some(
                "a file that is mounted on its own (a container's bind mount) cannot be replaced; mount its folder".to_owned(),
            ),
            Self::Io { .. } => None,
            Self::NotAFile(_) => Some("name the file itself, not a folder or device".to_owned()),
            Self::ReadOnly(path) => Some(format!("`chmod u+w {}` when it is meant to be changed", path.display())),
            Self::Locked(_) => Some("wait until the other rotation has ended".to_owned()),
        }
    }
}
