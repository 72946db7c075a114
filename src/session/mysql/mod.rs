//! MySQL and MariaDB, with one connection whose settings are pinned.
//!
//! `ANSI_QUOTES` lets identifiers be quoted as on the other databases. As with PostgreSQL, an operation takes the
//! connection out and puts it back only when all went well.

mod beside;
mod catalogue;
mod count;
mod delete;
mod key;
mod keys;
mod listing;
mod pool;
mod restore;
mod rights;
mod row;
mod settle;
mod spelling;
mod users;
mod zone;

pub(super) use beside::Beside;
pub(super) use pool::spelling_in_utc;

use super::schema::{Selected, Wanted, select};
use super::selection::UserAt;
use super::store::within;
use super::url::{MySqlAddress, SslMode};
use super::{Cause, Error, StoreKind};
use super::{Limits, Options};
use crate::secret::Secret;
use key::Key;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use std::fmt;
use std::time::Duration;
use zone::Zone;

pub(super) struct MySql {
    opener: Opener,
    connection: Option<MySqlConnection>,
    selected: Selected,
    /// What tells rows apart.
    key: Option<Key>,
    /// Whether tokens are found by an index.
    is_indexed: bool,
    /// The condition for what is left of the table while it is emptied in parts.
    passed: Option<String>,
    /// Whether the server gives rows as it deletes them.
    returns: bool,
    /// Where a row says whose session it is.
    user: Option<UserAt>,
    /// The zone in which the application's connections read and write wall clocks.
    zone: Option<Zone>,
    /// The zone in which the caller wants wall clocks read.
    pinned: Option<Zone>,
    /// The zone in which they are read otherwise.
    utc: Zone,
}

impl fmt::Debug for MySql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MySql").field("url", &self.opener.url).finish_non_exhaustive()
    }
}

/// What it takes to open a connection; the driver's options hold the password.
#[derive(Clone)]
struct Opener {
    options: MySqlConnectOptions,
    url: String,
    password_given: bool,
    limits: Limits,
}

impl MySql {
    pub(super) async fn connect(at: &MySqlAddress, url: String, options: &Options) -> Result<Self, Error> {
        let pinned = options.zone.as_deref().map(Zone::named).transpose()?;
        let opener = Opener::new(at, url, options)?;
        let mut connection = opener.open().await?;
        let elsewhere = options.table.as_deref().is_some_and(|table| table.contains('.'));
        let (tables, zone, returns) = within(opener.limits.statement, "reading the catalogue", async {
            let tables = catalogue::tables(&mut connection, elsewhere).await?;
            let zone = catalogue::server_zone(&mut connection).await?;
            Ok((tables, zone, catalogue::is_mariadb(&mut connection).await?))
        })
        .await?;
        let wanted = Wanted {
            url: &opener.url,
            kind: StoreKind::MySql,
            table: options.table.as_deref(),
            dialect: options.dialect.as_deref(),
            custom: options.custom.as_ref(),
            lifetime: options.lifetime,
        };
        let selected = match select(tables, wanted) {
            Err(Error::NotAPlainTable { table, what, .. }) => {
                let behind = catalogue::behind(&mut connection, &table).await?;
                return Err(Error::NotAPlainTable { table, what, behind });
            }
            selected => selected?,
        };
        let user = UserAt::find(&selected, options.user_path.as_deref())?;
        let key = Key::find(&mut connection, &selected.table).await?;
        let is_indexed = key::is_indexed(&mut connection, &selected.table, &selected.roles.token).await?;
        let connection = Some(connection);
        Ok(Self {
            opener,
            connection,
            selected,
            key,
            is_indexed,
            passed: None,
            returns,
            user,
            zone,
            pinned,
            utc: Zone::utc(),
        })
    }

    pub(super) fn selected(&self) -> &Selected {
        &self.selected
    }

    pub(super) async fn preflight(&mut self) -> Result<(), Error> {
        let mut connection = self.take().await?;
        let check = catalogue::preflight(&mut connection, &self.selected.table, &self.opener.url);
        let result = within(self.opener.limits.statement, "checking the table", check).await;
        // Refusals come from answers or from statements that did nothing: the connection is as good as before.
        self.connection = Some(connection);
        result
    }

    /// The open connection, or a new one when it died meanwhile.
    async fn take(&mut self) -> Result<MySqlConnection, Error> {
        if let Some(mut connection) = self.connection.take() {
            let alive = tokio::time::timeout(self.opener.limits.connect, connection.ping()).await;
            if matches!(alive, Ok(Ok(()))) {
                return Ok(connection);
            }
        }
        self.opener.open().await
    }
}

impl Opener {
    fn new(at: &MySqlAddress, url: String, options: &Options) -> Result<Self, Error> {
        let password = options.password.as_ref().or(at.password.as_ref());
        let password_given = password.is_some();
        Ok(Self { options: driver_options(at, password)?, url, password_given, limits: options.limits })
    }

    async fn open(&self) -> Result<MySqlConnection, Error> {
        let connect = async {
            self.options.connect().await.map_err(|error| Error::Connect {
                url: self.url.clone(),
                password_given: self.password_given,
                cause: Cause::from(&error),
            })
        };
        let mut connection = within(self.limits.connect, "connecting to the store", connect).await?;
        execute(&mut connection, "preparing the connection", self.pinned()).await?;
        bound(&mut connection, self.limits.statement).await?;
        Ok(connection)
    }

    /// What a backup holds must not depend on the server's settings, and zero dates must come back as they were.
    fn pinned(&self) -> String {
        format!(
            "SET time_zone = '+00:00', sql_mode = 'ANSI_QUOTES,STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES', \
             innodb_lock_wait_timeout = {0}, lock_wait_timeout = {0}, foreign_key_checks = 1, unique_checks = 1, \
             autocommit = 1",
            self.limits.lock.as_secs().max(1),
        )
    }
}

/// What lets the server end a statement that nobody waits for any more, since it does not notice that by itself: MariaDB's
/// word for it, and MySQL's.
fn times_out(limit: Duration) -> [String; 2] {
    let seconds = limit.as_secs().saturating_add(1);
    [
        format!("SET max_statement_time = {seconds}"),
        format!("SET max_execution_time = {}", seconds.saturating_mul(1000)),
    ]
}

/// Says so to whichever of the two it is.
async fn bound(connection: &mut MySqlConnection, limit: Duration) -> Result<(), Error> {
    let doing = "preparing the connection";
    let [maria, mysql] = times_out(limit);
    if execute(connection, doing, maria).await.is_ok() {
        return Ok(());
    }
    execute(connection, doing, mysql).await.map(drop)
}

/// Runs a statement that gives no rows.
async fn execute(
    connection: &mut MySqlConnection,
    doing: &'static str,
    sql: impl Into<String>,
) -> Result<u64, Error> {
    let sql = AssertSqlSafe(sql.into());
    let done = sqlx::raw_sql(sql).execute(connection).await.map_err(Error::database(doing))?;
    Ok(done.rows_affected())
}

fn driver_options(at: &MySqlAddress, password: Option<&Secret>) -> Result<MySqlConnectOptions, Error> {
    let password = password.map(|secret| std::str::from_utf8(secret.expose())).transpose();
    let password = password.map_err(|_| Error::Url("the password is not UTF-8".to_owned()))?;
    let mut options = MySqlConnectOptions::new()
        .host(&at.host)
        .port(at.port)
        .username(&at.user)
        .database(&at.database)
        .ssl_mode(match at.ssl_mode {
            SslMode::Disable => MySqlSslMode::Disabled,
            SslMode::Allow | SslMode::Prefer => MySqlSslMode::Preferred,
            SslMode::Require => MySqlSslMode::Required,
            SslMode::VerifyCa => MySqlSslMode::VerifyCa,
            SslMode::VerifyFull => MySqlSslMode::VerifyIdentity,
        })
        .charset("utf8mb4")
        .timezone(None)
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .disable_statement_logging();
    if let Some(password) = password {
        options = options.password(password);
    }
    if let Some(path) = &at.socket {
        options = options.socket(path);
    }
    if let Some(path) = &at.ssl_root_cert {
        options = options.ssl_ca(path);
    }
    if let Some(path) = &at.ssl_cert {
        options = options.ssl_client_cert(path);
    }
    if let Some(path) = &at.ssl_key {
        options = options.ssl_client_key(path);
    }
    Ok(options)
}
