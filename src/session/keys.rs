//! What a change of a session table's form needs: whether tokens are unique, ends are indexed, users are referred to;
//! and a copy of every row that deletes none.

use super::store::Backend;
use super::{BackupInfo, BackupSpec, Error, Store, TableName};
use serde::Serialize;

/// The indexes and references of a session table, as far as they matter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of the catalogue by itself")]
pub struct KeyFacts {
    /// The table.
    pub table: TableName,
    /// The column with the token.
    pub token: String,
    /// The type of that column, as the catalogue writes it.
    pub token_type: String,
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
    /// Whether an index begins with it. Looked at on PostgreSQL only: MySQL adds one with each foreign key.
    pub user_is_indexed: bool,
    /// A foreign key of it that old rows were not checked against.
    pub unchecked: Option<String>,
}

impl Store {
    /// Which indexes and references hold the session table together. Redis has none, and `None` says so.
    pub async fn key_facts(&mut self) -> Result<Option<KeyFacts>, Error> {
        let table = &self.selected().table;
        if table.is_partitioned {
            let what = format!(
                "keys of the partitioned table {}: PostgreSQL builds none of them while others write, and a unique one must hold what the parts are told by",
                table.name
            );
            return Err(Error::Unsupported { what });
        }
        match &mut self.backend {
            Backend::Postgres(store) => store.key_facts().await.map(Some),
            Backend::Sqlite(store) => store.key_facts().await.map(Some),
            Backend::MySql(store) => store.key_facts().await.map(Some),
            Backend::Redis(_) => Ok(None),
        }
    }

    /// Copies every session into a backup and deletes none; `None` when there is none. On PostgreSQL.
    pub async fn copy(&mut self, spec: &BackupSpec<'_>) -> Result<Option<BackupInfo>, Error> {
        let kind = self.kind();
        match &mut self.backend {
            Backend::Postgres(store) => store.copy(spec).await,
            _ => Err(Error::Unsupported { what: format!("a backup without a deletion on {kind}") }),
        }
    }
}
