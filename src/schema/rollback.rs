//! Undoes what applies recorded: drops what they made, brings back what they replaced, and nothing else.

use super::audit::AuditLog;
use super::base::Base;
use super::catalogue::{Found, Rows, State};
use super::course::Course;
use super::hardening::Hardening;
use super::journal::{Event, Journal, Noted, Owned, Run};
use super::object::{Kind, Object};
use super::plan::Action;
use super::runner::Settings;
use super::{Error, Fault, Problem, Progress, build, prerequisites, stop, undo};
use crate::session::{BackupInfo, TableName};
use serde::Serialize;
use sqlx::AssertSqlSafe;
use std::collections::BTreeMap;

/// What a rollback would do.
#[derive(Clone, Debug, Serialize)]
pub struct Way {
    /// The store's address without its password.
    pub store: String,
    /// The table.
    pub table: TableName,
    /// What is dropped or brought back, in order.
    pub steps: Vec<String>,
    /// What is recorded and stays, and why.
    pub stays: Vec<String>,
    /// What goes with it that no other apply brings back.
    pub goes: Vec<String>,
    /// Sessions that were revoked and would be live again, since only the dropped column says that they are not.
    pub revived: u64,
    #[serde(skip)]
    back: Vec<Back>,
}

/// One thing to undo.
#[derive(Clone, Debug)]
struct Back {
    object: Object,
    /// A stopped rollback may have dropped it already.
    is_there: bool,
    restore: Vec<String>,
}

/// What a rollback did.
#[derive(Clone, Debug, Serialize)]
pub struct RolledBack {
    /// What was dropped or brought back.
    #[serde(flatten)]
    pub course: Course,
    /// What stays, and why.
    pub stays: Vec<String>,
    /// What should be gone and is not; empty when it is verified.
    pub left: Vec<String>,
    /// The backup that was made first.
    pub backup: Option<BackupInfo>,
}

impl Back {
    fn label(&self) -> String {
        let word = if self.restore.is_empty() { "drop" } else { "bring back" };
        format!("{word} {}", self.object.label())
    }
}

impl Hardening {
    /// What a rollback would do now. Writes nothing.
    ///
    /// # Errors
    /// [`Error::NothingRecorded`] when no apply is recorded here that is not undone.
    pub async fn way_back(&mut self) -> Result<Way, Error> {
        let problems: Vec<Problem> = prerequisites::of_base(&self.base);
        if !problems.is_empty() {
            return Err(Error::Blocked { table: self.table.to_string(), problems });
        }
        let folder = self.folder();
        let owned = if folder.exists() { Journal::open(&folder)?.owned() } else { BTreeMap::new() };
        if owned.is_empty() {
            return Err(Error::NothingRecorded { table: self.table.to_string(), folder });
        }
        let (mut back, mut stays, mut goes) = (Vec::new(), Vec::new(), Vec::new());
        let found = self.survey(Rows::PassedOver).await?;
        let indexes = found.iter().map(|one| one.object.clone());
        let indexes = indexes.filter(|index| owned.contains_key(&(index.kind(), index.name.to_owned())));
        let left = build::left_over(&mut self.connection, &self.base, indexes).await?;
        back.extend(left.into_iter().map(|object| Back { object, is_there: true, restore: Vec::new() }));
        for one in found.into_iter().rev() {
            let key = (one.object.kind(), one.object.name.to_owned());
            let Some(undo) = owned.get(&key) else { continue };
            match one.object.kind() {
                Kind::Rows if !owned.contains_key(&(Kind::Column, "family_id".to_owned())) => stays.push(
                    "rows that had no family keep the one that they were given: the column family_id is the application's own"
                        .to_owned(),
                ),
                Kind::Rows => {}
                Kind::Table if events(&mut self.connection, &self.log).await? > 0 => {
                    let rights = self.log.rights().unwrap_or_else(|| "nobody but its owner".to_owned());
                    stays.push(format!(
                        "the {} holds events and stays, with its rights as they are ({rights}); drop it by hand when \
                         they are not needed",
                        one.object.label()
                    ));
                }
                Kind::Table => {
                    goes.extend(self.log.rights().map(|rights| {
                        format!("the rights on the {} ({rights}): grant them again after another apply", one.object.label())
                    }));
                    back.extend(undone(one, undo));
                }
                _ => back.extend(undone(one, undo)),
            }
        }
        let drops = |back: &Back| {
            back.is_there && (back.object.kind(), back.object.name) == (Kind::Column, "revoked_at")
        };
        let revived = if back.iter().any(drops) {
            revoked(&mut self.connection, &self.base).await?.unsigned_abs()
        } else {
            0
        };
        Ok(Way {
            store: self.url.to_string(),
            table: self.table.clone(),
            steps: back.iter().map(Back::label).collect(),
            stays,
            goes,
            revived,
            back,
        })
    }

    /// Undoes it. Asks `stopped` all the while: it ends the statement that is under way.
    ///
    /// # Errors
    /// [`Error::Stopped`] when a step failed after others were done.
    pub async fn roll_back(
        &mut self,
        way: &Way,
        settings: &Settings<'_>,
        stopped: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(&Progress),
    ) -> Result<RolledBack, Error> {
        let mut done = RolledBack {
            course: Course::of(way.steps.clone()),
            stays: way.stays.clone(),
            left: Vec::new(),
            backup: None,
        };
        let ended = self.undo_all(way, settings, &mut done, stopped, tell).await;
        done.course.end(ended)?;
        Ok(done)
    }

    async fn undo_all(
        &mut self,
        way: &Way,
        settings: &Settings<'_>,
        done: &mut RolledBack,
        stopped: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(&Progress),
    ) -> Result<(), Error> {
        self.lock().await?;
        let canceller = self.canceller.clone();
        // Somebody may have changed the table while a person looked at the way.
        let now = stop::unless(stopped, &canceller, self.way_back()).await?;
        if now.steps != way.steps || now.revived > way.revived {
            return Err(Error::Changed { table: self.table.to_string() });
        }
        let mut journal = Journal::open(&self.folder())?;
        done.backup = self.back_up(settings, stopped, tell).await?;
        journal.append(Run::Rollback, Event::Opened, None, &format!("{} steps", way.back.len()))?;
        for (index, back) in way.back.iter().enumerate() {
            if stopped() {
                return Err(Error::Interrupted);
            }
            tell(&Progress::Begun { number: index + 1, of: way.back.len(), step: &back.label() });
            self.undo(back, settings, &mut journal, stopped, tell).await?;
            done.course.advance();
        }
        done.left = self.left(way).await?;
        if done.left.is_empty() {
            journal.append(Run::Rollback, Event::Closed, None, "rolled back")?;
        }
        Ok(())
    }

    async fn undo(
        &mut self,
        back: &Back,
        settings: &Settings<'_>,
        journal: &mut Journal,
        stopped: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(&Progress),
    ) -> Result<(), Error> {
        let (label, fault) = (back.label(), settings.fault.as_ref());
        let noted = Noted {
            action: if back.restore.is_empty() { Action::Create } else { Action::Replace },
            kind: back.object.kind(),
            name: back.object.name.to_owned(),
            // What is dropped can be read again here, also where somebody changed it after the apply.
            restore: undo::remake(&mut self.connection, &self.base, &back.object).await?,
        };
        journal.append(Run::Rollback, Event::Begun, Some(&noted), &label)?;
        Fault::strike(fault, &label, "begun");
        self.undo_it(back, &label, settings, stopped, tell).await?;
        Fault::strike(fault, &label, "changed");
        journal.append(Run::Rollback, Event::Done, Some(&noted), &label)?;
        Fault::strike(fault, &label, "recorded");
        Ok(())
    }

    async fn undo_it(
        &mut self,
        back: &Back,
        label: &str,
        settings: &Settings<'_>,
        stopped: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(&Progress),
    ) -> Result<(), Error> {
        let (names, fault) = (&self.base.names, settings.fault.as_ref());
        let drop = back.is_there.then(|| back.object.drop(names));
        let mut statements: Vec<String> = drop.into_iter().collect();
        match back.object.stand_in().filter(|_| !back.restore.is_empty()) {
            // The one from before is built first, as an apply does it.
            Some(stand_in) => {
                let mut built =
                    vec![format!("DROP INDEX CONCURRENTLY IF EXISTS {}", names.beside(stand_in.name))];
                built.extend(back.restore.iter().cloned());
                statements = build::swap(names, &back.object, &stand_in, back.is_there);
                let done = self.alone(label, &built, stopped).await;
                if matches!(done, Err(Error::Interrupted)) {
                    let drop = format!(
                        "DROP INDEX CONCURRENTLY IF EXISTS {}",
                        self.base.names.beside(stand_in.name)
                    );
                    return Err(self.drop_at_once(stand_in.name, drop).await);
                }
                done?;
                Fault::strike(fault, label, "built");
            }
            None if back.object.stands_alone() => {
                return self.alone(label, &statements, stopped).await;
            }
            None => statements.extend(back.restore.iter().cloned()),
        }
        self.together(label, &statements, settings.lock_timeout, stopped, tell).await
    }

    /// What should be gone or back and is not.
    async fn left(&mut self, way: &Way) -> Result<Vec<String>, Error> {
        let found = self.survey(Rows::PassedOver).await?;
        let is_left = |back: &&Back| {
            let now = found.iter().find(|one| one.object.label() == back.object.label());
            // What was brought back is there, in another form than ours; what was dropped is not.
            now.is_some_and(|now| match (back.restore.is_empty(), &now.state) {
                (true, state) => *state != State::Missing,
                (false, state) => matches!(state, State::Fits | State::Missing),
            })
        };
        Ok(way.back.iter().filter(is_left).map(|back| back.object.label()).collect())
    }
}

/// How an object is undone; not at all when it is not there any more, or brought back already.
fn undone(found: Found, owned: &Owned) -> Option<Back> {
    let restore = match owned {
        Owned::Made => Vec::new(),
        // A crash came between the change and its record.
        Owned::Replaced(_) if matches!(found.state, State::Differs { .. }) => return None,
        Owned::Replaced(restore) => restore.clone(),
    };
    let is_there = found.state != State::Missing;
    (is_there || !restore.is_empty()).then_some(Back { object: found.object, is_there, restore })
}

/// Sessions that are ended by nothing but having been revoked.
async fn revoked(connection: &mut sqlx::PgConnection, base: &Base) -> Result<i64, Error> {
    let count = AssertSqlSafe(format!(
        "SELECT count(*) FROM {} WHERE revoked_at IS NOT NULL AND expires_at > {}",
        base.names.table(),
        base.now_for("expires_at")
    ));
    let count = sqlx::query_scalar(count).fetch_one(connection).await;
    count.map_err(Error::database("counting the revoked sessions"))
}

async fn events(connection: &mut sqlx::PgConnection, log: &AuditLog) -> Result<i64, Error> {
    if !log.exists() {
        return Ok(0);
    }
    let count = AssertSqlSafe(format!("SELECT count(*) FROM {}", log.table()));
    let count = sqlx::query_scalar(count).fetch_one(connection).await;
    count.map_err(Error::database("counting the events"))
}
