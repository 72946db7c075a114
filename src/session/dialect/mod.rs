//! What the frameworks' session tables look like, one file each, and what a leaked secret means for each.
//!
//! A dialect is data: columns of a table, or the form of Redis keys. Columns are compared without case and
//! underscores, because `sessionToken`, `sessiontoken` (unquoted DDL) and `session_token` are one to the frameworks.

mod auth_sessions;
mod authjs;
mod better_auth;
mod better_sqlite3;
mod connect_pg_simple;
mod connect_redis;
mod connect_sqlite3;
mod custom;
mod custom_redis;
mod django;
mod django_cache;
mod expiry;
mod express_mysql;
mod flask_session;
mod flask_session_redis;
mod keys;
mod laravel;
mod laravel_redis;
mod rails;
mod spring_session;
mod spring_session_redis;
mod tower_sessions;

pub use custom::CustomTable;
pub(super) use custom::DIALECT as CUSTOM;
pub(super) use expiry::Expiry;
pub use expiry::Unit;
pub(super) use keys::{Content, Family, Id, Keys, Part};

use super::StoreKind;
use super::schema::{Column, Table};
use serde::Serialize;

/// Every dialect that can be detected or named, stricter ones before those whose columns they have as well; adding
/// one is one file and one line.
pub const ALL: [&Dialect; 19] = [
    &connect_pg_simple::DIALECT,
    &authjs::DIALECT,
    &connect_sqlite3::DIALECT,
    &better_sqlite3::DIALECT,
    &express_mysql::DIALECT,
    &better_auth::DIALECT,
    &auth_sessions::DIALECT,
    &django::DIALECT,
    &laravel::DIALECT,
    &spring_session::DIALECT,
    &flask_session::DIALECT,
    &tower_sessions::DIALECT,
    &rails::DIALECT,
    &connect_redis::DIALECT,
    &spring_session_redis::DIALECT,
    &flask_session_redis::DIALECT,
    &django_cache::DIALECT,
    &laravel_redis::DIALECT,
    &custom_redis::DIALECT,
];

/// The form in which one framework keeps its sessions.
#[derive(Debug)]
pub struct Dialect {
    /// The name for `--dialect`.
    pub name: &'static str,
    /// Other names that people use for the same form.
    pub aliases: &'static [&'static str],
    /// The stores it runs on.
    pub kinds: &'static [StoreKind],
    /// What a leaked secret opens and what ends its sessions.
    pub class: StoreClass,
    /// Where its sessions are.
    pub(super) form: Form,
}

/// Where a dialect's sessions are.
#[derive(Debug)]
pub(super) enum Form {
    /// In the rows of a table.
    Table(Columns),
    /// Under keys of Redis.
    Keys(Keys),
    /// In a table that the caller describes.
    Described,
}

/// The columns of a session table, normalised.
#[derive(Debug)]
pub(super) struct Columns {
    /// The one that holds the session's id or token.
    pub(super) token: &'static str,
    /// The one that tells when it ends.
    pub(super) expiry: Expiry,
    /// The one that holds the user's id; `None` when it is inside the payload.
    pub(super) user: Option<&'static str>,
    /// The further ones without which it is another dialect.
    pub(super) also: &'static [&'static str],
}

/// The columns of one real table in their roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles {
    /// The session's id or token.
    pub token: Column,
    /// What tells when it ends.
    pub expires: Column,
    /// How that is to be read.
    pub unit: Unit,
    /// The user's id, when it has a column.
    pub user: Option<Column>,
}

impl Dialect {
    /// The dialects that run on a kind of store.
    pub fn of(kind: StoreKind) -> impl Iterator<Item = &'static Self> {
        ALL.into_iter().filter(move |dialect| dialect.kinds.contains(&kind))
    }

    /// Finds a dialect by its name or an alias.
    pub fn named(name: &str, kind: StoreKind) -> Option<&'static Self> {
        Self::of(kind).find(|dialect| dialect.name == name || dialect.aliases.contains(&name))
    }

    /// The form of its keys; `None` when its sessions are in a table.
    pub(super) fn keys(&self) -> Option<&Keys> {
        match &self.form {
            Form::Keys(keys) => Some(keys),
            Form::Table(_) | Form::Described => None,
        }
    }

    /// The roles of a table's columns, or what keeps it from being of this dialect.
    pub(super) fn roles(&self, table: &Table, kind: StoreKind) -> Result<Roles, String> {
        let Form::Table(columns) = &self.form else { return Err("its sessions are in no table".to_owned()) };
        let find = |wanted: &str| {
            let mut found = table.columns.iter().filter(|column| normalised(&column.name) == wanted);
            match (found.next(), found.next()) {
                (Some(column), None) => Ok(column.clone()),
                (Some(_), Some(_)) => Err(format!("several columns are named like {wanted}")),
                (None, _) => Err(format!("it has no column {wanted}")),
            }
        };
        for wanted in columns.also {
            find(wanted)?;
        }
        let roles = Roles {
            token: find(columns.token)?,
            expires: find(columns.expiry.column)?,
            unit: columns.expiry.unit,
            user: columns.user.map(find).transpose()?,
        };
        roles.unit.check(&roles.expires, kind)?;
        Ok(roles)
    }
}

pub(super) fn normalised(name: &str) -> String {
    name.chars().filter(|&c| c != '_').flat_map(char::to_lowercase).collect()
}

/// What a leaked secret lets an attacker do to the sessions of a store, and what ends them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum StoreClass {
    /// A signed random id and a row on the server.
    A,
    /// An unsigned random id and a row on the server.
    B,
    /// The row or its key is itself signed or encrypted with the secret.
    C,
    /// The session is in the cookie; there is no row.
    D,
}

impl StoreClass {
    /// What the leaked secret lets an attacker do, as a sentence.
    pub fn exposure(self) -> &'static str {
        match self {
            Self::A => {
                "With the secret alone no session can be forged: an attacker can only sign a session id that they already know."
            }
            Self::B => {
                "The secret does not protect these sessions: whoever knows a session token has the session, with or without it."
            }
            Self::C => {
                "The secret lets an attacker forge session data wherever they can write rows or cookies."
            }
            Self::D => "The secret lets an attacker forge a session of any user.",
        }
    }

    /// What ends sessions that exist, as a sentence.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::A => {
                "Either a new secret or a purge ends existing sessions; after a leak of both the secret and the table it takes both."
            }
            Self::B => "Only a purge ends existing sessions; a new secret changes nothing for them.",
            Self::C => "A new secret without fallbacks, or a purge, ends existing sessions.",
            Self::D => "Only a new secret ends existing sessions; there is nothing to purge.",
        }
    }

    /// Whether a new secret, with the old one in no fallback list, ends existing sessions.
    pub fn rotation_ends_sessions(self) -> bool {
        self != Self::B
    }

    /// Whether deleting every row ends existing sessions.
    pub fn purge_ends_sessions(self) -> bool {
        self != Self::D
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_columns_normalised() {
        let mut names = BTreeSet::new();
        for dialect in ALL {
            for kind in dialect.kinds {
                for name in dialect.aliases.iter().chain([&dialect.name]) {
                    assert!(names.insert((kind.to_string(), name)), "{name} names two dialects for {kind}");
                }
            }
            let Form::Table(columns) = &dialect.form else { continue };
            for column in
                columns.also.iter().chain([&columns.token, &columns.expiry.column]).chain(&columns.user)
            {
                assert_eq!(*column, normalised(column));
            }
        }
    }
}
