//! Takes a caller's own session cookies away: every variant that the browser may hold.
//!
//! A browser knows a cookie by its name, domain and path, and sends the name alone; so each that can be meant is named.

use super::check::Verifier;
use super::original::{Original, cookies, is_cross_site};
use super::redirect::{local, sign_in};
use crate::cookie::Cookie;
use crate::serve::Problem;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use std::sync::Arc;

/// The cookie that marks who was sent to sign in a moment ago.
pub(super) const MARKER: &str = "unleak_cleared";

/// How long it does, in seconds.
const MARKED: u32 = 10;

/// So many cookies are cleared at a time; those that are left come with the next request.
const MOST: usize = 32;

/// So many bytes have the lines that do it: proxies take heads of 32k, as ours for nginx says.
const ROOM: usize = 24 << 10;

/// Adds a `Set-Cookie` line for every session cookie of the request, in every domain that it may have.
pub(super) fn clear(verifier: &Verifier, host: Option<&str>, sent: &[Cookie], headers: &mut HeaderMap) {
    let mut names: Vec<&str> = Vec::new();
    for cookie in sent {
        // One that only looks like ours keeps its holder out just the same.
        let name = &cookie.name;
        let is_meant = verifier.settings.is_session(name) || verifier.settings.is_strange(name);
        if is_meant && !names.contains(&&**name) && names.len() < MOST {
            names.push(name);
        }
    }
    let mut room = ROOM;
    for name in &names {
        let lines = lines(verifier, name, host);
        let Some(rest) =
            room.checked_sub(lines.iter().map(|line| line.len() + "set-cookie: \r\n".len()).sum())
        else {
            continue;
        };
        room = rest;
        for line in lines {
            if let Ok(line) = HeaderValue::from_str(&line) {
                headers.append(header::SET_COOKIE, line);
            }
        }
    }
    if !names.is_empty() {
        verifier.metrics.cleared();
    }
}

/// The lines for one name: host-only, and for each domain that covers the host.
fn lines(verifier: &Verifier, name: &str, host: Option<&str>) -> Vec<String> {
    let of_host = name.starts_with("__Host-");
    // Browsers take no prefixed name without it, to clear it either.
    let secure = if of_host || name.starts_with("__Secure-") { "; Secure" } else { "" };
    let mut places: Vec<String> = Vec::new();
    let settings = &verifier.settings;
    let own = settings.paths.iter().map(String::as_str);
    let paths: Vec<&str> = if of_host { vec!["/"] } else { own.collect() };
    for path in paths {
        places.push(format!("Path={path}"));
        if !of_host {
            let covering = host.into_iter().flat_map(covering).chain(settings.domains.iter().cloned());
            places.extend(covering.map(|domain| format!("Path={path}; Domain={domain}")));
        }
    }
    places.dedup();
    let line = |place| {
        format!(
            "{name}=; {place}; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax{secure}"
        )
    };
    places.iter().map(line).collect()
}

/// The host and the domains above it, save the last label, which is nobody's.
fn covering(host: &str) -> Vec<String> {
    let mut rest = Some(host);
    let mut domains = Vec::new();
    while let Some(domain) = rest.filter(|domain| domain.contains('.')) {
        domains.push(domain.to_owned());
        rest = domain.split_once('.').map(|(_, above)| above);
    }
    domains
}

/// Marks the browser as one that was sent to sign in just now.
pub(super) fn mark(headers: &mut HeaderMap) {
    let line = format!("{MARKER}=1; Path=/; Max-Age={MARKED}; HttpOnly; SameSite=Lax");
    if let Ok(line) = HeaderValue::from_str(&line) {
        headers.append(header::SET_COOKIE, line);
    }
}

/// `GET /session/clear?rd=PATH`: takes the caller's own cookies away and sends them to sign in.
pub(super) async fn by_link(State(verifier): State<Arc<Verifier>>, request: Request) -> Response {
    let (head, _) = request.into_parts();
    let original = Original::of(&head);
    let dest = head.headers.get("sec-fetch-dest");
    let is_framed = is_cross_site(&head.headers) && dest.is_some_and(|dest| dest != "document");
    if original.is_program || is_framed {
        // No picture of a page elsewhere logs anybody out, and no frame in it.
        let title = "Sessions are cleared by a visit, or by POST /api/auth/clear-session";
        return Problem::new(StatusCode::FORBIDDEN, "urn:unleak:not-a-visit", title).into_response();
    }
    let back = head.uri.query().and_then(|query| {
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs.find_map(|(name, value)| if name == "rd" { local(&value) } else { None })
    });
    let settings = &verifier.settings;
    let to = sign_in(&settings.sign_in, &settings.return_parameter, back.as_deref());
    let mut response = redirect(&to);
    clear(&verifier, original.host.as_deref(), &cookies(&head.headers), response.headers_mut());
    verifier.metrics.redirected();
    response
}

/// `POST /api/auth/clear-session`: the same for a program, which holds the cookies itself.
pub(super) async fn by_post(State(verifier): State<Arc<Verifier>>, request: Request) -> Response {
    let (head, _) = request.into_parts();
    if is_cross_site(&head.headers) {
        let title = "Another site may not clear sessions";
        return Problem::new(StatusCode::FORBIDDEN, "urn:unleak:cross-site", title).into_response();
    }
    let done = serde_json::json!({"success": true, "message": "Session cleared successfully"});
    let mut response = Json(done).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let host = Original::of(&head).host;
    clear(&verifier, host.as_deref(), &cookies(&head.headers), response.headers_mut());
    response
}

/// A redirect that nobody keeps.
pub(super) fn redirect(to: &str) -> Response {
    let mut response = StatusCode::FOUND.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    match HeaderValue::from_str(to) {
        Ok(to) => drop(headers.insert(header::LOCATION, to)),
        Err(_) => *response.status_mut() = StatusCode::UNAUTHORIZED,
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::verify::{CookieForm, Settings};
    use zeroize::Zeroizing;

    #[test]
    fn however_many_are_cleared_a_proxy_takes_the_head() {
        let settings = Settings {
            names: vec!["authjs.session-token".to_owned()],
            domains: (0..5).map(|number| format!("domain-{number}.example.com")).collect(),
            paths: vec!["/".to_owned(), "/application".to_owned()],
            ..Settings::new(CookieForm::Token)
        };
        let verifier = Verifier::new(settings, None, None);
        let cookie = |name: String| Cookie { name, value: Zeroizing::new("v".to_owned()) };
        let sent: Vec<_> =
            (0..64).map(|piece| cookie(format!("__Secure-authjs.session-token.{piece}"))).collect();
        let cleared = |sent: &[Cookie]| {
            let mut headers = HeaderMap::new();
            clear(&verifier, Some("shop.app.example.com"), sent, &mut headers);
            headers
        };
        let headers = cleared(&sent);
        let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        assert!(headers.len() > 16 && bytes < 28 << 10, "{} lines of {bytes} bytes", headers.len());
        let strange = [cookie("authjs.session-token.zzz".to_owned()), cookie("theme".to_owned())];
        let headers = cleared(&strange);
        let lines: Vec<_> = headers.values().map(|line| line.to_str().unwrap()).collect();
        assert!(!lines.is_empty() && lines.iter().all(|line| line.starts_with("authjs.session-token.zzz=;")));
    }
}
