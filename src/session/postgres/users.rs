//! The users table on PostgreSQL: found by foreign key or name, searched, and held against the sessions.

use super::count::bind;
use super::{Postgres, catalogue};
use crate::session::schema::{Column, TableName};
use crate::session::selection::{self, Collation, UserAt, choose, family, search, told};
use crate::session::store::within;
use crate::session::{Error, Orphaned, Selection, User, UserPattern, UsersTable, UsersWanted};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};

const DOING: &str = "reading the users table";

/// Where the foreign key of one column leads, when it is a key of one column.
const REFERENCE: &str = "
SELECT n.nspname::text, f.relname::text, fa.attname::text
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace
JOIN pg_catalog.pg_class f ON f.oid = k.confrelid JOIN pg_catalog.pg_namespace n ON n.oid = f.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
JOIN pg_catalog.pg_attribute fa ON fa.attrelid = f.oid AND fa.attnum = k.confkey[1]
WHERE k.contype = 'f' AND cardinality(k.conkey) = 1 AND cn.nspname = $1 AND c.relname = $2 AND a.attname = $3";

/// By which rules a column is compared that has some of its own: where one has none, the server takes the other's.
const COLLATION: &str = "
SELECT n.nspname::text, l.collname::text
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace
JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation JOIN pg_catalog.pg_namespace n ON n.oid = l.collnamespace
WHERE cn.nspname = $1 AND c.relname = $2 AND a.attname = $3 AND l.collname <> 'default'";

impl Postgres {
    pub(in crate::session) async fn users_table(
        &mut self,
        wanted: &UsersWanted,
    ) -> Result<UsersTable, Error> {
        let mut connection = self.take().await?;
        let sessions = self.selected.table.name.clone();
        let found = within(self.opener.limits.statement, DOING, async {
            let tables = catalogue::tables(&mut connection, None).await?;
            let mut reference = None;
            if let Some(UserAt::Column(column)) = &self.user {
                let query = sqlx::query_as::<_, (String, String, String)>(REFERENCE)
                    .bind(&sessions.schema)
                    .bind(&sessions.name)
                    .bind(&column.name);
                let row = query.fetch_optional(&mut connection).await.map_err(Error::database(DOING))?;
                reference = row.map(|(schema, name, id)| (TableName { schema: Some(schema), name }, id));
            }
            Ok((tables, reference))
        });
        let (tables, reference) = found.await?;
        let mut users = choose(&tables, &sessions, reference.as_ref(), wanted)?;
        users.collations = self.collations(&mut connection, &users).await?;
        self.connection = Some(connection);
        Ok(users)
    }

    /// How the users' ids and the sessions' are compared, where that differs: the server refuses to choose.
    async fn collations(
        &self,
        connection: &mut PgConnection,
        users: &UsersTable,
    ) -> Result<Option<[Collation; 2]>, Error> {
        let Some(UserAt::Column(column)) = &self.user else { return Ok(None) };
        let theirs = collation(connection, &users.name, &users.id).await?;
        let ours = collation(connection, &self.selected.table.name, column).await?;
        Ok(theirs.zip(ours).filter(|(theirs, ours)| theirs != ours).map(Into::into))
    }

    pub(in crate::session) async fn find_users(
        &mut self,
        users: &UsersTable,
        pattern: &UserPattern,
        limit: u32,
    ) -> Result<Vec<User>, Error> {
        let sql = self.sql("UTC");
        let fits = |column: &str| format!("lower({column}::text) LIKE $1 ESCAPE '!'");
        let select = search(users, pattern.columns(users)?, &sql, fits, limit);
        let mut connection = self.take().await?;
        let query = sqlx::query(AssertSqlSafe(select)).bind(pattern.like());
        let rows = within(self.opener.limits.statement, DOING, async {
            query.fetch_all(&mut connection).await.map_err(Error::database(DOING))
        });
        let rows = rows.await?;
        self.connection = Some(connection);
        let user = |row| told(users, |at| Row::try_get::<Option<String>, _>(row, at).ok().flatten());
        Ok(rows.iter().filter_map(user).collect())
    }

    pub(in crate::session) fn comparable(&self, users: &UsersTable) -> Result<(), Error> {
        selection::orphaned(users, self.subject(), &self.sql("UTC")).map(drop)
    }

    pub(in crate::session) async fn users_by_id(
        &mut self,
        users: &UsersTable,
        ids: Vec<String>,
    ) -> Result<Vec<User>, Error> {
        let (sql, limit) = (self.sql("UTC"), u32::try_from(ids.len()).unwrap_or(u32::MAX));
        let values = "current_setting('unleak.values')::text[]";
        // Of one family the id itself is compared, which its index answers; text of another might be no such id.
        let alike = |column: &Column| family(&column.data_type) == family(&users.id.data_type);
        let whole = match (&self.user, family(&users.id.data_type)) {
            (Some(UserAt::Column(column)), "integer") if alike(column) => Some("bigint"),
            (Some(UserAt::Column(column)), "uuid") if alike(column) => Some("uuid"),
            (Some(UserAt::Column(column)), "text") if alike(column) => Some("text"),
            _ => None,
        };
        let fits = |column: &str| match whole {
            Some(kind) => format!("{column} = ANY(({values})::{kind}[])"),
            None => format!("{column}::text = ANY({values})"),
        };
        let select = search(users, std::slice::from_ref(&users.id), &sql, fits, limit);
        let mut connection = self.take().await?;
        let rows = within(self.opener.limits.statement, DOING, async {
            bind(&mut connection, &Selection::Users(ids)).await?;
            let query = sqlx::query(AssertSqlSafe(select));
            query.fetch_all(&mut connection).await.map_err(Error::database(DOING))
        });
        let rows = rows.await?;
        self.connection = Some(connection);
        let user = |row| told(users, |at| Row::try_get::<Option<String>, _>(row, at).ok().flatten());
        Ok(rows.iter().filter_map(user).collect())
    }

    pub(in crate::session) async fn orphaned(&mut self, users: &UsersTable) -> Result<Orphaned, Error> {
        let sql = self.sql(self.reading());
        let select = selection::orphaned(users, self.subject(), &sql)?;
        let mut connection = self.take().await?;
        let row = within(self.opener.limits.statement, DOING, async {
            sqlx::query(AssertSqlSafe(select))
                .fetch_one(&mut connection)
                .await
                .map_err(Error::database(DOING))
        });
        let row = row.await?;
        self.connection = Some(connection);
        let number = |index: usize| row.try_get::<i64, _>(index).unwrap_or_default().unsigned_abs();
        Ok(Orphaned { sessions: number(0), with_user: number(1), users: number(2), orphans: number(3) })
    }
}

async fn collation(
    connection: &mut PgConnection,
    table: &TableName,
    column: &Column,
) -> Result<Option<Collation>, Error> {
    let query = sqlx::query_as::<_, (String, String)>(COLLATION);
    let query = query.bind(&table.schema).bind(&table.name).bind(&column.name);
    let found = query.fetch_optional(connection).await.map_err(Error::database(DOING))?;
    Ok(found.map(|(room, name)| Collation { room, name }))
}
