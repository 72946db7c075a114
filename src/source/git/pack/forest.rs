//! A pack as a forest: each object that is stored whole is the root of the deltas built on it.
//!
//! Walking a tree depth first inflates each entry once and applies each delta once, whatever the order of the
//! entries in the file. That is what makes reading a whole history cheap.

use super::super::object::Kind;
use super::super::object_id::ObjectId;
use super::{Base, Pack, PackError, entry};

const NONE: u32 = u32::MAX;

/// The entries of one pack, in the order of the file, with their family ties.
pub(in crate::source::git) struct Forest {
    entries: Vec<Entry>,
    /// The largest tree first, so that no thread is left with it at the end.
    pub(super) roots: Vec<Root>,
    /// The objects of other packs that roots stand on.
    outside: Vec<ObjectId>,
    /// Entries whose header cannot be read, or whose base is nowhere: names and reasons.
    pub(in crate::source::git) broken: Vec<(ObjectId, PackError)>,
}

/// There is one of each object, so it takes as few bytes as its numbers do.
struct Entry {
    /// The bytes of a number, which would be aligned to eight of them.
    offset: [u8; 8],
    position: u32,
    /// Of all children the one that has the most descendants.
    first_child: u32,
    next_sibling: u32,
}

const _: () = assert!(size_of::<Entry>() == 20);

impl Entry {
    fn offset(&self) -> u64 {
        u64::from_ne_bytes(self.offset)
    }
}

/// The entry that a tree grows from. There are as many as half of a pack's objects, so each takes few bytes.
pub(super) struct Root {
    pub(super) entry: u32,
    pub(super) base: RootBase,
}

/// What a root stands on.
pub(super) enum RootBase {
    /// Nothing: it is stored whole.
    None(Kind),
    /// An object in another pack, by its number among those: this pack is thin.
    External(u32),
}

impl Forest {
    /// Reads all headers of the pack in one pass and ties deltas to their bases.
    pub(in crate::source::git) fn new(pack: &Pack) -> Result<Self, PackError> {
        // With its size told: a large list that grows is copied again and again.
        let mut entries = Vec::with_capacity(pack.index.len());
        for at in 0..pack.index.len() {
            let position = u32::try_from(at).map_err(|_| PackError::TooLarge)?;
            let offset = pack.offset(at)?.to_ne_bytes();
            entries.push(Entry { offset, position, first_child: NONE, next_sibling: NONE });
        }
        entries.sort_unstable_by_key(Entry::offset);
        let mut forest = Self { entries, roots: Vec::new(), outside: Vec::new(), broken: Vec::new() };
        let mut headers = Headers { pack, start: 0, buffer: Vec::new() };
        let mut parents = Vec::with_capacity(forest.entries.len());
        for number in (0_u32..).take(forest.entries.len()) {
            let offset = forest.entries[number as usize].offset();
            parents.push(forest.parent(pack, number, headers.at(offset)));
        }
        for (number, &parent) in (0_u32..).zip(&parents) {
            forest.adopt(number, parent);
        }
        forest.weigh(pack, &parents);
        Ok(forest)
    }

    /// The number of the entry's base, after noting the entry as a root or as broken if it has none here.
    fn parent(&mut self, pack: &Pack, number: u32, header: Result<entry::Header, PackError>) -> u32 {
        let entry = &self.entries[number as usize];
        let (offset, position) = (entry.offset(), entry.position);
        let base = match header.map(|header| header.base) {
            Err(error) => {
                self.broken.push((pack.index.id(position as usize), error));
                return NONE;
            }
            Ok(Base::None(kind)) => {
                self.roots.push(Root { entry: number, base: RootBase::None(kind) });
                return NONE;
            }
            Ok(Base::Offset(distance)) => offset.checked_sub(distance),
            Ok(Base::Name(id)) => match pack.index.position(id.as_bytes()) {
                Some(position) => pack.index.offset(position),
                None => {
                    let outside = u32::try_from(self.outside.len()).unwrap_or(u32::MAX);
                    self.roots.push(Root { entry: number, base: RootBase::External(outside) });
                    self.outside.push(id);
                    return NONE;
                }
            },
        };
        base.and_then(|base| self.at(base)).unwrap_or_else(|| {
            let error = PackError::Malformed("its delta base is not in the pack");
            self.broken.push((pack.index.id(position as usize), error));
            NONE
        })
    }

    /// The entry that begins at an offset.
    fn at(&self, offset: u64) -> Option<u32> {
        let found = self.entries.binary_search_by_key(&offset, Entry::offset).ok()?;
        u32::try_from(found).ok()
    }

    /// The object of another pack that a root stands on.
    pub(super) fn outside(&self, number: u32) -> ObjectId {
        self.outside[number as usize]
    }

    /// Makes an entry the first child of its base.
    fn adopt(&mut self, number: u32, parent: u32) {
        if parent != NONE {
            let sibling = std::mem::replace(&mut self.entries[parent as usize].first_child, number);
            self.entries[number as usize].next_sibling = sibling;
        }
    }

    /// Counts descendants, to order children and roots by them. What no root reaches is broken: deltas on broken entries,
    /// and rings of deltas.
    fn weigh(&mut self, pack: &Pack, parents: &[u32]) {
        let mut order = Vec::with_capacity(self.entries.len());
        let mut stack: Vec<u32> = self.roots.iter().map(|root| root.entry).collect();
        while let Some(number) = stack.pop() {
            order.push(number);
            stack.extend(self.children(number));
        }
        let mut weights = vec![0_u32; self.entries.len()];
        for &number in order.iter().rev() {
            let weight = weights[number as usize].saturating_add(1);
            weights[number as usize] = weight;
            if let Some(parent) = weights.get_mut(parents[number as usize] as usize) {
                *parent = parent.saturating_add(weight);
            }
        }
        order.iter().for_each(|&number| self.heaviest_first(number, &weights));
        // In place, and of trees that are as large the one that stands first in the file.
        self.roots.sort_unstable_by_key(|root| (std::cmp::Reverse(weights[root.entry as usize]), root.entry));
        let known: std::collections::HashSet<ObjectId> = self.broken.iter().map(|(id, _)| *id).collect();
        for (entry, _) in self.entries.iter().zip(&weights).filter(|(_, weight)| **weight == 0) {
            let id = pack.index.id(entry.position as usize);
            if !known.contains(&id) {
                self.broken.push((id, PackError::Malformed("its delta base cannot be read")));
            }
        }
    }

    /// Moves the child with the most descendants to the front of its siblings.
    fn heaviest_first(&mut self, parent: u32, weights: &[u32]) {
        let (mut before, mut heaviest, mut previous) = (NONE, NONE, NONE);
        for child in self.children(parent) {
            if heaviest == NONE || weights[child as usize] > weights[heaviest as usize] {
                (before, heaviest) = (previous, child);
            }
            previous = child;
        }
        if before != NONE {
            self.entries[before as usize].next_sibling = self.entries[heaviest as usize].next_sibling;
            let first = std::mem::replace(&mut self.entries[parent as usize].first_child, heaviest);
            self.entries[heaviest as usize].next_sibling = first;
        }
    }

    /// The entries that are built on this one; the one with the most descendants comes first.
    pub(super) fn children(&self, number: u32) -> impl Iterator<Item = u32> + '_ {
        let first = self.entries[number as usize].first_child;
        std::iter::successors(Some(first).filter(|&first| first != NONE), |&child| {
            Some(self.entries[child as usize].next_sibling).filter(|&next| next != NONE)
        })
    }

    /// An entry and all that are built on it.
    pub(super) fn family(&self, root: u32) -> impl Iterator<Item = u32> + '_ {
        let mut stack = vec![root];
        std::iter::from_fn(move || {
            let number = stack.pop()?;
            stack.extend(self.children(number));
            Some(number)
        })
    }

    /// Whether anything is built on an entry.
    pub(super) fn is_leaf(&self, number: u32) -> bool {
        self.entries[number as usize].first_child == NONE
    }

    /// Where an entry starts, and where at the latest it ends.
    pub(super) fn extent(&self, number: u32) -> (u64, u64) {
        let next = self.entries.get(number as usize + 1).map_or(u64::MAX, Entry::offset);
        (self.entries[number as usize].offset(), next)
    }

    /// An entry's position in the index.
    pub(super) fn position(&self, number: u32) -> usize {
        self.entries[number as usize].position as usize
    }
}

/// Reads headers in ascending order of offsets through one large buffer.
struct Headers<'p> {
    pack: &'p Pack,
    start: u64,
    buffer: Vec<u8>,
}

impl Headers<'_> {
    fn at(&mut self, offset: u64) -> Result<entry::Header, PackError> {
        let end = self.start + self.buffer.len() as u64;
        let wanted = self.pack.end.min(offset.saturating_add(entry::MAX_HEADER as u64));
        if offset < self.start || wanted > end {
            let length = self.pack.end.saturating_sub(offset).min(1 << 18);
            self.buffer.resize(usize::try_from(length).unwrap_or(0), 0);
            self.pack.read_at(&mut self.buffer, offset)?;
            self.start = offset;
        }
        let from = usize::try_from(offset - self.start).unwrap_or(usize::MAX);
        entry::parse(self.buffer.get(from..).unwrap_or_default(), self.pack.hash_len)
    }
}
