//! Users by name or address, and how many sessions each has.

use super::form::Fields;
use super::layout::{Frame, Section, counted, number};
use super::{Failed, OrPage as _};
use crate::serve::access::Identity;
use crate::serve::app::users_table;
use crate::serve::{App, Problem};
use crate::session::{Error, Selection, Store, User, UserPattern};
use axum::Extension;
use axum::extract::State;
use axum::response::Html;
use maud::{Markup, html};
use std::time::{Duration, Instant};

/// More are not shown; the pattern can be made narrower.
const SHOWN: u32 = 20;
/// In larger tables each user's sessions take too long to count.
const COUNTED: u64 = 20_000;
/// When counting has taken so long, the rest is shown uncounted.
const PATIENCE: Duration = Duration::from_secs(2);

/// A user and how many sessions they have, expired ones among them, where there was time to count them.
struct Found {
    user: User,
    sessions: Option<u64>,
}

pub(super) async fn show(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
    fields: Fields,
) -> Result<Html<String>, Failed> {
    let (name, by_email) = (fields.get("name").unwrap_or_default(), fields.get("by") == Some("email"));
    let found =
        if name.is_empty() { None } else { Some(search(&app, name, by_email).await.or_page(&identity)?) };
    let body = html! {
        form.filters method="get" action="users" role="search" aria-label="Find users" {
            div.field {
                label for="name" { "Find" }
                input #name type="search" name="name" value=(name) maxlength="200" placeholder="*ada*";
            }
            div.field {
                label for="by" { "By" }
                select #by name="by" {
                    option value="name" { "name" }
                    option value="email" selected[by_email] { "address" }
                }
            }
            button.primary type="submit" { "Find" }
        }
        p.quiet { "An asterisk stands for anything; case does not matter. Who is known by id only: " a href="sessions" { "filter the sessions" } "." }
        @match &found {
            None => { (overall(&app).await) },
            Some(found) if found.is_empty() => { p.empty { "No user fits." } },
            Some(found) => { (table(found, identity.may_write())) },
        }
    };
    Ok(Frame { title: "Users", section: Section::Users, identity: Some(&identity) }.page(&body))
}

async fn search(app: &App, name: &str, by_email: bool) -> Result<Vec<Found>, Problem> {
    let pattern =
        if by_email { UserPattern::Email(name.to_owned()) } else { UserPattern::Name(name.to_owned()) };
    let wanted = app.users.clone();
    let work = async move |store: &mut Store| {
        let Some(users) = users_table(store, &wanted).await? else {
            return Err(Error::Unsupported { what: "users: no table with users was found".to_owned() });
        };
        let few = store.counts().await?.total <= COUNTED;
        let (begun, mut found) = (Instant::now(), Vec::new());
        for user in store.find_users(&users, &pattern, SHOWN).await? {
            let mine = Selection::Users(vec![user.id.clone()]);
            let in_time = few && begun.elapsed() < PATIENCE;
            let sessions = if in_time { Some(store.count(&mine).await?) } else { None };
            found.push(Found { user, sessions });
        }
        found.sort_by_key(|one| std::cmp::Reverse(one.sessions));
        Ok(found)
    };
    Ok(app.stores.work(work).await?)
}

/// What is known about all users together.
async fn overall(app: &App) -> Markup {
    let facts = app.samples.latest().await.ok().and_then(|sample| sample.facts.clone());
    let Some(users) = facts.and_then(|facts| facts.users) else {
        return html! { p.empty { "The rows of this store do not say whose they are, or were not counted yet." } };
    };
    html! {
        section.card {
            h2 { "All users" }
            dl.facts {
                dt { "Logged in" } dd { (counted(users.users, "user")) " with " (counted(users.sessions, "active session")) }
                dt { "The most of one user" } dd { (number(users.most)) }
            }
        }
    }
}

fn table(found: &[Found], may_write: bool) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Users" {
            table.stack {
                thead { tr { th { "User" } th { "About" } th { "Sessions" } th { "" } } }
                tbody {
                    @for Found { user, sessions } in found {
                        @let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("userId", &user.id).finish();
                        tr {
                            td data-label="User" { a href={ "sessions?" (query) } { (user.id) } }
                            td data-label="About" { (user.about.join(", ")) }
                            td data-label="Sessions" {
                                @match sessions {
                                    Some(many) => { (number(*many)) },
                                    None => { a href={ "sessions?" (query) } { "show" } },
                                }
                            }
                            td { @if may_write && *sessions != Some(0) { a href={ "preview?action=user&" (query) } { "Log out…" } } }
                        }
                    }
                }
            }
        }
    }
}
