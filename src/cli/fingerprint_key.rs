//! The key of this installation's fingerprints, kept in the state folder and made when first needed.

use super::Context;
use crate::secret::FingerprintKey;
use std::io::{self, Write as _};
use std::path::Path;

const FILE_NAME: &str = "fingerprint.key";

/// Gives the key; without a state folder that can be written, one for this run only.
pub(super) fn load(context: &mut Context) -> io::Result<FingerprintKey> {
    let Some(folder) = context.state_dir() else { return fresh() };
    match read_or_make(&folder) {
        Ok(key) => Ok(key),
        Err(error) => {
            let path = folder.join(FILE_NAME);
            writeln!(
                context.err,
                "note: {} cannot be used ({error}); the fingerprints of this run are its own",
                path.display()
            )?;
            fresh()
        }
    }
}

/// Gives the key if it can be kept.
pub(super) fn kept(context: &Context) -> Option<FingerprintKey> {
    read_or_make(&context.state_dir()?).ok()
}

fn fresh() -> io::Result<FingerprintKey> {
    FingerprintKey::generate().map_err(io::Error::other)
}

fn read_or_make(folder: &Path) -> io::Result<FingerprintKey> {
    let path = folder.join(FILE_NAME);
    match std::fs::read(&path) {
        Ok(bytes) => parse(&bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(folder, &path),
        Err(error) => Err(error),
    }
}

/// Two first runs at once must agree: whoever comes second uses the first one's key.
fn make(folder: &Path, path: &Path) -> io::Result<FingerprintKey> {
    std::fs::create_dir_all(folder)?;
    let key = fresh()?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(key.bytes())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(key),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => parse(&std::fs::read(path)?),
        Err(error) => Err(error.error),
    }
}

fn parse(bytes: &[u8]) -> io::Result<FingerprintKey> {
    let bytes = bytes.try_into().map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no key"))?;
    Ok(FingerprintKey::new(bytes))
}
