//! Undoes what applies of advice recorded: what is there of it is dropped, and nothing else.

use super::super::journal::{Event, Journal, Noted, Run};
use super::super::object::Kind;
use super::super::plan::Action;
use super::super::runner::{ATTEMPTS, LOCK, pause};
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
    pub steps: Vec<String>,
    /// What should be gone and is not; empty when it is verified.
    pub left: Vec<String>,
    /// Whether somebody asked to stop; another rollback goes on.
    pub stopped: bool,
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

    /// Drops it. Asks `stopped` between steps.
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
        let mut done = AdviceUndone { steps: Vec::new(), left: Vec::new(), stopped: false };
        journal.append(Run::Rollback, Event::Opened, None, &format!("{} steps", self.keys.len()))?;
        for (index, ((kind, name), label)) in self.keys.iter().zip(&self.steps).enumerate() {
            if stopped() {
                done.stopped = true;
                return Ok(done);
            }
            tell(&Progress::Begun { number: index + 1, of: self.keys.len(), step: label });
            let noted =
                Noted { action: Action::Create, kind: *kind, name: name.clone(), restore: Vec::new() };
            journal.append(Run::Rollback, Event::Begun, Some(&noted), label)?;
            Fault::strike(fault, label, "begun");
            let drop = Sql { kind: store.kind(), table: &self.table }.drop(*kind, name);
            let wait = patience(store.kind(), *kind);
            match patiently(store, &drop, wait, label, stopped, tell).await {
                Ok(()) => {}
                Err(Error::Interrupted) => {
                    done.stopped = true;
                    return Ok(done);
                }
                Err(cause) => {
                    let (done, of) = (done.steps.len(), self.keys.len());
                    return Err(Error::Stopped { done, of, cause: Box::new(cause) });
                }
            }
            Fault::strike(fault, label, "changed");
            journal.append(Run::Rollback, Event::Done, Some(&noted), label)?;
            done.steps.push(label.clone());
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
        match store.alter(statements, wait).await {
            Err(error) if error.is_lock_conflict() => {
                tell(&Progress::Waiting { doing: label, attempt });
                pause(attempt).await;
                if stopped() {
                    return Err(Error::Interrupted);
                }
            }
            done => return Ok(done?),
        }
    }
    Err(Error::Locked { doing: label.to_owned(), attempts: ATTEMPTS })
}
