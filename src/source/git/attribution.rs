//! Where found blobs stand: which paths, since which commit.
//!
//! The ties of trees tell which trees lead to a found blob, and by which entries, so that no tree is read again. A commit is
//! looked at only where it differs from its parents.

use super::graph::{Commit, Graph, Reach};
use super::held::Held;
use super::history::Past;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

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
pub(super) struct Leads<'p> {
    /// Where in `entries` those of each such tree are that are, have the name of, or lead to what was found, in order.
    trees: HashMap<u32, Range<u32>>,
    /// Trees that have the same of them share these.
    entries: Vec<Held>,
    names: &'p [Box<[u8]>],
    /// The numbers of the names that were found themselves.
    wanted: HashSet<u32>,
}

/// How much more may be looked at and told.
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

impl<'p> Leads<'p> {
    /// Finds the trees that lead to the blobs at these positions, and to entries of these names; there are so many `objects`.
    pub(super) fn find(
        past: &'p Past,
        objects: usize,
        blobs: impl Iterator<Item = u32>,
        wanted: &HashSet<&[u8]>,
    ) -> Self {
        let mut leading = vec![false; objects];
        blobs.for_each(|blob| leading[blob as usize] = true);
        let names = (0..).zip(&past.names).filter(|(_, name)| wanted.contains(name.as_ref()));
        let wanted: HashSet<u32> = names.map(|(number, _)| number).collect();
        past.ties.spread(&mut leading, &wanted);
        let (mut trees, mut entries, mut leads) = (HashMap::new(), Vec::new(), Vec::new());
        past.ties.each(|tie| {
            if !leading[tie.tree as usize] {
                return;
            }
            let base: Option<Range<u32>> = tie.base.and_then(|base| trees.get(&base).cloned());
            leads.clear();
            leads.extend_from_slice(base.as_ref().map(|base| part(&entries, base)).unwrap_or_default());
            for lost in tie.lost {
                leads.binary_search(lost).ok().map(|at| leads.remove(at));
            }
            for gained in tie.gained.iter().filter(|entry| entry.leads(&leading, &wanted)) {
                leads.insert(leads.partition_point(|lead| lead < gained), *gained);
            }
            let same = base.filter(|base| part(&entries, base) == leads);
            let range = same.unwrap_or_else(|| {
                let start = number(entries.len());
                entries.extend_from_slice(&leads);
                start..number(entries.len())
            });
            trees.insert(tie.tree, range);
        });
        Self { trees, entries, names: &past.names, wanted }
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
            for &parent in commit.parents.iter() {
                let before = graph.commits[parent as usize].tree.filter(|tree| self.trees.contains_key(tree));
                if let Some(before) = before.filter(|_| before != commit.tree) {
                    let after = commit.tree.into_iter().collect();
                    self.each_new(before, after, budget, &mut |what, path| has(parent, what, path));
                }
            }
        }
        // What a tip has in common with a later one is that one's: references are thousands, and mostly alike.
        let mut tips: Vec<(u32, u32)> =
            tips.filter_map(|tip| Some((tip, graph.commits[tip as usize].tree?))).collect();
        tips.sort_unstable_by(|a, b| b.cmp(a));
        let mut later: Option<u32> = None;
        for (tip, tree) in tips {
            self.each_new(tree, later.into_iter().collect(), budget, &mut |what, path| has(tip, what, path));
            later = Some(tree);
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
            let others: Vec<&[Held]> = others.iter().filter_map(|other| self.leads(*other)).collect();
            for lead in self.leads(id).unwrap_or_default() {
                if others.iter().any(|other| other.binary_search(lead).is_ok()) {
                    continue;
                }
                let mut path: Vec<u8> = path.clone();
                path.extend_from_slice(&self.names[lead.name() as usize]);
                let known = || others.iter().any(|other| has_name(other, lead.name()));
                if self.wanted.contains(&lead.name()) && !known() && budget.place() {
                    new(Found::Name(lead.name()), path.clone());
                }
                if lead.is_tree() {
                    path.push(b'/');
                    let same = others.iter().filter_map(|other| folder(other, lead.name())).collect();
                    stack.push((lead.object(), same, path));
                } else if budget.place() {
                    new(Found::Blob(lead.object()), path);
                }
            }
        }
    }

    fn leads(&self, tree: u32) -> Option<&[Held]> {
        self.trees.get(&tree).map(|range| part(&self.entries, range))
    }
}

fn part<'e>(entries: &'e [Held], range: &Range<u32>) -> &'e [Held] {
    entries.get(range.start as usize..range.end as usize).unwrap_or_default()
}

/// A place in a list; of a history with more entries than that the rest leads nowhere.
fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// The folder of this name in an ordered list.
fn folder(leads: &[Held], name: u32) -> Option<u32> {
    let at = leads.partition_point(|lead| *lead < Held::first(name, true));
    leads.get(at).filter(|lead| lead.name() == name && lead.is_tree()).map(|lead| lead.object())
}

/// Whether an ordered list has an entry of this name.
fn has_name(leads: &[Held], name: u32) -> bool {
    let at = leads.partition_point(|lead| *lead < Held::first(name, false));
    leads.get(at).is_some_and(|lead| lead.name() == name)
}
