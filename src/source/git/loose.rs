//! Objects that stand in files of their own.

use super::object::{Kind, Object};
use super::object_id::ObjectId;
use super::pack::{MAX_OBJECT, Visitor, sum_of};
use crate::source::content::{self, Content};
use sha1::Sha1;
use sha2::Sha256;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};

/// Lists the loose objects below an `objects` folder, in the order of their names.
pub(super) fn list(objects: &Path) -> io::Result<Vec<(ObjectId, PathBuf)>> {
    let mut found = Vec::new();
    for folder in fs::read_dir(objects)? {
        let folder = folder?;
        let prefix = folder.file_name();
        let Some(prefix) = prefix.to_str().filter(|name| name.len() == 2) else { continue };
        if !folder.file_type()?.is_dir() || !prefix.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            continue;
        }
        for file in fs::read_dir(folder.path())? {
            let file = file?;
            let name = format!("{prefix}{}", file.file_name().to_string_lossy());
            if let Some(id) = ObjectId::from_hex(name.as_bytes()) {
                found.push((id, file.path()));
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Hands an object of a wanted kind over, in windows if it is a large blob.
pub(super) fn visit<V: Visitor>(id: ObjectId, position: usize, path: &Path, visitor: &V) -> io::Result<()> {
    let (kind, size, mut reader) = open(path)?;
    let stored = stored(path);
    if !visitor.wants(kind) {
        return Ok(());
    }
    if kind == Kind::Blob && size > content::LARGE {
        let read = content::each_window(&mut reader, &mut |content| {
            drop(visitor.object(&Object { id, position, kind, content, stored }, None));
            !visitor.stopped()
        })?;
        let whole = read == size || visitor.stopped();
        return if whole { Ok(()) } else { Err(bad("it has another size than it says")) };
    }
    let bytes = read_all(size, &mut reader)?;
    drop(visitor.object(&Object { id, position, kind, content: Content::whole(&bytes), stored }, None));
    Ok(())
}

/// How many bytes an object's file has.
pub(super) fn stored(path: &Path) -> u64 {
    path.metadata().map_or(0, |metadata| metadata.len())
}

/// Whether the name is that of the content: reads all of it.
pub(super) fn has_its_name(id: &ObjectId, path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    let mut reader = flate2::bufread::ZlibDecoder::new(BufReader::new(file));
    let name = id.as_bytes();
    let found = if name.len() == 20 { sum_of::<Sha1>(&mut reader) } else { sum_of::<Sha256>(&mut reader) };
    found.is_ok_and(|found| found == name)
}

/// Reads an object whole.
pub(super) fn read(path: &Path) -> io::Result<(Kind, Vec<u8>)> {
    let (kind, size, mut reader) = open(path)?;
    Ok((kind, read_all(size, &mut reader)?))
}

pub(super) fn open(path: &Path) -> io::Result<(Kind, u64, impl Read)> {
    let decoder = flate2::bufread::ZlibDecoder::new(BufReader::new(File::open(path)?));
    let mut reader = BufReader::new(decoder);
    let mut header = Vec::new();
    reader.by_ref().take(64).read_until(0, &mut header)?;
    let text = header.strip_suffix(b"\0").ok_or_else(|| bad("it has no header"))?;
    let mut words = text.split(|&byte| byte == b' ');
    let kind = words.next().and_then(Kind::from_name).ok_or_else(|| bad("its kind is unknown"))?;
    let size = words.next().and_then(|size| std::str::from_utf8(size).ok()?.parse().ok());
    Ok((kind, size.ok_or_else(|| bad("its header has no size"))?, reader))
}

fn read_all(size: u64, reader: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(size.min(MAX_OBJECT as u64) + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == size { Ok(bytes) } else { Err(bad("it has another size than it says")) }
}

fn bad(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
