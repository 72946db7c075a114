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
    let opened = Repository::open_ext(path, flags, ceilings).and_then(|repository| {
        if is_bare_for_git(&repository) { Repository::open_bare(repository.path()) } else { Ok(repository) }
    });
    opened.map_err(|error| match error.code() {
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

/// Without a configuration the library takes the folder around any repository for its working tree; git does so only where
/// the repository is named `.git` (`setup_bare_git_dir` in its setup.c).
fn is_bare_for_git(repository: &Repository) -> bool {
    let is_around = |tree: &Path| repository.path().parent() == Some(tree);
    let says = |name: &str| repository.config().is_ok_and(|config| config.get_entry(name).is_ok());
    !repository.is_worktree()
        && repository.workdir().is_some_and(is_around)
        && !repository.path().ends_with(".git")
        && !says("core.bare")
        && !says("core.worktree")
}
