//! Lists and facts on PostgreSQL, and the unique index that keeps tokens single.

use super::Postgres;
use super::count::bind;
use super::spelling::literal;
use crate::secret::Secret;
use crate::session::listing::{Facts, ListQuery, Page, Row, Tokens, facts, gathered, listed, page, sites};
use crate::session::selection::{Spelling as _, column_of, marks};
use crate::session::store::within;
use crate::session::{Error, Mark, Selection};
use futures_util::TryStreamExt as _;
use jiff::SignedDuration;
use sqlx::{AssertSqlSafe, Row as _};

const DOING: &str = "reading the sessions";

impl Postgres {
    pub(in crate::session) async fn page(&mut self, query: &ListQuery) -> Result<Page, Error> {
        let (select, total) = page(self.subject(), query, &self.sql(self.reading()))?;
        let mut connection = self.take().await?;
        let found = within(self.opener.limits.statement, DOING, async {
            bind(&mut connection, &Selection::Users(query.user.iter().cloned().collect())).await?;
            let rows = sqlx::query_as::<_, Row>(AssertSqlSafe(select)).fetch_all(&mut connection).await;
            let total = sqlx::query_scalar::<_, i64>(AssertSqlSafe(total)).fetch_one(&mut connection).await;
            Ok((rows.map_err(Error::database(DOING))?, total.map_err(Error::database(DOING))?))
        });
        let (rows, total) = found.await?;
        self.connection = Some(connection);
        Ok(Page { total: total.unsigned_abs(), sessions: rows.into_iter().map(listed).collect() })
    }

    pub(in crate::session) async fn facts(&mut self, soon: SignedDuration) -> Result<Facts, Error> {
        let counts = self.counts().await?;
        let queries = facts(self.subject(), soon, &self.sql(self.reading()))?;
        let sessions = self.numbers(queries.sessions).await?;
        let users = match queries.users {
            Some(query) => Some(self.numbers(query).await?),
            None => None,
        };
        let unique = self.token_is_unique().await?;
        // What the database refuses need not be looked for, which takes longer than all the rest.
        let duplicates = if unique {
            vec![Some(0), Some(0), users.as_ref().map(|_| 0)]
        } else {
            self.numbers(queries.duplicates).await?
        };
        let networks = match queries.networks {
            Some(query) => {
                let mut sites = sites(self.subject());
                self.each_row(query, &mut |[user, address]| sites.add(user, &address)).await?;
                Some(sites.facts())
            }
            None => None,
        };
        let table = literal(&self.selected.table.name.quoted());
        // A partitioned table itself is empty.
        let size = format!(
            "SELECT (pg_total_relation_size({table}::regclass) + coalesce((SELECT sum(pg_total_relation_size(p.relid)) \
             FROM pg_catalog.pg_partition_tree({table}::regclass) AS p WHERE p.relid <> {table}::regclass), 0))::bigint"
        );
        let size = self.numbers(size).await?;
        let bytes = size.first().copied().flatten().unwrap_or_default().unsigned_abs();
        let facts = gathered(counts, &sessions, users.as_deref(), &duplicates, unique, bytes);
        Ok(Facts { networks, replays: self.replays(SignedDuration::from_hours(1)).await?, ..facts })
    }

    /// The tokens that a test fits.
    pub(in crate::session) async fn find_tokens(
        &mut self,
        fits: &dyn Fn(&Secret) -> bool,
    ) -> Result<Vec<Secret>, Error> {
        let sql = self.sql("UTC");
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
        let select = marks(mark, self.subject(), &self.sql("UTC"))?;
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
        let name = &self.selected.table.name;
        let sql = format!(
            "SELECT count(*) FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid \
             AND a.attnum = i.indkey[0] WHERE i.indrelid = {}::regclass AND i.indisunique AND i.indisvalid \
             AND i.indpred IS NULL AND i.indnkeyatts = 1 AND a.attname = {}",
            literal(&name.quoted()),
            literal(&self.selected.roles.token.name)
        );
        Ok(self.numbers(sql).await?.first().copied().flatten().unwrap_or_default() > 0)
    }

    /// One row of numbers.
    async fn numbers(&mut self, sql: String) -> Result<Vec<Option<i64>>, Error> {
        let mut connection = self.take().await?;
        let row = within(self.opener.limits.statement, DOING, async {
            sqlx::query(AssertSqlSafe(sql)).fetch_one(&mut connection).await.map_err(Error::database(DOING))
        });
        let row = row.await?;
        self.connection = Some(connection);
        (0..row.len()).map(|at| row.try_get(at)).collect::<Result<_, _>>().map_err(Error::database(DOING))
    }
}
