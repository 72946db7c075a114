//! What a rotation was asked for, sealed beside its journal, so that whoever goes on with it needs only its name.
//!
//! It says where passwords and cookies come from and holds none of them but those that the rotation made itself: of its
//! login, and forged. It is sealed also since a reload command or an address may hold a credential that somebody typed.

use super::canary::{Canary, Sealed};
use super::unfinished::SEALED;
use super::{Error, IncidentId, Probe, Reload, Request, Target, claim, seal};
use crate::secret::Secret;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::path::Path;
use zeroize::Zeroizing;

/// The sealed file, inside the incident's folder.
pub(super) const MEMO: &str = "request.sealed";

#[derive(Serialize, Deserialize)]
pub(super) struct Memo {
    /// The targets as they are shown.
    pub(super) targets: Vec<String>,
    /// What tells them from others; the names alone where it was not written yet.
    #[serde(default)]
    identities: Option<Vec<String>>,
    /// What is claimed for each target.
    #[serde(default)]
    claims: Vec<String>,
    /// What targets and reloads led to when the rotation was planned.
    #[serde(default)]
    endpoints: Vec<(String, String)>,
    /// What the caller wants to have back.
    arguments: Option<String>,
    /// A hash of the address and the cookie that were given: answers of and to others cannot be compared.
    #[serde(default)]
    probe: Option<String>,
    /// The cookies that were made for this rotation, which nobody could give again.
    #[serde(default)]
    canary: Sealed,
}

impl Memo {
    pub(super) fn of(request: &Request, canary: &Canary) -> Self {
        let arguments = request.arguments.as_ref();
        Self {
            targets: request.targets.iter().map(ToString::to_string).collect(),
            identities: Some(request.targets.iter().map(|target| target.place().identity()).collect()),
            claims: request.targets.iter().map(claim::name).collect(),
            endpoints: endpoints(request),
            arguments: arguments.map(|secret| String::from_utf8_lossy(secret.expose()).into_owned()),
            probe: request.probe.as_ref().map(hash),
            canary: canary.sealed(request.probe.as_ref()),
        }
    }

    pub(super) fn write(&self, folder: &Path, state: &Path, id: &IncidentId) -> Result<(), Error> {
        let text = Zeroizing::new(serde_json::to_vec(self).expect("a memo is plain data"));
        seal::seal(&folder.join(MEMO), &state.join("undo.key"), &bound_to(id), &text)
    }

    pub(super) fn read(folder: &Path, state: &Path, id: &IncidentId) -> Result<Self, Error> {
        let path = folder.join(MEMO);
        let text = seal::unseal(&path, &state.join("undo.key"), &bound_to(id))?;
        serde_json::from_slice(&text).map_err(|_| Error::Seal(path))
    }

    /// Whether these are the targets that it was asked for.
    pub(super) fn is_about(&self, targets: &[Target]) -> bool {
        match &self.identities {
            Some(known) => targets.iter().map(|target| target.place().identity()).eq(known.iter().cloned()),
            None => targets.iter().map(ToString::to_string).eq(self.targets.iter().cloned()),
        }
    }

    /// Whether it is about this target too, or about what is written together with it.
    pub(super) fn claims(&self, target: &Target) -> bool {
        let (claim, identity, text) = (claim::name(target), target.place().identity(), target.to_string());
        match &self.identities {
            _ if !self.claims.is_empty() => self.claims.contains(&claim),
            Some(known) => known.contains(&identity),
            None => self.targets.contains(&text),
        }
    }

    /// The first target or reload of the same name that leads elsewhere now: what, where it led, where it leads.
    pub(super) fn moved(&self, request: &Request) -> Option<(String, String, String)> {
        endpoints(request).into_iter().find_map(|(what, now)| {
            let (_, was) = self.endpoints.iter().find(|(name, was)| *name == what && *was != now)?;
            Some((what, was.clone(), now))
        })
    }

    /// The cookies that were seen alive; `None` when another one, or another address, is given now.
    pub(super) fn canary(self, probe: &Probe) -> Option<Canary> {
        (self.probe == Some(hash(probe))).then(|| self.canary.open(probe.cookie.as_ref()))
    }
}

/// Gives back what the caller of the unfinished rotation had put into [`Request::arguments`].
///
/// # Errors
/// When there is no such rotation, or what it left cannot be opened.
pub fn remembered(state: &Path, id: &IncidentId) -> Result<Option<Secret>, Error> {
    let folder = state.join("incidents").join(id.as_str());
    if !folder.join(SEALED).exists() {
        return Err(Error::NotUnfinished(id.to_string()));
    }
    Ok(Memo::read(&folder, state, id)?.arguments.map(Secret::from))
}

fn endpoints(request: &Request) -> Vec<(String, String)> {
    let targets = request.targets.iter();
    let targets = targets.filter_map(|target| Some((target.to_string(), target.place().endpoint()?)));
    targets.chain(request.reload.iter().filter_map(Reload::endpoint)).collect()
}

/// One sealed file cannot be put in the place of the other.
fn bound_to(id: &IncidentId) -> String {
    format!("{id}/request")
}

fn hash(probe: &Probe) -> String {
    let hash = Sha256::new().chain_update(probe.url.whole().as_bytes());
    let hash = match &probe.cookie {
        // No address holds a zero.
        Some(cookie) => hash.chain_update([0]).chain_update(cookie.expose()),
        None => hash,
    };
    hex::encode(hash.finalize())
}
