//! Files on disk as a source: a folder or a single file, or the files of a working tree that git would commit.

use super::{Blob, Content, Error, Key, Progress, Take, Visit, content, path};
use crate::coverage::{Coverage, Skip};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A folder that is read as it stands, without git.
pub struct FolderSource {
    root: PathBuf,
}

impl FolderSource {
    /// Takes a folder or a file.
    ///
    /// # Errors
    /// When there is none at the path.
    pub fn open(root: &Path) -> Result<Self, Error> {
        let unreadable = |source| Error::Unreadable { path: root.to_owned(), source };
        fs::metadata(root).map_err(unreadable)?;
        // A link that was named is followed; links found below are not.
        let root = if root.is_symlink() { root.canonicalize().map_err(unreadable)? } else { root.to_owned() };
        Ok(Self { root })
    }

    /// The folder or the file.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Opens a file that was read before.
    pub(super) fn reread(&self, key: &Key, take: &mut Take<'_>) -> Option<io::Result<()>> {
        reread(&self.root, key, take)
    }

    /// Reads every file below the folder, hidden and ignored ones too; `.git` folders are git's own and left out.
    pub(super) fn each_blob(&self, jobs: usize, progress: &Progress, visit: &Visit<'_>) -> Coverage {
        let mut coverage = Coverage::default();
        let files = list(&self.root, progress, &mut coverage);
        let named: Vec<_> = files.into_iter().map(|path| (name(&self.root, &path), path)).collect();
        read_files(&named, jobs, progress, visit, &mut coverage);
        coverage
    }
}

/// Opens a file that was read before, of a folder or itself.
pub(super) fn reread(root: &Path, key: &Key, take: &mut Take<'_>) -> Option<io::Result<()>> {
    let Key::File(name) = key else { return None };
    let path = if root.is_dir() { root.join(name) } else { root.to_owned() };
    let file = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
    Some(file.and_then(|(size, mut file)| take(&mut file, size)))
}

/// The path as the report shows it: relative to the folder, with `/`; of a file that was named itself as it was named.
pub(super) fn name(root: &Path, file: &Path) -> String {
    match file.strip_prefix(root) {
        Ok(relative) if !relative.as_os_str().is_empty() => {
            let parts = relative.components().map(|part| part.as_os_str().as_encoded_bytes());
            path::text(&parts.collect::<Vec<_>>().join(&b'/'))
        }
        _ => path::text(file.as_os_str().as_encoded_bytes()),
    }
}

/// All files below a folder, ordered; what cannot be listed goes into the coverage.
pub(super) fn list(root: &Path, progress: &Progress, coverage: &mut Coverage) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let walk = ignore::WalkBuilder::new(root)
        .standard_filters(false)
        .follow_links(false)
        .filter_entry(|entry| entry.depth() == 0 || entry.file_name() != ".git")
        .build();
    for entry in walk {
        match entry {
            Ok(entry) if entry.file_type().is_some_and(|kind| !kind.is_dir()) => {
                files.push(entry.into_path());
            }
            Ok(_) => {}
            Err(error) => coverage.skip(error.to_string(), "cannot be listed"),
        }
        if progress.stopped() {
            break;
        }
    }
    files.sort_unstable();
    files
}

/// Reads files, each named as the report shows it, on `jobs` threads; what cannot be read goes into the coverage.
pub(super) fn read_files(
    files: &[(String, PathBuf)],
    jobs: usize,
    progress: &Progress,
    visit: &Visit<'_>,
    coverage: &mut Coverage,
) {
    progress.total.fetch_add(files.len() as u64, Ordering::Relaxed);
    let (next, skipped) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let (seen, bytes) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        while let Some((name, path)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            if progress.stopped() {
                break;
            }
            visit(Blob { key: Key::File(name.clone()), content: Content::whole(name.as_bytes()) });
            match read_file(name, path, progress, visit) {
                Ok(read) => {
                    seen.fetch_add(1, Ordering::Relaxed);
                    bytes.fetch_add(read, Ordering::Relaxed);
                }
                Err(error) => {
                    let mut skipped = skipped.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    skipped.push(Skip { what: name.clone(), reason: format!("cannot be read: {error}") });
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..jobs.min(files.len()) {
            scope.spawn(work);
        }
        work();
    });
    coverage.files += seen.into_inner() as u64;
    coverage.bytes += bytes.into_inner() as u64;
    let mut skipped = skipped.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    skipped.sort_by(|a, b| a.what.cmp(&b.what));
    coverage.skipped.append(&mut skipped);
}

fn read_file(name: &str, path: &Path, progress: &Progress, visit: &Visit<'_>) -> io::Result<usize> {
    let metadata = fs::symlink_metadata(path)?;
    if metadata.is_symlink() {
        // What a link points to is its content for git; the file behind it is read where it stands, if it is ours.
        let target = fs::read_link(path)?;
        let target = target.as_os_str().as_encoded_bytes();
        visit(Blob { key: Key::File(name.to_owned()), content: Content::whole(target) });
        progress.count(target.len());
        return Ok(target.len());
    }
    if !metadata.is_file() {
        return Err(io::Error::other("is no regular file"));
    }
    if metadata.len() > content::LARGE {
        let read = content::each_window(&mut File::open(path)?, &mut |content| {
            visit(Blob { key: Key::File(name.to_owned()), content });
            !progress.stopped()
        })?;
        let read = usize::try_from(read).unwrap_or(usize::MAX);
        progress.count(read);
        return Ok(read);
    }
    let bytes = fs::read(path)?;
    visit(Blob { key: Key::File(name.to_owned()), content: Content::whole(&bytes) });
    progress.count(bytes.len());
    Ok(bytes.len())
}
