//! What PostgreSQL's catalogue says: the tables, what keeps a purge from being complete, the server's zone.

use crate::session::Error;
use crate::session::schema::{Column, Table, TableName};
use sqlx::Row as _;
use sqlx::postgres::{PgConnection, PgRow};

/// One query for all relations of users, whatever this role may do with them.
const TABLES: &str = "
SELECT n.nspname::text, c.relname::text,
       CASE WHEN c.relkind = 'v' THEN 'view'
            WHEN c.relkind = 'm' THEN 'materialized view'
            WHEN c.relkind = 'f' THEN 'foreign table'
            WHEN c.relispartition THEN 'partition of another table'
            WHEN c.relkind <> 'p' AND EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE c.oid IN (i.inhparent, i.inhrelid))
                 THEN 'table with inheritance' END,
       c.relkind = 'p',
       array_position(current_schemas(false)::text[], n.nspname::text),
       ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
             ORDER BY a.attnum),
       ARRAY(SELECT pg_catalog.format_type(a.atttypid, a.atttypmod) FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
             ORDER BY a.attnum)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND ($1::text IS NULL OR n.nspname = $1)
ORDER BY 1, 2";

pub(super) async fn tables(connection: &mut PgConnection, schema: Option<&str>) -> Result<Vec<Table>, Error> {
    let rows = sqlx::query(TABLES).bind(schema).fetch_all(connection).await;
    let rows = rows.map_err(Error::database("reading the catalogue"))?;
    rows.iter().map(table).collect::<Result<_, _>>().map_err(Error::database("reading the catalogue"))
}

fn table(row: &PgRow) -> Result<Table, sqlx::Error> {
    const SPECIAL: [&str; 5] = [
        "view",
        "materialized view",
        "foreign table",
        "partition of another table",
        "table with inheritance",
    ];
    let special: Option<String> = row.try_get(2)?;
    let rank: Option<i32> = row.try_get(4)?;
    let (names, types): (Vec<String>, Vec<String>) = (row.try_get(5)?, row.try_get(6)?);
    Ok(Table {
        name: TableName { schema: Some(row.try_get(0)?), name: row.try_get(1)? },
        path_rank: rank.and_then(|rank| usize::try_from(rank).ok()),
        is_partitioned: row.try_get(3)?,
        special: special.and_then(|special| SPECIAL.into_iter().find(|known| *known == special)),
        columns: names.into_iter().zip(types).map(|(name, data_type)| Column { name, data_type }).collect(),
    })
}

/// The tables that a view reads, and the whole that a partition is a part of.
const BEHIND: &str = "
SELECT DISTINCT n.nspname::text, b.relname::text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace
JOIN (SELECT r.ev_class AS seen, d.refobjid AS behind FROM pg_catalog.pg_rewrite r
        JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid
        AND d.refclassid = 'pg_catalog.pg_class'::regclass
      UNION ALL SELECT inhrelid, inhparent FROM pg_catalog.pg_inherits) AS t ON t.seen = c.oid
JOIN pg_catalog.pg_class b ON b.oid = t.behind AND b.oid <> c.oid
JOIN pg_catalog.pg_namespace n ON n.oid = b.relnamespace
WHERE format('%s.%s', cn.nspname, c.relname) = $1 AND (b.relkind IN ('r', 'p') OR c.relkind IN ('v', 'm')) ORDER BY 1, 2";

/// What to name instead of a relation that is refused.
pub(super) async fn behind(connection: &mut PgConnection, table: &str) -> Result<Vec<String>, Error> {
    let rows = sqlx::query_as::<_, (String, String)>(BEHIND).bind(table).fetch_all(connection).await;
    let rows = rows.map_err(Error::database("reading the catalogue"))?;
    Ok(rows.into_iter().map(|(schema, name)| TableName { schema: Some(schema), name }.to_string()).collect())
}

/// The facts that decide whether a purge through this connection would be complete.
const PREFLIGHT: &str = "
SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on', current_user::text,
       has_table_privilege(c.oid, 'SELECT'), has_table_privilege(c.oid, 'DELETE')
         AND has_schema_privilege(c.relnamespace, 'USAGE'),
       row_security_active(c.oid),
       ARRAY(SELECT DISTINCT k.conrelid::regclass::text FROM pg_catalog.pg_constraint k
             WHERE k.confrelid IN (SELECT c.oid UNION ALL SELECT relid FROM pg_catalog.pg_partition_tree(c.oid))
             AND k.contype = 'f' AND k.confdeltype IN ('c', 'n', 'd')),
       ARRAY(SELECT DISTINCT 'the trigger ' || t.tgname FROM pg_catalog.pg_trigger t
             WHERE t.tgrelid IN (SELECT c.oid UNION ALL SELECT relid FROM pg_catalog.pg_partition_tree(c.oid)) AND NOT t.tgisinternal AND t.tgtype & 8 <> 0 AND t.tgenabled IN ('O', 'A')
             UNION ALL SELECT 'the rule ' || r.rulename FROM pg_catalog.pg_rewrite r
             WHERE r.ev_class = c.oid AND r.ev_type = '4' AND r.ev_enabled IN ('O', 'A')),
       EXISTS (SELECT FROM pg_catalog.pg_partition_tree(c.oid) p JOIN pg_catalog.pg_class f ON f.oid = p.relid WHERE f.relkind = 'f')
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2";

pub(super) async fn preflight(connection: &mut PgConnection, table: &Table, url: &str) -> Result<(), Error> {
    let doing = "checking the table";
    let name = table.name.to_string();
    let query = sqlx::query(PREFLIGHT).bind(&table.name.schema).bind(&table.name.name);
    let row = query.fetch_optional(connection).await.map_err(Error::database(doing))?;
    let Some(row) = row else { return Err(Error::NoSuchTable { table: name, tables: Vec::new() }) };
    let flag = |index: usize| row.try_get::<bool, _>(index).map_err(Error::database(doing));
    let read_only = |reason: &str| Err(Error::ReadOnly { url: url.to_owned(), reason: reason.to_owned() });
    if flag(0)? {
        return read_only("the server is a standby in recovery");
    }
    if flag(1)? {
        return read_only("its transactions are read-only by default");
    }
    let mut missing = Vec::new();
    if !flag(3)? {
        missing.push("SELECT");
    }
    if !flag(4)? {
        missing.push("DELETE");
    }
    if !missing.is_empty() {
        let role = row.try_get(2).map_err(Error::database(doing))?;
        return Err(Error::Privilege { role, table: name, missing });
    }
    if flag(5)? {
        return Err(Error::RowSecurity { table: name });
    }
    let by: Vec<String> = row.try_get(6).map_err(Error::database(doing))?;
    if !by.is_empty() {
        return Err(Error::Referenced { table: name, by });
    }
    let by: Vec<String> = row.try_get(7).map_err(Error::database(doing))?;
    if !by.is_empty() {
        return Err(Error::Triggered { table: name, by });
    }
    // A transaction of ours does not reach over to another server's.
    if flag(8)? { Err(Error::not_plain(&table.name, FOREIGN_PARTS)) } else { Ok(()) }
}

const FOREIGN_PARTS: &str = "partitioned table with parts on another server";

/// The driver pins the zone while it connects, so the server's own must be put together: the setting of the role
/// or database first, then the configuration file when this role may read it.
const ROLE_ZONE: &str = "
SELECT (SELECT substr(s.line, 10) FROM pg_catalog.pg_db_role_setting d, unnest(d.setconfig) AS s (line)
        WHERE lower(s.line) LIKE 'timezone=%'
          AND d.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))
          AND d.setrole IN (0, (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = session_user))
        ORDER BY d.setrole = 0, d.setdatabase = 0 LIMIT 1),
       current_setting('log_timezone'),
       has_table_privilege('pg_catalog.pg_file_settings', 'SELECT')
         AND has_function_privilege('pg_catalog.pg_show_all_file_settings()', 'EXECUTE')";

const FILE_ZONE: &str = "SELECT setting FROM pg_catalog.pg_file_settings
WHERE lower(name) = 'timezone' AND applied ORDER BY seqno DESC LIMIT 1";

/// The SQLSTATE of a zone that there is not.
const NO_ZONE: &str = "22023";

pub(super) async fn server_zone(connection: &mut PgConnection) -> Result<Option<String>, Error> {
    let doing = "reading the server's time zone";
    let row = sqlx::query(ROLE_ZONE).fetch_one(&mut *connection).await.map_err(Error::database(doing))?;
    let mut zone: Option<String> = row.try_get(0).map_err(Error::database(doing))?;
    if zone.is_none() && row.try_get(2).unwrap_or(false) {
        zone = sqlx::query_scalar(FILE_ZONE)
            .fetch_optional(&mut *connection)
            .await
            .map_err(Error::database(doing))?;
    }
    // A new cluster gets the same value for both, so the zone of the log is the best guess of an ordinary role.
    let zone = zone.or_else(|| row.try_get(1).ok());
    let Some(zone) = zone else { return Ok(None) };
    // Whether it is one is seen by its use: the list of all names takes the server a tenth of a second, file by file.
    let known = sqlx::query_scalar::<_, bool>("SELECT now() AT TIME ZONE $1 IS NOT NULL");
    match known.bind(&zone).fetch_one(connection).await.map_err(Error::database(doing)) {
        Ok(_) => Ok(Some(zone)),
        Err(Error::Database { cause, .. }) if cause.code() == Some(NO_ZONE) => Ok(None),
        Err(error) => Err(error),
    }
}
