//! Origins of found blobs in a repository: from history where a commit has them, from the index where not, and
//! otherwise said to be reached from nowhere.

use super::attribution::{Budget, Introduction, Leads};
use super::graph::{Graph, Reach};
use super::history::Past;
use super::store::Store;
use super::{GitSource, HASH_LEN, ObjectId, commit};
use crate::coverage::Coverage;
use crate::finding::Place;
use crate::source::path;
use crate::source::{CommitInfo, Error, Key, Origin, Origins};
use std::collections::{HashMap, HashSet};

/// Finds where the blobs of `keys` stand.
pub(super) fn find(
    source: &GitSource,
    keys: &HashSet<Key>,
    jobs: usize,
    coverage: &mut Coverage,
) -> Result<Origins, Error> {
    let blobs: HashSet<ObjectId> =
        keys.iter().filter_map(|key| if let Key::Object(id) = key { Some(*id) } else { None }).collect();
    let mut origins: Origins =
        if blobs.is_empty() { HashMap::new() } else { of_blobs(source, &blobs, jobs, coverage)? };
    for key in keys {
        let origin = match key {
            Key::Object(_) => continue,
            Key::Commit(id) => text(source, id, Place::Message),
            Key::Tag(id) => text(source, id, Place::Tag),
            Key::Change(id, path) => {
                let mut origin = text(source, id, Place::History);
                if source.repository.find_commit(oid(id)).is_ok_and(|commit| commit.parent_count() > 1) {
                    origin.place = Place::Merge;
                }
                origin.path = Some(path.clone());
                origin
            }
            Key::Staged(_) | Key::File(_) | Key::Stdin => crate::source::on_disk(key),
        };
        origins.insert(key.clone(), vec![origin]);
    }
    Ok(origins)
}

fn oid(id: &ObjectId) -> git2::Oid {
    git2::Oid::from_bytes(id.as_bytes()).unwrap_or(git2::Oid::ZERO_SHA1)
}

/// The origin of a commit's or tag's own text.
fn text(source: &GitSource, id: &ObjectId, place: Place) -> Origin {
    let name: &[u8] = if place == Place::Tag { b"tagger" } else { b"author" };
    Origin { place, path: None, commit: info(source, id, name, 0), at_head: false }
}

fn info(source: &GitSource, id: &ObjectId, name: &[u8], order: u32) -> Option<CommitInfo> {
    let odb = source.repository.odb().ok()?;
    let object = odb.read(oid(id)).ok()?;
    Some(commit::info(id, object.data(), name, order))
}

fn of_blobs(
    source: &GitSource,
    blobs: &HashSet<ObjectId>,
    jobs: usize,
    coverage: &mut Coverage,
) -> Result<Origins, Error> {
    let store = source.store();
    // A scan that was stopped has not seen all; then they are read now.
    let past = source.past.get_or_init(|| Past::read(store, HASH_LEN, jobs));
    let graph = Graph::new(&past.commits, &tips(source, store)?);
    let known: HashMap<u32, ObjectId> =
        blobs.iter().filter_map(|blob| Some((number(store, blob)?, *blob))).collect();
    let leads = Leads::find(store, past, HASH_LEN, &known.keys().copied().collect(), jobs);
    let mut budget = Budget::default();
    let at_head = head_tree(source).and_then(|tree| number(store, &tree));
    let at_head = at_head.map(|tree| leads.paths(tree, &mut budget)).unwrap_or_default();
    let mut gathered = Gathered {
        source,
        graph: &graph,
        known: &known,
        at_head,
        placed: HashSet::new(),
        origins: Origins::new(),
    };
    for reach in Reach::ALL {
        let found = leads.introductions(&graph, reach, &mut budget);
        gathered.introduced(found, reach);
        if reach == Reach::References {
            gathered.in_index()?;
        }
    }
    let in_conflict = conflict_tree(source).and_then(|tree| number(store, &tree));
    let in_conflict = in_conflict.map(|tree| leads.paths(tree, &mut budget)).unwrap_or_default();
    if budget.is_spent() {
        coverage.skip("some places of the findings", "are not told: the history names them in too many ways");
    }
    let Gathered { placed, mut origins, .. } = gathered;
    for blob in blobs.difference(&placed) {
        let blob_number = number(store, blob);
        let path = in_conflict.iter().filter(|(_, found)| Some(*found) == blob_number).map(|(path, _)| path);
        let path = path.min().map(|path| path::text(path));
        let nowhere = Origin { place: Place::Unreachable, path, commit: None, at_head: false };
        origins.insert(Key::Object(*blob), vec![nowhere]);
    }
    Ok(origins)
}

fn number(store: &Store, id: &ObjectId) -> Option<u32> {
    store.position(id.as_bytes()).and_then(|position| u32::try_from(position).ok())
}

/// The origins of blobs as they are gathered.
struct Gathered<'g> {
    source: &'g GitSource,
    graph: &'g Graph,
    known: &'g HashMap<u32, ObjectId>,
    /// The paths that the commit at HEAD has.
    at_head: HashSet<(Vec<u8>, u32)>,
    placed: HashSet<ObjectId>,
    origins: Origins,
}

impl Gathered<'_> {
    /// Adds what commits brought in. Of a path that several commits brought the same blob to, the first is told.
    fn introduced(&mut self, mut found: Vec<Introduction>, reach: Reach) {
        // A blob that a better reason reaches is not also told of as dropped.
        found.retain(|found| self.known.get(&found.blob).is_some_and(|blob| !self.placed.contains(blob)));
        let mut seen = HashSet::new();
        for introduction in &found {
            let blob = self.known[&introduction.blob];
            self.placed.insert(blob);
            if seen.insert((introduction.blob, &introduction.path)) {
                let origin = self.in_commit(introduction, reach);
                self.origins.entry(Key::Object(blob)).or_default().push(origin);
            }
        }
    }

    fn in_commit(&self, found: &Introduction, reach: Reach) -> Origin {
        let commit = &self.graph.commits[found.commit as usize];
        let place = match reach {
            Reach::References if commit.is_merge => Place::Merge,
            Reach::References => Place::History,
            Reach::Notes => Place::Note,
            Reach::Stash => Place::Stash,
            Reach::Nothing => Place::Unreachable,
        };
        let id = self.source.store().id(commit.position as usize);
        let at_head = self.at_head.contains(&(found.path.clone(), found.blob));
        let path = Some(path::text(&found.path));
        Origin { place, path, commit: info(self.source, &id, b"author", found.commit), at_head }
    }

    /// Adds the paths of the index that HEAD does not have.
    fn in_index(&mut self) -> Result<(), Error> {
        if self.source.repository.is_bare() {
            return Ok(());
        }
        let store = self.source.store();
        for entry in self.source.repository.index()?.iter() {
            let id = ObjectId::from(entry.id);
            let Some(blob) = number(store, &id).filter(|blob| self.known.contains_key(blob)) else {
                continue;
            };
            if !self.at_head.contains(&(entry.path.clone(), blob)) {
                self.placed.insert(id);
                let path = Some(path::text(&entry.path));
                let origin = Origin { place: Place::Index, path, commit: None, at_head: false };
                self.origins.entry(Key::Object(id)).or_default().push(origin);
            }
        }
        Ok(())
    }
}

fn head_tree(source: &GitSource) -> Option<ObjectId> {
    Some(source.repository.head().ok()?.peel_to_tree().ok()?.id().into())
}

/// What a merge with conflicts wrote to the working tree; git keeps it under this name until the merge ends.
fn conflict_tree(source: &GitSource) -> Option<ObjectId> {
    Some(source.repository.find_reference("AUTO_MERGE").ok()?.target()?.into())
}

/// The commits that references name, each with the reason for which they are kept.
fn tips(source: &GitSource, store: &Store) -> Result<Vec<(u32, Reach)>, Error> {
    let mut tips: Vec<(ObjectId, Reach)> = Vec::new();
    if let Ok(head) = source.repository.head().and_then(|head| head.peel_to_commit()) {
        tips.push((head.id().into(), Reach::References));
    }
    for reference in source.repository.references()? {
        let Ok(reference) = reference else { continue };
        let reach = match reference.name_bytes() {
            name if name.starts_with(b"refs/notes/") => Reach::Notes,
            b"refs/stash" => Reach::Stash,
            _ => Reach::References,
        };
        if let Ok(commit) = reference.peel_to_commit() {
            tips.push((commit.id().into(), reach));
        }
    }
    // Older stash entries are in the stash's log only.
    if let Ok(log) = source.repository.reflog("refs/stash") {
        tips.extend(log.iter().map(|entry| (entry.id_new().into(), Reach::Stash)));
    }
    Ok(tips.into_iter().filter_map(|(id, reach)| Some((number(store, &id)?, reach))).collect())
}
