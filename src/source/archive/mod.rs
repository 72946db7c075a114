//! Archives inside of what a source reads: their members are handed over as blobs of their own.
//!
//! An archive is recognised by its first bytes, never by its name, and opened in memory or as a stream; nothing is
//! unpacked to disk. What cannot be opened, or goes beyond the bounds, is named in the coverage.

mod budget;
mod compressed;
mod format;
mod open;
mod zip;

use super::encrypted::{Encrypted, Mark};
use super::{Blob, Key, Origins, Progress, Source, Visit, Visitor, document, member_text};
use crate::coverage::Coverage;
use crate::finding::Place;
use crate::patch::Patch;
use format::Format;
use open::Opener;
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// How many members that were not seen are named; the rest is counted.
const MAX_NAMED: usize = 50;

/// Passes blobs on, and opens those that are archives.
pub(super) struct Opening<'o, V> {
    inner: &'o V,
    progress: &'o Progress,
    archives: bool,
    /// Archives that are too large to come in one piece.
    large: Mutex<Vec<(Key, Format)>>,
    /// What was not seen, and why.
    unseen: Mutex<Vec<(String, String)>>,
    /// Blobs that are not seen whole by their bytes, or of which something was not seen.
    noted: Mutex<HashSet<Key>>,
    encrypted: Mutex<Encrypted>,
}

impl<'o, V: Visitor> Opening<'o, V> {
    pub(super) fn new(inner: &'o V, progress: &'o Progress, archives: bool) -> Self {
        let (large, unseen, encrypted) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { inner, progress, archives, large, unseen, noted: Mutex::default(), encrypted }
    }

    /// Opens what was too large to come in one piece, and tells what was not seen.
    pub(super) fn finish(self, source: &Source, coverage: &mut Coverage) {
        let encrypted = std::mem::take(&mut *lock(&self.encrypted));
        encrypted.finish(source, &|blob| drop(self.blob(&blob, None)), self.progress, coverage);
        for (key, format) in std::mem::take(&mut *lock(&self.large)) {
            if self.progress.stopped() {
                break;
            }
            let visit = |blob: Blob<'_>| drop(self.inner.blob(&blob, None));
            let read = source.reread(&key, &mut |reader, size| {
                self.open(&key, size, &visit, |opener| opener.stream(format, reader));
                Ok(())
            });
            match read {
                Some(Ok(())) => {}
                Some(Err(error)) => coverage.skip(key.label(), format!("cannot be read again: {error}")),
                None => coverage.skip(key.label(), "is an archive that is too large to be opened here"),
            }
        }
        if let Source::Git(source) = source {
            source.note(std::mem::take(&mut *lock(&self.noted)));
        }
        let mut unseen = self.unseen.into_inner().unwrap_or_else(PoisonError::into_inner);
        unseen.sort_unstable();
        unseen.dedup();
        let more = unseen.len().saturating_sub(MAX_NAMED);
        for (what, reason) in unseen.into_iter().take(MAX_NAMED) {
            coverage.skip(what, reason);
        }
        if more > 0 {
            coverage.skip(format!("{more} more archives or members"), "cannot be opened");
        }
    }

    /// Looks whether a blob is more than its bytes; `visit` takes what is in it.
    fn look(&self, blob: &Blob<'_>, visit: &Visit<'_>) {
        let bytes = blob.content.bytes;
        if let Some(mark) = Mark::of(bytes) {
            lock(&self.encrypted).note(mark, &blob.key);
            lock(&self.noted).insert(blob.key.clone());
        } else if !self.archives {
            // Its bytes are all that is asked for.
        } else if document::is_locked(bytes, bytes) {
            self.open(&blob.key, 0, visit, |opener| opener.look_locked("", bytes, bytes));
        } else if let Some(format) = Format::of(bytes) {
            if blob.content.whole {
                self.open(&blob.key, bytes.len() as u64, visit, |opener| opener.bytes(format, bytes));
            } else {
                lock(&self.large).push((blob.key.clone(), format));
                lock(&self.noted).insert(blob.key.clone());
            }
        }
    }

    fn open(&self, key: &Key, size: u64, visit: &Visit<'_>, open: impl FnOnce(&Opener<'_>)) {
        let opener = Opener::new(key, size, visit, self.progress);
        open(&opener);
        let unseen = opener.unseen();
        if !unseen.is_empty() {
            lock(&self.noted).insert(key.clone());
        }
        lock(&self.unseen).extend(unseen);
    }
}

impl<V: Visitor> Visitor for Opening<'_, V> {
    type Memory = V::Memory;

    fn blob(&self, blob: &Blob<'_>, base: Option<(&V::Memory, Patch<'_>)>) -> Option<V::Memory> {
        let memory = self.inner.blob(blob, base);
        if blob.content.start == (1, 1) {
            self.look(blob, &|blob| drop(self.inner.blob(&blob, None)));
        }
        memory
    }

    fn again(&self, blob: &Blob<'_>, note: &str) {
        self.inner.again(blob, note);
        if blob.content.start == (1, 1) {
            self.look(blob, &|blob| self.inner.again(&blob, ""));
        }
    }

    fn noted(&self, notes: &[u32]) {
        self.inner.noted(notes);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the source itself knows of a key.
pub(super) fn outer(key: &Key) -> &Key {
    key.archive().unwrap_or(key)
}

/// Adds the origins of members: where their archive stands, the member is.
pub(super) fn add_members(keys: &HashSet<Key>, origins: &mut Origins) {
    for key in keys {
        let (archive, member) = match key {
            Key::Member(archive, member) => (archive, member.clone()),
            Key::Text(archive, inside, part) => (archive, member_text(inside, part)),
            _ => continue,
        };
        let mut found = origins.get(archive.as_ref()).cloned().unwrap_or_default();
        found.iter_mut().for_each(|origin| origin.place = Place::Archive(member.clone()));
        origins.insert(key.clone(), found);
    }
    origins.retain(|key, _| keys.contains(key));
}
