//! What holds a session table together: whether tokens are unique, ends are indexed, users are referred to.

use super::TableName;
use serde::Serialize;

/// The indexes and references of a session table, as far as they matter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyFacts {
    /// The table.
    pub table: TableName,
    /// The column with the token.
    pub token: String,
    /// Whether no two rows can have one token.
    pub token_is_unique: bool,
    /// The column by which a session ends, where there is one.
    pub expires: Option<String>,
    /// Whether an index begins with it.
    pub expiry_is_indexed: bool,
    /// The column with the user, where there is one.
    pub user: Option<String>,
    /// Whether it is a foreign key.
    pub user_is_foreign: bool,
}
