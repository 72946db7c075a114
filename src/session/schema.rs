//! The tables of a live database, and the choice of the one that holds the sessions.
//!
//! A name from outside is only ever compared with the catalogue's; what goes into SQL is the catalogue's, quoted.

use super::dialect::{CUSTOM, CustomTable, Dialect, Roles, Unit};
use super::{Error, KeyFacts, Lifetime, StoreKind};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The full name of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableName {
    /// The schema; `None` on SQLite.
    pub schema: Option<String>,
    /// The table.
    pub name: String,
}

impl TableName {
    /// The name as it goes into SQL.
    pub(crate) fn quoted(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{}.{}", quoted(schema), quoted(&self.name)),
            None => quoted(&self.name),
        }
    }

    /// The name of a key of this table that unleak adds: short enough for every store, and telling where it comes from.
    pub(crate) fn key(&self, what: &str) -> String {
        let mut end = self.name.len().min(40);
        while !self.name.is_char_boundary(end) {
            end -= 1;
        }
        format!("{}_unleak_{what}", &self.name[..end])
    }

    /// Whether a name from outside means this table: bare, qualified, or quoted.
    pub(super) fn is(&self, asked: &str) -> bool {
        asked == self.name
            || asked == quoted(&self.name)
            || asked == self.to_string()
            || asked == self.quoted()
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}.")?;
        }
        f.write_str(&self.name)
    }
}

/// The columns that only a hardened table has.
const HARDENED: [&str; 4] = ["family_id", "current_jti", "reused_jti_of", "revoked_at"];

impl Table {
    /// The column of a hardened table that says when a session was revoked; `None` in every other table.
    pub(super) fn revoked(&self) -> Option<&Column> {
        let named = |name: &str| self.columns.iter().find(|column| column.name == name);
        HARDENED.iter().map(|name| named(name)).collect::<Option<Vec<_>>>()?.pop()
    }
}

/// An identifier as it goes into SQL: on PostgreSQL, SQLite, and MySQL with `ANSI_QUOTES` alike.
pub(crate) fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// A column that a row can be written with (generated ones cannot).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type as the catalogue writes it.
    #[serde(rename = "type")]
    pub data_type: String,
}

/// One table, view or other relation of the catalogue.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) name: TableName,
    /// The place of its schema in the search path; names resolve to the lowest.
    pub(super) path_rank: Option<usize>,
    /// What it is when it is no plain table.
    pub(super) special: Option<&'static str>,
    /// Whether its rows are in several tables of the server's own, which PostgreSQL reaches through this one.
    pub(super) is_partitioned: bool,
    pub(super) columns: Vec<Column>,
}

impl Table {
    /// The list of columns as it goes into SQL.
    pub(super) fn quoted_columns(&self) -> String {
        self.columns.iter().map(|column| quoted(&column.name)).collect::<Vec<_>>().join(", ")
    }
}

/// The table with the sessions, its dialect and the roles of its columns.
#[derive(Clone, Debug)]
pub(super) struct Selected {
    pub(super) table: Table,
    pub(super) dialect: &'static Dialect,
    pub(super) roles: Roles,
    /// Whether somebody said how long sessions live after their last use.
    pub(super) lifetime_told: bool,
}

impl Selected {
    /// The columns that keys are about; what the catalogue says of them is not known yet.
    pub(super) fn key_facts(&self) -> KeyFacts {
        let roles = &self.roles;
        KeyFacts {
            table: self.table.name.clone(),
            token: roles.token.name.clone(),
            token_type: roles.token.data_type.clone(),
            token_is_unique: false,
            expires: (roles.expires != roles.token).then(|| roles.expires.name.clone()),
            expiry_is_indexed: false,
            user: roles.user.as_ref().map(|user| user.name.clone()),
            user_is_foreign: false,
            user_is_indexed: false,
            unchecked: None,
        }
    }

    pub(super) fn lifetime(&self) -> Option<Lifetime> {
        let Unit::IdleSeconds(seconds) = self.roles.unit else { return None };
        Some(Lifetime { minutes: seconds / 60, assumed: !self.lifetime_told })
    }
}

/// What the caller named; everything else is detected.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) url: &'a str,
    pub(super) kind: StoreKind,
    pub(super) table: Option<&'a str>,
    pub(super) dialect: Option<&'a str>,
    pub(super) custom: Option<&'a CustomTable>,
    /// In minutes.
    pub(super) lifetime: Option<u32>,
}

/// Chooses the session table, and says how long its sessions live where its rows do not.
pub(super) fn select(tables: Vec<Table>, wanted: Wanted<'_>) -> Result<Selected, Error> {
    let mut found = choose(tables, wanted)?;
    let Some(minutes) = wanted.lifetime else { return Ok(found) };
    if !matches!(found.roles.unit, Unit::IdleSeconds(_)) {
        return Err(Error::Column {
            table: found.table.name.to_string(),
            reason: "its rows tell when a session ends, so --lifetime would change nothing".to_owned(),
        });
    }
    found.roles.unit = Unit::IdleSeconds(minutes.saturating_mul(60));
    found.lifetime_told = true;
    Ok(found)
}

/// Several candidates are an error: what is to be deleted is never guessed.
fn choose(tables: Vec<Table>, wanted: Wanted<'_>) -> Result<Selected, Error> {
    let seen: Vec<String> = tables.iter().map(|table| table.name.to_string()).collect();
    if let Some(custom) = wanted.custom {
        return wanted.described(resolve(tables, &custom.table, &seen)?, custom);
    }
    let dialects = wanted.dialects()?;
    if let Some(asked) = wanted.table {
        return wanted.match_named(resolve(tables, asked, &seen)?, &dialects);
    }
    let selected = |table: Table| {
        let (dialect, roles) = wanted.first_match(&table, &dialects).ok()?;
        Some(Selected { table, dialect, roles, lifetime_told: false })
    };
    let mut matches: Vec<Selected> = tables.into_iter().filter_map(selected).collect();
    // Views and partitions repeat the rows of a table that is in the list itself.
    if matches.iter().any(|found| found.table.special.is_none()) {
        matches.retain(|found| found.table.special.is_none());
    }
    match matches.len() {
        0 => Err(Error::NoSessionTable { url: wanted.url.to_owned(), tables: seen }),
        1 => plain(matches.swap_remove(0)),
        _ => Err(Error::Ambiguous {
            candidates: matches.iter().map(|m| format!("{} ({})", m.table.name, m.dialect.name)).collect(),
        }),
    }
}

impl Wanted<'_> {
    fn dialects(&self) -> Result<Vec<&'static Dialect>, Error> {
        let Some(name) = self.dialect else { return Ok(Dialect::of(self.kind).collect()) };
        let found = Dialect::named(name, self.kind).ok_or_else(|| Error::UnknownDialect {
            name: name.to_owned(),
            kind: self.kind,
            known: Dialect::of(self.kind).map(|dialect| dialect.name).collect(),
        })?;
        Ok(vec![found])
    }

    fn first_match(
        &self,
        table: &Table,
        dialects: &[&'static Dialect],
    ) -> Result<(&'static Dialect, Roles), String> {
        let mut reason = String::new();
        for &dialect in dialects {
            match dialect.roles(table, self.kind) {
                Ok(roles) => return Ok((dialect, roles)),
                Err(why) => reason = why,
            }
        }
        Err(reason)
    }

    /// The table that the caller describes.
    fn described(&self, table: Table, custom: &CustomTable) -> Result<Selected, Error> {
        let roles = custom.roles(&table, self.kind).map_err(|reason| Error::WrongShape {
            table: table.name.to_string(),
            dialect: CUSTOM.name.to_owned(),
            reason,
        })?;
        plain(Selected { table, dialect: &CUSTOM, roles, lifetime_told: true })
    }

    fn match_named(&self, table: Table, dialects: &[&'static Dialect]) -> Result<Selected, Error> {
        let (dialect, roles) = self.first_match(&table, dialects).map_err(|reason| Error::WrongShape {
            table: table.name.to_string(),
            dialect: self.dialect.unwrap_or("known kind of").to_owned(),
            reason: if dialects.len() == 1 {
                reason
            } else {
                "its columns are those of no dialect".to_owned()
            },
        })?;
        plain(Selected { table, dialect, roles, lifetime_told: false })
    }
}

/// The plain table that a name from outside means, whatever columns it has.
pub(super) fn named(tables: Vec<Table>, asked: &str) -> Result<TableName, Error> {
    let seen: Vec<String> = tables.iter().map(|table| table.name.to_string()).collect();
    let table = resolve(tables, asked, &seen)?;
    match table.special {
        Some(what) => Err(Error::not_plain(&table.name, what)),
        None if table.is_partitioned => Err(Error::not_plain(&table.name, "partitioned table")),
        None => Ok(table.name),
    }
}

/// Finds the table that a name from outside means, as the search path would.
fn resolve(tables: Vec<Table>, asked: &str, seen: &[String]) -> Result<Table, Error> {
    let mut named: Vec<Table> = tables.into_iter().filter(|table| table.name.is(asked)).collect();
    if let Some(rank) = named.iter().filter_map(|table| table.path_rank).min() {
        named.retain(|table| table.path_rank == Some(rank));
    }
    match named.len() {
        0 => Err(Error::NoSuchTable { table: asked.to_owned(), tables: seen.to_vec() }),
        1 => Ok(named.swap_remove(0)),
        _ => Err(Error::Ambiguous { candidates: named.iter().map(|table| table.name.to_string()).collect() }),
    }
}

fn plain(found: Selected) -> Result<Selected, Error> {
    match found.table.special {
        Some(what) => Err(Error::not_plain(&found.table.name, what)),
        None => Ok(found),
    }
}
