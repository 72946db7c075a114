//! Carries a plan out beside live traffic: a backup, then step by step, each recorded before and after.
//!
//! Whatever needs a lock that readers or writers of sessions conflict with is tried for a moment only and again after
//! a pause, since everybody who comes later waits behind it.

use super::hardening::Hardening;
use super::journal::{Event, Journal, Noted, Run};
use super::object::Kind;
use super::plan::{Action, Plan, Step};
use super::{Error, Fault, Progress, fill};
use crate::session::{BackupInfo, BackupSpec, CustomTable, Options, Store, Unit};
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use std::time::Duration;

/// How often a lock is tried; the pauses between grow to five seconds, two minutes in all.
pub(super) const ATTEMPTS: u32 = 30;
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// For what waits for others and lets nobody wait: a build behind a long transaction.
pub(super) const PATIENT: Duration = Duration::from_mins(10);
/// How often rows are filled anew when a constraint finds ones that came meanwhile.
const REFILLS: u32 = 3;
/// The first half of the number of the lock that keeps two runs apart: "unlk".
pub(super) const LOCK: i32 = 0x756e_6c6b;

/// How a run goes about it.
#[derive(Clone, Debug)]
pub struct Settings<'a> {
    /// Where the backup goes; none for no backup.
    pub backup: Option<BackupSpec<'a>>,
    /// How long a lock is waited for that others wait behind.
    pub lock_timeout: Duration,
    /// How many keys a batch of filling spans.
    pub batch: u32,
    /// Where to die, for tests.
    pub fault: Option<Fault>,
}

/// What an apply did.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Applied {
    /// The steps that were done.
    pub steps: Vec<String>,
    /// Of how many.
    pub of: usize,
    /// Rows that were filled.
    pub rows_filled: u64,
    /// Rows whose address is none, so that they have no network.
    pub unreadable_addresses: u64,
    /// The backup that was made first.
    pub backup: Option<BackupInfo>,
    /// Whether somebody asked to stop; what is done is recorded, and another apply goes on.
    pub stopped: bool,
}

impl Hardening {
    /// Carries a plan out. Asks `stopped` between steps and batches.
    ///
    /// # Errors
    /// [`Error::Blocked`] when the plan holds problems, [`Error::Stopped`] when a step failed after others were done.
    pub async fn apply(
        &mut self,
        plan: &Plan,
        settings: &Settings<'_>,
        stopped: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(&Progress),
    ) -> Result<Applied, Error> {
        if !plan.problems.is_empty() {
            return Err(Error::Blocked { table: self.table.to_string(), problems: plan.problems.clone() });
        }
        let mut applied = Applied {
            steps: Vec::new(),
            of: plan.steps.len(),
            rows_filled: 0,
            unreadable_addresses: 0,
            backup: None,
            stopped: false,
        };
        if plan.steps.is_empty() {
            return Ok(applied);
        }
        let mut journal = Journal::open(&self.folder())?;
        self.lock().await?;
        self.check_unchanged(plan).await?;
        applied.backup = self.back_up(settings, tell).await?;
        journal.append(Run::Apply, Event::Opened, None, &format!("{} steps", plan.steps.len()))?;
        for (index, step) in plan.steps.iter().enumerate() {
            if stopped() {
                applied.stopped = true;
                break;
            }
            tell(&Progress::Begun { number: index + 1, of: plan.steps.len(), step: &step.label() });
            if let Err(cause) = self.step(step, settings, &mut journal, &mut applied, stopped, tell).await {
                if applied.steps.is_empty() {
                    return Err(cause);
                }
                return Err(Error::Stopped {
                    done: applied.steps.len(),
                    of: plan.steps.len(),
                    cause: Box::new(cause),
                });
            }
            if applied.stopped {
                break;
            }
            applied.steps.push(step.label());
        }
        if !applied.stopped {
            journal.append(Run::Apply, Event::Closed, None, "applied")?;
        }
        Ok(applied)
    }

    /// Somebody may have changed the table while a person looked at the plan.
    async fn check_unchanged(&mut self, plan: &Plan) -> Result<(), Error> {
        let now = self.plan().await?;
        if !now.problems.is_empty()
            || !plan.steps.iter().map(Step::label).eq(now.steps.iter().map(Step::label))
        {
            return Err(Error::Changed { table: self.table.to_string() });
        }
        Ok(())
    }

    async fn step(
        &mut self,
        step: &Step,
        settings: &Settings<'_>,
        journal: &mut Journal,
        applied: &mut Applied,
        stopped: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(&Progress),
    ) -> Result<(), Error> {
        let (label, fault) = (step.label(), settings.fault.as_ref());
        let noted = Noted {
            action: step.action,
            kind: step.kind,
            name: step.name.to_owned(),
            restore: step.restore.clone(),
        };
        journal.append(Run::Apply, Event::Begun, Some(&noted), "")?;
        Fault::strike(fault, &label, "begun");
        let done = match step.action {
            Action::Fill => self.fill(settings, applied, stopped, tell).await,
            Action::Validate => self.validate(step, settings, applied, stopped, tell).await,
            _ if step.kind == Kind::Index => self.build(step, settings, stopped, tell).await,
            _ => {
                let statements = step.statements(&self.base.names);
                let wait = settings.lock_timeout;
                together(&mut self.connection, &label, &statements, wait, stopped, tell).await
            }
        };
        Fault::strike(fault, &label, "changed");
        match done {
            Ok(()) if applied.stopped => Ok(()),
            Ok(()) => {
                journal.append(Run::Apply, Event::Done, Some(&noted), "")?;
                Fault::strike(fault, &label, "recorded");
                Ok(())
            }
            Err(Error::Interrupted) => {
                applied.stopped = true;
                journal.append(Run::Apply, Event::Failed, Some(&noted), "stopped while it waited for others")
            }
            // What was begun stays recorded as begun, so that a rollback looks whether it is there.
            Err(error) if error.leaves_open() => Err(error),
            Err(error) => {
                journal.append(Run::Apply, Event::Failed, Some(&noted), &error.to_string())?;
                Err(error)
            }
        }
    }

    async fn fill(
        &mut self,
        settings: &Settings<'_>,
        applied: &mut Applied,
        stopped: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(&Progress),
    ) -> Result<(), Error> {
        set_lock_timeout(&mut self.connection, settings.lock_timeout).await?;
        let filled = fill::run(&mut self.connection, &self.base, settings.batch, stopped, tell).await?;
        applied.rows_filled += filled.rows;
        applied.unreadable_addresses = filled.unreadable;
        applied.stopped = filled.stopped;
        Ok(())
    }

    /// Checks old rows. Those that came without a value after the filling are filled; they are the last, for the
    /// constraint binds new rows by now.
    async fn validate(
        &mut self,
        step: &Step,
        settings: &Settings<'_>,
        applied: &mut Applied,
        stopped: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(&Progress),
    ) -> Result<(), Error> {
        let statement = [step.object.validate(&self.base.names)];
        for _ in 0..REFILLS {
            let label = step.label();
            let done = together(&mut self.connection, &label, &statement, PATIENT, stopped, tell).await;
            match done {
                Err(error) if error.code() == Some("23514") => {
                    self.fill(settings, applied, stopped, tell).await?;
                    if applied.stopped {
                        return Ok(());
                    }
                }
                done => return done,
            }
        }
        Err(Error::Rows { doing: step.label(), rows: "some hold what the constraint forbids".to_owned() })
    }

    /// Keeps every other unleak from this table, for as long as the connection lives.
    pub(super) async fn lock(&mut self) -> Result<(), Error> {
        let table = u32::try_from(self.base.oid).unwrap_or_default().cast_signed();
        for _ in 0..40 {
            let query = sqlx::query_scalar::<_, bool>("SELECT pg_try_advisory_lock($1, $2)");
            let query = query.bind(LOCK).bind(table);
            let got = query.fetch_one(&mut self.connection).await;
            if got.map_err(Error::database("taking the lock"))? {
                return Ok(());
            }
            // A crashed one's server process may need a moment to notice.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(Error::Busy { table: self.table.to_string() })
    }

    /// Copies every row with every column into an encrypted backup, unless there is none or nobody wants it.
    pub(super) async fn back_up(
        &mut self,
        settings: &Settings<'_>,
        tell: &mut dyn FnMut(&Progress),
    ) -> Result<Option<BackupInfo>, Error> {
        let Some(spec) = &settings.backup else { return Ok(None) };
        tell(&Progress::BackingUp);
        let key = self.base.key.as_ref().map_or("id", |key| &key.name);
        let custom = CustomTable {
            table: self.base.names.table(),
            token: key.to_owned(),
            user: Some("user_id".to_owned()),
            expiry: Some(("expires_at".to_owned(), Unit::Time)),
        };
        // Else it is a table of no known form, yet one whose columns are known.
        let known = self.base.column("family_id").is_some() && key == "id";
        let options = Options {
            table: Some(self.base.names.table()),
            custom: (!known).then_some(custom),
            dialect: known.then(|| "auth-sessions".to_owned()),
            ..self.options.clone()
        };
        let mut store = Store::connect(&self.url, &options).await?;
        let backup = store.copy(spec).await?;
        if let Some(backup) = &backup {
            tell(&Progress::BackedUp(backup));
        }
        Ok(backup)
    }
}

/// Runs statements in one transaction, and again when somebody held a lock for too long, unless somebody asks to stop.
pub(super) async fn together(
    connection: &mut PgConnection,
    doing: &str,
    statements: &[String],
    lock_timeout: Duration,
    stopped: &dyn Fn() -> bool,
    tell: &mut dyn FnMut(&Progress),
) -> Result<(), Error> {
    let text = format!(
        "BEGIN; SET LOCAL lock_timeout = {}; {}; COMMIT",
        lock_timeout.as_millis(),
        statements.join(";\n")
    );
    for attempt in 1..=ATTEMPTS {
        let done = sqlx::raw_sql(AssertSqlSafe(text.clone())).execute(&mut *connection).await;
        let Err(error) = done else { return Ok(()) };
        let error = Error::database(doing)(error);
        sqlx::raw_sql("ROLLBACK").execute(&mut *connection).await.map_err(Error::database(doing))?;
        if !error.is_lock_conflict() {
            return Err(error);
        }
        tell(&Progress::Waiting { doing, attempt });
        pause(attempt).await;
        if stopped() {
            return Err(Error::Interrupted);
        }
    }
    Err(Error::Locked { doing: doing.to_owned(), attempts: ATTEMPTS })
}

pub(super) async fn set_lock_timeout(connection: &mut PgConnection, timeout: Duration) -> Result<(), Error> {
    let set = AssertSqlSafe(format!("SET lock_timeout = {}", timeout.as_millis()));
    let done = sqlx::raw_sql(set).execute(connection).await;
    done.map(drop).map_err(Error::database("preparing the connection"))
}

pub(super) async fn pause(attempt: u32) {
    let pause = Duration::from_millis(100) * 2_u32.pow(attempt.min(6));
    tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
}
