//! Every route, asked by those who must not get through.

use super::listen::Peer;
use super::{App, Settings, admin, page, router};
use crate::rotate::StoreAccess;
use crate::secret::{FingerprintKey, Secret};
use crate::session::{Options, UsersWanted};
use crate::token::{Scope, Tokens};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use jiff::Timestamp;
use std::path::Path;
use tower::ServiceExt as _;

fn serve(state: &Path) -> (Router, String, String) {
    let tokens = Tokens::open(state).unwrap();
    let text = |token: Secret| String::from_utf8(token.expose().to_vec()).unwrap();
    let reader = text(tokens.add("reader", Scope::Read, Timestamp::UNIX_EPOCH).unwrap());
    let writer = text(tokens.add("writer", Scope::Write, Timestamp::UNIX_EPOCH).unwrap());
    let settings = Settings {
        store: StoreAccess::new(&format!("sqlite:{}/none.db", state.display()), Options::default()).unwrap(),
        users: UsersWanted::default(),
        state: state.to_owned(),
        fingerprints: FingerprintKey::new([7; 32]),
        findings: None,
        secure: false,
        tls: false,
        hosts: Vec::new(),
        proxy: None,
        metrics_open: false,
        verifications: None,
    };
    (router(Some(&App::new(settings).unwrap()), None), reader, writer)
}

/// Method and path of every route that is not for everybody.
fn closed() -> Vec<(String, String)> {
    let all = admin::operations().into_iter().chain(page::ROUTES).chain([("get", "/metrics")]);
    let concrete = |path: &str| path.replace("{id}", "INC-20260101-001");
    all.map(|(method, path)| (method.to_uppercase(), concrete(path))).collect()
}

async fn ask(router: &Router, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = Request::builder().method(method).uri(path).extension(Peer::default());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

#[tokio::test]
async fn nobody_gets_through_without_a_token_and_no_change_without_the_right_one() {
    let folder = tempfile::tempdir().unwrap();
    let (router, reader, writer) = serve(folder.path());
    let (reader, writer) = (format!("Bearer {reader}"), format!("Bearer {writer}"));
    let routes = closed();
    assert!(routes.len() > 20, "{routes:?}");
    for (method, path) in &routes {
        let nobody = ask(&router, method, path, &[]).await;
        assert_eq!(nobody.status(), StatusCode::UNAUTHORIZED, "{method} {path}");
        let browser = ask(&router, method, path, &[("accept", "text/html")]).await;
        assert_eq!(browser.status(), StatusCode::UNAUTHORIZED, "{method} {path}");
        if method == "GET" || path == "/logout" {
            continue;
        }
        let read = ask(&router, method, path, &[("authorization", &reader)]).await;
        assert_eq!(read.status(), StatusCode::FORBIDDEN, "{method} {path}");
        for header in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
            let cross = ask(&router, method, path, &[("authorization", &writer), header]).await;
            assert_eq!(cross.status(), StatusCode::FORBIDDEN, "{method} {path} {header:?}");
        }
    }
}

/// Every method that HTTP has, and two that it has not.
const METHODS: [&str; 10] =
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW", "get"];

/// A problem that programs can read, whatever went wrong.
async fn problem(response: Response) -> serde_json::Value {
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), 1 << 16).await.unwrap();
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(problem["status"], status, "{problem}");
    assert!(problem["type"].as_str().unwrap().starts_with("urn:unleak:"), "{problem}");
    let fields = problem.as_object().unwrap().keys();
    assert!(
        { fields }.all(|key| ["type", "title", "status", "detail", "hint"].contains(&&**key)),
        "{problem}"
    );
    problem
}

#[tokio::test]
async fn no_method_gets_anybody_through_and_every_refusal_is_a_problem() {
    let folder = tempfile::tempdir().unwrap();
    let (router, reader, writer) = serve(folder.path());
    let (reader, writer) = (format!("Bearer {reader}"), format!("Bearer {writer}"));
    let mut paths: Vec<String> = closed().into_iter().map(|(_, path)| path).collect();
    paths.extend(page::ROUTES.iter().map(|(_, path)| format!("/console/{}{path}", "0".repeat(64))));
    let mut asked = 0;
    for (path, method) in paths.iter().flat_map(|path| METHODS.map(|method| (path, method))) {
        let nobody = ask(&router, method, path, &[]).await;
        let (status, has) = (nobody.status(), |name| nobody.headers().contains_key(name));
        let is_lost = status == StatusCode::METHOD_NOT_ALLOWED && has("allow");
        assert!(is_lost || status == 401 && has("www-authenticate"), "{method} {path}: {status}");
        if method != "HEAD" {
            problem(nobody).await;
        }
        if is_lost || ["GET", "HEAD"].contains(&method) {
            continue;
        }
        asked += 1;
        let read = ask(&router, method, path, &[("authorization", &reader)]).await;
        let is_logout = path.ends_with("/logout");
        assert!(read.status() == StatusCode::FORBIDDEN || is_logout, "{method} {path}: {}", read.status());
        let cross = [("authorization", &*writer), ("sec-fetch-site", "cross-site")];
        let cross = ask(&router, method, path, &cross).await;
        assert_eq!(cross.status(), StatusCode::FORBIDDEN, "{method} {path}");
        assert_eq!(problem(cross).await["type"], "urn:unleak:cross-site");
    }
    assert!(asked >= 10, "{asked}");
    for (method, path) in
        [("PUT", "/admin/audit"), ("BREW", "/healthz"), ("GET", "/nothing"), ("TRACE", "/login")]
    {
        let lost = ask(&router, method, path, &[("authorization", &writer)]).await;
        assert!([404, 405].contains(&lost.status().as_u16()), "{method} {path}: {}", lost.status());
        assert_eq!(lost.status() == 405, lost.headers().contains_key("allow"), "{method} {path}");
        problem(lost).await;
    }
}

#[tokio::test]
async fn the_csrf_token_of_one_login_is_none_of_another() {
    let state = tempfile::tempdir().unwrap();
    let (router, _, writer) = serve(state.path());
    let mut logins = Vec::new();
    for _ in 0..2 {
        let (cookie, folder) = begun(&log_in(&router, &writer, "same-origin").await);
        let page = ask(&router, "GET", &format!("{folder}/audit"), &[("cookie", &cookie)]).await;
        let page = to_bytes(page.into_body(), 1 << 20).await.unwrap();
        let page = String::from_utf8(page.to_vec()).unwrap();
        let (_, csrf) = page.split_once("name=\"csrf\" value=\"").unwrap();
        logins.push((cookie, folder, csrf.split('"').next().unwrap().to_owned()));
    }
    for (with, of) in [(0, 1), (1, 0), (0, 0)] {
        let (cookie, folder, _) = &logins[with];
        let sent = [("cookie", &**cookie), ("x-csrf-token", &*logins[of].2)];
        let change = ask(&router, "POST", &format!("{folder}/undo"), &sent).await;
        assert_eq!(change.status() == StatusCode::FORBIDDEN, with != of, "{}", change.status());
    }
    // Nor does the folder of one open with the cookie of the other.
    let stolen = ask(&router, "GET", &format!("{}/audit", logins[0].1), &[("cookie", &logins[1].0)]).await;
    assert_eq!(stolen.status(), StatusCode::UNAUTHORIZED);
}

async fn log_in(router: &Router, token: &str, site: &str) -> Response {
    let request = Request::post("/login")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", site)
        .extension(Peer::default())
        .body(Body::from(format!("token={token}&next=/sessions")))
        .unwrap();
    router.clone().oneshot(request).await.unwrap()
}

/// The cookie of a login, and its folder.
fn begun(login: &Response) -> (String, String) {
    let text = |name| login.headers()[name].to_str().unwrap();
    let cookie = text(header::SET_COOKIE).split(';').next().unwrap().to_owned();
    (cookie, text(header::LOCATION).strip_suffix("/sessions").unwrap().to_owned())
}

#[tokio::test]
async fn a_login_ends_with_its_token_also_when_another_takes_the_name() {
    let state = tempfile::tempdir().unwrap();
    let (router, reader, _) = serve(state.path());
    let (cookie, folder) = begun(&log_in(&router, &reader, "same-origin").await);
    let sent = [("cookie", cookie.as_str())];
    let path = format!("{folder}/audit");
    let see = || ask(&router, "GET", &path, &sent);
    assert_eq!(see().await.status(), StatusCode::OK);
    // Another port of the same host is sent the cookie, and does not know the folder.
    assert_eq!(ask(&router, "GET", "/audit", &sent).await.status(), StatusCode::UNAUTHORIZED);
    let tokens = Tokens::open(state.path()).unwrap();
    tokens.remove("reader").unwrap();
    tokens.add("reader", Scope::Write, Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(see().await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_login_changes_nothing_without_its_csrf_token() {
    let state = tempfile::tempdir().unwrap();
    let (router, _, writer) = serve(state.path());
    assert_eq!(log_in(&router, &writer, "cross-site").await.status(), StatusCode::FORBIDDEN);
    let done = log_in(&router, &writer, "same-origin").await;
    assert_eq!(done.status(), StatusCode::SEE_OTHER);
    let (cookie, folder) = begun(&done);
    let seen = ask(&router, "GET", &format!("{folder}/audit"), &[("cookie", &cookie)]).await;
    assert_eq!(seen.status(), StatusCode::OK);
    let sent = [("cookie", &*cookie), ("x-csrf-token", "guess")];
    for (method, path) in page::ROUTES.iter().filter(|(method, _)| *method != "get") {
        let change = ask(&router, &method.to_uppercase(), &format!("{folder}{path}"), &sent).await;
        assert_eq!(change.status(), StatusCode::FORBIDDEN, "{method} {path}");
    }
    for (method, path) in closed() {
        let elsewhere = ask(&router, &method, &path, &sent).await;
        assert_eq!(elsewhere.status(), StatusCode::UNAUTHORIZED, "{method} {path}");
    }
}

#[tokio::test]
async fn guesses_are_slowed_down_lock_nobody_out_and_every_answer_has_its_headers() {
    let folder = tempfile::tempdir().unwrap();
    let (router, reader, _) = serve(folder.path());
    let mut last = StatusCode::OK;
    for _ in 0..12 {
        let answer = ask(&router, "GET", "/admin/stats", &[("authorization", "Bearer guess")]).await;
        last = answer.status();
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        assert!(answer.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    let known = ask(&router, "GET", "/openapi.json", &[("authorization", &format!("Bearer {reader}"))]).await;
    assert_eq!(known.status(), StatusCode::OK);
}

#[tokio::test]
async fn whoever_asks_by_another_name_is_sent_away_on_every_route() {
    let folder = tempfile::tempdir().unwrap();
    let (router, _, writer) = serve(folder.path());
    let sent = [("authorization", &*format!("Bearer {writer}")), ("host", "evil.example:8790")];
    for (method, path) in closed().into_iter().chain([("GET".to_owned(), "/login".to_owned())]) {
        let answer = ask(&router, &method, &path, &sent).await;
        assert_eq!(answer.status(), StatusCode::MISDIRECTED_REQUEST, "{method} {path}");
    }
}

#[test]
fn the_document_describes_every_route_of_the_api_once() {
    let mut operations = admin::operations();
    let described = operations.len();
    operations.sort_unstable();
    operations.dedup();
    assert_eq!(operations.len(), described);
    assert!(operations.iter().all(|(_, path)| path.starts_with("/admin/") || *path == "/openapi.json"));
}
