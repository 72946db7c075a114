//! The commits of a repository, in order, and how each is reached.

use super::history::Record;
use super::parents::Parents;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

/// How a commit is reached; the first that applies counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// From a branch, a tag, HEAD or another reference.
    References,
    /// From `refs/notes` only.
    Notes,
    /// From the stash only.
    Stash,
    /// From nothing: amended away, dropped, or kept by a reflog alone.
    Nothing,
}

impl Reach {
    pub(super) const ALL: [Self; 4] = [Self::References, Self::Notes, Self::Stash, Self::Nothing];
}

/// One commit; its objects by their positions.
pub(super) struct Commit {
    pub(super) position: u32,
    pub(super) tree: Option<u32>,
    /// The numbers of those parents that are here.
    pub(super) parents: Parents,
    pub(super) is_merge: bool,
    pub(super) reach: Reach,
    time: i64,
}

/// All commits, parents before children, and otherwise by date.
pub(super) struct Graph {
    pub(super) commits: Vec<Commit>,
}

impl Graph {
    /// Orders the commits, which come by position, and marks how they are reached from `tips`.
    pub(super) fn new(records: &[Record], tips: &[(u32, Reach)]) -> Self {
        let number = |position: &u32| {
            let found = records.binary_search_by_key(position, |record| record.commit).ok();
            found.and_then(|number| u32::try_from(number).ok())
        };
        let commits = records.iter().map(|record| Commit {
            position: record.commit,
            tree: record.tree,
            parents: record.parents.iter().filter_map(number).collect(),
            is_merge: record.is_merge,
            reach: Reach::Nothing,
            time: record.time,
        });
        let mut graph = Self { commits: commits.collect() };
        let tips: Vec<(u32, Reach)> =
            tips.iter().filter_map(|(position, reach)| Some((number(position)?, *reach))).collect();
        graph.mark(&tips);
        graph.sort();
        graph
    }

    /// The numbers of the commits at these positions.
    pub(super) fn numbers(&self, positions: impl Iterator<Item = u32>) -> HashMap<u32, u32> {
        let wanted: HashSet<u32> = positions.collect();
        let all = (0..).zip(&self.commits).map(|(number, commit)| (commit.position, number));
        all.filter(|(position, _)| wanted.contains(position)).collect()
    }

    fn mark(&mut self, tips: &[(u32, Reach)]) {
        for wanted in Reach::ALL {
            let mut stack: Vec<u32> =
                tips.iter().filter(|(_, reach)| *reach == wanted).map(|(number, _)| *number).collect();
            while let Some(number) = stack.pop() {
                let commit = &mut self.commits[number as usize];
                if commit.reach > wanted {
                    commit.reach = wanted;
                    stack.extend_from_slice(&commit.parents);
                }
            }
        }
    }

    /// Puts parents before children, the older of two that are free first.
    fn sort(&mut self) {
        let mut waiting: Vec<u32> = self.commits.iter().map(|commit| count(commit.parents.len())).collect();
        let children = Children::of(&self.commits);
        let key = |number: u32| {
            let commit = &self.commits[number as usize];
            Reverse((commit.time, commit.position, number))
        };
        let mut free: BinaryHeap<_> =
            (0..).zip(&waiting).filter(|(_, count)| **count == 0).map(|(number, _)| key(number)).collect();
        let mut places = vec![u32::MAX; self.commits.len()];
        let mut place = 0;
        while let Some(Reverse((_, _, number))) = free.pop() {
            places[number as usize] = place;
            place += 1;
            for &child in children.of_parent(number) {
                waiting[child as usize] -= 1;
                if waiting[child as usize] == 0 {
                    free.push(key(child));
                }
            }
        }
        drop((children, waiting));
        // Commits that are each other's ancestors, which only a forged index can claim, come last.
        for unplaced in places.iter_mut().filter(|place| **place == u32::MAX) {
            *unplaced = place;
            place += 1;
        }
        for commit in &mut self.commits {
            commit.parents.iter_mut().for_each(|parent| *parent = places[*parent as usize]);
        }
        // Each commit moves to its place, and the one that stood there moves on.
        for number in 0..places.len() {
            while places[number] as usize != number {
                let place = places[number] as usize;
                self.commits.swap(number, place);
                places.swap(number, place);
            }
        }
    }
}

/// The children of all commits, in one list.
struct Children {
    /// Where each commit's children begin in the list.
    starts: Vec<u32>,
    list: Vec<u32>,
}

impl Children {
    fn of(commits: &[Commit]) -> Self {
        let mut starts = vec![0_u32; commits.len() + 1];
        for &parent in commits.iter().flat_map(|commit| commit.parents.iter()) {
            starts[parent as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let mut list = vec![0; starts.last().map_or(0, |&end| end as usize)];
        for (number, commit) in (0..).zip(commits) {
            for &parent in commit.parents.iter() {
                list[next[parent as usize] as usize] = number;
                next[parent as usize] += 1;
            }
        }
        Self { starts, list }
    }

    fn of_parent(&self, parent: u32) -> &[u32] {
        let (from, to) = (self.starts[parent as usize], self.starts[parent as usize + 1]);
        &self.list[from as usize..to as usize]
    }
}

fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever the times say and whatever is forged: all commits are there, and a parent comes before its child.
        #[test]
        fn parents_come_first(
            commits in proptest::collection::vec((0i64..9, proptest::collection::vec(0u32..20, 0..4)), 1..20),
            is_forged in any::<bool>(),
        ) {
            let len = u32::try_from(commits.len()).unwrap();
            let record = |(commit, (time, parents)): (u32, &(i64, Vec<u32>))| Record {
                commit,
                tree: None,
                // Positions are in no order of age: a later one may be the parent.
                parents: parents.iter().copied().filter(|parent| *parent < len && (is_forged || *parent > commit)).collect(),
                is_merge: false,
                time: *time,
            };
            let records: Vec<Record> = (0..).zip(&commits).map(record).collect();
            let graph = Graph::new(&records, &[]);
            let mut positions: Vec<u32> = graph.commits.iter().map(|commit| commit.position).collect();
            for (number, commit) in (0..).zip(&graph.commits) {
                prop_assert!(is_forged || commit.parents.iter().all(|parent| *parent < number));
                let parents = commit.parents.iter().map(|parent| graph.commits[*parent as usize].position);
                prop_assert!(parents.eq(records[commit.position as usize].parents.iter().copied()));
            }
            positions.sort_unstable();
            prop_assert_eq!(positions, (0..len).collect::<Vec<_>>());
        }
    }
}
