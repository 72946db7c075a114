//! A pack's index (version 2): the names of its objects in order, and where each starts in the pack.
//!
//! Format: git's `gitformat-pack` manual page. The file is untrusted: every table is checked against its length once.

use super::super::object_id::ObjectId;
use super::PackError;
use sha1::{Digest as _, Sha1};
use sha2::Sha256;
use std::path::Path;

const MAGIC: [u8; 8] = [0xff, b't', b'O', b'c', 0, 0, 0, 2];
/// Marks an offset that stands in the table of large ones.
const LARGE: u32 = 0x8000_0000;
const FANOUT: usize = 8;
const NAMES: usize = FANOUT + 256 * 4;

/// An index in memory.
pub(in crate::source::git) struct PackIndex {
    data: Vec<u8>,
    count: usize,
    hash_len: usize,
    /// Whether it was made here, of what the pack holds: then there are no check sums to compare.
    is_ours: bool,
}

impl PackIndex {
    /// Reads and checks an index file.
    pub(in crate::source::git) fn open(path: &Path, hash_len: usize) -> Result<Self, PackError> {
        let data = std::fs::read(path)?;
        Self::parse(data, hash_len)
    }

    /// Makes the index of objects that come by name, with their offsets.
    pub(super) fn of(objects: &[(ObjectId, u64)], hash_len: usize) -> Result<Self, PackError> {
        let mut data = MAGIC.to_vec();
        for byte in 0..=255_u8 {
            let below = objects.partition_point(|(id, _)| id.as_bytes()[0] <= byte);
            data.extend(u32::try_from(below).map_err(|_| PackError::TooLarge)?.to_be_bytes());
        }
        objects.iter().for_each(|(id, _)| data.extend_from_slice(id.as_bytes()));
        data.resize(data.len() + objects.len() * 4, 0);
        let mut large = Vec::new();
        for (_, offset) in objects {
            let small = u32::try_from(*offset).ok().filter(|small| small & LARGE == 0);
            data.extend(small.unwrap_or(LARGE | u32::try_from(large.len() / 8).unwrap_or(0)).to_be_bytes());
            if small.is_none() {
                large.extend(offset.to_be_bytes());
            }
        }
        data.append(&mut large);
        data.resize(data.len() + 2 * hash_len, 0);
        Ok(Self { is_ours: true, ..Self::parse(data, hash_len)? })
    }

    pub(super) fn parse(data: Vec<u8>, hash_len: usize) -> Result<Self, PackError> {
        if data.len() < NAMES || data[..8] != MAGIC {
            return Err(PackError::Malformed("its index is not of version 2"));
        }
        let count = be32(&data, FANOUT + 255 * 4) as usize;
        let fixed =
            count.checked_mul(hash_len + 8).and_then(|tables| tables.checked_add(NAMES + 2 * hash_len));
        let ordered =
            (0..255).all(|byte| be32(&data, FANOUT + byte * 4) <= be32(&data, FANOUT + byte * 4 + 4));
        if !ordered || fixed.is_none_or(|fixed| data.len() < fixed || !(data.len() - fixed).is_multiple_of(8))
        {
            return Err(PackError::Malformed("its index is truncated or damaged"));
        }
        Ok(Self { data, count, hash_len, is_ours: false })
    }

    /// Whether every object has a place in the pack.
    pub(in crate::source::git) fn check_offsets(&self) -> Result<(), PackError> {
        let all = (0..self.count).all(|position| self.offset(position).is_some());
        if all { Ok(()) } else { Err(PackError::Malformed("its index is damaged")) }
    }

    /// The check sum of the index itself.
    pub(in crate::source::git) fn own_sum(&self) -> &[u8] {
        &self.data[self.data.len() - self.hash_len..]
    }

    /// How many objects the pack holds.
    pub(in crate::source::git) fn len(&self) -> usize {
        self.count
    }

    /// The name at `position` in the order of names.
    pub(in crate::source::git) fn id(&self, position: usize) -> ObjectId {
        ObjectId::from_bytes(self.name(position)).expect("the length was checked")
    }

    /// The bytes of the name at `position`.
    pub(in crate::source::git) fn name(&self, position: usize) -> &[u8] {
        let at = NAMES + position * self.hash_len;
        &self.data[at..at + self.hash_len]
    }

    /// The position of a name, if the pack holds it.
    pub(in crate::source::git) fn position(&self, id: &[u8]) -> Option<usize> {
        let first = usize::from(*id.first()?);
        let mut low = if first == 0 { 0 } else { be32(&self.data, FANOUT + (first - 1) * 4) as usize };
        let mut high = be32(&self.data, FANOUT + first * 4) as usize;
        while low < high {
            let middle = low.midpoint(high);
            match self.name(middle).cmp(id) {
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// The check sum (CRC-32) of the pack's bytes that hold the object at `position`.
    pub(in crate::source::git) fn crc(&self, position: usize) -> Option<u32> {
        (!self.is_ours).then(|| be32(&self.data, NAMES + self.count * self.hash_len + position * 4))
    }

    /// The check sum that stands at the end of the pack.
    pub(in crate::source::git) fn pack_sum(&self) -> Option<&[u8]> {
        let end = self.data.len() - self.hash_len;
        (!self.is_ours).then(|| &self.data[end - self.hash_len..end])
    }

    /// Whether the index is as git wrote it.
    pub(in crate::source::git) fn is_intact(&self) -> bool {
        if self.is_ours {
            return true;
        }
        let (content, sum) = self.data.split_at(self.data.len() - self.hash_len);
        if self.hash_len == 20 {
            Sha1::digest(content)[..] == *sum
        } else {
            Sha256::digest(content)[..] == *sum
        }
    }

    /// Where the object at `position` starts in the pack; `None` if the table of large offsets is too short.
    pub(in crate::source::git) fn offset(&self, position: usize) -> Option<u64> {
        let offsets = NAMES + self.count * (self.hash_len + 4);
        let small = be32(&self.data, offsets + position * 4);
        if small & LARGE == 0 {
            return Some(u64::from(small));
        }
        let large = offsets + self.count * 4 + (small & 0x7fff_ffff) as usize * 8;
        let end = self.data.len() - 2 * self.hash_len;
        let bytes = self.data.get(large..large + 8).filter(|_| large + 8 <= end)?;
        Some(u64::from_be_bytes(bytes.try_into().ok()?))
    }
}

fn be32(data: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([data[at], data[at + 1], data[at + 2], data[at + 3]])
}
