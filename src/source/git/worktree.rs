//! The working tree as far as git does not have it yet: changed files, and new ones; ignored ones
//! only if they are asked for.

use super::nested::Candidate;
use super::{GitSource, Part};
use crate::coverage::Coverage;
use crate::source::{Error, Progress, Visit, folder, path};
use git2::{ObjectType, Oid, Status, StatusOptions};
use std::path::{Path, PathBuf};

/// The flag of an index entry that `git update-index --assume-unchanged` sets.
const ASSUME_VALID: u16 = 1 << 15;
/// The extended flag that `git update-index --skip-worktree` and a sparse checkout set.
const SKIP_WORKTREE: u16 = 1 << 14;

impl GitSource {
    /// Reads them, and gives the repositories that are inside of this one.
    pub(super) fn working_tree(
        &self,
        jobs: usize,
        progress: &Progress,
        visit: &Visit<'_>,
        coverage: &mut Coverage,
    ) -> Result<Vec<Candidate>, Error> {
        let mut inside = self.submodules(coverage);
        let Some(root) = self.repository.workdir() else { return Ok(inside) };
        let read_ignored = self.part == Part::Everything { ignored: true };
        let mut options = StatusOptions::new();
        options.include_untracked(true).recurse_untracked_dirs(true).exclude_submodules(true);
        options.include_ignored(true).recurse_ignored_dirs(false);
        options.include_unreadable(true).include_unmodified(false).update_index(false);
        let changed = Status::WT_NEW | Status::WT_MODIFIED | Status::WT_TYPECHANGE | Status::CONFLICTED;
        let mut files = self.hidden_changes(root)?;
        let statuses = self.repository.statuses(Some(&mut options));
        for entry in statuses.map_err(Error::damaged("the state of the working tree"))?.iter() {
            let (status, path) = (entry.status(), root.join(path_of(entry.path_bytes())));
            let (name, is_folder) = (path::text(entry.path_bytes()), entry.path_bytes().ends_with(b"/"));
            if status.contains(Status::IGNORED) {
                match (read_ignored, is_folder) {
                    (false, false) => coverage.ignored.files += 1,
                    (false, true) => coverage.ignored.folders += 1,
                    (true, false) => files.push((name, path)),
                    (true, true) => files.extend(
                        folder::list(&path, progress, coverage)
                            .into_iter()
                            .map(|file| (folder::name(root, &file), file)),
                    ),
                }
            } else if status.intersects(changed) && !is_folder {
                files.push((name, path));
            } else if is_folder && status.contains(Status::WT_NEW) {
                inside.push((name.trim_end_matches('/').to_owned(), path));
            } else if status.contains(Status::from_bits_retain(1 << 12)) {
                coverage.skip(name, "cannot be read");
            }
        }
        files.sort_unstable();
        files.dedup();
        folder::read_files(&files, jobs, progress, visit, coverage);
        Ok(inside)
    }

    /// Tracked files that git was told to take for unchanged, or to leave out of the working tree, and that are there
    /// with another content.
    fn hidden_changes(&self, root: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
        let index = self.repository.index().map_err(Error::damaged("the index"))?;
        let flagged = index
            .iter()
            .filter(|entry| entry.flags & ASSUME_VALID != 0 || entry.flags_extended & SKIP_WORKTREE != 0);
        let changed = flagged.filter_map(|entry| {
            let path = root.join(path_of(&entry.path));
            let metadata = path.symlink_metadata().ok().filter(|metadata| !metadata.is_dir())?;
            let same = metadata.is_file()
                && Oid::hash_file_ext(ObjectType::Blob, &path, self.repository.object_format())
                    .is_ok_and(|id| id == entry.id);
            (!same).then(|| (path::text(&entry.path), path))
        });
        Ok(changed.collect())
    }
}

#[cfg(unix)]
pub(super) fn path_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    Path::new(std::ffi::OsStr::from_bytes(bytes)).to_owned()
}

#[cfg(not(unix))]
pub(super) fn path_of(bytes: &[u8]) -> PathBuf {
    Path::new(String::from_utf8_lossy(bytes).as_ref()).to_owned()
}
