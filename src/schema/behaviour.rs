//! What the functions, constraints and views do, tried on sessions that exist only inside a transaction that is rolled
//! back. Two connections at once need a session that both see: a live one is held for a moment and left as it was.

use super::functions::{CLEANUP, REPLAY, ROTATE};
use super::hardening::Hardening;
use super::indexes::UNIQUE_JTI;
use super::probe::{Impossible, Probe};
use super::{Check, Error, Outcome, constraints};
use crate::session::{REPLAYED, REVOKED, UNDECIDED};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};

const DOING: &str = "trying the behaviour";

/// A function that reads the whole table is tried on a small one only; on a large one that is told instead.
const BOUNDED: &str = "SET LOCAL statement_timeout = '10s'";
const UNBOUNDED: &str = "it took longer than 10 s here; without an index that begins with expires_at each clean-up reads the \
    whole table, and `unleak schema apply --advice` adds one";

/// How many of the newest sessions are looked through for one that is live.
const NEWEST: u32 = 1000;

/// How long the second connection waits for the first: as long as a user of that session may.
const HELD: &str = "SET LOCAL lock_timeout = '100ms'";

/// A check's result: what went wrong, if anything did.
type Tried = Result<Option<String>, Error>;

impl Hardening {
    pub(super) async fn try_behaviour(&mut self) -> Result<Vec<Check>, Error> {
        let mut checks = Vec::new();
        checks.push(self.check("a second use of a token ends its family", Trial::Replay).await?);
        checks.push(self.check("a use that cannot be judged is recorded", Trial::Undecided).await?);
        checks.push(self.check("expired sessions go and live ones stay", Trial::Cleanup).await?);
        checks.push(self.check("the views show live sessions only", Trial::Views).await?);
        checks.push(self.check("the constraints hold", Trial::Constraints).await?);
        checks.push(Check {
            name: "a rotation waits for another of the same session, and a used token rotates nothing"
                .to_owned(),
            outcome: self.two_at_once().await?,
        });
        Ok(checks)
    }

    /// Tries one thing in a transaction of its own.
    async fn check(&mut self, name: &str, trial: Trial) -> Result<Check, Error> {
        let begin = || Error::database(DOING);
        let mut connection = self.another().await?;
        let mut transaction = connection.begin().await.map_err(begin())?;
        sqlx::raw_sql(BOUNDED).execute(&mut *transaction).await.map_err(begin())?;
        let mut stage = Stage { connection: &mut transaction, on: self, family: String::new(), why: None };
        stage.family = stage.uuid().await?;
        let tried = match trial {
            Trial::Replay => stage.replay().await,
            Trial::Undecided => stage.undecided().await,
            Trial::Cleanup => stage.cleanup().await,
            Trial::Views => stage.views().await,
            Trial::Constraints => stage.constraints().await,
        };
        let impossible = stage.why.take();
        transaction.rollback().await.map_err(begin())?;
        let outcome = match (impossible, tried) {
            (Some(why), _) => Outcome::NotChecked(why),
            (None, Ok(None)) => Outcome::Verified,
            (None, Ok(Some(wrong))) => Outcome::Failed(wrong),
            (None, Err(error)) if error.is_ended() => Outcome::NotChecked(UNBOUNDED.to_owned()),
            (None, Err(error)) => match error.code() {
                Some(code) => Outcome::Failed(format!("the server refused it ({code})")),
                None => return Err(error),
            },
        };
        Ok(Check { name: name.to_owned(), outcome })
    }

    /// The second of two waits for the first, and finds that its token is used.
    async fn two_at_once(&mut self) -> Result<Outcome, Error> {
        let doing = || Error::database(DOING);
        let (table, key) = (self.base.names.table(), self.base.key_name());
        let (mut first, mut second) = (self.another().await?, self.another().await?);
        let mut first = first.begin().await.map_err(doing())?;
        let live = format!(
            "SELECT s.{key}::text, s.current_jti::text FROM {table} AS s WHERE s.{key} = ANY (ARRAY( \
               SELECT n.{key} FROM {table} AS n ORDER BY n.auth_time DESC LIMIT {NEWEST})) \
             AND s.revoked_at IS NULL AND s.expires_at > {} LIMIT 1 FOR UPDATE SKIP LOCKED",
            self.base.now_for("expires_at")
        );
        let live = sqlx::query_as::<_, (String, Option<String>)>(AssertSqlSafe(live));
        let Some((session, jti)) = live.fetch_optional(&mut *first).await.map_err(doing())? else {
            return Ok(Outcome::NotChecked(format!(
                "there is no live session among the newest {NEWEST} that two connections could contend for"
            )));
        };
        let won = self.rotate(&mut first, &session, jti.as_deref()).await?;
        let mut second = second.begin().await.map_err(doing())?;
        sqlx::raw_sql(HELD).execute(&mut *second).await.map_err(doing())?;
        let waited = self.rotate(&mut second, &session, jti.as_deref()).await;
        second.rollback().await.map_err(doing())?;
        let again = self.rotate(&mut first, &session, jti.as_deref()).await?;
        first.rollback().await.map_err(doing())?;
        let waited = match waited {
            Err(error) if error.code() == Some("55P03") => true,
            Err(error) => return Err(error),
            Ok(_) => false,
        };
        Ok(match (won, waited, again) {
            (true, true, false) => Outcome::Verified,
            (false, ..) => Outcome::Failed("a live session with its own token was not rotated".to_owned()),
            (_, false, _) => Outcome::Failed("the second did not wait for the first".to_owned()),
            (.., true) => Outcome::Failed("a used token was rotated again".to_owned()),
        })
    }

    async fn rotate(
        &self,
        connection: &mut PgConnection,
        session: &str,
        old: Option<&str>,
    ) -> Result<bool, Error> {
        let kind = self.base.key_type();
        let call = format!(
            "SELECT {}($1::text::{kind}, $2::text::uuid, gen_random_uuid())",
            self.base.names.beside(ROTATE)
        );
        let call = sqlx::query_scalar(AssertSqlSafe(call)).bind(session).bind(old);
        call.fetch_one(connection).await.map_err(Error::database(DOING))
    }
}

enum Trial {
    Replay,
    Undecided,
    Cleanup,
    Views,
    Constraints,
}

/// One transaction with sessions of one family.
struct Stage<'a> {
    connection: &'a mut PgConnection,
    on: &'a Hardening,
    family: String,
    /// Why it cannot be tried.
    why: Option<Impossible>,
}

impl Stage<'_> {
    async fn replay(&mut self) -> Tried {
        let (old, other) = (self.uuid().await?, self.uuid().await?);
        let Some(session) = self.session(Some(&old), LATER).await? else { return Ok(None) };
        // One that never had a token and has expired must not hide a replay.
        if self.session(Some(&other), LATER).await?.is_none()
            || self.session(None, "- interval '1 hour'").await?.is_none()
        {
            return Ok(None);
        }
        if !self.on.rotate(self.connection, &session, Some(&old)).await? {
            return wrong("a live session with its own token was not rotated");
        }
        if self.on.rotate(self.connection, &session, Some(&old)).await? {
            return wrong("a used token was rotated again");
        }
        if self.replayed(&other).await? {
            return wrong("the current token of a session was taken for a replay");
        }
        if !self.replayed(&old).await? {
            return wrong("a used token was not recognised");
        }
        let names = &self.on.base.names;
        let live = format!(
            "SELECT count(*) FROM {} WHERE family_id = '{}' AND (revoked_at IS NULL OR reused_jti_of IS DISTINCT FROM '{old}')",
            names.table(),
            self.family
        );
        if self.count(&live).await? > 0 {
            return wrong("sessions of the family are still live after a replay");
        }
        for action in [REPLAYED, REVOKED] {
            if self.events(action).await? == 0 {
                return Ok(Some(format!("no event {action} was written")));
            }
        }
        Ok(None)
    }

    /// While a live session has no token on record, a token may be its own.
    async fn undecided(&mut self) -> Tried {
        let (old, unknown) = (self.uuid().await?, self.uuid().await?);
        if self.session(Some(&old), LATER).await?.is_none() || self.session(None, LATER).await?.is_none() {
            return Ok(None);
        }
        let before = self.events(UNDECIDED).await?;
        if self.replayed(&unknown).await? {
            return wrong("a token that may be a live session's own was taken for a replay");
        }
        if self.events(UNDECIDED).await? == before {
            return Ok(Some(format!("no event {UNDECIDED} was written")));
        }
        Ok(None)
    }

    /// How many events of an action are logged for the family.
    async fn events(&mut self, action: &str) -> Result<i64, Error> {
        let family = format!("'{}'", self.family);
        let logged = format!(
            "SELECT count(*) FROM {} WHERE {}",
            self.on.log.table(),
            self.on.log.condition(action, &family)
        );
        self.count(&logged).await
    }

    async fn cleanup(&mut self) -> Tried {
        let Some(expired) = self.expired().await? else { return Ok(None) };
        let Some(live) = self.session(None, LATER).await? else { return Ok(None) };
        // The oldest go first, so this one does; all of them would be a deletion of everything that is expired.
        let (table, cleanup) = (self.on.base.names.table(), self.on.base.names.beside(CLEANUP));
        let call = format!(
            "SELECT {cleanup}((SELECT count(*)::integer FROM {table} WHERE expires_at = '-infinity'))::int8"
        );
        if self.count(&call).await? == 0 || self.is_there(&expired).await? {
            return wrong("an expired session is still there");
        }
        if !self.is_there(&live).await? {
            return wrong("a live session went with the expired ones");
        }
        Ok(None)
    }

    async fn views(&mut self) -> Tried {
        let shown = |view: &str, column: &str| {
            format!(
                "SELECT coalesce(sum({column}), 0)::int8 FROM {} WHERE family_id = '{}'",
                self.on.base.names.beside(view),
                self.family
            )
        };
        let (live, all) = (shown("active_sessions", "1"), shown("session_families", "sessions"));
        if self.session(None, LATER).await?.is_none()
            || self.session(None, "- interval '1 hour'").await?.is_none()
        {
            return Ok(None);
        }
        match (self.count(&live).await?, self.count(&all).await?) {
            (1, 2) => Ok(None),
            (live, all) => Ok(Some(format!(
                "of one live and one expired session they show {live} as live, {all} in all"
            ))),
        }
    }

    async fn constraints(&mut self) -> Tried {
        let jti = self.uuid().await?;
        if self.session(Some(&jti), LATER).await?.is_none() {
            return Ok(None);
        }
        let hash = "repeat('0', 64)";
        let network: &[_] = &[("device_hash", hash), ("last_ip_cidr", "'192.0.2.1/32'")];
        let cases: [Case<'_>; 5] = [
            ("a session without a family", None, &[("family_id", "NULL")], constraints::FAMILY),
            ("a session without the time of its login", None, &[("auth_time", "NULL")], constraints::LOGIN),
            ("a device that is no hash", None, &[("device_hash", "'x'")], constraints::DEVICE),
            ("a whole address", None, network, constraints::NETWORK),
            ("a second live session of one token", Some(&jti), &[], UNIQUE_JTI),
        ];
        for (what, jti, also, rule) in cases {
            let probe = Probe { family: &self.family, jti, ends: LATER, also };
            let insert = match probe.insert(&self.on.base) {
                Ok(insert) => insert,
                Err(why) => {
                    self.why = Some(why);
                    return Ok(None);
                }
            };
            let mut point = self.connection.begin().await.map_err(Error::database(DOING))?;
            let done = sqlx::raw_sql(AssertSqlSafe(insert)).execute(&mut *point).await;
            point.rollback().await.map_err(Error::database(DOING))?;
            match refusal(done)? {
                Refusal::None => return Ok(Some(format!("{what} was not refused"))),
                Refusal::By(name) if name == rule => {}
                // The application is stricter; the catalogue shows that ours is there as well.
                Refusal::By(name) => {
                    self.why = Some(format!("{what} is refused by {name} before {rule} can refuse it"));
                    return Ok(None);
                }
            }
        }
        Ok(None)
    }

    /// A live or expired session of the family; none when the table takes none, which is remembered.
    async fn session(&mut self, jti: Option<&str>, ends: &str) -> Result<Option<String>, Error> {
        self.session_with(jti, ends, &[]).await
    }

    /// A session that is older than all others.
    async fn expired(&mut self) -> Result<Option<String>, Error> {
        self.session_with(None, LATER, &[("expires_at", "'-infinity'")]).await
    }

    async fn session_with(
        &mut self,
        jti: Option<&str>,
        ends: &str,
        also: &[(&str, &str)],
    ) -> Result<Option<String>, Error> {
        let probe = Probe { family: &self.family, jti, ends, also };
        match probe.make(self.connection, &self.on.base).await? {
            Ok(key) => Ok(Some(key)),
            Err(why) => {
                self.why = Some(why);
                Ok(None)
            }
        }
    }

    async fn replayed(&mut self, jti: &str) -> Result<bool, Error> {
        let call = format!("SELECT {}($1::text::uuid, $2::text::uuid)", self.on.base.names.beside(REPLAY));
        let call = sqlx::query_scalar(AssertSqlSafe(call)).bind(jti).bind(&self.family);
        call.fetch_one(&mut *self.connection).await.map_err(Error::database(DOING))
    }

    async fn is_there(&mut self, key: &str) -> Result<bool, Error> {
        let base = &self.on.base;
        let column = base.key_name();
        let look = format!(
            "SELECT EXISTS (SELECT FROM {} AS s WHERE s.{column} = $1::text::{})",
            base.names.table(),
            base.key_type()
        );
        let look = sqlx::query_scalar(AssertSqlSafe(look)).bind(key);
        look.fetch_one(&mut *self.connection).await.map_err(Error::database(DOING))
    }

    async fn count(&mut self, sql: &str) -> Result<i64, Error> {
        let count = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()));
        count.fetch_one(&mut *self.connection).await.map_err(Error::database(DOING))
    }

    async fn uuid(&mut self) -> Result<String, Error> {
        let made =
            sqlx::query_scalar("SELECT gen_random_uuid()::text").fetch_one(&mut *self.connection).await;
        made.map_err(Error::database(DOING))
    }
}

/// What came of a row that must be refused.
enum Refusal {
    None,
    /// By a constraint, an index, or a column that takes no NULL.
    By(String),
}

fn refusal<T>(done: Result<T, sqlx::Error>) -> Result<Refusal, Error> {
    let Err(error) = done else { return Ok(Refusal::None) };
    let refused =
        error.as_database_error().filter(|error| error.code().is_some_and(|code| code.starts_with("23")));
    match refused.map(|error| error.constraint().unwrap_or("another rule of the table").to_owned()) {
        Some(name) => Ok(Refusal::By(name)),
        None => Err(Error::database(DOING)(error)),
    }
}

/// What is refused, the token and the columns of such a row, and the constraint or index that must do it.
type Case<'a> = (&'a str, Option<&'a str>, &'a [(&'a str, &'a str)], &'a str);

const LATER: &str = "+ interval '1 hour'";

#[expect(clippy::unnecessary_wraps, reason = "what a check returns")]
fn wrong(text: &str) -> Tried {
    Ok(Some(text.to_owned()))
}
