//! The parents of a commit, without an allocation for each of hundreds of thousands: hardly any has more than two.

use std::ops::{Deref, DerefMut};

/// Positions or numbers of commits.
#[derive(Clone, Debug)]
pub(super) enum Parents {
    Few(u8, [u32; 2]),
    Many(Box<[u32]>),
}

impl FromIterator<u32> for Parents {
    fn from_iter<I: IntoIterator<Item = u32>>(parents: I) -> Self {
        let mut parents = parents.into_iter();
        let mut few = [0; 2];
        for count in 0..=2 {
            match (parents.next(), few.get_mut(usize::from(count))) {
                (Some(parent), Some(place)) => *place = parent,
                (Some(third), None) => {
                    return Self::Many(few.into_iter().chain([third]).chain(parents).collect());
                }
                (None, _) => return Self::Few(count, few),
            }
        }
        Self::Few(2, few)
    }
}

impl Deref for Parents {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        match self {
            Self::Few(count, parents) => &parents[..usize::from(*count)],
            Self::Many(parents) => parents,
        }
    }
}

impl DerefMut for Parents {
    fn deref_mut(&mut self) -> &mut [u32] {
        match self {
            Self::Few(count, parents) => &mut parents[..usize::from(*count)],
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
        fn are_those_that_were_collected(parents in proptest::collection::vec(any::<u32>(), 0..6)) {
            let collected: Parents = parents.iter().copied().collect();
            prop_assert_eq!(&*collected, &parents[..]);
        }
    }
}
