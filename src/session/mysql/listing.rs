//! Lists and facts on MySQL and MariaDB, and the unique index that keeps tokens single.

use super::spelling::text_literal;
use super::{MySql, bound, catalogue};
use crate::secret::Secret;
use crate::session::listing::{Facts, ListQuery, Page, Tokens, facts, gathered, listed, page, sites};
use crate::session::selection::{Spelling as _, column_of, marks};
use crate::session::store::within;
use crate::session::{Error, Mark, Selection};
use futures_util::TryStreamExt as _;
use jiff::SignedDuration;
use sqlx::AssertSqlSafe;
use sqlx::mysql::MySqlRow;

const DOING: &str = "reading the sessions";

impl MySql {
    pub(in crate::session) async fn page(&mut self, query: &ListQuery) -> Result<Page, Error> {
        let users = Selection::Users(query.user.iter().cloned().collect());
        let (select, total) = page(self.subject(), query, &self.spelling_for(&users)?)?;
        let total = self.numbers(total, DOING).await?;
        let mut connection = self.take().await?;
        let rows = within(self.opener.limits.statement, DOING, async {
            sqlx::raw_sql(AssertSqlSafe(select))
                .fetch_all(&mut connection)
                .await
                .map_err(Error::database(DOING))
        });
        let rows = rows.await?;
        self.connection = Some(connection);
        let total = total.first().copied().flatten().unwrap_or_default().unsigned_abs();
        let row = |row: &MySqlRow| {
            let number = |at| catalogue::text(row, at)?.parse::<i64>().ok();
            let active = number(4).unwrap_or_default();
            let text = |at| catalogue::text(row, at);
            listed((text(0), text(1), number(2), number(3), active, text(5), text(6), text(7), number(8)))
        };
        Ok(Page { total, sessions: rows.iter().map(row).collect() })
    }

    pub(in crate::session) async fn facts(&mut self, soon: SignedDuration) -> Result<Facts, Error> {
        let counts = self.counts().await?;
        let queries = facts(self.subject(), soon, &self.spelling())?;
        let sessions = self.numbers(queries.sessions, DOING).await?;
        let users = match queries.users {
            Some(query) => Some(self.numbers(query, DOING).await?),
            None => None,
        };
        let duplicates = self.numbers(queries.duplicates, DOING).await?;
        let networks = match queries.networks {
            Some(query) => {
                let mut sites = sites(self.subject());
                self.each_row(query, &mut |[user, address]| sites.add(user, &address)).await?;
                Some(sites.facts())
            }
            None => None,
        };
        let size = format!(
            "SELECT coalesce(data_length, 0) + coalesce(index_length, 0) FROM information_schema.tables WHERE {}",
            self.is_this_table()
        );
        let size = self.numbers(size, DOING).await?;
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
        let (sql, token) = (self.spelling(), &self.selected.roles.token);
        let token = sql.text_of(token, &column_of(token, &sql));
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
        bound(&mut connection, self.opener.limits.purge).await?;
        {
            let mut rows = sqlx::raw_sql(AssertSqlSafe(select)).fetch(&mut connection);
            while let Some(row) = rows.try_next().await.map_err(Error::database(DOING))? {
                add(std::array::from_fn(|at| catalogue::text(&row, at).unwrap_or_default()));
            }
        }
        bound(&mut connection, self.opener.limits.statement).await?;
        self.connection = Some(connection);
        Ok(())
    }

    /// A unique index on the beginning of a token keeps whole ones single all the more.
    pub(in crate::session) async fn token_is_unique(&mut self) -> Result<bool, Error> {
        let select = format!(
            "SELECT count(*) FROM (SELECT index_name FROM information_schema.statistics WHERE {} AND non_unique = 0 \
             GROUP BY index_name HAVING count(*) = 1 AND max(column_name = {}) = 1) AS found",
            self.is_this_table(),
            text_literal(self.selected.roles.token.name.as_bytes())
        );
        Ok(self.numbers(select, DOING).await?.first().copied().flatten().unwrap_or_default() > 0)
    }

    /// The condition for the session table in the server's own tables.
    fn is_this_table(&self) -> String {
        let name = &self.selected.table.name;
        format!(
            "table_schema = {} AND table_name = {}",
            text_literal(name.schema.as_deref().unwrap_or_default().as_bytes()),
            text_literal(name.name.as_bytes())
        )
    }
}
