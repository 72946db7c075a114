//! Writes a backup as a stream, in memory that does not grow with the rows.

use super::format::{self, Encryptor, Header, Trailer};
use super::{BackupInfo, BackupKey, BackupSpec, Reader, Subject, ensure_dir, sync_dir};
use crate::session::Error;
use chacha20poly1305::aead::Payload;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

/// How much plain text is kept at most.
const CHUNK: usize = format::CHUNK as usize;

/// A backup that is being written. Dropped before `finish`, it leaves no file.
pub(in crate::session) struct Writer {
    file: BufWriter<NamedTempFile>,
    name: String,
    dir: PathBuf,
    header: Vec<u8>,
    encryptor: Encryptor,
    /// At most one chunk of plain text.
    pending: Zeroizing<Vec<u8>>,
}

impl Writer {
    /// Opens the file (mode 0600) and writes its head.
    pub(in crate::session) fn create(spec: &BackupSpec<'_>, subject: &Subject<'_>) -> Result<Self, Error> {
        let dir = ensure_dir(spec.dir)?.to_owned();
        let nonce = random_nonce()?;
        let header = serde_json::to_vec(&head(spec, subject, &nonce)).expect("a header has only string keys");
        let failed = |cause| Error::Io { doing: "write a backup into", path: dir.clone(), cause };
        let name = format!("{}-{}", spec.created.strftime("%Y%m%dT%H%M%SZ"), hex::encode(&nonce[..4]));
        let file = tempfile::Builder::new()
            .prefix(&format!("{name}-"))
            .suffix(".partial")
            .tempfile_in(&dir)
            .map_err(failed)?;
        let mut file = BufWriter::new(file);
        file.write_all(format::MAGIC).map_err(failed)?;
        file.write_all(&format::length(header.len())).map_err(failed)?;
        file.write_all(&header).map_err(failed)?;
        Ok(Self {
            file,
            name,
            dir: dir.clone(),
            encryptor: Encryptor::from_aead(spec.key.cipher(), (&nonce).into()),
            header,
            pending: Zeroizing::new(Vec::with_capacity(CHUNK)),
        })
    }

    /// Adds plain bytes; they reach the disk encrypted only.
    pub(in crate::session) fn write(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK - self.pending.len()));
            self.pending.extend_from_slice(now);
            bytes = later;
            if self.pending.len() == CHUNK {
                self.flush_chunk()?;
            }
        }
        Ok(())
    }

    /// Writes the tail, makes the file durable under its `.prepared` name, and reads all of it back.
    pub(in crate::session) fn finish(mut self, rows: u64, key: &BackupKey) -> Result<Prepared, Error> {
        if !self.pending.is_empty() {
            self.flush_chunk()?;
        }
        let trailer = serde_json::to_vec(&Trailer { rows }).expect("a trailer has only string keys");
        let aad = format::last_aad(&self.header, &trailer);
        let Self { file, encryptor, name, dir, .. } = self;
        let failed = |cause| Error::Io { doing: "write a backup into", path: dir.clone(), cause };
        let tag = encryptor
            .encrypt_last(Payload { msg: &[], aad: &aad })
            .map_err(|_| failed(io::Error::other("the backup is too large")))?;
        let mut file = file;
        for part in [
            &[format::TRAILER][..],
            &format::length(trailer.len()),
            &trailer,
            &tag,
            &format::length(trailer.len()),
        ] {
            file.write_all(part).map_err(failed)?;
        }
        let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.as_file().sync_all().map_err(failed)?;
        let path = dir.join(format!("{name}.prepared"));
        file.persist_noclobber(&path).map_err(|error| failed(error.error))?;
        // From here on the guard removes the file unless somebody keeps it.
        let prepared = Prepared { path: Some(path) };
        sync_dir(&dir)?;
        prepared.check(rows, key)?;
        Ok(prepared)
    }

    fn flush_chunk(&mut self) -> Result<(), Error> {
        let failed = |cause| Error::Io { doing: "write a backup into", path: self.dir.clone(), cause };
        let chunk = self
            .encryptor
            .encrypt_next(Payload { msg: &self.pending, aad: &self.header })
            .map_err(|_| failed(io::Error::other("the backup is too large")))?;
        self.file.write_all(&[format::DATA]).map_err(failed)?;
        self.file.write_all(&format::length(chunk.len())).map_err(failed)?;
        self.file.write_all(&chunk).map_err(failed)?;
        self.pending.clear();
        Ok(())
    }
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

    fn check(&self, rows: u64, key: &BackupKey) -> Result<(), Error> {
        let path = self.path();
        let found = Reader::open(path, key)?.verify()?;
        if found == rows {
            return Ok(());
        }
        Err(Error::Backup {
            path: path.to_owned(),
            reason: "it does not hold the rows that went in".to_owned(),
        })
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
