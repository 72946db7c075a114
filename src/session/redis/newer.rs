//! The keys that other backups of the same store hold as they were later, beside the one that is to be restored.

use super::record::{Record, Records};
use crate::session::backup::{self, Reader};
use crate::session::{BackupInfo, BackupKey, Error, list_backups};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// When a backup read a key, by the server's clock.
type Read = (i64, Timestamp);

/// The other backups, and which of them has a key as it was last.
#[derive(Debug)]
pub(super) struct Newer {
    /// When the backup was made that is to be restored.
    created: Timestamp,
    backups: Vec<PathBuf>,
    /// By the beginning of a digest: names of keys are tokens, and are not to be kept.
    holders: HashMap<[u8; 16], (Read, usize)>,
}

impl Newer {
    /// Reads those in the folder of a backup that are of the same store and keys, and may hold what was written later: they
    /// were made later, or by somebody who was still at work then.
    pub(super) fn than(path: &Path, key: &BackupKey) -> Result<Self, Error> {
        let own = backup::info(path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let list = list_backups(folder.unwrap_or(Path::new(".")))?;
        let is_other = |other: &BackupInfo| {
            other.kind == own.kind
                && other.store == own.store
                && other.table == own.table
                && other.path.file_stem() != own.path.file_stem()
        };
        let mut newer = Self { created: own.created, backups: Vec::new(), holders: HashMap::new() };
        for other in list.backups.into_iter().filter(is_other) {
            if other.created > own.created || backup::sealed(&other.path)? >= own.created {
                newer.read(other, key)?;
            }
        }
        Ok(newer)
    }

    fn read(&mut self, other: BackupInfo, key: &BackupKey) -> Result<(), Error> {
        let mut records = Records::new(Reader::open(&other.path, key)?)?;
        loop {
            let batch = records.batch(500, 4 * 1024 * 1024)?;
            if batch.is_empty() {
                break;
            }
            for record in &batch {
                let this = (read(record, other.created), self.backups.len());
                let last = self.holders.entry(digest(&record.key)).or_insert(this);
                *last = this.max(*last);
            }
        }
        self.backups.push(other.path);
        Ok(())
    }

    /// The other backup that has this key as it was last.
    pub(super) fn holder(&self, record: &Record) -> Option<usize> {
        if self.holders.is_empty() {
            return None;
        }
        let (last, at) = self.holders.get(&digest(&record.key))?;
        (*last > read(record, self.created)).then_some(*at)
    }

    pub(super) fn named(&self, holders: &std::collections::BTreeSet<usize>) -> Vec<PathBuf> {
        holders.iter().filter_map(|&at| self.backups.get(at)).cloned().collect()
    }
}

fn read(record: &Record, created: Timestamp) -> Read {
    (record.read, created)
}

fn digest(key: &[u8]) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&Sha256::digest(key)[..16]);
    short
}
