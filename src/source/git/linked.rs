//! Working trees that share one repository: each has a HEAD and an index of its own.

use super::{GitSource, ObjectId};
use crate::source::Error;
use git2::Index;
use std::path::{Path, PathBuf};

impl GitSource {
    /// The index files of all working trees, and whether each is this one's.
    pub(super) fn index_files(&self) -> Vec<(PathBuf, bool)> {
        let here = self.repository.path().join("index");
        let folders = std::iter::once(self.repository.commondir().to_owned()).chain(self.linked_folders());
        let others = folders.map(|folder| folder.join("index")).filter(|file| *file != here);
        let files = std::iter::once((here.clone(), true)).chain(others.map(|file| (file, false)));
        files.filter(|(file, _)| file.is_file()).collect()
    }

    /// Opens an index file of this repository.
    pub(super) fn open_index(&self, file: &Path) -> Result<Index, Error> {
        Index::open_ext(file, self.repository.object_format()).map_err(Error::damaged("the index"))
    }

    /// The commits that the HEADs of all working trees name themselves; a branch is among the references.
    pub(super) fn heads(&self) -> Vec<ObjectId> {
        let folders = std::iter::once(self.repository.commondir().to_owned()).chain(self.linked_folders());
        let heads = folders.filter_map(|folder| std::fs::read(folder.join("HEAD")).ok());
        heads.filter_map(|head| ObjectId::from_hex(head.trim_ascii())).collect()
    }

    /// What git keeps for each linked working tree.
    fn linked_folders(&self) -> Vec<PathBuf> {
        let folders = std::fs::read_dir(self.repository.commondir().join("worktrees"));
        let mut folders: Vec<PathBuf> =
            folders.into_iter().flatten().filter_map(|folder| Some(folder.ok()?.path())).collect();
        folders.sort_unstable();
        folders
    }
}
