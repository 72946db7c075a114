//! Forward-auth: a proxy asks about each request whether its session is alive and its user still exists.
//!
//! ```text
//! cookies ──open──▶ credential ──session, user──▶ verdict ──answer──▶ 2xx, 401, 302 with every cookie cleared, 503
//! ```
//! A database that cannot be reached is no reason to log anybody out: that is never cleared, and refused unless the
//! operator chose otherwise.

mod answer;
mod cache;
mod check;
mod clear;
mod form;
mod gate;
mod layer;
mod metrics;
mod names;
mod original;
mod redirect;

pub use check::{Identity, Reason, Verdict, Verifier};
pub use form::CookieForm;
pub use layer::SessionLayer;
pub use metrics::Metrics;
pub(in crate::serve) use metrics::Totals;
pub use redirect::local;

use crate::secret::Secret;
use axum::Router;
use axum::extract::State;
use axum::http::Request;
use axum::routing::{any, get, post};
use std::sync::Arc;
use std::time::Duration;

/// How sessions are recognised and what is done about those that are over.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What the cookies hold.
    pub form: CookieForm,
    /// The cookies' names, without `__Secure-` and `__Host-`, which are looked for as well.
    pub names: Vec<String>,
    /// What signs or encrypts them; during a rotation the new one and the old one.
    pub secrets: Vec<Secret>,
    /// Where a claim or a payload holds the user's id, as `key.key`, when it is at no usual place.
    pub user_path: Option<String>,
    /// Who must have issued a token (`iss`), where that matters.
    pub issuer: Option<String>,
    /// Whom a token must be for (`aud`), one of these, where that matters.
    pub audiences: Vec<String>,
    /// How long a cookie is good that says when it was made and not when it ends.
    pub max_age: Option<Duration>,
    /// Whether the user must exist and be enabled.
    pub users: bool,
    /// Where people sign in: a path, or an address of another host.
    pub sign_in: String,
    /// The parameter of that address that takes where they came from.
    pub return_parameter: String,
    /// Further domains whose cookies are cleared; those of the request's host always are.
    pub domains: Vec<String>,
    /// The paths whose cookies are cleared.
    pub paths: Vec<String>,
    /// Lets requests pass while the store cannot be reached.
    pub fail_open: bool,
    /// How long a verdict that let somebody in holds, at most 5 seconds.
    pub cache: Duration,
}

impl Settings {
    /// Settings with what most applications have.
    pub fn new(form: CookieForm) -> Self {
        Self {
            names: form.usual_names().iter().map(|&name| name.to_owned()).collect(),
            max_age: form.usual_max_age(),
            form,
            secrets: Vec::new(),
            user_path: None,
            issuer: None,
            audiences: Vec::new(),
            users: true,
            sign_in: "/".to_owned(),
            return_parameter: "callbackUrl".to_owned(),
            domains: Vec::new(),
            paths: vec!["/".to_owned()],
            fail_open: false,
            cache: Duration::from_secs(5),
        }
    }
}

/// The routes: `/verify`, `/session/clear` and `/api/auth/clear-session`.
pub fn router(verifier: Arc<Verifier>) -> Router {
    Router::new()
        .route("/verify", any(verify))
        // Envoy puts the path of the original request behind its prefix.
        .route("/verify/", any(verify_behind))
        .route("/verify/{*original}", any(verify_behind))
        .route("/session/clear", get(clear::by_link))
        .route("/api/auth/clear-session", post(clear::by_post))
        .with_state(verifier)
}

async fn verify(
    State(verifier): State<Arc<Verifier>>,
    request: Request<axum::body::Body>,
) -> axum::response::Response {
    match answer::Mode::of(request.uri().query()) {
        Ok(mode) => asked(&verifier, mode, request).await,
        Err(problem) => answer::unasked(problem),
    }
}

/// The query is the original request's, which has no say here.
async fn verify_behind(
    State(verifier): State<Arc<Verifier>>,
    request: Request<axum::body::Body>,
) -> axum::response::Response {
    asked(&verifier, answer::Mode::Redirect, request).await
}

async fn asked(
    verifier: &Verifier,
    mode: answer::Mode,
    request: Request<axum::body::Body>,
) -> axum::response::Response {
    // What is asked lies in the head; a body is not read.
    let (head, _) = request.into_parts();
    if original::is_disguised(&head.headers) {
        return answer::disguised(verifier);
    }
    let cookies = original::cookies(&head.headers);
    let verdict = verifier.check(&cookies).await;
    let original = original::Original::of(&head);
    answer::answer(verifier, mode, &original, &cookies, &verdict)
}
