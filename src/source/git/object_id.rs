//! The name of a git object: 20 bytes of SHA-1 or 32 bytes of SHA-256.

use serde::{Deserialize, Serialize};
use std::fmt;

/// An object's name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ObjectId {
    bytes: [u8; 32],
    len: u8,
}

impl ObjectId {
    /// Takes the bytes of a name; `None` unless there are 20 or 32.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut id = Self { bytes: [0; 32], len: u8::try_from(bytes.len()).ok()? };
        matches!(bytes.len(), 20 | 32).then(|| {
            id.bytes[..bytes.len()].copy_from_slice(bytes);
            id
        })
    }

    /// Reads a name from hexadecimal characters.
    pub fn from_hex(text: &[u8]) -> Option<Self> {
        Self::from_bytes(&hex::decode(text).ok()?)
    }

    /// The name's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl From<ObjectId> for String {
    fn from(id: ObjectId) -> Self {
        hex::encode(id.as_bytes())
    }
}

impl TryFrom<String> for ObjectId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::from_hex(text.as_bytes()).ok_or("it is no object's name")
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl From<git2::Oid> for ObjectId {
    fn from(oid: git2::Oid) -> Self {
        Self::from_bytes(oid.as_bytes()).expect("libgit2's names have 20 bytes")
    }
}
