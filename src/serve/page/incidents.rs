//! Rotations and their reports, as they were signed.

use super::form::Fields;
use super::layout::{Frame, Section, time};
use super::{Failed, OrPage as _};
use crate::rotate::{self, Check, Entry, IncidentId, ReportForm, Status};
use crate::serve::access::Identity;
use crate::serve::{App, Problem, admin, files};
use axum::Extension;
use axum::extract::State;
use axum::response::{Html, Response};
use maud::{Markup, html};

pub(super) async fn list(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
) -> Result<Html<String>, Failed> {
    let mut incidents = files::read(&app, |app| rotate::incidents(&app.state)).await.or_page(&identity)?;
    incidents.reverse();
    let body = html! {
        @if incidents.is_empty() {
            p.empty { "No rotation was run with this state folder yet. " code { "unleak rotate --help" } " tells how." }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Incidents" {
                table.stack {
                    thead { tr { th { "Incident" } th { "Opened" } th { "Status" } th { "Targets" } } }
                    tbody {
                        @for entry in &incidents {
                            tr {
                                td data-label="Incident" { a href={ "incident?id=" (entry.id) } { (entry.id) } }
                                td data-label="Opened" { @if let Some(at) = entry.opened { (time(at)) } }
                                td data-label="Status" {
                                    (entry.status)
                                    @if entry.unfinished { " " span.tag.critical { "resume or abort it" } }
                                }
                                td data-label="Targets" { (entry.targets.join(", ")) }
                            }
                        }
                    }
                }
            }
        }
    };
    Ok(Frame { title: "Incidents", section: Section::Incidents, identity: Some(&identity) }.page(&body))
}

pub(super) async fn show(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
    fields: Fields,
) -> Result<Html<String>, Failed> {
    let id = named(&fields).or_page(&identity)?;
    let wanted = id.clone();
    let read = move |app: &App| incident(app, &wanted);
    let Found { entry, report, checks } = files::read(&app, read).await.or_page(&identity)?;
    let body = html! {
        section.card {
            dl.facts {
                dt { "Status" } dd { (entry.status) }
                @if let Some(at) = entry.opened { dt { "Opened" } dd { (time(at)) } }
                dt { "Targets" } dd { (entry.targets.join(", ")) }
            }
            @if entry.unfinished {
                p.wrong { "This rotation stopped half-way. On the server: " code { "unleak rotate --resume " (id) } " or " code { "--abort " (id) } "." }
            }
            @if report.is_some() {
                p.row {
                    @for form in ["html", "pdf", "markdown", "json"] {
                        a.button href={ "report?id=" (id) "&form=" (form) } { (form) }
                    }
                }
            }
        }
        section.card { h2 { "Was anything changed since?" } (told(&checks)) }
        @if let Some(report) = report {
            section.card { h2 { "Report" } div.report.mono { (String::from_utf8_lossy(&report)) } }
        }
    };
    Ok(Frame { title: id.as_str(), section: Section::Incidents, identity: Some(&identity) }.page(&body))
}

/// The report itself, as a file.
pub(super) async fn report(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
    fields: Fields,
) -> Result<Response, Failed> {
    let id = named(&fields).or_page(&identity)?;
    let form = fields.get("form").unwrap_or("html").parse().map_err(Problem::bad_request);
    let form = form.or_page(&identity)?;
    admin::report_of(&app, id, form).await.or_page(&identity)
}

fn named(fields: &Fields) -> Result<IncidentId, Problem> {
    Ok(fields.get("id").unwrap_or_default().parse::<IncidentId>()?)
}

/// What the state folder has of one.
struct Found {
    entry: Entry,
    report: Option<Vec<u8>>,
    checks: Result<Vec<Check>, rotate::Error>,
}

fn incident(app: &App, id: &IncidentId) -> Result<Found, Problem> {
    let missing = || Problem::missing("there is no such incident");
    let entries = rotate::incidents(&app.state)?;
    let entry = entries.into_iter().find(|entry| entry.id == *id).ok_or_else(missing)?;
    let report = rotate::report(&app.state, id, ReportForm::Markdown).ok();
    Ok(Found { entry, report, checks: rotate::verify(&app.state, id, None) })
}

fn told(checks: &Result<Vec<Check>, rotate::Error>) -> Markup {
    match checks {
        Ok(checks) => html! {
            ul.points {
                @for check in checks {
                    @let class = match check.status {
                        Status::Verified => "tag ok",
                        Status::Failed => "tag critical",
                        Status::NotChecked => "tag",
                    };
                    li { span class=(class) { (check.status) } span { (check.claim) ": " (check.evidence) } }
                }
            }
        },
        Err(error) => html! { p.quiet { "It cannot be checked: " (error) } },
    }
}
