//! Counts: all, expired, and any selection, in the zone that is asked for.

use super::{Postgres, execute};
use crate::session::selection::{Subject, counting};
use crate::session::store::within;
use crate::session::{Counts, Error, Selection, ZoneCount, ZoneCounts};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row as _};

const DOING: &str = "counting the sessions";

impl Postgres {
    pub(in crate::session) async fn counts(&mut self) -> Result<Counts, Error> {
        let mut connection = self.take().await?;
        let counts = within(self.opener.limits.statement, DOING, self.count_all(&mut connection)).await?;
        self.connection = Some(connection);
        Ok(counts)
    }

    pub(in crate::session) async fn count(&mut self, selection: &Selection) -> Result<u64, Error> {
        let counted = self.counting(selection, self.reading())?;
        Ok(self.selected_numbers(selection, [counted]).await?[0])
    }

    /// The numbers by both readings of wall clocks, when the server's is another one than ours. They are of one moment, since
    /// sessions come and go meanwhile.
    pub(in crate::session) async fn count_in_server_zone(
        &mut self,
        selection: &Selection,
    ) -> Result<Option<ZoneCount>, Error> {
        let Some(zone) = self.other_zone().map(str::to_owned) else { return Ok(None) };
        let both = [self.counting(selection, self.reading())?, self.counting(selection, &zone)?];
        if both[0] == both[1] {
            return Ok(None);
        }
        let [ours, theirs] = self.selected_numbers(selection, both).await?;
        Ok(Some(ZoneCount { zone, ours, theirs }))
    }

    fn counting(&self, selection: &Selection, zone: &str) -> Result<String, Error> {
        let from = format!("{}{}", self.only(), self.selected.table.name.quoted());
        counting(selection, self.subject(), &self.sql(zone), &from)
    }

    async fn selected_numbers<const N: usize>(
        &mut self,
        selection: &Selection,
        queries: [String; N],
    ) -> Result<[u64; N], Error> {
        // A sum of whole numbers is a numeric.
        let queries = queries.map(|query| format!("({query})::bigint"));
        let sql = AssertSqlSafe(format!("SELECT {}", queries.join(", ")));
        let mut connection = self.take().await?;
        let row = within(self.opener.limits.statement, DOING, async {
            bind(&mut connection, selection).await?;
            // To look for tokens that are there twice each worker would group all of them by itself.
            let alone = matches!(selection, Selection::Duplicates);
            if alone {
                execute(&mut connection, DOING, "SET max_parallel_workers_per_gather = 0").await?;
            }
            let row = sqlx::query(sql).fetch_one(&mut connection).await.map_err(Error::database(DOING))?;
            if alone {
                execute(&mut connection, DOING, "RESET max_parallel_workers_per_gather").await?;
            }
            Ok(row)
        });
        let row = row.await?;
        self.connection = Some(connection);
        Ok(std::array::from_fn(|at| row.try_get::<i64, _>(at).unwrap_or_default().unsigned_abs()))
    }

    async fn count_all(&self, connection: &mut PgConnection) -> Result<Counts, Error> {
        let expired = |zone: &str| self.subject().over(&self.sql(zone));
        let other = self.other_zone();
        let elsewhere = other.map(expired).transpose()?.unwrap_or_else(|| "false".to_owned());
        let sql = format!(
            "SELECT count(*), count(*) FILTER (WHERE {}), count(*) FILTER (WHERE {elsewhere}) FROM {} AS s",
            expired(self.reading())?,
            self.selected.table.name.quoted(),
        );
        let row =
            sqlx::query(AssertSqlSafe(sql)).fetch_one(connection).await.map_err(Error::database(DOING))?;
        let number = |index: usize| row.try_get::<i64, _>(index).unwrap_or_default().unsigned_abs();
        let (total, expired, elsewhere) = (number(0), number(1), number(2));
        let in_server_zone = match other {
            Some(zone) if elsewhere != expired => {
                Some(ZoneCounts { zone: zone.to_owned(), active: total - elsewhere, expired: elsewhere })
            }
            _ => None,
        };
        Ok(Counts { total, active: total - expired, expired, in_server_zone })
    }

    pub(super) fn subject(&self) -> Subject<'_> {
        Subject { found: &self.selected, user: self.user.as_ref() }
    }

    /// The zone in which wall clocks are read.
    pub(super) fn reading(&self) -> &str {
        self.pinned.as_deref().unwrap_or("UTC")
    }

    /// The server's zone, when nobody said which one holds and it may be another.
    fn other_zone(&self) -> Option<&str> {
        self.zone.as_deref().filter(|_| self.pinned.is_none())
    }
}

/// Puts the values of a selection where its condition finds them. They are parameters, and no part of any SQL.
pub(super) async fn bind(connection: &mut PgConnection, selection: &Selection) -> Result<(), Error> {
    let Some(values) = selection.values()? else { return Ok(()) };
    let set = sqlx::query("SELECT set_config('unleak.values', ($1::text[])::text, false)").bind(values);
    set.execute(connection).await.map_err(Error::database(DOING)).map(drop)
}

/// Checks the name of a zone against the server's list.
pub(super) async fn check_zone(connection: &mut PgConnection, zone: &str) -> Result<(), Error> {
    let sql = "SELECT EXISTS (SELECT FROM pg_catalog.pg_timezone_names WHERE name = $1)";
    let known: bool = sqlx::query_scalar(sql)
        .bind(zone)
        .fetch_one(&mut *connection)
        .await
        .map_err(Error::database("checking the zone"))?;
    if known { Ok(()) } else { Err(Error::UnknownZone { name: zone.to_owned() }) }
}

/// Forgets the bound values.
pub(super) async fn unbind(connection: &mut PgConnection) -> Result<(), Error> {
    execute(connection, DOING, "SELECT set_config('unleak.values', '', false)").await
}
