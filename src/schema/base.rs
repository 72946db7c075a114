//! What the catalogue says of the table as the application made it.

use super::Error;
use super::names::Names;
use crate::session::quoted;
use sqlx::Row as _;
use sqlx::postgres::{PgConnection, PgRow};

const DOING: &str = "reading the table's form";

/// The table, its columns, and what else of it matters to what is made for it.
#[derive(Clone, Debug)]
pub(super) struct Base {
    pub(super) oid: i64,
    pub(super) names: Names,
    pub(super) columns: Vec<BaseColumn>,
    /// The one column of the primary key.
    pub(super) key: Option<BaseColumn>,
    /// The table that `user_id` refers to.
    pub(super) users: Option<Users>,
    /// Columns that refer to sessions and forbid that one goes: the table, quoted, the column, and the one referred to.
    pub(super) references: Vec<[String; 3]>,
    /// Triggers that run for every row that is written.
    pub(super) triggers: Vec<String>,
    pub(super) row_security: bool,
    /// Roles beside the owner with a privilege on the table.
    pub(super) grants: Vec<(String, String)>,
    /// Roles beside the owner that may delete rows and lock them first.
    pub(super) cleaners: Vec<String>,
    /// Who may make things in the schema beside the owner, superusers and the schema's owner.
    pub(super) creators: Vec<String>,
    pub(super) server: Server,
}

/// Who is connected to what.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is one answer of the server")]
pub(super) struct Server {
    pub(super) version: i32,
    pub(super) standby: bool,
    pub(super) read_only: bool,
    pub(super) role: String,
    pub(super) owner: String,
    pub(super) owner_is_superuser: bool,
    pub(super) acts_as_owner: bool,
    pub(super) may_create: bool,
    pub(super) may_make_temporary: bool,
}

/// One column of the table.
#[derive(Clone, Debug)]
pub(super) struct BaseColumn {
    pub(super) name: String,
    pub(super) data_type: String,
    pub(super) not_null: bool,
    /// A default, an identity or a generated value.
    pub(super) fills_itself: bool,
    pub(super) generated: bool,
}

/// Where users are.
#[derive(Clone, Debug)]
pub(super) struct Users {
    pub(super) names: Names,
    pub(super) id: String,
    /// The columns that tell people apart, of those that are there.
    pub(super) about: Vec<String>,
    /// Roles with a privilege on the sessions that may also read these columns; none where rows are hidden from some.
    pub(super) readers: Vec<String>,
}

impl Base {
    pub(super) fn column(&self, name: &str) -> Option<&BaseColumn> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The first of several names that is a column.
    pub(super) fn first(&self, names: &[&str]) -> Option<&BaseColumn> {
        names.iter().find_map(|name| self.column(name))
    }

    /// Where the application keeps the client's address.
    pub(super) fn address(&self) -> Option<&BaseColumn> {
        self.first(&["ip", "ip_address", "client_ip"])
    }

    /// Where it keeps the client's name.
    pub(super) fn agent(&self) -> Option<&BaseColumn> {
        self.first(&["user_agent"]).filter(|column| column.is_text())
    }

    /// When the session was used last.
    pub(super) fn last_used(&self) -> Option<&BaseColumn> {
        self.first(&["last_used_at", "last_seen_at"]).filter(|column| column.is_time())
    }

    /// The primary key as it goes into SQL.
    pub(super) fn key_name(&self) -> String {
        quoted(self.key.as_ref().map_or("id", |key| &key.name))
    }

    /// Its type.
    pub(super) fn key_type(&self) -> &str {
        self.key.as_ref().map_or("uuid", |key| &key.data_type)
    }

    /// The type of users' ids.
    pub(super) fn user_type(&self) -> &str {
        self.column("user_id").map_or("text", |column| &column.data_type)
    }

    /// The time now as a column of the table keeps it: without a zone it is UTC.
    pub(super) fn now_for(&self, column: &str) -> &'static str {
        match self.column(column) {
            Some(column) if column.is_wall_clock() => "(now() AT TIME ZONE 'UTC')",
            _ => "now()",
        }
    }

    /// The roles beside the owner with this privilege.
    pub(super) fn granted<'a>(&'a self, privilege: &'a str) -> impl Iterator<Item = &'a str> {
        self.grants.iter().filter(move |(_, held)| held == privilege).map(|(role, _)| role.as_str())
    }
}

impl BaseColumn {
    pub(super) fn is_text(&self) -> bool {
        self.data_type == "text" || self.data_type.starts_with("character")
    }

    pub(super) fn is_time(&self) -> bool {
        self.data_type.starts_with("timestamp")
    }

    pub(super) fn is_wall_clock(&self) -> bool {
        self.is_time() && self.data_type.ends_with("without time zone")
    }
}

const TABLE: &str = "
SELECT c.oid::int8, pg_get_userbyid(c.relowner)::text, pg_has_role(c.relowner, 'MEMBER'),
       has_schema_privilege(c.relowner, c.relnamespace, 'CREATE'), has_database_privilege(c.relowner, current_database(), 'TEMP'),
       pg_is_in_recovery(), current_setting('transaction_read_only') = 'on',
       current_setting('server_version_num')::int4, current_user::text, c.relrowsecurity,
       ARRAY(SELECT t.tgname::text FROM pg_catalog.pg_trigger t
             WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgtype & 16 <> 0 AND t.tgenabled IN ('O', 'A')),
       (SELECT a.attname::text FROM pg_catalog.pg_index i
        JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
        WHERE i.indrelid = c.oid AND i.indisprimary AND i.indnkeyatts = 1),
       (SELECT o.rolsuper FROM pg_catalog.pg_roles o WHERE o.oid = c.relowner)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2";

const COLUMNS: &str = "
SELECT a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull,
       a.atthasdef OR a.attidentity <> '' OR a.attgenerated <> '', a.attgenerated <> ''
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

const USERS: &str = "
SELECT n.nspname::text, f.relname::text, fa.attname::text,
       ARRAY(SELECT x.attname::text FROM pg_catalog.pg_attribute x
             WHERE x.attrelid = f.oid AND NOT x.attisdropped AND x.attname IN ('email', 'name', 'username')
             ORDER BY 1),
       ARRAY(SELECT DISTINCT r.rolname::text FROM pg_catalog.pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) g
             JOIN pg_catalog.pg_roles r ON r.oid = g.grantee
             WHERE c.oid = k.conrelid AND NOT f.relrowsecurity AND NOT EXISTS (
               SELECT FROM pg_catalog.pg_attribute x
               WHERE x.attrelid = f.oid AND NOT x.attisdropped
                 AND (x.attnum = fa.attnum OR x.attname IN ('email', 'name', 'username'))
                 AND NOT has_column_privilege(r.oid, f.oid, x.attnum, 'SELECT')))
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class f ON f.oid = k.confrelid JOIN pg_catalog.pg_namespace n ON n.oid = f.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
JOIN pg_catalog.pg_attribute fa ON fa.attrelid = f.oid AND fa.attnum = k.confkey[1]
WHERE k.contype = 'f' AND cardinality(k.conkey) = 1 AND k.conrelid = $1::int8::oid AND a.attname = 'user_id'
ORDER BY k.conname LIMIT 1";

/// Keys of one column without an action of their own; the others are the application's to delete.
const REFERENCES: &str = "
SELECT format('%I.%I', n.nspname, r.relname), format('%I', a.attname), format('%I', f.attname)
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class r ON r.oid = k.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attnum = k.conkey[1]
JOIN pg_catalog.pg_attribute f ON f.attrelid = k.confrelid AND f.attnum = k.confkey[1]
WHERE k.contype = 'f' AND k.confrelid = $1::int8::oid AND k.confdeltype IN ('a', 'r')
  AND cardinality(k.conkey) = 1 ORDER BY 1, 2";

const GRANTS: &str = "
SELECT g.rolname::text, a.privilege_type FROM pg_catalog.pg_class c, aclexplode(c.relacl) a
JOIN pg_catalog.pg_roles g ON g.oid = a.grantee
WHERE c.oid = $1::int8::oid AND a.grantee <> c.relowner ORDER BY 1, 2";

/// A row that is locked first needs the right to update it, and one that others may refer to the right to read those.
const CLEANERS: &str = "
SELECT DISTINCT r.rolname::text FROM pg_catalog.pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) g
JOIN pg_catalog.pg_roles r ON r.oid = g.grantee
WHERE c.oid = $1::int8::oid AND r.oid <> c.relowner AND has_table_privilege(r.oid, c.oid, 'SELECT')
  AND has_table_privilege(r.oid, c.oid, 'UPDATE') AND has_table_privilege(r.oid, c.oid, 'DELETE')
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_constraint k WHERE k.contype = 'f' AND k.confrelid = c.oid AND k.confdeltype IN ('a', 'r')
      AND cardinality(k.conkey) = 1 AND NOT has_table_privilege(r.oid, k.conrelid, 'SELECT'))
ORDER BY 1";

/// Who could put something of their own beside what is made.
const CREATORS: &str = "
SELECT DISTINCT coalesce(quote_ident(g.rolname), 'PUBLIC') FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL aclexplode(n.nspacl) a
LEFT JOIN pg_catalog.pg_roles g ON g.oid = a.grantee
WHERE c.oid = $1::int8::oid AND a.privilege_type = 'CREATE' AND a.grantee NOT IN (c.relowner, n.nspowner)
  AND NOT coalesce(g.rolsuper, false) ORDER BY 1";

/// Reads all of it.
pub(super) async fn read(connection: &mut PgConnection, names: &Names) -> Result<Base, Error> {
    let query = sqlx::query(TABLE).bind(&names.schema).bind(&names.table);
    let row = query.fetch_one(&mut *connection).await.map_err(Error::database(DOING))?;
    let mut base = table(&row, names).map_err(Error::database(DOING))?;
    base.columns = columns(connection, names).await?;
    let key: Option<String> = row.try_get(11).map_err(Error::database(DOING))?;
    base.key = key.and_then(|key| base.column(&key).cloned());
    let query = sqlx::query(USERS).bind(base.oid);
    let users = query.fetch_optional(&mut *connection).await.map_err(Error::database(DOING))?;
    base.users = users.as_ref().map(users_of).transpose().map_err(Error::database(DOING))?;
    let query = sqlx::query_as::<_, (String, String, String)>(REFERENCES).bind(base.oid);
    let references = query.fetch_all(&mut *connection).await.map_err(Error::database(DOING))?;
    base.references = references.into_iter().map(|(table, from, to)| [table, from, to]).collect();
    let query = sqlx::query_as(GRANTS).bind(base.oid);
    base.grants = query.fetch_all(&mut *connection).await.map_err(Error::database(DOING))?;
    let query = sqlx::query_scalar(CLEANERS).bind(base.oid);
    base.cleaners = query.fetch_all(&mut *connection).await.map_err(Error::database(DOING))?;
    let query = sqlx::query_scalar(CREATORS).bind(base.oid);
    base.creators = query.fetch_all(&mut *connection).await.map_err(Error::database(DOING))?;
    Ok(base)
}

/// The columns of a table; none when there is no such table.
pub(super) async fn columns(connection: &mut PgConnection, names: &Names) -> Result<Vec<BaseColumn>, Error> {
    let query = sqlx::query(COLUMNS).bind(&names.schema).bind(&names.table);
    let rows = query.fetch_all(connection).await.map_err(Error::database(DOING))?;
    let column = |row: &PgRow| {
        Ok(BaseColumn {
            name: row.try_get(0)?,
            data_type: row.try_get(1)?,
            not_null: row.try_get(2)?,
            fills_itself: row.try_get(3)?,
            generated: row.try_get(4)?,
        })
    };
    rows.iter().map(column).collect::<Result<_, _>>().map_err(Error::database(DOING))
}

fn table(row: &PgRow, names: &Names) -> Result<Base, sqlx::Error> {
    Ok(Base {
        oid: row.try_get(0)?,
        names: names.clone(),
        columns: Vec::new(),
        key: None,
        users: None,
        references: Vec::new(),
        triggers: row.try_get(10)?,
        row_security: row.try_get(9)?,
        grants: Vec::new(),
        cleaners: Vec::new(),
        creators: Vec::new(),
        server: Server {
            owner: row.try_get(1)?,
            owner_is_superuser: row.try_get::<Option<bool>, _>(12)?.unwrap_or(false),
            acts_as_owner: row.try_get(2)?,
            may_create: row.try_get(3)?,
            may_make_temporary: row.try_get(4)?,
            standby: row.try_get(5)?,
            read_only: row.try_get(6)?,
            version: row.try_get(7)?,
            role: row.try_get(8)?,
        },
    })
}

fn users_of(row: &PgRow) -> Result<Users, sqlx::Error> {
    Ok(Users {
        names: Names { schema: row.try_get(0)?, table: row.try_get(1)? },
        id: row.try_get(2)?,
        about: row.try_get(3)?,
        readers: row.try_get(4)?,
    })
}
