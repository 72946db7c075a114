//! Names of files and folders as content of their own: a credential in a name is as public as one in a file.
//!
//! Each distinct name is looked at once, and only when an entry is new in its tree: a history has millions of entries
//! and few names. So names have numbers, by which the entries are kept.

use super::object::{Kind, Object};
use super::object_id::ObjectId;
use super::pack::{DeltaBase, PackError, Visitor};
use super::store::Store;
use super::{GitSource, tree};
use crate::coverage::Coverage;
use crate::source::{Blob, Content, Error, Key, Visit, path};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

/// Shorter names hold no credential that a rule could tell from a word.
const SHORTEST: usize = 12;

/// How many maps share the names, so that threads seldom wait for each other.
const SHARDS: usize = 64;

/// The names that were seen, with their numbers.
pub(super) struct Names {
    shards: [Mutex<HashMap<Box<[u8]>, u32>>; SHARDS],
    count: AtomicU32,
}

impl Default for Names {
    fn default() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()), count: AtomicU32::new(0) }
    }
}

impl Names {
    /// The number of a name, and whether it is new.
    pub(super) fn number(&self, name: &[u8]) -> (u32, bool) {
        // Names differ most in their middle: many begin or end alike.
        let middle = name.get(name.len() / 2).map_or(0, |byte| usize::from(*byte));
        let shard = &self.shards[(middle + name.len() * 7) % SHARDS];
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = shard.get(name) {
            return (*number, false);
        }
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        shard.insert(name.into(), number);
        (number, true)
    }

    /// All names, by their numbers.
    pub(super) fn in_order(self) -> Vec<Box<[u8]>> {
        let shards = self.shards.into_iter().map(Mutex::into_inner);
        let mut names: Vec<_> =
            shards.flat_map(|shard| shard.unwrap_or_else(PoisonError::into_inner)).collect();
        names.sort_unstable_by_key(|(_, number)| *number);
        names.into_iter().map(|(name, _)| name).collect()
    }
}

/// A name as a blob, if it can hold a credential.
pub(super) fn blob(name: &[u8]) -> Option<Blob<'_>> {
    let blob = Blob { key: Key::Name(name.to_owned()), content: Content::whole(name) };
    (name.len() >= SHORTEST).then_some(blob)
}

impl GitSource {
    /// Hands over the paths of the indices that hold a name no tree has.
    pub(super) fn index_names(&self, names: &Names, visit: &Visit<'_>) -> Result<(), Error> {
        for (file, _) in self.index_files() {
            let index = self.open_index(&file)?;
            for entry in index.iter() {
                for name in entry.path.split(|&byte| byte == b'/').filter(|name| name.len() >= SHORTEST) {
                    if !names.number(name).1 {
                        continue;
                    }
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
