//! Which tree holds what: for every tree what it has more and less than the tree it was built from. That is a few
//! numbers a tree, where its whole list would be hundreds.

/// How deep trees are followed; git refuses to check out deeper ones.
const MAX_DEPTH: usize = 4096;

/// The ties of all trees, in an order in which a base comes before what is built from it.
#[derive(Default)]
pub(super) struct Ties {
    /// For each tree: its position, its base's position or itself, how many entries it gains and loses, and those.
    records: Vec<u32>,
}

impl Ties {
    /// Notes a tree that was read whole (`base` is `None`), or that was built from another one that was noted.
    pub(super) fn note(&mut self, tree: u32, base: Option<u32>, gained: &[u32], lost: &[u32]) {
        let count = |of: &[u32]| u32::try_from(of.len()).unwrap_or(u32::MAX);
        self.records.extend([tree, base.unwrap_or(tree), count(gained), count(lost)]);
        self.records.extend_from_slice(gained);
        self.records.extend_from_slice(lost);
    }

    /// Adds to `leading`, which has a place for every object, all trees from which an object in it can be reached.
    pub(super) fn spread(&self, leading: &mut [bool]) {
        // How many leading entries each tree has.
        let mut counts = vec![0_i32; leading.len()];
        // A tree may come before the trees it holds; it takes as many rounds as trees are deep at most.
        for _ in 0..MAX_DEPTH {
            let (mut rest, mut grown) = (self.records.as_slice(), false);
            while let [tree, base, gained, lost, after @ ..] = rest {
                let (gained, after) = after.split_at(*gained as usize);
                let (lost, after) = after.split_at(*lost as usize);
                rest = after;
                let leads =
                    |of: &[u32]| of.iter().map(|&entry| i32::from(leading[entry as usize])).sum::<i32>();
                let inherited = if base == tree { 0 } else { counts[*base as usize] };
                let count = inherited + leads(gained) - leads(lost);
                counts[*tree as usize] = count;
                if count > 0 && !leading[*tree as usize] {
                    leading[*tree as usize] = true;
                    grown = true;
                }
            }
            if !grown {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_lead_as_long_as_they_hold() {
        let mut ties = Ties::default();
        // 0 and 1 are blobs, 5 a root above 4; 2 has blob 0, 3 is built from it without that, 4 again with it.
        ties.note(5, None, &[4], &[]);
        ties.note(2, None, &[0, 1], &[]);
        ties.note(3, Some(2), &[], &[0]);
        ties.note(4, Some(3), &[0], &[1]);
        ties.note(6, None, &[3], &[]);
        let mut leading = vec![false; 7];
        leading[0] = true;
        ties.spread(&mut leading);
        assert_eq!(leading, [true, false, true, false, true, true, false]);
    }
}
