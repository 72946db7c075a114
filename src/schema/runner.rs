//! Carries a plan out beside live traffic: a backup, then step by step, each recorded before and after.
//!
//! Whatever needs a lock that readers or writers of sessions conflict with is tried for a moment only and again after
//! a pause, since everybody who comes later waits behind it.

use super::catalogue::Rows;
use super::course::Course;
use super::fill::Filled;
use super::hardening::Hardening;
use super::journal::{Event, Journal, Noted, Run};
use super::object::Kind;
use super::plan::{Action, Plan, Step};
use super::stop::pause;
use super::{Error, Fault, Progress, fill, stop};
use crate::session::{BackupInfo, BackupSpec, CustomTable, Options, Store, Unit};
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use std::time::Duration;

/// How often a lock is tried; the pauses between grow to five seconds, two minutes in all.
pub(super) const ATTEMPTS: u32 = 30;
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
    /// The steps.
    #[serde(flatten)]
    pub course: Course,
    /// Rows that were filled.
    pub rows_filled: u64,
    /// Rows whose address is none, so that they have no network.
    pub unreadable_addresses: u64,
    /// The backup that was made first.
    pub backup: Option<BackupInfo>,
}

impl Hardening {
    /// Carries a plan out. Asks `stopped` all the while: it ends the statement that is under way.
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
            course: Course::of(plan.steps.iter().map(Step::label).collect()),
            rows_filled: 0,
            unreadable_addresses: 0,
            backup: None,
        };
        if plan.steps.is_empty() {
            return Ok(applied);
        }
        let ended = self.carry_out(plan, settings, &mut applied, stopped, tell).await;
        applied.course.end(ended)?;
        Ok(applied)
    }

    async fn carry_out(
        &mut self,
        plan: &Plan,
        settings: &Settings<'_>,
        applied: &mut Applied,
        stopped: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(&Progress),
    ) -> Result<(), Error> {
        let mut journal = Journal::open(&self.folder())?;
        self.lock().await?;
        let canceller = self.canceller.clone();
        stop::unless(stopped, &canceller, self.check_unchanged(plan)).await?;
        applied.backup = self.back_up(settings, stopped, tell).await?;
        journal.append(Run::Apply, Event::Opened, None, &format!("{} steps", plan.steps.len()))?;
        for (index, step) in plan.steps.iter().enumerate() {
            if stopped() {
                return Err(Error::Interrupted);
            }
            tell(&Progress::Begun { number: index + 1, of: plan.steps.len(), step: &step.label() });
            self.step(step, settings, &mut journal, applied, stopped, tell).await?;
            applied.course.advance();
        }
        journal.append(Run::Apply, Event::Closed, None, "applied")
    }

    /// Somebody may have changed the table while a person looked at the plan. New rows are no such change.
    async fn check_unchanged(&mut self, plan: &Plan) -> Result<(), Error> {
        let now = self.plan_by(Rows::PassedOver).await?;
        let steps = plan.steps.iter().filter(|step| step.kind != Kind::Rows);
        if !now.problems.is_empty() || !steps.map(Step::label).eq(now.steps.iter().map(Step::label)) {
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
                self.together(&label, &statements, settings.lock_timeout, stopped, tell).await
            }
        };
        Fault::strike(fault, &label, "changed");
        match done {
            Ok(()) => {
                journal.append(Run::Apply, Event::Done, Some(&noted), "")?;
                Fault::strike(fault, &label, "recorded");
                Ok(())
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
        let mut filled = Filled::default();
        let fill = fill::run(&mut self.connection, &self.base, settings.batch, &mut filled, stopped, tell);
        let done = stop::unless(stopped, &self.canceller, fill).await;
        applied.rows_filled += filled.rows;
        applied.unreadable_addresses = filled.unreadable;
        done
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
            match self.together(&label, &statement, PATIENT, stopped, tell).await {
                Err(error) if error.code() == Some("23514") => {
                    self.fill(settings, applied, stopped, tell).await?;
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
        stopped: &dyn Fn() -> bool,
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
        let canceller = store.canceller().await?;
        let backup = stop::unless(stopped, &canceller, async { Ok(store.copy(spec).await?) }).await?;
        if let Some(backup) = &backup {
            tell(&Progress::BackedUp(backup));
        }
        Ok(backup)
    }

    /// Runs statements in one transaction, and again when somebody held a lock for too long, unless somebody asks to
    /// stop.
    pub(super) async fn together(
        &mut self,
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
            let Err(error) = self.run(doing, text.clone(), stopped).await else { return Ok(()) };
            let back = sqlx::raw_sql("ROLLBACK").execute(&mut self.connection).await;
            back.map_err(Error::database(doing))?;
            if !error.is_lock_conflict() {
                return Err(error);
            }
            tell(&Progress::Waiting { doing, attempt });
            pause(attempt, stopped).await?;
        }
        Err(Error::Locked { doing: doing.to_owned(), attempts: ATTEMPTS })
    }
}

pub(super) async fn set_lock_timeout(connection: &mut PgConnection, timeout: Duration) -> Result<(), Error> {
    let set = AssertSqlSafe(format!("SET lock_timeout = {}", timeout.as_millis()));
    let done = sqlx::raw_sql(set).execute(connection).await;
    done.map(drop).map_err(Error::database("preparing the connection"))
}
