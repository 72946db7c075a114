//! A git object as the readers hand it over.

use super::object_id::ObjectId;

/// The four kinds of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Commit,
    Tree,
    Blob,
    Tag,
}

impl Kind {
    /// As loose objects name it.
    pub(super) fn from_name(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"commit" => Self::Commit,
            b"tree" => Self::Tree,
            b"blob" => Self::Blob,
            b"tag" => Self::Tag,
            _ => return None,
        })
    }
}

/// One object, or one window of a large one.
pub(super) struct Object<'b> {
    pub(super) id: ObjectId,
    /// Its position in the store.
    pub(super) position: usize,
    pub(super) kind: Kind,
    pub(super) content: crate::source::Content<'b>,
    /// How many bytes it takes in its pack or file.
    pub(super) stored: u64,
}
