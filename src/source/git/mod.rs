//! A git repository as a source: everything it has ever held, or only what is staged, or only what a range brings.
//!
//! libgit2 answers what porcelain answers (where the repository is, references, index, status, differences); the
//! objects are read from packs and files by our own readers, in the order in which that is cheapest.

mod attribution;
mod base;
mod cache;
mod called;
mod changes;
mod commit;
mod containing;
#[cfg(fuzzing)]
pub mod doors;
mod floor;
mod graph;
mod ground;
mod held;
mod history;
mod holes;
mod known;
mod large;
mod leading;
mod linked;
mod lone;
mod loose;
mod names;
mod nested;
mod object;
mod object_id;
mod open;
mod origins;
mod own;
mod pack;
mod parents;
mod positions;
mod range;
mod store;
mod survey;
mod ties;
mod tree;
mod worktree;

pub use base::{Base, Entry};
pub use cache::Cache;
pub use object_id::ObjectId;
pub use open::discover;

use super::{Asked, Error, Key, Origins, Progress, Take, Visitor, folder};
use crate::coverage::Coverage;
use std::cell::OnceCell;
use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use store::Store;

/// A repository, and which part of it is scanned.
pub struct GitSource {
    repository: git2::Repository,
    part: Part,
    /// Folders of objects besides the repository's own.
    objects: Vec<PathBuf>,
    /// Opened when the history is first read: a hook that looks at the index never pays for it.
    store: OnceCell<Store>,
    /// What the walk over all objects learnt of commits and trees.
    past: OnceCell<history::Past>,
    /// What places are looked up in.
    ground: OnceCell<ground::Ground>,
    /// The repositories inside this one that were scanned with it.
    nested: OnceCell<Vec<nested::Nested>>,
    /// What earlier scans saw, and what this one adds to that.
    session: cache::Session,
    /// Set if the objects are those of a single file.
    lone: Option<lone::Lone>,
}

/// Which part of a repository is scanned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// All objects, the index and the working tree.
    Everything {
        /// Whether also the files of the working tree that git is told to ignore.
        ignored: bool,
    },
    /// What the next commit would add: the repository's index, or the one that git made for a commit of some paths
    /// (`GIT_INDEX_FILE` in a hook).
    Staged(Option<PathBuf>),
    /// What the commits of a range `A..B` add.
    Range(String),
}

impl GitSource {
    /// Opens the repository that `path` is in, or the pack or bundle that it is.
    ///
    /// # Errors
    /// When there is none, or it may not or cannot be read.
    pub fn open(path: &Path, part: Part) -> Result<Self, Error> {
        if let Some(source) = lone::open(path, &part)? {
            return Ok(source);
        }
        let repository = open::discover(path)?;
        if matches!(part, Part::Staged(_)) && repository.is_bare() {
            return Err(Error::Bare(repository.path().to_owned()));
        }
        Ok(Self::of(repository, part))
    }

    fn of(repository: git2::Repository, part: Part) -> Self {
        Self {
            repository,
            part,
            objects: Vec::new(),
            store: OnceCell::new(),
            past: OnceCell::new(),
            ground: OnceCell::new(),
            nested: OnceCell::new(),
            session: cache::Session::default(),
            lone: None,
        }
    }

    /// Reads objects from these folders too. In a hook of a push git keeps what came in apart and names the folder in its
    /// environment (`GIT_OBJECT_DIRECTORY`); those that are not there are left out.
    ///
    /// # Errors
    /// When the repository's own objects cannot be opened.
    pub fn with_objects(mut self, folders: impl IntoIterator<Item = PathBuf>) -> Result<Self, Error> {
        for folder in folders.into_iter().filter(|folder| folder.is_dir()) {
            let odb = self.repository.odb().map_err(Error::damaged("the folder of objects"))?;
            let path = folder.canonicalize().unwrap_or(folder);
            if let Some(path) = path.to_str() {
                odb.add_disk_alternate(path).map_err(Error::damaged(format!("`{path}`")))?;
            }
            self.objects.push(path);
        }
        Ok(self)
    }

    /// The folder that paths in the report are relative to: the working tree, or the repository itself if it is bare.
    pub fn root(&self) -> &Path {
        self.repository.workdir().unwrap_or_else(|| self.repository.path())
    }

    /// Whether the repository has no working tree.
    pub fn is_bare(&self) -> bool {
        self.repository.is_bare()
    }

    pub(super) fn each_blob<V: Visitor>(
        &self,
        jobs: usize,
        progress: &Progress,
        visitor: &V,
    ) -> Result<Coverage, Error> {
        let visit = |blob: super::Blob<'_>| drop(visitor.blob(&blob, None));
        match &self.part {
            Part::Everything { .. } => self.everything(jobs, progress, visitor),
            Part::Staged(index) => self.staged(index.as_deref(), progress, &visit),
            Part::Range(range) => self.range(range, progress, &visit),
        }
    }

    pub(super) fn origins(
        &self,
        asked: &Asked<'_>,
        jobs: usize,
        coverage: &mut Coverage,
    ) -> Result<Origins, Error> {
        let own: HashSet<Key> =
            asked.keys.iter().filter(|key| !matches!(key, Key::Within(..))).cloned().collect();
        let mut origins = origins::find(self, &Asked { keys: &own, ..*asked }, jobs, coverage)?;
        origins.extend(self.nested_origins(asked, jobs, coverage)?);
        Ok(origins)
    }

    /// Reads the content of a blob again.
    pub(super) fn reread(&self, key: &Key, take: &mut Take<'_>) -> Option<io::Result<()>> {
        match key {
            Key::Object(id) => self.store().reread(id, take),
            Key::Within(path, key) => self.nested(path)?.reread(key, take),
            _ => folder::reread(self.root(), key, take),
        }
    }

    /// Where Git LFS keeps the file of this name that a pointer points to.
    pub(super) fn lfs_object(&self, pointer: &Key, name: &str) -> PathBuf {
        if let Key::Within(path, key) = pointer
            && let Some(source) = self.nested(path)
        {
            return source.lfs_object(key, name);
        }
        let folder = self.repository.commondir().join("lfs/objects");
        folder.join(&name[..2]).join(&name[2..4]).join(name)
    }

    fn store(&self) -> &Store {
        self.store.get_or_init(|| Store::open(&self.folders(), self.hash_len()))
    }

    /// The length of an object's name: 20 bytes of SHA-1 or 32 of SHA-256.
    fn hash_len(&self) -> usize {
        if self.repository.object_format() == git2::ObjectFormat::Sha256 { 32 } else { 20 }
    }

    /// All folders of objects that are not named by one of them.
    fn folders(&self) -> Vec<PathBuf> {
        let own = self.repository.commondir().join("objects");
        std::iter::once(own).chain(self.objects.iter().cloned()).collect()
    }
}
