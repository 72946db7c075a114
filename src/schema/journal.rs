//! What applies and rollbacks did to one table: a chain of records in the state folder, each on disk before what it
//! announces is done.
//!
//! A file and no table in the database, because a rollback runs the old definitions that stand in it as SQL: whoever
//! can write to the application's database must not be able to put statements there. A record says what is about to
//! be made; the catalogue says whether it was, so that a crash between the two loses nothing.

use super::Error;
use super::object::Kind;
use super::plan::Action;
use crate::durable::{AppendFile, Lock, chain, create_private_dir};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a record tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Event {
    /// A run starts.
    Opened,
    /// A step is about to change something.
    Begun,
    /// It did.
    Done,
    /// It did not.
    Failed,
    /// The run came to its end.
    Closed,
}

/// The kinds of run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Run {
    Apply,
    Rollback,
}

/// One line.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Record {
    seq: u64,
    at: Timestamp,
    run: Run,
    event: Event,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    step: Option<Noted>,
    detail: String,
    prev: String,
    hash: String,
}

/// A step as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Noted {
    pub(super) action: Action,
    pub(super) kind: Kind,
    pub(super) name: String,
    /// The statements that make again what is replaced or dropped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) restore: Vec<String>,
}

/// What a rollback has to undo of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owned {
    /// It was made.
    Made,
    /// It took the place of another, which these statements make again.
    Replaced(Vec<String>),
}

/// The journal of one table.
pub(super) struct Journal {
    path: PathBuf,
    file: Option<AppendFile>,
    records: Vec<Record>,
    whole: u64,
    _lock: Lock,
}

impl Journal {
    /// The folder of a table's journal. Users and passwords are no part of what it is known by.
    pub(super) fn folder(state: &Path, store: &str, table: &str) -> PathBuf {
        let place = store.rsplit_once('@').map_or(store, |(_, place)| place);
        let name = hex::encode(&Sha256::digest(format!("{place}\0{table}"))[..8]);
        state.join("schema").join(name)
    }

    /// Opens it, for this run alone.
    pub(super) fn open(folder: &Path) -> Result<Self, Error> {
        create_private_dir(folder)?;
        let path = folder.join("journal.jsonl");
        let lock = Lock::beside(&path)?;
        let (records, whole) = read(&path)?;
        Ok(Self { path, file: None, records, whole, _lock: lock })
    }

    /// The keys that an apply began to add, and of which no record says how that ended. Readable while a run goes on.
    pub(super) fn unfinished(folder: &Path) -> Result<Vec<String>, Error> {
        let mut open = Vec::new();
        for record in read(&folder.join("journal.jsonl"))?.0 {
            let Some(step) = record.step else {
                if (record.run, record.event) == (Run::Rollback, Event::Closed) {
                    open.clear();
                }
                continue;
            };
            match (record.run, record.event) {
                (Run::Apply, Event::Begun) if step.action == Action::Create => {
                    open.push(step.name);
                }
                (_, Event::Done) => open.retain(|name| *name != step.name),
                (Run::Apply, Event::Failed) if step.action == Action::Create => {
                    open.retain(|name| *name != step.name);
                }
                _ => {}
            }
        }
        Ok(open)
    }

    /// Adds a record, which is on disk when this returns.
    pub(super) fn append(
        &mut self,
        run: Run,
        event: Event,
        step: Option<&Noted>,
        detail: &str,
    ) -> Result<(), Error> {
        let prev = self.records.last().map_or_else(chain::first, |last| last.hash.clone());
        let seq = self.records.len() as u64;
        let (step, detail) = (step.cloned(), detail.to_owned());
        let mut record =
            Record { seq, at: Timestamp::now(), run, event, step, detail, prev, hash: String::new() };
        let value = |record: &Record| serde_json::to_value(record).expect("a record is plain data");
        record.hash = chain::hash(&value(&record));
        let line = format!("{}\n", chain::canonical(&value(&record)));
        let file = match &mut self.file {
            Some(file) => file,
            None if self.path.exists() => self.file.insert(AppendFile::reopen(&self.path, self.whole)?),
            None => self.file.insert(AppendFile::create(&self.path)?),
        };
        file.append(line.as_bytes())?;
        self.records.push(record);
        Ok(())
    }

    /// What applies of advice made and no rollback has undone yet: one that failed left nothing, else it is not recorded
    /// as failed.
    pub(super) fn owned_by_advice(&self) -> BTreeMap<(Kind, String), Owned> {
        self.owned_unless(|_| true)
    }

    /// What applies made or replaced and no rollback has undone yet.
    pub(super) fn owned(&self) -> BTreeMap<(Kind, String), Owned> {
        // A build that failed may have left something; everything else is whole or not there.
        self.owned_unless(|kind| kind != Kind::Index)
    }

    fn owned_unless(&self, failed_leaves_nothing: impl Fn(Kind) -> bool) -> BTreeMap<(Kind, String), Owned> {
        let mut owned = BTreeMap::new();
        for record in &self.records {
            let Some(step) = &record.step else {
                if (record.run, record.event) == (Run::Rollback, Event::Closed) {
                    owned.clear();
                }
                continue;
            };
            let key = (step.kind, step.name.clone());
            match (record.run, record.event, step.action) {
                (Run::Apply, Event::Begun, Action::Create | Action::Rebuild | Action::Fill) => {
                    owned.entry(key).or_insert(Owned::Made);
                }
                (Run::Apply, Event::Begun, Action::Replace) => {
                    owned.entry(key).or_insert_with(|| Owned::Replaced(step.restore.clone()));
                }
                (Run::Apply, Event::Failed, Action::Create) if failed_leaves_nothing(step.kind) => {
                    owned.remove(&key);
                }
                (Run::Rollback, Event::Done, _) => {
                    owned.remove(&key);
                }
                _ => {}
            }
        }
        owned
    }
}

/// The records of a file, and where the last whole one ends.
fn read(path: &Path) -> Result<(Vec<Record>, u64), Error> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        text => text.map_err(|cause| Error::Unreadable { path: path.to_owned(), cause })?,
    };
    let bad = |line, reason| Error::Journal { path: path.to_owned(), line, reason };
    let values = chain::read(&text).map_err(|broken| bad(broken.line, broken.reason))?;
    let record =
        |(index, value)| serde_json::from_value(value).map_err(|_| bad(index + 1, "it is no record"));
    let records: Vec<Record> = values.into_iter().enumerate().map(record).collect::<Result<_, _>>()?;
    // What a crash cut off never happened.
    Ok((records, text.rfind('\n').map_or(0, |at| at as u64 + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(action: Action, kind: Kind, name: &str) -> Noted {
        Noted { action, kind, name: name.to_owned(), restore: vec!["SELECT 1".to_owned()] }
    }

    #[test]
    fn what_was_begun_is_owned_until_it_is_undone() {
        let state = tempfile::tempdir().unwrap();
        let folder = Journal::folder(state.path(), "postgres://app:***@db:5432/shop", "public.auth_sessions");
        assert_eq!(
            folder,
            Journal::folder(state.path(), "postgres://ops@db:5432/shop", "public.auth_sessions")
        );
        let mut journal = Journal::open(&folder).unwrap();
        let column = noted(Action::Create, Kind::Column, "device_hash");
        let view = noted(Action::Replace, Kind::View, "active_sessions");
        journal.append(Run::Apply, Event::Opened, None, "").unwrap();
        journal.append(Run::Apply, Event::Begun, Some(&column), "").unwrap();
        journal.append(Run::Apply, Event::Begun, Some(&view), "").unwrap();
        drop(journal);
        let mut journal = Journal::open(&folder).unwrap();
        let made = (Kind::Column, "device_hash".to_owned());
        assert_eq!(journal.owned()[&made], Owned::Made);
        assert_eq!(
            journal.owned()[&(Kind::View, "active_sessions".to_owned())],
            Owned::Replaced(vec!["SELECT 1".to_owned()])
        );
        journal.append(Run::Rollback, Event::Done, Some(&column), "").unwrap();
        assert!(!journal.owned().contains_key(&made));
        journal.append(Run::Rollback, Event::Closed, None, "").unwrap();
        assert!(journal.owned().is_empty());
    }

    #[test]
    fn what_has_no_end_is_unfinished_and_what_failed_is_not_owned_by_advice() {
        let state = tempfile::tempdir().unwrap();
        let folder = state.path().join("x");
        assert!(Journal::unfinished(&folder).unwrap().is_empty());
        let mut journal = Journal::open(&folder).unwrap();
        let index = noted(Action::Create, Kind::Index, "i");
        let key = noted(Action::Create, Kind::Constraint, "k");
        for step in [&index, &key] {
            journal.append(Run::Apply, Event::Begun, Some(step), "").unwrap();
        }
        assert_eq!(Journal::unfinished(&folder).unwrap(), ["i", "k"]);
        journal.append(Run::Apply, Event::Failed, Some(&index), "").unwrap();
        assert_eq!(Journal::unfinished(&folder).unwrap(), ["k"]);
        assert!(!journal.owned_by_advice().contains_key(&(Kind::Index, "i".to_owned())));
        assert!(journal.owned().contains_key(&(Kind::Index, "i".to_owned())));
        let checked = noted(Action::Validate, Kind::Constraint, "k");
        journal.append(Run::Apply, Event::Done, Some(&checked), "").unwrap();
        assert!(Journal::unfinished(&folder).unwrap().is_empty());
        assert!(journal.owned_by_advice().contains_key(&(Kind::Constraint, "k".to_owned())));
    }

    #[test]
    fn a_changed_line_is_refused() {
        let state = tempfile::tempdir().unwrap();
        let folder = state.path().join("x");
        let mut journal = Journal::open(&folder).unwrap();
        journal.append(Run::Apply, Event::Begun, Some(&noted(Action::Replace, Kind::View, "v")), "").unwrap();
        drop(journal);
        let path = folder.join("journal.jsonl");
        let text = std::fs::read_to_string(&path).unwrap().replace("SELECT 1", "SELECT 2");
        crate::durable::write_atomic(&path, text.as_bytes(), crate::durable::Mode::Private).unwrap();
        assert!(matches!(Journal::open(&folder), Err(Error::Journal { line: 1, .. })));
    }
}
