//! Encrypted backups of deleted sessions. They hold live credentials: whoever restores one revives its sessions.
//!
//! A file goes through three names. `*.partial` is being written and worth nothing: no delete can have been
//! committed. `*.prepared` is complete and on disk, *before* the delete is committed; after a crash it may be the
//! only copy, and `Store::settle` finds out. `*.backup` belongs to a delete that is known to be committed.

mod cursor;
mod format;
mod key;
mod list;
mod reader;
mod sealer;
mod writer;

pub use key::BackupKey;
pub use list::{BackupList, clear_partial, list_backups, prune_backups};
pub use reader::verify_backup;

pub(super) use cursor::Cursor;
pub(super) use format::Encoding;
pub(super) use list::{info, sealed};
pub(super) use reader::{Chunk, Next, Reader};
pub(super) use writer::{Prepared, Writer, committed, discard};

use super::schema::{Column, Table, TableName};
use super::{Error, StoreKind};
use jiff::Timestamp;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// The selection of a backup whose rows were copied and not deleted.
pub(super) const COPY: &str = "copy";

/// Where a backup goes, how it is encrypted, and what it is for.
#[derive(Clone, Copy, Debug)]
pub struct BackupSpec<'a> {
    /// The folder; made with mode 0700 when missing.
    pub dir: &'a Path,
    /// The key.
    pub key: &'a BackupKey,
    /// The incident it belongs to.
    pub incident: &'a str,
    /// The time now.
    pub created: Timestamp,
    /// When it should be deleted.
    pub expires: Timestamp,
    /// Who answers for it.
    pub owner: Option<&'a str>,
}

/// How far the purge that a backup belongs to had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BackupState {
    /// Complete, but whether its rows were deleted is not known yet.
    Prepared,
    /// Its rows were deleted.
    Committed,
}

/// What may be told about a backup: nothing in it comes from a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BackupInfo {
    /// The file.
    pub path: PathBuf,
    /// How far its purge had come.
    pub state: BackupState,
    /// The store's address without its password.
    pub store: String,
    /// The kind of store.
    pub kind: StoreKind,
    /// The dialect.
    pub dialect: String,
    /// The table.
    pub table: TableName,
    /// The columns.
    pub columns: Vec<Column>,
    /// How many rows it holds.
    pub rows: u64,
    /// The size of the file in bytes.
    pub bytes: u64,
    /// The incident it belongs to.
    pub incident: String,
    /// Which sessions were deleted.
    pub selection: String,
    /// Who answers for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When it should be deleted.
    pub expires: Timestamp,
    /// The transaction that deleted the rows, on PostgreSQL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction: Option<i64>,
}

impl BackupInfo {
    /// Whether its rows were copied before a change of the schema, and not deleted.
    pub fn is_copy(&self) -> bool {
        self.selection == COPY
    }

    /// Whether it may be removed: its time is past, and its rows are known to be deleted on purpose.
    pub fn is_past(&self, now: Timestamp) -> bool {
        self.state == BackupState::Committed && self.expires <= now
    }
}

/// What a backup is of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'a> {
    pub(super) store: &'a str,
    pub(super) kind: StoreKind,
    pub(super) dialect: &'a str,
    pub(super) table: &'a Table,
    pub(super) encoding: Encoding,
    pub(super) selection: &'static str,
    pub(super) transaction: Option<i64>,
}

fn state_of(path: &Path) -> Option<BackupState> {
    match path.extension()?.to_str()? {
        "prepared" => Some(BackupState::Prepared),
        "backup" => Some(BackupState::Committed),
        _ => None,
    }
}

/// Makes a folder that only its owner can enter.
fn ensure_dir(dir: &Path) -> Result<&Path, Error> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(dir).map_err(|cause| Error::Io { doing: "create", path: dir.to_owned(), cause })?;
    Ok(dir)
}

/// Makes a new or changed name in a folder survive a crash. Windows has no such call and needs none.
fn sync_dir(dir: &Path) -> Result<(), Error> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    let io = |cause| Error::Io { doing: "sync", path: dir.to_owned(), cause };
    std::fs::File::open(dir).and_then(|dir| dir.sync_all()).map_err(io)
}
