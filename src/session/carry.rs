//! A change to sessions with everything that belongs to it: the record before, the backup, the change, the record
//! after. The command line and the server both carry changes out this way.

use super::backup::{BackupInfo, BackupKey, BackupSpec, BackupState};
use super::restore::PutBack;
use super::{
    Advance, AuditEvent, AuditState, Error, ProcedurePlan, ProcedureReport, Restored, Settled, Store, Trail,
    is_routine, verify_backup,
};
use jiff::{SignedDuration, Timestamp};
use std::path::{Path, PathBuf};

/// Who changes sessions, by which action, and where backups and records go.
#[derive(Clone, Debug)]
pub struct Carrier<'a> {
    /// The state folder.
    pub state: &'a Path,
    /// Who, for the audit log and the backup.
    pub who: &'a str,
    /// What, as the command.
    pub action: &'a str,
    /// The incident that it belongs to; empty for none.
    pub incident: &'a str,
    /// How many days a backup is to be kept.
    pub keep: u16,
    /// So many rows in one transaction; all at once without.
    pub batch: Option<u64>,
}

/// How a change ended that was announced in the audit log, and the record that says so.
#[derive(Debug)]
pub struct Carried<T> {
    /// What was done, or why it was not, or not to its end.
    pub done: Result<T, Error>,
    /// The hash of the last record; why there is none otherwise. What was done stays done.
    pub record: Result<String, Error>,
}

/// What a restore is allowed to do.
#[derive(Clone, Copy, Debug, Default)]
pub struct Permission {
    /// Sessions may be put back that were ended on purpose.
    pub revive: bool,
    /// The store need not be the one that the backup was made of.
    pub elsewhere: bool,
}

impl Permission {
    /// Refuses a backup of sessions that were ended on purpose.
    pub fn covers(self, info: &BackupInfo) -> Result<(), Error> {
        if self.revive || is_routine(&info.selection, &info.incident) {
            return Ok(());
        }
        let (path, selection) = (info.path.clone(), info.selection.clone());
        Err(Error::Revives { path, rows: info.rows, selection })
    }

    /// Refuses a store that is not the one of the backup, by its address.
    pub fn reaches(self, info: &BackupInfo, connected: &str) -> Result<(), Error> {
        if self.elsewhere || connected == info.store {
            return Ok(());
        }
        let (path, made_of) = (info.path.clone(), info.store.clone());
        Err(Error::Elsewhere { path, made_of, connected: connected.to_owned() })
    }
}

impl Carrier<'_> {
    /// The folder of the backups in a state folder.
    pub fn backups(state: &Path) -> PathBuf {
        state.join("backups")
    }

    /// Applies a plan. Nothing is deleted unless the record that announces it is on disk; an error means that nothing
    /// was begun.
    pub async fn apply(
        &self,
        store: &mut Store,
        plan: &ProcedurePlan,
        stopped: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(&Advance),
    ) -> Result<Carried<ProcedureReport>, Error> {
        plan.check_batch(self.batch)?;
        let key = BackupKey::load_or_create(&self.key())?;
        let created = Timestamp::now();
        let spec = BackupSpec {
            dir: &Self::backups(self.state),
            key: &key,
            incident: self.incident,
            created,
            expires: created + SignedDuration::from_hours(24 * i64::from(self.keep)),
            owner: Some(self.who),
        };
        let trail =
            self.trail(plan.store.url.clone(), plan.store.table.to_string(), plan.selection, self.incident);
        let selected = if plan.is_counted() { plan.selected.to_string() } else { "all".to_owned() };
        trail.record(AuditState::Begun, format!("{selected} selected"))?;
        let done = plan.apply(store, &spec, self.batch, stopped, progress).await;
        let record = match &done {
            Ok(done) if done.stopped => trail.record(AuditState::Stopped, done.to_string()),
            Ok(done) => trail.record(AuditState::Done, done.to_string()),
            Err(error) => trail.record(AuditState::Failed, error.to_string()),
        };
        Ok(Carried { done, record })
    }

    /// Reads a backup to its end: what it holds, and that no byte of it was changed.
    pub fn verified(&self, file: &Path) -> Result<BackupInfo, Error> {
        verify_backup(file, &BackupKey::load(&self.key())?)
    }

    /// Puts the sessions of verified backups back: of each all or none, in their order, with a record of its own, and counted
    /// once for all of them. `told` learns after each how many are back. An error means that nothing was begun.
    pub async fn restore(
        &self,
        store: &mut Store,
        backups: &[BackupInfo],
        permission: Permission,
        told: &mut dyn FnMut(&BackupInfo, u64),
    ) -> Result<Carried<Restored>, Error> {
        let key = BackupKey::load(&self.key())?;
        let connected = store.shown();
        for info in backups {
            permission.covers(info)?;
            permission.reaches(info, &connected)?;
            store.check_fits(info)?;
        }
        let mut done = Restored::none(store.counts().await?);
        let trail = |info: &BackupInfo| {
            self.trail(connected.clone(), info.table.to_string(), &info.selection, &info.incident)
        };
        let trails: Vec<Trail> = backups.iter().map(trail).collect();
        for (at, (info, trail)) in backups.iter().zip(&trails).enumerate() {
            match put_back(store, info, &key, trail).await {
                Ok(back) => done.add(back),
                Err(cause) => {
                    let end = Err(partly(cause, &done, &backups[..at], info));
                    let record = ended(trail, &end);
                    return Ok(Carried { done: end, record });
                }
            }
            if at + 1 < backups.len() {
                // Should the log fail here, the next one is not begun.
                drop(trail.record(AuditState::Done, format!("{} restored so far", done.restored)));
                told(info, done.restored);
            }
        }
        let end = store.recount(done).await;
        let record = trails.last().map_or_else(|| Ok(String::new()), |trail| ended(trail, &end));
        Ok(Carried { done: end, record })
    }

    fn key(&self) -> PathBuf {
        self.state.join("backup.key")
    }

    fn trail(&self, store: String, table: String, selection: &str, incident: &str) -> Trail {
        let event = AuditEvent {
            who: self.who.to_owned(),
            action: self.action.to_owned(),
            state: AuditState::Begun,
            store,
            table,
            selection: selection.to_owned(),
            detail: String::new(),
            incident: incident.to_owned(),
        };
        Trail::new(self.state, event)
    }
}

/// What is told of a failure behind which other backups are back already.
fn partly(cause: Error, done: &Restored, back: &[BackupInfo], failed: &BackupInfo) -> Error {
    if back.is_empty() {
        return cause;
    }
    Error::RestoredPartly {
        restored: done.restored,
        back: back.iter().map(|info| info.path.clone()).collect(),
        failed: failed.path.clone(),
        cause: Box::new(cause),
    }
}

fn ended(trail: &Trail, end: &Result<Restored, Error>) -> Result<String, Error> {
    match end {
        Ok(done) => trail.record(AuditState::Done, done.to_string()),
        Err(error) => trail.record(AuditState::Failed, error.to_string()),
    }
}

/// Nothing comes back unless the record that announces it is on disk.
async fn put_back(
    store: &mut Store,
    info: &BackupInfo,
    key: &BackupKey,
    trail: &Trail,
) -> Result<PutBack, Error> {
    let file = &info.path;
    trail.record(AuditState::Begun, format!("{} rows of {}", info.rows, file.display()))?;
    // A crash may have come between the backup and its delete.
    if info.state == BackupState::Prepared {
        match store.settle(file, key).await? {
            Settled::Committed(_) => {}
            Settled::RolledBack => {
                let reason = "its sessions were never deleted, so there is nothing to restore".to_owned();
                return Err(Error::Backup { path: file.clone(), reason });
            }
            Settled::Unknown => return Err(Error::Unsettled { path: file.clone(), rows: info.rows }),
        }
    }
    let path = if file.exists() { file.clone() } else { file.with_extension("backup") };
    store.put_back(&path, key).await
}
