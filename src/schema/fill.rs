//! What old rows are given: a family, the time of the login, a hash of the device, a network instead of an address.
//!
//! By primary key, so many keys at a time, each batch a transaction of its own. Only rows that lack something are
//! written, so a run that was stopped goes on by starting again; rows that somebody holds are passed over and come the
//! next time round, so nobody waits for a batch and no batch waits for anybody.

use super::base::{Base, BaseColumn};
use super::{Error, Progress};
use crate::session::quoted;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row as _};
use std::time::Duration;

const DOING: &str = "filling the new columns of old rows";

/// How often rows are gone through for those that must be filled and that somebody held.
const ROUNDS: u32 = 20;
/// How often for those that could be: an older application writes new ones all the while.
const FOR_MORE: u32 = 2;

/// The hash of a client's name; an empty or unknown one has none, or all of them would be one device.
pub(super) fn device(agent: &str) -> String {
    format!("encode(sha256(convert_to(nullif({agent}, ''), 'UTF8')), 'hex')")
}

/// The network of an address: 256 addresses of IPv4, also where it is written as IPv6, or one site of IPv6.
pub(super) fn network(address: &str) -> String {
    format!(
        "CASE WHEN family({address}) = 4 THEN network(set_masklen({address}, 24)) \
         WHEN {address} << '::ffff:0:0/96'::inet \
         THEN network(set_masklen(substring(host({address}) from '[^:]*$')::inet, 24)) \
         ELSE network(set_masklen({address}, 48)) END"
    )
}

/// Reads an address that stands in text, as far as it is one: the first of a list, without a port.
/// It is temporary: it is gone with the connection.
pub(super) const READER: &str = r"CREATE OR REPLACE FUNCTION pg_temp.unleak_inet(text) RETURNS inet LANGUAGE plpgsql IMMUTABLE AS $unleak$
BEGIN
  RETURN regexp_replace(btrim(split_part($1, ',', 1)), '^\[([^]]*)\](:\d+)?$|^(\d+\.\d+\.\d+\.\d+):\d+$', '\1\3')::inet;
EXCEPTION WHEN data_exception THEN RETURN NULL;
END $unleak$";

/// How many of the newest rows tell whether the application fills the columns itself.
const NEWEST: u32 = 1000;

/// What every row must have.
const MUST: &str = "s.family_id IS NULL OR s.auth_time IS NULL";

/// The SQL of filling one table.
#[derive(Clone, Debug)]
pub(super) struct Filling {
    table: String,
    key: String,
    key_type: String,
    /// Whether addresses are text, so that the reader must be there.
    reads_text: bool,
    agent: Option<String>,
    network: Option<String>,
    login: Option<String>,
}

impl Filling {
    pub(super) fn new(base: &Base) -> Self {
        let own = |column: &BaseColumn| format!("s.{}", quoted(&column.name));
        let address = base.address();
        let reads_text = address.is_some_and(BaseColumn::is_text);
        let address =
            address.filter(|column| column.is_text() || matches!(column.data_type.as_str(), "inet" | "cidr"));
        let as_inet = |column: &BaseColumn| match column.data_type.as_str() {
            "inet" => own(column),
            "cidr" => format!("{}::inet", own(column)),
            _ => format!("pg_temp.unleak_inet({})", own(column)),
        };
        let login = base.column("created_at").filter(|column| column.is_time()).map(|column| {
            if column.is_wall_clock() { format!("{} AT TIME ZONE 'UTC'", own(column)) } else { own(column) }
        });
        Self {
            table: base.names.table(),
            key: base.key_name(),
            key_type: base.key_type().to_owned(),
            reads_text,
            agent: base.agent().map(own),
            network: address.map(|column| network(&as_inet(column))),
            login,
        }
    }

    /// What must be there before any of it runs.
    pub(super) fn prepare(&self) -> Option<&'static str> {
        self.reads_text.then_some(READER)
    }

    /// What a row lacks that it must have, or could have.
    fn needs(&self) -> String {
        let more = [
            self.agent
                .as_ref()
                .map(|agent| format!("s.device_hash IS NULL AND nullif({agent}, '') IS NOT NULL")),
            self.network.as_ref().map(|network| format!("s.last_ip_cidr IS NULL AND {network} IS NOT NULL")),
        ];
        std::iter::once(MUST.to_owned()).chain(more.into_iter().flatten()).collect::<Vec<_>>().join(" OR ")
    }

    /// How many rows lack something, and how many something that they must have.
    fn count(&self) -> String {
        format!(
            "SELECT count(*), count(*) FILTER (WHERE {MUST}) FROM {} AS s WHERE {}",
            self.table,
            self.needs()
        )
    }

    /// How many of the newest rows lack something, of how many that were looked at: by the index on the login.
    fn of_newest(&self) -> String {
        format!(
            "SELECT count(*), count(*) FILTER (WHERE {}) FROM (SELECT * FROM {} ORDER BY auth_time DESC LIMIT {NEWEST}) AS s",
            self.needs(),
            self.table
        )
    }

    /// The rows that lack something that they must have.
    pub(super) fn lacking(&self) -> String {
        format!("SELECT FROM {} AS s WHERE {MUST}", self.table)
    }

    /// Rows whose address is none.
    fn unreadable(&self, base: &Base) -> Option<String> {
        let address = base.address().filter(|_| self.reads_text)?;
        let address = quoted(&address.name);
        Some(format!(
            "SELECT count(*) FROM {} AS s WHERE s.last_ip_cidr IS NULL AND nullif(s.{address}, '') IS NOT NULL",
            self.table
        ))
    }

    /// The last key of the next batch after a key, or from the start.
    pub(super) fn bound(&self, after: Option<&str>, batch: &str) -> String {
        let (key, table) = (&self.key, &self.table);
        let from = after.map_or_else(String::new, |after| format!(" WHERE s.{key} > {after}"));
        format!(
            "SELECT b.{key} FROM (SELECT s.{key} FROM {table} AS s{from} ORDER BY s.{key} LIMIT {batch}) AS b \
             ORDER BY b.{key} DESC LIMIT 1"
        )
    }

    /// Fills the rows between two keys that lack something and that nobody holds.
    pub(super) fn update(&self, after: Option<&str>, last: &str) -> String {
        let (key, table) = (&self.key, &self.table);
        let from = after.map_or_else(String::new, |after| format!("s.{key} > {after} AND "));
        let value = |column: &str, value: &str| format!("{column} = coalesce(s.{column}, {value})");
        let mut sets = vec![
            value("family_id", "gen_random_uuid()"),
            value(
                "auth_time",
                self.login.as_ref().map_or("now()".to_owned(), |at| format!("{at}, now()")).as_str(),
            ),
        ];
        sets.extend(self.agent.as_ref().map(|agent| value("device_hash", &device(agent))));
        sets.extend(self.network.as_ref().map(|network| value("last_ip_cidr", network)));
        format!(
            "WITH b AS MATERIALIZED (SELECT s.{key} FROM {table} AS s WHERE {from}s.{key} <= {last} AND ({}) \
             FOR NO KEY UPDATE SKIP LOCKED) UPDATE {table} AS s SET {} FROM b WHERE s.{key} = b.{key}",
            self.needs(),
            sets.join(", ")
        )
    }

    /// A cast of a parameter to the key's type; the driver sends it as text.
    fn parameter(&self, number: u8) -> String {
        format!("${number}::text::{}", self.key_type)
    }

    pub(super) fn key_type(&self) -> &str {
        &self.key_type
    }
}

/// What filling came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Filled {
    pub(super) rows: u64,
    /// Rows whose address is none, and which therefore have no network.
    pub(super) unreadable: u64,
}

/// How many rows lack something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lacking {
    pub(super) rows: u64,
    /// Of them, how many lack what every row must have.
    pub(super) must: u64,
}

/// Counts the rows that lack something.
pub(super) async fn lacking(connection: &mut PgConnection, filling: &Filling) -> Result<Lacking, Error> {
    let (rows, must) = numbers(connection, filling, filling.count()).await?;
    Ok(Lacking { rows, must })
}

/// How many of the newest rows lack something that they could have, and of how many.
pub(super) async fn newest(connection: &mut PgConnection, filling: &Filling) -> Result<(u64, u64), Error> {
    let (looked_at, lacking) = numbers(connection, filling, filling.of_newest()).await?;
    Ok((lacking, looked_at))
}

async fn numbers(
    connection: &mut PgConnection,
    filling: &Filling,
    count: String,
) -> Result<(u64, u64), Error> {
    let count = async {
        if let Some(reader) = filling.prepare() {
            sqlx::raw_sql(reader).execute(&mut *connection).await?;
        }
        let count = sqlx::query_as::<_, (i64, i64)>(AssertSqlSafe(count));
        count.fetch_one(&mut *connection).await
    };
    let (one, other) = count.await.map_err(Error::database(DOING))?;
    Ok((one.unsigned_abs(), other.unsigned_abs()))
}

/// Fills every row that lacks something, and tells what it came to also where it fails. Asks `stopped` between batches.
pub(super) async fn run(
    connection: &mut PgConnection,
    base: &Base,
    batch: u32,
    filled: &mut Filled,
    stopped: &dyn Fn() -> bool,
    tell: &mut dyn FnMut(&Progress),
) -> Result<(), Error> {
    let filling = Filling::new(base);
    let mut lacking_now = lacking(connection, &filling).await?;
    let of = lacking_now.rows;
    for round in 0..ROUNDS {
        if lacking_now.rows == 0 || round >= FOR_MORE && lacking_now.must == 0 {
            break;
        }
        pass(connection, &filling, batch, of, filled, stopped, tell).await?;
        lacking_now = lacking(connection, &filling).await?;
        if lacking_now.must > 0 {
            tokio::time::sleep(Duration::from_millis(50) * 2_u32.pow(round.min(6))).await;
        }
    }
    if lacking_now.must > 0 {
        let doing = format!("{DOING} ({} rows are held)", lacking_now.must);
        return Err(Error::Locked { doing, attempts: ROUNDS });
    }
    if let Some(unreadable) = filling.unreadable(base) {
        let count = sqlx::query_scalar::<_, i64>(AssertSqlSafe(unreadable)).fetch_one(&mut *connection).await;
        filled.unreadable = count.map_err(Error::database(DOING))?.unsigned_abs();
    }
    Ok(())
}

/// Once through all keys.
async fn pass(
    connection: &mut PgConnection,
    filling: &Filling,
    batch: u32,
    of: u64,
    filled: &mut Filled,
    stopped: &dyn Fn() -> bool,
    tell: &mut dyn FnMut(&Progress),
) -> Result<(), Error> {
    let mut after: Option<String> = None;
    loop {
        if stopped() {
            return Err(Error::Interrupted);
        }
        let from = after.as_ref().map(|_| filling.parameter(1));
        let text = format!(
            "SELECT k.{}::text FROM ({}) AS k",
            filling.key,
            filling.bound(from.as_deref(), &batch.to_string())
        );
        let mut query = sqlx::query(AssertSqlSafe(text));
        if let Some(after) = &after {
            query = query.bind(after);
        }
        let row = query.fetch_optional(&mut *connection).await.map_err(Error::database(DOING))?;
        let Some(row) = row else { return Ok(()) };
        let last: String = row.try_get(0).map_err(Error::database(DOING))?;
        let update = match &after {
            Some(_) => filling.update(Some(&filling.parameter(2)), &filling.parameter(1)),
            None => filling.update(None, &filling.parameter(1)),
        };
        let mut query = sqlx::query(AssertSqlSafe(update)).bind(&last);
        if let Some(after) = &after {
            query = query.bind(after);
        }
        let done = query.execute(&mut *connection).await.map_err(Error::database(DOING))?;
        filled.rows += done.rows_affected();
        tell(&Progress::Filled { rows: filled.rows, of });
        after = Some(last);
    }
}
