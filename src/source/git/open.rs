//! Finding and opening a repository, and saying exactly why that fails.

use super::super::Error;
use git2::{ErrorCode, Repository, RepositoryOpenFlags};
use std::path::Path;

/// Opens the repository that `path` is in, or is.
///
/// # Errors
/// When there is none, when it belongs to somebody else, or when its format is unknown.
pub fn discover(path: &Path) -> Result<Repository, Error> {
    std::fs::metadata(path).map_err(|source| Error::Unreadable { path: path.to_owned(), source })?;
    open(path, RepositoryOpenFlags::CROSS_FS)
}

/// Opens the repository of this folder, and none above it.
pub(super) fn exactly(path: &Path) -> Result<Repository, Error> {
    open(path, RepositoryOpenFlags::NO_SEARCH)
}

fn open(path: &Path, flags: RepositoryOpenFlags) -> Result<Repository, Error> {
    let ceilings: [&Path; 0] = [];
    Repository::open_ext(path, flags, ceilings).map_err(|error| match error.code() {
        ErrorCode::NotFound => Error::NotARepository(path.to_owned()),
        ErrorCode::Owner => Error::DubiousOwnership(path.canonicalize().unwrap_or_else(|_| path.to_owned())),
        _ if error.message().contains("objectformat") || error.message().contains("object format") => {
            Error::ObjectFormat { path: path.to_owned(), format: "sha256".to_owned() }
        }
        _ => Error::Damaged {
            what: format!("`{}` cannot be opened", path.display()),
            source: Some(error.into()),
        },
    })
}
