//! Origins of found blobs in a repository: from history where a commit has them, from the index where not, and
//! otherwise said to be reached from nowhere.

use super::attribution::{Budget, Found, Introduction, Leads};
use super::containing::Tips;
use super::graph::{Graph, Reach};
use super::ground::Ground;
use super::history::Past;
use super::{GitSource, ObjectId, Part, commit, own};
use crate::coverage::Coverage;
use crate::finding::{Place, References};
use crate::source::path;
use crate::source::{Asked, CommitInfo, Error, Key, MayBe, Origin, Origins};
use std::collections::{HashMap, HashSet};

/// What of a finding is not told.
const FOUND: &str = "some places of the findings";
/// And of what is a finding in some places only.
const MEANT: &str = "some places of what counts only where accounts and secrets are kept";

/// Finds where the blobs stand that are asked for.
pub(super) fn find(
    source: &GitSource,
    asked: &Asked<'_>,
    jobs: usize,
    coverage: &mut Coverage,
) -> Result<Origins, Error> {
    let keys = asked.keys;
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
    let ground = if in_history { Some(source.ground(jobs)?) } else { None };
    let (mut origins, references) = match (recalled, ground) {
        (Some(recalled), _) => recalled,
        (None, Some((past, ground))) => {
            let references = ground.references(source.store(), &messages);
            let origins = if in_trees {
                let (blobs, elsewhere) = called(source, past, &blobs, asked.may_be)?;
                let places = if asked.may_be.is_some() { MEANT } else { FOUND };
                let mut origins = of_trees(source, (past, ground), &blobs, &names, places, coverage)?;
                origins.extend(elsewhere.into_iter().map(|id| (Key::Object(id), Vec::new())));
                origins
            } else {
                Origins::new()
            };
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
    source.found(&origins, coverage.skipped.len() == before);
    Ok(origins)
}

/// The blobs that stand under a name that they may be asked for, and all others.
fn called(
    source: &GitSource,
    past: &Past,
    blobs: &HashSet<ObjectId>,
    may_be: Option<MayBe<'_>>,
) -> Result<(HashSet<ObjectId>, HashSet<ObjectId>), Error> {
    let Some(may_be) = may_be else { return Ok((blobs.clone(), HashSet::new())) };
    let called = source.called(past, blobs, may_be)?;
    Ok(blobs.iter().partition(|id| called.contains(*id)))
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

fn of_trees(
    source: &GitSource,
    (past, ground): (&Past, &Ground),
    blobs: &HashSet<ObjectId>,
    names: &HashSet<&[u8]>,
    places: &str,
    coverage: &mut Coverage,
) -> Result<Origins, Error> {
    let store = source.store();
    let Ground { graph, tips, head } = ground;
    let numbers: HashMap<u32, ObjectId> =
        blobs.iter().filter_map(|blob| Some((store.number(blob)?, *blob))).collect();
    let leads = Leads::find(past, store.len(), numbers.keys().copied(), names);
    let of_blobs = numbers.iter().map(|(number, id)| (Found::Blob(*number), Key::Object(*id)));
    let of_names = leads.named().map(|(found, name)| (found, Key::Name(name.to_owned())));
    let known: HashMap<Found, Key> = of_blobs.chain(of_names).collect();
    // Whether it still stands there, and which commit was the last, is worth less than where a secret stands at all.
    let [mut budget, mut of_head, mut of_last] = std::array::from_fn(|_| Budget::default());
    let at_head = head.map(|tree| leads.paths(tree, &mut of_head)).unwrap_or_default();
    let last = leads.last(graph, tips.commits(), &mut of_last);
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
    let in_conflict = conflict_tree(source).and_then(|tree| store.number(&tree));
    let in_conflict = in_conflict.map(|tree| leads.paths(tree, &mut budget)).unwrap_or_default();
    if [&budget, &of_head, &of_last].into_iter().any(Budget::is_spent) {
        coverage.skip(places, "are not told: the history names them in too many ways");
    }
    let Gathered { placed, mut origins, .. } = gathered;
    let all =
        blobs.iter().map(|id| Key::Object(*id)).chain(names.iter().map(|name| Key::Name(name.to_vec())));
    for key in all.filter(|key| !placed.contains(key)) {
        let path = match &key {
            Key::Object(id) => {
                let what = store.number(id).map(Found::Blob);
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
                let what = store.number(&id).map(Found::Blob);
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

/// What a merge with conflicts wrote to the working tree; git keeps it under this name until the merge ends.
fn conflict_tree(source: &GitSource) -> Option<ObjectId> {
    Some(source.repository.find_reference("AUTO_MERGE").ok()?.target()?.into())
}
