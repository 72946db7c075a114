//! Names by which this server may be asked. A page elsewhere can have its own name lead to this machine (DNS rebinding),
//! and its script would then be of the same origin as the page here; what it cannot do is ask by another name.
//!
//! Numbers and `localhost` are nobody's to lead elsewhere. A request without a name is none of a browser.

use super::guard::wants_page;
use crate::serve::{App, Problem, page};
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use std::net::IpAddr;

/// Answers whoever asks by a name that is not this server's.
pub(in crate::serve) async fn known_host(State(app): State<App>, request: Request, next: Next) -> Response {
    if asked(&request).is_some_and(|name| is_known(&app.hosts, &name)) {
        return next.run(request).await;
    }
    let title = "This server is not known by the name that it was asked by";
    let problem = Problem::new(StatusCode::MISDIRECTED_REQUEST, "urn:unleak:host", title)
        .hinted(Some("start it with `--host NAME` for each name that leads here".to_owned()));
    if wants_page(request.headers()) { page::problem(None, &problem) } else { problem.into_response() }
}

/// The name in a request, empty where there is none; `None` when it is not one name.
fn asked(request: &Request) -> Option<String> {
    if let Some(name) = request.uri().host() {
        return Some(name.to_owned());
    }
    let mut given = request.headers().get_all(header::HOST).iter();
    let Some(host) = given.next() else { return Some(String::new()) };
    let host = Authority::try_from(host.as_bytes()).ok()?;
    (given.next().is_none() && !host.as_str().contains('@')).then(|| host.host().to_owned())
}

fn is_known(known: &[String], name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let number = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(&name);
    let is_local = name.is_empty() || name == "localhost" || name.ends_with(".localhost");
    is_local || number.parse::<IpAddr>().is_ok() || known.iter().any(|one| one.eq_ignore_ascii_case(&name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    #[test]
    fn a_server_answers_by_its_own_names_only() {
        let known = ["Admin.example.com".to_owned()];
        let answers = |hosts: &[&str]| {
            let request =
                hosts.iter().fold(Request::builder(), |request, host| request.header("host", *host));
            asked(&request.body(Body::empty()).unwrap()).is_some_and(|name| is_known(&known, &name))
        };
        for good in
            ["localhost:8790", "127.0.0.1", "[::1]:8790", "10.0.0.5:1", "admin.example.com.", "a.localhost"]
        {
            assert!(answers(&[good]), "{good}");
        }
        for bad in
            ["evil.example", "127.0.0.1.evil.example", "localhost.evil", "x@localhost", "a b", "example.com"]
        {
            assert!(!answers(&[bad]), "{bad}");
        }
        assert!(answers(&[]) && !answers(&["localhost", "evil.example"]));
    }
}
