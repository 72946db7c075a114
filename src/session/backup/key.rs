//! The key that backups are encrypted with: one file of the state folder, never inside a backup or a database.

use super::super::Error;
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::KeyInit as _;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::io::Write as _;
use std::path::Path;
use zeroize::Zeroizing;

/// A key of 256 bits for the backups of one installation.
#[derive(Clone)]
pub struct BackupKey(Zeroizing<[u8; Self::LEN]>);

impl BackupKey {
    /// The length of a key in bytes.
    pub const LEN: usize = 32;

    /// Makes a key from the operating system's generator.
    pub fn generate() -> Result<Self, Error> {
        use rand::TryRng as _;
        let mut bytes = Zeroizing::new([0; Self::LEN]);
        rand::rngs::SysRng.try_fill_bytes(&mut *bytes).map_err(|_| Error::Random)?;
        Ok(Self(bytes))
    }

    /// Reads the key file, and makes it (mode 0600, with its folder) when there is none.
    pub fn load_or_create(path: &Path) -> Result<Self, Error> {
        if !path.exists() {
            Self::generate()?.store(path)?;
        }
        Self::load(path)
    }

    /// Reads the key file. One that others can read is refused on Unix.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let bad = |reason| Error::Key { path: path.to_owned(), reason };
        let io = |cause| Error::Io { doing: "read", path: path.to_owned(), cause };
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            if std::fs::metadata(path).map_err(io)?.permissions().mode() & 0o077 != 0 {
                return Err(bad("others can read it"));
            }
        }
        let text = Zeroizing::new(std::fs::read(path).map_err(io)?);
        let mut bytes = Zeroizing::new([0; Self::LEN]);
        hex::decode_to_slice(text.trim_ascii_end(), &mut *bytes).map_err(|_| bad("it holds no key"))?;
        Ok(Self(bytes))
    }

    fn store(&self, path: &Path) -> Result<(), Error> {
        let io = |cause| Error::Io { doing: "write", path: path.to_owned(), cause };
        let dir = super::ensure_dir(path.parent().unwrap_or(Path::new(".")))?;
        let mut file = tempfile::NamedTempFile::new_in(dir).map_err(io)?;
        let text = Zeroizing::new(hex::encode(*self.0));
        file.write_all(text.as_bytes()).and_then(|()| file.write_all(b"\n")).map_err(io)?;
        file.as_file().sync_all().map_err(io)?;
        match file.persist_noclobber(path) {
            Ok(_) => super::sync_dir(dir),
            // Somebody else was faster; their key is the key.
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(io(error.error)),
        }
    }

    /// What tells keys apart in a backup's header: it says nothing about a random key.
    pub(super) fn id(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(b"unleak backup key id");
        hash.update(*self.0);
        hex::encode(&hash.finalize()[..8])
    }

    pub(super) fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.0).into())
    }
}

impl fmt::Debug for BackupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BackupKey([REDACTED])")
    }
}
