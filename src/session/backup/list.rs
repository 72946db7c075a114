//! Lists the backups of a folder by what stands plainly in them; no key is needed.

use super::format::{self, Trailer};
use super::reader::{damaged, open, read_block, read_header, refused};
use super::{BackupInfo, state_of};
use crate::session::Error;
use jiff::Timestamp;
use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is in a folder of backups.
#[derive(Debug, Default)]
pub struct BackupList {
    /// The complete ones, oldest first.
    pub backups: Vec<BackupInfo>,
    /// Files that a crash left behind while they were written; no row of theirs was deleted.
    pub partial: Vec<PathBuf>,
    /// Files with the name of a backup that cannot be read as one, and why.
    pub unreadable: Vec<Error>,
}

/// Lists the backups of a folder; a folder that does not exist has none. Nothing is authenticated here: see
/// [`super::verify_backup`].
pub fn list_backups(dir: &Path) -> Result<BackupList, Error> {
    let io = |cause| Error::Io { doing: "read", path: dir.to_owned(), cause };
    let entries = match std::fs::read_dir(dir) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(BackupList::default()),
        entries => entries.map_err(io)?,
    };
    let mut list = BackupList::default();
    for entry in entries {
        let path = entry.map_err(io)?.path();
        if path.extension().is_some_and(|extension| extension == "partial") {
            list.partial.push(path);
        } else if state_of(&path).is_some() {
            match info(&path) {
                Ok(info) => list.backups.push(info),
                Err(error) => list.unreadable.push(error),
            }
        }
    }
    list.backups.sort_by(|a, b| (a.created, &a.path).cmp(&(b.created, &b.path)));
    list.partial.sort();
    Ok(list)
}

/// Removes the backups whose time is past and what crashes left of unfinished ones, and gives how many files went.
/// A prepared backup stays, whatever its age: it may be the only copy.
pub fn prune_backups(dir: &Path, now: Timestamp) -> Result<usize, Error> {
    let list = list_backups(dir)?;
    let past = list.backups.into_iter().filter(|backup| backup.is_past(now)).map(|backup| backup.path);
    // A younger one may be being written.
    let is_left_over = |path: &PathBuf| {
        let written = std::fs::metadata(path).and_then(|data| data.modified());
        written.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > Duration::from_hours(24)))
    };
    let paths: Vec<_> = past.chain(list.partial.into_iter().filter(is_left_over)).collect();
    for path in &paths {
        let failed = |cause| Error::Io { doing: "remove", path: path.clone(), cause };
        std::fs::remove_file(path).map_err(failed)?;
    }
    super::sync_dir(dir).or_else(|error| if paths.is_empty() { Ok(()) } else { Err(error) })?;
    Ok(paths.len())
}

/// Removes what a purge of this incident that was killed left of the backup that it was writing, and gives how many files
/// went. What a process is writing at this moment is locked by it, and stays.
pub fn clear_partial(dir: &Path, incident: &str) -> Result<usize, Error> {
    let mut cleared = 0;
    for path in list_backups(dir)?.partial {
        let failed = |cause| Error::Io { doing: "remove", path: path.clone(), cause };
        let head = open(&path).and_then(|(mut file, _)| read_header(&mut file).map_err(failed));
        let is_ours = head.is_ok_and(|(head, _)| head.incident == incident);
        if is_ours && File::open(&path).is_ok_and(|file| file.try_lock().is_ok()) {
            std::fs::remove_file(&path).map_err(failed)?;
            cleared += 1;
        }
    }
    if cleared > 0 {
        super::sync_dir(dir)?;
    }
    Ok(cleared)
}

/// What stands plainly in one backup.
pub(in crate::session) fn info(path: &Path) -> Result<BackupInfo, Error> {
    let (mut file, bytes) = open(path)?;
    let refuse = |cause| refused(path, &cause);
    let (head, _) = read_header(&mut file).map_err(refuse)?;
    let trailer = read_trailer(&mut file).map_err(refuse)?;
    let state = state_of(path).ok_or_else(|| refuse(io::Error::other("its name does not end in .backup")))?;
    Ok(BackupInfo {
        path: path.to_owned(),
        state,
        store: head.store,
        kind: head.kind,
        dialect: head.dialect,
        table: head.table,
        columns: head.columns,
        rows: trailer.rows,
        bytes,
        incident: head.incident,
        selection: head.selection,
        owner: head.owner,
        created: head.created,
        expires: head.expires,
        transaction: head.transaction,
    })
}

/// When the last row of a backup had come.
pub(in crate::session) fn sealed(path: &Path) -> Result<Timestamp, Error> {
    let (mut file, _) = open(path)?;
    let trailer = read_trailer(&mut file).map_err(|cause| refused(path, &cause))?;
    Ok(trailer.sealed)
}

/// Finds the trailer from the end of the file.
fn read_trailer(file: &mut BufReader<File>) -> io::Result<Trailer> {
    let mut length = [0; 4];
    file.seek(SeekFrom::End(-4))?;
    file.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length);
    if length > format::MAX_TRAILER {
        return Err(damaged());
    }
    file.seek(SeekFrom::End(-(4 + i64::from(format::TAG) + i64::from(length) + 4)))?;
    Ok(serde_json::from_slice(&read_block(file, format::MAX_TRAILER)?)?)
}
