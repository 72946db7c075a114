//! Single requests to the application: no redirects, no proxy, a short deadline. Mostly the status is all that matters.

use super::Error;
use crate::secret::Secret;
use std::fmt;
use std::io::Read as _;
use std::time::Duration;
use ureq::http::{HeaderValue, Uri};
use zeroize::Zeroizing;

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

    /// All of it, which may hold a token: to be hashed, never to be shown.
    pub(super) fn whole(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.to_string())
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
        let request = with_cookie(agent(limit).get(&self.0), cookie)?;
        let answer = request.call().map_err(|error| why(&error))?;
        let location = answer.headers().get("location").and_then(|location| location.to_str().ok());
        let location = location.filter(|_| answer.status().is_redirection()).map(place);
        Ok((answer.status().as_u16(), location))
    }

    /// The whole answer to a GET request.
    pub(super) fn get(&self, cookie: Option<&Secret>, limit: Duration) -> Result<Reply, String> {
        let request = with_cookie(agent(limit).get(&self.0), cookie)?;
        Ok(Reply::read(request.call().map_err(|error| why(&error))?))
    }

    /// The whole answer to a form.
    pub(super) fn post(
        &self,
        cookie: Option<&Secret>,
        body: &Body,
        limit: Duration,
    ) -> Result<Reply, String> {
        let form = if body.is_json { "application/json" } else { "application/x-www-form-urlencoded" };
        let mut request = with_cookie(agent(limit).post(&self.0), cookie)?;
        // What a browser sends from a page of the same site.
        let origin = format!("{}://{}", self.scheme(), self.authority());
        request = request.header("content-type", form).header("referer", format!("{origin}/"));
        request = request.header("origin", origin).header("accept", "text/html,application/json,*/*");
        if let Some(token) = &body.token {
            for name in ["x-csrf-token", "x-csrftoken"] {
                request = request.header(name, sensitive(token.as_bytes())?);
            }
        }
        Ok(Reply::read(request.send(body.text.expose()).map_err(|error| why(&error))?))
    }

    fn scheme(&self) -> &str {
        self.0.scheme_str().unwrap_or("http")
    }

    fn authority(&self) -> &str {
        self.0.authority().map_or("", |authority| authority.as_str())
    }
}

/// What a form sends.
pub(super) struct Body {
    pub(super) text: Secret,
    pub(super) is_json: bool,
    /// The page's token, which some frameworks want in a header.
    pub(super) token: Option<Zeroizing<String>>,
}

/// An answer with what a browser would keep of it.
pub(super) struct Reply {
    pub(super) status: u16,
    /// The `Set-Cookie` lines.
    pub(super) cookies: Vec<Zeroizing<String>>,
    pub(super) body: Zeroizing<Vec<u8>>,
}

impl Reply {
    /// Reads it; of a body that breaks off or is longer than a page, what came first.
    fn read(mut answer: ureq::http::Response<ureq::Body>) -> Self {
        const LONGEST: u64 = 1 << 20;
        let cookies = answer.headers().get_all("set-cookie").iter();
        let cookies = cookies.filter_map(|line| line.to_str().ok());
        let cookies = cookies.map(|line| Zeroizing::new(line.to_owned())).collect();
        let mut body = Zeroizing::new(Vec::new());
        drop(answer.body_mut().as_reader().take(LONGEST).read_to_end(&mut body));
        Self { status: answer.status().as_u16(), cookies, body }
    }
}

fn agent(limit: Duration) -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(limit))
        .proxy(None)
        .user_agent(concat!("unleak/", env!("CARGO_PKG_VERSION")))
        .build()
        .into()
}

fn with_cookie<T>(
    request: ureq::RequestBuilder<T>,
    cookie: Option<&Secret>,
) -> Result<ureq::RequestBuilder<T>, String> {
    let request = request.header("cache-control", "no-cache");
    match cookie {
        Some(cookie) => Ok(request.header("cookie", sensitive(cookie.expose())?)),
        None => Ok(request),
    }
}

fn sensitive(value: &[u8]) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::from_bytes(value).map_err(|_| "unusable cookie".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

/// Why there was no answer. The texts of other errors may quote what was sent.
fn why(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => "no answer in time".to_owned(),
        ureq::Error::Io(error) => error.kind().to_string(),
        ureq::Error::ConnectionFailed => "no connection".to_owned(),
        ureq::Error::HostNotFound => "unknown host".to_owned(),
        _ => "no HTTP answer".to_owned(),
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
        write!(f, "{}://{}{}", self.scheme(), self.authority(), self.0.path())
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
