//! Connections of any SQL database, and the two things that are done with them: ask for rows of text, and change some.
//!
//! Everything is asked for as text and bound as text: what a value means is said in the SQL.

use super::super::{Cause, Error, Limits};
use super::Pooling;
use super::warm::{Turn, Warm};
use sqlx::mysql::MySqlRow;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Database, MySql, Postgres, Row as _, Sqlite};
use std::sync::Arc;
use std::time::Duration;

/// How long a server is asked why it gave no connection.
const ASKING: Duration = Duration::from_millis(700);

/// A row of text.
pub(super) type Texts = Vec<Option<String>>;

/// Connections to one database.
pub(in crate::session) struct Pool {
    pub(in crate::session) kind: Kind,
    /// How long a statement may take, the wait for a connection aside.
    pub(in crate::session) statement: Duration,
    pub(in crate::session) acquire: Duration,
    pub(in crate::session) connections: u32,
}

/// Connections of each driver.
pub(in crate::session) enum Kind {
    Postgres(Warm<Postgres>),
    Sqlite(Warm<Sqlite>),
    MySql(Warm<MySql>),
}

/// What the server ended or the network lost is of no use to the next one.
fn done<DB: Database, T>(turn: Turn<'_, DB>, answer: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
    let is_gone = |error: &sqlx::Error| is_gone(&Cause::from(error));
    if !answer.as_ref().is_err_and(is_gone) {
        turn.hand_back();
    }
    answer
}

/// No code at all, or that the server ended this connection.
fn is_gone(cause: &Cause) -> bool {
    matches!(cause.code(), None | Some("57P01" | "57P02" | "08S01" | "70100"))
}

/// Binds the values and runs the statement; the drivers' types have no common ancestor.
macro_rules! asked {
    ($pool:expr, $sql:expr, $values:expr, $run:ident) => {{
        let query = sqlx::query(AssertSqlSafe(Arc::clone($sql)));
        let query = $values.iter().fold(query, |query, value| query.bind(*value));
        let mut turn = $pool.take().await?;
        let answer = query.$run(turn.connection()).await;
        done(turn, answer)?
    }};
}

impl Pool {
    /// A pool that keeps to the limits of a store.
    pub(in crate::session) fn new(kind: Kind, limits: Limits, pooling: Pooling) -> Self {
        let Pooling { connections, acquire } = pooling;
        Self { kind, statement: limits.statement, acquire, connections }
    }

    /// The rows of a query. Connections that the server had closed meanwhile are replaced, all of them when it was
    /// started again.
    pub(super) async fn rows(
        &self,
        doing: &'static str,
        sql: &Arc<str>,
        values: &[&str],
    ) -> Result<Vec<Texts>, Error> {
        let mut answer = self.bounded(doing, self.ask(sql, values)).await;
        for _ in 0..self.connections {
            if !matches!(&answer, Err(Error::Database { cause, .. }) if is_gone(cause)) {
                break;
            }
            answer = self.bounded(doing, self.ask(sql, values)).await;
        }
        answer
    }

    /// How many rows a statement changed.
    pub(super) async fn execute(
        &self,
        doing: &'static str,
        sql: &str,
        values: &[&str],
    ) -> Result<u64, Error> {
        let sql: Arc<str> = Arc::from(sql);
        let change = async {
            Ok(match &self.kind {
                Kind::Postgres(pool) => asked!(pool, &sql, values, execute).rows_affected(),
                Kind::Sqlite(pool) => asked!(pool, &sql, values, execute).rows_affected(),
                Kind::MySql(pool) => asked!(pool, &sql, values, execute).rows_affected(),
            })
        };
        self.bounded(doing, change).await
    }

    async fn ask(&self, sql: &Arc<str>, values: &[&str]) -> Result<Vec<Texts>, sqlx::Error> {
        Ok(match &self.kind {
            Kind::Postgres(pool) => {
                let rows = asked!(pool, sql, values, fetch_all);
                let texts = |row: &sqlx::postgres::PgRow| (0..row.len()).map(|at| row.try_get(at)).collect();
                rows.iter().map(texts).collect::<Result<_, _>>()?
            }
            Kind::Sqlite(pool) => {
                let rows = asked!(pool, sql, values, fetch_all);
                let texts =
                    |row: &sqlx::sqlite::SqliteRow| (0..row.len()).map(|at| row.try_get(at)).collect();
                rows.iter().map(texts).collect::<Result<_, _>>()?
            }
            Kind::MySql(pool) => {
                let rows = asked!(pool, sql, values, fetch_all);
                // What is cast to text has the type of bytes there.
                let text = |row: &MySqlRow, at: usize| {
                    let bytes = row.try_get_unchecked::<Option<Vec<u8>>, _>(at)?;
                    Ok(bytes.and_then(|bytes| String::from_utf8(bytes).ok()))
                };
                let texts = |row: &MySqlRow| (0..row.len()).map(|at| text(row, at)).collect();
                rows.iter().map(texts).collect::<Result<_, sqlx::Error>>()?
            }
        })
    }

    /// Why there is no connection: the driver tries again whatever the server says, and does not tell what that was.
    async fn without_connection(&self) -> Error {
        let doing = "waiting for a connection to the store";
        let timed_out = Error::Timeout { doing, seconds: self.acquire.as_secs() };
        let Kind::Postgres(pool) = &self.kind else { return timed_out };
        let options = pool.driver().connect_options();
        match tokio::time::timeout(ASKING, PgConnection::connect_with(&options)).await {
            Ok(Err(error)) if Cause::from(&error).is_exhausted() => {
                Error::Database { doing, cause: Cause::from(&error) }
            }
            _ => timed_out,
        }
    }

    /// Bounds the time, and keeps what a driver's error may say out of ours.
    async fn bounded<T>(
        &self,
        doing: &'static str,
        work: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, Error> {
        let limit = self.statement + self.acquire;
        match tokio::time::timeout(limit, work).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(sqlx::Error::PoolTimedOut)) => Err(Box::pin(self.without_connection()).await),
            Ok(Err(error)) => Err(Error::Database { doing, cause: Cause::from(&error) }),
            Err(_) => Err(Error::Timeout { doing, seconds: limit.as_secs() }),
        }
    }
}
