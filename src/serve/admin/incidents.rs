//! `/admin/incidents`: rotations and their reports, to be read only.

use super::body::{Asked, Named};
use super::operation::{Api, Operation, Parameter};
use super::schema;
use crate::rotate::{self, IncidentId, ReportForm};
use crate::serve::{App, Problem, files};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::str::FromStr;

const LIST: Operation = Operation {
    method: "get",
    path: "/admin/incidents",
    id: "listIncidents",
    summary: "The incidents that rotations have left, the newest first",
    parameters: &[],
    body: None,
    media: "application/json",
    answer: list_answer,
};

const SHOW: Operation = Operation {
    method: "get",
    path: "/admin/incidents/{id}",
    id: "showIncident",
    summary: "One incident, and whether journal and reports are what was written and signed",
    parameters: &[Parameter::path("id", "The incident", schema::incident)],
    body: None,
    media: "application/json",
    answer: show_answer,
};

const REPORT: Operation = Operation {
    method: "get",
    path: "/admin/incidents/{id}/report",
    id: "incidentReport",
    summary: "The report of an incident, as it was signed",
    parameters: &[
        Parameter::path("id", "The incident", schema::incident),
        Parameter::query("form", "The form of the report", form),
    ],
    body: None,
    media: "*/*",
    answer: any,
};

pub(super) fn routes(api: Api) -> Api {
    api.on(LIST, list).on(SHOW, show).on(REPORT, report)
}

fn list_answer() -> Value {
    let entry = schema::answer(&[("id", schema::incident()), ("status", schema::text())]);
    schema::list_of("unleak.incidents/v1", "incidents", &entry)
}

fn show_answer() -> Value {
    schema::answer(&[
        ("schema", json!({"const": "unleak.serve.incident/v1"})),
        ("incident", schema::object()),
        ("checks", json!({"type": ["array", "null"]})),
    ])
}

fn form() -> Value {
    json!({"type": "string", "enum": ["json", "markdown", "html", "pdf"], "default": "json"})
}

fn any() -> Value {
    json!({})
}

async fn list(State(app): State<App>) -> Result<Json<Value>, Problem> {
    let mut incidents = files::read(&app, |app| rotate::incidents(&app.state)).await?;
    incidents.reverse();
    Ok(Json(json!({"schema": "unleak.incidents/v1", "incidents": incidents})))
}

async fn show(State(app): State<App>, Named(id): Named) -> Result<Json<Value>, Problem> {
    let id: IncidentId = id.parse()?;
    let read = move |app: &App| {
        let missing = || Problem::missing("there is no such incident");
        let entries = rotate::incidents(&app.state)?;
        let entry = entries.into_iter().find(|entry| entry.id == id).ok_or_else(missing)?;
        Ok::<_, Problem>((entry, rotate::verify(&app.state, &id, None).ok()))
    };
    let (entry, checks) = files::read(&app, read).await?;
    Ok(Json(json!({"schema": "unleak.serve.incident/v1", "incident": entry, "checks": checks})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(default)]
    form: Form,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::serve) enum Form {
    #[default]
    Json,
    Markdown,
    Html,
    Pdf,
}

impl FromStr for Form {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "json" => Self::Json,
            "markdown" => Self::Markdown,
            "html" => Self::Html,
            "pdf" => Self::Pdf,
            _ => return Err("the form is json, markdown, html or pdf"),
        })
    }
}

async fn report(
    State(app): State<App>,
    Named(id): Named,
    Asked(asked): Asked<Wanted>,
) -> Result<Response, Problem> {
    report_of(&app, id.parse()?, asked.form).await
}

/// The report of an incident, as it was signed.
pub(in crate::serve) async fn report_of(app: &App, id: IncidentId, form: Form) -> Result<Response, Problem> {
    let (form, media) = match form {
        Form::Json => (ReportForm::Json, "application/json"),
        Form::Markdown => (ReportForm::Markdown, "text/markdown; charset=utf-8"),
        Form::Html => (ReportForm::Html, "text/html; charset=utf-8"),
        Form::Pdf => (ReportForm::Pdf, "application/pdf"),
    };
    let unreadable = |error: rotate::Error| match &error {
        rotate::Error::Read { .. } => Problem::missing("this incident has no such report yet"),
        _ => error.into(),
    };
    let read = move |app: &App| rotate::report(&app.state, &id, form).map_err(unreadable);
    let bytes = files::read(app, read).await?;
    let mut response = ([(header::CONTENT_TYPE, media)], bytes).into_response();
    // The page of a report has its own style in it, and needs nothing else.
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox";
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    Ok(response)
}
