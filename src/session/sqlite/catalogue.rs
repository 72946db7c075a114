//! What a SQLite file says about its tables.

use crate::session::Error;
use crate::session::schema::{Column, Table, TableName, quoted};
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
            is_partitioned: false,
            special: match kind.as_str() {
                "table" => None,
                "view" => Some("view"),
                _ => Some("virtual table"),
            },
        });
    }
    Ok(tables)
}

/// What to name instead of a view: the tables whose names are in its text.
pub(super) async fn behind(connection: &mut SqliteConnection, view: &str) -> Result<Vec<String>, Error> {
    let sql = "SELECT t.name FROM sqlite_master t, sqlite_master v WHERE t.type = 'table' AND v.type = 'view' AND v.name = ?1 \
               AND instr(lower(v.sql), lower(t.name)) > 0 AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY 1";
    sqlx::query_scalar(sql)
        .bind(view)
        .fetch_all(connection)
        .await
        .map_err(Error::database("reading the catalogue"))
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

/// The triggers that a delete would run.
pub(super) async fn triggers(connection: &mut SqliteConnection, table: &str) -> Result<Vec<String>, Error> {
    let sql = "SELECT name, coalesce(sql, '') FROM sqlite_master WHERE type = 'trigger' AND lower(tbl_name) = lower(?1)";
    let found: Vec<(String, String)> = sqlx::query_as(sql)
        .bind(table)
        .fetch_all(connection)
        .await
        .map_err(Error::database("reading the triggers"))?;
    let on_delete = found.into_iter().filter(|(_, sql)| is_on_delete(sql));
    Ok(on_delete.map(|(name, _)| format!("the trigger {name}")).collect())
}

/// Whether a trigger's text names DELETE as its event; a text that names none is taken for one that does.
fn is_on_delete(sql: &str) -> bool {
    let mut bare = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let closing = match first {
            '"' | '`' | '\'' => first.to_string(),
            '[' => "]".to_owned(),
            '-' if rest.starts_with("--") => "\n".to_owned(),
            '/' if rest.starts_with("/*") => "*/".to_owned(),
            _ => {
                bare.push(first);
                rest = &rest[first.len_utf8()..];
                continue;
            }
        };
        bare.push(' ');
        let inside = &rest[first.len_utf8()..];
        rest = inside.find(&closing).map_or("", |end| &inside[end + closing.len()..]);
    }
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
    let event = bare
        .split(|c| !is_word(c))
        .map(str::to_ascii_uppercase)
        .find(|word| matches!(&**word, "DELETE" | "INSERT" | "UPDATE"));
    event.is_none_or(|event| event == "DELETE")
}

/// What tells the rows of a table apart: the row id, else its key of one column. `None` where its key has several.
pub(super) async fn row(connection: &mut SqliteConnection, table: &Table) -> Result<Option<String>, Error> {
    let sql = "SELECT l.wr, (SELECT count(*) FROM pragma_table_info(?1) WHERE pk > 0), \
               (SELECT name FROM pragma_table_info(?1) WHERE pk = 1) \
               FROM pragma_table_list l WHERE l.schema = 'main' AND l.name = ?1";
    let found: (bool, i64, Option<String>) = sqlx::query_as(sql)
        .bind(&table.name.name)
        .fetch_one(connection)
        .await
        .map_err(Error::database("reading the catalogue"))?;
    let taken = |name: &str| table.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
    Ok(match found {
        (false, ..) => ["rowid", "_rowid_", "oid"].into_iter().find(|name| !taken(name)).map(str::to_owned),
        (true, 1, key) => key.map(|key| quoted(&key)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_of_a_trigger_is_read_past_names_and_comments() {
        for (sql, on_delete) in [
            ("CREATE TRIGGER t AFTER DELETE ON sessions BEGIN SELECT 1; END", true),
            ("CREATE TRIGGER t delete ON sessions BEGIN SELECT 1; END", true),
            ("CREATE TRIGGER \"delete\" AFTER INSERT ON s BEGIN DELETE FROM t; END", false),
            ("CREATE TRIGGER t /* on delete */ -- delete\n UPDATE OF x ON s BEGIN SELECT 1; END", false),
            ("CREATE TRIGGER no_insert BEFORE DELETE ON s BEGIN SELECT 1; END", true),
            ("", true),
        ] {
            assert_eq!(is_on_delete(sql), on_delete, "{sql}");
        }
    }
}
