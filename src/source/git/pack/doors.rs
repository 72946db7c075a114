//! What `super::super::doors` opens of packs.

use super::{PackIndex, delta as deltas, entry as entries};
use crate::patch::Copied;

/// Parses an index and asks for everything in it.
pub fn index(data: &[u8]) {
    let Ok(index) = PackIndex::parse(data.to_vec(), 20) else { return };
    for position in 0..index.len().min(1000) {
        let id = index.id(position);
        let _: Option<usize> = index.position(id.as_bytes());
        let _: Option<u64> = index.offset(position);
        let _: Option<u32> = index.crc(position);
    }
    let _: bool = index.is_intact();
}

/// Parses the header of an entry.
pub fn entry(data: &[u8]) {
    drop(entries::parse(data, 20));
}

/// Applies a delta; what it says was copied must be the base's.
pub fn delta(base: &[u8], delta: &[u8]) -> Option<(Vec<u8>, Vec<Copied>)> {
    let (mut out, mut copies) = (Vec::new(), Vec::new());
    deltas::apply(base, delta, &mut out, &mut copies, 1 << 20).ok()?;
    for copy in &copies {
        assert_eq!(out[copy.to..copy.to_end()], base[copy.from..copy.from_end()]);
    }
    Some((out, copies))
}
