//! Verdicts as proxies understand them: nginx takes 2xx, 401 and 403 and drops what comes with them; the others hand
//! any other answer to the client as it is.

use super::check::{Identity, Verdict, Verifier};
use super::clear::{self, MARKER, clear, redirect};
use super::original::{Original, TOLD};
use super::redirect::sign_in;
use crate::cookie::Cookie;
use crate::serve::{LOG, Problem};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use maud::{DOCTYPE, html};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What the asking proxy can do with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Yes or no; cookies of the answer are lost.
    Nginx,
    /// The answer goes to the client.
    Redirect,
}

impl Mode {
    /// `?mode=nginx` or `?mode=redirect`, which is what holds without one.
    pub(super) fn of(query: Option<&str>) -> Result<Self, Problem> {
        let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        // A proxy may put the client's own query behind ours, which has no say here.
        match pairs.into_iter().find(|(name, _)| name == "mode").as_ref().map(|(_, mode)| &**mode) {
            Some("nginx") => Ok(Self::Nginx),
            Some("redirect") | None => Ok(Self::Redirect),
            Some(_) => {
                Err(Problem::new(StatusCode::BAD_REQUEST, "urn:unleak:mode", "The mode is nginx or redirect"))
            }
        }
    }
}

pub(super) fn answer(
    verifier: &Verifier,
    mode: Mode,
    original: &Original,
    cookies: &[Cookie],
    verdict: &Verdict,
) -> Response {
    let mut response = match verdict {
        Verdict::Valid(_) => pass(mode),
        Verdict::Unavailable if verifier.settings.fail_open => {
            verifier.metrics.passed();
            pass(mode)
        }
        // Also with --fail-open: whoever sends enough requests would get in.
        Verdict::Overloaded => {
            later("urn:unleak:overloaded", "Too many sessions are being verified at the moment")
        }
        Verdict::Unavailable | Verdict::Unanswered => {
            later("urn:unleak:unavailable", "The session cannot be verified at the moment")
        }
        Verdict::Absent => refuse(verifier, mode, original, !is_sign_in(verifier, original)),
        Verdict::Refused(reason) => {
            // Anybody can send such a cookie, so that is no line of the log; the metrics count it.
            tracing::debug!(target: LOG, reason = reason.name(), "a session was refused");
            refused(verifier, mode, original, cookies, reason.clears())
        }
    };
    tell(response.headers_mut(), verdict);
    response
}

/// An answer to a proxy that did not ask as it should; nobody is who they are by it.
pub(super) fn unasked(problem: Problem) -> Response {
    let mut response = problem.into_response();
    tell(response.headers_mut(), &Verdict::Absent);
    response
}

/// An answer to a client that tries to be somebody else. 403 is a no that every proxy knows.
pub(super) fn disguised(verifier: &Verifier) -> Response {
    verifier.metrics.disguised();
    let title = "A header of the request could be taken for one that tells who is logged in";
    let hint = "leave away headers whose names are like X-Session-User, with other signs between the words";
    let problem = Problem::new(StatusCode::FORBIDDEN, "urn:unleak:disguise", title);
    unasked(problem.hinted(Some(hint.to_owned())))
}

/// Nobody knows, and nothing is cleared.
fn later(kind: &'static str, title: &'static str) -> Response {
    let mut response = Problem::new(StatusCode::SERVICE_UNAVAILABLE, kind, title).into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    response
}

/// Whether it is the sign-in itself that asks for a session, so that leading there would be a circle.
fn is_sign_in(verifier: &Verifier, original: &Original) -> bool {
    let path = |uri: &str| uri.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/').to_owned();
    let sign_in = match url::Url::parse(&verifier.settings.sign_in) {
        // An address of another host leads away from here.
        Ok(url) if url.host_str() != original.host.as_deref() => return false,
        Ok(url) => path(url.path()),
        Err(_) => path(&verifier.settings.sign_in),
    };
    original.uri.as_deref().is_some_and(|uri| path(uri) == sign_in)
}

/// Envoy takes nothing but 200 for a yes.
fn pass(mode: Mode) -> Response {
    match mode {
        Mode::Nginx => StatusCode::NO_CONTENT.into_response(),
        Mode::Redirect => StatusCode::OK.into_response(),
    }
}

/// An answer to a session cookie that is of no use: away with it, and to the sign-in.
fn refused(
    verifier: &Verifier,
    mode: Mode,
    original: &Original,
    cookies: &[Cookie],
    clears: bool,
) -> Response {
    if mode == Mode::Nginx {
        return refuse(verifier, mode, original, false);
    }
    let been_there = cookies.iter().any(|cookie| cookie.name == MARKER);
    let mut response = if original.reads && !original.is_program && !been_there {
        verifier.metrics.redirected();
        let mut response = redirect(&where_to(verifier, original));
        clear::mark(response.headers_mut());
        response
    } else {
        // Twice in so short a time, and the sign-in would be a circle.
        refuse(verifier, mode, original, false)
    };
    if clears {
        clear(verifier, original.host.as_deref(), cookies, response.headers_mut());
    }
    response
}

/// 401, as a page for people and as a problem for programs.
fn refuse(verifier: &Verifier, mode: Mode, original: &Original, forwards: bool) -> Response {
    let mut response = if mode == Mode::Nginx || original.is_program {
        let title = "There is no session that is alive";
        Problem::new(StatusCode::UNAUTHORIZED, "urn:unleak:no-session", title).into_response()
    } else {
        page(&where_to(verifier, original), forwards && original.reads)
    };
    // RFC 9110 wants a challenge with every 401.
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Session realm=\"sign-in\""));
    response
}

/// A page that leads to the sign-in, by itself for somebody who only has to go there.
fn page(to: &str, forwards: bool) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                @if forwards { meta http-equiv="refresh" content=(format!("0; url={to}")); }
                title { "Sign in" }
            }
            body { p { "You are not signed in. " a href=(to) { "Sign in" } } }
        }
    };
    let mut response = (StatusCode::UNAUTHORIZED, Html(page.into_string())).into_response();
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    );
    response
}

fn where_to(verifier: &Verifier, original: &Original) -> String {
    let settings = &verifier.settings;
    sign_in(&settings.sign_in, &settings.return_parameter, original.uri.as_deref())
}

/// What a header would lose or trim: one user must never look like another. A percent sign is encoded too, so that
/// decoding gives the id back.
const UNSAFE: &AsciiSet = &CONTROLS.add(b' ').add(b'%');

/// The headers that every answer has, empty where there is nothing to say: a proxy that copies them replaces what the
/// client had sent under these names.
fn tell(headers: &mut HeaderMap, verdict: &Verdict) {
    let nobody = Identity::default();
    let identity = if let Verdict::Valid(identity) = verdict { identity } else { &nobody };
    let expires = identity.expires.map(|expires| expires.to_string()).unwrap_or_default();
    let reason = if matches!(verdict, Verdict::Valid(_)) { "" } else { verdict.name() };
    let user = utf8_percent_encode(&identity.user, UNSAFE).to_string();
    for (name, value) in TOLD.into_iter().zip([&*user, &expires, reason]) {
        let value = HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static(""));
        headers.insert(name, value);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}
