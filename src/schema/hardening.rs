//! The one handle: a table that is or is to be hardened, on one connection, with the journal of what was done to it.

use super::audit::AuditLog;
use super::base::{self, Base};
use super::catalogue::{self, Found, Rows};
use super::journal::Journal;
use super::names::Names;
use super::object::Object;
use super::plan::{self, Plan};
use super::{Error, objects, prerequisites};
use crate::session::{Canceller, Options, StoreUrl, TableName, canceller, open_table, quoted};
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use std::path::{Path, PathBuf};

/// The table's usual name.
const USUAL: &str = "auth_sessions";

const EXPIRY: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_index i \
    JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] \
    WHERE i.indrelid = $1::int8::oid AND i.indisvalid AND i.indpred IS NULL AND a.attname = 'expires_at')";

/// What no role or database may set otherwise while this works.
const PINNED: &str = "SET search_path = pg_catalog; SET statement_timeout = 0; SET client_min_messages = warning; \
    SET default_transaction_isolation = 'read committed'; SET standard_conforming_strings = on; \
    SELECT set_config('client_connection_check_interval', '1s', false) \
    WHERE current_setting('server_version_num')::int >= 140000";

/// A table that is or is to be hardened.
pub struct Hardening {
    pub(super) connection: PgConnection,
    /// What ends the statement that this connection runs.
    pub(super) canceller: Canceller,
    pub(super) url: StoreUrl,
    pub(super) options: Options,
    pub(super) table: TableName,
    pub(super) base: Base,
    pub(super) log: AuditLog,
    pub(super) state: PathBuf,
}

impl Hardening {
    /// Connects and reads the table's form. Writes nothing.
    ///
    /// # Errors
    /// When the store cannot be reached, is no PostgreSQL, or has no such plain table.
    pub async fn open(url: &StoreUrl, options: &Options, state: &Path) -> Result<Self, Error> {
        let (mut connection, table, base) = connect(url, options).await?;
        let mut this = Self {
            canceller: canceller(url, options, &mut connection).await?,
            connection,
            url: url.clone(),
            options: options.clone(),
            table,
            log: AuditLog::none(&base),
            base,
            state: state.to_owned(),
        };
        this.log = AuditLog::read(&mut this.connection, &this.base).await?;
        Ok(this)
    }

    /// Whether the table has what is hardened: a user and an end of each session.
    pub fn has_sessions(&self) -> bool {
        ["user_id", "expires_at"].iter().all(|name| self.base.column(name).is_some())
    }

    /// Another connection to the same table, with the same settings.
    pub(super) async fn another(&self) -> Result<PgConnection, Error> {
        Ok(connect(&self.url, &self.options).await?.0)
    }

    /// What an apply would do now. Reads every row once, and writes nothing.
    pub async fn plan(&mut self) -> Result<Plan, Error> {
        self.plan_by(Rows::Counted).await
    }

    /// The same; the filling is no step of a plan that looks at no row.
    pub(super) async fn plan_by(&mut self, rows: Rows) -> Result<Plan, Error> {
        let mut plan = Plan {
            store: self.url.to_string(),
            table: self.table.clone(),
            steps: Vec::new(),
            fitting: 0,
            problems: prerequisites::of_base(&self.base),
            notes: prerequisites::notes(&self.base),
            base: self.base.clone(),
        };
        // Nothing can be compared, and more problems would be guesses.
        if !plan.problems.is_empty() {
            return Ok(plan);
        }
        let found = self.survey(rows).await?;
        plan.notes.extend(self.log.notes());
        plan.notes.extend(self.note_on_expiry().await?);
        plan.problems =
            prerequisites::of_objects(&mut self.connection, &self.base, &self.log, &found).await?;
        plan.problems.extend(prerequisites::of_schema(&self.base));
        plan.steps = plan::steps(&found);
        plan.fitting = found.iter().filter(|one| one.state == catalogue::State::Fits).count();
        plan.base = self.base.clone();
        Ok(plan)
    }

    /// No index of the hardening finds what is over; the clean-up looks for that.
    async fn note_on_expiry(&mut self) -> Result<Option<String>, Error> {
        let query = sqlx::query_scalar(EXPIRY).bind(self.base.oid);
        let is_indexed: bool =
            query.fetch_one(&mut self.connection).await.map_err(Error::database("looking at the indexes"))?;
        Ok((!is_indexed).then(|| {
            "no index begins with expires_at, so each clean-up reads the whole table: `unleak schema apply --advice` adds one"
                .to_owned()
        }))
    }

    /// Everything that must exist.
    pub(super) fn objects(&self) -> Vec<Object> {
        objects::objects(&self.base, &self.log)
    }

    /// Reads the table's form anew, and how every object stands.
    pub(super) async fn survey(&mut self, rows: Rows) -> Result<Vec<Found>, Error> {
        let names = self.base.names.clone();
        self.base = base::read(&mut self.connection, &names).await?;
        self.log = AuditLog::read(&mut self.connection, &self.base).await?;
        let objects = self.objects();
        catalogue::survey(&mut self.connection, &self.base, &objects, rows).await
    }

    /// The folder of the journal.
    pub(super) fn folder(&self) -> PathBuf {
        Journal::folder(&self.state, &self.url.to_string(), &self.base.names.table())
    }
}

pub(super) async fn connect(
    url: &StoreUrl,
    options: &Options,
) -> Result<(PgConnection, TableName, Base), Error> {
    let (mut connection, table) = open_table(url, options, USUAL).await?;
    let doing = || Error::database("preparing the connection");
    sqlx::raw_sql(PINNED).execute(&mut connection).await.map_err(doing())?;
    let base = base::read(&mut connection, &Names::new(&table)).await?;
    let server = &base.server;
    // What is made belongs to the table's owner, whoever makes it: functions run with their owner's rights.
    if server.role != server.owner && server.acts_as_owner {
        let act = AssertSqlSafe(format!("SET ROLE {}", quoted(&server.owner)));
        sqlx::raw_sql(act).execute(&mut connection).await.map_err(doing())?;
    }
    Ok((connection, table, base))
}
