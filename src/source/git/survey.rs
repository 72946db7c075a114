//! The scan of everything: all objects, each once, then the files of the working tree that git does not have yet.
//!
//! On the way it checks that what trees and commits name is here, so that a hole in the history cannot pass for a clean one.

use super::cache::{Learnt, Places, Recalled, Seen};
use super::history::{Ends, History, Past, TreeMemory};
use super::names;
use super::nested::Candidate;
use super::object::{Kind, Object};
use super::object_id::ObjectId;
use super::pack::{DeltaBase, PackError, Visitor};
use super::store::Store;
use super::{GitSource, commit, tree};
use crate::coverage::Coverage;
use crate::patch::Patch;
use crate::source::{self, Blob, Content, Error, Key, Progress, Visit};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

/// How many missing objects are named; the rest is counted.
const MAX_NAMED: usize = 50;

impl GitSource {
    /// Scans this repository; what is inside of it and a repository itself is only named.
    pub(super) fn own<V: source::Visitor>(
        &self,
        jobs: usize,
        progress: &Progress,
        visitor: &V,
    ) -> Result<(Coverage, Vec<Candidate>), Error> {
        let store = self.store();
        let recalled = self.recall(store);
        let unread = (store.len() as u64).saturating_sub(recalled.objects());
        progress.total.fetch_add(unread, Ordering::Relaxed);
        progress.to_read.fetch_add(store.stored_but(&recalled.known), Ordering::Relaxed);
        let mut coverage = Coverage::default();
        let history = History::new(store, self.hash_len(), self.shallow());
        let survey = Survey {
            visitor,
            progress,
            store,
            history: if self.session.cache.is_some() { history.by_pack() } else { history },
            counts: store.packs().map(|_| Count::default()).chain([Count::default()]).collect(),
        };
        let walked = store.each_but(&recalled.known, jobs, &survey, &mut coverage);
        let hash_len = self.hash_len();
        let look = |object: &Object<'_>, note: &str| survey.look_again(object, note, hash_len);
        if recalled.objects() > 0 {
            visitor.noted(&recalled.notes());
        }
        Self::look_again(store, &recalled, jobs, &look, &|| progress.stopped(), &mut coverage);
        let visit = |blob: Blob<'_>| drop(visitor.blob(&blob, None));
        self.index_names(&survey.history.names, &visit)?;
        self.reference_names(&visit);
        self.own_files(&visit, &mut coverage);
        let told = self.lone.as_ref().is_some_and(|lone| lone.note_prerequisites(&mut coverage));
        let (past, ends, seen) = survey.finish();
        if !progress.stopped() && recalled.objects() == 0 {
            drop(self.past.set(past));
        }
        count(&mut coverage, &recalled, &seen);
        let mut places = match &recalled.places {
            Some(places) => places.clone(),
            None => Places::with(missing(store, &recalled, &ends)),
        };
        if !told {
            name(places.missing.iter().copied(), "is missing", "are missing", &mut coverage);
        }
        let malformed = ends.values().flat_map(|ends| ends.malformed.iter().copied());
        let malformed: BTreeSet<ObjectId> = malformed.chain(recalled.malformed()).collect();
        name(
            malformed.into_iter(),
            "is malformed: git's own check fails too",
            "are malformed",
            &mut coverage,
        );
        self.note_boundaries(&mut coverage)?;
        // What is known to be whole is not looked at again.
        if recalled.places.as_ref().is_none_or(|places| places.dangling) {
            places.dangling = self.note_dangling_references(store, &mut coverage)?;
        }
        self.learn(Learnt { recalled, walked, seen, ends, places });
        let inside = self.working_tree(jobs, progress, &visit, &mut coverage)?;
        Ok((coverage, inside))
    }
}

/// What the walk over all objects counts and checks.
struct Survey<'s, V> {
    visitor: &'s V,
    progress: &'s Progress,
    store: &'s Store,
    history: History<'s>,
    /// What was seen of each pack, and of the loose objects.
    counts: Vec<Count>,
}

/// What was seen of one pack.
#[derive(Default)]
struct Count {
    commits: AtomicU64,
    objects: AtomicU64,
    bytes: AtomicU64,
}

/// What is remembered of an object while others are built from it.
enum Memory<M> {
    Blob(M),
    Tree(TreeMemory),
}

impl<V: source::Visitor> Visitor for Survey<'_, V> {
    type Memory = Memory<V::Memory>;

    fn wants(&self, _: Kind) -> bool {
        true
    }

    fn object(&self, object: &Object<'_>, base: Option<DeltaBase<'_, Self::Memory>>) -> Option<Self::Memory> {
        let count = &self.counts[self.store.unit(object.position)];
        let memory = match object.kind {
            Kind::Blob => self.blob(object, base.as_ref()).map(Memory::Blob),
            Kind::Tree => self.tree(object, base.as_ref()).map(Memory::Tree),
            Kind::Commit => {
                count.commits.fetch_add(1, Ordering::Relaxed);
                self.history.commit(object);
                text(object, Key::Commit, &|blob| drop(self.visitor.blob(&blob, None)));
                None
            }
            Kind::Tag => {
                self.history.tag(object);
                text(object, Key::Tag, &|blob| drop(self.visitor.blob(&blob, None)));
                None
            }
        };
        // A window of a large blob repeats the end of the last one.
        let fresh = object.content.fresh.as_ref().map(|fresh| fresh.iter().map(ExactSizeIterator::len).sum());
        let bytes = fresh.unwrap_or(object.content.bytes.len());
        if object.content.start == (1, 1) {
            count.objects.fetch_add(1, Ordering::Relaxed);
            self.progress.items.fetch_add(1, Ordering::Relaxed);
            self.progress.stored.fetch_add(object.stored, Ordering::Relaxed);
        }
        if object.kind != Kind::Tree {
            count.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        }
        self.progress.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        memory
    }

    fn lost(&self, _: ObjectId, _: PackError) {}

    fn stopped(&self) -> bool {
        self.progress.stopped()
    }
}

impl<V: source::Visitor> Survey<'_, V> {
    fn blob(
        &self,
        object: &Object<'_>,
        base: Option<&DeltaBase<'_, Memory<V::Memory>>>,
    ) -> Option<V::Memory> {
        let blob = Blob { key: Key::Object(object.id), content: object.content.clone() };
        let base = base.and_then(|base| match base.memory {
            Memory::Blob(memory) => {
                let len = object.content.bytes.len();
                Some((memory, Patch { copies: base.copies, base_len: base.bytes.len(), len }))
            }
            Memory::Tree(_) => None,
        });
        self.visitor.blob(&blob, base)
    }

    fn tree(
        &self,
        object: &Object<'_>,
        base: Option<&DeltaBase<'_, Memory<V::Memory>>>,
    ) -> Option<TreeMemory> {
        let base = base.and_then(|base| match base.memory {
            Memory::Tree(memory) => Some(DeltaBase { memory, bytes: base.bytes, copies: base.copies }),
            Memory::Blob(_) => None,
        });
        let look = |name: &[u8]| names::blob(name).and_then(|blob| self.visitor.blob(&blob, None));
        self.history.tree(object, base.as_ref(), &|name| drop(look(name)))
    }

    /// Looks at one object of interest that was counted by an earlier scan.
    fn look_again(&self, object: &Object<'_>, note: &str, hash_len: usize) {
        let again = |blob: Blob<'_>| self.visitor.again(&blob, note);
        match object.kind {
            Kind::Blob => again(Blob { key: Key::Object(object.id), content: object.content.clone() }),
            Kind::Tree => {
                let reading = tree::read(object.content.bytes, None, hash_len);
                let names = reading.fresh.iter().map(|(_, entry)| entry.name);
                let new = names.filter(|name| self.history.names.number(name).1);
                new.filter_map(names::blob).for_each(again);
            }
            Kind::Commit => text(object, Key::Commit, &again),
            Kind::Tag => text(object, Key::Tag, &again),
        }
    }

    fn finish(self) -> (Past, BTreeMap<usize, Ends>, Vec<Seen>) {
        let seen = self.counts.into_iter().map(|count| Seen {
            commits: count.commits.into_inner(),
            objects: count.objects.into_inner(),
            bytes: count.bytes.into_inner(),
            ..Seen::default()
        });
        let seen = seen.collect();
        let (past, ends) = self.history.finish();
        (past, ends, seen)
    }
}

/// A header and a message, each with lines of its own.
fn text(object: &Object<'_>, key: fn(ObjectId) -> Key, visit: &Visit<'_>) {
    let bytes = object.content.bytes;
    let (header, message) = bytes.split_at(commit::message_start(bytes));
    for text in [header, message] {
        visit(Blob { key: key(object.id), content: Content::whole(text) });
    }
}

/// Adds up what was seen now and before.
fn count(coverage: &mut Coverage, recalled: &Recalled, seen: &[Seen]) {
    for seen in seen.iter().chain(recalled.seen()) {
        coverage.commits += seen.commits;
        coverage.objects += seen.objects;
        coverage.bytes += seen.bytes;
    }
    coverage.cached = recalled.objects();
}

/// What an object names and the store does not have.
fn missing(store: &Store, recalled: &Recalled, ends: &BTreeMap<usize, Ends>) -> Vec<ObjectId> {
    let ends = ends.values().flat_map(|ends| ends.outside.iter().copied());
    let outside: BTreeSet<ObjectId> = ends.chain(recalled.outside()).collect();
    outside.into_iter().filter(|id| !store.holds(id)).collect()
}

/// Names the first objects of a set in the coverage, and counts the rest.
fn name(objects: impl ExactSizeIterator<Item = ObjectId>, is: &str, are: &str, coverage: &mut Coverage) {
    let more = objects.len().saturating_sub(MAX_NAMED);
    for id in objects.take(MAX_NAMED) {
        coverage.skip(format!("object {id}"), is);
    }
    if more > 0 {
        coverage.skip(format!("{more} more objects"), are);
    }
}
