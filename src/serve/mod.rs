//! One process beside an application: forward-auth against stale sessions, an admin API and page, metrics.
//!
//! ```text
//! listen (bounds, deadlines, TLS, shutdown) ──▶ router ──▶ access ──▶ admin, page, metrics ──▶ session, rotate, …
//! ```
//! Handlers translate requests into calls of the library and hold no logic of their own. Nothing that is answered or
//! logged shows a token or a secret.

mod access;
mod admin;
mod app;
mod error;
mod files;
mod findings;
mod headers;
mod health;
mod limit;
mod listen;
mod metrics;
mod observe;
mod page;
mod problem;
mod procedure;
mod samples;
mod sessions;
mod share;
mod stall;
mod stores;
mod tls;
mod traffic;
mod unparsed;
mod unread;
pub mod verify;

pub use access::TrustedProxy;
pub use app::{App, Settings};
pub use error::Error;
pub use listen::{Limits, Listener};
pub use observe::{LOG, Observer};
pub use problem::Problem;
pub use tls::Tls;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::handler::Handler as _;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;

/// A change that takes longer goes on without whoever asked for it.
const PATIENCE: Duration = Duration::from_mins(2);
/// A request's body has no more bytes than these.
const LARGEST: usize = 64 << 10;

/// Everything that a server answers: administration where there is a store, forward-auth where there is a verifier.
pub fn router(app: Option<&App>, verifier: Option<Arc<verify::Verifier>>) -> Router {
    let observed = || from_fn_with_state(Observer::of(app), observe::observe);
    // Asked for every request of an application, by whoever uses it: no administrator, and no line in the log.
    let quiet = health::router()
        .merge(verifier.map(verify::router).unwrap_or_default())
        .method_not_allowed_fallback(problem::wrong_method.layer(observed()));
    app.map(administration)
        .unwrap_or_default()
        .method_not_allowed_fallback(problem::wrong_method)
        .fallback(problem::not_found)
        .layer(observed())
        .merge(quiet)
        .layer(DefaultBodyLimit::max(LARGEST))
        .layer(from_fn(in_time))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(headers::add))
}

fn administration(app: &App) -> Router {
    let metrics = health::metrics();
    let (open, closed) = if app.metrics_open { (metrics, Router::new()) } else { (Router::new(), metrics) };
    let closed = closed
        .merge(admin::router())
        .merge(page::router())
        .layer(from_fn_with_state(app.clone(), access::guard));
    Router::new()
        .merge(health::ready())
        .merge(page::open())
        .merge(open)
        .merge(closed)
        .layer(from_fn_with_state(app.clone(), access::known_host))
        .layer(from_fn_with_state(app.clone(), headers::only_by_tls))
        .with_state(app.clone())
}

/// Whoever asked has waited long enough.
async fn in_time(request: Request, next: Next) -> Response {
    tokio::time::timeout(PATIENCE, next.run(request)).await.unwrap_or_else(|_| {
        let title = "This takes longer than anybody should wait";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "urn:unleak:late", title)
            .hinted(Some("a change goes on without you: /admin/audit tells how it ended".to_owned()))
            .into_response()
    })
}

/// A fault of ours is told as such, without what it was about.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    Problem::internal("this is a fault of unleak; its log says where").into_response()
}

#[cfg(test)]
mod tests;
