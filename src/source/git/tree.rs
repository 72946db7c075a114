//! The entries of a tree object.

/// One entry: a name and the raw bytes of what it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry<'t> {
    pub(super) kind: EntryKind,
    pub(super) name: &'t [u8],
    pub(super) id: &'t [u8],
}

/// What an entry names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryKind {
    Tree,
    Blob,
    /// A commit of another repository.
    Submodule,
}

/// Iterates over the entries; what does not parse ends the iteration, as it does in git.
pub(super) fn entries(mut tree: &[u8], hash_len: usize) -> impl Iterator<Item = Entry<'_>> {
    std::iter::from_fn(move || {
        let space = memchr(b' ', tree)?;
        let mode = &tree[..space];
        let rest = &tree[space + 1..];
        let zero = memchr(0, rest)?;
        let id = rest.get(zero + 1..zero + 1 + hash_len)?;
        tree = &rest[zero + 1 + hash_len..];
        let kind = match mode {
            b"40000" | b"040000" => EntryKind::Tree,
            b"160000" => EntryKind::Submodule,
            _ => EntryKind::Blob,
        };
        Some(Entry { kind, name: &rest[..zero], id })
    })
}

fn memchr(byte: u8, bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|&other| other == byte)
}
