//! What is known when a scan begins: the packs and loose objects whose entries hold for this repository as it is now.

use super::entry::{Seen, Unit};
use super::stamp::Stamp;
use super::{Cache, Places};
use crate::source::git::known::Known;
use crate::source::git::pack::Pack;
use crate::source::git::store::Store;
use crate::source::git::{GitSource, ObjectId, loose};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// What earlier scans saw.
#[derive(Default)]
pub(in crate::source::git) struct Recalled {
    pub(in crate::source::git) known: Known,
    /// What is known and holds, by the number of the pack; the loose objects come last.
    pub(super) units: Vec<Option<Unit>>,
    /// The names of the entries, known or not; `None` of a pack that no entry can be about.
    pub(super) names: Vec<Option<String>>,
    pub(super) folder: PathBuf,
    /// The packs' files as they were before anything was read of them.
    pub(super) stamps: Vec<Option<Stamp>>,
    /// Entries that hold, and are older than the files that they are about.
    pub(super) stale: BTreeSet<usize>,
    /// The hash of all that places depend on.
    pub(super) state: Option<String>,
    /// What is known of this state.
    pub(in crate::source::git) places: Option<Places>,
}

impl Recalled {
    /// What was seen of all that is known.
    pub(in crate::source::git) fn seen(&self) -> impl Iterator<Item = &Seen> {
        self.units.iter().flatten().map(|unit| &unit.seen)
    }

    /// What earlier scans noted about the objects of interest.
    pub(in crate::source::git) fn notes(&self) -> Vec<u32> {
        self.units.iter().flatten().flat_map(|unit| unit.notes.iter().copied()).collect()
    }

    /// How many objects need not be read.
    pub(in crate::source::git) fn objects(&self) -> u64 {
        self.seen().map(|seen| seen.objects).sum()
    }

    pub(in crate::source::git) fn outside(&self) -> impl Iterator<Item = ObjectId> {
        self.seen().flat_map(|seen| seen.outside.iter().copied())
    }

    pub(in crate::source::git) fn malformed(&self) -> impl Iterator<Item = ObjectId> {
        self.seen().flat_map(|seen| seen.malformed.iter().copied())
    }
}

impl GitSource {
    /// Reads the entries about what the store holds; nothing without a cache.
    pub(in crate::source::git) fn recall(&self, store: &Store) -> Recalled {
        let cache = self.session.cache.as_ref();
        let Some((cache, folder)) = cache.and_then(|cache| Some((cache, cache.of(self)?))) else {
            return Recalled::default();
        };
        let count = store.packs().count();
        let shallow = std::fs::read(self.repository.commondir().join("shallow")).unwrap_or_default();
        let name = |pack: &Pack, is_sound: bool| {
            let sum = pack.index.pack_sum().filter(|_| is_sound)?;
            let len = pack.len().to_be_bytes();
            Some(cache.name(&[b"pack", sum, pack.index.own_sum(), &len, &shallow]))
        };
        let mut names: Vec<Option<String>> = Vec::with_capacity(count + 1);
        for (pack, _, is_sound) in store.packs() {
            // A copy of a pack in an alternate: what is said of one does not count twice.
            let name = name(pack, is_sound).filter(|name| !names.contains(&Some(name.clone())));
            names.push(name);
        }
        let here = self.repository.commondir().as_os_str().as_encoded_bytes();
        names.push(Some(cache.name(&[b"loose", here, &shallow])));
        let known = Known::of(count, store.loose().len());
        let mut recalled = Recalled { known, names, folder, ..Recalled::default() };
        recalled.packs(cache, store);
        recalled.loose(cache, store);
        recalled.state = self.state(cache, store, &recalled.names);
        if recalled.known.is_everything() {
            let state = recalled.state.as_deref();
            recalled.places = state.and_then(|state| cache.read(&recalled.folder, state));
        }
        recalled
    }
}

impl Recalled {
    /// Reads what is known of packs. An entry falls with any that it leans on: what it left out was counted there.
    fn packs(&mut self, cache: &Cache, store: &Store) {
        for (number, (pack, ..)) in store.packs().enumerate() {
            let entry = self.names[number].as_deref().and_then(|name| cache.read(&self.folder, name));
            let stamp = pack.metadata().ok().and_then(|metadata| Stamp::of(&metadata));
            self.stamps.push(stamp);
            let unit = entry.filter(|unit: &Unit| {
                let is_same = unit.stamp.is_some() && unit.stamp == stamp;
                if !is_same {
                    self.stale.insert(number);
                }
                is_same || pack.has_its_sum()
            });
            self.units.push(unit);
        }
        loop {
            let names = self.units.iter().zip(&self.names).filter(|(unit, _)| unit.is_some());
            let held: BTreeSet<&str> = names.filter_map(|(_, name)| name.as_deref()).collect();
            let falls = |unit: &&Unit| !unit.leans.iter().all(|name| held.contains(name.as_str()));
            let fallen: Vec<bool> =
                self.units.iter().map(|unit| unit.as_ref().is_some_and(|unit| falls(&unit))).collect();
            if !fallen.contains(&true) {
                break;
            }
            for (unit, fallen) in self.units.iter_mut().zip(fallen) {
                unit.take_if(|_| fallen);
            }
        }
        for (number, unit) in self.units.iter().enumerate() {
            self.known.set_pack(number, unit.is_some());
        }
        self.stale.retain(|&number| self.units[number].is_some());
    }

    /// Reads what is known of loose objects. It holds as long as all of them are loose and nowhere else.
    fn loose(&mut self, cache: &Cache, store: &Store) {
        let entry: Option<Unit> =
            self.names.last().and_then(|name| cache.read(&self.folder, name.as_deref()?));
        let numbers = entry.as_ref().and_then(|unit| {
            let mut same = |(id, stamp): &(ObjectId, Option<Stamp>)| {
                let number = store.loose().binary_search_by_key(id, |(id, _)| *id).ok()?;
                let path = &store.loose()[number].1;
                let is_same = stamp.is_some() && *stamp == Stamp::of(&path.symlink_metadata().ok()?);
                if !is_same {
                    // git touches an object that it would have written again.
                    self.stale.insert(self.units.len());
                }
                ((is_same || loose::has_its_name(id, path)) && !store.is_packed(id)).then_some(number)
            };
            unit.loose.iter().map(&mut same).collect::<Option<Vec<_>>>()
        });
        for number in numbers.iter().flatten() {
            self.known.add_loose(*number);
        }
        for (number, _) in store.loose().iter().enumerate().filter(|(_, (id, _))| store.is_packed(id)) {
            self.known.add_loose(number);
        }
        if numbers.is_none() {
            self.stale.remove(&self.units.len());
        }
        self.units.push(entry.filter(|_| numbers.is_some()));
    }
}
