//! The table of sessions: filtered, page by page, each or many to be ended.

use super::form::Fields;
use super::layout::{Frame, Section, counted, distance, pager, time};
use super::{Failed, OrPage as _};
use crate::serve::access::Identity;
use crate::serve::sessions::{List, Row};
use crate::serve::{App, sessions};
use crate::session::{ListQuery, Sort};
use axum::Extension;
use axum::extract::State;
use axum::response::Html;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

const A_PAGE: u32 = 50;

/// What the table can be sorted by: in an address, in words, and what that means.
const SORTS: [(&str, &str, Sort); 4] = [
    ("expires", "the next to expire first", Sort::Expires),
    ("-expires", "the last to expire first", Sort::ExpiresLast),
    ("-created", "the newest first", Sort::CreatedLast),
    ("created", "the oldest first", Sort::Created),
];

/// What the table is filtered and sorted by.
struct Filter {
    user: Option<String>,
    status: Option<String>,
    expiring: Option<u32>,
    sort: usize,
    page: u32,
}

impl Filter {
    fn of(fields: &Fields) -> Self {
        let text = |name| fields.get(name).map(str::to_owned);
        Self {
            user: text("userId"),
            status: text("status").filter(|status| matches!(&**status, "active" | "expired")),
            expiring: fields
                .get("expiring")
                .and_then(|hours| hours.parse().ok())
                .filter(|hours| (1..=876_000).contains(hours)),
            sort: fields
                .get("sort")
                .and_then(|name| SORTS.iter().position(|sort| sort.0 == name))
                .unwrap_or(0),
            page: fields.number("page"),
        }
    }

    /// Whether it leaves anything out.
    fn is_any(&self) -> bool {
        self.user.is_some() || self.status.is_some() || self.expiring.is_some() || self.page > 1
    }

    fn query(&self) -> ListQuery {
        ListQuery {
            user: self.user.clone(),
            active: self.status.as_deref().map(|status| status == "active"),
            expiring_within: self.expiring.map(|hours| SignedDuration::from_hours(hours.into())),
            sort: SORTS[self.sort].2,
            offset: u64::from(self.page - 1) * u64::from(A_PAGE),
            limit: A_PAGE,
        }
    }

    /// The address of the same list, to which `page=N` can be added.
    fn path(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let expiring = self.expiring.map(|hours| hours.to_string());
        let sort = (self.sort > 0).then(|| SORTS[self.sort].0.to_owned());
        let all =
            [("userId", &self.user), ("status", &self.status), ("expiring", &expiring), ("sort", &sort)];
        for (name, value) in all {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        let query = query.finish();
        if query.is_empty() { "sessions?".to_owned() } else { format!("sessions?{query}&") }
    }
}

pub(super) async fn show(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
    fields: Fields,
) -> Result<Html<String>, Failed> {
    let filter = Filter::of(&fields);
    let list = sessions::list(&app, filter.query()).await.or_page(&identity)?;
    let pages = list.total.div_ceil(A_PAGE.into()).max(1);
    let body = html! {
        (filters(&filter))
        div.row.spread {
            p.lead role="status" { (counted(list.total, "session")) ", " (SORTS[filter.sort].1) }
            @if let (Some(user), true) = (&filter.user, identity.may_write() && list.total > 0) {
                form method="get" action="preview" {
                    input type="hidden" name="action" value="user";
                    input type="hidden" name="userId" value=(user);
                    button type="submit" { "End every session of this user" }
                }
            }
        }
        @if let Some(lifetime) = list.lifetime { p.quiet { (lifetime) } }
        @if list.sessions.is_empty() {
            p.empty { @if filter.is_any() { "No session fits." } @else { "There are no sessions." } }
        }
        @else {
            (table(&list, identity.may_write()))
            (pager(&filter.path(), filter.page.into(), pages))
        }
    };
    Ok(Frame { title: "Sessions", section: Section::Sessions, identity: Some(&identity) }.page(&body))
}

fn filters(filter: &Filter) -> Markup {
    let status = filter.status.as_deref().unwrap_or_default();
    let options = [("", "any"), ("active", "active"), ("expired", "expired")];
    html! {
        form.filters method="get" action="sessions" role="search" aria-label="Filter sessions" {
            div.field {
                label for="userId" { "User's id" }
                input #userId type="search" name="userId" value=[filter.user.as_deref()] maxlength="200";
            }
            div.field {
                label for="status" { "Status" }
                select #status name="status" {
                    @for (value, name) in options { option value=(value) selected[value == status] { (name) } }
                }
            }
            div.field {
                label for="expiring" { "Expire within, hours" }
                input #expiring type="number" name="expiring" min="1" max="876000" value=[filter.expiring];
            }
            div.field {
                label for="sort" { "Sorted by" }
                select #sort name="sort" {
                    @for (at, (value, name, _)) in SORTS.iter().enumerate() {
                        option value=(value) selected[at == filter.sort] { (name) }
                    }
                }
            }
            button type="submit" { "Filter" }
            a href="sessions" { "Show all" }
        }
    }
}

fn table(list: &List, may_write: bool) -> Markup {
    let now = Timestamp::now();
    html! {
        form method="get" action="preview" {
            input type="hidden" name="action" value="sessions";
            div.scroll tabindex="0" role="region" aria-label="Sessions" {
                table.stack {
                    thead {
                        tr {
                            @if may_write {
                                th.check { input type="checkbox" data-all="session" hidden aria-label="Select all on this page"; }
                            }
                            th { "Session" } th { "User" } th { "Status" } th { "Expires" } th { "Made" }
                            @if may_write { th { span.quiet { "" } } }
                        }
                    }
                    tbody { @for row in &list.sessions { (session(row, now, may_write)) } }
                }
            }
            @if may_write {
                div.row {
                    button type="submit" { "End the selected sessions…" }
                    span.quiet { "The next page shows what would go, and asks." }
                }
            }
        }
    }
}

fn session(row: &Row, now: Timestamp, may_write: bool) -> Markup {
    let fingerprint = row.fingerprint.to_string();
    html! {
        tr {
            @if may_write {
                td.check { input type="checkbox" name="session" value=(fingerprint) aria-label={ "Select session " (fingerprint) }; }
            }
            td data-label="Session" { span.mono { (fingerprint) } }
            td data-label="User" {
                @match &row.user {
                    Some(user) => { a href={ "sessions?" (query("userId", user)) } { (user) } },
                    None => { span.quiet { "nobody" } },
                }
                " " span.quiet { (about(&row.about)) }
            }
            td data-label="Status" {
                @if row.active { span.tag.ok { "active" } } @else { span.tag { "expired" } }
            }
            td data-label="Expires" {
                @match row.expires {
                    Some(at) => { (time(at)) " " span.quiet { (distance(at, now)) } },
                    None => { span.quiet { "never" } },
                }
            }
            td data-label="Made" { @match row.created { Some(at) => { (time(at)) }, None => { span.quiet { "–" } } } }
            @if may_write {
                td { a href={ "preview?action=sessions&session=" (fingerprint) } aria-label={ "End session " (fingerprint) } { "End…" } }
            }
        }
    }
}

/// What the columns say, without their names.
fn about(columns: &[String]) -> String {
    let values: Vec<_> =
        columns.iter().map(|one| one.split_once(": ").map_or(&**one, |(_, value)| value)).collect();
    values.join(", ")
}

fn query(name: &str, value: &str) -> String {
    url::form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish()
}
