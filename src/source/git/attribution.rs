//! Where found blobs stand: which paths, since which commit.
//!
//! The ties of trees tell which trees lead to a found blob. Only of those the entries are looked at, in one more pass, and a
//! commit only where it differs from its parents.

use super::graph::{Commit, Graph, Reach};
use super::history::Past;
use super::names;
use super::object::{Kind, Object};
use super::object_id::ObjectId;
use super::pack::{DeltaBase, PackError, Visitor};
use super::store::Store;
use super::tree::{self, Entry, EntryKind, Layout};
use crate::coverage::Coverage;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

/// The most steps in finding the places of all blobs: a few trees can name each other into more paths than there are
/// atoms. A history of 80,000 commits with found blobs takes some 100,000.
const MAX_STEPS: usize = 2_000_000;

/// The most places that are told.
const MAX_PLACES: usize = 100_000;

/// What is looked for in trees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Found {
    /// A blob, by its position.
    Blob(u32),
    /// A name, by its number.
    Name(u32),
}

/// The appearance of a blob under a path, or of a name, in a commit none of whose parents has it there.
pub(super) struct Introduction {
    pub(super) what: Found,
    pub(super) path: Vec<u8>,
    /// The commit's number in the graph.
    pub(super) commit: u32,
}

/// The trees that lead to found blobs and names.
pub(super) struct Leads {
    trees: HashMap<u32, Box<[Lead]>>,
    names: Vec<Box<[u8]>>,
    /// The numbers of the names that were found themselves.
    wanted: HashSet<u32>,
}

/// An entry that is, has the name of, or leads to what was found. By number of its name, so that two trees' lists are easily compared.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Lead {
    name: u32,
    is_tree: bool,
    /// The position of what it names; the largest number if that is not here.
    object: u32,
}

/// How much more may be looked at and told, for all questions together.
pub(super) struct Budget {
    steps: usize,
    places: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { steps: MAX_STEPS, places: MAX_PLACES }
    }
}

impl Budget {
    /// Takes the right to tell one more place.
    fn place(&mut self) -> bool {
        let left = self.places.checked_sub(1);
        self.places = left.unwrap_or(0);
        left.is_some()
    }

    /// Whether something was not looked at or not told.
    pub(super) fn is_spent(&self) -> bool {
        self.steps == 0 || self.places == 0
    }
}

impl Leads {
    /// Finds the trees that lead to the blobs at these positions, and to entries of these names.
    pub(super) fn find(
        store: &Store,
        past: &Past,
        hash_len: usize,
        blobs: &HashSet<u32>,
        wanted: &HashSet<&[u8]>,
        jobs: usize,
    ) -> Self {
        let mut leading = vec![false; store.len()];
        blobs.iter().for_each(|&blob| leading[blob as usize] = true);
        for (tree, _) in names::trees_with(store, wanted, hash_len, jobs) {
            leading[tree] = true;
        }
        past.ties.spread(&mut leading);
        let (names, trees) = (Mutex::default(), Mutex::default());
        let collector = Collector { store, hash_len, leading, wanted, names, trees };
        // What cannot be read was reported when the content was scanned.
        store.each(jobs, &collector, &mut Coverage::default());
        let trees = collector.trees.into_inner().unwrap_or_else(PoisonError::into_inner);
        let numbers = collector.names.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut names: Vec<(Box<[u8]>, u32)> = numbers.into_iter().collect();
        names.sort_unstable_by_key(|(_, number)| *number);
        let is_wanted = |(name, number): &(Box<[u8]>, u32)| wanted.contains(name.as_ref()).then_some(*number);
        let numbers = names.iter().filter_map(is_wanted).collect();
        Self { trees, names: names.into_iter().map(|(name, _)| name).collect(), wanted: numbers }
    }

    /// The names that were looked for and are somewhere.
    pub(super) fn named(&self) -> impl Iterator<Item = (Found, &[u8])> {
        self.wanted.iter().map(|&number| (Found::Name(number), self.names[number as usize].as_ref()))
    }

    /// What each commit brings in that none of its parents has, oldest commit first, for the commits reached as `reach`.
    pub(super) fn introductions(
        &self,
        graph: &Graph,
        reach: Reach,
        budget: &mut Budget,
    ) -> Vec<Introduction> {
        let mut found = Vec::new();
        for (number, commit) in (0..).zip(&graph.commits).filter(|(_, commit)| commit.reach == reach) {
            let Some(tree) = commit.tree.filter(|tree| self.trees.contains_key(tree)) else { continue };
            let parents = self.parents(graph, commit);
            if !parents.contains(&tree) {
                self.each_new(tree, parents, budget, &mut |what, path| {
                    found.push(Introduction { what, path, commit: number });
                });
            }
        }
        found
    }

    /// For each version of a path the last commit that has it: the parent of one that drops it, or one that a reference names.
    pub(super) fn last(
        &self,
        graph: &Graph,
        tips: impl Iterator<Item = u32>,
        budget: &mut Budget,
    ) -> HashMap<(Vec<u8>, Found), u32> {
        let mut last = HashMap::new();
        let mut has = |commit: u32, what: Found, path: Vec<u8>| {
            let known = last.entry((path, what)).or_insert(commit);
            *known = commit.max(*known);
        };
        for commit in &graph.commits {
            for &parent in &commit.parents {
                let before = graph.commits[parent as usize].tree.filter(|tree| self.trees.contains_key(tree));
                if let Some(before) = before.filter(|_| before != commit.tree) {
                    let after = commit.tree.into_iter().collect();
                    self.each_new(before, after, budget, &mut |what, path| has(parent, what, path));
                }
            }
        }
        let mut trees: Vec<(u32, u32)> =
            tips.filter_map(|tip| Some((graph.commits[tip as usize].tree?, tip))).collect();
        trees.sort_unstable();
        for (number, &(tree, tip)) in trees.iter().enumerate() {
            // Of several tips with one tree the last.
            if trees.get(number + 1).is_none_or(|(next, _)| *next != tree) {
                self.each_new(tree, Vec::new(), budget, &mut |what, path| has(tip, what, path));
            }
        }
        last
    }

    /// Every path under which a tree holds what was found.
    pub(super) fn paths(&self, root: u32, budget: &mut Budget) -> HashSet<(Vec<u8>, Found)> {
        let mut found = HashSet::new();
        self.each_new(root, Vec::new(), budget, &mut |what, path| {
            found.insert((path, what));
        });
        found
    }

    fn parents(&self, graph: &Graph, commit: &Commit) -> Vec<u32> {
        let trees = commit.parents.iter().filter_map(|&parent| graph.commits[parent as usize].tree);
        trees.filter(|tree| self.trees.contains_key(tree)).collect()
    }

    /// Calls `new` for all that was found below `root` and stands under the same path in none of the `others`.
    fn each_new(
        &self,
        root: u32,
        others: Vec<u32>,
        budget: &mut Budget,
        new: &mut dyn FnMut(Found, Vec<u8>),
    ) {
        let mut stack = vec![(root, others, Vec::new())];
        while let Some((id, others, path)) = stack.pop() {
            let Some(left) = budget.steps.checked_sub(1) else { return };
            budget.steps = left;
            let others: Vec<&[Lead]> = others.iter().filter_map(|other| self.leads(*other)).collect();
            for lead in self.leads(id).unwrap_or_default() {
                if others.iter().any(|other| other.binary_search(lead).is_ok()) {
                    continue;
                }
                let mut path: Vec<u8> = path.clone();
                path.extend_from_slice(&self.names[lead.name as usize]);
                let known = || others.iter().any(|other| has_name(other, lead.name));
                if self.wanted.contains(&lead.name) && !known() && budget.place() {
                    new(Found::Name(lead.name), path.clone());
                }
                if lead.is_tree {
                    path.push(b'/');
                    let same = others.iter().filter_map(|other| folder(other, lead.name)).collect();
                    stack.push((lead.object, same, path));
                } else if budget.place() {
                    new(Found::Blob(lead.object), path);
                }
            }
        }
    }

    fn leads(&self, tree: u32) -> Option<&[Lead]> {
        self.trees.get(&tree).map(AsRef::as_ref)
    }
}

/// The folder of this name in an ordered list.
fn folder(leads: &[Lead], name: u32) -> Option<u32> {
    let at = leads.partition_point(|lead| (lead.name, lead.is_tree) < (name, true));
    leads.get(at).filter(|lead| lead.name == name && lead.is_tree).map(|lead| lead.object)
}

/// Whether an ordered list has an entry of this name.
fn has_name(leads: &[Lead], name: u32) -> bool {
    leads.get(leads.partition_point(|lead| lead.name < name)).is_some_and(|lead| lead.name == name)
}

/// Reads the trees that lead somewhere.
struct Collector<'s> {
    store: &'s Store,
    hash_len: usize,
    /// For every object whether it is found or leads to a found one.
    leading: Vec<bool>,
    wanted: &'s HashSet<&'s [u8]>,
    names: Mutex<HashMap<Box<[u8]>, u32>>,
    trees: Mutex<HashMap<u32, Box<[Lead]>>>,
}

/// Where a tree's entries start, and which of them lead, by their numbers.
struct Memory {
    layout: Layout,
    leads: Vec<(u32, Lead)>,
}

impl Visitor for Collector<'_> {
    type Memory = Memory;

    fn wants(&self, kind: Kind) -> bool {
        kind == Kind::Tree
    }

    fn wants_any(&self, mut family: &mut dyn Iterator<Item = usize>) -> bool {
        (&mut family).any(|position| self.leading[position])
    }

    fn object(&self, object: &Object<'_>, base: Option<DeltaBase<'_, Memory>>) -> Option<Memory> {
        let known = base.as_ref().map(|base| (&base.memory.layout, base.copies));
        let reading = tree::read(object.content.bytes, known, self.hash_len);
        let mut leads: Vec<(u32, Lead)> =
            reading.fresh.iter().filter_map(|(number, entry)| Some((*number, self.lead(entry)?))).collect();
        let inherited = base.as_ref().map_or(&[][..], |base| &base.memory.leads);
        if !inherited.is_empty() {
            for (numbers, first) in &reading.kept {
                let kept = inherited.iter().filter(|(number, _)| numbers.contains(number));
                leads.extend(kept.map(|(number, lead)| (number - numbers.start + first, *lead)));
            }
        }
        leads.sort_unstable_by_key(|(number, _)| *number);
        if self.leading[object.position] {
            let mut found: Vec<Lead> = leads.iter().map(|(_, lead)| *lead).collect();
            found.sort_unstable();
            let position = u32::try_from(object.position).ok()?;
            self.trees.lock().unwrap_or_else(PoisonError::into_inner).insert(position, found.into());
        }
        Some(Memory { layout: reading.layout, leads })
    }

    fn lost(&self, _: ObjectId, _: PackError) {}

    fn stopped(&self) -> bool {
        false
    }
}

impl Collector<'_> {
    fn lead(&self, entry: &Entry<'_>) -> Option<Lead> {
        let inside = entry.kind != EntryKind::Submodule;
        let object = if inside { self.store.position(entry.id) } else { None };
        let wanted = !self.wanted.is_empty() && self.wanted.contains(entry.name);
        if !wanted && !object.is_some_and(|object| self.leading[object]) {
            return None;
        }
        let object = object.map_or(Some(u32::MAX), |object| u32::try_from(object).ok())?;
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let next = u32::try_from(names.len()).ok()?;
        let name = *names.entry(entry.name.into()).or_insert(next);
        Some(Lead { name, is_tree: entry.kind == EntryKind::Tree, object })
    }
}
