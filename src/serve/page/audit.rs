//! Who changed sessions, the newest first.

use super::form::Fields;
use super::layout::{Frame, Section, counted, time};
use super::{Failed, OrPage as _};
use crate::serve::access::Identity;
use crate::serve::{App, files};
use crate::session::{AuditLog, AuditState};
use axum::Extension;
use axum::extract::State;
use axum::response::Html;
use maud::{Markup, html};

const A_PAGE: usize = 50;

pub(super) async fn show(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
    fields: Fields,
) -> Result<Html<String>, Failed> {
    let mut records = files::read(&app, |app| AuditLog::new(&app.state).read()).await.or_page(&identity)?;
    records.reverse();
    let page = fields.number("page") as usize;
    let pages = records.len().div_ceil(A_PAGE).max(1);
    let shown = records.iter().skip((page - 1).saturating_mul(A_PAGE)).take(A_PAGE);
    let body = html! {
        p.lead {
            (counted(records.len() as u64, "record")) "."
            @if !records.is_empty() { " Each holds the hash of the one before; the chain is intact." }
            @if let Some(last) = records.first() { " Keep the last hash elsewhere: " code.hash { (last.hash) } }
        }
        @if records.is_empty() { p.empty { "Nobody has changed sessions with unleak yet." } }
        @else {
            div.scroll tabindex="0" role="region" aria-label="Records" {
                table.stack {
                    thead { tr { th { "When" } th { "Who" } th { "What" } th { "State" } th { "Detail" } th { "Incident" } } }
                    tbody {
                        @for record in shown {
                            tr {
                                td data-label="When" { (time(record.at)) }
                                td data-label="Who" { (record.event.who) }
                                td data-label="What" { (record.event.action) }
                                td data-label="State" { (state(record.event.state)) }
                                td data-label="Detail" { (record.event.detail) }
                                td data-label="Incident" { (record.event.incident) }
                            }
                        }
                    }
                }
            }
            (super::layout::pager("audit?", page as u64, pages as u64))
        }
    };
    Ok(Frame { title: "Audit", section: Section::Audit, identity: Some(&identity) }.page(&body))
}

fn state(state: AuditState) -> Markup {
    let (class, word) = match state {
        AuditState::Begun => ("tag", "begun"),
        AuditState::Done => ("tag ok", "done"),
        AuditState::Stopped => ("tag warning", "stopped"),
        AuditState::Failed => ("tag critical", "failed"),
    };
    html! { span class=(class) { (word) } }
}
