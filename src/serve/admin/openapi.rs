//! `/openapi.json`: the API as a document, made of what stands beside the routes.

use super::operation::{Api, Operation};
use super::schema;
use axum::Json;
use serde_json::{Map, Value, json};

const DOCUMENT: Operation = Operation {
    method: "get",
    path: "/openapi.json",
    id: "openapi",
    summary: "This document",
    parameters: &[],
    body: None,
    media: "application/json",
    answer: schema::object,
};

/// Comes last: it describes what was added before, and itself.
pub(super) fn routes(api: Api) -> Api {
    let mut operations = api.operations.clone();
    operations.push(DOCUMENT);
    let document = document(&operations);
    api.on(DOCUMENT, async move || Json(document))
}

fn document(operations: &[Operation]) -> Value {
    let mut paths = Map::new();
    for operation in operations {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method] = described(operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "unleak serve",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Sessions, procedures on them, incidents and findings. Sessions are named by fingerprints; no answer holds a token.",
            "license": {"name": "MIT OR Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": {"Problem": schema::problem()},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    })
}

fn described(operation: &Operation) -> Value {
    let parameters: Vec<Value> = operation
        .parameters
        .iter()
        .map(|parameter| {
            json!({
                "in": parameter.place, "name": parameter.name, "description": parameter.about,
                "required": parameter.place == "path", "schema": (parameter.schema)(),
            })
        })
        .collect();
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "parameters": parameters,
        "responses": {
            "200": {
                "description": "What was asked for",
                "content": {operation.media: {"schema": (operation.answer)()}},
            },
            "default": {
                "description": "Why not: problem details of RFC 9457",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        },
    });
    if let Some((body, required)) = operation.body {
        described["requestBody"] =
            json!({"required": required, "content": {"application/json": {"schema": body()}}});
    }
    described
}
