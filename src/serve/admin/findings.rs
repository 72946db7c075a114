//! `/admin/findings`: what the last scan found, as its JSON report says, which holds no secret.

use super::operation::{Api, Operation};
use super::schema;
use crate::serve::{App, Problem, findings};
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use serde_json::Value;

const LIST: Operation = Operation {
    method: "get",
    path: "/admin/findings",
    id: "listFindings",
    summary: "The findings and the coverage of the scan whose report was named by --findings",
    parameters: &[],
    body: None,
    media: "application/json",
    answer: findings_answer,
};

pub(super) fn routes(api: Api) -> Api {
    api.on(LIST, list)
}

fn findings_answer() -> Value {
    schema::list_of("unleak.findings/v1", "findings", &schema::object())
}

async fn list(State(app): State<App>) -> Result<impl IntoResponse, Problem> {
    let report = findings::report(&app).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], report.text.clone()))
}
