//! The users table of a SQLite file: found by foreign key or name, searched, and held against the sessions.

use super::count::{bound, values};
use super::{Sqlite, catalogue};
use crate::session::schema::TableName;
use crate::session::selection::{self, Spelling as _, UserAt, choose, search, told};
use crate::session::store::within;
use crate::session::{Error, Orphaned, Selection, User, UserPattern, UsersTable, UsersWanted};
use sqlx::{AssertSqlSafe, Row};

const DOING: &str = "reading the users table";

/// Where the foreign key of one column leads; `to` is NULL when it is the other table's primary key.
const REFERENCE: &str = "
SELECT f.\"table\", coalesce(f.\"to\", (SELECT name FROM pragma_table_info(f.\"table\") WHERE pk = 1))
FROM pragma_foreign_key_list(?1) f WHERE lower(f.\"from\") = lower(?2)";

impl Sqlite {
    pub(in crate::session) async fn users_table(
        &mut self,
        wanted: &UsersWanted,
    ) -> Result<UsersTable, Error> {
        let mut connection = self.take().await?;
        let tables = catalogue::tables(&mut connection).await?;
        let sessions = self.selected.table.name.clone();
        let mut reference = None;
        if let Some(UserAt::Column(column)) = &self.user {
            let query = sqlx::query_as::<_, (String, Option<String>)>(REFERENCE)
                .bind(&sessions.name)
                .bind(&column.name);
            let row = query.fetch_optional(&mut connection).await.map_err(Error::database(DOING))?;
            // The catalogue's spelling of the name, which a reference need not have.
            reference = row.and_then(|(name, id)| {
                let table = tables.iter().find(|table| table.name.name.eq_ignore_ascii_case(&name))?;
                Some((TableName { schema: None, name: table.name.name.clone() }, id?))
            });
        }
        self.connection = Some(connection);
        choose(&tables, &sessions, reference.as_ref(), wanted)
    }

    pub(in crate::session) async fn find_users(
        &mut self,
        users: &UsersTable,
        pattern: &UserPattern,
        limit: u32,
    ) -> Result<Vec<User>, Error> {
        let sql = self.spelling();
        let fits = |column: &str| format!("{column} GLOB ?1");
        let select = search(users, pattern.columns(users)?, &sql, fits, limit);
        let mut connection = self.take().await?;
        let query = sqlx::query(AssertSqlSafe(select)).bind(pattern.glob());
        let rows = within(self.limits.statement, DOING, async {
            query.fetch_all(&mut connection).await.map_err(Error::database(DOING))
        });
        let rows = rows.await?;
        self.connection = Some(connection);
        let user = |row| told(users, |at| Row::try_get::<Option<String>, _>(row, at).ok().flatten());
        Ok(rows.iter().filter_map(user).collect())
    }

    pub(in crate::session) fn comparable(&self, users: &UsersTable) -> Result<(), Error> {
        selection::orphaned(users, self.subject(), &self.spelling()).map(drop)
    }

    pub(in crate::session) async fn users_by_id(
        &mut self,
        users: &UsersTable,
        ids: Vec<String>,
    ) -> Result<Vec<User>, Error> {
        let (sql, limit) = (self.spelling(), u32::try_from(ids.len()).unwrap_or(u32::MAX));
        let fits = |column: &str| sql.is_one_of(Some(&users.id), column);
        let select = search(users, std::slice::from_ref(&users.id), &sql, fits, limit);
        let values = values(&Selection::Users(ids))?;
        let mut connection = self.take().await?;
        let rows = within(self.limits.statement, DOING, async {
            let query = bound(sqlx::query(AssertSqlSafe(select)), values.as_ref());
            query.fetch_all(&mut connection).await.map_err(Error::database(DOING))
        });
        let rows = rows.await?;
        self.connection = Some(connection);
        let user = |row| told(users, |at| Row::try_get::<Option<String>, _>(row, at).ok().flatten());
        Ok(rows.iter().filter_map(user).collect())
    }

    pub(in crate::session) async fn orphaned(&mut self, users: &UsersTable) -> Result<Orphaned, Error> {
        let sql = self.spelling();
        let select = selection::orphaned(users, self.subject(), &sql)?;
        let mut connection = self.take().await?;
        let row = within(self.limits.statement, DOING, async {
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
