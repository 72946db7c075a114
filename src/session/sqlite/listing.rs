//! Lists and facts on SQLite, and the unique index that keeps tokens single.

use super::Sqlite;
use super::count::{bound, values};
use crate::secret::Secret;
use crate::session::listing::{Facts, ListQuery, Page, Tokens, facts, gathered, listed, page, sites};
use crate::session::selection::{Spelling as _, column_of, marks};
use crate::session::store::within;
use crate::session::{Error, Mark, Selection};
use futures_util::TryStreamExt as _;
use jiff::SignedDuration;
use sqlx::{AssertSqlSafe, FromRow, Row as _};

const DOING: &str = "reading the sessions";

impl Sqlite {
    pub(in crate::session) async fn page(&mut self, query: &ListQuery) -> Result<Page, Error> {
        let (select, total) = page(self.subject(), query, &self.spelling())?;
        let users = query.user.clone().map(|user| Selection::Users(vec![user]));
        let values = users.as_ref().map(values).transpose()?.flatten();
        let mut connection = self.take().await?;
        let found = within(self.limits.statement, DOING, async {
            let rows =
                bound(sqlx::query(AssertSqlSafe(select)), values.as_ref()).fetch_all(&mut connection).await;
            let total =
                bound(sqlx::query(AssertSqlSafe(total)), values.as_ref()).fetch_one(&mut connection).await;
            let total = total.and_then(|row| row.try_get::<i64, _>(0)).map_err(Error::database(DOING))?;
            let rows =
                rows.and_then(|rows| rows.iter().map(FromRow::from_row).collect::<Result<Vec<_>, _>>());
            Ok((rows.map_err(Error::database(DOING))?, total))
        });
        let (rows, total) = found.await?;
        self.connection = Some(connection);
        Ok(Page { total: total.unsigned_abs(), sessions: rows.into_iter().map(listed).collect() })
    }

    pub(in crate::session) async fn facts(&mut self, soon: SignedDuration) -> Result<Facts, Error> {
        let counts = self.counts().await?;
        let queries = facts(self.subject(), soon, &self.spelling())?;
        let sessions = self.numbers(queries.sessions).await?;
        let users = match queries.users {
            Some(query) => Some(self.numbers(query).await?),
            None => None,
        };
        let duplicates = self.numbers(queries.duplicates).await?;
        let networks = match queries.networks {
            Some(query) => {
                let mut sites = sites(self.subject());
                self.each_row(query, &mut |[user, address]| sites.add(user, &address)).await?;
                Some(sites.facts())
            }
            None => None,
        };
        let size = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";
        let size = self.numbers(size.to_owned()).await?;
        let bytes = size.first().copied().flatten().unwrap_or_default().unsigned_abs();
        let unique = self.token_is_unique().await?;
        let facts = gathered(counts, &sessions, users.as_deref(), &duplicates, unique, bytes);
        Ok(Facts { networks, ..facts })
    }

    /// The tokens that a test fits.
    pub(in crate::session) async fn find_tokens(
        &mut self,
        fits: &dyn Fn(&Secret) -> bool,
    ) -> Result<Vec<Secret>, Error> {
        let sql = self.spelling();
        let token = sql.text(&column_of(&self.selected.roles.token, &sql));
        let mut tokens = Tokens::new(fits);
        let select = format!("SELECT {token} FROM {} AS s", self.selected.table.name.quoted());
        self.each_row(select, &mut |[token]| tokens.add(token)).await?;
        Ok(tokens.found())
    }

    /// The texts of a mark that a test fits.
    pub(in crate::session) async fn marks(
        &mut self,
        mark: Mark,
        fits: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<String>, Error> {
        let mut found = Vec::new();
        let mut add = |[text]: [String; 1]| found.extend(Some(text).filter(|text| fits(text)));
        let select = marks(mark, self.subject(), &self.spelling())?;
        self.each_row(select, &mut add).await?;
        Ok(found)
    }

    /// Hands over the texts of each row; none is kept.
    async fn each_row<const N: usize>(
        &mut self,
        select: String,
        add: &mut dyn FnMut([String; N]),
    ) -> Result<(), Error> {
        let mut connection = self.take().await?;
        {
            let mut rows = sqlx::query(AssertSqlSafe(select)).fetch(&mut connection);
            while let Some(row) = rows.try_next().await.map_err(Error::database(DOING))? {
                let mut texts = [const { String::new() }; N];
                for (at, text) in texts.iter_mut().enumerate() {
                    let told: Option<String> = row.try_get(at).map_err(Error::database(DOING))?;
                    *text = told.unwrap_or_default();
                }
                add(texts);
            }
        }
        self.connection = Some(connection);
        Ok(())
    }

    pub(in crate::session) async fn token_is_unique(&mut self) -> Result<bool, Error> {
        let sql = "SELECT (SELECT count(*) FROM pragma_index_list(?1) l WHERE l.\"unique\" = 1 AND l.partial = 0 \
                   AND (SELECT group_concat(name, char(0)) FROM pragma_index_info(l.name)) = ?2) \
                   + (SELECT sum(pk > 0) = 1 AND sum(pk > 0 AND name = ?2) = 1 FROM pragma_table_info(?1))";
        let mut connection = self.take().await?;
        let found = sqlx::query_scalar::<_, i64>(sql)
            .bind(&self.selected.table.name.name)
            .bind(&self.selected.roles.token.name)
            .fetch_one(&mut connection)
            .await
            .map_err(Error::database(DOING))?;
        self.connection = Some(connection);
        Ok(found > 0)
    }

    /// One row of numbers.
    async fn numbers(&mut self, sql: String) -> Result<Vec<Option<i64>>, Error> {
        let mut connection = self.take().await?;
        let row = within(self.limits.statement, DOING, async {
            sqlx::query(AssertSqlSafe(sql)).fetch_one(&mut connection).await.map_err(Error::database(DOING))
        });
        let row = row.await?;
        self.connection = Some(connection);
        (0..row.len()).map(|at| row.try_get(at)).collect::<Result<_, _>>().map_err(Error::database(DOING))
    }
}
