//! The hash of all that places depend on besides the rules: objects, references, HEADs, the stash's log, the indices.

use super::Cache;
use crate::source::git::GitSource;
use crate::source::git::store::Store;
use sha2::{Digest as _, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

/// Folders of references are no deeper.
const DEEPEST: usize = 64;

impl GitSource {
    /// The name of the entry about the state of this repository; `None` if that cannot be told.
    pub(super) fn state(&self, cache: &Cache, store: &Store, packs: &[Option<String>]) -> Option<String> {
        let mut state = Sha256::new();
        for pack in packs {
            add(&mut state, pack.as_deref()?.as_bytes());
        }
        store.loose().iter().for_each(|(id, _)| add(&mut state, id.as_bytes()));
        // A linked working tree has files of its own besides those that all share.
        let mut folders = vec![self.repository.commondir(), self.repository.path()];
        folders.dedup();
        for folder in folders {
            for name in ["HEAD", "packed-refs", "AUTO_MERGE", "shallow", "logs/refs/stash"] {
                add_file(&mut state, &folder.join(name))?;
            }
            add_folder(&mut state, &folder.join("refs"), DEEPEST)?;
        }
        for id in self.heads() {
            add(&mut state, id.as_bytes());
        }
        for (file, is_here) in self.index_files() {
            add(&mut state, &[u8::from(is_here)]);
            for entry in self.open_index(&file).ok()?.iter() {
                add(&mut state, &entry.path);
                add(&mut state, entry.id.as_bytes());
                add(&mut state, &entry.flags.to_be_bytes());
            }
        }
        Some(cache.name(&[b"state", &state.finalize()]))
    }
}

fn add(state: &mut Sha256, bytes: &[u8]) {
    state.update((bytes.len() as u64).to_be_bytes());
    state.update(bytes);
}

/// Adds a file's bytes, or that there is none; `None` if it cannot be read.
fn add_file(state: &mut Sha256, path: &Path) -> Option<()> {
    match fs::read(path) {
        Ok(bytes) => add(state, &bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => state.update([0]),
        Err(_) => return None,
    }
    Some(())
}

/// Adds all files below a folder, with their names.
fn add_folder(state: &mut Sha256, folder: &Path, depth: usize) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    let mut paths: Vec<(PathBuf, bool)> = match fs::read_dir(folder) {
        Ok(entries) => entries
            .map(|entry| entry.and_then(|entry| Ok((entry.path(), entry.file_type()?.is_dir()))))
            .collect::<Result<_, _>>()
            .ok()?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(_) => return None,
    };
    paths.sort_unstable();
    add(state, &(paths.len() as u64).to_be_bytes());
    for (path, is_folder) in paths {
        add(state, path.file_name()?.as_encoded_bytes());
        if is_folder { add_folder(state, &path, depth) } else { add_file(state, &path) }?;
    }
    Some(())
}
