//! One key of a backup: what it is, its name, when it ends, and its value.
//!
//! A session that is a string is kept as that string: DUMP compresses and checks what it gives, which costs the server
//! several times as much as to read it.

use super::answer;
use crate::session::Error;
use crate::session::backup::{Cursor, Encoding, Reader, Writer};
use crate::session::dialect::Part;
use redis::Value;
use sha1::{Digest as _, Sha1};
use std::borrow::Cow;

/// How long a value is at most that is compared itself.
pub(super) const SMALL: usize = 1024;

/// How a value is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A string, as GET gives it.
    Text,
    /// Whatever it is, as DUMP gives it.
    Dump,
}

/// The server's clock, in Unix microseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment(i64);

impl Moment {
    /// The answer of TIME. Asked right behind what was read with it: it comes before any delete of that, and behind every
    /// earlier one, so that of two backups the one is told that has a session as it was last.
    pub(super) fn told(answer: Option<Value>, doing: &'static str) -> Result<Self, Error> {
        match answer {
            Some(Value::ServerError(error)) => Err(answer::refused(doing, &error)),
            answer => answer.as_ref().and_then(answer::time).map(Self).ok_or_else(|| answer::nonsense(doing)),
        }
    }
}

pub(super) struct Record {
    /// Whether it is a session; a companion otherwise.
    pub(super) is_session: bool,
    pub(super) key: Vec<u8>,
    /// In Unix milliseconds of the server's clock; `None` for a key that stays.
    pub(super) ends: Option<i64>,
    /// When it was read, in Unix microseconds of the server's clock.
    pub(super) read: i64,
    pub(super) form: Form,
    pub(super) value: Vec<u8>,
}

impl Record {
    /// The value of a key that had so many milliseconds left; less than none for a key that stays.
    pub(super) fn new(part: Part, key: Vec<u8>, at: Moment, ttl: i64, form: Form, value: Vec<u8>) -> Self {
        let ends = (ttl >= 0).then_some(at.0 / 1000 + ttl);
        Self { is_session: part == Part::Session, key, ends, read: at.0, form, value }
    }

    pub(super) fn write(&self, writer: &mut Writer) -> Result<(), Error> {
        writer.write(match (self.form, self.is_session) {
            (Form::Text, _) => b"T",
            (Form::Dump, true) => b"S",
            (Form::Dump, false) => b"C",
        })?;
        for time in [self.ends.unwrap_or(-1), self.read] {
            writer.write(&time.to_be_bytes())?;
        }
        for bytes in [&self.key, &self.value] {
            // Redis holds no value of 4 GiB: 512 MiB are its limit, and it is the driver's as well.
            writer.write(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes())?;
            writer.write(bytes)?;
        }
        Ok(())
    }

    /// What tells whether a key still has this value: a small one itself, which costs less than its digest, else that as
    /// `redis.sha1hex` writes it. No small value is taken for the digest of a large one, since the script asks for the size.
    pub(super) fn likeness(&self) -> Cow<'_, [u8]> {
        if self.value.len() <= SMALL {
            return Cow::Borrowed(&self.value);
        }
        Cow::Owned(hex::encode(Sha1::digest(&self.value)).into_bytes())
    }
}

/// The keys of a backup, some at a time.
pub(super) struct Records {
    cursor: Cursor,
    sessions: u64,
}

impl Records {
    pub(super) fn new(reader: Reader) -> Result<Self, Error> {
        Ok(Self { cursor: Cursor::new(reader, Encoding::RedisDump)?, sessions: 0 })
    }

    /// The next keys: at most so many, and hardly more than so many bytes. None at the end of a whole file.
    pub(super) fn batch(&mut self, most: usize, bytes: usize) -> Result<Vec<Record>, Error> {
        let (mut batch, mut size) = (Vec::new(), 0);
        while batch.len() < most && size < bytes {
            if !self.cursor.has_more()? {
                self.cursor.check(self.sessions)?;
                break;
            }
            let record = self.record()?;
            size += record.value.len() + record.key.len();
            self.sessions += u64::from(record.is_session);
            batch.push(record);
        }
        Ok(batch)
    }

    fn record(&mut self) -> Result<Record, Error> {
        let [tag] = self.cursor.array()?;
        let (form, is_session) = match tag {
            b'T' => (Form::Text, true),
            b'S' => (Form::Dump, true),
            b'C' => (Form::Dump, false),
            _ => return Err(self.cursor.damaged()),
        };
        let ends = Some(self.time()?).filter(|&time| time >= 0);
        let read = self.time()?;
        Ok(Record { is_session, ends, read, form, key: self.cursor.bytes()?, value: self.cursor.bytes()? })
    }

    fn time(&mut self) -> Result<i64, Error> {
        Ok(i64::from_be_bytes(self.cursor.array()?))
    }
}
