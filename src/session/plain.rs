//! Relations that look like session tables and are no plain ones: why nothing is deleted through them, and what is to be
//! named instead.

use super::Error;
use super::names::bounded;
use super::schema::TableName;

impl Error {
    /// What is behind it is looked up where somebody can be asked.
    pub(super) fn not_plain(table: &TableName, what: &'static str) -> Self {
        Self::NotAPlainTable { table: table.to_string(), what, behind: Vec::new() }
    }
}

/// The next step after such a relation was refused.
pub(super) fn instead(what: &str, behind: &[String]) -> String {
    const DESCRIBED: &str = "a table of a form of its own is described in .unleak.yaml (`sessions: {table: …, token: …}`) and meant by --dialect custom";
    if what.contains("on another server") || what == "foreign table" {
        return "connect to the server that holds the rows".to_owned();
    }
    match what {
        "partition of another table" if !behind.is_empty() => {
            format!("name the whole table with --table: {}", bounded(behind))
        }
        "partitioned table" => {
            "`unleak sessions` works on it as a whole; its form is not changed here".to_owned()
        }
        "table with inheritance" => {
            "detach what inherits from it (ALTER TABLE … NO INHERIT), or make it partitions, which are purged as one table".to_owned()
        }
        "table of a storage engine without transactions" => {
            "move it to one that has them: ALTER TABLE … ENGINE=InnoDB".to_owned()
        }
        "system-versioned table, which keeps deleted rows" => {
            "its history must go as well: ALTER TABLE … DROP SYSTEM VERSIONING first".to_owned()
        }
        _ if behind.is_empty() => {
            format!("look into its definition for the table that holds the rows, and name that with --table; {DESCRIBED}")
        }
        _ => format!("its rows are in {}: name that with --table; {DESCRIBED}", bounded(behind)),
    }
}
