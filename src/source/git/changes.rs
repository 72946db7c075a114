//! What a commit would add, and what the commits of a range add: only the added lines count, so that nobody has to
//! answer for a secret that was there before.

use super::{GitSource, ObjectId, commit, large, worktree};
use crate::coverage::Coverage;
use crate::source::{Blob, Content, Error, Key, Progress, Visit, content, path};
use git2::{Commit, Delta, Diff, DiffDelta, DiffOptions, FileMode, Index, Oid, Patch, Repository};
use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::Ordering;

/// Blobs of more bytes are compared as a whole: line by line would take too long.
const MAX_COMPARED: usize = 32 << 20;

impl GitSource {
    pub(super) fn staged(
        &self,
        index: Option<&Path>,
        progress: &Progress,
        visit: &Visit<'_>,
    ) -> Result<Coverage, Error> {
        let index = match index {
            Some(file) => self.open_index(file)?,
            None => self.repository.index().map_err(Error::damaged("the index"))?,
        };
        let head = self.head_tree()?;
        let diff = self.repository.diff_tree_to_index(head.as_ref(), Some(&index), Some(&mut options()));
        let diff = diff.map_err(Error::damaged("the tree of HEAD"))?;
        let mut coverage = Coverage::default();
        self.unmerged(&index, head.as_ref(), progress, visit, &mut coverage)?;
        for delta in diff.deltas().filter(adds) {
            let path = path_of(&delta);
            let (old, new) = (delta.old_file().id(), delta.new_file().id());
            if old.is_zero() {
                visit(Blob { key: Key::Staged(path.clone()), content: Content::whole(path.as_bytes()) });
            }
            self.change(Key::Staged(path), &[old], new, progress, visit, &mut coverage)?;
            coverage.files += 1;
        }
        Ok(coverage)
    }

    /// Visits both sides of every conflict: the resolution is not staged yet, but what it is made of is.
    fn unmerged(
        &self,
        index: &Index,
        head: Option<&git2::Tree<'_>>,
        progress: &Progress,
        visit: &Visit<'_>,
        coverage: &mut Coverage,
    ) -> Result<(), Error> {
        for conflict in index.conflicts().map_err(Error::damaged("the index"))? {
            let conflict = conflict.map_err(Error::damaged("the index"))?;
            for side in [conflict.our, conflict.their].into_iter().flatten() {
                let here = worktree::path_of(&side.path);
                let old =
                    head.and_then(|head| head.get_path(&here).ok()).map_or(Oid::ZERO_SHA1, |old| old.id());
                if old != side.id && side.mode & 0o170_000 != 0o160_000 {
                    let key = Key::Staged(path::text(&side.path));
                    self.change(key, &[old], side.id, progress, visit, coverage)?;
                }
            }
            coverage.files += 1;
        }
        Ok(())
    }

    pub(super) fn range(
        &self,
        range: &str,
        progress: &Progress,
        visit: &Visit<'_>,
    ) -> Result<Coverage, Error> {
        let commits = self.commits_of(range)?;
        progress.total.store(commits.len() as u64, Ordering::Relaxed);
        let mut coverage = Coverage::default();
        for id in commits {
            if progress.stopped() {
                break;
            }
            let commit = self.repository.find_commit(id)?;
            self.commit_text(&commit, visit, &mut coverage)?;
            self.added_by(&commit, progress, visit, &mut coverage)?;
            coverage.commits += 1;
            progress.items.fetch_add(1, Ordering::Relaxed);
        }
        Ok(coverage)
    }

    fn commit_text(
        &self,
        commit: &Commit<'_>,
        visit: &Visit<'_>,
        coverage: &mut Coverage,
    ) -> Result<(), Error> {
        let odb = self.repository.odb()?;
        let object = odb.read(commit.id())?;
        let (header, message) = object.data().split_at(commit::message_start(object.data()));
        for part in [header, message] {
            visit(Blob { key: Key::Commit(commit.id().into()), content: Content::whole(part) });
        }
        coverage.bytes += object.len() as u64;
        coverage.objects += 1;
        Ok(())
    }

    /// Visits what a commit has that none of its parents has.
    fn added_by(
        &self,
        commit: &Commit<'_>,
        progress: &Progress,
        visit: &Visit<'_>,
        coverage: &mut Coverage,
    ) -> Result<(), Error> {
        let tree = commit.tree()?;
        let mut changes: HashMap<String, (Vec<Oid>, Oid)> = HashMap::new();
        for parent in parents_of(commit, coverage) {
            let parent = parent?;
            let diff =
                self.repository.diff_tree_to_tree(parent.as_ref(), Some(&tree), Some(&mut options()))?;
            collect(&diff, &mut changes);
        }
        let parents = commit.parent_count().max(1);
        // Content that any parent has under this path is not this commit's.
        changes.retain(|_, (old, _)| old.len() == parents);
        let mut changes: Vec<_> = changes.into_iter().collect();
        changes.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        for (path, (old, new)) in changes {
            let key = Key::Change(ObjectId::from(commit.id()), path.clone());
            if old.iter().all(Oid::is_zero) {
                visit(Blob { key: key.clone(), content: Content::whole(path.as_bytes()) });
            }
            self.change(key, &old, new, progress, visit, coverage)?;
        }
        Ok(())
    }

    /// Visits one blob with the lines that none of the `old` ones has.
    fn change(
        &self,
        key: Key,
        old: &[Oid],
        new: Oid,
        progress: &Progress,
        visit: &Visit<'_>,
        coverage: &mut Coverage,
    ) -> Result<(), Error> {
        let odb = self.repository.odb()?;
        let object = match odb.read_header(new) {
            Ok((size, _)) if size > MAX_COMPARED && self.large(&key, new, progress, visit, coverage) => {
                return Ok(());
            }
            Ok(_) => odb.read(new),
            Err(error) => Err(error),
        };
        let object = match object {
            Ok(object) => object,
            Err(error) => {
                let what = match &key {
                    Key::Staged(path) | Key::Change(_, path) => format!("{path} (object {new})"),
                    _ => format!("object {new}"),
                };
                coverage.skip(what, format!("cannot be read: {}", error.message()));
                return Ok(());
            }
        };
        let bytes = object.data();
        let fresh = old.iter().try_fold(None, |fresh: Option<Vec<Range<usize>>>, old| {
            let added = added_lines(&self.repository, *old, bytes)?;
            Some(Some(match fresh {
                None => added,
                Some(fresh) => intersect(&fresh, &added),
            }))
        });
        let content = match fresh.flatten() {
            Some(fresh) => Content::only(bytes, fresh),
            None => Content::whole(bytes),
        };
        visit(Blob { key, content });
        coverage.objects += 1;
        coverage.bytes += bytes.len() as u64;
        progress.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }
}

impl GitSource {
    /// Visits a blob that is too large to hold, in windows. False where only git's own library can read it.
    fn large(
        &self,
        key: &Key,
        id: Oid,
        progress: &Progress,
        visit: &Visit<'_>,
        coverage: &mut Coverage,
    ) -> bool {
        let mut seen = 0;
        let read = large::read(&self.folders(), id, &mut |reader| {
            content::each_window(reader, &mut |content| {
                visit(Blob { key: key.clone(), content });
                !progress.stopped()
            })
            .map(|read| seen = read)
        });
        let Some(read) = read else { return false };
        match read {
            Ok(size) if seen == size || progress.stopped() => {}
            Ok(_) => {
                coverage.skip(format!("object {id}"), "cannot be read: it has another size than it says");
            }
            Err(error) => coverage.skip(format!("object {id}"), format!("cannot be read: {error}")),
        }
        coverage.objects += 1;
        coverage.bytes += seen;
        progress.bytes.fetch_add(seen, Ordering::Relaxed);
        true
    }
}

fn options() -> DiffOptions {
    let mut options = DiffOptions::new();
    options.context_lines(0).force_text(true).ignore_submodules(true).include_typechange(true);
    options
}

/// The trees of a commit's parents; nothing for a first commit. A parent beyond a shallow boundary is noted.
fn parents_of<'r>(
    commit: &Commit<'r>,
    coverage: &mut Coverage,
) -> Vec<Result<Option<git2::Tree<'r>>, git2::Error>> {
    if commit.parent_count() == 0 {
        return vec![Ok(None)];
    }
    let parents = (0..commit.parent_count()).map(|number| match commit.parent(number) {
        Ok(parent) => parent.tree().map(Some),
        Err(_) => {
            coverage.skip(
                format!("the parent of commit {}", commit.id()),
                "is missing; the clone may be shallow",
            );
            Ok(None)
        }
    });
    parents.collect()
}

fn adds(delta: &DiffDelta<'_>) -> bool {
    !matches!(delta.status(), Delta::Deleted | Delta::Unmodified | Delta::Conflicted)
        && !matches!(delta.new_file().mode(), FileMode::Commit | FileMode::Tree)
        && delta.new_file().id() != delta.old_file().id()
}

fn collect(diff: &Diff<'_>, changes: &mut HashMap<String, (Vec<Oid>, Oid)>) {
    for delta in diff.deltas().filter(adds) {
        let new = delta.new_file().id();
        changes.entry(path_of(&delta)).or_insert_with(|| (Vec::new(), new)).0.push(delta.old_file().id());
    }
}

fn path_of(delta: &DiffDelta<'_>) -> String {
    path::text(delta.new_file().path_bytes().unwrap_or_default())
}

/// The lines of `new` that the blob `old` does not have, as ranges of bytes; `None` where that cannot be told.
fn added_lines(repository: &Repository, old: Oid, new: &[u8]) -> Option<Vec<Range<usize>>> {
    if old.is_zero() || new.len() > MAX_COMPARED {
        return None;
    }
    let old = repository.find_blob(old).ok().filter(|old| old.size() <= MAX_COMPARED)?;
    let patch = Patch::from_buffers(old.content(), None, new, None, Some(&mut options())).ok()?;
    let mut starts = vec![0];
    starts.extend(new.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1));
    let line = |number: usize| starts.get(number).copied().unwrap_or(new.len());
    let mut added = Vec::new();
    for hunk in 0..patch.num_hunks() {
        let (hunk, _) = patch.hunk(hunk).ok()?;
        let first = (hunk.new_start() as usize).saturating_sub(1);
        let range = line(first)..line(first + hunk.new_lines() as usize);
        added.push(range);
    }
    added.retain(|range| !range.is_empty());
    Some(added)
}

/// The bytes that are in both of two ordered lists of ranges.
fn intersect(a: &[Range<usize>], b: &[Range<usize>]) -> Vec<Range<usize>> {
    let both = a.iter().flat_map(|a| b.iter().map(move |b| a.start.max(b.start)..a.end.min(b.end)));
    both.filter(|range| !range.is_empty()).collect()
}
