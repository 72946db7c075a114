//! The same ideas for every other session table: a token that can be there once only, an index by which what is over
//! is found, a reference that keeps sessions from outliving their users. Told by `plan`; carried out only on request,
//! beside live traffic, recorded, and undone by a rollback like the hardening itself.

mod follow;
mod sql;
mod undo;

pub use follow::Followed;
pub use undo::{AdviceBack, AdviceUndone};

use super::Error;
use super::journal::Journal;
use super::object::Kind;
use crate::session::{KeyFacts, Selection, Store, StoreKind, TableName, UsersTable, UsersWanted};
use serde::Serialize;
use sql::{Sql, is_without_length, sql_name};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a session table can lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Lack {
    /// An index that lets a token be there once only.
    UniqueToken,
    /// An index that finds what is over.
    ExpiryIndex,
    /// An index on the user, without which each deletion of a user reads the whole table once a reference is there.
    UserIndex,
    /// A reference to the user, so that no session outlives them.
    UserReference,
}

/// One thing that a session table lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// Which.
    pub lack: Lack,
    /// What it lacks, and why that matters.
    pub what: String,
    /// The name of the index or reference to come.
    pub name: String,
    /// The statements that add it; none where that takes more than an addition.
    pub sql: Vec<String>,
    /// How many rows stand in the way.
    #[serde(skip_serializing_if = "is_zero")]
    pub rows_in_the_way: u64,
    /// What to do first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    /// Whether it is there and only old rows were not checked.
    #[serde(skip)]
    only_checks: bool,
}

impl Advice {
    /// Whether it can be carried out now.
    pub fn is_ready(&self) -> bool {
        self.can_be_added() && self.rows_in_the_way == 0
    }

    /// Whether it takes no more than an addition.
    pub fn can_be_added(&self) -> bool {
        self.only_checks || !self.sql.is_empty()
    }

    /// What an apply does about it: `create index sessions_unleak_unique`.
    pub fn label(&self) -> String {
        let word = if self.only_checks { "validate" } else { "create" };
        format!("{word} {} {}", self.kind(), self.name)
    }

    fn kind(&self) -> Kind {
        if self.lack == Lack::UserReference { Kind::Constraint } else { Kind::Index }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
fn is_zero(rows: &u64) -> bool {
    *rows == 0
}

/// What a session table of any known form lacks, by its catalogue and by what applies recorded in a state folder that
/// did not come to their end. Writes nothing.
///
/// # Errors
/// When the store cannot be read.
pub async fn advise(store: &mut Store, wanted: &UsersWanted, state: &Path) -> Result<Vec<Advice>, Error> {
    let Some(mut facts) = store.key_facts().await? else { return Ok(Vec::new()) };
    // MySQL's own catalogue does not tell that the old rows were left out.
    if store.kind() == StoreKind::MySql && facts.user_is_foreign {
        let name = sql_name(&facts.table, Lack::UserReference);
        let open = Journal::unfinished(&folder(store, state, &facts.table))?.contains(&name);
        if open && store.key_named(&name).await?.is_some() {
            (facts.user_is_foreign, facts.unchecked) = (false, Some(name));
        }
    }
    lacking(store, wanted, &facts).await
}

/// The advice for the token alone, where it can be there twice. Writes nothing.
///
/// # Errors
/// When the store cannot be read.
pub async fn unique_token(store: &mut Store) -> Result<Option<Advice>, Error> {
    let Some(facts) = store.key_facts().await? else { return Ok(None) };
    let mut all = advice(&facts, store.kind(), None);
    all.retain(|one| one.lack == Lack::UniqueToken);
    weigh(store, &mut all, None).await?;
    Ok(all.pop())
}

async fn lacking(store: &mut Store, wanted: &UsersWanted, facts: &KeyFacts) -> Result<Vec<Advice>, Error> {
    let (mut all, users) = unweighed(store, wanted, facts).await?;
    weigh(store, &mut all, users.as_ref()).await?;
    Ok(all)
}

/// What a table lacks, whatever stands in the way of it, and the users that it refers to.
async fn unweighed(
    store: &mut Store,
    wanted: &UsersWanted,
    facts: &KeyFacts,
) -> Result<(Vec<Advice>, Option<UsersTable>), Error> {
    let found = match store.users_table(wanted).await {
        Ok(users) => store.comparable(&users).is_ok().then_some(users),
        // Who named one meant it.
        Err(error) if wanted.table.is_some() => return Err(error.into()),
        Err(_) => None,
    };
    Ok((advice(facts, store.kind(), found.as_ref()), found))
}

/// Counts the rows that stand in the way of each.
async fn weigh(store: &mut Store, all: &mut [Advice], users: Option<&UsersTable>) -> Result<(), Error> {
    for one in all {
        if let Some((selection, procedure)) = obstacle(one.lack, users) {
            one.rows_in_the_way = match store.count(&selection).await {
                Err(error) if error.is_forbidden() => {
                    let users = users.map_or_else(String::new, |users| format!(" of {}", users.name()));
                    one.first = Some(format!(
                        "this role may not read the rows{users}, so whether any stand in the way is not known"
                    ));
                    if !one.only_checks {
                        one.sql.clear();
                    }
                    continue;
                }
                rows => rows?,
            };
            if one.rows_in_the_way > 0 {
                one.first = Some(format!(
                    "{} rows stand in the way: `unleak sessions {procedure}` shows, backs up and deletes them",
                    one.rows_in_the_way
                ));
            }
        }
    }
    Ok(())
}

/// The rows that do not allow it, and the procedure that clears them.
fn obstacle(lack: Lack, users: Option<&UsersTable>) -> Option<(Selection, &'static str)> {
    match lack {
        Lack::UniqueToken => Some((Selection::Duplicates, "dedupe")),
        Lack::ExpiryIndex | Lack::UserIndex => None,
        Lack::UserReference => users.map(|users| (Selection::Orphans(users.clone()), "orphans")),
    }
}

fn advice(facts: &KeyFacts, kind: StoreKind, users: Option<&UsersTable>) -> Vec<Advice> {
    let users = users.map(|users| (users.name(), users.id()));
    let sql = Sql { kind, table: &facts.table };
    let blank = |lack, what: String, sql: Vec<String>, first: Option<&str>| Advice {
        lack,
        what,
        name: sql_name(&facts.table, lack),
        sql,
        rows_in_the_way: 0,
        first: first.map(str::to_owned),
        only_checks: false,
    };
    let mut all = Vec::new();
    if !facts.token_is_unique {
        let what = format!(
            "{} is not unique: two users can hold one token, and be taken for one another",
            facts.token
        );
        let short = is_without_length(kind, &facts.token_type);
        let statements = if short { Vec::new() } else { sql.index(Lack::UniqueToken, &facts.token) };
        let first = short.then_some("a column of this type takes no unique index: make it a varchar first");
        all.push(blank(Lack::UniqueToken, what, statements, first));
    }
    if let Some(expires) = facts.expires.as_ref().filter(|_| !facts.expiry_is_indexed) {
        let what = format!(
            "no index begins with {expires}: every clean-up of expired sessions reads the whole table"
        );
        all.push(blank(Lack::ExpiryIndex, what, sql.index(Lack::ExpiryIndex, expires), None));
    }
    if let Some(user) = facts.user.as_ref().filter(|_| !facts.user_is_foreign) {
        if kind == StoreKind::Postgres
            && !facts.user_is_indexed
            && (users.is_some() || facts.unchecked.is_some())
        {
            let what = format!(
                "no index begins with {user}: with a reference each deletion of a user reads the whole table"
            );
            all.push(blank(Lack::UserIndex, what, sql.index(Lack::UserIndex, user), None));
        }
        let mut one = match (&facts.unchecked, users) {
            (Some(name), _) => {
                let what = format!("old rows were never checked against the reference {name} of {user}");
                let mut one = blank(Lack::UserReference, what, sql.check(name), None);
                (one.name, one.only_checks) = (name.clone(), true);
                one
            }
            (None, found) => {
                let what = format!("{user} is no foreign key: sessions outlive their users");
                let statements = found.map_or_else(Vec::new, |(users, id)| sql.reference(user, users, id));
                blank(Lack::UserReference, what, statements, None)
            }
        };
        if !one.can_be_added() {
            one.first = Some(
                match kind {
                    StoreKind::Sqlite => {
                        "SQLite takes a reference only when a table is made; until then `unleak sessions orphans` deletes what outlives its user"
                    }
                    _ => "no users table with ids of the same kind was found: name it with --users-table and --users-id",
                }
                .to_owned(),
            );
        }
        all.push(one);
    }
    all
}

/// How long a change waits for others. On PostgreSQL nobody waits behind a concurrent build; everywhere else somebody does.
fn patience(store: StoreKind, kind: Kind) -> Duration {
    match (store, kind) {
        (StoreKind::Postgres, Kind::Index) => Duration::from_mins(10),
        _ => Duration::from_millis(500),
    }
}

/// The folder of the journal, apart from that of a hardening of the same table.
fn folder(store: &Store, state: &Path, table: &TableName) -> PathBuf {
    Journal::folder(state, &store.place(), &format!("advice for {table}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> KeyFacts {
        KeyFacts {
            table: TableName { schema: Some("public".to_owned()), name: "sessions".to_owned() },
            token: "sessionToken".to_owned(),
            token_type: "text".to_owned(),
            token_is_unique: false,
            expires: Some("expires".to_owned()),
            expiry_is_indexed: false,
            user: Some("userId".to_owned()),
            user_is_foreign: false,
            user_is_indexed: false,
            unchecked: None,
        }
    }

    #[test]
    fn what_is_missing_is_said_with_its_sql() {
        let all = advice(&facts(), StoreKind::Postgres, None);
        let sql: Vec<_> = all.iter().flat_map(|one| &one.sql).collect();
        assert_eq!(
            sql,
            [
                "CREATE UNIQUE INDEX CONCURRENTLY \"sessions_unleak_unique\" ON \"public\".\"sessions\" (\"sessionToken\")",
                "CREATE INDEX CONCURRENTLY \"sessions_unleak_expiry\" ON \"public\".\"sessions\" (\"expires\")",
            ]
        );
        assert!(!all[2].is_ready() && all[2].first.as_ref().unwrap().contains("--users-table"));
        let unchecked = KeyFacts { unchecked: Some("fk".to_owned()), ..facts() };
        let all = advice(&unchecked, StoreKind::Postgres, None);
        assert_eq!(all[2].lack, Lack::UserIndex);
        assert_eq!(all[3].sql, ["ALTER TABLE \"public\".\"sessions\" VALIDATE CONSTRAINT \"fk\""]);
        assert_eq!(all[3].label(), "validate constraint fk");
    }

    #[test]
    fn a_column_that_takes_no_unique_index_is_told() {
        let all = advice(&facts(), StoreKind::MySql, None);
        assert!(all[0].sql.is_empty() && all[0].first.as_ref().unwrap().contains("varchar"));
        let whole = KeyFacts { token_type: "varchar(64)".to_owned(), ..facts() };
        assert!(advice(&whole, StoreKind::MySql, None)[0].sql[0].ends_with("ALGORITHM=INPLACE, LOCK=NONE"));
    }

    #[test]
    fn what_is_there_is_not_advised() {
        let whole =
            KeyFacts { token_is_unique: true, expiry_is_indexed: true, user_is_foreign: true, ..facts() };
        assert!(advice(&whole, StoreKind::Sqlite, None).is_empty());
        let none = KeyFacts { expires: None, user: None, token_is_unique: true, ..facts() };
        assert!(advice(&none, StoreKind::MySql, None).is_empty());
    }
}
