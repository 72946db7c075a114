//! The cookies by which a rotation shows what it did: of a session that was given or logged in, and forged.
//!
//! A forged cookie is what whoever has the leaked value would make. That it is accepted before and refused afterwards
//! shows the end of the old value itself, and not only that of one session.

mod csrf;
mod forge;
mod login;
mod probe;

pub use forge::{Forge, Forgery};
pub use login::Login;
pub use probe::Probe;

use super::Error;
use crate::cookie;
use crate::secret::Secret;
use serde::{Deserialize, Serialize};

/// The cookies of one rotation. They are made before anything changes, and are used until its end.
#[derive(Clone, Debug, Default)]
pub(super) struct Canary {
    /// Of a session that was alive.
    pub(super) live: Option<Secret>,
    /// Made with the old value.
    pub(super) forged: Option<Secret>,
}

impl Canary {
    /// Logs in and forges, as far as that is asked for.
    pub(super) fn make(probe: &Probe, old: Option<&Secret>) -> Result<Self, Error> {
        let live = match (&probe.cookie, &probe.login) {
            (Some(cookie), _) => Some(cookie.clone()),
            (None, Some(login)) => Some(login.session()?),
            (None, None) => None,
        };
        let forged = probe.forge.as_ref().map(|forge| {
            let old = old.ok_or(Error::Forge("no target shows the old value"))?;
            forge.cookie(old, old, live.as_ref())
        });
        Ok(Self { live, forged: forged.transpose()? })
    }

    /// Every value in them: each is a credential of its own.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        self.live.iter().chain(&self.forged).flat_map(secrets_of).collect()
    }

    /// What is sealed, so that a rotation that goes on has the same cookies; one that was given is read again.
    pub(super) fn sealed(&self, probe: Option<&Probe>) -> Sealed {
        let text = |secret: &Secret| String::from_utf8_lossy(secret.expose()).into_owned();
        let was_given = probe.is_some_and(|probe| probe.cookie.is_some());
        Sealed {
            live: self.live.as_ref().filter(|_| !was_given).map(text),
            forged: self.forged.as_ref().map(text),
        }
    }
}

/// The cookies in the sealed memo of a rotation.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Sealed {
    live: Option<String>,
    forged: Option<String>,
}

impl Sealed {
    /// The same cookies, with the one that was given again.
    pub(super) fn open(self, given: Option<&Secret>) -> Canary {
        Canary {
            live: given.cloned().or_else(|| self.live.map(Secret::from)),
            forged: self.forged.map(Secret::from),
        }
    }
}

/// A cookie header and the values in it that are long enough to be credentials.
pub(super) fn secrets_of(header: &Secret) -> Vec<Secret> {
    let values = cookie::parse(header).into_iter().map(|cookie| cookie.value);
    // An address to return to is no secret, and stands in our own texts.
    let is_secret = |value: &str| value.len() >= 8 && !value.contains("://") && !value.contains("%3A%2F%2F");
    let values = values.filter(|value| is_secret(value)).map(|value| Secret::from(value.as_bytes()));
    std::iter::once(header.clone()).chain(values).collect()
}
