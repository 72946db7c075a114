//! Files that are read whole, up to a size that nothing which belongs there has: a path may lead to anything.

use super::Error;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use zeroize::Zeroizing;

/// No file of configuration, key or credential is larger.
pub(super) const CONFIGURATION: u64 = 4 * 1024 * 1024;
/// No journal, report or sealed file is larger.
pub(super) const RECORD: u64 = 64 * 1024 * 1024;

/// Reads all of a file; `shown` is the path for messages.
pub(super) fn read(path: &Path, shown: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>, Error> {
    let file = File::open(path).map_err(|source| Error::Read { path: shown.to_owned(), source })?;
    read_file(&file, shown, limit)
}

/// The same for a file that is open.
pub(super) fn read_file(file: &File, shown: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>, Error> {
    let failed = |source| Error::Read { path: shown.to_owned(), source };
    // Room from the start: a buffer that grows leaves copies of what it held behind.
    let length = file.metadata().map_or(0, |meta| meta.len().min(limit)) + 64;
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(length).unwrap_or(0)));
    file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(Error::TooLarge { path: shown.to_owned(), mib: limit / 1024 / 1024 });
    }
    Ok(bytes)
}

/// Reads all of a text.
pub(super) fn text(path: &Path, shown: &Path, limit: u64) -> Result<Zeroizing<String>, Error> {
    let bytes = read(path, shown, limit)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| Error::NotText(shown.to_owned()))?;
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::durable::{Mode, write_atomic};

    #[test]
    fn a_file_that_is_too_large_is_refused_and_never_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for (length, fits) in [(4, true), (5, false), (6, false)] {
            write_atomic(&path, &b"123456"[..length], Mode::Private).unwrap();
            let read = text(&path, &path, 4);
            assert_eq!(read.is_ok_and(|text| *text == "1234"), fits, "{length}");
        }
        write_atomic(&path, b"\xff", Mode::Private).unwrap();
        assert!(matches!(text(&path, &path, 4), Err(Error::NotText(_))));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_path_that_never_ends_does_not_fill_the_memory() {
        let endless = Path::new("/dev/zero");
        assert!(matches!(read(endless, endless, CONFIGURATION), Err(Error::TooLarge { mib: 4, .. })));
    }
}
