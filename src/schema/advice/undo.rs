//! Undoes what applies of advice recorded: what is there of it is dropped, and nothing else.

use super::super::course::Course;
use super::super::journal::{Event, Journal, Noted, Run};
use super::super::object::Kind;
use super::super::plan::Action;
use super::super::runner::{ATTEMPTS, LOCK};
use super::super::stop::{self, pause};
use super::super::{Error, Fault, Progress};
use super::sql::Sql;
use super::{folder, patience};
use crate::session::{Store, TableName};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// What a rollback of advice would do.
#[derive(Clone, Debug, Serialize)]
pub struct AdviceBack {
    /// The table.
    pub table: TableName,
    /// What is dropped.
    pub steps: Vec<String>,
    #[serde(skip)]
    keys: Vec<(Kind, String)>,
}

/// What a rollback of advice did.
#[derive(Clone, Debug, Serialize)]
pub struct AdviceUndone {
    /// What was dropped.
    #[serde(flatten)]
    pub course: Course,
    /// What should be gone and is not; empty when it is verified.
    pub left: Vec<String>,
}

impl AdviceBack {
    /// What a rollback would do now. Writes nothing.
    ///
    /// # Errors
    /// [`Error::NothingRecorded`] when no apply is recorded here that is not undone.
    pub async fn of(store: &mut Store, state: &Path) -> Result<Self, Error> {
        let Some(facts) = store.key_facts().await? else {
            return Err(crate::session::Error::Unsupported { what: "indexes on Redis".to_owned() }.into());
        };
        let table = facts.table;
        let folder = folder(store, state, &table);
        let owned = if folder.exists() { Journal::open(&folder)?.owned_by_advice() } else { BTreeMap::new() };
        if owned.is_empty() {
            return Err(Error::NothingRecorded { table: table.to_string(), folder });
        }
        let mut keys = Vec::new();
        for (kind, name) in owned.into_keys().rev() {
            if store.key_named(&name).await?.is_some() {
                keys.push((kind, name));
            }
        }
        let steps = keys.iter().map(|(kind, name)| format!("drop {kind} {name}")).collect();
        Ok(Self { table, steps, keys })
    }

    /// Drops it. Asks `stopped` all the while: it ends the statement that is under way.
    ///
    /// # Errors
    /// [`Error::Stopped`] when a step failed after others were done.
    pub async fn undo(
        &self,
        store: &mut Store,
        state: &Path,
        fault: Option<&Fault>,
        stopped: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(&Progress),
    ) -> Result<AdviceUndone, Error> {
        let mut journal = Journal::open(&folder(store, state, &self.table))?;
        let _held = store.hold(LOCK).await?.ok_or_else(|| Error::Busy { table: self.table.to_string() })?;
        let mut done = AdviceUndone { course: Course::of(self.steps.clone()), left: Vec::new() };
        journal.append(Run::Rollback, Event::Opened, None, &format!("{} steps", self.keys.len()))?;
        let ended = async {
            for (index, ((kind, name), label)) in self.keys.iter().zip(&self.steps).enumerate() {
                tell(&Progress::Begun { number: index + 1, of: self.keys.len(), step: label });
                let noted =
                    Noted { action: Action::Create, kind: *kind, name: name.clone(), restore: Vec::new() };
                journal.append(Run::Rollback, Event::Begun, Some(&noted), label)?;
                Fault::strike(fault, label, "begun");
                let drop = Sql { kind: store.kind(), table: &self.table }.drop(*kind, name);
                let wait = patience(store.kind(), *kind);
                match patiently(store, &drop, wait, label, stopped, tell).await {
                    Err(Error::Interrupted) => return Err(Error::Interrupted),
                    // The server was still busy with what a killed run had asked for, and that came first.
                    Err(_) if store.key_named(name).await?.is_none() => {}
                    dropped => dropped?,
                }
                Fault::strike(fault, label, "changed");
                journal.append(Run::Rollback, Event::Done, Some(&noted), label)?;
                Fault::strike(fault, label, "recorded");
                done.course.advance();
            }
            Ok::<_, Error>(())
        };
        let ended = ended.await;
        done.course.end(ended)?;
        if done.course.stopped {
            return Ok(done);
        }
        for ((_, name), label) in self.keys.iter().zip(&self.steps) {
            if store.key_named(name).await?.is_some() {
                done.left.push(label.clone());
            }
        }
        if done.left.is_empty() {
            journal.append(Run::Rollback, Event::Closed, None, "rolled back")?;
        }
        Ok(done)
    }
}

async fn patiently(
    store: &mut Store,
    statements: &[String],
    wait: Duration,
    label: &str,
    stopped: &dyn Fn() -> bool,
    tell: &mut dyn FnMut(&Progress),
) -> Result<(), Error> {
    for attempt in 1..=ATTEMPTS {
        if stopped() {
            return Err(Error::Interrupted);
        }
        match stop::alter(store, statements, wait, stopped).await {
            Err(error) if error.is_lock_conflict() => {
                tell(&Progress::Waiting { doing: label, attempt });
                pause(attempt, stopped).await?;
            }
            done => return done,
        }
    }
    Err(Error::Locked { doing: label.to_owned(), attempts: ATTEMPTS })
}
