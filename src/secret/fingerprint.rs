//! The one thing about a secret that may be shown: a keyed hash of it.
//!
//! Keyed, because a weak secret can be guessed from a plain hash; truncated to 64 bits, because it only has
//! to tell the secrets of one organisation apart.

use super::Secret;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::fmt;
use zeroize::Zeroizing;

/// The key of all fingerprints of one installation, kept outside every report.
pub struct FingerprintKey(Zeroizing<[u8; Self::LEN]>);

impl FingerprintKey {
    /// The length of a key in bytes.
    pub const LEN: usize = 32;

    /// Takes a key that was kept.
    pub fn new(bytes: [u8; Self::LEN]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Makes a new key from the operating system's generator.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn generate() -> Result<Self, rand::rngs::SysError> {
        use rand::TryRng as _;
        let mut bytes = Zeroizing::new([0; Self::LEN]);
        rand::rngs::SysRng.try_fill_bytes(&mut *bytes)?;
        Ok(Self(bytes))
    }

    /// The key's bytes, to keep them.
    pub fn bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// A key for another purpose, which does not tell this one.
    pub fn derive(&self, purpose: &str) -> [u8; Self::LEN] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.0).expect("HMAC takes a key of any length");
        mac.update(purpose.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// The fingerprint of a value under this key.
    pub fn fingerprint(&self, secret: &Secret) -> Fingerprint {
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.0).expect("HMAC takes a key of any length");
        mac.update(secret.expose());
        let digest = mac.finalize().into_bytes();
        let mut short = [0; 8];
        short.copy_from_slice(&digest[..8]);
        Fingerprint(u64::from_be_bytes(short))
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey([REDACTED])")
    }
}

/// The first 64 bits of an HMAC-SHA256 of a secret, shown as 16 hexadecimal characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Fingerprint(u64);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u64::from_str_radix(&text, 16).map(Self)
    }
}
