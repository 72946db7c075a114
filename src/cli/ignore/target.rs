//! The ignore file that a command changes: the one at the root of what it scanned.

use super::failure;
use crate::cli::{Failure, scan};
use crate::suppress::{FILE_NAME, IgnoreFile};
use std::path::PathBuf;

/// The place of the file.
pub(super) fn place(done: &scan::Done) -> Result<PathBuf, Failure> {
    let root = done.root.as_ref().ok_or_else(|| {
        let failure = Failure::usage(
            "there is no folder for the ignore file: this is a bare repository or a single file",
        );
        failure.hinted(format!("run it in a clone or folder; {FILE_NAME} is committed with what it is about"))
    })?;
    Ok(root.join(FILE_NAME))
}

/// The file, if it is there.
pub(super) fn load(place: &std::path::Path) -> Result<Option<IgnoreFile>, Failure> {
    IgnoreFile::load(place).map_err(|error| failure(&error))
}
