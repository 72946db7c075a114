//! `/admin/backups`: what procedures have left, and the way back.

use super::body::{Named, Sent};
use super::operation::{Api, Operation, Parameter};
use super::schema;
use crate::serve::access::Identity;
use crate::serve::{App, Problem, procedure};
use axum::extract::State;
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};

const LIST: Operation = Operation {
    method: "get",
    path: "/admin/backups",
    id: "listBackups",
    summary: "The backups of deleted sessions, the newest first",
    parameters: &[],
    body: None,
    media: "application/json",
    answer: backups,
};

const RESTORE: Operation = Operation {
    method: "post",
    path: "/admin/backups/{id}/restore",
    id: "restoreBackup",
    summary: "Puts the sessions of a backup back, all or none",
    parameters: &[Parameter::path("id", "The name of the backup", schema::text)],
    body: Some((restore_body, false)),
    media: "application/json",
    answer: schema::restored,
};

pub(super) fn routes(api: Api) -> Api {
    api.on(LIST, list).on(RESTORE, restore)
}

fn backups() -> Value {
    schema::list_of("unleak.serve.backups/v1", "backups", &schema::answer(&[("id", schema::text())]))
}

fn restore_body() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {"revive": {
            "type": "boolean",
            "description": "Restore sessions although they were ended on purpose: whoever had one has it again, an attacker too",
        }},
    })
}

async fn list(State(app): State<App>) -> Result<Json<Value>, Problem> {
    let backups = procedure::backups(&app).await?;
    let told = backups.into_iter().map(|(id, backup)| {
        json!({
            "id": id, "selection": backup.selection, "rows": backup.rows, "bytes": backup.bytes,
            "store": backup.store, "table": backup.table, "incident": backup.incident, "owner": backup.owner,
            "created": backup.created, "expires": backup.expires, "state": backup.state,
        })
    });
    Ok(Json(json!({"schema": "unleak.serve.backups/v1", "backups": told.collect::<Vec<_>>()})))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(default)]
    revive: bool,
}

async fn restore(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
    Named(id): Named,
    Sent(sent): Sent<Wanted>,
) -> Result<Json<Value>, Problem> {
    let backup = procedure::backup(&app, &id).await?;
    let revive = sent.unwrap_or_default().revive;
    let outcome = procedure::restore(&app, &identity, backup, revive).await?;
    Ok(Json(json!({
        "schema": "unleak.serve.restore/v1", "restored": outcome.done.restored, "before": outcome.done.before,
        "after": outcome.done.after, "audit": outcome.audit,
    })))
}
