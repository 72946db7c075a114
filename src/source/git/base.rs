//! The commit that a scan stands on. What steers a scan is read from there: who changes the checked-out tree or the
//! commits of a range must not be the one who says which of their secrets count.

use super::range::is_zero;
use super::{GitSource, Part};
use crate::source::Error;
use git2::{ErrorCode, ObjectType, Tree};
use std::path::Path;

/// The files of the commit that a scan stands on.
pub struct Base<'r> {
    /// The commit as it was named.
    pub name: String,
    /// Whether a file of the working tree may stand in for one that the commit lacks.
    pub or_working_tree: bool,
    repository: &'r git2::Repository,
    /// None before the first commit: then nothing stands anywhere.
    tree: Option<Tree<'r>>,
}

/// What stands under a path.
pub enum Entry {
    /// A file's bytes.
    File(Vec<u8>),
    /// The names in a folder.
    Folder(Vec<String>),
    /// A link, a submodule, or an object that is missing or too large.
    Other,
}

impl GitSource {
    /// The commit that the scan stands on: the start of a range, HEAD for what is staged and in a bare repository.
    /// `None` where that is the working tree.
    ///
    /// # Errors
    /// When the commit that was named is none, or cannot be read.
    pub fn base(&self) -> Result<Option<Base<'_>>, Error> {
        let bare = self.repository.is_bare();
        match &self.part {
            Part::Range(range) => {
                let (name, _) = range.split_once("..").ok_or_else(|| Error::BadRange(range.clone()))?;
                if is_zero(name) {
                    // A new branch. Where nobody commits, HEAD is what was there before; elsewhere it may be the branch.
                    let head = self.head_tree()?.filter(|_| bare);
                    return Ok(Some(self.base_of("HEAD", head, false)));
                }
                let name = if name.is_empty() { "HEAD" } else { name };
                let commit = self.commit(name)?;
                let tree = commit.tree().map_err(Error::damaged(format!("the tree of `{name}`")))?;
                Ok(Some(self.base_of(name, Some(tree), false)))
            }
            Part::Everything { .. } if !bare => Ok(None),
            // Without what it configures more is told of, not less: a damaged HEAD must not stop the scan of the rest.
            Part::Everything { .. } => {
                Ok(Some(self.base_of("HEAD", self.head_tree().unwrap_or(None), false)))
            }
            Part::Staged(_) => Ok(Some(self.base_of("HEAD", self.head_tree()?, true))),
        }
    }

    /// The tree of HEAD; `None` before the first commit.
    pub(super) fn head_tree(&self) -> Result<Option<Tree<'_>>, Error> {
        match self.repository.head().and_then(|head| head.peel_to_tree()) {
            Ok(tree) => Ok(Some(tree)),
            Err(error) if matches!(error.code(), ErrorCode::UnbornBranch) => Ok(None),
            Err(error) => Err(Error::damaged("HEAD")(error)),
        }
    }

    fn base_of<'r>(&'r self, name: &str, tree: Option<Tree<'r>>, or_working_tree: bool) -> Base<'r> {
        Base { name: name.to_owned(), or_working_tree, repository: &self.repository, tree }
    }
}

impl Base<'_> {
    /// What stands under a path, files of at most `most` bytes; `None` when there is nothing.
    ///
    /// # Errors
    /// When the trees on the way cannot be read.
    pub fn entry(&self, path: &Path, most: usize) -> Result<Option<Entry>, Error> {
        let Some(tree) = &self.tree else { return Ok(None) };
        let entry = match tree.get_path(path) {
            Ok(entry) => entry,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
            Err(error) => return Err(Error::damaged(format!("the tree of `{}`", self.name))(error)),
        };
        let names = |tree: &Tree<'_>| {
            tree.iter().filter_map(|entry| entry.name().ok().map(ToOwned::to_owned)).collect()
        };
        Ok(Some(match entry.kind() {
            Some(ObjectType::Tree) => match self.repository.find_tree(entry.id()) {
                Ok(tree) => Entry::Folder(names(&tree)),
                Err(error) => return Err(Error::damaged(format!("`{}`", path.display()))(error)),
            },
            Some(ObjectType::Blob) if entry.filemode() != 0o120_000 => self.file(entry.id(), most),
            _ => Entry::Other,
        }))
    }

    fn file(&self, id: git2::Oid, most: usize) -> Entry {
        let header = self.repository.odb().and_then(|odb| odb.read_header(id));
        match header {
            Ok((size, ObjectType::Blob)) if size <= most => self
                .repository
                .find_blob(id)
                .map_or(Entry::Other, |blob| Entry::File(blob.content().to_owned())),
            _ => Entry::Other,
        }
    }
}
