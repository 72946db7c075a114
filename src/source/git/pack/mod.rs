//! One pack file and its index, read by position: no mapping into memory, so that a file that shrinks is an error
//! and memory stays what we allocate.

mod delta;
#[cfg(fuzzing)]
pub(super) mod doors;
mod entry;
mod forest;
mod index;
mod naming;
mod walk;

pub(super) use forest::Forest;
pub(super) use walk::{Base as DeltaBase, Visitor, Walk};

use super::object::Kind;
use super::object_id::ObjectId;
use entry::{Base, Header};
use index::PackIndex;
use sha1::{Digest, Sha1};
use sha2::Sha256;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Objects of more bytes are not read: memory must stay bounded whatever a pack claims.
pub(super) const MAX_OBJECT: usize = 2 << 30;

/// The longest chain of deltas that is followed for one object; git itself writes 50, and 4095 at most.
const MAX_CHAIN: usize = 5000;

/// How many bytes one compressed byte can become at most, with some air: deflate reaches 1032.
const MOST_INFLATED: u64 = 1040;

/// How many bytes of an entry are read at first; nearly all have less.
const FIRST_READ: u64 = 4096;

/// Why an object of a pack, or a whole pack, cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum PackError {
    #[error("{0}")]
    Malformed(&'static str),
    #[error("its delta base {0} is missing")]
    MissingBase(ObjectId),
    #[error("its bytes are not those that git wrote: their check sum differs")]
    CheckSum,
    #[error("it has more than {} bytes", MAX_OBJECT)]
    TooLarge,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A pack.
pub(super) struct Pack {
    pub(super) index: PackIndex,
    file: File,
    /// Where in the file the pack begins; all offsets count from there.
    start: u64,
    /// Where the entries end and the check sum begins.
    end: u64,
    hash_len: usize,
    /// How many objects have no name, since they build on others that are not here.
    pub(super) unnamed: usize,
}

impl Pack {
    /// Opens `NAME.pack` beside the index at `path`.
    pub(super) fn open(path: &Path, hash_len: usize) -> Result<Self, PackError> {
        let index = PackIndex::open(path, hash_len)?;
        let (pack, count) = Self::with_index(&path.with_extension("pack"), 0, hash_len, index)?;
        if count != pack.index.len() {
            return Err(PackError::Malformed("pack and index count different numbers of objects"));
        }
        Ok(pack)
    }

    /// Opens a pack that begins at `start` of a file, and names its objects itself unless an index is beside it.
    pub(super) fn open_lone(path: &Path, start: u64, hash_len: usize) -> Result<Self, PackError> {
        let index = path.with_extension("idx");
        if start == 0
            && index.is_file()
            && let Ok(pack) = Self::open(&index, hash_len)
            && pack.belongs_to_index()
        {
            return Ok(pack);
        }
        let (mut pack, count) = Self::with_index(path, start, hash_len, PackIndex::of(&[], hash_len)?)?;
        pack.index = naming::index(&pack, count)?;
        pack.unnamed = count - pack.index.len();
        Ok(pack)
    }

    /// Opens a pack, and gives how many objects it says to hold.
    fn with_index(
        path: &Path,
        start: u64,
        hash_len: usize,
        index: PackIndex,
    ) -> Result<(Self, usize), PackError> {
        let file = File::open(path)?;
        let end = file.metadata()?.len().checked_sub(hash_len as u64 + start);
        let end = end.filter(|&end| end >= 12).ok_or(PackError::Malformed("the pack is truncated"))?;
        let pack = Self { index, file, start, end, hash_len, unnamed: 0 };
        let mut start = [0; 12];
        pack.read_at(&mut start, 0)?;
        if start[..4] != *b"PACK" || !matches!(start[7], 2 | 3) || start[4..7] != [0; 3] {
            return Err(PackError::Malformed("the file is no pack of version 2 or 3"));
        }
        let count = u32::from_be_bytes([start[8], start[9], start[10], start[11]]) as usize;
        Ok((pack, count))
    }

    /// Reads one object by following its chain of deltas. `external` reads bases that are not in this pack.
    pub(super) fn read(
        &self,
        position: usize,
        external: &External<'_>,
    ) -> Result<(Kind, Vec<u8>), PackError> {
        let mut inflater = Inflater::default();
        let mut deltas = Vec::new();
        let mut offset = self.offset(position)?;
        let (kind, mut object) = loop {
            let mut data = Vec::new();
            let header = self.entry(offset, self.end, &mut inflater, &mut data)?;
            match header.base {
                Base::None(kind) => break (kind, data),
                Base::Offset(distance) => {
                    offset = offset
                        .checked_sub(distance)
                        .ok_or(PackError::Malformed("a delta's base is outside"))?;
                }
                Base::Name(id) => match self.index.position(id.as_bytes()) {
                    Some(base) => offset = self.offset(base)?,
                    None => {
                        deltas.push(data);
                        break external(&id).ok_or(PackError::MissingBase(id))?;
                    }
                },
            }
            deltas.push(data);
            if deltas.len() > MAX_CHAIN {
                return Err(PackError::Malformed("its chain of deltas does not end"));
            }
        };
        let (mut next, mut copies) = (Vec::new(), Vec::new());
        for delta in deltas.iter().rev() {
            delta::apply(&object, delta, &mut next, &mut copies, MAX_OBJECT)?;
            std::mem::swap(&mut object, &mut next);
        }
        Ok((kind, object))
    }

    /// The kind and size of an object that is stored whole, and a reader of it; `None` for one that is not here or is a
    /// delta.
    pub(super) fn reader(&self, id: &ObjectId) -> Result<Option<(Kind, u64, impl Read + '_)>, PackError> {
        let Some(position) = self.index.position(id.as_bytes()) else { return Ok(None) };
        let offset = self.offset(position)?;
        let header = self.header(offset)?;
        let Base::None(kind) = header.base else { return Ok(None) };
        Ok(Some((kind, header.size, self.inflating_reader(offset + header.len as u64, header.size))))
    }

    fn offset(&self, position: usize) -> Result<u64, PackError> {
        self.index.offset(position).ok_or(PackError::Malformed("its index is damaged"))
    }

    fn header(&self, offset: u64) -> Result<Header, PackError> {
        let mut bytes = [0; entry::MAX_HEADER];
        let available = self.end.saturating_sub(offset).min(entry::MAX_HEADER as u64);
        let bytes = &mut bytes[..usize::try_from(available).unwrap_or(0)];
        self.read_at(bytes, offset)?;
        entry::parse(bytes, self.hash_len)
    }

    /// How many bytes it has in its file.
    pub(in crate::source::git) fn len(&self) -> u64 {
        self.end - self.start
    }

    /// What the system knows of its file.
    pub(super) fn metadata(&self) -> io::Result<std::fs::Metadata> {
        self.file.metadata()
    }

    /// Whether the check sum at its end is that of its bytes: reads all of them.
    pub(super) fn has_its_sum(&self) -> bool {
        let mut sum = vec![0; self.hash_len];
        let told = self.read_at(&mut sum, self.end).is_ok();
        let mut reader = At { pack: self, offset: 0 };
        let found =
            if self.hash_len == 20 { sum_of::<Sha1>(&mut reader) } else { sum_of::<Sha256>(&mut reader) };
        told && found.is_ok_and(|found| found == sum)
    }

    /// Whether the check sum at the pack's end is the one that the index tells. With names of another length both stand
    /// elsewhere.
    pub(super) fn belongs_to_index(&self) -> bool {
        let Some(told) = self.index.pack_sum() else { return true };
        let mut sum = vec![0; self.hash_len];
        self.read_at(&mut sum, self.end).is_ok() && sum == told
    }

    /// Whether the bytes from `from` to `to`, which were just read as the entry of the object at `position`, have the check
    /// sum that the index tells.
    fn is_intact(&self, position: usize, from: u64, to: u64, inflater: &Inflater) -> bool {
        let Some(told) = self.index.crc(position) else { return true };
        let len = usize::try_from(to.min(self.end) - from).unwrap_or(usize::MAX);
        inflater.compressed.get(..len).is_some_and(|bytes| crc32fast::hash(bytes) == told)
    }

    /// Reads the entry that starts at `from` and ends before `to`, and inflates its data into `out`.
    fn entry(
        &self,
        from: u64,
        to: u64,
        inflater: &mut Inflater,
        out: &mut Vec<u8>,
    ) -> Result<Header, PackError> {
        let room = to.min(self.end).saturating_sub(from);
        let compressed = &mut inflater.compressed;
        compressed.resize(usize::try_from(room.min(FIRST_READ)).unwrap_or(0), 0);
        self.read_at(compressed, from)?;
        let header = entry::parse(compressed, self.hash_len)?;
        let size = usize::try_from(header.size).ok().filter(|&size| size <= MAX_OBJECT);
        let size = size.ok_or(PackError::TooLarge)?;
        // Deflate stores at worst; a claim of more than it can reach is a lie that must not be allocated.
        let most = header.size.saturating_add(header.size / 1000 + 64 + header.len as u64).min(room);
        if header.size > most.saturating_mul(MOST_INFLATED).saturating_add(64) {
            return Err(PackError::Malformed("an entry claims more bytes than it has"));
        }
        let read = compressed.len();
        if most > read as u64 {
            compressed.resize(usize::try_from(most).map_err(|_| PackError::TooLarge)?, 0);
            self.read_at(&mut compressed[read..], from + read as u64)?;
        }
        make_room(out, size)?;
        // What stands there is written over, so only what is longer needs to be filled.
        out.resize(size, 0);
        match inflater.machine.zlib_decompress(compressed.get(header.len..).unwrap_or_default(), out) {
            Ok(written) if written == size => Ok(header),
            _ => Err(PackError::Malformed("its compressed data is damaged")),
        }
    }

    /// A reader of the inflated data that starts at `from`: for objects that are too large to hold.
    fn inflating_reader(&self, from: u64, size: u64) -> impl Read + '_ {
        let raw = io::BufReader::with_capacity(1 << 16, At { pack: self, offset: from });
        flate2::bufread::ZlibDecoder::new(raw).take(size)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        read_exact_at(&self.file, buffer, self.start + offset)
    }
}

/// The check sum of all that a reader gives.
pub(super) fn sum_of<D: Digest>(reader: &mut dyn Read) -> io::Result<Vec<u8>> {
    let (mut sum, mut buffer) = (D::new(), vec![0; 1 << 18]);
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(sum.finalize().to_vec()),
            read => sum.update(&buffer[..read]),
        }
    }
}

/// Makes a buffer one for so many bytes. What a buffer that is too small holds is not worth moving.
fn make_room(buffer: &mut Vec<u8>, size: usize) -> Result<(), PackError> {
    if buffer.capacity() < size {
        *buffer = Vec::new();
        buffer.try_reserve_exact(size).map_err(|_| PackError::TooLarge)?;
    }
    Ok(())
}

/// Reads objects that are not in the pack at hand.
pub(super) type External<'e> = dyn Fn(&ObjectId) -> Option<(Kind, Vec<u8>)> + Sync + 'e;

/// What inflating needs again and again.
struct Inflater {
    machine: libdeflater::Decompressor,
    compressed: Vec<u8>,
}

impl Default for Inflater {
    fn default() -> Self {
        Self { machine: libdeflater::Decompressor::new(), compressed: Vec::new() }
    }
}

/// A reader of the pack from a position on.
struct At<'p> {
    pack: &'p Pack,
    offset: u64,
}

impl Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.pack.end.saturating_sub(self.offset).min(buffer.len() as u64);
        let buffer = &mut buffer[..usize::try_from(available).unwrap_or(0)];
        self.pack.read_at(buffer, self.offset)?;
        self.offset += buffer.len() as u64;
        Ok(buffer.len())
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        let read = std::os::windows::fs::FileExt::seek_read(file, buffer, offset)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buffer = &mut buffer[read..];
        offset += read as u64;
    }
    Ok(())
}
