//! The keys that newer backups of the same store hold, beside the one that is to be restored.

use super::record::Records;
use crate::session::backup::{self, Reader};
use crate::session::{BackupInfo, BackupKey, Error, list_backups};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The newer backups, and which of them holds a key.
#[derive(Debug, Default)]
pub(super) struct Newer {
    backups: Vec<PathBuf>,
    /// By the beginning of a digest: names of keys are tokens, and are not to be kept.
    holders: HashMap<[u8; 16], usize>,
}

impl Newer {
    /// Reads those in the folder of a backup that are of the same store and keys, and were made later.
    pub(super) fn than(path: &Path, key: &BackupKey) -> Result<Self, Error> {
        let own = backup::info(path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let list = list_backups(folder.unwrap_or(Path::new(".")))?;
        let is_newer = |other: &BackupInfo| {
            other.kind == own.kind
                && other.store == own.store
                && other.table == own.table
                && other.created > own.created
        };
        let mut newer = Self::default();
        for other in list.backups.into_iter().filter(is_newer) {
            newer.read(other.path, key)?;
        }
        Ok(newer)
    }

    fn read(&mut self, path: PathBuf, key: &BackupKey) -> Result<(), Error> {
        let mut records = Records::new(Reader::open(&path, key)?)?;
        loop {
            let batch = records.batch(500, 4 * 1024 * 1024)?;
            if batch.is_empty() {
                break;
            }
            let at = self.backups.len();
            self.holders.extend(batch.iter().map(|record| (digest(&record.key), at)));
        }
        self.backups.push(path);
        Ok(())
    }

    /// The newest backup that holds this key.
    pub(super) fn holder(&self, key: &[u8]) -> Option<usize> {
        if self.holders.is_empty() { None } else { self.holders.get(&digest(key)).copied() }
    }

    pub(super) fn named(&self, holders: &std::collections::BTreeSet<usize>) -> Vec<PathBuf> {
        holders.iter().filter_map(|&at| self.backups.get(at)).cloned().collect()
    }
}

fn digest(key: &[u8]) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&Sha256::digest(key)[..16]);
    short
}
