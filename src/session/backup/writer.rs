//! Takes the rows of a backup as a stream, in memory that does not grow with them.
//!
//! What it takes is sealed on a thread of its own while the store is still being read: see [`super::sealer`].

use super::format::{self, Header};
use super::sealer::{Piece, Sealer};
use super::{BackupInfo, BackupSpec, Chunk, Subject, ensure_dir, sync_dir};
use crate::session::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use tempfile::NamedTempFile;

/// How much plain text is kept at most before it is handed over.
const CHUNK: usize = format::CHUNK as usize;

/// How many chunks may wait to be sealed: enough to go on reading while the disk is busy.
const WAITING: usize = 64;

/// A backup that is being written. Dropped before `finish`, it leaves no file.
pub(in crate::session) struct Writer {
    name: String,
    dir: PathBuf,
    /// At most one chunk of plain text.
    pending: Chunk,
    /// `None` when it ended.
    sealing: Option<Sealing>,
}

/// The thread that seals what it is given; without an end it throws the file away.
struct Sealing {
    pieces: SyncSender<Piece>,
    /// Chunks that were sealed, to be filled again.
    room: Receiver<Chunk>,
    thread: JoinHandle<Result<Option<NamedTempFile>, Error>>,
}

impl Writer {
    /// Opens the file (mode 0600) and writes its head.
    pub(in crate::session) fn create(spec: &BackupSpec<'_>, subject: &Subject<'_>) -> Result<Self, Error> {
        let dir = ensure_dir(spec.dir)?.to_owned();
        let nonce = random_nonce()?;
        let name = format!("{}-{}", spec.created.strftime("%Y%m%dT%H%M%SZ"), hex::encode(&nonce[..4]));
        let sealer = Sealer::create(&dir, &name, spec.key, &head(spec, subject, &nonce), &nonce)?;
        let (pieces, waiting) = sync_channel(WAITING);
        let (sealed, room) = channel();
        let thread = std::thread::Builder::new()
            .name("backup".to_owned())
            .spawn(move || sealer.run(&waiting, &sealed))
            .map_err(|cause| failed(&dir, cause))?;
        let sealing = Some(Sealing { pieces, room, thread });
        Ok(Self { name, dir, pending: Chunk::default(), sealing })
    }

    /// Adds plain bytes; they reach the disk encrypted only.
    pub(in crate::session) fn write(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK - self.pending.len()));
            self.pending.extend_from_slice(now);
            bytes = later;
            if self.pending.len() == CHUNK {
                self.hand_over()?;
            }
        }
        Ok(())
    }

    /// Has the tail written, makes the file durable, all of it read back, and known under its `.prepared` name.
    pub(in crate::session) fn finish(mut self, rows: u64) -> Result<Prepared, Error> {
        if !self.pending.is_empty() {
            self.hand_over()?;
        }
        self.send(Piece::End { rows })?;
        let Some(file) = self.ended()? else { return Err(self.broken()) };
        let path = self.dir.join(format!("{}.prepared", self.name));
        file.persist_noclobber(&path).map_err(|error| failed(&self.dir, error.error))?;
        // From here on the guard removes the file unless somebody keeps it.
        let prepared = Prepared { path: Some(path) };
        sync_dir(&self.dir)?;
        Ok(prepared)
    }

    fn hand_over(&mut self) -> Result<(), Error> {
        let mut empty =
            self.sealing.as_ref().and_then(|sealing| sealing.room.try_recv().ok()).unwrap_or_default();
        empty.clear();
        let full = std::mem::replace(&mut self.pending, empty);
        self.send(Piece::Chunk(full))
    }

    /// A thread that takes nothing any more has failed, and says why.
    fn send(&mut self, piece: Piece) -> Result<(), Error> {
        let is_taken = self.sealing.as_ref().is_some_and(|sealing| sealing.pieces.send(piece).is_ok());
        if is_taken { Ok(()) } else { Err(self.ended().err().unwrap_or_else(|| self.broken())) }
    }

    /// Waits for the thread's end.
    fn ended(&mut self) -> Result<Option<NamedTempFile>, Error> {
        let Some(Sealing { pieces, thread, .. }) = self.sealing.take() else { return Ok(None) };
        drop(pieces);
        thread.join().unwrap_or_else(|_| Err(self.broken()))
    }

    fn broken(&self) -> Error {
        failed(&self.dir, io::Error::other("what writes it ended before its time"))
    }
}

impl Drop for Writer {
    /// The file is gone when this returns.
    fn drop(&mut self) {
        drop(self.ended());
    }
}

/// An error of the file that is being written.
pub(super) fn failed(dir: &Path, cause: io::Error) -> Error {
    Error::Io { doing: "write a backup into", path: dir.to_owned(), cause }
}

/// A complete backup on disk whose delete is not committed. Dropped, it is removed.
#[derive(Debug)]
pub(in crate::session) struct Prepared {
    path: Option<PathBuf>,
}

impl Prepared {
    /// Gives the file up to its own name, right before the commit: from there on only a known outcome may
    /// remove it, whatever happens to this process.
    pub(in crate::session) fn keep(mut self) -> PathBuf {
        self.path.take().unwrap_or_default()
    }

    /// Where it is.
    pub(in crate::session) fn path(&self) -> &Path {
        self.path.as_deref().unwrap_or(Path::new(""))
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        if let Some(path) = self.path.take() {
            discard(&path);
        }
    }
}

/// The delete is committed: gives a prepared backup its final name. Should that fail, it keeps the old one, which
/// is true as well.
#[expect(clippy::disallowed_methods, reason = "the folder is synced right after, and both names are true")]
pub(in crate::session) fn committed(path: &Path) -> Result<BackupInfo, Error> {
    let new = path.with_extension("backup");
    if std::fs::rename(path, &new).is_err() {
        return super::list::info(path);
    }
    drop(sync_dir(path.parent().unwrap_or(Path::new("."))));
    super::list::info(&new)
}

/// The delete was rolled back: removes the backup. Best effort, a leftover settles as rolled back again.
pub(in crate::session) fn discard(path: &Path) {
    drop(std::fs::remove_file(path));
}

fn random_nonce() -> Result<[u8; format::NONCE], Error> {
    use rand::TryRng as _;
    let mut nonce = [0; format::NONCE];
    rand::rngs::SysRng.try_fill_bytes(&mut nonce).map_err(|_| Error::Random)?;
    Ok(nonce)
}

fn head(spec: &BackupSpec<'_>, subject: &Subject<'_>, nonce: &[u8]) -> Header {
    Header {
        version: format::VERSION,
        store: subject.store.to_owned(),
        kind: subject.kind,
        dialect: subject.dialect.to_owned(),
        table: subject.table.name.clone(),
        columns: subject.table.columns.clone(),
        encoding: subject.encoding,
        created: spec.created,
        expires: spec.expires,
        incident: spec.incident.to_owned(),
        selection: subject.selection.to_owned(),
        owner: spec.owner.map(str::to_owned),
        transaction: subject.transaction,
        cipher: format::CIPHER.to_owned(),
        nonce: hex::encode(nonce),
        key: spec.key.id(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::backup::{Encoding, Next, Reader};
    use crate::session::schema::{Table, TableName};
    use crate::session::{BackupKey, StoreKind};
    use jiff::Timestamp;

    fn write(dir: &Path, key: &BackupKey, rows: u64, row: &[u8]) -> Writer {
        let name = TableName { schema: None, name: "sessions".to_owned() };
        let subject = Subject {
            store: "sqlite:sessions.db",
            kind: StoreKind::Sqlite,
            dialect: "custom",
            table: &Table {
                name,
                path_rank: None,
                special: None,
                is_partitioned: false,
                columns: Vec::new(),
            },
            encoding: Encoding::SqliteValues,
            selection: "all",
            transaction: None,
        };
        let now = Timestamp::now();
        let spec = BackupSpec { dir, key, incident: "", created: now, expires: now, owner: None };
        let mut writer = Writer::create(&spec, &subject).unwrap();
        for _ in 0..rows {
            writer.write(row).unwrap();
        }
        writer
    }

    fn files(dir: &Path) -> usize {
        std::fs::read_dir(dir).unwrap().count()
    }

    #[test]
    fn what_is_sealed_part_by_part_is_read_as_it_was_written() {
        let (dir, key) = (tempfile::tempdir().unwrap(), BackupKey::generate().unwrap());
        // More than one part, and a last chunk that is not full.
        let row: Vec<u8> = (0..99_991_u32).map(|n| (n * 7).to_le_bytes()[0]).collect();
        let prepared = write(dir.path(), &key, 400, &row).finish(400).unwrap();
        let mut reader = Reader::open(prepared.path(), &key).unwrap();
        let (mut at, mut plain) = (0, Chunk::default());
        let rows = loop {
            match reader.next(&mut plain).unwrap() {
                Next::Data => {
                    assert!(plain.iter().zip(at..).all(|(byte, at)| *byte == row[at % row.len()]));
                    at += plain.len();
                }
                Next::End { rows } => break rows,
            }
        };
        assert_eq!((rows, at), (400, 400 * row.len()));
        drop(prepared);
        assert_eq!(files(dir.path()), 0);
    }

    #[test]
    fn what_is_not_finished_leaves_nothing() {
        let (dir, key) = (tempfile::tempdir().unwrap(), BackupKey::generate().unwrap());
        drop(write(dir.path(), &key, 1, b"row"));
        assert_eq!(files(dir.path()), 0);
    }

    /// As when somebody empties the folder of the state.
    #[test]
    fn a_file_that_vanished_is_no_backup() {
        let (dir, key) = (tempfile::tempdir().unwrap(), BackupKey::generate().unwrap());
        let writer = write(dir.path(), &key, 1, b"row");
        std::fs::remove_dir_all(dir.path()).unwrap();
        assert!(matches!(writer.finish(1), Err(Error::Io { .. })));
    }
}
