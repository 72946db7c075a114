//! Replacing a file as a whole: every reader sees the old bytes or the new ones, and so does everybody after a crash.

use super::Error;
use std::fs::{self, File, Metadata};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// How the names of files begin that are not yet in their place.
pub const TEMPORARY: &str = ".unleak-writing-";

/// Who may read the file afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As before: owner, group and mode of the file that is replaced; a new file is private.
    Keep,
    /// The owner alone (0600), who stays the same.
    Private,
    /// Everybody may read (0644).
    Public,
}

/// Replaces the content of `path`, or creates it.
///
/// A symbolic link stays, and the file that it leads to is replaced. The new bytes are written to a private file in
/// the same folder, synced, and renamed over the old one; on any error that file is removed again.
///
/// # Errors
/// When the folder cannot be written to, or owner and mode cannot be kept.
pub fn write_atomic(path: &Path, bytes: &[u8], mode: Mode) -> Result<(), Error> {
    let place = follow(path)?;
    let existing = match fs::metadata(&place) {
        Ok(existing) if !existing.is_file() => return Err(Error::NotAFile(place)),
        Ok(existing) => Some(existing),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(Error::io("read", &place)(error)),
    };
    let folder = folder_of(&place);
    let mut temporary = temporary_in(folder)?;
    temporary.write_all(bytes).map_err(Error::io("write", &place))?;
    set_mode(temporary.as_file(), existing.as_ref(), mode)
        .map_err(Error::io("keep the owner and mode of", &place))?;
    temporary.as_file().sync_all().map_err(Error::io("sync", &place))?;
    temporary.persist(&place).map_err(|error| Error::io("replace", &place)(error.error))?;
    sync_folder(folder)
}

/// Creates `path` with all of its content, for its owner alone (0600); one that exists stays as it is.
///
/// Of several that do this at once, one makes the file, and none ever sees half of it.
///
/// # Errors
/// When the folder cannot be written to.
pub fn create_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = folder_of(path);
    let mut temporary = temporary_in(folder)?;
    temporary.write_all(bytes).map_err(Error::io("write", path))?;
    set_mode(temporary.as_file(), None, Mode::Private).map_err(Error::io("set the mode of", path))?;
    temporary.as_file().sync_all().map_err(Error::io("sync", path))?;
    match temporary.persist_noclobber(path) {
        Ok(_) => sync_folder(folder),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(Error::io("create", path)(error.error)),
    }
}

/// Removes what was left beside `path` by writes that were killed, and may be half of a secret. What a process is writing
/// at this moment is locked by it, and stays.
///
/// # Errors
/// When the folder cannot be read, or such a file not be removed.
pub fn clear_abandoned(path: &Path) -> Result<(), Error> {
    let folder = folder_of(path);
    let unread = |error| Error::io("read the folder", folder)(error);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(unread)?,
    };
    for entry in entries {
        let entry = entry.map_err(unread)?;
        let is_ours = entry.file_name().to_string_lossy().starts_with(TEMPORARY)
            && entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_ours && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            match fs::remove_file(entry.path()) {
                // Another one cleared it at the same moment, or it is of somebody else, who must not hold up a write.
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) => {}
                removed => removed.map_err(Error::io("remove", &entry.path()))?,
            }
        }
    }
    Ok(())
}

/// A new file beside what it will replace, with mode 0600, removed when it is dropped, and locked as long as it is open.
fn temporary_in(folder: &Path) -> Result<NamedTempFile, Error> {
    let temporary = tempfile::Builder::new()
        .prefix(TEMPORARY)
        .tempfile_in(folder)
        .map_err(Error::io("write into the folder", folder))?;
    // Where files cannot be locked, nothing is cleared either.
    drop(temporary.as_file().try_lock());
    Ok(temporary)
}

/// Whether `write_atomic` can replace this file, tried without touching it; gives the file that a link leads to.
///
/// # Errors
/// When it is missing, is no regular file, is read-only, or its folder takes no new file.
pub fn check_replaceable(path: &Path) -> Result<PathBuf, Error> {
    let place = fs::canonicalize(path).map_err(Error::io("read", path))?;
    let existing = fs::metadata(&place).map_err(Error::io("read", path))?;
    if !existing.is_file() {
        return Err(Error::NotAFile(path.to_owned()));
    }
    if existing.permissions().readonly() {
        return Err(Error::ReadOnly(path.to_owned()));
    }
    let folder = folder_of(&place);
    let trial = temporary_in(folder)?;
    set_mode(trial.as_file(), Some(&existing), Mode::Keep)
        .map_err(Error::io("keep the owner and mode of", path))?;
    Ok(place)
}

/// How many names a file has, where that can be told.
#[cfg(unix)]
pub fn links(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(path).map_or(1, |data| data.nlink())
}

/// How many names a file has, where that can be told.
#[cfg(not(unix))]
pub fn links(_path: &Path) -> u64 {
    1
}

/// Creates a folder and its parents for the owner alone (0700); one that exists is left as it is.
///
/// # Errors
/// When the operating system refuses.
pub fn create_private_dir(path: &Path) -> Result<(), Error> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path).map_err(Error::io("create the folder", path))
}

/// The file that a symbolic link leads to, even one that does not exist yet.
fn follow(path: &Path) -> Result<PathBuf, Error> {
    match fs::canonicalize(path) {
        Ok(place) => Ok(place),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::read_link(path) {
            Ok(target) => Ok(folder_of(path).join(target)),
            Err(_) => Ok(path.to_owned()),
        },
        Err(error) => Err(Error::io("read", path)(error)),
    }
}

pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(unix)]
fn set_mode(file: &File, existing: Option<&Metadata>, mode: Mode) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
    if let (Mode::Keep | Mode::Private, Some(existing)) = (mode, existing) {
        let ours = file.metadata()?;
        if (ours.uid(), ours.gid()) != (existing.uid(), existing.gid()) {
            let kept = fchown(file, Some(existing.uid()), Some(existing.gid()));
            // A private file that root changes must stay its owner's; whoever else may replace it owns it from then on.
            kept.or_else(|error| if mode == Mode::Private { Ok(()) } else { Err(error) })?;
        }
    }
    let bits = match (mode, existing) {
        (Mode::Keep, Some(existing)) => existing.mode() & 0o7777,
        (Mode::Keep, None) | (Mode::Private, _) => 0o600,
        (Mode::Public, _) => 0o644,
    };
    file.set_permissions(fs::Permissions::from_mode(bits))
}

#[cfg(not(unix))]
fn set_mode(_file: &File, _existing: Option<&Metadata>, _mode: Mode) -> io::Result<()> {
    Ok(()) // the new file inherits the folder's access list
}

/// Makes a rename or a new name last: without it a crash can bring the old folder back.
#[cfg(unix)]
pub(super) fn sync_folder(folder: &Path) -> Result<(), Error> {
    File::open(folder).and_then(|handle| handle.sync_all()).map_err(Error::io("sync the folder", folder))
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "one signature on every system")]
pub(super) fn sync_folder(_folder: &Path) -> Result<(), Error> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn replaces_the_bytes_and_leaves_nothing_else_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_atomic(&path, b"one", Mode::Public).unwrap();
        write_atomic(&path, b"two", Mode::Keep).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[test]
    fn what_exists_is_not_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        create_whole(&path, b"one").unwrap();
        create_whole(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[test]
    fn what_a_killed_write_left_goes_and_what_is_being_written_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let beside = |name: &str| write_atomic(&folder.path().join(name), b"half", Mode::Private).unwrap();
        [".unleak-writing-a1B2c3", ".unleak.yaml", "own"].into_iter().for_each(beside);
        let open = temporary_in(folder.path()).unwrap();
        clear_abandoned(&path).unwrap();
        let open = open.path().file_name().unwrap().to_str().unwrap();
        assert_eq!(names(folder.path()), [open, ".unleak.yaml", "own"]);
        clear_abandoned(&folder.path().join("none/file")).unwrap();
    }

    #[test]
    fn a_folder_is_no_file_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(write_atomic(folder.path(), b"x", Mode::Keep), Err(Error::NotAFile(_))));
        assert!(matches!(check_replaceable(folder.path()), Err(Error::NotAFile(_))));
        assert!(names(folder.path()).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn mode_is_kept_and_a_link_stays_a_link() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        write_atomic(&real, b"one", Mode::Private).unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("real", &link).unwrap();
        write_atomic(&link, b"two", Mode::Keep).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"two");
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[cfg(unix)]
    #[test]
    fn a_read_only_file_is_refused_before_anything_is_written() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_atomic(&path, b"one", Mode::Private).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
        assert!(matches!(check_replaceable(&path), Err(Error::ReadOnly(_))));
    }
}
