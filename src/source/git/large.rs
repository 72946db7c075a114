//! One object as a stream. libgit2 gives streams of loose objects only, and git puts what is really large into a pack
//! at once, stored whole.

use super::loose;
use super::object_id::ObjectId;
use super::pack::Pack;
use git2::Oid;
use std::io::{self, Read};
use std::path::PathBuf;

/// What takes the stream.
type Take<'t> = dyn FnMut(&mut dyn Read) -> io::Result<()> + 't;

/// Hands the object's bytes to `take` and gives its size. `None` if it is neither loose nor whole in a pack of these
/// folders.
pub(super) fn read(folders: &[PathBuf], id: Oid, take: &mut Take<'_>) -> Option<io::Result<u64>> {
    let name = id.to_string();
    let files = folders.iter().map(|folder| folder.join(&name[..2]).join(&name[2..]));
    if let Some(file) = files.into_iter().find(|file| file.is_file()) {
        return Some(loose::open(&file).and_then(|(_, size, mut reader)| take(&mut reader).map(|()| size)));
    }
    let packs = folders.iter().filter_map(|folder| std::fs::read_dir(folder.join("pack")).ok()).flatten();
    let paths = packs.filter_map(|entry| Some(entry.ok()?.path()));
    let indices = paths.filter(|path| path.extension().is_some_and(|end| end == "idx"));
    indices.filter_map(|index| Pack::open(&index, id.as_bytes().len()).ok()).find_map(|pack| {
        let (_, size, mut reader) = pack.reader(&ObjectId::from(id)).ok()??;
        Some(take(&mut reader).map(|()| size))
    })
}
