//! The working tree as far as git does not have it yet: changed files, and new ones that are not ignored.

use super::GitSource;
use crate::coverage::Coverage;
use crate::source::{Error, Progress, Visit, folder};
use git2::{Status, StatusOptions};
use std::path::{Path, PathBuf};

impl GitSource {
    pub(super) fn working_tree(
        &self,
        jobs: usize,
        progress: &Progress,
        visit: &Visit<'_>,
        coverage: &mut Coverage,
    ) -> Result<(), Error> {
        let Some(root) = self.repository.workdir() else { return Ok(()) };
        let mut options = StatusOptions::new();
        options.include_untracked(true).recurse_untracked_dirs(true).exclude_submodules(true);
        options.include_ignored(false).include_unreadable(true).include_unmodified(false).update_index(false);
        let changed = Status::WT_NEW | Status::WT_MODIFIED | Status::WT_TYPECHANGE | Status::CONFLICTED;
        let mut files = Vec::new();
        for entry in self.repository.statuses(Some(&mut options))?.iter() {
            let name = String::from_utf8_lossy(entry.path_bytes()).into_owned();
            if entry.status().intersects(changed) && !name.ends_with('/') {
                files.push((name, root.join(path_of(entry.path_bytes()))));
            } else if name.ends_with('/') && entry.status().contains(Status::WT_NEW) {
                coverage.skip(name, "is a repository inside the repository");
            } else if entry.status().contains(Status::from_bits_retain(1 << 12)) {
                coverage.skip(name, "cannot be read");
            }
        }
        folder::read_files(&files, jobs, progress, visit, coverage);
        self.note_submodules(coverage);
        Ok(())
    }

    /// A submodule's content is in a repository of its own.
    fn note_submodules(&self, coverage: &mut Coverage) {
        for submodule in self.repository.submodules().unwrap_or_default() {
            let path = submodule.path().display().to_string();
            coverage.skip(
                format!("submodule {path}"),
                format!("is a repository of its own; scan it with `unleak scan {path}`"),
            );
        }
    }
}

#[cfg(unix)]
fn path_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    Path::new(std::ffi::OsStr::from_bytes(bytes)).to_owned()
}

#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> PathBuf {
    Path::new(String::from_utf8_lossy(bytes).as_ref()).to_owned()
}
