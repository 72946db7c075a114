//! When a session ends, as the frameworks write it.

use super::Roles;
use crate::session::StoreKind;
use crate::session::schema::Column;

/// The column that tells when a session ends, normalised, and how to read it.
#[derive(Debug)]
pub(in crate::session) struct Expiry {
    pub(in crate::session) column: &'static str,
    pub(in crate::session) unit: Unit,
}

/// How the column is to be read that tells when a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A date and time, with or without a zone; on SQLite also a number, whose size tells seconds from milliseconds.
    Time,
    /// Unix seconds.
    Seconds,
    /// Unix milliseconds.
    Milliseconds,
    /// Unix seconds of the last use; the session ends so many seconds later.
    IdleSeconds(u32),
    /// The time of the last change: the framework ends no session, however old.
    Never,
}

impl Expiry {
    pub(super) const fn time(column: &'static str) -> Self {
        Self { column, unit: Unit::Time }
    }

    pub(super) const fn new(column: &'static str, unit: Unit) -> Self {
        Self { column, unit }
    }
}

impl Unit {
    /// What keeps a column of this type from being read like this.
    pub(super) fn check(self, column: &Column, kind: StoreKind) -> Result<(), String> {
        let name = &column.name;
        let is_time = is_time(column);
        match (kind, self) {
            (StoreKind::Postgres | StoreKind::MySql, Self::Time) if !is_time => {
                Err(format!("its column {name} is no timestamp"))
            }
            (
                StoreKind::Postgres | StoreKind::MySql,
                Self::Seconds | Self::Milliseconds | Self::IdleSeconds(_),
            ) if !is_number(column) => Err(format!("its column {name} is no number")),
            _ => Ok(()),
        }
    }
}

fn is_time(column: &Column) -> bool {
    let data_type = column.data_type.to_ascii_lowercase();
    data_type.starts_with("timestamp") || data_type.starts_with("datetime")
}

fn is_number(column: &Column) -> bool {
    let data_type = column.data_type.to_ascii_lowercase();
    ["int", "bigint", "integer", "mediumint", "numeric", "decimal", "double", "float", "real"]
        .iter()
        .any(|number| data_type.starts_with(number))
}

impl Roles {
    /// Whether the end of a session is a wall clock without a zone.
    pub(in crate::session) fn is_zoneless(&self) -> bool {
        let data_type = self.expires.data_type.to_ascii_lowercase();
        self.unit == Unit::Time
            && (data_type.contains("without time zone") || data_type.starts_with("datetime"))
    }
}
