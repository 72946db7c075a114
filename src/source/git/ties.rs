//! Which tree holds what: for every tree what it has more and less than the tree it was built from. That is a few
//! numbers a tree, where its whole list would be hundreds; and of all trees of a long history they are still the most that
//! a scan remembers, so they are written down in as few bytes as each takes.

use super::held::Held;
use std::collections::HashMap;

/// How many bytes are kept together: a list that grows as one would be moved again and again.
const CHUNK: usize = 1 << 20;

/// How far ahead among the lost entries the one is looked for that a gained one took the place of.
const AHEAD: usize = 8;

/// How many entries are remembered of trees that were read whole, so that others can be told by what is different.
const MOST_LIKELY: usize = 1 << 18;

/// The ties of all trees, in an order in which a base comes before what is built from it.
///
/// Each is written as numbers of seven bits a byte, the lowest first: the tree; its base and one more, or 0 for none; how many
/// entries changed, how many are only gained, and how many only lost. Then of each the label, and the object and one more; of
/// a changed one also the object it had.
#[derive(Default)]
pub(super) struct Ties {
    chunks: Vec<Vec<u8>>,
    /// Trees that were read whole, by the first of their entries: the versions of a folder mostly have that in common.
    likely: HashMap<u32, (u32, Vec<Held>)>,
    /// How many entries these have.
    remembered: usize,
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
    /// Notes a tree that was read whole: its entries in order, as the difference from one that is like it.
    pub(super) fn note_whole(&mut self, tree: u32, entries: Vec<Held>) {
        let Some(first) = entries.first().map(|entry| entry.numbers().0) else {
            return self.note(&Tie { tree, base: None, gained: &[], lost: &[] });
        };
        let known = self.likely.get(&first).map(|(base, known)| (*base, difference(known, &entries)));
        match known.filter(|(_, (gained, lost))| gained.len() + lost.len() < entries.len()) {
            Some((base, (gained, lost))) => {
                self.note(&Tie { tree, base: Some(base), gained: &gained, lost: &lost });
            }
            None => self.note(&Tie { tree, base: None, gained: &entries, lost: &[] }),
        }
        if self.remembered + entries.len() > MOST_LIKELY {
            self.likely.clear();
            self.remembered = 0;
        }
        self.remembered += entries.len();
        if let Some((_, old)) = self.likely.insert(first, (tree, entries)) {
            self.remembered -= old.len();
        }
    }

    /// Notes a tree; its base was noted before.
    pub(super) fn note(&mut self, tie: &Tie<'_>) {
        // More than all its numbers can take.
        let room = 32 + 10 * (tie.gained.len() + tie.lost.len());
        if self.chunks.last().is_none_or(|chunk| chunk.capacity() - chunk.len() < room) {
            self.chunks.push(Vec::with_capacity(room.max(CHUNK)));
        }
        if let Some(chunk) = self.chunks.last_mut() {
            write_tie(chunk, tie);
        }
    }

    /// Forgets what only helps to note further trees.
    pub(super) fn finish(&mut self) {
        self.likely = HashMap::new();
        self.remembered = 0;
    }

    /// Calls `see` for every tree, in order.
    pub(super) fn each(&self, mut see: impl FnMut(&Tie<'_>)) {
        let (mut gained, mut lost) = (Vec::new(), Vec::new());
        for chunk in &self.chunks {
            let mut rest = chunk.as_slice();
            while !rest.is_empty() {
                let (tree, base) = read_tie(&mut rest, &mut gained, &mut lost);
                see(&Tie { tree, base, gained: &gained, lost: &lost });
            }
        }
    }
}

/// What the second of two ordered lists has more than the first, and what it has less.
pub(super) fn difference(before: &[Held], after: &[Held]) -> (Vec<Held>, Vec<Held>) {
    let (mut gained, mut lost) = (Vec::new(), Vec::new());
    let (mut before, mut after) = (before.iter().peekable(), after.iter().peekable());
    loop {
        match (before.peek(), after.peek()) {
            (None, None) => return (gained, lost),
            (Some(old), Some(new)) if old == new => {
                before.next();
                after.next();
            }
            (Some(old), new) if new.is_none_or(|new| old < new) => lost.extend(before.next()),
            _ => gained.extend(after.next()),
        }
    }
}

fn write_tie(to: &mut Vec<u8>, tie: &Tie<'_>) {
    let (changed, gained, lost) = sorted_out(tie);
    write(to, tie.tree);
    write(to, tie.base.map_or(0, |base| base + 1));
    for count in [changed.len(), gained.len(), lost.len()] {
        write(to, u32::try_from(count).unwrap_or(u32::MAX));
    }
    for (now, before) in changed {
        write_entry(to, now);
        write(to, before.numbers().1.wrapping_add(1));
    }
    gained.into_iter().chain(lost).for_each(|entry| write_entry(to, entry));
}

/// The entries that took the place of one with their name, and that one; those that are only gained; those only lost.
fn sorted_out(tie: &Tie<'_>) -> (Vec<(Held, Held)>, Vec<Held>, Vec<Held>) {
    let (mut changed, mut gained, mut lost) = (Vec::new(), Vec::new(), Vec::new());
    let mut rest = tie.lost;
    for entry in tie.gained {
        // Both are in the order of the tree.
        match rest.iter().take(AHEAD).position(|other| other.numbers().0 == entry.numbers().0) {
            Some(at) => {
                lost.extend_from_slice(&rest[..at]);
                changed.push((*entry, rest[at]));
                rest = &rest[at + 1..];
            }
            None => gained.push(*entry),
        }
    }
    lost.extend_from_slice(rest);
    (changed, gained, lost)
}

/// Reads the next tie: the tree and its base; the entries go to the lists.
fn read_tie(from: &mut &[u8], gained: &mut Vec<Held>, lost: &mut Vec<Held>) -> (u32, Option<u32>) {
    gained.clear();
    lost.clear();
    let (tree, base) = (read(from), read(from).checked_sub(1));
    let [changed, more, less] = [read(from), read(from), read(from)];
    for _ in 0..changed {
        let entry = read_entry(from);
        gained.push(entry);
        lost.push(Held::of_numbers(entry.numbers().0, read(from).wrapping_sub(1)));
    }
    gained.extend((0..more).map(|_| read_entry(from)));
    lost.extend((0..less).map(|_| read_entry(from)));
    (tree, base)
}

fn write_entry(to: &mut Vec<u8>, entry: Held) {
    let (label, object) = entry.numbers();
    write(to, label);
    // What is not here is the largest number.
    write(to, object.wrapping_add(1));
}

fn read_entry(from: &mut &[u8]) -> Held {
    let label = read(from);
    Held::of_numbers(label, read(from).wrapping_sub(1))
}

fn write(to: &mut Vec<u8>, mut number: u32) {
    while number > 0x7f {
        to.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    to.push(number.to_le_bytes()[0]);
}

#[inline]
fn read(from: &mut &[u8]) -> u32 {
    // Counts, and the objects of small changes, are short.
    if let Some((byte, rest)) = from.split_first()
        && *byte < 0x80
    {
        *from = rest;
        return u32::from(*byte);
    }
    read_long(from)
}

fn read_long(from: &mut &[u8]) -> u32 {
    let (mut number, mut shift) = (0, 0);
    while let Some((byte, rest)) = from.split_first() {
        *from = rest;
        number |= u32::from(byte & 0x7f) << shift;
        shift += 7;
        if *byte < 0x80 {
            break;
        }
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entries() -> impl Strategy<Value = Vec<Held>> {
        let object = prop_oneof![Just(None), (0..u32::MAX).prop_map(Some), (0..300_u32).prop_map(Some)];
        let entry = (object, 0..6_u32, any::<bool>())
            .prop_map(|(object, name, is_tree)| Held::new(object, name, is_tree));
        proptest::collection::vec(entry, 0..20)
    }

    proptest! {
        #[test]
        fn a_tree_that_is_read_whole_has_all_its_entries(lists in proptest::collection::vec(entries(), 1..20)) {
            let mut written = Ties::default();
            let sorted = |mut entries: Vec<Held>| {
                entries.sort_unstable();
                entries
            };
            for (tree, entries) in (0..).zip(&lists) {
                written.note_whole(tree, sorted(entries.clone()));
            }
            let mut read: Vec<Vec<Held>> = Vec::new();
            written.each(|tie| {
                let mut entries = tie.base.map(|base| read[base as usize].clone()).unwrap_or_default();
                for lost in tie.lost {
                    entries.remove(entries.iter().position(|entry| entry == lost).unwrap());
                }
                entries.extend_from_slice(tie.gained);
                read.push(sorted(entries));
            });
            prop_assert_eq!(read, lists.into_iter().map(sorted).collect::<Vec<_>>());
        }

        #[test]
        fn what_is_written_is_read(
            ties in proptest::collection::vec((any::<u32>(), proptest::option::of(0..u32::MAX), entries(), entries()), 0..20)
        ) {
            let mut written = Ties::default();
            for (tree, base, gained, lost) in &ties {
                written.note(&Tie { tree: *tree, base: *base, gained, lost });
            }
            let in_order = |entries: &[Held]| {
                let mut entries = entries.to_vec();
                entries.sort_unstable();
                entries
            };
            let mut read = Vec::new();
            written.each(|tie| read.push((tie.tree, tie.base, in_order(tie.gained), in_order(tie.lost))));
            let expected = ties.iter().map(|(tree, base, gained, lost)| (*tree, *base, in_order(gained), in_order(lost)));
            prop_assert_eq!(read, expected.collect::<Vec<_>>());
        }
    }
}
