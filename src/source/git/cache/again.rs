//! Objects of interest, read and looked at again: a cache knows where something was found, never what.

use super::Recalled;
use crate::coverage::Coverage;
use crate::source::git::GitSource;
use crate::source::git::object::{Kind, Object};
use crate::source::git::object_id::ObjectId;
use crate::source::git::pack::{DeltaBase, PackError, Visitor};
use crate::source::git::store::{Store, on_threads};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

impl GitSource {
    /// Hands the objects of interest of what is known to `look`, each with its note.
    pub(in crate::source::git) fn look_again(
        store: &Store,
        recalled: &Recalled,
        jobs: usize,
        look: &(dyn Fn(&Object<'_>, &str) + Sync),
        stopped: &(dyn Fn() -> bool + Sync),
        coverage: &mut Coverage,
    ) {
        let idle = recalled.places.as_ref().map(|places| &places.idle);
        let is_idle = |id: &ObjectId| idle.is_some_and(|idle| idle.contains(id));
        let all: BTreeMap<&ObjectId, &String> =
            recalled.seen().flat_map(|seen| &seen.interest).filter(|(id, _)| !is_idle(id)).collect();
        let all: Vec<_> = all.into_iter().collect();
        let (next, lost) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        on_threads(jobs, &|| {
            while let Some((id, note)) = all.get(next.fetch_add(1, Ordering::Relaxed)).filter(|_| !stopped())
            {
                if !store.visit(id, &Again { look: &|object| look(object, note), stopped }) {
                    lost.lock().unwrap_or_else(PoisonError::into_inner).push(**id);
                }
            }
        });
        let mut lost = lost.into_inner().unwrap_or_else(PoisonError::into_inner);
        lost.sort_unstable();
        for id in lost {
            coverage.skip(format!("object {id}"), "cannot be read");
        }
    }
}

/// Looks at single objects, each without its base.
struct Again<'a> {
    look: &'a (dyn Fn(&Object<'_>) + Sync),
    stopped: &'a (dyn Fn() -> bool + Sync),
}

impl Visitor for Again<'_> {
    type Memory = ();

    fn wants(&self, _: Kind) -> bool {
        true
    }

    fn object(&self, object: &Object<'_>, _: Option<DeltaBase<'_, ()>>) -> Option<()> {
        (self.look)(object);
        None
    }

    fn lost(&self, _: ObjectId, _: PackError) {}

    fn stopped(&self) -> bool {
        (self.stopped)()
    }
}
