//! The request that a proxy asks about: its own headers, and those that tell what the client had sent.

use super::redirect::local;
use crate::cookie::{Cookie, parse};
use crate::secret::Secret;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, Method, header};

/// What matters of the original request.
pub(super) struct Original {
    /// Whether it only reads, so that a redirect repeats nothing.
    pub(super) reads: bool,
    /// Whether a program sent it, which cannot use a page.
    pub(super) is_program: bool,
    /// Its path and query, when they are of this host and safe to go back to.
    pub(super) uri: Option<String>,
    /// Its host without a port.
    pub(super) host: Option<String>,
}

impl Original {
    pub(super) fn of(head: &Parts) -> Self {
        let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let method = text("x-forwarded-method").or_else(|| text("x-original-method"));
        let uri = text("x-forwarded-uri").or_else(|| text("x-original-uri")).and_then(local);
        Self {
            reads: match method {
                Some(method) => matches!(method, "GET" | "HEAD"),
                None => matches!(head.method, Method::GET | Method::HEAD),
            },
            is_program: is_program(&head.headers),
            // Envoy says nothing of the sort and puts the path behind ours.
            uri: uri
                .or_else(|| local(head.uri.path().strip_prefix("/verify").filter(|path| path.len() > 1)?)),
            host: host(&head.headers),
        }
    }

    /// The request itself, where no proxy stands in between: its headers about another one are the client's inventions.
    pub(super) fn of_own(head: &Parts) -> Self {
        let host = head.headers.get(header::HOST).and_then(|value| value.to_str().ok());
        Self {
            reads: matches!(head.method, Method::GET | Method::HEAD),
            is_program: is_program(&head.headers),
            uri: head.uri.path_and_query().and_then(|uri| local(uri.as_str())),
            host: host.and_then(name_of),
        }
    }
}

/// The headers that answers tell of a session by, which applications believe.
pub(super) const TOLD: [HeaderName; 3] = [
    HeaderName::from_static("x-session-user"),
    HeaderName::from_static("x-session-expires"),
    HeaderName::from_static("x-session-reason"),
];

/// Whether the client sent a header that some applications take for one of those: CGI and what took after it make one name
/// of all that differ in nothing but signs. No proxy replaces such a one.
pub(super) fn is_disguised(headers: &HeaderMap) -> bool {
    let same = |(own, other): (u8, u8)| own == other || own == b'-' && !other.is_ascii_alphanumeric();
    let is_alias = |name: &str, own: &str| {
        name.len() == own.len() && name != own && own.bytes().zip(name.bytes()).all(same)
    };
    headers.keys().any(|name| TOLD.iter().any(|own| is_alias(name.as_str(), own.as_str())))
}

/// Whether the answer is for a program: the browser says so, or the request asks for JSON and not for a page.
fn is_program(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let accept = text("accept").unwrap_or_default();
    text("sec-fetch-mode").is_some_and(|mode| mode != "navigate")
        || text("x-requested-with").is_some_and(|by| by.eq_ignore_ascii_case("xmlhttprequest"))
        || accept.contains("json") && !accept.contains("text/html")
}

/// The name of the host that the client asked for, if it is one that cookies can be of.
fn host(headers: &HeaderMap) -> Option<String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    name_of(text("x-forwarded-host").or_else(|| text("host"))?)
}

fn name_of(given: &str) -> Option<String> {
    let name = given.rsplit_once(':').map_or(given, |(name, _)| name).to_ascii_lowercase();
    let label = |label: &str| {
        (1..64).contains(&label.len()) && label.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
    };
    let is_name = name.len() < 254 && name.split('.').all(label);
    // Cookies are not shared between numbers.
    let is_number = name.rsplit('.').next().is_some_and(|last| last.bytes().all(|c| c.is_ascii_digit()));
    (is_name && !is_number).then_some(name)
}

/// Whether a page of another site made the request, as the browser says: by a header of its own, or by where it came from.
pub(super) fn is_cross_site(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "cross-site";
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let name = |text: &str| Authority::try_from(text).ok().map(|at| at.host().to_ascii_lowercase());
    let from = origin.to_str().ok().and_then(|origin| name(origin.split_once("://")?.1));
    from.is_none() || from != text("x-forwarded-host").or_else(|| text("host")).and_then(name)
}

/// The cookies of a request, whose headers may be several.
pub(super) fn cookies(headers: &HeaderMap) -> Vec<Cookie> {
    let all = headers.get_all(header::COOKIE).iter();
    all.flat_map(|value| parse(&Secret::from(value.as_bytes()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_differs_in_signs_alone_is_a_disguise() {
        let sent = |name: &str| {
            let name: HeaderName = name.parse().unwrap();
            is_disguised(&HeaderMap::from_iter([(name, "root".parse().unwrap())]))
        };
        for name in
            ["X_Session_User", "x.session-user", "x-session.expires", "X!Session~Reason", "x-session_user"]
        {
            assert!(sent(name), "{name}");
        }
        for name in
            ["x-session-user", "X-Session-Reason", "xasession-user", "x-session-users", "x-sessionxuser"]
        {
            assert!(!sent(name), "{name}");
        }
    }
}
