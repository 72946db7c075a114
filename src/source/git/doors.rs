//! Doors for the fuzz targets in `tests/fuzz`: they lead to the parsers of untrusted bytes, and are there under `cfg(fuzzing)`
//! only.

use super::object::{Kind, Object};
use super::object_id::ObjectId;
use super::pack::{DeltaBase, PackError, Visitor, doors};
use super::store::Store;
use super::{commit, tree};
use crate::coverage::Coverage;
use crate::patch::Copied;
use std::path::Path;

pub use doors::{delta, entry, index};

/// Reads a tree whole and as one that was made from another; both must tell the same.
pub fn tree(base: &[u8], copies: &[Copied], made: &[u8]) {
    let known = tree::read(base, None, 20);
    let whole = tree::read(made, None, 20);
    let patched = tree::read(made, Some((&known.layout, copies)), 20);
    assert!(whole.layout == patched.layout && whole.whole == patched.whole);
}

/// Parses a commit or tag.
pub fn commit(data: &[u8]) {
    drop(commit::parse(data));
    let _: Option<ObjectId> = commit::target(data);
    if let Some(id) = ObjectId::from_bytes(&[1; 20]) {
        drop(commit::info(&id, data, b"author", 0));
    }
}

/// Walks all objects of a folder of objects, in which there may be any pack. Returns how many were read.
pub fn store(objects: &Path) -> usize {
    let store = Store::open(&[objects.to_owned()], 20);
    let counter = Counter(std::sync::atomic::AtomicUsize::new(0));
    store.each(1, &counter, &mut Coverage::default());
    counter.0.into_inner()
}

struct Counter(std::sync::atomic::AtomicUsize);

impl Visitor for Counter {
    type Memory = ();

    fn wants(&self, _: Kind) -> bool {
        true
    }

    fn object(&self, _: &Object<'_>, _: Option<DeltaBase<'_, ()>>) -> Option<()> {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Some(())
    }

    fn lost(&self, _: ObjectId, _: PackError) {}

    fn stopped(&self) -> bool {
        false
    }
}
