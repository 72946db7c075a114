//! The statements of one dialect that add a key to a session table beside its readers and writers, and that drop it.

use super::super::object::Kind;
use super::Lack;
use crate::session::{StoreKind, TableName, quoted};

/// The types of MySQL that an index takes the beginning of only.
pub(super) fn is_without_length(kind: StoreKind, data_type: &str) -> bool {
    let base = data_type.split('(').next().unwrap_or_default().to_ascii_lowercase();
    kind == StoreKind::MySql && (base.ends_with("text") || base.ends_with("blob") || base == "json")
}

/// The name of what is added.
pub(super) fn sql_name(table: &TableName, lack: Lack) -> String {
    table.key(match lack {
        Lack::UniqueToken => "unique",
        Lack::ExpiryIndex => "expiry",
        Lack::UserIndex => "by_user",
        Lack::UserReference => "user",
    })
}

/// The statements of one dialect for one table.
#[derive(Clone, Copy)]
pub(super) struct Sql<'a> {
    pub(super) kind: StoreKind,
    pub(super) table: &'a TableName,
}

/// What makes a change on MySQL beside readers and writers, or not at all.
const ONLINE: &str = ", ALGORITHM=INPLACE, LOCK=NONE";

impl Sql<'_> {
    fn spelt(&self, name: &str) -> String {
        match self.kind {
            StoreKind::MySql => format!("`{}`", name.replace('`', "``")),
            _ => quoted(name),
        }
    }

    fn full(&self, table: &TableName) -> String {
        let schema = table.schema.iter().map(|schema| format!("{}.", self.spelt(schema)));
        format!("{}{}", schema.collect::<String>(), self.spelt(&table.name))
    }

    pub(super) fn index(&self, lack: Lack, column: &str) -> Vec<String> {
        let unique = if lack == Lack::UniqueToken { "UNIQUE " } else { "" };
        let (table, name) = (self.full(self.table), self.spelt(&sql_name(self.table, lack)));
        let column = self.spelt(column);
        vec![match self.kind {
            StoreKind::Postgres => format!("CREATE {unique}INDEX CONCURRENTLY {name} ON {table} ({column})"),
            StoreKind::MySql => format!("ALTER TABLE {table} ADD {unique}INDEX {name} ({column}){ONLINE}"),
            _ => format!("CREATE {unique}INDEX {name} ON {table} ({column})"),
        }]
    }

    /// For new rows first, then the old ones are checked; on MySQL what would check them locks the table, so they are
    /// counted before and afterwards. SQLite adds keys only to a new table.
    pub(super) fn reference(&self, user: &str, users: &TableName, id: &str) -> Vec<String> {
        let name = sql_name(self.table, Lack::UserReference);
        let (table, spelt, user) = (self.full(self.table), self.spelt(&name), self.spelt(user));
        let to = format!(
            "FOREIGN KEY ({user}) REFERENCES {} ({}) ON DELETE CASCADE",
            self.full(users),
            self.spelt(id)
        );
        match self.kind {
            StoreKind::Postgres => {
                vec![
                    format!("ALTER TABLE {table} ADD CONSTRAINT {spelt} {to} NOT VALID"),
                    self.validate(&name),
                ]
            }
            StoreKind::MySql => vec![
                "SET SESSION foreign_key_checks = 0".to_owned(),
                format!(
                    "ALTER TABLE {table} ADD INDEX {spelt} ({user}), ADD CONSTRAINT {spelt} {to}{ONLINE}"
                ),
                "SET SESSION foreign_key_checks = 1".to_owned(),
            ],
            _ => Vec::new(),
        }
    }

    pub(super) fn validate(&self, name: &str) -> String {
        format!("ALTER TABLE {} VALIDATE CONSTRAINT {}", self.full(self.table), self.spelt(name))
    }

    /// What checks old rows; MySQL has no such statement, and they are counted there.
    pub(super) fn check(&self, name: &str) -> Vec<String> {
        if self.kind == StoreKind::MySql { Vec::new() } else { vec![self.validate(name)] }
    }

    /// What drops an index or a reference, with the index that came with it.
    pub(super) fn drop(&self, kind: Kind, name: &str) -> Vec<String> {
        let (table, spelt) = (self.full(self.table), self.spelt(name));
        let beside = TableName { schema: self.table.schema.clone(), name: name.to_owned() };
        vec![match (self.kind, kind) {
            (StoreKind::Postgres, Kind::Constraint) => format!("ALTER TABLE {table} DROP CONSTRAINT {spelt}"),
            (StoreKind::Postgres, _) => format!("DROP INDEX CONCURRENTLY {}", self.full(&beside)),
            (StoreKind::MySql, Kind::Constraint) => {
                format!("ALTER TABLE {table} DROP FOREIGN KEY {spelt}, DROP INDEX {spelt}{ONLINE}")
            }
            (StoreKind::MySql, _) => format!("ALTER TABLE {table} DROP INDEX {spelt}{ONLINE}"),
            _ => format!("DROP INDEX {}", self.full(&beside)),
        }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_whatever_the_table_is_called() {
        let table = TableName { schema: None, name: "\u{e9}\u{1f600}".repeat(30) };
        let name = sql_name(&table, Lack::UniqueToken);
        assert!(name.len() <= 63 && name.ends_with("_unleak_unique"), "{name}");
    }
}
