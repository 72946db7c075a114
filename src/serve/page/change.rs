//! A change in two steps: what would go, and then the button that does it; and the same for the way back.

use super::form::Fields;
use super::layout::{Frame, Section, counted, csrf, number, time};
use super::{Failed, OrPage as _};
use crate::serve::access::Identity;
use crate::serve::procedure::{self, Ask, backup_id};
use crate::serve::{App, Problem, files, sessions};
use crate::session::{AuditLog, AuditState, BackupInfo, ProcedurePlan, is_routine};
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

/// What the fields of a form ask for.
fn asked(fields: &Fields) -> Result<Ask, Problem> {
    let needed = |name: &str, what: &str| {
        fields.get(name).ok_or_else(|| Problem::bad_request(format!("{what} is missing")))
    };
    Ok(match fields.get("action").unwrap_or_default() {
        "cleanup" => Ask::Expired,
        "purge" => Ask::All,
        "dedupe" => Ask::Duplicates,
        "orphans" => Ask::Orphans,
        "disabled" => Ask::Disabled,
        "before" => Ask::Before(moment(needed("before", "the time")?)?),
        "idle" => {
            let hours = needed("idleHours", "the number of hours")?.parse().ok();
            let hours = hours.filter(|hours| (1..=876_000).contains(hours));
            let bad = || Problem::bad_request("the number of hours is from 1 to 876000");
            Ask::Idle(SignedDuration::from_hours(hours.ok_or_else(bad)?))
        }
        "user" => Ask::User(needed("userId", "the user's id")?.to_owned()),
        "sessions" => {
            let chosen: Option<Vec<_>> = fields.all("session").map(sessions::fingerprint).collect();
            let mut chosen = chosen.ok_or_else(|| Problem::bad_request("that is no fingerprint"))?;
            chosen.sort_unstable();
            chosen.dedup();
            if chosen.is_empty() || chosen.len() > 200 {
                return Err(Problem::bad_request("1 to 200 sessions must be selected"));
            }
            Ask::Sessions(chosen)
        }
        _ => return Err(Problem::bad_request("no procedure was chosen")),
    })
}

/// A time as a form's field for times has it, in UTC, or in full.
fn moment(text: &str) -> Result<Timestamp, Problem> {
    let local = || text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    let parsed = text.parse().ok().or_else(|| local().map(|at| at.timestamp()));
    parsed.ok_or_else(|| Problem::bad_request("that is no time: write it as 2026-11-20T16:12"))
}

/// The same again as hidden fields.
fn repeated(ask: &Ask) -> Markup {
    let (action, more): (&str, Vec<(&str, String)>) = match ask {
        Ask::Expired => ("cleanup", vec![]),
        Ask::All => ("purge", vec![]),
        Ask::Duplicates => ("dedupe", vec![]),
        Ask::Orphans => ("orphans", vec![]),
        Ask::Disabled => ("disabled", vec![]),
        Ask::Before(time) => ("before", vec![("before", time.to_string())]),
        Ask::Idle(length) => ("idle", vec![("idleHours", length.as_hours().to_string())]),
        Ask::User(id) => ("user", vec![("userId", id.clone())]),
        Ask::Sessions(chosen) => {
            ("sessions", chosen.iter().map(|one| ("session", one.to_string())).collect())
        }
    };
    html! {
        input type="hidden" name="action" value=(action);
        @for (name, value) in more { input type="hidden" name=(name) value=(value); }
    }
}

/// Shows what would go. Nothing is changed, so whoever may only look can see it too.
pub(super) async fn preview(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
    fields: Fields,
) -> Result<Html<String>, Failed> {
    let ask = asked(&fields).or_page(&identity)?;
    let plan = procedure::preview(&app, ask.clone()).await.or_page(&identity)?;
    Ok(planned(&identity, &ask, &plan, None))
}

/// The page of a plan; `shown` is how many the one before it had, where that is not true any more.
fn planned(identity: &Identity, ask: &Ask, plan: &ProcedurePlan, shown: Option<u64>) -> Html<String> {
    let all = matches!(ask, Ask::All);
    let body = html! {
        section.card.notice.warning[plan.selected > 0] {
            h2 { (counted(plan.selected, "session")) " would be ended" }
            @if let Some(shown) = shown {
                p.wrong role="alert" { "Nothing was ended: it was " (counted(shown, "session")) " when you were asked, and it is more by now." }
            }
            p { "Meant: " (ask.what()) "." }
            dl.facts {
                dt { "Store" } dd { (plan.store.url) ", table " (plan.store.table) }
                dt { "Now" } dd { (plan.store.counts) }
                @if let Some(orphaned) = &plan.orphaned { dt { "Users" } dd { (number(orphaned.users)) } }
                dt { "Backup" } dd { "encrypted, of exactly these rows, kept for 30 days" }
                dt { "Record" } dd { "in the audit log, as " (identity.who()) }
                @if all && !plan.store.class.purge_ends_sessions() { dt { "Note" } dd { (plan.store.class.remedy()) } }
            }
            @if plan.selected == 0 { p { "There is nothing to end." } a href="sessions" { "Back to the sessions" } }
            @else if !identity.may_write() { p.quiet { "Your token may look and change nothing." } }
            @else {
                form method="post" action="apply" data-confirm=[all.then_some("Log everybody out?")] {
                    (csrf(identity)) (repeated(ask))
                    @if !ask.is_open() { input type="hidden" name="atMost" value=(plan.selected); }
                    div.actions {
                        button.danger type="submit" { "End " (counted(plan.selected, "session")) }
                        a href="sessions" { "Cancel" }
                    }
                }
            }
        }
    };
    let title = if all { "Log everybody out" } else { "End sessions" };
    Frame { title, section: Section::CleanUp, identity: Some(identity) }.page(&body)
}

/// Ends them, when they are no more than were shown.
pub(super) async fn apply(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
    fields: Fields,
) -> Result<Response, Failed> {
    let ask = asked(&fields).or_page(&identity)?;
    let at_most = allowed(&fields, &ask).or_page(&identity)?;
    let ended = procedure::carry_out(&app, &identity, ask.clone(), String::new(), at_most).await;
    Ok(match ended.or_page(&identity)? {
        (_, Some(outcome)) => {
            to_done(outcome.audit.as_deref(), outcome.done.backups.iter().filter_map(backup_id))
                .into_response()
        }
        (plan, None) => (StatusCode::CONFLICT, planned(&identity, &ask, &plan, at_most)).into_response(),
    })
}

/// How many may go: as many as the page showed.
fn allowed(fields: &Fields, ask: &Ask) -> Result<Option<u64>, Problem> {
    if ask.is_open() {
        return Ok(None);
    }
    let shown = fields.get("atMost").and_then(|count| count.parse().ok());
    shown.map(Some).ok_or_else(|| Problem::bad_request("the number of sessions that was shown is missing"))
}

/// To a page that can be loaded again without doing it again.
fn to_done(audit: Option<&str>, backups: impl Iterator<Item = String>) -> Redirect {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("record", audit.unwrap_or("none"));
    for id in backups {
        query.append_pair("backup", &id);
    }
    Redirect::to(&format!("done?{}", query.finish()))
}

/// Tells how a change ended, by what its record and its backups say.
pub(super) async fn done(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
    fields: Fields,
) -> Result<Html<String>, Failed> {
    let wanted = fields.get("record").unwrap_or_default();
    let records = files::read(&app, |app| AuditLog::new(&app.state).read()).await.or_page(&identity)?;
    let record = records.into_iter().rev().find(|record| record.hash == wanted);
    let chosen: Vec<_> = fields.all("backup").collect();
    let mut backups = procedure::backups(&app).await.or_page(&identity)?;
    backups.retain(|(id, _)| chosen.contains(&id.as_str()));
    let rows: u64 = backups.iter().map(|(_, backup)| backup.rows).sum();
    let restored = record.as_ref().is_some_and(|record| record.event.action == "sessions restore");
    let body = html! {
        section.card.notice.ok role="status" {
            @if restored { h2 { "Sessions put back" } } @else { h2 { (counted(rows, "session")) " ended" } }
            @match &record {
                Some(record) => {
                    p { (record.event.action) ": " (record.event.detail) "." }
                    @if record.event.state != AuditState::Done { p.wrong { "It did not come to its end. What is done is whole; do it again to go on." } }
                    p.quiet { "Recorded in the " a href="audit" { "audit log" } " as " code.hash { (record.hash) } "." }
                },
                None => { p.wrong { "The audit log has no record that tells how this ended." } },
            }
            @for (id, backup) in &backups {
                p.row {
                    a.button href={ "undo?backup=" (id) } { "Undo…" }
                    span.quiet { "Backup of " (counted(backup.rows, "session")) ", " code { (id) } }
                }
            }
            p { a href="sessions" { "Back to the sessions" } }
        }
    };
    Ok(Frame { title: "Done", section: Section::CleanUp, identity: Some(&identity) }.page(&body))
}

/// Shows what would come back, and what that means.
pub(super) async fn undo_preview(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
    fields: Fields,
) -> Result<Html<String>, Failed> {
    let id = fields.get("backup").unwrap_or_default().to_owned();
    let backup = procedure::backup(&app, &id).await.or_page(&identity)?;
    let routine = is_routine(&backup.selection, &backup.incident);
    let body = html! {
        section.card.notice.warning[!routine] {
            h2 { (counted(backup.rows, "session")) " would be put back" }
            @if routine { p { "They were over anyway, so nobody is logged in again by that." } }
            @else {
                p { strong { "Whoever had one of them is logged in again, an attacker too." } " Go on only when every one of them is meant to be valid again." }
            }
            (described(&id, &backup))
            @if identity.may_write() {
                form method="post" action="undo" {
                    (csrf(&identity))
                    input type="hidden" name="backup" value=(id);
                    @if !routine { input type="hidden" name="revive" value="yes"; }
                    div.actions {
                        button.danger[!routine].primary[routine] type="submit" { "Put " (counted(backup.rows, "session")) " back" }
                        a href="clean-up" { "Cancel" }
                    }
                }
            }
        }
    };
    Ok(Frame { title: "Undo", section: Section::CleanUp, identity: Some(&identity) }.page(&body))
}

/// Puts them back.
pub(super) async fn undo(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
    fields: Fields,
) -> Result<Redirect, Failed> {
    let id = fields.get("backup").unwrap_or_default();
    let backup = procedure::backup(&app, id).await.or_page(&identity)?;
    let revive = fields.get("revive") == Some("yes");
    let outcome = procedure::restore(&app, &identity, backup, revive).await.or_page(&identity)?;
    Ok(to_done(outcome.audit.as_deref(), std::iter::empty()))
}

fn described(id: &str, backup: &BackupInfo) -> Markup {
    html! {
        dl.facts {
            dt { "Backup" } dd { code { (id) } }
            dt { "Selected by" } dd { (backup.selection) }
            dt { "Ended" } dd { (time(backup.created)) @if let Some(owner) = &backup.owner { ", by " (owner) } }
            dt { "From" } dd { (backup.store) ", table " (backup.table) }
            @if !backup.incident.is_empty() { dt { "Incident" } dd { (backup.incident) } }
        }
    }
}
