//! Origins of found blobs in a repository: from history where a commit has them, from the index where not, and
//! otherwise said to be reached from nowhere.

use super::attribution::{Budget, Found, Introduction, Leads};
use super::containing::Tips;
use super::graph::{Graph, Reach};
use super::history::Past;
use super::lone::Lone;
use super::store::Store;
use super::{GitSource, ObjectId, Part, commit, own};
use crate::coverage::Coverage;
use crate::finding::{Place, References};
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
    let names: HashSet<&[u8]> = keys
        .iter()
        .filter_map(|key| if let Key::Name(name) = key { Some(name.as_slice()) } else { None })
        .collect();
    let messages: Vec<ObjectId> =
        keys.iter().filter_map(|key| if let Key::Commit(id) = key { Some(*id) } else { None }).collect();
    let recalled = if names.is_empty() { source.recall_places(&blobs, &messages) } else { None };
    let in_trees = recalled.is_none() && (!blobs.is_empty() || !names.is_empty());
    // A range is scanned without reading the history, and is not worth it for that.
    let of_messages = !messages.is_empty() && matches!(source.part, Part::Everything { .. });
    let in_history = in_trees || (of_messages && recalled.is_none());
    let before = coverage.skipped.len();
    let ground = if in_history { Some(Ground::of(source, jobs)?) } else { None };
    let (mut origins, references) = match (recalled, &ground) {
        (Some(recalled), _) => recalled,
        (None, Some(ground)) => {
            let references = ground.references(source.store(), &messages);
            let origins =
                if in_trees { of_trees(source, ground, &blobs, &names, coverage)? } else { Origins::new() };
            (origins, references)
        }
        (None, None) => Default::default(),
    };
    for key in keys {
        let origin = match key {
            Key::Object(_) | Key::Name(_) => continue,
            Key::Commit(id) => {
                Origin { references: references.get(id).cloned(), ..text(source, id, Place::Message) }
            }
            Key::Tag(id) => text(source, id, Place::Tag),
            Key::Change(id, path) => {
                let mut origin = text(source, id, Place::History);
                if source.repository.find_commit(oid(id)).is_ok_and(|commit| commit.parent_count() > 1) {
                    origin.place = Place::Merge;
                }
                origin.path = Some(path.clone());
                origin
            }
            Key::Reference(name) => own::of_reference(source, name),
            Key::Own(path) => own::of_file(path),
            Key::Staged(_)
            | Key::File(_)
            | Key::Stdin
            | Key::Member(..)
            | Key::Text(..)
            | Key::Within(..) => crate::source::on_disk(key),
        };
        origins.insert(key.clone(), vec![origin]);
    }
    if coverage.skipped.len() == before {
        source.found(&origins);
    }
    Ok(origins)
}

fn oid(id: &ObjectId) -> git2::Oid {
    git2::Oid::from_bytes(id.as_bytes()).unwrap_or(git2::Oid::ZERO_SHA1)
}

/// The origin of a commit's or tag's own text.
fn text(source: &GitSource, id: &ObjectId, place: Place) -> Origin {
    let name: &[u8] = if place == Place::Tag { b"tagger" } else { b"author" };
    Origin { commit: info(source, id, name, 0), ..Origin::at(place, None) }
}

pub(super) fn info(source: &GitSource, id: &ObjectId, name: &[u8], order: u32) -> Option<CommitInfo> {
    // The store opens every pack; a scan of what is staged has no need of it.
    if let Some(store) = source.store.get() {
        return store.read(id).map(|(_, object)| commit::info(id, &object, name, order));
    }
    let odb = source.repository.odb().ok()?;
    let object = odb.read(oid(id)).ok()?;
    Some(commit::info(id, object.data(), name, order))
}

/// The history that places are looked up in.
struct Ground<'s> {
    past: &'s Past,
    graph: Graph,
    tips: Tips,
}

impl<'s> Ground<'s> {
    fn of(source: &'s GitSource, jobs: usize) -> Result<Self, Error> {
        let store = source.store();
        // A scan that was stopped has not seen all; then they are read now.
        let past = source.past.get_or_init(|| Past::read(store, source.hash_len(), jobs));
        let kept = match &source.lone {
            None => tips(source, store, past)?,
            Some(lone) => of_file(lone, store, past),
        };
        let graph = Graph::new(&past.commits, &kept);
        let tips = Tips::read(source, past, &graph)?;
        Ok(Self { past, graph, tips })
    }

    /// The references that have these commits in their history.
    fn references(&self, store: &Store, commits: &[ObjectId]) -> HashMap<ObjectId, References> {
        let positions: HashMap<u32, ObjectId> =
            commits.iter().filter_map(|id| Some((number(store, id)?, *id))).collect();
        let numbers = self.graph.numbers(positions.keys().copied());
        let found = self.tips.containing(&self.graph, numbers.values().copied().collect());
        let named = numbers
            .iter()
            .filter_map(|(position, number)| Some((positions[position], found.get(number)?.clone())));
        named.collect()
    }
}

fn of_trees(
    source: &GitSource,
    ground: &Ground<'_>,
    blobs: &HashSet<ObjectId>,
    names: &HashSet<&[u8]>,
    coverage: &mut Coverage,
) -> Result<Origins, Error> {
    let store = source.store();
    let Ground { past, graph, tips } = ground;
    let numbers: HashMap<u32, ObjectId> =
        blobs.iter().filter_map(|blob| Some((number(store, blob)?, *blob))).collect();
    let leads = Leads::find(past, store.len(), numbers.keys().copied(), names);
    let of_blobs = numbers.iter().map(|(number, id)| (Found::Blob(*number), Key::Object(*id)));
    let of_names = leads.named().map(|(found, name)| (found, Key::Name(name.to_owned())));
    let known: HashMap<Found, Key> = of_blobs.chain(of_names).collect();
    let mut budget = Budget::default();
    let at_head = head_tree(source, past);
    let at_head = at_head.map(|tree| leads.paths(tree, &mut budget)).unwrap_or_default();
    // Which commit was the last is worth less than where a secret stands at all.
    let mut budget_of_last = Budget::default();
    let last = leads.last(graph, tips.commits(), &mut budget_of_last);
    let mut gathered = Gathered {
        source,
        graph,
        known: &known,
        at_head,
        last,
        tips,
        placed: HashSet::new(),
        origins: Origins::new(),
    };
    for reach in Reach::ALL {
        let found = leads.introductions(graph, reach, &mut budget);
        gathered.introduced(found, reach);
        if reach == Reach::References {
            gathered.in_index()?;
        }
    }
    let in_conflict = conflict_tree(source).and_then(|tree| number(store, &tree));
    let in_conflict = in_conflict.map(|tree| leads.paths(tree, &mut budget)).unwrap_or_default();
    if budget.is_spent() || budget_of_last.is_spent() {
        coverage.skip("some places of the findings", "are not told: the history names them in too many ways");
    }
    let Gathered { placed, mut origins, .. } = gathered;
    let all =
        blobs.iter().map(|id| Key::Object(*id)).chain(names.iter().map(|name| Key::Name(name.to_vec())));
    for key in all.filter(|key| !placed.contains(key)) {
        let path = match &key {
            Key::Object(id) => {
                let what = number(store, id).map(Found::Blob);
                let paths =
                    in_conflict.iter().filter(|(_, found)| Some(*found) == what).map(|(path, _)| path);
                paths.min().map(|path| path::text(path))
            }
            Key::Name(name) => Some(path::text(name)),
            _ => None,
        };
        origins.insert(key, vec![Origin::at(Place::Unreachable, path)]);
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
    known: &'g HashMap<Found, Key>,
    /// The paths that the commit at HEAD has.
    at_head: HashSet<(Vec<u8>, Found)>,
    /// The last commit that has each version of a path.
    last: HashMap<(Vec<u8>, Found), u32>,
    tips: &'g Tips,
    placed: HashSet<Key>,
    origins: Origins,
}

impl Gathered<'_> {
    /// Adds what commits brought in. Of a path that several commits brought the same blob to, the first is told.
    fn introduced(&mut self, mut found: Vec<Introduction>, reach: Reach) {
        // A blob that a better reason reaches is not also told of as dropped.
        found.retain(|found| self.known.get(&found.what).is_some_and(|key| !self.placed.contains(key)));
        let mut seen = HashSet::new();
        found.retain(|found| seen.insert((found.what, found.path.clone())));
        let commits = found.iter().map(|found| found.commit).collect();
        let references = self.tips.containing(self.graph, commits);
        for introduction in &found {
            let key = &self.known[&introduction.what];
            self.placed.insert(key.clone());
            let references = references.get(&introduction.commit).cloned();
            let origin = self.in_commit(introduction, reach, references);
            self.origins.entry(key.clone()).or_default().push(origin);
        }
    }

    fn in_commit(&self, found: &Introduction, reach: Reach, references: Option<References>) -> Origin {
        let commit = &self.graph.commits[found.commit as usize];
        let place = match reach {
            Reach::References if commit.is_merge => Place::Merge,
            Reach::References => Place::History,
            Reach::Notes => Place::Note,
            Reach::Stash => Place::Stash,
            Reach::Nothing => Place::Unreachable,
        };
        let name = |number: u32| {
            let commit = &self.graph.commits[number as usize];
            self.source.store().id(commit.position as usize)
        };
        let where_found = (found.path.clone(), found.what);
        // What nothing reaches was dropped: the last commit is as good as the first.
        let last = self.last.get(&where_found).copied().unwrap_or(found.commit);
        Origin {
            commit: info(self.source, &name(found.commit), b"author", found.commit),
            at_head: self.at_head.contains(&where_found),
            last: Some((last, name(last).to_string())),
            references,
            ..Origin::at(place, Some(path::text(&found.path)))
        }
    }

    /// Adds the paths of the index that HEAD does not have; of the index of another working tree what stands nowhere else.
    fn in_index(&mut self) -> Result<(), Error> {
        let store = self.source.store();
        for (file, here) in self.source.index_files() {
            let index = self.source.open_index(&file)?;
            for entry in index.iter() {
                let id = ObjectId::from(entry.id);
                let what = number(store, &id).map(Found::Blob);
                let Some(what) = what.filter(|what| self.known.contains_key(what)) else { continue };
                let key = Key::Object(id);
                let is_new = here || !self.placed.contains(&key);
                if is_new && !self.at_head.contains(&(entry.path.clone(), what)) {
                    let path = Some(path::text(&entry.path));
                    self.origins.entry(key).or_default().push(Origin::at(Place::Index, path));
                }
            }
            self.placed.extend(self.origins.keys().cloned());
        }
        Ok(())
    }
}

fn head_tree(source: &GitSource, past: &Past) -> Option<u32> {
    let head = source.repository.head().ok()?.target()?;
    past.commit_of(source.store(), head.into())?.tree
}

/// What a merge with conflicts wrote to the working tree; git keeps it under this name until the merge ends.
fn conflict_tree(source: &GitSource) -> Option<ObjectId> {
    Some(source.repository.find_reference("AUTO_MERGE").ok()?.target()?.into())
}

/// The commits that a bundle's references name, or all that a pack holds.
fn of_file(lone: &Lone, store: &Store, past: &Past) -> Vec<(u32, Reach)> {
    let commits: Vec<u32> = match lone.tips() {
        Some(tips) => tips.filter_map(|id| Some(past.commit_of(store, id)?.commit)).collect(),
        None => past.commits.iter().map(|record| record.commit).collect(),
    };
    commits.into_iter().map(|commit| (commit, Reach::References)).collect()
}

/// The commits that references name, each with the reason for which they are kept.
fn tips(source: &GitSource, store: &Store, past: &Past) -> Result<Vec<(u32, Reach)>, Error> {
    let mut tips: Vec<(ObjectId, Reach)> = Vec::new();
    let head = source.repository.head().ok().and_then(|head| head.target());
    tips.extend(head.map(|head| (head.into(), Reach::References)));
    tips.extend(source.heads().into_iter().map(|id| (id, Reach::References)));
    for reference in source.repository.references()? {
        let Ok(reference) = reference else { continue };
        let reach = match reference.name_bytes() {
            name if name.starts_with(b"refs/notes/") => Reach::Notes,
            b"refs/stash" => Reach::Stash,
            _ => Reach::References,
        };
        let id = reference.resolve().ok().and_then(|reference| reference.target());
        tips.extend(id.map(|id| (id.into(), reach)));
    }
    // Older stash entries are in the stash's log only.
    if let Ok(log) = source.repository.reflog("refs/stash") {
        tips.extend(log.iter().map(|entry| (entry.id_new().into(), Reach::Stash)));
    }
    Ok(tips.into_iter().filter_map(|(id, reach)| Some((past.commit_of(store, id)?.commit, reach))).collect())
}
