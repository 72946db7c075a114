//! One line of log and one count a request: method, route, status, time, and who asked. Never a query, a cookie or a
//! token; the route and not the path, since a path can hold anything.

use super::access::Identity;
use super::app::App;
use super::listen::Peer;
use super::metrics::Metrics;
use axum::extract::{MatchedPath, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The target of our own lines; those of libraries may quote what they work on.
pub const LOG: &str = "unleak";

/// Counts and logs what was answered. Without an administration nobody asks for the counts.
#[derive(Clone, Default)]
pub struct Observer {
    metrics: Option<Arc<Metrics>>,
}

/// One request as it is told of.
struct Told<'a> {
    method: &'a str,
    route: &'a str,
    status: StatusCode,
    took: Duration,
    who: &'a str,
    peer: Peer,
}

impl Observer {
    /// One that counts where this server's metrics are.
    pub fn of(app: Option<&App>) -> Self {
        Self { metrics: app.map(|app| Arc::clone(&app.metrics)) }
    }

    /// A request of which nobody could read the head.
    pub(super) fn unparsed(&self, status: StatusCode, peer: Peer) {
        let took = Duration::ZERO;
        self.tell(&Told { method: "OTHER", route: "(unread)", status, took, who: "-", peer });
    }

    fn tell(&self, told: &Told<'_>) {
        let &Told { method, route, status, took, who, peer: Peer(peer) } = told;
        let status = status.as_u16();
        if let Some(metrics) = &self.metrics {
            metrics.request(method, route, status, took);
        }
        let (ms, peer) = (took.as_secs_f64() * 1000.0, peer.ip());
        if status >= 500 {
            tracing::warn!(target: LOG, method, route, status, ms, who, %peer, "answered");
        } else {
            tracing::info!(target: LOG, method, route, status, ms, who, %peer, "answered");
        }
    }
}

pub(super) async fn observe(State(observer): State<Observer>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = request.method().as_str().to_owned();
    let route = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str).to_owned();
    let peer = request.extensions().get::<Peer>().copied().unwrap_or_default();
    let response = next.run(request).await;
    // A method is any word that a client likes.
    let known = matches!(&*method, "GET" | "HEAD" | "POST" | "DELETE" | "PUT" | "PATCH" | "OPTIONS");
    let method = if known { &*method } else { "OTHER" };
    let who = response.extensions().get::<Identity>().map_or("-", |identity| identity.name.as_str());
    let (status, took) = (response.status(), begun.elapsed());
    observer.tell(&Told { method, route: &route, status, took, who, peer });
    response
}
