//! Where a session says whose it is: in a column, or inside its JSON payload.

use crate::session::Error;
use crate::session::schema::{Column, Selected};

/// The keys of a path that the caller named as `key.key`.
pub(in crate::session) fn path(found: &Selected, path: &str) -> Result<Vec<String>, Error> {
    let keys: Vec<String> = path.split('.').map(str::to_owned).collect();
    let plain =
        |key: &String| !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    if keys.iter().all(plain) {
        return Ok(keys);
    }
    Err(Error::Column {
        table: found.table.name.to_string(),
        reason: "a path to the user is keys of letters, digits, `_` and `-`, with dots between".to_owned(),
    })
}

/// The place of the user's id in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::session) enum UserAt {
    /// A column of its own.
    Column(Column),
    /// Inside the payload.
    Json {
        /// The payload's column.
        column: Column,
        /// The keys that lead to the id.
        path: Vec<String>,
    },
}

impl UserAt {
    /// The dialect's column; else what the caller named as `key.key` of the payload. `None` when neither is there.
    pub(in crate::session) fn find(found: &Selected, path: Option<&str>) -> Result<Option<Self>, Error> {
        let Some(path) = path else { return Ok(found.roles.user.clone().map(Self::Column)) };
        let wrong =
            |reason: &str| Error::Column { table: found.table.name.to_string(), reason: reason.to_owned() };
        let keys = self::path(found, path)?;
        let payload = |column: &&Column| {
            let kind = column.data_type.to_ascii_lowercase();
            kind.starts_with("json") || matches!(column.name.as_str(), "sess" | "data")
        };
        let column =
            found.table.columns.iter().find(payload).ok_or_else(|| wrong("it has no JSON payload"))?;
        Ok(Some(Self::Json { column: column.clone(), path: keys }))
    }
}
