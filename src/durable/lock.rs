//! One changer at a time, whoever started it and whatever state folder it uses.
//!
//! On Unix the folder of the file is locked itself, which leaves no lock file behind in an application's folder and
//! nothing to clean up after a crash. Elsewhere a folder cannot be opened, and a file in it takes its place.

use super::Error;
use super::write::folder_of;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often the lock is asked for, and how long in between.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(30);

/// The folders that everybody on the machine can make files in, each where it is there.
#[cfg(unix)]
const SHARED: [&str; 2] = ["/run/lock", "/tmp"];

/// An advisory lock on the folder of a file, held until it is dropped or the process ends.
#[derive(Debug)]
pub struct Lock {
    held: File,
    /// The file that was made for it, which goes with it.
    made: Option<PathBuf>,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // While it is held: whoever opens it before finds it gone, and makes another.
        if let Some(made) = &self.made {
            drop(std::fs::remove_file(made));
        }
    }
}

impl Lock {
    /// Takes the lock for changing `path`, without waiting for anybody's work: a process that starts a program shares its
    /// locks with it for some milliseconds, so one that was given up may still be held when this is asked first.
    ///
    /// # Errors
    /// [`Error::Locked`] when somebody else holds it.
    pub fn beside(path: &Path) -> Result<Self, Error> {
        let folder = folder_of(path);
        let held = open(folder).map_err(Error::io("lock the folder", folder))?;
        Self::take(held, path, folder)
    }

    /// Takes the lock of this name from whoever is on the machine, by an empty file in each folder that all can use: one
    /// where the other cannot write is still locked for it. `None` where there is no such folder.
    ///
    /// # Errors
    /// [`Error::Locked`] when somebody else holds it.
    #[cfg(unix)]
    pub fn of_machine(key: &str) -> Result<Vec<Self>, Error> {
        let mut locks = Vec::new();
        for folder in SHARED.map(Path::new) {
            let path = folder.join(format!("unleak-{key}.lock"));
            for tries in 1.. {
                let Some(held) = shared(&path).map_err(Error::io("lock", &path))? else { break };
                let mut lock = Self::take(held, &path, &path)?;
                if is_at(&lock.held, &path) {
                    lock.made = Some(path);
                    locks.push(lock);
                    break;
                }
                if tries == TRIES {
                    return Err(Error::Locked(path));
                }
            }
        }
        Ok(locks)
    }

    /// Elsewhere no folder is known that all can use.
    ///
    /// # Errors
    /// None.
    #[cfg(not(unix))]
    pub fn of_machine(_key: &str) -> Result<Vec<Self>, Error> {
        Ok(Vec::new())
    }

    fn take(held: File, path: &Path, place: &Path) -> Result<Self, Error> {
        for _ in 0..TRIES {
            match held.try_lock() {
                Ok(()) => return Ok(Self { held, made: None }),
                Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
                Err(TryLockError::Error(error)) => return Err(Error::io("lock", place)(error)),
            }
        }
        Err(Error::Locked(path.to_owned()))
    }
}

/// Whether the file has still this name: it may have been removed by whoever held the lock before.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let which = |data: std::fs::Metadata| (data.dev(), data.ino());
    let named = std::fs::symlink_metadata(path).map(which);
    file.metadata().map(which).is_ok_and(|ours| named.is_ok_and(|named| named == ours))
}

/// An empty file in a folder of all users, made where it is not there. `None` where the folder takes none.
#[cfg(unix)]
fn shared(path: &Path) -> std::io::Result<Option<File>> {
    use std::io::ErrorKind::{AlreadyExists, NotFound, PermissionDenied, ReadOnlyFilesystem};
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    // In such a folder anybody may have put anything: no link is followed, and no pipe waited for.
    let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits().cast_signed();
    let open = || File::options().read(true).custom_flags(flags).open(path).map(Some);
    match open() {
        Err(error) if error.kind() == NotFound => {}
        opened => return opened,
    }
    match File::options().write(true).create_new(true).mode(0o444).custom_flags(flags).open(path) {
        Ok(made) => {
            made.set_permissions(std::fs::Permissions::from_mode(0o444))?;
            Ok(Some(made))
        }
        Err(error) if error.kind() == AlreadyExists => open(),
        Err(error) if matches!(error.kind(), NotFound | PermissionDenied | ReadOnlyFilesystem) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn open(folder: &Path) -> std::io::Result<File> {
    File::open(folder)
}

#[cfg(not(unix))]
fn open(folder: &Path) -> std::io::Result<File> {
    File::options().create(true).truncate(false).write(true).open(folder.join(".unleak.lock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_changer_is_told_and_the_end_of_the_first_frees_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let first = Lock::beside(&path).unwrap();
        assert!(matches!(Lock::beside(&path), Err(Error::Locked(_))));
        drop(first);
        Lock::beside(&path).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_name_is_taken_once_on_the_machine() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let key = format!("test-{}", folder.path().file_name().unwrap().to_str().unwrap());
        let first = Lock::of_machine(&key).unwrap();
        assert!(!first.is_empty());
        assert!(matches!(Lock::of_machine(&key), Err(Error::Locked(_))));
        drop(first);
        for folder in SHARED.map(Path::new) {
            assert!(!folder.join(format!("unleak-{key}.lock")).exists(), "{} is littered", folder.display());
        }
        drop(Lock::of_machine(&key).unwrap());
        // Nothing that somebody put there leads elsewhere.
        let (link, file) = (folder.path().join("link"), folder.path().join("file"));
        symlink(&file, &link).unwrap();
        assert!(shared(&link).is_err() && !file.exists());
        assert!(shared(&folder.path().join("none/x")).unwrap().is_none());
    }
}
