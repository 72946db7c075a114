//! What the hardened table tells about now: replays, sessions that last logged in long ago, devices and networks; and
//! the end of a family. Both are for an incident, so neither surveys the table: they look at what they use, and
//! counting ends when it takes too long.

use super::functions::REVOKE;
use super::hardening::Hardening;
use super::object::Shape;
use super::{Error, Problem, columns};
use crate::session::{LogAt, Replays, read_replays, seconds};
use jiff::SignedDuration;
use serde::Serialize;
use sqlx::{AssertSqlSafe, Connection as _};

const DOING: &str = "reading the sessions' state";

/// How long counting may take; who waits in an incident wants the families first.
const PATIENCE: &str = "SET LOCAL statement_timeout = '10s'";

/// What happened lately, and the sessions in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// What the log tells.
    pub log: Replays,
    /// None when counting took too long.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub numbers: Option<Numbers>,
}

/// Sessions in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Numbers {
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
}

impl Hardening {
    /// Reads the log and counts sessions. `lately` bounds events, `fresh` the time since a login.
    ///
    /// # Errors
    /// [`Error::Blocked`] when the table lacks the columns of a hardened one.
    pub async fn status(&mut self, lately: SignedDuration, fresh: SignedDuration) -> Result<Status, Error> {
        let all = ["family_id", "revoked_at", "current_jti", "device_hash", "last_ip_cidr", "auth_time"];
        self.check_columns(&all)?;
        let (table, live) = (self.base.names.table(), self.is_live());
        let at = LogAt { schema: &self.base.names.schema, table: &table, live: &live };
        let log = read_replays(&mut self.connection, &at, lately).await?;
        Ok(Status { log, numbers: self.numbers(fresh).await? })
    }

    /// All numbers by one look at each live session; none when that took too long.
    async fn numbers(&mut self, fresh: SignedDuration) -> Result<Option<Numbers>, Error> {
        let sum = |column: &str| format!("coalesce(sum(f.{column}), 0)::int8");
        let count = AssertSqlSafe(format!(
            "SELECT {}, count(f.family_id), {}, {}, count(*) FILTER (WHERE f.devices), count(*) FILTER (WHERE f.networks) \
             FROM (SELECT s.family_id, count(*) AS live, count(*) FILTER (WHERE s.current_jti IS NULL) AS unknown, \
               count(*) FILTER (WHERE s.auth_time < now() - $1 * interval '1 second') AS stale, \
               s.family_id IS NOT NULL AND min(s.device_hash) <> max(s.device_hash) AS devices, \
               s.family_id IS NOT NULL AND min(s.last_ip_cidr) <> max(s.last_ip_cidr) AS networks \
             FROM {} AS s WHERE {} GROUP BY s.family_id) AS f",
            sum("live"),
            sum("unknown"),
            sum("stale"),
            self.base.names.table(),
            self.is_live()
        ));
        let counted = async {
            let mut transaction = self.connection.begin().await?;
            sqlx::raw_sql(PATIENCE).execute(&mut *transaction).await?;
            let count = sqlx::query_as::<_, (i64, i64, i64, i64, i64, i64)>(count).bind(seconds(fresh));
            let counted = count.fetch_one(&mut *transaction).await;
            transaction.rollback().await?;
            counted
        };
        match counted.await.map_err(Error::database(DOING)) {
            Ok((active, families, without_token, stale_login, on_several_devices, on_several_networks)) => {
                Ok(Some(Numbers {
                    active: active.unsigned_abs(),
                    families: families.unsigned_abs(),
                    without_token: without_token.unsigned_abs(),
                    stale_login: stale_login.unsigned_abs(),
                    on_several_devices: on_several_devices.unsigned_abs(),
                    on_several_networks: on_several_networks.unsigned_abs(),
                }))
            }
            Err(error) if error.code() == Some("57014") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Ends every live session of a family, and writes that to the log; gives how many were ended.
    ///
    /// # Errors
    /// [`Error::Blocked`] when the table has no such function, [`Error::StillLive`] when it did not do what it must.
    pub async fn revoke_family(&mut self, family: &str, reason: &str) -> Result<u64, Error> {
        self.check_columns(&["family_id", "revoked_at"])?;
        let function = self.base.names.beside(REVOKE);
        let there = sqlx::query_scalar("SELECT to_regprocedure($1) IS NOT NULL");
        let there = there.bind(format!("{function}(uuid, text)")).fetch_one(&mut self.connection).await;
        if !there.map_err(Error::database(DOING))? {
            return Err(self.lacks(&format!("the function {REVOKE}")));
        }
        let doing = || Error::database("ending the family");
        let call = sqlx::query_scalar::<_, i64>(AssertSqlSafe(format!(
            "SELECT {function}($1::text::uuid, $2)::int8"
        )));
        let ended = call.bind(family).bind(reason).fetch_one(&mut self.connection).await.map_err(doing())?;
        // What is in the database under this name may be anything.
        let live = AssertSqlSafe(format!(
            "SELECT count(*) FROM {} AS s WHERE s.family_id = $1::text::uuid AND {}",
            self.base.names.table(),
            self.is_live()
        ));
        let live = sqlx::query_scalar::<_, i64>(live).bind(family).fetch_one(&mut self.connection).await;
        match live.map_err(doing())?.unsigned_abs() {
            0 => Ok(ended.unsigned_abs()),
            sessions => Err(Error::StillLive { family: family.to_owned(), sessions }),
        }
    }

    /// The condition under which a row of the table `s` is live.
    fn is_live(&self) -> String {
        format!("s.revoked_at IS NULL AND s.expires_at > {}", self.base.now_for("expires_at"))
    }

    fn check_columns(&self, names: &[&str]) -> Result<(), Error> {
        let is_there = |name: &str, wanted: &str| {
            self.base.column(name).is_some_and(|column| column.data_type == wanted)
        };
        for object in columns::columns(&self.base) {
            let Shape::Column { data_type } = object.shape else { continue };
            if names.contains(&object.name) && !is_there(object.name, data_type) {
                return Err(self.lacks(&format!("the column {} of type {data_type}", object.name)));
            }
        }
        Ok(())
    }

    fn lacks(&self, what: &str) -> Error {
        let table = self.base.names.table();
        let what = format!("{table} is not hardened: it lacks {what}");
        let problems =
            vec![Problem::new(what, "look at `unleak schema plan`, then run `unleak schema apply`")];
        Error::Blocked { table: self.table.to_string(), problems }
    }
}
