//! An entry of a tree in eight bytes: of a history all entries that are new in their tree are kept.

use std::collections::HashSet;

/// What stands for an object that is not here.
const NOWHERE: u32 = u32::MAX;

/// An entry: what it names, and the number of its name. Ordered by the name, so that two trees' lists are easily compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Held {
    /// Twice the name's number, and one for a folder.
    label: u32,
    object: u32,
}

impl Held {
    /// An entry that names the object at a position, if that is here.
    pub(super) fn new(object: Option<u32>, name: u32, is_tree: bool) -> Self {
        Self { label: name << 1 | u32::from(is_tree), object: object.unwrap_or(NOWHERE) }
    }

    /// Both numbers by which it is kept: the label, which is its name and kind, and the object.
    pub(super) fn numbers(self) -> (u32, u32) {
        (self.label, self.object)
    }

    /// The entry of two such numbers.
    pub(super) fn of_numbers(label: u32, object: u32) -> Self {
        Self { label, object }
    }

    /// The first that an entry of this name and kind can be in order.
    pub(super) fn first(name: u32, is_tree: bool) -> Self {
        Self { object: 0, ..Self::new(None, name, is_tree) }
    }

    /// The number of its name.
    pub(super) fn name(self) -> u32 {
        self.label >> 1
    }

    /// Whether it names a tree.
    pub(super) fn is_tree(self) -> bool {
        self.label & 1 == 1
    }

    /// The position of what it names; the largest number if that is not here.
    pub(super) fn object(self) -> u32 {
        self.object
    }

    /// Whether it names one of the leading objects, or has one of the names.
    pub(super) fn leads(self, leading: &[bool], names: &HashSet<u32>) -> bool {
        leading.get(self.object as usize).is_some_and(|leads| *leads)
            || (!names.is_empty() && names.contains(&self.name()))
    }
}
