//! How the sessions are: numbers, plots, and what is wrong.

use super::layout::{Frame, Section, counted, number, time};
use super::plot;
use crate::serve::App;
use crate::serve::access::Identity;
use crate::serve::samples::{Lacking, Past, Sample};
use crate::serve::traffic::Stretch;
use crate::session::PointState;
use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};

pub(super) async fn show(State(app): State<App>, Extension(identity): Extension<Identity>) -> Response {
    let latest = app.samples.latest().await;
    let is_whole = latest.as_ref().is_ok_and(|sample| sample.lacking != Lacking::Pending);
    let body = match latest {
        Ok(sample) => shown(&sample, &app.samples.history(), app.traffic.history().as_deref()),
        Err(trouble) => waiting(trouble.as_deref()),
    };
    let page = Frame { title: "Overview", section: Section::Overview, identity: Some(&identity) }.page(&body);
    let mut response = page.into_response();
    if !is_whole {
        // There is more in a moment, for those without a script too.
        response.headers_mut().insert(header::REFRESH, HeaderValue::from_static("2"));
    }
    response
}

/// Nothing was seen yet.
fn waiting(trouble: Option<&str>) -> Markup {
    html! {
        div data-live="." {
            p.empty role="status" {
                @match trouble {
                    Some(trouble) => { "The session store does not answer as it should: " (trouble) "." },
                    None => { "The sessions are being counted. On a large table that takes a while; this page comes again by itself." },
                }
            }
        }
    }
}

fn shown(sample: &Sample, history: &[Past], traffic: Option<&[Stretch]>) -> Markup {
    let store = &sample.store;
    html! {
        p.lead { (store.url) " · table " code { (store.table) } " · " (store.dialect) }
        div data-live="." aria-live="off" {
            (figures(sample))
            div.grid.wide {
                div.stacked {
                    section.card { (plot::sessions(history)) }
                    @if let Some(traffic) = traffic { section.card { (plot::verifications(traffic)) } }
                }
                section.card { h2 { "Health" } (points(sample)) }
            }
            p.quiet data-live-status="" role="status" { "As of " (time(sample.at)) ". Counted again every 15 seconds, more rarely on large tables." }
        }
    }
}

fn figures(sample: &Sample) -> Markup {
    let counts = &sample.store.counts;
    html! {
        div.grid {
            (figure("sessions?status=active", counts.active, "active sessions", None))
            (figure("sessions?status=expired", counts.expired, "expired", None))
            @if let Some(facts) = &sample.facts {
                (figure("sessions?expiring=24", facts.expiring_soon, "expire within 24 h", None))
                @if let Some(users) = &facts.users {
                    (figure("users", users.users, "users logged in", (users.most > 0).then(|| format!("at most {} each", counted(users.most, "session")))))
                }
                @if let (Some(hour), Some(day)) = (facts.made_last_hour, facts.made_last_day) {
                    (figure("sessions", hour, "made in the last hour", Some(format!("{} in the last day", number(day)))))
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
        @if sample.facts.is_none() {
            p.quiet {
                @match sample.lacking {
                    Lacking::Nothing => { "This store can only be counted." },
                    Lacking::Pending => { "The rest is being counted." },
                    Lacking::TooLong => { "More took so long to count that it was given up: these are counts alone." },
                }
            }
        }
        ul.points {
            @for point in &sample.points {
                @let (class, word) = match point.state {
                    PointState::Ok => ("tag ok", "ok"),
                    PointState::NotApplicable => ("tag", "not told here"),
                    PointState::NotChecked => ("tag", "not checked"),
                    PointState::Warning => ("tag warning", "warning"),
                    PointState::Critical => ("tag critical", "critical"),
                };
                li {
                    span class=(class) { (word) }
                    span {
                        // The tag says so already.
                        (point.text.strip_prefix("not checked: ").unwrap_or(&point.text))
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
        "duplicates" | "shared_tokens" => "preview?action=dedupe",
        "orphans" => "preview?action=orphans",
        "expired" => "preview?action=cleanup",
        "per_user" | "most" => "users",
        "expiring_soon" => "sessions?expiring=24",
        _ => return None,
    })
}
