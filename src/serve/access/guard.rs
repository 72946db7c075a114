//! The one door of everything that is not for everybody. A safe method needs a reader; every other one needs a writer,
//! must not come from another site, and needs the CSRF token where a browser would send credentials by itself.

use super::{CONSOLE, Identity, Refusal};
use crate::serve::listen::Peer;
use crate::serve::unread::unread;
use crate::serve::{App, Problem, page};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use subtle::ConstantTimeEq as _;

/// A request's body has no more bytes than these.
const LARGEST: usize = 64 << 10;

/// Lets a request through to its handler, or answers it.
pub(in crate::serve) async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let for_people = !request.uri().path().starts_with("/admin") && wants_page(request.headers());
    let peer = request.extensions().get::<Peer>().copied().unwrap_or_default();
    let identity = match app.access.identify(request.headers(), request.uri().path(), peer) {
        Ok(identity) => identity,
        Err(Refusal::Unknown) if for_people => return page::login_needed(request.uri()),
        Err(refusal) => return refused(refusal).into_response(),
    };
    if !is_safe(request.method()) {
        request = match check_change(&identity, request).await {
            Ok(request) => request,
            Err(problem) => {
                let told = for_people.then(|| page::problem(Some(&identity), &problem));
                let mut response = told.unwrap_or_else(|| problem.into_response());
                // The log says who tried.
                response.extensions_mut().insert(identity);
                return response;
            }
        };
    }
    request.extensions_mut().insert(identity.clone());
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.extensions_mut().insert(identity);
    response
}

/// What a refusal is answered with.
pub(in crate::serve) fn refused(refusal: Refusal) -> Response {
    match refusal {
        Refusal::Unknown => Problem::new(
            StatusCode::UNAUTHORIZED,
            "urn:unleak:unauthenticated",
            "A token is needed, and this is none that is known",
        )
        .hinted(Some("make one with `unleak serve token add NAME --scope read` and send it as `Authorization: Bearer TOKEN`".to_owned()))
        .into_response(),
        Refusal::TooMany(wait) => {
            let title = "Too many requests";
            let mut response =
                Problem::new(StatusCode::TOO_MANY_REQUESTS, "urn:unleak:rate", title).into_response();
            let seconds = HeaderValue::from(wait.as_secs() + 1);
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
            response
        }
    }
}

/// Checks a request that changes something, and gives it back with its body.
async fn check_change(identity: &Identity, request: Request) -> Result<Request, Problem> {
    let forbidden = |kind, title| Problem::new(StatusCode::FORBIDDEN, kind, title);
    if is_cross_site(request.headers()) {
        let title = "A request from another site changes nothing here";
        return Err(forbidden("urn:unleak:cross-site", title));
    }
    // Everybody may log out.
    if !identity.may_write() && !is_logout(request.uri().path()) {
        return Err(forbidden("urn:unleak:scope", "This token may look and change nothing")
            .hinted(Some("use a token that was made with `--scope write`".to_owned())));
    }
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, LARGEST).await.map_err(|error| unread(&error))?;
    if let Some(csrf) = identity.csrf()
        && !carries(&parts.headers, &bytes, csrf)
    {
        let title = "The request does not carry the token of this login";
        return Err(forbidden("urn:unleak:csrf", title)
            .hinted(Some("load the page again and repeat it there".to_owned())));
    }
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

/// The login's own page for that, below its folder or not.
fn is_logout(path: &str) -> bool {
    let within = path.strip_prefix(CONSOLE).and_then(|rest| rest.strip_prefix('/')?.split_once('/'));
    within.map_or(path == "/logout", |(_, page)| page == "logout")
}

/// Whether a request carries the token, in a header or as a field of a form.
fn carries(headers: &HeaderMap, body: &Bytes, csrf: &str) -> bool {
    let in_header = headers.get("x-csrf-token").map(|value| value.as_bytes().to_vec());
    let in_form = || {
        let mut fields = url::form_urlencoded::parse(body);
        fields.find(|(name, _)| name == "csrf").map(|(_, value)| value.into_owned().into_bytes())
    };
    in_header.or_else(in_form).is_some_and(|given| given.ct_eq(csrf.as_bytes()).into())
}

/// Whether a browser says that another site made this request. Programs send neither header.
pub(in crate::serve) fn is_cross_site(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site != "same-origin" && site != "none";
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let from = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    host.is_none() || from != host
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

pub(super) fn wants_page(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .any(|value| value.to_str().is_ok_and(|accept| accept.contains("text/html")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_site_is_told_by_what_browsers_send() {
        let ask = |pairs: &[(&'static str, &'static str)]| {
            let pairs = pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            is_cross_site(&pairs.collect::<HeaderMap>())
        };
        assert!(!ask(&[]));
        assert!(!ask(&[("sec-fetch-site", "same-origin"), ("origin", "null")]));
        assert!(ask(&[("sec-fetch-site", "cross-site")]) && ask(&[("sec-fetch-site", "same-site")]));
        assert!(!ask(&[("origin", "https://a.example:8"), ("host", "a.example:8")]));
        assert!(ask(&[("origin", "https://a.example"), ("host", "a.example:8")]));
        assert!(ask(&[("origin", "null"), ("host", "a.example")]) && ask(&[("origin", "https://a.example")]));
    }
}
