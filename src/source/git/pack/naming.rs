//! The index of a pack that has none beside it: every entry is read once to find where it ends, and once to name it.

use super::super::object_id::ObjectId;
use super::index::PackIndex;
use super::{At, Base, Inflater, MAX_CHAIN, MAX_OBJECT, Pack, PackError, delta};
use crate::source::git::object::Kind;
use std::collections::HashMap;
use std::io;
use std::rc::Rc;

/// The entries of a pack, in the order of the file.
struct Entries {
    offsets: Vec<u64>,
    bases: Vec<Base>,
}

/// Names all objects of a pack. What builds on objects that are not in it has no name here: `count` less the index's.
pub(super) fn index(pack: &Pack, count: usize) -> Result<PackIndex, PackError> {
    let entries = list(pack, count)?;
    let mut named = name(pack, &entries);
    named.sort_unstable();
    named.dedup_by_key(|(id, _)| *id);
    PackIndex::of(&named, pack.hash_len)
}

/// Finds where entries begin: a pack does not say, their compressed data must be read to its end.
fn list(pack: &Pack, count: usize) -> Result<Entries, PackError> {
    let mut entries = Entries { offsets: Vec::new(), bases: Vec::new() };
    let mut offset = 12;
    for _ in 0..count {
        let header = pack.header(offset)?;
        let data = offset + header.len as u64;
        let raw = io::BufReader::with_capacity(4096, At { pack, offset: data });
        let mut decoder = flate2::bufread::ZlibDecoder::new(raw);
        if io::copy(&mut decoder, &mut io::sink())? != header.size {
            return Err(PackError::Malformed("an entry has another size than it says"));
        }
        entries.offsets.push(offset);
        entries.bases.push(header.base);
        offset = data + decoder.total_in();
    }
    if offset == pack.end {
        Ok(entries)
    } else {
        Err(PackError::Malformed("it does not end with its last entry"))
    }
}

/// An entry to name, with what it is built from.
struct Step {
    entry: usize,
    kind: Kind,
    base: Option<Rc<Vec<u8>>>,
    depth: usize,
}

fn name(pack: &Pack, entries: &Entries) -> Vec<(ObjectId, u64)> {
    let mut by_offset: HashMap<u64, Vec<usize>> = HashMap::new();
    let mut by_name: HashMap<ObjectId, Vec<usize>> = HashMap::new();
    let (mut stack, mut named) = (Vec::new(), Vec::new());
    for (entry, base) in entries.bases.iter().enumerate() {
        match base {
            Base::None(kind) => stack.push(Step { entry, kind: *kind, base: None, depth: 0 }),
            Base::Offset(distance) => {
                by_offset.entry(entries.offsets[entry].wrapping_sub(*distance)).or_default().push(entry);
            }
            Base::Name(id) => by_name.entry(*id).or_default().push(entry),
        }
    }
    let mut inflater = Inflater::default();
    while let Some(Step { entry, kind, base, depth }) = stack.pop() {
        // What cannot be read has no name, and so is counted as not seen.
        let Some(bytes) = build(pack, entries, entry, base.as_deref(), &mut inflater) else { continue };
        let Some(id) = id_of(kind, &bytes, pack.hash_len) else { continue };
        let offset = entries.offsets[entry];
        named.push((id, offset));
        let children = by_offset.remove(&offset).into_iter().chain(by_name.remove(&id)).flatten();
        let bytes = Rc::new(bytes);
        let steps = children.filter(|_| depth < MAX_CHAIN);
        stack.extend(steps.map(|entry| Step {
            entry,
            kind,
            base: Some(Rc::clone(&bytes)),
            depth: depth + 1,
        }));
    }
    named
}

fn build(
    pack: &Pack,
    entries: &Entries,
    entry: usize,
    base: Option<&Vec<u8>>,
    inflater: &mut Inflater,
) -> Option<Vec<u8>> {
    let end = entries.offsets.get(entry + 1).copied().unwrap_or(pack.end);
    let mut data = Vec::new();
    pack.entry(entries.offsets[entry], end, inflater, &mut data).ok()?;
    let Some(base) = base else { return Some(data) };
    let (mut object, mut copies) = (Vec::new(), Vec::new());
    delta::apply(base, &data, &mut object, &mut copies, MAX_OBJECT).ok()?;
    Some(object)
}

fn id_of(kind: Kind, bytes: &[u8], hash_len: usize) -> Option<ObjectId> {
    let kind = match kind {
        Kind::Commit => git2::ObjectType::Commit,
        Kind::Tree => git2::ObjectType::Tree,
        Kind::Blob => git2::ObjectType::Blob,
        Kind::Tag => git2::ObjectType::Tag,
    };
    let format = if hash_len == 32 { git2::ObjectFormat::Sha256 } else { git2::ObjectFormat::Sha1 };
    git2::Oid::hash_object_ext(kind, bytes, format).ok().map(ObjectId::from)
}
