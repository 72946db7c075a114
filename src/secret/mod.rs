//! A secret is a type: it cannot be printed, serialised or compared by accident, and is wiped on drop.

mod encodings;
mod fingerprint;
mod locked;
mod needles;
mod redactor;
mod salted;
mod values;

pub(crate) use encodings::decoded;
pub use fingerprint::{Fingerprint, FingerprintKey};
pub use locked::{Locking, lock_from_now_on, locking};
pub use redactor::{PLACEHOLDER, RedactingWriter, Redactor};
pub use salted::{BadSalt, Salt};
pub(crate) use values::Values;

use secrecy::{ExposeSecret as _, SecretSlice};
use std::fmt;
use zeroize::Zeroize as _;

/// A value that must never reach an output: no `Display`, no `Serialize`, a redacted `Debug`.
///
/// Holds bytes, because a leaked value need not be text.
///
/// ```
/// let secret = unleak::secret::Secret::from("hunter2".to_owned());
/// assert_eq!(format!("{secret:?}"), "Secret([REDACTED])");
/// assert_eq!(secret.expose(), b"hunter2");
/// ```
pub struct Secret(SecretSlice<u8>);

impl Clone for Secret {
    fn clone(&self) -> Self {
        Self::from(self.expose())
    }
}

impl Secret {
    /// Gives the bytes. The one door: every use of it in this crate is a place to review.
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// The length of the value in bytes.
    pub fn len(&self) -> usize {
        self.expose().len()
    }

    /// Whether the value is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl From<Vec<u8>> for Secret {
    /// Copies what does not fill its buffer: to shrink it would leave the bytes behind where they were.
    fn from(mut bytes: Vec<u8>) -> Self {
        if bytes.len() == bytes.capacity() {
            locked::keep(&bytes);
            return Self(bytes.into());
        }
        let exact = Self::from(&bytes[..]);
        bytes.zeroize();
        exact
    }
}

impl From<&[u8]> for Secret {
    fn from(bytes: &[u8]) -> Self {
        let mut own = vec![0; bytes.len()];
        locked::keep(&own);
        own.copy_from_slice(bytes);
        Self(own.into())
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::from(text.into_bytes())
    }
}

impl PartialEq for Secret {
    /// Compares in constant time for values of one length.
    fn eq(&self, other: &Self) -> bool {
        use subtle::ConstantTimeEq as _;
        self.expose().ct_eq(other.expose()).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([REDACTED])")
    }
}
