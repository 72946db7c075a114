//! The scan of everything: all objects, each once, then the files of the working tree that git does not have yet.
//!
//! On the way it checks that what trees and commits name is here, so that a hole in the history cannot pass for a clean one.

use super::history::{History, Holes, Past, TreeMemory};
use super::names;
use super::nested::Candidate;
use super::object::{Kind, Object};
use super::object_id::ObjectId;
use super::pack::{DeltaBase, PackError, Visitor};
use super::{GitSource, commit};
use crate::coverage::Coverage;
use crate::patch::Patch;
use crate::source::{self, Blob, Content, Error, Key, Progress};
use std::collections::BTreeSet;
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
        progress.total.fetch_add(store.len() as u64, Ordering::Relaxed);
        let mut coverage = Coverage::default();
        let survey = Survey {
            visitor,
            progress,
            history: History::new(store, self.hash_len(), self.shallow()),
            commits: AtomicU64::new(0),
            objects: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        };
        store.each(jobs, &survey, &mut coverage);
        let visit = |blob: Blob<'_>| drop(visitor.blob(&blob, None));
        self.index_names(&survey.history.names, &visit)?;
        self.reference_names(&visit);
        self.own_files(&visit, &mut coverage);
        let told = self.lone.as_ref().is_some_and(|lone| lone.note_prerequisites(&mut coverage));
        let past = survey.finish(&mut coverage, told);
        if !progress.stopped() {
            drop(self.past.set(past));
        }
        self.note_boundaries(&mut coverage)?;
        self.note_dangling_references(store, &mut coverage)?;
        let inside = self.working_tree(jobs, progress, &visit, &mut coverage)?;
        Ok((coverage, inside))
    }
}

/// What the walk over all objects counts and checks.
struct Survey<'s, V> {
    visitor: &'s V,
    progress: &'s Progress,
    history: History<'s>,
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
        let memory = match object.kind {
            Kind::Blob => self.blob(object, base.as_ref()).map(Memory::Blob),
            Kind::Tree => self.tree(object, base.as_ref()).map(Memory::Tree),
            Kind::Commit => {
                self.commits.fetch_add(1, Ordering::Relaxed);
                self.history.commit(object);
                self.text(&Key::Commit(object.id), object.content.bytes);
                None
            }
            Kind::Tag => {
                self.history.tag(object);
                self.text(&Key::Tag(object.id), object.content.bytes);
                None
            }
        };
        // A window of a large blob repeats the end of the last one.
        let fresh = object.content.fresh.as_ref().map(|fresh| fresh.iter().map(ExactSizeIterator::len).sum());
        let bytes = fresh.unwrap_or(object.content.bytes.len());
        if object.content.start == (1, 1) {
            self.objects.fetch_add(1, Ordering::Relaxed);
            self.progress.items.fetch_add(1, Ordering::Relaxed);
        }
        if object.kind != Kind::Tree {
            self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
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
        self.history.tree(object, base.as_ref(), &|name| names::look(name, self.visitor))
    }

    /// A header and a message, each with lines of its own.
    fn text(&self, key: &Key, object: &[u8]) {
        let (header, message) = object.split_at(commit::message_start(object));
        for text in [header, message] {
            drop(self.visitor.blob(&Blob { key: key.clone(), content: Content::whole(text) }, None));
        }
    }

    /// `told` says that what is missing was named before.
    fn finish(self, coverage: &mut Coverage, told: bool) -> Past {
        coverage.commits = self.commits.into_inner();
        coverage.objects = self.objects.into_inner();
        coverage.bytes = self.bytes.into_inner();
        let (past, Holes { missing, malformed }) = self.history.finish();
        let missing = if told { BTreeSet::new() } else { missing };
        name(missing, "is missing", "are missing", coverage);
        name(malformed, "is malformed: git's own check fails too", "are malformed", coverage);
        past
    }
}

/// Names the first objects of a set in the coverage, and counts the rest.
fn name(objects: BTreeSet<ObjectId>, is: &str, are: &str, coverage: &mut Coverage) {
    let more = objects.len().saturating_sub(MAX_NAMED);
    for id in objects.into_iter().take(MAX_NAMED) {
        coverage.skip(format!("object {id}"), is);
    }
    if more > 0 {
        coverage.skip(format!("{more} more objects"), are);
    }
}
