//! Where found blobs stand: which paths, since which commit.
//!
//! One pass over all trees notes which tree holds which; from the found blobs upward, the trees that lead to one are
//! marked. Only those are looked at again, and a commit only where it differs from its parents.

use super::commit;
use super::graph::{Commit, Graph, Reach};
use super::object::{Kind, Object};
use super::object_id::ObjectId;
use super::store::Store;
use super::tree::{self, EntryKind};
use crate::coverage::Coverage;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

/// The most steps in finding the places of all blobs: a few trees can name each other into more paths than there are
/// atoms. A history of 80,000 commits with found blobs takes some 100,000.
const MAX_STEPS: usize = 2_000_000;

/// The most places that are told.
const MAX_PLACES: usize = 100_000;

/// A blob's appearance under a path in a commit none of whose parents has it there.
pub(super) struct Introduction {
    pub(super) blob: ObjectId,
    pub(super) path: String,
    /// The commit's number in the graph.
    pub(super) commit: u32,
}

/// The trees that lead to found blobs.
pub(super) struct Leads {
    trees: HashMap<ObjectId, Vec<Lead>>,
}

/// An entry that is, or leads to, a found blob.
#[derive(Clone, PartialEq, Eq)]
struct Lead {
    name: Box<[u8]>,
    id: ObjectId,
    is_tree: bool,
}

/// Reads all commits of the store.
pub(super) fn commits(store: &Store, jobs: usize) -> Vec<(ObjectId, commit::Parsed)> {
    let found = Mutex::new(Vec::new());
    let keep = |object: Object<'_>| {
        if let Some(parsed) = commit::parse(object.content.bytes) {
            found.lock().unwrap_or_else(PoisonError::into_inner).push((object.id, parsed));
        }
    };
    // What cannot be read was reported when the content was scanned.
    store.each(jobs, &|kind| kind == Kind::Commit, &|| false, &keep, &mut Coverage::default());
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_unstable_by_key(|(id, _)| *id);
    found
}

impl Leads {
    /// Finds the trees that lead to `blobs`.
    pub(super) fn find(store: &Store, hash_len: usize, blobs: &HashSet<ObjectId>, jobs: usize) -> Self {
        let (holders, parents) = ties(store, hash_len, blobs, jobs);
        let leading = upward(holders, &parents);
        let trees = Mutex::new(HashMap::with_capacity(leading.len()));
        each_tree(store, jobs, &|object| {
            if store
                .position(&object.id)
                .is_none_or(|position| leading.binary_search(&to_u32(position)).is_err())
            {
                return;
            }
            let leads = tree::entries(object.content.bytes, hash_len).filter_map(|entry| {
                let id = ObjectId::from_bytes(entry.id)?;
                let is_tree = entry.kind == EntryKind::Tree;
                let leads = if is_tree {
                    leading.binary_search(&to_u32(store.position(&id)?)).is_ok()
                } else {
                    blobs.contains(&id)
                };
                leads.then(|| Lead { name: entry.name.into(), id, is_tree })
            });
            let leads = leads.collect();
            trees.lock().unwrap_or_else(PoisonError::into_inner).insert(object.id, leads);
        });
        Self { trees: trees.into_inner().unwrap_or_else(PoisonError::into_inner) }
    }

    /// What each commit brings in that none of its parents has, oldest commit first, for the commits reached as `reach`.
    pub(super) fn introductions(&self, graph: &Graph, reach: Reach, out: &mut Vec<Introduction>) {
        let mut steps = MAX_STEPS;
        for (number, commit) in (0..).zip(&graph.commits).filter(|(_, commit)| commit.reach == reach) {
            if out.len() >= MAX_PLACES {
                return;
            }
            let parents = self.parents(graph, commit);
            self.each_new(commit.tree, parents, &mut steps, &mut |blob, path| {
                if out.len() < MAX_PLACES {
                    out.push(Introduction { blob, path, commit: number });
                }
            });
        }
    }

    /// Every path under which a tree holds a found blob.
    pub(super) fn paths(&self, root: ObjectId) -> HashSet<(String, ObjectId)> {
        let mut found = HashSet::new();
        self.each_new(root, Vec::new(), &mut { MAX_STEPS }, &mut |blob, path| {
            if found.len() < MAX_PLACES {
                found.insert((path, blob));
            }
        });
        found
    }

    fn parents(&self, graph: &Graph, commit: &Commit) -> Vec<ObjectId> {
        let trees = commit.parents.iter().map(|&parent| graph.commits[parent as usize].tree);
        trees.filter(|tree| self.trees.contains_key(tree)).collect()
    }

    /// Calls `new` for each found blob below `root` that stands under the same path in none of the `others`.
    fn each_new(
        &self,
        root: ObjectId,
        others: Vec<ObjectId>,
        steps: &mut usize,
        new: &mut dyn FnMut(ObjectId, String),
    ) {
        let mut stack = vec![(root, others, Vec::new())];
        while let Some((id, others, path)) = stack.pop() {
            let Some(left) = steps.checked_sub(1) else { return };
            *steps = left;
            let others: Vec<&Vec<Lead>> = others.iter().filter_map(|other| self.trees.get(other)).collect();
            for lead in self.trees.get(&id).into_iter().flatten() {
                if others.iter().any(|other| other.contains(lead)) {
                    continue;
                }
                let mut path: Vec<u8> = path.clone();
                path.extend_from_slice(&lead.name);
                if lead.is_tree {
                    path.push(b'/');
                    let same = |other: &&Vec<Lead>| {
                        other
                            .iter()
                            .find(|other| other.is_tree && other.name == lead.name)
                            .map(|other| other.id)
                    };
                    stack.push((lead.id, others.iter().filter_map(same).collect(), path));
                } else {
                    new(lead.id, crate::source::path::text(&path));
                }
            }
        }
    }
}

/// The trees that hold a found blob, and for every tree below another the pair of their positions, child first.
fn ties(
    store: &Store,
    hash_len: usize,
    blobs: &HashSet<ObjectId>,
    jobs: usize,
) -> (Vec<u32>, Vec<(u32, u32)>) {
    // Most entries are told apart by two bytes, without hashing a name.
    let mut may_be = vec![false; 1 << 16];
    let slot = |id: &[u8]| usize::from(u16::from_be_bytes([id[0], id[1]]));
    blobs.iter().for_each(|id| may_be[slot(id.as_bytes())] = true);
    let collected = Mutex::new((Vec::new(), Vec::new()));
    each_tree(store, jobs, &|object| {
        let Some(tree) = store.position(&object.id).map(to_u32) else { return };
        let (mut holds, mut children) = (false, Vec::new());
        for entry in tree::entries(object.content.bytes, hash_len) {
            match entry.kind {
                EntryKind::Tree => {
                    let child = ObjectId::from_bytes(entry.id).and_then(|id| store.position(&id));
                    children.extend(child.map(|child| (to_u32(child), tree)));
                }
                EntryKind::Blob if !holds && may_be[slot(entry.id)] => {
                    holds = ObjectId::from_bytes(entry.id).is_some_and(|id| blobs.contains(&id));
                }
                EntryKind::Blob | EntryKind::Submodule => {}
            }
        }
        let mut collected = collected.lock().unwrap_or_else(PoisonError::into_inner);
        collected.0.extend(holds.then_some(tree));
        collected.1.append(&mut children);
    });
    let (holders, mut parents) = collected.into_inner().unwrap_or_else(PoisonError::into_inner);
    parents.sort_unstable();
    (holders, parents)
}

/// All trees from which one of `holders` can be reached, ordered.
fn upward(holders: Vec<u32>, parents: &[(u32, u32)]) -> Vec<u32> {
    let mut seen: HashSet<u32> = holders.iter().copied().collect();
    let mut stack = holders;
    while let Some(child) = stack.pop() {
        let from = parents.partition_point(|&(other, _)| other < child);
        for &(_, parent) in parents[from..].iter().take_while(|(other, _)| *other == child) {
            if seen.insert(parent) {
                stack.push(parent);
            }
        }
    }
    let mut seen: Vec<u32> = seen.into_iter().collect();
    seen.sort_unstable();
    seen
}

fn each_tree(store: &Store, jobs: usize, found: &(dyn Fn(Object<'_>) + Sync)) {
    store.each(jobs, &|kind| kind == Kind::Tree, &|| false, found, &mut Coverage::default());
}

/// A repository with more objects than fit is beyond what can be attributed; none is known.
fn to_u32(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}
