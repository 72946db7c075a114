//! A pack as a forest: each object that is stored whole is the root of the deltas built on it.
//!
//! Walking a tree depth first inflates each entry once and applies each delta once, whatever the order of the
//! entries in the file. That is what makes reading a whole history cheap.

use super::super::object::{Kind, Object};
use super::super::object_id::ObjectId;
use super::{Base, External, Inflater, MAX_OBJECT, Pack, PackError, delta, entry};
use crate::source::content::{self, Content};
use std::sync::atomic::{AtomicUsize, Ordering};

const NONE: u32 = u32::MAX;

/// The entries of one pack, in the order of the file, with their family ties.
pub(in crate::source::git) struct Forest {
    entries: Vec<Entry>,
    roots: Vec<Root>,
    /// Entries whose header cannot be read, or whose base is nowhere: names and reasons.
    pub(in crate::source::git) broken: Vec<(ObjectId, PackError)>,
}

struct Entry {
    offset: u64,
    /// Of the inflated data, which for all but roots is a delta.
    size: u64,
    position: u32,
    first_child: u32,
    next_sibling: u32,
    header_len: u8,
}

struct Root {
    entry: u32,
    base: RootBase,
}

enum RootBase {
    None(Kind),
    /// The base is in another pack: the pack is thin.
    External(ObjectId),
}

/// What a walk tells of each object, or of each that it could not read.
pub(in crate::source::git) type Found<'f> = dyn Fn(Result<Object<'_>, (ObjectId, PackError)>) + Sync + 'f;

impl Forest {
    /// Reads all headers of the pack in one pass and ties deltas to their bases.
    pub(in crate::source::git) fn new(pack: &Pack) -> Result<Self, PackError> {
        let mut order = (0..pack.index.len())
            .map(|position| {
                Ok((pack.offset(position)?, u32::try_from(position).map_err(|_| PackError::TooLarge)?))
            })
            .collect::<Result<Vec<_>, PackError>>()?;
        order.sort_unstable();
        let mut forest =
            Self { entries: Vec::with_capacity(order.len()), roots: Vec::new(), broken: Vec::new() };
        let mut headers = Headers { pack, start: 0, buffer: Vec::new() };
        let mut parents = Vec::with_capacity(order.len());
        for (number, &(offset, position)) in (0_u32..).zip(&order) {
            let header = headers.at(offset);
            let (size, header_len) = header.as_ref().map_or((0, 0), |header| (header.size, header.len));
            let header_len = u8::try_from(header_len).unwrap_or(0);
            forest.entries.push(Entry {
                offset,
                size,
                position,
                first_child: NONE,
                next_sibling: NONE,
                header_len,
            });
            parents.push(forest.parent(pack, &order, number, offset, header));
        }
        for (number, &parent) in (0_u32..).zip(&parents) {
            if parent != NONE {
                let sibling = std::mem::replace(&mut forest.entries[parent as usize].first_child, number);
                forest.entries[number as usize].next_sibling = sibling;
            }
        }
        forest.find_unreachable(pack);
        Ok(forest)
    }

    /// The number of the entry's base, after noting the entry as a root or as broken if it has none here.
    fn parent(
        &mut self,
        pack: &Pack,
        order: &[(u64, u32)],
        number: u32,
        offset: u64,
        header: Result<entry::Header, PackError>,
    ) -> u32 {
        let by_offset = |base: u64| {
            let found = order.binary_search_by_key(&base, |&(offset, _)| offset).ok();
            found.and_then(|found| u32::try_from(found).ok())
        };
        let base = match header.map(|header| header.base) {
            Err(error) => {
                self.broken.push((pack.index.id(order[number as usize].1 as usize), error));
                return NONE;
            }
            Ok(Base::None(kind)) => {
                self.roots.push(Root { entry: number, base: RootBase::None(kind) });
                return NONE;
            }
            Ok(Base::Offset(distance)) => offset.checked_sub(distance).and_then(by_offset),
            Ok(Base::Name(id)) => match pack.index.position(id.as_bytes()) {
                Some(position) => pack.index.offset(position).and_then(by_offset),
                None => {
                    self.roots.push(Root { entry: number, base: RootBase::External(id) });
                    return NONE;
                }
            },
        };
        base.unwrap_or_else(|| {
            let error = PackError::Malformed("its delta base is not in the pack");
            self.broken.push((pack.index.id(order[number as usize].1 as usize), error));
            NONE
        })
    }

    /// Deltas on broken entries, and rings of deltas, are reached from no root: each is named.
    fn find_unreachable(&mut self, pack: &Pack) {
        let mut reached = vec![false; self.entries.len()];
        let mut stack: Vec<u32> = self.roots.iter().map(|root| root.entry).collect();
        while let Some(number) = stack.pop() {
            reached[number as usize] = true;
            stack.extend(self.children(number));
        }
        let known: std::collections::HashSet<ObjectId> = self.broken.iter().map(|(id, _)| *id).collect();
        for (entry, _) in self.entries.iter().zip(&reached).filter(|(_, reached)| !**reached) {
            let id = pack.index.id(entry.position as usize);
            if !known.contains(&id) {
                self.broken.push((id, PackError::Malformed("its delta base cannot be read")));
            }
        }
    }

    fn children(&self, number: u32) -> impl Iterator<Item = u32> + '_ {
        let first = self.entries[number as usize].first_child;
        std::iter::successors(Some(first).filter(|&first| first != NONE), |&child| {
            Some(self.entries[child as usize].next_sibling).filter(|&next| next != NONE)
        })
    }

    /// Walks the trees of the wanted kinds. Any number of threads may call this with one counter: each takes trees from it
    /// until none is left or `stop` says so.
    pub(in crate::source::git) fn walk(&self, pack: &Pack, next: &AtomicUsize, walk: &Walk<'_>) {
        let mut walker =
            Walker { forest: self, pack, walk, inflater: Inflater::default(), spare: Vec::new() };
        while let Some(root) = self.roots.get(next.fetch_add(1, Ordering::Relaxed)) {
            if (walk.stop)() {
                return;
            }
            walker.tree(root);
        }
    }
}

/// What to walk and whom to tell.
pub(in crate::source::git) struct Walk<'w> {
    /// Which kinds of object are wanted.
    pub(in crate::source::git) wanted: &'w (dyn Fn(Kind) -> bool + Sync),
    /// Reads bases outside the pack.
    pub(in crate::source::git) external: &'w External<'w>,
    /// Gets every object.
    pub(in crate::source::git) found: &'w Found<'w>,
    /// Says when to end early.
    pub(in crate::source::git) stop: &'w (dyn Fn() -> bool + Sync),
}

/// One thread's walk.
struct Walker<'w> {
    forest: &'w Forest,
    pack: &'w Pack,
    walk: &'w Walk<'w>,
    inflater: Inflater,
    /// Buffers that can be used again.
    spare: Vec<Vec<u8>>,
}

impl Walker<'_> {
    fn tree(&mut self, root: &Root) {
        let (kind, base) = match &root.base {
            RootBase::None(kind) => (*kind, None),
            RootBase::External(id) => match (self.walk.external)(id) {
                Some((kind, base)) => (kind, Some(base)),
                None => return self.lose(root.entry, PackError::MissingBase(*id)),
            },
        };
        if !(self.walk.wanted)(kind) {
            return;
        }
        if base.is_none() && self.stream(root.entry, kind) {
            return;
        }
        let mut path: Vec<Vec<u8>> = base.into_iter().collect();
        let mut stack = vec![(root.entry, path.len())];
        while let Some((number, depth)) = stack.pop() {
            while path.len() > depth {
                self.spare.extend(path.pop());
            }
            match self.object(number, path.last().map(Vec::as_slice)) {
                Ok(bytes) => {
                    let id = self.id(number);
                    (self.walk.found)(Ok(Object { id, kind, content: Content::whole(&bytes) }));
                    path.push(bytes);
                    stack.extend(self.forest.children(number).map(|child| (child, depth + 1)));
                }
                Err(error) => self.lose(number, error),
            }
            if (self.walk.stop)() {
                return;
            }
        }
        self.spare.extend(path);
        self.spare.retain(|buffer| buffer.capacity() <= 1 << 22);
        self.spare.truncate(64);
    }

    /// Rebuilds one object from its base, or inflates it if it has none.
    fn object(&mut self, number: u32, base: Option<&[u8]>) -> Result<Vec<u8>, PackError> {
        let entry = &self.forest.entries[number as usize];
        let from = entry.offset + u64::from(entry.header_len);
        let to = self.forest.entries.get(number as usize + 1).map_or(self.pack.end, |next| next.offset);
        let mut data = self.spare.pop().unwrap_or_default();
        self.pack.inflate(from, to, entry.size, &mut self.inflater, &mut data)?;
        let Some(base) = base else { return Ok(data) };
        let mut out = self.spare.pop().unwrap_or_default();
        delta::apply(base, &data, &mut out, MAX_OBJECT)?;
        self.spare.push(data);
        Ok(out)
    }

    /// Hands over a large blob without deltas in windows; false if it is not one.
    fn stream(&self, number: u32, kind: Kind) -> bool {
        let entry = &self.forest.entries[number as usize];
        if entry.size <= content::LARGE || entry.first_child != NONE || kind != Kind::Blob {
            return false;
        }
        let id = self.id(number);
        let mut reader = self.pack.inflating_reader(entry.offset + u64::from(entry.header_len), entry.size);
        let read = content::each_window(&mut reader, &mut |content| {
            (self.walk.found)(Ok(Object { id, kind, content }));
            !(self.walk.stop)()
        });
        match read {
            Ok(read) if read == entry.size || (self.walk.stop)() => {}
            Ok(_) => self.lose(number, PackError::Malformed("its compressed data ends early")),
            Err(error) => self.lose(number, error.into()),
        }
        true
    }

    fn id(&self, number: u32) -> ObjectId {
        self.pack.index.id(self.forest.entries[number as usize].position as usize)
    }

    /// Tells that an object, and so all that are built on it, cannot be read.
    fn lose(&self, number: u32, error: PackError) {
        (self.walk.found)(Err((self.id(number), error)));
        let mut stack: Vec<u32> = self.forest.children(number).collect();
        while let Some(child) = stack.pop() {
            (self.walk.found)(Err((self.id(child), PackError::Malformed("its delta base cannot be read"))));
            stack.extend(self.forest.children(child));
        }
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
