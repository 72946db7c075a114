//! From names to positions: one table for all packs and loose objects, whatever their number, with four bytes a slot.

use std::hash::{BuildHasher as _, RandomState};

/// Open addressing; 0 is empty. The hash is seeded, since an index may hold names that were made to collide.
pub(super) struct Positions {
    slots: Vec<u32>,
    seeds: [u64; 2],
}

impl Positions {
    /// Enters so many names; `name_at` tells the name at a position. Of equal names the first stays.
    pub(super) fn new<'n>(count: usize, name_at: impl Fn(usize) -> &'n [u8]) -> Self {
        let random = RandomState::new();
        let seeds = [random.hash_one(0), random.hash_one(1)];
        let mut positions = Self { slots: vec![0; (count * 2 + 1).next_power_of_two()], seeds };
        for position in 0..count {
            // Positions beyond are not found, and what names them counts as missing: never a silent loss.
            let Ok(number) = u32::try_from(position + 1) else { break };
            let slot = positions.slot(name_at(position), &name_at);
            if positions.slots[slot] == 0 {
                positions.slots[slot] = number;
            }
        }
        positions
    }

    /// The position of a name.
    pub(super) fn find<'n>(&self, name: &[u8], name_at: impl Fn(usize) -> &'n [u8]) -> Option<usize> {
        (self.slots[self.slot(name, &name_at)] as usize).checked_sub(1)
    }

    /// The slot that holds `name`, or the empty one where it belongs.
    fn slot<'n>(&self, name: &[u8], name_at: &impl Fn(usize) -> &'n [u8]) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = usize::try_from(self.hash(name) & mask as u64).unwrap_or(0);
        while self.slots[slot] != 0 && name_at(self.slots[slot] as usize - 1) != name {
            slot = (slot + 1) & mask;
        }
        slot
    }

    /// Names are random already unless somebody made them up: multiplications with secret factors see to those.
    #[inline]
    fn hash(&self, name: &[u8]) -> u64 {
        let mix = |hash: u64, bytes: &[u8; 8]| {
            let (low, high) = (hash ^ u64::from_le_bytes(*bytes)).carrying_mul(self.seeds[1] | 1, 0);
            low ^ high
        };
        let (words, _) = name.as_chunks();
        let hash = words.iter().fold(self.seeds[0], mix);
        // The last bytes that make no word of their own, with some before them.
        mix(hash, name.last_chunk().unwrap_or(&[0; 8]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Every name is found at its first position, and no other is.
        #[test]
        fn finds_what_is_there(names in proptest::collection::vec(0u8..20, 0..30), asked in 0u8..20) {
            let id = |name: u8| {
                let mut bytes = [7; 20];
                bytes[19] = name;
                bytes
            };
            let ids: Vec<_> = names.iter().copied().map(id).collect();
            let positions = Positions::new(names.len(), |at| &ids[at]);
            let found = positions.find(&id(asked), |at| &ids[at]);
            prop_assert_eq!(found, names.iter().position(|&name| name == asked));
        }
    }
}
