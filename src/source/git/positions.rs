//! From names to positions: one table for all packs and loose objects, whatever their number, with four bytes a slot.

use super::object_id::ObjectId;
use std::hash::{BuildHasher as _, RandomState};

/// Open addressing; 0 is empty. The hash is seeded, since an index may hold names that were made to collide.
pub(super) struct Positions {
    slots: Vec<u32>,
    seed: RandomState,
}

impl Positions {
    /// Enters so many names; `id` tells the name at a position. Of equal names the first stays.
    pub(super) fn new(count: usize, id: impl Fn(usize) -> ObjectId) -> Self {
        let mut positions =
            Self { slots: vec![0; (count * 2 + 1).next_power_of_two()], seed: RandomState::new() };
        for position in 0..count {
            // Positions beyond are not found, and what names them counts as missing: never a silent loss.
            let Ok(number) = u32::try_from(position + 1) else { break };
            let slot = positions.slot(id(position).as_bytes(), &id);
            if positions.slots[slot] == 0 {
                positions.slots[slot] = number;
            }
        }
        positions
    }

    /// The position of a name.
    pub(super) fn find(&self, name: &[u8], id: impl Fn(usize) -> ObjectId) -> Option<usize> {
        (self.slots[self.slot(name, &id)] as usize).checked_sub(1)
    }

    /// The slot that holds `name`, or the empty one where it belongs.
    fn slot(&self, name: &[u8], id: &impl Fn(usize) -> ObjectId) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = usize::try_from(self.seed.hash_one(name) & mask as u64).unwrap_or(0);
        while self.slots[slot] != 0 && id(self.slots[slot] as usize - 1).as_bytes() != name {
            slot = (slot + 1) & mask;
        }
        slot
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
                ObjectId::from_bytes(&bytes).unwrap()
            };
            let positions = Positions::new(names.len(), |at| id(names[at]));
            let found = positions.find(id(asked).as_bytes(), |at| id(names[at]));
            prop_assert_eq!(found, names.iter().position(|&name| name == asked));
        }
    }
}
