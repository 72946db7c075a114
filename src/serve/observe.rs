//! One line of log and one count a request: method, route, status, time, and who asked. Never a query, a cookie or a
//! token; the route and not the path, since a path can hold anything.

use super::access::Identity;
use super::app::App;
use super::listen::Peer;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use std::time::Instant;

/// The target of our own lines; those of libraries may quote what they work on.
pub const LOG: &str = "unleak";

pub(super) async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = request.method().as_str().to_owned();
    let route = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str).to_owned();
    let Peer(peer) = request.extensions().get::<Peer>().copied().unwrap_or_default();
    let response = next.run(request).await;
    let (status, took) = (response.status().as_u16(), begun.elapsed());
    // A method is any word that a client likes.
    let known = matches!(&*method, "GET" | "HEAD" | "POST" | "DELETE" | "PUT" | "PATCH" | "OPTIONS");
    let method = if known { &*method } else { "OTHER" };
    app.metrics.request(method, &route, status, took);
    let who = response.extensions().get::<Identity>().map_or("-", |identity| identity.name.as_str());
    let ms = took.as_secs_f64() * 1000.0;
    if status >= 500 {
        tracing::warn!(target: LOG, method, route, status, ms, who, peer = %peer.ip(), "answered");
    } else {
        tracing::info!(target: LOG, method, route, status, ms, who, peer = %peer.ip(), "answered");
    }
    response
}
