//! What blobs are called, wherever they stand: the ties of trees tell that in one pass, which is much cheaper than to find
//! every place.

use super::history::Past;
use super::{GitSource, ObjectId};
use crate::source::{Error, Key, MayBe, path};
use std::collections::{HashMap, HashSet};

impl GitSource {
    /// Those of the blobs that stand in any tree or index under a name that they may be looked for by.
    pub(super) fn called(
        &self,
        past: &Past,
        blobs: &HashSet<ObjectId>,
        may_be: MayBe<'_>,
    ) -> Result<HashSet<ObjectId>, Error> {
        let staged = self.staged_as(blobs, may_be)?;
        let no_folder = |name: &[u8]| !(may_be.folder)(&path::text(name));
        let alone = staged.alone && past.names.iter().all(|name| no_folder(name));
        let is_it = |id: ObjectId, name: &[u8]| (may_be.file)(&Key::Object(id), &path::text(name), alone);
        let staged = staged.names.into_iter().filter(|(id, name)| is_it(*id, name));
        let mut called: HashSet<ObjectId> = staged.map(|(id, _)| id).collect();
        let store = self.store();
        let numbers: HashMap<u32, ObjectId> =
            blobs.iter().filter_map(|id| Some((store.number(id)?, *id))).collect();
        // Nearly every entry is of another blob: that is asked without a hash.
        let mut wanted = vec![false; store.len()];
        numbers.keys().for_each(|&number| wanted[number as usize] = true);
        let mut tried = HashSet::new();
        past.ties.each(|tie| {
            let is_wanted = |object: u32| wanted.get(object as usize).is_some_and(|wanted| *wanted);
            for entry in tie.gained.iter().filter(|entry| is_wanted(entry.object())) {
                let id = numbers[&entry.object()];
                let is_new = !called.contains(&id) && tried.insert((entry.object(), entry.name()));
                if is_new && is_it(id, &past.names[entry.name() as usize]) {
                    called.insert(id);
                }
            }
        });
        Ok(called)
    }

    /// What the indices call these blobs.
    fn staged_as(&self, blobs: &HashSet<ObjectId>, may_be: MayBe<'_>) -> Result<Staged, Error> {
        let mut staged = Staged { names: HashSet::new(), alone: true };
        for (file, _) in self.index_files() {
            for entry in self.open_index(&file)?.iter() {
                let mut parts = entry.path.rsplit(|&byte| byte == b'/');
                let name = parts.next().unwrap_or_default();
                staged.alone &= !parts.any(|folder| (may_be.folder)(&path::text(folder)));
                let id = ObjectId::from(entry.id);
                if blobs.contains(&id) {
                    staged.names.insert((id, name.to_owned()));
                }
            }
        }
        Ok(staged)
    }
}

/// What indices call blobs.
struct Staged {
    names: HashSet<(ObjectId, Vec<u8>)>,
    /// Whether no folder in them says what its files are.
    alone: bool,
}
