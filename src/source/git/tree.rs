//! The entries of a tree object, and what is new in a tree that was built from another one.

use crate::patch::Copied;
use std::ops::Range;

/// One entry: a name and the raw bytes of what it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry<'t> {
    pub(super) kind: EntryKind,
    pub(super) name: &'t [u8],
    pub(super) id: &'t [u8],
}

/// What an entry names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryKind {
    Tree,
    Blob,
    /// A commit of another repository.
    Submodule,
}

/// Where the entries of a tree start.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    starts: Vec<u32>,
    end: u32,
}

/// A tree as its base's entries and new ones.
pub(super) struct Reading<'t> {
    pub(super) layout: Layout,
    /// The new entries, each with its number.
    pub(super) fresh: Vec<(u32, Entry<'t>)>,
    /// The numbers of the base's entries that are here too, and the number of the first here.
    pub(super) kept: Vec<(Range<u32>, u32)>,
    /// Whether all bytes are entries.
    pub(super) whole: bool,
}

impl Layout {
    /// How many entries there are.
    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.starts.len()).unwrap_or(u32::MAX)
    }

    /// The numbers of the entries that lie within a range of bytes and start with one at its first byte; none if none does.
    fn within(&self, from: usize, end: usize) -> Range<usize> {
        let first = self.starts.partition_point(|&start| (start as usize) < from);
        if self.starts.get(first).is_none_or(|&start| start as usize != from) {
            return first..first;
        }
        // An entry ends where the next one starts.
        let last = self.starts.partition_point(|&start| start as usize <= end);
        let ends_there = last == self.starts.len() && self.end as usize <= end;
        first..if ends_there { last } else { last - 1 }
    }
}

/// Reads a tree; of one that was built from another only the entries that are new are parsed.
pub(super) fn read<'t>(tree: &'t [u8], base: Option<(&Layout, &[Copied])>, hash_len: usize) -> Reading<'t> {
    let mut reading =
        Reading { layout: Layout::default(), fresh: Vec::new(), kept: Vec::new(), whole: false };
    let mut at = 0;
    for copy in base.iter().flat_map(|(_, copies)| copies.iter()) {
        let layout = base.map(|(layout, _)| layout);
        while at < copy.to_end() {
            let kept = layout
                .filter(|_| at >= copy.to)
                .map_or(0..0, |layout| layout.within(at - copy.to + copy.from, copy.from_end()));
            match layout.filter(|_| !kept.is_empty()) {
                Some(layout) => at = reading.keep(layout, kept, at),
                None => match reading.parse(tree, at, hash_len) {
                    Some(next) => at = next,
                    None => return reading.ended(at, tree),
                },
            }
        }
    }
    while let Some(next) = reading.parse(tree, at, hash_len) {
        at = next;
    }
    reading.ended(at, tree)
}

impl<'t> Reading<'t> {
    /// Takes over entries of the base; the first starts at `at`. Returns where they end.
    fn keep(&mut self, layout: &Layout, kept: Range<usize>, at: usize) -> usize {
        let base = layout.starts[kept.start];
        let shift = |start: u32| start - base + offset(at);
        let first = self.layout.len();
        self.layout.starts.extend(layout.starts[kept.clone()].iter().map(|&start| shift(start)));
        let end = shift(layout.starts.get(kept.end).copied().unwrap_or(layout.end));
        self.kept.push((offset(kept.start)..offset(kept.end), first));
        end as usize
    }

    /// Parses the entry that starts at `at`, if one does. Returns where it ends.
    fn parse(&mut self, tree: &'t [u8], at: usize, hash_len: usize) -> Option<usize> {
        let (entry, len) = entry(tree.get(at..)?, hash_len)?;
        self.fresh.push((self.layout.len(), entry));
        self.layout.starts.push(offset(at));
        Some(at + len)
    }

    fn ended(mut self, at: usize, tree: &[u8]) -> Self {
        self.layout.end = offset(at);
        self.whole = at == tree.len();
        self
    }
}

/// No object is larger than an offset can tell: `pack::MAX_OBJECT`.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The entry at the start of `tree`, and its length.
fn entry(tree: &[u8], hash_len: usize) -> Option<(Entry<'_>, usize)> {
    // A mode has at most six digits; a name may be long.
    let space = tree.iter().take(8).position(|&byte| byte == b' ')?;
    let rest = &tree[space + 1..];
    let zero = memchr::memchr(0, rest)?;
    let id = rest.get(zero + 1..zero + 1 + hash_len)?;
    let kind = match &tree[..space] {
        b"40000" | b"040000" => EntryKind::Tree,
        b"160000" => EntryKind::Submodule,
        _ => EntryKind::Blob,
    };
    Some((Entry { kind, name: &rest[..zero], id }, space + 1 + zero + 1 + hash_len))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HASH: usize = 4;

    /// The entry of the tree with this layout that has the number.
    fn entry_of<'t>(layout: &Layout, tree: &'t [u8], number: u32) -> Entry<'t> {
        entry(&tree[layout.starts[number as usize] as usize..], HASH).unwrap().0
    }

    fn tree(entries: &[(bool, u8, u8)]) -> Vec<u8> {
        let mut tree = Vec::new();
        for (is_tree, name, id) in entries {
            tree.extend_from_slice(if *is_tree { b"40000 " } else { b"100644 " });
            tree.extend_from_slice(&b"nnnnn"[..=usize::from(name % 5)]);
            tree.extend_from_slice(&[0, *id, 0, *id, b' ']);
        }
        tree
    }

    /// A tree of some parts of `base` and some bytes between them, with what was copied.
    fn build(base: &[u8], parts: &[(u16, u16, Vec<u8>)]) -> (Vec<u8>, Vec<Copied>) {
        let (mut tree, mut copies) = (Vec::new(), Vec::new());
        for (from, len, between) in parts {
            let from = usize::from(*from) % (base.len() + 1);
            let len = usize::from(*len) % (base.len() - from + 1);
            if len > 0 {
                copies.push(Copied { from, to: tree.len(), len });
                tree.extend_from_slice(&base[from..from + len]);
            }
            tree.extend_from_slice(between);
        }
        (tree, copies)
    }

    proptest! {
        /// Whatever was copied from wherever, the entries are those of a reading that knows of no base.
        #[test]
        fn agrees_with_reading_whole(
            entries in proptest::collection::vec(any::<(bool, u8, u8)>(), 0..12),
            parts in proptest::collection::vec((any::<u16>(), any::<u16>(), proptest::collection::vec(any::<u8>(), 0..9)), 0..5),
            aligned in any::<bool>(),
        ) {
            let base = tree(&entries);
            let known = read(&base, None, HASH);
            prop_assert!(known.whole);
            let parts: Vec<_> = if aligned {
                // Copies as git makes them: most are of entries.
                let start = |number: u16| u16::try_from(tree(&entries[..usize::from(number) % (entries.len() + 1)]).len()).unwrap();
                parts.into_iter().map(|(a, b, between)| (start(a), start(b), tree(&[(true, u8::try_from(between.len()).unwrap(), 3)]))).collect()
            } else {
                parts
            };
            let (made, copies) = build(&base, &parts);
            let (whole, patched) = (read(&made, None, HASH), read(&made, Some((&known.layout, &copies)), HASH));
            prop_assert_eq!(&whole.layout, &patched.layout);
            prop_assert_eq!(whole.whole, patched.whole);
            let mut entries = patched.fresh.clone();
            for (numbers, first) in &patched.kept {
                entries.extend(numbers.clone().zip(*first..).map(|(old, new)| (new, entry_of(&known.layout, &base, old))));
            }
            entries.sort_by_key(|(number, _)| *number);
            prop_assert_eq!(whole.fresh, entries);
        }
    }
}
