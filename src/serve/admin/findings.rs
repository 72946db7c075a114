//! `/admin/findings`: what the last scan found, as its JSON report says, which holds no secret.

use super::operation::{Api, Operation};
use super::schema;
use crate::serve::{App, Problem};
use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// No report that is looked at in a browser is larger.
const LARGEST: u64 = 64 << 20;

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

async fn list(State(app): State<App>) -> Result<Json<Value>, Problem> {
    read(&app).await.map(Json)
}

/// Reads the report; it is read again each time, since the next scan replaces it.
pub(in crate::serve) async fn read(app: &App) -> Result<Value, Problem> {
    let Some(path) = app.findings.clone() else {
        return Err(Problem::missing("no report of a scan was named").hinted(Some(
            "write one with `unleak scan --format json --output FILE` and start `unleak serve` with `--findings FILE`"
                .to_owned(),
        )));
    };
    let read = tokio::task::spawn_blocking(move || parse(&path)).await;
    read.unwrap_or_else(|_| Err(Problem::internal("the report could not be read")))
}

fn parse(path: &Path) -> Result<Value, Problem> {
    let failed = |reason: String| Problem::internal(format!("{} cannot be used: {reason}", path.display()));
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    read.map_err(|error| failed(error.to_string()))?;
    if bytes.len() as u64 > LARGEST {
        return Err(failed("it has more than 64 MiB".to_owned()));
    }
    let report: Value = serde_json::from_slice(&bytes).map_err(|error| failed(error.to_string()))?;
    if report.get("schema") != Some(&json!("unleak.findings/v1")) {
        return Err(failed("it is no report of `unleak scan --format json`".to_owned()));
    }
    Ok(report)
}
