//! Names of files and folders as content of their own: a credential in a name is as public as one in a file.
//!
//! Each distinct name is looked at once, and only when an entry is new in its tree: a history has millions of entries
//! and few names.

use super::object::{Kind, Object};
use super::object_id::ObjectId;
use super::pack::{DeltaBase, PackError, Visitor};
use super::store::Store;
use super::{GitSource, tree};
use crate::coverage::Coverage;
use crate::source::{self, Blob, Content, Error, Key, Visit, path};
use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Shorter names hold no credential that a rule could tell from a word.
const SHORTEST: usize = 12;

/// How many sets share the names, so that threads seldom wait for each other.
const SHARDS: usize = 16;

/// How many names are known again without a lock.
const RECENT: usize = 1 << 14;

/// The names that were looked at, by their hashes under a key of this run.
pub(super) struct Names {
    hasher: RandomState,
    /// Some of those in `seen`, each at the place that its hash gives it.
    recent: Box<[AtomicU64]>,
    seen: [Mutex<HashSet<u64>>; SHARDS],
}

impl Default for Names {
    fn default() -> Self {
        let recent = std::iter::repeat_with(AtomicU64::default).take(RECENT).collect();
        Self { hasher: RandomState::new(), recent, seen: Default::default() }
    }
}

impl Names {
    /// Hands a name over if it is new.
    pub(super) fn look<V: source::Visitor>(&self, name: &[u8], visitor: &V) {
        if self.is_new(name) {
            let blob = Blob { key: Key::Name(name.to_owned()), content: Content::whole(name) };
            drop(visitor.blob(&blob, None));
        }
    }

    fn is_new(&self, name: &[u8]) -> bool {
        if name.len() < SHORTEST {
            return false;
        }
        let hash = self.hasher.hash_one(name);
        let place = usize::try_from(hash & u64::from(u32::MAX)).unwrap_or(0);
        if self.recent[place % RECENT].load(Ordering::Relaxed) == hash {
            return false;
        }
        self.recent[place % RECENT].store(hash, Ordering::Relaxed);
        let shard = &self.seen[place % SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner).insert(hash)
    }
}

impl GitSource {
    /// Hands over the paths of the indices that hold a name no tree has.
    pub(super) fn index_names(&self, names: &Names, visit: &Visit<'_>) -> Result<(), Error> {
        for (file, _) in self.index_files() {
            let index = self.open_index(&file)?;
            for entry in index.iter() {
                for name in entry.path.split(|&byte| byte == b'/').filter(|name| names.is_new(name)) {
                    let key = Key::Staged(path::text(&entry.path));
                    visit(Blob { key, content: Content::whole(name) });
                }
            }
        }
        Ok(())
    }
}

/// The positions of all trees that have an entry of one of these names, with that name.
pub(super) fn trees_with(
    store: &Store,
    names: &HashSet<&[u8]>,
    hash_len: usize,
    jobs: usize,
) -> Vec<(usize, Box<[u8]>)> {
    if names.is_empty() {
        return Vec::new();
    }
    let finder = Finder { names, hash_len, found: Mutex::default() };
    // What cannot be read was reported when the content was scanned.
    store.each(jobs, &finder, &mut Coverage::default());
    finder.found.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Looks for names in trees.
struct Finder<'f> {
    names: &'f HashSet<&'f [u8]>,
    hash_len: usize,
    found: Mutex<Vec<(usize, Box<[u8]>)>>,
}

impl Visitor for Finder<'_> {
    type Memory = ();

    fn wants(&self, kind: Kind) -> bool {
        kind == Kind::Tree
    }

    fn object(&self, object: &Object<'_>, _: Option<DeltaBase<'_, ()>>) -> Option<()> {
        let reading = tree::read(object.content.bytes, None, self.hash_len);
        let entries = reading.fresh.iter().map(|(_, entry)| entry.name);
        let found: Vec<_> = entries
            .filter(|name| self.names.contains(name))
            .map(|name| (object.position, name.into()))
            .collect();
        if !found.is_empty() {
            self.found.lock().unwrap_or_else(PoisonError::into_inner).extend(found);
        }
        None
    }

    fn lost(&self, _: ObjectId, _: PackError) {}

    fn stopped(&self) -> bool {
        false
    }
}
