//! Reads a backup back: every byte that it gives was authenticated first.

use super::format::{self, Decryptor, Header, Trailer};
use super::{BackupInfo, BackupKey};
use crate::session::Error;
use chacha20poly1305::aead::Payload;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Checks every byte of a backup under its key, and tells what it is.
///
/// # Errors
/// When the file cannot be read, is of another key, or was changed in any byte.
pub fn verify_backup(path: &Path, key: &BackupKey) -> Result<BackupInfo, Error> {
    Reader::open(path, key)?.verify()?;
    super::list::info(path)
}

/// A backup that is being read.
pub(in crate::session) struct Reader {
    path: PathBuf,
    file: BufReader<File>,
    head: Header,
    aad: Vec<u8>,
    /// Gone after the last chunk.
    decryptor: Option<Decryptor>,
}

impl Reader {
    /// Opens the file and reads its head.
    pub(in crate::session) fn open(path: &Path, key: &BackupKey) -> Result<Self, Error> {
        let (mut file, _) = open(path)?;
        let (head, aad) = read_header(&mut file).map_err(|cause| refused(path, &cause))?;
        let refuse = |reason: &str| Error::Backup { path: path.to_owned(), reason: reason.to_owned() };
        if head.key != key.id() {
            return Err(refuse("it was written with another key"));
        }
        let mut nonce = [0; format::NONCE];
        hex::decode_to_slice(&head.nonce, &mut nonce).map_err(|_| refuse("its header is damaged"))?;
        let decryptor = Some(Decryptor::from_aead(key.cipher(), (&nonce).into()));
        Ok(Self { path: path.to_owned(), file, head, aad, decryptor })
    }

    /// Whether the rows were copied and not deleted.
    pub(in crate::session) fn is_copy(&self) -> bool {
        self.head.selection == super::COPY
    }

    /// Refuses rows in another encoding than the caller can read.
    pub(in crate::session) fn expect(&self, encoding: format::Encoding) -> Result<(), Error> {
        if self.head.encoding == encoding { Ok(()) } else { Err(self.damaged()) }
    }

    /// Refuses a backup that held another number of rows than it says.
    pub(in crate::session) fn check_rows(&self, found: u64, expected: u64) -> Result<(), Error> {
        if found == expected { Ok(()) } else { Err(self.damaged()) }
    }

    /// The error for content that makes no sense.
    pub(in crate::session) fn damaged(&self) -> Error {
        refused(&self.path, &damaged())
    }

    /// Reads to the end, which proves the file whole, and gives the number of rows.
    pub(in crate::session) fn verify(mut self) -> Result<u64, Error> {
        let mut chunk = Chunk::default();
        loop {
            if let Next::End { rows } = self.next(&mut chunk)? {
                return Ok(rows);
            }
        }
    }

    /// The next piece of plain text, which takes the place of what the chunk held, or the end.
    pub(in crate::session) fn next(&mut self, chunk: &mut Chunk) -> Result<Next, Error> {
        self.read_next(chunk).map_err(|cause| refused(&self.path, &cause))
    }

    fn read_next(&mut self, chunk: &mut Chunk) -> io::Result<Next> {
        let mut kind = [0];
        self.file.read_exact(&mut kind)?;
        match kind[0] {
            format::DATA => self.read_data(chunk).map(|()| Next::Data),
            format::TRAILER => self.read_trailer().map(|rows| Next::End { rows }),
            _ => Err(damaged()),
        }
    }

    fn read_data(&mut self, Chunk(chunk): &mut Chunk) -> io::Result<()> {
        let length = read_length(&mut self.file, format::CHUNK + format::TAG)?;
        chunk.clear();
        chunk.resize(length, 0);
        self.file.read_exact(chunk)?;
        let decryptor = self.decryptor.as_mut().ok_or_else(damaged)?;
        decryptor.decrypt_next_in_place(&self.aad, &mut **chunk).map_err(|_| damaged())
    }

    fn read_trailer(&mut self) -> io::Result<u64> {
        let trailer = read_block(&mut self.file, format::MAX_TRAILER)?;
        let mut tag = [0; format::TAG as usize];
        self.file.read_exact(&mut tag)?;
        let aad = format::last_aad(&self.aad, &trailer);
        let decryptor = self.decryptor.take().ok_or_else(damaged)?;
        decryptor.decrypt_last(Payload { msg: &tag, aad: &aad }).map_err(|_| damaged())?;
        let mut tail = Vec::new();
        self.file.by_ref().take(8).read_to_end(&mut tail)?;
        if tail != format::length(trailer.len()) {
            return Err(damaged());
        }
        let trailer: Trailer = serde_json::from_slice(&trailer)?;
        Ok(trailer.rows)
    }
}

/// Room for one piece, sealed or open, that is used again for the next one: it is wiped once, at the end, and never moves,
/// which would leave a copy behind.
pub(in crate::session) struct Chunk(Zeroizing<Vec<u8>>);

impl Default for Chunk {
    fn default() -> Self {
        Self(Zeroizing::new(Vec::with_capacity((format::CHUNK + format::TAG) as usize)))
    }
}

impl Deref for Chunk {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Chunk {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

/// What a reader gives.
pub(in crate::session) enum Next {
    /// Some plain text.
    Data,
    /// The end was reached, and nothing is missing.
    End {
        /// How many rows there were.
        rows: u64,
    },
}

pub(super) fn open(path: &Path) -> Result<(BufReader<File>, u64), Error> {
    let io = |cause| Error::Io { doing: "read", path: path.to_owned(), cause };
    let file = File::open(path).map_err(io)?;
    let size = file.metadata().map_err(io)?.len();
    Ok((BufReader::new(file), size))
}

pub(super) fn read_header(file: &mut impl Read) -> io::Result<(Header, Vec<u8>)> {
    let mut magic = [0; format::MAGIC.len()];
    file.read_exact(&mut magic)?;
    if magic != format::MAGIC {
        return Err(io::Error::other("it is no backup of unleak"));
    }
    let bytes = read_block(file, format::MAX_HEADER)?;
    let header: Header = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
    if header.version != format::VERSION || header.cipher != format::CIPHER {
        return Err(io::Error::other("a newer version of unleak wrote it"));
    }
    Ok((header, bytes))
}

/// Reads a length and as many bytes, never more than the format allows.
pub(super) fn read_block(file: &mut impl Read, max: u32) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; read_length(file, max)?];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn read_length(file: &mut impl Read, max: u32) -> io::Result<usize> {
    let mut length = [0; 4];
    file.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length);
    if length > max { Err(damaged()) } else { Ok(length as usize) }
}

pub(super) fn damaged() -> io::Error {
    io::Error::other("it is damaged or was changed")
}

pub(in crate::session) fn refused(path: &Path, cause: &io::Error) -> Error {
    let reason = match cause.kind() {
        io::ErrorKind::UnexpectedEof => "it is cut off".to_owned(),
        _ => cause.to_string(),
    };
    Error::Backup { path: path.to_owned(), reason }
}
