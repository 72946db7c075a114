//! Logging in by a token, and out.

use super::form::Fields;
use super::layout::{Frame, Section};
use crate::serve::access::{CONSOLE, Identity, Refusal, is_cross_site};
use crate::serve::listen::Peer;
use crate::serve::{App, Problem, access};
use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use maud::html;

/// Asks for a token, at the address of what it is needed for.
pub(in crate::serve) fn needed(at: &Uri) -> Response {
    let next = at.path_and_query().map_or("/", |path| path.as_str());
    (StatusCode::UNAUTHORIZED, page(out_of_folder(next), None)).into_response()
}

pub(super) async fn ask() -> Html<String> {
    page("/", None)
}

/// Logs in.
pub(super) async fn enter(
    State(app): State<App>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    fields: Fields,
) -> Response {
    if is_cross_site(&headers) {
        let title = "A request from another site logs nobody in";
        let problem = Problem::new(StatusCode::FORBIDDEN, "urn:unleak:cross-site", title);
        return super::problem(None, &problem);
    }
    let Extension(peer) = peer.unwrap_or_default();
    let next = local(fields.get("next").unwrap_or("/"));
    let known = app.access.known(fields.get("token").unwrap_or_default().trim(), peer);
    app.metrics.login(match &known {
        Ok(_) => "done",
        Err(Refusal::Unknown) => "refused",
        Err(Refusal::TooMany(_)) => "limited",
    });
    match known {
        Ok(token) => match app.access.logins.begin(&token) {
            Ok((cookie, folder)) => {
                ([(header::SET_COOKIE, cookie)], Redirect::to(&format!("{folder}{next}"))).into_response()
            }
            Err(error) => super::problem(None, &Problem::internal(error.to_string())),
        },
        Err(Refusal::Unknown) => {
            let text = "This is no token that is known. Make one with `unleak serve token add NAME`.";
            (StatusCode::UNAUTHORIZED, page(next, Some(text))).into_response()
        }
        Err(refusal @ Refusal::TooMany(_)) => {
            let mut response = access::refused(refusal);
            let text = page(
                next,
                Some("Too many wrong tokens came from this address. Wait a minute, then try again."),
            );
            *response.body_mut() = text.0.into();
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/html; charset=utf-8"));
            response
        }
    }
}

/// Logs out.
pub(super) async fn leave(State(app): State<App>, headers: HeaderMap) -> Response {
    let cookie = app.access.logins.end(&headers);
    ([(header::SET_COOKIE, cookie)], Redirect::to("/login")).into_response()
}

/// A page's address without the folder of a login that is over.
fn out_of_folder(path: &str) -> &str {
    let folder = path.strip_prefix(CONSOLE).and_then(|rest| rest.strip_prefix('/'));
    folder.and_then(|rest| rest.find('/').map(|at| &rest[at..])).unwrap_or(path)
}

/// Where to go after the login: a path of this server and nothing else.
fn local(next: &str) -> &str {
    let path = next.strip_prefix('/').filter(|rest| !rest.starts_with(['/', '\\']));
    let plain = !next.contains(|c: char| c.is_control() || c == '\\');
    if path.is_some() && plain && !next.starts_with("/log") { next } else { "/" }
}

fn page(next: &str, wrong: Option<&str>) -> Html<String> {
    let body = html! {
        section.card.login {
            h2 { "Log in" }
            @if let Some(wrong) = wrong { p.wrong role="alert" id="wrong" { (wrong) } }
            form method="post" action="/login" {
                input type="hidden" name="next" value=(local(next));
                label for="token" { "Administrator's token" }
                input #token type="password" name="token" required autocomplete="current-password" autofocus
                    aria-describedby=[wrong.map(|_| "wrong")];
                button.primary type="submit" { "Log in" }
            }
            p.quiet { "Tokens are made on the server: " code { "unleak serve token add NAME --scope write" } }
        }
    };
    Frame { title: "Log in", section: Section::None, identity: None::<&Identity> }.page(&body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_nowhere_else() {
        for good in ["/", "/sessions?userId=1&page=2", "/incident?id=INC-1"] {
            assert_eq!(local(good), good);
        }
        for bad in [
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "",
            "javascript:1",
            "/a\nb",
            "/logout",
        ] {
            assert_eq!(local(bad), "/", "{bad}");
        }
        assert_eq!(out_of_folder("/console/0f/sessions?page=2"), "/sessions?page=2");
        assert_eq!((out_of_folder("/console/0f/"), out_of_folder("/console")), ("/", "/console"));
    }
}
