//! Puts back what a procedure deleted, and finds out how one ended that nobody saw the end of.

use super::backup::{self, BackupInfo, BackupState, Reader};
use super::store::Backend;
use super::{BackupKey, Counts, Error, Restored, Selection, Settled, Store};
use std::path::{Path, PathBuf};

/// What came back from one backup.
pub(super) struct PutBack {
    pub(super) restored: u64,
    /// Left to newer backups, and to which: only on Redis.
    pub(super) superseded: u64,
    pub(super) newer: Vec<PathBuf>,
}

impl Store {
    /// Puts the rows of a backup back, all or none. The whole file is authenticated before the first row is
    /// written. Sessions that it holds are live again afterwards.
    pub async fn restore(&mut self, path: &Path, key: &BackupKey) -> Result<Restored, Error> {
        let before = self.counts().await?;
        let back = self.put_back(path, key).await?;
        let mut restored = Restored::none(before);
        restored.add(back);
        self.recount(restored).await
    }

    /// The same without a count: of many backups each would count a large table twice.
    pub(super) async fn put_back(&mut self, path: &Path, key: &BackupKey) -> Result<PutBack, Error> {
        Reader::open(path, key)?.verify()?;
        self.check_fits(&backup::info(path)?)?;
        let mut attempt = 1;
        loop {
            let reader = Reader::open(path, key)?;
            let rows_alone = |restored| PutBack { restored, superseded: 0, newer: Vec::new() };
            let result = match &mut self.backend {
                Backend::Postgres(store) => store.restore(reader).await.map(rows_alone),
                Backend::Sqlite(store) => store.restore(reader).await.map(rows_alone),
                Backend::MySql(store) => store.restore(reader).await.map(rows_alone),
                Backend::Redis(store) => store.restore(reader, path, key).await,
            };
            match result {
                Err(error) if error.is_lock_conflict() => self.wait_for_lock(attempt).await?,
                result => return result,
            }
            attempt += 1;
        }
    }

    /// With the counts afterwards.
    pub(super) async fn recount(&mut self, restored: Restored) -> Result<Restored, Error> {
        match self.counts().await {
            Ok(after) => Ok(Restored { after, ..restored }),
            Err(cause) => {
                Err(Error::RestoredUncounted { restored: restored.restored, cause: Box::new(cause) })
            }
        }
    }

    /// Finds out how the purge of a prepared backup ended, after a crash or a lost connection.
    ///
    /// PostgreSQL knows the fate of the transaction for as long as it keeps its commit log; on SQLite and MySQL the first
    /// rows of the backup are looked up in the table. On Redis all of its keys are, and `rows` of
    /// [`Settled::Committed`] is how many are gone: a purge may have come half-way.
    pub async fn settle(&mut self, path: &Path, key: &BackupKey) -> Result<Settled, Error> {
        Reader::open(path, key)?.verify()?;
        let info = backup::info(path)?;
        if info.state == BackupState::Committed {
            return Ok(Settled::Committed(Box::new(info)));
        }
        self.check_fits(&info)?;
        let committed = match &mut self.backend {
            Backend::Postgres(store) => store.was_committed(&info).await?,
            Backend::Sqlite(store) => {
                let of_duplicates = info.selection == Selection::Duplicates.name();
                store.was_committed(Reader::open(path, key)?, of_duplicates).await?
            }
            Backend::MySql(store) => store.was_committed(Reader::open(path, key)?, &info.selection).await?,
            Backend::Redis(store) => return store.settle(path, key).await,
        };
        Ok(match committed {
            Some(true) => Settled::Committed(Box::new(backup::committed(path)?)),
            Some(false) => {
                backup::discard(path);
                Settled::RolledBack
            }
            None => Settled::Unknown,
        })
    }

    /// Refuses a backup of another table, or of other columns than the table has now.
    pub(super) fn check_fits(&self, info: &BackupInfo) -> Result<(), Error> {
        let table = &self.selected().table;
        let reason = if info.kind != self.kind() {
            format!("it is of a {} store", info.kind)
        } else if info.table != table.name {
            format!("it is of the table {}", info.table)
        } else if info.columns != table.columns {
            let again = if info.is_copy() {
                ": it fits again once the change of the schema that it was made before is undone"
            } else {
                ""
            };
            format!("the columns of {} have changed since{again}", info.table)
        } else {
            return Ok(());
        };
        Err(Error::Backup { path: info.path.clone(), reason })
    }
}

impl Restored {
    /// Before anything came back.
    pub(super) fn none(before: Counts) -> Self {
        let after = before.clone();
        Self { backups: 0, before, restored: 0, superseded: 0, newer: Vec::new(), after }
    }

    pub(super) fn add(&mut self, back: PutBack) {
        self.backups += 1;
        self.restored += back.restored;
        self.superseded += back.superseded;
        self.newer.extend(back.newer);
    }
}
