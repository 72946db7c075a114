//! How the sessions are: numbers, plots, and what is wrong.

use super::layout::{Frame, Section, counted, number, time};
use super::{Failed, OrPage as _, plot};
use crate::serve::App;
use crate::serve::access::Identity;
use crate::serve::samples::Sample;
use crate::session::PointState;
use axum::Extension;
use axum::extract::State;
use axum::response::Html;
use maud::{Markup, html};

pub(super) async fn show(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
) -> Result<Html<String>, Failed> {
    let sample = app.samples.latest(&app).await.or_page(&identity)?;
    let store = &sample.store;
    let body = html! {
        p.lead { (store.url) " · table " code { (store.table) } " · " (store.dialect) }
        div data-live="/" aria-live="off" {
            (figures(&sample))
            div.grid.wide {
                section.card { (plot::sessions(&app.samples.history())) }
                section.card { h2 { "Health" } (points(&sample)) }
            }
            p.quiet data-live-status="" role="status" { "As of " (time(sample.at)) ". Counted again every 15 seconds, more rarely on large tables." }
        }
    };
    Ok(Frame { title: "Overview", section: Section::Overview, identity: Some(&identity) }.page(&body))
}

fn figures(sample: &Sample) -> Markup {
    let counts = &sample.store.counts;
    html! {
        div.grid {
            (figure("/sessions?status=active", counts.active, "active sessions", None))
            (figure("/sessions?status=expired", counts.expired, "expired", None))
            @if let Some(facts) = &sample.facts {
                (figure("/sessions?expiring=24", facts.expiring_soon, "expire within 24 h", None))
                @if let Some(users) = &facts.users {
                    (figure("/users", users.users, "users logged in", Some(format!("at most {} each", counted(users.most, "session")))))
                }
                @if let (Some(hour), Some(day)) = (facts.made_last_hour, facts.made_last_day) {
                    (figure("/sessions", hour, "made in the last hour", Some(format!("{} in the last day", number(day)))))
                }
            }
        }
    }
}

fn figure(path: &str, value: u64, name: &str, note: Option<String>) -> Markup {
    html! {
        a.card.figure href=(path) {
            span.value { (number(value)) }
            span.name { (name) }
            @if let Some(note) = note { span.note { (note) } }
        }
    }
}

fn points(sample: &Sample) -> Markup {
    html! {
        @if sample.facts.is_none() { p.quiet { "This store can only be counted." } }
        ul.points {
            @for point in &sample.points {
                @let (class, word) = match point.state {
                    PointState::Ok => ("tag ok", "ok"),
                    PointState::NotChecked => ("tag", "not checked"),
                    PointState::Warning => ("tag warning", "warning"),
                    PointState::Critical => ("tag critical", "critical"),
                };
                li {
                    span class=(class) { (word) }
                    span {
                        (point.text)
                        @if let (true, Some(path)) = (point.state >= PointState::Warning, answer(point.name)) {
                            " · " a href=(path) { "look at it" }
                        }
                    }
                }
            }
        }
    }
}

/// Where something can be done about a point.
fn answer(point: &str) -> Option<&'static str> {
    Some(match point {
        "duplicates" | "shared_tokens" => "/preview?action=dedupe",
        "orphans" => "/preview?action=orphans",
        "expired" => "/preview?action=cleanup",
        "per_user" | "most" => "/users",
        "expiring_soon" => "/sessions?expiring=24",
        _ => return None,
    })
}
