//! The commits of a repository, in order, and how each is reached.

use super::commit;
use super::object_id::ObjectId;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

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

/// One commit.
pub(super) struct Commit {
    pub(super) id: ObjectId,
    pub(super) tree: ObjectId,
    /// The numbers of those parents that are here.
    pub(super) parents: Vec<u32>,
    /// How many parents it names, here or not.
    pub(super) parent_count: usize,
    pub(super) reach: Reach,
    time: i64,
}

/// All commits, parents before children, and otherwise by date.
pub(super) struct Graph {
    pub(super) commits: Vec<Commit>,
}

impl Graph {
    /// Orders the commits and marks how they are reached from `tips`.
    pub(super) fn new(parsed: Vec<(ObjectId, commit::Parsed)>, tips: &[(ObjectId, Reach)]) -> Self {
        let numbers: HashMap<ObjectId, u32> =
            (0..).zip(&parsed).map(|(number, (id, _))| (*id, number)).collect();
        let commits = parsed.into_iter().map(|(id, parsed)| Commit {
            id,
            tree: parsed.tree,
            parents: parsed.parents.iter().filter_map(|parent| numbers.get(parent).copied()).collect(),
            parent_count: parsed.parents.len(),
            reach: Reach::Nothing,
            time: parsed.time,
        });
        let mut graph = Self { commits: commits.collect() };
        graph.mark(&numbers, tips);
        graph.sort();
        graph
    }

    fn mark(&mut self, numbers: &HashMap<ObjectId, u32>, tips: &[(ObjectId, Reach)]) {
        for wanted in Reach::ALL {
            let mut stack: Vec<u32> = tips
                .iter()
                .filter(|(_, reach)| *reach == wanted)
                .filter_map(|(id, _)| numbers.get(id).copied())
                .collect();
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
        let mut children: Vec<Vec<u32>> = vec![Vec::new(); self.commits.len()];
        let mut waiting: Vec<usize> = self.commits.iter().map(|commit| commit.parents.len()).collect();
        for (number, commit) in (0..).zip(&self.commits) {
            commit.parents.iter().for_each(|&parent| children[parent as usize].push(number));
        }
        let key = |number: u32| {
            let commit = &self.commits[number as usize];
            Reverse((commit.time, commit.id, number))
        };
        let mut free: BinaryHeap<_> =
            (0..).zip(&waiting).filter(|(_, count)| **count == 0).map(|(number, _)| key(number)).collect();
        let mut places = vec![0_u32; self.commits.len()];
        let mut order = Vec::with_capacity(self.commits.len());
        while let Some(Reverse((_, _, number))) = free.pop() {
            places[number as usize] = u32::try_from(order.len()).unwrap_or(u32::MAX);
            order.push(number);
            for &child in &children[number as usize] {
                waiting[child as usize] -= 1;
                if waiting[child as usize] == 0 {
                    free.push(key(child));
                }
            }
        }
        let mut old: Vec<Option<Commit>> = std::mem::take(&mut self.commits).into_iter().map(Some).collect();
        self.commits = order.iter().filter_map(|&number| old[number as usize].take()).collect();
        for commit in &mut self.commits {
            commit.parents.iter_mut().for_each(|parent| *parent = places[*parent as usize]);
        }
    }
}
