//! Encrypts a backup, writes it, syncs it and reads it back, part by part: when the last row comes, little is left to do.

use super::format::{self, Encryptor, Header, Trailer};
use super::writer::failed;
use super::{BackupKey, Chunk, Next, Reader};
use crate::session::Error;
use chacha20poly1305::aead::Payload;
use jiff::Timestamp;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender};
use tempfile::NamedTempFile;

/// How many chunks are synced and read back at once: 4 MiB. The last ones are when the store waits, so they should be few.
const PART: u32 = 64;

/// What a sealer is given.
pub(super) enum Piece {
    /// Plain text of one chunk.
    Chunk(Chunk),
    /// The end, and how many rows there were.
    End {
        /// The rows.
        rows: u64,
    },
}

/// A file that is being written, and read again right behind.
pub(super) struct Sealer {
    file: BufWriter<NamedTempFile>,
    dir: PathBuf,
    header: Vec<u8>,
    encryptor: Encryptor,
    /// Reads by a handle of its own what was synced.
    reader: Reader,
    /// What was read last.
    read: Chunk,
    /// Chunks that were not read back yet.
    unread: u32,
}

impl Sealer {
    /// Opens the file (mode 0600) and writes its head.
    pub(super) fn create(
        dir: &Path,
        name: &str,
        key: &BackupKey,
        head: &Header,
        nonce: &[u8; format::NONCE],
    ) -> Result<Self, Error> {
        let failed = |cause| failed(dir, cause);
        let header = serde_json::to_vec(head).expect("a header has only string keys");
        let file = tempfile::Builder::new().prefix(&format!("{name}-")).suffix(".partial").tempfile_in(dir);
        let file = file.map_err(failed)?;
        // Whoever clears what was left half-written sees by it that somebody is writing. Elsewhere it would keep readers out.
        #[cfg(unix)]
        drop(file.as_file().try_lock());
        let mut file = BufWriter::new(file);
        for part in [format::MAGIC, &format::length(header.len()), &header] {
            file.write_all(part).map_err(failed)?;
        }
        file.flush().map_err(failed)?;
        let reader = Reader::open(file.get_ref().path(), key)?;
        let encryptor = Encryptor::from_aead(key.cipher(), nonce.into());
        Ok(Self { file, dir: dir.to_owned(), header, encryptor, reader, read: Chunk::default(), unread: 0 })
    }

    /// Seals what comes, and gives its room back. Gives the file when the end came; without one it is removed.
    pub(super) fn run(
        mut self,
        pieces: &Receiver<Piece>,
        room: &Sender<Chunk>,
    ) -> Result<Option<NamedTempFile>, Error> {
        while let Ok(piece) = pieces.recv() {
            match piece {
                Piece::Chunk(mut chunk) => {
                    self.seal(&mut chunk)?;
                    // Nobody may be there to take it any more.
                    drop(room.send(chunk));
                }
                Piece::End { rows } => return self.finish(rows).map(Some),
            }
        }
        Ok(None)
    }

    fn seal(&mut self, chunk: &mut Chunk) -> Result<(), Error> {
        let sealed = self.encryptor.encrypt_next_in_place(&self.header, &mut **chunk);
        sealed.map_err(|_| too_large(&self.dir))?;
        for part in [&[format::DATA][..], &format::length(chunk.len()), chunk] {
            self.file.write_all(part).map_err(|cause| failed(&self.dir, cause))?;
        }
        self.unread += 1;
        if self.unread == PART { self.read_back() } else { Ok(()) }
    }

    /// Makes what is written durable and reads it: what cannot be decrypted is an error.
    fn read_back(&mut self) -> Result<(), Error> {
        let synced = self.file.flush().and_then(|()| self.file.get_ref().as_file().sync_data());
        synced.map_err(|cause| failed(&self.dir, cause))?;
        for _ in 0..std::mem::take(&mut self.unread) {
            if let Next::End { .. } = self.reader.next(&mut self.read)? {
                return Err(self.reader.damaged());
            }
        }
        Ok(())
    }

    /// Writes the tail, syncs all, and reads to the end.
    fn finish(self, rows: u64) -> Result<NamedTempFile, Error> {
        let Self { mut file, dir, header, encryptor, reader, .. } = self;
        let failed = |cause| failed(&dir, cause);
        let trailer = serde_json::to_vec(&Trailer { rows, sealed: Timestamp::now() })
            .expect("a trailer has only string keys");
        let length = format::length(trailer.len());
        let aad = format::last_aad(&header, &trailer);
        let tag = encryptor.encrypt_last(Payload { msg: &[], aad: &aad }).map_err(|_| too_large(&dir))?;
        for part in [&[format::TRAILER][..], &length, &trailer, &tag, &length] {
            file.write_all(part).map_err(failed)?;
        }
        let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.as_file().sync_all().map_err(failed)?;
        if reader.verify()? != rows {
            let reason = "it does not hold the rows that went in".to_owned();
            return Err(Error::Backup { path: file.path().to_owned(), reason });
        }
        Ok(file)
    }
}

/// The cipher counts chunks, and 256 TiB are the end of that.
fn too_large(dir: &Path) -> Error {
    failed(dir, io::Error::other("the backup is too large"))
}
