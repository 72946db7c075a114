//! The users table on MySQL and MariaDB: found by foreign key or name, searched, and held against the sessions.

use super::spelling::text_literal;
use super::{MySql, catalogue};
use crate::session::schema::{Column, TableName};
use crate::session::selection::{self, Collation, Spelling as _, UserAt, choose, search, told};
use crate::session::store::within;
use crate::session::{Error, Orphaned, Selection, User, UserPattern, UsersTable, UsersWanted};
use sqlx::AssertSqlSafe;
use sqlx::mysql::MySqlConnection;

const DOING: &str = "reading the users table";

/// Where the foreign key of one column leads, when it is a key of one column.
const REFERENCE: &str = "
SELECT cast(k.referenced_table_schema AS char), cast(k.referenced_table_name AS char), cast(k.referenced_column_name AS char)
FROM information_schema.key_column_usage k
WHERE k.table_schema = ? AND k.table_name = ? AND k.column_name = ? AND k.referenced_table_name IS NOT NULL
AND (SELECT count(*) FROM information_schema.key_column_usage o WHERE o.constraint_schema = k.constraint_schema
     AND o.constraint_name = k.constraint_name AND o.table_name = k.table_name) = 1";

const COLLATION: &str = "
SELECT cast(character_set_name AS char), cast(collation_name AS char) FROM information_schema.columns
WHERE table_schema = ? AND table_name = ? AND column_name = ?";

impl MySql {
    pub(in crate::session) async fn users_table(
        &mut self,
        wanted: &UsersWanted,
    ) -> Result<UsersTable, Error> {
        let elsewhere = wanted.table.as_deref().is_some_and(|table| table.contains('.'));
        let mut connection = self.take().await?;
        let found = within(self.opener.limits.statement, DOING, async {
            let reference = self.reference(&mut connection).await?;
            let elsewhere = elsewhere || reference.is_some();
            Ok((catalogue::tables(&mut connection, elsewhere).await?, reference))
        });
        let (tables, reference) = found.await?;
        let mut users = choose(&tables, &self.selected.table.name, reference.as_ref(), wanted)?;
        users.collations = self.collations(&mut connection, &users).await?;
        self.connection = Some(connection);
        Ok(users)
    }

    /// How the users' ids and the sessions' are compared, where that differs: the server refuses to choose.
    async fn collations(
        &self,
        connection: &mut MySqlConnection,
        users: &UsersTable,
    ) -> Result<Option<[Collation; 2]>, Error> {
        let Some(UserAt::Column(column)) = &self.user else { return Ok(None) };
        let theirs = collation(connection, &users.name, &users.id).await?;
        let ours = collation(connection, &self.selected.table.name, column).await?;
        Ok(theirs.zip(ours).filter(|(theirs, ours)| theirs != ours).map(Into::into))
    }

    async fn reference(
        &self,
        connection: &mut MySqlConnection,
    ) -> Result<Option<(TableName, String)>, Error> {
        let (Some(UserAt::Column(column)), sessions) = (&self.user, &self.selected.table.name) else {
            return Ok(None);
        };
        let query = sqlx::query(REFERENCE).bind(&sessions.schema).bind(&sessions.name).bind(&column.name);
        let row = query.fetch_optional(connection).await.map_err(Error::database(DOING))?;
        Ok(row.and_then(|row| {
            let text = |at| catalogue::text(&row, at);
            Some((TableName { schema: text(0), name: text(1)? }, text(2)?))
        }))
    }

    pub(in crate::session) async fn find_users(
        &mut self,
        users: &UsersTable,
        pattern: &UserPattern,
        limit: u32,
    ) -> Result<Vec<User>, Error> {
        let like = text_literal(pattern.like().as_bytes());
        let fits = |column: &str| {
            format!("lower(CONVERT({column} USING utf8mb4)) COLLATE utf8mb4_bin LIKE {like} ESCAPE '!'")
        };
        let select = search(users, pattern.columns(users)?, &self.spelling(), fits, limit);
        self.told(users, select).await
    }

    pub(in crate::session) async fn users_by_id(
        &mut self,
        users: &UsersTable,
        ids: Vec<String>,
    ) -> Result<Vec<User>, Error> {
        let limit = u32::try_from(ids.len()).unwrap_or(u32::MAX);
        let wanted = Selection::Users(ids);
        let sql = self.spelling_for(&wanted)?;
        let fits = |column: &str| sql.is_one_of(Some(&users.id), column);
        let select = search(users, std::slice::from_ref(&users.id), &sql, fits, limit);
        self.told(users, select).await
    }

    /// The users that a query finds.
    async fn told(&mut self, users: &UsersTable, select: String) -> Result<Vec<User>, Error> {
        let mut connection = self.take().await?;
        let rows = within(self.opener.limits.statement, DOING, async {
            sqlx::raw_sql(AssertSqlSafe(select))
                .fetch_all(&mut connection)
                .await
                .map_err(Error::database(DOING))
        });
        let rows = rows.await?;
        self.connection = Some(connection);
        Ok(rows.iter().filter_map(|row| told(users, |at| catalogue::text(row, at))).collect())
    }

    pub(in crate::session) fn comparable(&self, users: &UsersTable) -> Result<(), Error> {
        selection::orphaned(users, self.subject(), &self.spelling()).map(drop)
    }

    pub(in crate::session) async fn orphaned(&mut self, users: &UsersTable) -> Result<Orphaned, Error> {
        let select = selection::orphaned(users, self.subject(), &self.spelling())?;
        let numbers = self.numbers(select, DOING).await?;
        let number = |at: usize| numbers.get(at).copied().flatten().unwrap_or_default().unsigned_abs();
        Ok(Orphaned { sessions: number(0), with_user: number(1), users: number(2), orphans: number(3) })
    }
}

/// How a column is compared; `None` for one that holds no text.
async fn collation(
    connection: &mut MySqlConnection,
    table: &TableName,
    column: &Column,
) -> Result<Option<Collation>, Error> {
    let query = sqlx::query(COLLATION).bind(&table.schema).bind(&table.name).bind(&column.name);
    let row = query.fetch_optional(connection).await.map_err(Error::database(DOING))?;
    let name = |at| {
        let name = catalogue::text(row.as_ref()?, at)?;
        // They are written into statements, where they cannot be quoted.
        name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_').then_some(name)
    };
    Ok(name(0).zip(name(1)).map(|(room, name)| Collation { room, name }))
}
