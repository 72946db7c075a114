//! What is written when a scan has ended: entries about packs and loose objects that were new, and about the state.

use super::entry::{Seen, Unit};
use super::stamp::Stamp;
use super::{Cache, Places, Recalled};
use crate::source::git::history::Ends;
use crate::source::git::store::{Store, Walked};
use crate::source::git::{GitSource, ObjectId, names};
use crate::source::{Key, Lesson, Origins};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

/// The use of a cache in one scan of a repository.
#[derive(Default)]
pub(in crate::source::git) struct Session {
    pub(in crate::source::git) cache: Option<Cache>,
    /// What the walk over the objects learnt.
    learnt: RefCell<Option<Learnt>>,
    /// What could not be seen whole, and must be told again.
    noted: RefCell<HashSet<Key>>,
    /// Where things were found.
    origins: RefCell<Origins>,
    /// Whether all of that could be told.
    is_partly_told: Cell<bool>,
    /// Whether some of it was not known before.
    is_new: Cell<bool>,
}

/// What the walk over all objects learnt.
pub(in crate::source::git) struct Learnt {
    pub(in crate::source::git) recalled: Recalled,
    pub(in crate::source::git) walked: Walked,
    /// How much was seen of each pack.
    pub(in crate::source::git) seen: Vec<Seen>,
    pub(in crate::source::git) ends: BTreeMap<usize, Ends>,
    /// What is missing, and whether a reference names something that is.
    pub(in crate::source::git) places: Places,
}

impl GitSource {
    /// Reads and keeps in this cache what the objects of the repository hold. Only a scan of everything uses it.
    #[must_use]
    pub fn with_cache(mut self, cache: Cache) -> Self {
        self.session.cache = Some(cache);
        self
    }

    /// Notes what was learnt, to be kept if the scan comes to its end.
    pub(in crate::source::git) fn learn(&self, learnt: Learnt) {
        if self.session.cache.is_some() {
            self.session.learnt.replace(Some(learnt));
        }
    }

    /// Notes blobs that another scan must look at again.
    pub(in crate::source) fn note(&self, keys: impl IntoIterator<Item = Key>) {
        self.session.noted.borrow_mut().extend(keys);
    }

    /// Notes where things were found, and whether all of that could be told.
    pub(in crate::source::git) fn found(&self, origins: &Origins, is_whole: bool) {
        if self.session.cache.is_some() {
            self.session.origins.borrow_mut().extend(origins.clone());
            self.session.is_partly_told.set(self.session.is_partly_told.get() || !is_whole);
        }
    }

    /// What is known of the places of these blobs and commits.
    pub(in crate::source::git) fn recall_places(
        &self,
        blobs: &HashSet<ObjectId>,
        messages: &[ObjectId],
    ) -> Option<(Origins, HashMap<ObjectId, crate::finding::References>)> {
        let learnt = self.session.learnt.borrow();
        let found = learnt.as_ref()?.recalled.places.as_ref()?.origins(self, blobs, messages);
        self.session.is_new.set(self.session.is_new.get() || found.is_none());
        found
    }

    /// Keeps what was learnt, after a scan that came to its end.
    pub(in crate::source) fn keep(&self, lesson: &Lesson<'_>) {
        let (mut noted, mut idle) = (lesson.noted.clone(), lesson.idle.clone());
        for key in self.session.noted.borrow().iter() {
            // To tell again what could not be seen, it must be opened, whatever else was found.
            noted.insert(key.clone(), String::new());
            idle.remove(key);
        }
        for (path, inside) in self.nested_sources() {
            let own = |key: &Key| match key {
                Key::Within(within, key) if within == path => Some(key.as_ref().clone()),
                _ => None,
            };
            let noted = noted.iter().filter_map(|(key, note)| Some((own(key)?, note.clone()))).collect();
            let idle = idle.iter().filter_map(own).collect();
            inside.keep(&Lesson { noted: &noted, idle: &idle, ..*lesson });
        }
        let learnt = self.session.learnt.take();
        let Some((cache, learnt)) = self.session.cache.as_ref().zip(learnt) else { return };
        if learnt.recalled.names.is_empty() {
            return;
        }
        let keeping = Keeping { source: self, cache, store: self.store(), notes: lesson.notes, learnt };
        keeping.run(&Lesson { noted: &noted, idle: &idle, ..*lesson });
    }
}

/// One keeping.
struct Keeping<'k> {
    source: &'k GitSource,
    cache: &'k Cache,
    store: &'k Store,
    notes: &'k [u32],
    learnt: Learnt,
}

impl Keeping<'_> {
    fn run(mut self, lesson: &Lesson<'_>) {
        let fresh = self.fresh();
        let state = self.state(lesson);
        if fresh.is_empty() && self.learnt.recalled.stale.is_empty() && state.is_none() {
            return;
        }
        let folder = std::mem::take(&mut self.learnt.recalled.folder);
        if !self.cache.prepare(&folder) {
            return;
        }
        let mut interest = if fresh.is_empty() { BTreeMap::new() } else { self.interest(lesson.noted) };
        // The loose objects come first: what a pack took over must not stay in the entry about them.
        let written: BTreeSet<usize> = fresh.union(&self.learnt.recalled.stale).copied().collect();
        for number in written.into_iter().rev() {
            let unit = self.unit(number, interest.remove(&number).unwrap_or_default());
            if let Some(name) = &self.learnt.recalled.names[number] {
                self.cache.write(&folder, name, &unit);
            }
        }
        if let Some((name, places)) = &state {
            self.cache.write(&folder, name, places);
        }
        let Recalled { names, state, .. } = &self.learnt.recalled;
        let used: Vec<String> = names.iter().chain([state]).flatten().cloned().collect();
        self.cache.prune(&folder, &used);
    }

    /// The number of the loose objects among the packs.
    fn loose(&self) -> usize {
        self.learnt.recalled.units.len().saturating_sub(1)
    }

    /// The packs that were read whole, and whose entries have what they lean on.
    fn fresh(&self) -> BTreeSet<usize> {
        let Learnt { recalled, walked, .. } = &self.learnt;
        let known = &recalled.known;
        let mut fresh: BTreeSet<usize> = (0..self.loose())
            .filter(|&number| !known.pack(number) && !walked.lossy.contains(&number))
            .filter(|&number| recalled.names[number].is_some())
            .collect();
        loop {
            let stands = |number: usize| known.pack(number) || fresh.contains(&number);
            let falls = walked.leans.iter().find(|(number, on)| fresh.contains(number) && !stands(*on));
            let Some((number, _)) = falls.copied() else { break };
            fresh.remove(&number);
        }
        let has_new = (0..self.store.loose().len()).any(|number| !known.loose(number));
        if has_new && !walked.lossy.contains(&self.loose()) {
            fresh.insert(self.loose());
        }
        fresh
    }

    /// For each pack that was read the objects that must be looked at again.
    fn interest(&self, noted: &HashMap<Key, String>) -> BTreeMap<usize, BTreeMap<ObjectId, String>> {
        let known = &self.learnt.recalled.known;
        let mut interest: BTreeMap<usize, BTreeMap<ObjectId, String>> = BTreeMap::new();
        let mut wanted: HashSet<&[u8]> = HashSet::new();
        for (key, note) in noted {
            match key {
                Key::Object(id) | Key::Commit(id) | Key::Tag(id) => {
                    for unit in self.store.units(id).into_iter().filter(|&unit| !known.pack(unit)) {
                        interest.entry(unit).or_default().insert(*id, note.clone());
                    }
                }
                Key::Name(name) => drop(wanted.insert(name)),
                _ => {}
            }
        }
        // Of the trees that have a name one in each pack is enough.
        let mut seen = HashSet::new();
        for (tree, name) in names::trees_with(self.store, &wanted, self.source.hash_len(), 1) {
            let id = self.store.id(tree);
            for unit in self.store.units(&id) {
                if seen.insert((unit, name.clone())) {
                    interest.entry(unit).or_default().insert(id, String::new());
                }
            }
        }
        interest
    }

    /// The entry about a pack or the loose objects.
    fn unit(&self, number: usize, interest: BTreeMap<ObjectId, String>) -> Unit {
        let Learnt { recalled, walked, seen, ends, .. } = &self.learnt;
        let (known, is_loose) = (recalled.units.get(number).and_then(Option::as_ref), number == self.loose());
        let stamp = recalled.stamps.get(number).copied().flatten();
        if let Some(known) = known.filter(|_| !is_loose) {
            return Unit { stamp, ..known.clone() };
        }
        let mut unit = known.cloned().unwrap_or_default();
        unit.stamp = stamp;
        if is_loose {
            unit.loose = self.loose_stamps();
        }
        let leans = walked.leans.range((number, 0)..=(number, usize::MAX));
        unit.leans = leans.filter_map(|(_, on)| recalled.names[*on].clone()).collect();
        unit.seen.commits += seen[number].commits;
        unit.seen.objects += seen[number].objects;
        unit.seen.bytes += seen[number].bytes;
        unit.seen.interest.extend(interest);
        // An object of interest may have been looked at for the copy of it that is known.
        add(&mut unit.notes, self.notes.iter().copied().chain(recalled.notes()));
        if let Some(ends) = ends.get(&number) {
            add(&mut unit.seen.outside, ends.outside.iter().copied());
            add(&mut unit.seen.malformed, ends.malformed.iter().copied());
        }
        unit
    }

    fn loose_stamps(&self) -> Vec<(ObjectId, Option<Stamp>)> {
        let own = self.store.loose().iter().filter(|(id, _)| !self.store.is_packed(id));
        let stamp = |path: &Path| Stamp::of(&path.symlink_metadata().ok()?);
        own.map(|(id, path)| (*id, stamp(path))).collect()
    }

    /// The entry about the state, and its name; `None` if it is known, or is not the one any more that was looked at.
    fn state(&self, lesson: &Lesson<'_>) -> Option<(String, Places)> {
        let Learnt { recalled, walked, places, .. } = &self.learnt;
        let session = &self.source.session;
        let is_whole = !session.is_partly_told.get();
        if recalled.places.is_some() && !(session.is_new.get() && is_whole) {
            return None;
        }
        // Where something could not be read, places may change without any change of what the state is made of.
        let state = recalled.state.as_ref().filter(|_| walked.lossy.is_empty())?;
        (self.source.state(self.cache, self.store, &recalled.names).as_ref() == Some(state)).then_some(())?;
        let mut places = places.clone();
        if is_whole {
            places.take(&session.origins.take(), lesson.is_plain);
            places.idle.extend(lesson.idle.iter().filter_map(Key::blob));
        }
        Some((state.clone(), places))
    }
}

/// Adds what is new, and keeps the order.
fn add<T: Ord>(to: &mut Vec<T>, new: impl IntoIterator<Item = T>) {
    to.extend(new);
    to.sort_unstable();
    to.dedup();
}
