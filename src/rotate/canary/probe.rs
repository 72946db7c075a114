//! How a live session shows that it is alive: an address that only a logged-in user can see, and whose cookie asks.

use super::{Forge, Login, secrets_of};
use crate::rotate::{Address, Error};
use crate::secret::Secret;

/// An address and at least one way to a cookie that it accepts.
#[derive(Clone, Debug)]
pub struct Probe {
    /// An address that only a logged-in user can see.
    pub url: Address,
    /// A live session's cookie header, where one is given.
    pub cookie: Option<Secret>,
    /// How to log in.
    pub login: Option<Login>,
    /// How to make a cookie with the old value.
    pub forge: Option<Forge>,
}

impl Probe {
    /// Takes a cookie as a browser sends it: `name=value`, several joined by `;`.
    ///
    /// # Errors
    /// [`Error::Cookie`] when it cannot be sent as one header.
    pub fn new(url: Address, cookie: &Secret) -> Result<Self, Error> {
        Ok(Self { url, cookie: Some(header(cookie)?), login: None, forge: None })
    }

    /// Takes every way that there is; none where the cookies of a rotation that goes on are sealed.
    ///
    /// # Errors
    /// [`Error::Cookie`] when the cookie cannot be sent.
    pub fn of(
        url: Address,
        cookie: Option<&Secret>,
        login: Option<Login>,
        forge: Option<Forge>,
    ) -> Result<Self, Error> {
        Ok(Self { url, cookie: cookie.map(header).transpose()?, login, forge })
    }

    /// What must never be shown.
    pub(in crate::rotate) fn secrets(&self) -> Vec<Secret> {
        let mut secrets: Vec<_> = self.cookie.iter().flat_map(secrets_of).collect();
        secrets.extend(self.login.iter().flat_map(Login::secrets));
        secrets.extend(self.forge.iter().filter_map(|forge| forge.contents.clone()));
        secrets
    }
}

fn header(cookie: &Secret) -> Result<Secret, Error> {
    let text = std::str::from_utf8(cookie.expose()).map_err(|_| Error::Cookie("it is not text"))?.trim();
    let text = text.strip_prefix("Cookie:").unwrap_or(text).trim();
    if text.is_empty() {
        return Err(Error::Cookie("it is empty"));
    }
    if !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err(Error::Cookie("it has more than one line or unusual characters"));
    }
    if !text.contains('=') {
        return Err(Error::Cookie("it has no name"));
    }
    Ok(Secret::from(text.to_owned()))
}
