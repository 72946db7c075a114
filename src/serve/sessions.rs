//! Sessions as they are shown: with fingerprints, never with tokens, which do not leave the thread that read them.

use super::app::{App, users_table};
use crate::secret::{Fingerprint, Secret};
use crate::session::{Error, Lifetime, ListQuery, Listed, Page, Selection, Store};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::{BTreeSet, HashMap};

/// One session.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    pub(super) fingerprint: Fingerprint,
    pub(super) user: Option<String>,
    /// What the users table says of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) about: Vec<String>,
    pub(super) expires: Option<Timestamp>,
    pub(super) created: Option<Timestamp>,
    pub(super) active: bool,
}

/// One page of them.
#[derive(Clone, Debug, Serialize)]
pub(super) struct List {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lifetime: Option<Lifetime>,
    pub(super) total: u64,
    pub(super) sessions: Vec<Row>,
}

/// Reads a page.
pub(super) async fn list(app: &App, query: ListQuery) -> Result<List, Error> {
    let keys = app.clone();
    app.stores
        .work(async move |store: &mut Store| {
            let lifetime = store.lifetime();
            let page = store.page(&query).await?;
            let people = people(&keys, store, &page).await?;
            let row = |session: &Listed| Row {
                fingerprint: keys.fingerprints.fingerprint(&session.token),
                user: session.user.clone(),
                about: session.user.as_ref().and_then(|user| people.get(user)).cloned().unwrap_or_default(),
                expires: session.expires,
                created: session.created,
                active: session.active,
            };
            Ok(List { lifetime, total: page.total, sessions: page.sessions.iter().map(row).collect() })
        })
        .await
}

/// What the users table says of the users of a page, by their ids.
async fn people(app: &App, store: &mut Store, page: &Page) -> Result<HashMap<String, Vec<String>>, Error> {
    let ids: BTreeSet<String> = page.sessions.iter().filter_map(|session| session.user.clone()).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let Some(users) = users_table(store, &app.users).await? else { return Ok(HashMap::new()) };
    let found = store.users_by_id(&users, ids.into_iter().collect()).await?;
    Ok(found.into_iter().map(|user| (user.id, user.about)).collect())
}

/// A fingerprint as it is shown: 16 hexadecimal digits in lower case, and nothing else.
pub(super) fn fingerprint(text: &str) -> Option<Fingerprint> {
    let fits = text.len() == 16 && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    fits.then(|| Fingerprint::try_from(text.to_owned()).ok()).flatten()
}

/// The sessions that fingerprints mean; each must mean one.
pub(super) async fn by_fingerprint(
    app: &App,
    store: &mut Store,
    wanted: &[Fingerprint],
) -> Result<Selection, Error> {
    let tokens =
        store.find_tokens(&|token: &Secret| wanted.contains(&app.fingerprints.fingerprint(token))).await?;
    for fingerprint in wanted {
        let found = tokens.iter().filter(|token| app.fingerprints.fingerprint(token) == *fingerprint).count();
        if found != 1 {
            return Err(Error::Fingerprint { fingerprint: fingerprint.to_string(), found });
        }
    }
    Ok(Selection::Tokens(tokens))
}
