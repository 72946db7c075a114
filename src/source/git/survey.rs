//! The scan of everything: all objects, each once, then the files of the working tree that git does not have yet.
//!
//! On the way it checks that what trees and commits name is here, so that a hole in the history cannot pass for a clean one.

use super::object::{Kind, Object};
use super::object_id::ObjectId;
use super::store::Store;
use super::tree::{self, EntryKind};
use super::{GitSource, HASH_LEN, commit};
use crate::coverage::Coverage;
use crate::source::{Blob, Content, Error, Key, Progress, Visit};
use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// How many missing objects are named; the rest is counted.
const MAX_NAMED: usize = 50;

impl GitSource {
    pub(super) fn everything(
        &self,
        jobs: usize,
        progress: &Progress,
        visit: &Visit<'_>,
    ) -> Result<Coverage, Error> {
        let store = self.store();
        progress.total.store(store.len() as u64, Ordering::Relaxed);
        let mut coverage = Coverage::default();
        let survey = Survey::new(store, self.shallow(), progress, visit);
        let found = |object: Object<'_>| survey.object(&object);
        store.each(jobs, &|_| true, &|| progress.stopped(), &found, &mut coverage);
        survey.finish(&mut coverage);
        self.note_boundaries(&mut coverage)?;
        self.note_dangling_references(store, &mut coverage)?;
        self.working_tree(jobs, progress, visit, &mut coverage)?;
        Ok(coverage)
    }

    /// The commits at which a shallow clone ends: their parents are missing on purpose.
    fn shallow(&self) -> HashSet<ObjectId> {
        let list = std::fs::read(self.repository.commondir().join("shallow")).unwrap_or_default();
        list.split(|&byte| byte == b'\n').filter_map(ObjectId::from_hex).collect()
    }

    /// Names references to objects that are not here: what they held was not seen.
    fn note_dangling_references(&self, store: &Store, coverage: &mut Coverage) -> Result<(), Error> {
        for reference in self.repository.references()? {
            match reference {
                Ok(reference) => {
                    let missing =
                        reference.target().filter(|id| store.position(&ObjectId::from(*id)).is_none());
                    if let Some(id) = missing {
                        let name = String::from_utf8_lossy(reference.name_bytes()).into_owned();
                        coverage.skip(
                            format!("reference {name}"),
                            format!("names object {id}, which is missing"),
                        );
                    }
                }
                Err(error) => coverage.skip("a reference", format!("cannot be read: {}", error.message())),
            }
        }
        Ok(())
    }

    /// Names where the history was cut off on purpose.
    fn note_boundaries(&self, coverage: &mut Coverage) -> Result<(), Error> {
        if self.repository.is_shallow() {
            let list =
                std::fs::read_to_string(self.repository.commondir().join("shallow")).unwrap_or_default();
            let cuts = list.lines().count();
            let commits = if cuts == 1 { "1 commit".to_owned() } else { format!("{cuts} commits") };
            coverage.skip(
                "older history",
                format!("the clone is shallow: it ends at {commits}; `git fetch --unshallow` gets the rest"),
            );
        }
        let promisor = self.repository.config()?.get_string("extensions.partialclone");
        if let Ok(remote) = promisor {
            coverage
                .skip("objects left out of a partial clone", format!("they are at the remote `{remote}`"));
        }
        Ok(())
    }
}

/// What the walk over all objects counts and checks.
struct Survey<'s> {
    visit: &'s Visit<'s>,
    progress: &'s Progress,
    present: Present,
    shallow: HashSet<ObjectId>,
    commits: AtomicU64,
    objects: AtomicU64,
    bytes: AtomicU64,
    missing: Mutex<BTreeSet<ObjectId>>,
}

impl<'s> Survey<'s> {
    fn new(store: &Store, shallow: HashSet<ObjectId>, progress: &'s Progress, visit: &'s Visit<'s>) -> Self {
        Self {
            visit,
            progress,
            present: Present::new(store),
            shallow,
            commits: AtomicU64::new(0),
            objects: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            missing: Mutex::default(),
        }
    }

    fn object(&self, object: &Object<'_>) {
        let (id, bytes) = (object.id, object.content.bytes);
        match object.kind {
            Kind::Blob => {
                (self.visit)(Blob { key: Key::Object(id), content: object.content.clone() });
                self.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            }
            Kind::Tree => self.tree(bytes),
            Kind::Commit => {
                self.commits.fetch_add(1, Ordering::Relaxed);
                self.text(&Key::Commit(id), bytes);
                if let Some(parsed) = commit::parse(bytes) {
                    self.check(parsed.tree.as_bytes());
                    if !self.shallow.contains(&id) {
                        parsed.parents.iter().for_each(|parent| self.check(parent.as_bytes()));
                    }
                }
            }
            Kind::Tag => self.text(&Key::Tag(id), bytes),
        }
        self.objects.fetch_add(1, Ordering::Relaxed);
        self.progress.count(bytes.len());
    }

    /// A header and a message, each with lines of its own.
    fn text(&self, key: &Key, object: &[u8]) {
        let (header, message) = object.split_at(commit::message_start(object));
        (self.visit)(Blob { key: key.clone(), content: Content::whole(header) });
        (self.visit)(Blob { key: key.clone(), content: Content::whole(message) });
        self.bytes.fetch_add(object.len() as u64, Ordering::Relaxed);
    }

    fn tree(&self, bytes: &[u8]) {
        for entry in tree::entries(bytes, HASH_LEN) {
            if entry.kind != EntryKind::Submodule {
                self.check(entry.id);
            }
        }
    }

    fn check(&self, id: &[u8]) {
        if !self.present.holds(id) {
            let id = ObjectId::from_bytes(id);
            self.missing.lock().unwrap_or_else(PoisonError::into_inner).extend(id);
        }
    }

    fn finish(self, coverage: &mut Coverage) {
        coverage.commits = self.commits.into_inner();
        coverage.objects = self.objects.into_inner();
        coverage.bytes = self.bytes.into_inner();
        let missing = self.missing.into_inner().unwrap_or_else(PoisonError::into_inner);
        let more = missing.len().saturating_sub(MAX_NAMED);
        for id in missing.into_iter().take(MAX_NAMED) {
            coverage.skip(format!("object {id}"), "is missing");
        }
        if more > 0 {
            coverage.skip(format!("{more} more objects"), "are missing");
        }
    }
}

/// A set of the first eight bytes of every name that is here: small enough to be asked for every entry of every tree.
struct Present {
    /// Open addressing; 0 is empty.
    slots: Vec<u64>,
}

impl Present {
    fn new(store: &Store) -> Self {
        let mut present = Self { slots: vec![0; (store.len() * 2 + 1).next_power_of_two()] };
        for position in 0..store.len() {
            let key = Self::key(store.id(position).as_bytes());
            let slot = present.slot(key);
            present.slots[slot] = key;
        }
        present
    }

    fn holds(&self, id: &[u8]) -> bool {
        self.slots[self.slot(Self::key(id))] != 0
    }

    fn key(id: &[u8]) -> u64 {
        id.first_chunk().map_or(1, |first| u64::from_le_bytes(*first).max(1))
    }

    /// The slot that holds `key`, or the empty one where it belongs.
    fn slot(&self, key: u64) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = usize::try_from(key & mask as u64).unwrap_or(0);
        while self.slots[slot] != 0 && self.slots[slot] != key {
            slot = (slot + 1) & mask;
        }
        slot
    }
}
