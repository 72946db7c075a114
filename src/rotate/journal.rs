//! What a rotation did, written before and after each step and on disk before the next: the source of the report,
//! and what a crash leaves to go on from.
//!
//! A chain of records, see `durable::chain`. No secret stands in it.

use super::bounded::{self, RECORD};
use super::{Error, Step};
use crate::durable::{AppendFile, chain};
use crate::secret::Redactor;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The kinds of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The rotation started; the data is the plan.
    Opened,
    /// A step is about to change something.
    Begun,
    /// A step did what it should.
    Done,
    /// A step failed.
    Failed,
    /// What a step had changed was put back.
    Undone,
    /// The rotation ended; the detail says how.
    Closed,
}

/// One line of a journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The number of the line, from 0.
    pub seq: u64,
    /// When, by the system's clock.
    pub at: Timestamp,
    /// Milliseconds of work since the first record, by a clock that nobody can set.
    pub ms: u64,
    /// What happened.
    pub event: Kind,
    /// To which step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Step>,
    /// To which target, from 1, where it happened to one of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<usize>,
    /// In words.
    pub detail: String,
    /// The plan, in the first record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Value>,
    /// The hash of the record before.
    pub prev: String,
    /// The hash of this one.
    pub hash: String,
}

/// A journal that is being written.
pub(super) struct Journal {
    file: AppendFile,
    started: Instant,
    /// What the process that a crash ended had counted.
    before_ms: u64,
    seq: u64,
    head: String,
}

impl Journal {
    /// Starts a journal.
    pub(super) fn create(path: &Path) -> Result<Self, Error> {
        let head = chain::first();
        Ok(Self { file: AppendFile::create(path)?, started: Instant::now(), before_ms: 0, seq: 0, head })
    }

    /// Goes on with a journal that a crash or a failure left, after its last whole record.
    pub(super) fn reopen(path: &Path, records: &[Record]) -> Result<Self, Error> {
        let text = bounded::read(path, path, RECORD)?;
        let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let last =
            records.last().ok_or(Error::Journal { path: path.to_owned(), line: 1, reason: "it is empty" })?;
        Ok(Self {
            file: AppendFile::reopen(path, whole as u64)?,
            started: Instant::now(),
            before_ms: last.ms,
            seq: last.seq + 1,
            head: last.hash.clone(),
        })
    }

    /// Adds a record, which is on disk when this returns.
    pub(super) fn append(
        &mut self,
        event: Kind,
        step: Option<Step>,
        target: Option<usize>,
        detail: &str,
        plan: Option<Value>,
        redactor: &Redactor,
    ) -> Result<Record, Error> {
        let mut record = Record {
            seq: self.seq,
            at: Timestamp::now(),
            ms: self.elapsed_ms(),
            event,
            step,
            target,
            detail: redactor.redact(detail),
            plan,
            prev: self.head.clone(),
            hash: String::new(),
        };
        record.hash = chain::hash(&to_value(&record));
        let mut line = chain::canonical(&to_value(&record));
        if !redactor.is_clean(without_hashes(&record).as_bytes()) {
            return Err(Error::Unclean("the journal"));
        }
        line.push('\n');
        self.file.append(line.as_bytes())?;
        self.seq += 1;
        self.head.clone_from(&record.hash);
        Ok(record)
    }

    /// The hash of the last record: whoever keeps it can tell later whether the journal was changed.
    pub(super) fn head(&self) -> &str {
        &self.head
    }

    pub(super) fn elapsed_ms(&self) -> u64 {
        self.before_ms + u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Reads a journal and checks that nothing in it was changed, taken out or put in.
///
/// A last line that a crash cut off is left out: what it would have said had not happened yet.
///
/// # Errors
/// [`Error::Journal`] with the line that does not fit.
pub fn read_journal(path: &Path) -> Result<Vec<Record>, Error> {
    let text = bounded::text(path, path, RECORD)?;
    let bad = |line, reason| Error::Journal { path: PathBuf::from(path), line, reason };
    let records = chain::read(&text).map_err(|broken| bad(broken.line, broken.reason))?;
    let record =
        |(index, value)| serde_json::from_value(value).map_err(|_| bad(index + 1, "it is no record"));
    records.into_iter().enumerate().map(record).collect()
}

fn to_value(record: &Record) -> Value {
    serde_json::to_value(record).expect("a record is plain data")
}

/// What a redactor should look at: a hash is random hexadecimal text of our own making.
fn without_hashes(record: &Record) -> String {
    let mut bare = record.clone();
    bare.prev.clear();
    bare.hash.clear();
    chain::canonical(&to_value(&bare))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn journal(folder: &Path) -> PathBuf {
        let path = folder.join("journal.jsonl");
        let none = Redactor::new([]);
        let mut journal = Journal::create(&path).unwrap();
        journal
            .append(Kind::Opened, None, None, "start", Some(serde_json::json!({"b": 1, "a": [2]})), &none)
            .unwrap();
        journal.append(Kind::Begun, Some(Step::Write), Some(1), "", None, &none).unwrap();
        journal.append(Kind::Done, Some(Step::Write), None, "one \"place\"", None, &none).unwrap();
        path
    }

    #[test]
    fn what_was_written_reads_back_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let records = read_journal(&journal(folder.path())).unwrap();
        assert_eq!(
            records.iter().map(|r| r.event).collect::<Vec<_>>(),
            [Kind::Opened, Kind::Begun, Kind::Done]
        );
        assert!(records.windows(2).all(|pair| pair[0].ms <= pair[1].ms));
    }

    #[test]
    fn any_changed_byte_is_noticed_and_a_cut_off_last_line_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = journal(folder.path());
        let good = std::fs::read(&path).unwrap();
        let last = good.len() - 1;
        let other = folder.path().join("other");
        let put = |bytes: &[u8]| {
            crate::durable::write_atomic(&other, bytes, crate::durable::Mode::Private).unwrap();
        };
        for at in 0..last {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            put(&bytes);
            let intact = read_journal(&other).is_ok_and(|records| records.len() == 3);
            assert!(!intact, "byte {at}");
        }
        put(&good[..last]);
        assert_eq!(read_journal(&other).unwrap().len(), 2);
    }

    #[test]
    fn a_secret_never_gets_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let secret = Secret::from("correct horse battery".to_owned());
        let redactor = Redactor::new([&secret]);
        let mut journal = Journal::create(&path).unwrap();
        journal.append(Kind::Failed, None, None, "it said correct horse battery", None, &redactor).unwrap();
        let plan = Some(serde_json::json!({"x": "correct horse battery"}));
        assert!(journal.append(Kind::Opened, None, None, "", plan, &redactor).is_err());
        assert!(redactor.is_clean(&std::fs::read(&path).unwrap()));
    }
}
