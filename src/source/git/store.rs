//! All objects of a repository: packs, loose objects, and those of its alternates, each once.

use super::known::Known;
use super::loose;
use super::object::{Kind, Object};
use super::object_id::ObjectId;
use super::pack::{DeltaBase, Forest, Pack, PackError, Visitor, Walk};
use super::positions::Positions;
use crate::coverage::Coverage;
use crate::source::Take;
use crate::source::content::{self, Content};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// How many chains of alternates are followed; git stops at five.
const MAX_ALTERNATES: usize = 5;

/// How many objects that cannot be read are named; the rest is counted.
const MAX_NAMED: usize = 200;

/// The objects, each with a position that counts through all packs and then the loose ones.
pub(super) struct Store {
    packs: Vec<Packed>,
    /// The position of each pack's first object, and behind the last that of the first loose one.
    starts: Vec<usize>,
    loose: Vec<(ObjectId, PathBuf)>,
    /// The way from names to positions, made when the first name is asked for.
    positions: OnceLock<Positions>,
    /// What could not be opened.
    problems: Vec<(String, String)>,
}

/// A pack and where it was found.
struct Packed {
    pack: Pack,
    path: PathBuf,
    /// Whether nothing about it had to be named as a problem.
    is_sound: bool,
}

/// What a walk over all objects learnt of the packs and of the loose objects, which count as one more pack.
pub(super) struct Walked {
    /// Those of which something could not be read.
    pub(super) lossy: BTreeSet<usize>,
    /// Those of which objects were left out, each with another one that has them too.
    pub(super) leans: BTreeSet<(usize, usize)>,
}

impl Store {
    fn empty() -> Self {
        Self {
            packs: Vec::new(),
            starts: vec![0],
            loose: Vec::new(),
            positions: OnceLock::new(),
            problems: Vec::new(),
        }
    }

    /// Opens all packs below these `objects` folders and their alternates.
    pub(super) fn open(objects: &[PathBuf], hash_len: usize) -> Self {
        let mut store = Self::empty();
        let mut folders: Vec<_> = objects.iter().map(|folder| (folder.clone(), 0)).collect();
        let mut seen = Vec::new();
        while let Some((folder, depth)) = folders.pop() {
            if seen.contains(&folder) {
                continue;
            }
            folders.extend(
                store
                    .alternates(&folder)
                    .into_iter()
                    .filter(|_| depth < MAX_ALTERNATES)
                    .map(|next| (next, depth + 1)),
            );
            store.open_packs(&folder, hash_len);
            match loose::list(&folder) {
                Ok(found) => store.loose.extend(found),
                Err(error) => {
                    store.problem(folder.display().to_string(), format!("cannot be listed: {error}"));
                }
            }
            seen.push(folder);
        }
        store.loose.sort_unstable();
        store.loose.dedup_by_key(|(id, _)| *id);
        store
    }

    /// The objects of one pack, which is the file at `path` or in it.
    pub(super) fn of(pack: Pack, path: &Path) -> Result<Self, PackError> {
        pack.index.check_offsets()?;
        let mut store = Self::empty();
        store.add(pack, path);
        Ok(store)
    }

    /// Adds a pack.
    fn add(&mut self, pack: Pack, path: &Path) {
        let problems = self.problems.len();
        if pack.unnamed > 0 {
            let reason = format!("{} of its objects build on others that are not in it", pack.unnamed);
            self.problem(path.display().to_string(), reason);
        }
        if !pack.index.is_intact() || !pack.belongs_to_index() {
            self.problem(path.display().to_string(), "is damaged: its check sum differs".to_owned());
        }
        self.starts.push(self.starts[self.packs.len()] + pack.index.len());
        let is_sound = self.problems.len() == problems;
        self.packs.push(Packed { pack, path: path.to_owned(), is_sound });
    }

    fn problem(&mut self, what: String, reason: String) {
        self.problems.push((what, reason));
    }

    fn alternates(&mut self, objects: &Path) -> Vec<PathBuf> {
        let list = objects.join("info/alternates");
        match fs::read_to_string(&list) {
            Ok(text) => {
                let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
                lines.map(|line| objects.join(line)).collect()
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                self.problem(list.display().to_string(), format!("cannot be read: {error}"));
                Vec::new()
            }
        }
    }

    fn open_packs(&mut self, objects: &Path, hash_len: usize) {
        let folder = objects.join("pack");
        let paths = fs::read_dir(&folder)
            .and_then(|files| files.map(|file| Ok(file?.path())).collect::<Result<Vec<_>, _>>());
        let paths = match paths {
            Ok(paths) => paths,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(error) => {
                return self.problem(folder.display().to_string(), format!("cannot be listed: {error}"));
            }
        };
        let (mut indices, mut packs) = (Vec::new(), Vec::new());
        for path in paths {
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("idx") => indices.push(path),
                Some("pack") => packs.push(path),
                _ => {}
            }
        }
        indices.sort_unstable();
        // A multi-pack index may stand for single ones, and a download may have been cut short.
        packs.retain(|pack| !indices.contains(&pack.with_extension("idx")));
        packs.sort_unstable();
        let with_index = indices.into_iter().map(|path| (Pack::open(&path, hash_len), path));
        let without = packs.into_iter().map(|path| (Pack::open_lone(&path, 0, hash_len), path));
        for (pack, path) in with_index.chain(without) {
            let opened = pack.and_then(|pack| pack.index.check_offsets().map(|()| pack));
            match opened {
                Ok(pack) => self.add(pack, &path),
                Err(error) => {
                    self.problem(path.with_extension("pack").display().to_string(), error.to_string());
                }
            }
        }
    }

    /// How many objects there are; one that two packs hold counts twice.
    pub(super) fn len(&self) -> usize {
        self.starts[self.packs.len()] + self.loose.len()
    }

    /// The position of an object, if it is here; of one that is here twice, the first.
    pub(super) fn position(&self, id: &[u8]) -> Option<usize> {
        let positions = self.positions.get_or_init(|| Positions::new(self.len(), |at| self.name(at)));
        positions.find(id, |at| self.name(at))
    }

    /// The position of an object as the history keeps it.
    pub(super) fn number(&self, id: &ObjectId) -> Option<u32> {
        self.position(id.as_bytes()).and_then(|position| u32::try_from(position).ok())
    }

    /// Whether an object is here: by a search in each pack, as long as no table of all names was made.
    pub(super) fn holds(&self, id: &ObjectId) -> bool {
        if self.positions.get().is_some() {
            return self.position(id.as_bytes()).is_some();
        }
        self.is_packed(id) || self.loose.binary_search_by_key(id, |(id, _)| *id).is_ok()
    }

    /// Whether a pack has an object; then the loose one is not read.
    pub(super) fn is_packed(&self, id: &ObjectId) -> bool {
        self.packs.iter().any(|packed| packed.pack.index.position(id.as_bytes()).is_some())
    }

    /// The numbers of the packs that have an object, or else that of the loose objects.
    pub(super) fn units(&self, id: &ObjectId) -> Vec<usize> {
        let packs = self.packs.iter().enumerate();
        let mut units: Vec<usize> = packs
            .filter(|(_, packed)| packed.pack.index.position(id.as_bytes()).is_some())
            .map(|(number, _)| number)
            .collect();
        if units.is_empty() && self.loose.binary_search_by_key(id, |(id, _)| *id).is_ok() {
            units.push(self.packs.len());
        }
        units
    }

    /// The number of the pack that a position is in; behind the last that of the loose objects.
    pub(super) fn unit(&self, position: usize) -> usize {
        self.starts.partition_point(|&start| start <= position) - 1
    }

    /// The packs, each with the path of its index and whether nothing is wrong with it.
    pub(super) fn packs(&self) -> impl Iterator<Item = (&Pack, &Path, bool)> {
        self.packs.iter().map(|packed| (&packed.pack, packed.path.as_path(), packed.is_sound))
    }

    /// How many bytes the packs and loose objects have that are not known.
    pub(super) fn stored_but(&self, known: &Known) -> u64 {
        let packs = self.packs.iter().enumerate().filter(|(number, _)| !known.pack(*number));
        let loose = self.loose.iter().enumerate().filter(|(number, _)| !known.loose(*number));
        packs.map(|(_, packed)| packed.pack.len()).sum::<u64>()
            + loose.map(|(_, (_, path))| loose::stored(path)).sum::<u64>()
    }

    /// The loose objects, ordered by their names.
    pub(super) fn loose(&self) -> &[(ObjectId, PathBuf)] {
        &self.loose
    }

    /// The name of the object at a position.
    pub(super) fn id(&self, position: usize) -> ObjectId {
        ObjectId::from_bytes(self.name(position)).expect("all names are of one of the two lengths")
    }

    fn name(&self, position: usize) -> &[u8] {
        let pack = self.unit(position);
        match self.packs.get(pack) {
            Some(packed) => packed.pack.index.name(position - self.starts[pack]),
            None => self.loose[position - self.starts[self.packs.len()]].0.as_bytes(),
        }
    }

    /// Reads one object, from any pack or file that has it whole.
    pub(super) fn read(&self, id: &ObjectId) -> Option<(Kind, Vec<u8>)> {
        self.read_within(id, 8)
    }

    /// Streams an object that is stored whole; another one is built first.
    pub(super) fn reread(&self, id: &ObjectId, take: &mut Take<'_>) -> Option<io::Result<()>> {
        if let Ok(at) = self.loose.binary_search_by_key(id, |(id, _)| *id) {
            return Some(
                loose::open(&self.loose[at].1).and_then(|(_, size, mut reader)| take(&mut reader, size)),
            );
        }
        for Packed { pack, .. } in &self.packs {
            if let Ok(Some((_, size, mut reader))) = pack.reader(id) {
                return Some(take(&mut reader, size));
            }
        }
        self.read(id).map(|(_, bytes)| take(&mut bytes.as_slice(), bytes.len() as u64))
    }

    /// `depth` bounds how often a delta's base may be in yet another pack.
    fn read_within(&self, id: &ObjectId, depth: usize) -> Option<(Kind, Vec<u8>)> {
        let depth = depth.checked_sub(1)?;
        let packed = self.packs.iter().find_map(|Packed { pack, .. }| {
            pack.read(pack.index.position(id.as_bytes())?, &|base| self.read_within(base, depth)).ok()
        });
        packed.or_else(|| {
            let loose = self.loose.binary_search_by_key(id, |(id, _)| *id).ok()?;
            loose::read(&self.loose[loose].1).ok()
        })
    }

    /// Hands one object over, in windows if it is a large blob that is stored whole. False if it cannot be read.
    pub(super) fn visit<V: Visitor>(&self, id: &ObjectId, visitor: &V) -> bool {
        let Some(position) = self.position_by_search(id) else { return false };
        if self.unit(position) == self.packs.len() {
            let path = &self.loose[position - self.starts[self.packs.len()]].1;
            return loose::visit(*id, position, path, visitor).is_ok();
        }
        for Packed { pack, .. } in &self.packs {
            if let Ok(Some((Kind::Blob, size, mut reader))) = pack.reader(id)
                && size > content::LARGE
            {
                let read =
                    content::each_window(&mut reader, &mut |content| {
                        drop(visitor.object(
                            &Object { id: *id, position, kind: Kind::Blob, content, stored: 0 },
                            None,
                        ));
                        !visitor.stopped()
                    });
                return read.is_ok_and(|read| read == size || visitor.stopped());
            }
        }
        let Some((kind, bytes)) = self.read(id) else { return false };
        drop(
            visitor.object(
                &Object { id: *id, position, kind, content: Content::whole(&bytes), stored: 0 },
                None,
            ),
        );
        true
    }

    fn position_by_search(&self, id: &ObjectId) -> Option<usize> {
        let packs = self.packs.iter().zip(&self.starts);
        let packed =
            |(packed, start): (&Packed, &usize)| Some(start + packed.pack.index.position(id.as_bytes())?);
        packs.into_iter().find_map(packed).or_else(|| {
            let loose = self.loose.binary_search_by_key(id, |(id, _)| *id).ok()?;
            Some(self.starts[self.packs.len()] + loose)
        })
    }

    /// Hands every object that the visitor wants to it, each once, on `jobs` threads. Names what cannot be read in the
    /// coverage.
    pub(super) fn each<V: Visitor>(&self, jobs: usize, visitor: &V, coverage: &mut Coverage) {
        self.each_but(&Known::default(), jobs, visitor, coverage);
    }

    /// The same, without the objects that an earlier scan has seen.
    pub(super) fn each_but<V: Visitor>(
        &self,
        known: &Known,
        jobs: usize,
        visitor: &V,
        coverage: &mut Coverage,
    ) -> Walked {
        let once = Once { store: self, known, visitor, lost: Mutex::default(), leans: Mutex::default() };
        let mut lossy = BTreeSet::new();
        for (number, packed) in self.packs.iter().enumerate().filter(|(number, _)| !known.pack(*number)) {
            let before = once.losses();
            self.walk(number, packed, jobs, &once);
            if once.losses() > before {
                lossy.insert(number);
            }
        }
        let before = once.losses();
        let (first, next) = (self.starts[self.packs.len()], AtomicUsize::new(0));
        on_threads(jobs, &|| {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some((id, path)) = self.loose.get(number).filter(|_| !visitor.stopped()) else { return };
                if known.loose(number) || self.is_packed(id) {
                    continue;
                }
                if let Err(error) = loose::visit(*id, first + number, path, visitor) {
                    once.lose(*id, format!("cannot be read: {error}"));
                }
            }
        });
        if once.losses() > before {
            lossy.insert(self.packs.len());
        }
        let Once { lost, leans, .. } = once;
        self.report(lost.into_inner().unwrap_or_else(PoisonError::into_inner), coverage);
        Walked { lossy, leans: leans.into_inner().unwrap_or_else(PoisonError::into_inner) }
    }

    fn walk<V: Visitor>(&self, number: usize, packed: &Packed, jobs: usize, once: &Once<'_, V>) {
        let Packed { pack, .. } = packed;
        // What is built on what is not kept: it takes 24 bytes an object, and hardly any pack is walked twice.
        let forest = match Forest::new(pack) {
            Ok(forest) => forest,
            Err(error) => {
                (0..pack.index.len()).for_each(|position| once.lost_to(pack.index.id(position), &error));
                return;
            }
        };
        let next = AtomicUsize::new(0);
        let walk = Walk { pack, forest: &forest, start: self.starts[number], external: &|id| self.read(id) };
        on_threads(jobs, &|| walk.run(&next, once));
        for (id, error) in &forest.broken {
            once.lost_to(*id, error);
        }
    }

    /// Names what is lost, each object once. A copy in another pack is not looked for: damage is worth a word.
    fn report(&self, mut lost: Vec<(ObjectId, String)>, coverage: &mut Coverage) {
        for (what, reason) in &self.problems {
            coverage.skip(what, reason);
        }
        lost.sort_unstable();
        lost.dedup_by_key(|(id, _)| *id);
        let more = lost.len().saturating_sub(MAX_NAMED);
        for (id, reason) in lost.into_iter().take(MAX_NAMED) {
            coverage.skip(format!("object {id}"), reason);
        }
        if more > 0 {
            coverage.skip(format!("{more} more objects"), "cannot be read");
        }
    }
}

/// Passes on what is seen for the first time, and collects what is lost.
struct Once<'s, V> {
    store: &'s Store,
    known: &'s Known,
    visitor: &'s V,
    lost: Mutex<Vec<(ObjectId, String)>>,
    leans: Mutex<BTreeSet<(usize, usize)>>,
}

impl<V> Once<'_, V> {
    fn losses(&self) -> usize {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The pack that an object of a pack is left to: one that an earlier scan has seen, or else the first.
    fn left_to(&self, object: &Object<'_>) -> Option<usize> {
        let id = object.id.as_bytes();
        let known = self.known.packs().find(|&pack| self.store.packs[pack].pack.index.position(id).is_some());
        known.or_else(|| {
            let first = self.store.position(id).filter(|first| *first != object.position)?;
            Some(self.store.unit(first))
        })
    }

    fn lost_to(&self, id: ObjectId, error: &PackError) {
        let reason = match error {
            PackError::CheckSum => format!("is damaged: {error}"),
            _ => format!("cannot be read: {error}"),
        };
        self.lose(id, reason);
    }

    fn lose(&self, id: ObjectId, reason: String) {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).push((id, reason));
    }
}

impl<V: Visitor> Visitor for Once<'_, V> {
    type Memory = V::Memory;

    fn wants(&self, kind: Kind) -> bool {
        self.visitor.wants(kind)
    }

    fn wants_any(&self, family: &mut dyn Iterator<Item = usize>) -> bool {
        self.visitor.wants_any(family)
    }

    fn object(&self, object: &Object<'_>, base: Option<DeltaBase<'_, V::Memory>>) -> Option<V::Memory> {
        if self.store.packs.len() > 1
            && let Some(other) = self.left_to(object)
        {
            let pair = (self.store.unit(object.position), other);
            self.leans.lock().unwrap_or_else(PoisonError::into_inner).insert(pair);
            return None;
        }
        self.visitor.object(object, base)
    }

    fn lost(&self, id: ObjectId, error: PackError) {
        self.lost_to(id, &error);
    }

    fn stopped(&self) -> bool {
        self.visitor.stopped()
    }
}

/// Runs `work` on this thread and on so many more that there are `jobs`.
pub(super) fn on_threads(jobs: usize, work: &(dyn Fn() + Sync)) {
    std::thread::scope(|scope| {
        for _ in 1..jobs {
            scope.spawn(work);
        }
        work();
    });
}
