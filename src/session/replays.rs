//! What the log beside a hardened table tells of tokens that were used twice. The functions that `unleak schema apply`
//! makes write it; the names of its events are here, for those who write and those who read.

use super::{Cause, Error};
use jiff::SignedDuration;
use serde::Serialize;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row as _};

/// The log of security events.
pub(crate) const LOG: &str = "auth_audit_log";
/// A second use of a token.
pub(crate) const REPLAYED: &str = "token_replay_detected";
/// A use that may be a second one; nobody can tell.
pub(crate) const UNDECIDED: &str = "token_replay_undecided";
/// The sessions of a family were ended.
pub(crate) const REVOKED: &str = "session_family_revoked";

/// What was done to tokens lately, as far as it can be known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Replays {
    /// The log tells.
    Told(Recent),
    /// It does not, and why.
    Untold(String),
}

/// What the log tells of the last time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Recent {
    /// Second uses of a token.
    pub replays: u64,
    /// Uses that may be second ones, since a live session of the family has no token on record.
    pub undecided: u64,
    /// Families that were ended.
    pub revoked: u64,
    /// The families that these uses belong to, at most twenty, newest first.
    pub families: Vec<Replayed>,
}

/// A family of sessions one of whose tokens was used twice, or may have been.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// Its id.
    pub family: String,
    /// Whether a second use is certain.
    pub certain: bool,
    /// Whether it has a live session, so that somebody should end it.
    pub live: bool,
}

/// Where the log is, and which sessions of a family are live.
pub(crate) struct LogAt<'a> {
    /// The schema of the table and of its log.
    pub(crate) schema: &'a str,
    /// The table of sessions, as it goes into SQL.
    pub(crate) table: &'a str,
    /// The condition under which a row of the table `s` is live.
    pub(crate) live: &'a str,
}

const FORM: &str = "
SELECT has_table_privilege(c.oid, 'SELECT'),
  (SELECT format_type(a.atttypid, NULL) FROM pg_catalog.pg_attribute a
   WHERE a.attrelid = c.oid AND a.attname = 'created_at' AND NOT a.attisdropped),
  EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'action' AND NOT a.attisdropped),
  EXISTS (SELECT FROM pg_catalog.pg_attribute a
          WHERE a.attrelid = c.oid AND a.attname = 'family_id' AND NOT a.attisdropped AND a.atttypid = 'uuid'::regtype),
  quote_ident(current_user)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2";

/// Reads what the log tells since then.
pub(crate) async fn read(
    connection: &mut PgConnection,
    at: &LogAt<'_>,
    since: SignedDuration,
) -> Result<Replays, Error> {
    read_all(connection, at, since)
        .await
        .map_err(|error| Error::Database { doing: "reading the log of replays", cause: Cause::from(&error) })
}

async fn read_all(
    connection: &mut PgConnection,
    at: &LogAt<'_>,
    since: SignedDuration,
) -> Result<Replays, sqlx::Error> {
    let log = format!("{}.{LOG}", super::quoted(at.schema));
    let form = sqlx::query(FORM).bind(at.schema).bind(LOG).fetch_optional(&mut *connection).await?;
    let Some(form) = form else {
        return Ok(Replays::Untold(format!("there is no {log}: see `unleak schema verify`")));
    };
    let (readable, time): (bool, Option<String>) = (form.try_get(0)?, form.try_get(1)?);
    let Some(time) = time.filter(|kind| kind.starts_with("timestamp")) else {
        return Ok(Replays::Untold(format!("{log} has no column created_at with the time of an event")));
    };
    if !form.try_get::<bool, _>(2)? {
        return Ok(Replays::Untold(format!("{log} has no column action")));
    }
    if !readable {
        let role: String = form.try_get(4)?;
        return Ok(Replays::Untold(format!(
            "the role {role} may not read the log: GRANT SELECT ON {log} TO {role}"
        )));
    }
    let now = if time.ends_with("without time zone") { "(now() AT TIME ZONE 'UTC')" } else { "now()" };
    let recent = format!("created_at > {now} - $1 * interval '1 second'");
    let mut told = counts(connection, &log, &recent, since).await?;
    if form.try_get(3)? {
        told.families = families(connection, at, &log, &recent, since).await?;
    }
    Ok(Replays::Told(told))
}

async fn counts(
    connection: &mut PgConnection,
    log: &str,
    recent: &str,
    since: SignedDuration,
) -> Result<Recent, sqlx::Error> {
    let count = |action: &str| format!("count(*) FILTER (WHERE action::text = '{action}')");
    let select = AssertSqlSafe(format!(
        "SELECT {}, {}, {} FROM {log} WHERE {recent}",
        count(REPLAYED),
        count(UNDECIDED),
        count(REVOKED)
    ));
    let select = sqlx::query_as::<_, (i64, i64, i64)>(select).bind(seconds(since));
    let (replays, undecided, revoked) = select.fetch_one(connection).await?;
    Ok(Recent {
        replays: replays.unsigned_abs(),
        undecided: undecided.unsigned_abs(),
        revoked: revoked.unsigned_abs(),
        families: Vec::new(),
    })
}

async fn families(
    connection: &mut PgConnection,
    at: &LogAt<'_>,
    log: &str,
    recent: &str,
    since: SignedDuration,
) -> Result<Vec<Replayed>, sqlx::Error> {
    let select = AssertSqlSafe(format!(
        "SELECT f.family_id::text, f.certain, EXISTS (SELECT FROM {} AS s WHERE s.family_id::text = f.family_id::text AND {}) \
         FROM (SELECT family_id, bool_or(action::text = '{REPLAYED}') AS certain, max(created_at) AS latest FROM {log} \
               WHERE {recent} AND action::text IN ('{REPLAYED}', '{UNDECIDED}') AND family_id IS NOT NULL \
               GROUP BY family_id) AS f ORDER BY f.latest DESC LIMIT 20",
        at.table, at.live
    ));
    let select = sqlx::query_as::<_, (String, bool, bool)>(select).bind(seconds(since));
    let rows = select.fetch_all(connection).await?;
    Ok(rows.into_iter().map(|(family, certain, live)| Replayed { family, certain, live }).collect())
}

/// As the driver binds it.
#[expect(clippy::cast_precision_loss, reason = "a hundred years of seconds fit")]
pub(crate) fn seconds(duration: SignedDuration) -> f64 {
    duration.as_secs() as f64
}
