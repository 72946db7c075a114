//! A change to sessions with everything that belongs to it: the record before, the backup, the change, the record
//! after. The command line and the server both carry changes out this way.

use super::backup::{BackupInfo, BackupKey, BackupSpec, BackupState};
use super::{
    Advance, AuditEvent, AuditLog, AuditState, Error, ProcedurePlan, ProcedureReport, Restored, Settled,
    Store, is_routine, verify_backup,
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

/// What was done, and the record that says so.
#[derive(Debug)]
pub struct Carried<T> {
    /// What was done.
    pub done: T,
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

impl Carrier<'_> {
    /// The folder of the backups in a state folder.
    pub fn backups(state: &Path) -> PathBuf {
        state.join("backups")
    }

    /// Applies a plan. Nothing is deleted unless the record that announces it is on disk.
    pub async fn apply(
        &self,
        store: &mut Store,
        plan: &ProcedurePlan,
        stopped: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(&Advance),
    ) -> Result<Carried<ProcedureReport>, Error> {
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
        trail.record(AuditState::Begun, format!("{} selected", plan.selected))?;
        match plan.apply(store, &spec, self.batch, stopped, progress).await {
            Ok(done) => {
                let state = if done.stopped { AuditState::Stopped } else { AuditState::Done };
                let record = trail.record(state, done.to_string());
                Ok(Carried { done, record })
            }
            Err(error) => Err(trail.failed(error)),
        }
    }

    /// Puts the sessions of a backup back, all or none.
    pub async fn restore(
        &self,
        store: &mut Store,
        file: &Path,
        permission: Permission,
    ) -> Result<Carried<Restored>, Error> {
        let key = BackupKey::load(&self.key())?;
        let info = verify_backup(file, &key)?;
        let connected = store.shown();
        check(&info, &connected, permission)?;
        let trail = self.trail(connected, info.table.to_string(), &info.selection, &info.incident);
        trail.record(AuditState::Begun, format!("{} rows of {}", info.rows, file.display()))?;
        match put_back(store, &info, file, &key).await {
            Ok(done) => {
                let text = format!(
                    "{} restored; {} sessions before, {} now",
                    done.restored, done.before.total, done.after.total
                );
                let record = trail.record(AuditState::Done, text);
                Ok(Carried { done, record })
            }
            Err(error) => Err(trail.failed(error)),
        }
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
        Trail { log: AuditLog::new(self.state), event }
    }
}

/// The records of one change.
struct Trail {
    log: AuditLog,
    event: AuditEvent,
}

impl Trail {
    fn record(&self, state: AuditState, detail: String) -> Result<String, Error> {
        self.log.append(AuditEvent { state, detail, ..self.event.clone() })
    }

    /// Records the failure as well as that is possible; the failure itself matters more than a missing record.
    fn failed(&self, error: Error) -> Error {
        drop(self.record(AuditState::Failed, error.to_string()));
        error
    }
}

fn check(info: &BackupInfo, connected: &str, permission: Permission) -> Result<(), Error> {
    let path = info.path.clone();
    if !permission.revive && !is_routine(&info.selection, &info.incident) {
        return Err(Error::Revives { path, rows: info.rows, selection: info.selection.clone() });
    }
    if connected != info.store && !permission.elsewhere {
        let (made_of, connected) = (info.store.clone(), connected.to_owned());
        return Err(Error::Elsewhere { path, made_of, connected });
    }
    Ok(())
}

async fn put_back(
    store: &mut Store,
    info: &BackupInfo,
    file: &Path,
    key: &BackupKey,
) -> Result<Restored, Error> {
    // A crash may have come between the backup and its delete.
    if info.state == BackupState::Prepared {
        match store.settle(file, key).await? {
            Settled::Committed(_) => {}
            Settled::RolledBack => {
                let reason = "its sessions were never deleted, so there is nothing to restore".to_owned();
                return Err(Error::Backup { path: file.to_owned(), reason });
            }
            Settled::Unknown => return Err(Error::Unsettled { path: file.to_owned(), rows: info.rows }),
        }
    }
    let path = if file.exists() { file.to_owned() } else { file.with_extension("backup") };
    store.restore(&path, key).await
}
