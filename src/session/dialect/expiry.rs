//! When a session ends, as the frameworks write it, and what that is in SQL on each database.

use super::Roles;
use crate::session::StoreKind;
use crate::session::schema::{Column, quoted};

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

    /// The end of a session in SQL: a timestamp on PostgreSQL, a `DATETIME` in UTC on MySQL, and on SQLite text or
    /// the number of seconds or milliseconds. NULL for one that never ends, and on MySQL for a time that it does not know.
    pub(in crate::session) fn instant(&self, kind: StoreKind) -> String {
        self.instant_of(kind, &quoted(&self.expires.name))
    }

    /// The same of a column that is spelled like this.
    pub(in crate::session) fn instant_of(&self, kind: StoreKind, column: &str) -> String {
        let seconds = match self.unit {
            Unit::Time => return column.to_owned(),
            Unit::Never if kind == StoreKind::Postgres => return "NULL::timestamptz".to_owned(),
            Unit::Never => return "NULL".to_owned(),
            Unit::Seconds => column.to_owned(),
            Unit::IdleSeconds(lifetime) => format!("({column} + {lifetime})"),
            Unit::Milliseconds if kind == StoreKind::Sqlite => return column.to_owned(),
            Unit::Milliseconds => format!("({column} / 1000.0)"),
        };
        match kind {
            // Beyond the year 9999 is for ever, and would be out of range.
            StoreKind::Postgres => {
                format!("to_timestamp(greatest(0, least({seconds}, 253402300799))::double precision)")
            }
            StoreKind::MySql => {
                format!(
                    "timestampadd(MICROSECOND, least({seconds}, 253402300799) * 1000000, '1970-01-01 00:00:00')"
                )
            }
            StoreKind::Sqlite | StoreKind::Redis => seconds,
        }
    }
}
