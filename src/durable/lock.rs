//! One changer at a time, whoever started it and whatever state folder it uses.
//!
//! On Unix the folder of the file is locked itself, which leaves no lock file behind in an application's folder and
//! nothing to clean up after a crash. Elsewhere a folder cannot be opened, and a file in it takes its place.

use super::Error;
use super::write::folder_of;
use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

/// How often the lock is asked for, and how long in between.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(30);

/// An advisory lock on the folder of a file, held until it is dropped or the process ends.
#[derive(Debug)]
pub struct Lock {
    _held: File,
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
        for _ in 0..TRIES {
            match held.try_lock() {
                Ok(()) => return Ok(Self { _held: held }),
                Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
                Err(TryLockError::Error(error)) => return Err(Error::io("lock the folder", folder)(error)),
            }
        }
        Err(Error::Locked(path.to_owned()))
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
}
