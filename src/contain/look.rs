//! What HEAD holds, and what the user has in hand.

use super::edit::Editor;
use super::{Containment, Error, File, Left, Manner, Planned};
use crate::secret::Secret;
use git2::{
    AttrCheckFlags, ErrorCode, FileMode, ObjectType, Repository, RepositoryState, Status, Tree, TreeWalkMode,
    TreeWalkResult,
};
use std::collections::BTreeSet;
use std::path::Path;
use zeroize::Zeroizing;

/// A larger file is not edited.
const LARGEST: usize = 64 * 1024 * 1024;
/// No more is read of HEAD than that in all.
const MOST: usize = 8 * 1024 * 1024 * 1024;

/// Opens the repository that the path is in.
pub(super) fn open(place: &Path) -> Result<Repository, Error> {
    let why = |error: git2::Error| Error::Repository {
        repository: place.to_owned(),
        why: match error.code() {
            ErrorCode::NotFound => "there is none".to_owned(),
            ErrorCode::Owner => "it belongs to somebody else".to_owned(),
            _ => error.message().to_owned(),
        },
        hint: "name it with --repo, or leave out --contain",
    };
    Repository::discover(place).map_err(why)
}

/// Finds every file that holds the value at HEAD, and what it would become.
///
/// `label` names the incident: what its own commits changed was looked at before them.
pub(super) fn at(wish: &Containment, value: &Secret, label: Option<&str>) -> Result<Planned, Error> {
    let repo = open(&wish.repository)?;
    let git = |action| {
        let repository = wish.repository.clone();
        move |source| Error::Git { action, repository, source }
    };
    let root = able(&repo, &wish.repository)?;
    let head = repo.head().map_err(git("find HEAD"))?;
    let branch = head.shorthand().unwrap_or("HEAD").to_owned();
    let reference = head.name().unwrap_or("HEAD").to_owned();
    let commit = head.peel_to_commit().map_err(git("read HEAD"))?;
    let tree = commit.tree().map_err(git("read HEAD"))?;
    let unsigned =
        repo.config().and_then(|mut config| config.snapshot()?.get_bool("commit.gpgsign")).unwrap_or(false);
    let mut planned = Planned {
        repository: root,
        branch,
        reference,
        head: commit.id(),
        manner: wish.manner,
        files: Vec::new(),
        left: Vec::new(),
        unsigned,
        searched: 0,
        unsearched: 0,
    };
    let Some(editor) = Editor::new(value) else {
        let why = "the value is no text that a file can be searched for".to_owned();
        planned.left = wish.paths.iter().map(|path| Left { path: path.clone(), why: why.clone() }).collect();
        return Ok(planned);
    };
    let found: BTreeSet<_> = wish.paths.iter().cloned().collect();
    let base = label.and_then(|label| before(&repo, label)).and_then(|base| base.tree().ok());
    let plain = everywhere(&repo, &tree, &editor, &mut planned)?;
    let look = Look { repo: &repo, tree: &tree, base: base.as_ref(), wish, editor: &editor };
    for path in found.union(&plain) {
        match look.file(&planned, path, found.contains(path)) {
            Found::Nothing => {}
            Found::File(file, rest) => {
                planned.left.extend(rest.map(|why| Left { path: path.clone(), why }));
                planned.files.push(file);
            }
            Found::Left(why) => planned.left.push(Left { path: path.clone(), why }),
        }
    }
    planned.files.sort_by(|a, b| a.path.cmp(&b.path));
    planned.files.dedup_by(|a, b| a.path == b.path);
    Ok(planned)
}

/// The root of the working tree, where a commit can be made.
fn able(repo: &Repository, place: &Path) -> Result<std::path::PathBuf, Error> {
    let refuse =
        |why: &str, hint| Err(Error::Repository { repository: place.to_owned(), why: why.to_owned(), hint });
    let Some(root) = repo.workdir().filter(|_| !repo.is_bare()) else {
        return refuse(
            "it has no working tree",
            "name a clone that has one with --repo, or leave out --contain",
        );
    };
    if repo.state() != RepositoryState::Clean {
        return refuse("a merge, rebase or the like is under way", "finish it first, or leave out --contain");
    }
    if repo.head_detached().unwrap_or(true) {
        return refuse("no branch is checked out", "check out the branch that should get the commit");
    }
    if repo.head().is_err() {
        return refuse("its branch has no commit", "leave out --contain");
    }
    if repo.signature().is_err() {
        return refuse(
            "git does not know whose commit it would be",
            "set user.name and user.email with `git config`",
        );
    }
    Ok(root.to_owned())
}

enum Found {
    /// HEAD does not hold the value there.
    Nothing,
    /// It can be taken out; and why some of it stays.
    File(File, Option<String>),
    /// It stays.
    Left(String),
}

/// What a file is looked at with.
struct Look<'a> {
    repo: &'a Repository,
    tree: &'a Tree<'a>,
    /// HEAD as it was before this incident's commits; `None` where there are none.
    base: Option<&'a Tree<'a>>,
    wish: &'a Containment,
    editor: &'a Editor,
}

impl Look<'_> {
    /// `found`: whether the scan found the value there, and not only we.
    fn file(&self, planned: &Planned, path: &str, found: bool) -> Found {
        let left = |why: &str| Found::Left(why.to_owned());
        let Ok(entry) = self.tree.get_path(Path::new(path)) else {
            return match outer(self.tree, path) {
                None => Found::Nothing,
                Some(_) if self.wish.manner == Manner::Redact => {
                    left("it is inside an archive or a document, which cannot be edited")
                }
                Some(outer) => self.file(planned, outer, true),
            };
        };
        let mode = match entry.filemode() {
            0o100_755 => FileMode::BlobExecutable,
            0o100_644 | 0o100_664 => FileMode::Blob,
            0o120_000 => return left("it is a symbolic link: take it out by hand"),
            _ => return Found::Nothing,
        };
        let Some(blob) =
            entry.to_object(self.repo).ok().and_then(|object| object.peel(ObjectType::Blob).ok())
        else {
            return left("git cannot read it");
        };
        let Some(bytes) = blob.as_blob().map(git2::Blob::content) else { return Found::Nothing };
        if bytes.len() > LARGEST {
            return left("it is too large to be searched");
        }
        let hidden = !self.editor.is_in(bytes);
        if hidden && !(found && self.is_unchanged(path, blob.id())) {
            return Found::Nothing;
        }
        if let Some(why) = self.kept(planned, path) {
            return left(why);
        }
        let file = |new, count| File { path: path.to_owned(), mode, old: blob.id(), new, count };
        if !found && !self.editor.is_telling() {
            return left(
                "the scan found nothing there, but it holds the same short word: look whether it is the value",
            );
        }
        if self.wish.manner == Manner::Remove {
            return Found::File(file(None, 0), None);
        }
        if hidden {
            return left(
                "the scan found the value there in an archive or an encoding, which cannot be edited; --contain=remove removes the file",
            );
        }
        let edited = self.editor.edit(bytes);
        let Some(text) = edited.text else {
            return left(
                "the value stands there in a form or inside another word, which cannot be edited safely; --contain=remove removes the file",
            );
        };
        let file = file(Some(text), edited.count);
        if self.editor.has_lines() && self.has_other_lines(planned, &file, bytes) {
            return left(
                "the value has several lines, and the working tree has other line ends than HEAD; --contain=remove removes the file",
            );
        }
        let rest = "a part or another form of the value stays in it, which cannot be edited safely; --contain=remove removes the file";
        Found::File(file, edited.rest.then(|| rest.to_owned()))
    }

    /// Why a file stays whatever it holds.
    fn kept(&self, planned: &Planned, path: &str) -> Option<&'static str> {
        let place = planned.repository.join(path);
        let same = |other: &std::path::PathBuf| match (other.canonicalize(), place.canonicalize()) {
            (Ok(one), Ok(other)) => one == other,
            _ => *other == place,
        };
        if self.wish.spared.iter().any(same) {
            return Some(
                "it is the target itself: HEAD holds the old value, and the file the new one. Take it out of version control with `git rm --cached`, and do not commit it",
            );
        }
        let filter = self.repo.get_attr(Path::new(path), "filter", AttrCheckFlags::FILE_THEN_INDEX);
        filter.is_ok_and(|filter| filter.is_some()).then_some("a filter of git stands before it")
    }

    /// Whether it is as it was when the scan found the value in it.
    fn is_unchanged(&self, path: &str, now: git2::Oid) -> bool {
        self.base.is_none_or(|base| base.get_path(Path::new(path)).is_ok_and(|entry| entry.id() == now))
    }

    /// Whether the working tree holds the same text, before or after, with other bytes.
    fn has_other_lines(&self, planned: &Planned, file: &File, old: &[u8]) -> bool {
        let Ok(Some((bytes, id))) = in_hand(self.repo, planned, file) else { return false };
        let new = file.new.as_ref().map(|new| new.as_slice()).unwrap_or_default();
        let is_known = id == file.old || self.repo.blob(new).is_ok_and(|new| new == id);
        is_known && bytes.as_slice() != old && bytes.as_slice() != new
    }
}

/// The commit that this incident's own stand on; `None` where there are none.
fn before<'a>(repo: &'a Repository, label: &str) -> Option<git2::Commit<'a>> {
    let first = super::commit::earlier(repo, label).pop()?;
    repo.find_commit(git2::Oid::from_str(&first).ok()?).ok()?.parent(0).ok()
}

/// Every file of HEAD that holds the value plainly, whether a rule knows it there or not.
fn everywhere(
    repo: &Repository,
    tree: &Tree<'_>,
    editor: &Editor,
    planned: &mut Planned,
) -> Result<BTreeSet<String>, Error> {
    let git = |source| Error::Git {
        action: "search the files of HEAD",
        repository: planned.repository.clone(),
        source,
    };
    let odb = repo.odb().map_err(git)?;
    let (mut holding, mut searched, mut unsearched, mut read) = (BTreeSet::new(), 0, 0, 0);
    let walked = tree.walk(TreeWalkMode::PreOrder, |folder, entry| {
        if entry.kind() != Some(ObjectType::Blob) {
            return TreeWalkResult::Ok;
        }
        let size = odb.read_header(entry.id()).map_or(usize::MAX, |(size, _)| size);
        if size > LARGEST || read + size > MOST {
            unsearched += 1;
            return TreeWalkResult::Ok;
        }
        read += size;
        match (odb.read(entry.id()), entry.name()) {
            (Ok(object), Ok(name)) => {
                searched += 1;
                if editor.is_plainly_in(object.data()) {
                    holding.insert(format!("{folder}{name}"));
                }
            }
            _ => unsearched += 1,
        }
        TreeWalkResult::Ok
    });
    walked.map_err(git)?;
    (planned.searched, planned.unsearched) = (searched, unsearched);
    Ok(holding)
}

/// The file of HEAD that holds what the path names inside it.
fn outer<'a>(tree: &Tree<'_>, path: &'a str) -> Option<&'a str> {
    let mut ends = path.match_indices(['/', '!', ':']).map(|(at, _)| &path[..at]);
    let is_blob =
        |path: &str| tree.get_path(Path::new(path)).is_ok_and(|entry| entry.kind() == Some(ObjectType::Blob));
    ends.find(|end| !end.is_empty() && is_blob(end))
}

/// Refuses where the user has something in hand that the commit would mix with.
pub(super) fn untouched(planned: &Planned) -> Result<(), Error> {
    let repo = open(&planned.repository)?;
    for file in &planned.files {
        let status = repo.status_file(Path::new(&file.path)).unwrap_or(Status::WT_DELETED);
        if status != Status::CURRENT {
            return Err(Error::Dirty { path: file.path.clone() });
        }
    }
    Ok(())
}

/// The bytes of a file, and git's name for what it would store of them.
type InHand = (Zeroizing<Vec<u8>>, git2::Oid);

/// What the working tree holds of a file now, and git's name for it; `None` where there is none.
pub(super) fn in_hand(repo: &Repository, planned: &Planned, file: &File) -> Result<Option<InHand>, Error> {
    let place = planned.repository.join(&file.path);
    match std::fs::symlink_metadata(&place) {
        Ok(meta) if !meta.is_file() => return Err(Error::Meanwhile { what: file.path.clone() }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::File { path: place, source }),
        Ok(_) => {}
    }
    let bytes = std::fs::read(&place).map_err(|source| Error::File { path: place.clone(), source })?;
    let bytes = Zeroizing::new(bytes);
    let id = repo.blob_path(&place).map_err(|source| Error::Git {
        action: "read a file of the working tree",
        repository: planned.repository.clone(),
        source,
    })?;
    Ok(Some((bytes, id)))
}
