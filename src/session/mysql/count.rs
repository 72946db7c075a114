//! Counts: all, expired, and any selection, in the zone that is asked for.

use super::spelling::MySqlSpelling;
use super::zone::Zone;
use super::{MySql, catalogue};
use crate::session::selection::{Subject, counting};
use crate::session::store::within;
use crate::session::{Counts, Error, Selection, ZoneCount, ZoneCounts};
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Row as _};

const DOING: &str = "counting the sessions";

/// How many values one selection may have: they all stand in one statement.
const VALUES: usize = 30_000;

impl MySql {
    pub(in crate::session) async fn counts(&mut self) -> Result<Counts, Error> {
        let utc = Zone::utc();
        let past = |zone: &Zone| {
            let sql = MySqlSpelling { zone, ..self.spelling() };
            self.subject().over(&sql)
        };
        let other = self.other_zone().cloned();
        let select = format!(
            "SELECT count(*), coalesce(sum({}), 0), coalesce(sum({}), 0) FROM {} AS s",
            past(self.reading())?,
            past(other.as_ref().unwrap_or(&utc))?,
            self.selected.table.name.quoted(),
        );
        let numbers = self.numbers(select, DOING).await?;
        let number = |at: usize| numbers.get(at).copied().flatten().unwrap_or_default().unsigned_abs();
        let (total, expired, elsewhere) = (number(0), number(1), number(2));
        let in_server_zone = match other {
            Some(zone) if elsewhere != expired && self.selected.roles.is_zoneless() => Some(ZoneCounts {
                zone: zone.name().to_owned(),
                active: total - elsewhere,
                expired: elsewhere,
            }),
            _ => None,
        };
        Ok(Counts { total, active: total - expired, expired, in_server_zone })
    }

    pub(in crate::session) async fn count(&mut self, selection: &Selection) -> Result<u64, Error> {
        let select = self.counting(selection, self.reading())?;
        let numbers = self.numbers(select, DOING).await?;
        Ok(numbers.first().copied().flatten().unwrap_or_default().unsigned_abs())
    }

    /// The numbers by both readings of wall clocks, when the server's is another one than ours. They are of one moment, since
    /// sessions come and go meanwhile.
    pub(in crate::session) async fn count_in_server_zone(
        &mut self,
        selection: &Selection,
    ) -> Result<Option<ZoneCount>, Error> {
        let Some(zone) = self.other_zone().cloned() else { return Ok(None) };
        let (ours, theirs) = (self.counting(selection, self.reading())?, self.counting(selection, &zone)?);
        if ours == theirs {
            return Ok(None);
        }
        let numbers = self.numbers(format!("SELECT ({ours}), ({theirs})"), DOING).await?;
        let number = |at: usize| numbers.get(at).copied().flatten().unwrap_or_default().unsigned_abs();
        Ok(Some(ZoneCount { zone: zone.name().to_owned(), ours: number(0), theirs: number(1) }))
    }

    fn counting(&self, selection: &Selection, zone: &Zone) -> Result<String, Error> {
        let sql = MySqlSpelling { zone, ..self.spelling_for(selection)? };
        counting(selection, self.subject(), &sql, &self.selected.table.name.quoted())
    }

    pub(super) fn subject(&self) -> Subject<'_> {
        Subject { found: &self.selected, user: self.user.as_ref() }
    }

    /// The spelling for what has no values.
    pub(super) fn spelling(&self) -> MySqlSpelling<'_> {
        MySqlSpelling {
            zone: self.reading(),
            values: Vec::new(),
            is_indexed: self.is_indexed,
            key: self.key.as_ref(),
            now: None,
        }
    }

    /// The spelling for a selection with its values; refuses what this table does not serve for.
    pub(super) fn spelling_for(&self, selection: &Selection) -> Result<MySqlSpelling<'_>, Error> {
        if matches!(selection, Selection::Duplicates) && self.key.is_none() {
            return Err(Error::Column {
                table: self.selected.table.name.to_string(),
                reason: "it has no key that tells the rows of one token apart (ALTER TABLE … ADD COLUMN nr bigint AUTO_INCREMENT PRIMARY KEY adds one)"
                    .to_owned(),
            });
        }
        let values = selection.values()?.unwrap_or_default();
        if values.len() > VALUES {
            let what = format!("more than {VALUES} values at once");
            return Err(Error::Unsupported { what });
        }
        Ok(MySqlSpelling { values: values.into_iter().map(str::to_owned).collect(), ..self.spelling() })
    }

    /// The zone in which wall clocks are read.
    pub(super) fn reading(&self) -> &Zone {
        self.pinned.as_ref().unwrap_or(&self.utc)
    }

    /// The server's zone, when nobody said which one holds.
    fn other_zone(&self) -> Option<&Zone> {
        self.zone.as_ref().filter(|_| self.pinned.is_none())
    }

    /// One row of numbers.
    pub(super) async fn numbers(
        &mut self,
        select: String,
        doing: &'static str,
    ) -> Result<Vec<Option<i64>>, Error> {
        let mut connection = self.take().await?;
        let row =
            within(self.opener.limits.statement, doing, one_row(&mut connection, select, doing)).await?;
        self.connection = Some(connection);
        Ok(row)
    }
}

/// The servers and their versions give sums and counts different types, so they are read as text.
async fn one_row(
    connection: &mut MySqlConnection,
    select: String,
    doing: &'static str,
) -> Result<Vec<Option<i64>>, Error> {
    let row =
        sqlx::raw_sql(AssertSqlSafe(select)).fetch_one(connection).await.map_err(Error::database(doing))?;
    let number = |at| catalogue::text(&row, at)?.parse::<i64>().ok();
    Ok((0..row.len()).map(number).collect())
}
