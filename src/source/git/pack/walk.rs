//! The walk through a forest of deltas: each object is rebuilt from its base while that is in memory.
//!
//! A base is given up as soon as its last child is built, and that is the child with the most descendants. So the
//! objects that wait for a sibling's descendants are at most as many as the logarithm of the tree's size, however
//! long its chains are.

use super::super::object::{Kind, Object};
use super::super::object_id::ObjectId;
use super::forest::{Forest, Root, RootBase};
use super::{External, Inflater, MAX_OBJECT, MOST_INFLATED, Pack, PackError, delta, entry};
use crate::patch::Copied;
use crate::source::content::{self, Content};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Buffers of more bytes are not kept for use again.
const MAX_SPARE: usize = 1 << 20;

/// How many buffers are kept.
const MOST_SPARE: usize = 16;

/// Receives objects, and remembers of each what helps with those that are built from it.
pub(in crate::source::git) trait Visitor: Sync {
    /// What it remembers of an object.
    type Memory;
    /// Whether objects of this kind are looked at.
    fn wants(&self, kind: Kind) -> bool;
    /// Whether any of the objects at these positions, all built on one, is looked at.
    fn wants_any(&self, _family: &mut dyn Iterator<Item = usize>) -> bool {
        true
    }
    /// Takes an object; `base` is known if the object was built from one that was taken too.
    fn object(&self, object: &Object<'_>, base: Option<Base<'_, Self::Memory>>) -> Option<Self::Memory>;
    /// Learns that an object cannot be read.
    fn lost(&self, id: ObjectId, error: PackError);
    /// Whether to end early.
    fn stopped(&self) -> bool;
}

/// What an object was built from.
pub(in crate::source::git) struct Base<'b, M> {
    pub(in crate::source::git) memory: &'b M,
    pub(in crate::source::git) bytes: &'b [u8],
    pub(in crate::source::git) copies: &'b [Copied],
}

/// Where to walk.
pub(in crate::source::git) struct Walk<'w> {
    pub(in crate::source::git) pack: &'w Pack,
    pub(in crate::source::git) forest: &'w Forest,
    /// The position of the pack's first object in the store.
    pub(in crate::source::git) start: usize,
    /// Reads bases outside the pack.
    pub(in crate::source::git) external: &'w External<'w>,
}

impl Walk<'_> {
    /// Walks the trees of the wanted kinds. Any number of threads may call this with one counter: each takes trees from it
    /// until none is left or the visitor stops.
    pub(in crate::source::git) fn run<V: Visitor>(&self, next: &AtomicUsize, visitor: &V) {
        let mut walker = Walker {
            walk: self,
            visitor,
            inflater: Inflater::default(),
            copies: Vec::new(),
            path: Vec::new(),
            spare: Vec::new(),
        };
        while let Some(root) = self.forest.roots.get(next.fetch_add(1, Ordering::Relaxed)) {
            if visitor.stopped() {
                return;
            }
            walker.tree(root);
        }
    }
}

/// One thread's walk.
struct Walker<'w, V: Visitor> {
    walk: &'w Walk<'w>,
    visitor: &'w V,
    inflater: Inflater,
    copies: Vec<Copied>,
    /// The objects that others will be built from.
    path: Vec<Node<V::Memory>>,
    /// Buffers that can be used again.
    spare: Vec<Vec<u8>>,
}

struct Node<M> {
    bytes: Vec<u8>,
    memory: Option<M>,
}

/// An entry to visit, how many objects of the path are above it, and whether it is the last one built from its base.
struct Step {
    entry: u32,
    depth: usize,
    last: bool,
}

impl<V: Visitor> Walker<'_, V> {
    fn tree(&mut self, root: &Root) {
        let (kind, base) = match &root.base {
            RootBase::None(kind) => (*kind, None),
            RootBase::External(number) => {
                let id = self.walk.forest.outside(*number);
                match (self.walk.external)(&id) {
                    Some((kind, bytes)) => (kind, Some(Node { bytes, memory: None })),
                    None => return self.lose(root.entry, PackError::MissingBase(id)),
                }
            }
        };
        let (forest, start) = (self.walk.forest, self.walk.start);
        let mut family = forest.family(root.entry).map(|entry| start + forest.position(entry));
        if !self.visitor.wants(kind) || !self.visitor.wants_any(&mut family) {
            return;
        }
        if base.is_none() && self.stream(root.entry, kind) {
            return;
        }
        self.path.extend(base);
        let mut stack = vec![Step { entry: root.entry, depth: self.path.len(), last: true }];
        while let Some(step) = stack.pop() {
            if self.visitor.stopped() {
                break;
            }
            self.shorten(step.depth);
            match self.visit(step.entry, kind) {
                Ok(node) => {
                    if step.last {
                        self.shorten(step.depth.saturating_sub(1));
                    }
                    let depth = self.path.len() + 1;
                    let children = self.walk.forest.children(step.entry);
                    stack.extend(children.enumerate().map(|(rank, entry)| Step {
                        entry,
                        depth,
                        last: rank == 0,
                    }));
                    self.path.push(node);
                }
                Err(error) => self.lose(step.entry, error),
            }
        }
        self.shorten(0);
        self.spare.truncate(MOST_SPARE);
    }

    /// Gives up the objects of the path behind the first `depth`.
    fn shorten(&mut self, depth: usize) {
        while self.path.len() > depth {
            let node = self.path.pop();
            self.spare.extend(node.map(|node| node.bytes).filter(|bytes| bytes.capacity() <= MAX_SPARE));
        }
    }

    /// Rebuilds one object from the last one of the path and hands it over.
    fn visit(&mut self, number: u32, kind: Kind) -> Result<Node<V::Memory>, PackError> {
        let (from, to) = self.walk.forest.extent(number);
        let mut bytes = self.spare.pop().unwrap_or_default();
        let header = self.walk.pack.entry(from, to, &mut self.inflater, &mut bytes)?;
        if !self.walk.pack.is_intact(self.walk.forest.position(number), from, to, &self.inflater) {
            // What can be read all the same may hold a secret: it is told, and scanned.
            self.visitor.lost(self.id(number), PackError::CheckSum);
        }
        let parent = self.path.last();
        if !matches!(header.base, entry::Base::None(_)) {
            let base = parent.ok_or(PackError::Malformed("its delta base cannot be read"))?;
            let delta = std::mem::replace(&mut bytes, self.spare.pop().unwrap_or_default());
            delta::apply(&base.bytes, &delta, &mut bytes, &mut self.copies, MAX_OBJECT)?;
            self.spare.push(delta);
        }
        let object = self.object(number, kind, Content::whole(&bytes));
        let base = parent.and_then(|parent| {
            let memory = parent.memory.as_ref()?;
            Some(Base { memory, bytes: &parent.bytes, copies: &self.copies })
        });
        let memory = self.visitor.object(&object, base);
        Ok(Node { bytes, memory })
    }

    fn object<'c>(&self, number: u32, kind: Kind, content: Content<'c>) -> Object<'c> {
        let position = self.walk.forest.position(number);
        let id = self.walk.pack.index.id(position);
        let (from, to) = self.walk.forest.extent(number);
        Object { id, position: self.walk.start + position, kind, content, stored: to.saturating_sub(from) }
    }

    /// Hands over a large blob without deltas in windows; false if it is not one.
    fn stream(&self, number: u32, kind: Kind) -> bool {
        let (offset, end) = self.walk.forest.extent(number);
        let can_be = end.saturating_sub(offset).saturating_mul(MOST_INFLATED) > content::LARGE;
        if kind != Kind::Blob || !can_be || !self.walk.forest.is_leaf(number) {
            return false;
        }
        let header = match self.walk.pack.header(offset) {
            Ok(header) if header.size > content::LARGE => header,
            _ => return false,
        };
        let mut reader = self.walk.pack.inflating_reader(offset + header.len as u64, header.size);
        let read = content::each_window(&mut reader, &mut |content| {
            drop(self.visitor.object(&self.object(number, kind, content), None));
            !self.visitor.stopped()
        });
        match read {
            Ok(read) if read == header.size || self.visitor.stopped() => {}
            Ok(_) => self.lose(number, PackError::Malformed("its compressed data ends early")),
            Err(error) => self.lose(number, error.into()),
        }
        true
    }

    fn id(&self, number: u32) -> ObjectId {
        self.walk.pack.index.id(self.walk.forest.position(number))
    }

    /// Tells that an object, and so all that are built on it, cannot be read.
    fn lose(&self, number: u32, error: PackError) {
        self.visitor.lost(self.id(number), error);
        let mut stack: Vec<u32> = self.walk.forest.children(number).collect();
        while let Some(child) = stack.pop() {
            self.visitor.lost(self.id(child), PackError::Malformed("its delta base cannot be read"));
            stack.extend(self.walk.forest.children(child));
        }
    }
}
