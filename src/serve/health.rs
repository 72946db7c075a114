//! `/healthz`: whether the process answers at all. It asks nothing else, so that a supervisor does not restart what
//! only waits for a database. `/readyz`: whether the store answered when it was last asked, about 15 seconds ago at
//! most. `/metrics`: what is counted.

use super::Problem;
use super::app::App;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;

pub(super) fn router() -> Router {
    Router::new().route("/healthz", get(async || "ok\n"))
}

pub(super) fn ready() -> Router<App> {
    Router::new().route("/readyz", get(is_ready))
}

pub(super) fn metrics() -> Router<App> {
    Router::new().route("/metrics", get(scrape))
}

async fn is_ready(State(app): State<App>) -> Result<&'static str, Problem> {
    if app.samples.store_answers() {
        return Ok("ready\n");
    }
    let title = "The session store does not answer";
    Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "urn:unleak:store", title))
}

async fn scrape(State(app): State<App>) -> impl IntoResponse {
    // When the store does not answer, the metrics say so themselves.
    drop(app.samples.get(&app).await);
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], app.metrics.text())
}
