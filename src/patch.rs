//! A text as parts of another one: which of its bytes were copied from where. Sources learn it from git's deltas,
//! and detectors need not look again at what they have seen.

/// Bytes that one text has from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Where they stand in the base.
    pub from: usize,
    /// Where they stand in the new text.
    pub to: usize,
    /// How many they are.
    pub len: usize,
}

impl Copied {
    /// The end in the base.
    pub fn from_end(&self) -> usize {
        self.from + self.len
    }

    /// The end in the new text.
    pub fn to_end(&self) -> usize {
        self.to + self.len
    }
}

/// How a text was made from its base: what it copies, ordered by where that stands in the new text, without overlaps
/// there. All else is new.
#[derive(Clone, Copy, Debug)]
pub struct Patch<'p> {
    /// The copies.
    pub copies: &'p [Copied],
    /// The length of the base.
    pub base_len: usize,
    /// The length of the new text.
    pub len: usize,
}

impl Patch<'_> {
    /// How far around its bytes a copy can be trusted to have the surroundings that it has in the base: the copy itself,
    /// and beyond it where both texts begin or end.
    pub fn trusted(&self, copy: &Copied) -> (Option<usize>, Option<usize>) {
        let starts = copy.from == 0 && copy.to == 0;
        let ends = copy.from_end() == self.base_len && copy.to_end() == self.len;
        ((!starts).then_some(copy.to), (!ends).then_some(copy.to_end()))
    }
}
