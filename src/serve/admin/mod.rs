//! The API for programs, below `/admin`. Each route is declared with what the OpenAPI document says of it, so that
//! neither is without the other.

mod audit;
mod backups;
mod body;
mod findings;
mod incidents;
mod openapi;
mod operation;
mod schema;
mod sessions;
mod stats;

pub(super) use incidents::report_of;

use super::app::App;
use axum::Router;
use operation::Api;

/// Every operation with its handler.
fn api() -> Api {
    Api::default()
        .with(sessions::routes)
        .with(backups::routes)
        .with(stats::routes)
        .with(audit::routes)
        .with(incidents::routes)
        .with(findings::routes)
        .with(openapi::routes)
}

pub(super) fn router() -> Router<App> {
    api().router
}

/// Method and path of every operation.
#[cfg(test)]
pub(super) fn operations() -> Vec<(&'static str, &'static str)> {
    api().operations.iter().map(|operation| (operation.method, operation.path)).collect()
}
