//! Session stores: find the table, count, back up and purge in one transaction, put back.
//!
//! `Store` is the door. It knows nothing of git, rules or rotations; it never prints and never reads the
//! environment. Everything that waits is async, and the caller owns the runtime (file writes block briefly).

mod addresses;
mod alter;
mod audit;
mod backup;
mod cancel;
mod carry;
mod cause;
mod check;
mod dialect;
mod error;
mod growth;
mod keys;
mod listing;
mod logs;
mod manager;
mod mysql;
mod names;
mod networks;
mod options;
mod pace;
mod plain;
mod postgres;
mod procedure;
mod purge;
mod redis;
mod replays;
mod restore;
mod schema;
mod selection;
mod sqlite;
mod store;
mod triage;
mod trouble;
mod url;
mod watch;

pub(crate) use alter::{Held, KeyState};
pub use audit::{AuditEvent, AuditLog, AuditRecord, AuditState, Trail};
pub use backup::{
    BackupInfo, BackupKey, BackupList, BackupSpec, BackupState, clear_partial, list_backups, prune_backups,
    verify_backup,
};
pub(crate) use cancel::{Canceller, NOTICED};
pub use carry::{Carried, Carrier, Permission};
pub use cause::Cause;
pub use check::{POINTS, Point, PointState, Thresholds, insist, judge};
pub use dialect::{ALL as DIALECTS, CustomTable, Dialect, Roles, StoreClass, Unit};
pub use error::Error;
pub use growth::{Grown, Growth};
pub use keys::KeyFacts;
pub use listing::{Facts, ListQuery, Listed, Origin, Page, Sort, UserFacts};
pub use logs::{LogFinding, LogPattern, LogReport, LogSearch, LogSeverity};
pub use manager::{Account, Directory, Found, Manager, NewSession, Pooling, Session, Standing, user_in};
pub use networks::{NetworkFacts, UserNetworks};
pub use options::{Limits, Options};
pub(crate) use postgres::{canceller, literal, open_table};
pub use procedure::{Advance, ProcedurePlan, ProcedureReport};
pub(crate) use replays::{LOG, LogAt, REPLAYED, REVOKED, UNDECIDED, read as read_replays, seconds};
pub use replays::{Recent, Replayed, Replays};
pub(crate) use schema::quoted;
pub use schema::{Column, TableName};
pub use selection::{
    Bounds, Mark, Network, Orphaned, Selection, User, UserPattern, UsersTable, UsersWanted, is_routine,
};
pub use store::Store;
pub use triage::{Seen, Triage, triage};
pub use url::StoreUrl;
pub use watch::{Change, Glance, Watch};

use ::serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// The kinds of store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    /// PostgreSQL 12 or later.
    Postgres,
    /// A SQLite 3 file.
    Sqlite,
    /// MySQL 8 or MariaDB 10.5 and later.
    MySql,
    /// Redis 6.2 or later, Valkey, and what speaks like them.
    Redis,
}

impl fmt::Display for StoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Postgres => "PostgreSQL",
            Self::Sqlite => "SQLite",
            Self::MySql => "MySQL",
            Self::Redis => "Redis",
        })
    }
}

/// How many sessions there are, always by the same one query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All rows.
    pub total: u64,
    /// Rows that are not expired, those without an expiry among them.
    pub active: u64,
    /// Rows whose expiry is past; an expiry without a zone is read as UTC.
    pub expired: u64,
    /// The counts when an expiry without a zone is read in the server's zone, if that makes a difference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_server_zone: Option<ZoneCounts>,
}

impl Counts {
    /// Those of a store that holds nothing.
    fn none() -> Self {
        Self { total: 0, active: 0, expired: 0, in_server_zone: None }
    }
}

/// How many sessions there are when expiries are read in another zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ZoneCounts {
    /// The zone that the server gives to the application's connections, as far as it can be known.
    pub zone: String,
    /// Rows that are not expired.
    pub active: u64,
    /// Rows whose expiry is past.
    pub expired: u64,
}

/// How many sessions are selected by each of two readings of the same times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneCount {
    /// The server's zone.
    pub zone: String,
    /// In the zone in which they are read here.
    pub ours: u64,
    /// In the server's.
    pub theirs: u64,
}

impl fmt::Display for Counts {
    /// `12 sessions (9 active, 3 expired)`, and both readings when the zone matters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.total == 1 { "session" } else { "sessions" };
        write!(f, "{} {plural} ({} active, {} expired", self.total, self.active, self.expired)?;
        if let Some(other) = &self.in_server_zone {
            write!(f, " in UTC; {} active, {} expired in {}", other.active, other.expired, other.zone)?;
        }
        f.write_str(")")
    }
}

/// What a store is and holds: what a dry run shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoreSummary {
    /// The kind of store.
    pub kind: StoreKind,
    /// The address without its password.
    pub url: String,
    /// The session table.
    pub table: TableName,
    /// The dialect's name.
    pub dialect: &'static str,
    /// What a leaked secret opens and what ends sessions.
    pub class: StoreClass,
    /// How long a session lives after its last use, where its row does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<Lifetime>,
    /// How many sessions it holds.
    pub counts: Counts,
}

/// How long a session lives after its last use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Lifetime {
    /// In minutes.
    pub minutes: u32,
    /// Whether nobody said so: it is what the framework does unless it is configured otherwise.
    pub assumed: bool,
}

impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sessions end {} minutes after their last use", self.minutes)?;
        f.write_str(if self.assumed { " (assumed: say it with --lifetime)" } else { "" })
    }
}

/// What a purge did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Purged {
    /// The counts before.
    pub before: Counts,
    /// How many rows were deleted.
    pub deleted: u64,
    /// How many rows the backup holds, by the count that is sealed in it; every byte of it was read back. Always as many
    /// as were deleted.
    pub backed_up: u64,
    /// How many were gone when their delete came, and are in no count of what was deleted. Only on Redis, which has no locks.
    pub gone: u64,
    /// Those of them whose time had not come: somebody else ended them.
    pub taken: u64,
    /// The counts after; not zero when sessions were made meanwhile.
    pub after: Counts,
    /// The backup; `None` when there was nothing to delete.
    pub backup: Option<BackupInfo>,
    /// The backups of sessions that were rewritten meanwhile and taken once more, on Redis.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub later: Vec<BackupInfo>,
}

/// What a deletion of some sessions did; every number of selected rows is by the same condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deleted {
    /// The counts of all sessions before.
    pub before: Counts,
    /// How many were selected before.
    pub selected_before: u64,
    /// How many rows were deleted.
    pub deleted: u64,
    /// How many rows the backup holds, by the count that is sealed in it; every byte of it was read back. Always as many
    /// as were deleted.
    pub backed_up: u64,
    /// How many were gone when their delete came, and are in no count of what was deleted. Only on Redis, which has no locks.
    pub gone: u64,
    /// Those of them whose time had not come: somebody else ended them.
    pub taken: u64,
    /// How many are selected now; not zero when rows arrived meanwhile or the deletion was bounded.
    pub selected_after: u64,
    /// The counts of all sessions after.
    pub after: Counts,
    /// The backup; `None` when there was nothing to delete.
    pub backup: Option<BackupInfo>,
    /// The backups of sessions that were rewritten meanwhile and taken once more, on Redis.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub later: Vec<BackupInfo>,
}

impl Deleted {
    /// Nothing was selected, so what was counted before is what there is after.
    fn nothing(counts: Counts) -> Self {
        Self {
            before: counts.clone(),
            selected_before: 0,
            deleted: 0,
            backed_up: 0,
            gone: 0,
            taken: 0,
            selected_after: 0,
            after: counts,
            backup: None,
            later: Vec::new(),
        }
    }
}

/// What a restore did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// Of how many backups.
    pub backups: usize,
    /// The counts before.
    pub before: Counts,
    /// How many rows were put back.
    pub restored: u64,
    /// How many are left to newer backups of the same store, which hold them as they were later. Only on Redis.
    pub superseded: u64,
    /// Those backups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub newer: Vec<PathBuf>,
    /// The counts after.
    pub after: Counts,
}

impl fmt::Display for Restored {
    /// The counts, as the audit log and people are told them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { backups, before, restored, superseded, after, .. } = self;
        write!(f, "{restored} restored")?;
        if *backups > 1 {
            write!(f, " from {backups} backups")?;
        }
        write!(f, "; {} sessions before, {} now", before.total, after.total)?;
        if *superseded > 0 {
            write!(f, "; {superseded} left to newer backups, which hold them as they were later")?;
        }
        Ok(())
    }
}

/// How the purge ended that a prepared backup belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Settled {
    /// The rows were deleted; the backup has its final name now.
    Committed(Box<BackupInfo>),
    /// The rows were never deleted; the needless backup was removed.
    RolledBack,
    /// It cannot be known; the backup is kept as it is.
    Unknown,
}
