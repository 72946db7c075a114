//! A pack or a bundle as a file of its own: objects without a repository around them.
//!
//! An empty repository in a temporary folder answers what is asked of one; no content is written there.

use super::pack::Pack;
use super::store::Store;
use super::{GitSource, ObjectId, Part};
use crate::coverage::Coverage;
use crate::source::{Blob, Content, Error, Key, Visit};
use std::cell::OnceCell;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;

/// More lines than any bundle's header has.
const MOST_LINES: usize = 10_000_000;

/// What a file says besides its objects.
pub(super) struct Lone {
    /// Where the objects begin.
    start: u64,
    is_sha256: bool,
    /// The references of a bundle; `None` for a pack, which has none.
    references: Option<Vec<(ObjectId, String)>>,
    /// Commits that a bundle builds on and does not hold.
    prerequisites: Vec<ObjectId>,
    /// The empty repository, removed at the end.
    folder: Option<tempfile::TempDir>,
}

/// Opens a pack or bundle; `None` if the file is neither.
pub(super) fn open(path: &Path, part: &Part) -> Result<Option<GitSource>, Error> {
    if !path.is_file() || !matches!(part, Part::Everything { .. }) {
        return Ok(None);
    }
    let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
    let Some(mut lone) = head(path).map_err(unreadable)? else { return Ok(None) };
    let formats: &[usize] = match (&lone.references, lone.is_sha256) {
        (None, _) => &[20, 32],
        (Some(_), false) => &[20],
        (Some(_), true) => &[32],
    };
    let mut opened = formats.iter().map(|&hash_len| (hash_len, Pack::open_lone(path, lone.start, hash_len)));
    let first = opened.next();
    let (hash_len, pack) = match first {
        Some((hash_len, Ok(pack))) => (hash_len, pack),
        Some((_, Err(error))) => match opened.next() {
            Some((hash_len, Ok(pack))) => (hash_len, pack),
            _ => return Err(damaged(path, error)),
        },
        None => return Ok(None),
    };
    let folder = tempfile::TempDir::new().map_err(unreadable)?;
    let mut options = git2::RepositoryInitOptions::new();
    let format = if hash_len == 32 { git2::ObjectFormat::Sha256 } else { git2::ObjectFormat::Sha1 };
    options.bare(true).object_format(format);
    let repository = git2::Repository::init_opts(folder.path(), &options)?;
    lone.folder = Some(folder);
    let store = Store::of(pack, path).map_err(|error| damaged(path, error))?;
    let source = GitSource::of(repository, part.clone());
    Ok(Some(GitSource { store: OnceCell::from(store), lone: Some(lone), ..source }))
}

fn damaged(path: &Path, error: super::pack::PackError) -> Error {
    Error::Damaged { what: format!("`{}` cannot be read", path.display()), source: Some(error.into()) }
}

/// Reads what comes before the objects.
fn head(path: &Path) -> io::Result<Option<Lone>> {
    let mut reader = BufReader::new(File::open(path)?);
    let mut lone =
        Lone { start: 0, is_sha256: false, references: None, prerequisites: Vec::new(), folder: None };
    if reader.fill_buf()?.starts_with(b"PACK") {
        return Ok(Some(lone));
    }
    let mut line = Vec::new();
    let mut references = Vec::new();
    for number in 0..MOST_LINES {
        line.clear();
        lone.start += reader.by_ref().take(1 << 16).read_until(b'\n', &mut line)? as u64;
        let text = String::from_utf8_lossy(line.trim_ascii_end());
        if number == 0 {
            if !matches!(&*text, "# v2 git bundle" | "# v3 git bundle") {
                return Ok(None);
            }
        } else if text.is_empty() {
            break;
        } else if let Some(capability) = text.strip_prefix('@') {
            lone.is_sha256 |= capability == "object-format=sha256";
        } else {
            let (is_prerequisite, text) = text.strip_prefix('-').map_or((false, &*text), |text| (true, text));
            let (id, name) = text.split_once(' ').unwrap_or((text, ""));
            match ObjectId::from_hex(id.as_bytes()) {
                Some(id) if is_prerequisite => lone.prerequisites.push(id),
                Some(id) => references.push((id, name.to_owned())),
                None => return Err(io::Error::new(io::ErrorKind::InvalidData, "its header is damaged")),
            }
        }
    }
    lone.references = Some(references);
    Ok(Some(lone))
}

impl Lone {
    /// What the references of a bundle name; of a pack every commit counts as named.
    pub(super) fn tips(&self) -> Option<impl Iterator<Item = ObjectId>> {
        Some(self.references.as_ref()?.iter().map(|(id, _)| *id))
    }

    /// Hands over the names of the references.
    pub(super) fn reference_names(&self, visit: &Visit<'_>) {
        for (_, name) in self.references.iter().flatten() {
            visit(Blob { key: Key::Reference(name.clone()), content: Content::whole(name.as_bytes()) });
        }
    }

    /// The commit that a reference names.
    pub(super) fn target(&self, reference: &str) -> Option<ObjectId> {
        self.references.iter().flatten().find(|(_, name)| name == reference).map(|(id, _)| *id)
    }

    /// Whether it says itself that objects are missing, and names them.
    pub(super) fn note_prerequisites(&self, coverage: &mut Coverage) -> bool {
        for id in &self.prerequisites {
            coverage.skip(
                format!("commit {id} and all before it"),
                "the bundle builds on it and does not hold it",
            );
        }
        !self.prerequisites.is_empty()
    }
}
