//! The header of one entry of a pack: its kind, its size, and for a delta where its base is.
//!
//! Format: git's `gitformat-pack` manual page, "pack-*.pack files have the following format".

use super::super::object::Kind;
use super::super::object_id::ObjectId;
use super::PackError;

/// The most bytes a header can have: ten of size, and a base's name or offset.
pub(super) const MAX_HEADER: usize = 10 + 32;

/// A parsed header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) base: Base,
    /// The size of the inflated data: of the object, or of the delta.
    pub(super) size: u64,
    /// The length of the header itself.
    pub(super) len: usize,
}

/// What an entry's data is relative to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    /// Nothing: the data is an object of this kind.
    None(Kind),
    /// The entry that starts so many bytes earlier.
    Offset(u64),
    /// The object of this name, in this pack or elsewhere.
    Name(ObjectId),
}

/// Parses the header at the start of `data`.
pub(super) fn parse(data: &[u8], hash_len: usize) -> Result<Header, PackError> {
    let mut bytes = data.iter().copied();
    let mut next = || bytes.next().ok_or(PackError::Malformed("an entry is truncated"));
    let first = next()?;
    let (mut size, mut shift, mut byte) = (u64::from(first & 0x0f), 4_u32, first);
    let mut len = 1;
    while byte & 0x80 != 0 {
        byte = next()?;
        len += 1;
        let part = u64::from(byte & 0x7f);
        if shift >= 60 && part >> (64 - shift) != 0 {
            return Err(PackError::Malformed("an entry's size is too large"));
        }
        size |= part << shift;
        shift = (shift + 7).min(63);
        if len > 10 {
            return Err(PackError::Malformed("an entry's size is too large"));
        }
    }
    let base = match (first >> 4) & 7 {
        1 => Base::None(Kind::Commit),
        2 => Base::None(Kind::Tree),
        3 => Base::None(Kind::Blob),
        4 => Base::None(Kind::Tag),
        6 => {
            let mut byte = next()?;
            len += 1;
            let mut distance = u64::from(byte & 0x7f);
            while byte & 0x80 != 0 {
                byte = next()?;
                len += 1;
                distance = distance
                    .checked_add(1)
                    .and_then(|distance| distance.checked_mul(128))
                    .ok_or(PackError::Malformed("a delta's base is too far away"))?
                    | u64::from(byte & 0x7f);
            }
            Base::Offset(distance)
        }
        7 => {
            let name = data.get(len..len + hash_len).and_then(ObjectId::from_bytes);
            len += hash_len;
            Base::Name(name.ok_or(PackError::Malformed("an entry is truncated"))?)
        }
        _ => return Err(PackError::Malformed("an entry has an unknown type")),
    };
    Ok(Header { base, size, len })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            drop(parse(&bytes, 20));
            drop(parse(&bytes, 32));
        }
    }
}
