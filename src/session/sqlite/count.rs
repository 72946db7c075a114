//! Counts: all, expired, and any selection.

use super::Sqlite;
use crate::session::selection::{Subject, condition, counting};
use crate::session::store::within;
use crate::session::{Counts, Error, Selection};
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{AssertSqlSafe, Row as _};
use zeroize::Zeroizing;

const DOING: &str = "counting the sessions";

impl Sqlite {
    pub(in crate::session) async fn counts(&mut self) -> Result<Counts, Error> {
        let mut connection = self.take().await?;
        let counts = within(self.limits.statement, DOING, self.count_all(&mut connection)).await?;
        self.connection = Some(connection);
        Ok(counts)
    }

    pub(in crate::session) async fn count(&mut self, selection: &Selection) -> Result<u64, Error> {
        let sql = counting(selection, self.subject(), &self.spelling(), &self.selected.table.name.quoted())?;
        let values = values(selection)?;
        let mut connection = self.take().await?;
        let count = within(self.limits.statement, DOING, async {
            let row =
                bound(sqlx::query(AssertSqlSafe(sql)), values.as_ref()).fetch_one(&mut connection).await;
            row.and_then(|row| row.try_get::<i64, _>(0)).map_err(Error::database(DOING))
        });
        let count = count.await?;
        self.connection = Some(connection);
        Ok(count.unsigned_abs())
    }

    /// The table as `s`, and the condition for the selected rows.
    pub(super) fn filter(&self, selection: &Selection) -> Result<String, Error> {
        let table = self.selected.table.name.quoted();
        let condition = condition(selection, self.subject(), &self.spelling())?;
        Ok(match condition {
            Some(condition) => format!("{table} AS s WHERE {condition}"),
            None => format!("{table} AS s"),
        })
    }

    pub(super) fn subject(&self) -> Subject<'_> {
        Subject { found: &self.selected, user: self.user.as_ref() }
    }

    async fn count_all(&self, connection: &mut SqliteConnection) -> Result<Counts, Error> {
        let sql = self.spelling();
        let expired = self.subject().over(&sql)?;
        let select = format!(
            "SELECT count(*), coalesce(sum({expired}), 0) FROM {} AS s",
            self.selected.table.name.quoted()
        );
        let row =
            sqlx::query(AssertSqlSafe(select)).fetch_one(connection).await.map_err(Error::database(DOING))?;
        let number = |index: usize| row.try_get::<i64, _>(index).unwrap_or_default().unsigned_abs();
        let (total, expired) = (number(0), number(1));
        Ok(Counts { total, active: total - expired, expired, in_server_zone: None })
    }
}

/// The values of a selection as the one parameter that its condition has.
pub(super) fn values(selection: &Selection) -> Result<Option<Zeroizing<String>>, Error> {
    let json =
        |values: Vec<&str>| Zeroizing::new(serde_json::to_string(&values).expect("a list of texts is JSON"));
    Ok(selection.values()?.map(json))
}

pub(super) fn bound<'q>(
    query: sqlx::query::Query<'q, sqlx::Sqlite, SqliteArguments>,
    values: Option<&'q Zeroizing<String>>,
) -> sqlx::query::Query<'q, sqlx::Sqlite, SqliteArguments> {
    match values {
        Some(values) => query.bind(values.as_str()),
        None => query,
    }
}
