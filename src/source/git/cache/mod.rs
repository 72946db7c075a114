//! What earlier scans learnt of a repository, so that this one reads only what is new.
//!
//! An entry holds no secret and no text of the repository that a rule matches: of each pack, and of the loose objects
//! together, that all of it was scanned, how much that was, what it names outside of itself, and which of its objects are
//! of interest, with the scan's note where in them. Those are read again, so that a finding always comes from real bytes.
//! An entry that is missing, damaged or forged costs time and nothing else.

mod again;
mod entry;
mod keep;
mod places;
mod recall;
mod stamp;
mod state;

pub(super) use entry::Seen;
pub(super) use keep::{Learnt, Session};
pub(super) use places::Places;
pub(super) use recall::Recalled;

use super::GitSource;
use crate::durable::{self, Mode};
use crate::secret::FingerprintKey;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Where the entries stand in git's own folder.
pub(super) const FOLDER: &str = "unleak/cache";

/// How the name of an entry ends: in a folder that somebody names, nothing else is ours to remove.
const ENDING: &str = ".unleak";

/// An entry of more bytes is not worth its place.
const LARGEST: u64 = 16 << 20;

/// How many entries stay in a repository, and in a folder that repositories share, that this scan has no use for: other
/// rules, other branches, and packs that are gone.
const SPARE: (usize, usize) = (16, 1024);

/// What a killed process left half written is removed after so long.
const ABANDONED: Duration = Duration::from_hours(1);

/// Where entries stand, how they are sealed, and which scan they are of.
#[derive(Clone)]
pub struct Cache {
    /// `None` for the git folder of each repository.
    folder: Option<PathBuf>,
    key: [u8; 32],
    scan: String,
}

impl Cache {
    /// In the git folder of each repository. Whoever made the repository may have put entries there, so they carry a seal
    /// by a key that is kept elsewhere. `scan` tells apart scans that can find something else.
    pub fn in_repository(scan: &str, key: &FingerprintKey) -> Self {
        Self { folder: None, key: key.derive("unleak cache"), scan: scan.to_owned() }
    }

    /// In a folder that repositories and machines may share. The seal is a check sum only: who can write there is trusted.
    pub fn in_folder(scan: &str, folder: &Path) -> Self {
        Self { folder: Some(folder.to_owned()), key: [0; 32], scan: scan.to_owned() }
    }

    /// The folder of a repository's entries; `None` if it must not hold any.
    fn of(&self, source: &GitSource) -> Option<PathBuf> {
        if source.lone.is_some() {
            return None;
        }
        let common = source.repository.commondir();
        self.folder.clone().or_else(|| is_ours(common).then(|| common.join(FOLDER)))
    }

    fn sealed(&self, parts: &[&[u8]]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        hex::encode(mac.finalize().into_bytes())
    }

    /// The name of an entry about these things. Nobody without the key can foretell it.
    fn name(&self, about: &[&[u8]]) -> String {
        let mut parts = vec![b"name".as_slice(), self.scan.as_bytes()];
        parts.extend_from_slice(about);
        self.sealed(&parts) + ENDING
    }

    /// Reads an entry that this key sealed under this name.
    fn read<T: DeserializeOwned>(&self, folder: &Path, name: &str) -> Option<T> {
        let path = folder.join(name);
        let metadata = fs::symlink_metadata(&path).ok()?;
        if !metadata.is_file() || metadata.len() > LARGEST {
            return None;
        }
        let bytes = fs::read(path).ok()?;
        let (seal, body) = bytes.split_at_checked(64)?;
        (seal == self.sealed(&[b"entry", name.as_bytes(), body]).as_bytes()).then_some(())?;
        serde_json::from_slice(body).ok()
    }

    /// Writes an entry. One that cannot be written is no loss.
    fn write<T: Serialize>(&self, folder: &Path, name: &str, entry: &T) {
        let Ok(body) = serde_json::to_vec(entry) else { return };
        if body.len() as u64 + 64 > LARGEST {
            return;
        }
        let mut bytes = self.sealed(&[b"entry", name.as_bytes(), &body]).into_bytes();
        bytes.extend(body);
        let path = folder.join(name);
        // What is found here may be a link to a file that must not be replaced.
        if path.is_symlink() && fs::remove_file(&path).is_err() {
            return;
        }
        drop(durable::write_atomic(&path, &bytes, Mode::Private));
    }

    /// Makes the folder; false if there can be none.
    fn prepare(&self, folder: &Path) -> bool {
        let is_linked = || [Some(folder), folder.parent()].into_iter().flatten().any(Path::is_symlink);
        if self.folder.is_none() && is_linked() {
            return false;
        }
        durable::create_private_dir(folder).is_ok()
    }

    /// Removes the oldest entries beyond those of `used`.
    fn prune(&self, folder: &Path, used: &[String]) {
        let mut spare = Vec::new();
        for file in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            let changed = file.metadata().and_then(|metadata| metadata.modified());
            let changed = changed.unwrap_or(SystemTime::UNIX_EPOCH);
            if name.ends_with(ENDING) {
                if !used.contains(&name) {
                    spare.push((changed, file.path()));
                }
            } else if name.starts_with(durable::TEMPORARY)
                && changed.elapsed().is_ok_and(|age| age > ABANDONED)
            {
                drop(fs::remove_file(file.path()));
            }
        }
        spare.sort_unstable();
        let most = if self.folder.is_none() { SPARE.0 } else { SPARE.1 };
        for (_, path) in &spare[..spare.len().saturating_sub(most)] {
            drop(fs::remove_file(path));
        }
    }
}

#[cfg(unix)]
fn is_ours(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let us = rustix::process::geteuid().as_raw();
    folder.metadata().is_ok_and(|metadata| metadata.uid() == us)
}

#[cfg(not(unix))]
fn is_ours(_folder: &Path) -> bool {
    true // libgit2 has refused a repository of somebody else
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// An entry comes back under its own name, key and scan only, and with no other byte in it.
        #[test]
        fn only_what_was_sealed_comes_back(entry: Vec<String>, at: prop::sample::Index, flip in 1u8..) {
            let folder = tempfile::tempdir().unwrap();
            let key = |byte| FingerprintKey::new([byte; 32]);
            let cache = Cache::in_repository("scan", &key(1));
            let name = cache.name(&[b"thing"]);
            cache.write(folder.path(), &name, &entry);
            prop_assert_eq!(cache.read::<Vec<String>>(folder.path(), &name), Some(entry));
            let other = Cache::in_repository("scan", &key(2));
            prop_assert_eq!(other.read::<Vec<String>>(folder.path(), &name), None);
            let moved = cache.name(&[b"other thing"]);
            let path = folder.path().join(&name);
            let mut bytes = fs::read(&path).unwrap();
            durable::write_atomic(&folder.path().join(&moved), &bytes, Mode::Private).unwrap();
            prop_assert_eq!(cache.read::<Vec<String>>(folder.path(), &moved), None);
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            durable::write_atomic(&path, &bytes, Mode::Private).unwrap();
            prop_assert_eq!(cache.read::<Vec<String>>(folder.path(), &name), None);
        }
    }

    #[test]
    fn what_is_spare_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::in_repository("scan", &FingerprintKey::new([1; 32]));
        let names: Vec<String> = (0..40_u8).map(|number| cache.name(&[&[number]])).collect();
        names.iter().for_each(|name| cache.write(folder.path(), name, &1));
        // Somebody else's, in a folder that somebody named.
        let foreign: Vec<PathBuf> =
            (0..40).map(|number| folder.path().join(format!("{number:064x}"))).collect();
        foreign.iter().for_each(|path| durable::write_atomic(path, b"", Mode::Private).unwrap());
        cache.prune(folder.path(), &names[..3]);
        let left = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, 3 + SPARE.0 + foreign.len());
        assert!(names[..3].iter().all(|name| folder.path().join(name).is_file()));
    }
}
