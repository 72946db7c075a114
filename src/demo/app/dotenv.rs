//! One variable of a plain `NAME=value` file.

use super::super::Error;
use crate::secret::Secret;
use std::path::Path;
use zeroize::Zeroizing;

/// Reads the variable `name`.
pub(in crate::demo) fn read(path: &Path, name: &str) -> Result<Secret, Error> {
    let text = std::fs::read_to_string(path).map(Zeroizing::new).map_err(Error::io("read the .env"))?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    match value {
        Some(value) if !value.is_empty() => Ok(Secret::from(value.as_bytes())),
        _ => Err(Error::NoSecret(name.to_owned())),
    }
}
