//! Origins of found blobs in a repository: from history where a commit has them, from the index where not, and
//! otherwise said to be reached from nowhere.

use super::attribution::{self, Introduction, Leads};
use super::graph::{Graph, Reach};
use super::{GitSource, HASH_LEN, ObjectId, commit};
use crate::finding::Place;
use crate::source::{CommitInfo, Error, Key, Origin, Origins, Progress};
use std::collections::{HashMap, HashSet};

/// Finds where the blobs of `keys` stand.
pub(super) fn find(
    source: &GitSource,
    keys: &HashSet<Key>,
    jobs: usize,
    _progress: &Progress,
) -> Result<Origins, Error> {
    let blobs: HashSet<ObjectId> =
        keys.iter().filter_map(|key| if let Key::Object(id) = key { Some(*id) } else { None }).collect();
    let mut origins: Origins =
        if blobs.is_empty() { HashMap::new() } else { of_blobs(source, &blobs, jobs)? };
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

fn of_blobs(source: &GitSource, blobs: &HashSet<ObjectId>, jobs: usize) -> Result<Origins, Error> {
    let store = source.store();
    let graph = Graph::new(attribution::commits(store, jobs), &tips(source)?);
    let leads = Leads::find(store, HASH_LEN, blobs, jobs);
    let at_head = head_tree(source).map(|tree| leads.paths(tree)).unwrap_or_default();
    let mut origins = Origins::new();
    let mut placed: HashSet<ObjectId> = HashSet::new();
    for reach in Reach::ALL {
        let mut found = Vec::new();
        leads.introductions(&graph, reach, &mut found);
        // A blob that a better reason reaches is not also told of as dropped.
        found.retain(|introduction: &Introduction| !placed.contains(&introduction.blob));
        placed.extend(found.iter().map(|introduction| introduction.blob));
        let mut seen = HashSet::new();
        for introduction in found {
            if !seen.insert((introduction.blob, introduction.path.clone())) {
                continue;
            }
            let at_head = at_head.contains(&(introduction.path.clone(), introduction.blob));
            let origin = in_commit(source, &graph, &introduction, reach, at_head);
            origins.entry(Key::Object(introduction.blob)).or_default().push(origin);
        }
        if reach == Reach::References {
            in_index(source, blobs, &at_head, &mut placed, &mut origins)?;
        }
    }
    let in_conflict = conflict_tree(source).map(|tree| leads.paths(tree)).unwrap_or_default();
    for blob in blobs.difference(&placed) {
        let path = in_conflict.iter().filter(|(_, id)| id == blob).map(|(path, _)| path.clone()).min();
        let nowhere = Origin { place: Place::Unreachable, path, commit: None, at_head: false };
        origins.insert(Key::Object(*blob), vec![nowhere]);
    }
    Ok(origins)
}

fn in_commit(source: &GitSource, graph: &Graph, found: &Introduction, reach: Reach, at_head: bool) -> Origin {
    let commit = &graph.commits[found.commit as usize];
    let place = match reach {
        Reach::References if commit.parent_count > 1 => Place::Merge,
        Reach::References => Place::History,
        Reach::Notes => Place::Note,
        Reach::Stash => Place::Stash,
        Reach::Nothing => Place::Unreachable,
    };
    let commit = info(source, &commit.id, b"author", found.commit);
    Origin { place, path: Some(found.path.clone()), commit, at_head }
}

/// Adds the paths of the index that HEAD does not have.
fn in_index(
    source: &GitSource,
    blobs: &HashSet<ObjectId>,
    at_head: &HashSet<(String, ObjectId)>,
    placed: &mut HashSet<ObjectId>,
    origins: &mut Origins,
) -> Result<(), Error> {
    if source.repository.is_bare() {
        return Ok(());
    }
    for entry in source.repository.index()?.iter() {
        let id = ObjectId::from(entry.id);
        let path = crate::source::path::text(&entry.path);
        if blobs.contains(&id) && !at_head.contains(&(path.clone(), id)) {
            placed.insert(id);
            let origin = Origin { place: Place::Index, path: Some(path), commit: None, at_head: false };
            origins.entry(Key::Object(id)).or_default().push(origin);
        }
    }
    Ok(())
}

fn head_tree(source: &GitSource) -> Option<ObjectId> {
    Some(source.repository.head().ok()?.peel_to_tree().ok()?.id().into())
}

/// What a merge with conflicts wrote to the working tree; git keeps it under this name until the merge ends.
fn conflict_tree(source: &GitSource) -> Option<ObjectId> {
    Some(source.repository.find_reference("AUTO_MERGE").ok()?.target()?.into())
}

/// The commits that references name, each with the reason for which they are kept.
fn tips(source: &GitSource) -> Result<Vec<(ObjectId, Reach)>, Error> {
    let mut tips = Vec::new();
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
    Ok(tips)
}
