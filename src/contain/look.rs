//! What HEAD holds, and what the user has in hand.

use super::edit::Editor;
use super::{Containment, Error, File, Left, Manner, Planned};
use crate::secret::Secret;
use git2::{AttrCheckFlags, ErrorCode, FileMode, ObjectType, Repository, RepositoryState, Status, Tree};
use std::path::Path;
use zeroize::Zeroizing;

/// A larger file is not edited.
const LARGEST: usize = 64 * 1024 * 1024;

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
pub(super) fn at(wish: &Containment, value: &Secret) -> Result<Planned, Error> {
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
    };
    let Some(editor) = Editor::new(value) else {
        let why = "the value is no text that a file can be searched for".to_owned();
        planned.left = wish.paths.iter().map(|path| Left { path: path.clone(), why: why.clone() }).collect();
        return Ok(planned);
    };
    let mut paths = wish.paths.clone();
    paths.sort_unstable();
    paths.dedup();
    for path in paths {
        match file(&repo, &tree, &planned, wish, &editor, &path) {
            Found::Nothing => {}
            Found::File(file, rest) => {
                if let Some(why) = rest {
                    planned.left.push(Left { path, why });
                }
                planned.files.push(file);
            }
            Found::Left(why) => planned.left.push(Left { path, why }),
        }
    }
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

fn file(
    repo: &Repository,
    tree: &Tree<'_>,
    planned: &Planned,
    wish: &Containment,
    editor: &Editor,
    path: &str,
) -> Found {
    let left = |why: &str| Found::Left(why.to_owned());
    let Ok(entry) = tree.get_path(Path::new(path)) else {
        return if holds_inside(tree, path) && wish.manner == Manner::Redact {
            left("it is inside an archive or a document, which cannot be edited")
        } else if holds_inside(tree, path) {
            left("it is inside an archive or a document: remove that by hand")
        } else {
            Found::Nothing
        };
    };
    let mode = match entry.filemode() {
        0o100_755 => FileMode::BlobExecutable,
        0o100_644 | 0o100_664 => FileMode::Blob,
        _ => return Found::Nothing,
    };
    let Some(blob) = entry.to_object(repo).ok().and_then(|object| object.peel(ObjectType::Blob).ok()) else {
        return left("git cannot read it");
    };
    let Some(bytes) = blob.as_blob().map(git2::Blob::content) else { return Found::Nothing };
    if bytes.len() > LARGEST {
        return left("it is too large to be searched");
    }
    if !editor.is_in(bytes) {
        return Found::Nothing;
    }
    let place = planned.repository.join(path);
    let same = |other: &std::path::PathBuf| match (other.canonicalize(), place.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => *other == place,
    };
    if wish.spared.iter().any(same) {
        return left(
            "it is the target itself: HEAD holds the old value, and the file the new one. Take it out of version control with `git rm --cached`, and do not commit it",
        );
    }
    let flags = AttrCheckFlags::FILE_THEN_INDEX;
    if repo.get_attr(Path::new(path), "filter", flags).is_ok_and(|filter| filter.is_some()) {
        return left("a filter of git stands before it");
    }
    let file = |new| File { path: path.to_owned(), mode, old: blob.id(), new };
    if wish.manner == Manner::Remove {
        return Found::File(file(None), None);
    }
    let edited = editor.edit(bytes);
    let rest = "a part or another form of the value stays in it, which cannot be edited safely; --contain=remove removes the file";
    match edited.text {
        Some(text) => Found::File(file(Some(text)), edited.rest.then(|| rest.to_owned())),
        None => left(
            "the value stands there in a form that cannot be edited safely; --contain=remove removes the file",
        ),
    }
}

/// Whether a file of HEAD holds what the path names inside it.
fn holds_inside(tree: &Tree<'_>, path: &str) -> bool {
    let ends = path.match_indices(['/', '!', ':']).map(|(at, _)| &path[..at]);
    let is_blob =
        |path: &str| tree.get_path(Path::new(path)).is_ok_and(|entry| entry.kind() == Some(ObjectType::Blob));
    ends.filter(|end| !end.is_empty()).any(is_blob)
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
