//! One GET request whose status is all that matters: no redirects, no proxy, a short deadline.

use super::Error;
use crate::secret::Secret;
use std::fmt;
use std::time::Duration;
use ureq::http::{HeaderValue, Uri};

/// An address to ask, shown without its query, which may hold a token.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Uri);

impl Address {
    /// Takes an `http` or `https` address without user and password.
    ///
    /// # Errors
    /// [`Error::Url`] for anything else.
    pub fn new(text: &str) -> Result<Self, Error> {
        let shown = || text.split(['?', '@']).next().unwrap_or_default().to_owned();
        let bad = |reason| Error::Url {
            url: if text.contains('@') { "given".to_owned() } else { shown() },
            reason,
        };
        let uri: Uri = text.parse().map_err(|_| bad("it is no address"))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(bad("it is neither http nor https"));
        }
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(bad("it holds a user or password"));
        }
        Ok(Self(uri))
    }

    /// The status that a GET request is answered with, or why there was no answer.
    pub(super) fn status(&self, limit: Duration) -> Result<u16, String> {
        self.ask(None, limit).map(|(status, _)| status)
    }

    /// The status, and where a redirect leads, without the parts of that address that may hold a token.
    pub(super) fn ask(
        &self,
        cookie: Option<&Secret>,
        limit: Duration,
    ) -> Result<(u16, Option<String>), String> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(limit))
            .proxy(None)
            .user_agent(concat!("unleak/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        let mut request = agent.get(&self.0).header("cache-control", "no-cache");
        if let Some(cookie) = cookie {
            let mut value =
                HeaderValue::from_bytes(cookie.expose()).map_err(|_| "unusable cookie".to_owned())?;
            value.set_sensitive(true);
            request = request.header("cookie", value);
        }
        let answer = request.call().map_err(|error| match error {
            ureq::Error::Timeout(_) => "no answer in time".to_owned(),
            ureq::Error::Io(error) => error.kind().to_string(),
            ureq::Error::ConnectionFailed => "no connection".to_owned(),
            ureq::Error::HostNotFound => "unknown host".to_owned(),
            // The texts of other errors may quote what was sent.
            _ => "no HTTP answer".to_owned(),
        })?;
        let location = answer.headers().get("location").and_then(|location| location.to_str().ok());
        let location = location.filter(|_| answer.status().is_redirection()).map(place);
        Ok((answer.status().as_u16(), location))
    }
}

/// An address without query, fragment and parameters: a page to return to, a state, a session.
fn place(location: &str) -> String {
    let bare = location.split(['?', '#', ';']).next().unwrap_or_default();
    if bare.contains('@') {
        return "another address".to_owned();
    }
    // What is long and has digits may be a token, and differs from answer to answer.
    let token =
        |part: &str| part.len() >= 16 && part.bytes().any(|c| c.is_ascii_digit()) && !part.contains('.');
    let parts = bare.split('/').map(|part| if token(part) { "*" } else { part });
    parts.collect::<Vec<_>>().join("/").chars().filter(|c| !c.is_control()).take(200).collect()
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authority = self.0.authority().map_or("", |authority| authority.as_str());
        write!(f, "{}://{authority}{}", self.0.scheme_str().unwrap_or("http"), self.0.path())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_secret_in_an_address_is_not_shown() {
        let shown = Address::new("http://127.0.0.1:3000/health?token=hunter2").unwrap().to_string();
        assert_eq!(shown, "http://127.0.0.1:3000/health");
        assert_eq!(place("/login?returnTo=%2Fme#top"), "/login");
        assert_eq!(place("http://10.0.0.1:3000/in/0123456789abcdef"), "http://10.0.0.1:3000/in/*");
        assert_eq!(place("https://u:hunter2@h/x"), "another address");
        for bad in ["", "x", "ftp://x/", "http://user:hunter2@x/", "/path", "http://a b/"] {
            let error = Address::new(bad).unwrap_err();
            assert!(!error.to_string().contains("hunter2") && error.hint().is_some());
        }
    }
}
