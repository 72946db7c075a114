//! `/admin/audit`: who changed sessions, when and how many.

use super::body::Asked;
use super::operation::{Api, Operation, Parameter};
use super::schema;
use crate::serve::{App, Problem, files};
use crate::session::{AuditLog, AuditRecord};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

const LIST: Operation = Operation {
    method: "get",
    path: "/admin/audit",
    id: "readAudit",
    summary: "The newest records of changes to sessions, and whether the whole log is intact",
    parameters: &[Parameter::query("limit", "How many records", schema::limit)],
    body: None,
    media: "application/json",
    answer: audit_answer,
};

pub(super) fn routes(api: Api) -> Api {
    api.on(LIST, list)
}

fn audit_answer() -> Value {
    let record = schema::answer(&[("seq", json!({"type": "integer"})), ("at", schema::time())]);
    schema::list_of("unleak.audit/v1", "records", &record)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    limit: Option<u16>,
}

async fn list(State(app): State<App>, Asked(asked): Asked<Wanted>) -> Result<Json<Value>, Problem> {
    let limit = asked.limit.unwrap_or(20);
    if !(1..=200).contains(&limit) {
        return Err(Problem::bad_request("limit is a number from 1 to 200"));
    }
    let mut records = files::read(&app, |app| AuditLog::new(&app.state).read()).await?;
    let total = records.len();
    let newest: Vec<AuditRecord> = records.drain(..).rev().take(limit.into()).collect();
    Ok(Json(json!({"schema": "unleak.audit/v1", "total": total, "records": newest})))
}
