//! A route and its description, declared together.

use crate::serve::App;
use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodFilter, on};
use serde_json::Value;

/// What the OpenAPI document says of one operation.
#[derive(Clone, Copy)]
pub(super) struct Operation {
    /// The method, in lower case.
    pub(super) method: &'static str,
    /// The path, in the form that both axum and OpenAPI read.
    pub(super) path: &'static str,
    /// Its name, for clients that are generated.
    pub(super) id: &'static str,
    /// What it does.
    pub(super) summary: &'static str,
    /// What stands in the path and the query.
    pub(super) parameters: &'static [Parameter],
    /// The schema of the body, where there is one, and whether it must be sent.
    pub(super) body: Option<(fn() -> Value, bool)>,
    /// The media type of the answer.
    pub(super) media: &'static str,
    /// The schema of the answer.
    pub(super) answer: fn() -> Value,
}

/// Something in the path or the query.
#[derive(Clone, Copy)]
pub(super) struct Parameter {
    pub(super) place: &'static str,
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) schema: fn() -> Value,
}

impl Parameter {
    pub(super) const fn query(name: &'static str, about: &'static str, schema: fn() -> Value) -> Self {
        Self { place: "query", name, about, schema }
    }

    pub(super) const fn path(name: &'static str, about: &'static str, schema: fn() -> Value) -> Self {
        Self { place: "path", name, about, schema }
    }
}

/// The routes and their descriptions.
#[derive(Default)]
pub(super) struct Api {
    pub(super) router: Router<App>,
    pub(super) operations: Vec<Operation>,
}

impl Api {
    /// Adds the routes of a part.
    pub(super) fn with(self, part: impl FnOnce(Self) -> Self) -> Self {
        part(self)
    }

    /// Adds a route.
    pub(super) fn on<H, T>(mut self, operation: Operation, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        let filter = match operation.method {
            "get" => MethodFilter::GET,
            "delete" => MethodFilter::DELETE,
            _ => MethodFilter::POST,
        };
        self.router = self.router.route(operation.path, on(filter, handler));
        self.operations.push(operation);
        self
    }
}
