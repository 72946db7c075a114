//! PostgreSQL, with one connection whose settings are pinned.
//!
//! An operation takes the connection out and puts it back only when all went well: a connection in an unknown
//! state is closed, which rolls back, and the next operation opens a new one.

mod beside;
mod catalogue;
mod copy;
mod count;
mod delete;
mod halves;
mod keys;
mod listing;
mod pool;
mod replays;
mod restore;
mod spelling;
mod users;

pub(super) use beside::Beside;
pub(crate) use beside::canceller;
pub(super) use pool::spelling_in_utc;
pub(crate) use spelling::literal;

use super::backup::BackupInfo;
use super::schema::{Selected, TableName, Wanted, named, select};
use super::selection::UserAt;
use super::store::within;
use super::url::{Address, PostgresAddress, SslMode};
use super::{Cause, Error, StoreKind, StoreUrl};
use super::{Limits, Options};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use std::fmt;

pub(super) struct Postgres {
    opener: Opener,
    connection: Option<PgConnection>,
    selected: Selected,
    /// The zone in which the application's connections read and write wall clocks.
    zone: Option<String>,
    /// The zone in which the caller wants wall clocks read.
    pinned: Option<String>,
    /// Where a row says whose session it is.
    user: Option<UserAt>,
    /// What is left of the table while it is emptied.
    pages: Option<halves::Pages>,
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").field("url", &self.opener.url).finish_non_exhaustive()
    }
}

/// What it takes to open a connection; the driver's options hold the password.
#[derive(Clone)]
struct Opener {
    options: PgConnectOptions,
    url: String,
    password_given: bool,
    limits: Limits,
}

/// A connection of the caller's own with pinned settings, and the plain table that the options name, else `usual`.
/// Whether the table has the form of a dialect is not looked at.
pub(crate) async fn open_table(
    url: &StoreUrl,
    options: &Options,
    usual: &str,
) -> Result<(PgConnection, TableName), Error> {
    let Address::Postgres(at) = &url.0 else {
        return Err(Error::Unsupported {
            what: format!(
                "the hardened form on {}: `unleak schema plan` tells what its table lacks",
                url.kind()
            ),
        });
    };
    let opener = Opener::new(at, url.to_string(), options)?;
    let mut connection = opener.open().await?;
    let tables = catalogue::tables(&mut connection, at.schema.as_deref());
    let tables = within(opener.limits.statement, "reading the catalogue", tables).await?;
    let table = named(tables, options.table.as_deref().unwrap_or(usual))?;
    Ok((connection, table))
}

impl Postgres {
    pub(super) async fn connect(at: &PostgresAddress, url: String, options: &Options) -> Result<Self, Error> {
        let opener = Opener::new(at, url, options)?;
        let mut connection = opener.open().await?;
        let (tables, zone) = within(opener.limits.statement, "reading the catalogue", async {
            let tables = catalogue::tables(&mut connection, at.schema.as_deref()).await?;
            if let Some(zone) = &options.zone {
                count::check_zone(&mut connection, zone).await?;
            }
            Ok((tables, catalogue::server_zone(&mut connection).await?))
        })
        .await?;
        let wanted = Wanted {
            url: &opener.url,
            kind: StoreKind::Postgres,
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
        let pinned = options.zone.as_deref().map(spelling::place);
        let zone = zone.as_deref().map(spelling::place);
        Ok(Self { opener, connection: Some(connection), selected, zone, pinned, user, pages: None })
    }

    pub(super) fn selected(&self) -> &Selected {
        &self.selected
    }

    /// What keeps a statement from tables that inherit from this one; the parts of a partitioned one are its own rows.
    fn only(&self) -> &'static str {
        if self.selected.table.is_partitioned { "" } else { "ONLY " }
    }

    pub(super) async fn preflight(&mut self) -> Result<(), Error> {
        let mut connection = self.take().await?;
        let check = catalogue::preflight(&mut connection, &self.selected.table, &self.opener.url);
        let result = within(self.opener.limits.statement, "checking the table", check).await;
        // Refusals come from answers, not from failed statements: the connection is as good as before.
        self.connection = Some(connection);
        result
    }

    /// How the transaction of a prepared backup ended; `None` when the server cannot say.
    pub(super) async fn was_committed(&mut self, info: &BackupInfo) -> Result<Option<bool>, Error> {
        if info.store != self.opener.url {
            return Err(Error::Backup {
                path: info.path.clone(),
                reason: format!("it is of {}", info.store),
            });
        }
        let Some(transaction) = info.transaction else { return Ok(None) };
        let mut connection = self.take().await?;
        let status = delete::status(&mut connection, transaction).await;
        Ok(status)
    }

    /// The open connection, or a new one when it died meanwhile.
    async fn take(&mut self) -> Result<PgConnection, Error> {
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
    fn new(at: &PostgresAddress, url: String, options: &Options) -> Result<Self, Error> {
        let password = options.password.as_ref().or(at.password.as_ref());
        Ok(Self {
            options: driver_options(at, password)?,
            password_given: password.is_some(),
            url,
            limits: options.limits,
        })
    }

    async fn open(&self) -> Result<PgConnection, Error> {
        let connect = async {
            self.options.connect().await.map_err(|error| Error::Connect {
                url: self.url.clone(),
                password_given: self.password_given,
                cause: Cause::from(&error),
            })
        };
        let mut connection = within(self.limits.connect, "connecting to the store", connect).await?;
        execute(&mut connection, "preparing the connection", self.pinned()).await?;
        Ok(connection)
    }

    /// Roles and databases can have settings of their own; text that a backup holds must not depend on them.
    fn pinned(&self) -> String {
        format!(
            "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres'; \
             SET extra_float_digits = 2; SET lock_timeout = {}; SET statement_timeout = {}",
            self.limits.lock.as_millis(),
            self.limits.statement.as_millis(),
        )
    }
}

/// Runs statements that give no rows.
async fn execute(
    connection: &mut PgConnection,
    doing: &'static str,
    sql: impl Into<String>,
) -> Result<(), Error> {
    let sql = AssertSqlSafe(sql.into());
    sqlx::raw_sql(sql).execute(connection).await.map_err(Error::database(doing)).map(drop)
}

/// The driver's options, with every field set that it would otherwise take from `PG…` variables. Exceptions that
/// it offers no way to clear: `PGOPTIONS`, and the `PGSSL…` files when the address names none.
fn driver_options(
    at: &PostgresAddress,
    password: Option<&crate::secret::Secret>,
) -> Result<PgConnectOptions, Error> {
    let password = password.map(|secret| std::str::from_utf8(secret.expose())).transpose();
    let password = password.map_err(|_| Error::Url("the password is not UTF-8".to_owned()))?;
    let mut options = PgConnectOptions::new_without_pgpass()
        .host(&at.host)
        .port(at.port)
        .username(&at.user)
        .password(password.unwrap_or_default())
        .database(&at.database)
        .ssl_mode(match at.ssl_mode {
            SslMode::Disable => PgSslMode::Disable,
            SslMode::Allow => PgSslMode::Allow,
            SslMode::Prefer => PgSslMode::Prefer,
            SslMode::Require => PgSslMode::Require,
            SslMode::VerifyCa => PgSslMode::VerifyCa,
            SslMode::VerifyFull => PgSslMode::VerifyFull,
        })
        .application_name("unleak")
        .disable_statement_logging();
    if at.host.starts_with('/') {
        options = options.socket(&at.host);
    }
    if let Some(path) = &at.ssl_root_cert {
        options = options.ssl_root_cert(path);
    }
    if let Some(path) = &at.ssl_cert {
        options = options.ssl_client_cert(path);
    }
    if let Some(path) = &at.ssl_key {
        options = options.ssl_client_key(path);
    }
    Ok(options)
}
