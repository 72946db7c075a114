//! What it takes to go on or back after a crash: the old content of every target and the new value, sealed in one file.
//!
//! The new value is in it because half of the targets may have it already, and some cannot be read.

use super::target::Held;
use super::unfinished::SEALED;
use super::{Error, IncidentId, seal};
use crate::secret::Secret;
use std::path::Path;
use zeroize::Zeroizing;

/// The way back, opened.
pub(super) struct WayBack {
    /// What each target gave to be sealed, in their order.
    pub(super) old: Vec<Zeroizing<Vec<u8>>>,
    /// The new value.
    pub(super) new: Secret,
    /// The value that leaked, where that is known.
    pub(super) leaked: Option<Secret>,
}

/// Seals the way back into the incident's folder: each part with its length before it, the new value first and the
/// leaked one, if it is known, last.
pub(super) fn write(
    folder: &Path,
    state: &Path,
    id: &IncidentId,
    held: &[Box<dyn Held>],
    new: &Secret,
    leaked: Option<&Secret>,
) -> Result<(), Error> {
    let mut parts = vec![Zeroizing::new(new.expose().to_vec())];
    parts.extend(held.iter().map(|held| held.sealed()));
    parts.extend(leaked.map(|leaked| Zeroizing::new(leaked.expose().to_vec())));
    let length: usize = parts.iter().map(|part| part.len() + 8).sum();
    let mut bytes = Zeroizing::new(Vec::with_capacity(length));
    for part in &parts {
        bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(part);
    }
    seal::seal(&folder.join(SEALED), &state.join("undo.key"), id.as_str(), &bytes)
}

/// Opens what [`write()`] sealed for so many targets.
pub(super) fn open(path: &Path, state: &Path, id: &IncidentId, targets: usize) -> Result<WayBack, Error> {
    let bytes = seal::unseal(path, &state.join("undo.key"), id.as_str())?;
    let mut parts = parts(&bytes).ok_or_else(|| Error::Seal(path.to_owned()))?.into_iter();
    let new = parts.next().ok_or_else(|| Error::Seal(path.to_owned()))?;
    let old = parts.by_ref().take(targets).collect();
    let leaked = parts.next().map(|leaked| Secret::from(&leaked[..]));
    Ok(WayBack { new: Secret::from(&new[..]), old, leaked })
}

fn parts(mut rest: &[u8]) -> Option<Vec<Zeroizing<Vec<u8>>>> {
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let (length, tail) = rest.split_first_chunk::<8>()?;
        let (part, tail) = tail.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        parts.push(Zeroizing::new(part.to_vec()));
        rest = tail;
    }
    Some(parts)
}
