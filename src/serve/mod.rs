//! One process beside an application: forward-auth against stale sessions, an admin API and page, metrics.
//!
//! ```text
//! listen (bounds, deadlines, shutdown) ──▶ router ──▶ verify, admin, health, metrics ──▶ session, rotate, …
//! ```
//! Handlers translate requests into calls of the library and hold no logic of their own. Nothing that is answered or
//! logged shows a token or a secret.

mod error;
mod health;
mod listen;
mod problem;
pub mod verify;

pub use error::Error;
pub use listen::{Limits, Listener};
pub use problem::Problem;

use axum::Router;
use std::sync::Arc;

/// Everything that a server answers; forward-auth where there is a verifier.
pub fn router(verifier: Option<Arc<verify::Verifier>>) -> Router {
    Router::new()
        .merge(health::router())
        .merge(verifier.map(verify::router).unwrap_or_default())
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::wrong_method)
}
