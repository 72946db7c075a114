//! The layout of a backup file.
//!
//! ```text
//! magic | length header-JSON | ( 'D' length ciphertext )* | 'T' length trailer-JSON tag | length-of-trailer
//! ```
//! Lengths are big-endian u32. Chunks are a STREAM of XChaCha20-Poly1305; the header is associated data of each
//! chunk, the trailer of the last (empty) one, so that nothing can be cut, swapped or edited unnoticed.

use super::super::StoreKind;
use super::super::schema::{Column, TableName};
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::stream::{DecryptorBE32, EncryptorBE32};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(super) const MAGIC: &[u8] = b"unleak-backup\n";
pub(super) const VERSION: u32 = 1;
/// How much plain text one chunk holds; the last may hold less.
pub(super) const CHUNK: u32 = 64 * 1024;
pub(super) const TAG: u32 = 16;
/// The nonce's random part: 24 bytes less a counter of 4 and a flag of 1.
pub(super) const NONCE: usize = 19;
pub(super) const MAX_HEADER: u32 = 1024 * 1024;
pub(super) const MAX_TRAILER: u32 = 4096;
pub(super) const DATA: u8 = b'D';
pub(super) const TRAILER: u8 = b'T';

pub(super) type Encryptor = EncryptorBE32<XChaCha20Poly1305>;
pub(super) type Decryptor = DecryptorBE32<XChaCha20Poly1305>;

/// How rows are written inside the chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::session) enum Encoding {
    /// PostgreSQL's COPY text format, in UTC and ISO dates.
    PgCopyText,
    /// Tagged values, see `sqlite::row`.
    SqliteValues,
    /// Each value as MySQL writes it as text, see `mysql::row`.
    MySqlText,
    /// Keys with their value and the time of their end, see `redis::record`.
    RedisDump,
}

/// The plain, authenticated head of a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) version: u32,
    pub(super) store: String,
    pub(super) kind: StoreKind,
    pub(super) dialect: String,
    pub(super) table: TableName,
    pub(super) columns: Vec<Column>,
    pub(super) encoding: Encoding,
    pub(super) created: Timestamp,
    pub(super) expires: Timestamp,
    pub(super) incident: String,
    /// Which sessions were deleted.
    pub(super) selection: String,
    /// Who deleted them, where somebody answers for it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) transaction: Option<i64>,
    pub(super) cipher: String,
    pub(super) nonce: String,
    pub(super) key: String,
}

pub(super) const CIPHER: &str = "xchacha20poly1305-stream-be32";

/// The plain, authenticated tail of a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Trailer {
    pub(super) rows: u64,
    /// When the last row had come.
    pub(super) sealed: Timestamp,
}

/// The associated data of the last chunk.
pub(super) fn last_aad(header: &[u8], trailer: &[u8]) -> Vec<u8> {
    [header, trailer].concat()
}

/// A length that fits the format: every caller bounds what it passes.
pub(super) fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes()
}
