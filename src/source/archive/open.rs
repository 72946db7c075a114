//! One archive and all that is nested in it, member by member.

use super::budget::Budget;
use super::format::{DECIDED_BY, Format};
use super::{compressed, zip};
use crate::source::{Blob, Content, Key, Progress, Visit, content, document, path};
use std::cell::RefCell;
use std::io::{self, Read};
use std::sync::atomic::Ordering;

/// How deep archives are opened inside of archives.
const DEEPEST: u32 = 4;

/// A zip file that does not come in one piece is held in memory up to this size.
const MOST_HELD: u64 = 256 << 20;

/// Opens one archive.
pub(super) struct Opener<'o> {
    key: &'o Key,
    visit: &'o Visit<'o>,
    progress: &'o Progress,
    budget: Budget,
    unseen: RefCell<Vec<(String, String)>>,
}

impl<'o> Opener<'o> {
    /// For the archive with this key, of so many bytes.
    pub(super) fn new(key: &'o Key, size: u64, visit: &'o Visit<'o>, progress: &'o Progress) -> Self {
        Self { key, visit, progress, budget: Budget::of(size), unseen: RefCell::default() }
    }

    /// What was not seen, and why.
    pub(super) fn unseen(self) -> Vec<(String, String)> {
        let mut unseen = self.unseen.into_inner();
        if self.budget.is_spent() {
            // One sentence says more than one for each member that is left.
            unseen.clear();
            unseen.push((
                self.key.label(),
                "is an archive of which not all is unpacked: it holds too much".to_owned(),
            ));
        }
        unseen
    }

    /// Opens an archive that is in memory.
    pub(super) fn bytes(&self, format: Format, bytes: &[u8]) {
        match format {
            Format::Zip => zip::each_member(self, bytes, "", 1),
            Format::Pdf => self.pdf(bytes, "", 1),
            _ => self.stream(format, &mut { bytes }),
        }
    }

    /// Opens an archive that comes as a stream.
    pub(super) fn stream(&self, format: Format, reader: &mut dyn Read) {
        self.open(format, reader, "", 1);
    }

    fn open(&self, format: Format, reader: &mut dyn Read, inside: &str, depth: u32) {
        match format {
            Format::Zip => self.held(reader, inside, |bytes| zip::each_member(self, bytes, inside, depth)),
            Format::Pdf => self.held(reader, inside, |bytes| self.pdf(bytes, inside, depth)),
            Format::Tar => self.tar(reader, inside, depth),
            Format::Gzip | Format::Bzip2 | Format::Xz | Format::Zstd => {
                self.compressed(format, reader, inside, depth);
            }
            Format::Other(name) => self.miss(inside, format!("is a {name} archive, which is not read")),
        }
    }

    fn held(&self, reader: &mut dyn Read, inside: &str, open: impl FnOnce(&[u8])) {
        let mut bytes = Vec::new();
        match reader.take(MOST_HELD + 1).read_to_end(&mut bytes) {
            Ok(_) if bytes.len() as u64 > MOST_HELD => {
                self.miss(inside, format!("is a zip or PDF file of more than {MOST_HELD} bytes"));
            }
            Ok(_) => open(&bytes),
            Err(error) => self.miss(inside, format!("cannot be unpacked: {error}")),
        }
    }

    /// Hands over the text of a PDF, and what is attached to it.
    fn pdf(&self, bytes: &[u8], inside: &str, depth: u32) {
        if !inside.is_empty() {
            self.text(inside, bytes);
        }
        let most = usize::try_from(self.budget.left()).unwrap_or(usize::MAX);
        let give = |part: &str, line: u32, text: &str| self.passage(inside, part, line, text);
        let attach =
            |name: &str, content: &[u8]| self.member(&Self::join(inside, name), &mut { content }, depth);
        let (seen, unpacked) = document::pdf(bytes, most, &give, &attach);
        // What does not fit any more is told as that.
        let _fits = self.budget.spend(unpacked as u64);
        if let Some(reason) = seen.reason("PDF file") {
            self.miss(inside, reason);
        }
    }

    fn tar(&self, reader: &mut dyn Read, inside: &str, depth: u32) {
        let mut archive = tar::Archive::new(reader);
        // Members can stand behind the mark of the end, where `tar` itself finds them on request.
        archive.set_ignore_zeros(true);
        let entries = match archive.entries() {
            Ok(entries) => entries,
            Err(error) => return self.miss(inside, format!("is a damaged tar file: {error}")),
        };
        for entry in entries {
            let mut entry = match entry {
                Ok(entry) => entry,
                Err(error) => return self.miss(inside, format!("is a damaged tar file: {error}")),
            };
            if self.is_over() {
                return;
            }
            let name = Self::join(inside, &path::text(&entry.path_bytes()));
            if let Some(target) = entry.link_name_bytes() {
                self.text(&name, &target);
            }
            let kind = entry.header().entry_type();
            if !kind.is_dir() && !kind.is_symlink() && !kind.is_hard_link() {
                self.member(&name, &mut entry, depth);
            }
        }
    }

    /// What one stream holds: a tar file is a layer of the same archive, anything else a single member.
    fn compressed(&self, format: Format, reader: &mut dyn Read, inside: &str, depth: u32) {
        let compressed::Unpacked { reader, name } = match compressed::unpack(format, reader) {
            Ok(opened) => opened,
            Err(error) => return self.miss(inside, format!("cannot be unpacked: {error}")),
        };
        let mut reader = self.budget.metered(reader);
        let start = match start_of(&mut reader) {
            Ok(start) => start,
            Err(error) => return self.miss(inside, format!("cannot be unpacked: {error}")),
        };
        let mut reader = start.as_slice().chain(reader);
        if Format::of(&start) == Some(Format::Tar) {
            return self.tar(&mut reader, inside, depth);
        }
        let name = name.map_or_else(|| self.unpacked_name(inside), |name| path::text(&name));
        self.known(&Self::join(inside, &name), &start, &mut reader, depth);
    }

    /// The name of what a compressed file holds: its own without the ending.
    fn unpacked_name(&self, inside: &str) -> String {
        let own = match (inside, self.key) {
            ("", Key::File(path) | Key::Staged(path) | Key::Change(_, path)) => path,
            (inside, _) => inside,
        };
        let name = own.rsplit(['/', '!']).next().unwrap_or_default();
        match name.rsplit_once('.') {
            Some((stem, _)) if !stem.is_empty() => stem.to_owned(),
            _ => "content".to_owned(),
        }
    }

    /// Hands a member over, or opens it if it is an archive itself.
    pub(super) fn member(&self, name: &str, reader: &mut dyn Read, depth: u32) {
        let mut reader = self.budget.metered(reader);
        match start_of(&mut reader) {
            Ok(start) => self.known(name, &start, &mut start.as_slice().chain(reader), depth),
            Err(error) => self.miss(name, format!("cannot be unpacked: {error}")),
        }
    }

    /// Like `member`, when its first bytes are known.
    fn known(&self, name: &str, start: &[u8], reader: &mut dyn Read, depth: u32) {
        if !self.budget.member() {
            return;
        }
        self.text(name, name.as_bytes());
        match Format::of(start) {
            Some(_) if depth >= DEEPEST => {
                self.miss(name, "is an archive inside of too many others".to_owned());
            }
            Some(format) => self.open(format, reader, name, depth + 1),
            None => {
                let read = content::each_window(reader, &mut |content| {
                    self.look_locked(name, start, content.bytes);
                    (self.visit)(Blob { key: self.key_of(name), content });
                    !self.progress.stopped()
                });
                match read {
                    Ok(bytes) => {
                        self.progress.bytes.fetch_add(bytes, Ordering::Relaxed);
                    }
                    Err(error) => self.miss(name, format!("cannot be unpacked: {error}")),
                }
            }
        }
    }

    /// Notes an office document that is encrypted.
    pub(super) fn look_locked(&self, name: &str, start: &[u8], bytes: &[u8]) {
        if document::is_locked(start, bytes) {
            self.miss(name, "is an encrypted office document, which is not read".to_owned());
        }
    }

    /// Hands over a text that belongs to a member.
    pub(super) fn text(&self, name: &str, text: &[u8]) {
        (self.visit)(Blob { key: self.key_of(name), content: Content::whole(text) });
    }

    /// Hands over a piece of a document's text, which begins at a line.
    pub(super) fn passage(&self, inside: &str, part: &str, line: u32, text: &str) {
        if self.is_over() || !self.budget.spend(text.len() as u64) {
            return;
        }
        self.progress.bytes.fetch_add(text.len() as u64, Ordering::Relaxed);
        let key = Key::Text(Box::new(self.key.clone()), inside.to_owned(), part.to_owned());
        let content = Content { start: (line, 1), ..Content::whole(text.as_bytes()) };
        (self.visit)(Blob { key, content });
    }

    /// How much may still be unpacked.
    pub(super) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Notes what was not seen; an empty name is the archive itself.
    pub(super) fn miss(&self, name: &str, reason: String) {
        let what = if name.is_empty() { self.key.label() } else { self.key_of(name).label() };
        self.unseen.borrow_mut().push((what, reason));
    }

    /// Whether to end: somebody said so, or a bound was reached.
    pub(super) fn is_over(&self) -> bool {
        self.progress.stopped() || self.budget.is_spent()
    }

    /// The name of a member of an archive that is one itself.
    pub(super) fn join(inside: &str, name: &str) -> String {
        if inside.is_empty() { name.to_owned() } else { format!("{inside}!{name}") }
    }

    fn key_of(&self, name: &str) -> Key {
        Key::Member(Box::new(self.key.clone()), name.to_owned())
    }
}

/// The first bytes, as many as decide what it is.
fn start_of(reader: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut start = Vec::with_capacity(DECIDED_BY);
    reader.take(DECIDED_BY as u64).read_to_end(&mut start)?;
    Ok(start)
}
