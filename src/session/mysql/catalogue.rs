//! What the catalogue of MySQL and MariaDB says: the tables, what keeps a purge from being complete, the zone.
//!
//! The servers and their versions give the same columns different types, so everything is read as text.

use super::rights::Sight;
use super::zone::Zone;
use crate::session::Error;
use crate::session::schema::{Column, Table, TableName};
use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::{AssertSqlSafe, Row as _};

/// One row a column. Only tables of the chosen database, unless another one may be named.
const TABLES: &str = "
SELECT cast(t.table_schema AS char), cast(t.table_name AS char), cast(t.table_type AS char),
       cast(coalesce(e.transactions, 'NO') AS char), cast(t.table_schema = coalesce(database(), '') AS char),
       cast(c.column_name AS char), cast(c.column_type AS char)
FROM information_schema.tables t
LEFT JOIN information_schema.engines e ON e.engine = t.engine
LEFT JOIN information_schema.columns c ON c.table_schema = t.table_schema AND c.table_name = t.table_name
  AND coalesce(c.generation_expression, '') = ''
WHERE t.table_schema NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys')";

pub(super) async fn tables(connection: &mut MySqlConnection, elsewhere: bool) -> Result<Vec<Table>, Error> {
    let doing = "reading the catalogue";
    let here = if elsewhere { "" } else { " AND t.table_schema = database()" };
    let sql = format!("{TABLES}{here} ORDER BY t.table_schema, t.table_name, c.ordinal_position");
    let rows =
        sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(connection).await.map_err(Error::database(doing))?;
    let mut tables: Vec<Table> = Vec::new();
    for row in &rows {
        let text = |index| text(row, index).unwrap_or_default();
        let name = TableName { schema: Some(text(0)), name: text(1) };
        if tables.last().is_none_or(|last| last.name != name) {
            tables.push(Table {
                name,
                path_rank: (text(4) == "1").then_some(0),
                special: special(&text(2), &text(3)),
                is_partitioned: false,
                columns: Vec::new(),
            });
        }
        if let (Some(table), Some(name)) = (tables.last_mut(), self::text(row, 5)) {
            table.columns.push(Column { name, data_type: text(6) });
        }
    }
    Ok(tables)
}

fn special(kind: &str, transactions: &str) -> Option<&'static str> {
    match (kind, transactions) {
        ("BASE TABLE", "YES") => None,
        ("BASE TABLE", _) => Some("table of a storage engine without transactions"),
        ("SYSTEM VERSIONED", _) => Some("system-versioned table, which keeps deleted rows"),
        ("VIEW" | "SYSTEM VIEW", _) => Some("view"),
        _ => Some("relation that is no plain table"),
    }
}

/// The tables that a view's definition names; none for an account that may not see it.
const BEHIND: &str = "
SELECT cast(concat(t.table_schema, '.', t.table_name) AS char) FROM information_schema.tables t
WHERE t.table_type <> 'VIEW' AND locate(concat('`', t.table_schema, '`.`', t.table_name, '`'), (
  SELECT v.view_definition FROM information_schema.views v WHERE concat(v.table_schema, '.', v.table_name) = ?)) > 0
ORDER BY 1";

/// What to name instead of a relation that is refused.
pub(super) async fn behind(connection: &mut MySqlConnection, table: &str) -> Result<Vec<String>, Error> {
    let rows = sqlx::query(BEHIND).bind(table).fetch_all(connection).await;
    Ok(rows
        .map_err(Error::database("reading the catalogue"))?
        .iter()
        .filter_map(|row| text(row, 0))
        .collect())
}

/// A value as text; `None` for NULL.
pub(super) fn text(row: &MySqlRow, index: usize) -> Option<String> {
    let bytes = row.try_get_unchecked::<Option<Vec<u8>>, _>(index).ok()??;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The same by the column's name; `None` also where there is no such column.
pub(super) fn named(row: &MySqlRow, column: &str) -> Option<String> {
    let bytes = row.try_get_unchecked::<Option<Vec<u8>>, _>(column).ok()??;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

pub(super) async fn preflight(
    connection: &mut MySqlConnection,
    table: &Table,
    url: &str,
) -> Result<(), Error> {
    let doing = "checking the table";
    let read = "SHOW VARIABLES WHERE Variable_name IN ('read_only', 'super_read_only', 'innodb_read_only', 'wsrep_reject_queries')";
    let rows = sqlx::raw_sql(read).fetch_all(&mut *connection).await.map_err(Error::database(doing))?;
    for row in &rows {
        let (name, value) = (text(row, 0).unwrap_or_default(), text(row, 1).unwrap_or_default());
        if !matches!(&*value, "OFF" | "0" | "NONE" | "") {
            let reason = format!("{name} is {value}, as on a replica");
            return Err(Error::ReadOnly { url: url.to_owned(), reason });
        }
    }
    let name = table.name.quoted();
    let mut missing = Vec::new();
    for (privilege, sql) in [
        ("SELECT", format!("SELECT {} FROM {name} WHERE 1 = 0", table.quoted_columns())),
        ("DELETE", format!("DELETE FROM {name} WHERE 1 = 0")),
    ] {
        match sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut *connection)
            .await
            .map_err(Error::database(doing))
        {
            Ok(_) => {}
            Err(Error::Database { cause, .. }) if cause.is_forbidden() => missing.push(privilege),
            Err(error) => return Err(error),
        }
    }
    if !missing.is_empty() {
        let role = one(connection, "SELECT cast(current_user() AS char)", doing).await?.unwrap_or_default();
        return Err(Error::Privilege { role, table: table.name.to_string(), missing });
    }
    let by = cascades(connection, table).await?;
    if !by.is_empty() {
        return Err(Error::Referenced { table: table.name.to_string(), by });
    }
    let by = triggers(connection, table).await?;
    if !by.is_empty() {
        return Err(Error::Triggered { table: table.name.to_string(), by });
    }
    // Nothing was seen, which says something only of an account that would have seen it.
    let rows = sqlx::raw_sql("SHOW GRANTS").fetch_all(&mut *connection).await;
    let grants: Vec<String> =
        rows.map_err(Error::database(doing))?.iter().filter_map(|row| text(row, 0)).collect();
    let what = Sight::of(&grants, &table.name).missing();
    if what.is_empty() {
        return Ok(());
    }
    let role = one(connection, "SELECT cast(current_user() AS char)", doing).await?.unwrap_or_default();
    let schema = table.name.schema.clone().unwrap_or_default();
    Err(Error::Unseen { table: table.name.to_string(), schema, role, what })
}

async fn one(
    connection: &mut MySqlConnection,
    sql: &'static str,
    doing: &'static str,
) -> Result<Option<String>, Error> {
    let row = sqlx::raw_sql(sql).fetch_one(connection).await.map_err(Error::database(doing))?;
    Ok(text(&row, 0))
}

/// Whether the server is MariaDB and no MySQL.
pub(super) async fn is_mariadb(connection: &mut MySqlConnection) -> Result<bool, Error> {
    let version = one(connection, "SELECT cast(version() AS char)", "asking the server what it is").await?;
    Ok(version.is_some_and(|version| version.contains("MariaDB")))
}

/// The tables whose rows a delete would delete or change as well.
async fn cascades(connection: &mut MySqlConnection, table: &Table) -> Result<Vec<String>, Error> {
    let sql = "SELECT DISTINCT cast(concat(constraint_schema, '.', table_name) AS char)
        FROM information_schema.referential_constraints
        WHERE unique_constraint_schema = ? AND referenced_table_name = ?
          AND delete_rule NOT IN ('NO ACTION', 'RESTRICT')";
    let rows = sqlx::query(sql).bind(&table.name.schema).bind(&table.name.name).fetch_all(connection).await;
    let rows = rows.map_err(Error::database("reading the foreign keys"))?;
    Ok(rows.iter().filter_map(|row| text(row, 0)).collect())
}

/// The triggers that a delete would run.
async fn triggers(connection: &mut MySqlConnection, table: &Table) -> Result<Vec<String>, Error> {
    let sql = "SELECT cast(concat('the trigger ', trigger_name) AS char) FROM information_schema.triggers
        WHERE event_object_schema = ? AND event_object_table = ? AND event_manipulation = 'DELETE'";
    let rows = sqlx::query(sql).bind(&table.name.schema).bind(&table.name.name).fetch_all(connection).await;
    let rows = rows.map_err(Error::database("reading the triggers"))?;
    Ok(rows.iter().filter_map(|row| text(row, 0)).collect())
}

/// The zone in which the server reads and writes wall clocks.
pub(super) async fn server_zone(connection: &mut MySqlConnection) -> Result<Option<Zone>, Error> {
    let doing = "reading the server's time zone";
    let name = "SELECT cast(CASE @@global.time_zone WHEN 'SYSTEM' THEN @@system_time_zone ELSE @@global.time_zone END AS char)";
    let name = one(connection, name, doing).await?;
    sqlx::raw_sql("SET time_zone = @@global.time_zone")
        .execute(&mut *connection)
        .await
        .map_err(Error::database(doing))?;
    let ahead = "SELECT cast(timestampdiff(SECOND, utc_timestamp(), now()) AS char)";
    let ahead = one(connection, ahead, doing).await?;
    sqlx::raw_sql("SET time_zone = '+00:00'").execute(connection).await.map_err(Error::database(doing))?;
    let ahead = ahead.and_then(|ahead| ahead.parse().ok());
    Ok(name.zip(ahead).and_then(|(name, ahead)| Zone::of_server(&name, ahead)))
}
