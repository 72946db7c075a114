//! Which objects of a store an earlier scan has seen, so that this one need not read them.

/// Some of a store's packs and loose objects, by their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    packs: Vec<bool>,
    loose: Vec<bool>,
}

impl Known {
    /// Nothing yet, of so many packs and loose objects.
    pub(super) fn of(packs: usize, loose: usize) -> Self {
        Self { packs: vec![false; packs], loose: vec![false; loose] }
    }

    pub(super) fn set_pack(&mut self, number: usize, is_known: bool) {
        self.packs[number] = is_known;
    }

    pub(super) fn add_loose(&mut self, number: usize) {
        self.loose[number] = true;
    }

    /// Whether a pack is known.
    pub(super) fn pack(&self, number: usize) -> bool {
        self.packs.get(number).is_some_and(|known| *known)
    }

    /// Whether a loose object is known.
    pub(super) fn loose(&self, number: usize) -> bool {
        self.loose.get(number).is_some_and(|known| *known)
    }

    /// The packs that are known.
    pub(super) fn packs(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.packs.len()).filter(|&number| self.packs[number])
    }

    /// Whether everything is known.
    pub(super) fn is_everything(&self) -> bool {
        !self.packs.contains(&false) && !self.loose.contains(&false)
    }
}
