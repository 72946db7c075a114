//! A file that only grows, and whose every record is on disk before the next action.

use super::Error;
use super::write::{folder_of, sync_folder};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// An append-only file for its owner alone (0600).
#[derive(Debug)]
pub struct AppendFile {
    file: File,
    path: PathBuf,
}

impl AppendFile {
    /// Creates the file; one that exists is an error.
    ///
    /// # Errors
    /// When it exists or cannot be created.
    pub fn create(path: &Path) -> Result<Self, Error> {
        let mut options = OpenOptions::new();
        options.append(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let file = options.open(path).map_err(Error::io("create", path))?;
        sync_folder(folder_of(path))?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Adds bytes and returns when they are on disk.
    ///
    /// # Errors
    /// When they cannot be written or synced.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(Error::io("write", &self.path))?;
        self.file.sync_data().map_err(Error::io("sync", &self.path))
    }
}
