//! Sessions page by page, and what can be told about all of them at once.

use super::networks::Sites;
use super::selection::{Moment, Spelling, Subject, address, column_of, condition, created, family, named};
use super::{Counts, Error, Growth, NetworkFacts, Orphaned, Replays, Selection};
use crate::secret::Secret;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::collections::HashSet;

/// Which sessions are listed, and which page of them.
#[derive(Clone, Debug, Default)]
pub struct ListQuery {
    /// Only those of this user.
    pub user: Option<String>,
    /// Only active (`true`) or only expired ones.
    pub active: Option<bool>,
    /// Only those that expire within this time.
    pub expiring_within: Option<SignedDuration>,
    /// What comes first.
    pub sort: Sort,
    /// How many to pass over.
    pub offset: u64,
    /// How many to give at most.
    pub limit: u32,
}

/// What a list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// The next to expire first.
    #[default]
    Expires,
    /// The last to expire first.
    ExpiresLast,
    /// The oldest first, where a column tells when a session was made.
    Created,
    /// The newest first, where a column tells.
    CreatedLast,
}

/// One session of a list. The token is a live credential: show its fingerprint.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The session's id or token.
    pub token: Secret,
    /// The user's id, where a row tells.
    pub user: Option<String>,
    /// When it expires, where that can be read.
    pub expires: Option<Timestamp>,
    /// When it was made, where a column tells.
    pub created: Option<Timestamp>,
    /// Whether its expiry is not past.
    pub active: bool,
    /// Where it is used from.
    pub origin: Origin,
}

/// Where a session is used from, as far as the table has columns for it: a hardened one does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// The family of sessions that one login began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// The hash of the device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The network, as wide as the application keeps it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// When its holder proved last who they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<Timestamp>,
}

/// One page of a list, the next to expire first.
#[derive(Clone, Debug)]
pub struct Page {
    /// How many sessions the query fits.
    pub total: u64,
    /// Those of this page.
    pub sessions: Vec<Listed>,
}

/// A page's query and that for the total.
pub(super) fn page(
    of: Subject<'_>,
    query: &ListQuery,
    sql: &impl Spelling,
) -> Result<(String, String), Error> {
    let (expires, expiry) = of.end(sql);
    let past = of.over(sql)?;
    let mut filters = vec!["1 = 1".to_owned()];
    if let Some(user) = &query.user {
        filters.extend(condition(&Selection::Users(vec![user.clone()]), of, sql)?);
    }
    if let Some(active) = query.active {
        filters.push(format!("({past}) IS {}TRUE", if active { "NOT " } else { "" }));
    }
    if let Some(within) = query.expiring_within {
        let then = sql.is_past(&expires, &expiry, Moment::At(Timestamp::now() + within))?;
        filters.push(format!("({then}) AND ({past}) IS NOT TRUE"));
    }
    let from = format!("FROM {} AS s WHERE {}", of.found.table.name.quoted_by(sql), filters.join(" AND "));
    let user = of.user_text(sql).unwrap_or_else(|_| sql.text("NULL"));
    let made = match created(&of.found.table) {
        Some(column) => sql.millis(column, &column_of(column, sql))?,
        None => sql.integer("NULL"),
    };
    let token = &of.found.roles.token;
    let origin = origin(of, sql);
    let select = format!(
        "SELECT {}, {user}, {}, {made}, {}, {origin} {from} ORDER BY {}, {} LIMIT {} OFFSET {}",
        sql.text_of(token, &column_of(token, sql)),
        sql.millis(&expires, &expiry)?,
        sql.integer(&format!("CASE WHEN {past} THEN 0 ELSE 1 END")),
        order(of, query.sort, &expiry, sql)?,
        sql.place(),
        query.limit,
        query.offset
    );
    Ok((select, format!("SELECT count(*) {from}")))
}

/// Family, device, network, and the time of the login.
fn origin(of: Subject<'_>, sql: &impl Spelling) -> String {
    let column = |name: &str| named(&of.found.table, &[name]);
    let text = |name| {
        let text = column(name).map(|column| sql.text_of(column, &column_of(column, sql)));
        text.unwrap_or_else(|| sql.text("NULL"))
    };
    let login = column("authtime").and_then(|column| sql.millis(column, &column_of(column, sql)).ok());
    let login = login.unwrap_or_else(|| sql.integer("NULL"));
    format!("{}, {}, {}, {login}", text("familyid"), text("devicehash"), text("lastipcidr"))
}

/// What a page is ordered by. Where those without a time come is the store's own affair: an index serves in its order only.
fn order(of: Subject<'_>, sort: Sort, expiry: &str, sql: &impl Spelling) -> Result<String, Error> {
    let column = || {
        let column = created(&of.found.table).ok_or_else(|| Error::Column {
            table: of.found.table.name.to_string(),
            reason: "it has no column that tells when a session was made".to_owned(),
        })?;
        Ok::<_, Error>(sql.time_order(&column_of(column, sql)))
    };
    Ok(match sort {
        Sort::Expires => sql.time_order(expiry),
        Sort::ExpiresLast => format!("{} DESC", sql.time_order(expiry)),
        Sort::Created => column()?,
        Sort::CreatedLast => format!("{} DESC", column()?),
    })
}

/// A row of a page as the databases give it.
pub(super) type Row = (
    Option<String>,
    Option<String>,
    Option<i64>,
    Option<i64>,
    i64,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<i64>,
);

pub(super) fn listed((token, user, expires, created, active, family, device, network, login): Row) -> Listed {
    let time = |millis: Option<i64>| millis.and_then(|millis| Timestamp::from_millisecond(millis).ok());
    Listed {
        token: Secret::from(token.unwrap_or_default()),
        user,
        expires: time(expires),
        created: time(created),
        active: active != 0,
        origin: Origin { family, device, network, login: time(login) },
    }
}

/// The different tokens that a test fits, as they come row by row.
pub(super) struct Tokens<'a> {
    fits: &'a dyn Fn(&Secret) -> bool,
    found: Vec<Secret>,
    /// The digests of those that were found: a token need not be there twice.
    known: HashSet<[u8; 32]>,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(fits: &'a dyn Fn(&Secret) -> bool) -> Self {
        Self { fits, found: Vec::new(), known: HashSet::new() }
    }

    pub(super) fn add(&mut self, token: impl Into<Secret>) {
        let token = token.into();
        if (self.fits)(&token) && self.known.insert(Sha256::digest(token.expose()).into()) {
            self.found.push(token);
        }
    }

    pub(super) fn found(self) -> Vec<Secret> {
        self.found
    }
}

/// What can be told about the sessions of a store as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// All, active and expired.
    pub counts: Counts,
    /// Active ones that expire within the time that was asked for.
    pub expiring_soon: u64,
    /// Those made in the last hour, where a column tells.
    pub made_last_hour: Option<u64>,
    /// Those made in the last 24 hours, where a column tells.
    pub made_last_day: Option<u64>,
    /// What can be told where rows say whose they are.
    pub users: Option<UserFacts>,
    /// On how many networks users are, where rows say whose they are and from where they are used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub networks: Option<NetworkFacts>,
    /// How the table grows, where somebody keeps what it held before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub growth: Option<Growth>,
    /// Tokens that several rows have.
    pub duplicate_tokens: u64,
    /// The rows that have them.
    pub duplicate_rows: u64,
    /// Tokens whose rows are of several users; `None` where rows do not say whose they are.
    pub shared_tokens: Option<u64>,
    /// Sessions whose user does not exist, where the users table was looked up.
    pub orphaned: Option<Orphaned>,
    /// The users table that the role may not read, so that nothing is told about orphans.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orphans_untold: Option<String>,
    /// Tokens that were used twice in the last hour; none where nothing would notice that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replays: Option<Replays>,
    /// Whether the database itself refuses a second row with one token.
    pub token_is_unique: bool,
    /// The size of the table with its indexes; on SQLite of the whole file.
    pub bytes: u64,
}

/// Active sessions by user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct UserFacts {
    /// Active sessions that name a user.
    pub sessions: u64,
    /// Users with at least one.
    pub users: u64,
    /// The most that one user has.
    pub most: u64,
}

/// The queries for facts: each gives one row of numbers.
pub(super) struct FactQueries {
    /// Expiring soon, made in the last hour, made in the last day.
    pub(super) sessions: String,
    /// Sessions, users, most.
    pub(super) users: Option<String>,
    /// Tokens, rows, shared.
    pub(super) duplicates: String,
    /// Users and addresses, user by user: many rows of two texts.
    pub(super) networks: Option<String>,
}

/// Takes what the query for networks gives.
pub(super) fn sites(of: Subject<'_>) -> Sites {
    Sites::new(address(&of.found.table).is_some_and(|column| family(&column.data_type) == "integer"))
}

/// The users with active sessions at several addresses, with each address. Whoever has one only is on one network.
fn networks(of: Subject<'_>, sql: &impl Spelling) -> Result<Option<String>, Error> {
    let (Some(column), Ok(user)) = (address(&of.found.table), of.user_text(sql)) else { return Ok(None) };
    let at = sql.text_of(column, &column_of(column, sql));
    let live = format!(
        "FROM {} AS s WHERE {user} IS NOT NULL AND {at} IS NOT NULL AND ({}) IS NOT TRUE",
        of.found.table.name.quoted_by(sql),
        of.over(sql)?
    );
    Ok(Some(format!(
        "SELECT DISTINCT t.owner, t.place FROM (SELECT {user} AS owner, {at} AS place {live}) AS t WHERE t.owner IN \
         (SELECT m.owner FROM (SELECT {user} AS owner, min({at}) AS least, max({at}) AS most {live} GROUP BY {user}) AS m \
         WHERE m.least <> m.most) ORDER BY t.owner"
    )))
}

pub(super) fn facts(
    of: Subject<'_>,
    soon: SignedDuration,
    sql: &impl Spelling,
) -> Result<FactQueries, Error> {
    let (expires, expiry) = of.end(sql);
    let past = of.over(sql)?;
    let by_then = sql.is_past(&expires, &expiry, Moment::At(Timestamp::now() + soon))?;
    let table = of.found.table.name.quoted_by(sql);
    let sum =
        |condition: &str| sql.integer(&format!("coalesce(sum(CASE WHEN {condition} THEN 1 ELSE 0 END), 0)"));
    let made_since = |hours: i64| match created(&of.found.table) {
        Some(column) => {
            let expression = column_of(column, sql);
            let time = Timestamp::now() - SignedDuration::from_hours(hours);
            let before = sql.is_past(column, &expression, Moment::At(time))?;
            Ok(sum(&format!("{expression} IS NOT NULL AND ({before}) IS NOT TRUE")))
        }
        None => Ok::<_, Error>(sql.integer("NULL")),
    };
    let user = of.user_text(sql).ok();
    let shared = user.as_ref().map_or_else(
        || sql.integer("NULL"),
        |_| sql.integer("coalesce(sum(CASE WHEN d.owners > 1 THEN 1 ELSE 0 END), 0)"),
    );
    // A row of nobody beside one of a user: whoever has the token is both.
    let owners = user.as_ref().map_or_else(
        || "0".to_owned(),
        |user| format!("count(DISTINCT {user}) + max(CASE WHEN {user} IS NULL THEN 1 ELSE 0 END)"),
    );
    let token = sql.exact(&of.found.roles.token, &column_of(&of.found.roles.token, sql));
    Ok(FactQueries {
        sessions: format!(
            "SELECT {}, {}, {} FROM {table} AS s",
            sum(&format!("({by_then}) AND ({past}) IS NOT TRUE")),
            made_since(1)?,
            made_since(24)?
        ),
        // In its own type, which is grouped in half the time that text takes.
        users: of.user(sql).ok().map(|user| {
            format!(
                "SELECT {}, count(*), {} \
                 FROM (SELECT count(*) AS n FROM {table} AS s WHERE {user} IS NOT NULL AND ({past}) IS NOT TRUE \
                 GROUP BY {user}) AS g",
                sql.integer("coalesce(sum(g.n), 0)"),
                sql.integer("coalesce(max(g.n), 0)")
            )
        }),
        duplicates: format!(
            // Whose they are is asked of those few only that several rows have.
            "SELECT count(*), {}, {shared} FROM (SELECT {}count(*) AS n, {owners} AS owners \
             FROM {} GROUP BY {token} HAVING count(*) > 1) AS d",
            sql.integer("coalesce(sum(d.n), 0)"),
            sql.large(),
            of.several(sql, &table)
        ),
        networks: networks(of, sql)?,
    })
}

/// Puts the numbers together.
pub(super) fn gathered(
    counts: Counts,
    sessions: &[Option<i64>],
    users: Option<&[Option<i64>]>,
    duplicates: &[Option<i64>],
    token_is_unique: bool,
    bytes: u64,
) -> Facts {
    let number = |row: &[Option<i64>], at: usize| row.get(at).copied().flatten().map(i64::unsigned_abs);
    let count = |row: &[Option<i64>], at: usize| number(row, at).unwrap_or_default();
    Facts {
        counts,
        expiring_soon: count(sessions, 0),
        made_last_hour: number(sessions, 1),
        made_last_day: number(sessions, 2),
        users: users.map(|row| UserFacts {
            sessions: count(row, 0),
            users: count(row, 1),
            most: count(row, 2),
        }),
        duplicate_tokens: count(duplicates, 0),
        duplicate_rows: count(duplicates, 1),
        networks: None,
        growth: None,
        shared_tokens: number(duplicates, 2),
        orphaned: None,
        orphans_untold: None,
        replays: None,
        token_is_unique,
        bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_rows_each_token_that_fits_is_found_once() {
        let fits = |token: &Secret| token.expose().ends_with(b"7");
        let mut tokens = Tokens::new(&fits);
        for number in 0..40_000 {
            tokens.add(format!("{}", number % 20_000));
        }
        let found = tokens.found();
        assert_eq!((found.len(), found[0].expose()), (2000, &b"7"[..]));
    }
}
