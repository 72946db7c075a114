//! The commit: its objects first, which nobody sees, then files, index and branch, in an order that a crash does not hurt.
//!
//! Until the branch moves, HEAD holds the value and the working tree holds it no more: whoever commits then commits the
//! redaction. The other way round they would bring the value back. Every state in between is known and can be gone on from.

use super::edit::Editor;
use super::{Contained, Error, File, Left, Manner, Planned, look};
use crate::durable::{self, Mode};
use crate::secret::Secret;
use git2::build::{CheckoutBuilder, TreeUpdateBuilder};
use git2::{Index, IndexEntry, IndexTime, Oid, Repository};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// How many commits are searched for one that an earlier run made.
const BACK: usize = 200;

type Strike<'a> = &'a dyn Fn(&str, &str);

/// A file, what it will be, and what it was in the working tree where that is known.
struct Change<'a> {
    file: &'a File,
    place: PathBuf,
    id: Option<Oid>,
    was: Option<Zeroizing<Vec<u8>>>,
    /// Whether the working tree has the new content already.
    made: bool,
}

/// A repository with what is to be done in it.
struct Work<'a> {
    repo: Repository,
    planned: &'a Planned,
    changes: Vec<Change<'a>>,
}

/// Makes the commit, unless an earlier run has made it.
pub(super) fn make(
    planned: &Planned,
    value: &Secret,
    label: &str,
    strike: Strike<'_>,
) -> Result<Contained, Error> {
    let repo = look::open(&planned.repository)?;
    let mut commits = earlier(&repo, label);
    if !planned.files.is_empty() {
        unlocked(&repo, planned)?;
        let work = Work::look(repo, planned)?;
        strike("contain.objects", "before");
        let commit = work.objects(label)?;
        strike("contain.objects", "after");
        if let Err(first) = work.perform(commit, value, strike) {
            return Err(match work.put_back() {
                Ok(()) => first,
                Err(second) => Error::Stuck { first: Box::new(first), second: Box::new(second) },
            });
        }
        commits.insert(0, commit.to_string());
    }
    Ok(contained(planned, commits))
}

/// Refuses where another git command is at work, before anything is written.
fn unlocked(repo: &Repository, planned: &Planned) -> Result<(), Error> {
    let lock = repo.path().join("index.lock");
    if lock.symlink_metadata().is_err() {
        return Ok(());
    }
    Err(Error::Repository {
        repository: planned.repository.clone(),
        why: format!("another git command is at work: {} is there", lock.display()),
        hint: "wait until it ends; remove the file if no git command is running",
    })
}

/// Puts back what an interrupted run had changed before its commit.
pub(super) fn take_back(planned: &Planned, label: &str) -> Result<Contained, Error> {
    let repo = look::open(&planned.repository)?;
    let commits = earlier(&repo, label);
    if !planned.files.is_empty() {
        unlocked(&repo, planned)?;
        Work::look(repo, planned)?.put_back()?;
    }
    Ok(contained(planned, commits))
}

fn contained(planned: &Planned, commits: Vec<String>) -> Contained {
    Contained {
        repository: planned.repository.display().to_string(),
        branch: planned.branch.clone(),
        manner: planned.manner,
        files: planned.files.iter().map(|file| file.path.clone()).collect(),
        commits,
        left: planned.left.clone(),
        searched: planned.searched,
        unsearched: planned.unsearched,
    }
}

/// What is true of the files after all.
pub(super) fn settle(contained: &mut Contained, after: Planned) {
    (contained.searched, contained.unsearched) = (after.searched, after.unsearched);
    contained.left = after.left;
    contained.left.extend(
        after
            .files
            .into_iter()
            .map(|file| Left { path: file.path, why: "somebody put the value there meanwhile".to_owned() }),
    );
}

/// The commits of this incident, the newest first, and the files in the newest.
pub(super) fn earlier(repo: &Repository, label: &str) -> Vec<String> {
    let mark = format!("Incident: {label}");
    let mut found = Vec::new();
    let mut commit = repo.head().and_then(|head| head.peel_to_commit()).ok();
    for _ in 0..BACK {
        let Some(this) = commit else { break };
        if this.message().is_ok_and(|message| message.lines().any(|line| line == mark)) {
            found.push(this.id().to_string());
        }
        commit = this.parent(0).ok();
    }
    found
}

impl<'a> Work<'a> {
    /// Looks what each file is now: as at HEAD, or as an interrupted run has left it. Nothing else is touched.
    fn look(repo: Repository, planned: &'a Planned) -> Result<Self, Error> {
        let mut work = Self { repo, planned, changes: Vec::new() };
        let index = work.index()?;
        for file in &planned.files {
            let id = match &file.new {
                Some(bytes) => Some(work.repo.blob(bytes).map_err(work.git("write an object"))?),
                None => None,
            };
            let dirty = || Error::Dirty { path: file.path.clone() };
            let staged = index.get_path(Path::new(&file.path), 0).map(|entry| entry.id);
            if staged != Some(file.old) && staged != id {
                return Err(dirty());
            }
            let now = look::in_hand(&work.repo, planned, file)?;
            let made = now.as_ref().map(|(_, now)| *now) == id;
            let is_old = now.as_ref().is_some_and(|(_, now)| *now == file.old);
            if !made && !is_old {
                return Err(dirty());
            }
            let was = now.filter(|_| is_old).map(|(bytes, _)| bytes);
            work.changes.push(Change { file, place: planned.repository.join(&file.path), id, was, made });
        }
        Ok(work)
    }

    fn git(&self, action: &'static str) -> impl FnOnce(git2::Error) -> Error + use<> {
        let repository = self.planned.repository.clone();
        move |source| Error::Git { action, repository, source }
    }

    fn index(&self) -> Result<Index, Error> {
        let mut index = self.repo.index().map_err(self.git("read the index"))?;
        index.read(true).map_err(self.git("read the index"))?;
        Ok(index)
    }

    /// Writes tree and commit; no reference leads to them yet.
    fn objects(&self, label: &str) -> Result<Oid, Error> {
        let failed = "write the commit";
        let head = self.repo.find_commit(self.planned.head).map_err(self.git(failed))?;
        let mut update = TreeUpdateBuilder::new();
        for change in &self.changes {
            match change.id {
                Some(id) => update.upsert(change.file.path.as_str(), id, change.file.mode),
                None => update.remove(change.file.path.as_str()),
            };
        }
        let tree = head.tree().map_err(self.git(failed))?;
        let tree = update.create_updated(&self.repo, &tree).map_err(self.git(failed))?;
        let tree = self.repo.find_tree(tree).map_err(self.git(failed))?;
        let who = self.repo.signature().map_err(self.git(failed))?;
        self.repo.commit(None, &who, &who, &self.message(label), &tree, &[&head]).map_err(self.git(failed))
    }

    fn message(&self, label: &str) -> String {
        let number = self.changes.len();
        let files = if number == 1 { "1 file".to_owned() } else { format!("{number} files") };
        let (head, what) = match self.planned.manner {
            Manner::Redact => ("Redact a leaked credential", format!("{files} held it")),
            Manner::Remove => ("Remove a leaked credential", format!("{files} held it and went")),
        };
        format!(
            "{head}\n\n{what}. The credential was replaced before; earlier commits, clones and forks\nstill hold the old one. Made by unleak.\n\nIncident: {label}\n"
        )
    }

    fn perform(&self, commit: Oid, value: &Secret, strike: Strike<'_>) -> Result<(), Error> {
        for (number, change) in self.changes.iter().enumerate() {
            let point = format!("contain.{}", number + 1);
            strike(&point, "before");
            change.put(value)?;
            strike(&point, "after");
        }
        strike("contain.index", "before");
        self.stage()?;
        strike("contain.index", "after");
        strike("contain.branch", "before");
        let log = "commit: what unleak contained";
        let moved =
            self.repo.reference_matching(&self.planned.reference, commit, true, self.planned.head, log);
        moved.map_err(|error| match error.code() {
            git2::ErrorCode::Modified => Error::Meanwhile { what: format!("branch {}", self.planned.branch) },
            _ => self.git("move the branch")(error),
        })?;
        strike("contain.branch", "after");
        Ok(())
    }

    /// Puts the files as they are into the index, which keeps every other entry. They must be what was meant.
    fn stage(&self) -> Result<(), Error> {
        let mut index = self.index()?;
        for change in &self.changes {
            let path = Path::new(&change.file.path);
            match change.id {
                None if index.get_path(path, 0).is_none() => {}
                None => index.remove_path(path).map_err(self.git("change the index"))?,
                Some(id) => {
                    index.add_path(path).map_err(self.git("change the index"))?;
                    if index.get_path(path, 0).map(|entry| entry.id) != Some(id) {
                        return Err(Error::Filtered { path: change.file.path.clone() });
                    }
                }
            }
        }
        index.write().map_err(self.git("write the index"))
    }

    /// What this run wrote becomes again as HEAD has it, in the working tree and in the index. What somebody saved
    /// meanwhile stays and is told.
    fn put_back(&self) -> Result<(), Error> {
        let mut theirs = None;
        for change in &self.changes {
            durable::clear_abandoned(&change.place)?;
            let now = look::in_hand(&self.repo, self.planned, change.file)?.map(|(_, now)| now);
            if now == change.id {
                self.put_back_one(change)?;
            } else if now != Some(change.file.old) {
                theirs = Some(change.file.path.clone());
            }
        }
        let mut index = self.index()?;
        for change in &self.changes {
            let staged = index.get_path(Path::new(&change.file.path), 0).map(|entry| entry.id);
            if staged == change.id {
                index.add(&change.entry()).map_err(self.git("change the index"))?;
            }
        }
        index.write().map_err(self.git("write the index"))?;
        theirs.map_or(Ok(()), |what| Err(Error::Meanwhile { what }))
    }

    fn put_back_one(&self, change: &Change<'_>) -> Result<(), Error> {
        if let (Some(bytes), true) = (&change.was, change.id.is_some()) {
            return Ok(durable::write_atomic(&change.place, bytes, Mode::Keep)?);
        }
        let mut checkout = CheckoutBuilder::new();
        checkout.force().disable_pathspec_match(true).update_index(false).path(change.file.path.as_str());
        let head = self.repo.find_object(self.planned.head, None);
        head.and_then(|head| self.repo.checkout_tree(&head, Some(&mut checkout)))
            .map_err(self.git("put a file back"))
    }
}

impl Change<'_> {
    /// The index's entry as HEAD has it; what is zero in it makes git look at the file.
    fn entry(&self) -> IndexEntry {
        let time = IndexTime::new(0, 0);
        IndexEntry {
            ctime: time,
            mtime: time,
            dev: 0,
            ino: 0,
            mode: u32::from(self.file.mode),
            uid: 0,
            gid: 0,
            file_size: 0,
            id: self.file.old,
            flags: 0,
            flags_extended: 0,
            path: self.file.path.clone().into_bytes(),
        }
    }

    /// Brings the working tree's file to what the commit will hold, line ends as they are there.
    fn put(&self, value: &Secret) -> Result<(), Error> {
        durable::clear_abandoned(&self.place)?;
        if self.made {
            return Ok(());
        }
        let dirty = || Error::Dirty { path: self.file.path.clone() };
        let failed = |source| Error::File { path: self.place.clone(), source };
        let was = self.was.as_ref().ok_or_else(dirty)?;
        // Whoever saves the file at this moment must not lose what they wrote.
        if Zeroizing::new(std::fs::read(&self.place).map_err(failed)?) != *was {
            return Err(dirty());
        }
        if self.file.new.is_none() {
            return std::fs::remove_file(&self.place).map_err(failed);
        }
        let edited = Editor::new(value).and_then(|editor| editor.edit(was).text).ok_or_else(dirty)?;
        Ok(durable::write_atomic(&self.place, &edited, Mode::Keep)?)
    }
}
