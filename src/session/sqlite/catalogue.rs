//! What a SQLite file says about its tables.

use crate::session::Error;
use crate::session::schema::{Column, Table, TableName};
use sqlx::sqlite::SqliteConnection;

pub(super) async fn tables(connection: &mut SqliteConnection) -> Result<Vec<Table>, Error> {
    let list = "SELECT name, type FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite\\_%' \
                ESCAPE '\\' ORDER BY name";
    let names: Vec<(String, String)> = sqlx::query_as(list)
        .fetch_all(&mut *connection)
        .await
        .map_err(Error::database("reading the catalogue"))?;
    let mut tables = Vec::with_capacity(names.len());
    for (name, kind) in names {
        tables.push(Table {
            columns: columns(connection, &name).await,
            name: TableName { schema: None, name },
            path_rank: Some(0),
            special: match kind.as_str() {
                "table" => None,
                "view" => Some("view"),
                _ => Some("virtual table"),
            },
        });
    }
    Ok(tables)
}

/// The columns that can be written; none for a view whose query is broken.
async fn columns(connection: &mut SqliteConnection, table: &str) -> Vec<Column> {
    let sql = "SELECT name, type FROM pragma_table_xinfo(?1) WHERE hidden = 0 ORDER BY cid";
    let rows: Result<Vec<(String, String)>, _> = sqlx::query_as(sql).bind(table).fetch_all(connection).await;
    rows.unwrap_or_default().into_iter().map(|(name, data_type)| Column { name, data_type }).collect()
}

/// The tables whose rows a delete would delete or change as well.
pub(super) async fn cascades(connection: &mut SqliteConnection, table: &str) -> Result<Vec<String>, Error> {
    let sql = "SELECT DISTINCT l.name FROM pragma_table_list l JOIN pragma_foreign_key_list(l.name) f \
               WHERE l.schema = 'main' AND l.type = 'table' AND lower(f.\"table\") = lower(?1) \
               AND f.on_delete NOT IN ('NO ACTION', 'RESTRICT')";
    sqlx::query_scalar(sql)
        .bind(table)
        .fetch_all(connection)
        .await
        .map_err(Error::database("reading the foreign keys"))
}
