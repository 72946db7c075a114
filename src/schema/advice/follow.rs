//! Carries advice out: refused as a whole while rows stand in the way, then one index or reference after the other,
//! each recorded before and after.

use super::super::alone::AT_ONCE;
use super::super::course::Course;
use super::super::journal::{Event, Journal, Noted, Run};
use super::super::object::Kind;
use super::super::plan::Action;
use super::super::runner::{ATTEMPTS, LOCK};
use super::super::stop::{self, pause};
use super::super::{Error, Fault, Problem, Progress};
use super::sql::Sql;
use super::{Advice, Lack, folder, obstacle, patience, unweighed};
use crate::session::{KeyState, Store, TableName, UsersWanted};
use serde::Serialize;
use std::path::Path;
use std::time::{Duration, Instant};

/// An attempt that failed this long after its wait for a lock could have ended had got its first lock, and lost its last.
const LATE: Duration = Duration::from_secs(2);
/// How long the last lock is waited for then, although others wait behind it: better once than thirty builds in vain.
const LONGER: Duration = Duration::from_secs(10);

/// What was done about advice.
#[derive(Clone, Debug, Serialize)]
pub struct Followed {
    /// The table.
    pub table: TableName,
    /// What was added.
    #[serde(flatten)]
    pub course: Course,
    /// What should be there and is not; empty when it is verified.
    pub missing: Vec<Lack>,
}

impl Advice {
    /// Carries all of them out. Asks `stopped` all the while: it ends the statement that is under way.
    ///
    /// # Errors
    /// [`Error::Blocked`] while rows stand in the way, or where a statement would not do, and nothing is changed then;
    /// [`Error::Stopped`] when one failed after others were done.
    pub async fn follow(
        all: &[Self],
        store: &mut Store,
        wanted: &UsersWanted,
        state: &Path,
        fault: Option<&Fault>,
        stopped: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(&Progress),
    ) -> Result<Followed, Error> {
        let Some(facts) = store.key_facts().await? else {
            return Err(crate::session::Error::Unsupported { what: "indexes on Redis".to_owned() }.into());
        };
        let table = facts.table;
        let blocked: Vec<&Self> = all.iter().filter(|one| !one.is_ready()).collect();
        if !blocked.is_empty() {
            let problem =
                |one: &&Self| Problem::new(&one.what, one.first.as_deref().unwrap_or("see the plan"));
            let problems = blocked.iter().map(problem).collect();
            return Err(Error::Blocked { table: table.to_string(), problems });
        }
        let mut journal = Journal::open(&folder(store, state, &table))?;
        let _held = store.hold(LOCK).await?.ok_or_else(|| Error::Busy { table: table.to_string() })?;
        let mut done = Followed {
            table: table.clone(),
            course: Course::of(all.iter().map(Self::label).collect()),
            missing: Vec::new(),
        };
        journal.append(Run::Apply, Event::Opened, None, &format!("{} pieces of advice", all.len()))?;
        let ended = async {
            for (index, one) in all.iter().enumerate() {
                if stopped() {
                    return Err(Error::Interrupted);
                }
                tell(&Progress::Begun { number: index + 1, of: all.len(), step: &one.label() });
                let sql = Sql { kind: store.kind(), table: &table };
                let step = Step { advice: one, sql, wanted, fault };
                step.take(store, &mut journal, stopped, tell).await?;
                done.course.advance();
            }
            Ok(())
        };
        let ended = ended.await;
        done.course.end(ended)?;
        if done.course.stopped {
            return Ok(done);
        }
        let lacking = match store.key_facts().await? {
            Some(facts) => unweighed(store, wanted, &facts).await?.0,
            None => Vec::new(),
        };
        let is_asked = |lack: &Lack| all.iter().any(|one| one.lack == *lack);
        done.missing = lacking.iter().map(|one| one.lack).filter(is_asked).collect();
        journal.append(Run::Apply, Event::Closed, None, "applied")?;
        Ok(done)
    }
}

/// One piece of advice on its way.
struct Step<'a> {
    advice: &'a Advice,
    sql: Sql<'a>,
    wanted: &'a UsersWanted,
    fault: Option<&'a Fault>,
}

impl Step<'_> {
    async fn take(
        &self,
        store: &mut Store,
        journal: &mut Journal,
        stopped: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(&Progress),
    ) -> Result<(), Error> {
        let (one, label) = (self.advice, self.advice.label());
        let action = if one.only_checks { Action::Validate } else { Action::Create };
        let noted = Noted { action, kind: one.kind(), name: one.name.clone(), restore: Vec::new() };
        let (is_whole, key) = (Some(KeyState::Whole), (one.kind(), one.name.clone()));
        let is_taken = !one.only_checks && store.key_named(&one.name).await? == is_whole;
        // What a killed run had asked for may have come to its end just now.
        if is_taken && !(journal.owned_by_advice().contains_key(&key) && self.stands(store).await?) {
            return Err(Error::Taken { name: one.name.clone(), table: self.sql.table.to_string() });
        }
        journal.append(Run::Apply, Event::Begun, Some(&noted), "")?;
        Fault::strike(self.fault, &label, "begun");
        let done = self.run(store, stopped, tell).await;
        Fault::strike(self.fault, &label, "changed");
        match &done {
            Ok(()) => journal.append(Run::Apply, Event::Done, Some(&noted), "")?,
            // The server may go on with it: the next run looks whether it did.
            Err(error) if error.leaves_open() => {}
            // What was begun and is there stays recorded as begun, so that a rollback finds it.
            Err(error) if !matches!(store.key_named(&one.name).await, Ok(Some(_)) | Err(_)) => {
                journal.append(Run::Apply, Event::Failed, Some(&noted), &error.to_string())?;
            }
            Err(_) => {}
        }
        Fault::strike(self.fault, &label, "recorded");
        done
    }

    async fn run(
        &self,
        store: &mut Store,
        stopped: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(&Progress),
    ) -> Result<(), Error> {
        let (one, label) = (self.advice, self.advice.label());
        let (is_index, wait) = (one.kind() == Kind::Index, patience(store.kind(), one.kind()));
        // The server keeps no list of rows that were left unchecked.
        if one.sql.is_empty() {
            return self.rows(store, stopped).await?.map_or(Ok(()), Err);
        }
        let mut wait = wait;
        for attempt in 1..=ATTEMPTS {
            let statements = match self.settled(store, stopped, tell).await? {
                // An attempt before this one was answered by a lost lock, and had come to its end.
                Some(KeyState::Whole) => return self.check_rows(store, stopped).await,
                // What a stopped build left is of no use.
                Some(_) if is_index => {
                    stop::alter(store, &self.sql.drop(one.kind(), &one.name), wait, stopped).await?;
                    &one.sql[..]
                }
                // It binds new rows already; the old ones are left.
                Some(_) => &one.sql[one.sql.len() - 1..],
                None => &one.sql[..],
            };
            let begun = Instant::now();
            match stop::alter(store, statements, wait, stopped).await {
                Ok(()) => return self.check_rows(store, stopped).await,
                Err(Error::Interrupted) => return Err(self.let_go(store).await),
                Err(error) if error.is_lock_conflict() => {
                    // It was built, and lost at the last lock: that is worth a longer wait.
                    if begun.elapsed() > wait.saturating_add(LATE) {
                        wait = wait.max(LONGER);
                    }
                    tell(&Progress::Waiting { doing: &label, attempt });
                    if pause(attempt, stopped).await.is_err() {
                        return Err(self.let_go(store).await);
                    }
                }
                Err(error) if error.leaves_open() => return Err(error),
                // The server was still busy with what a killed run had asked for, and that came first.
                Err(_) if self.stands(store).await? => return self.check_rows(store, stopped).await,
                Err(error) => return Err(self.explained(store, error, stopped).await?),
            }
        }
        Err(Error::Locked { doing: label, attempts: ATTEMPTS })
    }

    /// How the key stands once nobody builds it any more: a run that died may have left the server building.
    async fn settled(
        &self,
        store: &mut Store,
        stopped: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(&Progress),
    ) -> Result<Option<KeyState>, Error> {
        let mut attempt = 0;
        loop {
            let state = store.key_named(&self.advice.name).await?;
            if state != Some(KeyState::Building) {
                return Ok(state);
            }
            attempt += 1;
            tell(&Progress::Waiting { doing: &self.advice.label(), attempt });
            pause(attempt, stopped).await?;
        }
    }

    /// Drops what a stop left of a build, although somebody asked to stop: it may refuse rows, and costs every write.
    async fn let_go(&self, store: &mut Store) -> Error {
        let one = self.advice;
        let dropped = async {
            if one.kind() == Kind::Index && store.key_named(&one.name).await? == Some(KeyState::Broken) {
                store.alter(&self.sql.drop(one.kind(), &one.name), AT_ONCE).await?;
            }
            Ok(Error::Interrupted)
        };
        dropped
            .await
            .unwrap_or_else(|cause| Error::LeftOver { index: one.name.clone(), cause: Box::new(cause) })
    }

    /// Whether the table lacks it no longer.
    async fn stands(&self, store: &mut Store) -> Result<bool, Error> {
        let Some(facts) = store.key_facts().await? else { return Ok(false) };
        let (lacking, _) = unweighed(store, self.wanted, &facts).await?;
        Ok(!lacking.iter().any(|one| one.lack == self.advice.lack))
    }

    /// What was refused may have left an unusable index, and the reason may be rows that came meanwhile.
    async fn explained(
        &self,
        store: &mut Store,
        error: Error,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Error, Error> {
        let one = self.advice;
        if !one.only_checks && store.key_named(&one.name).await? == Some(KeyState::Broken) {
            self.drop(store).await?;
        }
        Ok(self.rows(store, stopped).await?.unwrap_or(error))
    }

    /// The server did not look at old rows where it adds a reference beside live traffic. Who stops meanwhile leaves them
    /// unchecked, and the journal says so.
    async fn check_rows(&self, store: &mut Store, stopped: &dyn Fn() -> bool) -> Result<(), Error> {
        if self.advice.kind() != Kind::Constraint || self.advice.only_checks {
            return Ok(());
        }
        let Some(error) = self.rows(store, stopped).await? else { return Ok(()) };
        self.drop(store).await?;
        Err(error)
    }

    async fn drop(&self, store: &mut Store) -> Result<(), Error> {
        let (kind, name) = (self.advice.kind(), &self.advice.name);
        Ok(store.alter(&self.sql.drop(kind, name), patience(store.kind(), kind)).await?)
    }

    /// Rows that do not allow it, as an error.
    async fn rows(&self, store: &mut Store, stopped: &dyn Fn() -> bool) -> Result<Option<Error>, Error> {
        let users = store.users_table(self.wanted).await.ok();
        let Some((selection, procedure)) = obstacle(self.advice.lack, users.as_ref()) else {
            return Ok(None);
        };
        let canceller = store.canceller().await?;
        let rows = stop::unless(stopped, &canceller, async { Ok(store.count(&selection).await?) }).await?;
        Ok((rows > 0).then(|| Error::Rows {
            doing: self.advice.label(),
            rows: format!("{rows} came meanwhile that `unleak sessions {procedure}` clears"),
        }))
    }
}
