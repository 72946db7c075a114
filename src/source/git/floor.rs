//! What reading costs at least: every blob rebuilt, and none looked at. The measure that a scan is held against.

use super::GitSource;
use super::object::{Kind, Object};
use super::object_id::ObjectId;
use super::pack::{DeltaBase, PackError, Visitor};
use crate::coverage::Coverage;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts blobs.
#[derive(Default)]
struct Counter {
    blobs: AtomicU64,
    bytes: AtomicU64,
}

impl GitSource {
    /// Rebuilds every blob on `jobs` threads and looks at none of it. Returns how many they are, and their bytes. For
    /// benchmarks.
    pub fn rebuild_blobs(&self, jobs: usize) -> (u64, u64) {
        let counter = Counter::default();
        self.store().each(jobs, &counter, &mut Coverage::default());
        (counter.blobs.into_inner(), counter.bytes.into_inner())
    }
}

impl Visitor for Counter {
    type Memory = ();

    fn wants(&self, kind: Kind) -> bool {
        kind == Kind::Blob
    }

    fn object(&self, object: &Object<'_>, _: Option<DeltaBase<'_, ()>>) -> Option<()> {
        self.blobs.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(object.content.bytes.len() as u64, Ordering::Relaxed);
        None
    }

    fn lost(&self, _: ObjectId, _: PackError) {}

    fn stopped(&self) -> bool {
        false
    }
}
