//! The same ideas for every other session table: a token that can be there once only, an index by which what is over
//! is found, a reference that keeps sessions from outliving their users. Said as SQL; a person runs it, or not.

use crate::session::{Error, KeyFacts, Store, StoreKind, UsersWanted, quoted};
use serde::Serialize;

/// One thing that a session table lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// What it lacks, and why that matters.
    pub what: String,
    /// The statement that adds it; none where the table would have to be made anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
    /// What to do first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<&'static str>,
}

/// What a session table of any known form lacks. Writes nothing.
///
/// # Errors
/// When the store cannot be read.
pub async fn advise(store: &mut Store) -> Result<Vec<Advice>, Error> {
    let Some(facts) = store.key_facts().await? else { return Ok(Vec::new()) };
    let users = store.users_table(&UsersWanted::default()).await.ok();
    let users = users.map(|users| (users.name().quoted(), quoted(users.id())));
    Ok(advice(&facts, store.kind(), users))
}

fn advice(facts: &KeyFacts, kind: StoreKind, users: Option<(String, String)>) -> Vec<Advice> {
    let schema = facts.table.schema.iter().map(|schema| format!("{}.", spelt(kind, schema)));
    let table = format!("{}{}", schema.collect::<String>(), spelt(kind, &facts.table.name));
    let index = |column: &str, unique: &str| {
        let name: String = format!("{}_{column}_idx", facts.table.name).chars().take(60).collect();
        // The others build beside readers and writers by themselves, or lock the file for as long as it takes.
        let how = if kind == StoreKind::Postgres { "CONCURRENTLY " } else { "" };
        let spelt = |name: &str| spelt(kind, name);
        format!("CREATE {unique}INDEX {how}{} ON {table} ({})", spelt(&name), spelt(column))
    };
    let mut all = Vec::new();
    if !facts.token_is_unique {
        all.push(Advice {
            what: format!("{} is not unique: two users can hold one token, and be taken for one another", facts.token),
            sql: Some(index(&facts.token, "UNIQUE ")),
            first: Some("`unleak sessions dedupe` clears rows that share a token, and adds this index with --add-index"),
        });
    }
    if let Some(expires) = facts.expires.as_ref().filter(|_| !facts.expiry_is_indexed) {
        all.push(Advice {
            what: format!(
                "no index begins with {expires}: every clean-up of expired sessions reads the whole table"
            ),
            sql: Some(index(expires, "")),
            first: None,
        });
    }
    if let Some(user) = facts.user.as_ref().filter(|_| !facts.user_is_foreign) {
        let add = |(users, id): (String, String)| {
            format!(
                "ALTER TABLE {table} ADD FOREIGN KEY ({}) REFERENCES {users} ({id}) ON DELETE CASCADE NOT VALID",
                quoted(user)
            )
        };
        all.push(Advice {
            what: format!("{user} is no foreign key: sessions outlive their users"),
            // SQLite adds keys only to a new table; elsewhere the users' table is not known.
            sql: users.filter(|_| kind == StoreKind::Postgres).map(add),
            first: Some("`unleak sessions orphans` deletes sessions of users who do not exist"),
        });
    }
    all
}

fn spelt(kind: StoreKind, name: &str) -> String {
    match kind {
        StoreKind::MySql => format!("`{}`", name.replace('`', "``")),
        _ => quoted(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::TableName;

    fn facts() -> KeyFacts {
        KeyFacts {
            table: TableName { schema: Some("public".to_owned()), name: "sessions".to_owned() },
            token: "sessionToken".to_owned(),
            token_is_unique: false,
            expires: Some("expires".to_owned()),
            expiry_is_indexed: false,
            user: Some("userId".to_owned()),
            user_is_foreign: false,
        }
    }

    #[test]
    fn what_is_missing_is_said_with_its_sql() {
        let users = Some(("\"public\".\"users\"".to_owned(), "\"id\"".to_owned()));
        let all = advice(&facts(), StoreKind::Postgres, users);
        let sql: Vec<_> = all.iter().filter_map(|one| one.sql.as_deref()).collect();
        assert_eq!(
            sql,
            [
                "CREATE UNIQUE INDEX CONCURRENTLY \"sessions_sessionToken_idx\" ON \"public\".\"sessions\" (\"sessionToken\")",
                "CREATE INDEX CONCURRENTLY \"sessions_expires_idx\" ON \"public\".\"sessions\" (\"expires\")",
                "ALTER TABLE \"public\".\"sessions\" ADD FOREIGN KEY (\"userId\") REFERENCES \"public\".\"users\" (\"id\") ON DELETE CASCADE NOT VALID",
            ]
        );
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
