//! The procedures, each with a preview, and the backups that undo them.

use super::layout::{Frame, Section, counted, time};
use super::{Failed, OrPage as _};
use crate::serve::access::Identity;
use crate::serve::{App, procedure};
use crate::session::{BackupInfo, BackupState};
use axum::Extension;
use axum::extract::State;
use axum::response::Html;
use maud::{Markup, html};

/// No more backups are listed; the command line lists all.
const SHOWN: usize = 50;

/// Each procedure by its action, its name and what it means.
const PLAIN: [(&str, &str, &str); 5] = [
    ("cleanup", "Expired sessions", "Sessions whose expiry is past. Nobody is logged out."),
    ("orphans", "Orphans", "Sessions whose user does not exist any more."),
    ("disabled", "Of disabled users", "Sessions of users who are disabled or marked as deleted."),
    (
        "dedupe",
        "Duplicates",
        "Rows that share a token: all but the newest of one user, all of several users.",
    ),
    ("purge", "Everything", "Every session. Everybody is logged out."),
];

pub(super) async fn show(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
) -> Result<Html<String>, Failed> {
    let backups = procedure::backups(&app).await.or_page(&identity)?;
    let body = html! {
        p.lead { "Choose what should go. The next page counts it and changes nothing; each change leaves an encrypted backup and a record." }
        div.grid.wide {
            section.card { h2 { "Procedures" } (procedures()) }
            section.card { h2 { "By age" } (by_age()) }
        }
        h2 { "Backups" }
        (list(&backups))
    };
    Ok(Frame { title: "Clean-up", section: Section::CleanUp, identity: Some(&identity) }.page(&body))
}

fn procedures() -> Markup {
    html! {
        form method="get" action="preview" {
            fieldset {
                legend.quiet { "Which sessions" }
                @for (at, (action, name, about)) in PLAIN.iter().enumerate() {
                    div.choice {
                        input id={ "choice-" (action) } type="radio" name="action" value=(action) checked[at == 0] required
                            aria-describedby={ "about-" (action) };
                        div { label for={ "choice-" (action) } { (name) } p id={ "about-" (action) } { (about) } }
                    }
                }
            }
            div.actions { button.primary type="submit" { "Preview" } }
        }
    }
}

fn by_age() -> Markup {
    html! {
        form.filters method="get" action="preview" {
            input type="hidden" name="action" value="idle";
            div.field {
                label for="idleHours" { "Not used for, hours" }
                input #idleHours type="number" name="idleHours" min="1" max="876000" value="720" required;
            }
            button type="submit" { "Preview" }
        }
        form.filters method="get" action="preview" {
            input type="hidden" name="action" value="before";
            div.field {
                label for="before" { "Made before (UTC)" }
                input #before type="datetime-local" name="before" required;
            }
            button type="submit" { "Preview" }
        }
        p.quiet { "Where the table has columns that tell when a session was made or last used." }
    }
}

fn list(backups: &[(String, BackupInfo)]) -> Markup {
    html! {
        @if backups.is_empty() { p.empty { "Nothing was ended yet, so there is no backup." } }
        @else {
            div.scroll tabindex="0" role="region" aria-label="Backups" {
                table.stack {
                    thead { tr { th { "Ended" } th { "Sessions" } th { "Which" } th { "By" } th { "Kept until" } th { "" } } }
                    tbody {
                        @for (id, backup) in backups.iter().take(SHOWN) {
                            tr {
                                td data-label="Ended" { (time(backup.created)) }
                                td data-label="Sessions" { (counted(backup.rows, "session")) }
                                td data-label="Which" {
                                    (backup.selection)
                                    @if backup.state == BackupState::Prepared { " " span.tag.warning { "unsettled" } }
                                    @if !backup.incident.is_empty() { " " span.quiet { (backup.incident) } }
                                }
                                td data-label="By" { (backup.owner.as_deref().unwrap_or("–")) }
                                td data-label="Kept until" { (time(backup.expires)) }
                                td { a href={ "undo?backup=" (id) } aria-label={ "Put back what was ended " (backup.created) } { "Put back…" } }
                            }
                        }
                    }
                }
            }
        }
    }
}
