//! The history that places are looked up in: its commits in order, and the references that have them. It is read once,
//! whatever is asked.

use super::GitSource;
use super::containing::{Tips, target};
use super::graph::{Graph, Reach};
use super::history::Past;
use super::lone::Lone;
use super::object_id::ObjectId;
use super::store::Store;
use crate::finding::References;
use crate::source::Error;
use std::collections::HashMap;

/// What places are looked up in, besides the ties of trees.
pub(super) struct Ground {
    pub(super) graph: Graph,
    pub(super) tips: Tips,
    /// The tree of the commit at HEAD.
    pub(super) head: Option<u32>,
}

impl GitSource {
    /// The commits and trees of this repository, and what places are looked up in.
    pub(super) fn ground(&self, jobs: usize) -> Result<(&Past, &Ground), Error> {
        // A scan that was stopped has not seen all; then they are read now.
        let past = self.past.get_or_init(|| Past::read(self.store(), self.hash_len(), jobs));
        let ground = match self.ground.get() {
            Some(ground) => ground,
            None => {
                let ground = Ground::of(self, past)?;
                self.ground.get_or_init(|| ground)
            }
        };
        Ok((past, ground))
    }
}

impl Ground {
    fn of(source: &GitSource, past: &Past) -> Result<Self, Error> {
        let store = source.store();
        let kept = match &source.lone {
            None => tips(source, store, past)?,
            Some(lone) => of_file(lone, store, past),
        };
        let graph = Graph::new(&past.commits, &kept);
        let tips = Tips::read(source, past, &graph)?;
        Ok(Self { graph, tips, head: head_tree(source, past) })
    }

    /// The references that have these commits in their history.
    pub(super) fn references(&self, store: &Store, commits: &[ObjectId]) -> HashMap<ObjectId, References> {
        let positions: HashMap<u32, ObjectId> =
            commits.iter().filter_map(|id| Some((store.number(id)?, *id))).collect();
        let numbers = self.graph.numbers(positions.keys().copied());
        let found = self.tips.containing(&self.graph, numbers.values().copied().collect());
        let named = numbers
            .iter()
            .filter_map(|(position, number)| Some((positions[position], found.get(number)?.clone())));
        named.collect()
    }
}

fn head_tree(source: &GitSource, past: &Past) -> Option<u32> {
    let head = source.repository.head().ok()?.target()?;
    past.commit_of(source.store(), head.into())?.tree
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
        tips.extend(target(&reference).map(|id| (id.into(), reach)));
    }
    // Older stash entries are in the stash's log only.
    if let Ok(log) = source.repository.reflog("refs/stash") {
        tips.extend(log.iter().map(|entry| (entry.id_new().into(), Reach::Stash)));
    }
    Ok(tips.into_iter().filter_map(|(id, reach)| Some((past.commit_of(store, id)?.commit, reach))).collect())
}
