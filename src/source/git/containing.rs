//! Which branches, tags and other references have a commit in their history.

use super::GitSource;
use super::graph::Graph;
use super::history::Past;
use crate::finding::References;
use crate::source::{Error, path};
use std::collections::HashMap;

/// How many references are named; the rest is counted.
const MAX_NAMED: usize = 20;

/// For how many commits references are looked up; each 64 of them cost one pass over all commits.
const MAX_COMMITS: usize = 4096;

/// The references, with the commits that they name.
pub(super) struct Tips {
    /// HEAD's branch first, then branches, tags, and all others; each with its commit's number in the graph.
    list: Vec<(String, u32)>,
}

impl Tips {
    /// Reads the references of a repository.
    pub(super) fn read(source: &GitSource, past: &Past, graph: &Graph) -> Result<Self, Error> {
        let head = source.repository.head().ok().map(|head| head.name_bytes().to_vec());
        let mut named = Vec::new();
        for reference in source.repository.references()?.flatten() {
            let name = reference.name_bytes();
            let class = match name {
                name if head.as_deref() == Some(name) => 0,
                name if name.starts_with(b"refs/heads/") => 1,
                name if name.starts_with(b"refs/tags/") => 2,
                _ => 3,
            };
            // Our own reader looks commits up: libgit2 would map the packs into memory once more.
            let target = target(&reference);
            let commit = target.and_then(|id| past.commit_of(source.store(), id.into()));
            named.extend(commit.map(|commit| (class, path::text(name), commit.commit)));
        }
        named.sort_unstable();
        let numbers = graph.numbers(named.iter().map(|(_, _, position)| *position));
        let list = named.into_iter().filter_map(|(_, name, position)| Some((name, *numbers.get(&position)?)));
        Ok(Self { list: list.collect() })
    }

    /// The numbers of the commits that references name.
    pub(super) fn commits(&self) -> impl Iterator<Item = u32> + '_ {
        self.list.iter().map(|(_, commit)| *commit)
    }

    /// For each of the commits the references that have it in their history. Of very many commits, the oldest are answered for.
    pub(super) fn containing(&self, graph: &Graph, mut commits: Vec<u32>) -> HashMap<u32, References> {
        commits.sort_unstable();
        commits.dedup();
        commits.truncate(MAX_COMMITS);
        let mut found = HashMap::with_capacity(commits.len());
        for some in commits.chunks(64) {
            let masks = descendants(graph, some);
            for (bit, commit) in some.iter().enumerate() {
                let names = self.list.iter().filter(|(_, tip)| masks[*tip as usize] >> bit & 1 != 0);
                let mut names = names.map(|(name, _)| name);
                let first: Vec<String> = names.by_ref().take(MAX_NAMED).cloned().collect();
                let count = first.len() + names.count();
                found.insert(*commit, References { count, names: first });
            }
        }
        found
    }
}

/// What a reference names. Only one that names another reference is looked up: they may be thousands.
pub(super) fn target(reference: &git2::Reference<'_>) -> Option<git2::Oid> {
    reference.target().or_else(|| reference.resolve().ok()?.target())
}

/// For every commit which of up to 64 others it has in its history, one bit for each.
fn descendants(graph: &Graph, commits: &[u32]) -> Vec<u64> {
    let mut masks = vec![0_u64; graph.commits.len()];
    for (bit, commit) in commits.iter().enumerate() {
        masks[*commit as usize] |= 1 << bit;
    }
    // Parents come before children.
    for (number, commit) in graph.commits.iter().enumerate() {
        masks[number] |= commit.parents.iter().fold(0, |mask, &parent| mask | masks[parent as usize]);
    }
    masks
}
