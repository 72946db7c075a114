//! `/healthz`: whether the process answers at all. It asks nothing else, so that a supervisor does not restart what
//! only waits for a database.

use axum::Router;
use axum::routing::get;

pub(super) fn router() -> Router {
    Router::new().route("/healthz", get(async || "ok\n"))
}
