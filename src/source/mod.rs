//! Where bytes come from: repositories, folders, standard input. A source hands over blobs and, for those that
//! matter, tells afterwards where they stand. It knows no rules.
//!
//! Origins are asked for in a second step because almost no blob holds a secret: paths and commits of all the
//! others are never looked up.

mod archive;
mod content;
mod document;
mod encrypted;
mod error;
pub mod folder;
pub mod git;
mod path;
pub mod stream;

pub use content::{CONTEXT, Content};
pub use error::Error;
pub use git::{Cache, GitSource, ObjectId};

use crate::coverage::Coverage;
use crate::finding::{Place, References};
use crate::patch::Patch;
use archive::Opening;
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A piece of content on its way to the detector.
pub struct Blob<'b> {
    /// What it is, to ask for its origins later.
    pub key: Key,
    /// Its bytes, or a window of them.
    pub content: Content<'b>,
}

/// What a blob is. Ordered, so that results do not depend on the order in which threads read.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// The content of a git blob.
    Object(ObjectId),
    /// The header or message of a commit.
    Commit(ObjectId),
    /// An annotated tag.
    Tag(ObjectId),
    /// A blob that came in by a commit of the range, under the path it has there.
    Change(ObjectId, String),
    /// An entry of the index.
    Staged(String),
    /// A file on disk.
    File(String),
    /// Standard input.
    Stdin,
    /// The name of a file or folder of the history, in the bytes that git has.
    Name(Vec<u8>),
    /// The name of a reference.
    Reference(String),
    /// A file that git keeps in its own folder: its configuration, hooks, logs.
    Own(String),
    /// What has this key in a repository inside the repository, by the path of that.
    Within(String, Box<Self>),
    /// A member of an archive, by its path inside that: `a/b.txt`, or `a.zip!b.txt` in one inside it.
    Member(Box<Self>, String),
    /// A part of a document's text: the document itself or the archive with it, the path inside that, which is empty for
    /// the document itself, and the part: `page 3`.
    Text(Box<Self>, String, String),
}

impl Key {
    /// The archive or document that it is a part of.
    pub fn archive(&self) -> Option<&Self> {
        if let Self::Member(archive, _) | Self::Text(archive, ..) = self { Some(archive) } else { None }
    }

    /// The document whose text it is: the archive around it, and the path inside that.
    pub fn document(&self) -> Option<(&Self, &str)> {
        if let Self::Text(archive, inside, _) = self { Some((archive, inside)) } else { None }
    }

    /// The documents that it is a file of, if they are documents, as `document` names them.
    pub fn holders(&self) -> impl Iterator<Item = (&Self, &str)> {
        let Self::Member(archive, name) = self else { return None.into_iter().chain(None) };
        let inside = name.rsplit_once('!').map_or("", |(inside, _)| inside);
        let archive = archive.as_ref();
        Some((archive, inside)).into_iter().chain(Some((archive, name.as_str())))
    }

    /// Whether it is the content of a git blob, of which there is nothing else under this key.
    pub(crate) fn is_content(&self) -> bool {
        match self {
            Self::Object(_) => true,
            Self::Within(_, key) => key.is_content(),
            _ => false,
        }
    }

    /// Whether it is a file, so that its path says something of what is in it.
    pub(crate) fn is_file(&self) -> bool {
        match self {
            Self::Object(_) | Self::Change(..) | Self::Staged(_) | Self::File(_) | Self::Member(..) => true,
            Self::Within(_, key) => key.is_file(),
            _ => false,
        }
    }

    /// The git blob that it is, or is a part of.
    pub(crate) fn blob(&self) -> Option<&ObjectId> {
        match self {
            Self::Object(id) => Some(id),
            Self::Within(_, key) | Self::Member(key, _) | Self::Text(key, ..) => key.blob(),
            _ => None,
        }
    }

    /// What a person would call it.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Object(id) => format!("object {id}"),
            Self::Commit(id) => format!("commit {id}"),
            Self::Tag(id) => format!("tag {id}"),
            Self::Change(_, path) | Self::Staged(path) | Self::File(path) | Self::Own(path) => path.clone(),
            Self::Stdin => "standard input".to_owned(),
            Self::Name(name) => path::text(name),
            Self::Reference(name) => name.clone(),
            Self::Within(path, key) => format!("{path}: {}", key.label()),
            Self::Member(archive, member) => format!("{}!{member}", archive.label()),
            Self::Text(archive, inside, part) => format!("{}!{}", archive.label(), member_text(inside, part)),
        }
    }
}

/// The path inside an archive of a part of a document there.
fn member_text(inside: &str, part: &str) -> String {
    if inside.is_empty() { part.to_owned() } else { format!("{inside}!{part}") }
}

/// One place a blob stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The kind of place.
    pub place: Place,
    /// The path there.
    pub path: Option<String>,
    /// The first commit that has the blob there.
    pub commit: Option<CommitInfo>,
    /// Whether the commit at HEAD has it there.
    pub at_head: bool,
    /// The last commit that has the blob there, and its place in the order of history.
    pub last: Option<(u32, String)>,
    /// The references that have the first commit in their history, if that was looked up.
    pub references: Option<References>,
    /// Whether it is a copy that git keeps of something that stands elsewhere, told of only where nothing else is left.
    pub is_echo: bool,
}

impl Origin {
    /// A place of which nothing more is known.
    fn at(place: Place, path: Option<String>) -> Self {
        Self { place, path, commit: None, at_head: false, last: None, references: None, is_echo: false }
    }
}

/// What is told about a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitInfo {
    /// Its name in hexadecimal.
    pub id: String,
    /// Its author, as `Name <address>`.
    pub author: String,
    /// The author date.
    pub date: Option<Timestamp>,
    /// Its place in the order of history: parents first, then by date.
    pub order: u32,
}

/// The blobs whose origins are asked for.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// What they are.
    pub keys: &'a HashSet<Key>,
    /// What they may be asked for. An object that stands under no such name has no origins then.
    pub may_be: Option<MayBe<'a>>,
}

/// What the name of a file or folder must be for a blob in it to be looked for.
#[derive(Clone, Copy)]
pub struct MayBe<'m> {
    /// Whether a folder of this name says of all files in it what they are.
    pub folder: &'m dyn Fn(&str) -> bool,
    /// Whether a file of this name can be it, and that if there is no such folder anywhere.
    pub file: &'m dyn Fn(&Key, &str, bool) -> bool,
}

/// The origins of the blobs that were asked for, oldest first.
pub type Origins = HashMap<Key, Vec<Origin>>;

/// Something to scan.
pub enum Source {
    /// A git repository, or a part of one.
    Git(Box<GitSource>),
    /// A folder or a file, whether or not git knows it.
    Folder(folder::FolderSource),
    /// Bytes from standard input.
    Stream(stream::StreamSource),
}

/// Counters and the stop sign that a run shares with whoever watches it.
#[derive(Default)]
pub struct Progress {
    /// Objects and files read so far.
    pub items: AtomicU64,
    /// How many there will be; 0 while unknown.
    pub total: AtomicU64,
    /// Bytes of content read so far.
    pub bytes: AtomicU64,
    /// How many bytes of packs and of loose objects' files were read, compressed as they are. The time that a history takes
    /// goes by them.
    pub stored: AtomicU64,
    /// How many of them there will be; 0 while unknown.
    pub to_read: AtomicU64,
    /// Set by the watcher to end the run early.
    pub stop: AtomicBool,
}

impl Progress {
    /// Whether the run should end.
    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Counts one item of so many bytes.
    pub(crate) fn count(&self, bytes: usize) {
        self.items.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// Receives what a source reads, from several threads.
pub trait Visitor: Sync {
    /// What it remembers of a blob while others that were made from it follow.
    type Memory;
    /// Takes a blob. If it was made from one that was taken before, `base` is what was remembered of that, and what was
    /// copied from there.
    fn blob(&self, blob: &Blob<'_>, base: Option<(&Self::Memory, Patch<'_>)>) -> Option<Self::Memory>;
    /// Takes a blob again in which an earlier scan had found something, with its note (see [`Lesson`]).
    fn again(&self, blob: &Blob<'_>, _note: &str) {
        drop(self.blob(blob, None));
    }
    /// Hears what an earlier scan noted of all blobs that follow by [`Self::again`].
    fn noted(&self, _notes: &[u32]) {}
}

/// What a scan that came to its end has learnt. The source does not understand its notes; it hands them to the visitor of
/// the next scan.
#[derive(Clone, Copy)]
pub struct Lesson<'l> {
    /// The blobs in which something was found, each with a note; that may be empty.
    pub noted: &'l HashMap<Key, String>,
    /// Those of them in which nothing counts as long as they stand where they stand.
    pub idle: &'l HashSet<Key>,
    /// What helps to look at any of them again.
    pub notes: &'l [u32],
    /// Whether a text of the source may be written.
    pub is_plain: &'l dyn Fn(&str) -> bool,
}

/// What the parts of a source that know of no bases hand their blobs to.
type Visit<'v> = dyn Fn(Blob<'_>) + Sync + 'v;

impl Source {
    /// Hands every blob to the visitor, each unique content once, and tells what was seen and what was not. With
    /// `archives` their members are blobs too.
    ///
    /// # Errors
    /// When the source cannot be read at all; what cannot be read of it is in the coverage.
    pub fn each_blob<V: Visitor>(
        &self,
        jobs: usize,
        progress: &Progress,
        visitor: &V,
        archives: bool,
    ) -> Result<Coverage, Error> {
        let opening = Opening::new(visitor, progress, archives);
        let visit = |blob: Blob<'_>| drop(opening.blob(&blob, None));
        let mut coverage = match self {
            Self::Git(source) => source.each_blob(jobs, progress, &opening)?,
            Self::Folder(source) => source.each_blob(jobs, progress, &visit),
            Self::Stream(source) => source.each_blob(progress, &visit)?,
        };
        opening.finish(self, &mut coverage);
        coverage.interrupted = progress.stopped();
        Ok(coverage)
    }

    /// Finds where blobs stand. What cannot be told is added to the coverage.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn origins(&self, asked: &Asked<'_>, jobs: usize, coverage: &mut Coverage) -> Result<Origins, Error> {
        let keys = asked.keys;
        let outer: HashSet<Key> = keys.iter().map(|key| archive::outer(key).clone()).collect();
        let mut origins = match self {
            Self::Git(source) => source.origins(&Asked { keys: &outer, ..*asked }, jobs, coverage)?,
            Self::Folder(_) | Self::Stream(_) => {
                outer.iter().map(|key| (key.clone(), vec![on_disk(key)])).collect()
            }
        };
        archive::add_members(keys, &mut origins);
        Ok(origins)
    }

    /// Keeps what was learnt for the next scan of the same, after one that came to its end.
    pub fn keep(&self, lesson: &Lesson<'_>) {
        if let Self::Git(source) = self {
            source.keep(lesson);
        }
    }

    /// Reads the content of a blob again, which the source has in a file or as an object; `None` where it does not.
    fn reread(&self, key: &Key, take: &mut Take<'_>) -> Option<io::Result<()>> {
        match self {
            Self::Git(source) => source.reread(key, take),
            Self::Folder(source) => source.reread(key, take),
            Self::Stream(_) => None,
        }
    }
}

/// Takes the bytes of a blob that is read again, and how many there are.
type Take<'t> = dyn FnMut(&mut dyn Read, u64) -> io::Result<()> + 't;

/// The origin of a file or of standard input: the key says all.
fn on_disk(key: &Key) -> Origin {
    let (place, path) = match key {
        Key::File(path) => (Place::Worktree, Some(path.clone())),
        Key::Staged(path) => (Place::Index, Some(path.clone())),
        _ => (Place::Stdin, None),
    };
    Origin::at(place, path)
}
