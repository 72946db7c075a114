//! Every session at once, without keeping an application waiting that uses its sessions meanwhile.

use super::store::Removed;
use super::{BackupSpec, Bounds, Deleted, Error, Purged, Selection, Store};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How many rows go in the first transaction, which shows how fast they go here.
const FIRST: u64 = 20_000;
/// How many go in one at most, and at least.
const MOST: u64 = 200_000;
const LEAST: u64 = 1_000;
/// How long a transaction should take: so long waits whoever writes to one of its rows.
const WAIT: Duration = Duration::from_millis(400);

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
            let Deleted { before, deleted, backed_up, after, backup, later, .. } = done;
            return Ok(Purged { before, deleted, backed_up, after, backup, later });
        }
        self.preflight().await?;
        let before = self.counts().await?;
        let mut gone = Removed { deleted: 0, backups: Vec::new() };
        let mut after = before.clone();
        // A part is short where somebody else deleted some of its rows meanwhile, and whoever logs in makes new ones: it
        // ends when none is left, or after twice as much as it should take.
        let (mut size, mut taken) = (FIRST, 0);
        while after.total > 0 && taken < 2 * (MOST + before.total) {
            let started = Instant::now();
            let bounds = Bounds { batch: Some(size), ..Bounds::default() };
            let part = match self.delete_unlocked(&Selection::All, spec, bounds).await {
                Ok(part) => part,
                Err(cause) if gone.deleted == 0 => return Err(cause),
                Err(cause) => {
                    let (deleted, backups) = gone.into_paths();
                    let cause = Box::new(cause);
                    return Err(Error::Partial { read: before.total, deleted, backups, cause });
                }
            };
            let is_full = part.deleted >= size;
            taken += if is_full { size } else { MOST };
            size = next(size, started.elapsed());
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
        Ok(Purged { before, deleted, backed_up: deleted, after, backup, later })
    }
}

/// How many rows should go next, when so many took so long.
fn next(size: u64, took: Duration) -> u64 {
    let fits = u128::from(size) * WAIT.as_micros() / took.as_micros().max(1);
    u64::try_from(fits).unwrap_or(MOST).min(4 * size).clamp(LEAST, MOST)
}

impl Removed {
    fn into_paths(self) -> (u64, Vec<PathBuf>) {
        (self.deleted, self.backups.into_iter().map(|backup| backup.path).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_as_large_as_others_can_wait_for() {
        let ms = Duration::from_millis;
        assert_eq!(next(FIRST, ms(200)), 40_000);
        assert_eq!(next(FIRST, ms(1600)), 5_000);
        assert_eq!((next(FIRST, ms(0)), next(MOST, ms(10)), next(LEAST, ms(60_000))), (80_000, MOST, LEAST));
    }
}
