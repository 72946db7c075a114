//! Every session at once, without keeping an application waiting that uses its sessions meanwhile.

use super::store::Removed;
use super::{BackupSpec, Bounds, Deleted, Error, Purged, Selection, Store};
use std::path::PathBuf;

/// How many rows go in one transaction: some tenths of a second, for which whoever writes to one of them waits.
const TOGETHER: u64 = 200_000;

impl Store {
    /// Deletes every session: see [`Self::purge_telling`].
    pub async fn purge(&mut self, spec: &BackupSpec<'_>) -> Result<Purged, Error> {
        self.purge_telling(spec, &mut |_, _| {}).await
    }

    /// Deletes every session, with backups of exactly the deleted rows.
    ///
    /// An application writes to the rows of its sessions with every request, and would wait for all that a transaction
    /// deletes. So a server's rows go in several transactions with a backup each, and `told` learns after each how many are
    /// gone, and of how many.
    ///
    /// # Errors
    /// Nothing is deleted that is in no backup: [`Error::Partial`] and [`Error::Uncounted`] say what is.
    pub async fn purge_telling(
        &mut self,
        spec: &BackupSpec<'_>,
        told: &mut dyn FnMut(u64, u64),
    ) -> Result<Purged, Error> {
        if !self.splits(&Selection::All) {
            let done = self.delete(&Selection::All, spec).await?;
            let Deleted { before, deleted, backed_up, gone, taken, after, backup, later, .. } = done;
            return Ok(Purged { before, deleted, backed_up, gone, taken, after, backup, later });
        }
        self.preflight().await?;
        let before = self.counts().await?;
        let mut gone = Removed::from(None);
        let mut after = before.clone();
        // A part is short where somebody else deleted some of its rows meanwhile, and whoever logs in makes new ones: it
        // ends when none is left, or after twice as many parts as it should take.
        for _ in 0..2 * (1 + before.total / TOGETHER) {
            if after.total == 0 {
                break;
            }
            let bounds = Bounds { batch: Some(TOGETHER), ..Bounds::default() };
            let part = match self.delete_unlocked(&Selection::All, spec, bounds).await {
                Ok(part) => part,
                Err(cause) if gone.deleted == 0 => return Err(cause),
                Err(cause) => {
                    let (deleted, backups) = gone.into_paths();
                    let cause = Box::new(cause);
                    return Err(Error::Partial { read: before.total, deleted, gone: 0, backups, cause });
                }
            };
            let is_full = part.deleted >= TOGETHER;
            gone.deleted += part.deleted;
            gone.backups.extend(part.backups);
            told(gone.deleted, before.total);
            if is_full {
                continue;
            }
            after = match self.counts().await {
                Ok(after) => after,
                Err(cause) if gone.deleted == 0 => return Err(cause),
                Err(cause) => {
                    let (deleted, backups) = gone.into_paths();
                    return Err(Error::Uncounted { deleted, backups, cause: Box::new(cause) });
                }
            };
        }
        let (deleted, mut backups) = (gone.deleted, gone.backups.into_iter());
        let (backup, later) = (backups.next(), backups.collect());
        Ok(Purged { before, deleted, backed_up: deleted, gone: 0, taken: 0, after, backup, later })
    }
}

impl Removed {
    fn into_paths(self) -> (u64, Vec<PathBuf>) {
        (self.deleted, self.backups.into_iter().map(|backup| backup.path).collect())
    }
}
