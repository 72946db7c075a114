//! Every session at once, without keeping an application waiting that uses its sessions meanwhile.

use super::pace::Pace;
use super::{
    Advance, BackupSpec, Deleted, Error, ProcedurePlan, ProcedureReport, Purged, Selection, Store, StoreKind,
};

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
        // These are emptied at once: see `ProcedurePlan::usual_batch`.
        if matches!(self.kind(), StoreKind::Redis | StoreKind::Sqlite) {
            let done = self.delete(&Selection::All, spec).await?;
            let Deleted { before, deleted, backed_up, gone, taken, after, backup, later, .. } = done;
            return Ok(Purged { before, deleted, backed_up, gone, taken, after, backup, later });
        }
        let plan = ProcedurePlan::prepare(self, Selection::All, None).await?;
        let before = plan.store.counts.clone();
        if before.total == 0 {
            let (after, backup, later) = (before.clone(), None, Vec::new());
            return Ok(Purged { before, deleted: 0, backed_up: 0, gone: 0, taken: 0, after, backup, later });
        }
        let mut tell = |far: &Advance| told(far.deleted, far.total);
        let done = plan.apply_paced(self, spec, Pace::TIMED, &|| false, &mut tell).await?;
        if let Some(cause) = done.cause {
            let backups = done.backups.into_iter().map(|backup| backup.path).collect();
            let (read, deleted, gone, cause) = (done.before.total, done.deleted, done.gone, Box::new(cause));
            return Err(Error::Partial { read, deleted, gone, backups, cause });
        }
        let ProcedureReport { before, deleted, backed_up, gone, taken, after, backups, .. } = done;
        let mut backups = backups.into_iter();
        let (backup, later) = (backups.next(), backups.collect());
        Ok(Purged { before, deleted, backed_up, gone, taken, after, backup, later })
    }
}
