//! The parents of a commit, without an allocation for each of hundreds of thousands: hardly any has more than two.

use std::ops::{Deref, DerefMut};

/// What stands where there is no parent.
const NONE: u32 = u32::MAX;

/// Positions or numbers of commits, in sixteen bytes. No repository has as many objects as the largest number.
#[derive(Clone, Debug)]
pub(super) enum Parents {
    Few([u32; 2]),
    Many(Box<[u32]>),
}

impl FromIterator<u32> for Parents {
    fn from_iter<I: IntoIterator<Item = u32>>(parents: I) -> Self {
        let mut parents = parents.into_iter().filter(|parent| *parent != NONE);
        let mut few = [NONE; 2];
        for place in &mut few {
            match parents.next() {
                Some(parent) => *place = parent,
                None => return Self::Few(few),
            }
        }
        match parents.next() {
            Some(third) => Self::Many(few.into_iter().chain([third]).chain(parents).collect()),
            None => Self::Few(few),
        }
    }
}

/// How many of two places are taken, the first before the second.
fn taken(few: [u32; 2]) -> usize {
    few.iter().take_while(|parent| **parent != NONE).count()
}

impl Deref for Parents {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        match self {
            Self::Few(parents) => &parents[..taken(*parents)],
            Self::Many(parents) => parents,
        }
    }
}

impl DerefMut for Parents {
    fn deref_mut(&mut self) -> &mut [u32] {
        match self {
            Self::Few(parents) => {
                let count = taken(*parents);
                &mut parents[..count]
            }
            Self::Many(parents) => parents,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn are_those_that_were_collected(parents in proptest::collection::vec(0..NONE, 0..6)) {
            let collected: Parents = parents.iter().copied().collect();
            prop_assert_eq!(&*collected, &parents[..]);
        }
    }

    /// A scan keeps them of every commit.
    #[test]
    fn take_sixteen_bytes() {
        assert_eq!(size_of::<Parents>(), 16);
    }
}
