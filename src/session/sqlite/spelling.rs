//! How SQLite says what a selection needs.
//!
//! Times are told by how they are stored, since SQLite's columns take anything: text is ISO 8601 in UTC, numbers are
//! Unix milliseconds, or seconds when they are too small for that. The unreadable is never past.

use crate::session::Error;
use crate::session::schema::{self, Column};
use crate::session::selection::{Moment, Spelling};
use jiff::Timestamp;

/// With the time now, which must not move between the reading of rows and their deletion.
pub(super) struct SqliteSpelling {
    now: Timestamp,
    row: String,
}

impl SqliteSpelling {
    /// Rows are told apart by `row`; a table where nothing does is refused before anything is deleted.
    pub(super) fn new(row: Option<String>) -> Self {
        Self { now: Timestamp::now(), row: row.unwrap_or_else(|| "rowid".to_owned()) }
    }
}

impl Spelling for SqliteSpelling {
    fn quoted(&self, identifier: &str) -> String {
        schema::quoted(identifier)
    }

    fn text(&self, expression: &str) -> String {
        format!("CAST({expression} AS TEXT)")
    }

    fn is_one_of(&self, _: Option<&Column>, expression: &str) -> String {
        format!("{} IN (SELECT value FROM json_each(?1))", self.text(expression))
    }

    fn place(&self) -> String {
        format!("s.{}", self.row)
    }

    fn is_past(&self, _: &Column, expression: &str, moment: Moment) -> Result<String, Error> {
        let at = match moment {
            Moment::Now => self.now,
            Moment::At(time) => time,
        };
        // In SQLite a NULL is as good as false in a condition, and counts as neither in a sum.
        Ok(format!("({}) <= {}", self.time_order(expression), at.as_millisecond()))
    }

    fn millis(&self, _: &Column, expression: &str) -> Result<String, Error> {
        Ok(format!("CAST({} AS bigint)", self.time_order(expression)))
    }

    fn time_order(&self, expression: &str) -> String {
        format!(
            "CASE WHEN typeof({expression}) IN ('integer', 'real') \
             THEN {expression} * (CASE WHEN abs({expression}) < 1e11 THEN 1000.0 ELSE 1.0 END) \
             WHEN typeof({expression}) = 'text' THEN round((julianday({expression}) - 2440587.5) * 86400000.0) END"
        )
    }

    fn json(&self, expression: &str, path: &[String]) -> String {
        // Keys are letters, digits, `_` and `-`.
        let path: Vec<String> = path.iter().map(|key| format!("\"{key}\"")).collect();
        let path = path.join(".");
        format!("(CASE WHEN json_valid({expression}) THEN json_extract({expression}, '$.{path}') END)")
    }
}
