//! SQLite: one connection to a file that must exist already.
//!
//! The journal mode stays as it is. Foreign keys are enforced on this connection, so that a restore cannot bring
//! back a session whose user is gone. Deleted rows are overwritten: SQLite would leave them readable in the file's
//! free pages. As with PostgreSQL, a connection on which something failed is closed.

mod catalogue;
mod count;
mod delete;
mod keys;
mod listing;
mod pool;
mod restore;
mod row;
mod spelling;
mod thread;
mod users;

pub(super) use pool::plain_spelling;

use self::spelling::SqliteSpelling;
use super::schema::{Selected, Wanted, select};
use super::selection::UserAt;
use super::{Cause, Error, StoreKind};
use super::{Limits, Options};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _};
use std::fmt;
use std::path::{Path, PathBuf};

pub(super) struct Sqlite {
    path: PathBuf,
    url: String,
    limits: Limits,
    connection: Option<SqliteConnection>,
    selected: Selected,
    /// Where a row says whose session it is.
    user: Option<UserAt>,
    /// What tells rows apart.
    row: Option<String>,
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Sqlite {
    pub(super) async fn connect(path: &Path, url: String, options: &Options) -> Result<Self, Error> {
        if options.zone.as_ref().is_some_and(|zone| zone != "UTC") {
            let what = "another zone than UTC: a file's times without a zone are read in UTC".to_owned();
            return Err(Error::Unsupported { what });
        }
        let mut connection = open(path, &url, &options.limits).await?;
        let tables = catalogue::tables(&mut connection).await?;
        let wanted = Wanted {
            url: &url,
            kind: StoreKind::Sqlite,
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
        let row = catalogue::row(&mut connection, &selected.table).await?;
        Ok(Self {
            user,
            row,
            path: path.to_owned(),
            url,
            limits: options.limits,
            connection: Some(connection),
            selected,
        })
    }

    pub(super) fn selected(&self) -> &Selected {
        &self.selected
    }

    pub(super) async fn preflight(&mut self) -> Result<(), Error> {
        let mut connection = self.take().await?;
        let name = self.selected.table.name.to_string();
        let by = catalogue::cascades(&mut connection, &self.selected.table.name.name).await?;
        if !by.is_empty() {
            self.connection = Some(connection);
            return Err(Error::Referenced { table: name, by });
        }
        let by = catalogue::triggers(&mut connection, &self.selected.table.name.name).await?;
        if !by.is_empty() {
            self.connection = Some(connection);
            return Err(Error::Triggered { table: name, by });
        }
        if self.row.is_none() {
            self.connection = Some(connection);
            let what = format!("the table {name}: it has no row ids, and its key has several columns");
            return Err(Error::Unsupported { what });
        }
        // Taking the write lock and giving it back shows whether the file can be written, and changes nothing.
        let doing = "checking that the file can be written";
        match execute(&mut connection, doing, "BEGIN IMMEDIATE").await {
            Ok(()) => execute(&mut connection, doing, "ROLLBACK").await?,
            // Somebody writes just now, so the file can be written; the purge waits its turn.
            Err(error) if error.is_lock_conflict() => {}
            Err(Error::Database { cause, .. }) if cause.is_read_only() => {
                return Err(Error::ReadOnly { url: self.url.clone(), reason: cause.to_string() });
            }
            Err(error) => return Err(error),
        }
        self.connection = Some(connection);
        Ok(())
    }

    /// Whether rows are told apart by numbers of SQLite's own.
    fn has_row_numbers(&self) -> bool {
        self.row.as_ref().is_some_and(|row| !row.starts_with('"'))
    }

    fn spelling(&self) -> SqliteSpelling {
        SqliteSpelling::new(self.row.clone())
    }

    async fn take(&mut self) -> Result<SqliteConnection, Error> {
        match self.connection.take() {
            Some(connection) => Ok(connection),
            None => open(&self.path, &self.url, &self.limits).await,
        }
    }
}

async fn open(path: &Path, url: &str, limits: &Limits) -> Result<SqliteConnection, Error> {
    let unusable = |reason: &str| Error::File { path: path.to_owned(), reason: reason.to_owned() };
    match std::fs::metadata(path) {
        Err(error) => return Err(unusable(&error.to_string())),
        Ok(data) if !data.is_file() => return Err(unusable("it is no file")),
        Ok(_) => {}
    }
    let mut connection = driver_options(path, limits).connect().await.map_err(|error| Error::Connect {
        url: url.to_owned(),
        password_given: true,
        cause: Cause::from(&error),
    })?;
    // The first read tells a database from any other file.
    let read = sqlx::query("SELECT count(*) FROM sqlite_master").fetch_one(&mut connection).await;
    read.map_err(|error| unusable(&Cause::from(&error).to_string()))?;
    Ok(connection)
}

fn driver_options(path: &Path, limits: &Limits) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .busy_timeout(limits.lock)
        .pragma("secure_delete", "ON")
        .disable_statement_logging()
}

async fn execute(
    connection: &mut SqliteConnection,
    doing: &'static str,
    sql: impl Into<String>,
) -> Result<(), Error> {
    sqlx::raw_sql(AssertSqlSafe(sql.into()))
        .execute(connection)
        .await
        .map_err(Error::database(doing))
        .map(drop)
}
