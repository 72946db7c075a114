//! What the hardened table tells about now: replays, sessions that last logged in long ago, devices and networks.

use super::functions::{REPLAYED, REVOKED};
use super::hardening::Hardening;
use super::verify::Outcome;
use super::{Error, Problem};
use jiff::SignedDuration;
use serde::Serialize;
use sqlx::AssertSqlSafe;

const DOING: &str = "reading the sessions' state";

/// Sessions in numbers, and what happened to them lately.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Live sessions.
    pub active: u64,
    /// Families with a live session.
    pub families: u64,
    /// Live sessions whose token is not on record yet, so that a second use of it cannot be noticed.
    pub without_token: u64,
    /// Live sessions whose last login is longer ago than what counts as fresh.
    pub stale_login: u64,
    /// Families that are live on several devices.
    pub on_several_devices: u64,
    /// Families that are live in several networks.
    pub on_several_networks: u64,
    /// Second uses of a token lately; none when the log does not tell times.
    pub replays: Option<u64>,
    /// Families that were ended lately.
    pub revoked: Option<u64>,
    /// The families whose tokens were used twice lately, at most twenty, newest first.
    pub replayed_families: Vec<String>,
}

impl Hardening {
    /// Reads the views and the log. `lately` bounds events, `fresh` the time since a login.
    ///
    /// # Errors
    /// [`Error::Blocked`] when the table is not hardened.
    pub async fn status(&mut self, lately: SignedDuration, fresh: SignedDuration) -> Result<Status, Error> {
        self.check_hardened().await?;
        let table = self.base.names.table();
        let live = format!("revoked_at IS NULL AND expires_at > {}", self.base.now_for("expires_at"));
        let count = format!(
            "SELECT count(*), count(DISTINCT family_id), count(*) FILTER (WHERE current_jti IS NULL), \
             count(*) FILTER (WHERE auth_time < now() - $1 * interval '1 second') FROM {table} WHERE {live}"
        );
        let count = sqlx::query_as::<_, (i64, i64, i64, i64)>(AssertSqlSafe(count)).bind(seconds(fresh));
        let counted = count.fetch_one(&mut self.connection).await.map_err(Error::database(DOING))?;
        let spread = format!(
            "SELECT count(*) FILTER (WHERE devices > 1), count(*) FILTER (WHERE networks > 1) FROM \
             (SELECT count(DISTINCT device_hash) AS devices, count(DISTINCT last_ip_cidr) AS networks \
              FROM {table} WHERE {live} GROUP BY family_id) AS f"
        );
        let spread = sqlx::query_as::<_, (i64, i64)>(AssertSqlSafe(spread));
        let spread = spread.fetch_one(&mut self.connection).await.map_err(Error::database(DOING))?;
        Ok(Status {
            active: counted.0.unsigned_abs(),
            families: counted.1.unsigned_abs(),
            without_token: counted.2.unsigned_abs(),
            stale_login: counted.3.unsigned_abs(),
            on_several_devices: spread.0.unsigned_abs(),
            on_several_networks: spread.1.unsigned_abs(),
            replays: self.events(REPLAYED, lately).await?,
            revoked: self.events(REVOKED, lately).await?,
            replayed_families: self.replayed(lately).await?,
        })
    }

    /// Ends every live session of a family, and writes that to the log; gives how many were ended.
    ///
    /// # Errors
    /// [`Error::Blocked`] when the table is not hardened.
    pub async fn revoke_family(&mut self, family: &str, reason: &str) -> Result<u64, Error> {
        self.check_hardened().await?;
        let call =
            format!("SELECT {}($1::text::uuid, $2)::int8", self.base.names.beside(super::functions::REVOKE));
        let call = sqlx::query_scalar::<_, i64>(AssertSqlSafe(call)).bind(family).bind(reason);
        let ended = call.fetch_one(&mut self.connection).await;
        ended.map(i64::unsigned_abs).map_err(Error::database("ending the family"))
    }

    async fn check_hardened(&mut self) -> Result<(), Error> {
        let verified = self.verify(false).await?;
        let broken = verified.objects.iter().filter(|check| check.outcome != Outcome::Verified).count();
        if broken == 0 {
            return Ok(());
        }
        let what = format!("{broken} objects of the hardened table are missing or differ");
        let problems =
            vec![Problem::new(what, "look at `unleak schema plan`, then run `unleak schema apply`")];
        Err(Error::Blocked { table: self.table.to_string(), problems })
    }

    /// How many events of an action the log holds lately; none when it does not tell times.
    async fn events(&mut self, action: &str, lately: SignedDuration) -> Result<Option<u64>, Error> {
        let Some(recent) = self.log.lately(action) else { return Ok(None) };
        let count = AssertSqlSafe(format!("SELECT count(*) FROM {} WHERE {recent}", self.log.table()));
        let count = sqlx::query_scalar::<_, i64>(count).bind(seconds(lately));
        let count = count.fetch_one(&mut self.connection).await.map_err(Error::database(DOING))?;
        Ok(Some(count.unsigned_abs()))
    }

    async fn replayed(&mut self, lately: SignedDuration) -> Result<Vec<String>, Error> {
        let Some(recent) = self.log.lately(REPLAYED).filter(|_| self.log.tells_families()) else {
            return Ok(Vec::new());
        };
        let list = format!(
            "SELECT family_id::text FROM {} WHERE {recent} AND family_id IS NOT NULL GROUP BY family_id \
             ORDER BY max(created_at) DESC LIMIT 20",
            self.log.table()
        );
        let list = sqlx::query_scalar(AssertSqlSafe(list)).bind(seconds(lately));
        list.fetch_all(&mut self.connection).await.map_err(Error::database(DOING))
    }
}

/// As the driver binds it.
#[expect(clippy::cast_precision_loss, reason = "a hundred years of seconds fit")]
fn seconds(duration: SignedDuration) -> f64 {
    duration.as_secs() as f64
}
