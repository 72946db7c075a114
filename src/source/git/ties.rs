//! Which tree holds what: for every tree what it has more and less than the tree it was built from. That is a few
//! numbers a tree, where its whole list would be hundreds.

use super::held::Held;
use std::collections::HashSet;

/// How deep trees are followed; git refuses to check out deeper ones.
const MAX_DEPTH: usize = 4096;

/// How many entries are kept together: a list that grows as one would be moved again and again.
const CHUNK: usize = 1 << 16;

/// The ties of all trees, in an order in which a base comes before what is built from it.
#[derive(Default)]
pub(super) struct Ties {
    ties: Vec<Counted>,
    /// What each gains, and then what it loses; all of one tree in one chunk.
    entries: Vec<Vec<Held>>,
}

struct Counted {
    tree: u32,
    /// The tree itself if it has none.
    base: u32,
    gained: u32,
    lost: u32,
}

/// The ties of one tree.
pub(super) struct Tie<'t> {
    pub(super) tree: u32,
    /// The tree it was built from; `None` if it was read whole.
    pub(super) base: Option<u32>,
    pub(super) gained: &'t [Held],
    pub(super) lost: &'t [Held],
}

impl Ties {
    /// Notes a tree; its base was noted before.
    pub(super) fn note(&mut self, tie: &Tie<'_>) {
        let count = |of: &[Held]| u32::try_from(of.len()).unwrap_or(u32::MAX);
        let (gained, lost) = (count(tie.gained), count(tie.lost));
        self.ties.push(Counted { tree: tie.tree, base: tie.base.unwrap_or(tie.tree), gained, lost });
        let wanted = tie.gained.len() + tie.lost.len();
        if self.entries.last().is_none_or(|chunk| chunk.capacity() - chunk.len() < wanted) {
            self.entries.push(Vec::with_capacity(wanted.max(CHUNK)));
        }
        if let Some(chunk) = self.entries.last_mut() {
            chunk.extend_from_slice(tie.gained);
            chunk.extend_from_slice(tie.lost);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Tie<'_>> {
        let mut chunks = self.entries.iter();
        let mut rest: &[Held] = &[];
        self.ties.iter().map(move |tie| {
            if rest.is_empty() && tie.gained + tie.lost > 0 {
                rest = chunks.next().map(Vec::as_slice).unwrap_or_default();
            }
            let (gained, behind) = rest.split_at(tie.gained as usize);
            let (lost, behind) = behind.split_at(tie.lost as usize);
            rest = behind;
            let base = Some(tie.base).filter(|base| *base != tie.tree);
            Tie { tree: tie.tree, base, gained, lost }
        })
    }

    /// Adds to `leading`, which has a place for every object, all trees from which an object in it, or an entry with one of
    /// these names, can be reached.
    pub(super) fn spread(&self, leading: &mut [bool], names: &HashSet<u32>) {
        // How many leading entries each tree has.
        let mut counts = vec![0_i32; leading.len()];
        // A tree may come before the trees it holds; it takes as many rounds as trees are deep at most.
        for _ in 0..MAX_DEPTH {
            let mut grown = false;
            for Tie { tree, base, gained, lost } in self.iter() {
                let leads =
                    |of: &[Held]| of.iter().map(|entry| i32::from(entry.leads(leading, names))).sum::<i32>();
                let inherited = base.map_or(0, |base| counts[base as usize]);
                let count = inherited + leads(gained) - leads(lost);
                counts[tree as usize] = count;
                if count > 0 && !leading[tree as usize] {
                    leading[tree as usize] = true;
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

    fn held(objects: &[u32]) -> Vec<Held> {
        objects.iter().map(|object| Held::new(Some(*object), 10 + object, false)).collect()
    }

    fn noted(ties: &mut Ties, tree: u32, base: Option<u32>, gained: &[u32], lost: &[u32]) {
        ties.note(&Tie { tree, base, gained: &held(gained), lost: &held(lost) });
    }

    #[test]
    fn trees_lead_as_long_as_they_hold() {
        let mut ties = Ties::default();
        // 0 and 1 are blobs, 5 a root above 4; 2 has blob 0, 3 is built from it without that, 4 again with it.
        noted(&mut ties, 5, None, &[4], &[]);
        noted(&mut ties, 2, None, &[0, 1], &[]);
        noted(&mut ties, 3, Some(2), &[], &[0]);
        noted(&mut ties, 4, Some(3), &[0], &[1]);
        noted(&mut ties, 6, None, &[3], &[]);
        let spread = |leading: &[usize], names: &[u32]| {
            let mut all = vec![false; 7];
            leading.iter().for_each(|&blob| all[blob] = true);
            ties.spread(&mut all, &names.iter().copied().collect());
            (0..7).filter(|&tree| all[tree]).collect::<Vec<_>>()
        };
        assert_eq!(spread(&[0], &[]), [0, 2, 4, 5]);
        assert_eq!(spread(&[], &[13]), [6]);
    }
}
