//! `/admin/stats` and `/admin/check`: the numbers, and what is wrong with them.

use super::operation::{Api, Operation};
use super::schema;
use crate::serve::{App, Problem};
use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

const STATS: Operation = Operation {
    method: "get",
    path: "/admin/stats",
    id: "sessionStats",
    summary: "How many sessions there are: active, expired, expiring soon, by user",
    parameters: &[],
    body: None,
    media: "application/json",
    answer: stats_answer,
};

const CHECK: Operation = Operation {
    method: "get",
    path: "/admin/check",
    id: "checkSessions",
    summary: "What is wrong with the sessions, point by point",
    parameters: &[],
    body: None,
    media: "application/json",
    answer: check_answer,
};

pub(super) fn routes(api: Api) -> Api {
    api.on(STATS, stats).on(CHECK, check)
}

fn stats_answer() -> Value {
    schema::answer(&[
        ("schema", json!({"const": "unleak.sessions.stats/v1"})),
        ("at", schema::time()),
        ("store", schema::object()),
        ("facts", json!({"type": ["object", "null"]})),
    ])
}

fn check_answer() -> Value {
    let point = schema::answer(&[
        ("name", schema::text()),
        ("state", json!({"enum": ["ok", "not_applicable", "not_checked", "warning", "critical"]})),
        ("text", schema::text()),
    ]);
    schema::answer(&[
        ("schema", json!({"const": "unleak.sessions.check/v1"})),
        ("at", schema::time()),
        ("points", json!({"type": "array", "items": point})),
    ])
}

async fn stats(State(app): State<App>) -> Result<Json<Value>, Problem> {
    let sample = app.samples.get(&app).await?;
    Ok(Json(json!({
        "schema": "unleak.sessions.stats/v1", "at": sample.at, "store": sample.store, "facts": sample.facts,
    })))
}

async fn check(State(app): State<App>) -> Result<Json<Value>, Problem> {
    let sample = app.samples.get(&app).await?;
    Ok(Json(json!({
        "schema": "unleak.sessions.check/v1", "at": sample.at, "store": sample.store, "points": sample.points,
        "facts": sample.facts,
    })))
}
