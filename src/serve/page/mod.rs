//! The page for people: made here, complete without a script, and nothing in it comes from anywhere else.
//!
//! Every change is two steps: a page that shows the plan, and a button on it that carries it out.
//!
//! Whoever logs in by a token gets a folder of their own ([`CONSOLE`]); whom a token or a proxy names with each request
//! finds the same pages at the root.

mod audit;
mod change;
mod clean_up;
mod findings;
mod form;
mod incidents;
mod layout;
mod login;
mod overview;
mod plot;
mod sessions;
mod users;

pub(super) use login::needed as login_needed;

use super::access::{CONSOLE, Identity};
use super::app::App;
use super::problem::Problem;
use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use layout::{Frame, Section};
use maud::html;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("page.js");
const ICON: &str = include_str!("icon.svg");

/// Method and path of what only people see who are logged in.
#[cfg(test)]
pub(super) const ROUTES: [(&str, &str); 15] = [
    ("get", "/"),
    ("get", "/sessions"),
    ("get", "/users"),
    ("get", "/clean-up"),
    ("get", "/preview"),
    ("post", "/apply"),
    ("get", "/done"),
    ("get", "/undo"),
    ("post", "/undo"),
    ("get", "/incidents"),
    ("get", "/incident"),
    ("get", "/report"),
    ("get", "/findings"),
    ("get", "/audit"),
    ("post", "/logout"),
];

/// What only people see who are logged in.
pub(super) fn router() -> Router<App> {
    ["", &format!("{CONSOLE}/{{door}}")].into_iter().fold(Router::new(), |router, folder| {
        let at = |page: &str| format!("{folder}/{page}");
        router
            .route(&at(""), get(overview::show))
            .route(&at("sessions"), get(sessions::show))
            .route(&at("users"), get(users::show))
            .route(&at("clean-up"), get(clean_up::show))
            .route(&at("preview"), get(change::preview))
            .route(&at("apply"), post(change::apply))
            .route(&at("done"), get(change::done))
            .route(&at("undo"), get(change::undo_preview).post(change::undo))
            .route(&at("incidents"), get(incidents::list))
            .route(&at("incident"), get(incidents::show))
            .route(&at("report"), get(incidents::report))
            .route(&at("findings"), get(findings::show))
            .route(&at("audit"), get(audit::show))
            .route(&at("logout"), post(login::leave))
    })
}

/// What everybody sees.
pub(super) fn open() -> Router<App> {
    Router::new()
        .route("/login", get(login::ask).post(login::enter))
        .route("/assets/style.css", get(async || asset("text/css; charset=utf-8", STYLE)))
        .route("/assets/page.js", get(async || asset("text/javascript; charset=utf-8", SCRIPT)))
        .route("/assets/icon.svg", get(async || asset("image/svg+xml", ICON)))
}

fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=300")], text)
}

/// Why something was not done.
pub(super) fn problem(identity: Option<&Identity>, problem: &Problem) -> Response {
    let (title, detail, hint) = problem.texts();
    let body = html! {
        section.card.problem role="alert" {
            h2 { (title) "." }
            @if let Some(detail) = detail { p { (detail) "." } }
            @if let Some(hint) = hint { p.hint { strong { "Next: " } (hint) "." } }
            p { a href="." { "Back to the overview" } }
        }
    };
    let page = Frame { title: "That did not work", section: Section::None, identity }.page(&body);
    (problem.status(), page).into_response()
}

/// A problem as a page of whoever is logged in.
struct Failed(Box<(Identity, Problem)>);

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let (identity, why) = *self.0;
        problem(Some(&identity), &why)
    }
}

/// Makes problems pages.
trait OrPage<T> {
    fn or_page(self, identity: &Identity) -> Result<T, Failed>;
}

impl<T, E: Into<Problem>> OrPage<T> for Result<T, E> {
    fn or_page(self, identity: &Identity) -> Result<T, Failed> {
        self.map_err(|error| Failed(Box::new((identity.clone(), error.into()))))
    }
}
