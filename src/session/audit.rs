//! Who changed sessions, when, what and how many: an append-only chain of records in the state folder.
//!
//! No token and no address of a user stands in it. A record is on disk before the change that it announces, and
//! another one tells how that ended.

use super::Error;
use crate::durable::{AppendFile, Lock, chain, create_private_dir};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// More than a record can have.
const TAIL: u64 = 64 * 1024;
/// No log of such procedures is larger.
const LARGEST: u64 = 1024 * 1024 * 1024;

/// How a change stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuditState {
    /// It is about to be made.
    Begun,
    /// It was made.
    Done,
    /// A part of it was made, and it can go on.
    Stopped,
    /// It was not made, or not to its end; the detail says why.
    Failed,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// Who: the user of this machine.
    pub who: String,
    /// What, as the command.
    pub action: String,
    /// How it stands.
    pub state: AuditState,
    /// The store's address without its password.
    pub store: String,
    /// The session table.
    pub table: String,
    /// Which sessions.
    pub selection: String,
    /// How many were selected, deleted or restored, in words and numbers.
    pub detail: String,
    /// The incident that it belongs to.
    pub incident: String,
}

impl AuditEvent {
    fn bounded(self) -> Self {
        Self {
            who: bounded(&self.who, 200),
            action: bounded(&self.action, 200),
            state: self.state,
            store: bounded(&self.store, 2000),
            table: bounded(&self.table, 400),
            selection: bounded(&self.selection, 200),
            detail: bounded(&self.detail, 200),
            incident: bounded(&self.incident, 200),
        }
    }
}

fn bounded(text: &str, most: usize) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(most).collect()
}

/// One record as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// The number of the line, from 0.
    pub seq: u64,
    /// When, by the system's clock.
    pub at: Timestamp,
    /// What it says.
    #[serde(flatten)]
    pub event: AuditEvent,
    /// The hash of the record before.
    pub prev: String,
    /// The hash of this one.
    pub hash: String,
}

/// The records of one change: what all of them say, and the log that they go to.
#[derive(Clone, Debug)]
pub struct Trail {
    log: AuditLog,
    event: AuditEvent,
}

impl Trail {
    /// In a state folder, with what all of its records say; their state and detail come with each.
    pub fn new(state: &Path, event: AuditEvent) -> Self {
        Self { log: AuditLog::new(state), event }
    }

    /// Adds a record, which is on disk when this returns, and gives its hash.
    pub fn record(&self, state: AuditState, detail: String) -> Result<String, Error> {
        self.log.append(AuditEvent { state, detail, ..self.event.clone() })
    }
}

/// The log of one state folder.
#[derive(Clone, Debug)]
pub struct AuditLog {
    path: PathBuf,
}

impl AuditLog {
    /// The log in a state folder; nothing is made yet.
    pub fn new(state: &Path) -> Self {
        Self { path: state.join("audit").join("audit.jsonl") }
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a record, which is on disk when this returns, and gives its hash. Its texts are cut and made printable, so
    /// that no record is longer than what is read of the log's end.
    pub fn append(&self, event: AuditEvent) -> Result<String, Error> {
        let event = event.bounded();
        create_private_dir(self.path.parent().unwrap_or(Path::new(".")))?;
        let _lock = self.lock()?;
        let (mut file, seq, prev) = if self.path.exists() {
            let (whole, last) = self.end()?;
            let (seq, prev) = last.map_or((0, chain::first()), |last| (last.seq + 1, last.hash));
            (AppendFile::reopen(&self.path, whole)?, seq, prev)
        } else {
            (AppendFile::create(&self.path)?, 0, chain::first())
        };
        let mut record = AuditRecord { seq, at: Timestamp::now(), event, prev, hash: String::new() };
        let value = |record: &AuditRecord| serde_json::to_value(record).expect("a record is plain data");
        record.hash = chain::hash(&value(&record));
        file.append(format!("{}\n", chain::canonical(&value(&record))).as_bytes())?;
        Ok(record.hash)
    }

    /// Reads the log and checks that nothing in it was changed, taken out or put in. A log that does not exist is empty.
    pub fn read(&self) -> Result<Vec<AuditRecord>, Error> {
        if !self.path.exists() {
            return Ok(Vec::new());
        }
        let mut text = String::new();
        File::open(&self.path)
            .and_then(|file| file.take(LARGEST).read_to_string(&mut text))
            .map_err(|error| self.unusable(error.to_string()))?;
        let records = chain::read(&text)
            .map_err(|broken| self.unusable(format!("line {}: {}", broken.line, broken.reason)))?;
        let record = |value: Value| {
            serde_json::from_value(value).map_err(|_| self.unusable("a line is no record".to_owned()))
        };
        records.into_iter().map(record).collect()
    }

    /// Whether the last line is cut off, as a crash or a full disk leaves it.
    pub fn is_cut(&self) -> Result<bool, Error> {
        let io = |error: std::io::Error| self.unusable(error.to_string());
        if !self.path.exists() {
            return Ok(false);
        }
        let mut file = File::open(&self.path).map_err(io)?;
        if file.metadata().map_err(io)?.len() == 0 {
            return Ok(false);
        }
        let mut last = [0];
        file.seek(SeekFrom::End(-1)).and_then(|_| file.read_exact(&mut last)).map_err(io)?;
        Ok(last != *b"\n")
    }

    /// Two commands at once write one after the other.
    fn lock(&self) -> Result<Lock, Error> {
        for _ in 0..50 {
            match Lock::beside(&self.path) {
                Err(crate::durable::Error::Locked(_)) => std::thread::sleep(Duration::from_millis(100)),
                result => return Ok(result?),
            }
        }
        Err(self.unusable("another unleak keeps it locked".to_owned()))
    }

    /// How much of the file is whole lines, and the last of them.
    fn end(&self) -> Result<(u64, Option<AuditRecord>), Error> {
        let io = |error: std::io::Error| self.unusable(error.to_string());
        let mut file = File::open(&self.path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        let start = length.saturating_sub(TAIL);
        file.seek(SeekFrom::Start(start)).map_err(io)?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail).map_err(io)?;
        let Some(end) = memchr::memrchr(b'\n', &tail) else {
            // Nothing but what a crash left of the first record.
            return if start == 0 {
                Ok((0, None))
            } else {
                Err(self.unusable("its last line is no record".to_owned()))
            };
        };
        let begin = memchr::memrchr(b'\n', &tail[..end]).map_or(0, |at| at + 1);
        let last = serde_json::from_slice(&tail[begin..end])
            .map_err(|_| self.unusable("its last line is no record".to_owned()))?;
        Ok((start + end as u64 + 1, Some(last)))
    }

    fn unusable(&self, reason: String) -> Error {
        Error::Audit { path: self.path.clone(), reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(detail: &str) -> AuditEvent {
        AuditEvent {
            who: "ada".to_owned(),
            action: "sessions purge".to_owned(),
            state: AuditState::Begun,
            store: "sqlite:app.db".to_owned(),
            table: "sessions".to_owned(),
            selection: "all".to_owned(),
            detail: detail.to_owned(),
            incident: "INC-20261122-001".to_owned(),
        }
    }

    #[test]
    fn no_record_is_too_long_to_be_followed_by_another() {
        let folder = tempfile::tempdir().unwrap();
        let log = AuditLog::new(folder.path());
        let long = "\u{1f600}\"".repeat(100_000);
        for _ in 0..2 {
            let event =
                AuditEvent { who: long.clone(), store: long.clone(), incident: long.clone(), ..event(&long) };
            log.append(event).unwrap();
        }
        assert_eq!(log.read().unwrap().len(), 2);
        assert!(!log.is_cut().unwrap());
    }

    #[test]
    fn records_follow_one_another_and_a_change_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let log = AuditLog::new(folder.path());
        assert_eq!(log.read().unwrap(), []);
        for detail in ["one", "two \"quoted\"\n", "three"] {
            log.append(event(detail)).unwrap();
        }
        let records = log.read().unwrap();
        assert_eq!(records.iter().map(|record| record.seq).collect::<Vec<_>>(), [0, 1, 2]);
        let good = std::fs::read_to_string(log.path()).unwrap();
        let put = |text: &str| {
            crate::durable::write_atomic(log.path(), text.as_bytes(), crate::durable::Mode::Private).unwrap();
        };
        for (from, to) in [("three", "eerht"), ("ada", "eve"), ("\"who\"", "\"x\":1,\"who\"")] {
            put(&good.replacen(from, to, 1));
            assert!(log.read().is_err(), "{from}");
        }
        put(good.split_once('\n').unwrap().1);
        assert!(log.read().is_err());
        // What a crash cut off never happened, and the next record takes its place.
        put(&good[..good.len() - 5]);
        log.append(event("four")).unwrap();
        let records = log.read().unwrap();
        assert_eq!(
            records.iter().map(|r| r.event.detail.as_str()).collect::<Vec<_>>(),
            ["one", "two \"quoted\"\u{fffd}", "four"]
        );
    }
}
