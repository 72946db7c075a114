//! Which trees lead to what was found: all from which it can be reached.

use super::held::Held;
use super::ties::{Tie, Ties};
use std::collections::HashSet;

/// How deep trees are followed; git refuses to check out deeper ones.
const MAX_DEPTH: usize = 4096;

impl Ties {
    /// Adds to `leading`, which has a place for every object, all trees from which an object in it, or an entry with one of
    /// these names, can be reached.
    pub(super) fn spread(&self, leading: &mut [bool], names: &HashSet<u32>) {
        let folders = self.folders(leading, names);
        // How many leading entries each tree has.
        let mut counts = vec![0_i32; leading.len()];
        // A tree may come before the trees it holds; it takes as many rounds as trees are deep at most.
        for _ in 0..MAX_DEPTH {
            let mut grown = false;
            for Folder { tree, base, plain, gained, lost } in folders.iter() {
                let leads = |of: &[u32]| of.iter().map(|&tree| i32::from(is_in(leading, tree))).sum::<i32>();
                let inherited = base.map_or(0, |base| counts[base as usize]);
                let count = inherited + plain + leads(gained) - leads(lost);
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

    /// The ties as far as they tell which tree holds which, and of the other entries how many lead.
    fn folders(&self, leading: &[bool], names: &HashSet<u32>) -> Folders {
        let mut folders = Folders::default();
        let is_open = |entry: &&Held| entry.is_tree() && !names.contains(&entry.name());
        let plain = |of: &[Held]| {
            of.iter().filter(|entry| !is_open(entry) && entry.leads(leading, names)).count().cast_signed()
        };
        self.each(|Tie { tree, base, gained, lost }| {
            let plain = i32::try_from(plain(gained) - plain(lost)).unwrap_or_default();
            let start = folders.trees.len();
            folders.trees.extend(gained.iter().filter(is_open).map(|entry| entry.object()));
            let middle = folders.trees.len();
            folders.trees.extend(lost.iter().filter(is_open).map(|entry| entry.object()));
            let len = |from: usize, to: usize| u32::try_from(to - from).unwrap_or(u32::MAX);
            let counts = [len(start, middle), len(middle, folders.trees.len())];
            folders.of.push((*tree, *base, plain, counts));
        });
        folders
    }
}

fn is_in(leading: &[bool], object: u32) -> bool {
    leading.get(object as usize).is_some_and(|leads| *leads)
}

/// The trees with what they hold of each other, out of the bytes in which ties are written: these are gone through once for
/// each level of a tree's depth.
#[derive(Default)]
struct Folders {
    /// Each tree, its base, how many more entries lead in it that are no folders, and how many folders it gained and lost.
    of: Vec<(u32, Option<u32>, i32, [u32; 2])>,
    /// These folders.
    trees: Vec<u32>,
}

/// The ties of one tree to others.
struct Folder<'f> {
    tree: u32,
    base: Option<u32>,
    /// How many more entries lead than in the base, besides folders.
    plain: i32,
    gained: &'f [u32],
    lost: &'f [u32],
}

impl Folders {
    fn iter(&self) -> impl Iterator<Item = Folder<'_>> {
        let mut rest = self.trees.as_slice();
        let mut next = move |count: u32| {
            let (next, behind) = rest.split_at(rest.len().min(count as usize));
            rest = behind;
            next
        };
        self.of.iter().map(move |&(tree, base, plain, [gained, lost])| Folder {
            tree,
            base,
            plain,
            gained: next(gained),
            lost: next(lost),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::ties::difference;
    use super::*;
    use proptest::prelude::*;

    /// Objects below this are blobs.
    const BLOBS: u32 = 2;

    proptest! {
        /// Whatever the order in which trees come and what they were built from, those lead from which a blob can be reached.
        #[test]
        fn what_leads_is_what_can_be_reached_from(
            trees in proptest::collection::vec(proptest::collection::btree_set(0..10_u32, 0..4), 8),
            order in Just((0..8_usize).collect::<Vec<_>>()).prop_shuffle(),
            bases in proptest::collection::vec(proptest::option::of(any::<prop::sample::Index>()), 8),
            named in proptest::option::of(0..10_u32),
        ) {
            // A tree holds what has a lower number.
            let number = |tree: usize| BLOBS + u32::try_from(tree).unwrap();
            let trees: Vec<Vec<u32>> = (0..8).map(|tree| trees[tree].iter().copied().filter(|held| *held < number(tree)).collect()).collect();
            let mut ties = Ties::default();
            for (at, &tree) in order.iter().enumerate() {
                let base = bases[tree].filter(|_| at > 0).map(|base| order[base.index(at)]);
                let (gained, lost) = match base {
                    Some(base) => difference(&held(&trees[base]), &held(&trees[tree])),
                    None => (held(&trees[tree]), Vec::new()),
                };
                ties.note(&Tie { tree: number(tree), base: base.map(number), gained: &gained, lost: &lost });
            }
            let mut leading = vec![false; 10];
            leading[0] = true;
            ties.spread(&mut leading, &named.map(|named| 10 + named).into_iter().collect());
            let mut expected = vec![true, false];
            for held in &trees {
                expected.push(held.iter().any(|&held| expected[held as usize] || named == Some(held)));
            }
            prop_assert_eq!(leading, expected);
        }
    }

    fn held(objects: &[u32]) -> Vec<Held> {
        objects.iter().map(|object| Held::new(Some(*object), 10 + object, *object >= BLOBS)).collect()
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
