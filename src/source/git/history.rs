//! What the walk over all objects keeps for the question where found blobs stand: the commits, and the ties of trees.

use super::commit;
use super::held::Held;
use super::names::Names;
use super::object::{Kind, Object};
use super::object_id::ObjectId;
use super::pack::{DeltaBase, PackError, Visitor};
use super::parents::Parents;
use super::store::Store;
use super::ties::{Tie, Ties};
use super::tree::{self, Entry, EntryKind, Layout};
use crate::coverage::Coverage;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};

/// How many tags may point to each other.
const MOST_TAGS: usize = 16;

/// A commit by the positions of its objects.
pub(super) struct Record {
    pub(super) commit: u32,
    /// `None` if it is missing.
    pub(super) tree: Option<u32>,
    /// Those of its parents that are here.
    pub(super) parents: Parents,
    /// Whether it names several parents, here or not.
    pub(super) is_merge: bool,
    /// The committer's time in seconds since 1970.
    pub(super) time: i64,
}

/// Commits and ties, and on the way to them what is missing.
pub(super) struct History<'s> {
    store: &'s Store,
    hash_len: usize,
    /// Commits whose parents are missing on purpose.
    shallow: HashSet<ObjectId>,
    /// The names of all entries.
    pub(super) names: Names,
    commits: Mutex<Vec<Record>>,
    ties: Mutex<Ties>,
    /// Whether also what is here, but in another pack, counts as outside.
    by_pack: bool,
    ends: Mutex<BTreeMap<usize, Ends>>,
}

/// Where the objects of one pack, or the loose ones, lead out of it.
#[derive(Default)]
pub(super) struct Ends {
    /// What they name and it does not hold.
    pub(super) outside: HashSet<ObjectId>,
    /// Trees and commits that are not of the form that git gives them.
    pub(super) malformed: BTreeSet<ObjectId>,
}

/// What is left when all objects were seen.
pub(super) struct Past {
    /// Ordered by position.
    pub(super) commits: Vec<Record>,
    pub(super) ties: Ties,
    /// The names of entries, by their numbers.
    pub(super) names: Vec<Box<[u8]>>,
}

/// What is remembered of a tree while others are built from it.
pub(super) struct TreeMemory {
    position: u32,
    layout: Layout,
    entries: Vec<Held>,
}

impl<'s> History<'s> {
    pub(super) fn new(store: &'s Store, hash_len: usize, shallow: HashSet<ObjectId>) -> Self {
        Self {
            store,
            hash_len,
            shallow,
            names: Names::default(),
            commits: Mutex::default(),
            ties: Mutex::default(),
            by_pack: false,
            ends: Mutex::default(),
        }
    }

    /// The same, so that each pack's ends stay true whatever becomes of the other packs.
    pub(super) fn by_pack(mut self) -> Self {
        self.by_pack = true;
        self
    }

    /// Takes a commit and its ties.
    pub(super) fn commit(&self, object: &Object<'_>) {
        let (Some(parsed), Some(commit)) = (commit::parse(object.content.bytes), number(object.position))
        else {
            self.is_malformed(object);
            return;
        };
        let tree = self.position(object, parsed.tree.as_bytes());
        let cut = self.shallow.contains(&object.id);
        let present = |parent: &ObjectId| self.store.position(parent.as_bytes()).and_then(number);
        let parents: Parents = if cut {
            parsed.parents.iter().filter_map(present).collect()
        } else {
            parsed.parents.iter().filter_map(|parent| self.position(object, parent.as_bytes())).collect()
        };
        let is_merge = parsed.parents.len() > 1;
        lock(&self.commits).push(Record { commit, tree, parents, is_merge, time: parsed.time });
    }

    /// Takes what a tag points to.
    pub(super) fn tag(&self, object: &Object<'_>) {
        match commit::target(object.content.bytes) {
            Some(target) => drop(self.position(object, target.as_bytes())),
            None => self.is_malformed(object),
        }
    }

    /// Takes a tree; of one that was built from another only what is new. `name` is told the names that are new in the
    /// history.
    pub(super) fn tree(
        &self,
        object: &Object<'_>,
        base: Option<&DeltaBase<'_, TreeMemory>>,
        name: &dyn Fn(&[u8]),
    ) -> Option<TreeMemory> {
        let reading = tree::read(
            object.content.bytes,
            base.map(|base| (&base.memory.layout, base.copies)),
            self.hash_len,
        );
        if !reading.whole {
            self.is_malformed(object);
        }
        let tree = number(object.position)?;
        let gained: Vec<Held> =
            reading.fresh.iter().map(|(_, entry)| self.entry(object, entry, name)).collect();
        let mut entries = vec![Held::new(None, 0, false); reading.layout.len() as usize];
        for ((number, _), held) in reading.fresh.iter().zip(&gained) {
            entries[*number as usize] = *held;
        }
        if let Some(base) = base {
            for (numbers, first) in &reading.kept {
                let known = &base.memory.entries[numbers.start as usize..numbers.end as usize];
                entries[*first as usize..][..known.len()].copy_from_slice(known);
            }
        }
        match base.and_then(|base| Some((base, complement(&reading.kept, base.memory.layout.len())?))) {
            Some((base, left)) => {
                let lost: Vec<Held> = left.map(|number| base.memory.entries[number as usize]).collect();
                let base = Some(base.memory.position);
                lock(&self.ties).note(&Tie { tree, base, gained: &gained, lost: &lost });
            }
            // If entries of the base are here twice, a delta that git does not write, all count as new.
            None => {
                let mut ordered = entries.clone();
                ordered.sort_unstable();
                lock(&self.ties).note_whole(tree, ordered);
            }
        }
        Some(TreeMemory { position: tree, layout: reading.layout, entries })
    }

    fn is_malformed(&self, object: &Object<'_>) {
        let unit = self.store.unit(object.position);
        lock(&self.ends).entry(unit).or_default().malformed.insert(object.id);
    }

    /// An entry by numbers; notes what it names if that is outside.
    fn entry(&self, of: &Object<'_>, entry: &Entry<'_>, new_name: &dyn Fn(&[u8])) -> Held {
        let (name, is_new) = self.names.number(entry.name);
        if is_new {
            new_name(entry.name);
        }
        let object = if entry.kind == EntryKind::Submodule { None } else { self.position(of, entry.id) };
        Held::new(object, name, entry.kind == EntryKind::Tree)
    }

    fn position(&self, of: &Object<'_>, id: &[u8]) -> Option<u32> {
        let position = self.store.position(id);
        let is_inside = match position {
            Some(there) => !self.by_pack || self.store.unit(there) == self.store.unit(of.position),
            None => false,
        };
        if !is_inside {
            let unit = self.store.unit(of.position);
            lock(&self.ends).entry(unit).or_default().outside.extend(ObjectId::from_bytes(id));
        }
        position.and_then(number)
    }

    /// Ends the collection.
    pub(super) fn finish(self) -> (Past, BTreeMap<usize, Ends>) {
        let mut commits = self.commits.into_inner().unwrap_or_else(PoisonError::into_inner);
        commits.sort_unstable_by_key(|record| record.commit);
        let mut ties = self.ties.into_inner().unwrap_or_else(PoisonError::into_inner);
        ties.finish();
        let names = self.names.in_order();
        (Past { commits, ties, names }, self.ends.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The numbers below `len` that are in none of the ranges; `None` if a number is in two of them.
fn complement(kept: &[(std::ops::Range<u32>, u32)], len: u32) -> Option<impl Iterator<Item = u32> + use<>> {
    let mut ranges: Vec<_> = kept.iter().map(|(numbers, _)| numbers.clone()).collect();
    ranges.sort_unstable_by_key(|range| range.start);
    let apart = ranges.windows(2).all(|pair| pair[0].end <= pair[1].start);
    let starts = std::iter::once(0).chain(ranges.clone().into_iter().map(|range| range.end));
    let ends: Vec<u32> = ranges.iter().map(|range| range.start).chain([len]).collect();
    let gaps: Vec<_> = starts.zip(ends).map(|(start, end)| start..end).collect();
    apart.then(|| gaps.into_iter().flatten())
}

fn number(position: usize) -> Option<u32> {
    u32::try_from(position).ok()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Past {
    /// Reads all commits and trees, for the one question where blobs stand; what is missing was told before.
    pub(super) fn read(store: &Store, hash_len: usize, jobs: usize) -> Self {
        let history = History::new(store, hash_len, HashSet::new());
        store.each(jobs, &history, &mut Coverage::default());
        history.finish().0
    }

    /// The commit that a tag leads to, or the commit itself. Only tags are read: a repository may have a reference for each of
    /// ten thousand merge requests.
    pub(super) fn commit_of(&self, store: &Store, mut id: ObjectId) -> Option<&Record> {
        for _ in 0..MOST_TAGS {
            let position = number(store.position(id.as_bytes())?)?;
            if let Ok(found) = self.commits.binary_search_by_key(&position, |record| record.commit) {
                return Some(&self.commits[found]);
            }
            match store.read(&id)? {
                (Kind::Tag, tag) => id = commit::target(&tag)?,
                _ => return None,
            }
        }
        None
    }
}

impl Visitor for History<'_> {
    type Memory = TreeMemory;

    fn wants(&self, kind: Kind) -> bool {
        matches!(kind, Kind::Commit | Kind::Tree)
    }

    fn object(&self, object: &Object<'_>, base: Option<DeltaBase<'_, TreeMemory>>) -> Option<TreeMemory> {
        if object.kind == Kind::Tree {
            return self.tree(object, base.as_ref(), &|_| {});
        }
        self.commit(object);
        None
    }

    fn lost(&self, _: ObjectId, _: PackError) {}

    fn stopped(&self) -> bool {
        false
    }
}
