//! All objects of a repository: packs, loose objects, and those of its alternates, each once.

use super::loose;
use super::object::{Kind, Object};
use super::object_id::ObjectId;
use super::pack::{DeltaBase, Forest, Pack, PackError, Visitor, Walk};
use super::positions::Positions;
use crate::coverage::Coverage;
use crate::source::Take;
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
    packs: Vec<(Pack, Forest)>,
    /// The position of each pack's first object, and behind the last that of the first loose one.
    starts: Vec<usize>,
    loose: Vec<(ObjectId, PathBuf)>,
    /// The way from names to positions, made when the first name is asked for.
    positions: OnceLock<Positions>,
    /// What could not be opened.
    problems: Vec<(String, String)>,
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
        let mut store = Self::empty();
        store.add(Forest::new(&pack)?, pack, path);
        Ok(store)
    }

    /// Adds a pack.
    fn add(&mut self, forest: Forest, pack: Pack, path: &Path) {
        if pack.unnamed > 0 {
            let reason = format!("{} of its objects build on others that are not in it", pack.unnamed);
            self.problem(path.display().to_string(), reason);
        }
        if !pack.index.is_intact() || !pack.belongs_to_index() {
            self.problem(path.display().to_string(), "is damaged: its check sum differs".to_owned());
        }
        self.starts.push(self.starts[self.packs.len()] + pack.index.len());
        self.packs.push((pack, forest));
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
            let opened = pack.and_then(|pack| Ok((Forest::new(&pack)?, pack)));
            match opened {
                Ok((forest, pack)) => self.add(forest, pack, &path),
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

    /// The name of the object at a position.
    pub(super) fn id(&self, position: usize) -> ObjectId {
        ObjectId::from_bytes(self.name(position)).expect("all names are of one of the two lengths")
    }

    fn name(&self, position: usize) -> &[u8] {
        let pack = self.starts.partition_point(|&start| start <= position) - 1;
        match self.packs.get(pack) {
            Some((pack_file, _)) => pack_file.index.name(position - self.starts[pack]),
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
        for (pack, _) in &self.packs {
            if let Ok(Some((size, mut reader))) = pack.reader(id) {
                return Some(take(&mut reader, size));
            }
        }
        self.read(id).map(|(_, bytes)| take(&mut bytes.as_slice(), bytes.len() as u64))
    }

    /// `depth` bounds how often a delta's base may be in yet another pack.
    fn read_within(&self, id: &ObjectId, depth: usize) -> Option<(Kind, Vec<u8>)> {
        let depth = depth.checked_sub(1)?;
        let packed = self.packs.iter().find_map(|(pack, _)| {
            pack.read(pack.index.position(id.as_bytes())?, &|base| self.read_within(base, depth)).ok()
        });
        packed.or_else(|| {
            let loose = self.loose.binary_search_by_key(id, |(id, _)| *id).ok()?;
            loose::read(&self.loose[loose].1).ok()
        })
    }

    /// Hands every object that the visitor wants to it, each once, on `jobs` threads. Names what cannot be read in the
    /// coverage.
    pub(super) fn each<V: Visitor>(&self, jobs: usize, visitor: &V, coverage: &mut Coverage) {
        let once = Once { store: self, visitor, lost: Mutex::default() };
        for ((pack, forest), &start) in self.packs.iter().zip(&self.starts) {
            let next = AtomicUsize::new(0);
            let walk = Walk { pack, forest, start, external: &|id| self.read(id) };
            on_threads(jobs, &|| walk.run(&next, &once));
            for (id, error) in &forest.broken {
                once.lost_to(*id, error);
            }
        }
        let (first, next) = (self.starts[self.packs.len()], AtomicUsize::new(0));
        on_threads(jobs, &|| {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some((id, path)) = self.loose.get(number).filter(|_| !visitor.stopped()) else { return };
                if self.position(id.as_bytes()) != Some(first + number) {
                    continue;
                }
                if let Err(error) = loose::visit(*id, first + number, path, &once) {
                    once.lose(*id, format!("cannot be read: {error}"));
                }
            }
        });
        self.report(once.lost.into_inner().unwrap_or_else(PoisonError::into_inner), coverage);
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
    visitor: &'s V,
    lost: Mutex<Vec<(ObjectId, String)>>,
}

impl<V> Once<'_, V> {
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
        if self.store.packs.len() > 1 && self.store.position(object.id.as_bytes()) != Some(object.position) {
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
