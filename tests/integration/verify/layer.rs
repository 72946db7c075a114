//! The `tower` layer: an application in Rust that asks the store itself.

use super::server::{database, run, wait};
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use axum::routing::get;
use axum::{Extension, Router};
use std::time::Duration;
use tower::ServiceExt as _;
use unleak::serve::verify::{CookieForm, Identity, SessionLayer, Settings, Verifier};
use unleak::session::{Manager, Options, Pooling, UsersWanted};

const SQL: &str = r#"CREATE TABLE users (id serial PRIMARY KEY, name text);
    CREATE TABLE sessions (id serial PRIMARY KEY, "userId" integer NOT NULL, expires timestamptz NOT NULL, "sessionToken" varchar(255) NOT NULL);
    INSERT INTO users (name) VALUES ('ada');
    INSERT INTO sessions ("userId", expires, "sessionToken") VALUES (1, now() + interval '1 day', 'tok-live'), (9, now() + interval '1 day', 'tok-orphan')"#;

async fn application(url: &str) -> Router {
    let (url, users) = (url.parse().unwrap(), UsersWanted::default());
    let manager = Manager::open(&url, &Options::default(), Pooling::default(), Some(&users)).await.unwrap();
    let settings = Settings {
        sign_in: "/signin".to_owned(),
        names: vec!["authjs.session-token".to_owned()],
        cache: Duration::ZERO,
        ..Settings::new(CookieForm::Token)
    };
    let hello = async |Extension(who): Extension<Identity>| format!("{} {}", who.user, who.verified);
    Router::new().route("/account", get(hello).post(hello)).layer(SessionLayer::new(Verifier::new(
        settings,
        Some(manager),
        None,
    )))
}

struct Seen {
    status: u16,
    location: String,
    cleared: bool,
    body: String,
}

async fn ask(application: &Router, method: &str, token: &str, more: (&str, &str)) -> Seen {
    let request = Request::builder().method(method).uri("/account?x=1").header(more.0, more.1);
    let request =
        request.header("cookie", format!("authjs.session-token={token}")).body(Body::empty()).unwrap();
    let answer = application.clone().oneshot(request).await.unwrap();
    let text =
        |name| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let (status, location) = (answer.status().as_u16(), text(header::LOCATION));
    let mut set = answer.headers().get_all(header::SET_COOKIE).iter();
    let cleared = set.any(|line| line.to_str().unwrap().starts_with("authjs.session-token=; "));
    let body = to_bytes(answer.into_body(), 1 << 16).await.unwrap();
    Seen { status, location, cleared, body: String::from_utf8(body.to_vec()).unwrap() }
}

#[test]
fn the_layer_lets_the_living_in_and_sends_all_others_to_sign_in() {
    let url = database(SQL);
    wait(async {
        let application = application(&url).await;
        let plain = ("accept", "text/html");
        let alive = ask(&application, "GET", "tok-live", ("x-session-user", "root")).await;
        assert_eq!((alive.status, &*alive.body), (200, "1 true"));
        for token in ["tok-orphan", "tok-none"] {
            let gone = ask(&application, "GET", token, plain).await;
            assert_eq!((gone.status, &*gone.location), (302, "/signin?callbackUrl=%2Faccount%3Fx%3D1"));
            assert!(gone.cleared && !gone.body.contains("true"), "{token}");
            // Nobody stands in between: what a client says of another request is its own invention.
            let lied = ask(&application, "POST", token, ("x-forwarded-method", "GET")).await;
            assert_eq!((lied.status, lied.cleared), (401, true));
            let lied = ask(&application, "GET", token, ("x-forwarded-uri", "/elsewhere")).await;
            assert_eq!(lied.location, "/signin?callbackUrl=%2Faccount%3Fx%3D1");
        }
        let program = ask(&application, "GET", "tok-orphan", ("accept", "application/json")).await;
        assert_eq!((program.status, program.cleared), (401, true));
        run_beside(&url).await;
        assert_eq!(ask(&application, "GET", "tok-live", plain).await.status, 302, "the user is gone");
    });
}

/// From a thread of its own: this one is in a runtime.
async fn run_beside(url: &str) {
    let url = url.to_owned();
    tokio::task::spawn_blocking(move || run(&url, "DELETE FROM users")).await.unwrap();
}
