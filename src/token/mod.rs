//! Tokens of the administrators of `unleak serve`: printed once, kept as SHA-256 in a file of the state folder that its
//! owner alone can read. The server takes them, and a rotation replaces them.
//!
//! A plain hash is enough, since a token is 256 random bits: there is nothing to guess. The file is read again when it
//! changes, so that a token that was removed or replaced is dead at the next request.

mod error;

pub use error::Error;

use crate::durable::{Lock, Mode, create_private_dir, write_atomic};
use crate::secret::{FingerprintKey, Secret};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;
use subtle::ConstantTimeEq as _;

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Look.
    Read,
    /// Look, end sessions and put them back.
    Write,
}

/// What may be told about a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenInfo {
    /// Its name, which the audit log shows.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// When it was made.
    pub created: Timestamp,
    /// Its SHA-256.
    sha256: String,
}

impl TokenInfo {
    /// The same token with another value.
    pub(crate) fn with(&self, value: &Secret, created: Timestamp) -> Self {
        Self { created, sha256: digest(value.expose()), ..self.clone() }
    }

    /// Its SHA-256, in hexadecimal digits.
    pub(crate) fn digest(&self) -> &str {
        &self.sha256
    }
}

/// The tokens of a state folder.
pub struct Tokens {
    path: PathBuf,
    read: Mutex<Read>,
}

/// When a file was written, how long it is, and which one it is.
type Stamp = (SystemTime, u64, u64);

#[derive(Default)]
struct Read {
    stamp: Option<Stamp>,
    tokens: Vec<TokenInfo>,
}

impl Tokens {
    /// Those of a state folder.
    ///
    /// # Errors
    /// When the file is there and cannot be used.
    pub fn open(state: &Path) -> Result<Self, Error> {
        let path = state.join("serve").join("tokens.json");
        let tokens = Self { path, read: Mutex::default() };
        tokens.read()?;
        Ok(tokens)
    }

    /// Every token, the oldest first.
    pub fn list(&self) -> Result<Vec<TokenInfo>, Error> {
        self.read()
    }

    /// Makes a token and gives it, this once.
    pub fn add(&self, name: &str, scope: Scope, now: Timestamp) -> Result<Secret, Error> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@');
        if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
            let reason = "a name is 1 to 64 letters, digits and `-_.@`";
            return Err(Error::Name { name: name.to_owned(), reason });
        }
        self.change(|tokens| {
            if tokens.iter().any(|token| token.name == name) {
                return Err(Error::Name { name: name.to_owned(), reason: "there is a token of this name" });
            }
            let key = FingerprintKey::generate().map_err(|_| Error::Random)?;
            let token = format!("unleak_{}", hex::encode(key.bytes()));
            let sha256 = digest(token.as_bytes());
            tokens.push(TokenInfo { name: name.to_owned(), scope, created: now, sha256 });
            Ok(Secret::from(token))
        })
    }

    /// Gives a token another value, or the one that it had, unless it has become another than `from` meanwhile.
    pub(crate) fn replace(&self, from: &str, to: TokenInfo) -> Result<(), Error> {
        self.change(|tokens| {
            let token = tokens.iter_mut().find(|token| token.name == to.name && token.sha256 == from);
            let Some(token) = token else {
                return Err(Error::Name { name: to.name, reason: "it was changed meanwhile" });
            };
            *token = to;
            Ok(())
        })
    }

    /// Removes a token; whoever is logged in by it is not any more.
    pub fn remove(&self, name: &str) -> Result<(), Error> {
        self.change(|tokens| {
            let before = tokens.len();
            tokens.retain(|token| token.name != name);
            if tokens.len() == before {
                return Err(Error::Name { name: name.to_owned(), reason: "there is no token of this name" });
            }
            Ok(())
        })
    }

    /// The token that this is; every one is compared, in constant time.
    pub(crate) fn find(&self, token: &str) -> Option<TokenInfo> {
        let digest = digest(token.as_bytes());
        let is_it = |known: &TokenInfo| bool::from(known.sha256.as_bytes().ct_eq(digest.as_bytes()));
        self.now().into_iter().fold(None, |found, known| if is_it(&known) { Some(known) } else { found })
    }

    /// The token of a name, while it is still this very one.
    pub(crate) fn still(&self, name: &str, digest: &str) -> Option<TokenInfo> {
        self.now().into_iter().find(|token| token.name == name && token.sha256 == digest)
    }

    /// The tokens as they are now: none while the file cannot be used.
    fn now(&self) -> Vec<TokenInfo> {
        self.read().unwrap_or_default()
    }

    fn change<T>(&self, change: impl FnOnce(&mut Vec<TokenInfo>) -> Result<T, Error>) -> Result<T, Error> {
        create_private_dir(self.path.parent().unwrap_or(Path::new(".")))?;
        let _lock = Lock::beside(&self.path)?;
        let mut tokens = self.read()?;
        let changed = change(&mut tokens)?;
        let text = serde_json::to_string_pretty(&tokens).expect("tokens are plain data");
        write_atomic(&self.path, format!("{text}\n").as_bytes(), Mode::Private)?;
        self.read.lock().unwrap_or_else(PoisonError::into_inner).stamp = None;
        Ok(changed)
    }

    /// Reads the file, if it is another one than before.
    fn read(&self) -> Result<Vec<TokenInfo>, Error> {
        let failed = |reason: String| Error::File { path: self.path.clone(), reason };
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let data = match std::fs::metadata(&self.path) {
            Ok(data) => data,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                *read = Read::default();
                return Ok(Vec::new());
            }
            Err(error) => return Err(failed(error.to_string())),
        };
        let stamp = stamp(&data);
        if stamp.is_none() || read.stamp != stamp {
            check_private(&data).map_err(|reason| failed(reason.to_owned()))?;
            let text = std::fs::read(&self.path).map_err(|error| failed(error.to_string()))?;
            let tokens = serde_json::from_slice(&text).map_err(|error| failed(error.to_string()))?;
            *read = Read { stamp, tokens };
        }
        Ok(read.tokens.clone())
    }
}

/// What tells one file from the next: each change makes a new one, in the same moment even.
#[cfg(unix)]
fn stamp(data: &std::fs::Metadata) -> Option<Stamp> {
    use std::os::unix::fs::MetadataExt as _;
    Some((data.modified().ok()?, data.len(), data.ino()))
}

#[cfg(not(unix))]
fn stamp(data: &std::fs::Metadata) -> Option<Stamp> {
    Some((data.modified().ok()?, data.len(), 0))
}

fn digest(token: &[u8]) -> String {
    hex::encode(Sha256::digest(token))
}

#[cfg(unix)]
fn check_private(data: &std::fs::Metadata) -> Result<(), &'static str> {
    use std::os::unix::fs::PermissionsExt as _;
    let others = data.permissions().mode() & 0o077;
    if others == 0 { Ok(()) } else { Err("others can read or write it") }
}

#[cfg(not(unix))]
fn check_private(_data: &std::fs::Metadata) -> Result<(), &'static str> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_until_it_is_removed_and_stands_in_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::open(folder.path()).unwrap();
        let running = Tokens::open(folder.path()).unwrap();
        let secret = tokens.add("ada", Scope::Read, Timestamp::UNIX_EPOCH).unwrap();
        let text = std::str::from_utf8(secret.expose()).unwrap();
        assert_eq!(running.find(text).unwrap().name, "ada");
        assert!(running.find(&format!("{text}0")).is_none());
        let file = std::fs::read_to_string(folder.path().join("serve/tokens.json")).unwrap();
        assert!(!file.contains(text) && !file.contains(&text[7..]));
        assert!(tokens.add("ada", Scope::Write, Timestamp::UNIX_EPOCH).is_err());
        assert!(tokens.add("a b", Scope::Write, Timestamp::UNIX_EPOCH).is_err());
        tokens.remove("ada").unwrap();
        assert!(running.find(text).is_none() && tokens.remove("ada").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_can_read_is_not_trusted() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::open(folder.path()).unwrap();
        tokens.add("ada", Scope::Read, Timestamp::UNIX_EPOCH).unwrap();
        let path = folder.path().join("serve/tokens.json");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(Tokens::open(folder.path()), Err(Error::File { .. })));
    }
}
