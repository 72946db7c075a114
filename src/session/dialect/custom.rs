//! A session table of an own kind, which the caller describes.

use super::{Dialect, Form, Roles, StoreClass, Unit};
use crate::session::schema::{Column, Table};
use crate::session::{BackupInfo, StoreKind};

pub(in crate::session) const DIALECT: Dialect = Dialect {
    name: "custom",
    aliases: &[],
    kinds: &[StoreKind::Postgres, StoreKind::Sqlite, StoreKind::MySql],
    class: StoreClass::B,
    form: Form::Described,
};

/// A session table in the words of a configuration. Every name must be one of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomTable {
    /// The table: `TABLE` or `SCHEMA.TABLE`.
    pub table: String,
    /// The column with the session's id or token.
    pub token: String,
    /// The column with the user's id.
    pub user: Option<String>,
    /// The column that tells when a session ends, and how to read it; without one none ends.
    pub expiry: Option<(String, Unit)>,
}

impl CustomTable {
    /// The table that a change of its schema copied first: whatever form it has, such a one has a user and an end.
    pub fn of_copy(copy: &BackupInfo) -> Self {
        let names = copy.columns.iter().map(|column| column.name.as_str());
        let token = names.clone().find(|name| *name == "id").or(names.clone().next()).unwrap_or_default();
        Self {
            table: copy.table.quoted(),
            token: token.to_owned(),
            user: Some("user_id".to_owned()),
            expiry: Some(("expires_at".to_owned(), Unit::Time)),
        }
    }

    /// The columns of the table in their roles, or what is missing.
    pub(in crate::session) fn roles(&self, table: &Table, kind: StoreKind) -> Result<Roles, String> {
        let find = |name: &String| -> Result<Column, String> {
            let found = table.columns.iter().find(|column| column.name == *name);
            found.cloned().ok_or_else(|| format!("it has no column {name}"))
        };
        let token = find(&self.token)?;
        let (expires, unit) = match &self.expiry {
            Some((name, unit)) => (find(name)?, *unit),
            None => (token.clone(), Unit::Never),
        };
        unit.check(&expires, kind)?;
        Ok(Roles { token, expires, unit, user: self.user.as_ref().map(find).transpose()? })
    }
}
